//! Extensions tried over a real NATS server, from setting it up to the answer on the screen.

use async_nats::ConnectOptions;
use system_tests::application::{Account, Window};
use system_tests::database::rows;
use system_tests::desktop::Keychain;
use system_tests::folder::TestFolder;
use system_tests::nats::{Answer, NatsServer, Responder};
use system_tests::servers::superuser_of;

const SUBJECT: &str = "beamline.ext.validate.pii_guard.v1";
const PLANTED: &str = "planted-4f1d2c3b";
const SEND: &str =
    "//section[starts-with(@aria-label, 'Test of')]//button[normalize-space()='Send']";

async fn open_test(window: &Window) {
    window.open_page("Extensions").await;
    window
        .click("//tr[@data-extension-id='pii_guard']//td[contains(., '200')]")
        .await;
    window
        .click("//button[@role='tab'][normalize-space()='Test']")
        .await;
    window.see("//*[@data-json-editor='Message']").await;
}

/// Sends the message and waits for this code of a failure.
async fn send_and_see(window: &Window, code: &str) {
    window.click(SEND).await;
    window
        .see(&format!(
            "//section[@aria-label='Result']//*[@data-testid='error-code'][normalize-space()='{code}']"
        ))
        .await;
}

async fn set_up(window: &Window, server: &NatsServer) {
    window
        .write("//input[@aria-label='NATS server']", &server.url())
        .await;
    window.click("//label[normalize-space()='Password']").await;
    window
        .write("//input[@aria-label='NATS login name']", "console")
        .await;
    window
        .write("//input[@aria-label='NATS password']", PLANTED)
        .await;
}

/// By itself, while the console is open.
async fn regular_checks(window: &Window, account: &Account, echo: &Responder) {
    let before = echo.count();
    window
        .click("//label[.='Try it by itself']/..//input")
        .await;
    window
        .click("//*[@role='option'][normalize-space()='every 30 s']")
        .await;
    window
        .see("//section[@aria-label='Regular checks'][not(contains(., 'not yet'))][contains(., 'Last:')]")
        .await;
    let recorded = rows(
        &superuser_of(&account.data_directory),
        "SELECT sum(success_count)::text, sum(failure_count)::text FROM extension_health_history
         WHERE extension_id = 'pii_guard' AND step_minutes = 1440 AND source = 'test'",
    )
    .await;
    assert!(echo.count() > before);
    assert_eq!(
        recorded,
        [[Some(echo.count().to_string()), Some("2".to_owned())]]
    );
}

#[tokio::test]
async fn an_extension_is_tried_and_answers() {
    let account = Account::new();
    let mut server = NatsServer::with_rules(&format!("user: console, password: \"{PLANTED}\""));
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;

    // Without NATS: in sight, off, and with the way to where it is set up.
    open_test(&window).await;
    window.see(&format!("{SEND}[@aria-disabled='true']")).await;
    window.see("//*[contains(., 'NATS is not set up')]").await;
    window.click("//a[normalize-space()='Open Settings']").await;
    set_up(&window, &server).await;
    window
        .write("//input[@aria-label='NATS password']", "wrong")
        .await;
    window
        .click("//button[normalize-space()='Test connection']")
        .await;
    window
        .see("//*[@data-testid='error-code'][.='login_refused']")
        .await;
    window
        .write("//input[@aria-label='NATS password']", PLANTED)
        .await;
    window
        .click("//button[normalize-space()='Test connection']")
        .await;
    window
        .see("//section//*[@role='status'][contains(., 'Connected in')]")
        .await;
    window.picture("nats-settings-light").await;
    window
        .click("//form//button[normalize-space()='Save']")
        .await;
    // There is no keychain on this desktop.
    window
        .see("//input[@aria-label='NATS password'][contains(@placeholder, 'until the console is closed')]")
        .await;

    // What was said is read: the pictures are of the page.
    window
        .click("//*[contains(@class, 'Notification-closeButton')]")
        .await;
    open_test(&window).await;
    send_and_see(&window, "no_responders").await;
    let login = ConnectOptions::new().user_and_password("console".into(), PLANTED.into());
    let silent = Responder::start_with(&server, login.clone(), SUBJECT, Answer::Silence).await;
    send_and_see(&window, "timed_out").await;
    window
        .see("//ol[@aria-label='Attempts'][count(li)=2]/li[2][contains(., 'Retry 1')]")
        .await;
    assert_eq!(silent.count(), 2);
    window.picture("live-test-failed-light").await;
    drop(silent);
    let echo = Responder::start_with(&server, login.clone(), SUBJECT, Answer::Echo).await;
    window.click(SEND).await;
    window
        .see("//section[@aria-label='Result'][contains(., 'Answered')][contains(., ' ms')]//pre[contains(., 'nothing is wrong with')]")
        .await;
    window
        .see("//*[contains(., 'in its history, as a test')]")
        .await;
    for scheme in ["light", "dark"] {
        window
            .run(&format!(
                "document.documentElement.dataset.mantineColorScheme = '{scheme}'"
            ))
            .await;
        window.picture(&format!("live-test-{scheme}")).await;
    }

    regular_checks(&window, &account, &echo).await;
    drop(echo);
    server.end();
    // The console learns of it within a moment.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    send_and_see(&window, "server_away").await;
    window.close(&account).await;

    // The secret is in no file, and after the next start it is asked for again.
    assert_eq!(
        account.files_with(PLANTED),
        Vec::<std::path::PathBuf>::new()
    );
    server.resume();
    let window = account.start().await;
    open_test(&window).await;
    window
        .see("//*[contains(., 'The password for NATS is not known any more')]")
        .await;
    window.open_page("Settings").await;
    window
        .click("//section//button[normalize-space()='Remove']")
        .await;
    window
        .see_gone("//section//button[normalize-space()='Remove']")
        .await;
    window.close(&account).await;
}

#[tokio::test]
async fn the_secret_stays_in_the_keychain_until_it_is_removed() {
    let account = Account::new();
    let folder = TestFolder::new();
    let keychain = Keychain::start(&account.desktop, folder.path());
    let count = || keychain.count(&account.desktop, "dev.beamline.registry");
    let server = NatsServer::with_rules(&format!("user: console, password: \"{PLANTED}\""));
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.open_page("Settings").await;
    set_up(&window, &server).await;
    window
        .click("//form//button[normalize-space()='Save']")
        .await;
    window
        .see("//input[@aria-label='NATS password'][@placeholder='kept in the keychain']")
        .await;
    assert_eq!(count(), 1);
    window.close(&account).await;
    assert_eq!(
        account.files_with(PLANTED),
        Vec::<std::path::PathBuf>::new()
    );

    let window = account.start().await;
    open_test(&window).await;
    send_and_see(&window, "no_responders").await;
    // Another kind of login takes the secret of the one before away.
    window.open_page("Settings").await;
    window.click("//label[normalize-space()='No login']").await;
    window
        .click("//form//button[normalize-space()='Save']")
        .await;
    window
        .see("//form//button[normalize-space()='Remove']")
        .await;
    window
        .see_gone("//input[@aria-label='NATS password']")
        .await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while count() > 0 {
        assert!(std::time::Instant::now() < deadline, "it is forgotten");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    window.close(&account).await;
}
