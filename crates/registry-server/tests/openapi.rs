//! `docs/openapi.json` is what the program says of itself.
#![allow(clippy::expect_used)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_committed_document_is_the_programs_own() {
    let output = Command::new(env!("CARGO_BIN_EXE_registryctl"))
        .arg("openapi")
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    let document = String::from_utf8(output.stdout).expect("text");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &document).expect("the document can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == document,
        "docs/openapi.json is out of date: run `make openapi`"
    );
}
