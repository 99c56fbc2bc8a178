//! Registries on servers of one's own: made, tried, opened, lost, found again and left, by clicks.

use std::time::{Duration, Instant};

use system_tests::application::{Account, Window};
use system_tests::cluster::{Cluster, SECRET};
use system_tests::database::{execute, rows};

const HEADER: &str = "//*[@role='status' and @aria-label='Database']";

fn button(name: &str) -> String {
    format!("//button[normalize-space()='{name}' or @aria-label='{name}']")
}

fn url(user: &str, password: &str, port: u16) -> String {
    format!("postgres://{user}:{password}@127.0.0.1:{port}/registry")
}

/// Opens the form for a new connection and fills it in from a URL.
async fn fill_form(window: &Window, url: &str) {
    window.go("/connections").await;
    window.click(&button("New connection")).await;
    let field = "//input[starts-with(@placeholder, 'postgres://')]";
    window.write(field, url).await;
    window.click(&button("Fill in")).await;
    window
        .see("//input[@aria-label='Host 1' and @value='127.0.0.1']")
        .await;
}

/// Makes a connection by its URL, and keeps it under this name.
pub(crate) async fn make_connection(window: &Window, name: &str, url: &str) {
    fill_form(window, url).await;
    window.write("//input[@data-autofocus]", name).await;
    window.click(&button("Save")).await;
    window.see(&format!("//li[@aria-label='{name}']")).await;
}

pub(crate) async fn switch_to(window: &Window, name: &str) {
    window
        .click(&format!(
            "//li[@aria-label='{name}']//button[normalize-space()='Switch']"
        ))
        .await;
}

pub(crate) async fn see_in_header(window: &Window, word: &str) {
    window
        .see(&format!("{HEADER}//*[contains(., '{word}')]"))
        .await;
}

