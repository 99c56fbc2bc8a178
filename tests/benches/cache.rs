//! The cache under load, on a real server: prints one row of a table for each figure.
//!
//! `cargo bench -p system-tests --bench cache [FILTER …]` runs the parts whose name has one of the filters:
//! `storm`, `reload`, `visible`, `crowd`, `away`. `BENCH_SECONDS` shortens each timed part (60; the database is away
//! for five times as long), `BENCH_ROWS` the large registry (1000000), `BENCH_SUBSCRIBERS` the crowd (200).
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
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use registry::cache::{CacheOptions, CacheState, Changes, RegistryCache};
use registry::migrations;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use system_tests::bundle::bundled_server;
use system_tests::database::{TestDatabase, execute};
use system_tests::folder::TestFolder;
use system_tests::proxy::Proxy;
use system_tests::servers;
use tokio::time::{MissedTickBehavior, interval};

#[tokio::main]
async fn main() {
    if let Ok(database) = env::var(OTHER_PROCESS) {
        return tell_what_is_seen(&database).await;
    }
    let filters: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| {
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
    };
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
    if is_wanted("away") {
        away().await;
    }
}

/// Lookups while changes commit and everything is read over and over.
async fn storm() {
    const ROWS: usize = 100_000;
    let database = database_of(ROWS).await;
    let cache = follow(database.console()).await;
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
    let misses = misses.load(Ordering::Relaxed);
    print(
        &format!(
            "false \"not found\" in {lookup_count} lookups, {ROWS} rows, {change_count} changes at 100/s, {reload_count} whole reloads back to back"
        ),
        &misses.to_string(),
        "0",
    );
    of_cache.print("lookup by id meanwhile", "p99 2 µs");
    of_reader.print("a reader's lookup by id meanwhile", "p99 2 µs");
    reloads.print(&format!("whole reload meanwhile, {ROWS} rows"), "");
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
        durations.print(
            &format!("COPY TO STDOUT ({format}), {rows} rows, thrown away"),
            "",
        );
    }
    let memory_before = resident_bytes();
    let started_at = Instant::now();
    let cache = follow(database.console()).await;
    let first = started_at.elapsed();
    let memory = resident_bytes().saturating_sub(memory_before);
    print(&format!("first load, {rows} rows"), &shown(first), "");
    let mut durations = Durations::default();
    for _ in 0..5 {
        let started_at = Instant::now();
        cache.reload().await.unwrap();
        durations.push(started_at.elapsed());
    }
    let median = durations.median();
    durations.print(&format!("whole reload, {rows} rows"), "");
    for (format, copy) in ["text", "binary"].iter().zip(copies) {
        let ratio =
            |duration: Duration| format!("{:.2}", duration.as_secs_f64() / copy.as_secs_f64());
        print(
            &format!("first load / COPY ({format})"),
            &ratio(first),
            "2.5",
        );
        print(
            &format!("whole reload / COPY ({format})"),
            &ratio(median),
            "2.5",
        );
    }
    print(
        "memory per row after the first load, bytes",
        &(memory / rows).to_string(),
        "",
    );
}

/// From sending a change to its being in another process's snapshot: the commit is part of it.
async fn visible(rows: usize) {
    let database = database_of(rows).await;
    let mut other = OtherProcess::start(&database.console());
    let is_over = Arc::new(AtomicBool::new(false));
    let changes = tokio::spawn(change(database.superuser(), 100, Arc::clone(&is_over)));
    // 10,000 changes with the default.
    tokio::time::sleep(seconds() * 100 / 60).await;
    is_over.store(true, Ordering::Relaxed);
    let (sending, sent) = changes.await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let latencies = latencies(&sent, &other.end());
    assert_eq!(latencies.0.len(), sent.len(), "every change was seen");
    sending.print(
        &format!(
            "commit of one change, {rows} rows, {} changes at 100/s",
            sent.len()
        ),
        "",
    );
    latencies.print(
        &format!("from sending a change to seeing it in another process, {rows} rows"),
        "p99 20 ms",
    );
}

/// Set to a database's address in the process that follows it for the one that measures.
const OTHER_PROCESS: &str = "BENCH_OTHER_PROCESS";

/// This program once more, with a cache of its own, which tells when it is at which revision.
struct OtherProcess {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl OtherProcess {
    fn start(database: &PgConnectOptions) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .env(OTHER_PROCESS, database.to_url_lossy().as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "follows");
        Self { child, lines }
    }

