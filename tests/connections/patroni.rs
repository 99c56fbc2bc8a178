//! Under Patroni: a switchover, and the death of the leader with its Patroni.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use registry::Registry;
use registry::connection::ServerRole;
use system_tests::cluster::{remote, servers, superuser_at};
use system_tests::database::rows;
use system_tests::patroni::{PatroniCluster, PatroniNode, TTL_SECONDS};

use crate::failover::{IDS, Told, requests_in, wait_until, write};
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

/// How long after a moment the last of the writers had its first change acknowledged.
fn resumed_after(told: &[Told], moment: Instant) -> Duration {
    told.iter()
        .map(|told| {
            let first = told.acknowledged.iter().find(|(_, at)| *at > moment);
            first.expect("each writer goes on").1 - moment
        })
        .max()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switchover_and_the_death_of_the_leader_under_four_writers_lose_nothing() {
    listen_to_log();
    let mut cluster = PatroniCluster::start().await;
    let (first, second) = cluster.see_both().await;
    let ports = [cluster.nodes[0].port, cluster.nodes[1].port];
    let registry = Registry::open(servers(&remote(&ports))).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = IDS
        .into_iter()
        .zip(1..)
        .map(|(id, number)| tokio::spawn(write(registry.clone(), id, number, Arc::clone(&stop))))
        .collect();
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
    stop.store(true, Ordering::Relaxed);
    let mut told = Vec::new();
    for writer in writers {
        told.push(writer.await.unwrap());
    }

    let primary = superuser_at(ports[first]);
    let there = requests_in(&primary).await;
    let mut acknowledged = 0;
    for (request, _) in told.iter().flat_map(|told| &told.acknowledged) {
        let found = there.iter().find(|(id, _)| id == request);
        assert_eq!(
            found.map(|(_, count)| *count),
            Some(1),
            "an acknowledged change is there, once"
        );
        acknowledged += 1;
    }
    assert!(there.iter().all(|(_, count)| *count == 1));
    let after_switchover = resumed_after(&told, switched);
    let after_death = resumed_after(&told, promoted);
    println!(
        "{acknowledged} acknowledged changes, all there. Switchover: the new primary took changes after {:.1} s, all writers \
         went on {:.1} s later. Death of the leader (ttl {TTL_SECONDS} s): {:.1} s, {:.1} s later.",
        (switched - asked).as_secs_f64(),
        after_switchover.as_secs_f64(),
        (promoted - killed).as_secs_f64(),
        after_death.as_secs_f64(),
    );
    assert!(after_switchover < RESUMED_WITHIN, "{after_switchover:?}");
    assert!(after_death < RESUMED_WITHIN, "{after_death:?}");

    let state = registry.connection_state().unwrap().borrow().clone();
    assert!(
        state.is_connected && state.server.ends_with(&ports[first].to_string()),
        "{state:?}"
    );
    assert_eq!((state.role, state.lost_tail), (ServerRole::Primary, None));
    assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);

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
    let mut again = requests_in(&superuser_at(ports[second])).await;
    let mut there = requests_in(&primary).await;
    again.sort_unstable();
    there.sort_unstable();
    assert_eq!(again, there);
    assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
    assert_no_secret(&format!("{registry:?}"));
}
