//! The console's way to NATS: its settings, its secret and one connection, made when it is needed; and the scheduled
//! checks, for as long as the console is open.

use std::io;
use std::time::Duration;

use registry_account::{SecretPlace, SecretStore};
use registry_nats::{
    NatsAuthentication, NatsConnection, NatsFailure, NatsSettings, ScheduledChecks, SecretString,
};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{debug, info};

use crate::database::Database;
use crate::settings::{KeptNats, Settings};

/// How often checks that are due are looked for.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// After a connection that failed, so long until the checks try again.
const CHECK_PAUSE: Duration = Duration::from_secs(30);

/// What the page shows of the way to NATS.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub(crate) struct NatsStatus {
    /// Where the servers are and how to get in; none if nobody has said.
    settings: Option<NatsSettings>,
    /// What is known of the secret.
    secret: SecretState,
}

/// What is known of a secret.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecretState {
    /// The settings need none.
    NotNeeded,
    /// It has to be given: it never was, or was kept until the console was closed.
    Missing,
    /// It is in the desktop's keychain.
    Keychain,
    /// It is in memory until the console is closed.
    Session,
}

/// The way to NATS; shared by all commands.
pub(crate) struct Nats {
    secrets: SecretStore,
    /// Held while a connection is made, so that those who need one meanwhile wait for the same.
    connection: Mutex<Option<NatsConnection>>,
}

impl Nats {
    pub(crate) fn new(secrets: SecretStore) -> Self {
        Self {
            secrets,
            connection: Mutex::default(),
        }
    }

    /// What the page shows. Asks no keychain, which may ask the user.
    pub(crate) fn status(&self, settings: &Settings) -> NatsStatus {
        let Some(kept) = settings.nats() else {
            return NatsStatus {
                settings: None,
                secret: SecretState::NotNeeded,
            };
        };
        let secret = match secret_name(settings, &kept.settings.authentication) {
            None => SecretState::NotNeeded,
            Some(name) => match kept.secret_place {
                Some(SecretPlace::Keychain) => SecretState::Keychain,
                Some(SecretPlace::Session) if self.secrets.is_in_session(&name) => {
                    SecretState::Session
                }
                _ => SecretState::Missing,
            },
        };
        NatsStatus {
            settings: Some(kept.settings),
            secret,
        }
    }

    /// Keeps other settings; without a secret, the one that is kept stays if the way to log in does.
    pub(crate) async fn set(
        &self,
        settings: &Settings,
        nats: NatsSettings,
        secret: Option<SecretString>,
    ) -> io::Result<()> {
        let old = kept_place(settings);
        let name = secret_name(settings, &nats.authentication);
        let stays = old.as_ref().map(|(old_name, _)| old_name) == name.as_ref();
        let secret_place = match (&name, secret) {
            (Some(name), Some(secret)) => Some(self.secrets.set(name, secret).await),
            (Some(_), None) if stays => old.as_ref().map(|(_, place)| *place),
            _ => None,
        };
        settings.set_nats(Some(KeptNats {
            settings: nats,
            secret_place,
        }))?;
        if let Some((old_name, place)) = old.filter(|_| !stays) {
            self.secrets.delete(&old_name, place).await;
        }
        self.disconnect().await;
        info!("changed the way to NATS");
        Ok(())
    }

    /// Forgets the settings and the secret.
    pub(crate) async fn remove(&self, settings: &Settings) -> io::Result<()> {
        let old = kept_place(settings);
        settings.set_nats(None)?;
        if let Some((name, place)) = old {
            self.secrets.delete(&name, place).await;
        }
        self.disconnect().await;
        info!("removed the way to NATS");
        Ok(())
    }

    /// The secret that is kept for this way to log in.
    pub(crate) async fn kept_secret(
        &self,
        settings: &Settings,
        authentication: &NatsAuthentication,
    ) -> Option<SecretString> {
        match secret_name(settings, authentication) {
            Some(name) => self.secrets.get(&name).await,
            None => None,
        }
    }

    /// The connection; makes one if there is none that works.
    ///
    /// # Errors
    /// Why none can be made.
    pub(crate) async fn connection(
        &self,
        settings: &Settings,
    ) -> Result<NatsConnection, NatsFailure> {
        let mut connection = self.connection.lock().await;
        if let Some(alive) = connection.as_ref().filter(|held| held.is_alive()) {
            return Ok(alive.clone());
        }
        *connection = None;
        let Some(kept) = settings.nats() else {
            return Err(not_set_up());
        };
        let secret = self
            .kept_secret(settings, &kept.settings.authentication)
            .await;
        let made = NatsConnection::connect(&kept.settings, secret.as_ref()).await?;
        *connection = Some(made.clone());
        Ok(made)
    }

