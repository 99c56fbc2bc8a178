//! `kill -9` at any moment: of the program, of the server. Nothing acknowledged is lost.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use registry::embedded::StartStep;
use registry::{ChangeContext, ErrorCode};
use serde_json::json;
use system_tests::bundle::bundled_server;
use system_tests::faults;
use system_tests::folder::TestFolder;
use system_tests::history::{Asked, History, Said};
use system_tests::reading::list_extensions;
use system_tests::servers::superuser_of;

use crate::support::{open, server_processes, until_no_server_is_left};

/// A program that switches `pii_guard` until it is killed.
struct Holder {
    program: Child,
    output: std::io::Lines<BufReader<std::process::ChildStdout>>,
    server_id: u32,
    history: History,
    asked: Option<Asked>,
}

impl Holder {
    fn start(data_directory: &Path, history: &History) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_hold-registry"))
            .arg(data_directory)
            .arg(bundled_server())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(program.stdout.take().unwrap()).lines();
        let line = output
            .next()
            .expect("the program opens the registry")
            .unwrap();
        let server_id = line.strip_prefix("server ").unwrap().parse().unwrap();
        Self {
            program,
            output,
            server_id,
            history: history.clone(),
            asked: None,
        }
    }

    /// Waits for this many acknowledged switches.
    fn acknowledge(&mut self, count: usize) {
        let wanted = self.history.acknowledged_count() + count;
        while self.history.acknowledged_count() < wanted {
            let line = self.output.next().expect("the program goes on").unwrap();
            self.note(&line);
        }
    }

    /// Kills the program, and notes what it still said.
    fn kill(mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
        while let Some(Ok(line)) = self.output.next() {
            self.note(&line);
        }
    }

    /// What it asks for it says before; a line that the kill cut short says nothing.
    fn note(&mut self, line: &str) {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("ask"), Some(id), Some(enabled @ ("true" | "false"))) => {
                let fields = json!({ "enabled": enabled == "true" });
                let id = id.parse().unwrap();
                self.asked = Some(self.history.ask_as(id, "pii_guard", Some(fields)));
            }
            (Some("made"), None, None) => self.asked.take().expect("it asked").made(),
            _ => {}
        }
    }
}

fn send(process_id: u32, signal: Signal) {
    kill(Pid::from_raw(process_id.try_into().unwrap()), signal).unwrap();
}

#[tokio::test]
async fn kill_9_of_the_program_ends_the_server_and_loses_nothing_acknowledged() {
    let folder = TestFolder::new();
    let (server, registry) = open(folder.path()).await.0.unwrap();
    let before = Said::read(&superuser_of(folder.path())).await;
    drop((server, registry));
    let history = History::default();
    for round in 1..=3 {
        let mut holder = Holder::start(folder.path(), &history);
        holder.acknowledge(20);
        assert!(!server_processes(folder.path()).is_empty());
        holder.kill();
        let killed_at = Instant::now();
        // It writes what it holds to the disk first; left alone it would stay for good.
        until_no_server_is_left(folder.path(), Duration::from_secs(20)).await;

        let opened = open(folder.path()).await.0.unwrap();
        let recovered = killed_at.elapsed();
        let checked = history.check(&before, &superuser_of(folder.path())).await;
        assert!(checked.untold <= round, "what was under way, one each time");
        faults::report_checked(
            "program with the embedded database killed",
            checked,
            json!({ "deaths": round, "recovered_ms": recovered.as_millis() }),
        );
        drop(opened);
    }
}

#[tokio::test]
async fn a_start_while_the_killed_programs_server_still_shuts_down_waits_for_it() {
    let folder = TestFolder::new();
    let mut holder = Holder::start(folder.path(), &History::default());
    holder.acknowledge(5);
    let server_id = holder.server_id;
    // Held still, the server can't obey the signal that its program's death sends it.
    send(server_id, Signal::SIGSTOP);
    holder.kill();
    let resumed = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        send(server_id, Signal::SIGCONT);
    });
    let (opened, steps) = open(folder.path()).await;
    resumed.await.unwrap();
    assert!(
        steps.contains(&StartStep::WaitingForPreviousServer),
        "{steps:?}"
    );
    assert_eq!(list_extensions(&opened.unwrap().1).await.unwrap().len(), 6);
}

#[tokio::test]
async fn kill_9_of_the_server_is_noticed_and_the_next_start_recovers() {
    let folder = TestFolder::new();
    let (server, registry) = open(folder.path()).await.0.unwrap();
    let before = Said::read(&superuser_of(folder.path())).await;
    let history = History::default();
    let writer = {
        let (registry, history) = (registry.clone(), history.clone());
        tokio::spawn(async move {
            for number in 0.. {
                let enabled = number % 2 == 1;
                let asked = history.ask("pii_guard", Some(json!({ "enabled": enabled })));
                let context = ChangeContext {
                    request_id: Some(asked.request_id),
                    ..ChangeContext::default()
                };
                let switched = registry.set_extension_enabled("pii_guard", enabled, &context);
                match switched.await {
                    Ok(_) => asked.made(),
                    Err(error) => return error.code(),
                }
            }
            unreachable!("the server is killed")
        })
    };
    while history.acknowledged_count() < 20 {
        tokio::task::yield_now().await;
    }
    let mut ended = server.ended().unwrap();
    send(server.process_id().unwrap(), Signal::SIGKILL);
    let killed_at = Instant::now();
    tokio::time::timeout(Duration::from_secs(20), ended.wait_for(|ended| *ended))
        .await
        .expect("the end is noticed")
        .unwrap();
    let noticed = killed_at.elapsed();
    let code = writer.await.unwrap();
    assert!(
        matches!(
            code,
            ErrorCode::OutcomeUnknown | ErrorCode::DatabaseUnavailable
        ),
        "{code:?}"
    );
    drop((server, registry));

    let reopened_at = Instant::now();
    let (opened, steps) = open(folder.path()).await;
    assert!(steps.contains(&StartStep::Recovering), "{steps:?}");
    let recovered = reopened_at.elapsed();
    let opened = opened.unwrap();
    let checked = history.check(&before, &superuser_of(folder.path())).await;
    faults::report_checked(
        "embedded postmaster killed",
        checked,
        json!({ "noticed_ms": noticed.as_millis(), "recovered_ms": recovered.as_millis() }),
    );
    drop(opened);
}
