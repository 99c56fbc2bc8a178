//! The administrator's day: open, edit, meet a conflict, look back, restore, delete, filter, take back.

use system_tests::database::execute;
use system_tests::servers::superuser_of;

use crate::application::{Account, Window};

/// A field of the form by its label.
pub(crate) fn field(label: &str) -> String {
    format!(
        "//*[@role='dialog']//*[self::input or self::textarea][@id=//label[normalize-space()='{label}']/@for]"
    )
}

pub(crate) fn button(name: &str) -> String {
    format!("//*[@role='dialog']//button[normalize-space()='{name}']")
}

/// The form's editor by its label.
fn editor(label: &str) -> String {
    format!("[role=dialog] [aria-label='{label}'][contenteditable]")
}

/// Writes over all of an editor's text.
pub(crate) async fn write_json(window: &Window, label: &str, text: &str) {
    window
        .see(&format!(
            "//*[@role='dialog']//*[@aria-label='{label}'][@contenteditable]"
        ))
        .await;
    let script = format!(
        "const editor = document.querySelector(\"{}\");
         editor.focus();
         getSelection().selectAllChildren(editor);
         document.execCommand('insertText', false, {});",
        editor(label),
        serde_json::Value::from(text)
    );
    window.run(&script).await;
}

pub(crate) async fn open(window: &Window, id: &str) {
    window
        .click(&format!(
            "//tr[@data-extension-id='{id}']/td[@data-column='timeout_ms']"
        ))
        .await;
    window
        .see(&format!(
            "//aside[@aria-label='Extension {id}']//button[normalize-space()='Edit']"
        ))
        .await;
}

#[tokio::test]
async fn an_extension_is_created_edited_restored_and_deleted() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;

    window.click("//button[normalize-space()='New']").await;
    window.write(&field("Id"), "fresh").await;
    window.write(&field("Subject"), "beamline.fresh.*").await;
    window
        .see("//*[@role='dialog'][contains(., 'no wildcards')]")
        .await;
    window.write(&field("Subject"), "beamline.fresh.v1").await;
    write_json(
        &window,
        "Configuration",
        r#"{"rate": 1.00, "api_key": "planted"}"#,
    )
    .await;
    window.click(&button("Review")).await;
    window
        .see("//*[@role='dialog']//*[contains(., 'What is created')]")
        .await;
    window.picture("review-new-light").await;
    window.click(&button("Create")).await;
    window.see("//aside[@aria-label='Extension fresh']").await;

    window
        .click("//aside//button[@role='tab'][contains(., 'Configuration')]")
        .await;
    window
        .see("//aside//pre[contains(., 'hidden (')][contains(., '1.00')]")
        .await;
    let text = window.see_text().await;
    assert!(!text.contains("planted"), "the secret is not shown: {text}");
    window.picture("panel-light").await;

    // The configuration is edited as JSON, with the secret hidden and kept.
    window
        .click("//aside//button[normalize-space()='Edit']")
        .await;
    window
        .see("//*[@role='dialog']//*[@aria-label='Configuration'][contains(., 'rate')]")
        .await;
    let config = window
        .run(&format!(
            "return [...document.querySelectorAll(\"{} .cm-line\")].map((line) => line.textContent).join('\\n')",
            editor("Configuration")
        ))
        .await;
    let edited = config.as_str().unwrap().replace("1.00", "2.50");
    write_json(&window, "Configuration", &edited).await;
    window.click(&button("Review")).await;
    window
        .see("//*[@role='dialog']//dt[contains(., 'rate')]")
        .await;
    window.click(&button("Save")).await;
    window.see("//aside//pre[contains(., '2.50')]").await;
    let database = superuser_of(&account.data_directory);
    execute(
        &database,
        "DO $$ BEGIN ASSERT (SELECT config = '{\"rate\": 2.50, \"api_key\": \"planted\"}' FROM extensions WHERE id = 'fresh'); END $$",
    )
    .await
    .unwrap();

    // The first version comes back from the history.
    window
        .click("//aside//button[@role='tab'][contains(., 'History')]")
        .await;
    window
        .click("(//aside//*[@data-audit-revision])[2]//button[@aria-expanded]")
        .await;
    window.picture("history-light").await;
    window
        .click("//aside//button[normalize-space()='Restore this version']")
        .await;
    window
        .click("//*[@role='dialog']//button[@type='submit']")
        .await;
    window.see_gone("//*[@role='dialog']").await;
    window.see("(//aside//*[@data-audit-revision])[3]").await;
    window
        .see("//aside//*[contains(., 'brought back version #1')]")
        .await;

    window.click("//aside//button[@aria-label='More']").await;
    window
        .click("//*[@role='menuitem'][contains(., 'Delete')]")
        .await;
    window.click(&button("Delete")).await;
    window.see_gone("//tr[@data-extension-id='fresh']").await;
    window.close(&account).await;
}

