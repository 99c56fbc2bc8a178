//! The cache on real servers: it follows by itself, goes on without the database, never goes back, never
//! shows half a registry, and says how old it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use registry::cache::{CacheOptions, CacheState, CachedExtension, Consumer, RegistryCache};
use registry::consumers::ConsumerReport;
use registry::extensions::ExtensionType;
use registry::{ChangeContext, ErrorCode, Registry};
use sqlx::postgres::PgConnectOptions;
use system_tests::database::{TestDatabase, execute};
use system_tests::folder::TestFolder;
use system_tests::on_each_server;
use system_tests::proxy::Proxy;
use tokio::time::sleep;

use crate::changes::draft;

/// What a cache calls itself to the server.
const APPLICATION: &str = "cache under test";

/// Without the heartbeat and periodic reload, so that what shows was told by the database.
fn told_only() -> CacheOptions {
    CacheOptions {
        heartbeat_interval: Duration::from_mins(10),
        reload_interval: None,
        consumer: None,
        ..CacheOptions::default()
    }
}

/// The defaults, ten times as fast.
fn hurried() -> CacheOptions {
    let defaults = CacheOptions::default();
    CacheOptions {
        heartbeat_interval: defaults.heartbeat_interval / 10,
        heartbeat_timeout: defaults.heartbeat_timeout / 10,
        connect_timeout: defaults.connect_timeout / 10,
        reload_interval: None,
        consumer: None,
        ..defaults
    }
}

fn saving_to(path: &Path) -> CacheOptions {
    CacheOptions {
        snapshot_file: Some(path.to_owned()),
        save_interval: Duration::from_millis(10),
        ..hurried()
    }
}

/// As what a router logs in: it may read and nothing else.
async fn router(database: &TestDatabase) -> PgConnectOptions {
    database.migrate().await;
    database
        .login_of_member("registry_viewer")
        .await
        .application_name(APPLICATION)
}

async fn follow(database: &TestDatabase, options: CacheOptions) -> RegistryCache {
    RegistryCache::connect(router(database).await, options)
        .await
        .unwrap()
}

/// Waits until it is so and returns how long that took.
async fn eventually(within: Duration, what: &str, is_so: impl Fn() -> bool) -> Duration {
    let started_at = Instant::now();
    while !is_so() {
        assert!(
            started_at.elapsed() < within,
            "not within {within:?}: {what}"
        );
        sleep(Duration::from_millis(2)).await;
    }
    started_at.elapsed()
}

/// Waits until the programs listed are these: name, revision applied, revisions behind.
async fn reported(registry: &Registry, expected: &[(&str, i64, i64)]) -> Vec<ConsumerReport> {
    let started_at = Instant::now();
    loop {
        let consumers = registry.list_consumers().await.unwrap();
        let found: Vec<_> = consumers
            .iter()
            .map(|consumer| {
                let (applied, behind) = (consumer.applied_revision, consumer.behind_revisions);
                (&*consumer.name, applied, behind)
            })
            .collect();
        if found == expected {
            return consumers;
        }
        assert!(
            started_at.elapsed() < PATIENCE,
            "{found:?} instead of {expected:?}"
        );
        sleep(Duration::from_millis(20)).await;
    }
}

/// How long anything may take on a loaded machine; what it takes is measured by the benchmark.
const PATIENCE: Duration = Duration::from_secs(10);

async fn switch(registry: &Registry, id: &str, enabled: bool) {
    registry
        .set_extension_enabled(id, enabled, &ChangeContext::default())
        .await
        .unwrap();
}

fn shown(extension: &CachedExtension) -> Vec<Option<String>> {
    [
        Some(extension.id().to_owned()),
        Some(extension.extension_type().name().to_owned()),
        Some(extension.subject().to_owned()),
        Some(extension.timeout_ms().to_string()),
        Some(extension.retry().to_string()),
        Some(extension.enabled().to_string()),
        extension.config().map(ToOwned::to_owned),
        extension.metadata().map(ToOwned::to_owned),
        Some(extension.revision().to_string()),
    ]
    .into()
}

