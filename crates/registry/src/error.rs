//! One error type for the whole core: what was attempted, why it failed and what to do.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::access::{Attempt, Role};
use crate::backup::BackupProblem;
use crate::confirmation::TrafficEffects;
use crate::connection::{ConnectionFailure, ConnectionFailureCode, worst};
use crate::document::DocumentProblem;
use crate::extension_changes::RevisionConflict;
use crate::schemas::Violation;
use crate::wire::WireNumber;

/// The result of every fallible operation of the core.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, with the facts that the person who must act needs.
///
/// `Display` says what was attempted and why it failed, [`Error::action`] what to do about it.
/// No variant carries a password or a connection string.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder for the database can't be created or written.
    #[error("The data directory {} can't be written: {source}", path.display())]
    DataDirectoryUnwritable {
        /// The folder that was tried.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },

    /// No room for the database.
    #[error("The disk of {} is full ({available_mib} MiB free)", path.display())]
    DiskFull {
        /// The folder on the full disk.
        path: PathBuf,
        /// What is left for an ordinary user, in MiB.
        available_mib: u64,
        /// What the server said, when it was the server that failed.
        detail: Option<String>,
    },

    /// The cluster on disk was made by another major version of PostgreSQL.
    #[error(
        "The database in {} was made by PostgreSQL {data_major}, but the server at hand is PostgreSQL {server_major}",
        path.display()
    )]
    ServerVersionMismatch {
        /// The cluster's folder.
        path: PathBuf,
        /// Major version in the cluster's `PG_VERSION`.
        data_major: u32,
        /// Major version of the server binaries.
        server_major: u32,
    },

    /// The path of the unix socket is longer than the operating system allows.
    #[error(
        "The path of the server's socket is too long: {} has {length} bytes, {limit} are allowed",
        path.display()
    )]
    SocketPathTooLong {
        /// The socket's path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
        /// The longest path allowed, in bytes.
        limit: usize,
    },

    /// There is no PostgreSQL server to start.
    #[error("No PostgreSQL server was found")]
    ServerBinariesMissing {
        /// The folders that were looked into, in order.
        searched: Vec<PathBuf>,
    },

    /// The server binaries exist but do not run, or are too old.
    #[error("The PostgreSQL server in {} can't be used: {reason}", path.display())]
    ServerBinariesUnusable {
        /// The folder with `initdb` and `postgres`.
        path: PathBuf,
        /// Why not.
        reason: String,
    },

    /// Another process holds the data directory and its server can't be reached.
    #[error(
        "The data directory {} is in use by another program{} whose database doesn't answer",
        path.display(),
        process_id.map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    DataDirectoryInUse {
        /// The folder.
        path: PathBuf,
        /// The process that holds it, where it is known.
        process_id: Option<u32>,
    },

    /// The running server does not have a setting that the data's safety rests on.
    #[error("The server runs with {setting} = {value}, which would put the data at risk")]
    UnsafeServerSettings {
        /// The setting's name.
        setting: &'static str,
        /// Its value in the running server.
        value: String,
    },

    /// `initdb` or `postgres` failed.
    #[error("{attempted} failed")]
    ServerStartFailed {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
        /// The last lines that the program wrote.
        detail: String,
    },

    /// The database did not answer.
    #[error("{attempted} failed because the database didn't answer")]
    DatabaseUnavailable {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
        /// The driver's reason.
        source: sqlx::Error,
    },

    /// None of a profile's servers can be used.
    #[error("{failure}")]
    Unreachable {
        /// Why not.
        failure: Box<ConnectionFailure>,
    },

    /// Nothing can be changed through this connection.
    #[error("{attempted} isn't possible because this connection only reads")]
    ReadOnly {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
        /// What only reads, and why.
        reason: String,
    },

    /// The connection broke while a change was committed, and the database could not be asked since.
    #[error(
        "Whether this was done isn't known because the connection broke while it was saved: {attempted}"
    )]
    OutcomeUnknown {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
        /// The driver's reason.
        source: sqlx::Error,
    },

    /// A migration failed; the database is as it was before it.
    #[error("Bringing the database's schema up to date failed")]
    MigrationFailed {
        /// The migrator's reason.
        source: sqlx::migrate::MigrateError,
    },

    /// The database was migrated by a newer program.
    #[error("The database's schema (version {version}) is newer than this program")]
    SchemaNewer {
        /// The newest migration applied to the database that the program doesn't know.
        version: i64,
    },

    /// There is no extension with that id.
    #[error("There is no extension {id:?}")]
    ExtensionNotFound {
        /// The id that was asked for.
        id: String,
    },

    /// There is an extension with that id already.
    #[error("There is an extension {id:?} already")]
    IdTaken {
        /// The id.
        id: String,
    },

    /// Another extension answers on that subject.
    #[error("Another extension has the subject {subject:?}")]
    SubjectTaken {
        /// The subject.
        subject: String,
    },

    /// Somebody else changed the same fields since the caller read the extension.
    #[error("{:?} was changed by somebody else meanwhile", conflict.current.extension.id)]
    RevisionConflict {
        /// What stands against what.
        conflict: Box<RevisionConflict>,
    },

    /// Secrets that are not in the audit log would be needed to bring a version back.
    #[error("The secret at {} of {extension_id:?} isn't known any more", paths.join(", "))]
    SecretRequired {
        /// The extension.
        extension_id: String,
        /// Where they are: JSON Pointers into the row, such as `/config/api_key`.
        paths: Vec<String>,
    },

    /// What is to be undone has changed again since.
    #[error("{} changed again since", extension_ids.join(", "))]
    MovedOn {
        /// The extensions.
        extension_ids: Vec<String>,
    },

    /// There is nothing by that name to undo.
    #[error("There is no change {name}")]
    ChangeNotFound {
        /// The group or the revision.
        name: String,
    },

    /// The change can stop traffic, and nobody has said that this is wanted.
    #[error("{effects}")]
    ConfirmationRequired {
        /// What it would do.
        effects: Box<TrafficEffects>,
    },

    /// The caller's changes need a reason, and this one has none.
    #[error("A change of this registry needs a reason")]
    ReasonRequired,

    /// A configuration breaks its schema.
    #[error("The configuration doesn't fit its schema: {}", violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    ConfigurationInvalid {
        /// Each place that doesn't fit; at least one.
        violations: Vec<Violation>,
    },

    /// A file to import has problems.
    #[error("The file can't be imported: {}{}", problems.first().map(ToString::to_string).unwrap_or_default(), and_more(problems.len()))]
    DocumentInvalid {
        /// What is wrong and where; at least one.
        problems: Vec<DocumentProblem>,
    },

    /// The registry changed since the plan was made that is to be applied.
    #[error(
        "The registry moved on from #{seen_revision} to #{revision} since the preview was made"
    )]
    RegistryMoved {
        /// The revision of the plan.
        seen_revision: i64,
        /// The revision now.
        revision: i64,
    },

    /// A file or stream can't be written.
    #[error("{attempted} failed because the output can't be written: {source}")]
    OutputUnwritable {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
        /// The operating system's reason.
        source: std::io::Error,
    },

    /// A file is no backup that can be relied on.
    #[error("The backup {} can't be used: {problem}", path.display())]
    BackupInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: BackupProblem,
    },

    /// A file can't be read.
    #[error("{attempted} failed because {} can't be read: {source}", path.display())]
    FileUnreadable {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },

    /// The database that a registry is to be put into has one already.
    #[error("The database {database} can't take the registry: {found}")]
    TargetNotEmpty {
        /// The database's name.
        database: String,
        /// What is in the way.
        found: String,
    },

    /// What was copied is not what was read; nothing was kept of it.
    #[error("{attempted} failed: {what} came out different from what was read")]
    CopyDiffers {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
        /// The table, or what else differs.
        what: String,
    },

    /// Reading or writing everything takes the owner of the tables, or a superuser.
    #[error("{attempted} takes a login that may read and write every table of the registry")]
    OwnerRequired {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
    },

    /// The registry was moved to another database and takes no changes here.
    #[error("This registry takes no changes: it {how}")]
    RegistryMovedAway {
        /// Whether it was moved away or has not arrived yet, and where it is, as the end of a sentence.
        how: String,
    },

    /// The caller stopped it.
    #[error("{attempted} was stopped")]
    Stopped {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
    },

    /// The database refused the operation to this login.
    #[error("{attempted} isn't allowed for this login")]
    Forbidden {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
        /// The least role that may.
        required_role: Role,
        /// The database's reason.
        source: sqlx::Error,
    },

    /// The caller's input breaks a rule.
    #[error("{message}")]
    InvalidInput {
        /// The field at fault.
        field: &'static str,
        /// What is wrong with it.
        message: String,
        /// How to put it right.
        action: &'static str,
    },

    /// Something that should not happen.
    #[error("{attempted} failed")]
    Internal {
        /// What was attempted, as the start of a sentence.
        attempted: &'static str,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Names the kind of an [`Error`] to callers that branch on it. The spelling is part of the interface.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "each code is documented at the error variant of the same name"
)]
pub enum ErrorCode {
    DataDirectoryUnwritable,
    DiskFull,
    ServerVersionMismatch,
    SocketPathTooLong,
    ServerBinariesMissing,
    ServerBinariesUnusable,
    DataDirectoryInUse,
    UnsafeServerSettings,
    ServerStartFailed,
    DatabaseUnavailable,
    ReadOnly,
    OutcomeUnknown,
    MigrationFailed,
    SchemaNewer,
    ExtensionNotFound,
    IdTaken,
    SubjectTaken,
    RevisionConflict,
    SecretRequired,
    MovedOn,
    ChangeNotFound,
    ConfirmationRequired,
    ReasonRequired,
    ConfigurationInvalid,
    DocumentInvalid,
    RegistryMoved,
    OutputUnwritable,
    BackupInvalid,
    FileUnreadable,
    TargetNotEmpty,
    CopyDiffers,
    OwnerRequired,
    RegistryMovedAway,
    Stopped,
    Forbidden,
    InvalidInput,
    Internal,
}

