//! A new extension.

use std::ops::ControlFlow;

use tracing::info;

use super::ExtensionDraft;
use super::rows::refused;
use crate::access::{Attempt, Role};
use crate::extensions::ExtensionDetail;
use crate::registry::{ChangeOrigin, Footprint};
use crate::settling::Settling;
use crate::{ChangeContext, Registry, Result, rules, schemas};

const CREATE: Attempt = Attempt::by(Role::RegistryEditor, "Creating the extension");

impl Registry {
    /// Adds an extension and returns it.
    ///
    /// # Errors
    /// [`crate::Error::IdTaken`], [`crate::Error::SubjectTaken`], [`crate::Error::InvalidInput`] naming the field,
    /// [`crate::Error::ConfigurationInvalid`], [`crate::Error::Forbidden`], [`crate::Error::DatabaseUnavailable`]. After an
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
        let committed = self.commit(CREATE, change).await?;
        info!(extension_id = draft.id, "created extension");
        committed.extension_detail(&draft.id).await
    }
}
