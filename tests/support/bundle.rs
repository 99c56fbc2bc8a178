//! Where the programs are that the tests run: PostgreSQL servers, and what is built here.

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lie in the repository")
        .to_owned()
}

/// A program of this workspace, built with the same profile as this test.
pub(crate) fn built_program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test's path");
    let program = test
        .parent()
        .and_then(Path::parent)
        .expect("the test lies in target/PROFILE/deps")
        .join(name);
    assert!(
        program.is_file(),
        "{} is missing: run `make test`",
        program.display()
    );
    program
}

/// The PostgreSQL that is shipped with the program (`make` lays it out).
pub fn bundled_server() -> PathBuf {
    let folder = repository().join("target/postgresql");
    assert!(
        folder.join("bin/postgres").is_file(),
        "{} has no server: run the tests with `make test`",
        folder.display()
    );
    folder
}

/// The newest installed PostgreSQL of a distribution.
pub fn installed_server() -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let folder = entry.path().join("bin");
            let version = entry.file_name().to_str()?.parse().ok()?;
            folder
                .join("postgres")
                .is_file()
                .then_some((version, folder))
        })
        .collect();
    versions.sort();
    versions
        .pop()
        .map(|(_, folder)| folder)
        .expect("a PostgreSQL of the distribution is installed")
}
