//! Exit codes: each documented case, and that errors are JSON where that is asked for.

use system_tests::api_server::database_url;
use system_tests::database::execute;

use crate::support::{Shell, bare_command, command_as, finish, maker};

#[tokio::test]
async fn wrong_usage_is_64() {
    let shell = Shell::new().await;
    for arguments in [
        &["nonsense"][..],
        &[],
        &["list", "--nonsense"],
        &["list", "--type", "nonsense"],
        &["list", "--enabled", "--disabled"],
        &["list", "--profile", "a", "--embedded"],
        &["list", "--embedded"],
        &["audit", "list", "--since", "yesterday"],
        &[
            "audit",
            "list",
            "--request-id",
            "6f1c5d4e-3b7a-4c2f-9f0e-0a1b2c3d4e5f",
            "--text",
            "a",
        ],
        &["enable"],
        &["enable", "pii_guard", "--request-id", "again"],
        &["update", "pii_guard"],
        &["update", "pii_guard", "--timeout-ms", "0"],
        &["update", "pii_guard", "--retry", "a"],
        &[
            "create",
            "b",
            "--type",
            "pre",
            "--subject",
            "b",
            "--config",
            "-",
            "--metadata",
            "-",
        ],
        &["create", "no id", "--type", "pre", "--subject", "b"],
        &["delete", "pii_guard", "openai_gpt4", "--if-revision", "0"],
        &["export", "--json"],
        &["apply", "--file", "a", "--yes", "--revision", "1"],
        &["restore", "pii_guard", "--revision", "1", "--fields", "id"],
        &["completions", "tcsh"],
    ] {
        let done = shell.run(arguments).with(64);
        assert_eq!(done.out, "", "{arguments:?}");
        assert!(!done.err.is_empty(), "{arguments:?}");
    }
    let unset = finish(bare_command(&["list"]), "").with(64);
    for way in ["DATABASE_URL", "--profile", "--embedded"] {
        assert!(unset.err.contains(way), "{}", unset.err);
    }
    let mut malformed = bare_command(&["list", "--json"]);
    malformed.env(
        "DATABASE_URL",
        "postgres://anna:planted-secret@db:x/registry",
    );
    let malformed = finish(malformed, "").with(64);
    assert_eq!(malformed.error()["code"], "invalid_input");
    assert!(!malformed.err.contains("planted"), "{}", malformed.err);
    assert_eq!(shell.revision().await, 0);
}

#[tokio::test]
async fn help_tells_the_codes_and_is_0() {
    let help = finish(bare_command(&["--help"]), "").with(0);
    for code in [
        "  0  done",
        " 64  wrong usage",
        " 75  somebody changed it",
        " 77  not allowed",
    ] {
        assert!(help.out.contains(code), "{}", help.out);
    }
    finish(bare_command(&["plan", "--help"]), "").with(0);
    finish(bare_command(&["--version"]), "").with(0);
}

