//! Which extensions are in trouble: limits crossed, with a margin before a trouble counts as over.

use std::cmp::Ordering;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

use super::history::HealthRange;
use super::overview::{HealthOverview, HealthOverviewRow};
use super::settings::{HealthLimits, HealthThreshold};
use crate::extensions::ExtensionType;
use crate::schemas::SchemaScope;
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

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
    /// It is on and was not called since its last call or, if that is later, since it was switched on.
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

/// How many calls of the range must have failed before its score says anything: of one call that failed, nobody wants
/// to be told, and three of three are trouble also where there is little traffic.
const FAILURES_MIN: i64 = 3;

/// How many calls there must be before their 95th percentile says anything: of fewer it is the slowest call.
const TIMED_CALLS_MIN: i64 = 10;

/// How long after it was first found a trouble counts, if it is still there.
const CONFIRMED_AFTER: TimeDelta = TimeDelta::seconds(20);

/// Follows all extensions from look to look. What it holds lies in memory: it begins anew with the program.
///
/// A trouble counts when two looks that are 20 s or more apart find it, and as over when one finds the value on the right
/// side of the limit by a margin: 1 percentage point of the score, a tenth of the latency. A value that hovers about its
/// limit is told once. A limit that somebody has changed is held against the value at once and without a margin. Of
/// fewer than 3 failed calls no score is judged, and of fewer than 10 calls no latency.
#[derive(Debug, Default)]
pub struct HealthWatch {
    raised: HashMap<Key, HealthAlarm>,
    /// Found, but not for long enough to count; and since when.
    suspected: HashMap<Key, DateTime<Utc>>,
    /// What the last look held against each extension.
    limits: HashMap<String, HealthLimits>,
}

type Key = (String, HealthTrouble);

impl HealthWatch {
    /// Looks, and tells what began and what is over.
    pub fn look(&mut self, look: &HealthLook) -> Vec<HealthCrossing> {
        let mut found = HashMap::new();
        let mut changed = HashSet::new();
        let mut limits_now = HashMap::new();
        for row in &look.overview.rows {
            let limits = limits_of(&row.extension_id, row.extension_type, &look.limits);
            let before = self.limits.get(&row.extension_id);
            for judged in judged(look, row, &limits) {
                let key = (row.extension_id.clone(), judged.trouble);
                let is_changed = before.is_some_and(|before| {
                    limit_of(before, judged.trouble) != limit_of(&limits, judged.trouble)
                });
                let held = self.raised.get(&key);
                if !judged.is_beyond(held.is_some(), is_changed) {
                    continue;
                }
                if is_changed {
                    changed.insert(key.clone());
                }
                let since = held
                    .map(|alarm| alarm.since)
                    .or_else(|| self.suspected.get(&key).copied())
                    .unwrap_or(look.at);
                let alarm = HealthAlarm {
                    extension_id: row.extension_id.clone(),
                    trouble: judged.trouble,
                    value: judged.value,
                    limit: judged.limit,
                    since,
                };
                found.insert(key, alarm);
            }
            limits_now.insert(row.extension_id.clone(), limits);
        }
        self.limits = limits_now;

        let mut raised = Vec::new();
        let mut cleared = Vec::new();
        self.raised.retain(|key, alarm| {
            let stays = found.contains_key(key);
            if !stays {
                cleared.push(alarm.clone());
            }
            stays
        });
        let mut suspected = HashMap::new();
        for (key, alarm) in found {
            let counts = changed.contains(&key) || look.at - alarm.since >= CONFIRMED_AFTER;
            match self.raised.entry(key) {
                Entry::Occupied(mut held) => drop(held.insert(alarm)),
                Entry::Vacant(place) if counts => {
                    raised.push(alarm.clone());
                    place.insert(alarm);
                }
                Entry::Vacant(place) => {
                    suspected.insert(place.into_key(), alarm.since);
                }
            }
        }
        self.suspected = suspected;
        raised.sort_by(by_severity);
        cleared.sort_by(by_severity);
        let raised = raised.into_iter().map(HealthCrossing::Raised);
        raised
            .chain(cleared.into_iter().map(HealthCrossing::Cleared))
            .collect()
    }

