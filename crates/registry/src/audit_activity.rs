//! How much happened when: the audit log counted into buckets of time.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::access::{Attempt, Role};
use crate::audit::{AuditFilter, by_index, push_conditions};
use crate::{Error, Registry, Result};

/// The activity of a range of time.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct AuditActivity {
    /// Where the first bucket begins.
    pub since: DateTime<Utc>,
    /// Where the range ends: within the last bucket or at its end.
    pub until: DateTime<Utc>,
    /// How long a bucket is, in seconds.
    pub bucket_seconds: u32,
    /// How many entries took effect in each bucket, the oldest first.
    pub counts: Vec<u32>,
    /// If there are more entries than are looked at: from when on they are counted.
    pub counted_since: Option<DateTime<Utc>>,
}

/// The most buckets.
const BUCKETS_MAX: u16 = 400;
/// A filter without a beginning looks back so far.
const LOOK_BACK: TimeDelta = TimeDelta::days(30);
/// The most entries that are looked at, the newest first; so a look at a large log stays short.
const SEARCHED_MAX: i64 = 100_000;
/// The lengths of buckets, in seconds: those of a clock and a calendar.
const BUCKET_SECONDS: [u32; 16] = [
    1, 5, 15, 30, 60, 300, 600, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800,
    2_592_000,
];
const READ: Attempt = Attempt::by(Role::RegistryAuditor, "Counting the audit log's activity");

impl Registry {
    /// How many of the entries that `filter` lets through took effect when, in `buckets` buckets at the most.
    /// Without a beginning it counts the last 30 days before the end; without an end, up to now. Entries that
    /// are older than the column `sealed_at` are in no bucket.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a number of buckets out of range or a range that ends before it begins,
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn audit_activity(
        &self,
        filter: &AuditFilter,
        buckets: u16,
    ) -> Result<AuditActivity> {
        if !(1..=BUCKETS_MAX).contains(&buckets) {
            return Err(Error::InvalidInput {
                field: "buckets",
                message: format!("There are {buckets} buckets, there must be 1 to {BUCKETS_MAX}."),
                action: "Ask for fewer.",
            });
        }
        // A microsecond is the database's smallest step: what is finer would put times before their buckets.
        let until = filter.until.unwrap_or_else(Utc::now).trunc_subsecs(6);
        let since = filter.since.unwrap_or(until - LOOK_BACK).trunc_subsecs(6);
        if since >= until {
            return Err(Error::InvalidInput {
                field: "since",
                message: "The range ends before it begins.".into(),
                action: "Choose a later end.",
            });
        }
        let bucket_seconds = bucket_length(until - since, buckets);
        let since = first_bucket(since, bucket_seconds);

        let failed = |source| Error::from_query(READ, source);
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        let (indexed, others) = by_index(filter);
        let mut query = sqlx::QueryBuilder::new("SELECT date_bin(make_interval(secs => ");
        query
            .push_bind(f64::from(bucket_seconds))
            .push("), sealed_at, ")
            .push_bind(since)
            .push(") AS start, count(*) FILTER (WHERE true");
        push_conditions(&mut query, &mut connection, &others).await?;
        query.push(
            ") AS found, count(*) AS searched, min(sealed_at) AS oldest
             FROM (SELECT * FROM public.extension_audit_log WHERE sealed_at IS NOT NULL",
        );
        let order = if indexed == AuditFilter::default() {
            // A range of times and not of revisions: then an index holds all that is read.
            query
                .push(" AND sealed_at >= ")
                .push_bind(since)
                .push(" AND sealed_at < ")
                .push_bind(until);
            " ORDER BY sealed_at DESC, revision DESC LIMIT "
        } else {
            let bounded = AuditFilter {
                since: Some(since),
                until: Some(until),
                ..indexed
            };
            push_conditions(&mut query, &mut connection, &bounded).await?;
            " ORDER BY revision DESC LIMIT "
        };
        query
            .push(order)
            .push_bind(SEARCHED_MAX)
            .push(") AS newest GROUP BY start");
        let buckets: Vec<Bucket> = query
            .build_query_as()
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;

        let mut activity = empty(since, until, bucket_seconds);
        for bucket in &buckets {
            let index = (bucket.start - since).num_seconds() / i64::from(bucket_seconds);
            let place = usize::try_from(index)
                .ok()
                .and_then(|index| activity.counts.get_mut(index));
            if let Some(place) = place {
                *place = u32::try_from(bucket.found).unwrap_or(u32::MAX);
            }
        }
        let searched: i64 = buckets.iter().map(|bucket| bucket.searched).sum();
        if searched >= SEARCHED_MAX {
            activity.counted_since = buckets.iter().map(|bucket| bucket.oldest).min();
        }
        Ok(activity)
    }
}

/// What was found of the newest entries in one bucket.
#[derive(sqlx::FromRow)]
struct Bucket {
    start: DateTime<Utc>,
    found: i64,
    searched: i64,
    oldest: DateTime<Utc>,
}

fn empty(since: DateTime<Utc>, until: DateTime<Utc>, bucket_seconds: u32) -> AuditActivity {
    let bucket_ms = i64::from(bucket_seconds) * 1_000;
    let range_ms = (until - since).num_milliseconds().max(1);
    let count = usize::try_from((range_ms + bucket_ms - 1) / bucket_ms).unwrap_or(1);
    AuditActivity {
        since,
        until,
        bucket_seconds,
        counts: vec![0; count],
        counted_since: None,
    }
}

/// The shortest length of which `buckets` cover the range, one of them for the part before the first whole one.
fn bucket_length(range: TimeDelta, buckets: u16) -> u32 {
    let shortest = range.num_seconds() / i64::from(buckets.saturating_sub(1).max(1)) + 1;
    BUCKET_SECONDS
        .into_iter()
        .find(|seconds| i64::from(*seconds) >= shortest)
        // Longer than the lengths of the list: a range of decades.
        .unwrap_or_else(|| u32::try_from(shortest).unwrap_or(u32::MAX))
}

/// Buckets of less than a day begin when the clock's do; longer ones where the range begins, because only the
/// caller knows when its days begin.
fn first_bucket(since: DateTime<Utc>, bucket_seconds: u32) -> DateTime<Utc> {
    let length = i64::from(bucket_seconds);
    if length >= 86_400 {
        return since;
    }
    DateTime::from_timestamp(since.timestamp().div_euclid(length) * length, 0).unwrap_or(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_a_clock_and_never_more_than_asked_for() {
        for (range, buckets, expected) in [
            (TimeDelta::days(30), 90, 43_200),
            (TimeDelta::days(1), 90, 1_800),
            (TimeDelta::minutes(10), 90, 15),
            (TimeDelta::milliseconds(1), 1, 1),
        ] {
            let seconds = bucket_length(range, buckets);
            assert_eq!(seconds, expected, "{range} in {buckets}");
        }
        for days in [1, 2, 7, 31, 400, 40_000] {
            let until = DateTime::from_timestamp(1_700_000_123, 0).unwrap();
            let range = TimeDelta::days(days);
            let seconds = bucket_length(range, 60);
            let activity = empty(first_bucket(until - range, seconds), until, seconds);
            assert!(
                activity.counts.len() <= 60,
                "{days} days: {}",
                activity.counts.len()
            );
        }
    }
}
