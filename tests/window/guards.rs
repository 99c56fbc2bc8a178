//! What the window must not allow, and one window for one registry.

use std::time::{Duration, Instant};

use crate::application::Account;

#[tokio::test]
async fn no_script_but_the_applications_own_runs() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("mock_provider", "On").await;
    window
        .run(
            "const script = document.createElement('script');
             script.textContent = 'window.inlineScriptRan = true';
             document.body.append(script);
             const image = document.createElement('img');
             image.setAttribute('onerror', 'window.handlerRan = true');
             image.src = 'missing.png';
             document.body.append(image);",
        )
        .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let ran = window
        .run("return [window.inlineScriptRan, window.handlerRan]")
        .await;
    assert_eq!(ran, serde_json::json!([null, null]));
    window.close(&account).await;
}

#[tokio::test]
async fn input_can_not_change_what_all_objects_have() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("mock_provider", "On").await;
    let polluted = window
        .run(
            "try { JSON.parse('{}').__proto__.isAdministrator = true; } catch { /* Refused is as good. */ }
             return [Object.isFrozen(Object.prototype), {}.isAdministrator === undefined];",
        )
        .await;
    assert_eq!(polluted, serde_json::json!([true, true]));
    window.close(&account).await;
}

#[tokio::test]
async fn the_page_reaches_no_command_that_is_not_listed() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("mock_provider", "On").await;
    let answers = window
        .client
        .execute_async(
            "const done = arguments[0];
             const ask = (command, payload) => window.__TAURI_INTERNALS__.invoke(command, payload)
                 .then(() => 'allowed', (error) => String(error));
             Promise.all([
                 ask('plugin:opener|open_url', { url: 'https://example.com' }),
                 ask('plugin:window|close', { label: 'main' }),
                 ask('plugin:window-state|restore_state', { label: 'main', flags: 1 }),
                 ask('database_status', {}),
             ]).then(done);",
            Vec::new(),
        )
        .await
        .unwrap();
    let answers: Vec<String> = serde_json::from_value(answers).unwrap();
    for refused in &answers[..3] {
        assert!(refused.contains("not allowed"), "{refused}");
    }
    assert_eq!(answers[3], "allowed", "what is listed works");
    window.close(&account).await;
}

#[tokio::test]
async fn a_second_start_hands_over_to_the_first_window() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("mock_provider", "On").await;
    let mut second = account.further_start().spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let status = loop {
        if let Some(status) = second.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "the second start ends by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(status.success());
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    window.close(&account).await;
}
