//! The first thing that an administrator does: look, switch, undo, see it in the audit log, come
//! back tomorrow.

use system_tests::database::execute;
use system_tests::servers::superuser_of;

use crate::application::Account;

#[tokio::test]
async fn a_switch_is_undone_audited_and_kept_over_a_restart() {
    let account = Account::new();
    let window = account.start().await;

    // Six rows, all on.
    for id in [
        "normalize_text",
        "pii_guard",
        "mask_sensitive_data",
        "anthropic_claude",
        "mock_provider",
        "openai_gpt4",
    ] {
        window.see_state(id, "On").await;
    }
    assert_eq!(window.count("//tr[@data-extension-id]").await, 6);
    let row = window.text("//tr[@data-extension-id='pii_guard']").await;
    for part in [
        "pii_guard",
        "validator",
        "beamline.ext.validate.pii_guard.v1",
        "200 ms",
        "×1",
    ] {
        assert!(row.contains(part), "{part} is in {row:?}");
    }

    // One click switches off; the notice offers to undo it.
    window.click_switch("openai_gpt4").await;
    window.see_state("openai_gpt4", "Off").await;
    window
        .see("//*[@role='alert'][contains(., 'openai_gpt4')]")
        .await;
    window.picture("extensions-switched-light").await;
    window.click("//button[normalize-space()='Undo']").await;
    window.see_state("openai_gpt4", "On").await;

    // Off again, to stay.
    window.click_switch("openai_gpt4").await;
    window.see_state("openai_gpt4", "Off").await;
    let person = registry::os_user();
    window
        .see(&format!(
            "//tr[@data-extension-id='openai_gpt4'][contains(., '{person}')]"
        ))
        .await;

    // The audit page tells the three switches, by whom and what changed.
    window.open_page("Audit").await;
    window.see("(//*[@data-audit-revision])[3]").await;
    let newest = window.text("(//*[@data-audit-revision])[1]").await;
    for part in [person, "disabled", "openai_gpt4", "true", "false"] {
        assert!(newest.contains(part), "{part} is in {newest:?}");
    }
    let before = window.text("(//*[@data-audit-revision])[2]").await;
    assert!(before.contains("enabled"), "{before:?}");
    window
        .click("(//*[@data-audit-revision])[1]//button[@aria-expanded]")
        .await;
    window
        .see("(//*[@data-audit-revision])[1]//*[contains(., 'local socket')]")
        .await;
    let details = window.text("(//*[@data-audit-revision])[1]").await;
    for part in ["login", "OS user", "beamline-registry"] {
        assert!(
            details.to_lowercase().contains(&part.to_lowercase()),
            "{part} is in {details:?}"
        );
    }
    window.picture("audit-light").await;

    window.close(&account).await;
    assert!(
        account
            .server_log()
            .contains("database system is shut down"),
        "closing the window stops the server in order: {} {}",
        account.log(),
        account.server_log()
    );

    // Tomorrow it is still off, and the window goes on where it was.
    let window = account.start().await;
    window.see("//h1[contains(., 'Audit')]").await;
    window.open_page("Extensions").await;
    window.see_state("openai_gpt4", "Off").await;
    window.open_page("Audit").await;
    window.see("(//*[@data-audit-revision])[3]").await;
    assert!(!account.server_log().contains("not properly shut down"));
    window.close(&account).await;
}

#[tokio::test]
async fn every_page_opens_in_light_and_in_dark() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    window.click_switch("anthropic_claude").await;
    window.see_state("anthropic_claude", "Off").await;
    window
        .click(
            "//*[@role='alert'][contains(., 'anthropic_claude')]//button[normalize-space()='Undo']",
        )
        .await;
    window.see_state("anthropic_claude", "On").await;
    // What routers write.
    execute(
        &superuser_of(&account.data_directory),
        "INSERT INTO public.extension_health VALUES
             ('pii_guard', now() - interval '40 s', now() - interval '9 s', 388, 1654, 41.5, now()),
             ('openai_gpt4', now() - interval '2 s', now() - interval '3 h', 61, 1840, 1260.75, now()),
             ('anthropic_claude', now() - interval '1 s', now() - interval '2 d', 3, 2412, 984.2, now()),
             ('normalize_text', now() - interval '1 s', NULL, 0, 6342, 1.8, now()),
             ('mask_sensitive_data', now() - interval '1 s', NULL, 0, 4311, 2.1, now())",
    )
    .await
    .unwrap();
    for scheme in ["Light", "Dark"] {
        window.choose_colours(scheme).await;
        for page in ["Extensions", "Audit", "Health", "Settings"] {
            window.open_page(page).await;
            window.see_gone("//*[@data-loading='true']").await;
            window
                .picture(&format!("{page}-{scheme}").to_lowercase())
                .await;
        }
    }
    let text = window.see_text().await;
    for part in [
        "PostgreSQL",
        account.data_directory.to_str().unwrap(),
        "table shown",
    ] {
        assert!(
            text.contains(part),
            "{part} is on the settings page: {text}"
        );
    }
    window.close(&account).await;
    let log = account.log();
    for phase in [
        "toolkit ready",
        "starting PostgreSQL",
        "database ready",
        "table shown",
    ] {
        assert!(
            log.contains(&format!("start phase: {phase}")),
            "{phase} is in the log"
        );
    }
}
