//! What is documented is so: the examples run as they are written, and each command has one.

use std::collections::BTreeSet;
use std::process::Command;

use system_tests::api_server::{database_url, registryctl};
use system_tests::bundle::repository;
use system_tests::database::TestDatabase;
use system_tests::servers;

use crate::support::{Shell, backup_owner, bare_command, finish, maker};

/// The fenced blocks of shell in docs/command-line.md.
fn examples() -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("docs/command-line.md")).unwrap();
    text.split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_examples_run_as_they_are_written() {
    let shell = Shell::new().await;
    let owner = backup_owner(&shell.database).await;
    let empty = TestDatabase::create(servers::bundled()).await;
    let empty_owner = maker(&empty).await;
    let programs = registryctl().parent().unwrap().display().to_string();
    let path = std::env::var("PATH").unwrap();
    for example in examples() {
        let mut bash = Command::new("bash");
        bash.args(["-e", "-u", "-o", "pipefail", "-c", &example])
            .current_dir(shell.path(""))
            .env("PATH", format!("{programs}:{path}"))
            .env("DATABASE_URL", database_url(&shell.login))
            .env("OWNER_URL", database_url(&owner))
            .env("EMPTY_URL", database_url(&empty_owner));
        let done = finish(bash, "");
        assert_eq!(done.code, Some(0), "{example}{}{}", done.out, done.err);
    }
    let actions = "SELECT string_agg(action, ' ' ORDER BY revision) FROM extension_audit_log";
    assert_eq!(
        shell.database.value(actions).await,
        "created updated disabled disabled enabled enabled updated deleted updated created",
        "they did what they say"
    );
    assert_eq!(
        empty
            .value("SELECT count(*) FROM extension_audit_log")
            .await,
        "10"
    );
}

/// Each command, such as `audit list`, as the help names it.
pub(crate) fn commands() -> BTreeSet<String> {
    let words = |arguments: &[&str]| -> Vec<String> {
        let help = finish(bare_command(arguments), "").with(0).out;
        help.lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_whitespace().next())
            .filter(|word| *word != "help")
            .map(str::to_owned)
            .collect()
    };
    let mut commands = BTreeSet::new();
    for command in words(&["--help"]) {
        let below = words(&[&command, "--help"]);
        if below.is_empty() {
            commands.insert(command.clone());
        }
        commands.extend(below.iter().map(|word| format!("{command} {word}")));
    }
    assert!(commands.len() > 20, "{commands:?}");
    commands
}

#[tokio::test]
async fn each_command_has_an_example_and_each_code_a_line() {
    let mut commands = commands();
    let examples = examples().concat();
    commands.retain(|command| !examples.contains(&format!("registryctl {command}")));
    // It serves until it is told to end: docs/api.md has it.
    assert_eq!(commands, BTreeSet::from(["serve".to_owned()]));
    let text = std::fs::read_to_string(repository().join("docs/command-line.md")).unwrap();
    for code in [0, 1, 2, 64, 66, 69, 75, 77, 130] {
        assert!(text.contains(&format!("| {code} |")), "{code}");
    }
}
