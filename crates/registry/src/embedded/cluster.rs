//! Making a cluster: `initdb`, its credentials, and reading what is there.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::info;

use super::account::ServerAccount;
use super::binaries::ServerBinaries;
use super::failure::{describe_failure, last_lines};
use super::process::end_with_this_program;
use crate::{Error, Result};

/// The cluster's superuser. It initialises and migrates; the console never works as it.
pub(super) const SUPERUSER: &str = "registry_admin";

/// A new cluster takes about 40 MiB, and its log another 16 MiB at a time.
pub(super) const SPACE_FOR_A_NEW_CLUSTER_MIB: u64 = 128;

/// The cluster and its credentials: one folder, so that it appears whole or not at all.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    folder: PathBuf,
}

/// The passwords of an embedded cluster. They guard the data from other accounts of the machine,
/// who can't read this file either: it lies in the same 0700 folder as the data itself.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Credentials {
    pub(super) superuser_password: String,
    /// Passwords by login role.
    pub(super) logins: BTreeMap<String, String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("logins", &self.logins.keys())
            .finish_non_exhaustive()
    }
}

impl Credentials {
    fn generate() -> io::Result<Self> {
        Ok(Self {
            superuser_password: random_password()?,
            logins: BTreeMap::new(),
        })
    }
}

/// 256 random bits in hexadecimal.
pub(super) fn random_password() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(hex::encode(bytes))
}

impl Cluster {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// PostgreSQL's data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The major version of the cluster on disk; none if there is no cluster.
    ///
    /// # Errors
    /// [`Error::ServerStartFailed`] if the folder is there but is not a cluster.
    pub(super) fn major_version(&self) -> Result<Option<u32>> {
        if !self.folder.exists() {
            return Ok(None);
        }
        let path = self.data().join("PG_VERSION");
        let damaged = |detail: String| Error::ServerStartFailed {
            attempted: "Reading the database's version",
            detail: format!("{}: {detail}", path.display()),
        };
        let text = fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
        // Before version 10 a major version had two numbers, such as 9.6.
        let major = text.trim().split('.').next().unwrap_or_default();
        major
            .parse()
            .map(Some)
            .map_err(|_| damaged(format!("{:?} is no version", text.trim())))
    }

    /// Makes the cluster with `initdb`: checksums on, passwords by SCRAM, synced to disk. It is made
    /// beside its place and renamed when it is complete, so a start that is cut short leaves nothing.
    pub(super) fn create(&self, binaries: &ServerBinaries, account: &ServerAccount) -> Result<()> {
        let unwritable = |source| Error::DataDirectoryUnwritable {
            path: self.folder.clone(),
            source,
        };
        let unfinished = Self::new(self.folder.with_extension("unfinished"));
        if unfinished.folder.exists() {
            fs::remove_dir_all(&unfinished.folder).map_err(unwritable)?;
        }
        unfinished.make_folder(account).map_err(unwritable)?;

        let credentials = Credentials::generate().map_err(unwritable)?;
        let password_file = unfinished.folder.join("password");
        write_private(&password_file, credentials.superuser_password.as_bytes())
            .and_then(|()| account.take_over(&password_file))
            .map_err(unwritable)?;

        let mut command = account.command(&binaries.program("initdb"), &unfinished.folder);
        command
            .arg("--pgdata")
            .arg(unfinished.data())
            .args([
                "--username",
                SUPERUSER,
                "--auth",
                "scram-sha-256",
                "--encoding",
                "UTF8",
            ])
            .args(["--data-checksums", "--no-instructions"])
            .arg("--pwfile")
            .arg(&password_file)
            .args(locale_arguments(binaries.major));
        end_with_this_program(&mut command);
        let output = command.output();
        let removed = fs::remove_file(&password_file);
        let output = output.map_err(|error| Error::ServerBinariesUnusable {
            path: binaries.directory.clone(),
            reason: error.to_string(),
        })?;
        if !output.status.success() {
            let text = [output.stdout, output.stderr].concat();
            let detail = last_lines(&String::from_utf8_lossy(&text));
            let failure = describe_failure("Creating the database", detail, &self.folder);
            // What failed half-way is of no use, and on a full disk in the way.
            fs::remove_dir_all(&unfinished.folder).map_err(unwritable)?;
            return Err(failure);
        }
        removed.map_err(unwritable)?;
        unfinished
            .write_credentials(&credentials)
            .map_err(unwritable)?;
        fs::rename(&unfinished.folder, &self.folder).map_err(unwritable)?;
        info!(version = binaries.version, "created the database cluster");
        Ok(())
    }

    fn make_folder(&self, account: &ServerAccount) -> io::Result<()> {
        fs::create_dir(&self.folder)?;
        account.take_over(&self.folder)
    }

    /// Reads the passwords.
    pub(super) fn read_credentials(&self) -> io::Result<Credentials> {
        let text = fs::read(self.credentials_path())?;
        serde_json::from_slice(&text).map_err(io::Error::other)
    }

    /// Writes the passwords, readable by this program's account alone; all or nothing.
    pub(super) fn write_credentials(&self, credentials: &Credentials) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(credentials).map_err(io::Error::other)?;
        let path = self.credentials_path();
        let unfinished = path.with_extension("unfinished");
        write_private(&unfinished, &text)?;
        fs::rename(unfinished, path)
    }

    fn credentials_path(&self) -> PathBuf {
        self.folder.join("credentials.json")
    }
}

/// Text is compared byte by byte with Unicode case rules: the same on every machine, and no
/// operating system update can change the order of an index.
fn locale_arguments(major: u32) -> &'static [&'static str] {
    if major >= 17 {
        &[
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
    } else if cfg!(target_os = "linux") {
        &["--locale=C.UTF-8"]
    } else {
        &["--locale=C"]
    }
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_never_the_same() {
        let (one, other) = (random_password().unwrap(), random_password().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
    }

    #[test]
    fn debug_output_names_logins_and_shows_no_password() {
        let credentials = Credentials {
            superuser_password: "hidden-1".into(),
            logins: BTreeMap::from([("editor".into(), "hidden-2".into())]),
        };
        let shown = format!("{credentials:?}");
        assert!(
            shown.contains("editor") && !shown.contains("hidden"),
            "{shown}"
        );
    }

    #[test]
    fn a_folder_that_is_no_cluster_is_reported_and_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Cluster::new(folder.path().to_owned());
        let error = cluster.major_version().unwrap_err();
        assert!(error.detail().unwrap().contains("PG_VERSION"));
        assert_eq!(
            Cluster::new(folder.path().join("none"))
                .major_version()
                .unwrap(),
            None
        );
    }

    #[test]
    fn old_versions_of_two_numbers_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Cluster::new(folder.path().to_owned());
        fs::create_dir(cluster.data()).unwrap();
        fs::write(cluster.data().join("PG_VERSION"), "9.6\n").unwrap();
        assert_eq!(cluster.major_version().unwrap(), Some(9));
    }
}