#[tokio::test]
async fn two_who_change_the_same_choose_and_lose_nothing() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    open(&window, "mock_provider").await;
    window
        .click("//aside//button[normalize-space()='Edit']")
        .await;
    // Its schema makes fields of the configuration; the JSON is the other view of it.
    window
        .see("//*[@role='dialog']//label[normalize-space()='Mode']")
        .await;
    window
        .click("//*[@role='dialog']//label[normalize-space()='JSON']")
        .await;
    write_json(
        &window,
        "Configuration",
        r#"{"mode": "mine", "latency_ms": 50}"#,
    )
    .await;
    execute(
        &superuser_of(&account.data_directory),
        "UPDATE extensions SET retry = 7, config = '{\"mode\": \"theirs\", \"latency_ms\": 50}' WHERE id = 'mock_provider'",
    )
    .await
    .unwrap();
    window
        .see("//*[@role='dialog']//*[contains(., 'changed this extension meanwhile')]")
        .await;
    window.click(&button("Review")).await;
    window.click(&button("Save")).await;
    window
        .see("//*[@role='dialog'][contains(., 'changed the same as you')]")
        .await;
    window
        .click("(//*[@role='dialog']//input[@type='radio'])[2]")
        .await;
    window.click(&button("Save")).await;
    window.see_gone("//*[@role='dialog']").await;
    execute(
        &superuser_of(&account.data_directory),
        "DO $$ BEGIN ASSERT (SELECT retry = 7 AND config = '{\"mode\": \"mine\", \"latency_ms\": 50}' FROM extensions WHERE id = 'mock_provider'); END $$",
    )
    .await
    .unwrap();
    window.close(&account).await;
}

#[tokio::test]
async fn the_log_is_filtered_exported_and_taken_back() {
    let account = Account::new();
    let window = account.start().await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    execute(
        &superuser_of(&account.data_directory),
        "SELECT set_config('registry.group_id', gen_random_uuid()::text, false);
         UPDATE extensions SET retry = 4 WHERE type = 'provider'",
    )
    .await
    .unwrap();
    window.open_page("Audit").await;
    window
        .see("//*[@data-audit-group][contains(., 'updated 3 extensions')]")
        .await;
    window
        .click("//button[@aria-pressed][normalize-space()='disabled']")
        .await;
    window.see_gone("//*[@data-audit-group]").await;
    window.click("//button[normalize-space()='Clear']").await;
    window
        .click("//*[@data-audit-group]//button[@aria-expanded]")
        .await;
    window
        .click("//button[normalize-space()='Only this group']")
        .await;
    window.see_gone("//*[@data-audit-revision='1']").await;
    window.see("(//*[@data-audit-revision])[3]").await;
    window.picture("audit-only-group-light").await;
    window
        .click("//button[normalize-space()='Undo the whole group']")
        .await;
    window
        .click("//*[@role='dialog']//button[@type='submit']")
        .await;
    window
        .see("//*[@role='alert'][contains(., 'Undone: 3 extensions are as before')]")
        .await;
    execute(
        &superuser_of(&account.data_directory),
        "DO $$ BEGIN ASSERT (SELECT count(*) = 0 FROM extensions WHERE retry = 4); END $$",
    )
    .await
    .unwrap();
    window.click("//button[normalize-space()='Export']").await;
    window
        .click("//*[@role='menuitem'][contains(., 'CSV')]")
        .await;
    window
        .see("//*[@role='alert'][contains(., 'Exported 3 changes')]")
        .await;
    let notice = window
        .text("//*[@role='alert'][contains(., 'Exported')]")
        .await;
    let path = &notice[notice.find('/').expect("a path")..];
    let path = path.trim().trim_end_matches("Show in folder");
    let exported = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        exported.lines().count(),
        4,
        "a head and the three that match: {exported}"
    );
    window.close(&account).await;
}
