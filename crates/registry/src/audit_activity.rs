//! How much happened when: the audit log counted into buckets of time.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::postgres::PgConnection;
use sqlx::postgres::types::PgInterval;

use crate::access::{Attempt, Role};
use crate::audit::{AuditAction, AuditFilter, by_index, push_conditions};
use crate::{Error, Registry, Result};

/// The activity of a range of time.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct AuditActivity {
    /// Where the buckets begin, the oldest first, and where the last one ends. The first and the last bucket may be
    /// shorter than the others: the range need not begin or end where a bucket does.
    pub edges: Vec<DateTime<Utc>>,
    /// How many entries took effect in each bucket: one less than there are edges.
    pub counts: Vec<u32>,
    /// How long a whole bucket is.
    pub bucket: BucketLength,
    /// If there are more entries than are looked at: from when on they are counted.
    pub counted_since: Option<DateTime<Utc>>,
}

/// How long a bucket is by the clock and the calendar of a time zone.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct BucketLength {
    /// How many of the unit.
    pub amount: u16,
    /// The unit.
    pub unit: TimeUnit,
}

/// The units of buckets.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day: from midnight to midnight, which is 23 or 25 hours where clocks change.
    Day,
    /// A week that begins on Monday.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// The most buckets.
const BUCKETS_MAX: u16 = 400;
/// A filter without a beginning looks back to the first entry, and so far at least.
const LOOK_BACK_MIN: TimeDelta = TimeDelta::days(1);
/// The most entries that an index finds and counts without a look at them, the newest first.
const COUNTED_MAX: i64 = 50_000;
/// The most entries that are looked at where no index tells which the filter lets through, the newest first.
const SEARCHED_MAX: i64 = 10_000;
/// The lengths of buckets: those of a clock and a calendar.
const BUCKET_LENGTHS: [BucketLength; 21] = {
    use TimeUnit::{Day, Hour, Minute, Month, Second, Week, Year};
    const fn length(amount: u16, unit: TimeUnit) -> BucketLength {
        BucketLength { amount, unit }
    }
    [
        length(1, Second),
        length(5, Second),
        length(15, Second),
        length(30, Second),
        length(1, Minute),
        length(5, Minute),
        length(15, Minute),
        length(30, Minute),
        length(1, Hour),
        length(2, Hour),
        length(3, Hour),
        length(6, Hour),
        length(12, Hour),
        length(1, Day),
        length(1, Week),
        length(1, Month),
        length(3, Month),
        length(1, Year),
        length(10, Year),
        length(100, Year),
        length(1_000, Year),
    ]
};
const READ: Attempt = Attempt::by(Role::RegistryAuditor, "Counting the audit log's activity");

impl Registry {
    /// How many of the entries that `filter` lets through took effect when, in `buckets` buckets at the most, which
    /// begin when those of a clock or a calendar in `time_zone` (an IANA name such as `Europe/Berlin`) do.
    ///
    /// Without a beginning it counts from the first entry on, without an end up to now. A filter by time and kinds
    /// counts all entries, however many there are, and takes no longer for more; for any other the newest are counted, and
    /// the answer says from when on. Entries that are older than the column `sealed_at` are in no bucket.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a number of buckets out of range, a range that ends before it begins or a time
    /// zone that the database doesn't know, [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn audit_activity(
        &self,
        filter: &AuditFilter,
        buckets: u16,
        time_zone: &str,
    ) -> Result<AuditActivity> {
        if !(1..=BUCKETS_MAX).contains(&buckets) {
            return Err(Error::InvalidInput {
                field: "buckets",
                message: format!("There are {buckets} buckets, there must be 1 to {BUCKETS_MAX}."),
                action: "Ask for fewer.",
            });
        }
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        // A microsecond is the database's smallest step: what is finer would put times before their buckets.
        let until = filter.until.unwrap_or_else(Utc::now).trunc_subsecs(6);
        let since = match filter.since {
            Some(since) => since.trunc_subsecs(6),
            None => beginning(&mut connection, until).await?,
        };
        if since >= until {
            return Err(Error::InvalidInput {
                field: "since",
                message: "The range ends before it begins.".into(),
                action: "Choose a later end.",
            });
        }
        let bucket = bucket_length(until - since, buckets);
        let mut edges = vec![since];
        if buckets > 1 {
            let inner = inner_edges(&mut connection, bucket, since, until, time_zone).await?;
            edges.extend(inner);
        }
        edges.push(until);

        let revisions = revisions_before(&mut connection, &edges).await?;
        let (counts, counted_since) = if is_counted(filter) {
            let counts = if filter.actions.is_empty() {
                // Revisions have no gaps.
                revisions
            } else {
                counts_to(&mut connection, &revisions, &filter.actions).await?
            };
            let counts = counts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            (counts, None)
        } else {
            newest(&mut connection, filter, &revisions).await?
        };
        Ok(AuditActivity {
            edges,
            counts: counts
                .into_iter()
                .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
                .collect(),
            bucket,
            counted_since,
        })
    }

    /// How many entries `filter` lets through, if that is known without a look at them: for a filter by time and
    /// kinds. Entries that are older than the column `sealed_at` count where there is no beginning.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn count_audit_entries(&self, filter: &AuditFilter) -> Result<Option<i64>> {
        if !is_counted(filter) {
            return Ok(None);
        }
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        let mut ends = [0, 0];
        if let Some(since) = filter.since {
            ends[0] = revisions_before(&mut connection, &[since]).await?[0];
        }
        ends[1] = match filter.until {
            Some(until) => revisions_before(&mut connection, &[until]).await?[0],
            None => sqlx::query_scalar("SELECT revision FROM public.registry_head")
                .fetch_one(&mut *connection)
                .await
                .map_err(failed)?,
        };
        if !filter.actions.is_empty() {
            let counts = counts_to(&mut connection, &ends, &filter.actions).await?;
            ends = [counts[0], counts[1]];
        }
        Ok(Some((ends[1] - ends[0]).max(0)))
    }
}

