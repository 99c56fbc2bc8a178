//! The registry at any past moment, and what differs between two: folded from the audit log.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use specta::Type;
use sqlx::postgres::PgConnection;
use sqlx::{Postgres, Transaction};

use crate::differences::{FieldChange, row_differences};
use crate::extensions::ExtensionType;
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

/// A moment of the registry's life.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Moment {
    /// Right after the change of this revision; 0 is before the first.
    Revision(#[specta(type = WireNumber)] i64),
    /// At this time: after all changes that had taken effect by then.
    Time(DateTime<Utc>),
    /// After all that has happened.
    Now,
}

/// The registry at one moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct PastRegistry {
    /// The newest revision at that moment.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// The extensions of that moment, ordered by id.
    pub extensions: Vec<PastExtension>,
}

/// An extension as it was. Secrets are replaced by `{"$redacted": fingerprint}`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct PastExtension {
    /// Its id.
    pub id: String,
    /// Where in the router it ran.
    #[serde(rename = "type")]
    #[sqlx(rename = "type", try_from = "String")]
    pub extension_type: ExtensionType,
    /// The NATS subject that it answered on.
    pub subject: String,
    /// How long the router waited for an answer, in milliseconds.
    pub timeout_ms: i32,
    /// How often the router asked again after a failure.
    pub retry: i32,
    /// Whether the router used it.
    pub enabled: bool,
    /// The configuration, as JSON text.
    pub config: Option<String>,
    /// Notes, as JSON text.
    pub metadata: Option<String>,
    /// The revision that had made this version; 0 if it was there before the first.
    #[specta(type = WireNumber)]
    pub revision: i64,
}

/// An extension that differs between two moments.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct ExtensionDifference {
    /// The extension.
    pub extension_id: String,
    /// Whether it came, went or changed.
    pub kind: DifferenceKind,
    /// What differs, ordered by path; all fields if it came or went.
    pub changes: Vec<FieldChange>,
}

/// One extension at two moments.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct ExtensionComparison {
    /// The version of the first moment; none if there was none.
    pub before: Option<PastExtension>,
    /// The version of the second moment; none if there was none.
    pub after: Option<PastExtension>,
    /// What differs, ordered by path; all fields if it came or went.
    pub changes: Vec<FieldChange>,
}

/// How an extension differs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// It is there only at the second moment.
    Created,
    /// It is there at both and not the same.
    Changed,
    /// It is there only at the first moment.
    Deleted,
}

const ATTEMPTED: &str = "Reading the registry of an earlier moment";

impl Registry {
    /// The registry as it was at `moment`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a revision that the registry hasn't reached, [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`].
    pub async fn registry_as_of(&self, moment: Moment) -> Result<PastRegistry> {
        let (revision, rows) = self.past_rows(moment).await?;
        Ok(PastRegistry {
            revision,
            extensions: rows.into_iter().map(|row| row.extension).collect(),
        })
    }

    /// What differs between two moments, ordered by extension.
    ///
    /// # Errors
    /// As [`Self::registry_as_of`].
    pub async fn registry_difference(
        &self,
        from: Moment,
        to: Moment,
    ) -> Result<Vec<ExtensionDifference>> {
        let by_id = |rows: Vec<PastRow>| -> BTreeMap<String, Box<RawValue>> {
            rows.into_iter()
                .filter_map(|row| Some((row.extension.id, RawValue::from_string(row.row).ok()?)))
                .collect()
        };
        let before = by_id(self.past_rows(from).await?.1);
        let after = by_id(self.past_rows(to).await?.1);
        let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        Ok(ids
            .into_iter()
            .filter_map(|id| {
                difference(
                    id,
                    before.get(id).map(AsRef::as_ref),
                    after.get(id).map(AsRef::as_ref),
                )
            })
            .collect())
    }

    /// One extension as it was at `moment`; none if it was not there. However many extensions and entries there
    /// are, only its own are read.
    ///
    /// # Errors
    /// As [`Self::registry_as_of`].
    pub async fn extension_as_of(&self, id: &str, moment: Moment) -> Result<Option<PastExtension>> {
        let mut transaction = self.past().await?;
        let row = past_row(&mut transaction, id, moment).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(row.map(|row| row.extension))
    }

    /// One extension at two moments, and what differs. However many extensions and entries there are, only its
    /// own are read.
    ///
    /// # Errors
    /// As [`Self::registry_as_of`].
    pub async fn compare_extension(
        &self,
        id: &str,
        from: Moment,
        to: Moment,
    ) -> Result<ExtensionComparison> {
        let mut transaction = self.past().await?;
        let before = past_row(&mut transaction, id, from).await?;
        let after = past_row(&mut transaction, id, to).await?;
        transaction.commit().await.map_err(failed)?;
        let raw = |row: &Option<PastRow>| {
            row.as_ref()
                .and_then(|row| RawValue::from_string(row.row.clone()).ok())
        };
        let changes = row_differences(raw(&before).as_deref(), raw(&after).as_deref());
        Ok(ExtensionComparison {
            before: before.map(|row| row.extension),
            after: after.map(|row| row.extension),
            changes,
        })
    }

    async fn past_rows(&self, moment: Moment) -> Result<(i64, Vec<PastRow>)> {
        let mut transaction = self.past().await?;
        let (revision, time) = place_of(&mut transaction, moment).await?;
        let rows = sqlx::query_as(PAST_ROWS)
            .bind(revision)
            .bind(time)
            .fetch_all(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok((revision, rows))
    }

    /// A transaction in which all that is read is of one moment.
    async fn past(&self) -> Result<Transaction<'static, Postgres>> {
        let mut transaction = self.pool().begin().await.map_err(failed)?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        Ok(transaction)
    }
}

