//! The window's way to its registry: what commands ask of it and of the session that keeps it open.

mod embedded;
mod open;
mod remote;
mod session;
mod status;

use std::path::PathBuf;
use std::sync::Arc;

use registry::cache::RegistryCache;
use registry::connection::{ConnectionProfile, ConnectionState};
use registry::embedded::{EmbeddedServer, Options};
use registry::{ErrorReport, Registry};
use secrecy::SecretString;
use tauri::{AppHandle, Manager};
use tokio::sync::oneshot;

use self::session::{OpenRegistry, Request, Session};
use crate::phases::Phases;
use crate::settings::Settings;

pub(crate) use self::embedded::fill_sample_traffic;
pub(crate) use self::status::{
    ConnectionStateChanged, DatabaseStatus, DatabaseStatusChanged, OpenConnection, RegistryChanged,
};

/// The session; shared by all commands.
pub(crate) struct Database(Arc<Session>);

impl Database {
    /// Begins to open the registry of the profile in use.
    pub(crate) fn start(app: &AppHandle, phases: Arc<Phases>) -> Self {
        Self(Session::start(app, phases))
    }

    pub(crate) fn status(&self) -> DatabaseStatus {
        self.0.state().status.clone()
    }

    /// The open registry.
    ///
    /// # Errors
    /// While it is not open, the reason that the page also shows.
    pub(crate) fn registry(&self) -> Result<Registry, ErrorReport> {
        self.registry_and_profile().map(|(registry, _)| registry)
    }

    /// The open registry with the profile that it was opened by: what a change of it is held to.
    ///
    /// # Errors
    /// As [`Self::registry`].
    pub(crate) fn registry_and_profile(
        &self,
    ) -> Result<(Registry, ConnectionProfile), ErrorReport> {
        let state = self.0.state();
        match &state.open {
            Some(OpenRegistry { registry, profile }) => Ok((registry.clone(), profile.clone())),
            None => Err(not_open(&state.status)),
        }
    }

    /// The cache that follows the open registry.
    ///
    /// # Errors
    /// While there is none, the reason that the page also shows.
    pub(crate) fn cache(&self) -> Result<RegistryCache, ErrorReport> {
        let state = self.0.state();
        state.cache.clone().ok_or_else(|| not_open(&state.status))
    }

    /// What the way to a database elsewhere is now; none for the embedded one, and while none is open.
    pub(crate) fn connection_state(&self) -> Option<ConnectionState> {
        let state = self.0.state();
        let receiver = state.open.as_ref()?.registry.connection_state()?;
        let current = receiver.borrow().clone();
        Some(current)
    }

    /// Tries again to open the database that failed or waits for an answer; else does nothing.
    pub(crate) fn retry(&self) {
        if matches!(
            self.0.state().status,
            DatabaseStatus::Failed { .. }
                | DatabaseStatus::PasswordNeeded { .. }
                | DatabaseStatus::DecisionNeeded { .. }
        ) {
            self.0.ask(Request::Retry);
        }
    }

    /// Opens the profile that the settings name now, in place of the one that is open.
    pub(crate) fn reopen(&self) {
        self.0.ask(Request::Reopen);
    }

    /// Says the password that was asked for; else does nothing.
    pub(crate) fn give_password(&self, password: SecretString) {
        if matches!(self.0.state().status, DatabaseStatus::PasswordNeeded { .. }) {
            self.0.ask(Request::Password(password));
        }
    }

    /// Brings the schema up to date as it was shown; without a question that is open it does nothing.
    pub(crate) fn migrate(&self) {
        if matches!(self.0.state().status, DatabaseStatus::DecisionNeeded { .. }) {
            self.0.ask(Request::Migrate);
        }
    }

    /// Tells that a profile was saved. The one in use holds from now on; it is opened anew if it leads elsewhere now.
    pub(crate) fn profile_saved(&self, saved: &ConnectionProfile, has_new_password: bool) {
        let mut state = self.0.state();
        let status = state.status.clone();
        match (&mut state.open, status) {
            (Some(open), DatabaseStatus::Ready { .. }) if open.profile.id == saved.id => {
                if open.profile.database != saved.database || has_new_password {
                    self.0.ask(Request::Reopen);
                    return;
                }
                open.profile = saved.clone();
                if let DatabaseStatus::Ready { connection, .. } = &mut state.status {
                    connection.profile = saved.clone();
                }
                let status = state.status.clone();
                drop(state);
                self.0.tell(status);
            }
            (
                None,
                DatabaseStatus::Failed { profile, .. }
                | DatabaseStatus::PasswordNeeded { profile, .. }
                | DatabaseStatus::DecisionNeeded { profile, .. },
            ) if profile.id == saved.id => self.0.ask(Request::Reopen),
            _ => {}
        }
    }

    /// Closes the registry, does some work that needs the embedded database's files alone, and opens the registry again,
    /// however the work ends.
    ///
    /// # Errors
    /// While the console is being closed.
    pub(crate) async fn while_closed<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, ErrorReport> {
        let (closed, is_closed) = oneshot::channel();
        let (over, is_over) = oneshot::channel();
        self.0.ask(Request::Pause {
            closed,
            over: is_over,
        });
        if is_closed.await.is_err() {
            return Err(not_open(&self.status()));
        }
        let outcome = work.await;
        drop(over);
        Ok(outcome)
    }

    /// Whether the registry in use is the embedded one, open or not.
    pub(crate) fn is_embedded(&self) -> bool {
        let active = self.0.app.state::<Settings>().active_profile();
        active.profile.remote().is_none()
    }

    /// How the embedded registry is opened.
    pub(crate) fn embedded_options(&self) -> &Options {
        &self.0.options
    }

    /// The server of the embedded registry while that is open; dropped soon, because the last one stops it.
    pub(crate) fn embedded_server(&self) -> Option<Arc<EmbeddedServer>> {
        self.0.state().server.clone()
    }

    /// The folder with the server's programs, where this program started it.
    pub(crate) fn server_binaries(&self) -> Option<PathBuf> {
        self.embedded_server()
            .and_then(|server| server.binaries.clone())
    }

    /// Stops the server if this program started it. Blocks until it is gone, 15 s at the most.
    pub(crate) fn stop(&self) {
        let parts = {
            let mut state = self.0.state();
            state.stopping = true;
            state.take_open()
        };
        drop(parts);
    }
}

fn not_open(status: &DatabaseStatus) -> ErrorReport {
    match status {
        DatabaseStatus::Failed { error, .. } => error.clone(),
        _ => ErrorReport {
            code: registry::ErrorCode::DatabaseUnavailable,
            message: "The database is not open yet".to_owned(),
            action: "Wait until it is.".to_owned(),
            detail: None,
            field: None,
            facts: None,
        },
    }
}