async fn in_database(database: &TestDatabase) -> Vec<Vec<Option<String>>> {
    database
        .rows(
            "SELECT id, type, subject, timeout_ms::text, retry::text, enabled::text, config::text,
                    metadata::text, revision::text
             FROM extensions ORDER BY id COLLATE \"C\"",
        )
        .await
}

fn in_cache(cache: &RegistryCache) -> Vec<Vec<Option<String>>> {
    let mut rows: Vec<_> = cache
        .snapshot()
        .iter()
        .map(|extension| shown(extension))
        .collect();
    rows.sort();
    rows
}

/// The ids of the enabled extensions of a type.
fn enabled_ids(cache: &RegistryCache, extension_type: ExtensionType) -> Vec<String> {
    let extensions = cache.lookup_by_type(extension_type);
    extensions
        .iter()
        .map(|extension| extension.id().to_owned())
        .collect()
}

/// Ends the cache's connections as an administrator would; how many there were.
async fn kill_connections(database: &TestDatabase) -> usize {
    database
        .rows(&format!(
            "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
             WHERE application_name = '{APPLICATION}' AND datname = current_database()"
        ))
        .await
        .len()
}

async fn connection_count(database: &TestDatabase) -> usize {
    let count = format!(
        "SELECT count(*) FROM pg_stat_activity
         WHERE application_name = '{APPLICATION}' AND datname = current_database()"
    );
    database.value(&count).await.parse().unwrap()
}

const SIX: [&str; 6] = [
    "mock_provider",
    "openai_gpt4",
    "anthropic_claude",
    "normalize_text",
    "pii_guard",
    "mask_sensitive_data",
];

impl Drop for Readers {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Threads that read all the time.
struct Readers {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Each thread does `read` over and over with a value of its own.
    fn start<S: Default>(
        count: usize,
        cache: &RegistryCache,
        read: impl Fn(&RegistryCache, &mut S) + Clone + Send + 'static,
    ) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let threads = (0..count).map(|_| {
            let (is_over, cache, read) = (Arc::clone(&is_over), cache.clone(), read.clone());
            std::thread::spawn(move || {
                let mut state = S::default();
                while !is_over.load(Ordering::Relaxed) {
                    read(&cache, &mut state);
                    // The processor is for the others too.
                    std::thread::sleep(Duration::from_micros(50));
                }
            })
        });
        Self {
            threads: threads.collect(),
            is_over,
        }
    }

    /// Fails if one of them has.
    fn end(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("every read was right");
        }
    }
}

