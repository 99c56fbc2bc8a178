//! Measures what the registry promises of its writes: changes a second under many writers, a change of many
//! rows at once, and the verification of a long log. Run by `make bench`; prints one row of a table for each
//! figure. `BENCH_SECONDS` shortens each time of writing (60).
#![allow(clippy::expect_used, clippy::print_stdout, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use registry::{ChangeContext, Registry};
use sqlx::{ConnectOptions, Connection};
use system_tests::database::TestDatabase;
use system_tests::servers;

#[tokio::main]
async fn main() {
    for (server, name) in [
        (servers::bundled(), "bundled"),
        (servers::installed(), "installed"),
    ] {
        let database = TestDatabase::create(server).await;
        let registry = database.registry().await;
        let version = database.value("SHOW server_version").await;
        let server = format!("{name} PostgreSQL {version}");
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'w' || n, 'pre', 'w.' || n FROM generate_series(0, 7) AS n")
            .await;
        let what = format!("{server}: 8 writers");
        print_times(&what, ["at least 300", ""], many_writers(&registry).await);
        print_times(
            &format!("{what} beside an idle open transaction"),
            ["", "p99 500 ms"],
            beside_an_idle_transaction(&database, &registry).await,
        );
        one_statement(&server, &database).await;
        verification(&server, &database, &registry).await;
    }
}

fn print(what: &str, measured: &str, promise: &str) {
    println!("| {what} | {measured} | {promise} |");
}

/// With what the rate and each change are held to.
fn print_times(what: &str, [rate, each]: [&str; 2], mut times: Vec<Duration>) {
    times.sort();
    let changes_each_second = times.len() as f64 / writing().as_secs_f64();
    print(
        &format!("{what}, changes/s"),
        &format!("{changes_each_second:.0}"),
        rate,
    );
    let [median, p99, worst] = [times.len() / 2, times.len() * 99 / 100, times.len() - 1]
        .map(|place| millis(times[place]));
    print(
        &format!("{what}, one change"),
        &format!("median {median}, p99 {p99}, worst {worst}"),
        each,
    );
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// How long the writers write, each time.
fn writing() -> Duration {
    let seconds = std::env::var("BENCH_SECONDS");
    let seconds = seconds.ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// 8 writers on rows of their own; how long each change took.
async fn many_writers(registry: &Registry) -> Vec<Duration> {
    let before = registry.verify_audit_log().await.unwrap().revision;
    let until = Instant::now() + writing();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let registry = registry.clone();
            tokio::spawn(async move {
                let id = format!("w{writer}");
                let mut enabled = registry.get_extension(&id).await.unwrap().enabled;
                let mut times = Vec::new();
                while Instant::now() < until {
                    let started_at = Instant::now();
                    enabled = !enabled;
                    registry
                        .set_extension_enabled(&id, enabled, &ChangeContext::default())
                        .await
                        .unwrap();
                    times.push(started_at.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for writer in writers {
        times.extend(writer.await.unwrap());
    }
    let verification = registry.verify_audit_log().await.unwrap();
    assert_eq!(verification.fault, None, "no fork and no gap");
    assert_eq!(
        usize::try_from(verification.revision - before).unwrap(),
        times.len()
    );
    times
}

async fn beside_an_idle_transaction(database: &TestDatabase, registry: &Registry) -> Vec<Duration> {
    let mut idle = database.console().connect().await.unwrap();
    sqlx::raw_sql("BEGIN; UPDATE public.extensions SET retry = 9 WHERE id = 'mock_provider'")
        .execute(&mut idle)
        .await
        .unwrap();
    let times = many_writers(registry).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut idle).await.unwrap();
    idle.close().await.unwrap();
    times
}

async fn one_statement(server: &str, database: &TestDatabase) {
    database
        .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 'e.' || n FROM generate_series(1, 10000) AS n")
        .await;
    let started_at = Instant::now();
    database
        .execute("UPDATE extensions SET enabled = false WHERE id LIKE 'e%'")
        .await;
    print(
        &format!("{server}: one statement switching 10,000 rows, 10,000 entries"),
        &format!("{:.2} s", started_at.elapsed().as_secs_f64()),
        "10 s",
    );
}

async fn verification(server: &str, database: &TestDatabase, registry: &Registry) {
    loop {
        let revision: u32 = database
            .value("SELECT revision FROM registry_head")
            .await
            .parse()
            .unwrap();
        if revision >= 100_000 {
            break;
        }
        database
            .execute("UPDATE extensions SET enabled = NOT enabled WHERE id LIKE 'e%'")
            .await;
    }
    let started_at = Instant::now();
    let verification = registry.verify_audit_log().await.unwrap();
    let elapsed_s = started_at.elapsed().as_secs_f64();
    assert_eq!(verification.fault, None);
    print(
        &format!("{server}: verifying 100,000 entries"),
        &format!(
            "{:.2} s",
            elapsed_s * 100_000.0 / verification.entry_count as f64
        ),
        "",
    );
}
