//! Fields of an extension changed, merged with what others have changed meanwhile.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use tracing::info;

use super::merge::{MERGE, Merge};
use super::rows::{lock_row, refused};
use super::{ExtensionPatch, internal};
use crate::access::{Attempt, Role};
use crate::extensions::ExtensionDetail;
use crate::registry::{ChangeOrigin, Footprint};
use crate::settling::Settling;
use crate::{ChangeContext, Error, Registry, Result, rules, schemas};

const UPDATE: Attempt = Attempt::by(Role::RegistryEditor, "Changing the extension");

impl Registry {
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
        let committed = self.commit(UPDATE, change).await?;
        info!(extension_id = id, "changed extension");
        committed.extension_detail(id).await
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
