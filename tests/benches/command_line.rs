//! Measures what the command line promises: how long a plan for 1,000 extensions takes, and how long applying it, from the
//! process's start to its end. Run by `make bench`; prints one row of a table for each figure.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::unwrap_used)]

use std::fmt::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use system_tests::api_server::{database_url, registryctl};
use system_tests::database::TestDatabase;
use system_tests::folder::TestFolder;
use system_tests::servers;

/// How often each is measured.
const ROUNDS: u32 = 20;

#[tokio::main]
async fn main() {
    // Cargo itself adds arguments that begin with a dash.
    let parts: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if is_wanted("plan") {
        plan().await;
    }
    if is_wanted("list") {
        list().await;
    }
}

fn print(what: &str, mut times: Vec<Duration>, promise: &str) {
    times.sort();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "| {what} | median {:.0} ms, worst {:.0} ms | {promise} |",
        millis(median),
        millis(worst)
    );
}

/// Runs the program, and tells how long it took.
fn run(login: &PgConnectOptions, arguments: &[&str], code: i32) -> Duration {
    let mut command = Command::new(registryctl());
    command
        .args(arguments)
        .env("DATABASE_URL", database_url(login));
    let started_at = Instant::now();
    let output = command.output().expect("it runs");
    let elapsed = started_at.elapsed();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    elapsed
}

/// A file of 1,000 extensions with this timeout.
fn file(timeout_ms: u32) -> String {
    let mut file = "format: beamline-registry\nversion: 1\nextensions:\n".to_owned();
    for number in 1..=1_000 {
        writeln!(
            file,
            "  - id: e{number:04}\n    type: pre\n    subject: e.{number}\n    timeout_ms: {timeout_ms}\n    \
             config: {{number: {number}, model: m, api_key: \"env:KEY_{number}\"}}"
        )
        .expect("text");
    }
    file
}

async fn plan() {
    let database = TestDatabase::create(servers::bundled()).await;
    database.migrate().await;
    let login = database.login_of_member("registry_editor").await;
    let folder = TestFolder::new();
    let path = folder.path().join("registry.yaml");
    let path = path.to_str().expect("a plain path");
    let status: Vec<Duration> = (0..ROUNDS).map(|_| run(&login, &["status"], 0)).collect();
    print("registryctl status", status, "");

    std::fs::write(path, file(1)).expect("a file");
    let plans = (0..ROUNDS).map(|_| run(&login, &["plan", "--file", path], 2));
    print(
        "registryctl plan, 1,000 new extensions",
        plans.collect(),
        "1 s",
    );
    let created = vec![run(&login, &["apply", "--file", path, "--yes"], 0)];
    print("registryctl apply, 1,000 new extensions", created, "5 s");
    let (mut plans, mut applies) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        std::fs::write(path, file(round + 2)).expect("a file");
        plans.push(run(&login, &["plan", "--file", path], 2));
        applies.push(run(&login, &["apply", "--file", path, "--yes"], 0));
    }
    print("registryctl plan, 1,000 changed extensions", plans, "1 s");
    print(
        "registryctl apply, 1,000 changed extensions",
        applies,
        "5 s",
    );
    let none = (0..ROUNDS).map(|_| run(&login, &["plan", "--file", path], 0));
    print(
        "registryctl plan, 1,000 unchanged extensions",
        none.collect(),
        "1 s",
    );
    run(&login, &["audit", "verify"], 0);
}

async fn list() {
    let database = TestDatabase::create(servers::bundled()).await;
    database.migrate().await;
    database
        .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 'e.' || n FROM generate_series(1, 10000) AS n")
        .await;
    let login = database.login_of_member("registry_viewer").await;
    let table = (0..ROUNDS).map(|_| run(&login, &["list"], 0));
    print("registryctl list, 10,000 extensions", table.collect(), "");
    let json = (0..ROUNDS).map(|_| run(&login, &["list", "--json"], 0));
    print(
        "registryctl list --json, 10,000 extensions",
        json.collect(),
        "",
    );
}
