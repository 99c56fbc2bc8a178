//! Extensions switched on or off, one or several.

use std::ops::ControlFlow;

use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;
use tracing::info;

use super::BulkProgress;
use super::rows::{in_parts, lock_rows};
use crate::access::{Attempt, Role};
use crate::confirmation::Confirmation;
use crate::extensions::Extension;
use crate::registry::{Change, ChangeOrigin, Footprint, os_user};
use crate::settling::Settling;
use crate::tokens::Bearer;
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
                .attempt(async {
                    match self.switch_at_once(id, enabled, &settling, None).await? {
                        AtOnce::Switched(extension) => Ok(extension),
                        AtOnce::Refused | AtOnce::NotDone => {
                            self.switch_in_steps(id, enabled, &settling).await
                        }
                    }
                })
                .await;
            if let ControlFlow::Break(outcome) = settling.next(attempt).await {
                return outcome;
            }
        }
    }

    /// The same for the bearer of a token who was let in a moment ago: the database looks at the token again, in the
    /// statement that switches. It works as the token's role and in its owner's name. None if the token is not accepted any
    /// more; nothing has changed then.
    ///
    /// # Errors
    /// As [`Self::set_extension_enabled`].
    pub async fn set_extension_enabled_for(
        &self,
        bearer: &Bearer,
        id: &str,
        enabled: bool,
        context: &ChangeContext,
    ) -> Result<Option<Extension>> {
        let context = ChangeContext {
            acting_for: Some(bearer.owner.clone()),
            ..context.clone()
        };
        let worker = self.working_as(bearer.role);
        let mut settling = Settling::new(&worker, &context);
        loop {
            let attempt = settling
                .attempt(async {
                    let token = Some(bearer.token_id);
                    match worker.switch_at_once(id, enabled, &settling, token).await? {
                        AtOnce::Switched(extension) => Ok(Some(extension)),
                        AtOnce::Refused => Ok(None),
                        AtOnce::NotDone if !self.accepts(bearer.token_id).await? => Ok(None),
                        AtOnce::NotDone => worker
                            .switch_in_steps(id, enabled, &settling)
                            .await
                            .map(Some),
                    }
                })
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

    /// The whole transaction as one statement, `registry_switch`: the way to the database and back is most of what a
    /// switch takes. It is not done where more has to be looked at, and where others are in its way: a statement that
    /// waits can't be taken back by who gives up waiting for it.
    async fn switch_at_once(
        &self,
        id: &str,
        enabled: bool,
        settling: &Settling<'_>,
        token: Option<Uuid>,
    ) -> Result<AtOnce> {
        let context = &settling.context;
        let asks = !enabled && context.confirmation != Confirmation::NotNeeded;
        // Whether it was made already nobody needs to look, and nobody needs to be asked.
        if settling.looked_for().is_some() || asks {
            return Ok(AtOnce::NotDone);
        }
        self.check_change(SWITCH, context)?;
        let failed = |source| Error::from_query(SWITCH, source);
        let Some(mut connection) = self.pool().connection_for_one().await.map_err(failed)? else {
            return Ok(AtOnce::NotDone);
        };
        settling.begun();
        let switched: sqlx::Result<Option<Switched>> =
            sqlx::query_as("SELECT * FROM public.registry_switch($1, $2, $3, $4, $5, $6, $7, $8)")
                .bind(id)
                .bind(enabled)
                .bind(self.pool().role().map(Role::name))
                .bind(context.acting_for.as_deref())
                .bind(os_user())
                .bind(context.reason.as_deref())
                .bind(context.request_id)
                .bind(token)
                .fetch_optional(&mut *connection)
                .await;
        let switched = match switched {
            Ok(switched) => switched,
            Err(error) if has_code(&error, LOCK_NOT_AVAILABLE) => return Ok(AtOnce::NotDone),
            Err(error) if token.is_some() && has_code(&error, INVALID_AUTHORIZATION) => {
                return Ok(AtOnce::Refused);
            }
            Err(error) => return Err(failed(error)),
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
        Ok(AtOnce::Switched(switched.extension))
    }

    async fn switch_in_steps(
        &self,
        id: &str,
        enabled: bool,
        settling: &Settling<'_>,
    ) -> Result<Extension> {
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

/// What became of a switch in one statement.
enum AtOnce {
    Switched(Extension),
    /// The token that came with it is not accepted.
    Refused,
    /// It has to be done in steps.
    NotDone,
}

/// PostgreSQL's codes (its documentation, appendix A).
const LOCK_NOT_AVAILABLE: &str = "55P03";
const INVALID_AUTHORIZATION: &str = "28000";

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|answered| answered == code)
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
