//! Pictures of every page, light and dark, on a small screen and on a large one: to be looked at. What must hold in
//! each of them is checked as well: nothing is wider than the window.

use serde_json::json;
use system_tests::database::execute;
use system_tests::desktop::ScreenSize;
use system_tests::servers::superuser_of;

use crate::application::{Account, Window};

/// A registry in use: calls, routers, changes by several logins.
pub(crate) const IN_USE: &str = "\
    CREATE ROLE operations SUPERUSER;
    CREATE ROLE release SUPERUSER;
    INSERT INTO registry_consumers
    SELECT gen_random_uuid(), name, host, '2.1', 'router', NULL, revision, now() - interval '3 days', now()
    FROM (VALUES ('router-eu-1', 'eu-1', 6), ('router-eu-2', 'eu-2', 6), ('router-us-1', 'us-1', 4)) AS routers (name, host, revision);
    SELECT registry_record_health(
        array_agg(id), array_agg(n % 100 >= failing_percent), array_agg(latency_ms * (1 + (n * 37 % 50) / 100.0)),
        array_agg(now() - interval '24 hours' * n / calls))
    FROM (VALUES ('normalize_text', 0, 1.8, 6000), ('pii_guard', 19, 41, 2000), ('mask_sensitive_data', 0, 2.1, 4000),
                 ('anthropic_claude', 1, 984, 1500), ('openai_gpt4', 4, 1260, 1800)) AS traffic (id, failing_percent, latency_ms, calls),
         generate_series(0, calls - 1) AS n;
    SET SESSION AUTHORIZATION operations;
    SELECT set_config('registry.reason', 'false positives on invoices', false);
    UPDATE extensions SET enabled = false WHERE id = 'mask_sensitive_data';
    SELECT set_config('registry.reason', '', false);
    UPDATE extensions SET enabled = true WHERE id = 'mask_sensitive_data';
    SET SESSION AUTHORIZATION release;
    SELECT set_config('registry.reason', 'slower model', false);
    UPDATE extensions SET timeout_ms = 45000, config = config || '{\"model\": \"large\"}' WHERE id = 'openai_gpt4';
    SELECT set_config('registry.reason', '', false), set_config('registry.group_id', gen_random_uuid()::text, false);
    UPDATE extensions SET retry = retry + 1 WHERE type = 'provider'";

async fn assert_it_fits(window: &Window, page: &str) {
    let wider = window
        .run(
            "return [document.documentElement, document.body, document.querySelector('main')]
                 .filter((part) => part.scrollWidth > part.clientWidth)
                 .map((part) => `${part.tagName} ${part.scrollWidth} > ${part.clientWidth}`)",
        )
        .await;
    assert_eq!(wider, json!([]), "{page} is no wider than the window");
}

/// Opens an address as the router knows it.
pub(crate) async fn open(window: &Window, address: &str, heading: &str) {
    window.go(address).await;
    window
        .see(&format!("//h1[normalize-space()='{heading}']"))
        .await;
    window
        .see("//html[not(.//*[@aria-busy='true' or @data-loading='true'])]")
        .await;
}

pub(crate) const PAGES: [(&str, &str, &str); 14] = [
    ("extensions", "/extensions", "Extensions"),
    (
        "panel",
        "/extensions?open=openai_gpt4&tab=configuration",
        "Extensions",
    ),
    ("page", "/extensions/openai_gpt4", "Extension"),
    ("audit", "/audit", "Audit"),
    ("as-of", "/as-of?revision=2", "Registry as of"),
    ("health", "/health", "Health"),
    ("routers", "/routers", "Routers"),
    ("import", "/import", "Import"),
    ("backups", "/backups", "Backups"),
    ("connections", "/connections", "Connections"),
    ("settings", "/settings", "Settings"),
    ("help", "/help/readme", "Beamline Registry"),
    ("help-schema", "/help/schema", "The schema"),
    (
        "form",
        "/extensions?open=openai_gpt4&form=edit",
        "Extensions",
    ),
];

/// The routers report every few seconds, as real ones do.
fn keep_reporting(account: &Account) -> tokio::task::JoinHandle<()> {
    let database = superuser_of(&account.data_directory);
    tokio::spawn(async move {
        loop {
            execute(&database, "UPDATE registry_consumers SET seen_at = now()")
                .await
                .unwrap();
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        }
    })
}

async fn every_page_at(screen: ScreenSize) {
    let account = Account::with_screen(screen, &[]);
    let window = account.start().await;
    window.fill(screen).await;
    window.see_state("pii_guard", "On").await;
    execute(&superuser_of(&account.data_directory), IN_USE)
        .await
        .unwrap();
    window
        .see("//tr[@data-extension-id='openai_gpt4'][contains(., 'release')]")
        .await;
    window.see_gone("//tr[@data-news]").await;
    for scheme in ["Light", "Dark"] {
        window.choose_colours(scheme).await;
        let routers = keep_reporting(&account);
        for (name, address, heading) in PAGES {
            open(&window, address, heading).await;
            if name == "form" {
                // It comes with its editor, later than the page.
                window
                    .see("//*[@role='dialog']//*[contains(@class, 'cm-editor')]")
                    .await;
            }
            window
                .picture(&format!(
                    "{name}-{}-{}",
                    scheme.to_lowercase(),
                    screen.width
                ))
                .await;
            assert_it_fits(&window, name).await;
        }
        window.press(&["Escape"]).await;
        window.see_gone("//*[@role='dialog']").await;
        window.press(&["Escape"]).await;
        window.press(&["/"]).await;
        window.type_text("type:").await;
        window.see("//*[@role='option']").await;
        window
            .picture(&format!(
                "completion-{}-{}",
                scheme.to_lowercase(),
                screen.width
            ))
            .await;
        window.press(&["Escape"]).await;
        window.press(&["Escape"]).await;
        // The only one of its type.
        window.click_switch("pii_guard").await;
        window.see("//*[@data-testid='traffic-effects']").await;
        window
            .picture(&format!(
                "question-{}-{}",
                scheme.to_lowercase(),
                screen.width
            ))
            .await;
        assert_it_fits(&window, "the question").await;
        window.press(&["Escape"]).await;
        window.see_gone("//*[@role='dialog']").await;
        routers.abort();
    }
    window.close(&account).await;
}

#[tokio::test]
async fn every_page_on_a_small_screen() {
    every_page_at(ScreenSize::SMALL).await;
}

#[tokio::test]
async fn every_page_on_a_large_screen() {
    every_page_at(ScreenSize::LARGE).await;
}
