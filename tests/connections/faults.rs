//! What breaks under writers and comes back: sessions, the server, the network, clocks. What was acknowledged is there, once;
//! nothing else is; and everybody goes on.

use std::time::{Duration, Instant};

use registry::Registry;
use registry::cache::{CacheOptions, CacheState, RegistryCache};
use registry::connection::ServerAddress;
use serde_json::json;
use system_tests::cluster::{Cluster, remote, servers};
use system_tests::database::rows;
use system_tests::faults;
use system_tests::history::Said;
use system_tests::tcp_proxy::{TcpProxy, Way};
use system_tests::writers::{IDS, Writers};

use crate::failover::wait_until;
use crate::secrets::listen_to_log;

/// From the end of a fault until each writer goes on.
const RECOVERED_WITHIN: Duration = Duration::from_secs(15);

/// A registry with a cache that follows it and four writers, under which something breaks.
struct UnderWriters {
    cluster: Cluster,
    proxy: TcpProxy,
    registry: Registry,
    cache: RegistryCache,
    before: Said,
    writers: Writers,
}

impl UnderWriters {
    async fn start(cluster: Cluster) -> Self {
        listen_to_log();
        cluster.make_registry().await;
        let proxy = TcpProxy::before(cluster.port, Way::Open(Duration::ZERO)).await;
        let mut database = remote(&[]);
        database.servers = vec![ServerAddress::new("127.0.0.1", proxy.port)];
        let registry = Registry::open(servers(&database)).await.unwrap();
        let options = CacheOptions {
            consumer: None,
            ..CacheOptions::default()
        };
        let cache = RegistryCache::connect(servers(&database), options)
            .await
            .unwrap();
        let before = Said::read(&cluster.superuser()).await;
        let writers = Writers::start(&registry);
        let under_writers = Self {
            cluster,
            proxy,
            registry,
            cache,
            before,
            writers,
        };
        under_writers.see_writing(50).await;
        under_writers
    }

    /// Waits for so many more acknowledged changes.
    async fn see_writing(&self, count: usize) {
        let wanted = self.writers.history.acknowledged_count() + count;
        wait_until("writers go on", async || {
            self.writers.history.acknowledged_count() >= wanted
        })
        .await;
    }

