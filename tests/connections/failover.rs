//! The primary dies and a standby is promoted.

use std::time::{Duration, Instant};

use registry::anchors::AnchorFile;
use registry::cache::{CacheOptions, CacheState, ChangeNotices, PollingReason, RegistryCache};
use registry::connection::{RemoteDatabase, ServerRole};
use registry::{ChangeContext, Registry};
use serde_json::json;
use system_tests::cluster::{Cluster, remote, servers};
use system_tests::database::{execute, rows};
use system_tests::faults;
use system_tests::folder::TestFolder;
use system_tests::history::Said;
use system_tests::writers::{IDS, Writers};

use crate::secrets::{assert_no_secret, listen_to_log};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_standby_takes_over_under_four_writers_and_nothing_is_lost() {
    listen_to_log();
    let mut primary = Cluster::start(&[]).await;
    primary.make_registry().await;
    let standby = Cluster::standby_of(&primary, "second").await;
    execute(
        &primary.superuser(),
        "ALTER SYSTEM SET synchronous_standby_names = 'second'",
    )
    .await
    .unwrap();
    execute(&primary.superuser(), "SELECT pg_reload_conf()")
        .await
        .unwrap();
    wait_until("the standby is synchronous", async || {
        rows(
            &primary.superuser(),
            "SELECT sync_state FROM pg_stat_replication",
        )
        .await
            == [[Some("sync".to_owned())]]
    })
    .await;

    let way = servers(&remote(&[primary.port, standby.port]));
    let registry = Registry::open(way.clone()).await.unwrap();
    let cache = RegistryCache::connect(
        way,
        CacheOptions {
            consumer: None,
            ..CacheOptions::default()
        },
    )
    .await
    .unwrap();
    let before = Said::read(&primary.superuser()).await;
    let mut writers = Writers::start(&registry);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let killed_at = Instant::now();
    primary.kill();
    standby.promote();
    // The promoted server waits for no standby of its own.
    execute(&standby.superuser(), "ALTER SYSTEM RESET ALL")
        .await
        .unwrap();
    execute(&standby.superuser(), "SELECT pg_reload_conf()")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(8)).await;
    let history = writers.end().await;
    let checked = history.check(&before, &standby.superuser()).await;
    let gap = history.longest_gap(&IDS);
    let recovered = history
        .resumed_after(&IDS, killed_at)
        .expect("each goes on");
    faults::report_checked(
        "primary killed, synchronous standby promoted",
        checked,
        json!({ "writers": IDS.len(), "longest_gap_ms": gap.as_millis(), "recovered_ms": recovered.as_millis() }),
    );
    assert!(checked.acknowledged > 8, "{checked:?}");
    assert!(gap < Duration::from_secs(15), "{gap:?}");

    let state = registry.connection_state().unwrap().borrow().clone();
    assert!(
        state.is_connected
            && state.reconnect_count >= 1
            && state.server.ends_with(&standby.port.to_string()),
        "{state:?}"
    );
    assert_eq!((state.role, state.lost_tail), (ServerRole::Primary, None));
    let head = registry.anchor().await.unwrap().revision;
    wait_until("the cache follows the new primary", async || {
        cache.stats().revision == head && cache.state() == CacheState::Fresh
    })
    .await;
    assert_no_secret(&format!("{registry:?} {cache:?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_asynchronous_standby_had_not_received_is_reported_with_its_numbers() {
    listen_to_log();
    let mut primary = Cluster::start(&[]).await;
    primary.make_registry().await;
    let standby = Cluster::standby_of(&primary, "second").await;
    let folder = TestFolder::new();
    let anchors = AnchorFile::new(folder.path().join("anchors.jsonl"));
    let registry = Registry::open(servers(&remote(&[primary.port, standby.port])))
        .await
        .unwrap()
        .with_anchor_file(anchors.clone());
    let context = ChangeContext::default();
    for enabled in [false, true] {
        registry
            .set_extension_enabled("pii_guard", enabled, &context)
            .await
            .unwrap();
    }
    let common = registry.anchor().await.unwrap().revision;
    wait_until("the standby has what was changed", async || {
        rows(
            &standby.superuser(),
            "SELECT revision::text FROM registry_head",
        )
        .await
            == [[Some(common.to_string())]]
    })
    .await;
    // From here on it receives nothing.
    execute(
        &standby.superuser(),
        "ALTER SYSTEM SET primary_conninfo = ''",
    )
    .await
    .unwrap();
    execute(&standby.superuser(), "SELECT pg_reload_conf()")
        .await
        .unwrap();
    wait_until("the standby hears nothing more", async || {
        rows(
            &standby.superuser(),
            "SELECT pid::text FROM pg_stat_wal_receiver",
        )
        .await
        .is_empty()
    })
    .await;
    for enabled in [false, true, false] {
        registry
            .set_extension_enabled("pii_guard", enabled, &context)
            .await
            .unwrap();
    }
    primary.kill();
    standby.promote();

    let mut states = registry.connection_state().unwrap();
    let state = tokio::time::timeout(
        Duration::from_secs(30),
        states.wait_for(|state| state.lost_tail.is_some()),
    )
    .await
    .expect("it is reported")
    .unwrap()
    .clone();
    let tail = state.lost_tail.unwrap();
    faults::report(
        "primary killed, asynchronous standby behind it promoted",
        json!({ "lost_and_reported": tail.lost_count, "common_revision": tail.common_revision }),
    );
    assert_eq!(
        (
            tail.known_revision,
            tail.found_revision,
            tail.common_revision,
            tail.lost_count
        ),
        (common + 3, common, common, 3)
    );

    // Also by a program that starts now, and after others have written past it.
    registry
        .set_extension_enabled("mock_provider", false, &context)
        .await
        .unwrap();
    registry
        .set_extension_enabled("mock_provider", true, &context)
        .await
        .unwrap();
    let later = Registry::open(servers(&remote(&[standby.port])))
        .await
        .unwrap()
        .with_anchor_file(anchors.clone());
    let mut states = later.connection_state().unwrap();
    let told = tokio::time::timeout(
        Duration::from_secs(30),
        states.wait_for(|state| state.lost_tail.is_some()),
    )
    .await
    .expect("it is reported")
    .unwrap()
    .lost_tail
    .clone()
    .unwrap();
    assert_eq!(
        (told.known_revision, told.common_revision, told.lost_count),
        (common + 3, common, 3)
    );

    later.acknowledge_lost_tail().unwrap();
    assert_eq!(later.connection_state().unwrap().borrow().lost_tail, None);
    let after = Registry::open(servers(&remote(&[standby.port])))
        .await
        .unwrap()
        .with_anchor_file(anchors);
    assert_eq!(after.verify_audit_log().await.unwrap().fault, None);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(after.connection_state().unwrap().borrow().lost_tail, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_goes_silent_and_one_that_is_demoted_are_left() {
    listen_to_log();
    let primary = Cluster::start(&[]).await;
    primary.make_registry().await;
    let standby = Cluster::standby_of(&primary, "second").await;
    let registry = Registry::open(servers(&remote(&[primary.port, standby.port])))
        .await
        .unwrap();
    let context = ChangeContext::default();
    registry
        .set_extension_enabled("pii_guard", false, &context)
        .await
        .unwrap();

    // A change is under way when everything stops: no connection is closed, and nothing answers.
    primary.freeze();
    let change = {
        let (registry, context) = (registry.clone(), context.clone());
        tokio::spawn(async move {
            registry
                .set_extension_enabled("pii_guard", true, &context)
                .await
        })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    standby.promote();
    let frozen_at = Instant::now();
    let outcome = tokio::time::timeout(Duration::from_secs(30), change)
        .await
        .expect("it does not hang")
        .unwrap();
    faults::report(
        "primary goes silent during a change, standby promoted",
        json!({ "settled_ms": frozen_at.elapsed().as_millis(), "made": outcome.is_ok() }),
    );
    if outcome.is_err() {
        // It had not begun: nothing is in doubt.
        registry
            .set_extension_enabled("pii_guard", true, &context)
            .await
            .unwrap();
    }
    assert_eq!(
        rows(
            &standby.superuser(),
            "SELECT enabled::text FROM extensions WHERE id = 'pii_guard'"
        )
        .await,
        [[Some("true".to_owned())]]
    );

    // Its administrator takes it out of service for changes: sessions that are open stay open.
    execute(
        &standby.superuser(),
        "ALTER SYSTEM SET default_transaction_read_only = on",
    )
    .await
    .unwrap();
    execute(&standby.superuser(), "SELECT pg_reload_conf()")
        .await
        .unwrap();
    let mut states = registry.connection_state().unwrap();
    tokio::time::timeout(
        Duration::from_secs(15),
        states.wait_for(|state| !state.is_connected),
    )
    .await
    .expect("it is noticed")
    .unwrap();
    execute(
        &standby
            .superuser()
            .options([("default_transaction_read_only", "off")]),
        "ALTER SYSTEM RESET default_transaction_read_only",
    )
    .await
    .unwrap();
    execute(&standby.superuser(), "SELECT pg_reload_conf()")
        .await
        .unwrap();
    tokio::time::timeout(
        Duration::from_secs(15),
        states.wait_for(|state| state.is_connected),
    )
    .await
    .expect("it is back")
    .unwrap();
    registry
        .set_extension_enabled("pii_guard", false, &context)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_reads_from_a_standby_if_asked_and_looks_for_changes_there() {
    listen_to_log();
    let primary = Cluster::start(&[]).await;
    primary.make_registry().await;
    let mut standby = Cluster::standby_of(&primary, "second").await;
    let database = RemoteDatabase {
        prefers_standby: true,
        ..remote(&[primary.port, standby.port])
    };
    let registry = Registry::open(servers(&database)).await.unwrap();
    let cache = RegistryCache::connect(servers(&database), CacheOptions::default())
        .await
        .unwrap();
    assert!(matches!(
        cache.stats().notices,
        ChangeNotices::LookedFor {
            reason: PollingReason::Standby,
            ..
        }
    ));
    assert_eq!(
        registry.connection_state().unwrap().borrow().role,
        ServerRole::Primary
    );
    registry
        .set_extension_enabled("pii_guard", false, &ChangeContext::default())
        .await
        .unwrap();
    wait_until("the change comes by the standby", async || {
        cache
            .lookup("pii_guard")
            .is_some_and(|found| !found.enabled())
    })
    .await;

    // Without the standby it goes to the primary, which tells of changes.
    standby.kill();
    wait_until("the cache goes to the primary", async || {
        cache.state() == CacheState::Fresh && cache.stats().notices == ChangeNotices::Told
    })
    .await;
    registry
        .set_extension_enabled("pii_guard", true, &ChangeContext::default())
        .await
        .unwrap();
    wait_until("the change is told", async || {
        cache
            .lookup("pii_guard")
            .is_some_and(|found| found.enabled())
    })
    .await;
    assert_eq!(cache.stats().divergence, None);
}

pub(crate) async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_broke_while_it_was_idle_is_not_used() {
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let registry = Registry::open(servers(&remote(&[cluster.port])))
        .await
        .unwrap();
    registry.get_extension("pii_guard").await.unwrap();
    // What reads, and not what watches the server.
    execute(
        &cluster.superuser(),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%registry_extension%' AND pid <> pg_backend_pid()",
    )
    .await
    .unwrap();
    // Longer than one is used without being asked.
    tokio::time::sleep(Duration::from_millis(400)).await;
    registry.get_extension("pii_guard").await.unwrap();
}
