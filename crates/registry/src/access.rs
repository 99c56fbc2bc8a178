//! Access: which roles there are, and what the current login may do. Enforced by grants
//! (`migrations/0004_access_roles.sql`, `0007`, `0008`); here it is told.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::extensions::UnknownName;
use crate::{Error, Registry, Result};

/// A group role of the database; logins are made members of it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads and verifies the audit log, and sees nothing else.
    RegistryAuditor,
    /// Reads everything.
    RegistryViewer,
    /// And switches extensions on and off, and sends them messages to try them.
    RegistryOperator,
    /// And creates, changes and deletes them, and edits the schemas of configurations.
    RegistryEditor,
    /// A router's: reads the registry, tells what it has applied and records how its calls went.
    RegistryRouter,
}

impl Role {
    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::RegistryAuditor => "registry_auditor",
            Self::RegistryViewer => "registry_viewer",
            Self::RegistryOperator => "registry_operator",
            Self::RegistryEditor => "registry_editor",
            Self::RegistryRouter => "registry_router",
        }
    }
}

impl FromStr for Role {
    type Err = ();

    /// Reads a role's name, with or without the `registry_` that all have.
    fn from_str(name: &str) -> Result<Self, ()> {
        [
            Self::RegistryAuditor,
            Self::RegistryViewer,
            Self::RegistryOperator,
            Self::RegistryEditor,
            Self::RegistryRouter,
        ]
        .into_iter()
        .find(|role| {
            role.name().trim_start_matches("registry_") == name.trim_start_matches("registry_")
        })
        .ok_or(())
    }
}

impl TryFrom<String> for Role {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        name.parse().map_err(|()| UnknownName(name))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What the current login may do. The database refuses the rest, whatever a program believes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, sqlx::FromRow, Type)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a permission of its own"
)]
pub struct Permissions {
    /// The database login.
    pub login: String,
    /// The role that it works as, where that is another: it may do less then than it could.
    pub works_as: Option<String>,
    /// List and read extensions, their health and their history.
    pub can_view: bool,
    /// Switch extensions on and off.
    pub can_switch: bool,
    /// Create, change, delete and restore extensions.
    pub can_edit: bool,
    /// Read and verify the audit log.
    pub can_audit: bool,
    /// Edit the schemas of configurations and the names of secrets.
    pub can_edit_schemas: bool,
    /// Record what comes of messages that try extensions.
    pub can_test: bool,
}

impl Registry {
    /// What the current login may do.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`].
    pub async fn permissions(&self) -> Result<Permissions> {
        sqlx::query_as(PERMISSIONS)
            .fetch_one(self.pool())
            .await
            .map_err(|source| Error::from_query("Reading the permissions", source))
    }
}

const PERMISSIONS: &str = "\
    SELECT session_user::text AS login,
           nullif(current_user, session_user)::text AS works_as,
           has_table_privilege('public.extensions', 'SELECT')
               AND has_table_privilege('public.extension_health', 'SELECT') AS can_view,
           has_column_privilege('public.extensions', 'enabled', 'UPDATE') AS can_switch,
           has_table_privilege('public.extensions', 'INSERT')
               AND has_table_privilege('public.extensions', 'UPDATE')
               AND has_table_privilege('public.extensions', 'DELETE') AS can_edit,
           has_table_privilege('public.extension_audit_log', 'SELECT') AS can_audit,
           has_table_privilege('public.configuration_schemas', 'INSERT') AS can_edit_schemas,
           has_function_privilege('public.registry_claim_test_checks(integer)', 'EXECUTE') AS can_test";

/// An operation as errors speak of it: what was attempted, and the least role that may.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// The start of a sentence: "Reading the extension".
    pub(crate) words: &'static str,
    /// Who may.
    pub(crate) role: Role,
}

impl Attempt {
    pub(crate) const fn by(role: Role, words: &'static str) -> Self {
        Self { words, role }
    }
}

/// Reading, which a viewer may.
impl From<&'static str> for Attempt {
    fn from(words: &'static str) -> Self {
        Self::by(Role::RegistryViewer, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_by_its_long_and_its_short_name() {
        assert_eq!("viewer".parse(), Ok(Role::RegistryViewer));
        assert_eq!("registry_operator".parse(), Ok(Role::RegistryOperator));
        assert_eq!("owner".parse::<Role>(), Err(()));
    }
}
