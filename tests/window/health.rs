//! How calls went over time, with made-up calls that say that they are.

use serde_json::json;
use system_tests::application::{Account, Window};
use system_tests::database::execute;
use system_tests::servers::superuser_of;

/// One of the charts of an extension.
fn chart(name: &str) -> String {
    format!("//section[@data-chart][@aria-label='{name}']")
}

async fn fill(window: &Window) {
    window.open_page("Health").await;
    window
        .click("//button[normalize-space()='Show sample traffic']")
        .await;
    window.see("//*[contains(., 'made up')]").await;
    window
        .see("//tr[@data-extension-id][1]//*[@role='img']")
        .await;
}

async fn choose_range(window: &Window, name: &str) {
    window
        .click(&format!(
            "//fieldset[@aria-label='Range']//button[normalize-space()='{name}']"
        ))
        .await;
    window
        .see(&format!(
            "//fieldset[@aria-label='Range']//button[normalize-space()='{name}'][@aria-pressed='true']"
        ))
        .await;
}

/// The range that the address names, in minutes; none without one.
async fn minutes_in_address(window: &Window) -> Option<f64> {
    let script = "const search = new URLSearchParams(location.search);
        const [from, until] = ['from', 'until'].map((end) => Date.parse(search.get(end)));
        return Number.isNaN(until - from) ? null : (until - from) / 60000;";
    window.run(script).await.as_f64()
}

#[tokio::test]
async fn an_empty_registry_shows_sample_traffic_and_forgets_it() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    fill(&window).await;
    // One fails since twenty minutes ago.
    choose_range(&window, "1 h").await;
    window
        .see("//tr[@data-extension-id='openai_gpt4'][@data-index='0'][contains(., 'Failing')]//*[@role='img']")
        .await;
    window
        .see("//dl[@aria-label='All extensions together'][contains(., '1of 6 extensions')]")
        .await;
    window
        .click("//button[normalize-space()='Failing 1']")
        .await;
    window.see_gone("//tr[@data-index='1']").await;
    window.click("//button[normalize-space()='All 6']").await;
    choose_range(&window, "7 days").await;
    window.see("//th[contains(., '6 hours')]").await;

    // A call of a router, and it is on the page by itself.
    window
        .click("//button[normalize-space()='Remove them']")
        .await;
    window.see_gone("//*[contains(., 'made up')]").await;
    choose_range(&window, "1 h").await;
    execute(
        &superuser_of(&account.data_directory),
        "SELECT record_health('pii_guard', n > 1, 20 * n) FROM generate_series(1, 4) AS n",
    )
    .await
    .unwrap();
    window
        .see("//tr[@data-extension-id='pii_guard'][contains(., 'Failing')][contains(., '75.0')]")
        .await;
    window
        .see_gone("//button[normalize-space()='Show sample traffic']")
        .await;
    window.close(&account).await;
}

