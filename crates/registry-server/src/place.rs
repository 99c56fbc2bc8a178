//! Where the registry is: `DATABASE_URL`, a saved profile, or the embedded database.

#![allow(
    clippy::doc_markdown,
    reason = "the texts of arguments are shown in a terminal, where marks would be read as they are"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use registry::anchors::AnchorFile;
use registry::connection::{
    ConnectionProfile, FoundServer, RemoteDatabase, Servers, Target, parse_url,
};
use registry::embedded::{self, EmbeddedServer, Options, StartStep};
use registry::migrations::{self, SchemaState};
use registry::{Error, Registry};
use registry_account::embedded::{named_role, no_role, options, role_is_elsewhere};
use registry_account::{Folders, IDENTIFIER, SavedProfiles, SecretPlace, kept_password};
use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;

use crate::failure::Failure;
use crate::files;

/// In the environment and not on the command line, which everybody on the machine can read.
const URL_VARIABLE: &str = "DATABASE_URL";
const PASSWORD_VARIABLE: &str = "DATABASE_PASSWORD";
const PASSWORD_FILE_VARIABLE: &str = "DATABASE_PASSWORD_FILE";

/// What the audit log calls this program.
const APPLICATION_NAME: &str = "registryctl";

/// Where the registry is.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Where the registry is, if DATABASE_URL doesn't say")]
pub(crate) struct Place {
    /// A connection that was saved in the console, by its name
    ///
    /// Its password comes from DATABASE_PASSWORD, from the file that DATABASE_PASSWORD_FILE names, or from the desktop's
    /// keychain.
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "embedded")]
    profile: Option<String>,
    /// The console's own database: joined if it runs, else started for this command
    #[arg(long, global = true)]
    embedded: bool,
    /// Whether what was asked for is done, and only the end is to come.
    #[arg(skip)]
    is_done: Arc<AtomicBool>,
}

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
enum Way {
    Servers {
        servers: Servers,
        /// Where the end of its audit log is noted.
        anchors: Option<AnchorFile>,
    },
    Embedded(Box<Options>),
}

/// A registry that is open.
pub(crate) struct OpenRegistry {
    pub(crate) registry: Registry,
    pub(crate) protection: Protection,
    server: Option<EmbeddedServer>,
    is_done: Arc<AtomicBool>,
}

impl OpenRegistry {
    /// The embedded server behind it, if it is that.
    pub(crate) fn embedded_server(&self) -> Option<&EmbeddedServer> {
        self.server.as_ref()
    }

    /// Logs out, and stops the server if it was started for this command.
    pub(crate) async fn close(self) {
        self.is_done.store(true, Ordering::Relaxed);
        self.registry.close().await;
        stop(self.server).await;
    }
}

/// A login that owns the tables: to back up, to restore, and to make tokens.
pub(crate) struct Owner {
    pub(crate) options: PgConnectOptions,
    server: Option<EmbeddedServer>,
    is_done: Arc<AtomicBool>,
}

impl Owner {
    /// Stops the server if it was started for this command.
    pub(crate) async fn close(self) {
        self.is_done.store(true, Ordering::Relaxed);
        stop(self.server).await;
    }
}

/// Stopping a server blocks. If the program ends meanwhile, the server ends by itself.
async fn stop(server: Option<EmbeddedServer>) {
    let _ = tokio::task::spawn_blocking(move || drop(server)).await;
}