    /// Ends the connection; the next one is made when it is needed.
    pub(crate) async fn disconnect(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            connection.close().await;
        }
    }
}

/// One secret a connection and kind: a password must never be sent as a token.
fn secret_name(settings: &Settings, authentication: &NatsAuthentication) -> Option<String> {
    authentication
        .secret_name()
        .map(|kind| format!("nats {kind} of {}", settings.connection()))
}

/// The secret that is kept now: its name, and where it was put.
fn kept_place(settings: &Settings) -> Option<(String, SecretPlace)> {
    let kept = settings.nats()?;
    Some((
        secret_name(settings, &kept.settings.authentication)?,
        kept.secret_place?,
    ))
}

fn not_set_up() -> NatsFailure {
    NatsFailure::SettingsInvalid {
        field: "servers",
        message: "NATS is not set up.".to_owned(),
        action: "Say in the settings where its server is.",
    }
}

/// Makes the checks that are due, for as long as the console is open. Whoever claims a check makes it, so this looks
/// for a way to NATS first, and leaves the checks to other consoles where it finds none.
pub(crate) async fn keep_checking(app: AppHandle) {
    let mut checks = ScheduledChecks::default();
    let mut not_before = Instant::now();
    loop {
        tokio::time::sleep(CHECK_INTERVAL).await;
        let (nats, settings) = (app.state::<Nats>(), app.state::<Settings>());
        if Instant::now() < not_before || settings.nats().is_none() {
            continue;
        }
        let Ok(registry) = app.state::<Database>().registry() else {
            continue;
        };
        match registry.has_test_schedule().await {
            Ok(true) => {}
            Ok(false) => continue,
            Err(error) => {
                debug!(%error, "checks that are due can't be looked for");
                continue;
            }
        }
        let connection = match nats.connection(&settings).await {
            Ok(connection) => connection,
            Err(failure) => {
                info!(%failure, code = ?failure.code(), "checks wait for NATS");
                not_before = Instant::now() + CHECK_PAUSE;
                continue;
            }
        };
        match checks.take_on(&registry, &connection).await {
            Ok(0) => {}
            Ok(count) => debug!(count, "took on checks that are due"),
            Err(error) => {
                debug!(%error, "no checks were taken on");
                not_before = Instant::now() + CHECK_PAUSE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nats(authentication: NatsAuthentication) -> NatsSettings {
        NatsSettings {
            servers: vec!["nats://127.0.0.1:1".into()],
            authentication,
            ..NatsSettings::default()
        }
    }

    fn by_password() -> NatsSettings {
        nats(NatsAuthentication::Password {
            user: "anna".into(),
        })
    }

    #[tokio::test]
    async fn a_secret_stays_with_its_kind_of_login_and_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let settings = Settings::at(&path, "one");
        let way = Nats::new(SecretStore::without_keychain());
        assert_eq!(way.status(&settings).secret, SecretState::NotNeeded);

        let secret = Some(SecretString::from("hunter2"));
        way.set(&settings, by_password(), secret).await.unwrap();
        assert_eq!(way.status(&settings).secret, SecretState::Session);
        // Other settings, and no secret given: it is the same.
        way.set(&settings, by_password(), None).await.unwrap();
        assert_eq!(way.status(&settings).secret, SecretState::Session);
        // A password is never sent as a token.
        let token = nats(NatsAuthentication::Token);
        way.set(&settings, token.clone(), None).await.unwrap();
        assert_eq!(way.status(&settings).secret, SecretState::Missing);
        assert!(
            way.kept_secret(&settings, &token.authentication)
                .await
                .is_none()
        );
        way.set(&settings, by_password(), None).await.unwrap();
        assert_eq!(way.status(&settings).secret, SecretState::Missing);
        assert!(!std::fs::read_to_string(&path).unwrap().contains("hunter2"));
    }

    #[tokio::test]
    async fn a_secret_in_memory_is_missing_after_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let settings = Settings::at(&path, "one");
        let secret = Some(SecretString::from("hunter2"));
        let way = Nats::new(SecretStore::without_keychain());
        way.set(&settings, by_password(), secret).await.unwrap();
        let next = Nats::new(SecretStore::without_keychain());
        let settings = Settings::at(&path, "one");
        assert_eq!(next.status(&settings).secret, SecretState::Missing);
        let failure = next.connection(&settings).await.unwrap_err();
        assert!(matches!(failure, NatsFailure::SecretMissing { .. }));
        next.remove(&settings).await.unwrap();
        assert_eq!(next.status(&settings).settings, None);
        let failure = next.connection(&settings).await.unwrap_err();
        assert!(matches!(failure, NatsFailure::SettingsInvalid { .. }));
    }
}
