//! Commands that are cut short, at any moment: a plan is applied whole or not at all, a file is whole or not there.

use std::fmt::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use system_tests::faults;

use crate::support::{Done, Shell};

const COUNT: u32 = 1_000;

/// A file that gives all extensions this timeout.
fn file(timeout_ms: u32) -> String {
    let mut file = "format: beamline-registry\nversion: 1\nextensions:\n".to_owned();
    for number in 1..=COUNT {
        writeln!(
            file,
            "  - {{id: e{number:04}, type: pre, subject: e.{number}, timeout_ms: {timeout_ms}}}"
        )
        .unwrap();
    }
    file
}

/// Runs a command and sends it a signal after a while.
fn cut_short(shell: &Shell, arguments: &[&str], after: Duration, signal: Signal) -> Done {
    let mut command = shell.command(arguments);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    // It may have ended by itself.
    let _ = kill(Pid::from_raw(child.id().try_into().unwrap()), signal);
    child.wait_with_output().unwrap().into()
}

/// Waits until the database has ended what was begun.
async fn settled(shell: &Shell) {
    let others = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND usename LIKE '%registry_editor'";
    while shell.database.value(others).await != "0" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_plan_that_is_cut_short_is_applied_whole_or_not_at_all() {
    let shell = Shell::new().await;
    shell.add_extensions(COUNT).await;
    let state =
        "SELECT string_agg(DISTINCT timeout_ms::text, ',') FROM extensions WHERE id LIKE 'e____'";
    let mut now = 5_000;
    // How long one takes that is not cut short.
    let path = shell.file("registry.yaml", &file(1_000));
    let started = Instant::now();
    shell.run(&["apply", "--file", &path, "--yes"]).with(0);
    let whole = started.elapsed();
    assert_ne!(shell.database.value(state).await, now.to_string());
    now = 1_000;

    let (mut undone, mut broken_off, mut round) = (0, 0, 0);
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        for tenths in 1..=11 {
            round += 1;
            let wanted = 1_000 + round;
            let path = shell.file("registry.yaml", &file(wanted));
            let after = whole * tenths / 10;
            let done = cut_short(&shell, &["apply", "--file", &path, "--yes"], after, signal);
            settled(&shell).await;
            let found = shell.database.value(state).await;
            let is_acknowledged = done.out.contains("Applied: 0 created, 1000 changed");
            if found == now.to_string() {
                assert!(
                    !is_acknowledged,
                    "{signal} after {after:?}: it was said to be done"
                );
                undone += 1;
            } else {
                assert_eq!(
                    found,
                    wanted.to_string(),
                    "{signal} after {after:?}: all or nothing"
                );
                now = wanted;
            }
            match signal {
                Signal::SIGKILL => assert!(matches!(done.code, None | Some(0)), "{done:?}"),
                _ => assert!(matches!(done.code, Some(0 | 130)), "{done:?}"),
            }
            if done.code == Some(0) {
                assert!(is_acknowledged, "{done:?}");
            }
            broken_off += u32::from(done.code == Some(130));
        }
    }
    assert!(
        undone > 2,
        "some were cut short before their end: {undone} of {round}"
    );
    assert!(broken_off > 0, "a signal ends it in order");
    faults::report(
        "command that applies a file killed or interrupted",
        json!({ "rounds": round, "not_made": undone, "ended_in_order": broken_off, "whole_ms": whole.as_millis() }),
    );
    shell.run(&["audit", "verify"]).with(0);
}

#[tokio::test]
async fn a_file_that_is_cut_short_is_as_it_was() {
    let shell = Shell::new().await;
    shell.add_extensions(2_000).await;
    let path = shell.path("log.ndjson");
    let export = ["audit", "export", "-o", &path];
    let started = Instant::now();
    shell.run(&export).with(0);
    let whole = started.elapsed();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, "old\n").unwrap();
    let mut cut = 0;
    for tenths in 1..=9 {
        let done = cut_short(&shell, &export, whole * tenths / 10, Signal::SIGINT);
        let found = std::fs::read_to_string(&path).unwrap();
        if done.code == Some(0) {
            assert_eq!(found, text);
        } else {
            assert_eq!(
                (done.code, found.as_str()),
                (Some(130), "old\n"),
                "{done:?}"
            );
            cut += 1;
        }
        std::fs::write(&path, "old\n").unwrap();
        assert_eq!(shell.files(), ["log.ndjson"], "nothing is left beside it");
    }
    assert!(cut > 0, "some were cut short");
}
