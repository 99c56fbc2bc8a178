//! The extensions by hand and by key: many at once, the palette, a day without a pointer, and the next morning.

use std::time::Duration;

use system_tests::database::execute;
use system_tests::servers::superuser_of;

use crate::application::{Account, Window};

async fn assert_in_database(account: &Account, condition: &str) {
    execute(
        &superuser_of(&account.data_directory),
        &format!("DO $$ BEGIN ASSERT ({condition}); END $$"),
    )
    .await
    .unwrap_or_else(|error| panic!("{condition}: {error}"));
}

/// Waits until the script's answer is true: what has the focus can't be looked for as an element.
async fn until(window: &Window, condition: &str) {
    for _ in 0..200 {
        if window.run(&format!("return Boolean({condition})")).await == true {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    window.picture("failed").await;
    panic!("{condition} isn't so");
}

async fn until_focus_in(window: &Window, selector: &str) {
    until(
        window,
        &format!(
            "document.activeElement?.closest({})",
            serde_json::Value::from(selector)
        ),
    )
    .await;
}

#[tokio::test]
async fn several_are_switched_and_taken_back_as_one() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    for id in ["pii_guard", "normalize_text", "mock_provider"] {
        window
            .click(&format!(
                "//tr[@data-extension-id='{id}']//input[@type='checkbox'][not(@role='switch')]"
            ))
            .await;
    }
    // The one that is off already is told and left alone.
    window
        .see("//*[@role='toolbar'][contains(., '3 selected')][contains(., '2 on, 1 off')]")
        .await;
    window
        .click("//*[@role='toolbar']//button[normalize-space()='Disable 2']")
        .await;
    // Both are the only ones of their types.
    window
        .click("//*[@role='dialog'][contains(., 'no message is validated')]//button[normalize-space()='Disable 2']")
        .await;
    window.see_state("pii_guard", "Off").await;
    window.see_state("normalize_text", "Off").await;
    window.picture("bulk-light").await;
    assert_in_database(
        &account,
        "SELECT count(*) = 2 AND count(DISTINCT group_id) = 1 FROM extension_audit_log WHERE revision > 1",
    )
    .await;
    window
        .click("//*[@role='alert'][contains(., '2 extensions')]//button[normalize-space()='Undo']")
        .await;
    window.see_state("pii_guard", "On").await;
    window.see_state("normalize_text", "On").await;
    window.see_state("mock_provider", "Off").await;
    assert_in_database(
        &account,
        "SELECT count(*) = 2 AND count(DISTINCT group_id) = 1 AND bool_and(undone_group_id IS NOT NULL)
         FROM extension_audit_log WHERE revision > 3",
    )
    .await;

    // All of it can be read again.
    window
        .click("//button[starts-with(@aria-label, 'Notices')]")
        .await;
    window
        .see("//*[@role='dialog']//li[contains(., 'Switched off 2 extensions')]")
        .await;
    window.picture("notices-light").await;
    window
        .run("document.documentElement.dataset.mantineColorScheme = 'dark'")
        .await;
    window.picture("notices-dark").await;
    window.run("location.reload()").await;
    window.see_state("pii_guard", "On").await;
    window
        .click("//button[starts-with(@aria-label, 'Notices')]")
        .await;
    window
        .see("//*[@role='dialog']//li[contains(., 'Switched off 2 extensions')]")
        .await;
    window.close(&account).await;
}

#[tokio::test]
async fn the_palette_finds_an_extension_and_does_what_it_is_told() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.press(&["Control", "k"]).await;
    window
        .see("//*[@role='dialog']//input[@aria-label='Find a page, an action or an extension']")
        .await;
    window.type_text("pii").await;
    window
        .see("//button[.//*[normalize-space()='Switch off pii_guard']]")
        .await;
    window.picture("palette-light").await;
    window.press(&["Enter"]).await;
    window
        .see("//aside[@aria-label='Extension pii_guard']")
        .await;
    window.see_gone("//*[@role='dialog']").await;

    window.press(&["Control", "k"]).await;
    window.see("//*[@role='dialog']//input").await;
    window.type_text("switch off mock").await;
    window
        .click("//button[.//*[normalize-space()='Switch off mock_provider']]")
        .await;
    window.see_state("mock_provider", "Off").await;
    window.close(&account).await;
}

