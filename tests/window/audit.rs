//! The audit page: filtered, undone, restored, exported, zoomed; and the registry of earlier moments.

use sqlx::{ConnectOptions, Connection};
use system_tests::database::execute;
use system_tests::servers::superuser_of;

use crate::application::{Account, Window};

const ROW: &str = "//*[@data-audit-revision]";

async fn sql(account: &Account, statements: &str) {
    execute(&superuser_of(&account.data_directory), statements)
        .await
        .expect("the statements run");
}

/// Timeout, retries, state and a value of the configuration as they are stored.
async fn row(account: &Account, id: &str) -> String {
    let mut connection = superuser_of(&account.data_directory)
        .connect()
        .await
        .expect("a connection");
    let row = sqlx::query_scalar(
        "SELECT concat_ws(' ', timeout_ms, retry, enabled, config -> 'threshold')
         FROM public.extensions WHERE id = $1",
    )
    .bind(id)
    .fetch_one(&mut connection)
    .await
    .expect("the row");
    connection.close().await.expect("it closes");
    row
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

/// Exports by the menu and reads back what was written.
async fn exported(window: &Window, format: &str, changes: &str) -> String {
    window.click("//button[normalize-space()='Export']").await;
    window
        .click(&format!("//*[@role='menuitem'][contains(., '{format}')]"))
        .await;
    let notice = format!("//*[@role='alert'][contains(., 'Exported {changes} to')]");
    let copy = format!("{notice}//button[starts-with(@aria-label, 'Copy path')]");
    let copy = window.see(&copy).await;
    let label = copy.attr("aria-label").await.expect("an attribute");
    let label = label.expect("a label");
    let path = &label[label.find('/').expect("a path")..];
    window
        .see(&format!("{notice}//button[contains(., 'Show in folder')]"))
        .await;
    if format == "CSV" {
        window.picture("audit-exported-light").await;
    }
    window
        .click_at_rest(&format!("{notice}//button[contains(@class, 'close')]"))
        .await;
    window.see_gone(&notice).await;
    let written = std::fs::read_to_string(path).expect("the file is there");
    let folder = std::path::Path::new(path).parent().expect("a folder");
    let left = std::fs::read_dir(folder).expect("the folder").any(|entry| {
        let name = entry.expect("an entry").file_name();
        name.to_string_lossy().ends_with(".unfinished")
    });
    assert!(!left, "nothing unfinished is left");
    written
}

#[tokio::test]
async fn what_is_filtered_is_exported_to_a_file_that_programs_read() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    some_history(&account).await;
    window.open_page("Audit").await;

    let lines = exported(&window, "NDJSON", "3 changes").await;
    let entries: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object on each line"))
        .collect();
    let revisions: Vec<_> = entries
        .iter()
        .map(|entry| entry["revision"].clone())
        .collect();
    assert_eq!(revisions, [1, 2, 3], "oldest first");
    assert_eq!(entries[0]["changes"][0]["path"], "/timeout_ms");
    let reason = entries[2]["reason"].as_str().expect("a reason");
    assert!(reason.contains("<b>not bold</b>"), "{reason}");

    window
        .click("//*[@data-audit-revision='2']//button[.='anthropic_claude']")
        .await;
    window.see_gone("//*[@data-audit-revision='1']").await;
    let table = exported(&window, "CSV", "1 change").await;
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[0].starts_with("revision,sealed_at,"), "{table}");
    assert!(rows[1].starts_with("2,"), "{table}");
    assert!(rows[1].contains("anthropic_claude,updated"), "{table}");
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

    // Dragging over a part of it with the pointer leaves a part of the entries.
    window.drag_over("//*[@role='slider']", 0.35, 0.6).await;
    let told = window.text("//*[@data-testid='activity']").await;
    assert!(told.contains(" to 20"), "{told}");
    window.picture("audit-brush-dark").await;
    window.release_pointer().await;
    window
        .see("//*[@data-testid='shown'][contains(., ' to ')]")
        .await;
    window.see_gone("//*[@data-audit-revision='69']").await;
    assert!(window.count(ROW).await > 3, "and leaves what is in it");
    window.picture("audit-zoomed-dark").await;
    window.click("//button[@aria-label='Zoom out']").await;
    window.see("//*[@data-testid='shown']").await;
    window.click("//button[@aria-label='The whole log']").await;
    window.see_gone("//*[@data-testid='shown']").await;

    // By keys as well: the first three buckets, and out again.
    window.see("//*[@role='slider']").await;
    window
        .run("document.querySelector('[role=slider]').focus()")
        .await;
    window.press(&["Home"]).await;
    window.press(&["Shift", "ArrowRight"]).await;
    window.press(&["Shift", "ArrowRight"]).await;
    window.press(&["Enter"]).await;
    window.see("//*[@data-testid='shown']").await;
    window.see("//*[@data-audit-revision='1']").await;
    window.see_gone("//*[@data-audit-revision='69']").await;
    window
        .run("document.querySelector('[role=slider]').focus()")
        .await;
    for _ in 0..5 {
        window.press(&["-"]).await;
    }
    window.see("//*[@data-audit-revision='69']").await;
    if window.count("//*[@data-testid='shown']").await > 0 {
        window
            .click("//*[@data-testid='shown']//button[.='Clear']")
            .await;
    }

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
        .see("//section[@aria-label='anthropic_claude'][contains(., 'Retries')]")
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

