//! For how long the history of health is kept, and from when on an extension is in trouble. Tables
//! `health_retention`, `health_thresholds`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;
use tracing::info;

use crate::access::{Attempt, Role};
use crate::extensions::{ExtensionType, UnknownName};
use crate::schemas::SchemaScope;
use crate::wire::WireNumber;
use crate::{Error, Registry, Result, rules};

/// For how many days history is kept; at least one, and the finer no longer than the coarser.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct HealthRetention {
    /// In steps of 1, 5 and 15 minutes.
    pub minutes_kept_days: i32,
    /// In steps of 1 and 6 hours.
    pub hours_kept_days: i32,
    /// In steps of a day; none for good.
    pub days_kept_days: Option<i32>,
}

/// From when on an extension is in trouble; what is none is no trouble.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct HealthLimits {
    /// Fewer of its calls succeed, in percent of all; above 0 to 100.
    #[specta(type = Option<WireNumber>)]
    pub score_below_percent: Option<f64>,
    /// More than one call of twenty takes longer, in milliseconds; above 0 to 86,400,000.
    #[specta(type = Option<WireNumber>)]
    pub p95_above_ms: Option<f64>,
    /// It is on and was not called for so many seconds; 60 to 2,592,000.
    pub silent_for_seconds: Option<i32>,
}

/// Limits, what they hold for, and who set them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct HealthThreshold {
    /// A type, or one extension, whose own stand before those of its type.
    pub scope: SchemaScope,
    /// The limits.
    pub limits: HealthLimits,
    /// The login that last changed them.
    pub changed_by: String,
    /// When they were last changed.
    pub changed_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct LimitsRow {
    extension_type: Option<String>,
    extension_id: Option<String>,
    #[sqlx(flatten)]
    limits: HealthLimits,
    changed_by: String,
    changed_at: DateTime<Utc>,
}

impl TryFrom<LimitsRow> for HealthThreshold {
    type Error = UnknownName;

    fn try_from(row: LimitsRow) -> Result<Self, UnknownName> {
        let scope = match (row.extension_id, row.extension_type) {
            (Some(id), _) => SchemaScope::Extension(id),
            (None, name) => SchemaScope::Type(ExtensionType::try_from(name.unwrap_or_default())?),
        };
        Ok(Self {
            scope,
            limits: row.limits,
            changed_by: row.changed_by,
            changed_at: row.changed_at,
        })
    }
}

const READ: Attempt = Attempt::by(Role::RegistryViewer, "Reading the settings of health");
const SET: Attempt = Attempt::by(Role::RegistryEditor, "Changing the settings of health");
const PRUNE: Attempt = Attempt::by(Role::RegistryOperator, "Deleting old history of health");

impl Registry {
    /// For how long history is kept.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn health_retention(&self) -> Result<HealthRetention> {
        sqlx::query_as("SELECT minutes_kept_days, hours_kept_days, days_kept_days FROM public.health_retention")
            .fetch_one(self.pool())
            .await
            .map_err(|source| Error::from_query(READ, source))
    }

    /// Sets for how long history is kept. What is older then is deleted by [`Self::prune_health`].
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn set_health_retention(&self, retention: HealthRetention) -> Result<()> {
        sqlx::query("UPDATE public.health_retention SET minutes_kept_days = $1, hours_kept_days = $2, days_kept_days = $3")
            .bind(retention.minutes_kept_days)
            .bind(retention.hours_kept_days)
            .bind(retention.days_kept_days)
            .execute(self.pool())
            .await
            .map_err(|source| rules::refused(SET, source))?;
        info!(?retention, "changed how long health is kept");
        Ok(())
    }

    /// Deletes history that is older than [`Self::health_retention`] says, in transactions that are short enough for
    /// nobody to wait for them, and returns how many buckets.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`]; what was deleted until then stays deleted.
    pub async fn prune_health(&self) -> Result<u64> {
        let mut deleted = 0;
        loop {
            let count: i32 = sqlx::query_scalar("SELECT public.registry_prune_health()")
                .fetch_one(self.pool())
                .await
                .map_err(|source| Error::from_query(PRUNE, source))?;
            deleted += u64::try_from(count).unwrap_or(0);
            if count == 0 {
                return Ok(deleted);
            }
            // Between two, others have the disk.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// All limits: those of types first, then by id.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn list_health_thresholds(&self) -> Result<Vec<HealthThreshold>> {
        let rows: Vec<LimitsRow> = sqlx::query_as(
            "SELECT extension_type, extension_id, score_below_percent, p95_above_ms, silent_for_seconds, changed_by, changed_at
             FROM public.health_thresholds
             ORDER BY extension_id NULLS FIRST, extension_type",
        )
        .fetch_all(self.pool())
        .await
        .map_err(|source| Error::from_query(READ, source))?;
        rows.into_iter()
            .map(|row| {
                HealthThreshold::try_from(row).map_err(|source| Error::Internal {
                    attempted: READ.words,
                    source: source.into(),
                })
            })
            .collect()
    }

    /// Sets the limits of a type or of an extension; without any, an extension has those of its type, and a type none.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] naming the limit, [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn set_health_threshold(
        &self,
        scope: &SchemaScope,
        limits: Option<HealthLimits>,
    ) -> Result<()> {
        let (extension_type, extension_id) = match scope {
            SchemaScope::Type(extension_type) => (Some(extension_type.name()), None),
            SchemaScope::Extension(id) => (None, Some(id.as_str())),
        };
        let limits = match (scope, limits) {
            // A type that has no limits is one that somebody has said so of.
            (SchemaScope::Type(_), None) => Some(HealthLimits::default()),
            (_, limits) => limits,
        };
        let failed = |source| rules::refused(SET, source);
        let Some(limits) = limits else {
            sqlx::query("DELETE FROM public.health_thresholds WHERE extension_id = $1")
                .bind(extension_id)
                .execute(self.pool())
                .await
                .map_err(failed)?;
            return Ok(());
        };
        // Of the two unique columns one is NULL, which is never in conflict.
        sqlx::query(
            "MERGE INTO public.health_thresholds AS held
             USING (VALUES ($1::varchar, $2::varchar)) AS wanted (extension_type, extension_id)
             ON held.extension_type = wanted.extension_type OR held.extension_id = wanted.extension_id
             WHEN MATCHED THEN UPDATE SET score_below_percent = $3, p95_above_ms = $4, silent_for_seconds = $5
             WHEN NOT MATCHED THEN INSERT (extension_type, extension_id, score_below_percent, p95_above_ms, silent_for_seconds)
                 VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(extension_type)
        .bind(extension_id)
        .bind(limits.score_below_percent)
        .bind(limits.p95_above_ms)
        .bind(limits.silent_for_seconds)
        .execute(self.pool())
        .await
        .map_err(failed)?;
        info!(?scope, ?limits, "changed the limits of health");
        Ok(())
    }

    /// Fills the history of seven days with made-up calls, marked as such, and returns how many. Only in an embedded
    /// registry that has never seen a real one.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] elsewhere, [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn fill_with_sample_traffic(&self) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT public.registry_fill_sample_traffic()")
            .fetch_one(self.pool())
            .await
            .map_err(|source| rules::refused(SET, source))?;
        info!(count, "filled the history of health with sample traffic");
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Takes the made-up calls away, and nothing else.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn remove_sample_traffic(&self) -> Result<()> {
        sqlx::query("SELECT public.registry_remove_sample_traffic()")
            .execute(self.pool())
            .await
            .map(drop)
            .map_err(|source| Error::from_query(SET, source))
    }
}