    /// What is wrong now: what fails before what is slow before what is silent, and of those what is further beyond its
    /// limit first.
    pub fn alarms(&self) -> Vec<HealthAlarm> {
        let mut alarms: Vec<HealthAlarm> = self.raised.values().cloned().collect();
        alarms.sort_by(by_severity);
        alarms
    }
}

fn by_severity(one: &HealthAlarm, other: &HealthAlarm) -> Ordering {
    let excess = |alarm: &HealthAlarm| match alarm.trouble {
        HealthTrouble::Failing => alarm.limit - alarm.value,
        HealthTrouble::Slow | HealthTrouble::Silent => alarm.value / alarm.limit,
    };
    one.trouble
        .cmp(&other.trouble)
        .then_with(|| excess(other).total_cmp(&excess(one)))
        .then_with(|| one.extension_id.cmp(&other.extension_id))
}

/// The extension's own limits, or those of its type.
pub(super) fn limits_of(
    extension_id: &str,
    extension_type: ExtensionType,
    all: &[HealthThreshold],
) -> HealthLimits {
    let mut of_type = None;
    for held in all {
        match &held.scope {
            SchemaScope::Extension(id) if id == extension_id => return held.limits,
            SchemaScope::Type(wanted) if *wanted == extension_type => {
                of_type = Some(held.limits);
            }
            _ => {}
        }
    }
    of_type.unwrap_or_default()
}

fn limit_of(limits: &HealthLimits, trouble: HealthTrouble) -> Option<f64> {
    match trouble {
        HealthTrouble::Failing => limits.score_below_percent,
        HealthTrouble::Slow => limits.p95_above_ms,
        HealthTrouble::Silent => limits.silent_for_seconds.map(f64::from),
    }
}

/// A value that a limit is held against.
struct Judged {
    trouble: HealthTrouble,
    value: f64,
    limit: f64,
    /// Whether there were calls enough for the value to say something.
    is_sure: bool,
}

impl Judged {
    /// Whether the value is on the wrong side of its limit, or of one that stands already not far enough on the right one.
    fn is_beyond(&self, is_raised: bool, is_limit_changed: bool) -> bool {
        if !self.is_sure && !is_raised {
            return false;
        }
        let has_margin = is_raised && !is_limit_changed;
        match self.trouble {
            HealthTrouble::Failing if has_margin => self.value < (self.limit + 1.0).min(100.0),
            HealthTrouble::Failing => self.value < self.limit,
            HealthTrouble::Slow if has_margin => self.value > self.limit * 0.9,
            HealthTrouble::Slow | HealthTrouble::Silent => self.value > self.limit,
        }
    }
}

/// What there is a limit of and a value to hold against it; of what is off, nothing.
#[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^53")]
fn judged(look: &HealthLook, row: &HealthOverviewRow, limits: &HealthLimits) -> Vec<Judged> {
    if !row.enabled {
        return Vec::new();
    }
    // Of an extension that was never called nobody knows whether it should have been.
    let silent_since = row
        .last_call
        .max(row.last_call.and(look.switched_on(&row.extension_id)));
    let silence = silent_since.map(|since| (look.at - since).num_seconds().max(0) as f64);
    let is_timed = row.success_count + row.failure_count >= TIMED_CALLS_MIN;
    [
        (
            HealthTrouble::Failing,
            row.score_percent,
            row.failure_count >= FAILURES_MIN,
        ),
        (HealthTrouble::Slow, row.p95_ms, is_timed),
        (HealthTrouble::Silent, silence, true),
    ]
    .into_iter()
    .filter_map(|(trouble, value, is_sure)| {
        let (value, limit) = value.zip(limit_of(limits, trouble))?;
        Some(Judged {
            trouble,
            value,
            limit,
            is_sure,
        })
    })
    .collect()
}

/// The range that values are of: short enough to notice, long enough for most extensions to be called in it.
const LOOK_MINUTES: TimeDelta = TimeDelta::minutes(15);

/// What a [`HealthWatch`] looks at.
#[derive(Clone, Debug)]
pub struct HealthLook {
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
    /// How the calls of the last 15 minutes went.
    pub overview: HealthOverview,
    /// All limits.
    pub limits: Vec<HealthThreshold>,
    /// When what was not called for long was last switched on or created.
    pub switched_on: HashMap<String, DateTime<Utc>>,
}

impl HealthLook {
    fn switched_on(&self, id: &str) -> Option<DateTime<Utc>> {
        self.switched_on.get(id).copied()
    }
}

