//! The audit page: filtered, undone, restored, exported, zoomed; and the registry of earlier moments.

use fantoccini::key::Key;
use system_tests::database::execute;
use system_tests::servers::superuser_of;

use crate::application::{Account, Window};

const ROW: &str = "//*[@data-audit-revision]";

async fn sql(account: &Account, statements: &str) {
    execute(&superuser_of(&account.data_directory), statements)
        .await
        .expect("the statements run");
}

/// A group of three, two changes of one extension with odd words, and what came before.
async fn some_history(account: &Account) {
    sql(
        account,
        "UPDATE public.extensions SET timeout_ms = 250 WHERE id = 'pii_guard';
         UPDATE public.extensions SET retry = 3, config = '{\"model\": \"claude-5\", \"limits\": {\"rate\": 1.50}}'
         WHERE id = 'anthropic_claude';
         BEGIN;
         SELECT set_config('registry.reason', U&'quiet \\202E hours \\+01F989 <b>not bold</b> ' || repeat('and so on ', 40), true);
         UPDATE public.extensions SET enabled = false WHERE id = 'mock_provider';
         COMMIT;",
    )
    .await;
}

/// Weeks of changes, as if they had been made then.
async fn weeks_of_history(account: &Account) {
    sql(
        account,
        "UPDATE public.extensions SET retry = (retry + n) % 9 FROM generate_series(1, 1) AS n;
         DO $$ BEGIN
             FOR n IN 1..60 LOOP
                 UPDATE public.extensions SET timeout_ms = 100 + n WHERE id = 'normalize_text';
             END LOOP;
         END $$;",
    )
    .await;
    // A table whose triggers are still to fire can't be altered: another transaction.
    sql(
        account,
        "ALTER TABLE public.extension_audit_log DISABLE TRIGGER ALL;
         UPDATE public.extension_audit_log
         SET sealed_at = now() - (70 - revision) * interval '9 hours',
             timestamp = now() - (70 - revision) * interval '9 hours'
         WHERE revision < 70;
         -- Sealed anew, as if it had been sealed then.
         DO $$
         DECLARE
             entry public.extension_audit_log;
             previous bytea;
         BEGIN
             SELECT previous_hash INTO previous FROM public.extension_audit_log WHERE revision = 1;
             FOR entry IN SELECT * FROM public.extension_audit_log ORDER BY revision LOOP
                 entry.previous_hash := previous;
                 previous := sha256(previous || convert_to(public.registry_entry_content(entry), 'UTF8'));
                 UPDATE public.extension_audit_log SET previous_hash = entry.previous_hash, hash = previous
                 WHERE id = entry.id;
             END LOOP;
             UPDATE public.registry_head SET hash = previous;
         END $$;
         ALTER TABLE public.extension_audit_log ENABLE TRIGGER ALL;",
    )
    .await;
}

/// While somebody reads, what is new waits to be asked for.
async fn let_new_entries_in(window: &Window) {
    window.click("//button[contains(., 'new entr')]").await;
}

async fn open_entry(window: &Window, revision: u32) {
    window
        .click(&format!(
            "//*[@data-audit-revision='{revision}']//button[@aria-expanded='false']"
        ))
        .await;
    window
        .see(&format!(
            "//*[@data-audit-revision='{revision}']//dt[.='How known']"
        ))
        .await;
}

