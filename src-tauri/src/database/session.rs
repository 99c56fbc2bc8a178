//! The session: one task that opens the registry of the profile in use, does what is asked of it, and opens the registry
//! again when the embedded server ends unexpectedly.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use registry::cache::RegistryCache;
use registry::connection::ConnectionProfile;
use registry::embedded::{EmbeddedServer, Options, StartStep};
use registry::{Error, Registry};
use registry_account::Folders;
use registry_account::embedded::{named_role, options};
use secrecy::SecretString;
use tauri::async_runtime::JoinHandle;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error, warn};

use super::embedded::{self, End};
use super::remote::Answers;
use super::{DatabaseStatus, DatabaseStatusChanged};
use crate::health_watch::HealthWatcher;
use crate::nats::Nats;
use crate::phases::Phases;
use crate::settings::Settings;

/// A server that ends more often than this within [`RESTART_WINDOW`] is not started again by itself.
const RESTARTS_MAX: usize = 3;
const RESTART_WINDOW: Duration = Duration::from_mins(1);

pub(super) struct Session {
    pub(super) app: AppHandle,
    pub(super) phases: Arc<Phases>,
    pub(super) options: Options,
    /// A role that is named and is none: nothing is opened then, least of all with more rights.
    pub(super) unknown_role: Option<String>,
    state: Mutex<State>,
    requests: mpsc::UnboundedSender<Request>,
}

pub(super) struct State {
    pub(super) status: DatabaseStatus,
    pub(super) open: Option<OpenRegistry>,
    /// Follows the registry, so that the page learns of others' changes.
    pub(super) cache: Option<RegistryCache>,
    pub(super) server: Option<Arc<EmbeddedServer>>,
    /// What goes on for as long as the registry is open.
    pub(super) tasks: Vec<JoinHandle<()>>,
    pub(super) stopping: bool,
}

#[derive(Clone)]
pub(super) struct OpenRegistry {
    pub(super) registry: Registry,
    pub(super) profile: ConnectionProfile,
}

/// What somebody asks of the session.
pub(super) enum Request {
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

impl State {
    /// Takes out all that is open; dropping it stops the server, which blocks.
    pub(super) fn take_open(&mut self) -> Option<Arc<EmbeddedServer>> {
        for task in self.tasks.drain(..) {
            task.abort();
        }
        self.open = None;
        self.cache = None;
        self.server.take()
    }
}

impl Session {
    /// Begins to open the registry of the profile in use.
    pub(super) fn start(app: &AppHandle, phases: Arc<Phases>) -> Arc<Self> {
        let role = named_role();
        let (requests, received) = mpsc::unbounded_channel();
        let session = Arc::new(Self {
            app: app.clone(),
            phases,
            options: options(
                &app.state::<Folders>(),
                app.path().resource_dir().ok(),
                role.as_ref().ok().copied().flatten(),
                embedded::APPLICATION_NAME,
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

        session
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(&self, request: Request) {
        if self.requests.send(request).is_err() {
            debug!("nobody opens the database any more");
        }
    }

    pub(super) fn set_status(&self, status: DatabaseStatus) {
        self.state().status = status.clone();
        self.tell(status);
    }

    pub(super) fn tell(&self, status: DatabaseStatus) {
        if let Err(error) = DatabaseStatusChanged(status).emit(&self.app) {
            warn!(%error, "the window couldn't be told of the database's state");
        }
    }

    pub(super) fn step(&self, step: StartStep) {
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
