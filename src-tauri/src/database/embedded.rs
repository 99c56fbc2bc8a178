//! How the embedded database is opened, and with which role.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use registry::access::Role;
use registry::connection::ConnectionProfile;
use registry::embedded::{self, StartStep};
use registry::{Error, ErrorCode, ErrorFacts, ErrorReport, Registry};
use registry_account::Folders;
use registry_account::embedded::{named_role, no_role, options};
use tracing::warn;

use super::session::Session;
use super::{Database, DatabaseStatus, OpenConnection};

/// What the audit log calls the window.
pub(super) const APPLICATION_NAME: &str = "beamline-registry";

/// How often a session on another program's server looks whether that still answers.
const SHARED_SERVER_CHECK: Duration = Duration::from_secs(2);

/// How to learn that the server is gone.
pub(super) enum End {
    Own(tokio::sync::watch::Receiver<bool>),
    Shared(Registry),
}

impl End {
    pub(super) async fn wait(self) {
        match self {
            Self::Own(mut ended) => {
                // An error means that the watching thread is gone, and with it the server.
                if ended.wait_for(|ended| *ended).await.is_err() {
                    warn!("the thread that watches the server ended");
                }
            }
            Self::Shared(registry) => {
                while registry.ping().await.is_ok() {
                    tokio::time::sleep(SHARED_SERVER_CHECK).await;
                }
            }
        }
    }
}

impl Session {
    /// Opens the embedded registry; answers how to learn of its end.
    pub(super) async fn open_embedded(
        self: &Arc<Self>,
        profile: &ConnectionProfile,
    ) -> Result<Option<End>, Error> {
        if let Some(name) = &self.unknown_role {
            return Err(no_role(name));
        }
        let session = Arc::clone(self);
        let (server, registry) =
            embedded::open(&self.options, move |step| session.step(step)).await?;
        let status = DatabaseStatus::Ready {
            server_version: server.version.clone(),
            database: server.database().to_owned(),
            login: server.login.clone(),
            os_user: registry::os_user().to_owned(),
            data_directory: Some(self.options.data_directory.display().to_string()),
            shared: server.is_shared(),
            connection: Box::new(OpenConnection::embedded(profile.clone())),
        };
        let end = match server.ended() {
            Some(ended) => End::Own(ended),
            None => End::Shared(registry.clone()),
        };
        let followed = server.connect_options().clone().into();
        self.use_registry(registry, followed, Some(Arc::new(server)), status);
        Ok(Some(end))
    }
}

impl Database {
    /// Who was started to do less may not take or replace everything.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`] for who works as another role than an editor.
    pub(crate) fn check_role(&self, attempted: &str) -> Result<(), ErrorReport> {
        match self.embedded_options().role {
            None | Some(Role::RegistryEditor) => Ok(()),
            Some(role) => Err(ErrorReport {
                code: ErrorCode::Forbidden,
                message: format!("{attempted} isn't allowed to who works as {role}"),
                action: "Start the window without BEAMLINE_REGISTRY_ROLE.".to_owned(),
                detail: None,
                field: None,
                facts: Some(Box::new(ErrorFacts::RequiredRole(Role::RegistryEditor))),
            }),
        }
    }
}

/// Opens the embedded registry without a window, fills it with made-up calls and returns how many.
///
/// # Errors
/// What opening it fails with, and [`Error::InvalidInput`] for a registry that has seen a call.
pub(crate) async fn fill_sample_traffic(
    folders: &Folders,
    resources: Option<PathBuf>,
) -> Result<u64, Error> {
    let role = named_role().map_err(|name| no_role(&name))?;
    let (_server, registry) =
        embedded::open(&options(folders, resources, role, APPLICATION_NAME), |_| {}).await?;
    let filled = registry.fill_with_sample_traffic().await;
    registry.close().await;
    filled
}

pub(super) fn step_name(step: StartStep) -> &'static str {
    match step {
        StartStep::Replacing => "replacing the database",
        StartStep::FindingServer => "finding PostgreSQL",
        StartStep::WaitingForPreviousServer => "waiting for the previous server",
        StartStep::CopyingServer => "copying PostgreSQL",
        StartStep::CreatingDatabase => "creating the database",
        StartStep::StartingServer => "starting PostgreSQL",
        StartStep::Recovering => "recovering",
        StartStep::Connecting => "connecting",
        StartStep::Migrating => "migrating",
    }
}
