//! Two people with a window each on one registry.

use serde_json::json;
use system_tests::application::{Account, Window};
use system_tests::cluster::{Cluster, SECRET};
use system_tests::database::rows;
use system_tests::faults;
use system_tests::history::Said;

use crate::connections::{make_connection, see_in_header, switch_to};
use crate::forms::{edit, type_over};

async fn open_at(account: &Account, cluster: &Cluster) -> Window {
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let url = format!(
        "postgres://console:{SECRET}@127.0.0.1:{}/registry",
        cluster.port
    );
    make_connection(&window, "Team", &url).await;
    switch_to(&window, "Team").await;
    see_in_header(&window, "Team").await;
    window.see_state("mock_provider", "On").await;
    window
}

async fn save(window: &Window) {
    for name in ["Review", "Save"] {
        window
            .click(&format!("//button[normalize-space()='{name}']"))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_windows_on_one_registry_see_each_other_and_overwrite_nothing() {
    const SWITCHES: usize = 6;
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let accounts = [Account::new(), Account::new()];
    let (one, other) = (
        open_at(&accounts[0], &cluster).await,
        open_at(&accounts[1], &cluster).await,
    );
    let before = Said::read(&cluster.superuser()).await;

    // In turns on the same extension: each sees what the other did before doing the opposite.
    for number in 0..SWITCHES {
        let word = if number % 2 == 0 { "Off" } else { "On" };
        let (who, whom) = if number % 4 < 2 {
            (&one, &other)
        } else {
            (&other, &one)
        };
        who.click_switch("mock_provider").await;
        who.see_state("mock_provider", word).await;
        whom.see_state("mock_provider", word).await;
    }

    // At once on the same field: the second is shown the first's value and asked, whoever the second is.
    edit(&one, "openai_gpt4").await;
    edit(&other, "openai_gpt4").await;
    type_over(&one, "Timeout", "1111").await;
    type_over(&other, "Timeout", "2222").await;
    save(&one).await;
    one.see_gone("//*[@role='dialog']").await;
    other
        .see("//*[@role='dialog']//*[contains(., 'changed this extension meanwhile')]")
        .await;
    save(&other).await;
    let question = "//*[@role='radiogroup'][@aria-label='Timeout (ms)']";
    let told = other.text(question).await;
    assert!(told.contains("1111") && told.contains("2222"), "{told}");
    let timeout = "SELECT timeout_ms::text FROM extensions WHERE id = 'openai_gpt4'";
    let is = rows(&cluster.superuser(), timeout).await;
    assert_eq!(
        is,
        [[Some("1111".to_owned())]],
        "nothing was overwritten unasked"
    );
    other
        .click(&format!("{question}//label[@data-side='yours']"))
        .await;
    other.click("//button[normalize-space()='Save']").await;
    other.see_gone("//*[@role='dialog']").await;
    let is = rows(&cluster.superuser(), timeout).await;
    assert_eq!(is, [[Some("2222".to_owned())]], "as was chosen");

    let entries = Said::read(&cluster.superuser()).await.entries.len() - before.entries.len();
    assert_eq!(entries, SWITCHES + 2, "each click is one change");
    faults::report(
        "two windows on one registry",
        json!({ "changes": SWITCHES + 2, "audited": entries, "conflicts_asked": 1 }),
    );
    one.close(&accounts[0]).await;
    other.close(&accounts[1]).await;
}
