//! Under Patroni: a switchover, and the death of the leader with its Patroni.

use std::time::{Duration, Instant};

use registry::Registry;
use registry::connection::ServerRole;
use serde_json::json;
use system_tests::cluster::{remote, servers, superuser_at};
use system_tests::database::rows;
use system_tests::faults;
use system_tests::history::Said;
use system_tests::patroni::{PatroniCluster, PatroniNode, TTL_SECONDS};
use system_tests::writers::{IDS, Writers};

use crate::failover::wait_until;
use crate::secrets::{assert_no_secret, listen_to_log};

/// From the moment at which a new primary takes changes.
const RESUMED_WITHIN: Duration = Duration::from_secs(15);

/// Waits until this node takes changes; when that was.
async fn see_changes_taken(node: &PatroniNode) -> Instant {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if node.takes_changes(Duration::from_secs(1)).await {
            return Instant::now();
        }
        assert!(Instant::now() < deadline, "{} takes changes", node.name);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switchover_and_the_death_of_the_leader_under_four_writers_lose_nothing() {
    listen_to_log();
    let mut cluster = PatroniCluster::start().await;
    let (first, second) = cluster.see_both().await;
    let ports = [cluster.nodes[0].port, cluster.nodes[1].port];
    let registry = Registry::open(servers(&remote(&ports))).await.unwrap();
    let before = Said::read(&superuser_at(ports[first])).await;
    let mut writers = Writers::start(&registry);
    tokio::time::sleep(Duration::from_secs(2)).await;

    let asked = Instant::now();
    // While it is asked for, so that the moment is seen at which the new primary takes changes.
    let (switched, ()) = tokio::join!(
        see_changes_taken(&cluster.nodes[second]),
        cluster.switch_over(first, second)
    );
    assert_eq!(
        cluster.see_both().await,
        (second, first),
        "the old leader follows, synchronously"
    );
    tokio::time::sleep(Duration::from_secs(2)).await;

    cluster.kill(second);
    let killed = Instant::now();
    let promoted = see_changes_taken(&cluster.nodes[first]).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    let history = writers.end().await;
    let primary = superuser_at(ports[first]);
    let checked = history.check(&before, &primary).await;
    let resumed_after = |moment| {
        history
            .resumed_after(&IDS, moment)
            .expect("each writer goes on")
    };
    let (after_switchover, after_death) = (resumed_after(switched), resumed_after(promoted));
    // Who was told what over both is one history; its numbers are told with the second.
    faults::report(
        "switchover under Patroni",
        json!({
            "promoted_ms": (switched - asked).as_millis(),
            "recovered_ms": after_switchover.as_millis(),
        }),
    );
    faults::report_checked(
        "leader and its Patroni killed",
        checked,
        json!({
            "ttl_ms": TTL_SECONDS * 1000,
            "promoted_ms": (promoted - killed).as_millis(),
            "recovered_ms": after_death.as_millis(),
        }),
    );
    assert!(after_switchover < RESUMED_WITHIN, "{after_switchover:?}");
    assert!(after_death < RESUMED_WITHIN, "{after_death:?}");

    let state = registry.connection_state().unwrap().borrow().clone();
    assert!(
        state.is_connected && state.server.ends_with(&ports[first].to_string()),
        "{state:?}"
    );
    assert_eq!((state.role, state.lost_tail), (ServerRole::Primary, None));

    // The dead one comes back: Patroni makes a standby of it, whatever it had that nobody was told of.
    cluster.resume(second);
    assert_eq!(cluster.see_both().await, (first, second));
    let revision = registry
        .set_extension_enabled("pii_guard", false, &registry::ChangeContext::default())
        .await
        .unwrap()
        .revision;
    wait_until("the standby follows the new primary", async || {
        rows(
            &superuser_at(ports[second]),
            "SELECT revision::text FROM registry_head",
        )
        .await
            == [[Some(revision.to_string())]]
    })
    .await;
    let log =
        "SELECT string_agg(encode(hash, 'hex'), ' ' ORDER BY revision) FROM extension_audit_log";
    assert_eq!(
        rows(&superuser_at(ports[second]), log).await,
        rows(&primary, log).await
    );
    assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
    assert_no_secret(&format!("{registry:?}"));
}
