//! Less may be done by some: what is not allowed is in sight, off, and says why; and the database refuses it.

use serde_json::{Value, json};
use system_tests::database::execute;
use system_tests::servers::superuser_of;

use system_tests::application::{Account, Window};

/// What is on the screen and off: by what it says, or what it is called.
async fn assert_off(window: &Window, xpath: &str, role: &str) {
    window.see(xpath).await;
    let element = format!("{xpath}[@aria-disabled='true' or @data-disabled]");
    assert!(window.count(&element).await > 0, "{xpath} is off");
    let reason = format!("{xpath}[contains(@title, '{role}')]");
    if window.count(&reason).await > 0 {
        return;
    }
    window.hover(xpath).await;
    window
        .see(&format!(
            "//*[@role='tooltip' or @data-reason][contains(., '{role}')]"
        ))
        .await;
}

async fn code_of(window: &Window, command: &str, arguments: Value) -> Value {
    window
        .client
        .execute_async(
            "const [command, payload, done] = arguments;
             window.__TAURI_INTERNALS__.invoke(command, payload).then(() => done('done'), (error) => done(error.code ?? String(error)));",
            vec![command.into(), arguments],
        )
        .await
        .unwrap()
}

/// A file that changes something.
const FILE: &str = "format: beamline-registry\nversion: 1\nextensions:\n  - id: pii_guard\n    type: validator\n    subject: beamline.ext.validate.pii_guard.v2\n";

fn commands(id: &str) -> Vec<(&'static str, Value, &'static str)> {
    let note = json!({ "reason": null, "request_id": null, "confirmed": null });
    let draft = json!({
        "id": "x", "type": "pre", "subject": "x", "timeout_ms": 1, "retry": 0, "enabled": true, "config": "{}",
        "metadata": "{}"
    });
    let patch = json!({
        "subject": null, "timeout_ms": null, "retry": 3, "enabled": null, "config": null, "metadata": null
    });
    vec![
        (
            "create_extension",
            json!({ "draft": draft, "note": note }),
            "edit",
        ),
        (
            "update_extension",
            json!({ "request": { "seen": { "id": id, "revision": 2 }, "patch": patch, "note": note } }),
            "edit",
        ),
        (
            "delete_extensions",
            json!({ "seen": [{ "id": id, "revision": 2 }], "note": note }),
            "edit",
        ),
        (
            "restore_extension",
            json!({ "request": { "id": id, "revision": 1, "fields": null, "secrets": {} }, "note": note }),
            "edit",
        ),
        (
            "undo_changes",
            json!({ "target": { "kind": "revision", "value": 2 }, "note": note }),
            "edit",
        ),
        (
            "set_configuration_schema",
            json!({ "scope": { "kind": "type", "value": "pre" }, "schema": "{}" }),
            "edit",
        ),
        (
            "delete_configuration_schema",
            json!({ "scope": { "kind": "type", "value": "pre" } }),
            "edit",
        ),
        ("add_secret_name", json!({ "name": "x" }), "edit"),
        (
            "set_health_threshold",
            json!({ "scope": { "kind": "type", "value": "pre" }, "limits": null }),
            "edit",
        ),
        (
            "set_health_retention",
            json!({ "retention": { "minutes_kept_days": 7, "hours_kept_days": 90, "days_kept_days": 99 } }),
            "edit",
        ),
        (
            "apply_import",
            json!({ "text": FILE, "request": { "seen_revision": 2, "prune": false }, "note": note }),
            "edit",
        ),
        ("fill_with_sample_traffic", json!({}), "edit"),
        ("remove_sample_traffic", json!({}), "edit"),
        (
            "set_extension_enabled",
            json!({ "request": { "id": id, "enabled": false, "note": note } }),
            "switch",
        ),
        (
            "set_extensions_enabled",
            json!({ "request": { "ids": [id], "enabled": true, "note": note } }),
            "switch",
        ),
    ]
}

/// A registry with a past, opened as a role.
async fn opened_as(role: &str) -> (Account, Window) {
    let account = Account::with_environment(&[("BEAMLINE_REGISTRY_ROLE", role.into())]);
    let window = account.start().await;
    window.see_state("mock_provider", "On").await;
    execute(
        &superuser_of(&account.data_directory),
        "UPDATE extensions SET retry = 4 WHERE id = 'mock_provider';
         UPDATE extensions SET retry = 5 WHERE id = 'mock_provider'",
    )
    .await
    .unwrap();
    (account, window)
}

async fn assert_panel_is_off(window: &Window, editor: &str) {
    window
        .click("//tr[@data-extension-id='mock_provider']/td[@data-column='timeout_ms']")
        .await;
    assert_off(window, "//aside//button[normalize-space()='Edit']", editor).await;
    window
        .click("//aside//button[@role='tab'][contains(., 'History')]")
        .await;
    window
        .click("(//aside//*[@data-audit-revision='1']//button[@aria-expanded])[1]")
        .await;
    assert_off(
        window,
        "//aside//button[contains(., 'Restore this version')]",
        editor,
    )
    .await;
    window
        .click("//aside//button[@role='tab'][contains(., 'Overview')]")
        .await;
    assert_off(
        window,
        "//aside//button[normalize-space()='Set its own limits']",
        editor,
    )
    .await;
    window.press(&["Escape"]).await;
}

