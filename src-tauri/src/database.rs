//! The console's database session: opens the embedded registry, tells the page of each step, and
//! opens it again when the server ends unexpectedly.

use std::env::VarError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use registry::access::Role;
use registry::cache::{CacheOptions, RegistryCache};
use registry::embedded::{self, EmbeddedServer, Options, StartStep};
use registry::{Error, ErrorReport, Registry};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tokio::sync::Notify;
use tracing::{debug, error, info, warn};

use crate::folders::Folders;
use crate::phases::Phases;

/// A server that ends more often than this within [`RESTART_WINDOW`] is not started again by itself.
const RESTARTS_MAX: usize = 3;
const RESTART_WINDOW: Duration = Duration::from_mins(1);

/// Names a role to work as, such as `viewer`: less can be done by mistake then.
const ROLE_VARIABLE: &str = "BEAMLINE_REGISTRY_ROLE";

/// How often a session on another program's server looks whether that still answers.
const SHARED_SERVER_CHECK: Duration = Duration::from_secs(2);

/// What the page shows of the database.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum DatabaseStatus {
    /// It is being opened.
    Starting {
        /// What is done now.
        step: StartStep,
    },
    /// It can be used.
    Ready {
        /// PostgreSQL's version, such as `18.4`.
        server_version: String,
        /// The database's name.
        database: String,
        /// The login role: the actor of changes.
        login: String,
        /// The operating system account.
        os_user: String,
        /// Where the data lies.
        data_directory: String,
        /// Whether another program started the server and this one joined it.
        shared: bool,
    },
    /// It couldn't be opened.
    Failed {
        /// Why, and what to do.
        error: ErrorReport,
    },
}

/// Tells the page that the database's state changed.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct DatabaseStatusChanged(DatabaseStatus);

/// Tells the page that extensions changed, whoever changed them.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct RegistryChanged {
    /// The registry's revision now.
    #[specta(type = u32)]
    revision: i64,
    /// The extensions that were created, changed or deleted; none if it may be any of them.
    extension_ids: Option<Vec<String>>,
}

/// The session; shared by all commands.
pub(crate) struct Database(Arc<Session>);

struct Session {
    app: AppHandle,
    phases: Arc<Phases>,
    options: Options,
    /// A role that is named and is none: nothing is opened then, least of all with more rights.
    unknown_role: Option<String>,
    state: Mutex<State>,
    retry: Notify,
}

struct State {
    status: DatabaseStatus,
    registry: Option<Registry>,
    /// Follows the registry, so that the page learns of others' changes.
    cache: Option<RegistryCache>,
    server: Option<EmbeddedServer>,
    stopping: bool,
}

impl Database {
    /// Begins to open the embedded registry.
    pub(crate) fn start(app: &AppHandle, phases: Arc<Phases>) -> Self {
        let folders = app.state::<Folders>();
        let role = named_role();
        let session = Arc::new(Session {
            app: app.clone(),
            phases,
            options: Options {
                data_directory: folders.data.clone(),
                server_override: folders.named_postgresql.clone(),
                bundled_server: bundled_server(app),
                application_name: "beamline-registry".to_owned(),
                role: role.as_ref().ok().copied().flatten(),
            },
            unknown_role: role.err(),
            state: Mutex::new(State {
                status: DatabaseStatus::Starting {
                    step: StartStep::FindingServer,
                },
                registry: None,
                cache: None,
                server: None,
                stopping: false,
            }),
            retry: Notify::new(),
        });
        tauri::async_runtime::spawn(Arc::clone(&session).keep_open());
        Self(session)
    }

    pub(crate) fn status(&self) -> DatabaseStatus {
        self.0.state().status.clone()
    }

    /// The open registry.
    ///
    /// # Errors
    /// While it is not open, the reason that the page also shows.
    pub(crate) fn registry(&self) -> Result<Registry, ErrorReport> {
        let state = self.0.state();
        state
            .registry
            .clone()
            .ok_or_else(|| not_open(&state.status))
    }

    /// The cache that follows the open registry.
    ///
    /// # Errors
    /// While there is none, the reason that the page also shows.
    pub(crate) fn cache(&self) -> Result<RegistryCache, ErrorReport> {
        let state = self.0.state();
        state.cache.clone().ok_or_else(|| not_open(&state.status))
    }

    /// Tries again to open the database after it failed; else does nothing.
    pub(crate) fn retry(&self) {
        if matches!(self.0.state().status, DatabaseStatus::Failed { .. }) {
            self.0.retry.notify_one();
        }
    }

    /// The folder with the server's programs, where this program started it.
    pub(crate) fn server_binaries(&self) -> Option<PathBuf> {
        self.0
            .state()
            .server
            .as_ref()
            .and_then(|server| server.binaries.clone())
    }

    /// Stops the server if this program started it. Blocks until it is gone, 15 s at the most.
    pub(crate) fn stop(&self) {
        let server = {
            let mut state = self.0.state();
            state.stopping = true;
            state.registry = None;
            state.cache = None;
            state.server.take()
        };
        drop(server);
    }
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_status(&self, status: DatabaseStatus) {
        self.state().status = status.clone();
        if let Err(error) = DatabaseStatusChanged(status).emit(&self.app) {
            warn!(%error, "the window couldn't be told of the database's state");
        }
    }

