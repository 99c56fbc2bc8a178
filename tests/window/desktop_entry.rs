//! How a desktop finds out which entry of its menu the window is of.

use system_tests::bundle::repository;
use system_tests::desktop::classes_of_windows;

use crate::application::Account;

#[tokio::test]
async fn the_window_is_of_the_class_that_the_desktop_entry_names() {
    let entry = repository().join("packaging/beamline-registry.desktop");
    let entry = std::fs::read_to_string(entry).expect("the entry");
    let named = entry
        .lines()
        .find_map(|line| line.strip_prefix("StartupWMClass="))
        .expect("the entry names a class");

    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let classes = classes_of_windows(&account.desktop.display, "Beamline Registry");
    assert_eq!(
        classes,
        [("beamline-registry".to_owned(), named.to_owned())]
    );
    window.close(&account).await;
}
