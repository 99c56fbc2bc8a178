//! Texts that others wrote, with markup, script, marks that turn the direction, and 64 KiB of them: shown as
//! the text that they are, in a layout that holds.

use serde_json::Value;
use system_tests::database::execute;
use system_tests::servers::superuser_of;

use system_tests::application::{Account, Window};

/// Markup that would run if it were taken for markup, a character of four bytes, and marks that would turn
/// what stands beside them.
const HOSTILE: &str = "<img src=x onerror=\"window.ran=1\"><script>window.ran=1</script>😀\u{202e}evil\u{2066}'; DROP";

/// The rows: within the rules where the rules allow it; ids and subjects as older programs may have left them.
fn statements() -> String {
    let long_id = format!("long_{}", "x".repeat(250));
    let text = format!("{HOSTILE}{}", "𝕏 long words ".repeat(4_000));
    let config = serde_json::json!({ HOSTILE: HOSTILE, "text": text.chars().take(50_000).collect::<String>() });
    let reason: String = HOSTILE
        .chars()
        .chain("very long reason ".chars().cycle())
        .take(500)
        .collect();
    format!(
        "ALTER TABLE extensions DISABLE TRIGGER extensions_check;
         INSERT INTO extensions (id, type, subject, config, metadata)
         VALUES ($a${HOSTILE}$a$, 'provider', $a${HOSTILE}.subject$a$, $a${config}$a$, $a${config}$a$);
         ALTER TABLE extensions ENABLE TRIGGER extensions_check;
         INSERT INTO extensions (id, type, subject, config)
         VALUES ('{long_id}', 'provider', 'beamline.{long_subject}', $a${config}$a$);
         SELECT set_config('registry.reason', $a${reason}$a$, false),
                set_config('registry.os_user', $a${HOSTILE}$a$, false),
                set_config('application_name', 'application <b>', false);
         UPDATE extensions SET enabled = false WHERE id = 'mock_provider';
         UPDATE extensions SET config = $a${config}$a$ WHERE id = 'openai_gpt4';
         UPDATE extensions SET timeout_ms = 77 WHERE id = $a${HOSTILE}$a$;
         INSERT INTO registry_consumers VALUES
             (gen_random_uuid(), $a${HOSTILE}$a$, $a${HOSTILE}$a$, $a${HOSTILE}$a$, $a${HOSTILE}$a$, NULL, 0, now(),
              now() + interval '1 hour')",
        long_subject = "y".repeat(245),
    )
}

/// Nothing ran, nothing became an element, nothing is turned that stands beside a mark, nothing reaches out of
/// the window.
async fn assert_harmless(window: &Window, place: &str) {
    let found = window
        .run(
            "const faults = [];
             if (window.ran !== undefined) faults.push('a script ran');
             if (document.querySelector('img[src=x], b, body script:not([src])')) faults.push('markup became elements');
             const root = document.documentElement;
             if (root.scrollWidth > root.clientWidth || document.body.scrollWidth > document.body.clientWidth)
                 faults.push('the page is wider than the window');
             for (const part of document.querySelectorAll('main, aside, header, nav, [role=dialog], [role=alert]')) {
                 // What is on its way out or in.
                 if (part.getAnimations().length > 0 || getComputedStyle(part).opacity !== '1') continue;
                 const { left, right } = part.getBoundingClientRect();
                 if (right - left > 0 && (right > root.clientWidth + 1 || left < -1))
                     faults.push('out of the window: ' + part.tagName + ' ' + part.className + ' ' + left + ' ' + right);
             }
             for (const part of document.querySelectorAll('.mantine-Button-label, [role=switch]')) {
                 if (part.closest('[aria-hidden=true]') || part.getClientRects().length === 0) continue;
                 const isSwitch = part.getAttribute('role') === 'switch';
                 if (isSwitch ? part.clientWidth < 28 : part.scrollWidth > part.clientWidth + 1)
                     faults.push('cut off: ' + part.textContent + ' ' + part.clientWidth);
             }
             // A name that is cut still shows how it begins.
             for (const name of document.querySelectorAll('[data-audit-revision] button bdi')) {
                 const shown = name.closest('button').getBoundingClientRect();
                 if (shown.right > name.closest('article').getBoundingClientRect().right)
                     faults.push('reaches out: ' + name.textContent.slice(0, 40));
             }
             const marks = /[\\u202a-\\u202e\\u2066-\\u2069]/;
             const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
             for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                 if (!marks.test(node.data)) continue;
                 let holder = node.parentElement;
                 // The element in which the text is turned: all inline ones around it share one line.
                 const style = (element) => getComputedStyle(element);
                 while (style(holder).display === 'inline' && !/isolate|plaintext/.test(style(holder).unicodeBidi))
                     holder = holder.parentElement;
                 if (/isolate|plaintext/.test(style(holder).unicodeBidi)) continue;
                 const isAlone = holder.textContent.trim() === node.data.trim();
                 if (!isAlone)
                     faults.push('turns what is beside it: ' + holder.tagName + ' ' + holder.className + ': '
                         + holder.textContent.slice(0, 160));
             }
             return faults;",
        )
        .await;
    if found != Value::Array(Vec::new()) {
        window.picture("failed").await;
    }
    assert_eq!(found, Value::Array(Vec::new()), "{place}");
}

