//! Where the registry is: a connection that was saved in the console, or its own database.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use registry::connection::{ConnectionKind, ConnectionProfile, ServerAddress};
use serde_json::{Value, json};
use system_tests::bundle::bundled_server;
use system_tests::cluster::{Cluster, SECRET, remote};
use system_tests::desktop::{Desktop, Keychain, ScreenSize};
use system_tests::folder::TestFolder;

use crate::support::{Done, bare_command, finish};

/// The folders of an account.
struct Account {
    folder: TestFolder,
}

impl Account {
    fn new() -> Self {
        Self {
            folder: TestFolder::new(),
        }
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// What the console has saved.
    fn save(&self, settings: &Value) {
        let folder = self.folder.path().join("config/dev.beamline.registry");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("settings.json"), settings.to_string()).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare_command(arguments);
        command
            .env("BEAMLINE_REGISTRY_DATA_DIR", self.data())
            .env("BEAMLINE_REGISTRY_POSTGRESQL", bundled_server())
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("XDG_STATE_HOME", self.folder.path().join("state"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Done {
        finish(self.command(arguments), "")
    }

    /// With the password of the profile.
    fn run_with_password(&self, arguments: &[&str]) -> Done {
        let mut command = self.command(arguments);
        command.env("DATABASE_PASSWORD", SECRET);
        finish(command, "")
    }
}

fn profile(id: &str, label: &str, port: u16) -> ConnectionProfile {
    ConnectionProfile {
        id: id.into(),
        label: label.into(),
        database: ConnectionKind::Remote(remote(&[port])),
        ..ConnectionProfile::embedded()
    }
}

fn settings(profiles: &[ConnectionProfile]) -> Value {
    let stored: Vec<Value> = profiles
        .iter()
        .map(|profile| json!({ "profile": profile, "password_place": null }))
        .collect();
    json!({ "log_level": "info", "profiles": stored })
}

#[tokio::test]
async fn a_saved_connection_is_used_by_its_name_with_a_password_from_the_environment_or_a_file() {
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let account = Account::new();
    account.save(&settings(&[
        profile("team", "The team's registry", cluster.port),
        profile("other-1", "Twice", 1),
        profile("other-2", "Twice", 1),
    ]));
    for name in ["team", "The team's registry"] {
        let status = account
            .run_with_password(&["status", "--json", "--profile", name])
            .with(0)
            .json();
        assert_eq!(status["server"], format!("127.0.0.1:{}", cluster.port));
    }
    let file = account.folder.path().join("password");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let mut by_file = account.command(&["--profile", "team", "list"]);
    by_file.env("DATABASE_PASSWORD_FILE", &file);
    finish(by_file, "").with(0);
    let mut no_file = account.command(&["--profile", "team", "list"]);
    no_file.env("DATABASE_PASSWORD_FILE", "/nowhere/password");
    finish(no_file, "").with(66);

    let refused = account
        .run(&["list", "--profile", "team", "--json"])
        .with(77)
        .error();
    assert_eq!(refused["code"], "forbidden", "no password");
    let mut wrong = account.command(&["list", "--profile", "team"]);
    wrong.env("DATABASE_PASSWORD", "planted-wrong-one");
    let wrong = finish(wrong, "").with(77);
    assert!(!wrong.err.contains("planted"), "{}", wrong.err);
    let unknown = account.run(&["list", "--profile", "nobody"]).with(66);
    assert!(
        unknown.err.contains("team (\"The team's registry\")"),
        "{}",
        unknown.err
    );
    account.run(&["list", "--profile", "Twice"]).with(64);
    let mut both = account.command(&["list", "--profile", "team"]);
    both.env("DATABASE_URL", "postgres://a@127.0.0.1:1/b");
    let both = finish(both, "").with(64);
    assert!(
        both.err
            .contains("DATABASE_URL is set and --profile is given"),
        "{}",
        both.err
    );

    // The end of the log is noted where the window notes it, and an end that was cut off is found.
    account
        .run_with_password(&["disable", "openai_gpt4", "--profile", "team"])
        .with(0);
    let anchors = account
        .folder
        .path()
        .join("state/dev.beamline.registry/anchors/team.jsonl");
    assert!(
        std::fs::read_to_string(anchors)
            .unwrap()
            .contains("\"revision\":1")
    );
    let superuser = cluster.superuser();
    let cut = "ALTER TABLE extension_audit_log DISABLE TRIGGER extension_audit_log_keep;
        DELETE FROM extension_audit_log;
        UPDATE registry_head SET revision = 0, hash = sha256(registry_id::text::bytea);
        ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_keep";
    system_tests::database::execute(&superuser, cut)
        .await
        .unwrap();
    let found = account
        .run_with_password(&["audit", "verify", "--profile", "team", "--json"])
        .with(2)
        .json();
    assert_eq!(found["fault"]["kind"], "end_cut_off");
}

#[tokio::test]
async fn a_connection_that_is_marked_as_production_asks_more() {
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let account = Account::new();
    account.save(&settings(&[ConnectionProfile {
        is_production: true,
        is_reason_required: true,
        ..profile("live", "Live", cluster.port)
    }]));
    let run = |arguments: &[&str]| {
        account.run_with_password(&[&["--profile", "live", "--json"], arguments].concat())
    };
    // Another provider stays: elsewhere nobody would be asked.
    let disable = ["disable", "openai_gpt4", "--reason", "tests"];
    assert_eq!(
        run(&disable).with(1).error()["code"],
        "confirmation_required"
    );
    assert_eq!(
        run(&["enable", "openai_gpt4"]).with(64).error()["code"],
        "reason_required"
    );
    run(&[&disable[..], &["--confirm-out-of-service"]].concat()).with(0);
    run(&["status"]).with(0);
}

#[tokio::test]
async fn without_a_keychain_a_kept_password_is_said_to_be_out_of_reach() {
    let account = Account::new();
    let team = profile("team", "Team", 1);
    account.save(&json!({ "profiles": [{ "profile": team, "password_place": "keychain" }] }));
    let failed = account.run(&["list", "--profile", "team"]).with(1);
    assert!(
        failed.err.contains("DATABASE_PASSWORD_FILE"),
        "{}",
        failed.err
    );
    let server = ServerAddress::new("127.0.0.1", 1).to_string();
    let reached = account
        .run_with_password(&["list", "--profile", "team"])
        .with(69);
    assert!(
        reached.err.contains(&server),
        "another password is used: {}",
        reached.err
    );
}

#[tokio::test]
async fn a_password_that_the_console_keeps_comes_from_the_keychain() {
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let account = Account::new();
    let team = profile("team", "Team", cluster.port);
    account.save(&json!({ "profiles": [{ "profile": team, "password_place": "keychain" }] }));
    let desktop = Desktop::start(ScreenSize::SMALL, &[]);
    let folder = TestFolder::new();
    let keychain = Keychain::start(&desktop, folder.path());
    let on_desktop = |mut command: Command| {
        command.envs(
            desktop
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        command
    };
    let list = || {
        let list = account.command(&["list", "--profile", "team"]);
        finish(on_desktop(list), "")
    };
    let locked_out = list().with(1);
    assert!(locked_out.err.contains("keychain"), "{}", locked_out.err);
    let mut keep = Command::new(env!("CARGO_BIN_EXE_keep-password"));
    keep.arg("team");
    finish(on_desktop(keep), SECRET).with(0);
    list().with(0);
    assert_eq!(
        keychain.count(&desktop, "dev.beamline.registry"),
        1,
        "who reads leaves nothing"
    );
}

/// A program that has the embedded registry open, as the window has.
struct Holder(Child);

impl Holder {
    fn start(data: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hold-registry"))
            .arg(data)
            .arg(bundled_server())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("made") {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "it lives");
        }
        // Read on, or it would wait for somebody to.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_embedded_database_is_started_for_a_command_or_joined_where_it_runs() {
    let account = Account::new();
    let run = |arguments: &[&str]| account.run(&[arguments, &["--embedded"]].concat());
    let status = run(&["status", "--json"]).with(0).json();
    assert_eq!(
        (&status["is_started"], &status["revision"]),
        (&json!(true), &json!(0))
    );
    let pid_file = account
        .data()
        .join("postgresql/cluster/data/postmaster.pid");
    assert!(!pid_file.exists(), "it ends with the command");
    run(&["disable", "openai_gpt4"]).with(0);
    let first = run(&["audit", "verify"]).with(0);
    assert!(
        first.out.contains("compared with 1 anchor"),
        "{}",
        first.out
    );
    assert_eq!(
        account
            .run(&["list", "--profile", "embedded"])
            .with(0)
            .out
            .lines()
            .count(),
        7
    );

    let holder = Holder::start(&account.data());
    let status = run(&["status", "--json"]).with(0).json();
    assert_eq!(status["is_started"], false);
    run(&["disable", "mock_provider"]).with(0);
    assert!(pid_file.exists(), "the holder's server stays");
    let path = account.folder.path().join("a.beamline-backup");
    let path = path.to_str().unwrap();
    let busy = run(&["restore-backup", path, "--yes"]).with(69);
    assert!(busy.err.contains("in use"), "{}", busy.err);
    drop(holder);

    run(&["backup", "write", path]).with(0);
    let revision = run(&["status", "--json"]).with(0).json()["revision"].clone();
    run(&["enable", "mock_provider"]).with(0);
    run(&["restore-backup", path]).with(64);
    let restored = run(&["restore-backup", path, "--yes", "--json"])
        .with(0)
        .json();
    assert_eq!(restored["revision"], revision);
    assert!(Path::new(restored["kept"].as_str().unwrap()).is_dir());
    assert_eq!(
        run(&["get", "mock_provider", "--json"]).with(0).json()["enabled"],
        false
    );
    run(&["serve"]).with(64);
    run(&["token", "create", "--owner", "anna", "--role", "viewer"]).with(0);
    assert!(run(&["token", "list"]).with(0).out.contains("anna"));
    assert_eq!(
        run(&["migrate", "--json"]).with(0).json()["applied_count"],
        0
    );
}

#[tokio::test]
async fn a_role_that_is_named_holds_for_the_embedded_database() {
    let account = Account::new();
    let as_role = |role: &str, arguments: &[&str]| {
        let mut command = account.command(arguments);
        command.env("BEAMLINE_REGISTRY_ROLE", role);
        finish(command, "")
    };
    as_role("viewer", &["list", "--embedded"]).with(0);
    as_role("viewer", &["disable", "openai_gpt4", "--embedded"]).with(77);
    as_role("nonsense", &["list", "--embedded"]).with(64);
    as_role("operator", &["disable", "openai_gpt4", "--embedded"]).with(0);
}