    /// Which revision it was at when.
    fn end(&mut self) -> Vec<(i64, SystemTime)> {
        // It ends with its input.
        drop(self.child.stdin.take());
        let seen = self.lines.by_ref().map(|line| {
            let line = line.unwrap();
            let (revision, since_epoch_ns) = line.split_once(' ').unwrap();
            let since_epoch = Duration::from_nanos(since_epoch_ns.parse().unwrap());
            (
                revision.parse().unwrap(),
                SystemTime::UNIX_EPOCH + since_epoch,
            )
        });
        let seen = seen.collect();
        self.child.wait().unwrap();
        seen
    }
}

async fn tell_what_is_seen(database: &str) {
    let cache = follow(database.parse().unwrap()).await;
    println!("follows");
    let seen = tokio::spawn(seen_by(cache.watch()));
    let input =
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    input.await.unwrap().unwrap();
    cache.close().await;
    for (revision, at) in seen.await.unwrap() {
        let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        println!("{revision} {}", since_epoch.as_nanos());
    }
}

/// Which revision a cache was at when, until it is gone.
async fn seen_by(mut changes: Changes) -> Vec<(i64, SystemTime)> {
    let mut seen = Vec::new();
    while let Some(change) = changes.next().await {
        seen.push((change.revision, SystemTime::now()));
    }
    seen
}

/// Many subscribers of a few changes: who sees them when, and what it costs the database.
async fn crowd() {
    let count = from_env("BENCH_SUBSCRIBERS", 200);
    let server = OwnServer::start(count + 20);
    let database = server.database().await;
    let (alone, sent, _) = server
        .measure(changed_at(&database, 20, seconds() / 4))
        .await;
    print(
        &format!(
            "database's share of a processor, {} changes at 20/s, no subscriber",
            sent.len()
        ),
        &alone.of_server,
        "",
    );

    for coalesce_duration in [
        CacheOptions::default().coalesce_duration,
        Duration::from_secs(1),
    ] {
        crowd_that_waits(&server, &database, count, coalesce_duration).await;
    }
}

