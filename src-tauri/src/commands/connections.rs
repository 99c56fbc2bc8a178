//! Profiles of connections: keep, try, switch, hand on; and what a database elsewhere asks when it is opened.

use registry::connection::{
    ConnectionProfile, ConnectionState, ParsedUrl, ProbeReport, ProbeStep, ProfileProblem,
    RemoteDatabase, Servers, export_profiles, import_profiles, parse_url, probe, to_url,
};
use registry::{Error, ErrorReport};
use registry_account::{Folders, SecretPlace, SecretStore, StoredProfile, password_name};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, State};
use tauri_specta::Event;
use tracing::{debug, info};

use super::application::not_kept;
use super::audit::ExportedFile;
use super::report;
use super::transfer::write;
use crate::database::{Database, DatabaseStatus};
use crate::settings::Settings;

/// A profile, and what is known of its password.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub(crate) struct KeptProfile {
    profile: ConnectionProfile,
    /// Where its password is; none if none is known.
    password: Option<SecretPlace>,
}

/// All profiles.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub(crate) struct ConnectionProfiles {
    /// The embedded database's first.
    profiles: Vec<KeptProfile>,
    /// The id of the one in use.
    active: String,
}

/// What a URL says. The password goes back to the page, where somebody has just put it.
#[derive(Deserialize, Serialize, Type)]
pub(crate) struct ParsedConnectionUrl {
    database: RemoteDatabase,
    password: Option<String>,
}

/// A password on its way from the page: it is shown nowhere.
#[derive(Deserialize, Type)]
#[serde(transparent)]
#[specta(transparent)]
pub(crate) struct Password(#[specta(type = String)] SecretString);

/// Tells the page of each step of a test as it ends.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct ConnectionTested(ProbeStep);

impl ConnectionProfiles {
    fn of(settings: &Settings, secrets: &SecretStore) -> Self {
        let profiles = settings.profiles().into_iter().map(|stored| {
            let name = password_name(&stored.profile.id);
            KeptProfile {
                // Asks no keychain, which may ask the user.
                password: match stored.password_place {
                    _ if secrets.is_in_session(&name) => Some(SecretPlace::Session),
                    Some(SecretPlace::Keychain) => Some(SecretPlace::Keychain),
                    _ => None,
                },
                profile: stored.profile,
            }
        });
        Self {
            profiles: profiles.collect(),
            active: settings.active_profile().profile.id,
        }
    }
}

/// All profiles, and which is in use.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn connection_profiles(
    settings: State<'_, Settings>,
    secrets: State<'_, SecretStore>,
) -> ConnectionProfiles {
    ConnectionProfiles::of(&settings, &secrets)
}

/// What is wrong with a profile, all at once; empty if nothing is.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their arguments by value"
)]
pub(crate) fn check_connection_profile(profile: ConnectionProfile) -> Vec<ProfileProblem> {
    profile.problems()
}

/// Keeps a profile, new or in place of the one of the same id. Without a password, the one that is kept stays if the
/// profile still leads to the same servers and login: it is never sent to others. An empty one is forgotten.
#[tauri::command]
#[specta::specta]
pub(crate) async fn save_connection_profile(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    secrets: State<'_, SecretStore>,
    profile: ConnectionProfile,
    password: Option<Password>,
) -> Result<ConnectionProfiles, ErrorReport> {
    profile.check().map_err(report)?;
    check_kind(&profile).map_err(report)?;
    let before = settings.profile(&profile.id);
    let name = password_name(&profile.id);
    let has_new_password = password.is_some();
    let kept_place = before
        .as_ref()
        .and_then(|stored| stored.password_place)
        .or_else(|| secrets.is_in_session(&name).then_some(SecretPlace::Session));
    let password_place = match (password, kept_place) {
        (Some(Password(password)), _) if !password.expose_secret().is_empty() => {
            Some(secrets.set(&name, password).await)
        }
        (None, Some(place))
            if before.is_some_and(|stored| stored.profile.takes_password_of(&profile)) =>
        {
            Some(place)
        }
        (_, Some(place)) => {
            secrets.delete(&name, place).await;
            None
        }
        (_, None) => None,
    };
    settings
        .save_profile(StoredProfile {
            profile: profile.clone(),
            password_place,
        })
        .map_err(|source| not_kept("Keeping the connection", source))?;
    info!(id = profile.id, "kept a connection");
    database.profile_saved(&profile, has_new_password);
    Ok(ConnectionProfiles::of(&settings, &secrets))
}

/// The embedded database is the one profile of its kind, and its id belongs to it.
fn check_kind(profile: &ConnectionProfile) -> Result<(), Error> {
    let has_embedded_id = profile.id == ConnectionProfile::EMBEDDED_ID;
    if has_embedded_id == profile.remote().is_none() {
        return Ok(());
    }
    Err(Error::InvalidInput {
        field: "id",
        message: format!(
            "The id {:?} is the embedded database's, which has no other.",
            ConnectionProfile::EMBEDDED_ID
        ),
        action: "Use another id.",
    })
}

