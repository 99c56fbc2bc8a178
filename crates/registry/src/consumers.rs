//! Which programs use the registry and what each has applied. Table `registry_consumers`, written by the
//! programs' caches ([`crate::cache`]).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

/// One running program that uses the registry, such as a router.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct ConsumerReport {
    /// Tells this run of the program from all others.
    pub consumer_id: String,
    /// The program, as it reported itself.
    pub name: String,
    /// Where it runs, as it reported.
    pub host: String,
    /// Its version, as it reported; may be empty.
    pub version: String,
    /// The database login that it reports with; the database saw it.
    pub login: String,
    /// Where its connection came from; none for a unix socket.
    pub client_address: Option<String>,
    /// The revision that it worked by at its last report.
    #[specta(type = WireNumber)]
    pub applied_revision: i64,
    /// How many revisions that is behind the registry; below zero if it has applied what the registry no
    /// longer has, because an older database was restored.
    #[specta(type = WireNumber)]
    pub behind_revisions: i64,
    /// For how long the first revision that it lacks has been there, in seconds; none if it lacks none or
    /// if that revision's entry has no time.
    #[specta(type = Option<WireNumber>)]
    pub behind_seconds: Option<f64>,
    /// Its first report, by the database's clock.
    pub started_at: DateTime<Utc>,
    /// Its last report, by the database's clock.
    pub seen_at: DateTime<Utc>,
    /// How long ago that was, in seconds. A program that reports every 5 seconds and was not heard of for
    /// much longer has ended or can't reach the database.
    #[specta(type = WireNumber)]
    pub seen_seconds_ago: f64,
}

impl Registry {
    /// The programs that reported in the last seven days, the one furthest behind first.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn list_consumers(&self) -> Result<Vec<ConsumerReport>> {
        sqlx::query_as(LIST)
            .fetch_all(self.pool())
            .await
            .map_err(|source| Error::from_query("Reading which programs use the registry", source))
    }
}

// The first entry that a program lacks is the one after its revision: they have no gaps.
const LIST: &str = "\
    SELECT consumer_id::text AS consumer_id, name, host, version, registry_consumers.login,
           host(registry_consumers.client_address) AS client_address, applied_revision,
           head.revision - applied_revision AS behind_revisions,
           CASE WHEN lacking.revision IS NOT NULL
                THEN greatest(0, extract(epoch FROM clock_timestamp() - coalesce(lacking.sealed_at, lacking.timestamp)))::float8
           END AS behind_seconds,
           started_at, seen_at,
           greatest(0, extract(epoch FROM clock_timestamp() - seen_at))::float8 AS seen_seconds_ago
    FROM public.registry_consumers
    CROSS JOIN public.registry_head AS head
    LEFT JOIN public.extension_audit_log AS lacking ON lacking.revision = applied_revision + 1
    WHERE seen_at >= clock_timestamp() - interval '7 days'
    ORDER BY applied_revision, name, host, consumer_id";