/// What a program needs of an [`Error`] to go on from it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum ErrorFacts {
    /// For `revision_conflict`: what stands against what.
    Conflict(Box<RevisionConflict>),
    /// For `configuration_invalid`: each place that doesn't fit.
    Violations(Vec<Violation>),
    /// For `secret_required`: the paths of the secrets to give.
    SecretPaths(Vec<String>),
    /// For `moved_on`: the extensions that changed again.
    ExtensionIds(Vec<String>),
    /// For `document_invalid`: what is wrong with the file, and where.
    DocumentProblems(Vec<DocumentProblem>),
    /// For `registry_moved`: the revision now.
    Revision(#[specta(type = WireNumber)] i64),
    /// For `confirmation_required`: what the change would do.
    Effects(Box<TrafficEffects>),
    /// For `forbidden`: the least role that may.
    RequiredRole(Role),
    /// For `backup_invalid`: what is wrong with the file.
    BackupProblem(BackupProblem),
    /// Where no server of a profile can be used: why not.
    ConnectionFailure(ConnectionFailureCode),
}

/// An [`Error`] as it is shown to a person or sent to another program.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct ErrorReport {
    /// The kind of error.
    pub code: ErrorCode,
    /// What was attempted and why it failed: one sentence.
    pub message: String,
    /// What to do: one sentence.
    pub action: String,
    /// The cause in the words of whatever failed, such as the server log's last lines.
    pub detail: Option<String>,
    /// The field at fault, where the input broke a rule.
    pub field: Option<String>,
    /// More, for errors that a program can go on from.
    pub facts: Option<Box<ErrorFacts>>,
}