#[tokio::test]
async fn hostile_text_is_text_wherever_it_is_shown() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    execute(&superuser_of(&account.data_directory), &statements())
        .await
        .unwrap();
    let row = "//tr[contains(@data-extension-id, '<img src=x')]";
    window.see(row).await;
    assert_harmless(&window, "the table").await;
    window.picture("hostile-table-light").await;
    let shown = window.text(row).await;
    assert!(shown.contains("<script>"), "it is shown as it is: {shown}");

    in_the_panel(&window, row).await;
    in_notice_and_question(&window, row).await;
    in_form_and_deletion(&window).await;
    in_the_palette(&window).await;
    in_the_timeline(&window).await;
    window.close(&account).await;
}

async fn in_the_panel(window: &Window, row: &str) {
    window
        .click(&format!("{row}/td[@data-column='timeout_ms']"))
        .await;
    for tab in ["Overview", "Configuration", "History"] {
        window
            .click(&format!(
                "//aside//button[@role='tab'][contains(., '{tab}')]"
            ))
            .await;
        window
            .see_gone("//*[@data-loading='true' or @aria-busy='true']")
            .await;
        assert_harmless(window, tab).await;
        window
            .picture(&format!("hostile-{}-light", tab.to_lowercase()))
            .await;
    }
}

async fn in_notice_and_question(window: &Window, row: &str) {
    window.click(&format!("{row}//*[@role='switch']")).await;
    window
        .see("//*[@role='alert'][contains(., 'Switched off')]")
        .await;
    assert_harmless(window, "the notice").await;
    window.picture("hostile-notice-light").await;
    window
        .click("//tr[@data-extension-id='openai_gpt4']//*[@role='switch']")
        .await;
    window
        .click("//tr[starts-with(@data-extension-id, 'long_x')]//*[@role='switch']")
        .await;
    window
        .click("//tr[@data-extension-id='anthropic_claude']//*[@role='switch']")
        .await;
    window
        .see("//*[@role='dialog']//*[contains(., 'only enabled provider')]")
        .await;
    assert_harmless(window, "the question").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
    window.click(&format!("{row}//*[@role='switch']")).await;
    window
        .see(&format!("{row}//*[@role='switch'][@aria-checked='true']"))
        .await;
}

async fn in_form_and_deletion(window: &Window) {
    window
        .click("//aside//button[normalize-space()='Edit']")
        .await;
    window
        .see("//*[@role='dialog']//*[@aria-label='Configuration'][contains(., 'img')]")
        .await;
    assert_harmless(window, "the form").await;
    window.picture("hostile-form-light").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;

    // The deletion of it.
    window.click("//aside//button[@aria-label='More']").await;
    window
        .click("//*[@role='menuitem'][contains(., 'Delete')]")
        .await;
    window
        .see("//*[@role='dialog'][contains(., 'Delete')]")
        .await;
    assert_harmless(window, "the question of a deletion").await;
    window.picture("hostile-delete-light").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
}

async fn in_the_palette(window: &Window) {
    window.click("//button[@aria-label='Find anything']").await;
    window.write("//*[@role='dialog']//input", "img").await;
    window
        .see("//*[@role='dialog']//button[contains(., 'onerror')]")
        .await;
    assert_harmless(window, "the palette").await;
    window.picture("hostile-palette-light").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
}

/// With every entry open.
async fn in_the_timeline(window: &Window) {
    window.open_page("Audit").await;
    window.see("(//*[@data-audit-revision])[5]").await;
    assert_harmless(window, "the timeline").await;
    window.picture("hostile-audit-light").await;
    for revision in [1, 3, 4, 5] {
        window
            .click(&format!(
                "//*[@data-audit-revision='{revision}']//button[@aria-expanded]"
            ))
            .await;
        window
            .see(&format!(
                "//*[@data-audit-revision='{revision}']//button[@aria-expanded='true']"
            ))
            .await;
        assert_harmless(window, &format!("entry {revision}")).await;
        window
            .picture(&format!("hostile-entry-{revision}-light"))
            .await;
        window
            .click(&format!(
                "//*[@data-audit-revision='{revision}']//button[@aria-expanded]"
            ))
            .await;
    }
    window.open_page("Routers").await;
    window.see("//tr[@data-consumer]").await;
    assert_harmless(window, "the routers").await;
    window.open_page("Health").await;
    assert_harmless(window, "the health").await;
}