async fn assert_edits_are_off(window: &Window) {
    let editor = "registry_editor";
    assert_off(window, "//button[normalize-space()='New']", editor).await;
    assert_off(window, "//button[normalize-space()='Import']", editor).await;
    window
        .click("//tr[@data-extension-id='mock_provider']//button[starts-with(@aria-label, 'Actions for')]")
        .await;
    for entry in ["Edit", "Duplicate", "Delete"] {
        assert_off(
            window,
            &format!("//*[@role='menuitem'][contains(., '{entry}')]"),
            editor,
        )
        .await;
    }
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='menu']").await;

    assert_panel_is_off(window, editor).await;

    window
        .click("//tr[@data-extension-id='mock_provider']//input[@type='checkbox']")
        .await;
    assert_off(
        window,
        "//*[@role='toolbar']//button[starts-with(normalize-space(), 'Delete')]",
        editor,
    )
    .await;

    window.open_page("Settings").await;
    for section in ["Health limits", "History of health"] {
        window
            .see(&format!(
                "//section[h2='{section}'][contains(., '{editor}')][.//input[@disabled]][not(.//input[not(@disabled)])]"
            ))
            .await;
    }
    window.open_page("Extensions").await;

    // Keys do nothing that clicks may not.
    window.run("document.activeElement.blur()").await;
    window.press(&["n"]).await;
    window.press(&["e"]).await;
    assert_eq!(window.count("//*[@role='dialog']").await, 0);

    window.open_page("Audit").await;
    window
        .click("//*[@data-audit-revision='2']//button[@aria-expanded]")
        .await;
    assert_off(
        window,
        "//*[@data-audit-revision='2']//button[contains(., 'Undo')]",
        editor,
    )
    .await;

    window.open_page("Health").await;
    assert_off(
        window,
        "//button[normalize-space()='Show sample traffic']",
        editor,
    )
    .await;

    // By the address, too, the import offers no file, and says what is needed.
    window.press(&["g"]).await;
    window.press(&["i"]).await;
    window
        .see(&format!(
            "//*[@role='alert'][contains(., 'Your login may not import')][contains(., '{editor}')][contains(., 'BEAMLINE_REGISTRY_ROLE')]"
        ))
        .await;
    assert_eq!(window.count("//input[@type='file']").await, 0);
    window.picture("no-permission-light").await;

    // The palette shows what can't be done, off and with the reason.
    window.click("//button[contains(., 'Find anything')]").await;
    window
        .write("//*[@role='dialog']//input", "mock_provider")
        .await;
    for entry in ["Edit mock_provider", "Duplicate mock_provider"] {
        window
            .see(&format!(
                "//*[@role='dialog']//button[@aria-disabled='true'][contains(., '{entry}')][contains(., '{editor}')]"
            ))
            .await;
    }
}

#[tokio::test]
async fn a_viewer_sees_everything_and_changes_nothing() {
    let (account, window) = opened_as("viewer").await;
    let operator = "registry_operator";
    window.see("//header//*[contains(., 'viewer')]").await;
    assert_off(
        &window,
        "//tr[@data-extension-id='mock_provider']//*[@role='switch']",
        operator,
    )
    .await;
    window.picture("viewer-light").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "On").await;
    assert_edits_are_off(&window).await;
    window
        .see(&format!(
            "//*[@role='dialog']//button[@aria-disabled='true'][contains(., 'Switch off mock_provider')][contains(., '{operator}')]"
        ))
        .await;
    window.picture("viewer-palette-light").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
    window.open_page("Extensions").await;
    window
        .click("//tr[@data-extension-id='openai_gpt4']//input[@type='checkbox']")
        .await;
    for verb in ["Enable", "Disable"] {
        assert_off(
            &window,
            &format!("//*[@role='toolbar']//button[starts-with(normalize-space(), '{verb}')]"),
            operator,
        )
        .await;
    }
    for (command, arguments, _) in commands("mock_provider") {
        assert_eq!(
            code_of(&window, command, arguments).await,
            "forbidden",
            "{command}"
        );
    }
    window.close(&account).await;
}

#[tokio::test]
async fn an_operator_switches_and_changes_nothing_else() {
    let (account, window) = opened_as("operator").await;
    window.see("//header//*[contains(., 'operator')]").await;
    assert_edits_are_off(&window).await;
    window
        .see("//*[@role='dialog']//button[not(@aria-disabled)][contains(., 'Switch off mock_provider')]")
        .await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
    for (command, arguments, needs) in commands("mock_provider") {
        let expected = if needs == "switch" {
            "done"
        } else {
            "forbidden"
        };
        assert_eq!(
            code_of(&window, command, arguments).await,
            expected,
            "{command}"
        );
    }
    window.open_page("Extensions").await;
    window.see_state("openai_gpt4", "On").await;
    window.click_switch("openai_gpt4").await;
    window.see_state("openai_gpt4", "Off").await;
    window.click("//button[normalize-space()='Undo']").await;
    window.see_state("openai_gpt4", "On").await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_role_that_there_is_not_opens_nothing() {
    let account = Account::with_environment(&[("BEAMLINE_REGISTRY_ROLE", "owner".into())]);
    let window = account.start().await;
    window
        .see("//*[contains(., 'BEAMLINE_REGISTRY_ROLE is \"owner\", which is no role.')]")
        .await;
    window.close(&account).await;
}
