//! Environments in which the start can't succeed: each is named, says what to do, leaves no server
//! running, and leaves the data as it was.

use std::path::PathBuf;

use registry::{Error, ErrorCode};
use system_tests::bundle::{bundled_server, installed_server};
use system_tests::folder::{SmallDisk, TestFolder};
use system_tests::reading::list_extensions;

use crate::support::{open, open_with, options, server_processes};

#[tokio::test]
async fn a_data_directory_that_cannot_be_made_is_unwritable() {
    // Below a file there can be no folder, not even for root.
    let folder = TestFolder::new();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = open(&file.join("data")).await.0.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DataDirectoryUnwritable);
    assert!(
        error.to_string().contains(file.to_str().unwrap()),
        "{error}"
    );
    assert!(error.action().contains("BEAMLINE_REGISTRY_DATA_DIR"));
}

#[tokio::test]
async fn a_full_disk_is_named_before_the_database_is_made() {
    let disk = SmallDisk::mount(20);
    let error = open(&disk.path()).await.0.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DiskFull);
    assert!(
        error.detail().unwrap().contains("128 MiB"),
        "how much it takes: {:?}",
        error.detail()
    );
    assert!(!disk.path().join("postgresql/cluster").exists());
    disk.grow(200);
    assert_eq!(
        list_extensions(&open(&disk.path()).await.0.unwrap().1)
            .await
            .unwrap()
            .len(),
        6
    );
}

#[tokio::test]
async fn a_disk_that_filled_up_is_named_and_after_freeing_some_everything_is_there() {
    let disk = SmallDisk::mount(200);
    let (server, registry) = open(&disk.path()).await.0.unwrap();
    registry
        .set_extension_enabled("pii_guard", false, &registry::ChangeContext::default())
        .await
        .unwrap();
    assert!(server.disk_space().is_reserve_held);
    drop((server, registry));
    let filler = disk.path().join("filler");
    fill(&filler);
    // Once it starts with the room that was set aside for that; then that is full as well.
    let (server, registry) = open(&disk.path()).await.0.unwrap();
    assert!(!server.disk_space().is_reserve_held && server.disk_space().is_low);
    drop((server, registry));
    fill(&disk.path().join("more"));

    let error = open(&disk.path()).await.0.unwrap_err();
    assert_eq!(
        error.code(),
        ErrorCode::DiskFull,
        "{error}: {:?}",
        error.detail()
    );
    assert!(server_processes(&disk.path()).is_empty());

    std::fs::remove_file(filler).unwrap();
    let (server, registry) = open(&disk.path()).await.0.unwrap();
    assert!(!registry.get_extension("pii_guard").await.unwrap().enabled);
    assert!(server.disk_space().is_reserve_held, "it is set aside again");
}

fn fill(path: &std::path::Path) {
    use std::io::Write;

    let mut file = std::fs::File::create(path).unwrap();
    let block = vec![0_u8; 4096];
    while file.write_all(&block).is_ok() {}
}

#[tokio::test]
async fn a_database_of_another_major_version_is_named_and_untouched() {
    let folder = TestFolder::new();
    let data = folder.path().join("postgresql/cluster/data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("PG_VERSION"), "13\n").unwrap();
    let error = open(folder.path()).await.0.unwrap_err();
    assert!(
        matches!(
            error,
            Error::ServerVersionMismatch {
                data_major: 13,
                server_major: 18,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.action().contains("PostgreSQL 13"));
    assert_eq!(std::fs::read_dir(data).unwrap().count(), 1);
}

#[tokio::test]
async fn a_named_server_of_another_major_version_is_refused() {
    let folder = TestFolder::new();
    drop(open(folder.path()).await.0.unwrap());
    let mut options = options(folder.path());
    options.server_override = Some(installed_server());
    let error = open_with(&options).await.0.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServerVersionMismatch);
}

#[tokio::test]
async fn a_socket_path_that_is_too_long_is_measured() {
    let folder = TestFolder::new();
    let long = folder.path().join("x".repeat(100));
    let error = open(&long).await.0.unwrap_err();
    assert!(
        matches!(error, Error::SocketPathTooLong { limit: 107, .. }),
        "{error}"
    );
    assert!(!long.exists(), "nothing is made in vain");
}

#[tokio::test]
async fn missing_programs_are_named_with_where_was_looked() {
    let folder = TestFolder::new();
    let mut options = options(folder.path());
    options.server_override = Some(PathBuf::from("/nonexistent/postgresql"));
    let error = open_with(&options).await.0.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServerBinariesMissing);
    assert!(error.detail().unwrap().contains("/nonexistent/postgresql"));
}

#[tokio::test]
async fn programs_that_do_not_run_are_named_with_the_reason() {
    let folder = TestFolder::new();
    let programs = folder.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    for name in ["initdb", "postgres"] {
        std::fs::write(programs.join(name), "not a program").unwrap();
    }
    let mut options = options(&folder.path().join("data"));
    options.server_override = Some(programs);
    let error = open_with(&options).await.0.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServerBinariesUnusable);
}

#[tokio::test]
async fn a_server_that_fails_to_start_shows_its_last_lines() {
    let folder = TestFolder::new();
    drop(open(folder.path()).await.0.unwrap());
    let configuration = folder
        .path()
        .join("postgresql/cluster/data/postgresql.conf");
    std::fs::write(configuration, "no_such_setting = 1\n").unwrap();
    let error = open(folder.path()).await.0.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServerStartFailed);
    assert!(
        error.detail().unwrap().contains("no_such_setting"),
        "{:?}",
        error.detail()
    );
}

#[tokio::test]
async fn a_cluster_without_checksums_is_refused_and_its_server_stopped() {
    let folder = TestFolder::new();
    let mut options = options(folder.path());
    options.server_override = Some(installed_server());
    drop(open_with(&options).await.0.unwrap());
    let data = folder.path().join("postgresql/cluster/data");
    let disabled = std::process::Command::new(installed_server().join("pg_checksums"))
        .args(["--disable", "--pgdata"])
        .arg(&data)
        .status()
        .unwrap();
    assert!(disabled.success());

    let error = open_with(&options).await.0.unwrap_err();
    assert!(
        matches!(
            error,
            Error::UnsafeServerSettings {
                setting: "data_checksums",
                ..
            }
        ),
        "{error}"
    );
    assert!(server_processes(folder.path()).is_empty());
    assert!(bundled_server().is_dir());
}