fn failed(source: sqlx::Error) -> Error {
    Error::from_query(READ, source)
}

/// Whether the entries of a filter are counted without a look at them.
fn is_counted(filter: &AuditFilter) -> bool {
    let others = AuditFilter {
        since: None,
        until: None,
        actions: Vec::new(),
        text: filter.text.clone().filter(|text| !text.is_empty()),
        ..filter.clone()
    };
    others == AuditFilter::default()
}

/// When the first entry took effect, or a little earlier, so that there is a range to show.
async fn beginning(connection: &mut PgConnection, until: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let first: Option<DateTime<Utc>> = sqlx::query_scalar(
        "SELECT sealed_at FROM public.extension_audit_log
         WHERE sealed_at IS NOT NULL
         ORDER BY sealed_at, revision
         LIMIT 1",
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    let latest = until - LOOK_BACK_MIN;
    Ok(first.map_or(latest, |first| first.min(latest)))
}

/// Where buckets begin between the two times.
async fn inner_edges(
    connection: &mut PgConnection,
    bucket: BucketLength,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    time_zone: &str,
) -> Result<Vec<DateTime<Utc>>> {
    let query = if bucket.is_of_a_clock() {
        // By time that passes: an hour that comes twice has buckets of its own.
        "SELECT edge
         FROM generate_series(
             date_bin($1, $2, date_trunc('day', $2 AT TIME ZONE $4) AT TIME ZONE $4), $3, $1) AS edge
         WHERE edge > $2 AND edge < $3
         ORDER BY edge"
    } else {
        // By what clocks show: a day begins at midnight, however long it is.
        "SELECT DISTINCT edge
         FROM generate_series(
             CASE $5 WHEN 'hour' THEN date_bin($1, $2 AT TIME ZONE $4, date_trunc('day', $2 AT TIME ZONE $4))
                     ELSE date_trunc($5, $2 AT TIME ZONE $4) END,
             ($3 AT TIME ZONE $4) + interval '1 day', $1) AS shown
         CROSS JOIN LATERAL (SELECT shown AT TIME ZONE $4 AS edge) AS edges
         WHERE edge > $2 AND edge < $3
         ORDER BY edge"
    };
    let query = sqlx::query_scalar(query)
        .bind(bucket.interval())
        .bind(since)
        .bind(until)
        .bind(time_zone);
    let query = if bucket.is_of_a_clock() {
        query
    } else {
        query.bind(bucket.truncated_to())
    };
    query
        .fetch_all(connection)
        .await
        .map_err(|source| match source.as_database_error() {
            Some(refused) if refused.code().as_deref() == Some("22023") => Error::InvalidInput {
                field: "time_zone",
                message: format!("The database knows no time zone {time_zone:?}."),
                action: "Name one of the IANA database, such as Europe/Berlin, or UTC.",
            },
            _ => failed(source),
        })
}

/// The newest revision that took effect before each time: how many entries there are before it.
async fn revisions_before(
    connection: &mut PgConnection,
    times: &[DateTime<Utc>],
) -> Result<Vec<i64>> {
    sqlx::query_scalar(
        "SELECT coalesce(
             (SELECT revision FROM public.extension_audit_log
              WHERE sealed_at < edge
              ORDER BY sealed_at DESC, revision DESC
              LIMIT 1),
             -- Entries that are older than seals with a time are before all of them.
             (SELECT revision - 1 FROM public.extension_audit_log
              WHERE sealed_at IS NOT NULL
              ORDER BY sealed_at, revision
              LIMIT 1),
             0)
         FROM unnest($1::timestamptz[]) WITH ORDINALITY AS edges (edge, place)
         ORDER BY place",
    )
    .bind(times)
    .fetch_all(connection)
    .await
    .map_err(failed)
}

