//! Which extensions are in trouble: limits crossed, with a margin before a trouble counts as over.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

use super::history::HealthOverviewRow;
use super::settings::{HealthLimits, HealthThreshold};
use crate::schemas::SchemaScope;
use crate::wire::WireNumber;

/// What is wrong with an extension.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Type,
)]
#[serde(rename_all = "snake_case")]
pub enum HealthTrouble {
    /// Too few of its calls succeed.
    Failing,
    /// Too many of its calls take too long.
    Slow,
    /// It is on and nobody calls it.
    Silent,
}

/// An extension in trouble.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct HealthAlarm {
    /// The extension.
    pub extension_id: String,
    /// What is wrong.
    pub trouble: HealthTrouble,
    /// The score in percent, the 95th percentile in milliseconds, or the silence in seconds, as it is now.
    #[specta(type = WireNumber)]
    pub value: f64,
    /// The limit that it has crossed, in the same unit.
    #[specta(type = WireNumber)]
    pub limit: f64,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A trouble that began or is over.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum HealthCrossing {
    /// It began.
    Raised(HealthAlarm),
    /// It is over.
    Cleared(HealthAlarm),
}

/// Follows all extensions from look to look. A trouble counts when two looks in a row find it, and as over when one
/// finds the value on the right side of the limit by a margin: 1 percentage point of the score, a tenth of the
/// latency. A value that hovers about its limit is told once.
#[derive(Debug, Default)]
pub struct HealthWatch {
    raised: HashMap<(String, HealthTrouble), HealthAlarm>,
    /// Found by the last look alone, and since when.
    suspected: HashMap<(String, HealthTrouble), DateTime<Utc>>,
}

impl HealthWatch {
    /// Looks at what an overview of the last minutes says, and tells what began and what is over.
    pub fn look(
        &mut self,
        now: DateTime<Utc>,
        rows: &[HealthOverviewRow],
        thresholds: &[HealthThreshold],
    ) -> Vec<HealthCrossing> {
        let mut found = HashMap::new();
        let mut crossings = Vec::new();
        for row in rows.iter().filter(|row| row.enabled) {
            let limits = limits_of(row, thresholds);
            for (trouble, value, limit) in values(now, row, &limits) {
                let key = (row.extension_id.clone(), trouble);
                let held = self.raised.get(&key);
                if !is_beyond(trouble, value, limit, held.is_some()) {
                    continue;
                }
                let since = held
                    .map(|alarm| alarm.since)
                    .or_else(|| self.suspected.get(&key).copied())
                    .unwrap_or(now);
                let alarm = HealthAlarm {
                    extension_id: row.extension_id.clone(),
                    trouble,
                    value,
                    limit,
                    since,
                };
                found.insert(key, alarm);
            }
        }
        self.raised.retain(|key, alarm| {
            let stays = found.contains_key(key);
            if !stays {
                crossings.push(HealthCrossing::Cleared(alarm.clone()));
            }
            stays
        });
        let mut suspected = HashMap::new();
        for (key, alarm) in found {
            if self.raised.contains_key(&key) {
                self.raised.insert(key, alarm);
            } else if self.suspected.contains_key(&key) {
                crossings.push(HealthCrossing::Raised(alarm.clone()));
                self.raised.insert(key, alarm);
            } else {
                suspected.insert(key, alarm.since);
            }
        }
        self.suspected = suspected;
        crossings.sort_by(|one, other| order(one).cmp(&order(other)));
        crossings
    }

    /// What is wrong now: what fails before what is slow before what is silent, then by id.
    pub fn alarms(&self) -> Vec<HealthAlarm> {
        let mut alarms: Vec<HealthAlarm> = self.raised.values().cloned().collect();
        alarms.sort_by(|one, other| {
            (one.trouble, &one.extension_id).cmp(&(other.trouble, &other.extension_id))
        });
        alarms
    }
}

fn order(crossing: &HealthCrossing) -> (bool, HealthTrouble, &str) {
    match crossing {
        HealthCrossing::Raised(alarm) => (false, alarm.trouble, &alarm.extension_id),
        HealthCrossing::Cleared(alarm) => (true, alarm.trouble, &alarm.extension_id),
    }
}

/// The extension's own limits, or those of its type.
fn limits_of(row: &HealthOverviewRow, thresholds: &[HealthThreshold]) -> HealthLimits {
    let of = |wanted: &SchemaScope| {
        thresholds
            .iter()
            .find(|threshold| threshold.scope == *wanted)
            .map(|threshold| threshold.limits)
    };
    of(&SchemaScope::Extension(row.extension_id.clone()))
        .or_else(|| of(&SchemaScope::Type(row.extension_type)))
        .unwrap_or_default()
}

/// What there is a limit of and a value to hold against it.
#[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^53")]
fn values(
    now: DateTime<Utc>,
    row: &HealthOverviewRow,
    limits: &HealthLimits,
) -> impl Iterator<Item = (HealthTrouble, f64, f64)> {
    let failing = row.score_percent.zip(limits.score_below_percent);
    let slow = row.p95_ms.zip(limits.p95_above_ms);
    // Of an extension that was never called nobody knows whether it should have been.
    let silent = row
        .last_call
        .map(|at| (now - at).num_seconds().max(0) as f64)
        .zip(limits.silent_for_seconds.map(f64::from));
    [
        (HealthTrouble::Failing, failing),
        (HealthTrouble::Slow, slow),
        (HealthTrouble::Silent, silent),
    ]
    .into_iter()
    .filter_map(|(trouble, both)| both.map(|(value, limit)| (trouble, value, limit)))
}