/// Sets the checkbox of a field in the dialog.
async fn tick(window: &Window, field: &str) {
    window
        .click(&format!("//*[@role='dialog']//label[.='{field}']"))
        .await;
}

#[tokio::test]
async fn ticked_fields_and_deleted_extensions_are_brought_back_and_versions_compared() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    sql(
        &account,
        "UPDATE public.extensions SET timeout_ms = 250, retry = 1 WHERE id = 'pii_guard';
         UPDATE public.extensions SET timeout_ms = 900, retry = 5, enabled = false,
                config = jsonb_set(coalesce(config, '{}'), '{threshold}', '0.90') WHERE id = 'pii_guard'",
    )
    .await;
    window.open_page("Audit").await;
    open_entry(&window, 1).await;

    // Any two versions are compared.
    let entry = "//*[@data-audit-revision='1']";
    window.click(&format!("{entry}//label[.='Pick…']")).await;
    window
        .click(&format!(
            "{entry}//input[@aria-label='Version to compare with']"
        ))
        .await;
    window
        .click("//*[@role='option'][contains(., '#2 updated by')]")
        .await;
    window
        .see(&format!(
            "{entry}//dl[contains(., '900') and contains(., '250')]"
        ))
        .await;
    window.picture("audit-compare-light").await;
    window
        .click(&format!("{entry}//button[contains(., 'unchanged')]"))
        .await;
    window
        .see(&format!("{entry}//dl[contains(., 'Subject')]"))
        .await;
    window.picture("audit-compare-all-light").await;

    // Two of the four fields that differ come back.
    window
        .click(&format!(
            "{entry}//button[contains(., 'Restore this version')]"
        ))
        .await;
    window
        .see("//*[@role='dialog']//label[.='Select all (4)']")
        .await;
    for scheme in ["dark", "light"] {
        window
            .run(&format!(
                "document.documentElement.dataset.mantineColorScheme = '{scheme}'"
            ))
            .await;
        window.picture(&format!("restore-{scheme}")).await;
    }
    tick(&window, "Select all (4)").await;
    let submit = "//*[@role='dialog']//button[@type='submit']";
    let is_off = window.see(submit).await.attr("disabled").await;
    assert!(is_off.expect("an attribute").is_some(), "off at zero");
    tick(&window, "Timeout (ms)").await;
    tick(&window, "Retries").await;
    window.picture("restore-ticked-light").await;
    window.click(submit).await;
    window.see_gone("//*[@role='dialog']").await;
    let_new_entries_in(&window).await;
    window
        .see("//*[@data-audit-revision='3'][contains(., 'brought back version #1')]")
        .await;
    let fields = row(&account, "pii_guard").await;
    assert_eq!(fields, "250 1 f 0.90", "the others stay as they are");

    // What is deleted comes back whole.
    sql(
        &account,
        "DELETE FROM public.extensions WHERE id = 'pii_guard'",
    )
    .await;
    let_new_entries_in(&window).await;
    window.see("//*[@data-audit-revision='4']").await;
    window
        .click(&format!(
            "{entry}//button[contains(., 'Restore this version')]"
        ))
        .await;
    window
        .see("//*[@role='dialog'][contains(., 'It was deleted since')]")
        .await;
    window.picture("restore-deleted-light").await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Restore it']")
        .await;
    window.see_gone("//*[@role='dialog']").await;
    window.open_page("Extensions").await;
    window.see_state("pii_guard", "On").await;
    window.close(&account).await;
}