#[tokio::test]
async fn what_is_not_there_is_66() {
    let shell = Shell::new().await;
    for arguments in [
        &["get", "nobody"][..],
        &["update", "nobody", "--retry", "1"],
        &["delete", "nobody"],
        &["enable", "nobody"],
        &["health", "nobody"],
        &["export", "nobody", "-o", "/tmp/never-written.yaml"],
        &["plan", "--file", "/nowhere/a.yaml"],
        &["apply", "--file", "/nowhere/a.yaml", "--yes"],
        &[
            "create",
            "b",
            "--type",
            "pre",
            "--subject",
            "b",
            "--config",
            "/nowhere/a.json",
        ],
        &["backup", "verify", "/nowhere/a"],
    ] {
        let done = shell.run(&[arguments, &["--json"]].concat()).with(66);
        assert!(done.error()["detail"].is_string(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_failure_is_1() {
    let shell = Shell::new().await;
    let taken = [
        "create",
        "pii_guard",
        "--type",
        "pre",
        "--subject",
        "new",
        "--json",
    ];
    let taken = shell.run(&taken).with(1).error();
    assert_eq!(
        (&taken["code"], &taken["field"]),
        (&"id_taken".into(), &"id".into())
    );
    let subject = shell
        .database
        .value("SELECT subject FROM extensions WHERE id = 'pii_guard'")
        .await;
    let words = shell
        .run(&["create", "new", "--type", "pre", "--subject", &subject])
        .with(1);
    assert!(
        words
            .err
            .starts_with("error: Another extension has the subject"),
        "{}",
        words.err
    );
    assert!(
        words.err.ends_with("Choose another subject.\n"),
        "{}",
        words.err
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_69() {
    let shell = Shell::new().await;
    let mut closed = bare_command(&["list", "--json"]);
    closed.env(
        "DATABASE_URL",
        "postgres://anna:planted-secret@127.0.0.1:1/registry?sslmode=disable",
    );
    let closed = finish(closed, "").with(69);
    assert_eq!(closed.error()["code"], "database_unavailable");
    assert!(!closed.err.contains("planted"), "{}", closed.err);
    let name = shell.database.value("SELECT current_database()").await;
    let elsewhere = shell.database.superuser().database("postgres");
    execute(
        &elsewhere,
        &format!("ALTER DATABASE {name} CONNECTION LIMIT 0"),
    )
    .await
    .unwrap();
    shell.run(&["enable", "pii_guard"]).with(69);
    shell.run(&["backup", "write", &shell.path("a")]).with(69);
    assert_eq!(shell.files(), [""; 0]);
}

#[tokio::test]
async fn who_may_not_gets_77() {
    let shell = Shell::new().await;
    let viewer = shell.database.login_of_member("registry_viewer").await;
    let run = |arguments: &[&str]| finish(command_as(&viewer, arguments), "");
    run(&["list"]).with(0);
    let refused = run(&["disable", "openai_gpt4", "--json"]).with(77).error();
    assert_eq!(refused["code"], "forbidden");
    assert_eq!(refused["facts"]["value"], "registry_operator");
    run(&["create", "b", "--type", "pre", "--subject", "b"]).with(77);
    run(&["token", "list"]).with(77);
    let path = shell.path("a.yaml");
    run(&["export", "-o", &path]).with(0);
    run(&["plan", "--file", &path]).with(77);
}

#[tokio::test]
async fn a_database_that_is_no_registry_yet_is_said_to_be_none() {
    let database =
        system_tests::database::TestDatabase::create(system_tests::servers::bundled()).await;
    let maker = maker(&database).await;
    let run = |arguments: &[&str]| finish(command_as(&maker, arguments), "");
    let failed = run(&["list"]).with(1);
    assert!(failed.err.contains("registryctl migrate"), "{}", failed.err);
    let migrated = run(&["migrate", "--json"]).with(0).json();
    assert!(
        migrated["applied_count"].as_u64().unwrap() > 10,
        "{migrated}"
    );
    let again = run(&["migrate"]).with(0);
    assert!(
        again.out.ends_with("; 0 migrations applied.\n"),
        "{}",
        again.out
    );
    run(&["list"]).with(0);
}

#[tokio::test]
async fn who_has_read_enough_ends_it_quietly() {
    let shell = Shell::new().await;
    shell.add_extensions(3_000).await;
    for command in [
        "list",
        "list --json",
        "audit export",
        "audit list --limit 3000",
        "export",
    ] {
        let script = format!("set -o pipefail; \"$0\" {command} | head --lines 1 >/dev/null");
        let mut bash = std::process::Command::new("bash");
        bash.args(["-c", &script])
            .arg(system_tests::api_server::registryctl())
            .env("DATABASE_URL", database_url(&shell.login));
        let done = finish(bash, "").with(0);
        assert_eq!(done.err, "", "{command}");
    }
}