async fn until_it_follows_nobody(standby: &Cluster) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let question = "SELECT count(*) FROM pg_stat_wal_receiver";
    while rows(&standby.superuser(), question).await[0][0].as_deref() != Some("0") {
        assert!(Instant::now() < deadline, "the standby follows nobody");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn an_empty_database_becomes_a_registry_by_clicks_and_is_left_again() {
    let cluster = Cluster::start(&[]).await;
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;

    fill_form(&window, &url("postgres", SECRET, cluster.port)).await;
    window.write("//input[@data-autofocus]", "Team").await;
    window.click(&button("Test connection")).await;
    window.see("//*[contains(., 'It works with')]").await;
    window.picture("connection-test-light").await;
    window.click(&button("Save")).await;
    switch_to(&window, "Team").await;
    window.see("//h1[contains(., 'empty')]").await;
    window.see("//*[@aria-label='What is done']//li").await;
    window.picture("connection-migration-light").await;
    window.click(&button("Create the registry here")).await;
    see_in_header(&window, "Team").await;
    // What came with it, and not what was switched off in the other one.
    window.see_state("mock_provider", "On").await;
    window.click_switch("pii_guard").await;
    window
        .click("//*[@role='dialog']//button[contains(., 'Switch')]")
        .await;
    window.see_state("pii_guard", "Off").await;

    // The next start is there again; without a keychain the password is asked for.
    window.close(&account).await;
    let window = account.start().await;
    window.see("//h1[.='The password is needed']").await;
    window.picture("connection-password-light").await;
    window
        .write(
            "//form[@aria-label='Password']//input[@type='password']",
            "wrong",
        )
        .await;
    window.click(&button("Connect")).await;
    window.see("//h1[.='The password was refused']").await;
    window
        .write(
            "//form[@aria-label='Password']//input[@type='password']",
            SECRET,
        )
        .await;
    window.click(&button("Connect")).await;
    window.see_state("pii_guard", "Off").await;
    see_in_header(&window, "Team").await;

    window.go("/connections").await;
    switch_to(&window, "Embedded database").await;
    window.see_state("mock_provider", "Off").await;
    window.see_state("pii_guard", "On").await;
    see_in_header(&window, "Embedded database").await;
    window.close(&account).await;
    assert_eq!(account.files_with(SECRET), Vec::<std::path::PathBuf>::new());
    assert!(!account.log().contains(SECRET));
}

#[tokio::test]
async fn a_server_that_goes_and_comes_back_keeps_the_pages_readable() {
    let mut cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    make_connection(&window, "Team", &url("console", SECRET, cluster.port)).await;
    switch_to(&window, "Team").await;
    window.see_state("pii_guard", "On").await;
    see_in_header(&window, "Team").await;

    cluster.kill();
    window
        .see("//section[@aria-label='Connecting again']")
        .await;
    window.see_state("pii_guard", "On").await;
    window.picture("connection-lost-light").await;
    cluster.resume().await;
    execute(
        &cluster.superuser(),
        "UPDATE extensions SET enabled = false WHERE id = 'pii_guard'",
    )
    .await
    .unwrap();
    window.see_state("pii_guard", "Off").await;
    window
        .see_gone("//section[@aria-label='Connecting again']")
        .await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_standby_takes_over_while_the_window_is_open_and_what_it_lacks_is_told() {
    let mut primary = Cluster::start(&[]).await;
    primary.make_registry().await;
    let standby = Cluster::standby_of(&primary, "second").await;
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let both = format!(
        "postgres://console:{SECRET}@127.0.0.1:{},127.0.0.1:{}/registry",
        primary.port, standby.port
    );
    make_connection(&window, "Team", &both).await;
    switch_to(&window, "Team").await;
    see_in_header(&window, &format!("127.0.0.1:{} primary", primary.port)).await;
    window.see_state("pii_guard", "On").await;

    // What is acknowledged from here on is on the primary alone.
    for statement in [
        "ALTER SYSTEM SET primary_conninfo = ''",
        "SELECT pg_reload_conf()",
    ] {
        execute(&standby.superuser(), statement).await.unwrap();
    }
    until_it_follows_nobody(&standby).await;
    for (id, word) in [("mock_provider", "Off"), ("mock_provider", "On")] {
        window.click_switch(id).await;
        window.see_state(id, word).await;
    }
    primary.kill();
    window
        .see("//section[@aria-label='Connecting again']")
        .await;
    standby.promote();
    see_in_header(&window, &format!("127.0.0.1:{} primary", standby.port)).await;
    window
        .see("//section[@aria-label='Changes were lost' and contains(., '2 changes were lost')]")
        .await;
    window.picture("connection-lost-tail-light").await;
    window.click("//button[contains(., 'Acknowledge…')]").await;
    window
        .click("//*[@role='dialog']//button[contains(., 'Acknowledge 2 lost changes')]")
        .await;
    window
        .see_gone("//section[@aria-label='Changes were lost']")
        .await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_server_that_swallows_everything_is_told_within_ten_seconds_and_left_by_a_click() {
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    cluster.freeze();
    make_connection(&window, "Silent", &url("console", SECRET, cluster.port)).await;
    let began = Instant::now();
    switch_to(&window, "Silent").await;
    window.see(&button("Use another connection")).await;
    assert!(
        began.elapsed() < Duration::from_secs(14),
        "{:?}",
        began.elapsed()
    );
    window.picture("connection-failed-light").await;
    window.click(&button("Use another connection")).await;
    switch_to(&window, "Embedded database").await;
    window.see_state("pii_guard", "On").await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_newer_schema_is_read_and_an_adopted_one_keeps_its_rows() {
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    execute(
        &cluster.superuser(),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of a later program', true, '\\x00', 0)",
    )
    .await
    .unwrap();
    execute(&cluster.superuser(), "CREATE DATABASE seed")
        .await
        .unwrap();
    execute(
        &cluster.superuser().database("seed"),
        "CREATE TABLE extensions (id VARCHAR(255) PRIMARY KEY, type VARCHAR(50) NOT NULL, subject VARCHAR(255) NOT NULL UNIQUE,
             timeout_ms INTEGER NOT NULL DEFAULT 5000, retry INTEGER NOT NULL DEFAULT 1, enabled BOOLEAN NOT NULL DEFAULT true,
             config JSONB DEFAULT '{}', metadata JSONB DEFAULT '{}', created_at TIMESTAMP DEFAULT now(), updated_at TIMESTAMP DEFAULT now());
         INSERT INTO extensions (id, type, subject) VALUES ('a', 'pre', 'a'), ('b', 'post', 'b')",
    )
    .await
    .unwrap();
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    make_connection(&window, "Later", &url("console", SECRET, cluster.port)).await;
    let seed = format!(
        "postgres://postgres:{SECRET}@127.0.0.1:{}/seed",
        cluster.port
    );
    make_connection(&window, "By hand", &seed).await;

    switch_to(&window, "Later").await;
    see_in_header(&window, "Later").await;
    see_in_header(&window, "read-only").await;
    window
        .see("//button[@role='switch' and @aria-disabled='true']")
        .await;
    window.picture("connection-newer-light").await;

    window.go("/connections").await;
    switch_to(&window, "By hand").await;
    window.see("//h1[contains(., 'by hand')]").await;
    window.picture("connection-seed-light").await;
    window.click("//button[contains(., 'Adopt')]").await;
    see_in_header(&window, "By hand").await;
    window.see("//tr[@data-extension-id]").await;
    window.close(&account).await;
}
