//! What parses foreign input, tried with made-up input: one function a target. It takes any bytes and panics where a
//! promise is broken: that nothing panics, that a refusal says what is wrong and what to do, and that what is read, written
//! and read again is the same.
//!
//! `make test` runs each on the files of `corpus/` and on changes of them (`tests/corpus.rs`); `make fuzz` has libFuzzer
//! look for more, which also watches time and memory.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used
)]

mod backup;
mod document;
mod profile;
mod reply;
mod subject;

/// A target: its name, which is its folder in `corpus/`, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 6] = [
    ("document", document::text),
    ("subject", subject::text),
    ("reply", reply::bytes),
    ("backup", backup::file),
    ("backup_parts", backup::parts),
    ("profile", profile::text),
];

/// The target of this name.
pub fn target(name: &str) -> fn(&[u8]) {
    let found = TARGETS.iter().find(|(other, _)| *other == name);
    found
        .unwrap_or_else(|| panic!("no target is called {name:?}"))
        .1
}

/// Every error says what is wrong, in words that can be shown, and what to do.
fn is_told(error: &registry::Error) {
    let report = error.report();
    assert!(
        (1..10_000).contains(&report.message.len()),
        "{} bytes",
        report.message.len()
    );
    assert!(report.action.ends_with('.'), "{report:?}");
}
