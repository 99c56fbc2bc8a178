//! The ordinary life of the embedded server: made, used, shared, stopped, started again.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use registry::ChangeContext;
use registry::anchors::AnchorFile;
use registry::embedded::StartStep;
use registry::verification::FaultKind;
use system_tests::bundle::installed_server;
use system_tests::database::execute;
use system_tests::folder::TestFolder;
use system_tests::reading::list_extensions;
use system_tests::servers::superuser_of;

use sqlx::{ConnectOptions, Connection};

use crate::support::{
    open, open_with, options, postmaster_pid, server_processes, until_no_server_is_left,
};

#[tokio::test]
async fn what_was_switched_is_still_switched_after_a_restart() {
    let folder = TestFolder::new();
    let (opened, steps) = open(folder.path()).await;
    let (server, registry) = opened.unwrap();
    assert_eq!(
        steps,
        [
            StartStep::FindingServer,
            StartStep::CreatingDatabase,
            StartStep::StartingServer,
            StartStep::Connecting,
            StartStep::Migrating,
        ]
    );
    assert!(!server.is_shared());
    assert_eq!(
        server.login,
        registry::os_user(),
        "the login names the person"
    );
    registry
        .set_extension_enabled("pii_guard", false, &ChangeContext::default())
        .await
        .unwrap();
    server.stop();
    assert!(
        server_processes(folder.path()).is_empty(),
        "stop waits until the server is gone"
    );

    let (opened, steps) = open(folder.path()).await;
    let (_server, registry) = opened.unwrap();
    assert!(!steps.contains(&StartStep::CreatingDatabase), "{steps:?}");
    assert!(
        !steps.contains(&StartStep::Recovering),
        "it was stopped cleanly: {steps:?}"
    );
    let guard = registry.get_extension("pii_guard").await.unwrap();
    assert!(!guard.enabled);
    assert_eq!(
        guard.last_change.unwrap().changed_by,
        Some(registry::os_user().to_owned())
    );
}

#[tokio::test]
async fn dropping_the_server_stops_it() {
    let folder = TestFolder::new();
    let (opened, _) = open(folder.path()).await;
    drop(opened.unwrap());
    until_no_server_is_left(folder.path(), Duration::from_secs(1)).await;
}

#[tokio::test]
async fn the_server_is_safe_and_private_whatever_its_files_say() {
    let folder = TestFolder::new();
    drop(open(folder.path()).await.0.unwrap());
    let data = folder.path().join("postgresql/cluster/data");
    std::fs::write(
        data.join("postgresql.auto.conf"),
        "fsync = off\nfull_page_writes = off\nlisten_addresses = '*'\nunix_socket_permissions = 0777\n",
    )
    .unwrap();

    let (server, registry) = open(folder.path()).await.0.unwrap();
    let mut connection = superuser_of(folder.path()).connect().await.unwrap();
    for (setting, expected) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("password_encryption", "scram-sha-256"),
    ] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(value, expected, "{setting}");
    }
    let methods: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert_eq!(methods, ["scram-sha-256"]);
    let is_superuser: bool = sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = $1")
        .bind(&server.login)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(!is_superuser, "the console doesn't work as superuser");
    connection.close().await.unwrap();
    registry.close().await;

    for (path, mode) in [
        ("postgresql", 0o700),
        ("postgresql/socket", 0o700),
        ("postgresql/cluster/data", 0o700),
        ("postgresql/cluster/credentials.json", 0o600),
    ] {
        let permissions = folder.path().join(path).metadata().unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{path}");
    }
    assert!(!folder.path().join("postgresql/cluster/password").exists());
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let folder = TestFolder::new();
    let (_server, _registry) = open(folder.path()).await.0.unwrap();
    let options = superuser_of(folder.path()).password("wrong");
    let error = options.connect().await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "28P01");
}

#[tokio::test]
async fn no_password_reaches_the_servers_log() {
    let folder = TestFolder::new();
    drop(open(folder.path()).await.0.unwrap());
    let credentials =
        std::fs::read_to_string(folder.path().join("postgresql/cluster/credentials.json")).unwrap();
    let credentials: serde_json::Value = serde_json::from_str(&credentials).unwrap();
    let log = std::fs::read_to_string(folder.path().join("postgresql/server.log")).unwrap();
    assert!(!log.is_empty());
    let login_passwords = credentials["logins"].as_object().unwrap().values();
    for password in login_passwords.chain([&credentials["superuser_password"]]) {
        assert!(!log.contains(password.as_str().unwrap()));
    }
}

