//! Backups: written, verified, and restored into another database.

use std::os::unix::fs::PermissionsExt;

use system_tests::database::TestDatabase;
use system_tests::servers;

use crate::support::{Shell, backup_owner, bare_command, command_as, finish, maker};

#[tokio::test]
async fn a_backup_is_written_verified_and_restored_into_an_empty_database() {
    let shell = Shell::new().await;
    shell.run(&["disable", "openai_gpt4"]).with(0);
    let owner = backup_owner(&shell.database).await;
    let run = |arguments: &[&str]| finish(command_as(&owner, arguments), "");
    let path = shell.path("a.beamline-backup");
    shell.run(&["backup", "write", &path]).with(77);
    let written = run(&["backup", "write", &path, "--json"]).with(0).json();
    assert_eq!(
        (&written["is_whole"], &written["revision"]),
        (&true.into(), &1.into())
    );
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds secrets");
    let told = run(&["backup", "write", &path]).with(0);
    assert!(told.out.contains("is whole: registry "), "{}", told.out);

    // No database is needed to look at a file.
    let alone = |arguments: &[&str]| finish(bare_command(arguments), "");
    assert_eq!(
        alone(&["backup", "verify", &path, "--json"]).with(0).json()["revision"],
        1
    );
    assert!(
        alone(&["backup", "verify", &path])
            .with(0)
            .out
            .contains("extensions")
    );
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = shell.path("damaged.beamline-backup");
    std::fs::write(&damaged, bytes).unwrap();
    let found = alone(&["backup", "verify", &damaged, "--json"])
        .with(2)
        .json();
    assert_eq!(found["is_whole"], false);
    assert!(found["problem"]["kind"].is_string(), "{found}");
    assert!(
        alone(&["backup", "verify", &damaged])
            .with(2)
            .out
            .contains("can't be used")
    );
    alone(&["backup", "verify", &shell.path("none")]).with(66);

    let target = TestDatabase::create(servers::bundled()).await;
    let superuser = maker(&target).await;
    let restore = |arguments: &[&str]| {
        finish(
            command_as(&superuser, &[&["restore-backup"], arguments].concat()),
            "",
        )
    };
    restore(&[&damaged]).with(1);
    let restored = restore(&[&path, "--json"]).with(0).json();
    assert_eq!(restored["revision"], 1);
    let state = "SELECT enabled::text FROM extensions WHERE id = 'openai_gpt4'";
    assert_eq!(target.value(state).await, "false");
    let again = restore(&[&path]).with(1);
    assert!(
        again.err.contains("can't take the registry"),
        "{}",
        again.err
    );
}

#[tokio::test]
async fn a_backup_of_a_log_with_a_fault_is_restored_only_where_that_is_asked_for() {
    let shell = Shell::new().await;
    shell.run(&["disable", "openai_gpt4"]).with(0);
    crate::audit::forge(
        &shell.database,
        "UPDATE extension_audit_log SET changed_by = 'ben'",
    )
    .await;
    let owner = backup_owner(&shell.database).await;
    let path = shell.path("a.beamline-backup");
    finish(command_as(&owner, &["backup", "write", &path]), "").with(0);
    let verified = shell
        .run(&["backup", "verify", &path, "--json"])
        .with(2)
        .json();
    assert_eq!(verified["fault"]["revision"], 1);
    let target = TestDatabase::create(servers::bundled()).await;
    let superuser = maker(&target).await;
    let restore = |arguments: &[&str]| finish(command_as(&superuser, arguments), "");
    restore(&["restore-backup", &path]).with(1);
    let told = restore(&["restore-backup", &path, "--accept-fault"]).with(0);
    assert!(told.out.starts_with("Restored registry "), "{}", told.out);
}