on_each_server! {
    async fn another_clients_changes_show_without_a_reload(database: TestDatabase) {
        let registry = database.registry().await;
        let cache = follow(&database, told_only()).await;
        assert_eq!(in_cache(&cache), in_database(&database).await);
        assert_eq!(cache.state(), CacheState::Fresh);
        let (mut changes, mut reader) = (cache.watch(), cache.reader());
        assert!(reader.lookup("pii_guard").unwrap().enabled());

        switch(&registry, "pii_guard", false).await;
        let change = tokio::time::timeout(PATIENCE, changes.next()).await.unwrap().unwrap();
        assert_eq!((change.revision, &*change.ids.unwrap()), (1, &["pii_guard".into()][..]));
        let guard = cache.lookup("pii_guard").unwrap();
        assert!(!guard.enabled() && guard.revision() == 1, "a switched-off extension is found, as such");
        assert!(cache.lookup_by_type(ExtensionType::Validator).is_empty(), "but not among the enabled ones");

        assert!(!reader.lookup("pii_guard").unwrap().enabled(), "a reader follows too");
        assert!(reader.lookup_by_type(ExtensionType::Validator).is_empty());
        assert!(reader.lookup_by_subject("nobody").is_none());

        registry.create_extension(&draft("a.new.one"), &ChangeContext::default()).await.unwrap();
        eventually(PATIENCE, "created", || cache.lookup("a.new.one").is_some()).await;
        assert_eq!(enabled_ids(&cache, ExtensionType::Pre), ["a.new.one", "normalize_text"]);
        assert_eq!(cache.lookup_by_subject("test.a.new.one").unwrap().id(), "a.new.one");

        database.execute("UPDATE extensions SET subject = 'elsewhere', config = '{\"rate\": 1.00}' WHERE id = 'a.new.one'").await;
        eventually(PATIENCE, "changed", || cache.lookup_by_subject("elsewhere").is_some()).await;
        assert!(cache.lookup_by_subject("test.a.new.one").is_none(), "the old subject is free");
        assert_eq!(cache.lookup("a.new.one").unwrap().config(), Some(r#"{"rate": 1.00}"#));

        database.execute("DELETE FROM extensions WHERE id = 'a.new.one'").await;
        eventually(PATIENCE, "deleted", || cache.lookup("a.new.one").is_none()).await;
        assert_eq!(in_cache(&cache), in_database(&database).await);
        let stats = cache.stats();
        assert_eq!((stats.load_count, stats.apply_count, stats.revision), (1, 4, 4));
        assert_eq!((stats.total, stats.enabled, stats.error_count), (6, 5, 0));
    }

    async fn what_older_writers_left_is_followed_too(database: TestDatabase) {
        let cache = follow(&database, told_only()).await;
        database
            .execute("ALTER TABLE extensions DISABLE TRIGGER extensions_check;
                INSERT INTO extensions (id, type, subject, config, metadata, timeout_ms)
                VALUES ('grün \"x\"', 'post', 'a b', NULL, '[1.00]', -5)")
            .await;
        eventually(PATIENCE, "inserted", || cache.lookup("grün \"x\"").is_some()).await;
        assert_eq!(in_cache(&cache), in_database(&database).await);
        cache.reload().await.unwrap();
        assert_eq!(in_cache(&cache), in_database(&database).await);
    }

    async fn hits_and_misses_are_counted(database: TestDatabase) {
        let cache = follow(&database, told_only()).await;
        for id in ["pii_guard", "mock_provider", "nobody"] {
            cache.lookup(id);
        }
        cache.lookup_by_subject("beamline.provider.mock.v1");
        cache.lookup_by_subject("nobody");
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.misses), (3, 2));
    }

    async fn many_changes_at_once_are_applied_whole_and_too_many_are_read_whole(database: TestDatabase) {
        let options = CacheOptions { changes_at_most: 500, ..told_only() };
        let cache = follow(&database, options).await;
        let insert = |first: usize, last: usize| format!(
            "INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 's.' || n FROM generate_series({first}, {last}) AS n");
        database.execute(&insert(1, 500)).await;
        eventually(PATIENCE, "500 changes", || cache.stats().total == 506).await;
        assert_eq!((cache.stats().load_count, cache.stats().apply_count), (1, 1));
        database.execute(&insert(501, 1_001)).await;
        eventually(PATIENCE, "501 changes", || cache.stats().total == 1_007).await;
        assert_eq!((cache.stats().load_count, cache.stats().apply_count), (2, 1));
        assert_eq!(in_cache(&cache), in_database(&database).await);
    }

    async fn what_following_costs_does_not_grow_with_how_much_is_written(database: TestDatabase) {
        let registry = database.registry().await;
        let cache = follow(&database, CacheOptions { coalesce_duration: Duration::from_millis(200), ..told_only() }).await;
        let started_at = Instant::now();
        for number in 1..=100 {
            registry.set_extension_enabled("pii_guard", number % 2 == 0, &ChangeContext::default()).await.unwrap();
        }
        eventually(PATIENCE, "100 changes", || cache.stats().revision == 100).await;
        let rounds_max = started_at.elapsed().as_millis() / 200 + 1;
        let apply_count = u128::from(cache.stats().apply_count);
        assert!(apply_count <= rounds_max, "{apply_count} rounds in the time of {rounds_max}");
        assert_eq!(in_cache(&cache), in_database(&database).await);
    }

    async fn a_listener_that_is_killed_100_times_misses_nothing(database: TestDatabase) {
        let registry = database.registry().await;
        let cache = follow(&database, told_only()).await;
        // No async task: a reader that runs between any two swaps.
        let mut reader = Readers::start(1, &cache, |cache, newest: &mut i64| {
            let revision = cache.snapshot().head().revision;
            assert!(*newest <= revision, "the revision went back from {newest} to {revision}");
            *newest = revision;
        });
        for round in 0..100 {
            assert!(kill_connections(&database).await > 0);
            switch(&registry, "pii_guard", round % 2 == 1).await;
            if round % 10 == 0 {
                let context = ChangeContext::default();
                registry.create_extension(&draft(&format!("x{round}")), &context).await.unwrap();
            }
            let revision = registry.anchor().await.unwrap().revision;
            eventually(PATIENCE, "the gap is closed", || cache.stats().revision == revision).await;
            assert_eq!(in_cache(&cache), in_database(&database).await);
        }
        reader.end();
        let stats = cache.stats();
        assert_eq!((stats.revision, stats.load_count, stats.divergence), (110, 1, None));
        assert!(stats.error_count >= 100, "{} losses were counted", stats.error_count);
    }

    async fn readers_see_a_whole_registry_during_1000_reloads(database: TestDatabase) {
        let cache = follow(&database, told_only()).await;
        let mut readers = Readers::start(4, &cache, |cache, reads: &mut u64| {
            *reads += 1;
            for id in SIX {
                let found = cache.lookup(id).expect("it is always there");
                assert!(cache.lookup_by_subject(found.subject()).is_some());
            }
            assert_eq!(enabled_ids(cache, ExtensionType::Provider).len(), 3);
            assert_eq!(cache.snapshot().len(), 6);
        });
        for _ in 0..1_000 {
            cache.reload().await.unwrap();
        }
        readers.end();
        let stats = cache.stats();
        assert_eq!((stats.load_count, stats.misses, stats.error_count), (1_001, 0, 0));
        assert!(stats.hits > 10_000);
    }

    async fn without_the_database_lookups_go_on_and_the_age_is_told(database: TestDatabase) {
        let registry = database.registry().await;
        let proxy = Proxy::before(&router(&database).await);
        let cache = RegistryCache::connect(proxy.options(), hurried()).await.unwrap();
        proxy.cut();
        let cut_at = Instant::now();
        eventually(PATIENCE, "stale", || cache.state() == CacheState::Stale).await;
        switch(&registry, "pii_guard", false).await;
        for _ in 0..10 {
            sleep(Duration::from_millis(100)).await;
            let (stats, elapsed) = (cache.stats(), cut_at.elapsed());
            assert_eq!((stats.state, stats.is_connected, stats.revision), (CacheState::Stale, false, 0));
            assert!(stats.age >= elapsed.checked_sub(Duration::from_millis(20)).unwrap(), "{:?} old after {elapsed:?}", stats.age);
            assert!(stats.age <= elapsed + hurried().heartbeat_interval * 2, "{:?} old after {elapsed:?}", stats.age);
            assert!(cache.lookup("pii_guard").unwrap().enabled(), "as it was last known");
        }
        let error = cache.reload().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
        assert!(cache.stats().error_count > 0);

        proxy.restore();
        eventually(PATIENCE, "fresh", || cache.state() == CacheState::Fresh).await;
        assert_eq!(in_cache(&cache), in_database(&database).await);
        assert!(cache.stats().age < PATIENCE);
        assert_eq!(cache.stats().load_count, 1, "what was missed is applied, not everything read again");
    }

    async fn a_silent_link_is_noticed(database: TestDatabase) {
        let registry = database.registry().await;
        let proxy = Proxy::before(&router(&database).await);
        let options = hurried();
        let noticed_within = options.heartbeat_interval + options.heartbeat_timeout;
        let cache = RegistryCache::connect(proxy.options(), options).await.unwrap();
        proxy.silence();
        switch(&registry, "pii_guard", false).await;
        // Of the defaults, ten times as long, the unit test says that they are below 20 s.
        eventually(noticed_within + Duration::from_millis(500), "noticed", || !cache.stats().is_connected).await;
        assert_eq!(cache.state(), CacheState::Stale);
        proxy.restore();
        eventually(PATIENCE, "fresh", || cache.state() == CacheState::Fresh).await;
        assert!(!cache.lookup("pii_guard").unwrap().enabled());
    }

    async fn it_starts_from_the_disk_while_the_database_is_away(database: TestDatabase) {
        let registry = database.registry().await;
        let folder = TestFolder::new();
        let path = folder.path().join("snapshot");
        let proxy = Proxy::before(&router(&database).await);
        let cache = RegistryCache::connect(proxy.options(), saving_to(&path)).await.unwrap();
        switch(&registry, "pii_guard", false).await;
        eventually(PATIENCE, "applied", || cache.stats().revision == 1).await;
        let before = in_cache(&cache);
        cache.close().await;
        let closed_at = Instant::now();

        proxy.cut();
        switch(&registry, "mock_provider", false).await;
        sleep(Duration::from_millis(700)).await;
        let started_at = Instant::now();
        let cache = RegistryCache::connect(proxy.options(), saving_to(&path)).await.unwrap();
        assert!(started_at.elapsed() < Duration::from_secs(1));
        assert_eq!(in_cache(&cache), before);
        let stats = cache.stats();
        assert_eq!((stats.state, stats.revision, stats.load_count), (CacheState::Stale, 1, 0));
        assert!(stats.age >= closed_at.elapsed().checked_sub(Duration::from_millis(50)).unwrap(), "age {:?}", stats.age);
        assert!(stats.age <= closed_at.elapsed() + hurried().heartbeat_interval * 2, "age {:?}", stats.age);

        proxy.restore();
        eventually(PATIENCE, "fresh", || cache.state() == CacheState::Fresh).await;
        assert_eq!(in_cache(&cache), in_database(&database).await);
    }

    async fn a_damaged_file_is_passed_over(database: TestDatabase) {
        let folder = TestFolder::new();
        let path = folder.path().join("snapshot");
        let proxy = Proxy::before(&router(&database).await);
        RegistryCache::connect(proxy.options(), saving_to(&path)).await.unwrap().close().await;
        let mut bytes = std::fs::read(&path).unwrap();
        let place = bytes.windows(9).position(|window| window == b"pii_guard").unwrap();
        bytes[place] = b'q';
        std::fs::write(&path, bytes).unwrap();

        proxy.cut();
        let error = RegistryCache::connect(proxy.options(), saving_to(&path)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DatabaseUnavailable, "better no answer than a wrong one");
        proxy.restore();
        let cache = RegistryCache::connect(proxy.options(), saving_to(&path)).await.unwrap();
        assert_eq!(in_cache(&cache), in_database(&database).await);
    }

    async fn a_crash_leaves_a_usable_file(database: TestDatabase) {
        let registry = database.registry().await;
        let folder = TestFolder::new();
        let path: PathBuf = folder.path().join("snapshot");
        let options = CacheOptions { heartbeat_interval: Duration::from_millis(20), ..saving_to(&path) };
        let cache = follow(&database, options).await;
        switch(&registry, "pii_guard", false).await;
        // No close: what the heartbeat saved must be enough.
        eventually(PATIENCE, "saved", || {
            std::fs::read(&path).is_ok_and(|bytes| bytes.windows(14).any(|window| window == b"\"revision\":1,\"") )
        }).await;
        std::mem::forget(cache);
    }

    async fn an_older_database_raises_the_alarm_and_is_followed(database: TestDatabase) {
        let registry = database.registry().await;
        for round in 0..10 {
            switch(&registry, "pii_guard", round % 2 == 1).await;
        }
        let cache = follow(&database, hurried()).await;
        switch(&registry, "pii_guard", false).await;
        eventually(PATIENCE, "applied", || cache.stats().revision == 11).await;
        // As after the restore of a backup: the newest entries are gone, and with them what they changed.
        database
            .execute("BEGIN;
                ALTER TABLE extension_audit_log DISABLE TRIGGER ALL;
                ALTER TABLE extensions DISABLE TRIGGER ALL;
                DELETE FROM extension_audit_log WHERE revision > 8;
                UPDATE extensions SET enabled = true, revision = 8 WHERE id = 'pii_guard';
                UPDATE registry_head SET (revision, hash) =
                    (SELECT revision, hash FROM extension_audit_log ORDER BY revision DESC LIMIT 1);
                ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_seal_at_commit;
                ALTER TABLE extensions ENABLE ALWAYS TRIGGER extensions_audit;
                ALTER TABLE extensions ENABLE ALWAYS TRIGGER extensions_stamp;
                COMMIT")
            .await;
        eventually(PATIENCE, "followed", || cache.stats().revision == 8).await;
        assert!(cache.lookup("pii_guard").unwrap().enabled());
        let stats = cache.stats();
        assert_eq!(stats.state, CacheState::Diverged);
        let divergence = stats.divergence.unwrap();
        assert_eq!((divergence.followed.revision, divergence.found.revision), (11, 8));

        // It goes on following, and the alarm stays until somebody has seen it.
        switch(&registry, "mock_provider", false).await;
        eventually(PATIENCE, "applied", || cache.stats().revision == 9).await;
        assert_eq!(in_cache(&cache), in_database(&database).await);
        assert_eq!(cache.state(), CacheState::Diverged);
        cache.acknowledge_divergence();
        assert_eq!(cache.state(), CacheState::Fresh);
    }

    async fn an_older_database_that_was_written_to_past_our_revision_raises_the_alarm(database: TestDatabase) {
        let registry = database.registry().await;
        switch(&registry, "pii_guard", false).await;
        switch(&registry, "pii_guard", true).await;
        let proxy = Proxy::before(&router(&database).await);
        let cache = RegistryCache::connect(proxy.options(), hurried()).await.unwrap();
        proxy.cut();
        database
            .execute("BEGIN;
                ALTER TABLE extension_audit_log DISABLE TRIGGER extension_audit_log_keep;
                DELETE FROM extension_audit_log WHERE revision > 1;
                UPDATE registry_head SET (revision, hash) = (SELECT revision, hash FROM extension_audit_log);
                ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_keep;
                COMMIT")
            .await;
        for enabled in [false, true, false] {
            switch(&registry, "mock_provider", enabled).await;
        }
        proxy.restore();
        eventually(PATIENCE, "followed", || cache.stats().revision == 4).await;
        assert_eq!(cache.state(), CacheState::Diverged);
        assert_eq!(in_cache(&cache), in_database(&database).await);
    }

    async fn another_registry_raises_the_alarm(database: TestDatabase) {
        let cache = follow(&database, hurried()).await;
        database.execute("UPDATE registry_head SET registry_id = gen_random_uuid()").await;
        eventually(PATIENCE, "noticed", || cache.state() == CacheState::Diverged).await;
        eventually(PATIENCE, "read", || cache.stats().load_count == 2).await;
        cache.acknowledge_divergence();
        sleep(hurried().heartbeat_interval * 2).await;
        assert_eq!(cache.state(), CacheState::Fresh, "one alarm, not one at each heartbeat");
    }

    async fn rows_changed_past_the_log_are_found_by_the_periodic_reload(database: TestDatabase) {
        let options = CacheOptions { reload_interval: Some(Duration::from_millis(300)), ..told_only() };
        let cache = follow(&database, options).await;
        let mut changes = cache.watch();
        eventually(PATIENCE, "reloaded", || cache.stats().load_count >= 2).await;
        database
            .execute("ALTER TABLE extensions DISABLE TRIGGER ALL; UPDATE extensions SET retry = 9 WHERE id = 'pii_guard'")
            .await;
        eventually(PATIENCE, "found", || cache.lookup("pii_guard").unwrap().retry() == 9).await;
        let change = changes.next().await.unwrap();
        assert_eq!(&*change.ids.unwrap(), ["pii_guard".into()], "reloads that find nothing tell nothing");
    }

    async fn programs_are_listed_with_what_they_have_applied(database: TestDatabase) {
        let registry = database.registry().await;
        let reporting = |name: &str| CacheOptions { consumer: Some(Consumer::new(name, "1.2")), ..hurried() };
        let proxy = Proxy::before(&router(&database).await);
        let behind = RegistryCache::connect(proxy.options(), reporting("router-b")).await.unwrap();
        let current = RegistryCache::connect(proxy.options(), reporting("router-a")).await.unwrap();
        let consumers = reported(&registry, &[("router-a", 0, 0), ("router-b", 0, 0)]).await;
        assert_eq!(consumers[0].login, database.value("SELECT current_database() || '_registry_viewer'").await);
        assert_eq!(&*consumers[0].version, "1.2");
        assert!(!consumers[0].host.is_empty() && consumers[0].seen_seconds_ago < PATIENCE.as_secs_f64());
        assert_eq!(consumers[0].behind_seconds, None);

        behind.close().await;
        switch(&registry, "pii_guard", false).await;
        let switched_at = Instant::now();
        // The one furthest behind comes first.
        let consumers = reported(&registry, &[("router-b", 0, 1), ("router-a", 1, 0)]).await;
        let behind_seconds = consumers[0].behind_seconds.unwrap();
        assert!(behind_seconds < switched_at.elapsed().as_secs_f64() + 1.0, "{behind_seconds} s behind");
        sleep(Duration::from_secs(1)).await;
        let later = registry.list_consumers().await.unwrap()[0].behind_seconds.unwrap();
        assert!(later >= behind_seconds + 0.9, "first {behind_seconds}, a second later {later}");

        database.execute("UPDATE registry_consumers SET seen_at = now() - interval '8 days' WHERE name = 'router-b'").await;
        assert_eq!(registry.list_consumers().await.unwrap().len(), 1);
        let third = RegistryCache::connect(proxy.options(), reporting("router-c")).await.unwrap();
        reported(&registry, &[("router-a", 1, 0), ("router-c", 1, 0)]).await;
        let kept = database.value("SELECT string_agg(name, ' ' ORDER BY name) FROM registry_consumers").await;
        assert_eq!(kept, "router-a router-c", "what was not seen for a week is deleted");
        drop((current, third));
    }

    async fn nobody_reports_for_another_login_or_writes_the_table(database: TestDatabase) {
        let registry = database.registry().await;
        let viewer = router(&database).await;
        let report = "SELECT public.registry_report_applied('00000000-0000-0000-0000-000000000001', 'router', 'h', '', 5)";
        execute(&viewer, report).await.unwrap();
        let as_another = [
            report,
            "UPDATE public.registry_consumers SET applied_revision = 9",
            "DELETE FROM public.registry_consumers",
            "INSERT INTO public.registry_consumers SELECT * FROM public.registry_consumers",
        ];
        for statement in as_another {
            let error = execute(&database.console(), statement).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
        }
        let consumers = registry.list_consumers().await.unwrap();
        assert_eq!((consumers.len(), consumers[0].applied_revision), (1, 5));
        assert_eq!(consumers[0].behind_revisions, -5, "it has applied what the registry no longer has");
    }

    async fn a_program_that_may_not_report_follows_all_the_same(database: TestDatabase) {
        let registry = database.registry().await;
        let options = CacheOptions { consumer: Some(Consumer::new("x".repeat(300), "")), ..hurried() };
        let cache = follow(&database, options).await;
        sleep(hurried().heartbeat_interval * 3).await;
        switch(&registry, "pii_guard", false).await;
        eventually(PATIENCE, "applied", || cache.stats().revision == 1).await;
        assert_eq!(cache.stats().error_count, 0);
        assert_eq!(registry.list_consumers().await.unwrap(), []);
    }

    async fn dropping_the_last_handle_ends_its_connections(database: TestDatabase) {
        let cache = follow(&database, told_only()).await;
        let clone = cache.clone();
        let mut changes = cache.watch();
        drop(cache);
        sleep(Duration::from_millis(500)).await;
        assert_eq!(connection_count(&database).await, 1, "a clone is left, and follows on one connection");
        assert!(clone.lookup("pii_guard").is_some());
        drop(clone);
        let started_at = Instant::now();
        while connection_count(&database).await > 0 {
            assert!(started_at.elapsed() < PATIENCE, "the connection is still open");
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(changes.next().await, None, "who watches is told that it is over");
    }
}