    async fn keep_open(self: Arc<Self>) {
        let mut ends: Vec<Instant> = Vec::new();
        loop {
            match self.open().await {
                Ok(end) => {
                    end.wait().await;
                    if self.close() {
                        return;
                    }
                    ends.retain(|end| end.elapsed() < RESTART_WINDOW);
                    ends.push(Instant::now());
                    warn!(
                        count = ends.len(),
                        "the database server ended: opening it again"
                    );
                    if ends.len() <= RESTARTS_MAX {
                        continue;
                    }
                    ends.clear();
                    self.fail(&Error::ServerStartFailed {
                        attempted: "Keeping PostgreSQL running",
                        detail: format!(
                            "It ended {} times within a minute. Its log: {}",
                            RESTARTS_MAX + 1,
                            self.options
                                .data_directory
                                .join("postgresql/server.log")
                                .display()
                        ),
                    });
                }
                Err(error) => self.fail(&error),
            }
            self.retry.notified().await;
        }
    }

    fn fail(&self, error: &Error) {
        let report = error.report();
        error!(
            code = ?report.code,
            message = report.message,
            action = report.action,
            detail = report.detail.as_deref().unwrap_or_default(),
            "database failed to start"
        );
        self.set_status(DatabaseStatus::Failed { error: report });
    }

    async fn open(self: &Arc<Self>) -> Result<End, Error> {
        if let Some(name) = &self.unknown_role {
            return Err(Error::InvalidInput {
                field: "role",
                message: format!("{ROLE_VARIABLE} is {name:?}, which is no role."),
                action: "Name viewer, operator or editor, or nothing, and start again.",
            });
        }
        let session = Arc::clone(self);
        let on_step = move |step: StartStep| {
            session.phases.mark(step_name(step));
            session.set_status(DatabaseStatus::Starting { step });
        };
        let (server, registry) = embedded::open(&self.options, on_step).await?;
        let status = DatabaseStatus::Ready {
            server_version: server.version.clone(),
            database: server.database().to_owned(),
            login: server.login.clone(),
            os_user: registry::os_user(),
            data_directory: self.options.data_directory.display().to_string(),
            shared: server.is_shared(),
        };
        let end = match server.ended() {
            Some(ended) => End::Own(ended),
            None => End::Shared(registry.clone()),
        };
        let options = CacheOptions {
            // The list of consumers is of programs that act by what they have applied.
            consumer: None,
            ..CacheOptions::default()
        };
        let connecting = RegistryCache::connect(server.connect_options().clone(), options);
        {
            let mut state = self.state();
            state.registry = Some(registry);
            state.server = Some(server);
            if state.stopping {
                // The console was closed meanwhile; dropping the server stops it.
                state.server = None;
            }
        }
        self.phases.mark("database ready");
        info!("database is open");
        self.set_status(status);
        tauri::async_runtime::spawn(Arc::clone(self).follow(connecting));
        tauri::async_runtime::spawn(Arc::clone(self).prune());
        Ok(end)
    }

    /// Follows the registry for as long as it is open, and tells the page of each change.
    async fn follow(
        self: Arc<Self>,
        connecting: impl Future<Output = Result<RegistryCache, Error>> + Send,
    ) {
        let cache = match connecting.await {
            Ok(cache) => cache,
            Err(error) => return warn!(%error, "the registry can't be followed"),
        };
        let mut changes = cache.watch();
        {
            let mut state = self.state();
            // Without a registry it was closed meanwhile.
            if state.registry.is_some() {
                state.cache = Some(cache);
            }
        }
        while let Some(change) = changes.next().await {
            let told = RegistryChanged {
                revision: change.revision,
                extension_ids: change
                    .ids
                    .map(|ids| ids.iter().map(ToString::to_string).collect()),
            };
            if let Err(error) = told.emit(&self.app) {
                warn!(%error, "the window couldn't be told of a change");
            }
        }
    }

    /// Deletes old history of health, a minute after the start and then each hour, for as long as the registry is open.
    async fn prune(self: Arc<Self>) {
        let mut pause = Duration::from_mins(1);
        loop {
            tokio::time::sleep(pause).await;
            pause = Duration::from_hours(1);
            let Some(registry) = self.state().registry.clone() else {
                return;
            };
            match registry.prune_health().await {
                Ok(count) => debug!(count, "deleted old history of health"),
                // A login that may not leaves it to others.
                Err(error) => debug!(%error, "old history of health stays"),
            }
        }
    }

    /// Forgets the ended server; tells whether the console is being closed.
    fn close(&self) -> bool {
        let (server, stopping) = {
            let mut state = self.state();
            state.registry = None;
            state.cache = None;
            (state.server.take(), state.stopping)
        };
        drop(server);
        stopping
    }
}

fn not_open(status: &DatabaseStatus) -> ErrorReport {
    match status {
        DatabaseStatus::Failed { error } => error.clone(),
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

/// How to learn that the server is gone.
enum End {
    Own(tokio::sync::watch::Receiver<bool>),
    Shared(Registry),
}

impl End {
    async fn wait(self) {
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

/// The role that the user names; none for what the login may.
fn named_role() -> Result<Option<Role>, String> {
    match std::env::var(ROLE_VARIABLE) {
        Ok(name) if !name.is_empty() => name.parse().map(Some).map_err(|()| name),
        Ok(_) | Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(name)) => Err(name.to_string_lossy().into_owned()),
    }
}

/// The PostgreSQL that was packed with the program, if it was.
fn bundled_server(app: &AppHandle) -> Option<PathBuf> {
    app.path()
        .resource_dir()
        .map(|folder| folder.join("postgresql"))
        .ok()
        .filter(|folder| Path::is_dir(folder))
}

fn step_name(step: StartStep) -> &'static str {
    match step {
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
