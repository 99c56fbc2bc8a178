//! Brings a database's schema up to date.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tracing::info;

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
    // A connection of its own, closed afterwards: on an error sqlx keeps its advisory lock for
    // as long as the connection lives.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(options.clone())
        .await
        .map_err(|source| Error::from_query("Connecting to migrate the schema", source))?;
    let outcome = MIGRATIONS.run(&pool).await;
    pool.close().await;
    outcome.map_err(|source| match source {
        MigrateError::VersionMissing(version) => Error::SchemaNewer { version },
        source => Error::MigrationFailed { source },
    })?;
    info!(latest_version = latest_version(), "schema is up to date");
    Ok(())
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