/// A crowd in which each waits that long for more after the first of several notifications.
async fn crowd_that_waits(
    server: &OwnServer,
    database: &PgConnectOptions,
    count: usize,
    coalesce_duration: Duration,
) {
    let crowd = format!("{count} subscribers that wait {coalesce_duration:?} for more");
    let memory_before = server.memory_bytes();
    let mut caches = Vec::new();
    for _ in 0..count {
        let options = CacheOptions {
            reload_interval: None,
            coalesce_duration,
            ..CacheOptions::default()
        };
        let database = database.clone().username("router");
        caches.push(RegistryCache::connect(database, options).await.unwrap());
    }
    // The first heartbeat is at once.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (silent, (), elapsed) = server.measure(tokio::time::sleep(seconds() / 2)).await;
    print(
        &format!(
            "database's share, {crowd}, no changes, {:.0} s of heartbeats",
            elapsed.as_secs_f64()
        ),
        &silent.of_server,
        "",
    );
    let memory = server.memory_bytes().saturating_sub(memory_before);
    print(
        "database's memory for each subscriber",
        &format!("{:.1} MB", memory as f64 / count as f64 / 1e6),
        "",
    );

    let watching: Vec<_> = caches
        .iter()
        .map(|cache| tokio::spawn(seen_by(cache.watch())))
        .collect();
    let (busy, sent, _) = server.measure(changed_at(database, 20, seconds())).await;
    tokio::time::sleep(coalesce_duration + Duration::from_secs(1)).await;
    for cache in caches {
        cache.close().await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
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
    all.print(
        &format!(
            "from sending to seeing, {crowd}, {} changes at 20/s",
            sent.len()
        ),
        "",
    );
    of_each.print(&format!("the p99 of each of {count} subscribers"), "");
    print("database's share meanwhile", &busy.of_server, "");
    print(
        "the subscribers' share meanwhile, all in this program",
        &busy.of_this_program,
        "",
    );
}

/// The database out of reach: lookups meanwhile, a start from the disk, its return, and a link that goes silent.
async fn away() {
    const ROWS: usize = 100_000;
    let database = database_of(ROWS).await;
    let folder = TestFolder::new();
    let options = CacheOptions {
        snapshot_file: Some(folder.path().join("snapshot")),
        ..CacheOptions::default()
    };
    let proxy = Proxy::before(&database.console());
    let cache = RegistryCache::connect(proxy.options(), options.clone())
        .await
        .unwrap();
    cache.close().await;
    let cache = RegistryCache::connect(proxy.options(), options.clone())
        .await
        .unwrap();

    proxy.cut();
    let (cut_at, mut lookups, mut misses, mut number) =
        (Instant::now(), Durations::default(), 0_usize, 0_usize);
    let mut furthest_age = Duration::ZERO;
    let mut reader = cache.reader();
    while cut_at.elapsed() < seconds() * 5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for _ in 0..1_000 {
            number += 1;
            let id = format!("e{}", number * 7_919 % ROWS);
            let asked_at = Instant::now();
            misses += usize::from(reader.lookup(&id).is_none());
            lookups.push(asked_at.elapsed());
        }
        let (stats, elapsed) = (cache.stats(), cut_at.elapsed());
        furthest_age = furthest_age.max(stats.age.abs_diff(elapsed));
        if elapsed > Duration::from_secs(2) {
            assert_eq!(stats.state, CacheState::Stale, "after {elapsed:?}");
        }
    }
    let away = format!("database away for {:.0} s", cut_at.elapsed().as_secs_f64());
    print(
        &format!("not found in {number} lookups, {ROWS} rows, {away}"),
        &misses.to_string(),
        "0",
    );
    lookups.print("a reader's lookup by id meanwhile", "");
    print(
        "the age that the cache told, furthest from the time since the cut",
        &shown(furthest_age),
        "",
    );

    let started_at = Instant::now();
    let from_disk = RegistryCache::connect(proxy.options(), options.clone())
        .await
        .unwrap();
    let elapsed = started_at.elapsed();
    assert!(from_disk.lookup("e1").is_some());
    print(
        &format!("start from the disk meanwhile, {ROWS} rows"),
        &shown(elapsed),
        "1 s",
    );
    proxy.restore();
    let restored_at = Instant::now();
    for (name, cache) in [
        ("the running cache", &cache),
        ("the started one", &from_disk),
    ] {
        until(|| cache.state() == CacheState::Fresh).await;
        print(
            &format!("fresh after the database's return: {name}"),
            &shown(restored_at.elapsed()),
            "2 s",
        );
    }

    proxy.silence();
    let silent_since = Instant::now();
    until(|| cache.state() == CacheState::Stale).await;
    print(
        "a link gone silent is noticed after",
        &shown(silent_since.elapsed()),
        "20 s",
    );
}

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A server that takes more connections than the embedded one, and no password.
struct OwnServer {
    process: Child,
    folder: TestFolder,
}

impl OwnServer {
    fn start(connections: usize) -> Self {
        let programs = bundled_server().join("bin");
        let folder = TestFolder::new();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        // PostgreSQL refuses root.
        let account = nix::unistd::Uid::effective()
            .is_root()
            .then(|| nix::unistd::User::from_name("postgres").unwrap().unwrap());
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(folder.path()).stdout(Stdio::null());
            if let Some(account) = &account {
                command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
            }
            command
        };
        if let Some(account) = &account {
            for path in [folder.path(), &data] {
                nix::unistd::chown(path, Some(account.uid), Some(account.gid)).unwrap();
            }
        }
        let status = command("initdb")
            .args([
                "--username",
                "registry_admin",
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
            ])
            .args(["--locale", "C", "--pgdata"])
            .arg(&data)
            .status()
            .unwrap();
        assert!(status.success(), "initdb failed");
        // Otherwise as the embedded server.
        let process = command("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "shared_buffers=64MB"])
            .args([
                "-c",
                "log_min_messages=panic",
                "-c",
                &format!("max_connections={connections}"),
            ])
            .spawn()
            .unwrap();
        Self { process, folder }
    }

