//! Schemas of configurations, and the names of secrets. Tables `configuration_schemas`, `secret_names`.
//!
//! A JSON Schema (draft 2020-12 unless it names another) holds for a type or for one extension, whose
//! own schema stands before that of its type. The database keeps schemas and finds the secrets that they
//! mark; configurations are checked here, because PostgreSQL knows no JSON Schema.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use specta::Type;
use sqlx::postgres::PgConnection;
use tracing::info;

use crate::access::{Attempt, Role};
use crate::extensions::{ExtensionType, UnknownName};
use crate::rules::{self, invalid};
use crate::{Error, Registry, Result};

/// What a schema holds for.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum SchemaScope {
    /// All extensions of a type that have no schema of their own.
    Type(ExtensionType),
    /// One extension, by its id.
    Extension(String),
}

/// A JSON Schema of configurations.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct ConfigurationSchema {
    /// What it holds for.
    pub scope: SchemaScope,
    /// The schema, as JSON text.
    pub schema: String,
    /// The names of the properties that it marks as secret. A name stays secret when its mark goes.
    pub secret_names: Vec<String>,
    /// The login that last changed it.
    pub changed_by: String,
    /// When it was last changed.
    pub changed_at: DateTime<Utc>,
}

/// A place of a configuration that doesn't fit its schema.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct Violation {
    /// Where: a JSON Pointer (RFC 6901) into the configuration; empty for all of it.
    pub path: String,
    /// What is wrong. Values are left out, because they may be secrets.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            formatter.write_str(&self.message)
        } else {
            write!(formatter, "{}: {}", self.path, self.message)
        }
    }
}

/// A name whose values are secrets wherever it is a key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct SecretName {
    /// In snake case; `apiKey` and `openai_api_key` match `api_key`.
    pub name: String,
    /// Whether it came with the registry.
    pub is_builtin: bool,
}

