//! Exit codes: those of sysexits.h where one fits, so that a script can tell why without reading words.

use std::process::ExitCode;

use registry::ErrorCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// There is a difference, or a fault: what was asked for was found.
    Found = 2,
    /// The command line is wrong.
    Usage = 64,
    /// There is no such extension, file or connection.
    NoInput = 66,
    /// The database can't be reached.
    Unavailable = 69,
    /// Somebody changed it meanwhile.
    Conflict = 75,
    /// It isn't allowed.
    Forbidden = 77,
    /// A signal broke it off: 128 and the number of SIGINT.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<ErrorCode> for Exit {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::InvalidInput | ErrorCode::ReasonRequired => Self::Usage,
            ErrorCode::ExtensionNotFound
            | ErrorCode::ChangeNotFound
            | ErrorCode::FileUnreadable => Self::NoInput,
            // Whether a change was made isn't known because the database can't be asked.
            ErrorCode::DatabaseUnavailable
            | ErrorCode::OutcomeUnknown
            | ErrorCode::ServerBinariesMissing
            | ErrorCode::ServerBinariesUnusable
            | ErrorCode::ServerStartFailed
            | ErrorCode::ServerVersionMismatch
            | ErrorCode::DataDirectoryInUse
            | ErrorCode::DataDirectoryUnwritable
            | ErrorCode::SocketPathTooLong
            | ErrorCode::UnsafeServerSettings => Self::Unavailable,
            ErrorCode::RevisionConflict | ErrorCode::RegistryMoved | ErrorCode::MovedOn => {
                Self::Conflict
            }
            ErrorCode::Forbidden | ErrorCode::OwnerRequired => Self::Forbidden,
            ErrorCode::Stopped => Self::Interrupted,
            ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::MigrationFailed
            | ErrorCode::SchemaNewer
            | ErrorCode::IdTaken
            | ErrorCode::SubjectTaken
            | ErrorCode::SecretRequired
            | ErrorCode::ConfirmationRequired
            | ErrorCode::ConfigurationInvalid
            | ErrorCode::DocumentInvalid
            | ErrorCode::OutputUnwritable
            | ErrorCode::BackupInvalid
            | ErrorCode::TargetNotEmpty
            | ErrorCode::CopyDiffers
            | ErrorCode::RegistryMovedAway
            | ErrorCode::Internal => Self::Failed,
        }
    }
}
