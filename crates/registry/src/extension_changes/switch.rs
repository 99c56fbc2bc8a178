//! Extensions switched on or off, one or several.

use std::ops::ControlFlow;

use tracing::info;

use super::BulkProgress;
use super::rows::{in_parts, lock_rows};
use crate::access::{Attempt, Role};
use crate::extensions::Extension;
use crate::registry::{ChangeOrigin, Footprint};
use crate::settling::Settling;
use crate::{ChangeContext, Registry, Result};

const SWITCH: Attempt = Attempt::by(Role::RegistryOperator, "Switching the extension");

impl Registry {
    /// Switches an extension on or off and returns it as it is now.
    ///
    /// Switching to the state that it already has succeeds, changes nothing and writes no audit entry.
    ///
    /// # Errors
    /// [`crate::Error::ExtensionNotFound`], [`crate::Error::InvalidInput`] for the reason, [`crate::Error::ReasonRequired`],
    /// [`crate::Error::ConfirmationRequired`], [`crate::Error::Forbidden`], [`crate::Error::DatabaseUnavailable`]. After an
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
    /// As [`Self::set_extension_enabled`]; [`crate::Error::ExtensionNotFound`] names the first that is missing.
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
}
