//! The commands and events that the page may use, and their TypeScript description.

use std::path::Path;

use specta_typescript::Typescript;
use tauri::Wry;
use tauri_specta::{Builder, collect_commands, collect_events};

use crate::commands::{
    access, application, audit, backups, cache, connections, database, extensions, health, moving,
    nats, replacements, schemas, transfer,
};

#[allow(clippy::too_many_lines, reason = "it is a list")]
pub(crate) fn builder() -> Builder<Wry> {
    Builder::new()
        // Requests and answers are types of their own: no type needs a shape for each direction.
        .disable_serde_phases()
        .commands(collect_commands![
            database::database_status,
            database::retry_database,
            connections::connection_profiles,
            connections::check_connection_profile,
            connections::save_connection_profile,
            connections::remove_connection_profile,
            connections::parse_connection_url,
            connections::connection_url,
            connections::test_connection,
            connections::switch_connection,
            connections::give_database_password,
            connections::migrate_database,
            connections::connection_state,
            connections::acknowledge_lost_tail,
            connections::export_connection_profiles,
            connections::import_connection_profiles,
            extensions::list_extensions,
            extensions::set_extension_enabled,
            audit::list_audit_entries,
            audit::audit_activity,
            audit::verify_audit_log,
            audit::stop_verification,
            health::list_health,
            access::permissions,
            extensions::get_extension,
            extensions::read_changed_extensions,
            extensions::traffic_effects,
            extensions::create_extension,
            extensions::update_extension,
            extensions::delete_extensions,
            extensions::set_extensions_enabled,
            extensions::stop_change,
            extensions::restore_extension,
            extensions::undo_changes,
            audit::export_audit_log,
            audit::registry_as_of,
            audit::registry_difference,
            audit::revision_at,
            audit::list_audit_actors,
            audit::audit_group,
            audit::last_verification,
            audit::stop_export,
            audit::show_in_folder,
            audit::compare_extension,
            schemas::list_configuration_schemas,
            schemas::configuration_schema_of,
            schemas::set_configuration_schema,
            schemas::delete_configuration_schema,
            schemas::check_configuration,
            schemas::list_secret_names,
            schemas::add_secret_name,
            transfer::export_registry,
            transfer::extension_document,
            transfer::plan_import,
            transfer::apply_import,
            health::health_overview,
            health::health_series,
            health::health_sparklines,
            health::fill_with_sample_traffic,
            health::remove_sample_traffic,
            nats::nats_status,
            nats::set_nats_settings,
            nats::remove_nats_settings,
            nats::test_nats_connection,
            nats::send_test_message,
            nats::stop_test_message,
            nats::test_message,
            nats::set_test_payload,
            nats::set_test_schedule,
            health::health_alarms,
            health::list_health_thresholds,
            health::set_health_threshold,
            health::health_retention,
            health::set_health_retention,
            backups::backup_overview,
            backups::safety_troubles,
            backups::list_backups,
            backups::make_backup,
            backups::verify_backup,
            replacements::restore_backup,
            replacements::upgrade_database,
            backups::stop_backup_work,
            replacements::delete_kept_database,
            backups::set_daily_backups,
            backups::choose_folder,
            backups::choose_backup,
            backups::describe_backup,
            backups::show_backup,
            moving::move_registry,
            cache::cache_stats,
            cache::reload_cache,
            cache::acknowledge_divergence,
            cache::list_consumers,
            application::application_info,
            application::set_log_level,
            application::notices_paused,
            application::pause_notices,
            application::zoom_percent,
            application::set_zoom_percent,
            application::report_unsaved,
            application::answer_quit,
            application::open_log_directory,
            application::take_link,
            application::report_table_shown,
        ])
        .events(collect_events![
            crate::database::DatabaseStatusChanged,
            crate::database::RegistryChanged,
            crate::database::ConnectionStateChanged,
            connections::ConnectionTested,
            audit::VerificationProgressed,
            crate::desktop_notices::HealthNoticeOpened,
            crate::health_watch::HealthLooked,
            audit::ExportProgressed,
            crate::menu::MenuChosen,
            crate::menu::NoticesPaused,
            crate::leaving::QuitAsked,
            extensions::BulkProgressed,
            crate::links::LinkOpened,
            crate::backups::BackupWorkProgressed,
            crate::backups::SafetyTroublesChanged,
            crate::desktop_notices::BackupNoticeOpened
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
