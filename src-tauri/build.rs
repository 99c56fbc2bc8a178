//! Embeds the configuration, and makes a permission of each command: the window may call what
//! `capabilities/main.json` lists and nothing else.

fn main() {
    let attributes =
        tauri_build::Attributes::new().app_manifest(tauri_build::AppManifest::new().commands(&[
            "database_status",
            "retry_database",
            "list_extensions",
            "set_extension_enabled",
            "list_audit_entries",
            "audit_activity",
            "verify_audit_log",
            "stop_verification",
            "list_health",
            "permissions",
            "count_extensions",
            "get_extension",
            "traffic_effects",
            "create_extension",
            "update_extension",
            "delete_extensions",
            "set_extensions_enabled",
            "restore_extension",
            "undo_changes",
            "export_audit_log",
            "registry_as_of",
            "registry_difference",
            "list_configuration_schemas",
            "configuration_schema_of",
            "set_configuration_schema",
            "delete_configuration_schema",
            "check_configuration",
            "list_secret_names",
            "add_secret_name",
            "export_registry",
            "plan_import",
            "apply_import",
            "get_health",
            "health_overview",
            "fill_with_sample_traffic",
            "remove_sample_traffic",
            "cache_stats",
            "reload_cache",
            "acknowledge_divergence",
            "list_consumers",
            "application_info",
            "set_log_level",
            "connection_profile",
            "set_connection_profile",
            "notices_paused",
            "pause_notices",
            "open_log_directory",
            "report_table_shown",
        ]));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
