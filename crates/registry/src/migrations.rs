//! Brings a database's schema up to date.

use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tracing::{info, warn};

use crate::{Error, Result};

/// The migrations in this program, oldest first; the files of the repository's `migrations` folder.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Applies the migrations that the database lacks, each in a transaction of its own.
///
/// Several programs may call this at once: one works, the others wait and find nothing to do.
/// A database that somebody set up by hand with the same tables is adopted with its rows.
///
/// # Errors
/// [`Error::SchemaNewer`] when the database knows a migration that this program does not,
/// [`Error::MigrationFailed`] when one fails (its changes are rolled back),
/// [`Error::DatabaseUnavailable`] when the database doesn't answer.
pub async fn migrate(options: &PgConnectOptions) -> Result<()> {
    let mut attempt = 1;
    loop {
        // A connection of its own, closed afterwards: on an error sqlx keeps its advisory lock for
        // as long as the connection lives.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(|source| Error::from_query("Connecting to migrate the schema", source))?;
        let outcome = MIGRATIONS.run(&pool).await;
        pool.close().await;
        match outcome {
            Ok(()) => {
                info!(latest_version = latest_version(), "schema is up to date");
                return Ok(());
            }
            Err(error) if attempt < ATTEMPTS_MAX && is_deadlock(&error) => {
                warn!(attempt, %error, "the schema couldn't be brought up to date yet");
                attempt += 1;
            }
            Err(MigrateError::VersionMissing(version)) => {
                return Err(Error::SchemaNewer { version });
            }
            Err(source) => return Err(Error::MigrationFailed { source }),
        }
    }
}

/// A migration waits for programs that use the tables and, on a server in use, for its autovacuum; two
/// that wait for each other are told apart by ending one, which then tries again.
const ATTEMPTS_MAX: u32 = 5;

fn is_deadlock(error: &MigrateError) -> bool {
    let (MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _)) = error else {
        return false;
    };
    source
        .as_database_error()
        .and_then(DatabaseError::code)
        .is_some_and(|code| code == "40P01")
}

/// How many migrations this program has. Versions may have gaps.
pub fn count() -> usize {
    MIGRATIONS.iter().count()
}

/// The version of the newest migration in this program.
pub fn latest_version() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}
