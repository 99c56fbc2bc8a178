//! What the page is told of the database.

use registry::ErrorReport;
use registry::connection::{
    ConnectionFailureReport, ConnectionProfile, ConnectionState, RemoteDatabase, TlsMode,
};
use registry::embedded::StartStep;
use registry::migrations::MigrationDecision;
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri_specta::Event;

/// What the page shows of the database.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum DatabaseStatus {
    /// It is being opened.
    Starting {
        /// What is done now.
        step: StartStep,
    },
    /// Somebody has to say the password.
    PasswordNeeded {
        /// Of which profile.
        profile: Box<ConnectionProfile>,
        /// What the server said of the one that was tried; none if none was known.
        refused: Option<ConnectionFailureReport>,
    },
    /// Somebody has to decide what becomes of its schema.
    DecisionNeeded {
        /// Which profile led there.
        profile: Box<ConnectionProfile>,
        /// The servers, as `host:port`.
        server: String,
        /// What there is, and what would be done.
        decision: Box<MigrationDecision>,
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
        /// Where the data of the embedded database lies; none for one elsewhere.
        data_directory: Option<String>,
        /// Whether another program started the server and this one joined it.
        shared: bool,
        /// The way to it.
        connection: Box<OpenConnection>,
    },
    /// It couldn't be opened.
    Failed {
        /// Why, and what to do.
        error: ErrorReport,
        /// Which profile was to be opened.
        profile: Box<ConnectionProfile>,
    },
}

/// The way to a database that is open.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub(crate) struct OpenConnection {
    /// The profile that was opened.
    pub(crate) profile: ConnectionProfile,
    /// The server that was found first, as `host:port`; [`ConnectionState`] follows it. `embedded` for the own one.
    pub(crate) server: String,
    /// How it is encrypted; none where nobody is on the way: for the embedded database and unix sockets.
    pub(crate) tls_mode: Option<TlsMode>,
    /// Whether it could be read or changed on the way, by the choice of the profile.
    pub(crate) is_tls_weak: bool,
    /// Why nothing may be changed; none if something may.
    pub(crate) read_only_reason: Option<String>,
    /// Whether the server tells of others' changes. Where it can't, they are looked for.
    pub(crate) can_listen: bool,
}

impl OpenConnection {
    /// The way to the embedded database.
    pub(super) fn embedded(profile: ConnectionProfile) -> Self {
        Self {
            server: profile.id.clone(),
            profile,
            tls_mode: None,
            is_tls_weak: false,
            read_only_reason: None,
            can_listen: true,
        }
    }

    /// The way to a database elsewhere.
    pub(super) fn remote(
        profile: ConnectionProfile,
        database: &RemoteDatabase,
        server: String,
        read_only_reason: Option<&str>,
    ) -> Self {
        let is_by_network = database.servers.iter().any(|server| !server.is_socket());
        Self {
            profile,
            server,
            tls_mode: is_by_network.then(|| database.tls.mode_for(&database.servers)),
            is_tls_weak: database.tls.is_weak(&database.servers),
            read_only_reason: read_only_reason.map(ToOwned::to_owned),
            can_listen: database.pooling != registry::connection::Pooling::Transaction,
        }
    }
}

/// Tells the page that the database's state changed.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct DatabaseStatusChanged(pub(super) DatabaseStatus);

/// Tells the page that the server of a database elsewhere was lost, or found again.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct ConnectionStateChanged(pub(super) ConnectionState);

/// Tells the page that extensions changed, whoever changed them.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct RegistryChanged {
    /// The registry's revision now.
    #[specta(type = u32)]
    pub(super) revision: i64,
    /// The extensions that were created, changed or deleted; none if it may be any of them.
    pub(super) extension_ids: Option<Vec<String>>,
}
