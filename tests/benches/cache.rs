//! The cache under load, on a real server: prints one row of a table for each figure.
//!
//! `cargo bench -p system-tests --bench cache [FILTER …]` runs the parts whose name has one of the filters:
//! `storm`, `reload`, `visible`, `crowd`. `BENCH_SECONDS` shortens each timed part (60), `BENCH_ROWS` the
//! large registry (1000000), `BENCH_SUBSCRIBERS` the crowd (30: the embedded server takes 40 connections).
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::env;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use registry::cache::{CacheOptions, RegistryCache};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use system_tests::database::TestDatabase;
use system_tests::servers;
use tokio::time::{MissedTickBehavior, interval};

#[tokio::main]
async fn main() {
    let filters: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| {
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
    };
    println!(
        "| {:<66} | {:>12} | {:>12} | {:>12} |\n|{}|{}:|{}:|{}:|",
        "what",
        "median",
        "p99",
        "worst",
        "-".repeat(68),
        "-".repeat(13),
        "-".repeat(13),
        "-".repeat(13)
    );
    if is_wanted("storm") {
        storm().await;
    }
    if is_wanted("reload") {
        reload().await;
    }
    if is_wanted("visible") {
        visible(100_000).await;
        visible(from_env("BENCH_ROWS", 1_000_000)).await;
    }
    if is_wanted("crowd") {
        crowd().await;
    }
}