impl Error {
    /// Wraps what a query returned: refused, unreachable, full and unexpected are told apart by
    /// SQLSTATE (PostgreSQL manual, appendix A), never by message text.
    pub(crate) fn from_query(attempt: impl Into<Attempt>, source: sqlx::Error) -> Self {
        let Attempt {
            words: attempted,
            role: required_role,
        } = attempt.into();
        let sqlstate = source
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .map(std::borrow::Cow::into_owned);
        match sqlstate.as_deref() {
            // Class 28: the login itself was refused.
            Some("42501" | "28000" | "28P01") => Self::Forbidden {
                attempted,
                required_role,
                source,
            },
            // A text with U+0000, which no column can hold.
            Some("22021") => Self::InvalidInput {
                field: "text",
                message: format!("{attempted} failed: a text contains the character U+0000."),
                action: "Remove that character.",
            },
            // A number or a time that no column can hold.
            Some("22003" | "22008") => Self::InvalidInput {
                field: "value",
                message: format!("{attempted} failed: a number or a time is out of range."),
                action: "Use one that is nearer to now or to zero.",
            },
            Some("54001") => Self::InvalidInput {
                field: "value",
                message: format!("{attempted} failed: JSON is nested too deeply."),
                action: "Make it flatter.",
            },
            // Two that wait for each other, and waiting for too long: the next attempt may succeed.
            // So are all connections taken, and a database that is not there.
            Some("40001" | "40P01" | "55P03" | "57014" | "53300" | "3D000") => {
                Self::DatabaseUnavailable { attempted, source }
            }
            // The registry's own: migrations/0100_registries_that_move.sql.
            Some("RGMVD") => Self::RegistryMovedAway {
                how: moved_how(&source),
            },
            Some("25006") => Self::ReadOnly {
                attempted,
                reason: source.to_string(),
            },
            Some("53100") => Self::DiskFull {
                path: PathBuf::from("the database server"),
                available_mib: 0,
                detail: Some(source.to_string()),
            },
            // Class 08: connection exception; 57P01 to 57P03: the server is shutting down or starting.
            Some(code) if code.starts_with("08") || code.starts_with("57P0") => {
                Self::DatabaseUnavailable { attempted, source }
            }
            Some(_) => Self::Internal {
                attempted,
                source: source.into(),
            },
            None => match source {
                // A connection that breaks in the middle of a message looks like a wrong message.
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Protocol(_)
                | sqlx::Error::Tls(_) => Self::DatabaseUnavailable { attempted, source },
                other => Self::Internal {
                    attempted,
                    source: other.into(),
                },
            },
        }
    }