/// Forgets a profile and its password. The embedded database's stays, and so does the one in use.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_connection_profile(
    settings: State<'_, Settings>,
    secrets: State<'_, SecretStore>,
    id: String,
) -> Result<ConnectionProfiles, ErrorReport> {
    let stored = known(&settings, &id).map_err(report)?;
    let refused = |message, action| {
        Err(report(Error::InvalidInput {
            field: "id",
            message,
            action,
        }))
    };
    if stored.profile.remote().is_none() {
        return refused(
            "The embedded database's connection can't be removed.".to_owned(),
            "Use another one; it stays as it is.",
        );
    }
    if settings.active_profile().profile.id == id {
        return refused(
            format!("{:?} is in use.", stored.profile.label),
            "Switch to another connection first.",
        );
    }
    settings
        .remove_profile(&id)
        .map_err(|source| not_kept("Forgetting the connection", source))?;
    let place = stored.password_place.unwrap_or(SecretPlace::Session);
    secrets.delete(&password_name(&id), place).await;
    info!(id, "forgot a connection");
    Ok(ConnectionProfiles::of(&settings, &secrets))
}

/// Reads a URL such as `postgres://user@host1,host2/database`.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their arguments by value"
)]
pub(crate) fn parse_connection_url(url: Password) -> Result<ParsedConnectionUrl, ErrorReport> {
    let ParsedUrl { database, password } = parse_url(url.0.expose_secret()).map_err(report)?;
    Ok(ParsedConnectionUrl {
        database,
        password: password.map(|password| password.expose_secret().to_owned()),
    })
}

/// A profile's database as a URL, without a password.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their arguments by value"
)]
pub(crate) fn connection_url(database: RemoteDatabase) -> String {
    to_url(&database)
}

/// Tries a profile that need not be kept, step by step, within ten seconds. Without a password, the one that is kept is
/// used if the profile still leads to the same servers and login.
#[tauri::command]
#[specta::specta]
pub(crate) async fn test_connection(
    app: AppHandle,
    settings: State<'_, Settings>,
    secrets: State<'_, SecretStore>,
    profile: ConnectionProfile,
    password: Option<Password>,
) -> Result<ProbeReport, ErrorReport> {
    let Some(database) = profile.remote() else {
        return Err(report(Error::InvalidInput {
            field: "database",
            message: "The embedded database needs no test.".into(),
            action: "Test a connection that leads elsewhere.",
        }));
    };
    let kept = settings
        .profile(&profile.id)
        .filter(|stored| stored.profile.takes_password_of(&profile));
    let password = match (password, kept) {
        (Some(Password(password)), _) => Some(password),
        (None, Some(_)) => secrets.get(&password_name(&profile.id)).await,
        (None, None) => None,
    };
    let servers = Servers::new(database, password).map_err(report)?;
    let probed = probe(&servers, |step| {
        if let Err(error) = ConnectionTested(step.clone()).emit(&app) {
            debug!(%error, "the window couldn't be told of a step");
        }
    })
    .await;
    if let Some(failure) = probed.failure() {
        info!(code = ?failure.code, message = failure.message, "a connection was tried and failed");
    }
    Ok(probed)
}

/// Uses another profile from now on, also after the next start. Returns at once; the state of the database follows.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn switch_connection(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    id: String,
) -> Result<(), ErrorReport> {
    known(&settings, &id).map_err(report)?;
    settings
        .use_profile(&id)
        .map_err(|source| not_kept("Switching to the connection", source))?;
    info!(id, "switching to a connection");
    database.reopen();
    Ok(())
}

fn known(settings: &Settings, id: &str) -> Result<StoredProfile, Error> {
    settings.profile(id).ok_or_else(|| Error::InvalidInput {
        field: "id",
        message: format!("There is no connection {id:?}."),
        action: "Choose one from the list.",
    })
}

/// Says the password that the database asked for; with `is_kept` it goes to the desktop's keychain, if there is one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn give_database_password(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    secrets: State<'_, SecretStore>,
    password: Password,
    is_kept: bool,
) -> Result<(), ErrorReport> {
    let DatabaseStatus::PasswordNeeded { profile, .. } = database.status() else {
        return Ok(());
    };
    let Password(password) = password;
    let name = password_name(&profile.id);
    if let Some(stored) = settings.profile(&profile.id) {
        let password_place = if is_kept {
            Some(secrets.set(&name, password.clone()).await)
        } else {
            if let Some(place) = stored.password_place {
                secrets.delete(&name, place).await;
            }
            secrets.set_for_session(&name, password.clone());
            Some(SecretPlace::Session)
        };
        settings
            .save_profile(StoredProfile {
                password_place,
                ..stored
            })
            .map_err(|source| not_kept("Keeping where the password is", source))?;
    }
    database.give_password(password);
    Ok(())
}

