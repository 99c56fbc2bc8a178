//! The registry to a file and back, with a look at what would change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use system_tests::database::execute;
use system_tests::servers::superuser_of;
use tokio::time::sleep;

use crate::application::{Account, Window};

async fn sql(account: &Account, statements: &str) {
    execute(&superuser_of(&account.data_directory), statements)
        .await
        .unwrap_or_else(|error| panic!("{statements}: {error}"));
}

/// Exports by the menu of the page and returns where to.
async fn export(window: &Window, format: &str) -> PathBuf {
    window.click("//button[normalize-space()='Export']").await;
    window
        .click(&format!("//*[@role='menuitem'][contains(., '{format}')]"))
        .await;
    // The next menu has the same items, and this one goes by and by.
    window.see_gone("//*[@role='menu']").await;
    let notice = window
        .text("//*[@role='alert'][contains(., 'Exported 6 extensions')]")
        .await;
    let path = PathBuf::from(notice[notice.find('/').expect("a path")..].trim());
    window
        .click("//*[@role='alert'][contains(., 'Exported')]//button[contains(@class, 'close')]")
        .await;
    window
        .see_gone("//*[@role='alert'][contains(., 'Exported')]")
        .await;
    path
}

/// Chooses a file as the file picker does.
async fn choose(window: &Window, path: &Path) {
    let input = window.see("//input[@type='file']").await;
    input
        .send_keys(path.to_str().expect("a path"))
        .await
        .expect("the file is chosen");
}

/// An export as somebody edits it: two changed, one new, one gone.
fn edit(yaml: &Path) -> PathBuf {
    let text = std::fs::read_to_string(yaml).unwrap();
    assert!(
        !text.contains("PLANTED") && text.contains("$redacted"),
        "{text}"
    );
    let at = text.find("  - id: mask_sensitive_data").unwrap();
    let end = at + 4 + text[at + 4..].find("  - id: ").unwrap();
    let edited = format!("{}{}", &text[..at], &text[end..])
        .replace("model: a\n", "model: b\n")
        .replace("timeout_ms: 200\n", "timeout_ms: 250\n")
        + "  - id: fresh\n    type: post\n    subject: beamline.fresh.v1\n    metadata:\n      owner: anna\n";
    let file = yaml.with_file_name("edited.yaml");
    std::fs::write(&file, edited).unwrap();
    file
}

#[tokio::test]
async fn the_registry_is_exported_to_files() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let json = export(&window, "JSON").await;
    let text = std::fs::read_to_string(&json).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["extensions"].as_array().unwrap().len(), 6);
    window
        .click("//tr[@data-extension-id='pii_guard']//input[@type='checkbox'][not(@role='switch')]")
        .await;
    window
        .click("//*[@role='toolbar']//button[normalize-space()='Export']")
        .await;
    window
        .click("//*[@role='menuitem'][contains(., 'YAML')]")
        .await;
    let notice = window
        .text("//*[@role='alert'][contains(., 'Exported 1 extension to')]")
        .await;
    let text = std::fs::read_to_string(notice[notice.find('/').expect("a path")..].trim()).unwrap();
    assert!(
        text.contains("- id: pii_guard\n") && !text.contains("mock_provider"),
        "{text}"
    );
    window.close(&account).await;
}

