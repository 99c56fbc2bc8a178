//! The database in a running server: its settings checked, it and the logins made, by the superuser.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tracing::info;

use super::cluster::{Cluster, Credentials, SUPERUSER};
use super::folders::{Folders, PORT};
use crate::access::Role;
use crate::{Error, Result};

/// The database in the cluster.
pub(super) const DATABASE: &str = "registry";

/// How to log in as the superuser.
pub(super) fn superuser_options(
    folders: &Folders,
    application_name: &str,
    password: &str,
) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(folders.socket())
        .port(PORT)
        .username(SUPERUSER)
        .password(password)
        .application_name(application_name)
}

pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection> {
    options
        .connect()
        .await
        .map_err(|source| Error::from_query("Logging in to the database", source))
}

pub(super) async fn close(connection: PgConnection) -> Result<()> {
    connection
        .close()
        .await
        .map_err(|source| Error::from_query("Closing a connection", source))
}

/// Checks in the running server what the start asked for.
pub(super) async fn assert_safe(connection: &mut PgConnection) -> Result<()> {
    let settings: [(&'static str, &str); 5] = [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("password_encryption", "scram-sha-256"),
    ];
    for (setting, wanted) in settings {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await
            .map_err(|source| Error::from_query("Checking the server's settings", source))?;
        if value != wanted {
            return Err(Error::UnsafeServerSettings { setting, value });
        }
    }
    Ok(())
}

/// For example `18.4`; distributions append more words to it.
pub(super) async fn server_version(connection: &mut PgConnection) -> Result<String> {
    let version: String = sqlx::query_scalar("SELECT current_setting('server_version')")
        .fetch_one(connection)
        .await
        .map_err(|source| Error::from_query("Reading the server's version", source))?;
    Ok(version
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned())
}

/// Lets one program at a time complete the database. The key is any number that nobody else uses.
pub(super) async fn lock_provisioning(connection: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_lock(7305808869231650164)")
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| Error::from_query("Waiting for another program's start", source))
}

pub(super) fn read_credentials(cluster: &Cluster) -> Result<Credentials> {
    cluster
        .read_credentials()
        .map_err(|source| Error::Internal {
            attempted: "Reading the embedded database's passwords",
            source: source.into(),
        })
}

pub(super) async fn ensure_database(connection: &mut PgConnection) -> Result<()> {
    let failed = |source| Error::from_query("Creating the database", source);
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
    if !exists {
        // CREATE DATABASE takes no parameters; the name is the constant above.
        let statement = format!("CREATE DATABASE {DATABASE}");
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    // By this the database knows that it is a console's own (migrations/0040_history_of_health.sql).
    let statement =
        format!("COMMENT ON DATABASE {DATABASE} IS 'The embedded registry of a console'");
    sqlx::query(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

/// Makes the login that the console works as: an editor, not the superuser that migrates.
pub(super) async fn ensure_login(
    superuser: &PgConnectOptions,
    login: &str,
    password: &str,
) -> Result<()> {
    let failed = |source| Error::from_query("Creating the database login", source);
    let mut connection = connect(superuser).await?;
    // The statements hold the password: they must not reach the server's log.
    sqlx::raw_sql("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    let statements: Vec<String> = sqlx::query_scalar(
        "SELECT unnest(ARRAY[
             CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = $1)
                 THEN format('ALTER ROLE %I LOGIN PASSWORD %L', $1, $2)
                 ELSE format('CREATE ROLE %I LOGIN PASSWORD %L', $1, $2)
             END,
             format('GRANT registry_editor TO %I', $1)])",
    )
    .bind(login)
    .bind(password)
    .fetch_all(&mut connection)
    .await
    .map_err(failed)?;
    for statement in statements {
        // Safe: the server itself quoted the name and the password.
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .map_err(failed)?;
    }
    info!(login, "created the database login");
    close(connection).await
}

/// Makes the login a member of the role, so that it may work as it.
pub(super) async fn grant(connection: &mut PgConnection, role: Role, login: &str) -> Result<()> {
    let failed = |source| Error::from_query("Letting the login work as another role", source);
    let statement: String = sqlx::query_scalar("SELECT format('GRANT %I TO %I', $1, $2)")
        .bind(role.name())
        .bind(login)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    // Safe: the server itself quoted the names.
    sqlx::query(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

/// The login role for an operating system account: the same name, so that the audit log names the
/// person, except for the names that PostgreSQL and the registry keep for themselves.
pub(super) fn login_name(os_user: &str) -> String {
    let is_reserved = os_user.starts_with("pg_")
        || os_user.starts_with("registry_")
        || ["public", "none", ""].contains(&os_user);
    let name = if is_reserved {
        format!("user_{os_user}")
    } else {
        os_user.to_owned()
    };
    // PostgreSQL cuts names at 63 bytes; cut here at a character instead.
    let mut end = name.len().min(63);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_is_the_account_unless_the_name_is_taken() {
        assert_eq!(login_name("editor"), "editor");
        assert_eq!(login_name("pg_read_all_data"), "user_pg_read_all_data");
        assert_eq!(login_name(SUPERUSER), "user_registry_admin");
        assert_eq!(login_name("public"), "user_public");
    }

    #[test]
    fn a_long_login_is_cut_between_characters() {
        let name = login_name(&"é".repeat(40));
        assert_eq!(name.len(), 62);
    }
}
