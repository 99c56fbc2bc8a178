//! The application's own menu, its keys, and the tray that not every desktop has.

use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, KEY_PRESS_EVENT, KEY_RELEASE_EVENT};
use x11rb::protocol::xtest::ConnectionExt as _;

use system_tests::application::Account;

/// Keys by their X names' numbers (`keysymdef.h`).
pub(crate) const CONTROL: u32 = 0xffe3;
const F1: u32 = 0xffbe;

/// Presses keys together on the screen itself, as hands do: a WebDriver's keys go past the menu.
pub(crate) fn press_on_screen(display: &str, keys: &[u32]) {
    let (connection, screen) = x11rb::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let (lowest, highest) = (
        connection.setup().min_keycode,
        connection.setup().max_keycode,
    );
    let mapping = connection
        .get_keyboard_mapping(lowest, highest - lowest + 1)
        .unwrap()
        .reply()
        .unwrap();
    let codes: Vec<u8> = keys
        .iter()
        .map(|key| {
            let place = mapping
                .keysyms
                .chunks(mapping.keysyms_per_keycode.into())
                .position(|symbols| symbols[0] == *key)
                .expect("the keyboard has it");
            lowest + u8::try_from(place).unwrap()
        })
        .collect();
    // Without a window manager the keys go to where the pointer is.
    connection
        .xtest_fake_input(6, 0, 0, root, 640, 400, 0)
        .unwrap();
    for code in &codes {
        connection
            .xtest_fake_input(KEY_PRESS_EVENT, *code, 0, root, 0, 0, 0)
            .unwrap();
    }
    for code in codes.iter().rev() {
        connection
            .xtest_fake_input(KEY_RELEASE_EVENT, *code, 0, root, 0, 0, 0)
            .unwrap();
    }
    connection.get_input_focus().unwrap().reply().unwrap();
}

#[tokio::test]
async fn keys_of_the_menu_do_what_it_says() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let display = &account.desktop.display;
    press_on_screen(display, &[CONTROL, '2'.into()]);
    window.see("//h1[contains(., 'Audit')]").await;
    press_on_screen(display, &[F1]);
    window.see("//h1[contains(., 'Beamline Registry')]").await;
    window.press(&["?"]).await;
    window.see("//*[@role='dialog'][contains(., 'Keys')]").await;
    // A dialog is answered first.
    press_on_screen(display, &[CONTROL, '3'.into()]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    window.see("//*[@role='dialog'][contains(., 'Keys')]").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
    press_on_screen(display, &[CONTROL, 'n'.into()]);
    window
        .see("//*[@role='dialog'][contains(., 'New extension')]")
        .await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;

    let process_id = account.process_id();
    press_on_screen(display, &[CONTROL, 'q'.into()]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::path::Path::new(&format!("/proc/{process_id}")).exists() {
        assert!(Instant::now() < deadline, "the program quits");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(account.log().contains("stopped"), "in order");
}

#[tokio::test]
async fn what_the_login_may_not_do_is_off_in_the_menu() {
    let account = Account::with_environment(&[("BEAMLINE_REGISTRY_ROLE", "viewer".into())]);
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.see("//header//*[contains(., 'viewer')]").await;
    let display = &account.desktop.display;
    press_on_screen(display, &[CONTROL, 'n'.into()]);
    // Keys come one after the other: with the page of the second the first has been worked on.
    press_on_screen(display, &[CONTROL, '2'.into()]);
    window.see("//h1[contains(., 'Audit')]").await;
    assert_eq!(
        window
            .count("//*[@role='dialog' or @role='alert'][not(contains(., 'read the audit log'))]")
            .await,
        0,
        "neither a form nor a word: the entry is off and says why"
    );
    window.close(&account).await;
}

#[tokio::test]
async fn notices_are_held_back_until_they_are_let_through() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let pause = "window.__TAURI_INTERNALS__.invoke('pause_notices', { paused: true })";
    window.run(pause).await;
    let icon = "//header//button[contains(@aria-label, 'Notices are held back')]";
    window.see(icon).await;
    window.close(&account).await;

    let window = account.start().await;
    window.see(icon).await;
    window.click_switch("mock_provider").await;
    window
        .see("//*[@role='alert'][contains(., 'Switched off')]")
        .await;
    window.click(icon).await;
    window.see_gone(icon).await;
    window.close(&account).await;
}

#[tokio::test]
async fn a_desktop_without_a_tray_is_no_obstacle() {
    let folder = system_tests::folder::TestFolder::new();
    for name in ["libayatana-appindicator3.so.1", "libappindicator3.so.1"] {
        std::fs::write(folder.path().join(name), "no library").unwrap();
    }
    let account =
        Account::with_environment(&[("LD_LIBRARY_PATH", folder.path().display().to_string())]);
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    assert!(account.log().contains("no tray"), "{}", account.log());
    assert!(
        !account.log().contains("the program has a fault"),
        "{}",
        account.log()
    );
    window.close(&account).await;
}
