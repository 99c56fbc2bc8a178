//! Extensions: how they are changed. Every change is one transaction: its audit entries come with it or
//! it does not happen.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use specta::Type;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use tracing::info;

use crate::access::{Attempt, Role};
use crate::audit::{ActorSource, field_changes};
use crate::differences::FieldChange;
use crate::extensions::{Extension, ExtensionDetail, ExtensionType};
use crate::registry::{ChangeOrigin, Footprint};
use crate::settling::Settling;
use crate::wire::WireNumber;
use crate::{ChangeContext, Error, Registry, Result, rules, schemas};

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

/// An extension at the revision at which the caller saw it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct SeenExtension {
    /// The extension.
    pub id: String,
    /// Its revision then.
    #[specta(type = WireNumber)]
    pub revision: i64,
}

/// What of an extension to bring back.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, Type)]
pub struct RestoreRequest {
    /// The extension.
    pub id: String,
    /// The revision whose change made the version to bring back.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// The columns to bring back; none for all of them. A deleted extension comes back whole.
    pub fields: Option<Vec<String>>,
    /// Secrets that the registry doesn't know any more, as JSON text, by their path in the row, such as
    /// `/config/api_key`.
    pub secrets: BTreeMap<String, String>,
}

/// What two people changed at once. Secrets are replaced by marks.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct RevisionConflict {
    /// The extension as it is now.
    pub current: ExtensionDetail,
    /// The places that both changed, each to something else: JSON Pointers such as `/config/model`.
    pub paths: Vec<String>,
    /// What they changed since the caller read the extension.
    pub theirs: Vec<FieldChange>,
    /// What the caller wanted to change.
    pub yours: Vec<FieldChange>,
}

const CREATE: Attempt = Attempt::by(Role::RegistryEditor, "Creating the extension");
const UPDATE: Attempt = Attempt::by(Role::RegistryEditor, "Changing the extension");
const DELETE: Attempt = Attempt::by(Role::RegistryEditor, "Deleting the extension");
const SWITCH: Attempt = Attempt::by(Role::RegistryOperator, "Switching the extension");
const RESTORE: Attempt = Attempt::by(Role::RegistryEditor, "Restoring the extension");

/// How far a change of several extensions is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct BulkProgress {
    /// How many are worked on. Where it is all of them, they are being sealed in the audit log.
    #[specta(type = WireNumber)]
    pub done_count: u64,
    /// Of how many.
    #[specta(type = WireNumber)]
    pub total: u64,
}

/// As many extensions as are changed by one statement: between two it is told how far the change is.
const PART_SIZE: usize = 500;

