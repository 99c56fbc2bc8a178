//! The task that keeps a registry on the right server: it watches the one that is used, looks for another one when it
//! is gone or can't be written to any more, and has the pool filled anew from there.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::Connection;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{debug, error, info, warn};

use super::failure::{ConnectionFailure, ConnectionFailureReport};
use super::lost_tail::{LostTail, find_lost_tail};
use super::servers::{FoundServer, ROLE_TIMEOUT, ServerRole, Servers, worst};
use crate::anchors::{Anchor, AnchorFile};
use crate::lock::lock;
use crate::registry::UNTESTED_IDLE_MAX;

/// How often the server that is used is asked whether it still is the right one.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// How long it waits between two searches, at first and at the most.
const SEARCH_PAUSE_FIRST: Duration = Duration::from_millis(200);
const SEARCH_PAUSE_MAX: Duration = Duration::from_secs(2);

/// How long a caller waits for a free connection before it is told that the database doesn't answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(8);

const CONNECTIONS_MAX: u32 = 8;

/// What a registry's connection is at this moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct ConnectionState {
    /// The server that is used, as `host:port`, or was used last.
    pub server: String,
    /// What it is.
    pub role: ServerRole,
    /// Whether it answers. While it doesn't, the right server is searched for.
    pub is_connected: bool,
    /// Since when that is so.
    pub since: DateTime<Utc>,
    /// Why there is none, as far as the last search went.
    pub failure: Option<ConnectionFailureReport>,
    /// How often another connection had to be found.
    #[specta(type = u32)]
    pub reconnect_count: u64,
    /// Changes that were made and are gone, until somebody acknowledges it.
    pub lost_tail: Option<LostTail>,
}

/// A registry's way to its servers; ended with the last handle on it.
pub(crate) struct ServerLink {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    servers: Servers,
    state: watch::Sender<ConnectionState>,
    /// Rises with every loss of the server, so that who waits for an answer of it stops waiting.
    losses: watch::Sender<u64>,
    /// Wakes the task: somebody has found the server wanting.
    look: Notify,
    /// Connections of the pool that are older are of a server that is not used any more.
    emptied_at: Mutex<Instant>,
    known_end: KnownEnd,
}

/// What is known of the registry's end: by the anchors of a file, and by what this program has changed itself.
#[derive(Default)]
struct KnownEnd {
    file: Mutex<Option<AnchorFile>>,
    newest: Mutex<Option<Anchor>>,
}

impl fmt::Debug for ServerLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerLink")
            .field("servers", &self.shared.servers)
            .finish_non_exhaustive()
    }
}

impl Drop for ServerLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ServerLink {
    /// Makes a pool on the server that was found, and watches it from then on.
    pub(crate) fn open(servers: Servers, found: FoundServer) -> (PgPool, Self) {
        info!(server = %found.address, role = ?found.role, "connected");
        let shared = Arc::new(Shared {
            state: watch::Sender::new(ConnectionState {
                server: found.address.to_string(),
                role: found.role,
                is_connected: true,
                since: Utc::now(),
                failure: None,
                reconnect_count: 0,
                lost_tail: None,
            }),
            losses: watch::Sender::new(0),
            look: Notify::new(),
            emptied_at: Mutex::new(Instant::now()),
            known_end: KnownEnd::default(),
            servers,
        });
        let pool = shared.pool(&found);
        let task = tokio::spawn(Arc::clone(&shared).keep(pool.clone(), found));
        (pool, Self { shared, task })
    }

    pub(crate) fn state(&self) -> watch::Receiver<ConnectionState> {
        self.shared.state.subscribe()
    }

    pub(crate) fn use_anchor_file(&self, file: AnchorFile) {
        *lock(&self.shared.known_end.file) = Some(file);
        // What it holds is compared at once.
        self.shared.look.notify_one();
    }

    /// What a change has left, so that its loss is noticed.
    pub(crate) fn note(&self, anchor: Anchor) {
        let mut newest = lock(&self.shared.known_end.newest);
        if newest.as_ref().is_none_or(|known| {
            known.registry_id != anchor.registry_id || known.revision < anchor.revision
        }) {
            *newest = Some(anchor);
        }
    }

    /// Ends the alarm of a lost tail. What was known is forgotten, so that it is not found again.
    pub(crate) fn acknowledge_lost_tail(&self) {
        *lock(&self.shared.known_end.newest) = None;
        self.shared.state.send_modify(|state| {
            if let Some(tail) = state.lost_tail.take() {
                info!(
                    lost_count = tail.lost_count,
                    "the lost changes were acknowledged"
                );
            }
        });
    }

    /// Somebody's connection broke: the server is looked at now, and not at the next turn.
    pub(crate) fn look_now(&self) {
        self.shared.look.notify_one();
    }

    /// Waits until the server that is used now is lost.
    pub(crate) async fn lost(&self) {
        let mut losses = self.shared.losses.subscribe();
        losses.mark_unchanged();
        // The sender lives as long as this.
        let _ = losses.changed().await;
    }
}

