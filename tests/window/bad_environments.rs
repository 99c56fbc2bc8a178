//! Environments in which the database can't start: the window and the log say what failed and what
//! to do, and a retry works once it is put right.

use system_tests::bundle::installed_server;
use system_tests::folder::{SmallDisk, TestFolder};

use crate::application::{Account, Window};

/// Starts the application and checks that it tells of `code`, with `part` in its words.
async fn fails_with(account: &Account, code: &str, part: &str) -> Window {
    let window = account.start().await;
    window
        .see(&format!(
            "//*[@data-testid='error-code'][contains(., '{code}')]"
        ))
        .await;
    window.see("//h1").await;
    let text = window.see_text().await;
    assert!(text.contains(part), "{part:?} is in {text:?}");
    for button in ["Try again", "Copy details", "Open log folder"] {
        window
            .see(&format!("//button[contains(., '{button}')]"))
            .await;
    }
    window
        .picture(&format!("failed-{}", code.replace('_', "-")))
        .await;
    let log = account.log();
    assert!(log.contains("database failed to start"), "{log}");
    assert!(log.contains(part), "{part:?} is in the log: {log}");
    window
}

fn data_in(path: &std::path::Path) -> (&'static str, String) {
    ("BEAMLINE_REGISTRY_DATA_DIR", path.display().to_string())
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written() {
    let folder = TestFolder::new();
    let file = folder.path().join("occupied");
    std::fs::write(&file, "").unwrap();
    let account = Account::with_environment(&[data_in(&file.join("data"))]);
    let window = fails_with(&account, "data_directory_unwritable", "can't be written").await;

    std::fs::remove_file(&file).unwrap();
    window.click("//button[contains(., 'Try again')]").await;
    window.see_state("pii_guard", "On").await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_full_disk() {
    let disk = SmallDisk::mount(20);
    let account = Account::with_environment(&[data_in(&disk.path())]);
    let window = fails_with(&account, "disk_full", "is full").await;

    disk.grow(200);
    window.click("//button[contains(., 'Try again')]").await;
    window.see_state("pii_guard", "On").await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_database_of_another_major_version() {
    let account = Account::new();
    let data = account.data_directory.join("postgresql/cluster/data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("PG_VERSION"), "13\n").unwrap();
    let window = fails_with(&account, "server_version_mismatch", "PostgreSQL 13").await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_socket_path_that_is_too_long() {
    let folder = TestFolder::new();
    let account = Account::with_environment(&[data_in(&folder.path().join("long".repeat(25)))]);
    let window = fails_with(&account, "socket_path_too_long", "107 are allowed").await;
    window.close(&account).await;
}

#[tokio::test]
async fn missing_programs() {
    let folder = TestFolder::new();
    let programs = folder.path().join("postgresql");
    let variable = (
        "BEAMLINE_REGISTRY_POSTGRESQL",
        programs.display().to_string(),
    );
    let account = Account::with_environment(&[variable]);
    let window = fails_with(&account, "server_binaries_missing", "No PostgreSQL server").await;

    std::os::unix::fs::symlink(installed_server(), &programs).unwrap();
    window.click("//button[contains(., 'Try again')]").await;
    window.see_state("pii_guard", "On").await;
    window.close(&account).await;
}
