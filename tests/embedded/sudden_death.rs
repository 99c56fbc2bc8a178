//! `kill -9` at any moment: of the program, of the server. Nothing acknowledged is lost.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use registry::embedded::StartStep;
use system_tests::bundle::bundled_server;
use system_tests::folder::TestFolder;
use system_tests::reading::{list_entries, list_extensions};

use crate::support::{open, server_processes, until_no_server_is_left};

/// A program that switches `pii_guard` until it is killed.
struct Holder {
    program: Child,
    output: std::io::Lines<BufReader<std::process::ChildStdout>>,
    server_id: u32,
    /// The number of the last switch that was seen acknowledged.
    acknowledged: Option<u32>,
}

impl Holder {
    fn start(data_directory: &Path) -> Self {
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
            acknowledged: None,
        }
    }

    /// Waits for this many acknowledged switches.
    fn acknowledge(&mut self, count: usize) {
        for _ in 0..count {
            let line = self.output.next().expect("the program goes on").unwrap();
            self.note(&line);
        }
    }

    /// Kills the program and returns the number of the last switch that it saw acknowledged.
    fn kill(mut self) -> u32 {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
        while let Some(Ok(line)) = self.output.next() {
            self.note(&line);
        }
        self.acknowledged.expect("a switch was acknowledged")
    }

    /// A line that the kill cut short is no acknowledgement.
    fn note(&mut self, line: &str) {
        let number = line
            .strip_prefix("switch ")
            .and_then(|number| number.parse().ok());
        self.acknowledged = number.or(self.acknowledged);
    }
}

fn send(process_id: u32, signal: Signal) {
    kill(Pid::from_raw(process_id.try_into().unwrap()), signal).unwrap();
}

/// The number of the newest switch in the audit log.
async fn newest_switch(registry: &registry::Registry) -> u32 {
    let entries = list_entries(registry).await.unwrap();
    entries[0].reason.as_ref().unwrap().parse().unwrap()
}

#[tokio::test]
async fn kill_9_of_the_program_ends_the_server_and_loses_nothing_acknowledged() {
    let folder = TestFolder::new();
    for _ in 0..3 {
        let mut holder = Holder::start(folder.path());
        holder.acknowledge(20);
        assert!(!server_processes(folder.path()).is_empty());
        let acknowledged = holder.kill();
        // It writes what it holds to the disk first; left alone it would stay for good.
        until_no_server_is_left(folder.path(), Duration::from_secs(20)).await;

        let (server, registry) = open(folder.path()).await.0.unwrap();
        let newest = newest_switch(&registry).await;
        // The last switch may be committed although its answer was never read.
        assert!(
            newest == acknowledged || newest == acknowledged + 1,
            "acknowledged {acknowledged}, kept {newest}"
        );
        drop(server);
    }
}

#[tokio::test]
async fn a_start_while_the_killed_programs_server_still_shuts_down_waits_for_it() {
    let folder = TestFolder::new();
    let mut holder = Holder::start(folder.path());
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
    let context = registry::ChangeContext::with_reason(Some("7".into()));
    registry
        .set_extension_enabled("pii_guard", false, &context)
        .await
        .unwrap();
    let mut ended = server.ended().unwrap();
    send(server.process_id().unwrap(), Signal::SIGKILL);
    tokio::time::timeout(Duration::from_secs(20), ended.wait_for(|ended| *ended))
        .await
        .expect("the end is noticed")
        .unwrap();
    drop((server, registry));

    let (opened, steps) = open(folder.path()).await;
    assert!(steps.contains(&StartStep::Recovering), "{steps:?}");
    assert_eq!(newest_switch(&opened.unwrap().1).await, 7);
}
