//! What can stop traffic is asked about, and refused where nobody was asked: the guard is not the dialog.

use serde_json::{Value, json};
use system_tests::database::execute;
use system_tests::servers::superuser_of;

use system_tests::application::{Account, Window};

/// Calls a command past the page's own code, as a script in the page could.
async fn invoke(window: &Window, command: &str, arguments: Value) -> Value {
    window
        .client
        .execute_async(
            "const [command, payload, done] = arguments;
             window.__TAURI_INTERNALS__.invoke(command, payload)
                 .then((answer) => done({ answer }), (error) => done({ error }));",
            vec![command.into(), arguments],
        )
        .await
        .unwrap()
}

fn note(reason: Option<&str>, confirmed: Option<&[&str]>) -> Value {
    json!({ "reason": reason, "request_id": null, "confirmed": confirmed })
}

fn switch_off(id: &str, note: &Value) -> Value {
    json!({ "request": { "id": id, "enabled": false, "note": note } })
}

async fn assert_enabled(account: &Account, id: &str, enabled: bool) {
    execute(
        &superuser_of(&account.data_directory),
        &format!("DO $$ BEGIN ASSERT (SELECT enabled = {enabled} FROM extensions WHERE id = '{id}'); END $$"),
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn the_guard_holds_without_the_dialog() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let unasked = note(None, None);
    let many = json!({ "request": { "ids": ["pii_guard", "mock_provider"], "enabled": false, "note": unasked } });
    let seen = json!({ "seen": [{ "id": "pii_guard", "revision": 0 }], "note": unasked });
    let patch = json!({
        "subject": null, "timeout_ms": null, "retry": null, "enabled": false, "config": null, "metadata": null
    });
    let update = json!({ "request": { "seen": { "id": "pii_guard", "revision": 0 }, "patch": patch, "note": unasked } });
    for (command, arguments) in [
        ("set_extension_enabled", switch_off("pii_guard", &unasked)),
        // Said of another type, it is said of nothing here.
        (
            "set_extension_enabled",
            switch_off("pii_guard", &note(None, Some(&["provider"]))),
        ),
        ("set_extensions_enabled", many),
        ("delete_extensions", seen),
        ("update_extension", update),
    ] {
        let refused = invoke(&window, command, arguments).await;
        assert_eq!(
            refused["error"]["code"], "confirmation_required",
            "{command}: {refused}"
        );
        let effects = &refused["error"]["facts"]["value"];
        assert!(
            effects["extension_ids"]
                .as_array()
                .unwrap()
                .contains(&json!("pii_guard")),
            "{refused}"
        );
    }
    assert_enabled(&account, "pii_guard", true).await;
    let told = switch_off("pii_guard", &note(None, Some(&["validator"])));
    let answer = invoke(&window, "set_extension_enabled", told).await;
    assert_eq!(answer["answer"]["enabled"], false, "{answer}");

    // In production each is asked about; with a reason required none goes without one.
    let profile = json!({ "profile": {
        "id": "embedded", "label": "Embedded database", "colour": null, "is_production": true,
        "is_reason_required": true, "database": { "kind": "embedded" }
    }, "password": null });
    invoke(&window, "save_connection_profile", profile).await;
    for (note, code) in [
        (note(None, None), "reason_required"),
        (note(Some("why"), None), "confirmation_required"),
        (note(None, Some(&[])), "reason_required"),
    ] {
        let refused = invoke(
            &window,
            "set_extension_enabled",
            switch_off("mock_provider", &note),
        )
        .await;
        assert_eq!(refused["error"]["code"], code, "{refused}");
    }
    assert_enabled(&account, "mock_provider", true).await;
    window.close(&account).await;

    // The profile is kept, and is this registry's.
    let window = account.start().await;
    window.see("//header//*[.='production']").await;
    window.close(&account).await;
}

#[tokio::test]
async fn what_stops_traffic_is_told_in_words_before_it_is_done() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    execute(
        &superuser_of(&account.data_directory),
        "INSERT INTO public.registry_consumers
         SELECT gen_random_uuid(), name, 'host-1', '2.1', 'router', NULL, 0, now(), now() + interval '1 hour'
         FROM unnest(ARRAY['router-a', 'router-b', 'router-c']) AS name",
    )
    .await
    .unwrap();
    window.click_switch("pii_guard").await;
    let dialog = "//*[@role='dialog'][contains(., 'Switch off pii_guard?')]";
    // The effects come a moment after the question.
    window
        .see(&format!("{dialog}//*[@data-testid='traffic-effects']"))
        .await;
    window.see_focus_in(&format!("{dialog}//form")).await;
    let words = window.text(dialog).await;
    for part in [
        "pii_guard is the only enabled validator: with it off no message is validated.",
        "router-a and 2 more have applied revision 0.",
    ] {
        assert!(words.contains(part), "{part} is in {words:?}");
    }
    let has_focus = window
        .run("return document.activeElement.tagName + ' ' + (document.activeElement.closest('[role=dialog]') !== null)")
        .await;
    assert_eq!(has_focus, "INPUT true");
    window.picture("confirm-light").await;

    // Left by Escape, nothing has happened.
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
    window.see_state("pii_guard", "On").await;

    // Answered by Enter, it is done and can be undone at once.
    window.click_switch("pii_guard").await;
    window.see_focus_in(&format!("{dialog}//form")).await;
    window.type_text("maintenance").await;
    window.press(&["Enter"]).await;
    window.see_gone("//*[@role='dialog']").await;
    window.see_state("pii_guard", "Off").await;
    window.click("//button[normalize-space()='Undo']").await;
    window.see_state("pii_guard", "On").await;
    execute(
        &superuser_of(&account.data_directory),
        "DO $$ BEGIN ASSERT (SELECT reason = 'maintenance' FROM extension_audit_log WHERE revision = 1); END $$",
    )
    .await
    .unwrap();

    window.choose_colours("Dark").await;
    window.go("/connections").await;
    window
        .click("//button[@aria-label='Edit Embedded database']")
        .await;
    window
        .click("//button[@role='switch'][@aria-label='Reason required']")
        .await;
    window
        .click("//button[@role='switch'][@aria-label='Production']")
        .await;
    window.picture("connection-protection-dark").await;
    window.click("//button[normalize-space()='Save']").await;
    window.see("//header//*[.='production']").await;
    window.open_page("Extensions").await;
    window.click_switch("mock_provider").await;
    window
        .see("//*[@role='dialog'][contains(., 'other providers stay on')]")
        .await;
    window.see_focus_in("//*[@role='dialog']//form").await;
    window.press(&["Enter"]).await;
    window
        .see("//*[@role='dialog'][contains(., 'This registry asks for a reason.')]")
        .await;
    window.picture("confirm-production-dark").await;
    window.close(&account).await;
}
