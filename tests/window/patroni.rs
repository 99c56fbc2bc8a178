//! The window while Patroni changes the primary under it: by an administrator's switchover, and because the leader died.

use std::time::Instant;

use serde_json::json;
use system_tests::application::{Account, Window};
use system_tests::cluster::{SECRET, superuser_at};
use system_tests::database::rows;
use system_tests::faults;
use system_tests::patroni::PatroniCluster;

use crate::connections::{make_connection, see_in_header, switch_to};
use crate::forms::{discard, edit, type_over, value_of};

async fn switch(window: &Window, word: &str) {
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", word).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switchover_and_the_death_of_the_leader_are_survived_by_the_open_window() {
    let mut cluster = PatroniCluster::start().await;
    let (first, second) = cluster.see_both().await;
    let ports = [cluster.nodes[first].port, cluster.nodes[second].port];
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let both = format!(
        "postgres://console:{SECRET}@127.0.0.1:{},127.0.0.1:{}/registry",
        ports[0], ports[1]
    );
    make_connection(&window, "Patroni", &both).await;
    switch_to(&window, "Patroni").await;
    see_in_header(&window, &format!("127.0.0.1:{} primary", ports[0])).await;
    switch(&window, "Off").await;

    // Something is being typed when the primary goes.
    edit(&window, "pii_guard").await;
    type_over(&window, "Subject", "beamline.typed.v1").await;
    let asked = Instant::now();
    cluster.switch_over(first, second).await;
    see_in_header(&window, &format!("127.0.0.1:{} primary", ports[1])).await;
    let switched = asked.elapsed();
    assert_eq!(value_of(&window, "Subject").await, "beamline.typed.v1");
    discard(&window).await;
    window.see_state("mock_provider", "Off").await;
    switch(&window, "On").await;
    // The old leader must follow before the new one may die: Patroni promotes nobody who lacks an acknowledged change.
    assert_eq!(cluster.see_both().await, (second, first));

    let killed = Instant::now();
    cluster.kill(second);
    window
        .see("//section[@aria-label='Connecting again']")
        .await;
    see_in_header(&window, &format!("127.0.0.1:{} primary", ports[0])).await;
    let failed_over = killed.elapsed();
    window
        .see_gone("//section[@aria-label='Connecting again']")
        .await;
    window.see_state("mock_provider", "On").await;
    switch(&window, "Off").await;
    assert_eq!(
        window
            .count("//section[@aria-label='Changes were lost']")
            .await,
        0,
        "nothing is lost where both have each change"
    );
    faults::report(
        "switchover and death of the leader under Patroni, seen in the window",
        json!({ "switchover_ms": switched.as_millis(), "death_ms": failed_over.as_millis() }),
    );

    let changes = rows(
        &superuser_at(ports[0]),
        "SELECT action FROM extension_audit_log
         WHERE extension_id = 'mock_provider' AND action IN ('enabled', 'disabled') ORDER BY revision",
    )
    .await;
    let there: Vec<_> = changes.iter().map(|row| row[0].as_deref()).collect();
    let expected = ["disabled", "enabled", "disabled"].map(Some);
    assert_eq!(there, expected, "each once");
    window.close(&account).await;
}