#[tokio::test]
async fn no_secret_of_a_refused_row_reaches_the_servers_log() {
    let folder = TestFolder::new();
    let (_server, registry) = open(folder.path()).await.0.unwrap();
    for statement in [
        "INSERT INTO extensions (id, type, subject, config) VALUES ('x', 'other', 'x', '{\"api_key\": \"PLANTED\"}')",
        // Past the rules, whose errors come first and name no row: those of constraints would tell the whole row.
        "ALTER TABLE extensions DISABLE TRIGGER ALL;
         INSERT INTO extensions (id, type, subject, config) VALUES ('x', 'other', 'x', '{\"api_key\": \"PLANTED\"}')",
        "INSERT INTO extensions (id, type, subject, config) VALUES ('x', NULL, 'x', '{\"api_key\": \"PLANTED\"}')",
        "UPDATE extensions SET config = '{\"api_key\": \"PLANTED\"' WHERE id = 'pii_guard'",
        "UPDATE extensions SET subject = 'taken', config = '{\"api_key\": \"PLANTED\"}'",
    ] {
        execute(&superuser_of(folder.path()), statement)
            .await
            .unwrap_err();
    }
    drop(registry);
    let log = std::fs::read_to_string(folder.path().join("postgresql/server.log")).unwrap();
    for told in [
        "The type is one of",
        "violates check constraint",
        "has a value for type",
        "invalid input syntax",
        "duplicate key value",
    ] {
        assert!(log.contains(told), "{told} is told: {log}");
    }
    assert!(!log.contains("PLANTED"));
}

#[tokio::test]
async fn a_second_program_joins_the_running_server_and_leaves_it_running() {
    let folder = TestFolder::new();
    let (first_server, first) = open(folder.path()).await.0.unwrap();
    let (second_server, second) = open(folder.path()).await.0.unwrap();
    assert!(second_server.is_shared() && second_server.process_id().is_none());
    second
        .set_extension_enabled("pii_guard", false, &ChangeContext::default())
        .await
        .unwrap();
    drop((second_server, second));
    assert!(!first.get_extension("pii_guard").await.unwrap().enabled);
    drop(first_server);
}

#[tokio::test]
async fn two_programs_that_start_at_once_make_one_database() {
    let folder = TestFolder::new();
    let ((one, _), (other, _)) = tokio::join!(open(folder.path()), open(folder.path()));
    let ((one, _), (other, registry)) = (one.unwrap(), other.unwrap());
    assert!(
        one.is_shared() != other.is_shared(),
        "one owns the server, the other joined it"
    );
    assert_eq!(list_extensions(&registry).await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_start_takes_over_when_the_program_that_holds_the_directory_ends_meanwhile() {
    let folder = TestFolder::new();
    drop(open(folder.path()).await.0.unwrap());
    let lock = std::fs::File::open(folder.path().join("postgresql/lock")).unwrap();
    lock.lock().unwrap();
    let freed = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        drop(lock);
    });
    let (server, registry) = open(folder.path()).await.0.unwrap();
    freed.await.unwrap();
    assert!(!server.is_shared());
    assert_eq!(list_extensions(&registry).await.unwrap().len(), 6);
}

