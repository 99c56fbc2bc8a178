//! The embedded registry backed up, restored and moved by clicking.

use std::path::{Path, PathBuf};

use serde_json::json;
use system_tests::cluster::{Cluster, SECRET, remote};
use system_tests::database::{execute, rows};
use system_tests::servers::superuser_of;

use crate::application::{Account, Window};

/// The audit log with its hashes, and what is in the registry.
const CONTENT: &str = "SELECT revision::text, encode(hash, 'hex'), action FROM extension_audit_log \
    UNION ALL SELECT id, enabled::text, config::text FROM extensions ORDER BY 1";

async fn content(account: &Account) -> Vec<Vec<Option<String>>> {
    rows(&superuser_of(&account.data_directory), CONTENT).await
}

async fn show_colours(window: &Window, scheme: &str) {
    window
        .run(&format!(
            "document.documentElement.dataset.mantineColorScheme = '{scheme}'"
        ))
        .await;
}

/// Takes a picture in both colours.
async fn pictures(window: &Window, name: &str) {
    for scheme in ["dark", "light"] {
        show_colours(window, scheme).await;
        window.picture(&format!("{name}-{scheme}")).await;
    }
}

fn kept_clusters(data_directory: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(data_directory.join("postgresql"))
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().contains("cluster-until-"))
        .collect()
}

/// Backs up by the page's button, and returns the file.
async fn back_up(window: &Window) -> PathBuf {
    window.open_page("Backups").await;
    window
        .click("//button[normalize-space()='Back up now']")
        .await;
    window
        .see("//tr[@data-backup]//td[contains(., 'Verified')]")
        .await;
    let label = window
        .see("//*[@role='alert']//button[starts-with(@aria-label, 'Copy path ')]")
        .await
        .attr("aria-label")
        .await
        .expect("an attribute")
        .expect("a label");
    PathBuf::from(label.trim_start_matches("Copy path "))
}

#[tokio::test]
async fn a_backup_made_by_clicking_brings_the_old_state_back_by_clicking() {
    let account = Account::new();
    let window = account.start().await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    window.open_page("Backups").await;
    window.see("//*[contains(., 'No backups here')]").await;
    window.picture("backups-none-light").await;
    window
        .click("//button[normalize-space()='Back up now']")
        .await;
    let row = "//tr[@data-backup]";
    window
        .see(&format!("{row}//td[contains(., 'Verified')]"))
        .await;
    let before = content(&account).await;

    window.open_page("Extensions").await;
    for state in ["On", "Off", "On"] {
        window.click_switch("mock_provider").await;
        window.see_state("mock_provider", state).await;
    }
    // What the shield knows then is of entries that will not have been.
    window.open_page("Audit").await;
    window
        .see("//*[contains(., 'Sealed and verified to #4')]")
        .await;
    assert_ne!(content(&account).await, before);

    window.open_page("Backups").await;
    window.click("//label[normalize-space()='Downloads']").await;
    window
        .click(&format!("{row}//button[normalize-space()='Verify']"))
        .await;
    window
        .see("//*[@role='alert'][contains(., 'is whole')]")
        .await;
    window
        .click(&format!("{row}//button[normalize-space()='Restore…']"))
        .await;
    let question = window.text("//*[@role='dialog']").await;
    for words in [
        "Revision#4#1",
        "Extensions66",
        "Audit entries41",
        "3 newer changes",
    ] {
        assert!(question.contains(words), "{words}: {question}");
    }
    pictures(&window, "restore-question").await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Restore']")
        .await;
    window
        .see("//*[@role='dialog']//ol[@aria-label='Steps']/li[@data-now]")
        .await;
    window
        .see("//*[@role='dialog'][contains(., 'The backup is in place')]//button[normalize-space()='Show the registry'][not(@data-loading)]")
        .await;
    pictures(&window, "restored").await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Show the registry']")
        .await;
    window.see_gone("//*[@role='dialog']").await;
    assert_eq!(content(&account).await, before, "history included");

    window.open_page("Extensions").await;
    window.see_state("mock_provider", "Off").await;
    window.open_page("Audit").await;
    window
        .see("//*[contains(., 'Sealed and verified to #1')]")
        .await;
    assert_eq!(window.count("//*[@data-audit-revision='4']").await, 0);
    // And it goes on from there.
    window.open_page("Extensions").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "On").await;

    // The one before is kept until somebody says otherwise.
    assert_eq!(kept_clusters(&account.data_directory).len(), 1);
    window.open_page("Backups").await;
    window
        .see("//ul[@aria-label='Databases that are kept']")
        .await;
    pictures(&window, "backups").await;
    window
        .click("//ul[@aria-label='Databases that are kept']//button[normalize-space()='Delete…']")
        .await;
    window
        .click("//*[@role='dialog']//button[starts-with(normalize-space(), 'Delete')]")
        .await;
    window
        .see_gone("//ul[@aria-label='Databases that are kept']")
        .await;
    assert_eq!(
        kept_clusters(&account.data_directory),
        Vec::<PathBuf>::new()
    );
    window.close(&account).await;
}

