//! What can be wrong with a backup file.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::verification::Fault;
use crate::wire::WireNumber;

/// Why a backup file is refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error, Type)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum BackupProblem {
    /// It doesn't begin as a backup does.
    #[error("it is no backup of a registry")]
    NotABackup,
    /// It ends before its end.
    #[error("it is cut short")]
    Truncated,
    /// Bytes of it were changed.
    #[error("it is damaged ({part})")]
    Damaged {
        /// Where: a table's name, or what else it is.
        part: String,
    },
    /// What it says of itself doesn't fit what it holds.
    #[error("it contradicts itself: {explanation}")]
    Inconsistent {
        /// What doesn't fit.
        explanation: String,
    },
    /// The hashes of the audit log in it don't fit.
    #[error("its audit log is not whole: {}", fault.explanation)]
    ChainBroken {
        /// The first fault.
        fault: Fault,
    },
    /// A newer program wrote the file in a form that this one doesn't know.
    #[error("its form (version {format_version}) is newer than this program")]
    FormatNewer {
        /// The form's version.
        format_version: u32,
    },
    /// A newer program's database was backed up.
    #[error("its schema (version {schema_version}) is newer than this program")]
    SchemaNewer {
        /// The newest migration that the database had.
        #[specta(type = WireNumber)]
        schema_version: i64,
    },
    /// The database that was backed up was made by other migrations than this program's.
    #[error(
        "its schema differs from what this program's migrations make (version {schema_version})"
    )]
    SchemaDiffers {
        /// The first migration that differs.
        #[specta(type = WireNumber)]
        schema_version: i64,
    },
}

impl BackupProblem {
    /// What to do about it: one sentence.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::NotABackup => "Choose a file that this program wrote; nothing has been changed.",
            Self::FormatNewer { .. } | Self::SchemaNewer { .. } => {
                "Install the newest version of this program; nothing has been changed."
            }
            Self::SchemaDiffers { .. } => {
                "Use the version of the program that wrote it; nothing has been changed."
            }
            Self::Truncated
            | Self::Damaged { .. }
            | Self::Inconsistent { .. }
            | Self::ChainBroken { .. } => {
                "Use another copy or an older backup; nothing has been changed."
            }
        }
    }
}
