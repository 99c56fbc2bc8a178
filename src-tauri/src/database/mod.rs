//! The console's database session: opens the registry of the profile in use, tells the page of each step, and opens it
//! again when the embedded server ends unexpectedly or another profile is chosen.

mod embedded;
mod remote;
mod status;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use registry::anchors::AnchorFile;
use registry::cache::{CacheDatabase, CacheOptions, RegistryCache};
use registry::connection::{ConnectionProfile, ConnectionState, RemoteDatabase};
use registry::embedded::{EmbeddedServer, Options, StartStep};
use registry::{Error, ErrorReport, Registry};
use secrecy::SecretString;
use tauri::async_runtime::JoinHandle;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error, info, warn};

use self::embedded::End;
use self::remote::{Answers, Opened};
use crate::folders::Folders;
use crate::health_watch::HealthWatcher;
use crate::nats::Nats;
use crate::phases::Phases;
use crate::secrets::SecretStore;
use crate::settings::Settings;

pub(crate) use self::embedded::fill_sample_traffic;
pub(crate) use self::remote::password_name;
pub(crate) use self::status::{
    ConnectionStateChanged, DatabaseStatus, DatabaseStatusChanged, OpenConnection, RegistryChanged,
};

/// A server that ends more often than this within [`RESTART_WINDOW`] is not started again by itself.
const RESTARTS_MAX: usize = 3;
const RESTART_WINDOW: Duration = Duration::from_mins(1);

/// The session; shared by all commands.
pub(crate) struct Database(Arc<Session>);

struct Session {
    app: AppHandle,
    phases: Arc<Phases>,
    options: Options,
    /// A role that is named and is none: nothing is opened then, least of all with more rights.
    unknown_role: Option<String>,
    state: Mutex<State>,
    requests: mpsc::UnboundedSender<Request>,
}

struct State {
    status: DatabaseStatus,
    open: Option<OpenRegistry>,
    /// Follows the registry, so that the page learns of others' changes.
    cache: Option<RegistryCache>,
    server: Option<Arc<EmbeddedServer>>,
    /// What goes on for as long as the registry is open.
    tasks: Vec<JoinHandle<()>>,
    stopping: bool,
}

#[derive(Clone)]
struct OpenRegistry {
    registry: Registry,
    profile: ConnectionProfile,
}

/// What somebody asks of the session.
enum Request {
    /// Open it after it failed, or after an administrator has put something right.
    Retry,
    /// Open the profile that the settings name now.
    Reopen,
    /// This is the password.
    Password(SecretString),
    /// Do what was shown to bring the schema up to date.
    Migrate,
    /// Close it until some work is over that needs the files alone.
    Pause {
        closed: oneshot::Sender<()>,
        over: oneshot::Receiver<()>,
    },
}

