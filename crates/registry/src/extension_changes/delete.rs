//! Extensions deleted, one or several.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::value::RawValue;
use sqlx::types::Json;
use tracing::info;

use super::merge::{MERGE, Merge};
use super::rows::{in_parts, lock_rows};
use super::{BulkProgress, SeenExtension};
use crate::access::{Attempt, Role};
use crate::registry::{ChangeOrigin, Footprint};
use crate::settling::Settling;
use crate::{ChangeContext, Error, Registry, Result};

const DELETE: Attempt = Attempt::by(Role::RegistryEditor, "Deleting the extension");

impl Registry {
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
}
