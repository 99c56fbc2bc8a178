//! The committed TypeScript bindings are what the commands and types of this program make.
//!
//! `make bindings` writes them anew.

use std::fs;
use std::path::Path;

#[test]
fn the_committed_bindings_are_up_to_date() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/bindings.ts");
    if std::env::var_os("UPDATE_BINDINGS").is_some() {
        beamline_registry::export_typescript_bindings(&committed).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let generated = folder.path().join("bindings.ts");
    beamline_registry::export_typescript_bindings(&generated).unwrap();
    assert!(
        fs::read_to_string(&committed).unwrap() == fs::read_to_string(&generated).unwrap(),
        "ui/src/bindings.ts has drifted from the commands: run `make bindings`"
    );
}

#[test]
fn the_window_may_call_each_command_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bindings = fs::read_to_string(folder.join("../ui/src/bindings.ts")).unwrap();
    let capability = fs::read_to_string(folder.join("capabilities/main.json")).unwrap();
    let mut called: Vec<String> = bindings
        .split("__TAURI_INVOKE")
        .skip(1)
        .filter_map(|call| call.split('"').nth(1))
        .filter(|word| !word.starts_with('@'))
        .map(|command| format!("allow-{}", command.replace('_', "-")))
        .collect();
    let mut allowed: Vec<String> = capability
        .split('"')
        .filter(|word| word.starts_with("allow-"))
        .map(ToOwned::to_owned)
        .collect();
    called.sort();
    allowed.sort();
    assert_eq!(called, allowed);
}
