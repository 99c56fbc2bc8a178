//! How a database elsewhere is opened: with its password, after somebody has decided on its schema.

use std::sync::Arc;

use registry::connection::{
    ConnectionFailureCode, ConnectionFailureReport, ConnectionProfile, RemoteDatabase, Servers,
};
use registry::embedded::StartStep;
use registry::migrations::{self, MigrationDecision};
use registry::{Error, Registry};
use registry_account::embedded::role_is_elsewhere;
use registry_account::{Folders, SecretStore, password_name};
use secrecy::SecretString;
use tauri::Manager;
use tracing::{info, warn};

use super::embedded::End;
use super::session::Session;
use super::{DatabaseStatus, OpenConnection};

/// What somebody has answered since the last attempt.
#[derive(Default)]
pub(super) struct Answers {
    /// The password, if it is not kept.
    pub(super) password: Option<SecretString>,
    /// What was decided on: brought up to date if the database still is the same.
    pub(super) agreed: Option<MigrationDecision>,
}

/// How far opening went.
pub(super) enum Opened {
    /// To its end.
    Registry {
        registry: Box<Registry>,
        servers: Servers,
    },
    /// To the password.
    PasswordNeeded(Option<ConnectionFailureReport>),
    /// To a schema that somebody has to decide on.
    DecisionNeeded(Box<MigrationDecision>),
}

impl Session {
    /// Opens the registry of a profile that leads elsewhere, or says what somebody has to answer before.
    pub(super) async fn open_remote(
        self: &Arc<Self>,
        profile: &ConnectionProfile,
        database: &RemoteDatabase,
        answers: Answers,
    ) -> Result<Option<End>, Error> {
        if self.unknown_role.is_some() || self.options.role.is_some() {
            return Err(role_is_elsewhere());
        }
        let secrets = self.app.state::<SecretStore>();
        let opened = open(profile, database, answers, &secrets, |step| self.step(step));
        match opened.await? {
            Opened::PasswordNeeded(refused) => self.set_status(DatabaseStatus::PasswordNeeded {
                profile: Box::new(profile.clone()),
                refused,
            }),
            Opened::DecisionNeeded(decision) => self.set_status(DatabaseStatus::DecisionNeeded {
                profile: Box::new(profile.clone()),
                server: words_of(database),
                decision,
            }),
            Opened::Registry { registry, servers } => {
                let anchors = self.app.state::<Folders>().anchors_of(&profile.id);
                let registry = registry.with_anchor_file(anchors);
                let facts = registry.server_facts().await?;
                let server = registry
                    .connection_state()
                    .map_or_else(|| words_of(database), |state| state.borrow().server.clone());
                let connection = OpenConnection::remote(
                    profile.clone(),
                    database,
                    server,
                    registry.read_only_reason(),
                );
                let status = DatabaseStatus::Ready {
                    server_version: facts.version,
                    database: facts.database,
                    login: facts.login,
                    os_user: registry::os_user().to_owned(),
                    data_directory: None,
                    shared: false,
                    connection: Box::new(connection),
                };
                self.use_registry(registry, servers.into(), None, status);
            }
        }
        Ok(None)
    }
}

/// Opens the registry of a profile, as far as that goes without an answer. `on_step` is told of each step as it begins.
///
/// # Errors
/// [`Error::Unreachable`], those of [`migrations::migrate_on`].
async fn open(
    profile: &ConnectionProfile,
    database: &RemoteDatabase,
    answers: Answers,
    secrets: &SecretStore,
    on_step: impl Fn(StartStep),
) -> Result<Opened, Error> {
    on_step(StartStep::Connecting);
    let password = match answers.password {
        Some(password) => Some(password),
        None => secrets.get(&password_name(&profile.id)).await,
    };
    let was_tried = password.is_some();
    let servers = Servers::new(database, password)?;
    match open_with(&servers, answers.agreed, on_step).await {
        Err(Error::Unreachable { failure })
            if failure.code == ConnectionFailureCode::PasswordWrong =>
        {
            Ok(Opened::PasswordNeeded(was_tried.then(|| failure.report())))
        }
        outcome => outcome,
    }
}

async fn open_with(
    servers: &Servers,
    agreed: Option<MigrationDecision>,
    on_step: impl Fn(StartStep),
) -> Result<Opened, Error> {
    match migrations::decision(servers).await {
        Ok(decision) if decision.state.migrations().is_empty() => {}
        Ok(decision) if agreed.as_ref() == Some(&decision) => {
            info!(state = %decision.state, "bringing the schema up to date, as was decided");
            on_step(StartStep::Migrating);
            migrations::migrate_on(servers).await?;
        }
        Ok(decision) => return Ok(Opened::DecisionNeeded(Box::new(decision))),
        // A login that may read no more than it must can't see the version, and can't change it.
        Err(error @ Error::Forbidden { .. }) => {
            warn!(%error, "the version of the schema couldn't be read");
        }
        Err(error) => return Err(error),
    }
    let registry = Registry::open(servers.clone()).await?;
    Ok(Opened::Registry {
        registry: Box::new(registry),
        servers: servers.clone(),
    })
}

/// The servers, as `host:port`.
fn words_of(database: &RemoteDatabase) -> String {
    let servers: Vec<String> = database.servers.iter().map(ToString::to_string).collect();
    servers.join(", ")
}