#[tokio::test]
async fn changes_are_filtered_undone_and_restored() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    some_history(&account).await;
    window.open_page("Audit").await;
    window.see(&format!("({ROW})[3]")).await;

    // A name in the timeline filters by it; the line says so, and "Clear" ends it.
    window
        .click("//*[@data-audit-revision='1']//button[.='pii_guard']")
        .await;
    window
        .see("//*[@data-testid='shown'][contains(., 'pii_guard')]")
        .await;
    window.see_gone("//*[@data-audit-revision='2']").await;
    window.picture("audit-filtered-light").await;
    window
        .click("//*[@data-testid='shown']//button[.='Clear']")
        .await;
    window.see("//*[@data-audit-revision='2']").await;

    // As one types; nothing found is another view than nothing there.
    let search = window.see("//input[@type='search']").await;
    search.send_keys("claude-5").await.expect("it is typed");
    window.see_gone("//*[@data-audit-revision='1']").await;
    assert_eq!(window.count(ROW).await, 1);
    search.send_keys("nowhere").await.expect("it is typed");
    window
        .see("//*[contains(., 'No change matches this filter')]")
        .await;
    window.picture("audit-nothing-matches-light").await;
    window
        .click("//button[normalize-space()='Clear filter']")
        .await;
    window.see("//*[@data-audit-revision='1']").await;

    // Undo from the details, after a look at what it changes.
    open_entry(&window, 1).await;
    window.picture("audit-entry-light").await;
    window
        .click("//*[@data-audit-revision='1']//button[contains(., 'Undo this change')]")
        .await;
    window
        .see("//*[@role='dialog']//*[@aria-label='What the undo changes']")
        .await;
    window.picture("audit-undo-light").await;
    window
        .click("//*[@role='dialog']//button[@type='submit']")
        .await;
    window.see_gone("//*[@role='dialog']").await;
    let_new_entries_in(&window).await;
    window
        .see("//*[@data-audit-revision='4'][contains(., 'took back #1')]")
        .await;

    // What has moved on can't be undone, and the dialog names it.
    window
        .click("//*[@data-audit-revision='1']//button[contains(., 'Undo this change')]")
        .await;
    window
        .click("//*[@role='dialog']//button[@type='submit']")
        .await;
    window
        .see("//*[@role='dialog']//*[@role='alert'][contains(., 'pii_guard')]")
        .await;
    window.picture("audit-undo-refused-light").await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Cancel']")
        .await;
    window.see_gone("//*[@role='dialog']").await;

    // Its version can be brought back all the same.
    window
        .click("//*[@data-audit-revision='1']//button[contains(., 'Restore this version')]")
        .await;
    window.see("//*[@role='dialog']//*[@data-field]").await;
    window.picture("audit-restore-light").await;
    window
        .click("//*[@role='dialog']//button[@type='submit']")
        .await;
    window.see_gone("//*[@role='dialog']").await;
    let_new_entries_in(&window).await;
    window
        .see("//*[@data-audit-revision='5'][contains(., 'brought back version #1')]")
        .await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_group_is_one_bubble_and_undone_as_one() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    sql(
        &account,
        "BEGIN;
         SELECT set_config('registry.group_id', gen_random_uuid()::text, true);
         UPDATE public.extensions SET enabled = false WHERE type = 'provider';
         COMMIT;",
    )
    .await;
    window.open_page("Audit").await;
    let bubble = "//*[@data-audit-group]";
    let words = window.text(bubble).await;
    assert!(words.contains("disabled 3 extensions"), "{words:?}");
    assert_eq!(window.count(ROW).await, 0, "the bubble is closed");
    window
        .click(&format!("{bubble}//button[@aria-expanded]"))
        .await;
    window.see(&format!("({ROW})[3]")).await;
    window.picture("audit-group-light").await;
    window
        .click(&format!(
            "{bubble}//button[contains(., 'Undo the whole group')]"
        ))
        .await;
    window
        .click("//*[@role='dialog']//button[@type='submit']")
        .await;
    window.see_gone("//*[@role='dialog']").await;
    let_new_entries_in(&window).await;
    window
        .see("//*[@data-audit-group][contains(., 'took back a group of changes')]")
        .await;
    window.open_page("Extensions").await;
    for id in ["anthropic_claude", "mock_provider", "openai_gpt4"] {
        window.see_state(id, "On").await;
    }
    window.close(&account).await;
}