const LOOK: &str = "Looking for extensions in trouble";

impl Registry {
    /// Reads what a [`HealthWatch`] looks at.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn look_at_health(&self) -> Result<HealthLook> {
        let failed = |source| Error::from_query(LOOK, source);
        let at: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()")
            .fetch_one(self.pool())
            .await
            .map_err(failed)?;
        let range = HealthRange {
            from: at - LOOK_MINUTES,
            until: at,
        };
        let overview = self.health_overview(range).await?;
        let limits = self.list_health_thresholds().await?;
        let mut look = HealthLook {
            at,
            overview,
            limits,
            switched_on: HashMap::new(),
        };
        let silent: Vec<&str> = look
            .overview
            .rows
            .iter()
            .filter(|row| {
                judged(
                    &look,
                    row,
                    &limits_of(&row.extension_id, row.extension_type, &look.limits),
                )
                .iter()
                .any(|judged| {
                    judged.trouble == HealthTrouble::Silent && judged.value > judged.limit
                })
            })
            .map(|row| row.extension_id.as_str())
            .collect();
        if !silent.is_empty() {
            // Whatever it was called, what switches on is a change from another state to on.
            let switched_on: Vec<(String, DateTime<Utc>)> = sqlx::query_as(
                "SELECT wanted.id, entry.timestamp
                 FROM unnest($1::text[]) AS wanted (id)
                 CROSS JOIN LATERAL (
                     SELECT timestamp
                     FROM public.extension_audit_log
                     WHERE extension_id = wanted.id AND revision IS NOT NULL
                       AND after ->> 'enabled' = 'true' AND (before ->> 'enabled') IS DISTINCT FROM 'true'
                     ORDER BY revision DESC
                     LIMIT 1
                 ) AS entry",
            )
            .bind(&silent)
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
            look.switched_on = switched_on.into_iter().collect();
        }
        Ok(look)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::health::{HealthSeverity, HealthState, HealthTotal};