#[tokio::test]
async fn an_installed_server_serves_where_there_is_no_bundle() {
    let folder = TestFolder::new();
    let mut options = options(folder.path());
    options.bundled_server = None;
    let (server, registry) = open_with(&options).await.0.unwrap();
    assert_eq!(
        server.binaries.as_deref(),
        Some(installed_server().as_path())
    );
    assert_eq!(list_extensions(&registry).await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_database_keeps_the_server_of_its_own_version() {
    let folder = TestFolder::new();
    let mut made_by_installed = options(folder.path());
    made_by_installed.bundled_server = None;
    let (server, _) = open_with(&made_by_installed).await.0.unwrap();
    let version = server.version.clone();
    drop(server);

    let (server, _registry) = open(folder.path()).await.0.unwrap();
    assert_eq!(
        server.version, version,
        "the bundle is newer and can't read this database"
    );
}

#[tokio::test]
async fn programs_that_the_servers_account_cannot_reach_are_copied_once() {
    // Only root hands the server to another account; for others this is an ordinary start.
    let is_root = nix::unistd::Uid::effective().is_root();
    let hidden = TestFolder::new();
    let copy = hidden.path().join("private/postgresql");
    std::fs::create_dir(hidden.path().join("private")).unwrap();
    let copied = std::process::Command::new("cp")
        .arg("-R")
        .arg(system_tests::bundle::bundled_server())
        .arg(&copy)
        .status()
        .unwrap();
    assert!(copied.success());
    std::fs::set_permissions(
        hidden.path().join("private"),
        std::fs::Permissions::from_mode(0o700),
    )
    .unwrap();

    let folder = TestFolder::new();
    let mut options = options(folder.path());
    options.bundled_server = Some(copy.clone());
    let (opened, steps) = open_with(&options).await;
    let (server, registry) = opened.unwrap();
    assert_eq!(
        steps.contains(&StartStep::CopyingServer),
        is_root,
        "{steps:?}"
    );
    assert_eq!(
        server.binaries.as_ref().unwrap().starts_with(folder.path()),
        is_root
    );
    assert_eq!(list_extensions(&registry).await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_recycled_process_id_in_the_pid_file_does_not_stop_the_start() {
    let folder = TestFolder::new();
    drop(open(folder.path()).await.0.unwrap());
    // A process of the server's own account that is no server: PostgreSQL alone would refuse.
    let file = postmaster_pid(folder.path());
    let mut stranger = stranger_of_the_servers_account(folder.path());
    std::fs::write(&file, format!("{}\n", stranger.id())).unwrap();
    give_to_the_owner_of(&file, &folder.path().join("postgresql/cluster/data"));

    let (opened, _) = open(folder.path()).await;
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert_eq!(list_extensions(&opened.unwrap().1).await.unwrap().len(), 6);
}

fn stranger_of_the_servers_account(data_directory: &std::path::Path) -> std::process::Child {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::CommandExt;

    let owner = data_directory
        .join("postgresql/cluster/data")
        .metadata()
        .unwrap();
    std::process::Command::new("sleep")
        .arg("60")
        .uid(owner.uid())
        .gid(owner.gid())
        .spawn()
        .unwrap()
}

fn give_to_the_owner_of(file: &std::path::Path, folder: &std::path::Path) {
    use std::os::unix::fs::MetadataExt;

    let owner = folder.metadata().unwrap();
    std::os::unix::fs::chown(file, Some(owner.uid()), Some(owner.gid())).unwrap();
}

#[tokio::test]
async fn a_start_that_was_cut_short_while_making_the_database_begins_anew() {
    let folder = TestFolder::new();
    let unfinished = folder.path().join("postgresql/cluster.unfinished/data");
    std::fs::create_dir_all(&unfinished).unwrap();
    std::fs::write(unfinished.join("PG_VERSION"), "18\n").unwrap();
    let (_server, registry) = open(folder.path()).await.0.unwrap();
    assert_eq!(list_extensions(&registry).await.unwrap().len(), 6);
    assert!(!folder.path().join("postgresql/cluster.unfinished").exists());
}

#[tokio::test]
async fn the_end_of_the_log_is_noted_outside_the_database_and_a_cut_shows() {
    let folder = TestFolder::new();
    let (_server, registry) = open(folder.path()).await.0.unwrap();
    for enabled in [false, true, false] {
        let context = ChangeContext::default();
        registry
            .set_extension_enabled("pii_guard", enabled, &context)
            .await
            .unwrap();
    }
    let file = AnchorFile::new(folder.path().join("anchors.jsonl"));
    let revisions: Vec<_> = file
        .read()
        .unwrap()
        .into_iter()
        .map(|anchor| anchor.revision)
        .collect();
    assert_eq!(revisions, [1, 2, 3]);
    assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);

    execute(
        &superuser_of(folder.path()),
        "ALTER TABLE public.extension_audit_log DISABLE TRIGGER ALL;
         DELETE FROM public.extension_audit_log WHERE revision = 3;
         UPDATE public.registry_head SET (revision, hash) =
             (SELECT revision, hash FROM public.extension_audit_log WHERE revision = 2)",
    )
    .await
    .unwrap();
    let fault = registry.verify_audit_log().await.unwrap().fault.unwrap();
    assert_eq!((fault.kind, fault.revision), (FaultKind::EndCutOff, 3));
}
