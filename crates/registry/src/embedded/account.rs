//! The operating system account that runs the server. PostgreSQL refuses to run as root, so root
//! hands the server, its data and its socket to an unprivileged account.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Gid, Uid, User, chown};

/// Where root keeps the data when the usual place is out of the server account's reach.
const ROOT_DATA_DIRECTORY: &str = "/var/lib/beamline-registry";

/// The account that the server runs as.
#[derive(Clone, Debug)]
pub(super) struct ServerAccount {
    pub(super) name: String,
    uid: Uid,
    gid: Gid,
    /// Whether it is another account than this program's.
    is_other: bool,
}

impl ServerAccount {
    /// This program's own account, or for root the account `postgres`, or else `nobody`.
    pub(super) fn for_this_process() -> io::Result<Self> {
        let own_uid = Uid::effective();
        if !own_uid.is_root() {
            return Ok(Self {
                name: crate::registry::os_user().to_owned(),
                uid: own_uid,
                gid: Gid::effective(),
                is_other: false,
            });
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name)? {
                return Ok(Self {
                    name: user.name,
                    uid: user.uid,
                    gid: user.gid,
                    is_other: true,
                });
            }
        }
        Err(io::Error::other(
            "PostgreSQL can't run as root, and there is no account postgres or nobody to run it as",
        ))
    }

    /// Hands a file or folder that this program made to the account.
    pub(super) fn take_over(&self, path: &Path) -> io::Result<()> {
        if self.is_other {
            chown(path, Some(self.uid), Some(self.gid))?;
        }
        Ok(())
    }

    /// A command that runs `program` as the account, with nothing of this program's environment
    /// but what finds libraries and temporary folders.
    pub(super) fn command(&self, program: &Path, working_directory: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("LC_ALL", "C")
            .current_dir(working_directory);
        for name in ["PATH", "LD_LIBRARY_PATH", "TMPDIR"].map(OsStr::new) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if self.is_other {
            // Setting the uid as root also drops the supplementary groups.
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// The first folder above `path` (or the path itself) that the account can't enter.
    /// What doesn't exist yet is not in the way.
    pub(super) fn barrier(&self, path: &Path) -> Option<PathBuf> {
        if !self.is_other {
            return None;
        }
        path.ancestors()
            .filter_map(|folder| Some((folder, folder.metadata().ok()?)))
            .filter(|(_, metadata)| {
                let mode = metadata.permissions().mode();
                let may_enter = if metadata.uid() == self.uid.as_raw() {
                    mode & 0o100
                } else if metadata.gid() == self.gid.as_raw() {
                    mode & 0o010
                } else {
                    mode & 0o001
                };
                may_enter == 0
            })
            .map(|(folder, _)| folder.to_owned())
            .last()
    }
}

/// The data directory to use where none is named: `preferred`, or for root, whose home no other
/// account can enter, `/var/lib/beamline-registry`.
pub fn data_directory(preferred: &Path) -> PathBuf {
    match ServerAccount::for_this_process() {
        Ok(account) if account.barrier(preferred).is_some() => ROOT_DATA_DIRECTORY.into(),
        _ => preferred.to_owned(),
    }
}
