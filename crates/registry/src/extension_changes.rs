//! Extensions: how they are changed. Every change is one transaction: its audit entries come with it or
//! it does not happen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use specta::Type;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use tracing::info;

use crate::audit::{ActorSource, FieldChange, field_changes};
use crate::extensions::{Extension, ExtensionDetail, ExtensionType, RevisionConflict};
use crate::registry::{Change, ChangeOrigin};
use crate::{ChangeContext, Error, Registry, Result, rules};

/// A new extension. The JSON is text, so that numbers keep their spelling.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct ExtensionDraft {
    /// Letters, digits, `_`, `-` and `.`, the first a letter or digit; at most 255; fixed for life.
    pub id: String,
    /// Where in the router it runs; fixed for life.
    #[serde(rename = "type")]
    pub extension_type: ExtensionType,
    /// A literal NATS subject that no other extension has, at most 255 characters.
    pub subject: String,
    /// 1 to 600000.
    pub timeout_ms: i32,
    /// 0 to 10.
    pub retry: i32,
    /// Whether the router uses it at once.
    pub enabled: bool,
    /// A JSON object of at most 64 KiB.
    pub config: String,
    /// A JSON object of at most 64 KiB.
    pub metadata: String,
}

/// The fields of an extension to change; those that are none stay as they are.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, Type)]
pub struct ExtensionPatch {
    /// As in [`ExtensionDraft::subject`].
    pub subject: Option<String>,
    /// As in [`ExtensionDraft::timeout_ms`].
    pub timeout_ms: Option<i32>,
    /// As in [`ExtensionDraft::retry`].
    pub retry: Option<i32>,
    /// As in [`ExtensionDraft::enabled`].
    pub enabled: Option<bool>,
    /// As in [`ExtensionDraft::config`].
    pub config: Option<String>,
    /// As in [`ExtensionDraft::metadata`].
    pub metadata: Option<String>,
}