/// No pointer in here: `press` and `type_text` alone.
#[tokio::test]
async fn a_day_without_a_pointer() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;

    // Create.
    window.press(&["n"]).await;
    until_focus_in(&window, "[role=dialog] input").await;
    window.type_text("keyed").await;
    window.press(&["Tab"]).await;
    window.press(&["Tab"]).await;
    window.type_text("beamline.keyed.v1").await;
    window
        .see("//*[@role='dialog']//button[normalize-space()='Review'][not(@disabled)]")
        .await;
    window.press(&["Control", "Enter"]).await;
    window
        .see("//*[@role='dialog']//*[contains(., 'What is created')]")
        .await;
    window.press(&["Control", "Enter"]).await;
    window.see("//aside[@aria-label='Extension keyed']").await;
    window.see_gone("//*[@role='dialog']").await;
    window.press(&["Escape"]).await;
    window.see_gone("//aside").await;

    // Find.
    window.press(&["/"]).await;
    until_focus_in(&window, "input[type=search]").await;
    window.type_text("keyed").await;
    window
        .see_gone("//tr[@data-extension-id='pii_guard']")
        .await;
    window.press(&["ArrowDown"]).await;
    until_focus_in(&window, "tr[data-extension-id=keyed]").await;

    // Switch, and take it back.
    window.press(&["Space"]).await;
    window.see_state("keyed", "On").await;
    window.press(&["z"]).await;
    window.see_state("keyed", "Off").await;

    // Edit, review, save.
    window.press(&["e"]).await;
    window
        .see("//*[@role='dialog']//h2[contains(., 'Edit keyed')]")
        .await;
    until_focus_in(&window, "[role=dialog] input").await;
    window.press(&["Tab"]).await;
    window.press(&["Control", "a"]).await;
    window.type_text("250").await;
    window
        .see("//*[@role='dialog']//button[normalize-space()='Review'][not(@disabled)]")
        .await;
    window.press(&["Control", "Enter"]).await;
    window
        .see("//*[@role='dialog']//dt[contains(., 'Timeout')]")
        .await;
    until_focus_in(&window, "[role=dialog] textarea").await;
    window.type_text("by key").await;
    window.press(&["Control", "Enter"]).await;
    window.see_gone("//*[@role='dialog']").await;
    window
        .see("//tr[@data-extension-id='keyed'][contains(., '250 ms')]")
        .await;
    assert_in_database(
        &account,
        "SELECT timeout_ms = 250 AND NOT enabled FROM extensions WHERE id = 'keyed'",
    )
    .await;

    assert_in_database(
        &account,
        "SELECT reason = 'by key' FROM extension_audit_log ORDER BY revision DESC LIMIT 1",
    )
    .await;

    // Delete: the question is answered with Enter, from where one would write the reason.
    window.press(&["Delete"]).await;
    window
        .see("//*[@role='dialog']//h2[contains(., 'Delete keyed?')]")
        .await;
    until_focus_in(&window, "[role=dialog] input").await;
    window.type_text("no more").await;
    window.press(&["Enter"]).await;
    window.see_gone("//tr[@data-extension-id='keyed']").await;
    assert_in_database(
        &account,
        "SELECT action = 'deleted' AND reason = 'no more' FROM extension_audit_log ORDER BY revision DESC LIMIT 1",
    )
    .await;
    window.close(&account).await;
}

