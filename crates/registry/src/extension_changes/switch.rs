//! Extensions switched on or off, one or several.

use std::ops::ControlFlow;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;
use tracing::info;

use super::BulkProgress;
use super::rows::{in_parts, lock_rows};
use crate::access::{Attempt, Role};
use crate::confirmation::Confirmation;
use crate::extensions::Extension;
use crate::registry::{Change, ChangeOrigin, Footprint, os_user};
use crate::settling::Settling;
use crate::{ChangeContext, Error, Registry, Result};

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
        let mut settling = Settling::new(self, context);
        loop {
            let attempt = settling
                .attempt(self.switch_one_once(id, enabled, &settling))
                .await;
            if let ControlFlow::Break(outcome) = settling.next(attempt).await {
                return outcome;
            }
        }
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
        mut tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
    ) -> Result<bool> {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut settling = Settling::new(self, context);
        loop {
            let attempt = settling
                .attempt(self.switch_once(&ids, enabled, &settling, &mut tell))
                .await;
            if let ControlFlow::Break(outcome) = settling.next(attempt).await {
                return outcome;
            }
        }
    }

    async fn switch_one_once(
        &self,
        id: &str,
        enabled: bool,
        settling: &Settling<'_>,
    ) -> Result<Extension> {
        let asks = !enabled && settling.context.confirmation != Confirmation::NotNeeded;
        // Whether it was made already nobody needs to look, and nobody needs to be asked.
        if settling.looked_for().is_none() && !asks {
            self.check_change(SWITCH, &settling.context)?;
            let failed = |source| Error::from_query(SWITCH, source);
            if let Some(connection) = self.pool().connection_for_one().await.map_err(failed)?
                && let Some(extension) = self
                    .switch_in_one(connection, id, enabled, settling)
                    .await?
            {
                return Ok(extension);
            }
        }
        let mut change = self
            .begin_switch(&[id], enabled, ChangeOrigin::Single, settling)
            .await?;
        if !change.is_done {
            let connection = &mut *change.transaction;
            let confirmation = &settling.context.confirmation;
            let tell = |_| ControlFlow::Continue(());
            switch_rows(connection, &[id], enabled, confirmation, tell).await?;
        }
        let committed = self.commit(SWITCH, change).await?;
        info!(extension_id = id, enabled, "switched extension");
        committed.extension(id).await
    }

    /// The whole transaction as one statement, `registry_switch`: the way to the database and back is most of what a
    /// switch takes. None if others are in its way: it is not done then, because a statement that waits can't be taken back
    /// by who gives up waiting for it.
    async fn switch_in_one(
        &self,
        mut connection: PoolConnection<Postgres>,
        id: &str,
        enabled: bool,
        settling: &Settling<'_>,
    ) -> Result<Option<Extension>> {
        let context = &settling.context;
        settling.begun();
        let switched: sqlx::Result<Option<Switched>> =
            sqlx::query_as("SELECT * FROM public.registry_switch($1, $2, $3, $4, $5, $6, $7)")
                .bind(id)
                .bind(enabled)
                .bind(self.pool().role().map(Role::name))
                .bind(context.acting_for.as_deref())
                .bind(os_user())
                .bind(context.reason.as_deref())
                .bind(context.request_id)
                .fetch_optional(&mut *connection)
                .await;
        let switched = match switched {
            Ok(switched) => switched,
            Err(error) if is_lock_not_available(&error) => return Ok(None),
            Err(error) => return Err(Error::from_query(SWITCH, error)),
        };
        self.pool().give_back(connection);
        let switched = switched.ok_or_else(|| Error::ExtensionNotFound { id: id.to_owned() })?;
        self.note_end(
            &switched.registry_id,
            switched.head_revision,
            &switched.head_hash,
        )
        .await;
        info!(extension_id = id, enabled, "switched extension");
        Ok(Some(switched.extension))
    }

    async fn switch_once(
        &self,
        ids: &[&str],
        enabled: bool,
        settling: &Settling<'_>,
        tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
    ) -> Result<bool> {
        let mut change = self
            .begin_switch(ids, enabled, ChangeOrigin::Group, settling)
            .await?;
        if !change.is_done {
            let connection = &mut *change.transaction;
            let confirmation = &settling.context.confirmation;
            if !switch_rows(connection, ids, enabled, confirmation, tell).await? {
                info!("a switch was broken off: nothing is switched");
                return Ok(false);
            }
        }
        self.commit(SWITCH, change).await?;
        info!(count = ids.len(), enabled, "switched extensions");
        Ok(true)
    }

    async fn begin_switch(
        &self,
        ids: &[&str],
        enabled: bool,
        origin: ChangeOrigin,
        settling: &Settling<'_>,
    ) -> Result<Change> {
        let footprint = Footprint {
            ids: Some(ids),
            actions: if enabled { &["enabled"] } else { &["disabled"] },
        };
        self.begin_change(SWITCH, settling, origin, footprint).await
    }
}

/// An extension as a switch has left it, and the end of the audit log with it.
#[derive(sqlx::FromRow)]
struct Switched {
    #[sqlx(flatten)]
    extension: Extension,
    registry_id: String,
    head_revision: i64,
    head_hash: Vec<u8>,
}

fn is_lock_not_available(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "55P03")
}

async fn switch_rows(
    connection: &mut PgConnection,
    ids: &[&str],
    enabled: bool,
    confirmation: &Confirmation,
    tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
) -> Result<bool> {
    if !enabled {
        confirmation.take_turn(connection, SWITCH).await?;
    }
    lock_rows(connection, SWITCH, ids).await?;
    if !enabled {
        confirmation.check(connection, SWITCH, ids).await?;
    }
    let statement =
        "UPDATE public.extensions SET enabled = $2 WHERE id = ANY($1) AND enabled <> $2";
    in_parts(connection, SWITCH, statement, ids, Some(enabled), tell).await
}