impl Database {
    /// Begins to open the registry of the profile in use.
    pub(crate) fn start(app: &AppHandle, phases: Arc<Phases>) -> Self {
        let role = embedded::named_role();
        let (requests, received) = mpsc::unbounded_channel();
        let session = Arc::new(Session {
            app: app.clone(),
            phases,
            options: embedded::options(
                &app.state::<Folders>(),
                app.path().resource_dir().ok(),
                role.as_ref().ok().copied().flatten(),
            ),
            unknown_role: role.err(),
            state: Mutex::new(State {
                status: DatabaseStatus::Starting {
                    step: StartStep::FindingServer,
                },
                open: None,
                cache: None,
                server: None,
                tasks: Vec::new(),
                stopping: false,
            }),
            requests,
        });
        tauri::async_runtime::spawn(Arc::clone(&session).keep_open(received));
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

impl State {
    /// Takes out all that is open; dropping it stops the server, which blocks.
    fn take_open(&mut self) -> Option<Arc<EmbeddedServer>> {
        for task in self.tasks.drain(..) {
            task.abort();
        }
        self.open = None;
        self.cache = None;
        self.server.take()
    }
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, request: Request) {
        if self.requests.send(request).is_err() {
            debug!("nobody opens the database any more");
        }
    }

    fn set_status(&self, status: DatabaseStatus) {
        self.state().status = status.clone();
        self.tell(status);
    }

    fn tell(&self, status: DatabaseStatus) {
        if let Err(error) = DatabaseStatusChanged(status).emit(&self.app) {
            warn!(%error, "the window couldn't be told of the database's state");
        }
    }

    fn step(&self, step: StartStep) {
        self.phases.mark(embedded::step_name(step));
        self.set_status(DatabaseStatus::Starting { step });
    }

    async fn keep_open(self: Arc<Self>, mut requests: mpsc::UnboundedReceiver<Request>) {
        let mut ends: Vec<Instant> = Vec::new();
        let mut answers = Answers::default();
        loop {
            let profile = self.app.state::<Settings>().active_profile().profile;
            let opened = match profile.remote() {
                None => {
                    answers = Answers::default();
                    self.open_embedded(&profile).await
                }
                // Whoever waits for a server that doesn't answer may want another one.
                Some(database) => tokio::select! {
                    opened = self.open_remote(&profile, database, std::mem::take(&mut answers)) => opened,
                    Some(request) = requests.recv() => {
                        self.obey(request, &mut answers).await;
                        continue;
                    }
                },
            };
            let end = match opened {
                Ok(end) => end,
                Err(error) => {
                    self.fail(&error, &profile);
                    None
                }
            };
            tokio::select! {
                () = ended(end) => {
                    if self.close().await {
                        return;
                    }
                    ends.retain(|end| end.elapsed() < RESTART_WINDOW);
                    ends.push(Instant::now());
                    warn!(count = ends.len(), "the database server ended: opening it again");
                    if ends.len() <= RESTARTS_MAX {
                        continue;
                    }
                    ends.clear();
                    self.fail(&self.ended_too_often(), &profile);
                    let Some(request) = requests.recv().await else {
                        return;
                    };
                    self.obey(request, &mut answers).await;
                }
                Some(request) = requests.recv() => {
                    self.obey(request, &mut answers).await;
                }
            }
        }
    }

    /// Closes what is open, and takes to heart what was asked.
    async fn obey(&self, request: Request, answers: &mut Answers) {
        let before = self.state().status.clone();
        if let (Request::Reopen, DatabaseStatus::Ready { .. }) = (&request, &before) {
            self.set_status(DatabaseStatus::Starting {
                step: StartStep::Connecting,
            });
        }
        if let Request::Pause { .. } = &request {
            self.set_status(DatabaseStatus::Starting {
                step: StartStep::Replacing,
            });
        }
        self.close().await;
        match request {
            Request::Retry => {}
            Request::Reopen => {
                *answers = Answers::default();
                // Both are of the registry that was open.
                self.app.state::<HealthWatcher>().forget();
                self.app.state::<Nats>().disconnect().await;
            }
            Request::Password(password) => answers.password = Some(password),
            Request::Migrate => {
                if let DatabaseStatus::DecisionNeeded { decision, .. } = before {
                    answers.agreed = Some(*decision);
                }
            }
            Request::Pause { closed, over } => {
                if closed.send(()).is_ok() {
                    // An error is the usual end: whoever works drops its half.
                    let _ = over.await;
                }
            }
        }
    }

    fn ended_too_often(&self) -> Error {
        Error::ServerStartFailed {
            attempted: "Keeping PostgreSQL running",
            detail: format!(
                "It ended {} times within a minute. Its log: {}",
                RESTARTS_MAX + 1,
                self.options
                    .data_directory
                    .join("postgresql/server.log")
                    .display()
            ),
        }
    }

    fn fail(&self, error: &Error, profile: &ConnectionProfile) {
        let report = error.report();
        error!(
            code = ?report.code,
            message = report.message,
            action = report.action,
            detail = report.detail.as_deref().unwrap_or_default(),
            profile = profile.id,
            "database failed to start"
        );
        self.set_status(DatabaseStatus::Failed {
            error: report,
            profile: Box::new(profile.clone()),
        });
    }

    async fn open_embedded(
        self: &Arc<Self>,
        profile: &ConnectionProfile,
    ) -> Result<Option<End>, Error> {
        if let Some(name) = &self.unknown_role {
            return Err(embedded::no_role(name));
        }
        let session = Arc::clone(self);
        let (server, registry) =
            registry::embedded::open(&self.options, move |step| session.step(step)).await?;
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

    async fn open_remote(
        self: &Arc<Self>,
        profile: &ConnectionProfile,
        database: &RemoteDatabase,
        answers: Answers,
    ) -> Result<Option<End>, Error> {
        if self.unknown_role.is_some() || self.options.role.is_some() {
            return Err(embedded::role_is_elsewhere());
        }
        let secrets = self.app.state::<SecretStore>();
        let opened = remote::open(profile, database, answers, &secrets, |step| self.step(step));
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
                let anchors = self
                    .app
                    .state::<Folders>()
                    .state
                    .join("anchors")
                    .join(format!("{}.jsonl", profile.id));
                let registry = registry.with_anchor_file(AnchorFile::new(anchors));
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
                    os_user: registry::os_user(),
                    data_directory: None,
                    shared: false,
                    connection: Box::new(connection),
                };
                self.use_registry(registry, servers.into(), None, status);
            }
        }
        Ok(None)
    }

    /// Hands the open registry to the commands, and begins what goes on beside them.
    fn use_registry(
        self: &Arc<Self>,
        registry: Registry,
        followed: CacheDatabase,
        server: Option<Arc<EmbeddedServer>>,
        status: DatabaseStatus,
    ) {
        let DatabaseStatus::Ready { connection, .. } = &status else {
            return;
        };
        let options = CacheOptions {
            // The list of consumers is of programs that act by what they have applied.
            consumer: None,
            ..CacheOptions::default()
        };
        let connecting = RegistryCache::connect(followed, options);
        {
            let mut state = self.state();
            if state.stopping {
                // The console was closed meanwhile; dropping the server stops it.
                return;
            }
            state.open = Some(OpenRegistry {
                registry: registry.clone(),
                profile: connection.profile.clone(),
            });
            state.server = server;
            state.tasks = vec![
                tauri::async_runtime::spawn(Arc::clone(self).follow(connecting)),
                tauri::async_runtime::spawn(tell_menu(self.app.clone(), registry.clone())),
                tauri::async_runtime::spawn(prune(registry.clone())),
                tauri::async_runtime::spawn(tell_connection(self.app.clone(), registry)),
            ];
        }
        self.phases.mark("database ready");
        info!("database is open");
        self.set_status(status);
        self.app.state::<HealthWatcher>().look_now();
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
            if state.open.is_some() {
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

    /// Forgets what is open; tells whether the console is being closed.
    async fn close(&self) -> bool {
        let (server, stopping) = {
            let mut state = self.state();
            (state.take_open(), state.stopping)
        };
        if let Some(server) = &server {
            // Only the last who has it stops it: whoever looks at something lets it go soon.
            while Arc::strong_count(server) > 1 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        // Stopping the server blocks.
        if tokio::task::spawn_blocking(move || drop(server))
            .await
            .is_err()
        {
            warn!("stopping the server failed");
        }
        stopping
    }
}

/// Waits for the embedded server's end; for ever where there is none.
async fn ended(end: Option<End>) {
    match end {
        Some(end) => end.wait().await,
        None => std::future::pending().await,
    }
}

/// Turns off in the menu what the login may not do.
async fn tell_menu(app: AppHandle, registry: Registry) {
    match registry.permissions().await {
        Ok(permissions) => crate::menu::allow_editing(
            &app,
            permissions.can_edit && registry.read_only_reason().is_none(),
        ),
        // The database refuses what is not allowed in any case.
        Err(error) => debug!(%error, "the menu stays as it is"),
    }
}

/// Deletes old history of health, a minute after the start and then each hour.
async fn prune(registry: Registry) {
    let mut pause = Duration::from_mins(1);
    loop {
        tokio::time::sleep(pause).await;
        pause = Duration::from_hours(1);
        match registry.prune_health().await {
            Ok(count) => debug!(count, "deleted old history of health"),
            // A login that may not leaves it to others.
            Err(error) => debug!(%error, "old history of health stays"),
        }
    }
}

/// Tells the page when the server of a database elsewhere is lost or found again.
async fn tell_connection(app: AppHandle, registry: Registry) {
    let Some(mut state) = registry.connection_state() else {
        return;
    };
    while state.changed().await.is_ok() {
        let now = state.borrow_and_update().clone();
        if let Err(error) = ConnectionStateChanged(now).emit(&app) {
            warn!(%error, "the window couldn't be told of the connection's state");
        }
    }
}

/// The servers, as `host:port`.
fn words_of(database: &RemoteDatabase) -> String {
    let servers: Vec<String> = database.servers.iter().map(ToString::to_string).collect();
    servers.join(", ")
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