/// Goes on with Tab until the focus is on what is meant: so it can be reached without a pointer.
async fn tab_to(window: &Window, xpath: &str) {
    window.see(xpath).await;
    let condition = format!(
        "document.evaluate({}, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE).singleNodeValue === document.activeElement",
        serde_json::Value::from(xpath)
    );
    for _ in 0..80 {
        if window.run(&format!("return Boolean({condition})")).await == true {
            return;
        }
        window.press(&["Tab"]).await;
    }
    window.picture("failed").await;
    panic!("Tab doesn't reach {xpath}");
}

/// No pointer in here either: several at once, the log, an earlier version, files.
#[tokio::test]
async fn a_second_day_without_a_pointer() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;

    several_at_once(&window, &account).await;
    an_earlier_version(&window, &account).await;
    to_a_file_and_back(&window, &account).await;
    window.close(&account).await;
}

/// Several are switched at once, and that is taken back.
async fn several_at_once(window: &Window, account: &Account) {
    window.press(&["/"]).await;
    until_focus_in(window, "input[type=search]").await;
    window.type_text("type:prov").await;
    window.press(&["Tab"]).await;
    // What is typed halfway matches nothing; whole, it does.
    window
        .see("//table[not(.//tr[@data-extension-id='pii_guard'])]//tr[@data-extension-id='openai_gpt4']")
        .await;
    window.press(&["Enter"]).await;
    until_focus_in(window, "tr[data-extension-id]").await;
    window.press(&["x"]).await;
    window.press(&["Shift", "ArrowDown"]).await;
    tab_to(
        window,
        "//*[@role='toolbar']//button[normalize-space()='Disable 2']",
    )
    .await;
    window.press(&["Enter"]).await;
    window
        .see("//*[@role='alert'][contains(., 'Switched off 2 extensions')]")
        .await;
    assert_in_database(
        account,
        "SELECT count(*) = 2 FROM extensions WHERE NOT enabled",
    )
    .await;
    window.run("document.activeElement.blur()").await;
    window.press(&["z"]).await;
    window
        .see_gone("//*[@role='alert'][contains(., 'Switched off 2 extensions')]")
        .await;
    until(
        window,
        "document.querySelectorAll('tr[data-extension-id][data-off]').length === 0",
    )
    .await;
}

/// The newest entry of the log is opened, and an earlier version comes back.
async fn an_earlier_version(window: &Window, account: &Account) {
    window.press(&["g"]).await;
    window.press(&["a"]).await;
    window.see("//h1[.='Audit']").await;
    window.press(&["j"]).await;
    until_focus_in(window, "main [aria-expanded]").await;
    window.press(&["Enter"]).await;
    window.see("//main//*[@aria-expanded='true']").await;

    // An earlier version comes back.
    execute(
        &superuser_of(&account.data_directory),
        "UPDATE extensions SET timeout_ms = 301 WHERE id = 'pii_guard';
         UPDATE extensions SET timeout_ms = 302 WHERE id = 'pii_guard'",
    )
    .await
    .unwrap();
    window.press(&["Control", "k"]).await;
    window.see("//*[@role='dialog']//input").await;
    window.type_text("history of pii_guard").await;
    window
        .see("//button[.//*[normalize-space()='History of pii_guard']]")
        .await;
    window.press(&["Enter"]).await;
    tab_to(
        window,
        "(//aside//*[@data-audit-revision])[2]//button[@aria-expanded]",
    )
    .await;
    window.press(&["Enter"]).await;
    tab_to(
        window,
        "//aside//button[normalize-space()='Restore this version']",
    )
    .await;
    window.press(&["Enter"]).await;
    tab_to(window, "//*[@role='dialog']//button[@type='submit']").await;
    window.press(&["Enter"]).await;
    window.see_gone("//*[@role='dialog']").await;
    assert_in_database(
        account,
        "SELECT timeout_ms = 301 FROM extensions WHERE id = 'pii_guard'",
    )
    .await;
    window.press(&["Escape"]).await;
    window.see_gone("//aside").await;
}

