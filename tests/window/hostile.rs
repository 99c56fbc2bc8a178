//! Texts that others wrote, with markup, script, marks that turn the direction, and 64 KiB of them: shown as
//! the text that they are, in a layout that holds.

use std::ops::Deref;

use serde_json::Value;
use system_tests::database::execute;
use system_tests::servers::superuser_of;

use system_tests::application::{Account, Window};
use system_tests::desktop::ScreenSize;

/// Markup that would run if it were taken for markup, a character of four bytes, letters that are written from right to
/// left, and marks that would turn what stands beside them.
const HOSTILE: &str = "<img src=x onerror=\"window.ran=1\"><script>window.ran=1</script>😀שלום مرحبا\u{202e}evil\u{2066}'; DROP";

/// The most bytes that a configuration may have, as the database writes it.
const CONFIG_MAX: usize = 65_536;

/// A configuration that is as large as one may be.
fn largest_config() -> String {
    let quoted = serde_json::to_string(HOSTILE).unwrap();
    let start = format!("{{\"text\": \"{}", "𝕏 long words שלום ".repeat(2_000));
    let end = format!("\", {quoted}: {quoted}}}");
    let missing = CONFIG_MAX - start.len() - end.len();
    format!("{start}{}{end}", "x".repeat(missing))
}

/// The rows: within the rules where the rules allow it; ids and subjects as older programs may have left them.
fn statements() -> String {
    let long_id = format!("long_{}", "x".repeat(250));
    let config = largest_config();
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
         DO $$ BEGIN ASSERT (SELECT octet_length(config::text) = {CONFIG_MAX} FROM extensions WHERE id = '{long_id}'); END $$;
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
             for (const part of [root, document.body, document.querySelector('main')])
                 if (part.scrollWidth > part.clientWidth)
                     faults.push('wider than the window: ' + part.tagName + ' ' + part.scrollWidth);
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
                     faults.push('reaches out: ' + [...name.textContent].slice(0, 40).join(''));
             }
             const marks = /[\\u0590-\\u08ff\\u202a-\\u202e\\u2066-\\u2069]/;
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
                         + [...holder.textContent].slice(0, 160).join(''));
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
    hostile_text_is_text_at(ScreenSize::SMALL, "Light").await;
}

#[tokio::test]
async fn hostile_text_is_text_on_a_large_dark_screen() {
    hostile_text_is_text_at(ScreenSize::LARGE, "Dark").await;
}

async fn hostile_text_is_text_at(screen: ScreenSize, scheme: &str) {
    let account = Account::with_screen(screen, &[]);
    let window = account.start().await;
    window.fill(screen).await;
    window.choose_colours(scheme).await;
    window.open_page("Extensions").await;
    window.see_state("pii_guard", "On").await;
    execute(&superuser_of(&account.data_directory), &statements())
        .await
        .unwrap();
    let window = Hostile {
        window,
        suffix: scheme.to_lowercase(),
    };
    let row = "//tr[contains(@data-extension-id, '<img src=x')]";
    window.see(row).await;
    window.check("the table", "table").await;
    let shown = window.text(row).await;
    assert!(shown.contains("<script>"), "it is shown as it is: {shown}");

    in_the_panel(&window, row).await;
    in_notice_and_question(&window, row).await;
    in_form_and_deletion(&window).await;
    in_review_and_conflict(&window, &account).await;
    in_restore(&window).await;
    in_import(&window, &account).await;
    in_the_palette(&window).await;
    in_the_timeline(&window).await;
    in_filters_and_the_past(&window).await;
    window.window.close(&account).await;
}

/// The window with the end of its pictures' names.
struct Hostile {
    window: Window,
    suffix: String,
}

impl Deref for Hostile {
    type Target = Window;

    fn deref(&self) -> &Window {
        &self.window
    }
}

impl Hostile {
    /// Looks at what is shown, and keeps a picture of it.
    async fn check(&self, place: &str, name: &str) {
        self.see_settled().await;
        assert_harmless(self, place).await;
        self.picture(&format!("hostile-{name}-{}", self.suffix))
            .await;
    }
}

/// Another changes the same as somebody who has a form open, whose review comes first.
async fn in_review_and_conflict(window: &Hostile, account: &Account) {
    window.go("/extensions?open=openai_gpt4&form=edit").await;
    let field = |label: &str| {
        format!(
            "//*[@role='dialog']//*[self::input or self::textarea][@id=//label[normalize-space()='{label}']/@for]"
        )
    };
    // It shows fields as soon as it knows the schema; here the whole text is wanted.
    window
        .click("//*[@role='dialog']//label[normalize-space()='JSON']")
        .await;
    window
        .see("//*[@role='dialog']//*[@aria-label='Configuration'][contains(., 'long words')]")
        .await;
    window.write(&field("Subject"), "beamline.mine.v1").await;
    let script = format!(
        "const editor = document.querySelector(\"[role=dialog] [aria-label='Configuration'][contenteditable]\");
         editor.focus();
         getSelection().selectAllChildren(editor);
         document.execCommand('insertText', false, {});",
        Value::from(serde_json::json!({ HOSTILE: "mine", "model": HOSTILE }).to_string())
    );
    window.run(&script).await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Review']")
        .await;
    window
        .see("//*[@role='dialog']//dt[contains(., 'Subject')]")
        .await;
    window.check("the review", "review").await;
    execute(
        &superuser_of(&account.data_directory),
        &format!(
            "UPDATE extensions SET config = jsonb_build_object($a${HOSTILE}$a$, $a${HOSTILE} theirs$a$) WHERE id = 'openai_gpt4'"
        ),
    )
    .await
    .unwrap();
    // It is told above the review, which moves down.
    window
        .see("//*[@role='dialog'][contains(., 'changed this extension meanwhile')]")
        .await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Save']")
        .await;
    window
        .see("//*[@role='dialog'][contains(., 'changed the same as you')]")
        .await;
    window.check("the conflict", "conflict").await;
    window.go("/routers").await;
    window.see_gone("//*[@role='dialog']").await;
}

