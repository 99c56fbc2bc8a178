//! How the account's embedded database is opened, and with which role.

use std::env::VarError;
use std::path::{Path, PathBuf};

use registry::Error;
use registry::access::Role;
use registry::embedded::Options;

use crate::Folders;

/// Names a role to work as, such as `viewer`: less can be done by mistake then.
const ROLE_VARIABLE: &str = "BEAMLINE_REGISTRY_ROLE";

/// The role that the user names; none for what the login may.
///
/// # Errors
/// What is named, if that is no role.
pub fn named_role() -> Result<Option<Role>, String> {
    match std::env::var(ROLE_VARIABLE) {
        Ok(name) if !name.is_empty() => name.parse().map(Some).map_err(|()| name),
        Ok(_) | Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(name)) => Err(name.to_string_lossy().into_owned()),
    }
}

/// That what is named is no role.
pub fn no_role(name: &str) -> Error {
    Error::InvalidInput {
        field: "role",
        message: format!("{ROLE_VARIABLE} is {name:?}, which is no role."),
        action: "Name viewer, operator or editor, or nothing, and start again.",
    }
}

/// That a role is named where the database is another than the embedded one.
pub fn role_is_elsewhere() -> Error {
    Error::InvalidInput {
        field: "role",
        message: format!(
            "{ROLE_VARIABLE} names a role of the embedded database, and this connection leads elsewhere."
        ),
        action: "Use a login with fewer rights for the connection, or start without the variable.",
    }
}

/// How the embedded registry is opened. The PostgreSQL that was packed with the program lies in `resources`, if it was.
pub fn options(
    folders: &Folders,
    resources: Option<PathBuf>,
    role: Option<Role>,
    application_name: &str,
) -> Options {
    Options {
        data_directory: folders.data.clone(),
        server_override: folders.named_postgresql.clone(),
        bundled_server: resources
            .map(|folder| folder.join("postgresql"))
            .filter(|folder| Path::is_dir(folder)),
        application_name: application_name.to_owned(),
        role,
    }
}