#[tokio::test]
async fn a_file_is_looked_at_imported_and_taken_back() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    sql(
        &account,
        "UPDATE extensions SET config = '{\"api_key\": \"PLANTED\", \"model\": \"a\"}' WHERE id = 'openai_gpt4'",
    )
    .await;

    let file = edit(&export(&window, "YAML").await);

    window.click("//button[normalize-space()='Import']").await;
    window.see("//h1[.='Import']").await;
    window.picture("import-empty-light").await;
    choose(&window, &file).await;
    for (id, words) in [
        ("fresh", "beamline.fresh.v1"),
        ("openai_gpt4", "model"),
        ("pii_guard", "Timeout (ms)"),
    ] {
        window
            .see(&format!(
                "//li[@data-planned='{id}'][contains(., '{words}')]"
            ))
            .await;
    }
    assert_eq!(window.count("//li[@data-planned]").await, 3);
    window.see("//*[contains(., '3 unchanged')]").await;
    window.picture("import-light").await;
    window
        .click("//label[contains(., 'Delete the one that the file')]")
        .await;
    window
        .see("//li[@data-planned='mask_sensitive_data'][contains(., 'deleted')]")
        .await;
    window
        .run("document.documentElement.dataset.mantineColorScheme = 'dark'")
        .await;
    window.picture("import-dark").await;

    // Somebody else is quicker: nothing is done, and the preview says what it would be now.
    window
        .write(
            "//input[@aria-label='Reason, for the audit log (optional)']",
            "new patterns",
        )
        .await;
    sql(
        &account,
        "UPDATE extensions SET retry = 8 WHERE id = 'normalize_text'",
    )
    .await;
    window
        .click("//button[normalize-space()='Import 4 changes, 1 of them deleted']")
        .await;
    window
        .see("//*[@role='status'][contains(., 'moved on')]")
        .await;
    window
        .see("//li[@data-planned='normalize_text'][contains(., 'Retries')]")
        .await;
    window.picture("import-moved-dark").await;
    sql(
        &account,
        "DO $$ BEGIN ASSERT (SELECT count(*) = 6 FROM extensions); END $$",
    )
    .await;

    window
        .click("//button[normalize-space()='Import 5 changes, 1 of them deleted']")
        .await;
    window
        .see("//*[@role='alert'][contains(., 'Imported edited.yaml: 1 created, 3 changed, 1 deleted')]")
        .await;
    window.see_state("fresh", "On").await;
    window
        .see_gone("//tr[@data-extension-id='mask_sensitive_data']")
        .await;
    sql(
        &account,
        "DO $$ BEGIN
             ASSERT (SELECT config = '{\"api_key\": \"PLANTED\", \"model\": \"b\"}' FROM extensions WHERE id = 'openai_gpt4');
             ASSERT (SELECT count(*) = 5 AND count(DISTINCT group_id) = 1 FROM extension_audit_log WHERE reason = 'new patterns');
         END $$",
    )
    .await;
    window
        .click("//*[@role='alert'][contains(., 'Imported')]//button[normalize-space()='Undo']")
        .await;
    window.see_state("mask_sensitive_data", "On").await;
    window.see_gone("//tr[@data-extension-id='fresh']").await;
    sql(
        &account,
        "DO $$ BEGIN
             ASSERT (SELECT config = '{\"api_key\": \"PLANTED\", \"model\": \"a\"}' FROM extensions WHERE id = 'openai_gpt4');
             ASSERT (SELECT retry = 8 FROM extensions WHERE id = 'normalize_text');
         END $$",
    )
    .await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_file_with_problems_says_where_they_are() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let file = account.data_directory.with_file_name("broken.yaml");
    std::fs::write(
        &file,
        "format: beamline-registry\nversion: 1\nextensions:\n\
         \x20 - id: pii_guard\n    type: validator\n    subject: beamline.provider.mock.v1\n    retry: 11\n\
         \x20 - id: <b>bold</b>\n    type: post\n    subject: \"a b\"\n",
    )
    .unwrap();
    // A file that is dropped on the window is looked at as one that was chosen.
    window
        .run(&format!(
            "const transfer = new DataTransfer();
             transfer.items.add(new File([{}], 'broken.yaml'));
             document.body.dispatchEvent(new DragEvent('drop', {{ bubbles: true, cancelable: true, dataTransfer: transfer }}));",
            serde_json::Value::from(std::fs::read_to_string(&file).unwrap())
        ))
        .await;
    for words in [
        "line 6:5",
        "line 7:5",
        "line 8:5",
        "line 10:5",
        "<b>bold</b>",
        "subject_taken",
        "rule_broken",
    ] {
        window
            .see(&format!(
                "//section[@aria-label='Problems']//li[contains(., '{words}')]"
            ))
            .await;
    }
    window
        .see("//button[starts-with(normalize-space(), 'Import 2')][@aria-disabled='true']")
        .await;
    for scheme in ["light", "dark"] {
        window
            .run(&format!(
                "document.documentElement.dataset.mantineColorScheme = '{scheme}'"
            ))
            .await;
        window.picture(&format!("import-problems-{scheme}")).await;
    }
    window.close(&account).await;
}

/// A list that has just opened takes no keys yet: they may have been meant for the text.
const LIST_SETTLES: Duration = Duration::from_millis(300);

#[tokio::test]
async fn the_editor_completes_from_the_schema() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    sql(
        &account,
        "UPDATE configuration_schemas SET schema = jsonb_set(schema, '{properties,mode,enum}', '[\"echo\", \"fail\"]')
         WHERE extension_id = 'mock_provider'",
    )
    .await;
    window
        .click("//tr[@data-extension-id='mock_provider']/td[@data-column='timeout_ms']")
        .await;
    window
        .click("//aside//button[normalize-space()='Edit']")
        .await;
    window
        .see("//*[@role='dialog']//label[normalize-space()='Mode']")
        .await;
    window
        .click("//*[@role='dialog']//label[normalize-space()='JSON']")
        .await;
    window
        .see("//*[@role='dialog']//*[@aria-label='Configuration'][@contenteditable]")
        .await;
    window
        .run(
            "const editor = document.querySelector(\"[role=dialog] [aria-label='Configuration'][contenteditable]\");
             editor.focus();
             getSelection().selectAllChildren(editor);
             document.execCommand('insertText', false, '{');",
        )
        .await;
    window.press(&["Control", "Space"]).await;
    window
        .see("//*[contains(@class, 'cm-tooltip-autocomplete')]//li[contains(., 'latency_ms')]")
        .await;
    window.picture("completion-light").await;
    // Escape is the list's, and the dialog stays.
    window.press(&["Escape"]).await;
    window
        .see_gone("//*[contains(@class, 'cm-tooltip-autocomplete')]")
        .await;
    let question = "//*[@role='alertdialog']";
    assert_eq!(window.count(question).await, 0);
    window.type_text("mo").await;
    window
        .see("//*[contains(@class, 'cm-tooltip-autocomplete')]//li[@aria-selected='true'][contains(., 'mode')]")
        .await;
    sleep(LIST_SETTLES).await;
    window.press(&["Enter"]).await;
    window
        .see("//*[contains(@class, 'cm-tooltip-autocomplete')]//li[contains(., 'fail')]")
        .await;
    window
        .run("document.documentElement.dataset.mantineColorScheme = 'dark'")
        .await;
    window.picture("completion-dark").await;
    sleep(LIST_SETTLES).await;
    window.press(&["ArrowDown"]).await;
    window.press(&["Enter"]).await;
    let text = window
        .run("return document.querySelector(\"[role=dialog] [aria-label='Configuration'][contenteditable]\").textContent")
        .await;
    assert!(
        text.as_str().unwrap().starts_with("{\"mode\": \"fail\""),
        "{text}"
    );
    // A window with something typed asks before it goes.
    window
        .click("//*[@role='dialog']//button[normalize-space()='Cancel']")
        .await;
    window
        .click("//*[@role='alertdialog']//button[normalize-space()='Discard changes']")
        .await;
    window.see_gone("//*[@role='dialog']").await;
    window.close(&account).await;
}