fn failed(source: sqlx::Error) -> Error {
    Error::from_query(ATTEMPTED, source)
}

async fn past_row(
    connection: &mut PgConnection,
    id: &str,
    moment: Moment,
) -> Result<Option<PastRow>> {
    let (revision, time) = place_of(connection, moment).await?;
    sqlx::query_as(PAST_ROW)
        .bind(revision)
        .bind(time)
        .bind(id)
        .fetch_optional(connection)
        .await
        .map_err(failed)
}

/// The newest revision of a moment, and its time where it was told by one.
async fn place_of(
    connection: &mut PgConnection,
    moment: Moment,
) -> Result<(i64, Option<DateTime<Utc>>)> {
    let head: i64 = sqlx::query_scalar("SELECT revision FROM public.registry_head")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    match moment {
        Moment::Revision(revision) if !(0..=head).contains(&revision) => Err(Error::InvalidInput {
            field: "revision",
            message: format!("There is no revision {revision}: the newest is {head}."),
            action: "Choose an earlier one.",
        }),
        Moment::Revision(revision) => Ok((revision, None)),
        Moment::Time(time) => {
            let revision = revision_at(connection, time).await.map_err(failed)?;
            Ok((revision, Some(time)))
        }
        Moment::Now => Ok((head, None)),
    }
}

/// The newest revision whose change had taken effect at `time`; 0 if none had. Entries that were sealed
/// before seals had a time count from when they were written.
pub(crate) async fn revision_at(
    connection: &mut PgConnection,
    time: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT coalesce(
             (SELECT revision FROM public.extension_audit_log
              WHERE sealed_at <= $1
              ORDER BY sealed_at DESC, revision DESC
              LIMIT 1),
             (SELECT max(revision) FROM public.extension_audit_log
              WHERE sealed_at IS NULL AND timestamp <= $1),
             0)",
    )
    .bind(time)
    .fetch_one(connection)
    .await
}

/// A query for the versions of the extensions that `$ids` lists: of each, as the newest entry up to the
/// revision left it. One without such an entry is older than its first entry, which tells what it found; one
/// without any entry is as it was.
macro_rules! past_versions {
    ($ids:literal) => {
        concat!(
            "WITH RECURSIVE ",
            $ids,
            ",
    versions AS (
        SELECT ids.id, coalesce(last.revision, 0) AS revision,
               CASE
                   WHEN last.revision IS NOT NULL THEN last.after
                   WHEN next.revision IS NOT NULL THEN next.before
                   ELSE public.registry_shown_row(ids.id)
               END AS version
        FROM ids
        LEFT JOIN LATERAL (
            SELECT revision, after FROM public.extension_audit_log
            WHERE extension_id = ids.id AND revision <= $1 AND actor_source <> 'legacy'
            ORDER BY revision DESC
            LIMIT 1
        ) AS last ON true
        LEFT JOIN LATERAL (
            SELECT revision, before FROM public.extension_audit_log
            WHERE extension_id = ids.id AND revision > $1 AND actor_source <> 'legacy'
            ORDER BY revision
            LIMIT 1
        ) AS next ON true
    )
    SELECT id, version ->> 'type' AS type, version ->> 'subject' AS subject,
           (version ->> 'timeout_ms')::integer AS timeout_ms, (version ->> 'retry')::integer AS retry,
           (version ->> 'enabled')::boolean AS enabled,
           nullif(version -> 'config', 'null')::text AS config,
           nullif(version -> 'metadata', 'null')::text AS metadata,
           revision, (version - 'updated_at')::text AS row
    FROM versions
    WHERE version IS NOT NULL
      AND ($2::timestamptz IS NULL OR revision > 0
           OR coalesce((version ->> 'created_at')::timestamptz, '-infinity') <= $2)
    ORDER BY id"
        )
    };
}

/// Each extension that ever was.
const PAST_ROWS: &str = past_versions!(
    "logged AS (
        (SELECT min(extension_id) AS id FROM public.extension_audit_log WHERE revision IS NOT NULL)
        UNION ALL
        SELECT (SELECT min(extension_id) FROM public.extension_audit_log
                WHERE revision IS NOT NULL AND extension_id > logged.id)
        FROM logged
        WHERE logged.id IS NOT NULL
    ),
    ids AS (
        SELECT id FROM logged WHERE id IS NOT NULL
        UNION
        SELECT id FROM public.extensions
    )"
);

/// One extension, by the index of its entries.
const PAST_ROW: &str = past_versions!("ids AS (SELECT $3::text AS id)");

#[derive(sqlx::FromRow)]
struct PastRow {
    #[sqlx(flatten)]
    extension: PastExtension,
    row: String,
}

fn difference(
    id: &str,
    before: Option<&RawValue>,
    after: Option<&RawValue>,
) -> Option<ExtensionDifference> {
    let kind = match (before, after) {
        (None, _) => DifferenceKind::Created,
        (_, None) => DifferenceKind::Deleted,
        (Some(_), Some(_)) => DifferenceKind::Changed,
    };
    let changes = row_differences(before, after);
    (!changes.is_empty()).then(|| ExtensionDifference {
        extension_id: id.to_owned(),
        kind,
        changes,
    })
}