#[tokio::test]
async fn a_damaged_backup_is_found_and_changes_nothing() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("mock_provider", "On").await;
    let file = back_up(&window).await;
    // A bit of the last table: what is damaged is seen by verifying alone, and by the restore itself.
    let mut bytes = std::fs::read(&file).unwrap();
    let place = bytes.len() - 60;
    bytes[place] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let before = content(&account).await;

    window.open_page("Extensions").await;
    window.open_page("Backups").await;
    window.click("//label[normalize-space()='Downloads']").await;
    window
        .see("//tr[@data-backup]//td[contains(., 'Not verified')]")
        .await;
    window
        .click("//tr[@data-backup]//button[normalize-space()='Restore…']")
        .await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Restore']")
        .await;
    window
        .see("//*[@role='dialog']//*[@data-testid='error-code'][.='backup_invalid']")
        .await;
    window
        .see("//*[@role='dialog']//*[@role='status'][contains(., 'Nothing was changed')]")
        .await;
    window.picture("restore-failed-light").await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Close']")
        .await;
    assert_eq!(content(&account).await, before);
    assert_eq!(
        kept_clusters(&account.data_directory),
        Vec::<PathBuf>::new()
    );
    window
        .click("//tr[@data-backup]//button[normalize-space()='Verify']")
        .await;
    window
        .see("//tr[@data-backup]//td[contains(., 'Damaged')]")
        .await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_database_that_can_not_start_is_replaced_from_the_failure_screen() {
    let account = Account::new();
    let window = account.start().await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    let before = content(&account).await;
    let file = back_up(&window).await;
    window.close(&account).await;

    // As if it were a daily one: those are offered without a dialog of the desktop, which no driver reaches.
    let daily = account.data_directory.join("backups");
    std::fs::create_dir_all(&daily).unwrap();
    std::fs::rename(&file, daily.join(file.file_name().expect("a name"))).unwrap();
    std::fs::write(
        account
            .data_directory
            .join("postgresql/cluster/data/global/pg_control"),
        "no control file",
    )
    .unwrap();

    let window = account.start().await;
    window
        .click("//button[normalize-space()='Restore a backup…']")
        .await;
    window.see("//*[@role='dialog']//li[@data-backup]").await;
    pictures(&window, "restore-after-failure").await;
    window
        .click("//*[@role='dialog']//li[@data-backup]//button[normalize-space()='Restore…']")
        .await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Restore']")
        .await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Show the registry'][not(@data-loading)]")
        .await;
    window.open_page("Extensions").await;
    window.see_state("mock_provider", "Off").await;
    assert_eq!(content(&account).await, before);
    window.close(&account).await;
}

#[tokio::test]
async fn a_registry_moves_to_another_server_and_refuses_changes_where_it_was() {
    let cluster = Cluster::start(&[]).await;
    cluster.make_login("console", "").await;
    let account = Account::new();
    let window = account.start().await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    let before = content(&account).await;
    let profile = json!({
        "id": "elsewhere", "label": "Elsewhere", "colour": null, "is_production": false, "is_reason_required": false,
        "database": { "kind": "remote", "value": remote(&[cluster.port]) },
    });
    let script = format!(
        "return window.__TAURI_INTERNALS__.invoke('save_connection_profile', {{ profile: {profile}, password: '{SECRET}' }})
            .then(() => 'kept')",
    );
    assert_eq!(window.run(&script).await, json!("kept"));

    window.open_page("Backups").await;
    window
        .click("//button[normalize-space()='Move this registry to…']")
        .await;
    // The connection's own login may not make tables: nothing happens.
    let move_button = "//*[@role='dialog']//button[normalize-space()='Move 6 extensions']";
    window.click(move_button).await;
    window
        .see("//*[@role='dialog']//*[@role='alert']//*[@data-testid='error-code']")
        .await;
    window
        .click("//*[@role='dialog']//*[@role='switch']/following-sibling::label | //*[@role='dialog']//label[contains(., 'another login')]")
        .await;
    window
        .write(
            "//*[@role='dialog']//label[contains(., 'Login')]/following::input[1]",
            "postgres",
        )
        .await;
    window
        .write("//*[@role='dialog']//input[@type='password']", SECRET)
        .await;
    pictures(&window, "move").await;
    window.click(move_button).await;
    window
        .see("//*[@role='dialog'][contains(., 'rows were copied and compared')]")
        .await;
    pictures(&window, "moved").await;
    assert_eq!(rows(&cluster.superuser(), CONTENT).await, before);
    window
        .click("//*[@role='dialog']//button[normalize-space()='Stay here']")
        .await;
    window
        .see("//*[@role='alert'][contains(., 'This registry was moved to the database registry on 127.0.0.1:')]")
        .await;

    // Here nothing changes any more.
    window.open_page("Extensions").await;
    window.click_switch("mock_provider").await;
    window
        .see("//*[@role='alert']//*[@data-testid='error-code'][.='registry_moved_away']")
        .await;
    assert_eq!(content(&account).await, before);

    // There it goes on.
    execute(&cluster.superuser(), "GRANT registry_editor TO console")
        .await
        .unwrap();
    let script = "return window.__TAURI_INTERNALS__.invoke('switch_connection', { id: 'elsewhere' }).then(() => 'asked')";
    assert_eq!(window.run(script).await, json!("asked"));
    window
        .see(&format!("//header[contains(., '{}')]", cluster.port))
        .await;
    window.open_page("Extensions").await;
    window.see_state("mock_provider", "Off").await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "On").await;
    let enabled = rows(
        &cluster.superuser(),
        "SELECT enabled::text FROM extensions WHERE id = 'mock_provider'",
    )
    .await;
    assert_eq!(enabled, [[Some("true".to_owned())]]);
    window.open_page("Backups").await;
    window
        .see("//*[contains(., 'This registry is on a server of your own')]")
        .await;
    window.close(&account).await;
    assert_eq!(account.files_with(SECRET), Vec::<PathBuf>::new());
}