    /// A row with calls enough to be judged.
    fn row(
        score: Option<f64>,
        p95_ms: Option<f64>,
        last_call: Option<DateTime<Utc>>,
    ) -> HealthOverviewRow {
        HealthOverviewRow {
            extension_id: "guard".into(),
            extension_type: ExtensionType::Validator,
            enabled: true,
            success_count: 97,
            failure_count: 3,
            score_percent: score,
            state: HealthState::of_score(score),
            severity: HealthSeverity::Healthy,
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

    fn held(scope: SchemaScope, limits: HealthLimits) -> HealthThreshold {
        HealthThreshold {
            scope,
            limits,
            changed_by: "anna".into(),
            changed_at: DateTime::UNIX_EPOCH,
        }
    }

    fn validators(limits: HealthLimits) -> HealthThreshold {
        held(SchemaScope::Type(ExtensionType::Validator), limits)
    }

    fn score_below(percent: f64) -> HealthThreshold {
        validators(HealthLimits {
            score_below_percent: Some(percent),
            ..HealthLimits::default()
        })
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    /// Looks at a time in seconds, and tells what began and what is over.
    fn look(
        watch: &mut HealthWatch,
        seconds: i64,
        rows: &[HealthOverviewRow],
        limits: &[HealthThreshold],
    ) -> Vec<(bool, HealthTrouble)> {
        let overview = HealthOverview {
            range: HealthRange {
                from: at(seconds) - LOOK_MINUTES,
                until: at(seconds),
            },
            step_minutes: 1,
            rows: rows.to_vec(),
            total: HealthTotal::default(),
            earlier: HealthTotal::default(),
            later: HealthTotal::default(),
            is_sample: false,
        };
        let look = HealthLook {
            at: at(seconds),
            overview,
            limits: limits.to_vec(),
            switched_on: HashMap::new(),
        };
        names(&watch.look(&look))
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

    const RAISED: (bool, HealthTrouble) = (true, HealthTrouble::Failing);
    const CLEARED: (bool, HealthTrouble) = (false, HealthTrouble::Failing);

    /// What each of these scores brings, one look after the other, with a limit of 95 %.
    fn told(scores: &[f64]) -> Vec<Vec<(bool, HealthTrouble)>> {
        let mut watch = HealthWatch::default();
        (0..)
            .step_by(30)
            .zip(scores)
            .map(|(seconds, score)| {
                let rows = [row(Some(*score), None, None)];
                look(&mut watch, seconds, &rows, &[score_below(95.0)])
            })
            .collect()
    }

    #[test]
    fn a_trouble_is_told_at_the_second_look_and_once() {
        assert_eq!(told(&[94.0, 94.0, 90.0]), [vec![], vec![RAISED], vec![]]);
        assert_eq!(
            told(&[94.0, 96.0, 94.0, 99.0]),
            [vec![], vec![], vec![], vec![]]
        );
    }

    #[test]
    fn looks_in_quick_succession_are_one() {
        let mut watch = HealthWatch::default();
        let rows = [row(Some(50.0), None, None)];
        let found = [0, 1, 19, 20]
            .map(|seconds| look(&mut watch, seconds, &rows, &[score_below(95.0)]).len());
        assert_eq!(found, [0, 0, 0, 1]);
        assert_eq!(watch.alarms()[0].since, at(0));
    }

    #[test]
    fn what_hovers_about_its_limit_is_over_once_it_is_clear_of_it() {
        assert_eq!(
            told(&[94.0, 94.9, 95.1, 94.9, 95.9, 96.0, 95.1]),
            [
                vec![],
                vec![RAISED],
                vec![],
                vec![],
                vec![],
                vec![CLEARED],
                vec![]
            ]
        );
    }

    #[test]
    fn a_limit_that_was_changed_counts_at_once_and_without_a_margin() {
        let mut watch = HealthWatch::default();
        let rows = [row(Some(97.0), None, None)];
        let none = validators(HealthLimits::default());
        let limits = [
            none.clone(),
            score_below(98.0),
            score_below(96.5),
            score_below(99.0),
            none,
        ];
        let told: Vec<_> = (0..)
            .zip(limits)
            .map(|(seconds, limit)| look(&mut watch, seconds, &rows, &[limit]))
            .collect();
        assert_eq!(
            told,
            [
                vec![],
                vec![RAISED],
                vec![CLEARED],
                vec![RAISED],
                vec![CLEARED]
            ]
        );
    }

    #[test]
    fn few_calls_say_nothing() {
        let limits = validators(HealthLimits {
            score_below_percent: Some(95.0),
            p95_above_ms: Some(100.0),
            silent_for_seconds: None,
        });
        let calls = |success_count, failure_count| HealthOverviewRow {
            success_count,
            failure_count,
            ..row(Some(50.0), Some(900.0), None)
        };
        let troubles = |row: HealthOverviewRow| {
            let mut watch = HealthWatch::default();
            look(
                &mut watch,
                0,
                std::slice::from_ref(&row),
                std::slice::from_ref(&limits),
            );
            look(&mut watch, 30, &[row], std::slice::from_ref(&limits))
        };
        assert_eq!(troubles(calls(0, 1)), []);
        assert_eq!(troubles(calls(0, 3)), [RAISED]);
        assert_eq!(troubles(calls(7, 2)), []);
        assert_eq!(troubles(calls(8, 2)), [(true, HealthTrouble::Slow)]);

        // What was told is over when it is well again, and not when the failures leave the range one by one.
        let mut watch = HealthWatch::default();
        let told: Vec<_> = (0..)
            .step_by(30)
            .zip([calls(0, 3), calls(0, 3), calls(0, 1), calls(0, 1)])
            .map(|(seconds, row)| look(&mut watch, seconds, &[row], &[score_below(95.0)]))
            .collect();
        assert_eq!(told, [vec![], vec![RAISED], vec![], vec![]]);
    }

    #[test]
    fn latency_and_silence_have_limits_of_their_own_and_an_extension_before_its_type() {
        let of_type = validators(HealthLimits {
            p95_above_ms: Some(100.0),
            ..HealthLimits::default()
        });
        let own = HealthLimits {
            silent_for_seconds: Some(60),
            ..HealthLimits::default()
        };
        let of_it = held(SchemaScope::Extension("guard".into()), own);
        let mut watch = HealthWatch::default();
        let mut look_at = |seconds, p95_ms, last_call, limits: &[HealthThreshold]| {
            let rows = [row(None, Some(p95_ms), Some(at(last_call)))];
            let told = look(&mut watch, seconds, &rows, limits);
            (told, watch.alarms().len())
        };
        let of_type_alone = std::slice::from_ref(&of_type);
        assert_eq!(look_at(100, 101.0, 0, of_type_alone), (vec![], 0));
        let slow = vec![(true, HealthTrouble::Slow)];
        assert_eq!(look_at(130, 101.0, 0, of_type_alone), (slow, 1));
        // A tenth below the limit it is over.
        assert_eq!(look_at(160, 91.0, 0, of_type_alone), (vec![], 1));
        // Its own limits say nothing of latency.
        let both = [of_type.clone(), of_it];
        let instead = vec![(true, HealthTrouble::Silent), (false, HealthTrouble::Slow)];
        assert_eq!(look_at(190, 101.0, 0, &both), (instead, 1));
        let called = vec![(false, HealthTrouble::Silent)];
        assert_eq!(look_at(220, 101.0, 220, &both), (called, 0));
    }

    #[test]
    fn silence_begins_when_it_is_switched_on() {
        let silent = validators(HealthLimits {
            silent_for_seconds: Some(60),
            ..HealthLimits::default()
        });
        let of = |switched_on: Option<DateTime<Utc>>, last_call| {
            let mut watch = HealthWatch::default();
            let overview = HealthOverview {
                range: HealthRange {
                    from: at(0),
                    until: at(900),
                },
                step_minutes: 1,
                rows: vec![row(None, None, last_call)],
                total: HealthTotal::default(),
                earlier: HealthTotal::default(),
                later: HealthTotal::default(),
                is_sample: false,
            };
            let mut look = HealthLook {
                at: at(900),
                overview,
                limits: vec![silent.clone()],
                switched_on: switched_on
                    .map(|at| ("guard".into(), at))
                    .into_iter()
                    .collect(),
            };
            watch.look(&look);
            look.at = at(930);
            watch.look(&look);
            watch.alarms().first().map(|alarm| alarm.value)
        };
        assert_eq!(of(None, Some(at(0))), Some(930.0));
        assert_eq!(of(Some(at(600)), Some(at(0))), Some(330.0));
        assert_eq!(of(Some(at(890)), Some(at(0))), None);
        assert_eq!(of(Some(at(0)), None), None, "it was never called");
    }

    #[test]
    fn what_is_off_or_was_never_called_is_in_no_trouble() {
        let limits = [validators(HealthLimits {
            score_below_percent: Some(95.0),
            silent_for_seconds: Some(60),
            ..HealthLimits::default()
        })];
        let mut watch = HealthWatch::default();
        let never = row(None, None, None);
        let off = HealthOverviewRow {
            extension_id: "off".into(),
            enabled: false,
            ..row(Some(10.0), None, Some(at(0)))
        };
        for seconds in [900, 930, 960] {
            let rows = [never.clone(), off.clone()];
            assert_eq!(look(&mut watch, seconds, &rows, &limits), []);
        }
        // Switched on, it is no change of a limit.
        let on = HealthOverviewRow {
            enabled: true,
            ..off
        };
        assert_eq!(
            look(&mut watch, 961, std::slice::from_ref(&on), &limits),
            []
        );
        assert_eq!(look(&mut watch, 991, &[on], &limits).len(), 2);
    }

    #[test]
    fn the_worst_comes_first() {
        let mut watch = HealthWatch::default();
        let named = |id: &str, score, p95_ms| HealthOverviewRow {
            extension_id: id.into(),
            ..row(score, p95_ms, None)
        };
        let rows = [
            named("a", Some(90.0), Some(200.0)),
            named("b", Some(40.0), None),
            named("c", None, Some(800.0)),
        ];
        let limits = [validators(HealthLimits {
            score_below_percent: Some(95.0),
            p95_above_ms: Some(100.0),
            silent_for_seconds: None,
        })];
        look(&mut watch, 0, &rows, &limits);
        look(&mut watch, 30, &rows, &limits);
        let alarms = watch.alarms();
        let order: Vec<_> = alarms
            .iter()
            .map(|alarm| (alarm.trouble, alarm.extension_id.as_str()))
            .collect();
        assert_eq!(
            order,
            [
                (HealthTrouble::Failing, "b"),
                (HealthTrouble::Failing, "a"),
                (HealthTrouble::Slow, "c"),
                (HealthTrouble::Slow, "a")
            ]
        );
    }
}