impl Shared {
    fn pool(self: &Arc<Self>, found: &FoundServer) -> PgPool {
        let (of_new, of_idle) = (Arc::clone(self), Arc::clone(self));
        PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // Instead of it the server is asked what it is, which takes as long.
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let shared = Arc::clone(&of_new);
                Box::pin(async move {
                    shared.servers.prepare(connection).await?;
                    let role = shared.servers.role_of(connection).await?;
                    if shared.takes(role) {
                        Ok(())
                    } else {
                        shared.look.notify_one();
                        Err(sqlx::Error::Configuration(
                            "the server takes no changes now".into(),
                        ))
                    }
                })
            })
            .before_acquire(move |connection, metadata| {
                let shared = Arc::clone(&of_idle);
                Box::pin(async move { Ok(shared.is_still_right(connection, metadata).await) })
            })
            // What was broken off is looked at before it is used again; a dead link would keep its place for good.
            .after_release(|connection, _| {
                Box::pin(async move {
                    match timeout(ROLE_TIMEOUT, connection.ping()).await {
                        Ok(answer) => answer.map(|()| true),
                        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
                    }
                })
            })
            .connect_lazy_with(self.servers.options_for(&found.address))
    }

    fn takes(&self, role: ServerRole) -> bool {
        self.servers.target() != super::Target::Primary || role == ServerRole::Primary
    }

    /// Whether an idle connection of the pool may be used again.
    async fn is_still_right(
        &self,
        connection: &mut PgConnection,
        metadata: PoolConnectionMetadata,
    ) -> bool {
        if metadata.age > lock(&self.emptied_at).elapsed() {
            return false;
        }
        if metadata.idle_for <= UNTESTED_IDLE_MAX {
            return true;
        }
        let is_right = matches!(
            timeout(ROLE_TIMEOUT, self.servers.role_of(connection)).await,
            Ok(Ok(role)) if self.takes(role)
        );
        if !is_right {
            self.look.notify_one();
        }
        is_right
    }

    /// Watches the server, and finds another one whenever it is lost.
    async fn keep(self: Arc<Self>, pool: PgPool, mut found: FoundServer) {
        loop {
            self.compare_tail(&mut found.connection).await;
            let why = self.watch(&mut found).await;
            self.lost(&found, &why);
            // It may be dead: nobody waits for it to say goodbye.
            drop(found);
            found = self.search().await;
            pool.set_connect_options(self.servers.options_for(&found.address));
            // Also what was opened meanwhile, to the old server.
            *lock(&self.emptied_at) = Instant::now();
            info!(server = %found.address, role = ?found.role, "connected again");
            self.state.send_modify(|state| {
                state.server = found.address.to_string();
                state.role = found.role;
                state.is_connected = true;
                state.since = Utc::now();
                state.failure = None;
                state.reconnect_count += 1;
            });
        }
    }

    /// Returns why the server can't be used any more.
    async fn watch(&self, found: &mut FoundServer) -> ConnectionFailure {
        loop {
            let is_asked = tokio::select! {
                () = sleep(WATCH_INTERVAL) => false,
                () = self.look.notified() => true,
            };
            let asked = timeout(ROLE_TIMEOUT, self.servers.role_of(&mut found.connection)).await;
            match asked {
                Ok(Ok(role)) if self.takes(role) => {
                    if role != found.role {
                        found.role = role;
                        self.state.send_modify(|state| state.role = role);
                    }
                    if is_asked {
                        self.compare_tail(&mut found.connection).await;
                    }
                }
                Ok(Ok(_)) => {
                    return ConnectionFailure::new(
                        super::ConnectionFailureCode::OnlyReadOnlyServers,
                        &found.address,
                    );
                }
                Ok(Err(error)) => return ConnectionFailure::of(&found.address, &error),
                Err(_) => {
                    return ConnectionFailure::new(
                        super::ConnectionFailureCode::Unreachable,
                        &found.address,
                    );
                }
            }
        }
    }

    fn lost(&self, found: &FoundServer, why: &ConnectionFailure) {
        warn!(server = %found.address, code = ?why.code, reason = why.reason, "the server is lost, looking for another one");
        *lock(&self.emptied_at) = Instant::now();
        self.losses.send_modify(|count| *count += 1);
        self.state.send_modify(|state| {
            state.is_connected = false;
            state.since = Utc::now();
            state.failure = Some(why.report());
        });
    }

    async fn search(&self) -> FoundServer {
        let mut pause = SEARCH_PAUSE_FIRST;
        loop {
            match self.servers.find(self.servers.target()).await {
                Ok(found) => return found,
                Err(failures) => {
                    let failure = worst(&failures);
                    debug!(code = ?failure.code, reason = failure.reason, "no server can be used yet");
                    self.state
                        .send_modify(|state| state.failure = Some(failure.report()));
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(SEARCH_PAUSE_MAX);
        }
    }

    /// Compares what is known of the registry's end with what the server has.
    async fn compare_tail(&self, connection: &mut PgConnection) {
        let file = lock(&self.known_end.file).clone();
        let mut anchors = match file {
            None => Vec::new(),
            Some(file) => tokio::task::spawn_blocking(move || file.read())
                .await
                .ok()
                .and_then(std::result::Result::ok)
                .unwrap_or_default(),
        };
        anchors.extend(lock(&self.known_end.newest).clone());
        if anchors.is_empty() {
            return;
        }
        match timeout(ROLE_TIMEOUT, find_lost_tail(connection, &anchors)).await {
            Ok(Ok(Some(tail))) => {
                // One that is told already and is the same is no news.
                let is_new = self.state.borrow().lost_tail.as_ref().is_none_or(|told| {
                    (told.known_revision, told.common_revision)
                        != (tail.known_revision, tail.common_revision)
                });
                if is_new {
                    error!(
                        registry_id = tail.registry_id,
                        known_revision = tail.known_revision,
                        found_revision = tail.found_revision,
                        lost_count = tail.lost_count,
                        "changes that were made are not in the database any more"
                    );
                    self.state.send_modify(|state| state.lost_tail = Some(tail));
                }
            }
            Ok(Ok(None)) => {}
            // A registry without that table, a login that may not read it, a server that is gone again.
            Ok(Err(error)) => {
                debug!(%error, "the end of the audit log couldn't be compared");
            }
            Err(_) => debug!("the end of the audit log couldn't be compared in time"),
        }
    }
}
