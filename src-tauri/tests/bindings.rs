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
