//! The history of health when it is long: prints one row of a table for each figure.
//!
//! `cargo bench -p system-tests --bench health`. 1,000 extensions and `BENCH_DAYS` days of minutes (7: ten million
//! buckets of a minute, 4 GB in the temporary folder). `BENCH_SECONDS` shortens each time of recording (60).
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::env;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use registry::Registry;
use registry::health::{
    HealthRange, HealthRetention, HealthSample, HealthSeriesRequest, HealthSource,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use system_tests::database::TestDatabase;
use system_tests::health_history::long_history;
use system_tests::servers;

const EXTENSIONS: usize = 1_000;
/// How often each question is asked.
const QUESTIONS: usize = 200;
/// Routers that record at once, and what each sends at once.
const ROUTERS: usize = 4;
const BATCH: usize = 2_500;

#[tokio::main]
async fn main() {
    let database = TestDatabase::create(servers::bundled()).await;
    let registry = database.registry().await;
    fill(&database, number("BENCH_DAYS", 7)).await;
    questions(&registry).await;
    recording(&registry).await;
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

async fn fill(database: &TestDatabase, days: u64) {
    let mut connection = database.superuser().connect().await.unwrap();
    let statements = long_history(EXTENSIONS, days);
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::raw_sql("VACUUM ANALYZE extension_health_history")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let buckets = database
        .value("SELECT count(*) FROM extension_health_history_1_minute")
        .await;
    print("buckets of a minute", &buckets, "");
}

async fn questions(registry: &Registry) {
    let ranges = [
        ("15 minutes", 15, 60),
        ("an hour", 60, 60),
        ("6 hours", 360, 360),
        ("a day", 1_440, 300),
        ("7 days", 10_080, 700),
    ];
    for (name, minutes, _) in ranges {
        let mut times = Vec::new();
        for _ in 0..QUESTIONS {
            let began = Instant::now();
            let overview = registry
                .health_overview(HealthRange::last(TimeDelta::minutes(minutes)))
                .await
                .unwrap();
            times.push(began.elapsed());
            assert_eq!(overview.rows.len(), EXTENSIONS);
        }
        print_times(
            &format!("overview of {EXTENSIONS} extensions, {name}"),
            times,
            "p99 50 ms",
        );
    }
    let mut times = Vec::new();
    for _ in 0..QUESTIONS {
        let began = Instant::now();
        let day = registry
            .health_sparklines(HealthRange::last(TimeDelta::days(1)))
            .await
            .unwrap();
        times.push(began.elapsed());
        assert_eq!(day.sparklines.len(), EXTENSIONS);
    }
    print_times(
        &format!("small charts of {EXTENSIONS} extensions, a day"),
        times,
        "",
    );
    for (name, minutes, points_max) in ranges {
        let mut times = Vec::new();
        for question in 0..QUESTIONS {
            let request = HealthSeriesRequest {
                extension_ids: vec![format!("extension_{}", question * 37 % EXTENSIONS + 1)],
                range: HealthRange::last(TimeDelta::minutes(minutes)),
                points_max,
                source: HealthSource::Traffic,
            };
            let began = Instant::now();
            let series = registry.health_series(&request).await.unwrap();
            times.push(began.elapsed());
            assert!(!series[0].points.is_empty());
        }
        print_times(
            &format!("series of one extension, {name}, at most {points_max} points"),
            times,
            "p99 50 ms",
        );
    }
}

async fn recording(registry: &Registry) {
    let alone = record(registry).await;
    print(
        &format!("calls recorded in batches, {ROUTERS} routers"),
        &format!("{alone:.0} calls/s"),
        "5,000 calls/s",
    );
    let shorter = HealthRetention {
        minutes_kept_days: 1,
        hours_kept_days: 1,
        days_kept_days: None,
    };
    registry.set_health_retention(shorter).await.unwrap();
    let pruning = {
        let registry = registry.clone();
        tokio::spawn(async move { registry.prune_health().await.unwrap() })
    };
    let beside = record(registry).await;
    let is_pruning = !pruning.is_finished();
    pruning.abort();
    print(
        "the same while old history is deleted",
        &format!(
            "{beside:.0} calls/s, {:.0} % of that{}",
            beside / alone * 100.0,
            if is_pruning {
                ""
            } else {
                " (all was deleted before the end)"
            }
        ),
        "90 %",
    );
}

/// Calls a second.
async fn record(registry: &Registry) -> f64 {
    let length = Duration::from_secs(number("BENCH_SECONDS", 60));
    let began = Instant::now();
    let routers: Vec<_> = (0..ROUTERS)
        .map(|router| {
            let registry = registry.clone();
            tokio::spawn(async move {
                let mut recorded = 0;
                while began.elapsed() < length {
                    let samples: Vec<HealthSample> = (0..BATCH)
                        .map(|call| HealthSample {
                            extension_id: format!(
                                "extension_{}",
                                (call * 7 + router) % EXTENSIONS + 1
                            ),
                            ok: call % 50 != 0,
                            latency_ms: Some(5.0 + (call % 97) as f64),
                            at: Utc::now(),
                        })
                        .collect();
                    registry
                        .record_health_samples(&samples, HealthSource::Traffic, None)
                        .await
                        .unwrap();
                    recorded += samples.len();
                }
                recorded
            })
        })
        .collect();
    let mut recorded = 0;
    for router in routers {
        recorded += router.await.unwrap();
    }
    recorded as f64 / began.elapsed().as_secs_f64()
}

fn print_times(what: &str, mut times: Vec<Duration>, promise: &str) {
    times.sort();
    let [median, p99, worst] = [times.len() / 2, times.len() * 99 / 100, times.len() - 1]
        .map(|place| format!("{:.1} ms", times[place].as_secs_f64() * 1_000.0));
    print(
        what,
        &format!("median {median}, p99 {p99}, worst {worst}"),
        promise,
    );
}

fn print(what: &str, measured: &str, promise: &str) {
    println!("| {what} | {measured} | {promise} |");
}
