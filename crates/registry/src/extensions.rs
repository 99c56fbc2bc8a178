//! Extensions: what the router runs, as they are read. Table `extensions`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::audit::{AuditAction, FieldChange};
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

/// Where in the router an extension runs.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Type,
)]
#[serde(rename_all = "snake_case")]
pub enum ExtensionType {
    /// Normalises a message before routing.
    Pre,
    /// May block a message.
    Validator,
    /// Works on the answer, such as masking it.
    Post,
    /// A language model or another back end that answers.
    Provider,
}

/// One row of the registry.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct Extension {
    /// Unique, fixed for life; at most 255 characters.
    pub id: String,
    /// Where in the router it runs.
    #[serde(rename = "type")]
    #[sqlx(rename = "type", try_from = "String")]
    pub extension_type: ExtensionType,
    /// The NATS subject that it answers on; unique; at most 255 characters.
    pub subject: String,
    /// How long the router waits for an answer, in milliseconds.
    pub timeout_ms: i32,
    /// How often the router asks again after a failure.
    pub retry: i32,
    /// Whether the router uses it.
    pub enabled: bool,
    /// The registry's revision that last changed it; 0 if it has not changed since it was adopted.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// When it was created; unknown for some rows of older writers.
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed; unknown for some rows of older writers.
    pub updated_at: Option<DateTime<Utc>>,
    /// The newest audit entry about it, if there is one.
    #[sqlx(flatten, try_from = "LastChangeColumns")]
    pub last_change: Option<LastChange>,
}

/// One row of the registry, whole. The JSON is text, so that numbers keep their spelling.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct ExtensionDetail {
    /// Everything that lists show.
    #[sqlx(flatten)]
    pub extension: Extension,
    /// The configuration, a JSON object; none in some rows of older writers.
    pub config: Option<String>,
    /// Notes, a JSON object; none in some rows of older writers.
    pub metadata: Option<String>,
}

/// What two people changed at once.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct RevisionConflict {
    /// The extension as it is now.
    pub current: ExtensionDetail,
    /// The fields that both changed, each to something else; with paths into the JSON, such as
    /// `config.model`.
    pub paths: Vec<String>,
    /// What they changed since the caller read the extension.
    pub theirs: Vec<FieldChange>,
    /// What the caller wanted to change.
    pub yours: Vec<FieldChange>,
}

/// Who last changed an extension, and how.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct LastChange {
    /// What was done.
    pub action: AuditAction,
    /// The actor; unknown for some entries of older writers.
    pub changed_by: Option<String>,
    /// When; unknown for some entries of older writers.
    pub timestamp: Option<DateTime<Utc>>,
}

impl Registry {
    /// All extensions, ordered by type and id.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn list_extensions(&self) -> Result<Vec<Extension>> {
        sqlx::query_as(LIST)
            .fetch_all(self.pool())
            .await
            .map_err(|source| Error::from_query("Listing the extensions", source))
    }

    /// One extension.
    ///
    /// # Errors
    /// [`Error::ExtensionNotFound`], [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn get_extension(&self, id: &str) -> Result<Extension> {
        sqlx::query_as(GET)
            .bind(id)
            .fetch_optional(self.pool())
            .await
            .map_err(|source| Error::from_query("Reading the extension", source))?
            .ok_or_else(|| Error::ExtensionNotFound { id: id.to_owned() })
    }

    /// One extension with its configuration and metadata.
    ///
    /// # Errors
    /// [`Error::ExtensionNotFound`], [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn get_extension_detail(&self, id: &str) -> Result<ExtensionDetail> {
        sqlx::query_as(GET_DETAIL)
            .bind(id)
            .fetch_optional(self.pool())
            .await
            .map_err(|source| Error::from_query("Reading the extension", source))?
            .ok_or_else(|| Error::ExtensionNotFound { id: id.to_owned() })
    }
}

/// The columns of [`Extension`] with a query's own ending: one statement text for each query.
macro_rules! select_extensions {
    ($ending:literal) => {
        select_extensions!("", $ending)
    };
    ($more_columns:literal, $ending:literal) => {
        concat!(
            "SELECT ",
            $more_columns,
            "extensions.id, extensions.type, subject, timeout_ms, retry, enabled,
                    extensions.revision, created_at, updated_at,
                    last_change.action AS last_action,
                    last_change.changed_by AS last_changed_by,
                    last_change.timestamp AS last_timestamp
             FROM public.extensions
             LEFT JOIN LATERAL (
                 SELECT action, changed_by, timestamp
                 FROM public.extension_audit_log
                 WHERE extension_id = extensions.id
                 ORDER BY extension_audit_log.id DESC
                 LIMIT 1
             ) AS last_change ON true ",
            $ending
        )
    };
}

const LIST: &str = select_extensions!("ORDER BY extensions.type, extensions.id");
const GET: &str = select_extensions!("WHERE extensions.id = $1");
const GET_DETAIL: &str = select_extensions!(
    "config::text AS config, metadata::text AS metadata, ",
    "WHERE extensions.id = $1"
);

/// The outer join's columns: all null where an extension has no entry.
#[derive(sqlx::FromRow)]
#[allow(
    clippy::struct_field_names,
    reason = "the prefix tells them from the extension's columns"
)]
struct LastChangeColumns {
    last_action: Option<String>,
    last_changed_by: Option<String>,
    last_timestamp: Option<DateTime<Utc>>,
}

impl TryFrom<LastChangeColumns> for Option<LastChange> {
    type Error = UnknownName;

    fn try_from(columns: LastChangeColumns) -> Result<Self, UnknownName> {
        columns
            .last_action
            .map(|action| {
                Ok(LastChange {
                    action: action.try_into()?,
                    changed_by: columns.last_changed_by,
                    timestamp: columns.last_timestamp,
                })
            })
            .transpose()
    }
}

impl ExtensionType {
    /// The word for it in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Validator => "validator",
            Self::Post => "post",
            Self::Provider => "provider",
        }
    }
}

impl TryFrom<&str> for ExtensionType {
    type Error = UnknownName;

    fn try_from(name: &str) -> Result<Self, UnknownName> {
        match name {
            "pre" => Ok(Self::Pre),
            "validator" => Ok(Self::Validator),
            "post" => Ok(Self::Post),
            "provider" => Ok(Self::Provider),
            _ => Err(UnknownName(name.to_owned())),
        }
    }
}

impl TryFrom<String> for ExtensionType {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        name.as_str().try_into()
    }
}

/// A word from the database that this program doesn't know; its constraints rule that out.
#[derive(Debug)]
pub struct UnknownName(pub(crate) String);

impl fmt::Display for UnknownName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unknown name {:?} in the database", self.0)
    }
}

impl std::error::Error for UnknownName {}