impl Place {
    /// Whether what was asked for is done: who breaks it off now only waits less long for the end.
    pub(crate) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Relaxed)
    }

    /// Opens the registry.
    pub(crate) async fn open(&self) -> Result<OpenRegistry, Failure> {
        let (way, protection) = self.way().await?;
        match way {
            Way::Servers { servers, anchors } => {
                let mut registry = Registry::open(servers).await?;
                if let Some(file) = anchors {
                    registry = registry.with_anchor_file(file);
                }
                Ok(OpenRegistry {
                    registry,
                    protection,
                    server: None,
                    is_done: Arc::clone(&self.is_done),
                })
            }
            Way::Embedded(options) => {
                let (server, registry) = embedded::open(&options, |_: StartStep| {}).await?;
                Ok(OpenRegistry {
                    registry,
                    protection,
                    server: Some(server),
                    is_done: Arc::clone(&self.is_done),
                })
            }
        }
    }

    /// The login that owns the tables.
    pub(crate) async fn owner(&self) -> Result<Owner, Failure> {
        let (way, _) = self.way().await?;
        match way {
            Way::Servers { servers, .. } => Ok(Owner {
                options: servers.options_for(&primary(&servers).await?.address),
                server: None,
                is_done: Arc::clone(&self.is_done),
            }),
            Way::Embedded(options) => {
                let (server, registry) = embedded::open(&options, |_: StartStep| {}).await?;
                registry.close().await;
                Ok(Owner {
                    options: server.owner_options()?,
                    server: Some(server),
                    is_done: Arc::clone(&self.is_done),
                })
            }
        }
    }

    /// The registry as the owner of its tables; the embedded one's editor owns none.
    pub(crate) async fn open_as_owner(&self) -> Result<OpenRegistry, Failure> {
        let opened = self.open().await?;
        let Some(server) = &opened.server else {
            return Ok(opened);
        };
        let owned = Registry::connect(server.owner_options()?).await?;
        opened.registry.close().await;
        Ok(OpenRegistry {
            registry: owned,
            ..opened
        })
    }

    /// The servers, for who needs servers and no embedded database.
    pub(crate) async fn servers(&self) -> Result<Servers, Failure> {
        match self.way().await? {
            (Way::Servers { servers, .. }, _) => Ok(servers),
            (Way::Embedded(_), _) => Err(Failure::usage(
                "This isn't done with the embedded database",
                format!("Set {URL_VARIABLE}, or name a connection with --profile."),
            )),
        }
    }

    /// How the embedded database is opened, if that is the registry.
    pub(crate) async fn embedded_options(&self) -> Result<Option<Options>, Failure> {
        Ok(match self.way().await? {
            (Way::Embedded(options), _) => Some(*options),
            (Way::Servers { .. }, _) => None,
        })
    }

    /// What a database lacks that something failed on which should not have: one without the tables, say, is no fault
    /// of this program.
    pub(crate) async fn explained(&self, failure: Failure) -> Failure {
        if !failure.is_internal() {
            return failure;
        }
        let Ok((Way::Servers { servers, .. }, _)) = self.way().await else {
            return failure;
        };
        let Ok(decision) = migrations::decision(&servers).await else {
            return failure;
        };
        match decision.state {
            SchemaState::Empty { .. } | SchemaState::Seed { .. } | SchemaState::Pending { .. } => {
                Failure::new(
                    format!("The database is not ready to be used: {}", decision.state),
                    "Run registryctl migrate as the owner of the tables, then try again.",
                )
            }
            SchemaState::UpToDate { .. } | SchemaState::Newer { .. } => failure,
        }
    }

    async fn way(&self) -> Result<(Way, Protection), Failure> {
        let url = std::env::var_os(URL_VARIABLE).filter(|url| !url.is_empty());
        let named = match (&self.profile, self.embedded) {
            (Some(_), _) => Some("--profile"),
            (None, true) => Some("--embedded"),
            (None, false) => None,
        };
        if let (Some(_), Some(option)) = (&url, named) {
            return Err(Failure::usage(
                format!("{URL_VARIABLE} is set and {option} is given: they name two registries"),
                format!("Leave one out: env --unset={URL_VARIABLE} registryctl {option} …"),
            ));
        }
        if let Some(url) = url {
            let url = url.into_string().map_err(|_| {
                Failure::usage(
                    format!("{URL_VARIABLE} is no text"),
                    "Set it to postgres://user:password@host/database.",
                )
            })?;
            return Ok((of_url(&url)?, Protection::default()));
        }
        match &self.profile {
            Some(name) => of_profile(name).await,
            None if self.embedded => of_embedded(),
            None => Err(Failure::usage(
                "Nothing says where the registry is",
                format!(
                    "Set {URL_VARIABLE} to postgres://user:password@host/database, name a connection of the console with \
                     --profile NAME, or say --embedded for the console's own database."
                ),
            )),
        }
    }
}

/// The server that can be written to now.
async fn primary(servers: &Servers) -> Result<FoundServer, Failure> {
    servers.find(Target::Primary).await.map_err(|failures| {
        // One that is looked at: the first server's, as it is in the profile.
        let first = failures.into_iter().next().map(Box::new);
        first.map_or_else(
            || Failure::new("No server is named", "Name one."),
            |failure| Error::Unreachable { failure }.into(),
        )
    })
}

fn of_url(url: &str) -> Result<Way, Failure> {
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

async fn of_profile(name: &str) -> Result<(Way, Protection), Failure> {
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

fn of_embedded() -> Result<(Way, Protection), Failure> {
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

/// The window's resources, where a PostgreSQL is packed with it: beside this program, or in the folder of libraries.
fn resources() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    [folder.to_owned(), folder.join("../lib/Beamline Registry")]
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
