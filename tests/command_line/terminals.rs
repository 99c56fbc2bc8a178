//! What is shown: colour on a terminal alone, no cursor that moves, no secret; and what shells load.

use std::process::Command;

use system_tests::api_server::{database_url, registryctl};
use system_tests::folder::TestFolder;

use crate::support::{Done, Shell, bare_command, finish};

/// What begins a sequence that colours, or moves a cursor.
const ESCAPE: char = '\u{1b}';

/// Runs a line of shell on a terminal of its own, with this typed.
fn on_a_terminal(shell: &Shell, line: &str, typed: &str) -> Done {
    let mut script = Command::new("script");
    script
        .args(["--quiet", "--return", "--command", line, "/dev/null"])
        .env("DATABASE_URL", database_url(&shell.login))
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE");
    finish(script, typed)
}

fn line(arguments: &str) -> String {
    format!("{} {arguments}", registryctl().display())
}

#[tokio::test]
async fn colour_is_for_terminals_and_can_be_switched_off() {
    let shell = Shell::new().await;
    let file = shell.file(
        "registry.yaml",
        "format: beamline-registry\nversion: 1\nextensions:\n  - {id: a, type: pre, subject: a}\n",
    );
    for (arguments, code) in [
        ("list".to_owned(), 0),
        ("get pii_guard".to_owned(), 0),
        ("audit verify".to_owned(), 0),
        (format!("plan --file {file}"), 2),
    ] {
        let words: Vec<&str> = arguments.split(' ').collect();
        let piped = shell.run(&words).with(code);
        assert!(!piped.out.contains(ESCAPE), "{:?}", piped.out);
        let shown = on_a_terminal(&shell, &line(&arguments), "").with(code);
        assert!(
            shown.out.contains("\u{1b}["),
            "{arguments}: {:?}",
            shown.out
        );
        let plain =
            on_a_terminal(&shell, &format!("NO_COLOR=1 {}", line(&arguments)), "").with(code);
        assert!(
            !plain.out.contains("\u{1b}[3"),
            "{arguments}: {:?}",
            plain.out
        );
    }
    let json = on_a_terminal(&shell, &line("list --json"), "").with(0);
    assert!(!json.out.contains(ESCAPE), "{:?}", json.out);
}

#[tokio::test]
async fn what_the_database_holds_moves_no_cursor() {
    let shell = Shell::new().await;
    // As a text, as a C1 control that some terminals take for the same, and the other way of writing.
    let nasty = "a\u{1b}[2J\u{9b}2J\u{202e}\u{7f}\r\n\u{8}";
    let config = format!(
        "{{{}: {}}}",
        serde_json::Value::from(nasty),
        serde_json::Value::from(nasty)
    );
    let path = shell.file("config.json", &config);
    let create = [
        "create",
        "nasty",
        "--type",
        "pre",
        "--subject",
        "nasty",
        "--config",
        &path,
        "--metadata",
        &path,
        "--reason",
        nasty,
    ];
    shell.run(&create).with(0);
    shell
        .database
        .execute("SELECT set_config('registry.reason', E'\\u001b[2J', false); UPDATE extensions SET retry = 3 WHERE id = 'nasty'")
        .await;
    shell.database.execute("SET application_name = E'\\u009b2J'; UPDATE extensions SET retry = 4 WHERE id = 'nasty'").await;
    let file = shell.path("registry.yaml");
    shell.run(&["export", "nasty", "-o", &file]).with(0);
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace("retry: 4", "retry: 5");
    let file = shell.file(
        "registry.yaml",
        &text.replace(
            "metadata:",
            "metadata:\n      more: \"\\u001b[2J\\u009b2J\"",
        ),
    );
    for (arguments, code) in [
        ("list".to_owned(), 0),
        ("get nasty".to_owned(), 0),
        ("history nasty".to_owned(), 0),
        ("history nasty --json".to_owned(), 0),
        ("audit list".to_owned(), 0),
        ("audit export".to_owned(), 0),
        ("audit export --format csv".to_owned(), 0),
        ("get nasty --json".to_owned(), 0),
        (format!("plan --file {file}"), 2),
        (format!("plan --file {file} --json"), 2),
        ("export nasty".to_owned(), 0),
        ("get 'a\\u001b[2J'".to_owned(), 66),
    ] {
        let shown =
            on_a_terminal(&shell, &format!("NO_COLOR=1 {}", line(&arguments)), "").with(code);
        // The terminal itself makes two of a line's end.
        let bad = shown.out.chars().find(|&character| {
            character != '\n'
                && character != '\r'
                && (character.is_control() || character == '\u{202e}')
        });
        assert_eq!(bad, None, "{arguments}: {:?}", shown.out);
        assert!(
            !shown.out.replace("\r\n", "").contains('\r'),
            "{arguments}: {:?}",
            shown.out
        );
    }
    for arguments in [
        &["get", "a\u{1b}[2J"][..],
        &["plan", "--file", "a\u{1b}[2J"],
    ] {
        let missing = shell.run(arguments).with(66);
        assert!(!missing.err.contains(ESCAPE), "{:?}", missing.err);
    }
    // What is escaped is the same to a program.
    let detail = shell.run(&["get", "nasty", "--json"]).with(0).json();
    assert_eq!(detail["config"][nasty], nasty);
    // A file has what was there.
    let csv = shell.run(&["audit", "export", "--format", "csv"]).with(0);
    assert!(csv.out.contains("a\u{1b}[2J"), "a pipe is no terminal");
}