impl Registry {
    /// All schemas: those of types first, then by id.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn list_configuration_schemas(&self) -> Result<Vec<ConfigurationSchema>> {
        const ATTEMPTED: &str = "Listing the schemas";
        let rows: Vec<SchemaRow> = sqlx::query_as(
            "SELECT extension_type, extension_id, schema::text AS schema, secret_names, changed_by, changed_at
             FROM public.configuration_schemas
             ORDER BY extension_type NULLS LAST, extension_id",
        )
        .fetch_all(self.pool())
        .await
        .map_err(|source| Error::from_query(ATTEMPTED, source))?;
        rows.into_iter()
            .map(|row| {
                row.try_into()
                    .map_err(|source: UnknownName| Error::Internal {
                        attempted: ATTEMPTED,
                        source: source.into(),
                    })
            })
            .collect()
    }

    /// Sets the schema of a type or of one extension. Configurations that are stored already are not
    /// checked; those that are saved from now on are.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for `schema` if it is no JSON Schema, refers to another document or marks a
    /// secret that is no named property; [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn set_configuration_schema(&self, scope: &SchemaScope, schema: &str) -> Result<()> {
        const ATTEMPT: Attempt = Attempt::by(Role::RegistryEditor, "Changing the schema");
        rules::check_json("schema", schema)?;
        compile(schema)?;
        let (extension_type, extension_id) = scope.columns();
        if let Some(id) = extension_id {
            rules::check_name("id", id)?;
        }
        // One statement with either column as the conflict's target.
        let statement = match scope {
            SchemaScope::Type(_) => {
                "INSERT INTO public.configuration_schemas (extension_type, extension_id, schema)
                 VALUES ($1, $2, $3::text::jsonb)
                 ON CONFLICT (extension_type) DO UPDATE SET schema = excluded.schema"
            }
            SchemaScope::Extension(_) => {
                "INSERT INTO public.configuration_schemas (extension_type, extension_id, schema)
                 VALUES ($1, $2, $3::text::jsonb)
                 ON CONFLICT (extension_id) DO UPDATE SET schema = excluded.schema"
            }
        };
        sqlx::query(statement)
            .bind(extension_type)
            .bind(extension_id)
            .bind(schema)
            .execute(self.pool())
            .await
            .map_err(|source| rules::refused(ATTEMPT, source))?;
        info!(?scope, "changed the schema of configurations");
        Ok(())
    }

    /// Removes a schema; whether there was one.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn delete_configuration_schema(&self, scope: &SchemaScope) -> Result<bool> {
        const ATTEMPT: Attempt = Attempt::by(Role::RegistryEditor, "Removing the schema");
        let (extension_type, extension_id) = scope.columns();
        sqlx::query(
            "DELETE FROM public.configuration_schemas
             WHERE extension_type IS NOT DISTINCT FROM $1 AND extension_id IS NOT DISTINCT FROM $2",
        )
        .bind(extension_type)
        .bind(extension_id)
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() > 0)
        .map_err(|source| Error::from_query(ATTEMPT, source))
    }

    /// The schema that holds for an extension of this id and type, as JSON text; none if there is none.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn configuration_schema_of(
        &self,
        id: &str,
        extension_type: ExtensionType,
    ) -> Result<Option<String>> {
        const ATTEMPT: Attempt = Attempt::by(Role::RegistryViewer, "Reading the schema");
        let mut connection = self
            .pool()
            .acquire()
            .await
            .map_err(|source| Error::from_query(ATTEMPT, source))?;
        schema_of(&mut connection, ATTEMPT, id, extension_type.name()).await
    }

    /// Checks a configuration against the schema that holds for an extension of this id and type.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for `config` if it is no JSON; [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`]. What doesn't fit is no error but the answer.
    pub async fn check_configuration(
        &self,
        id: &str,
        extension_type: ExtensionType,
        config: &str,
    ) -> Result<Vec<Violation>> {
        rules::check_json("config", config)?;
        match self.configuration_schema_of(id, extension_type).await? {
            None => Ok(Vec::new()),
            Some(schema) => violations(&schema, config),
        }
    }

    /// The names of secrets, in order.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn list_secret_names(&self) -> Result<Vec<SecretName>> {
        sqlx::query_as("SELECT name, is_builtin FROM public.secret_names ORDER BY name")
            .fetch_all(self.pool())
            .await
            .map_err(|source| Error::from_query("Listing the names of secrets", source))
    }

    /// Makes every key of this name a secret from now on, and for good: only the owner of the tables can take
    /// a name away, because that lays secrets open. What the audit log holds already stays.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for `name`; [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn add_secret_name(&self, name: &str) -> Result<()> {
        const ATTEMPT: Attempt = Attempt::by(Role::RegistryEditor, "Adding the name of a secret");
        sqlx::query("INSERT INTO public.secret_names (name) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(name)
            .execute(self.pool())
            .await
            .map(drop)
            .map_err(|source| rules::refused(ATTEMPT, source))
    }
}

/// Refuses a configuration that doesn't fit the schema of its extension.
pub(crate) async fn check(
    connection: &mut PgConnection,
    attempt: Attempt,
    id: &str,
    extension_type: &str,
    config: &str,
) -> Result<()> {
    let Some(schema) = schema_of(connection, attempt, id, extension_type).await? else {
        return Ok(());
    };
    let violations = violations(&schema, config)?;
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::ConfigurationInvalid { violations })
    }
}

async fn schema_of(
    connection: &mut PgConnection,
    attempt: Attempt,
    id: &str,
    extension_type: &str,
) -> Result<Option<String>> {
    sqlx::query_scalar(
        "SELECT schema::text FROM public.configuration_schemas
         WHERE extension_id = $1 OR extension_type = $2
         ORDER BY extension_id IS NULL
         LIMIT 1",
    )
    .bind(id)
    .bind(extension_type)
    .fetch_optional(connection)
    .await
    .map_err(|source| Error::from_query(attempt, source))
}