/// To a file, and from one.
async fn to_a_file_and_back(window: &Window, account: &Account) {
    tab_to(window, "//header//button[normalize-space()='Export']").await;
    window.press(&["Enter"]).await;
    window.see("//*[@role='menuitem']").await;
    until_focus_in(window, "[role=menuitem]").await;
    window.press(&["Enter"]).await;
    let notice = window
        .text("//*[@role='alert'][contains(., 'Exported 6 extensions')]")
        .await;
    let file = notice[notice.find('/').expect("a path")..]
        .trim()
        .to_owned();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("timeout_ms: 301\n", "timeout_ms: 303\n"),
    )
    .unwrap();
    window.see_gone("//*[@role='menu']").await;
    window.press(&["g"]).await;
    window.press(&["i"]).await;
    window
        .see("//input[@type='file']")
        .await
        .send_keys(&file)
        .await
        .unwrap();
    tab_to(
        window,
        "//main//button[normalize-space()='Import 1 change']",
    )
    .await;
    window.press(&["Enter"]).await;
    window.see("//h1[.='Extensions']").await;
    assert_in_database(
        account,
        "SELECT timeout_ms = 303 FROM extensions WHERE id = 'pii_guard'",
    )
    .await;
}

#[tokio::test]
async fn the_next_start_goes_on_where_one_left() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window
        .write("//input[@type='search']", "is:on subject:beamline")
        .await;
    window.click("//button[normalize-space()='View']").await;
    window
        .click("//*[@role='dialog']//label[normalize-space()='Retries']")
        .await;
    window.see_gone("//th[@data-column='retry']").await;
    window.press(&["Escape"]).await;
    window
        .click("//tr[@data-extension-id='pii_guard']/td[@data-column='timeout_ms']")
        .await;
    window
        .click("//aside//button[@role='tab'][contains(., 'Configuration')]")
        .await;
    window
        .see("//aside[@aria-label='Extension pii_guard']//button[@role='tab'][@aria-selected='true'][contains(., 'Configuration')]")
        .await;
    window.close(&account).await;

    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window
        .see("//aside[@aria-label='Extension pii_guard']//button[@role='tab'][@aria-selected='true'][contains(., 'Configuration')]")
        .await;
    let query = window
        .run("return document.querySelector('input[type=search]').value")
        .await;
    assert_eq!(query, "is:on subject:beamline");
    assert_eq!(window.count("//th[@data-column='retry']").await, 0);
    assert_eq!(window.count("//th[@data-column='subject']").await, 1);

    // A panel that was closed stays so.
    window.click("//aside//button[@aria-label='Close']").await;
    window.see_gone("//aside").await;
    // The web view writes what a page keeps to the disk by and by.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    window.close(&account).await;
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    assert_eq!(window.count("//aside").await, 0);
    window.close(&account).await;
}

#[tokio::test]
async fn the_next_start_goes_on_with_the_page_and_its_filters() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "On").await;
    window.open_page("Audit").await;
    window
        .click("//button[@aria-pressed][normalize-space()='disabled']")
        .await;
    window.see_gone("//*[@data-audit-revision='2']").await;
    // The web view writes what a page keeps to the disk by and by.
    tokio::time::sleep(Duration::from_secs(2)).await;
    window.close(&account).await;

    let window = account.start().await;
    window.see("//h1[contains(., 'Audit')]").await;
    window
        .see("//button[@aria-pressed='true'][normalize-space()='disabled']")
        .await;
    window.see("//*[@data-audit-revision='1']").await;
    assert_eq!(window.count("//*[@data-audit-revision='2']").await, 0);

    // What makes no sense is left out.
    window
        .run("localStorage.setItem('last-address', '{\"to\":\"/nowhere\",\"search\":{\"x\":1}}'); location.replace('/')")
        .await;
    window.see_state("pii_guard", "On").await;
    window.close(&account).await;
}
