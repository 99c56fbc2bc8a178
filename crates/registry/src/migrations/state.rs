//! What a database needs before it can be used: a decision for whoever it belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::postgres::PgConnection;
use sqlx::{Row, raw_sql};

use super::{MIGRATIONS, latest_version};
use crate::wire::WireNumber;

/// What a database is to this program.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum SchemaState {
    /// A registry of the version that this program makes.
    UpToDate {
        /// Its newest migration.
        #[specta(type = WireNumber)]
        version: i64,
    },
    /// A registry of an older version: it can be brought up to date.
    Pending {
        /// Its newest migration.
        #[specta(type = WireNumber)]
        version: i64,
        /// What would be done, in order.
        migrations: Vec<PendingMigration>,
    },
    /// A registry of a newer version: it can be read, and not changed by this program.
    Newer {
        /// Its newest migration.
        #[specta(type = WireNumber)]
        version: i64,
        /// The newest one that this program knows.
        #[specta(type = WireNumber)]
        known_version: i64,
    },
    /// Tables made by hand with the names and meaning of the registry's: they can be adopted with their rows.
    Seed {
        /// How many extensions there are; none if the login may not read them.
        #[specta(type = Option<WireNumber>)]
        extension_count: Option<i64>,
        /// How many audit entries; none also where there is no such table.
        #[specta(type = Option<WireNumber>)]
        audit_entry_count: Option<i64>,
        /// How many rows of health.
        #[specta(type = Option<WireNumber>)]
        health_count: Option<i64>,
        /// What would be done, in order.
        migrations: Vec<PendingMigration>,
    },
    /// No registry: one can be made.
    Empty {
        /// How many other tables there are: a database that belongs to something else should not become a registry by
        /// mistake.
        #[specta(type = WireNumber)]
        other_table_count: i64,
        /// What would be done, in order.
        migrations: Vec<PendingMigration>,
    },
}

/// A migration that a database lacks.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct PendingMigration {
    /// Its number.
    #[specta(type = WireNumber)]
    pub version: i64,
    /// Its name, in words.
    pub name: String,
    /// What it is for: the first paragraph of its header.
    pub summary: String,
    /// What is before and after it: the rest of its header.
    pub details: String,
}

/// A role that the registry's rights are given to and that the server doesn't have.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct MissingRole {
    /// Its name.
    pub name: String,
    /// What an administrator must run before the schema is brought up to date.
    pub statement: String,
}

/// What somebody must know and decide before a database is migrated.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct MigrationDecision {
    /// What the database is.
    pub state: SchemaState,
    /// Roles that are missing and that this login can't make; rights that a migration gives to them are lost.
    pub missing_roles: Vec<MissingRole>,
    /// Why this login can't migrate, with what an administrator must run; none if it can.
    pub obstacle: Option<String>,
}

/// The roles that migrations make.
const ROLES: [&str; 8] = [
    "registry_owner",
    "registry_viewer",
    "registry_operator",
    "registry_editor",
    "registry_auditor",
    "registry_rest_server",
    "registry_legacy_writer",
    "registry_router",
];

impl fmt::Display for SchemaState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpToDate { version } => write!(formatter, "version {version}, up to date"),
            Self::Pending {
                version,
                migrations,
            } => write!(
                formatter,
                "version {version}, {} migrations behind this program",
                migrations.len()
            ),
            Self::Newer {
                version,
                known_version,
            } => write!(
                formatter,
                "version {version}, newer than this program, which knows {known_version}: it can be read alone"
            ),
            Self::Seed {
                extension_count, ..
            } => match extension_count {
                Some(count) => write!(
                    formatter,
                    "tables made by hand, with {count} extensions: they can be adopted"
                ),
                None => write!(formatter, "tables made by hand: they can be adopted"),
            },
            Self::Empty {
                other_table_count: 0,
                ..
            } => write!(formatter, "empty: a registry can be made"),
            Self::Empty {
                other_table_count, ..
            } => write!(
                formatter,
                "no registry, and {other_table_count} other tables"
            ),
        }
    }
}

impl SchemaState {
    /// What would be done, in order; empty if there is nothing to do.
    pub fn migrations(&self) -> &[PendingMigration] {
        match self {
            Self::UpToDate { .. } | Self::Newer { .. } => &[],
            Self::Pending { migrations, .. }
            | Self::Seed { migrations, .. }
            | Self::Empty { migrations, .. } => migrations,
        }
    }
}

