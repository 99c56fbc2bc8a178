//! Where the registry is: `DATABASE_URL`, a saved profile, or the embedded database.

#![allow(
    clippy::doc_markdown,
    reason = "the texts of arguments are shown in a terminal, where marks would be read as they are"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use registry::connection::{FoundServer, Servers, Target};
use registry::embedded::{self, EmbeddedServer, Options, StartStep};
use registry::migrations::{self, SchemaState};
use registry::{Error, Registry};
use sqlx::postgres::PgConnectOptions;

use crate::failure::Failure;
use crate::way::{Protection, URL_VARIABLE, Way, of_embedded, of_profile, of_url};

/// Where the registry is.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Where the registry is, if DATABASE_URL doesn't say")]
pub(crate) struct Place {
    /// A connection that was saved in the console, by its id or its name
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "embedded")]
    profile: Option<String>,
    /// The console's own database: joined if it runs, else started for this command
    #[arg(long, global = true)]
    embedded: bool,
    /// Whether what was asked for is done, and only the end is to come.
    #[arg(skip)]
    is_done: Arc<AtomicBool>,
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