/// How many entries of these kinds there are up to each revision: what the seal has counted up to one of 64, and
/// the few after it.
async fn counts_to(
    connection: &mut PgConnection,
    revisions: &[i64],
    actions: &[AuditAction],
) -> Result<Vec<i64>> {
    let names: Vec<&str> = actions.iter().map(|action| action.name()).collect();
    sqlx::query_scalar(
        "SELECT coalesce(counted.number, 0) + (
             SELECT count(*) FROM public.extension_audit_log AS entries
             WHERE entries.revision > coalesce(counted.revision, 0) AND entries.revision <= ends.revision
               AND action = ANY ($2))
         FROM unnest($1::bigint[]) WITH ORDINALITY AS ends (revision, place)
         LEFT JOIN LATERAL (
             SELECT counts.revision,
                    CASE WHEN 'created' = ANY ($2) THEN created ELSE 0 END
                    + CASE WHEN 'updated' = ANY ($2) THEN updated ELSE 0 END
                    + CASE WHEN 'deleted' = ANY ($2) THEN deleted ELSE 0 END
                    + CASE WHEN 'enabled' = ANY ($2) THEN enabled ELSE 0 END
                    + CASE WHEN 'disabled' = ANY ($2) THEN disabled ELSE 0 END AS number
             FROM public.registry_audit_counts AS counts
             WHERE counts.revision <= ends.revision
             ORDER BY counts.revision DESC
             LIMIT 1
         ) AS counted ON true
         ORDER BY place",
    )
    .bind(revisions)
    .bind(names)
    .fetch_all(connection)
    .await
    .map_err(failed)
}

