//! How the embedded database is opened, and with which role.

use std::env::VarError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use registry::access::Role;
use registry::connection::ConnectionProfile;
use registry::embedded::{self, Options, StartStep};
use registry::{Error, ErrorCode, ErrorFacts, ErrorReport, Registry};
use tracing::warn;

use super::session::Session;
use super::{Database, DatabaseStatus, OpenConnection};
use crate::folders::Folders;

/// Names a role to work as, such as `viewer`: less can be done by mistake then.
const ROLE_VARIABLE: &str = "BEAMLINE_REGISTRY_ROLE";

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
            os_user: registry::os_user(),
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

/// The role that the user names; none for what the login may.
pub(super) fn named_role() -> Result<Option<Role>, String> {
    match std::env::var(ROLE_VARIABLE) {
        Ok(name) if !name.is_empty() => name.parse().map(Some).map_err(|()| name),
        Ok(_) | Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(name)) => Err(name.to_string_lossy().into_owned()),
    }
}

pub(super) fn no_role(name: &str) -> Error {
    Error::InvalidInput {
        field: "role",
        message: format!("{ROLE_VARIABLE} is {name:?}, which is no role."),
        action: "Name viewer, operator or editor, or nothing, and start again.",
    }
}

pub(super) fn role_is_elsewhere() -> Error {
    Error::InvalidInput {
        field: "role",
        message: format!(
            "{ROLE_VARIABLE} names a role of the embedded database, and this profile leads elsewhere."
        ),
        action: "Use a login with fewer rights in the profile, or start without the variable.",
    }
}

/// How the embedded registry is opened. The PostgreSQL that was packed with the program lies in its resources, if it was.
pub(super) fn options(
    folders: &Folders,
    resources: Option<PathBuf>,
    role: Option<Role>,
) -> Options {
    Options {
        data_directory: folders.data.clone(),
        server_override: folders.named_postgresql.clone(),
        bundled_server: resources
            .map(|folder| folder.join("postgresql"))
            .filter(|folder| Path::is_dir(folder)),
        application_name: "beamline-registry".to_owned(),
        role,
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
    let (_server, registry) = embedded::open(&options(folders, resources, role), |_| {}).await?;
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
