//! `kill -9` of the application and of its server, seen from the window.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use serde_json::json;
use system_tests::faults;

use crate::application::Account;

pub(crate) fn kill_9(process_id: u32) {
    kill(
        Pid::from_raw(process_id.try_into().unwrap()),
        Signal::SIGKILL,
    )
    .unwrap();
}

pub(crate) fn server_process_id(account: &Account) -> u32 {
    let file = account
        .data_directory
        .join("postgresql/cluster/data/postmaster.pid");
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().next().unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn kill_9_of_the_application_ends_its_server_and_the_switch_is_kept() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("mock_provider", "On").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;

    let server = server_process_id(&account);
    kill_9(account.process_id());
    let killed_at = Instant::now();
    // It writes what it holds to the disk first, for which a busy one takes its time; left alone it would stay for good.
    while Path::new(&format!("/proc/{server}")).exists() {
        assert!(
            killed_at.elapsed() < Duration::from_secs(20),
            "the server ends with the application"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let server_ended = killed_at.elapsed();
    drop(window);

    let started_at = Instant::now();
    let window = account.start().await;
    window.see_state("mock_provider", "Off").await;
    faults::report(
        "window killed",
        json!({
            "server_ended_ms": server_ended.as_millis(),
            "recovered_ms": started_at.elapsed().as_millis(),
        }),
    );
    window.close(&account).await;
}

#[tokio::test]
async fn kill_9_of_the_server_is_mended_under_the_open_window() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("mock_provider", "On").await;
    let server = server_process_id(&account);
    kill_9(server);
    let killed_at = Instant::now();

    let deadline = Instant::now() + Duration::from_secs(20);
    while account.log().matches("database is open").count() < 2 {
        assert!(
            Instant::now() < deadline,
            "the database is opened again: {}",
            account.log()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_ne!(server_process_id(&account), server);
    faults::report(
        "server killed under the open window",
        json!({ "recovered_ms": killed_at.elapsed().as_millis() }),
    );
    window.see_state("mock_provider", "On").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_polite_signal_quits_in_order() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("mock_provider", "On").await;
    let process_id = account.process_id();
    kill(
        Pid::from_raw(process_id.try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while Path::new(&format!("/proc/{process_id}/exe")).exists() {
        assert!(Instant::now() < deadline, "the application ends");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(window);
    let log = account.log();
    assert!(
        log.contains("told to quit") && log.contains("stopped"),
        "{log}"
    );
    assert!(
        account
            .server_log()
            .contains("database system is shut down")
    );
}
