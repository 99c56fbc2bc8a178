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
            "verify_audit_log",
            "list_health",
            "application_info",
            "set_log_level",
            "open_log_directory",
            "report_table_shown",
        ]));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
