//! The audit log: who changed what, when, from where and why. Table `extension_audit_log`.
//!
//! Entries are written by database triggers alone (`migrations/0003_audit_triggers.sql`); here
//! they are read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use specta::Type;

use crate::extensions::UnknownName;
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

/// What was done to an extension.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// It was added.
    Created,
    /// Its fields were changed.
    Updated,
    /// It was removed; its history stays.
    Deleted,
    /// It was switched on and nothing else changed.
    Enabled,
    /// It was switched off and nothing else changed.
    Disabled,
}

/// How the actor of an entry is known.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ActorSource {
    /// The database saw the login that made the change.
    Login,
    /// A program wrote the entry by itself: nothing about it was verified.
    Legacy,
}

/// One change of one extension.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct AuditEntry {
    /// The registry's revision that this change made: 1, 2, 3 … in the order of the commits.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// The extension that changed; it may be gone since.
    pub extension_id: String,
    /// What was done.
    pub action: AuditAction,
    /// The actor.
    pub changed_by: Option<String>,
    /// How the actor is known.
    pub actor_source: ActorSource,
    /// The operating system account, as the changing program reported it.
    pub os_user: Option<String>,
    /// The changing program, as it reported itself.
    pub application_name: Option<String>,
    /// Where the connection came from; none for a unix socket.
    pub client_address: Option<String>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// When.
    pub timestamp: Option<DateTime<Utc>>,
    /// Common to the entries of one bulk change.
    pub group_id: Option<String>,
    /// The revision whose version this change brought back.
    #[specta(type = Option<WireNumber>)]
    pub restored_revision: Option<i64>,
    /// What changed, ordered by field.
    pub changes: Vec<FieldChange>,
}

/// One field of a change. The values are JSON text, so that numbers keep their spelling.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct FieldChange {
    /// The column's name.
    pub field: String,
    /// Its value before, as JSON text; none if the field did not exist.
    pub before: Option<String>,
    /// Its value after, as JSON text; none if the field does not exist any more.
    pub after: Option<String>,
}

/// Which part of the log to read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct AuditListRequest {
    /// Only entries older than this one: the `next_before_revision` of the page before.
    #[specta(type = Option<WireNumber>)]
    pub before_revision: Option<i64>,
    /// Only entries about this extension: its history.
    pub extension_id: Option<String>,
    /// How many entries at the most, 1 to 500.
    pub limit: u16,
}

/// A part of the log, newest entry first.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where the next page starts; none when there is nothing older.
    #[specta(type = Option<WireNumber>)]
    pub next_before_revision: Option<i64>,
}

/// The longest page.
const LIMIT_MAX: u16 = 500;

impl Registry {
    /// A page of the audit log, newest entry first.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a limit out of range, [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`].
    pub async fn list_audit_entries(&self, request: &AuditListRequest) -> Result<AuditPage> {
        if !(1..=LIMIT_MAX).contains(&request.limit) {
            return Err(Error::InvalidInput {
                field: "limit",
                message: format!(
                    "The limit is {}, it must be 1 to {LIMIT_MAX}.",
                    request.limit
                ),
                action: "Ask for a smaller page.",
            });
        }
        let failed = |source| Error::from_query("Reading the audit log", source);
        let limit = usize::from(request.limit);
        // One more than asked for tells whether there is a next page.
        let mut rows: Vec<AuditRow> = sqlx::query_as(LIST)
            .bind(request.before_revision)
            .bind(request.extension_id.as_deref())
            .bind(i64::from(request.limit) + 1)
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let entries = rows
            .into_iter()
            .map(AuditEntry::try_from)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| Error::Internal {
                attempted: "Reading the audit log",
                source,
            })?;
        let next_before_revision = entries
            .last()
            .filter(|_| has_more)
            .map(|entry| entry.revision);
        Ok(AuditPage {
            entries,
            next_before_revision,
        })
    }
}

// host() drops the netmask; ::text keeps the numbers' spelling.
const LIST: &str = "\
    SELECT revision, extension_id, action, changed_by, actor_source, os_user, application_name,
           host(client_address) AS client_address, reason, timestamp,
           group_id::text AS group_id, restored_revision, changes::text AS changes
    FROM public.extension_audit_log
    WHERE revision < coalesce($1, 9223372036854775807)
      AND ($2::text IS NULL OR extension_id = $2)
    ORDER BY revision DESC
    LIMIT $3";

