//! Brings a database's schema up to date.

use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use tracing::{info, warn};

mod state;

use crate::connection::{Pooling, Servers, Target};
use crate::{Error, Result};

pub use state::{MigrationDecision, MissingRole, PendingMigration, SchemaState};
pub(crate) use state::{decide, schema_state};

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

/// The same on the writable one of several servers.
///
/// # Errors
/// As [`migrate`]; [`Error::Unreachable`] if none can be written to, [`Error::InvalidInput`] for a profile that is
/// read-only or leads through a pooler that hands out single transactions: the lock that keeps two programs from
/// migrating at once belongs to a session.
pub async fn migrate_on(servers: &Servers) -> Result<()> {
    let database = servers.database();
    if database.is_read_only {
        return Err(Error::InvalidInput {
            field: "is_read_only",
            message:
                "The schema can't be brought up to date through a connection that is read-only."
                    .into(),
            action: "Use a connection that may change things.",
        });
    }
    if database.pooling == Pooling::Transaction {
        return Err(Error::InvalidInput {
            field: "pooling",
            message: "The schema can't be brought up to date through a pooler that hands out single transactions."
                .into(),
            action: "Use a connection that leads to the server itself, or to a pooler in session mode.",
        });
    }
    let found = servers
        .find(Target::Primary)
        .await
        .map_err(Error::unreachable)?;
    migrate(&servers.options_for(&found.address)).await
}

/// What the database needs before it can be used, for somebody to decide.
///
/// # Errors
/// [`Error::Unreachable`], [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
pub async fn decision(servers: &Servers) -> Result<MigrationDecision> {
    let mut found = servers
        .find(servers.target())
        .await
        .map_err(Error::unreachable)?;
    let mut decision = decide(&mut found.connection)
        .await
        .map_err(|source| Error::from_query("Reading the version of the schema", source))?;
    if !decision.state.migrations().is_empty() {
        let database = servers.database();
        if database.is_read_only {
            decision.obstacle =
                Some("The connection is read-only: use one that may change things.".into());
        } else if database.pooling == Pooling::Transaction {
            decision.obstacle = Some(
                "The connection leads through a pooler that hands out single transactions: use one that leads to the server itself, or to a pooler in session mode.".into(),
            );
        }
    }
    Ok(decision)
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

/// The checksum of one of this program's migrations, in hexadecimal; none if it has no such one.
pub(crate) fn checksum(version: i64) -> Option<String> {
    MIGRATIONS
        .iter()
        .find(|migration| migration.version == version)
        .map(|migration| hex::encode(&migration.checksum))
}

/// The versions of all migrations, oldest first.
pub(crate) fn versions() -> Vec<i64> {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .collect()
}

/// Applies, within the transaction that `connection` is in, those of `versions` that are not in `applied`, and adds them to
/// it. Close the connection after an error: it keeps the migrator's lock.
pub(crate) async fn apply_within(
    connection: &mut PgConnection,
    applied: &mut Vec<i64>,
    versions: &[i64],
) -> Result<()> {
    for version in versions {
        if applied.contains(version) {
            continue;
        }
        applied.push(*version);
        let known = MIGRATIONS
            .iter()
            .filter(|migration| applied.contains(&migration.version))
            .cloned()
            .collect();
        Migrator::with_migrations(known)
            .run_direct(None, &mut *connection, false)
            .await
            .map_err(|source| Error::MigrationFailed { source })?;
        // What a migration leaves for the commit must be done before the next alters the table.
        sqlx::raw_sql("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            .execute(&mut *connection)
            .await
            .map_err(|source| Error::from_query("Bringing the schema up to date", source))?;
    }
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