/// Brings the schema up to date as it was shown.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn migrate_database(database: State<'_, Database>) {
    database.migrate();
}

/// What the way to a database elsewhere is now; later states come as events. None for the embedded one.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn connection_state(database: State<'_, Database>) -> Option<ConnectionState> {
    database.connection_state()
}

/// Ends the alarm of changes that were lost: somebody knows of it.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn acknowledge_lost_tail(database: State<'_, Database>) -> Result<(), ErrorReport> {
    database.registry()?.acknowledge_lost_tail().map_err(report)
}

/// Writes all profiles of databases elsewhere to a new file in the folder for downloads. There is no secret in it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_connection_profiles(
    settings: State<'_, Settings>,
    folders: State<'_, Folders>,
) -> Result<ExportedFile, ErrorReport> {
    let profiles: Vec<ConnectionProfile> = settings
        .profiles()
        .into_iter()
        .map(|stored| stored.profile)
        .filter(|profile| profile.remote().is_some())
        .collect();
    let text = export_profiles(&profiles).map_err(report)?;
    let path = folders.new_download("connections", "json");
    write(&path, &text)
        .await
        .map_err(|source| Error::OutputUnwritable {
            attempted: "Exporting the connections",
            source,
        })
        .map_err(report)?;
    Ok(ExportedFile {
        path: path.display().to_string(),
        count: profiles.len() as u64,
    })
}

/// Adds the profiles of a file's text to those that are there. One whose id is taken gets another; one that is there
/// already as it is, and the embedded database's, are passed over.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn import_connection_profiles(
    settings: State<'_, Settings>,
    secrets: State<'_, SecretStore>,
    text: String,
) -> Result<ConnectionProfiles, ErrorReport> {
    let imported = import_profiles(&text).map_err(report)?;
    for mut profile in imported {
        if profile.remote().is_none() || is_there(&settings, &profile) {
            continue;
        }
        profile.id = free_id(&settings, &profile.id);
        settings
            .save_profile(StoredProfile {
                profile,
                password_place: None,
            })
            .map_err(|source| not_kept("Keeping the connection", source))?;
    }
    Ok(ConnectionProfiles::of(&settings, &secrets))
}

fn is_there(settings: &Settings, profile: &ConnectionProfile) -> bool {
    settings
        .profile(&profile.id)
        .is_some_and(|stored| stored.profile == *profile)
}

/// The id itself, or the first of `id-2`, `id-3` and so on that is free.
fn free_id(settings: &Settings, id: &str) -> String {
    let is_free = |id: &str| settings.profile(id).is_none();
    if is_free(id) {
        return id.to_owned();
    }
    // Room for the number within the 64 characters of an id, which are ASCII.
    let stem = &id[..id.len().min(58)];
    (2..=u32::MAX)
        .map(|number| format!("{stem}-{number}"))
        .find(|id| is_free(id))
        .unwrap_or_else(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use registry::connection::ConnectionKind;

    use super::*;

    fn profile(id: &str, url: &str) -> ConnectionProfile {
        ConnectionProfile {
            id: id.into(),
            database: ConnectionKind::Remote(parse_url(url).unwrap().database),
            ..ConnectionProfile::embedded()
        }
    }

    #[test]
    fn the_embedded_database_is_the_one_profile_of_its_kind() {
        let elsewhere = "postgres://anna@one/registry";
        assert!(check_kind(&ConnectionProfile::embedded()).is_ok());
        assert!(check_kind(&profile("one", elsewhere)).is_ok());
        let taken = profile(ConnectionProfile::EMBEDDED_ID, elsewhere);
        assert!(check_kind(&taken).is_err());
        let second = ConnectionProfile {
            id: "second".into(),
            ..ConnectionProfile::embedded()
        };
        assert!(check_kind(&second).is_err());
    }

    #[test]
    fn an_id_that_is_taken_gets_a_number_and_stays_an_id() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::at(&folder.path().join("settings.json"), "embedded here");
        let long = "x".repeat(64);
        assert_eq!(free_id(&settings, &long), long);
        for taken in ["one".to_owned(), "one-2".to_owned(), long.clone()] {
            let profile = profile(&taken, "postgres://anna@one/registry");
            let stored = StoredProfile {
                profile,
                password_place: None,
            };
            settings.save_profile(stored).unwrap();
        }
        assert_eq!(free_id(&settings, "one"), "one-3");
        let found = profile(&free_id(&settings, &long), "postgres://anna@one/registry");
        assert_ne!(found.id, long);
        assert_eq!(found.problems(), []);
    }
}
