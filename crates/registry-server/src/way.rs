//! The ways to a registry: a URL, a saved profile, or the embedded database; and with which password.

use std::path::PathBuf;

use registry::anchors::AnchorFile;
use registry::connection::{ConnectionProfile, RemoteDatabase, Servers, parse_url};
use registry::embedded::Options;
use registry_account::embedded::{named_role, no_role, options, role_is_elsewhere};
use registry_account::{Folders, IDENTIFIER, SavedProfiles, SecretPlace, kept_password};
use secrecy::SecretString;

use crate::failure::Failure;
use crate::files;

/// In the environment and not on the command line, which everybody on the machine can read.
pub(crate) const URL_VARIABLE: &str = "DATABASE_URL";
const PASSWORD_VARIABLE: &str = "DATABASE_PASSWORD";
const PASSWORD_FILE_VARIABLE: &str = "DATABASE_PASSWORD_FILE";

/// What the audit log calls this program.
const APPLICATION_NAME: &str = "registryctl";

/// What the profile asks of changes; nothing where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Protection {
    /// Whether each extension that goes out of service is asked about.
    pub(crate) is_production: bool,
    /// Whether no change is made without a reason.
    pub(crate) is_reason_required: bool,
}

impl From<&ConnectionProfile> for Protection {
    fn from(profile: &ConnectionProfile) -> Self {
        Self {
            is_production: profile.is_production,
            is_reason_required: profile.is_reason_required,
        }
    }
}

/// The way to a registry.
pub(crate) enum Way {
    Servers {
        servers: Servers,
        /// Where the end of its audit log is noted.
        anchors: Option<AnchorFile>,
    },
    Embedded(Box<Options>),
}

/// By a URL.
pub(crate) fn of_url(url: &str) -> Result<Way, Failure> {
    let parsed = parse_url(url)?;
    let password = match parsed.password {
        Some(password) => Some(password),
        None => named_password()?,
    };
    Ok(Way::Servers {
        servers: Servers::new(&named(&parsed.database), password)?,
        anchors: None,
    })
}

/// By a connection that was saved in the console.
pub(crate) async fn of_profile(name: &str) -> Result<(Way, Protection), Failure> {
    let folders = Folders::for_application(IDENTIFIER);
    let profiles = saved(&folders)?.all(&folders.embedded_connection());
    let mut found = profiles
        .iter()
        .filter(|stored| stored.profile.id == name || stored.profile.label == name);
    let (Some(stored), None) = (found.next(), found.next()) else {
        let known: Vec<String> = profiles
            .iter()
            .map(|stored| format!("{} ({:?})", stored.profile.id, stored.profile.label))
            .collect();
        let known = known.join(", ");
        return Err(
            if profiles.iter().any(|stored| stored.profile.label == name) {
                Failure::usage(
                    format!("Several connections of the console are called {name:?}"),
                    format!("Name one by its id: {known}."),
                )
            } else {
                Failure::no_input(
                    format!("The console has no connection {name:?}"),
                    format!("Name one of these: {known}."),
                )
            },
        );
    };
    let profile = &stored.profile;
    let Some(database) = profile.remote() else {
        return of_embedded();
    };
    if !matches!(named_role(), Ok(None)) {
        return Err(role_is_elsewhere().into());
    }
    let password = match named_password()? {
        None if stored.password_place == Some(SecretPlace::Keychain) => {
            Some(kept_password(&profile.id).await.map_err(|reason| {
                Failure::new(
                    format!("The password of {name:?} can't be had from the keychain: {reason}"),
                    format!(
                        "Unlock the keychain, or put the password into a file and its path into {PASSWORD_FILE_VARIABLE}."
                    ),
                )
            })?)
        }
        password => password,
    };
    let way = Way::Servers {
        servers: Servers::new(&named(database), password)?,
        anchors: Some(folders.anchors_of(&profile.id)),
    };
    Ok((way, profile.into()))
}

/// To the embedded database.
pub(crate) fn of_embedded() -> Result<(Way, Protection), Failure> {
    let folders = Folders::for_application(IDENTIFIER);
    let profile = saved(&folders)?.of_embedded(&folders.embedded_connection());
    let role = named_role().map_err(|name| no_role(&name))?;
    let options = options(&folders, resources(), role, APPLICATION_NAME);
    Ok((Way::Embedded(Box::new(options)), (&profile).into()))
}

fn saved(folders: &Folders) -> Result<SavedProfiles, Failure> {
    SavedProfiles::read(folders)
        .map_err(|error| Failure::of_system("The console's settings can't be read", &error))
}

/// The window's resources, where a PostgreSQL is packed with it: beside this program, in the folder of libraries of a
/// package, or in the application of a Mac.
fn resources() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    ["", "../lib/beamline-registry", "../Resources"]
        .map(|place| folder.join(place))
        .into_iter()
        .find(|folder| folder.join("postgresql").is_dir())
}

/// The database, as which program this one is called.
fn named(database: &RemoteDatabase) -> RemoteDatabase {
    let mut database = database.clone();
    database
        .application_name
        .get_or_insert_with(|| APPLICATION_NAME.to_owned());
    database
}

/// The password that the environment names.
fn named_password() -> Result<Option<SecretString>, Failure> {
    let value = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    if let Some(password) = value(PASSWORD_VARIABLE) {
        let password = password.into_string().map_err(|_| {
            Failure::usage(format!("{PASSWORD_VARIABLE} is no text"), "Set it anew.")
        })?;
        return Ok(Some(password.into()));
    }
    let Some(path) = value(PASSWORD_FILE_VARIABLE).map(PathBuf::from) else {
        return Ok(None);
    };
    let text = files::read_text(&path, PASSWORD_FILE_MAX_BYTES)?;
    let password = text.lines().next().unwrap_or_default();
    Ok(Some(password.to_owned().into()))
}

/// A longer file holds no password.
const PASSWORD_FILE_MAX_BYTES: u64 = 1 << 16;