/// Lookups while changes commit and everything is read over and over.
async fn storm() {
    const ROWS: usize = 100_000;
    let database = database_of(ROWS).await;
    let cache = follow(&database).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let misses = Arc::new(AtomicU64::new(0));
    let lookups = std::thread::spawn({
        let (cache, is_over, misses) = (cache.clone(), Arc::clone(&is_over), Arc::clone(&misses));
        move || {
            // By a reader and by the cache itself in turn.
            let (mut of_reader, mut of_cache) = (Durations::default(), Durations::default());
            let mut reader = cache.reader();
            let (started_at, mut number) = (Instant::now(), 0_usize);
            while !is_over.load(Ordering::Relaxed) {
                // 10 each millisecond; after a stall it catches up.
                while number / 10 <= started_at.elapsed().as_millis() as usize {
                    number += 1;
                    let id = format!("e{}", number * 7_919 % ROWS);
                    let asked_at = Instant::now();
                    let is_found = if number.is_multiple_of(2) {
                        let is_found = reader.lookup(&id).is_some();
                        of_reader.push(asked_at.elapsed());
                        is_found
                    } else {
                        let is_found = cache.lookup(&id).is_some();
                        of_cache.push(asked_at.elapsed());
                        is_found
                    };
                    misses.fetch_add(u64::from(!is_found), Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_micros(200));
            }
            (of_reader, of_cache)
        }
    });
    let changes = tokio::spawn(change(database.superuser(), 100, Arc::clone(&is_over)));
    let reloads = tokio::spawn({
        let (cache, is_over) = (cache.clone(), Arc::clone(&is_over));
        async move {
            let mut durations = Durations::default();
            while !is_over.load(Ordering::Relaxed) {
                let started_at = Instant::now();
                cache.reload().await.unwrap();
                durations.push(started_at.elapsed());
            }
            durations
        }
    });
    tokio::time::sleep(seconds()).await;
    is_over.store(true, Ordering::Relaxed);
    let change_count = changes.await.unwrap().1.len();
    let reloads = reloads.await.unwrap();
    let (of_reader, of_cache) = lookups.join().unwrap();
    let (lookup_count, reload_count) = (of_reader.0.len() + of_cache.0.len(), reloads.0.len());
    print(
        &format!(
            "{ROWS} rows: {lookup_count} lookups, {change_count} changes, {reload_count} reloads"
        ),
        &[],
    );
    of_reader.print("a reader's lookup by id meanwhile");
    of_cache.print("the cache's lookup by id meanwhile");
    reloads.print(&format!("whole reload meanwhile, {ROWS} rows"));
    let misses = misses.load(Ordering::Relaxed);
    print("false \"not found\" meanwhile", &[misses.to_string()]);
}

/// Reading everything, against what the database takes to send it.
async fn reload() {
    const COLUMNS: &str =
        "id, type, subject, timeout_ms, retry, enabled, config, metadata, revision";
    let rows = from_env("BENCH_ROWS", 1_000_000);
    let database = database_of(rows).await;
    let mut copies = Vec::new();
    for format in ["text", "binary"] {
        let mut durations = Durations::default();
        for _ in 0..5 {
            let mut connection = database.superuser().connect().await.unwrap();
            let statement =
                format!("COPY (SELECT {COLUMNS} FROM extensions) TO STDOUT (FORMAT {format})");
            let started_at = Instant::now();
            drain(&mut connection, &statement).await;
            durations.push(started_at.elapsed());
            connection.close().await.unwrap();
        }
        copies.push(durations.median());
        durations.print(&format!(
            "COPY TO STDOUT ({format}), {rows} rows, thrown away"
        ));
    }
    let memory_before = resident_bytes();
    let started_at = Instant::now();
    let cache = follow(&database).await;
    let first = started_at.elapsed();
    let memory = resident_bytes().saturating_sub(memory_before);
    print(&format!("first load, {rows} rows"), &[shown(first)]);
    let mut durations = Durations::default();
    for _ in 0..5 {
        let started_at = Instant::now();
        cache.reload().await.unwrap();
        durations.push(started_at.elapsed());
    }
    let median = durations.median();
    durations.print(&format!("whole reload, {rows} rows"));
    for (format, copy) in ["text", "binary"].iter().zip(copies) {
        let ratio =
            |duration: Duration| format!("{:.2}", duration.as_secs_f64() / copy.as_secs_f64());
        print(&format!("first load / COPY ({format})"), &[ratio(first)]);
        print(&format!("whole reload / COPY ({format})"), &[ratio(median)]);
    }
    print(
        "memory per row after the first load, bytes",
        &[(memory / rows).to_string()],
    );
}

/// From sending a change to its being in another connection's snapshot: the commit is part of it.
async fn visible(rows: usize) {
    let database = database_of(rows).await;
    let cache = follow(&database).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let seen = tokio::spawn(note_changes(cache.clone()));
    let changes = tokio::spawn(change(database.superuser(), 100, Arc::clone(&is_over)));
    // 10,000 changes with the default.
    tokio::time::sleep(seconds() * 100 / 60).await;
    is_over.store(true, Ordering::Relaxed);
    let (sending, sent) = changes.await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    seen.abort();
    let seen = SEEN.lock().unwrap().split_off(0);
    let latencies = latencies(&sent, &seen);
    assert_eq!(latencies.0.len(), sent.len(), "every change was seen");
    sending.print(&format!(
        "commit of one change, {rows} rows, {} changes at 100/s",
        sent.len()
    ));
    latencies.print(&format!(
        "from sending a change to seeing it in another snapshot, {rows} rows"
    ));
}

/// Many subscribers of a few changes: who sees them when, and what it costs the database.
async fn crowd() {
    let count = from_env("BENCH_SUBSCRIBERS", 30);
    let database = database_of(1_000).await;
    let mut caches = Vec::new();
    for _ in 0..count {
        caches.push(follow(&database).await);
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let watching: Vec<_> = caches
        .iter()
        .map(|cache| {
            let mut changes = cache.watch();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while let Some(change) = changes.next().await {
                    seen.push((change.revision, Instant::now()));
                }
                seen
            })
        })
        .collect();
    let server = postmaster(&database).await;
    let (cpu_before, own_before, started_at) =
        (cpu_of_server(server), cpu_of("self"), Instant::now());
    let changes = tokio::spawn(change(database.superuser(), 20, Arc::clone(&is_over)));
    tokio::time::sleep(seconds()).await;
    is_over.store(true, Ordering::Relaxed);
    let (_, sent) = changes.await.unwrap();
    let elapsed = started_at.elapsed();
    let share = |ticks: u64| {
        format!(
            "{:.1} %",
            ticks as f64 / 100.0 / elapsed.as_secs_f64() * 100.0
        )
    };
    let (server_share, own_share) = (
        share(cpu_of_server(server) - cpu_before),
        share(cpu_of("self") - own_before),
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(caches);
    let (mut of_each, mut all) = (Durations::default(), Durations::default());
    for task in watching {
        let latencies = latencies(&sent, &task.await.unwrap());
        assert_eq!(
            latencies.0.len(),
            sent.len(),
            "every subscriber saw every change"
        );
        of_each.push(latencies.percentile(0.99));
        all.0.extend(latencies.0);
    }
    all.print(&format!(
        "{count} subscribers, {} changes at 20/s, from sending to seeing",
        sent.len()
    ));
    of_each.print(&format!("the p99 of each of {count} subscribers"));
    print(
        "the database's share of one processor meanwhile",
        &[server_share],
    );
    print(
        "the subscribers' and this program's share meanwhile",
        &[own_share],
    );
}

static SEEN: std::sync::Mutex<Vec<(i64, Instant)>> = std::sync::Mutex::new(Vec::new());

async fn note_changes(cache: RegistryCache) {
    let mut changes = cache.watch();
    while let Some(change) = changes.next().await {
        SEEN.lock().unwrap().push((change.revision, Instant::now()));
    }
}

/// When each change was first in a snapshot, less when it was sent.
fn latencies(sent: &[(i64, Instant)], seen: &[(i64, Instant)]) -> Durations {
    let latency_of = |&(revision, sent_at): &(i64, Instant)| {
        let place = seen.partition_point(|(newest, _)| *newest < revision);
        let (_, seen_at) = seen.get(place)?;
        Some(seen_at.saturating_duration_since(sent_at))
    };
    Durations(sent.iter().filter_map(latency_of).collect())
}

/// Changes one extension after the other until it is over: how long each commit took, and which revision
/// was sent when.
async fn change(
    options: PgConnectOptions,
    each_second: u32,
    is_over: Arc<AtomicBool>,
) -> (Durations, Vec<(i64, Instant)>) {
    let mut connection = options.connect().await.unwrap();
    let mut ticks = interval(Duration::from_secs(1) / each_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut durations, mut sent) = (Durations::default(), Vec::new());
    let first: i64 = sqlx::query_scalar("SELECT revision FROM registry_head")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    while !is_over.load(Ordering::Relaxed) {
        ticks.tick().await;
        let sent_at = Instant::now();
        sqlx::query("UPDATE extensions SET retry = 1 - retry WHERE id = $1")
            .bind(format!("e{}", sent.len() * 7_919 % 1_000))
            .execute(&mut connection)
            .await
            .unwrap();
        durations.push(sent_at.elapsed());
        sent.push((first + sent.len() as i64 + 1, sent_at));
    }
    (durations, sent)
}

async fn drain(connection: &mut PgConnection, statement: &str) {
    use tokio_stream::StreamExt;
    let mut rows = connection.copy_out_raw(statement).await.unwrap();
    while rows.try_next().await.unwrap().is_some() {}
}

/// A registry of that many extensions, past the audit log: it is not what is measured.
async fn database_of(rows: usize) -> TestDatabase {
    let database = TestDatabase::create(servers::bundled()).await;
    database.migrate().await;
    let mut connection = database.superuser().connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!(
        "BEGIN;
         ALTER TABLE extensions DISABLE TRIGGER ALL;
         DELETE FROM extensions;
         INSERT INTO extensions (id, type, subject, timeout_ms, retry, config, metadata)
         SELECT 'e' || n, (ARRAY['pre', 'validator', 'post', 'provider'])[1 + n % 4],
                'beamline.ext.e' || n || '.v1', 5000, 1,
                '{{\"model\": \"gpt-4\", \"max_tokens\": 2048, \"temperature\": 0.70}}', '{{\"owner\": \"team-a\"}}'
         FROM generate_series(0, {rows} - 1) AS n;
         ALTER TABLE extensions ENABLE ALWAYS TRIGGER extensions_audit;
         ALTER TABLE extensions ENABLE ALWAYS TRIGGER extensions_stamp;
         COMMIT"
    )))
    .execute(&mut connection)
    .await
    .unwrap();
    sqlx::raw_sql("VACUUM ANALYZE extensions")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    database
}

