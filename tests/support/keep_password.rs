//! Keeps the password of a profile in the desktop's keychain, as the console does; it comes from standard input.
//!
//! Usage: `keep-password PROFILE_ID`
#![allow(clippy::expect_used)]

use std::io;

use registry_account::{SecretPlace, SecretStore, password_name};

#[tokio::main]
async fn main() {
    let profile_id = std::env::args().nth(1).expect("the id of a profile");
    let password = io::read_to_string(io::stdin()).expect("a password");
    let place = SecretStore::new()
        .set(&password_name(&profile_id), password.into())
        .await;
    assert_eq!(place, SecretPlace::Keychain, "there is a keychain");
}
