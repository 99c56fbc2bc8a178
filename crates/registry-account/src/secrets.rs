//! Secrets of the console: in the desktop's keychain; where there is none, in memory until the console is closed.
//! Never in a file, and never in the log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyring::Entry;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use specta::Type;
use tokio::sync::OnceCell;
use tracing::{info, warn};

use crate::IDENTIFIER;

/// What is written and read to find out whether a keychain works.
const PROBE: &str = "probe";

/// How long the keychain may take: the desktop may ask the user to unlock it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where a secret is kept.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SecretPlace {
    /// In the desktop's keychain.
    Keychain,
    /// In memory: it is asked for again after the next start.
    Session,
}

/// The secrets, by name. Cheap to clone.
#[derive(Clone)]
pub struct SecretStore(Arc<Store>);

struct Store {
    /// Whether the keychain works, once that was tried.
    has_keychain: OnceCell<bool>,
    session: Mutex<HashMap<String, SecretString>>,
}

impl SecretStore {
    /// One that looks for a keychain when it has to.
    pub fn new() -> Self {
        Self::with(OnceCell::new())
    }

    /// One that keeps everything in memory, for who wants no keychain: tests.
    pub fn without_keychain() -> Self {
        Self::with(OnceCell::new_with(Some(false)))
    }

    fn with(has_keychain: OnceCell<bool>) -> Self {
        Self(Arc::new(Store {
            has_keychain,
            session: Mutex::default(),
        }))
    }

    /// Where secrets are kept: finds out once, by writing one and reading it. Not at the start of the console, because
    /// the desktop may ask to unlock the keychain.
    pub async fn probe(&self) -> SecretPlace {
        let has_keychain = self
            .0
            .has_keychain
            .get_or_init(|| async {
                let probed = with_entry(PROBE, |entry| {
                    let word = format!("{:?}", std::time::SystemTime::now());
                    entry.set_password(&word)?;
                    let read = entry.get_password()?;
                    entry.delete_credential()?;
                    Ok(read == word)
                });
                match probed.await {
                    Ok(true) => true,
                    Ok(false) => {
                        warn!("the keychain doesn't give back what it is given: not used");
                        false
                    }
                    Err(problem) => {
                        info!(problem, "there is no keychain: secrets are kept in memory");
                        false
                    }
                }
            })
            .await;
        if *has_keychain {
            SecretPlace::Keychain
        } else {
            SecretPlace::Session
        }
    }

    /// The secret of a name; none if none is known.
    pub async fn get(&self, name: &str) -> Option<SecretString> {
        if let Some(secret) = self.session().get(name) {
            return Some(secret.clone());
        }
        if self.probe().await == SecretPlace::Session {
            return None;
        }
        match with_entry(name, |entry| entry.get_password().map(SecretString::from)).await {
            Ok(secret) => Some(secret),
            Err(problem) => {
                info!(problem, name, "the keychain gives no secret");
                None
            }
        }
    }

    /// Keeps a secret in place of another of the same name, and tells where.
    pub async fn set(&self, name: &str, secret: SecretString) -> SecretPlace {
        if self.probe().await == SecretPlace::Keychain {
            let kept = secret.clone();
            match with_entry(name, move |entry| entry.set_password(kept.expose_secret())).await {
                Ok(()) => {
                    self.session().remove(name);
                    return SecretPlace::Keychain;
                }
                Err(problem) => warn!(
                    problem,
                    name, "the keychain takes no secret: kept in memory"
                ),
            }
        }
        self.session().insert(name.to_owned(), secret);
        SecretPlace::Session
    }

    /// Keeps a secret until the console is closed, and no longer.
    pub fn set_for_session(&self, name: &str, secret: SecretString) {
        self.session().insert(name.to_owned(), secret);
    }

    /// Whether the secret of a name is in memory.
    pub fn is_in_session(&self, name: &str) -> bool {
        self.session().contains_key(name)
    }

    /// Forgets the secret of a name, which was put there.
    pub async fn delete(&self, name: &str, place: SecretPlace) {
        self.session().remove(name);
        // A keychain that was not used is not woken up.
        if place == SecretPlace::Session || self.probe().await == SecretPlace::Session {
            return;
        }
        if let Err(problem) = with_entry(name, Entry::delete_credential).await {
            info!(problem, name, "the keychain had no secret to forget");
        }
    }

    fn session(&self) -> MutexGuard<'_, HashMap<String, SecretString>> {
        self.0
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SecretStore {
    fn default() -> Self {
        Self::new()
    }
}

/// By this name the password of a profile is kept.
pub fn password_name(profile_id: &str) -> String {
    format!("password of {profile_id}")
}

/// The password of a profile that the keychain has, for a program that keeps none itself: nothing is written to find out
/// whether there is a keychain.
///
/// # Errors
/// Why there is none, in words.
pub async fn kept_password(profile_id: &str) -> Result<SecretString, String> {
    with_entry(&password_name(profile_id), |entry| {
        entry.get_password().map(SecretString::from)
    })
    .await
}

/// Does something with an entry of the keychain, on a thread that may wait for the desktop.
async fn with_entry<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(&Entry) -> keyring::Result<T> + Send + 'static,
) -> Result<T, String> {
    let name = name.to_owned();
    let working = tokio::task::spawn_blocking(move || {
        let entry = Entry::new(IDENTIFIER, &name).map_err(|error| match Entry::store_status() {
            Err(reason) => words(reason),
            Ok(()) => words(&error),
        })?;
        work(&entry).map_err(|error| words(&error))
    });
    match tokio::time::timeout(PATIENCE, working).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err("the keychain's library has a fault".to_owned()),
        Err(_) => Err("the keychain doesn't answer".to_owned()),
    }
}

/// An error in words that hold nothing of a secret, as some of its kinds would.
fn words(error: &keyring::Error) -> String {
    match error {
        keyring::Error::BadEncoding(_) | keyring::Error::BadDataFormat(..) => {
            "what the keychain holds is no text".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_keychain_a_secret_is_kept_in_memory_until_it_is_forgotten() {
        let secrets = SecretStore::without_keychain();
        assert_eq!(secrets.probe().await, SecretPlace::Session);
        let place = secrets.set("one", SecretString::from("hunter2")).await;
        assert_eq!(place, SecretPlace::Session);
        let kept = secrets.get("one").await.unwrap();
        assert_eq!(kept.expose_secret(), "hunter2");
        assert!(!format!("{kept:?}").contains("hunter2"));
        assert!(secrets.get("another").await.is_none());
        secrets.delete("one", place).await;
        assert!(secrets.get("one").await.is_none() && !secrets.is_in_session("one"));
    }
}