/// Whether a value is on the wrong side of its limit, or not far enough on the right one.
fn is_beyond(trouble: HealthTrouble, value: f64, limit: f64, is_raised: bool) -> bool {
    match (trouble, is_raised) {
        (HealthTrouble::Failing, false) => value < limit,
        (HealthTrouble::Failing, true) => value < (limit + 1.0).min(100.0),
        (HealthTrouble::Slow, true) => value > limit * 0.9,
        (HealthTrouble::Slow, false) | (HealthTrouble::Silent, _) => value > limit,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::extensions::ExtensionType;
    use crate::health::HealthState;

    fn row(
        score: Option<f64>,
        p95_ms: Option<f64>,
        last_call: Option<DateTime<Utc>>,
    ) -> HealthOverviewRow {
        HealthOverviewRow {
            extension_id: "guard".into(),
            extension_type: ExtensionType::Validator,
            enabled: true,
            success_count: 0,
            failure_count: 0,
            score_percent: score,
            state: HealthState::of_score(score),
            trend_percent_points: None,
            p50_ms: None,
            p95_ms,
            p99_ms: None,
            last_failure: None,
            last_call,
            success_counts: Vec::new(),
            failure_counts: Vec::new(),
        }
    }

    fn threshold(scope: SchemaScope, limits: HealthLimits) -> HealthThreshold {
        HealthThreshold {
            scope,
            limits,
            changed_by: "anna".into(),
            changed_at: DateTime::UNIX_EPOCH,
        }
    }

    fn names(crossings: &[HealthCrossing]) -> Vec<(bool, HealthTrouble)> {
        crossings
            .iter()
            .map(|crossing| match crossing {
                HealthCrossing::Raised(alarm) => (true, alarm.trouble),
                HealthCrossing::Cleared(alarm) => (false, alarm.trouble),
            })
            .collect()
    }

    /// What each of these scores brings, one look after the other, with a limit of 95 %.
    fn told(scores: &[f64]) -> Vec<Vec<(bool, HealthTrouble)>> {
        let limits = HealthLimits {
            score_below_percent: Some(95.0),
            ..HealthLimits::default()
        };
        let thresholds = [threshold(
            SchemaScope::Type(ExtensionType::Validator),
            limits,
        )];
        let mut watch = HealthWatch::default();
        scores
            .iter()
            .map(|score| {
                let rows = [row(Some(*score), None, None)];
                names(&watch.look(Utc::now(), &rows, &thresholds))
            })
            .collect()
    }

    #[test]
    fn a_trouble_is_told_at_the_second_look_and_once() {
        let raised = vec![(true, HealthTrouble::Failing)];
        assert_eq!(told(&[94.0, 94.0, 90.0]), [vec![], raised, vec![]]);
        assert_eq!(
            told(&[94.0, 96.0, 94.0, 99.0]),
            [vec![], vec![], vec![], vec![]]
        );
    }

    #[test]
    fn what_hovers_about_its_limit_is_over_once_it_is_clear_of_it() {
        let raised = vec![(true, HealthTrouble::Failing)];
        let cleared = vec![(false, HealthTrouble::Failing)];
        assert_eq!(
            told(&[94.0, 94.9, 95.1, 94.9, 95.9, 96.0, 95.1]),
            [vec![], raised, vec![], vec![], vec![], cleared, vec![]]
        );
    }

    #[test]
    fn latency_and_silence_have_limits_of_their_own_and_an_extension_before_its_type() {
        let now = Utc::now();
        let slow = HealthLimits {
            p95_above_ms: Some(100.0),
            ..HealthLimits::default()
        };
        let own = HealthLimits {
            silent_for_seconds: Some(60),
            ..HealthLimits::default()
        };
        let of_type = threshold(SchemaScope::Type(ExtensionType::Validator), slow);
        let of_it = threshold(SchemaScope::Extension("guard".into()), own);
        let rows = [row(None, Some(101.0), Some(now - TimeDelta::seconds(61)))];
        let mut watch = HealthWatch::default();
        assert_eq!(watch.look(now, &rows, std::slice::from_ref(&of_type)), []);
        let crossings = watch.look(now, &rows, std::slice::from_ref(&of_type));
        assert_eq!(names(&crossings), [(true, HealthTrouble::Slow)]);
        assert_eq!(watch.alarms().len(), 1);
        // Its own limits say nothing of latency.
        let both = [of_type, of_it];
        assert_eq!(
            names(&watch.look(now, &rows, &both)),
            [(false, HealthTrouble::Slow)]
        );
        assert_eq!(
            names(&watch.look(now, &rows, &both)),
            [(true, HealthTrouble::Silent)]
        );
        let called = [row(None, Some(101.0), Some(now))];
        assert_eq!(
            names(&watch.look(now, &called, &both)),
            [(false, HealthTrouble::Silent)]
        );
    }

    #[test]
    fn what_is_off_or_was_never_called_is_in_no_trouble() {
        let limits = HealthLimits {
            score_below_percent: Some(95.0),
            silent_for_seconds: Some(60),
            ..HealthLimits::default()
        };
        let thresholds = [threshold(
            SchemaScope::Type(ExtensionType::Validator),
            limits,
        )];
        let mut watch = HealthWatch::default();
        let never = row(None, None, None);
        let off = HealthOverviewRow {
            enabled: false,
            ..row(Some(10.0), None, None)
        };
        for _ in 0..3 {
            assert_eq!(
                watch.look(Utc::now(), &[never.clone(), off.clone()], &thresholds),
                []
            );
        }
    }
}