#[tokio::test]
async fn one_extension_is_looked_into_from_the_overview() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    fill(&window).await;
    window
        .click("//tr[@data-extension-id='openai_gpt4']//td[@data-column='score']")
        .await;
    window.see("//h1[normalize-space()='openai_gpt4']").await;
    window.see("//dl[contains(., 'made up')]").await;
    for name in ["Success rate", "Latency", "Calls"] {
        window
            .see(&format!(
                "{}//*[@role='img'][contains(@aria-label, '{name}')]",
                chart(name)
            ))
            .await;
    }

    // The middle half of a day, by the pointer.
    window
        .drag(
            &format!("{}//*[@role='slider']", chart("Latency")),
            0.25,
            0.75,
        )
        .await;
    window.see("//button[normalize-space()='Zoom out']").await;
    let minutes = minutes_in_address(&window).await.expect("a range");
    assert!((700.0..=740.0).contains(&minutes), "{minutes} minutes");
    window
        .see("//*[@data-testid='readout'][contains(., 'a point each 5 min')]")
        .await;
    window.press(&["Escape"]).await;
    window
        .see_gone("//button[normalize-space()='Zoom out']")
        .await;
    assert_eq!(minutes_in_address(&window).await, None);

    // The same figures in the chart and in its table.
    choose_range(&window, "15 min").await;
    window
        .see("//*[@data-testid='readout'][contains(., 'a point each minute')]")
        .await;
    window
        .click(&format!(
            "{}//button[@aria-label='Calls as a table']",
            chart("Calls")
        ))
        .await;
    window
        .see("//table[@aria-label='Calls in figures']//tr[@data-index]")
        .await;
    let sums = window
        .run(
            "const number = (text) => Number(text.replace(/\\D/g, ''));
             const sum = (column) => [...document.querySelectorAll(`table[aria-label='Calls in figures'] td[data-column=${column}]`)]
                 .reduce((sum, cell) => sum + (cell.textContent === 'no data' ? 0 : number(cell.textContent)), 0);
             const told = [...document.querySelectorAll('[data-testid=\"calls legend\"] li')].map((line) => number(line.textContent));
             return { table: [sum('answered'), sum('failed')], told };",
        )
        .await;
    assert_eq!(sums["table"], sums["told"]);
    assert_ne!(sums["told"][1], json!(0), "it fails");
    window
        .click(&format!(
            "{}//button[@aria-label='Calls as a table']",
            chart("Calls")
        ))
        .await;

    // Chosen by keys alone.
    let slider = format!("{}//*[@role='slider']", chart("Success rate"));
    window
        .run("document.querySelector('[data-chart=score] [role=slider]').focus()")
        .await;
    window.press(&["ArrowLeft"]).await;
    window
        .see(&format!("{slider}[contains(@aria-valuetext, 'rate ')]"))
        .await;
    window.press(&["Shift", "ArrowLeft"]).await;
    window.press(&["Shift", "ArrowLeft"]).await;
    window.press(&["Enter"]).await;
    window.see("//button[normalize-space()='Zoom out']").await;
    assert_eq!(minutes_in_address(&window).await, Some(3.0));
    window.close(&account).await;
}

#[tokio::test]
async fn who_switched_an_extension_is_marked_on_its_charts() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    fill(&window).await;
    window.open_page("Extensions").await;
    // Small charts of the last day stand in the list.
    window
        .see("//tr[@data-extension-id='openai_gpt4']//td[@data-column='health']//*[@role='img'][contains(@aria-label, 'steps of hour')]")
        .await;
    window.picture("extensions-with-calls-light").await;
    window.click_switch("openai_gpt4").await;
    window.see_state("openai_gpt4", "Off").await;
    window.click_switch("openai_gpt4").await;
    window.see_state("openai_gpt4", "On").await;
    // Notices would lie over what the pictures are of.
    window
        .run("document.querySelectorAll('.mantine-Notification-closeButton').forEach((button) => button.click())")
        .await;
    window.see_gone("//*[@role='alert']").await;
    for scheme in ["Light", "Dark"] {
        window.choose_colours(scheme).await;
        let scheme = scheme.to_lowercase();
        window.open_page("Health").await;
        choose_range(&window, "6 h").await;
        window.see_gone("//*[@role='tooltip']").await;
        window.picture(&format!("health-overview-{scheme}")).await;
        window
            .click("//tr[@data-extension-id='openai_gpt4']//a")
            .await;
        window
            .see("//ul[@aria-label='Changes']//button[contains(@aria-label, 'disabled openai_gpt4')]")
            .await;
        window
            .see(&format!("{}//*[@data-line='p95']", chart("Latency")))
            .await;
        window
            .hover(&format!("{}//*[@role='slider']", chart("Latency")))
            .await;
        window.picture(&format!("health-extension-{scheme}")).await;
    }
    let marks = "//ul[@aria-label='Changes']//button";
    let words = window.see(marks).await.attr("aria-label").await.unwrap();
    let words = words.expect("a sentence");
    assert!(words.contains("enabled openai_gpt4"), "{words}");
    window.click(marks).await;
    window.see("//h1[contains(., 'Audit')]").await;
    window.see("//*[@data-audit-revision='1']").await;
    assert_eq!(window.count("//*[@data-audit-revision]").await, 2);

    // The same beside the list.
    window.open_page("Extensions").await;
    window
        .click("//tr[@data-extension-id='openai_gpt4']//td[@data-column='timeout_ms']")
        .await;
    window
        .click("//aside//button[@role='tab'][normalize-space()='Health']")
        .await;
    window
        .see(&format!(
            "//aside{}//*[@data-line='failed']",
            chart("Calls")
        ))
        .await;
    window
        .see("//aside//ul[@aria-label='Changes']//button")
        .await;
    window.picture("health-panel-dark").await;
    window.close(&account).await;
}
