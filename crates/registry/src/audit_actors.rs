//! Who has ever changed something: the actors of the audit log.

use crate::access::{Attempt, Role};
use crate::{Error, Registry, Result};

const READ: Attempt = Attempt::by(Role::RegistryAuditor, "Reading who changed something");

/// The most actors that are told.
const ACTORS_MAX: i64 = 500;

impl Registry {
    /// The actors of the audit log by name, 500 at the most. It takes one look into an index for each of them,
    /// however many entries there are.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn list_audit_actors(&self) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "WITH RECURSIVE actors AS (
                 (SELECT min(changed_by) AS name FROM public.extension_audit_log WHERE revision IS NOT NULL)
                 UNION ALL
                 SELECT (SELECT min(changed_by) FROM public.extension_audit_log
                         WHERE revision IS NOT NULL AND changed_by > actors.name)
                 FROM actors
                 WHERE actors.name IS NOT NULL
             )
             SELECT name FROM actors WHERE name IS NOT NULL LIMIT $1",
        )
        .bind(ACTORS_MAX)
        .fetch_all(self.pool())
        .await
        .map_err(|source| Error::from_query(READ, source))
    }
}
