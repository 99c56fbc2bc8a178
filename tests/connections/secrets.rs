//! No password in what is shown, logged or printed.

use system_tests::cluster::SECRET;
use system_tests::log::logged;

/// Keeps what is logged from now on.
pub(crate) fn listen_to_log() {
    logged();
}

/// The planted secret is neither in `shown` nor in anything that was logged so far.
pub(crate) fn assert_no_secret(shown: &str) {
    assert!(!shown.contains(SECRET), "{shown}");
    let logged = logged();
    if let Some(place) = logged.find(SECRET) {
        let before = &logged[logged.floor_char_boundary(place.saturating_sub(300))..place];
        panic!("logged behind: {before}");
    }
    assert!(!logged.is_empty(), "what is logged is kept");
}
