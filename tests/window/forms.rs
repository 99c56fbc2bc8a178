//! Forms: nothing that is typed is lost, whatever happens to the database, the program or the extension.

use std::path::Path;
use std::time::{Duration, Instant};

use system_tests::database::execute;
use system_tests::desktop::ask_windows_to_close;
use system_tests::servers::superuser_of;

use crate::application::{Account, Window};
use crate::console::{button, field, open, write_json};
use crate::menu::{CONTROL, press_on_screen};
use crate::sudden_death::{kill_9, server_process_id};

const BANNER: &str = "//section[@aria-label='The database is away']";
const QUESTION: &str = "//*[@role='alertdialog']";

pub(crate) async fn edit(window: &Window, id: &str) {
    open(window, id).await;
    window
        .click("//aside//button[normalize-space()='Edit']")
        .await;
    window.see(&field("Subject")).await;
}

/// Types over all of a field's text, key by key.
pub(crate) async fn type_over(window: &Window, label: &str, text: &str) {
    window.click(&field(label)).await;
    window.see_focus_in(&field(label)).await;
    window.press(&["Control", "a"]).await;
    window.type_text(text).await;
}

pub(crate) async fn value_of(window: &Window, label: &str) -> String {
    window
        .see(&field(label))
        .await
        .prop("value")
        .await
        .unwrap()
        .unwrap()
}

/// Leaves the form without what was typed.
pub(crate) async fn discard(window: &Window) {
    window.click(&button("Cancel")).await;
    window
        .click(&format!(
            "{QUESTION}//button[normalize-space()='Discard changes']"
        ))
        .await;
    window.see_gone("//*[@role='dialog']").await;
}

async fn json_of(window: &Window, label: &str) -> String {
    window
        .text(&format!(
            "//*[@role='dialog']//*[@aria-label='{label}'][@contenteditable]"
        ))
        .await
}

async fn assert_in_database(account: &Account, condition: &str) {
    let block = format!("DO $$ BEGIN ASSERT (SELECT {condition}); END $$");
    execute(&superuser_of(&account.data_directory), &block)
        .await
        .unwrap();
}