    /// Why none of several servers can be used, as one error.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "it is what `map_err` hands over"
    )]
    pub(crate) fn unreachable(failures: Vec<ConnectionFailure>) -> Self {
        Self::Unreachable {
            failure: Box::new(worst(&failures)),
        }
    }

    /// Whether the connection to the database broke, and not what was asked.
    pub(crate) fn is_broken_connection(&self) -> bool {
        match self {
            Self::OutcomeUnknown { .. } => true,
            Self::DatabaseUnavailable { source, .. } => is_broken(source),
            _ => false,
        }
    }

    /// The error's kind.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::DataDirectoryUnwritable { .. } => ErrorCode::DataDirectoryUnwritable,
            Self::DiskFull { .. } => ErrorCode::DiskFull,
            Self::ServerVersionMismatch { .. } => ErrorCode::ServerVersionMismatch,
            Self::SocketPathTooLong { .. } => ErrorCode::SocketPathTooLong,
            Self::ServerBinariesMissing { .. } => ErrorCode::ServerBinariesMissing,
            Self::ServerBinariesUnusable { .. } => ErrorCode::ServerBinariesUnusable,
            Self::DataDirectoryInUse { .. } => ErrorCode::DataDirectoryInUse,
            Self::UnsafeServerSettings { .. } => ErrorCode::UnsafeServerSettings,
            Self::ServerStartFailed { .. } => ErrorCode::ServerStartFailed,
            Self::DatabaseUnavailable { .. } => ErrorCode::DatabaseUnavailable,
            Self::Unreachable { failure } => match failure.code {
                ConnectionFailureCode::PasswordWrong
                | ConnectionFailureCode::LoginRefused
                | ConnectionFailureCode::RoleMissing => ErrorCode::Forbidden,
                _ => ErrorCode::DatabaseUnavailable,
            },
            Self::ReadOnly { .. } => ErrorCode::ReadOnly,
            Self::OutcomeUnknown { .. } => ErrorCode::OutcomeUnknown,
            Self::MigrationFailed { .. } => ErrorCode::MigrationFailed,
            Self::SchemaNewer { .. } => ErrorCode::SchemaNewer,
            Self::ExtensionNotFound { .. } => ErrorCode::ExtensionNotFound,
            Self::IdTaken { .. } => ErrorCode::IdTaken,
            Self::SubjectTaken { .. } => ErrorCode::SubjectTaken,
            Self::RevisionConflict { .. } => ErrorCode::RevisionConflict,
            Self::SecretRequired { .. } => ErrorCode::SecretRequired,
            Self::MovedOn { .. } => ErrorCode::MovedOn,
            Self::ChangeNotFound { .. } => ErrorCode::ChangeNotFound,
            Self::ConfirmationRequired { .. } => ErrorCode::ConfirmationRequired,
            Self::ReasonRequired => ErrorCode::ReasonRequired,
            Self::ConfigurationInvalid { .. } => ErrorCode::ConfigurationInvalid,
            Self::DocumentInvalid { .. } => ErrorCode::DocumentInvalid,
            Self::RegistryMoved { .. } => ErrorCode::RegistryMoved,
            Self::OutputUnwritable { .. } => ErrorCode::OutputUnwritable,
            Self::BackupInvalid { .. } => ErrorCode::BackupInvalid,
            Self::FileUnreadable { .. } => ErrorCode::FileUnreadable,
            Self::TargetNotEmpty { .. } => ErrorCode::TargetNotEmpty,
            Self::CopyDiffers { .. } => ErrorCode::CopyDiffers,
            Self::OwnerRequired { .. } => ErrorCode::OwnerRequired,
            Self::RegistryMovedAway { .. } => ErrorCode::RegistryMovedAway,
            Self::Stopped { .. } => ErrorCode::Stopped,
            Self::Forbidden { .. } => ErrorCode::Forbidden,
            Self::InvalidInput { .. } => ErrorCode::InvalidInput,
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// What the reader can do about it, as one sentence.
    pub fn action(&self) -> String {
        match self {
            Self::DataDirectoryUnwritable { .. } => {
                "Give your account write access to this folder, or name another one in BEAMLINE_REGISTRY_DATA_DIR, then try again.".into()
            }
            Self::DiskFull { .. } => {
                "Free some space on this disk, or name a folder on another one in BEAMLINE_REGISTRY_DATA_DIR, then try again. Nothing that was saved is lost.".into()
            }
            Self::ServerVersionMismatch { data_major, .. } => format!(
                "Install PostgreSQL {data_major}, or name the folder of its programs in BEAMLINE_REGISTRY_POSTGRESQL, then try again. The data has not been touched."
            ),
            Self::SocketPathTooLong { .. } => {
                "Name a folder with a shorter path in BEAMLINE_REGISTRY_DATA_DIR, then start again.".into()
            }
            Self::ServerBinariesMissing { .. } => {
                "Install PostgreSQL 14 or newer, or name the folder with initdb and postgres in BEAMLINE_REGISTRY_POSTGRESQL, then try again.".into()
            }
            Self::ServerBinariesUnusable { .. } => {
                "Reinstall the program, or name another PostgreSQL (14 or newer) in BEAMLINE_REGISTRY_POSTGRESQL, then try again.".into()
            }
            Self::DataDirectoryInUse { .. } => {
                "Close the other program, then try again.".into()
            }
            Self::UnsafeServerSettings { setting, .. } => format!(
                "Remove {setting} from postgresql.conf and postgresql.auto.conf in the data directory, then try again."
            ),
            Self::ServerStartFailed { .. } => {
                "The lines below say why. Put that right, then try again; the data has not been touched.".into()
            }
            Self::DatabaseUnavailable { .. } => {
                "Check that the database runs and can be reached, then try again.".into()
            }
            Self::Unreachable { failure } => failure.code.action().into(),
            Self::ReadOnly { .. } => {
                "Use a connection that may change things; if this one may, wait until a writable server is found, then try again.".into()
            }
            Self::OutcomeUnknown { .. } => {
                "Look at it when the database answers again; asking again under the same request id does nothing twice.".into()
            }
            Self::MigrationFailed { .. } => {
                "The database is as it was before. Report the details below to the developers.".into()
            }
            Self::SchemaNewer { .. } => "Install the newest version of this program.".into(),
            Self::ExtensionNotFound { .. } => {
                "Refresh the list: somebody may have deleted it.".into()
            }
            Self::IdTaken { .. } => "Choose another id.".into(),
            Self::SubjectTaken { .. } => "Choose another subject.".into(),
            Self::RevisionConflict { .. } => {
                "Look at both changes and choose; nothing has been overwritten.".into()
            }
            Self::SecretRequired { .. } => "Give the secret, or leave it out of what is brought back.".into(),
            Self::MovedOn { .. } => {
                "Look at what changed since; nothing has been undone. Undo the later changes first, or each change by itself.".into()
            }
            Self::ChangeNotFound { .. } => "Refresh the audit log and choose a change from it.".into(),
            Self::ConfirmationRequired { .. } => {
                "Confirm that this is wanted; nothing has been changed.".into()
            }
            Self::ReasonRequired => "Say why; nothing has been changed.".into(),
            Self::ConfigurationInvalid { .. } => {
                "Correct the configuration at these places, or change the schema.".into()
            }
            Self::DocumentInvalid { problems } => problems.first().map(|problem| problem.action.clone()).unwrap_or_default(),
            Self::RegistryMoved { .. } => "Look at the preview as it is now, and import then; nothing has been changed.".into(),
            Self::OutputUnwritable { .. } => "Choose another place with enough room, then try again.".into(),
            Self::BackupInvalid { problem, .. } => problem.action().into(),
            Self::FileUnreadable { .. } => "Check that the file is there and that your account may read it, then try again.".into(),
            Self::TargetNotEmpty { .. } => "Choose an empty database; nothing has been changed.".into(),
            Self::CopyDiffers { .. } => "Try again; nothing has been changed. If it happens again, check the disks and the memory of both machines.".into(),
            Self::OwnerRequired { .. } => "Log in as a superuser or as a member of registry_owner, then try again.".into(),
            Self::RegistryMovedAway { .. } => "Connect to the registry where it is now.".into(),
            Self::Stopped { .. } => "Nothing has been changed; start it again when you want to.".into(),
            Self::Forbidden { required_role, .. } => format!(
                "Ask an administrator of the database to make this login a member of {required_role}."
            ),
            Self::InvalidInput { action, .. } => (*action).into(),
            Self::Internal { .. } => {
                "Try again; if it happens again, report the details below and the log to the developers.".into()
            }
        }
    }

    /// The cause in the words of whatever failed.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::DiskFull { detail, .. } => detail.clone(),
            Self::ServerStartFailed { detail, .. } => Some(detail.clone()),
            Self::ServerBinariesMissing { searched } => Some(
                std::iter::once("Looked in:".to_owned())
                    .chain(searched.iter().map(|path| format!("  {}", path.display())))
                    .collect::<Vec<_>>()
                    .join("\n"),
            ),
            Self::Unreachable { failure } => failure.reason.clone(),
            Self::ReadOnly { reason, .. } => Some(reason.clone()),
            Self::DatabaseUnavailable { .. }
            | Self::OutcomeUnknown { .. }
            | Self::MigrationFailed { .. }
            | Self::Forbidden { .. }
            | Self::Internal { .. } => Some(causes(self)),
            _ => None,
        }
    }

    /// The error as it is shown and sent.
    pub fn report(&self) -> ErrorReport {
        ErrorReport {
            code: self.code(),
            message: self.to_string(),
            action: self.action(),
            detail: self.detail(),
            field: match self {
                Self::InvalidInput { field, .. } => Some((*field).to_owned()),
                Self::IdTaken { .. } => Some("id".to_owned()),
                Self::SubjectTaken { .. } => Some("subject".to_owned()),
                Self::ConfigurationInvalid { .. } => Some("config".to_owned()),
                Self::ReasonRequired => Some("reason".to_owned()),
                _ => None,
            },
            facts: self.facts().map(Box::new),
        }
    }

    fn facts(&self) -> Option<ErrorFacts> {
        match self {
            Self::RevisionConflict { conflict } => Some(ErrorFacts::Conflict(conflict.clone())),
            Self::ConfigurationInvalid { violations } => {
                Some(ErrorFacts::Violations(violations.clone()))
            }
            Self::ConfirmationRequired { effects } => Some(ErrorFacts::Effects(effects.clone())),
            Self::SecretRequired { paths, .. } => Some(ErrorFacts::SecretPaths(paths.clone())),
            Self::MovedOn { extension_ids } => {
                Some(ErrorFacts::ExtensionIds(extension_ids.clone()))
            }
            Self::DocumentInvalid { problems } => {
                Some(ErrorFacts::DocumentProblems(problems.clone()))
            }
            Self::RegistryMoved { revision, .. } => Some(ErrorFacts::Revision(*revision)),
            Self::Forbidden { required_role, .. } => Some(ErrorFacts::RequiredRole(*required_role)),
            Self::BackupInvalid { problem, .. } => Some(ErrorFacts::BackupProblem(problem.clone())),
            Self::Unreachable { failure } => Some(ErrorFacts::ConnectionFailure(failure.code)),
            _ => None,
        }
    }
}

