//! What others do shows by itself, also when they do much of it.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{ConnectOptions, Connection};
use system_tests::database::execute;
use system_tests::servers::superuser_of;

use crate::application::{Account, Window};

/// The timeout that the list shows, in milliseconds.
async fn shown_timeout_ms(window: &Window) -> u64 {
    let shown = window
        .run(
            "const cell = document.querySelector('tr[data-extension-id=pii_guard] td[data-column=timeout_ms]');
             const [, figure, unit] = /([\\d.]+).(ms|s)/.exec(cell.textContent);
             return Math.round(Number(figure) * (unit === 's' ? 1000 : 1));",
        )
        .await;
    shown.as_u64().expect("a figure")
}

#[tokio::test]
async fn others_changes_are_marked_and_own_ones_are_not() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.see("//header//*[contains(., 'live')]").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    execute(
        &superuser_of(&account.data_directory),
        "UPDATE extensions SET timeout_ms = 345 WHERE id = 'pii_guard'",
    )
    .await
    .unwrap();
    window
        .see("//tr[@data-extension-id='pii_guard'][@data-news][contains(., '345 ms')]")
        .await;
    assert_eq!(
        window
            .count("//tr[@data-extension-id='mock_provider'][@data-news]")
            .await,
        0
    );
    window.picture("others-change-light").await;
    window.see_gone("//tr[@data-news]").await;
    window.close(&account).await;
}

/// With so many rows that all of them can't be read between two changes.
#[tokio::test]
async fn a_stream_of_changes_shows_while_it_lasts() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.see("//header//*[contains(., 'live')]").await;
    let elsewhere = superuser_of(&account.data_directory);
    execute(
        &elsewhere,
        "INSERT INTO extensions (id, type, subject)
         SELECT 'many_' || number, 'provider', 'beamline.many.' || number FROM generate_series(1, 5000) AS number",
    )
    .await
    .unwrap();
    window.see("//nav//a[contains(., '5\u{202f}006')]").await;

    let writing = tokio::spawn(async move {
        let mut connection = elsewhere.connect().await.unwrap();
        let started = Instant::now();
        let mut timeout_ms = 1_000;
        while started.elapsed() < Duration::from_secs(8) {
            timeout_ms += 1;
            sqlx::query("UPDATE extensions SET timeout_ms = $1 WHERE id = 'pii_guard'")
                .bind(timeout_ms)
                .execute(&mut connection)
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        connection.close().await.unwrap();
        timeout_ms
    });
    let mut shown = std::collections::BTreeSet::new();
    while !writing.is_finished() {
        shown.insert(shown_timeout_ms(&window).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let last: i32 = writing.await.unwrap();
    assert!(
        shown.len() > 5,
        "while {last} were written the list showed {shown:?}"
    );
    let began = Instant::now();
    while json!(shown_timeout_ms(&window).await) != json!(last) {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "the last one shows"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    window.close(&account).await;
}

#[tokio::test]
async fn a_link_opens_in_the_window_that_runs_and_at_a_start() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let handed = account
        .further_start()
        .arg("beamline-registry://extensions/pii_guard?tab=history")
        .status()
        .unwrap();
    assert!(handed.success(), "it hands over and ends");
    window
        .see("//section[@aria-label='Extension pii_guard']//button[@role='tab'][@aria-selected='true'][contains(., 'History')]")
        .await;
    window
        .click("//section[@aria-label='Extension pii_guard']//button[@role='tab'][contains(., 'Overview')]")
        .await;
    window.picture("extension-page-light").await;
    // A link to nowhere is said to be one, and leads nowhere.
    account
        .further_start()
        .arg("beamline-registry://nowhere/<script>")
        .status()
        .unwrap();
    window
        .see("//*[@role='alert'][contains(., 'names no page of this application')]")
        .await;
    assert_eq!(
        window
            .count("//section[@aria-label='Extension pii_guard']")
            .await,
        1
    );
    window.close(&account).await;
}