#[tokio::test]
async fn a_question_is_asked_on_a_terminal_and_yes_is_yes() {
    let shell = Shell::new().await;
    let file = shell.file(
        "registry.yaml",
        "format: beamline-registry\nversion: 1\nextensions:\n  - {id: a, type: pre, subject: a}\n",
    );
    let apply = line(&format!("apply --file {file}"));
    let refused = on_a_terminal(&shell, &apply, "n\n").with(1);
    assert!(
        refused.out.contains("Apply this plan? [y/N]"),
        "{}",
        refused.out
    );
    let unseen = on_a_terminal(&shell, &format!("{apply} --json"), "y\n").with(64);
    assert!(unseen.out.contains("--yes"), "{}", unseen.out);
    assert_eq!(shell.revision().await, 0);
    let applied = on_a_terminal(&shell, &apply, "y\n").with(0);
    assert!(
        applied.out.contains("Applied: 1 created"),
        "{}",
        applied.out
    );
}

#[tokio::test]
async fn a_secret_is_printed_by_no_command() {
    const SECRET: &str = "planted-secret";
    let shell = Shell::new().await;
    let config = format!(r#"{{"api_key": "{SECRET}", "nested": [{{"password": "{SECRET}"}}]}}"#);
    let mut shown = vec![shell.create_with("one", &config)];
    let file = shell.file(
        "registry.yaml",
        &format!("format: beamline-registry\nversion: 1\nextensions:\n  - {{id: one, type: pre, subject: one, config: {{api_key: {SECRET}-2}}}}\n"),
    );
    shown.push(shell.run(&["plan", "--file", &file]).with(2));
    shown.push(shell.run(&["plan", "--file", &file, "--json"]).with(2));
    shown.push(shell.run(&["plan", "--file", &file, "--prune"]).with(2));
    shown.push(shell.run(&["apply", "--file", &file, "--yes"]).with(0));
    // One that is not taken, and one that can't be read.
    let long = format!(
        r#"{{"api_key": "{SECRET}", "long": "{}"}}"#,
        "x".repeat(70_000)
    );
    shown.push(
        shell
            .run_with_input(&["update", "one", "--config", "-"], &long)
            .with(64),
    );
    let broken = format!(r#"{{"api_key": {SECRET}}}"#);
    shown.push(
        shell
            .run_with_input(&["update", "one", "--config", "-"], &broken)
            .with(64),
    );
    let file = shell.file(
        "broken.yaml",
        &format!("format: beamline-registry\nextensions: [{{id: {SECRET}"),
    );
    shown.push(shell.run(&["plan", "--file", &file]).with(1));
    for arguments in [
        &["list", "--text", "one"][..],
        &["list", "--json"],
        &["get", "one"],
        &["get", "one", "--json"],
        &["history", "one"],
        &["history", "one", "--json"],
        &["audit", "list"],
        &["audit", "export"],
        &["audit", "export", "--format", "csv"],
        &["export"],
        &["export", "--format", "json"],
        &["status"],
        &["status", "--json"],
    ] {
        shown.push(shell.run(arguments).with(0));
        let mut logging = shell.command(arguments);
        logging.env("BEAMLINE_REGISTRY_LOG", "trace");
        shown.push(finish(logging, "").with(0));
    }
    let password = database_url(&shell.login);
    for done in shown {
        assert!(
            !done.out.contains(SECRET) && !done.err.contains(SECRET),
            "{done:?}"
        );
        assert!(
            !done.out.contains(&password) && !done.err.contains(&password),
            "{done:?}"
        );
    }
}

#[tokio::test]
async fn shells_load_the_completions() {
    let folder = TestFolder::new();
    for name in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = finish(bare_command(&["completions", name]), "").with(0).out;
        for word in ["restore-backup", "confirm-emptied-types"] {
            assert!(script.contains(word), "{name} knows {word}");
        }
        let path = folder.path().join(name);
        std::fs::write(&path, script).unwrap();
        let Some(arguments) = (match name {
            "bash" | "zsh" => Some(&["-n"][..]),
            "fish" => Some(&["--no-execute"][..]),
            _ => None,
        }) else {
            continue;
        };
        // Where the shell is installed; bash always is.
        let Ok(output) = Command::new(name).args(arguments).arg(&path).output() else {
            assert_ne!(name, "bash");
            continue;
        };
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{name}: {output:?}"
        );
    }
    let asked = format!(
        "source {}; COMP_WORDS=(registryctl res); COMP_CWORD=1; _registryctl registryctl res registryctl; echo \"${{COMPREPLY[*]}}\"",
        folder.path().join("bash").display()
    );
    let output = Command::new("bash").args(["-c", &asked]).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "restore restore-backup\n"
    );
}