    /// A registry of 1,000 extensions.
    async fn database(&self) -> PgConnectOptions {
        let database = PgConnectOptions::new_without_pgpass()
            .socket(self.folder.path())
            .username("registry_admin")
            .database("postgres");
        let mut attempts = 0;
        while database.connect().await.is_err() {
            attempts += 1;
            assert!(attempts < 300, "the server takes no connections");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        migrations::migrate(&database).await.unwrap();
        fill(&database, 1_000).await;
        execute(
            &database,
            "CREATE ROLE router LOGIN IN ROLE registry_viewer",
        )
        .await
        .unwrap();
        database
    }

    /// What share of one processor is used while something happens, and how long that takes.
    async fn measure<T>(&self, what: impl Future<Output = T>) -> (Shares, T, Duration) {
        let (server, own) = (cpu_of_server(self.process.id()), cpu_of("self"));
        let started_at = Instant::now();
        let outcome = what.await;
        let elapsed = started_at.elapsed();
        let share = |ticks: u64| format!("{:.1} %", ticks as f64 / elapsed.as_secs_f64());
        let shares = Shares {
            of_server: share(cpu_of_server(self.process.id()) - server),
            of_this_program: share(cpu_of("self") - own),
        };
        (shares, outcome, elapsed)
    }

    /// What its processes have, shared memory in parts.
    fn memory_bytes(&self) -> usize {
        let of_process = |process: String| {
            let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
            let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            pss.trim().strip_suffix(" kB")?.parse::<usize>().ok()
        };
        let kilobytes: usize = children(self.process.id()).filter_map(of_process).sum();
        kilobytes * 1_024
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let server = nix::unistd::Pid::from_raw(self.process.id() as i32);
        // A fast shutdown.
        let _ = nix::sys::signal::kill(server, nix::sys::signal::Signal::SIGINT);
        let _ = self.process.wait();
    }
}

struct Shares {
    of_server: String,
    of_this_program: String,
}

/// Changes so many extensions each second for so long.
async fn changed_at(
    database: &PgConnectOptions,
    each_second: u32,
    duration: Duration,
) -> Vec<(i64, SystemTime)> {
    let is_over = Arc::new(AtomicBool::new(false));
    let changes = tokio::spawn(change(database.clone(), each_second, Arc::clone(&is_over)));
    tokio::time::sleep(duration).await;
    is_over.store(true, Ordering::Relaxed);
    changes.await.unwrap().1
}

/// When each change was first in a snapshot, less when it was sent.
fn latencies(sent: &[(i64, SystemTime)], seen: &[(i64, SystemTime)]) -> Durations {
    let latency_of = |&(revision, sent_at): &(i64, SystemTime)| {
        let place = seen.partition_point(|(newest, _)| *newest < revision);
        let (_, seen_at) = seen.get(place)?;
        Some(seen_at.duration_since(sent_at).unwrap_or_default())
    };
    Durations(sent.iter().filter_map(latency_of).collect())
}

/// Changes one extension after the other until it is over: how long each commit took, and which revision
/// was sent when.
async fn change(
    options: PgConnectOptions,
    each_second: u32,
    is_over: Arc<AtomicBool>,
) -> (Durations, Vec<(i64, SystemTime)>) {
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
        let (asked_at, sent_at) = (Instant::now(), SystemTime::now());
        sqlx::query("UPDATE extensions SET retry = 1 - retry WHERE id = $1")
            .bind(format!("e{}", sent.len() * 7_919 % 1_000))
            .execute(&mut connection)
            .await
            .unwrap();
        durations.push(asked_at.elapsed());
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
    fill(&database.superuser(), rows).await;
    database
}

async fn fill(database: &PgConnectOptions, rows: usize) {
    let mut connection = database.connect().await.unwrap();
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
}

async fn follow(database: PgConnectOptions) -> RegistryCache {
    let options = CacheOptions {
        reload_interval: None,
        ..CacheOptions::default()
    };
    RegistryCache::connect(database, options).await.unwrap()
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
    let of_children: u64 = children(postmaster).map(|process| cpu_of(&process)).sum();
    cpu_of(&postmaster.to_string()) + of_children
}

fn children(parent: u32) -> impl Iterator<Item = String> {
    let parent = parent.to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(move |process| stat_fields(process).get(1) == Some(&parent))
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

    fn print(&self, what: &str, promise: &str) {
        let [median, p99, worst] = [0.5, 0.99, 1.0].map(|share| shown(self.percentile(share)));
        print(
            what,
            &format!("median {median}, p99 {p99}, worst {worst}"),
            promise,
        );
    }
}

fn print(what: &str, measured: &str, promise: &str) {
    println!("| {what} | {measured} | {promise} |");
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