#[tokio::test]
async fn what_is_filtered_is_exported_to_a_file() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    some_history(&account).await;
    window.open_page("Audit").await;
    window
        .click("//*[@data-audit-revision='2']//button[.='anthropic_claude']")
        .await;
    window.see_gone("//*[@data-audit-revision='1']").await;
    window.click("//button[normalize-space()='Export']").await;
    window
        .click("//*[@role='menuitem'][contains(., 'CSV')]")
        .await;
    let notice = window
        .text("//*[@role='alert'][contains(., 'Exported 1 change to')]")
        .await;
    window.picture("audit-exported-light").await;
    let path = &notice[notice.find('/').expect("a path")..];
    let written = std::fs::read_to_string(path.trim()).expect("the file is there");
    assert!(written.contains("anthropic_claude"), "{written}");
    assert!(!written.contains("pii_guard"), "{written}");
    window.close(&account).await;
}

#[tokio::test]
async fn the_histogram_zooms_and_the_past_is_shown() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    some_history(&account).await;
    weeks_of_history(&account).await;
    window.open_page("Audit").await;
    window.see("//*[@role='slider']").await;
    for scheme in ["Light", "Dark"] {
        window.choose_colours(scheme).await;
        window.open_page("Audit").await;
        window.see("//*[@role='slider']").await;
        window.see(&format!("({ROW})[5]")).await;
        window
            .picture(&format!("audit-weeks-{scheme}").to_lowercase())
            .await;
        open_entry(&window, 65).await;
        window
            .picture(&format!("audit-weeks-open-{scheme}").to_lowercase())
            .await;
    }

    // Dragging over a third of it leaves a part of the entries.
    let dragged = window
        .run(
            "const plot = document.querySelector('[role=slider]');
             const box = plot.getBoundingClientRect();
             const send = (kind, part) => plot.dispatchEvent(new PointerEvent(kind, {
                 bubbles: true, button: 0, pointerId: 1,
                 clientX: box.left + box.width * part, clientY: box.top + 10 }));
             send('pointerdown', 0.35); send('pointermove', 0.5); send('pointermove', 0.6);
             return box.width",
        )
        .await;
    assert!(dragged.as_f64().expect("a width") > 500.0);
    window.picture("audit-brush-dark").await;
    window
        .run("document.querySelector('[role=slider]').dispatchEvent(new PointerEvent('pointerup', { bubbles: true, pointerId: 1 }))")
        .await;
    window
        .see("//*[@data-testid='shown'][contains(., ' to ')]")
        .await;
    window.see_gone("//*[@data-audit-revision='69']").await;
    window.picture("audit-zoomed-dark").await;
    window
        .click("//*[@data-testid='shown']//button[.='Clear']")
        .await;

    // By keys as well.
    let plot = window.see("//*[@role='slider']").await;
    plot.send_keys(&Key::Home.to_string()).await.expect("a key");
    plot.send_keys(&Key::Enter.to_string())
        .await
        .expect("a key");
    window.see("//*[@data-testid='shown']").await;
    window
        .click("//*[@data-testid='shown']//button[.='Clear']")
        .await;

    // The registry as it was after the first change.
    window.see(&format!("({ROW})[5]")).await;
    window.run("location.hash; history.pushState({}, '', '/as-of?revision=1'); dispatchEvent(new PopStateEvent('popstate'))").await;
    let row = window.text("//*[@data-past-extension='pii_guard']").await;
    assert!(row.contains("250 ms"), "{row:?}");
    let row = window
        .text("//*[@data-past-extension='mock_provider']")
        .await;
    assert!(row.contains("On"), "{row:?}");
    for scheme in ["light", "dark"] {
        window
            .run(&format!(
                "document.documentElement.dataset.mantineColorScheme = '{scheme}'"
            ))
            .await;
        window.picture(&format!("as-of-{scheme}")).await;
    }
    window.click("//label[contains(., 'Changed since')]").await;
    window
        .see("//section[@aria-label='anthropic_claude'][contains(., 'retry')]")
        .await;
    window.picture("as-of-since-dark").await;
    window
        .click("//section[@aria-label='anthropic_claude']//a")
        .await;
    window.see("//h1[.='Audit']").await;
    window
        .see("//*[@data-testid='shown'][contains(., 'anthropic_claude')]")
        .await;
    window.close(&account).await;
}
