//! Extensions: how they are changed. Every change is one transaction: its audit entries come with it or
//! it does not happen.

mod create;
mod delete;
mod merge;
mod restore;
mod rows;
mod switch;
mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use specta::Type;

pub(crate) use restore::bring_back;

use crate::Error;
use crate::differences::FieldChange;
use crate::extensions::{ExtensionDetail, ExtensionType};
use crate::wire::WireNumber;

/// A new extension. The JSON is text, so that numbers keep their spelling.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct ExtensionDraft {
    /// Letters, digits, `_`, `-` and `.`, the first a letter or digit; at most 255; fixed for life.
    pub id: String,
    /// Where in the router it runs; fixed for life.
    #[serde(rename = "type")]
    pub extension_type: ExtensionType,
    /// A literal NATS subject that no other extension has, at most 255 characters.
    pub subject: String,
    /// 1 to 600000.
    pub timeout_ms: i32,
    /// 0 to 10.
    pub retry: i32,
    /// Whether the router uses it at once.
    pub enabled: bool,
    /// A JSON object of at most 64 KiB.
    pub config: String,
    /// A JSON object of at most 64 KiB.
    pub metadata: String,
}

/// The fields of an extension to change; those that are none stay as they are.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, Type)]
pub struct ExtensionPatch {
    /// As in [`ExtensionDraft::subject`].
    pub subject: Option<String>,
    /// As in [`ExtensionDraft::timeout_ms`].
    pub timeout_ms: Option<i32>,
    /// As in [`ExtensionDraft::retry`].
    pub retry: Option<i32>,
    /// As in [`ExtensionDraft::enabled`].
    pub enabled: Option<bool>,
    /// As in [`ExtensionDraft::config`].
    pub config: Option<String>,
    /// As in [`ExtensionDraft::metadata`].
    pub metadata: Option<String>,
}

/// An extension at the revision at which the caller saw it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct SeenExtension {
    /// The extension.
    pub id: String,
    /// Its revision then.
    #[specta(type = WireNumber)]
    pub revision: i64,
}

/// What of an extension to bring back.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, Type)]
pub struct RestoreRequest {
    /// The extension.
    pub id: String,
    /// The revision whose change made the version to bring back.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// The columns to bring back; none for all of them. A deleted extension comes back whole.
    pub fields: Option<Vec<String>>,
    /// Secrets that the registry doesn't know any more, as JSON text, by their path in the row, such as
    /// `/config/api_key`.
    pub secrets: BTreeMap<String, String>,
}

/// What two people changed at once. Secrets are replaced by marks.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct RevisionConflict {
    /// The extension as it is now.
    pub current: ExtensionDetail,
    /// The places that both changed, each to something else: JSON Pointers such as `/config/model`.
    pub paths: Vec<String>,
    /// What they changed since the caller read the extension.
    pub theirs: Vec<FieldChange>,
    /// What the caller wanted to change.
    pub yours: Vec<FieldChange>,
}

/// How far a change of several extensions is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct BulkProgress {
    /// How many are worked on. Where it is all of them, they are being sealed in the audit log.
    #[specta(type = WireNumber)]
    pub done_count: u64,
    /// Of how many.
    #[specta(type = WireNumber)]
    pub total: u64,
}

fn internal(source: serde_json::Error) -> Error {
    Error::Internal {
        attempted: "Writing the change as JSON",
        source: source.into(),
    }
}