/// Runs a statement (`$1` the ids, `$2` the new state where there is one) on each part of the extensions; answers
/// whether all were done. They are one transaction's in any case, and one statement for all would be no faster.
async fn in_parts(
    connection: &mut PgConnection,
    attempt: Attempt,
    statement: &'static str,
    ids: &[&str],
    enabled: Option<bool>,
    mut tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
) -> Result<bool> {
    let total = ids.len() as u64;
    let mut done_count = 0;
    for part in ids.chunks(PART_SIZE) {
        let mut query = sqlx::query(statement).bind(part);
        if let Some(enabled) = enabled {
            query = query.bind(enabled);
        }
        query
            .execute(&mut *connection)
            .await
            .map_err(|source| Error::from_query(attempt, source))?;
        done_count += part.len() as u64;
        if tell(BulkProgress { done_count, total }).is_break() {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Registry {
    /// Adds an extension and returns it.
    ///
    /// # Errors
    /// [`Error::IdTaken`], [`Error::SubjectTaken`], [`Error::InvalidInput`] naming the field,
    /// [`Error::ConfigurationInvalid`], [`Error::Forbidden`], [`Error::DatabaseUnavailable`]. After an
    /// error nothing has changed.
    pub async fn create_extension(
        &self,
        draft: &ExtensionDraft,
        context: &ChangeContext,
    ) -> Result<ExtensionDetail> {
        rules::check_name("id", &draft.id)?;
        rules::check_name("subject", &draft.subject)?;
        rules::check_json("config", &draft.config)?;
        rules::check_json("metadata", &draft.metadata)?;
        let mut settling = Settling::new(self, context);
        loop {
            let attempt = settling.attempt(self.create_once(draft, &settling)).await;
            if let ControlFlow::Break(outcome) = settling.next(attempt).await {
                return outcome;
            }
        }
    }

    async fn create_once(
        &self,
        draft: &ExtensionDraft,
        settling: &Settling<'_>,
    ) -> Result<ExtensionDetail> {
        let mut change = self
            .begin_change(
                CREATE,
                settling,
                ChangeOrigin::Single,
                Footprint {
                    ids: Some(&[draft.id.as_str()]),
                    actions: &["created"],
                },
            )
            .await?;
        if !change.is_done {
            let connection = &mut *change.transaction;
            schemas::check(
                connection,
                CREATE,
                &draft.id,
                draft.extension_type.name(),
                &draft.config,
            )
            .await?;
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
            .execute(connection)
            .await
            .map_err(|source| refused(CREATE, source, &draft.id, &draft.subject))?;
        }
        self.commit(CREATE, change).await?;
        info!(extension_id = draft.id, "created extension");
        self.get_extension_detail(&draft.id).await
    }

    /// Changes the fields that `patch` names and returns the extension as it is now.
    ///
    /// `seen_revision` is the revision of the extension that the caller looked at. What others
    /// changed since is merged, field by field and key by key inside the JSON; only where both changed
    /// the same to something else is there a conflict, and then nothing is changed. Saving what is there
    /// already changes nothing and writes no audit entry. A redaction mark that was read and is saved
    /// again keeps the secret that it stands for. With [`ChangeContext::is_merge_refused`] any change since
    /// is a conflict.
    ///
    /// # Errors
    /// [`Error::RevisionConflict`], [`Error::ExtensionNotFound`], [`Error::SubjectTaken`],
    /// [`Error::InvalidInput`] naming the field, [`Error::ConfigurationInvalid`],
    /// [`Error::SecretRequired`], [`Error::ConfirmationRequired`], [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`].
    pub async fn update_extension(
        &self,
        id: &str,
        seen_revision: i64,
        patch: &ExtensionPatch,
        context: &ChangeContext,
    ) -> Result<ExtensionDetail> {
        let patched_fields = patch.fields()?;
        let mut settling = Settling::new(self, context);
        loop {
            let attempt = settling
                .attempt(self.update_once(id, seen_revision, (patch, &patched_fields), &settling))
                .await;
            if let ControlFlow::Break(outcome) = settling.next(attempt).await {
                return outcome;
            }
        }
    }

    async fn update_once(
        &self,
        id: &str,
        seen_revision: i64,
        (patch, patched_fields): (&ExtensionPatch, &BTreeMap<&'static str, Box<RawValue>>),
        settling: &Settling<'_>,
    ) -> Result<ExtensionDetail> {
        let context = &settling.context;
        let mut change = self
            .begin_change(
                UPDATE,
                settling,
                ChangeOrigin::Single,
                Footprint {
                    ids: Some(&[id]),
                    actions: &["updated", "enabled", "disabled"],
                },
            )
            .await?;
        if !change.is_done {
            let connection = &mut *change.transaction;
            let is_switched_off = patch.enabled == Some(false);
            if is_switched_off {
                context.confirmation.take_turn(connection, UPDATE).await?;
            }
            let revision = lock_row(connection, UPDATE, id).await?;
            let merge: Merge = sqlx::query_as(MERGE)
                .bind(id)
                .bind(seen_revision)
                .bind(Json(patched_fields))
                .fetch_one(&mut *connection)
                .await
                .map_err(|source| Error::from_query(UPDATE, source))?;
            if context.is_merge_refused && revision != seen_revision {
                drop(change);
                let paths = vec!["/revision".to_owned()];
                return Err(merge.conflict(self, id, paths).await?);
            }
            let merged = merge.complete(self, id, seen_revision).await?;
            if merged.is_config_changed {
                schemas::check(
                    connection,
                    UPDATE,
                    id,
                    &merged.extension_type,
                    &merged.config,
                )
                .await?;
            }
            if is_switched_off {
                context
                    .confirmation
                    .check(connection, UPDATE, &[id])
                    .await?;
            }
            write_row(connection, id, &merged.row)
                .await
                .map_err(|source| {
                    refused(UPDATE, source, id, patch.subject.as_deref().unwrap_or("?"))
                })?;
        }
        self.commit(UPDATE, change).await?;
        info!(extension_id = id, "changed extension");
        self.get_extension_detail(id).await
    }

    /// Removes an extension. Its history stays.
    ///
    /// # Errors
    /// As [`Self::delete_extensions`].
    pub async fn delete_extension(
        &self,
        id: &str,
        seen_revision: i64,
        context: &ChangeContext,
    ) -> Result<()> {
        let seen = SeenExtension {
            id: id.to_owned(),
            revision: seen_revision,
        };
        let tell = |_| ControlFlow::Continue(());
        self.delete(&[seen], context, ChangeOrigin::Single, tell)
            .await
            .map(drop)
    }

    /// Removes several extensions, all of them or none, as one group in the audit log. Their histories
    /// stay.
    ///
    /// # Errors
    /// [`Error::RevisionConflict`] for the first that changed since the caller saw it,
    /// [`Error::ExtensionNotFound`] for the first that is missing, [`Error::ConfirmationRequired`],
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`]. After an error nothing has changed.
    pub async fn delete_extensions(
        &self,
        seen: &[SeenExtension],
        context: &ChangeContext,
    ) -> Result<()> {
        self.delete_extensions_telling(seen, context, |_| ControlFlow::Continue(()))
            .await
            .map(drop)
    }

    /// The same, telling how far it is. If `tell` breaks it off, nothing is deleted and the answer is false.
    ///
    /// # Errors
    /// As [`Self::delete_extensions`].
    pub async fn delete_extensions_telling(
        &self,
        seen: &[SeenExtension],
        context: &ChangeContext,
        tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
    ) -> Result<bool> {
        self.delete(seen, context, ChangeOrigin::Group, tell).await
    }

    async fn delete(
        &self,
        seen: &[SeenExtension],
        context: &ChangeContext,
        origin: ChangeOrigin,
        mut tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
    ) -> Result<bool> {
        let mut settling = Settling::new(self, context);
        loop {
            let attempt = settling
                .attempt(self.delete_once(seen, &settling, origin, &mut tell))
                .await;
            if let ControlFlow::Break(outcome) = settling.next(attempt).await {
                return outcome;
            }
        }
    }

    async fn delete_once(
        &self,
        seen: &[SeenExtension],
        settling: &Settling<'_>,
        origin: ChangeOrigin,
        tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
    ) -> Result<bool> {
        let context = &settling.context;
        let failed = |source| Error::from_query(DELETE, source);
        let ids: Vec<&str> = seen.iter().map(|each| each.id.as_str()).collect();
        let mut change = self
            .begin_change(
                DELETE,
                settling,
                origin,
                Footprint {
                    ids: Some(&ids),
                    actions: &["deleted"],
                },
            )
            .await?;
        if !change.is_done {
            let connection = &mut *change.transaction;
            context.confirmation.take_turn(connection, DELETE).await?;
            let revisions = lock_rows(connection, DELETE, &ids).await?;
            let moved_on = seen
                .iter()
                .find(|each| revisions.get(&each.id) != Some(&each.revision));
            if let Some(SeenExtension { id, revision }) = moved_on {
                let merge: Merge = sqlx::query_as(MERGE)
                    .bind(id)
                    .bind(revision)
                    .bind(Json(&BTreeMap::<&str, Box<RawValue>>::new()))
                    .fetch_one(&mut *connection)
                    .await
                    .map_err(failed)?;
                drop(change);
                return Err(merge
                    .conflict(self, id, vec!["/revision".to_owned()])
                    .await?);
            }
            context.confirmation.check(connection, DELETE, &ids).await?;
            let statement = "DELETE FROM public.extensions WHERE id = ANY($1)";
            let is_whole = in_parts(connection, DELETE, statement, &ids, None, tell).await?;
            if !is_whole {
                info!("a deletion was broken off: nothing is deleted");
                return Ok(false);
            }
        }
        self.commit(DELETE, change).await?;
        info!(extension_ids = ?ids, "deleted extensions");
        Ok(true)
    }

    /// Switches an extension on or off and returns it as it is now.
    ///
    /// Switching to the state that it already has succeeds, changes nothing and writes no audit entry.
    ///
    /// # Errors
    /// [`Error::ExtensionNotFound`], [`Error::InvalidInput`] for the reason, [`Error::ReasonRequired`],
    /// [`Error::ConfirmationRequired`], [`Error::Forbidden`], [`Error::DatabaseUnavailable`]. After an
    /// error nothing has changed, unless the connection broke while the change was being committed: then
    /// ask again with the same request id.
    pub async fn set_extension_enabled(
        &self,
        id: &str,
        enabled: bool,
        context: &ChangeContext,
    ) -> Result<Extension> {
        let tell = |_| ControlFlow::Continue(());
        self.switch(&[id], enabled, context, ChangeOrigin::Single, tell)
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
        self.set_extensions_enabled_telling(ids, enabled, context, |_| ControlFlow::Continue(()))
            .await
            .map(drop)
    }

    /// The same, telling how far it is. If `tell` breaks it off, nothing is switched and the answer is false.
    ///
    /// # Errors
    /// As [`Self::set_extensions_enabled`].
    pub async fn set_extensions_enabled_telling(
        &self,
        ids: &[String],
        enabled: bool,
        context: &ChangeContext,
        tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
    ) -> Result<bool> {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.switch(&ids, enabled, context, ChangeOrigin::Group, tell)
            .await
    }

    async fn switch(
        &self,
        ids: &[&str],
        enabled: bool,
        context: &ChangeContext,
        origin: ChangeOrigin,
        mut tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
    ) -> Result<bool> {
        let mut settling = Settling::new(self, context);
        loop {
            let attempt = settling
                .attempt(self.switch_once(ids, enabled, &settling, origin, &mut tell))
                .await;
            if let ControlFlow::Break(outcome) = settling.next(attempt).await {
                return outcome;
            }
        }
    }

    async fn switch_once(
        &self,
        ids: &[&str],
        enabled: bool,
        settling: &Settling<'_>,
        origin: ChangeOrigin,
        tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
    ) -> Result<bool> {
        let context = &settling.context;
        let footprint = Footprint {
            ids: Some(ids),
            actions: if enabled { &["enabled"] } else { &["disabled"] },
        };
        let mut change = self
            .begin_change(SWITCH, settling, origin, footprint)
            .await?;
        if !change.is_done {
            let connection = &mut *change.transaction;
            if !enabled {
                context.confirmation.take_turn(connection, SWITCH).await?;
            }
            lock_rows(connection, SWITCH, ids).await?;
            if !enabled {
                context.confirmation.check(connection, SWITCH, ids).await?;
            }
            let statement =
                "UPDATE public.extensions SET enabled = $2 WHERE id = ANY($1) AND enabled <> $2";
            let is_whole =
                in_parts(connection, SWITCH, statement, ids, Some(enabled), tell).await?;
            if !is_whole {
                info!("a switch was broken off: nothing is switched");
                return Ok(false);
            }
        }
        self.commit(SWITCH, change).await?;
        info!(count = ids.len(), enabled, "switched extensions");
        Ok(true)
    }

    /// Brings back the version of an extension that the change of a revision made; a deleted one too. The
    /// new audit entry names that revision. A secret in it stays what it is now.
    ///
    /// The version is not checked against the schema of its configuration, which may be newer.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if that revision left no version of this extension or for a field that there
    /// is not, [`Error::SecretRequired`] for secrets that it had and the extension has no more,
    /// [`Error::SubjectTaken`] if another one has its subject now, [`Error::ConfirmationRequired`],
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn restore_extension(
        &self,
        request: &RestoreRequest,
        context: &ChangeContext,
    ) -> Result<ExtensionDetail> {
        let secrets = request.secrets()?;
        if let Some(unknown) = request.unknown_field() {
            return Err(rules::invalid(
                "fields",
                format!("{unknown:?} is no field that can be brought back."),
                "Choose from subject, timeout_ms, retry, enabled, config and metadata.",
            ));
        }
        let mut settling = Settling::new(self, context);
        loop {
            let attempt = settling
                .attempt(self.restore_once(request, &secrets, &settling))
                .await;
            if let ControlFlow::Break(outcome) = settling.next(attempt).await {
                return outcome;
            }
        }
    }

    async fn restore_once(
        &self,
        request: &RestoreRequest,
        secrets: &BTreeMap<String, Box<RawValue>>,
        settling: &Settling<'_>,
    ) -> Result<ExtensionDetail> {
        let context = &settling.context;
        let RestoreRequest { id, revision, .. } = request;
        let mut change = self
            .begin_change(
                RESTORE,
                settling,
                ChangeOrigin::Restore(*revision),
                Footprint {
                    ids: Some(&[id.as_str()]),
                    ..Footprint::ANY
                },
            )
            .await?;
        if !change.is_done {
            let connection = &mut *change.transaction;
            let version: Option<(String, bool)> = sqlx::query_as(
                "SELECT after::text, after @> '{\"enabled\": false}' FROM public.extension_audit_log
                 WHERE extension_id = $1 AND revision = $2 AND after IS NOT NULL",
            )
            .bind(id)
            .bind(revision)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|source| Error::from_query(RESTORE, source))?;
            let (version, is_off) = version.ok_or_else(|| Error::InvalidInput {
                field: "revision",
                message: format!("Revision {revision} left no version of {id:?}."),
                action: "Choose a revision that created or changed it.",
            })?;
            let fields = request.fields.as_deref();
            if is_off && fields.is_none_or(|fields| fields.iter().any(|field| field == "enabled")) {
                context.confirmation.take_turn(connection, RESTORE).await?;
                lock_if_there(connection, RESTORE, id).await?;
                context
                    .confirmation
                    .check(connection, RESTORE, &[id.as_str()])
                    .await?;
            }
            bring_back(connection, RESTORE, id, &version, fields, secrets).await?;
        }
        self.commit(RESTORE, change).await?;
        info!(extension_id = id, revision, "restored extension");
        self.get_extension_detail(id).await
    }
}

/// Makes the row of an extension what `version`, a row of the audit log, says, as far as `fields` go;
/// secrets come from the row as it is and from `secrets`.
pub(crate) async fn bring_back(
    connection: &mut PgConnection,
    attempt: Attempt,
    id: &str,
    version: &str,
    fields: Option<&[String]>,
    secrets: &BTreeMap<String, Box<RawValue>>,
) -> Result<()> {
    let failed = |source| Error::from_query(attempt, source);
    // Before anything of the row is read: what another changes meanwhile must be waited for and seen.
    lock_if_there(connection, attempt, id).await?;
    let (whole, subject, missing): (Option<String>, Option<String>, Vec<String>) = sqlx::query_as(
        "SELECT whole::text, whole ->> 'subject', missing FROM public.registry_restorable(
             $1,
             -- What is not brought back needs no secret; a row that is gone comes back whole.
             CASE WHEN $3::text[] IS NULL OR NOT EXISTS (SELECT FROM public.extensions WHERE id = $1)
                  THEN $2::text::jsonb
                  ELSE $2::text::jsonb - ARRAY(
                      SELECT key FROM jsonb_object_keys($2::text::jsonb) AS key WHERE key <> ALL ($3))
             END,
             $4::jsonb)",
    )
    .bind(id)
    .bind(version)
    .bind(fields)
    .bind(Json(secrets))
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    if !missing.is_empty() {
        return Err(Error::SecretRequired {
            extension_id: id.to_owned(),
            paths: missing,
        });
    }
    let subject = subject.unwrap_or_default();
    let taken = |source| refused(attempt, source, id, &subject);
    // Not one INSERT … ON CONFLICT: the rules would hold the values that stay to those for a new row.
    let updated = sqlx::query(
        "UPDATE public.extensions AS extension
         SET subject = version.subject, timeout_ms = version.timeout_ms, retry = version.retry,
             enabled = version.enabled,
             -- What reads the same stays: a JSON null and none are written alike in a version.
             config = CASE WHEN version.config::text IS DISTINCT FROM nullif(extension.config, 'null')::text
                           THEN version.config ELSE extension.config END,
             metadata = CASE WHEN version.metadata::text IS DISTINCT FROM nullif(extension.metadata, 'null')::text
                             THEN version.metadata ELSE extension.metadata END
         FROM public.extensions AS present,
              -- A field that the version doesn't name keeps its present value.
              jsonb_populate_record(present, $2::text::jsonb) AS version
         WHERE present.id = $1 AND extension.id = $1",
    )
    .bind(id)
    .bind(&whole)
    .execute(&mut *connection)
    .await
    .map_err(taken)?;
    if updated.rows_affected() == 0 {
        sqlx::query(
            "INSERT INTO public.extensions
                 (id, type, subject, timeout_ms, retry, enabled, config, metadata, created_at, updated_at)
             SELECT id, type, subject, timeout_ms, retry, enabled, config, metadata, created_at, updated_at
             FROM jsonb_populate_record(NULL::public.extensions, $1::text::jsonb)",
        )
        .bind(&whole)
        .execute(connection)
        .await
        .map_err(taken)?;
    }
    Ok(())
}

impl RestoreRequest {
    fn secrets(&self) -> Result<BTreeMap<String, Box<RawValue>>> {
        self.secrets
            .iter()
            .map(|(path, secret)| {
                rules::check_json("secrets", secret)?;
                let secret = RawValue::from_string(secret.clone()).map_err(internal)?;
                Ok((path.clone(), secret))
            })
            .collect()
    }

    fn unknown_field(&self) -> Option<&String> {
        const FIELDS: [&str; 6] = [
            "subject",
            "timeout_ms",
            "retry",
            "enabled",
            "config",
            "metadata",
        ];
        self.fields
            .iter()
            .flatten()
            .find(|field| !FIELDS.contains(&field.as_str()))
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

/// Locks the row for the rest of the transaction, if there is one.
async fn lock_if_there(connection: &mut PgConnection, attempt: Attempt, id: &str) -> Result<()> {
    sqlx::query("SELECT FROM public.extensions WHERE id = $1 FOR UPDATE")
        .bind(id)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| Error::from_query(attempt, source))
}

/// Locks the row for the rest of the transaction; returns its revision.
async fn lock_row(connection: &mut PgConnection, attempt: Attempt, id: &str) -> Result<i64> {
    let revisions = lock_rows(connection, attempt, &[id]).await?;
    revisions
        .get(id)
        .copied()
        .ok_or_else(|| Error::ExtensionNotFound { id: id.to_owned() })
}

/// Locks the rows for the rest of the transaction, in the order of their ids, so that two that lock several
/// never wait for each other; returns their revisions.
pub(crate) async fn lock_rows(
    connection: &mut PgConnection,
    attempt: Attempt,
    ids: &[&str],
) -> Result<BTreeMap<String, i64>> {
    let found: Vec<(String, i64)> = sqlx::query_as(
        "SELECT id, revision FROM public.extensions WHERE id = ANY($1) ORDER BY id FOR UPDATE",
    )
    .bind(ids)
    .fetch_all(connection)
    .await
    .map_err(|source| Error::from_query(attempt, source))?;
    let revisions: BTreeMap<String, i64> = found.into_iter().collect();
    match ids.iter().find(|id| !revisions.contains_key(**id)) {
        Some(missing) => Err(Error::ExtensionNotFound {
            id: (*missing).to_owned(),
        }),
        None => Ok(revisions),
    }
}

/// Base, theirs and yours as one merge of the whole rows (`migrations/0007_schemas_and_secrets.sql`).
const MERGE: &str = "\
    SELECT merged::text AS merged, merged ->> 'type' AS extension_type, (merged -> 'config')::text AS config,
           merged -> 'config' IS DISTINCT FROM to_jsonb(extensions) -> 'config' AS is_config_changed,
           coalesce(conflicts, '{}') AS conflicts, coalesce(missing, '{}') AS missing,
           theirs::text AS theirs, yours::text AS yours
    FROM public.extensions, public.registry_merge_edit(id, $2, $3::jsonb)
    WHERE id = $1";

#[derive(sqlx::FromRow)]
struct Merge {
    merged: Option<String>,
    extension_type: Option<String>,
    config: Option<String>,
    is_config_changed: bool,
    conflicts: Vec<String>,
    missing: Vec<String>,
    theirs: Option<String>,
    yours: Option<String>,
}

/// A merge without a conflict. It holds secrets.
struct Merged {
    row: String,
    extension_type: String,
    config: String,
    is_config_changed: bool,
}

impl Merge {
    async fn complete(self, registry: &Registry, id: &str, seen_revision: i64) -> Result<Merged> {
        if !self.conflicts.is_empty() {
            let paths = self.conflicts.clone();
            return Err(self.conflict(registry, id, paths).await?);
        }
        if !self.missing.is_empty() {
            return Err(Error::SecretRequired {
                extension_id: id.to_owned(),
                paths: self.missing,
            });
        }
        match (self.merged, self.extension_type, self.config) {
            (Some(row), Some(extension_type), config) => Ok(Merged {
                row,
                extension_type,
                config: config.unwrap_or_else(|| "null".to_owned()),
                is_config_changed: self.is_config_changed,
            }),
            _ => Err(no_such_version(id, seen_revision)),
        }
    }

    async fn conflict(self, registry: &Registry, id: &str, paths: Vec<String>) -> Result<Error> {
        let changes = |text: &Option<String>| match text {
            None => Ok(Vec::new()),
            Some(text) => {
                field_changes(text, ActorSource::Login).map_err(|source| Error::Internal {
                    attempted: "Reading the conflict",
                    source: source.into(),
                })
            }
        };
        let conflict = RevisionConflict {
            current: registry.get_extension_detail(id).await?,
            paths,
            theirs: changes(&self.theirs)?,
            yours: changes(&self.yours)?,
        };
        Ok(Error::RevisionConflict {
            conflict: Box::new(conflict),
        })
    }
}

fn no_such_version(id: &str, revision: i64) -> Error {
    Error::InvalidInput {
        field: "revision",
        message: format!("{id:?} has no version of revision {revision}."),
        action: "Read the extension again, and change what you see then.",
    }
}

async fn write_row(connection: &mut PgConnection, id: &str, row: &str) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE public.extensions AS extension
         SET subject = row.subject, timeout_ms = row.timeout_ms, retry = row.retry,
             enabled = row.enabled,
             -- What reads the same stays: a JSON null and none are written alike in a row.
             config = CASE WHEN row.config::text IS DISTINCT FROM nullif(extension.config, 'null')::text
                           THEN row.config ELSE extension.config END,
             metadata = CASE WHEN row.metadata::text IS DISTINCT FROM nullif(extension.metadata, 'null')::text
                             THEN row.metadata ELSE extension.metadata END
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
fn refused(attempt: Attempt, source: sqlx::Error, id: &str, subject: &str) -> Error {
    let constraint = source
        .as_database_error()
        .and_then(|error| error.constraint());
    match constraint {
        Some("extensions_pkey") => Error::IdTaken { id: id.to_owned() },
        Some("extensions_subject_key") => Error::SubjectTaken {
            subject: subject.to_owned(),
        },
        _ => rules::refused(attempt, source),
    }
}