/// Waits until the database was opened so many times.
async fn see_opened(account: &Account, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while account.log().matches("database is open").count() < count {
        assert!(Instant::now() < deadline, "{}", account.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn see_ended(process_id: u32, within: Duration) {
    let deadline = Instant::now() + within;
    while Path::new(&format!("/proc/{process_id}")).exists() {
        assert!(Instant::now() < deadline, "the program ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Clicks the cross until the question is there: GTK drops a request that comes while a click is still being
/// worked on.
async fn ask_to_close(account: &Account, window: &Window) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while window.count(QUESTION).await == 0 {
        assert!(Instant::now() < deadline, "nothing is asked");
        ask_windows_to_close(&account.desktop.display);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_form_outlives_its_database_with_all_that_was_typed() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    edit(&window, "openai_gpt4").await;
    type_over(&window, "Subject", "beamline.typed.v1").await;
    window
        .click("//*[@role='dialog']//label[normalize-space()='JSON']")
        .await;
    // A secret, which no draft on the disk would hold.
    let config = r#"{"model": "gpt-4", "api_key": "planted-secret"}"#;
    write_json(&window, "Configuration", config).await;

    kill_9(server_process_id(&account));
    see_opened(&account, 2).await;
    window.see_gone(BANNER).await;
    assert_eq!(value_of(&window, "Subject").await, "beamline.typed.v1");
    assert!(
        json_of(&window, "Configuration")
            .await
            .contains("planted-secret")
    );

    // It ends so often that it does not come back by itself.
    for count in 3..=5 {
        kill_9(server_process_id(&account));
        if count < 5 {
            see_opened(&account, count).await;
        }
    }
    let banner = window.text(&format!("{BANNER}[@data-failed]")).await;
    assert!(
        banner.contains("did not come back") && banner.contains("What you type stays"),
        "{banner}"
    );
    window.click(&button("Review")).await;
    window.see(&format!("{}[@disabled]", button("Save"))).await;
    window.picture("away-light").await;
    window
        .click(&format!("{BANNER}//button[normalize-space()='Try again']"))
        .await;
    window.see_gone(BANNER).await;
    window.click(&button("Save")).await;
    window.see_gone("//*[@role='dialog']").await;
    assert_in_database(
        &account,
        "subject = 'beamline.typed.v1' AND config ->> 'api_key' = 'planted-secret'
         FROM extensions WHERE id = 'openai_gpt4'",
    )
    .await;
    window.close(&account).await;
}

#[tokio::test]
async fn kill_9_under_a_form_leaves_a_draft_that_merges() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    edit(&window, "mock_provider").await;
    type_over(&window, "Subject", "beamline.drafted.v1").await;
    window.click(&button("Review")).await;
    window.see("//*[@role='dialog']//textarea").await;
    window.see_focus_in("//*[@role='dialog']//textarea").await;
    window.type_text("because").await;
    // The draft is kept after a pause; the engine writes it to the disk within a second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let process_id = account.process_id();
    kill_9(process_id);
    see_ended(process_id, Duration::from_secs(10)).await;
    drop(window);

    let window = account.start().await;
    window.see_state("mock_provider", "On").await;
    // Meanwhile another changes something else; the draft must not put back what it was.
    execute(
        &superuser_of(&account.data_directory),
        "UPDATE extensions SET retry = 7 WHERE id = 'mock_provider'",
    )
    .await
    .unwrap();
    // The panel that was open is open again.
    window
        .click("//aside//button[normalize-space()='Edit']")
        .await;
    window.see(&button("Go on with it")).await;
    window.picture("draft-light").await;
    window.click(&button("Go on with it")).await;
    let reason = window.see("//*[@role='dialog']//textarea").await;
    assert_eq!(reason.prop("value").await.unwrap().unwrap(), "because");
    window.click(&button("Save")).await;
    window.see_gone("//*[@role='dialog']").await;
    assert_in_database(
        &account,
        "subject = 'beamline.drafted.v1' AND retry = 7 FROM extensions WHERE id = 'mock_provider'",
    )
    .await;
    window.close(&account).await;
}

#[tokio::test]
async fn leaving_asks_whichever_way_it_is_left() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    // A page to go back to.
    window.open_page("Audit").await;
    window.open_page("Extensions").await;
    edit(&window, "mock_provider").await;
    type_over(&window, "Subject", "beamline.typed.v1").await;
    let stay = format!("{QUESTION}//button[normalize-space()='Keep editing']");

    ask_to_close(&account, &window).await;
    window.picture("leaving-light").await;
    window.click(&stay).await;
    window.see_gone(QUESTION).await;

    window.run("history.back()").await;
    window.see(QUESTION).await;
    window.click(&stay).await;
    window.see_gone(QUESTION).await;
    window.see("//h1[contains(., 'Extensions')]").await;
    assert_eq!(value_of(&window, "Subject").await, "beamline.typed.v1");

    let process_id = account.process_id();
    press_on_screen(&account.desktop.display, &[CONTROL, 'q'.into()]);
    let quit = window
        .see(&format!(
            "{QUESTION}//button[normalize-space()='Quit, keep the draft']"
        ))
        .await;
    // The driver's session ends with the program, perhaps before it has told of the click.
    let _ = quit.click().await;
    see_ended(process_id, Duration::from_secs(30)).await;
    assert!(account.log().contains("stopped"), "in order");
    drop(window);

    let window = account.start().await;
    window
        .click("//aside//button[normalize-space()='Edit']")
        .await;
    window.click(&button("Go on with it")).await;
    assert_eq!(value_of(&window, "Subject").await, "beamline.typed.v1");
    discard(&window).await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_page_that_hangs_keeps_no_window_open() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    edit(&window, "mock_provider").await;
    type_over(&window, "Subject", "beamline.typed.v1").await;
    ask_to_close(&account, &window).await;
    window
        .click(&format!(
            "{QUESTION}//button[normalize-space()='Keep editing']"
        ))
        .await;
    window.run("setTimeout(() => { for (;;) {} }, 100)").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let process_id = account.process_id();
    // Within the five seconds of the question and the fifteen of the server; and again, as a person would: GTK
    // drops a request that comes while a click is still being worked on.
    let deadline = Instant::now() + Duration::from_secs(40);
    while Path::new(&format!("/proc/{process_id}")).exists() {
        assert!(Instant::now() < deadline, "the program ends");
        ask_windows_to_close(&account.desktop.display);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let log = account.log();
    assert!(
        log.contains("the page does not answer") && log.contains("stopped"),
        "{log}"
    );
}

#[tokio::test]
async fn the_configuration_is_edited_by_its_fields_reviewed_and_taken_back() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    for colours in ["Light", "Dark"] {
        window.choose_colours(colours).await;
        window.open_page("Extensions").await;
        edit(&window, "mock_provider").await;
        window
            .picture(&format!("form-{}", colours.to_lowercase()))
            .await;
        type_over(&window, "Latency", "75").await;
        type_over(&window, "Subject", "beamline.provider.mock.v2").await;
        window.click(&button("Review")).await;
        window
            .see("//*[@role='dialog']//*[@data-layout='side']//dt[contains(., 'latency_ms')]")
            .await;
        window
            .click("//*[@role='dialog']//button[contains(., 'unchanged')]")
            .await;
        window
            .picture(&format!("review-{}", colours.to_lowercase()))
            .await;
        window
            .click("//*[@role='dialog']//label[normalize-space()='Inline']")
            .await;
        window
            .see("//*[@role='dialog']//*[@data-layout='inline']")
            .await;
        window
            .picture(&format!("review-inline-{}", colours.to_lowercase()))
            .await;
        window
            .click("//*[@role='dialog']//label[normalize-space()='Side by side']")
            .await;
        if colours == "Light" {
            window.press(&["Escape"]).await;
            window
                .click(&format!(
                    "{QUESTION}//button[normalize-space()='Discard changes']"
                ))
                .await;
            window.see_gone("//*[@role='dialog']").await;
        }
    }
    window.click(&button("Save")).await;
    window.see_gone("//*[@role='dialog']").await;
    assert_in_database(
        &account,
        "config = '{\"mode\": \"echo\", \"latency_ms\": 75}' FROM extensions WHERE id = 'mock_provider'",
    )
    .await;
    window
        .click("//*[@role='alert'][contains(., 'Saved')]//button[normalize-space()='Undo']")
        .await;
    window
        .see("//aside//*[contains(., 'beamline.provider.mock.v1')]")
        .await;
    assert_in_database(
        &account,
        "config = '{\"mode\": \"echo\", \"latency_ms\": 50}' FROM extensions WHERE id = 'mock_provider'",
    )
    .await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_conflict_is_resolved_against_its_base_with_the_result_in_sight() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    edit(&window, "mock_provider").await;
    type_over(&window, "Mode", "mine").await;
    type_over(&window, "Timeout", "1234").await;
    type_over(&window, "Subject", "beamline.provider.mine.v1").await;
    execute(
        &superuser_of(&account.data_directory),
        "UPDATE extensions SET retry = 7, timeout_ms = 4321,
             config = '{\"mode\": \"theirs\", \"latency_ms\": 50}' WHERE id = 'mock_provider'",
    )
    .await
    .unwrap();
    window
        .click("//*[@role='dialog']//button[normalize-space()='Show what']")
        .await;
    window
        .see("//*[@aria-label='What others changed']//dt[contains(., 'Retries')]")
        .await;
    window.picture("meanwhile-light").await;
    window.click(&button("Review")).await;
    window.click(&button("Save")).await;
    let place = |name: &str| format!("//*[@role='radiogroup'][@aria-label='{name}']");
    let mode = window.text(&place("Configuration › mode")).await;
    assert!(
        mode.contains("echo") && mode.contains("theirs") && mode.contains("mine"),
        "{mode}"
    );
    window.picture("conflict-light").await;
    window.click(&button("All yours")).await;
    window
        .click(&format!(
            "{}//label[@data-side='theirs']",
            place("Timeout (ms)")
        ))
        .await;
    window
        .see("//*[@aria-label='Changes of the result']//dt[contains(., 'mode')]")
        .await;
    window.picture("conflict-chosen-light").await;
    window
        .run("document.documentElement.dataset.mantineColorScheme = 'dark'")
        .await;
    window.picture("conflict-dark").await;
    window.click(&button("Save")).await;
    window.see_gone("//*[@role='dialog']").await;
    assert_in_database(
        &account,
        "subject = 'beamline.provider.mine.v1' AND retry = 7 AND timeout_ms = 4321
             AND config = '{\"mode\": \"mine\", \"latency_ms\": 50}'
         FROM extensions WHERE id = 'mock_provider'",
    )
    .await;
    window.close(&account).await;
}

#[tokio::test]
async fn what_was_deleted_meanwhile_is_made_anew_from_what_was_typed() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    edit(&window, "mock_provider").await;
    type_over(&window, "Subject", "beamline.anew.v1").await;
    execute(
        &superuser_of(&account.data_directory),
        "DELETE FROM extensions WHERE id = 'mock_provider'",
    )
    .await
    .unwrap();
    window.click(&button("What now?")).await;
    window
        .see("//*[@aria-label='Deleted meanwhile'][contains(., 'deleted')]")
        .await;
    window.picture("deleted-meanwhile-light").await;
    window.click(&button("Create it anew…")).await;
    window.click(&button("Review")).await;
    window.click(&button("Create")).await;
    window.see_gone("//*[@role='dialog']").await;
    assert_in_database(
        &account,
        "subject = 'beamline.anew.v1' AND config ->> 'mode' = 'echo' FROM extensions WHERE id = 'mock_provider'",
    )
    .await;
    window.close(&account).await;
}