impl Registry {
    /// Adds an extension and returns it.
    ///
    /// # Errors
    /// [`Error::IdTaken`], [`Error::SubjectTaken`], [`Error::InvalidInput`] naming the field,
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`]. After an error nothing has changed.
    pub async fn create_extension(
        &self,
        draft: &ExtensionDraft,
        context: &ChangeContext,
    ) -> Result<ExtensionDetail> {
        const ATTEMPTED: &str = "Creating the extension";
        rules::check_name("id", &draft.id)?;
        rules::check_name("subject", &draft.subject)?;
        rules::check_json("config", &draft.config)?;
        rules::check_json("metadata", &draft.metadata)?;
        let mut change = self
            .begin_change(ATTEMPTED, context, ChangeOrigin::Single)
            .await?;
        if !change.is_done {
            sqlx::query(
                "INSERT INTO public.extensions (id, type, subject, timeout_ms, retry, enabled, config, metadata)
                 VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8::text::jsonb)",
            )
            .bind(&draft.id)
            .bind(draft.extension_type.name())
            .bind(&draft.subject)
            .bind(draft.timeout_ms)
            .bind(draft.retry)
            .bind(draft.enabled)
            .bind(&draft.config)
            .bind(&draft.metadata)
            .execute(&mut *change.transaction)
            .await
            .map_err(|source| refused(ATTEMPTED, source, &draft.id, &draft.subject))?;
        }
        self.commit(ATTEMPTED, change).await?;
        info!(extension_id = draft.id, "created extension");
        self.get_extension_detail(&draft.id).await
    }

    /// Changes the fields that `patch` names and returns the extension as it is now.
    ///
    /// `seen_revision` is the revision of the extension that the caller looked at. What others
    /// changed since is merged, field by field and key by key inside the JSON; only where both changed
    /// the same to something else is there a conflict, and then nothing is changed. Saving what is there
    /// already changes nothing and writes no audit entry.
    ///
    /// # Errors
    /// [`Error::RevisionConflict`], [`Error::ExtensionNotFound`], [`Error::SubjectTaken`],
    /// [`Error::InvalidInput`] naming the field, [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn update_extension(
        &self,
        id: &str,
        seen_revision: i64,
        patch: &ExtensionPatch,
        context: &ChangeContext,
    ) -> Result<ExtensionDetail> {
        const ATTEMPTED: &str = "Changing the extension";
        let failed = |source| Error::from_query(ATTEMPTED, source);
        let patched_fields = patch.fields()?;
        let mut change = self
            .begin_change(ATTEMPTED, context, ChangeOrigin::Single)
            .await?;
        if !change.is_done {
            let connection = &mut *change.transaction;
            let revision = lock_row(connection, ATTEMPTED, id).await?;
            let base = base_of(connection, id, revision, seen_revision).await?;
            let merge: Merge = sqlx::query_as(MERGE)
                .bind(id)
                .bind(&base)
                .bind(Json(&patched_fields))
                .fetch_one(&mut *connection)
                .await
                .map_err(failed)?;
            if !merge.conflicts.is_empty() {
                drop(change);
                return Err(self.conflict(id, merge).await?);
            }
            let subject = patch.subject.as_deref().unwrap_or_default();
            write_row(connection, id, &merge.merged)
                .await
                .map_err(|source| refused(ATTEMPTED, source, id, subject))?;
        }
        self.commit(ATTEMPTED, change).await?;
        info!(extension_id = id, "changed extension");
        self.get_extension_detail(id).await
    }

    /// Removes an extension. Its history stays.
    ///
    /// # Errors
    /// [`Error::RevisionConflict`] if it changed since the caller saw it, [`Error::ExtensionNotFound`],
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn delete_extension(
        &self,
        id: &str,
        seen_revision: i64,
        context: &ChangeContext,
    ) -> Result<()> {
        const ATTEMPTED: &str = "Deleting the extension";
        let mut change = self
            .begin_change(ATTEMPTED, context, ChangeOrigin::Single)
            .await?;
        if !change.is_done {
            let connection = &mut *change.transaction;
            let revision = lock_row(connection, ATTEMPTED, id).await?;
            if revision != seen_revision {
                let base = base_of(connection, id, revision, seen_revision).await?;
                let mut merge: Merge = sqlx::query_as(MERGE)
                    .bind(id)
                    .bind(&base)
                    .bind(Json(&BTreeMap::<&str, Box<RawValue>>::new()))
                    .fetch_one(&mut *connection)
                    .await
                    .map_err(|source| Error::from_query(ATTEMPTED, source))?;
                merge.conflicts = vec!["revision".to_owned()];
                drop(change);
                return Err(self.conflict(id, merge).await?);
            }
            sqlx::query("DELETE FROM public.extensions WHERE id = $1")
                .bind(id)
                .execute(&mut *connection)
                .await
                .map_err(|source| Error::from_query(ATTEMPTED, source))?;
        }
        self.commit(ATTEMPTED, change).await?;
        info!(extension_id = id, "deleted extension");
        Ok(())
    }

    /// Switches an extension on or off and returns it as it is now.
    ///
    /// Switching to the state that it already has succeeds, changes nothing and writes no audit entry.
    ///
    /// # Errors
    /// [`Error::ExtensionNotFound`], [`Error::InvalidInput`] for the reason, [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`]. After an error nothing has changed, unless the connection
    /// broke while the change was being committed: then ask again with the same request id.
    pub async fn set_extension_enabled(
        &self,
        id: &str,
        enabled: bool,
        context: &ChangeContext,
    ) -> Result<Extension> {
        const ATTEMPTED: &str = "Switching the extension";
        let change = self
            .begin_change(ATTEMPTED, context, ChangeOrigin::Single)
            .await?;
        self.switch(ATTEMPTED, change, &[id.to_owned()], enabled)
            .await?;
        self.get_extension(id).await
    }

    /// Switches several extensions on or off, all of them or none, as one group in the audit log.
    ///
    /// # Errors
    /// As [`Self::set_extension_enabled`]; [`Error::ExtensionNotFound`] names the first that is missing.
    pub async fn set_extensions_enabled(
        &self,
        ids: &[String],
        enabled: bool,
        context: &ChangeContext,
    ) -> Result<()> {
        const ATTEMPTED: &str = "Switching the extensions";
        let change = self
            .begin_change(ATTEMPTED, context, ChangeOrigin::Group)
            .await?;
        self.switch(ATTEMPTED, change, ids, enabled).await
    }

    async fn switch(
        &self,
        attempted: &'static str,
        mut change: Change,
        ids: &[String],
        enabled: bool,
    ) -> Result<()> {
        let failed = |source| Error::from_query(attempted, source);
        if !change.is_done {
            let connection = &mut *change.transaction;
            // In the order of the ids, so that two bulk switches never wait for each other.
            let found: Vec<String> = sqlx::query_scalar(
                "SELECT id FROM public.extensions WHERE id = ANY($1) ORDER BY id FOR UPDATE",
            )
            .bind(ids)
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
            if let Some(missing) = ids.iter().find(|id| !found.contains(id)) {
                return Err(Error::ExtensionNotFound {
                    id: missing.clone(),
                });
            }
            sqlx::query(
                "UPDATE public.extensions SET enabled = $2 WHERE id = ANY($1) AND enabled <> $2",
            )
            .bind(ids)
            .bind(enabled)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        }
        self.commit(attempted, change).await?;
        info!(count = ids.len(), enabled, "switched extensions");
        Ok(())
    }

    /// Brings back the version of an extension that the change of `revision` made; a deleted one too. The
    /// new audit entry names that revision.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if that revision left no version of this extension,
    /// [`Error::SubjectTaken`] if another one has its subject now, [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`].
    pub async fn restore_extension(
        &self,
        id: &str,
        revision: i64,
        context: &ChangeContext,
    ) -> Result<ExtensionDetail> {
        const ATTEMPTED: &str = "Restoring the extension";
        let failed = |source| Error::from_query(ATTEMPTED, source);
        let mut change = self
            .begin_change(ATTEMPTED, context, ChangeOrigin::Restore(revision))
            .await?;
        if !change.is_done {
            let connection = &mut *change.transaction;
            let version: Option<String> = sqlx::query_scalar(
                "SELECT after::text FROM public.extension_audit_log
                 WHERE extension_id = $1 AND revision = $2 AND after IS NOT NULL",
            )
            .bind(id)
            .bind(revision)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
            let version = version.ok_or_else(|| Error::InvalidInput {
                field: "revision",
                message: format!("Revision {revision} left no version of {id:?}."),
                action: "Choose a revision that created or changed it.",
            })?;
            let restored = sqlx::query(
                "WITH version AS (
                     SELECT (jsonb_populate_record(NULL::public.extensions, $1::text::jsonb)).*
                 )
                 INSERT INTO public.extensions AS extension
                     (id, type, subject, timeout_ms, retry, enabled, config, metadata, created_at, updated_at)
                 SELECT id, type, subject, timeout_ms, retry, enabled, config, metadata, created_at, updated_at
                 FROM version
                 ON CONFLICT (id) DO UPDATE SET
                     subject = excluded.subject, timeout_ms = excluded.timeout_ms,
                     retry = excluded.retry, enabled = excluded.enabled,
                     config = excluded.config, metadata = excluded.metadata",
            )
            .bind(&version)
            .execute(&mut *connection)
            .await;
            restored.map_err(|source| refused(ATTEMPTED, source, id, "of that version"))?;
        }
        self.commit(ATTEMPTED, change).await?;
        info!(extension_id = id, revision, "restored extension");
        self.get_extension_detail(id).await
    }

    async fn commit(&self, attempted: &'static str, change: Change) -> Result<()> {
        change
            .transaction
            .commit()
            .await
            .map_err(|source| Error::from_query(attempted, source))?;
        self.note_anchor().await;
        Ok(())
    }

    async fn conflict(&self, id: &str, merge: Merge) -> Result<Error> {
        let changes = |text: &str| {
            field_changes(text, ActorSource::Login).map_err(|source| Error::Internal {
                attempted: "Reading the conflict",
                source: source.into(),
            })
        };
        let (theirs, yours): (Vec<FieldChange>, _) =
            (changes(&merge.theirs)?, changes(&merge.yours)?);
        let current = self.get_extension_detail(id).await?;
        let conflict = RevisionConflict {
            current,
            paths: merge.conflicts,
            theirs,
            yours,
        };
        Ok(Error::RevisionConflict {
            conflict: Box::new(conflict),
        })
    }
}

