//! The embedded server behind an open registry: which it is, how to log in, how much room its disk has, and its end.

use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;

use super::folders::{Folders, Held};
use super::process::ServerProcess;
use super::provisioning::{DATABASE, read_credentials, superuser_options};
use super::reserve::DiskSpace;
use crate::Result;
use crate::access::Role;

/// Where the data lies and which programs to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that holds everything; it is made if it doesn't exist.
    pub data_directory: PathBuf,
    /// An explicit choice of the folder with the PostgreSQL programs; nothing else is tried then.
    pub server_override: Option<PathBuf>,
    /// The PostgreSQL that is shipped with the program.
    pub bundled_server: Option<PathBuf>,
    /// `application_name` of the sessions: shown in the audit log and in `pg_stat_activity`.
    pub application_name: String,
    /// The role to work as instead of an editor's: less may be done then, by the same login.
    pub role: Option<Role>,
}

/// The embedded server behind an open registry. Dropping it stops the server, as [`Self::stop`] does.
#[derive(Debug)]
pub struct EmbeddedServer {
    /// None where the server belongs to another program.
    pub(super) owned: Option<Owned>,
    pub(super) folders: Folders,
    pub(super) application_name: String,
    pub(super) connection: PgConnectOptions,
    /// The server's version, for example `18.4`.
    pub version: String,
    /// The folder with the programs; none where the server belongs to another program.
    pub binaries: Option<PathBuf>,
    /// The login role that the registry works as.
    pub login: String,
}

#[derive(Debug)]
pub(super) struct Owned {
    pub(super) process: ServerProcess,
    /// For as long as the server runs.
    pub(super) _held: Held,
}

impl EmbeddedServer {
    /// Whether another program started the server and this one joined it.
    pub fn is_shared(&self) -> bool {
        self.owned.is_none()
    }

    /// The name of the database.
    pub fn database(&self) -> &'static str {
        DATABASE
    }

    /// The server's process, where this program started it.
    pub fn process_id(&self) -> Option<u32> {
        self.owned.as_ref().map(|owned| owned.process.process_id())
    }

    /// How to log in to the registry as [`Self::login`].
    pub fn connect_options(&self) -> &PgConnectOptions {
        &self.connection
    }

    /// Turns true when the server that this program started ends; none where it is another's.
    pub fn ended(&self) -> Option<watch::Receiver<bool>> {
        self.owned
            .as_ref()
            .map(|owned| owned.process.ended_signal())
    }

    /// How to log in to the registry as the owner of its tables: to back it up and to move it, never to work with it.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the passwords can't be read.
    pub fn owner_options(&self) -> Result<PgConnectOptions> {
        let credentials = read_credentials(&self.folders.cluster())?;
        Ok(superuser_options(
            &self.folders,
            &self.application_name,
            &credentials.superuser_password,
        )
        .database(DATABASE))
    }

    /// The folder that holds everything.
    pub fn data_directory(&self) -> &Path {
        self.folders.base.parent().unwrap_or(&self.folders.base)
    }

    /// How much room its disk has. If there is room again for the reserve that a full disk took, it is set aside anew.
    pub fn disk_space(&self) -> DiskSpace {
        let reserve = self.folders.reserve();
        if self.owned.is_some() {
            reserve.hold();
        }
        reserve.disk_space()
    }

    /// Stops the server if this program started it, and waits until it is gone: under a second as
    /// a rule, 15 s at the most. Blocks.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.process.stop();
    }
}
