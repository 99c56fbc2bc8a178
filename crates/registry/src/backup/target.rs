//! The database that a registry is put into, whether from a file or from another database: what it must be, how its guards
//! are set aside for the moment, and what must be so when it is done. All within one transaction.

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::problem::BackupProblem;
use super::tables::{self, AUDIT_LOG, FORM, HEAD, Sequence, Table, quoted};
use crate::{Error, Result, migrations};

/// A migration that a database has.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct MigrationMark {
    pub(crate) version: i64,
    /// In hexadecimal.
    pub(crate) checksum: String,
}

/// Which migrations a database has, oldest first.
pub(crate) async fn read_migrations(connection: &mut PgConnection) -> Result<Vec<MigrationMark>> {
    let migrations: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM public._sqlx_migrations ORDER BY version")
            .persistent(false)
            .fetch_all(connection)
            .await
            .map_err(|source| Error::from_query("Reading the schema's version", source))?;
    Ok(migrations
        .into_iter()
        .map(|(version, checksum)| MigrationMark {
            version,
            checksum: hex::encode(checksum),
        })
        .collect())
}

/// Whether this program makes the schema that `marks` made.
pub(crate) fn check_schema(marks: &[MigrationMark]) -> Result<(), BackupProblem> {
    for mark in marks {
        let schema_version = mark.version;
        match migrations::checksum(mark.version) {
            Some(checksum) if checksum == mark.checksum => {}
            None if mark.version > migrations::latest_version() => {
                return Err(BackupProblem::SchemaNewer { schema_version });
            }
            _ => return Err(BackupProblem::SchemaDiffers { schema_version }),
        }
    }
    Ok(())
}

/// A database that is being filled.
pub(crate) struct Target {
    /// Its tables, in the order in which they are filled, with the columns in the order of the source.
    pub(crate) tables: Vec<Table>,
    triggers: Vec<GuardedTrigger>,
    applied: Vec<i64>,
}

/// A trigger that is set aside, and how it was.
struct GuardedTrigger {
    table: String,
    name: String,
    /// `pg_trigger.tgenabled`.
    enabled: String,
}

