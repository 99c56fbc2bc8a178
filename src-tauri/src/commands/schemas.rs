//! Schemas of configurations, and the names of secrets.

use registry::ErrorReport;
use registry::extensions::ExtensionType;
use registry::schemas::{ConfigurationSchema, SchemaScope, SecretName, Violation};
use tauri::State;

use super::report;
use crate::database::Database;

/// All schemas: those of types first, then by id.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_configuration_schemas(
    database: State<'_, Database>,
) -> Result<Vec<ConfigurationSchema>, ErrorReport> {
    database
        .registry()?
        .list_configuration_schemas()
        .await
        .map_err(report)
}

/// The schema that holds for an extension of this id and type, as JSON text.
#[tauri::command]
#[specta::specta]
pub(crate) async fn configuration_schema_of(
    database: State<'_, Database>,
    id: String,
    extension_type: ExtensionType,
) -> Result<Option<String>, ErrorReport> {
    database
        .registry()?
        .configuration_schema_of(&id, extension_type)
        .await
        .map_err(report)
}

/// Sets the schema of a type or of one extension.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_configuration_schema(
    database: State<'_, Database>,
    scope: SchemaScope,
    schema: String,
) -> Result<(), ErrorReport> {
    database
        .registry()?
        .set_configuration_schema(&scope, &schema)
        .await
        .map_err(report)
}

/// Removes a schema; whether there was one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_configuration_schema(
    database: State<'_, Database>,
    scope: SchemaScope,
) -> Result<bool, ErrorReport> {
    database
        .registry()?
        .delete_configuration_schema(&scope)
        .await
        .map_err(report)
}

/// The places of a configuration that don't fit the schema of an extension of this id and type.
#[tauri::command]
#[specta::specta]
pub(crate) async fn check_configuration(
    database: State<'_, Database>,
    id: String,
    extension_type: ExtensionType,
    config: String,
) -> Result<Vec<Violation>, ErrorReport> {
    database
        .registry()?
        .check_configuration(&id, extension_type, &config)
        .await
        .map_err(report)
}

/// The names of secrets, in order.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_secret_names(
    database: State<'_, Database>,
) -> Result<Vec<SecretName>, ErrorReport> {
    database
        .registry()?
        .list_secret_names()
        .await
        .map_err(report)
}

/// Makes every key of this name a secret from now on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_secret_name(
    database: State<'_, Database>,
    name: String,
) -> Result<(), ErrorReport> {
    database
        .registry()?
        .add_secret_name(&name)
        .await
        .map_err(report)
}