impl ExtensionPatch {
    /// The named fields as JSON text, checked.
    fn fields(&self) -> Result<BTreeMap<&'static str, Box<RawValue>>> {
        let mut fields = BTreeMap::new();
        if let Some(subject) = &self.subject {
            rules::check_name("subject", subject)?;
            fields.insert("subject", raw(subject)?);
        }
        if let Some(timeout_ms) = self.timeout_ms {
            fields.insert("timeout_ms", raw(&timeout_ms)?);
        }
        if let Some(retry) = self.retry {
            fields.insert("retry", raw(&retry)?);
        }
        if let Some(enabled) = self.enabled {
            fields.insert("enabled", raw(&enabled)?);
        }
        for (field, text) in [("config", &self.config), ("metadata", &self.metadata)] {
            if let Some(text) = text {
                rules::check_json(field, text)?;
                // The text itself, not what a parser made of it: numbers keep their spelling.
                fields.insert(
                    field,
                    RawValue::from_string(text.clone()).map_err(internal)?,
                );
            }
        }
        Ok(fields)
    }
}

fn raw(value: &impl Serialize) -> Result<Box<RawValue>> {
    to_raw_value(value).map_err(internal)
}

fn internal(source: serde_json::Error) -> Error {
    Error::Internal {
        attempted: "Writing the change as JSON",
        source: source.into(),
    }
}