/// All schemas, each compiled once: for checking many configurations.
pub(crate) struct Schemas {
    by_scope: HashMap<SchemaScope, jsonschema::Validator>,
}

impl Schemas {
    pub(crate) async fn read(connection: &mut PgConnection, attempt: Attempt) -> Result<Self> {
        let rows: Vec<(Option<String>, Option<String>, String)> = sqlx::query_as(
            "SELECT extension_type, extension_id, schema::text FROM public.configuration_schemas",
        )
        .fetch_all(connection)
        .await
        .map_err(|source| Error::from_query(attempt, source))?;
        let by_scope = rows
            .into_iter()
            .map(|(extension_type, extension_id, schema)| {
                Ok((
                    scope(extension_type, extension_id).map_err(|source| Error::Internal {
                        attempted: attempt.words,
                        source: source.into(),
                    })?,
                    compile(&schema)?,
                ))
            })
            .collect::<Result<_>>()?;
        Ok(Self { by_scope })
    }

    /// Where a configuration doesn't fit the schema that holds for an extension of this id and type.
    pub(crate) fn violations(
        &self,
        id: &str,
        extension_type: ExtensionType,
        config: &str,
    ) -> Result<Vec<Violation>> {
        self.by_scope
            .get(&SchemaScope::Extension(id.to_owned()))
            .or_else(|| self.by_scope.get(&SchemaScope::Type(extension_type)))
            .map_or(Ok(Vec::new()), |schema| violations_of(schema, config))
    }
}

fn compile(schema: &str) -> Result<jsonschema::Validator> {
    let schema = parse("schema", schema)?;
    jsonschema::validator_for(&schema).map_err(|error| {
        invalid(
            "schema",
            format!(
                "The schema is no JSON Schema: {error} (at {:?}).",
                error.instance_path().as_str()
            ),
            "Correct it at that place; references to other documents are not followed.",
        )
    })
}

fn violations(schema: &str, config: &str) -> Result<Vec<Violation>> {
    violations_of(&compile(schema)?, config)
}

fn violations_of(schema: &jsonschema::Validator, config: &str) -> Result<Vec<Violation>> {
    let config = parse("config", config)?;
    Ok(schema
        .iter_errors(&config)
        .map(|error| Violation {
            path: error.instance_path().as_str().to_owned(),
            message: error.masked_with("this").to_string(),
        })
        .collect())
}

fn parse(field: &'static str, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        invalid(
            field,
            format!("The {field} is not valid JSON: {error}."),
            "Correct it at that place.",
        )
    })
}

fn scope(
    extension_type: Option<String>,
    extension_id: Option<String>,
) -> Result<SchemaScope, UnknownName> {
    Ok(match (extension_type, extension_id) {
        (Some(name), _) => SchemaScope::Type(name.try_into()?),
        (None, id) => SchemaScope::Extension(id.unwrap_or_default()),
    })
}

impl SchemaScope {
    pub(crate) fn columns(&self) -> (Option<&'static str>, Option<&str>) {
        match self {
            Self::Type(extension_type) => (Some(extension_type.name()), None),
            Self::Extension(id) => (None, Some(id)),
        }
    }
}

#[derive(sqlx::FromRow)]
struct SchemaRow {
    extension_type: Option<String>,
    extension_id: Option<String>,
    schema: String,
    secret_names: Vec<String>,
    changed_by: String,
    changed_at: DateTime<Utc>,
}

impl TryFrom<SchemaRow> for ConfigurationSchema {
    type Error = UnknownName;

    fn try_from(row: SchemaRow) -> Result<Self, UnknownName> {
        Ok(Self {
            scope: scope(row.extension_type, row.extension_id)?,
            schema: row.schema,
            secret_names: row.secret_names,
            changed_by: row.changed_by,
            changed_at: row.changed_at,
        })
    }
}
