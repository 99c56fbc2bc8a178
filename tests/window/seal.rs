//! The audit log's seal, as the window shows it.

use system_tests::database::execute;
use system_tests::servers::superuser_of;

use crate::application::Account;

#[tokio::test]
async fn a_tampered_log_is_loud_and_names_the_entry() {
    let account = Account::new();
    let window = account.start().await;
    for state in ["Off", "On", "Off"] {
        window.click_switch("mock_provider").await;
        window.see_state("mock_provider", state).await;
    }
    window.open_page("Audit").await;
    window.see("//*[@data-audit-revision='3']").await;
    window
        .see("//*[contains(., 'Sealed and verified to #3')]")
        .await;

    execute(
        &superuser_of(&account.data_directory),
        "ALTER TABLE public.extension_audit_log DISABLE TRIGGER ALL;
         UPDATE public.extension_audit_log SET changed_by = 'another' WHERE revision = 2",
    )
    .await
    .unwrap();
    window
        .click("//button[normalize-space()='Verify now']")
        .await;
    window
        .see("//*[@role='alert'][contains(., 'The content of entry #2')]")
        .await;
    window
        .see("//*[@data-testid='seal-fault'][.='content_changed']")
        .await;
    window
        .see_gone("//*[contains(., 'Sealed and verified')]")
        .await;
    window.picture("audit-not-whole-light").await;
    window.close(&account).await;
}

#[tokio::test]
async fn the_shield_is_there_on_every_page_and_after_a_restart() {
    let account = Account::new();
    let window = account.start().await;
    for state in ["Off", "On", "Off"] {
        window.click_switch("mock_provider").await;
        window.see_state("mock_provider", state).await;
    }
    window.open_page("Audit").await;
    window
        .click("//button[normalize-space()='Verify now']")
        .await;
    window
        .see("//*[@data-testid='shield'][contains(., '#3')]")
        .await;
    window.open_page("Settings").await;
    window.see("//*[@data-testid='shield']").await;
    window.picture("shield-light").await;
    window.close(&account).await;

    // Known at once at the next start, before anything is verified.
    let kept = account.state_file("verifications.json");
    assert!(kept.contains("\"whole_revision\": 3"), "{kept}");
    let window = account.start().await;
    window
        .see("//*[@data-testid='shield'][contains(., '#3')]")
        .await;
    window.click("//*[@data-testid='shield']").await;
    window.see("//h1[.='Audit']").await;
    execute(
        &superuser_of(&account.data_directory),
        "ALTER TABLE public.extension_audit_log DISABLE TRIGGER ALL;
         UPDATE public.extension_audit_log SET changed_by = 'another' WHERE revision = 2",
    )
    .await
    .unwrap();
    window
        .click("//button[normalize-space()='Verify now']")
        .await;
    window
        .see("//header//a[contains(., 'Audit log not whole from #2')]")
        .await;
    window.picture("shield-broken-light").await;
    window.close(&account).await;

    // A fault stays loud over a restart.
    let window = account.start().await;
    window
        .see("//header//a[contains(., 'Audit log not whole from #2')]")
        .await;
    window.close(&account).await;
}
