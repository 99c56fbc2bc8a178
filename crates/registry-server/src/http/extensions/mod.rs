//! Extensions over HTTP: how they look, how they are read and how they are changed.

pub(crate) mod bulk;
pub(crate) mod change;
pub(crate) mod read;

use chrono::{DateTime, Utc};
use registry::cache::CachedExtension;
use registry::extensions::{Extension, ExtensionDetail, LastChange};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::{AuditAction, ExtensionType, HealthState, Json, json};

/// An extension. What comes after the revision is in the view `full` alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Extension)]
pub(crate) struct ExtensionBody {
    /// Unique, fixed for life; at most 255 characters.
    id: String,
    /// Where in the router it runs.
    #[serde(rename = "type")]
    extension_type: ExtensionType,
    /// The NATS subject that it answers on; unique; at most 255 characters.
    subject: String,
    /// How long the router waits for an answer, in milliseconds.
    timeout_ms: i32,
    /// How often the router asks again after a failure.
    retry: i32,
    /// Whether the router uses it.
    enabled: bool,
    /// The registry's revision that last changed it, which is its `ETag`; 0 if it has not changed since it was adopted.
    revision: i64,
    /// When it was created; unknown for some rows of older writers.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<DateTime<Utc>>,
    /// When it last changed; unknown for some rows of older writers.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<DateTime<Utc>>,
    /// How well its calls went.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<HealthState>,
    /// Successes of all calls × 100; left out without a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    health_score_percent: Option<f64>,
    /// The newest audit entry about it, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_change: Option<LastChangeBody>,
    /// The configuration, of one extension alone. A secret is replaced by `{"$redacted": fingerprint}`; sent back
    /// unchanged, such a mark keeps the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    config: Option<Json>,
    /// Notes, as `config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Json>,
}

/// Who last changed an extension, and how.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LastChange)]
pub(crate) struct LastChangeBody {
    /// What was done.
    action: AuditAction,
    /// The actor; unknown for some entries of older writers.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_by: Option<String>,
    /// When; unknown for some entries of older writers.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<DateTime<Utc>>,
}

impl ExtensionBody {
    /// What a router needs: the part that memory has.
    fn summary(extension: &CachedExtension) -> Self {
        Self {
            id: extension.id().to_owned(),
            extension_type: extension.extension_type().into(),
            subject: extension.subject().to_owned(),
            timeout_ms: extension.timeout_ms(),
            retry: extension.retry(),
            enabled: extension.enabled(),
            revision: extension.revision(),
            created_at: None,
            updated_at: None,
            health: None,
            health_score_percent: None,
            last_change: None,
            config: None,
            metadata: None,
        }
    }

    /// The same part of what the database has.
    fn summarized(self) -> Self {
        Self {
            created_at: None,
            updated_at: None,
            health: None,
            health_score_percent: None,
            last_change: None,
            config: None,
            metadata: None,
            ..self
        }
    }

    fn revision(&self) -> i64 {
        self.revision
    }
}

impl From<Extension> for ExtensionBody {
    fn from(extension: Extension) -> Self {
        Self {
            id: extension.id,
            extension_type: extension.extension_type.into(),
            subject: extension.subject,
            timeout_ms: extension.timeout_ms,
            retry: extension.retry,
            enabled: extension.enabled,
            revision: extension.revision,
            created_at: extension.created_at,
            updated_at: extension.updated_at,
            health: Some(extension.health.into()),
            health_score_percent: extension.health_score_percent,
            last_change: extension.last_change.map(LastChangeBody::from),
            config: None,
            metadata: None,
        }
    }
}

impl From<ExtensionDetail> for ExtensionBody {
    fn from(detail: ExtensionDetail) -> Self {
        Self {
            config: detail.config.map(json),
            metadata: detail.metadata.map(json),
            ..detail.extension.into()
        }
    }
}

impl From<LastChange> for LastChangeBody {
    fn from(change: LastChange) -> Self {
        Self {
            action: change.action.into(),
            changed_by: change.changed_by,
            timestamp: change.timestamp,
        }
    }
}
