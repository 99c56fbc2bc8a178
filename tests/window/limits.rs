//! Limits of health: what is beyond one is told in the page, in the list of notices and on the desktop, and once.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use system_tests::application::{Account, Window};
use system_tests::database::execute;
use system_tests::desktop::{Desktop, Service};
use system_tests::servers::superuser_of;

/// The desktop's own program that shows notices, asked by its own tool.
struct Notices<'a> {
    desktop: &'a Desktop,
    _service: Service,
}

impl<'a> Notices<'a> {
    fn start(desktop: &'a Desktop) -> Self {
        let notices = Self {
            desktop,
            _service: Service::start(desktop.command("dunst".as_ref())),
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !notices.ask(&["count", "displayed"]).status.success() {
            assert!(Instant::now() < deadline, "dunst shows notices");
            std::thread::sleep(Duration::from_millis(50));
        }
        notices
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        let mut command: Command = self.desktop.command("dunstctl".as_ref());
        command.args(arguments).output().expect("dunstctl runs")
    }

    fn count(&self, which: &str) -> usize {
        let output = self.ask(&["count", which]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.trim().parse().unwrap_or_else(|_| panic!("{text:?}"))
    }

    async fn see_displayed(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.count("displayed") != count {
            assert!(
                Instant::now() < deadline,
                "{count} are displayed, not {}",
                self.count("displayed")
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What those said that are gone, the newest first: title and text.
    fn gone(&self) -> Vec<(String, String)> {
        let output = self.ask(&["history"]);
        let history: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let text = |entry: &serde_json::Value, name: &str| {
            entry[name]["data"].as_str().unwrap_or_default().to_owned()
        };
        history["data"][0]
            .as_array()
            .expect("entries")
            .iter()
            .map(|entry| (text(entry, "summary"), text(entry, "body")))
            .collect()
    }
}

async fn record(account: &Account, statements: &str) {
    execute(&superuser_of(&account.data_directory), statements)
        .await
        .unwrap();
}

/// Sets a limit of the score on the settings page.
async fn set_score(window: &Window, name: &str, percent: &str) {
    window.open_page("Settings").await;
    let field = format!("//input[@aria-label='{name}: score below']");
    window.write(&field, percent).await;
    let save = format!("//form[@aria-label='Limits of {name}']//button[normalize-space()='Save']");
    window.click(&save).await;
    window.see_gone(&save).await;
}

const ALARM: &str = "//tr[@data-alarm='pii_guard'][@data-trouble='failing']";
const NO_ALARM: &str = "//nav//a[normalize-space()='Health']";

#[tokio::test]
async fn a_limit_that_is_crossed_is_told_everywhere_once_and_so_is_its_end() {
    let account = Account::new();
    let notices = Notices::start(&account.desktop);
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    // As a program of before the functions counts: what it adds is history, and in the charts.
    record(
        &account,
        "INSERT INTO extension_health (extension_id, success_count, failure_count, avg_latency_ms, last_success, last_failure)
         VALUES ('pii_guard', 97, 3, 12, now(), now())",
    )
    .await;
    window.open_page("Health").await;
    window.click("//button[normalize-space()='1 h']").await;
    window
        .see("//tr[@data-extension-id='pii_guard'][contains(., '97.0')]")
        .await;
    assert_eq!(
        window.count(ALARM).await,
        0,
        "it is above its limit of 95 %"
    );

    set_score(&window, "validator", "99").await;
    notices.see_displayed(1).await;
    window.see("//nav//a[contains(., '1 alarm')]").await;
    window.open_page("Health").await;
    let words = window.text(ALARM).await;
    for part in ["Fails too often", "97.0 % succeed", "at least 99 %"] {
        assert!(words.contains(part), "{part} is in {words:?}");
    }
    window.picture("health-alarm-light").await;

    // Looked at again, and after a reload of the page: it stands, and is not told again.
    set_score(&window, "pre", "94").await;
    window.run("location.reload()").await;
    window.see("//nav//a[contains(., '1 alarm')]").await;
    window.open_page("Health").await;
    window.see(ALARM).await;
    assert_eq!(
        (notices.count("displayed"), notices.count("history")),
        (1, 0)
    );

    // A click on the desktop opens it.
    assert!(notices.ask(&["action", "0"]).status.success());
    window
        .see("//aside[@aria-label='Extension pii_guard']")
        .await;
    notices.see_displayed(0).await;
    assert_eq!(
        notices.gone(),
        [(
            "pii_guard fails too often".to_owned(),
            "97 % of its calls succeed; the limit is 99 %.".to_owned()
        )]
    );

    // So does the entry in the window's own list.
    window.open_page("Audit").await;
    window
        .click("//button[starts-with(@aria-label, 'Notices')]")
        .await;
    window.picture("notices-alarm-light").await;
    window
        .click("//li[@data-kind='trouble']//button[contains(., 'pii_guard fails too often')]")
        .await;
    window
        .see("//aside[@aria-label='Extension pii_guard']")
        .await;

    // Over: gone from the page, and said.
    set_score(&window, "validator", "90").await;
    window.see(NO_ALARM).await;
    notices.see_displayed(1).await;
    assert!(notices.ask(&["close-all"]).status.success());
    notices.see_displayed(0).await;
    assert_eq!(notices.gone()[0].0, "pii_guard no longer fails too often");
    window
        .click("//button[starts-with(@aria-label, 'Notices')]")
        .await;
    window
        .see("//li[@data-kind='done'][contains(., 'pii_guard no longer fails too often')]")
        .await;
    window.press(&["Escape"]).await;

    // Held back, the desktop is left alone; the window tells all the same.
    window
        .run("window.__TAURI_INTERNALS__.invoke('pause_notices', { paused: true })")
        .await;
    window
        .see("//header//button[contains(@aria-label, 'Notices are held back')]")
        .await;
    set_score(&window, "validator", "99").await;
    window.see("//nav//a[contains(., '1 alarm')]").await;
    window.open_page("Health").await;
    window.see(ALARM).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        (notices.count("displayed"), notices.count("history")),
        (0, 2)
    );
    window.close(&account).await;
}

#[tokio::test]
async fn limits_of_an_extension_stand_before_those_of_its_type() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    record(
        &account,
        "SELECT record_health('pii_guard', n % 25 > 0, 40) FROM generate_series(1, 100) AS n",
    )
    .await;
    window
        .click("//tr[@data-extension-id='pii_guard']/td[@data-column='timeout_ms']")
        .await;
    let panel = "//aside[@aria-label='Extension pii_guard']";
    window
        .see(&format!("{panel}[contains(., 'of type validator')]"))
        .await;
    window
        .click(&format!(
            "{panel}//button[normalize-space()='Set its own limits']"
        ))
        .await;
    window
        .write(
            &format!("{panel}//form//input[@placeholder='none'][1]"),
            "97",
        )
        .await;
    window.picture("limits-panel-light").await;
    window
        .click(&format!("{panel}//button[normalize-space()='Save']"))
        .await;
    window
        .see(&format!("{panel}[contains(., 'its own')]"))
        .await;
    window.see("//nav//a[contains(., '1 alarm')]").await;

    window.open_page("Settings").await;
    window
        .see("//input[@aria-label='pii_guard: score below']")
        .await;
    window
        .write("//input[@aria-label='provider: p95 above']", "2500")
        .await;
    window
        .see("//form[@aria-label='Limits of provider']//button[normalize-space()='Save']")
        .await;
    window.picture("settings-limits-light").await;
    window.choose_colours("Dark").await;
    window.picture("settings-limits-dark").await;
    window.open_page("Health").await;
    window.see(ALARM).await;
    window.see("//tr[@data-extension-id='pii_guard']").await;
    window.picture("health-alarm-dark").await;
    window.open_page("Settings").await;
    window
        .click("//button[@aria-label='Take the limits of its type for pii_guard']")
        .await;
    window.see(NO_ALARM).await;
    window.close(&account).await;
}

#[tokio::test]
async fn sample_traffic_comes_from_the_command_line_into_an_empty_registry_alone() {
    let account = Account::new();
    let fill = || {
        let output = account
            .further_start()
            .arg("--fill-sample-traffic")
            .output()
            .expect("the program runs");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), words)
    };
    let (is_done, words) = fill();
    assert!(is_done && words.contains("made-up calls"), "{words}");
    let (is_done, words) = fill();
    assert!(
        !is_done && words.contains("There is a history of health already"),
        "{words}"
    );

    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.open_page("Health").await;
    window.see("//*[contains(., 'made up')]").await;
    window.click("//button[normalize-space()='1 h']").await;
    window
        .see("//tr[@data-extension-id='openai_gpt4'][contains(., 'Failing')]")
        .await;
    // One fails by itself, once it has been found at two looks.
    window
        .see("//tr[@data-alarm='openai_gpt4'][@data-trouble='failing']")
        .await;
    window.picture("health-sample-alarm-light").await;
    window
        .click("//button[normalize-space()='Remove them']")
        .await;
    window.see_gone("//*[contains(., 'made up')]").await;

    // By name, beside the console's own window.
    window.press(&["Control", "k"]).await;
    window.see_focus_in("//*[@role='dialog']").await;
    window.type_text("sample").await;
    window.press(&["Enter"]).await;
    window.see("//*[contains(., 'made up')]").await;
    window
        .click("//button[normalize-space()='Remove them']")
        .await;
    window.see_gone("//*[contains(., 'made up')]").await;
    let (is_done, words) = fill();
    assert!(is_done, "it joins the server of the window: {words}");
    // Another range is read anew at once, where the one that is shown waits for its turn.
    window.click("//button[normalize-space()='6 h']").await;

    // Where there was a call it is refused, and said why.
    window
        .click("//button[normalize-space()='Remove them']")
        .await;
    record(&account, "SELECT record_health('pii_guard', true, 5)").await;
    window.press(&["Control", "k"]).await;
    window.see_focus_in("//*[@role='dialog']").await;
    window.type_text("sample").await;
    window.press(&["Enter"]).await;
    window
        .see("//*[@role='alert'][contains(., 'There is a history of health already')]")
        .await;
    window.close(&account).await;
}