async fn in_restore(window: &Hostile) {
    window.go("/extensions?open=openai_gpt4&tab=history").await;
    window
        .click("(//aside//*[@data-audit-revision])[2]//button[@aria-expanded]")
        .await;
    window
        .click("//aside//button[normalize-space()='Restore this version']")
        .await;
    window
        .see("//*[@role='dialog']//button[@type='submit']")
        .await;
    window.check("the restore", "restore").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
}

/// A file that changes much, and one whose faults are hostile.
async fn in_import(window: &Hostile, account: &Account) {
    let hostile = serde_json::json!({ HOSTILE: HOSTILE, "words": "𝕏 long words ".repeat(400) });
    let document = |more: &str| {
        let mut extension = serde_json::json!({
            "id": "pii_guard", "type": "validator", "subject": "beamline.ext.validate.pii_guard.v1",
            "config": hostile, "metadata": hostile,
        });
        if !more.is_empty() {
            extension[more] = HOSTILE.into();
        }
        serde_json::json!({ "format": "beamline-registry", "version": 1, "extensions": [extension] }).to_string()
    };
    for (name, more) in [("import", ""), ("import-problems", HOSTILE)] {
        window.go("/settings").await;
        window.see("//h1[.='Settings']").await;
        window.go("/import").await;
        let path = account
            .data_directory
            .with_file_name(format!("{name}.json"));
        std::fs::write(&path, document(more)).unwrap();
        window
            .see("//input[@type='file']")
            .await
            .send_keys(path.to_str().unwrap())
            .await
            .unwrap();
        window
            .see("//main[contains(., 'pii_guard') or contains(., 'problem')]//*[contains(., 'onerror')]")
            .await;
        window.check(name, name).await;
    }
}

async fn in_filters_and_the_past(window: &Hostile) {
    let encoded = HOSTILE.bytes().fold(String::new(), |encoded, byte| {
        encoded + &format!("%{byte:02x}")
    });
    window
        .go(&format!(
            "/audit?actor={encoded}&text={encoded}&extension={encoded}"
        ))
        .await;
    window
        .see("//main//*[contains(., 'No change matches this filter')]")
        .await;
    window.check("the filters", "filters").await;
    window.go("/as-of?revision=5").await;
    window.see("//main//*[contains(., 'onerror')]").await;
    window.check("the past", "as-of").await;
    window
        .go(&format!("/extensions/{encoded}?tab=configuration"))
        .await;
    window.see("//section//pre").await;
    window.check("the page of one extension", "page").await;
    window.go(&format!("/extensions?text={encoded}")).await;
    window
        .click("//button[starts-with(@aria-label, 'Notices')]")
        .await;
    window.see("//*[@role='dialog']//li").await;
    window.check("the notices", "notices").await;
    window.press(&["Escape"]).await;
}

async fn in_the_panel(window: &Hostile, row: &str) {
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
        window.check(tab, &tab.to_lowercase()).await;
    }
}

async fn in_notice_and_question(window: &Hostile, row: &str) {
    window.click(&format!("{row}//*[@role='switch']")).await;
    window
        .see("//*[@role='alert'][contains(., 'Switched off')]")
        .await;
    window.check("the notice", "notice").await;
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
    window.check("the question", "question").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
    window.click(&format!("{row}//*[@role='switch']")).await;
    window
        .see(&format!("{row}//*[@role='switch'][@aria-checked='true']"))
        .await;
}

async fn in_form_and_deletion(window: &Hostile) {
    window
        .click("//aside//button[normalize-space()='Edit']")
        .await;
    window
        .see("//*[@role='dialog']//*[@aria-label='Configuration'][contains(., 'long words')]")
        .await;
    window.check("the form", "form").await;
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
    window.check("the question of a deletion", "delete").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
}

async fn in_the_palette(window: &Hostile) {
    window.click("//button[contains(., 'Find anything')]").await;
    window.write("//*[@role='dialog']//input", "img").await;
    window
        .see("//*[@role='dialog']//button[contains(., 'onerror')]")
        .await;
    window.check("the palette", "palette").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
}

/// With every entry open.
async fn in_the_timeline(window: &Hostile) {
    window.open_page("Audit").await;
    window.see("(//*[@data-audit-revision])[5]").await;
    window.check("the timeline", "audit").await;
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
        window
            .check(&format!("entry {revision}"), &format!("entry-{revision}"))
            .await;
        window
            .click(&format!(
                "//*[@data-audit-revision='{revision}']//button[@aria-expanded]"
            ))
            .await;
    }
    window.open_page("Routers").await;
    window.see("//tr[@data-consumer]").await;
    window.check("the routers", "routers").await;
    window.open_page("Health").await;
    window.check("the health", "health").await;
}
