//! Measures what the HTTP server promises: switches one after the other on one connection, and what it answers from memory.
//! Run by `make bench`; prints one row of a table for each figure. What asks is `wrk`, and beside each switch stands what
//! `pgbench` makes of a bare `UPDATE` on the same server: most of what a machine's disk and processors do to one they do
//! to the other.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::fs;
use std::process::Command;

use registry::access::Role;
use sqlx::postgres::PgConnectOptions;
use system_tests::api_server::{ApiServer, database_url, owner, token};
use system_tests::bundle::installed_server;
use system_tests::database::TestDatabase;
use system_tests::folder::TestFolder;
use system_tests::servers;

/// How long each figure is measured, in seconds.
const SECONDS: u32 = 8;

/// Switches the same extension on and off in turns.
const SWITCHING: &str = r#"
local count = 0
function request()
    count = count + 1
    local what = count % 2 == 0 and "enable" or "disable"
    return wrk.format("POST", "/api/v1/extensions/mock_provider/" .. what)
end
"#;

/// Prints what was measured as one line; durations in microseconds.
const REPORT: &str = r#"
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("%f %d %d %d\n", summary.requests / summary.duration * 1e6, latency:percentile(50),
        latency:percentile(99), errors.status + errors.read + errors.write + errors.connect + errors.timeout))
end
"#;

#[tokio::main]
async fn main() {
    for (server, name) in [
        (servers::bundled(), "bundled"),
        (servers::installed(), "installed"),
    ] {
        let database = TestDatabase::create(server).await;
        database.migrate().await;
        let version = database.value("SHOW server_version").await;
        assert_eq!(database.value("SHOW fsync").await, "on");
        let api = ApiServer::start_with(&database, &["--requests-per-second", "0"]).await;
        let editor = token(&database, "anna", Role::RegistryEditor).await;
        let name = format!("{name} PostgreSQL {version}");

        database
            .execute("CREATE TABLE bare (id text PRIMARY KEY, enabled boolean); INSERT INTO bare VALUES ('a', true);
                 GRANT ALL ON bare TO PUBLIC")
            .await;
        let login = owner(&database).await;
        let revision = "SELECT revision FROM registry_head";
        let before: f64 = database.value(revision).await.parse().unwrap();
        let bare_before = bare_updates(&login);
        let switches = wrk(&api, &editor, SWITCHING, 1, "/");
        let bare_after = bare_updates(&login);
        let after: f64 = database.value(revision).await.parse().unwrap();
        assert!(after - before >= switches.each_second * f64::from(SECONDS) * 0.9);
        let bare = f64::midpoint(bare_before, bare_after);
        print(
            &format!("{name}: switches one after the other on one connection, switches/s"),
            &format!("{:.0}", switches.each_second),
            "1,200",
        );
        print(
            &format!("{name}: one such switch"),
            &switches.durations(),
            "",
        );
        print(
            &format!("{name}: bare `UPDATE` of one row by pgbench, updates/s"),
            &format!("{bare:.0}"),
            "",
        );

        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 'e.' || n FROM generate_series(1, 1000) AS n")
            .await;
        let last = "/api/v1/extensions/e1000?view=summary";
        while api.caller(&editor).get(last).send().await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
        for (what, path, promise) in [
            (
                "one extension from memory",
                "/api/v1/extensions/e7?view=summary",
                "20,000/s, p99 5 ms",
            ),
            (
                "a list of 20 of 1,000 extensions from memory",
                "/api/v1/extensions?enabled=true&limit=20",
                "20,000/s, p99 5 ms",
            ),
            (
                "a list of 100 of 1,000 extensions from memory",
                "/api/v1/extensions?enabled=true",
                "20,000/s, p99 5 ms",
            ),
        ] {
            let read = wrk(&api, &editor, "", 8, path);
            print(
                &format!("{name}: {what}, 8 connections"),
                &format!("{:.0}/s, {}", read.each_second, read.durations()),
                promise,
            );
        }
    }
}

fn print(what: &str, measured: &str, promise: &str) {
    println!("| {what} | {measured} | {promise} |");
}

/// What `wrk` has measured.
struct Measured {
    each_second: f64,
    median_us: f64,
    p99_us: f64,
}

impl Measured {
    fn durations(&self) -> String {
        format!(
            "median {:.2} ms, p99 {:.2} ms",
            self.median_us / 1e3,
            self.p99_us / 1e3
        )
    }
}

fn wrk(api: &ApiServer, token: &str, script: &str, connections: u32, path: &str) -> Measured {
    let folder = TestFolder::new();
    let file = folder.path().join("requests.lua");
    fs::write(&file, format!("{script}{REPORT}")).expect("a script");
    let mut command = Command::new("wrk");
    command
        .args(["--threads", "1", "--connections", &connections.to_string()])
        .args(["--duration", &format!("{SECONDS}s"), "--script"])
        .arg(&file)
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .arg(format!("{}{path}", api.url));
    let text = output_of(command);
    let figures: Vec<f64> = text
        .lines()
        .last()
        .expect("a line")
        .split(' ')
        .map(|figure| figure.parse().expect("a figure"))
        .collect();
    let [each_second, median_us, p99_us, error_count] = figures[..] else {
        panic!("four figures: {text}");
    };
    assert!(error_count == 0.0, "every request is answered: {text}");
    Measured {
        each_second,
        median_us,
        p99_us,
    }
}

/// Updates a second of one row without triggers, each a transaction, on one connection.
fn bare_updates(login: &PgConnectOptions) -> f64 {
    let folder = TestFolder::new();
    let file = folder.path().join("bare.sql");
    fs::write(
        &file,
        "UPDATE bare SET enabled = NOT enabled WHERE id = 'a';\n",
    )
    .expect("a script");
    let mut command = Command::new(installed_server().join("pgbench"));
    command
        .args(["--no-vacuum", "--protocol=prepared", "--client=1"])
        .arg(format!("--time={}", SECONDS / 2))
        .arg("--file")
        .arg(&file)
        .arg(database_url(login));
    let text = output_of(command);
    text.lines()
        .find_map(|line| line.strip_prefix("tps = "))
        .and_then(|rest| rest.split(' ').next())
        .and_then(|figure| figure.parse().ok())
        .expect("pgbench tells its rate")
}

fn output_of(mut command: Command) -> String {
    let output = command.output().expect("the program is installed");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}