#[tokio::test]
async fn the_live_tail_waits_while_one_reads_further_down_and_a_jump_leaves_nothing_out() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    some_history(&account).await;
    weeks_of_history(&account).await;
    window.open_page("Audit").await;
    window.see("//*[@data-audit-revision='69']").await;

    // At the top, what others change comes in by itself.
    sql(
        &account,
        "UPDATE public.extensions SET retry = 7 WHERE id = 'mock_provider'",
    )
    .await;
    window.see("//*[@data-audit-revision='70']").await;

    // Further down it waits, and nothing moves.
    let scrolled = "const list = document.querySelector('[data-audit-revision]').closest('[class*=scroller]');";
    window
        .run(&format!(
            "{scrolled} list.scrollTop = 600; return list.scrollTop"
        ))
        .await;
    window.see_gone("//*[@data-audit-revision='70']").await;
    let top = "const first = [...document.querySelectorAll('[data-audit-revision]')]
        .find((row) => row.getBoundingClientRect().top > 300);
        return first.dataset.auditRevision + ' ' + Math.round(first.getBoundingClientRect().top)";
    let before = window.run(top).await;
    sql(
        &account,
        "UPDATE public.extensions SET retry = 8 WHERE id = 'mock_provider'",
    )
    .await;
    window.see("//button[contains(., '1 new entry')]").await;
    assert_eq!(
        window.run(top).await,
        before,
        "what is read stays in its place"
    );
    window.click("//button[contains(., '1 new entry')]").await;
    window.see("//*[@data-audit-revision='71']").await;

    // A jump to a day begins there; what is newer lies above it.
    let day = window
        .run("const day = new Date(Date.now() - 12 * 86400000);
              return day.getDate() + ' ' + day.toLocaleString('en', { month: 'long' }) + ' ' + day.getFullYear()")
        .await;
    let day = day.as_str().expect("a day").to_owned();
    window
        .click("//button[starts-with(@aria-label, 'Time:')]")
        .await;
    let button = format!("//button[@aria-label='{day}']");
    window.see("//*[contains(., 'Jump to a date')]").await;
    if window.count(&button).await == 0 {
        window.click("//button[@data-direction='previous']").await;
    }
    window.click(&button).await;
    window
        .see("//button[contains(., 'To the newest entry')]")
        .await;
    window.see_gone("//*[@data-audit-revision='71']").await;
    window.picture("audit-jump-light").await;
    window
        .run(&format!("{scrolled} list.scrollTop = 0; return 0"))
        .await;
    window.see("//*[@data-audit-revision='71']").await;
    window
        .click("//button[contains(., 'To the newest entry')]")
        .await;
    window
        .see_gone("//button[contains(., 'To the newest entry')]")
        .await;
    sql(
        &account,
        "UPDATE public.extensions SET retry = 6 WHERE id = 'mock_provider'",
    )
    .await;
    window.see("//*[@data-audit-revision='72']").await;
    window.close(&account).await;
}

#[tokio::test]
async fn an_entry_is_opened_and_its_version_brought_back_by_keys_alone() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    sql(
        &account,
        "UPDATE public.extensions SET timeout_ms = 250 WHERE id = 'pii_guard';
         UPDATE public.extensions SET timeout_ms = 900 WHERE id = 'pii_guard'",
    )
    .await;
    window.press(&["g"]).await;
    window.press(&["a"]).await;
    window.see("//h1[.='Audit']").await;
    window.see("//*[@data-audit-revision='2']").await;
    window.press(&["j"]).await;
    window.see_focus_in("//*[@data-audit-revision='2']").await;
    window.press(&["ArrowDown"]).await;
    window.see_focus_in("//*[@data-audit-revision='1']").await;
    window.press(&["Enter"]).await;
    window
        .see("//*[@data-audit-revision='1']//dt[.='How known']")
        .await;
    let restore = "//*[@data-audit-revision='1']//button[contains(., 'Restore this version')]";
    tab_to(&window, restore).await;
    window.press(&["Enter"]).await;
    window.see("//*[@role='dialog']//*[@data-field]").await;
    tab_to(&window, "//*[@role='dialog']//button[@type='submit']").await;
    window.press(&["Enter"]).await;
    window.see_gone("//*[@role='dialog']").await;
    window.see("//*[contains(., 'Restored')]").await;
    let fields = row(&account, "pii_guard").await;
    assert!(fields.starts_with("250 "), "{fields}");
    window.close(&account).await;
}

/// Goes on with the Tab key until the focus is in an element.
async fn tab_to(window: &Window, xpath: &str) {
    let script = "const [xpath] = arguments;
        const place = document.evaluate(xpath, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE).singleNodeValue;
        return place !== null && place.contains(document.activeElement);";
    for _ in 0..60 {
        let is_there = window.client.execute(script, vec![xpath.into()]).await;
        if is_there.expect("the script runs") == serde_json::json!(true) {
            return;
        }
        window.press(&["Tab"]).await;
    }
    panic!("the focus doesn't come to {xpath}");
}
