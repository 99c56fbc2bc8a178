//! How large an operation was: the entries of one bulk change, import, restore or undo.

use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::types::Uuid;

use crate::access::{Attempt, Role};
use crate::audit::AuditAction;
use crate::{Error, Registry, Result};

/// The entries of one group.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct AuditGroup {
    /// How many there are, up to 10,000.
    pub count: u32,
    /// Whether there are more than that.
    pub has_more: bool,
    /// What was done in it, each kind once.
    pub actions: Vec<AuditAction>,
}

const READ: Attempt = Attempt::by(Role::RegistryAuditor, "Reading a group of the audit log");

/// The most entries that are counted.
const COUNTED_MAX: u16 = 10_000;

impl Registry {
    /// How many entries a group has, and of which kinds; however large it is, this many are looked at.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for what is no group id, [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn audit_group(&self, group_id: &str) -> Result<AuditGroup> {
        let id = Uuid::try_parse(group_id).map_err(|_| Error::InvalidInput {
            field: "group_id",
            message: format!("{group_id:?} is no group id."),
            action: "Take the group id of an entry.",
        })?;
        let kinds: Vec<(String, i64)> = sqlx::query_as(
            "SELECT action, count(*) FROM (
                 SELECT action FROM public.extension_audit_log
                 WHERE group_id = $1 AND revision IS NOT NULL
                 ORDER BY revision DESC
                 LIMIT $2
             ) AS entries
             GROUP BY action
             ORDER BY action",
        )
        .bind(id)
        .bind(i64::from(COUNTED_MAX) + 1)
        .fetch_all(self.pool())
        .await
        .map_err(|source| Error::from_query(READ, source))?;
        let count: i64 = kinds.iter().map(|(_, count)| count).sum();
        let actions = kinds
            .into_iter()
            .map(|(action, _)| AuditAction::try_from(action))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| Error::Internal {
                attempted: READ.words,
                source: source.into(),
            })?;
        Ok(AuditGroup {
            count: u32::try_from(count.min(i64::from(COUNTED_MAX))).unwrap_or(u32::MAX),
            has_more: count > i64::from(COUNTED_MAX),
            actions,
        })
    }
}
