//! The commands and events that the page may use, and their TypeScript description.

use std::path::Path;

use specta_typescript::Typescript;
use tauri::Wry;
use tauri_specta::{Builder, collect_commands, collect_events};

use crate::commands::{
    access, application, audit, cache, database, extensions, health, schemas, transfer,
};

pub(crate) fn builder() -> Builder<Wry> {
    Builder::new()
        // Requests and answers are types of their own: no type needs a shape for each direction.
        .disable_serde_phases()
        .commands(collect_commands![
            database::database_status,
            database::retry_database,
            extensions::list_extensions,
            extensions::set_extension_enabled,
            audit::list_audit_entries,
            audit::audit_activity,
            audit::verify_audit_log,
            audit::stop_verification,
            health::list_health,
            access::permissions,
            extensions::count_extensions,
            extensions::get_extension,
            extensions::traffic_effects,
            extensions::create_extension,
            extensions::update_extension,
            extensions::delete_extensions,
            extensions::set_extensions_enabled,
            extensions::restore_extension,
            extensions::undo_changes,
            audit::export_audit_log,
            audit::registry_as_of,
            audit::registry_difference,
            schemas::list_configuration_schemas,
            schemas::configuration_schema_of,
            schemas::set_configuration_schema,
            schemas::delete_configuration_schema,
            schemas::check_configuration,
            schemas::list_secret_names,
            schemas::add_secret_name,
            transfer::export_registry,
            transfer::plan_import,
            transfer::apply_import,
            health::get_health,
            health::health_overview,
            health::fill_with_sample_traffic,
            health::remove_sample_traffic,
            cache::cache_stats,
            cache::reload_cache,
            cache::acknowledge_divergence,
            cache::list_consumers,
            application::application_info,
            application::set_log_level,
            application::connection_profile,
            application::set_connection_profile,
            application::notices_paused,
            application::pause_notices,
            application::open_log_directory,
            application::report_table_shown,
        ])
        .events(collect_events![
            crate::database::DatabaseStatusChanged,
            crate::database::RegistryChanged,
            audit::VerificationProgressed,
            crate::menu::MenuChosen,
            crate::menu::NoticesPaused
        ])
}

/// Writes the TypeScript description, `ui/src/bindings.ts`, to `path`.
///
/// # Errors
/// Describes a type that has no safe TypeScript counterpart, or why the file can't be written.
pub fn export_typescript_bindings(path: &Path) -> Result<(), String> {
    builder()
        .export(Typescript::default(), path)
        .map_err(|error| error.to_string())
}