/// Locks the row for the rest of the transaction and returns its revision.
async fn lock_row(connection: &mut PgConnection, attempted: &'static str, id: &str) -> Result<i64> {
    sqlx::query_scalar("SELECT revision FROM public.extensions WHERE id = $1 FOR UPDATE")
        .bind(id)
        .fetch_optional(connection)
        .await
        .map_err(|source| Error::from_query(attempted, source))?
        .ok_or_else(|| Error::ExtensionNotFound { id: id.to_owned() })
}

/// The row at the revision that the caller saw, as JSON text.
async fn base_of(
    connection: &mut PgConnection,
    id: &str,
    revision: i64,
    seen_revision: i64,
) -> Result<String> {
    const ATTEMPTED: &str = "Reading the version that was seen";
    let base: Option<Option<String>> = if seen_revision == revision {
        sqlx::query_scalar(
            "SELECT (to_jsonb(extensions) - 'revision')::text FROM public.extensions WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(connection)
        .await
    } else {
        // Revision 0 is the row before its first entry.
        sqlx::query_scalar(
            "SELECT CASE WHEN $2 = 0 THEN before ELSE after END::text
             FROM public.extension_audit_log
             WHERE extension_id = $1 AND ($2 = 0 OR revision = $2) AND actor_source = 'login'
             ORDER BY revision
             LIMIT 1",
        )
        .bind(id)
        .bind(seen_revision)
        .fetch_optional(connection)
        .await
    }
    .map_err(|source| Error::from_query(ATTEMPTED, source))?;
    base.flatten().ok_or_else(|| Error::InvalidInput {
        field: "revision",
        message: format!("{id:?} has no version of revision {seen_revision}."),
        action: "Read the extension again, and change what you see then.",
    })
}

/// Base, theirs and yours as one merge of the whole rows; times are nobody's edit.
const MERGE: &str = "\
    WITH sides AS (
        SELECT $2::text::jsonb - '{created_at,updated_at}'::text[] AS base,
               to_jsonb(extensions) - '{created_at,updated_at,revision}'::text[] AS theirs,
               ($2::text::jsonb || $3::jsonb) - '{created_at,updated_at}'::text[] AS yours
        FROM public.extensions
        WHERE id = $1
    )
    SELECT merge.merged::text AS merged,
           ARRAY(SELECT ltrim(path, '.') FROM unnest(merge.conflicts) AS path) AS conflicts,
           public.registry_changes(base, theirs)::text AS theirs,
           public.registry_changes(base, yours)::text AS yours
    FROM sides, public.registry_merge_json(base, theirs, yours, '') AS merge";

#[derive(sqlx::FromRow)]
struct Merge {
    merged: String,
    conflicts: Vec<String>,
    theirs: String,
    yours: String,
}

async fn write_row(connection: &mut PgConnection, id: &str, row: &str) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE public.extensions AS extension
         SET subject = row.subject, timeout_ms = row.timeout_ms, retry = row.retry,
             enabled = row.enabled, config = row.config, metadata = row.metadata
         FROM jsonb_populate_record(NULL::public.extensions, $2::text::jsonb) AS row
         WHERE extension.id = $1",
    )
    .bind(id)
    .bind(row)
    .execute(connection)
    .await
    .map(drop)
}

/// Turns what a constraint refused into the error that names the field.
fn refused(attempted: &'static str, source: sqlx::Error, id: &str, subject: &str) -> Error {
    let constraint = source
        .as_database_error()
        .and_then(|error| error.constraint());
    match constraint {
        Some("extensions_pkey") => Error::IdTaken { id: id.to_owned() },
        Some("extensions_subject_key") => Error::SubjectTaken {
            subject: subject.to_owned(),
        },
        Some(name) => match rules::by_constraint(name) {
            Some((field, message, action)) => Error::InvalidInput {
                field,
                message: message.to_owned(),
                action,
            },
            None => Error::from_query(attempted, source),
        },
        None => Error::from_query(attempted, source),
    }
}
