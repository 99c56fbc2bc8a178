//! How entries of the audit log look on the wire.

use chrono::{DateTime, Utc};
use registry::audit::{ActorSource, AuditEntry, AuditPage, RevisionRange};
use registry::differences::FieldChange;
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::{AuditAction, Json, json, wire_enum};

wire_enum! {
    /// How the actor of an entry is known.
    ActorKnownBy of ActorSource {
        /// The database saw the login that made the change.
        Login,
        /// This server, or another that acts for many people, named the owner of the token.
        Claimed,
        /// A program wrote the entry by itself: nothing about it was verified.
        Legacy,
    }
}

/// One change of one extension.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditEntryBody {
    /// The registry's revision that this change made: 1, 2, 3 … in the order of the commits.
    revision: i64,
    /// The extension that changed; it may be gone since.
    extension_id: String,
    /// What was done.
    action: AuditAction,
    /// The actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_by: Option<String>,
    /// How the actor is known.
    actor_source: ActorKnownBy,
    /// The database login that made the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    /// The operating system account, as the changing program reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    os_user: Option<String>,
    /// The changing program, as it reported itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    application_name: Option<String>,
    /// Where the connection to the database came from; left out for a unix socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_address: Option<String>,
    /// Why, in the actor's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When the change was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<DateTime<Utc>>,
    /// When it took effect; never goes back from one revision to the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed_at: Option<DateTime<Utc>>,
    /// The caller's name for the request: its Idempotency-Key, or one that was made for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Common to the entries of one bulk change, import, restore or undo.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    /// The revision whose version this change brought back.
    #[serde(skip_serializing_if = "Option::is_none")]
    restored_revision: Option<i64>,
    /// The group that this change took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    undone_group_id: Option<String>,
    /// The change that this one took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    undone_revision: Option<i64>,
    /// What changed, ordered by path.
    changes: Vec<FieldChangeBody>,
}

/// One place at which two versions differ.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldChange)]
pub(crate) struct FieldChangeBody {
    /// Where: a JSON Pointer (RFC 6901) such as `/config/model`.
    path: String,
    /// The value before; left out if it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = serde_json::Value, required = false)]
    before: Option<Json>,
    /// The value after; left out if it is not there any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = serde_json::Value, required = false)]
    after: Option<Json>,
}

/// A part of the log, newest entry first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub(crate) struct AuditPageBody {
    /// The entries.
    entries: Vec<AuditEntryBody>,
    /// Where the next page starts, which may be below the last entry of this one; left out when nothing older is left to
    /// look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_before_revision: Option<i64>,
    /// Where the page above starts; left out when nothing newer was left to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after_revision: Option<i64>,
    /// Where no index tells which entries the filter lets through: the revisions that are looked through, page by page.
    #[serde(skip_serializing_if = "Option::is_none")]
    searched: Option<RevisionRangeBody>,
}

/// Revisions that follow each other, both ends included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevisionRange)]
pub(crate) struct RevisionRangeBody {
    /// The first.
    oldest: i64,
    /// The last; one less than the first where there is none.
    newest: i64,
}

impl From<AuditEntry> for AuditEntryBody {
    fn from(entry: AuditEntry) -> Self {
        Self {
            revision: entry.revision,
            extension_id: entry.extension_id,
            action: entry.action.into(),
            changed_by: entry.changed_by,
            actor_source: entry.actor_source.into(),
            login: entry.login,
            os_user: entry.os_user,
            application_name: entry.application_name,
            client_address: entry.client_address,
            reason: entry.reason,
            timestamp: entry.timestamp,
            sealed_at: entry.sealed_at,
            request_id: entry.request_id,
            group_id: entry.group_id,
            restored_revision: entry.restored_revision,
            undone_group_id: entry.undone_group_id,
            undone_revision: entry.undone_revision,
            changes: entry
                .changes
                .into_iter()
                .map(FieldChangeBody::from)
                .collect(),
        }
    }
}

impl From<FieldChange> for FieldChangeBody {
    fn from(change: FieldChange) -> Self {
        Self {
            path: change.path,
            before: change.before.map(json),
            after: change.after.map(json),
        }
    }
}

impl From<AuditPage> for AuditPageBody {
    fn from(page: AuditPage) -> Self {
        Self {
            entries: page.entries.into_iter().map(AuditEntryBody::from).collect(),
            next_before_revision: page.next_before_revision,
            next_after_revision: page.next_after_revision,
            searched: page.searched.map(RevisionRangeBody::from),
        }
    }
}

impl From<RevisionRange> for RevisionRangeBody {
    fn from(range: RevisionRange) -> Self {
        Self {
            oldest: range.oldest,
            newest: range.newest,
        }
    }
}