async fn follow(database: &TestDatabase) -> RegistryCache {
    let options = CacheOptions {
        reload_interval: None,
        ..CacheOptions::default()
    };
    RegistryCache::connect(database.console(), options)
        .await
        .unwrap()
}

async fn postmaster(database: &TestDatabase) -> u32 {
    let backend = database.value("SELECT pg_backend_pid()").await;
    // The backend is gone by now; any other one has the same parent.
    drop(backend);
    let backend = database
        .value("SELECT min(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
        .await;
    stat_fields(&backend)[1].parse().unwrap()
}

/// The fields of a process's stat after its name.
fn stat_fields(process: &str) -> Vec<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let (_, fields) = stat.rsplit_once(") ").unwrap_or_default();
    fields.split(' ').map(ToOwned::to_owned).collect()
}

/// Ticks of 10 ms that a process has used, with its children that have ended.
fn cpu_of(process: &str) -> u64 {
    let fields = stat_fields(process);
    let used = fields.get(11..15).unwrap_or_default();
    used.iter()
        .map(|ticks| ticks.parse::<u64>().unwrap_or_default())
        .sum()
}

fn cpu_of_server(postmaster: u32) -> u64 {
    let postmaster = postmaster.to_string();
    let children = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let process = entry.file_name().into_string().ok()?;
            (stat_fields(&process).get(1) == Some(&postmaster)).then(|| cpu_of(&process))
        });
    cpu_of(&postmaster) + children.sum::<u64>()
}

fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4_096
}

#[derive(Default)]
struct Durations(Vec<Duration>);

impl Durations {
    fn push(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    fn percentile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted
            .get((last as f64 * share).round() as usize)
            .copied()
            .unwrap_or_default()
    }

    fn median(&self) -> Duration {
        self.percentile(0.5)
    }

    fn print(&self, what: &str) {
        let figures = [0.5, 0.99, 1.0].map(|share| shown(self.percentile(share)));
        print(what, &figures);
    }
}

fn print(what: &str, figures: &[String]) {
    let figure = |place: usize| figures.get(place).map_or("", String::as_str);
    println!(
        "| {what:<66} | {:>12} | {:>12} | {:>12} |",
        figure(0),
        figure(1),
        figure(2)
    );
}

/// With three digits or more.
fn shown(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos() as f64;
    match duration.as_nanos() {
        0..10_000 => format!("{nanoseconds:.0} ns"),
        10_000..10_000_000 => format!("{:.1} µs", nanoseconds / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} ms", nanoseconds / 1e6),
        _ => format!("{:.1} s", nanoseconds / 1e9),
    }
}

fn seconds() -> Duration {
    Duration::from_secs(from_env("BENCH_SECONDS", 60) as u64)
}

fn from_env(name: &str, otherwise: usize) -> usize {
    env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(otherwise)
}
