//! A version of the audit log brought back.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::value::RawValue;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use tracing::info;

use super::rows::{lock_if_there, refused};
use super::{RestoreRequest, internal};
use crate::access::{Attempt, Role};
use crate::extensions::ExtensionDetail;
use crate::registry::{ChangeOrigin, Footprint};
use crate::settling::Settling;
use crate::{ChangeContext, Error, Registry, Result, rules};

const RESTORE: Attempt = Attempt::by(Role::RegistryEditor, "Restoring the extension");

impl Registry {
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
        let committed = self.commit(RESTORE, change).await?;
        info!(extension_id = id, revision, "restored extension");
        committed.extension_detail(id).await
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
                rules::check_characters("secrets", path)?;
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