    /// Waits until each writer has gone on since the fault, then compares all; tells of it.
    async fn end(mut self, fault: &str, mended_at: Instant, further: serde_json::Value) {
        wait_until("each writer goes on", async || {
            self.writers
                .history
                .resumed_after(&IDS, mended_at)
                .is_some()
        })
        .await;
        let history = self.writers.end().await;
        let checked = history.check(&self.before, &self.cluster.superuser()).await;
        let recovered = history.resumed_after(&IDS, mended_at).unwrap();
        let serde_json::Value::Object(mut figures) = further else {
            panic!("{further}");
        };
        figures.insert("writers".into(), IDS.len().into());
        figures.insert("recovered_ms".into(), json!(recovered.as_millis()));
        figures.insert(
            "longest_gap_ms".into(),
            json!(history.longest_gap(&IDS).as_millis()),
        );
        faults::report_checked(fault, checked, figures.into());
        assert!(recovered < RECOVERED_WITHIN, "{recovered:?}");
        let head = self.registry.anchor().await.unwrap().revision;
        wait_until("the cache has followed", async || {
            self.cache.stats().revision == head && self.cache.state() == CacheState::Fresh
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_ended_under_writers_lose_nothing() {
    let under_writers = UnderWriters::start(Cluster::start(&[]).await).await;
    let mut ended = 0;
    for _ in 0..10 {
        let sessions =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'console'";
        ended += rows(&under_writers.cluster.superuser(), sessions)
            .await
            .len();
        under_writers.see_writing(20).await;
    }
    let mended_at = Instant::now();
    let figures = json!({ "ended_sessions": ended });
    under_writers
        .end("sessions ended by an administrator", mended_at, figures)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backends_that_are_killed_under_writers_lose_nothing() {
    let under_writers = UnderWriters::start(Cluster::start(&[]).await).await;
    let mut killed = 0;
    for _ in 0..3 {
        killed += under_writers.cluster.kill_backends(&["console"]).await;
        under_writers.see_writing(20).await;
    }
    let mended_at = Instant::now();
    let figures = json!({ "killed_backends": killed });
    under_writers
        .end("PostgreSQL backends killed", mended_at, figures)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_writers_and_comes_back_has_lost_nothing() {
    let mut under_writers = UnderWriters::start(Cluster::start(&[]).await).await;
    under_writers.cluster.kill();
    let killed_at = Instant::now();
    tokio::time::sleep(Duration::from_secs(1)).await;
    under_writers.cluster.resume().await;
    let mended_at = Instant::now();
    let figures = json!({ "down_ms": (mended_at - killed_at).as_millis() });
    under_writers
        .end(
            "postmaster and all its processes killed",
            mended_at,
            figures,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_everything_for_a_while_loses_nothing() {
    let under_writers = UnderWriters::start(Cluster::start(&[]).await).await;
    under_writers.proxy.change_to(Way::Silent);
    let swallowed_at = Instant::now();
    let mut states = under_writers.registry.connection_state().unwrap();
    tokio::time::timeout(
        Duration::from_secs(20),
        states.wait_for(|state| !state.is_connected),
    )
    .await
    .expect("it is noticed although no connection was closed")
    .unwrap();
    let noticed = swallowed_at.elapsed();
    // Lookups answer all the time.
    assert!(under_writers.cache.lookup("pii_guard").is_some());
    under_writers.proxy.change_to(Way::Open(Duration::ZERO));
    let mended_at = Instant::now();
    let figures = json!({
        "noticed_ms": noticed.as_millis(),
        "swallowed_ms": (mended_at - swallowed_at).as_millis(),
    });
    under_writers
        .end("network swallows everything", mended_at, figures)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_cuts_every_connection_loses_nothing() {
    let under_writers = UnderWriters::start(Cluster::start(&[]).await).await;
    for _ in 0..10 {
        under_writers.proxy.change_to(Way::Reset);
        tokio::time::sleep(Duration::from_millis(100)).await;
        under_writers.proxy.change_to(Way::Open(Duration::ZERO));
        under_writers.see_writing(8).await;
    }
    let mended_at = Instant::now();
    under_writers
        .end(
            "network cuts every connection",
            mended_at,
            json!({ "cuts": 10 }),
        )
        .await;
}

/// By hours and by more than a year, forwards and back: who waits doesn't notice, the log goes on in its order, and times in
/// it never go back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_changes_no_order() {
    const DAY: i64 = 24 * 60 * 60;
    let under_writers = UnderWriters::start(Cluster::with_a_clock_that_jumps().await).await;
    let superuser = under_writers.cluster.superuser();
    let jumps = [3_600, -3_600, 400 * DAY, 0, -400 * DAY, 0];
    for jump in jumps {
        under_writers.cluster.jump(jump);
        let shown = rows(
            &superuser,
            "SELECT extract(epoch FROM clock_timestamp())::bigint::text",
        )
        .await;
        let shown: i64 = shown[0][0].as_ref().unwrap().parse().unwrap();
        let off = shown - chrono::Utc::now().timestamp();
        assert!(
            (off - jump).abs() < 30,
            "the clock is off by {off} s, not by {jump}"
        );
        under_writers.see_writing(20).await;
        // Calls are counted in buckets of time, also in one that nobody made room for.
        under_writers
            .registry
            .record_health("pii_guard", true, Some(1.0))
            .await
            .unwrap();
    }
    let back = "SELECT count(*)::text FROM (SELECT sealed_at < lag(sealed_at) OVER (ORDER BY revision) AS is_back
                FROM extension_audit_log) AS entries WHERE is_back";
    assert_eq!(rows(&superuser, back).await, [[Some("0".to_owned())]]);
    let late = "SELECT count(*)::text FROM extension_audit_log WHERE sealed_at > now() + interval '300 days'";
    assert_ne!(
        rows(&superuser, late).await,
        [[Some("0".to_owned())]],
        "what was sealed since the jump to the future has no earlier time"
    );
    let counted =
        "SELECT success_count::text FROM extension_health WHERE extension_id = 'pii_guard'";
    assert_eq!(
        rows(&superuser, counted).await,
        [[Some(jumps.len().to_string())]],
        "each call once"
    );
    let mended_at = Instant::now();
    let figures = json!({ "jumps": jumps.len(), "largest_jump_ms": 400 * DAY * 1000 });
    under_writers
        .end("clock of the database jumps", mended_at, figures)
        .await;
}