/// The newest entries that the filter lets through, between the revisions; and from when on they are counted, if
/// there are more.
async fn newest(
    connection: &mut PgConnection,
    filter: &AuditFilter,
    revisions: &[i64],
) -> Result<(Vec<i64>, Option<DateTime<Utc>>)> {
    let (indexed, others) = by_index(filter);
    let is_searched = others != AuditFilter::default();
    let looked_at_max = if is_searched {
        SEARCHED_MAX
    } else {
        COUNTED_MAX
    };
    // Revisions and not times: then an index holds all that is read.
    let mut query = sqlx::QueryBuilder::new("SELECT width_bucket(revision - 1, ");
    query
        .push_bind(revisions.to_vec())
        .push(") - 1 AS place, count(*) FILTER (WHERE true");
    push_conditions(&mut query, connection, &others).await?;
    query
        .push(
            ") AS found, count(*) AS searched, min(revision) AS oldest
             FROM (SELECT * FROM public.extension_audit_log WHERE revision IS NOT NULL AND revision > ",
        )
        .push_bind(revisions.first().copied().unwrap_or_default())
        .push(" AND revision <= ")
        .push_bind(revisions.last().copied().unwrap_or_default());
    push_conditions(&mut query, connection, &indexed).await?;
    query
        .push(" ORDER BY revision DESC LIMIT ")
        .push_bind(looked_at_max)
        .push(") AS newest GROUP BY place");
    let buckets: Vec<Bucket> = query
        .build_query_as()
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;

    let mut counts = vec![0; revisions.len().saturating_sub(1)];
    for bucket in &buckets {
        let place = usize::try_from(bucket.place)
            .ok()
            .and_then(|place| counts.get_mut(place));
        if let Some(place) = place {
            *place = bucket.found;
        }
    }
    let searched: i64 = buckets.iter().map(|bucket| bucket.searched).sum();
    let oldest = buckets.iter().map(|bucket| bucket.oldest).min();
    let counted_since = match oldest.filter(|_| searched >= looked_at_max) {
        Some(oldest) => sqlx::query_scalar(
            "SELECT sealed_at FROM public.extension_audit_log WHERE revision = $1",
        )
        .bind(oldest)
        .fetch_one(connection)
        .await
        .map_err(failed)?,
        None => None,
    };
    Ok((counts, counted_since))
}

/// What was found of the newest entries in one bucket.
#[derive(sqlx::FromRow)]
struct Bucket {
    place: i32,
    found: i64,
    searched: i64,
    oldest: i64,
}

impl BucketLength {
    /// Whether it lasts as long at any time: up to an hour.
    fn is_of_a_clock(self) -> bool {
        match self.unit {
            TimeUnit::Second | TimeUnit::Minute => true,
            TimeUnit::Hour => self.amount == 1,
            TimeUnit::Day | TimeUnit::Week | TimeUnit::Month | TimeUnit::Year => false,
        }
    }

    fn interval(self) -> PgInterval {
        let amount = i32::from(self.amount);
        let (months, days) = match self.unit {
            TimeUnit::Second | TimeUnit::Minute | TimeUnit::Hour => (0, 0),
            TimeUnit::Day => (0, amount),
            TimeUnit::Week => (0, amount * 7),
            TimeUnit::Month => (amount, 0),
            TimeUnit::Year => (amount * 12, 0),
        };
        let microseconds = match self.unit {
            TimeUnit::Second | TimeUnit::Minute | TimeUnit::Hour => self.seconds_min() * 1_000_000,
            TimeUnit::Day | TimeUnit::Week | TimeUnit::Month | TimeUnit::Year => 0,
        };
        PgInterval {
            months,
            days,
            microseconds,
        }
    }

    /// What a bucket begins with, as `date_trunc` names it.
    fn truncated_to(self) -> &'static str {
        match (self.unit, self.amount) {
            (TimeUnit::Second | TimeUnit::Minute | TimeUnit::Hour, _) => "hour",
            (TimeUnit::Day, _) => "day",
            (TimeUnit::Week, _) => "week",
            (TimeUnit::Month, 1) => "month",
            (TimeUnit::Month, _) => "quarter",
            (TimeUnit::Year, 1) => "year",
            (TimeUnit::Year, 10) => "decade",
            (TimeUnit::Year, 100) => "century",
            (TimeUnit::Year, _) => "millennium",
        }
    }

    /// How long the shortest of its buckets is.
    fn seconds_min(self) -> i64 {
        let unit = match self.unit {
            TimeUnit::Second => 1,
            TimeUnit::Minute => 60,
            TimeUnit::Hour => 3_600,
            TimeUnit::Day => 82_800,
            TimeUnit::Week => 601_200,
            TimeUnit::Month => 2_415_600,
            TimeUnit::Year => 31_532_400,
        };
        i64::from(self.amount) * unit
    }
}

/// The shortest length of which `buckets` cover the range, with two for the parts at its ends and one for clocks
/// that change.
fn bucket_length(range: TimeDelta, buckets: u16) -> BucketLength {
    let whole = i64::from(buckets.saturating_sub(3));
    let [.., longest] = BUCKET_LENGTHS;
    BUCKET_LENGTHS
        .into_iter()
        .find(|length| range.num_seconds() / length.seconds_min() <= whole)
        .unwrap_or(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_a_clock_and_a_calendar() {
        for (range, buckets, amount, unit) in [
            (TimeDelta::days(400), 96, 1, TimeUnit::Week),
            (TimeDelta::days(90), 96, 1, TimeUnit::Day),
            (TimeDelta::days(30), 90, 12, TimeUnit::Hour),
            (TimeDelta::days(1), 90, 30, TimeUnit::Minute),
            (TimeDelta::minutes(10), 90, 15, TimeUnit::Second),
            (TimeDelta::milliseconds(1), 1, 1, TimeUnit::Second),
            (TimeDelta::days(3_650_000), 96, 1_000, TimeUnit::Year),
        ] {
            let length = bucket_length(range, buckets);
            assert_eq!(
                length,
                BucketLength { amount, unit },
                "{range} in {buckets}"
            );
        }
    }
}