/// What the database at the other end is. Simple statements alone: it runs through a pooler as well.
pub(crate) async fn schema_state(connection: &mut PgConnection) -> sqlx::Result<SchemaState> {
    let row = raw_sql(
        "SELECT to_regclass('public._sqlx_migrations') IS NOT NULL, to_regclass('public.extensions') IS NOT NULL,
                (SELECT count(*) FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
                 WHERE relkind IN ('r', 'p') AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%')",
    )
    .fetch_one(&mut *connection)
    .await?;
    let (is_migrated, has_extensions): (bool, bool) =
        (row.try_get_unchecked(0)?, row.try_get_unchecked(1)?);
    let other_table_count: i64 = row.try_get_unchecked(2)?;
    if !has_extensions {
        return Ok(SchemaState::Empty {
            other_table_count: other_table_count - i64::from(is_migrated),
            migrations: lacking(&[]),
        });
    }
    if !is_migrated {
        return Ok(SchemaState::Seed {
            extension_count: count(connection, "SELECT count(*) FROM public.extensions").await,
            audit_entry_count: count(
                connection,
                "SELECT count(*) FROM public.extension_audit_log",
            )
            .await,
            health_count: count(connection, "SELECT count(*) FROM public.extension_health").await,
            migrations: lacking(&[]),
        });
    }
    let rows =
        raw_sql("SELECT version FROM public._sqlx_migrations WHERE success ORDER BY version")
            .fetch_all(connection)
            .await?;
    let applied: Vec<i64> = rows
        .iter()
        .map(|row| row.try_get_unchecked(0))
        .collect::<sqlx::Result<_>>()?;
    let version = applied.last().copied().unwrap_or_default();
    let is_known = |version: i64| {
        MIGRATIONS
            .iter()
            .any(|migration| migration.version == version)
    };
    let migrations = lacking(&applied);
    Ok(if !applied.iter().all(|version| is_known(*version)) {
        SchemaState::Newer {
            version,
            known_version: latest_version(),
        }
    } else if migrations.is_empty() {
        SchemaState::UpToDate { version }
    } else {
        SchemaState::Pending {
            version,
            migrations,
        }
    })
}

/// What the database needs, and what stands in the way of this login.
pub(crate) async fn decide(connection: &mut PgConnection) -> sqlx::Result<MigrationDecision> {
    let state = schema_state(connection).await?;
    let row = raw_sql(
        "SELECT rolsuper OR rolcreaterole, current_user::text, current_database()::text,
                pg_catalog.has_schema_privilege('public', 'CREATE'),
                coalesce((SELECT pg_catalog.pg_has_role(relowner, 'MEMBER') FROM pg_catalog.pg_class
                          WHERE oid = to_regclass('public.extensions')), true),
                (SELECT string_agg(rolname, ',') FROM pg_catalog.pg_roles)
         FROM pg_catalog.pg_roles WHERE rolname = current_user",
    )
    .fetch_one(connection)
    .await?;
    let can_create_roles: bool = row.try_get_unchecked(0)?;
    let (login, database): (String, String) =
        (row.try_get_unchecked(1)?, row.try_get_unchecked(2)?);
    let (can_create_tables, owns_tables): (bool, bool) =
        (row.try_get_unchecked(3)?, row.try_get_unchecked(4)?);
    let present: String = row.try_get_unchecked(5)?;
    let missing_roles = if can_create_roles {
        Vec::new()
    } else {
        ROLES
            .into_iter()
            .filter(|name| !present.split(',').any(|role| role == *name))
            .map(|name| MissingRole {
                name: name.to_owned(),
                statement: format!("CREATE ROLE {name} NOLOGIN;"),
            })
            .collect()
    };
    let login = format!("\"{}\"", login.replace('"', "\"\""));
    let obstacle = if state.migrations().is_empty() {
        None
    } else if !can_create_tables {
        Some(format!(
            "This login may not make tables in the database {database}. An administrator can run: GRANT CREATE ON SCHEMA public TO {login};"
        ))
    } else if !owns_tables {
        Some(format!(
            "This login doesn't own the registry's tables. An administrator can run, for as long as it migrates: GRANT registry_owner TO {login};"
        ))
    } else {
        None
    };
    Ok(MigrationDecision {
        state,
        missing_roles,
        obstacle,
    })
}

/// None if it may not be counted.
async fn count(connection: &mut PgConnection, statement: &'static str) -> Option<i64> {
    let row = raw_sql(statement).fetch_one(connection).await.ok()?;
    row.try_get_unchecked(0).ok()
}

fn lacking(applied: &[i64]) -> Vec<PendingMigration> {
    MIGRATIONS
        .iter()
        .filter(|migration| !applied.contains(&migration.version))
        .map(|migration| {
            let (summary, details) = header(migration.sql.as_str());
            PendingMigration {
                version: migration.version,
                name: migration.description.to_string(),
                summary,
                details,
            }
        })
        .collect()
}

/// The comment that a migration begins with: its first paragraph as one line, and the rest as it is.
fn header(sql: &str) -> (String, String) {
    let lines: Vec<&str> = sql
        .lines()
        .map_while(|line| line.strip_prefix("--"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let end = lines
        .iter()
        .position(|line| line.trim().is_empty())
        .unwrap_or(lines.len());
    let summary = lines[..end]
        .iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ");
    let details = lines[end..].join("\n").trim().to_owned();
    (summary, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_migration_says_what_it_does() {
        for migration in lacking(&[]) {
            assert!(!migration.name.is_empty());
            assert!(migration.summary.ends_with('.'), "{migration:?}");
            assert!(
                migration.details.contains("Before") || migration.details.contains("After"),
                "{migration:?}"
            );
        }
    }

    #[test]
    fn a_header_ends_with_the_comment() {
        let (summary, details) =
            header("-- One\n-- two.\n--\n-- Before: a\n--   b\n\nSELECT 1;\n-- no");
        assert_eq!(summary, "One two.");
        assert_eq!(details, "Before: a\n  b");
    }
}