/// What the guard of a registry that moved says in its detail.
fn moved_how(error: &sqlx::Error) -> String {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>())
        .and_then(sqlx::postgres::PgDatabaseError::detail)
        .map_or_else(|| "was moved".to_owned(), str::to_owned)
}

/// Whether the connection itself broke: what was under way may or may not have been done.
pub(crate) fn is_broken(source: &sqlx::Error) -> bool {
    match source {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        // Class 08: connection exception; 57P01 to 57P03: the server is shutting down or starting.
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| code.starts_with("08") || code.starts_with("57P0")),
        _ => false,
    }
}

fn and_more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        2 => " And there is one problem more.".into(),
        more => format!(" And there are {} problems more.", more - 1),
    }
}

/// The chain of causes below `error`, outermost first, one a line.
fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_code_message_action_and_field() {
        let error = Error::InvalidInput {
            field: "reason",
            message: "The reason has 600 characters, 500 are allowed.".into(),
            action: "Shorten it.",
        };
        let report = error.report();
        assert_eq!(report.code, ErrorCode::InvalidInput);
        assert_eq!(report.field.as_deref(), Some("reason"));
        assert_eq!(report.action, "Shorten it.");
        assert!(report.message.contains("600"));
    }

    #[test]
    fn codes_are_spelled_in_snake_case() {
        let spelled = serde_json::to_string(&ErrorCode::DataDirectoryUnwritable).unwrap();
        assert_eq!(spelled, r#""data_directory_unwritable""#);
    }

    #[test]
    fn missing_binaries_list_where_was_looked() {
        let error = Error::ServerBinariesMissing {
            searched: vec!["/a".into(), "/b".into()],
        };
        assert_eq!(error.detail().unwrap(), "Looked in:\n  /a\n  /b");
    }

    /// Else a change that was under way would be said not to have been made.
    #[test]
    fn a_connection_that_breaks_in_the_middle_of_a_message_is_a_broken_one() {
        for source in [
            sqlx::Error::Protocol("unexpected response".into()),
            sqlx::Error::Io(std::io::ErrorKind::UnexpectedEof.into()),
        ] {
            assert!(is_broken(&source));
            let error = Error::from_query("Changing the extension", source);
            assert!(error.is_broken_connection(), "{error:?}");
            assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
        }
    }

    #[test]
    fn a_closed_pool_is_an_unavailable_database_not_an_internal_error() {
        let error = Error::from_query("Reading", sqlx::Error::PoolClosed);
        assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
        assert!(
            error.detail().unwrap().contains("closed"),
            "the cause is shown"
        );
    }
}