impl Target {
    /// Makes the database ready: with the schema that `marks` made, empty tables like those of `source`, and no trigger but
    /// those of foreign keys. What is locked stays so until the end of the transaction.
    ///
    /// # Errors
    /// [`Error::TargetNotEmpty`], and what is wrong with `source` as an error of `invalid`.
    pub(crate) async fn prepare(
        connection: &mut PgConnection,
        attempted: &'static str,
        marks: &[MigrationMark],
        source: &[Table],
        invalid: impl Fn(BackupProblem) -> Error,
    ) -> Result<Self> {
        let failed = |source| Error::from_query(attempted, source);
        check_schema(marks).map_err(&invalid)?;
        let wanted: Vec<i64> = marks.iter().map(|mark| mark.version).collect();
        let mut applied = check_empty(connection, attempted, &wanted).await?;
        migrations::apply_within(connection, &mut applied, &wanted).await?;
        run(connection, attempted, FORM).await?;

        let present = tables::read(connection).await?;
        let differs = || {
            invalid(BackupProblem::SchemaDiffers {
                schema_version: wanted.last().copied().unwrap_or_default(),
            })
        };
        if present.len() != source.len() {
            return Err(differs());
        }
        let tables = present
            .iter()
            .map(|table| {
                source
                    .iter()
                    .find_map(|other| table.like(other))
                    .ok_or_else(differs)
            })
            .collect::<Result<Vec<_>>>()?;
        let names: Vec<String> = tables
            .iter()
            .map(|table| format!("public.{}", quoted(&table.name)))
            .collect();
        let list = names.join(", ");
        run(
            connection,
            attempted,
            &format!("LOCK TABLE {list} IN ACCESS EXCLUSIVE MODE"),
        )
        .await?;
        // Whoever had begun to use it has ended by now, and nobody begins.
        check_empty(connection, attempted, &wanted).await?;
        let triggers: Vec<GuardedTrigger> = sqlx::query(
            "SELECT relname::text AS relation, tgname::text AS name, tgenabled::text AS enabled
             FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
             WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal AND tgparentid = 0 AND tgenabled <> 'D'
               AND relowner = (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.extensions'))
             ORDER BY relname, tgname",
        )
        .persistent(false)
        .fetch_all(&mut *connection)
        .await
        .and_then(|rows| {
            rows.iter()
                .map(|row| {
                    Ok(GuardedTrigger {
                        table: row.try_get("relation")?,
                        name: row.try_get("name")?,
                        enabled: row.try_get("enabled")?,
                    })
                })
                .collect()
        })
        .map_err(failed)?;
        // Each by its name, as their owner may. What `session_replication_role` does is for superusers, and the guards fire
        // under it all the same.
        for trigger in &triggers {
            trigger.set(connection, attempted, "DISABLE").await?;
        }
        run(connection, attempted, &format!("TRUNCATE {list}")).await?;
        Ok(Self {
            tables,
            triggers,
            applied,
        })
    }

    /// Sets the guards again and lets the sequences go on, when all tables are filled.
    pub(crate) async fn complete(
        &self,
        connection: &mut PgConnection,
        attempted: &'static str,
        sequences: &[Sequence],
    ) -> Result<()> {
        for sequence in sequences {
            // Not setval, which no rollback takes back.
            let statement = format!(
                "ALTER SEQUENCE public.{} RESTART WITH {}",
                quoted(&sequence.name),
                sequence.next_value
            );
            run(connection, attempted, &statement).await?;
        }
        for trigger in &self.triggers {
            let how = match trigger.enabled.as_str() {
                "A" => "ENABLE ALWAYS",
                "R" => "ENABLE REPLICA",
                _ => "ENABLE",
            };
            trigger.set(connection, attempted, how).await?;
        }
        Ok(())
    }

    /// Brings the schema up to date; tells whether there was anything to do.
    pub(crate) async fn bring_up_to_date(&mut self, connection: &mut PgConnection) -> Result<bool> {
        let before = self.applied.len();
        migrations::apply_within(connection, &mut self.applied, &migrations::versions()).await?;
        Ok(self.applied.len() > before)
    }
}

impl GuardedTrigger {
    async fn set(
        &self,
        connection: &mut PgConnection,
        attempted: &'static str,
        how: &str,
    ) -> Result<()> {
        let statement = format!(
            "ALTER TABLE public.{} {how} TRIGGER {}",
            quoted(&self.table),
            quoted(&self.name)
        );
        run(connection, attempted, &statement).await
    }
}

/// Checks that the database has no registry, or one of just these migrations in which nothing was ever changed. Tells
/// which migrations it has.
async fn check_empty(
    connection: &mut PgConnection,
    attempted: &'static str,
    wanted: &[i64],
) -> Result<Vec<i64>> {
    let failed = |source| Error::from_query(attempted, source);
    let state = sqlx::query(
        "SELECT current_database()::text AS database,
                to_regclass('public._sqlx_migrations') IS NOT NULL AS is_migrated,
                (SELECT min(relname)::text FROM pg_class
                 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> '_sqlx_migrations') AS table",
    )
    .persistent(false)
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    let database: String = state.try_get("database").map_err(failed)?;
    let is_migrated: bool = state.try_get("is_migrated").map_err(failed)?;
    let table: Option<String> = state.try_get("table").map_err(failed)?;
    let in_the_way = |found: String| Error::TargetNotEmpty {
        database: database.clone(),
        found,
    };
    if !is_migrated {
        return match table {
            None => Ok(Vec::new()),
            Some(table) => Err(in_the_way(format!("it has a table {table} already"))),
        };
    }
    let applied: Vec<i64> = read_migrations(connection)
        .await?
        .iter()
        .map(|mark| mark.version)
        .collect();
    if applied.is_empty() && table.is_none() {
        return Ok(applied);
    }
    if applied != wanted {
        return Err(in_the_way(
            "it has a registry of another schema version".into(),
        ));
    }
    let statement = format!(
        "SELECT (SELECT revision = 0 FROM public.{HEAD})
            AND NOT EXISTS (SELECT FROM public.{AUDIT_LOG})
            AND NOT EXISTS (SELECT FROM public.settings_audit_log)
            AND NOT EXISTS (SELECT FROM public.extension_health_history)
            AND NOT EXISTS (SELECT FROM public.extension_health)"
    );
    let is_untouched: Option<bool> = sqlx::query_scalar(AssertSqlSafe(statement))
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if is_untouched == Some(true) {
        Ok(applied)
    } else {
        Err(in_the_way("it has a registry that was used already".into()))
    }
}

/// Runs statements whose names are quoted and whose values are numbers.
pub(crate) async fn run(
    connection: &mut PgConnection,
    attempted: &'static str,
    statements: &str,
) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| {
            match source
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code)
                .as_deref()
            {
                // Only owners may set triggers aside and empty tables.
                Some("42501") => Error::OwnerRequired { attempted },
                _ => Error::from_query(attempted, source),
            }
        })
}
