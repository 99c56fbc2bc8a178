//! How calls went over time, with made-up calls that say that they are.

use system_tests::application::Account;
use system_tests::database::execute;
use system_tests::servers::superuser_of;

#[tokio::test]
async fn an_empty_registry_shows_sample_traffic_and_forgets_it() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.open_page("Health").await;
    window
        .click("//button[normalize-space()='Show sample traffic']")
        .await;
    window.see("//*[contains(., 'made up')]").await;
    // One fails since twenty minutes ago.
    window.click("//button[normalize-space()='1 h']").await;
    window
        .see("//tr[@data-extension-id][1][contains(., 'Failing') or contains(., 'Degraded')]//*[@role='img']")
        .await;
    window.picture("health-sample-light").await;
    window.click("//button[normalize-space()='7 days']").await;
    window.see("//th[contains(., '6 hours')]").await;
    window
        .run("document.documentElement.dataset.mantineColorScheme = 'dark'")
        .await;
    window.picture("health-sample-week-dark").await;

    // A call of a router, and it is on the page by itself.
    window
        .click("//button[normalize-space()='Remove them']")
        .await;
    window.see_gone("//*[contains(., 'made up')]").await;
    window.click("//button[normalize-space()='1 h']").await;
    execute(
        &superuser_of(&account.data_directory),
        "SELECT record_health('pii_guard', n > 1, 20 * n) FROM generate_series(1, 4) AS n",
    )
    .await
    .unwrap();
    window
        .see("//tr[@data-extension-id='pii_guard'][contains(., 'Failing')][contains(., '75.0')]")
        .await;
    window
        .see_gone("//button[normalize-space()='Show sample traffic']")
        .await;
    window.close(&account).await;
}