#[derive(sqlx::FromRow)]
struct AuditRow {
    revision: i64,
    extension_id: String,
    action: String,
    changed_by: Option<String>,
    actor_source: String,
    os_user: Option<String>,
    application_name: Option<String>,
    client_address: Option<String>,
    reason: Option<String>,
    timestamp: Option<DateTime<Utc>>,
    group_id: Option<String>,
    restored_revision: Option<i64>,
    changes: Option<String>,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn try_from(row: AuditRow) -> Result<Self, Self::Error> {
        let actor_source = row.actor_source.try_into()?;
        Ok(Self {
            revision: row.revision,
            extension_id: row.extension_id,
            action: row.action.try_into()?,
            changed_by: row.changed_by,
            actor_source,
            os_user: row.os_user,
            application_name: row.application_name,
            client_address: row.client_address,
            reason: row.reason,
            timestamp: row.timestamp,
            group_id: row.group_id,
            restored_revision: row.restored_revision,
            changes: match row.changes {
                None => Vec::new(),
                Some(text) => field_changes(&text, actor_source)?,
            },
        })
    }
}

/// Reads the column `changes`. A legacy program writes what it was given, in any shape: an object
/// of new values is shown as such, anything else as one value.
pub(crate) fn field_changes(
    text: &str,
    actor_source: ActorSource,
) -> Result<Vec<FieldChange>, serde_json::Error> {
    if actor_source == ActorSource::Login {
        let fields: BTreeMap<String, BTreeMap<String, Box<RawValue>>> = serde_json::from_str(text)?;
        return Ok(fields
            .into_iter()
            .map(|(field, mut sides)| FieldChange {
                field,
                before: sides.remove("before").map(raw_text),
                after: sides.remove("after").map(raw_text),
            })
            .collect());
    }
    Ok(
        match serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) {
            Ok(fields) => fields
                .into_iter()
                .map(|(field, value)| FieldChange {
                    field,
                    before: None,
                    after: Some(raw_text(value)),
                })
                .collect(),
            Err(_) => vec![FieldChange {
                field: "changes".to_owned(),
                before: None,
                after: Some(text.to_owned()),
            }],
        },
    )
}

fn raw_text(value: Box<RawValue>) -> String {
    Box::<str>::from(value).into()
}

impl TryFrom<String> for AuditAction {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        match name.as_str() {
            "created" => Ok(Self::Created),
            "updated" => Ok(Self::Updated),
            "deleted" => Ok(Self::Deleted),
            "enabled" => Ok(Self::Enabled),
            "disabled" => Ok(Self::Disabled),
            _ => Err(UnknownName(name)),
        }
    }
}

impl TryFrom<String> for ActorSource {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        match name.as_str() {
            "login" => Ok(Self::Login),
            "legacy" => Ok(Self::Legacy),
            _ => Err(UnknownName(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_spelling_and_null_is_not_absence() {
        let text = r#"{"config": {"before": null, "after": {"rate": 1.00}}, "id": {"after": "a"}}"#;
        let changes = field_changes(text, ActorSource::Login).unwrap();
        assert_eq!(changes[0].before.as_deref(), Some("null"));
        assert_eq!(changes[0].after.as_deref(), Some(r#"{"rate": 1.00}"#));
        assert_eq!(changes[1].before, None);
    }

    #[test]
    fn a_legacy_programs_new_values_are_shown_as_after() {
        let changes = field_changes(r#"{"enabled": true}"#, ActorSource::Legacy).unwrap();
        assert_eq!(changes.len(), 1);
        assert_eq!(
            (changes[0].before.as_deref(), changes[0].after.as_deref()),
            (None, Some("true"))
        );
    }

    #[test]
    fn a_legacy_programs_odd_value_is_shown_whole() {
        let changes = field_changes(r#"["x"]"#, ActorSource::Legacy).unwrap();
        assert_eq!(changes[0].field, "changes");
        assert_eq!(changes[0].after.as_deref(), Some(r#"["x"]"#));
    }
}
