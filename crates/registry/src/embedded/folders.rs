//! Where the parts lie in the data directory, and the directory held by one program at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::account::ServerAccount;
use super::cluster::Cluster;
use super::failure::classify;
use super::reserve::Reserve;
use crate::{Error, Result};

/// The port names the socket's file; nothing listens on it.
pub(super) const PORT: u16 = 5432;

/// `sun_path` has 108 bytes on Linux (104 on macOS), one of them the terminator.
const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Where the parts lie in the data directory.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    pub(super) base: PathBuf,
}

impl Folders {
    pub(super) fn new(data_directory: &Path) -> Self {
        Self {
            base: data_directory.join("postgresql"),
        }
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.base.join("lock")
    }

    pub(super) fn cluster(&self) -> Cluster {
        Cluster::new(self.base.join("cluster"))
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.base.join("socket")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.base.join("server.log")
    }

    pub(super) fn server_copies(&self) -> PathBuf {
        self.base.join("server")
    }

    pub(super) fn reserve(&self) -> Reserve {
        Reserve::in_folder(&self.base)
    }
}

/// A data directory that this program has to itself for as long as the value lives.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) account: ServerAccount,
    pub(super) data_directory: PathBuf,
    _lock: File,
}

impl Held {
    /// Prepares the folders and takes them; none if another program has them.
    pub(super) fn take(data_directory: &Path, folders: &Folders) -> Result<Option<Self>> {
        let classified = |source| classify(source, data_directory);
        let account =
            ServerAccount::for_this_process().map_err(|source| Error::DataDirectoryUnwritable {
                path: data_directory.to_owned(),
                source,
            })?;
        check_socket_path(&folders.socket())?;
        prepare_folders(data_directory, folders, &account).map_err(classified)?;
        let lock = take_lock(&folders.lock()).map_err(classified)?;
        Ok(lock.map(|lock| Self {
            account,
            data_directory: data_directory.to_owned(),
            _lock: lock,
        }))
    }
}

fn check_socket_path(folder: &Path) -> Result<()> {
    let path = folder.join(format!(".s.PGSQL.{PORT}"));
    let length = path.as_os_str().as_bytes().len();
    if length > SOCKET_PATH_LIMIT {
        return Err(Error::SocketPathTooLong {
            path,
            length,
            limit: SOCKET_PATH_LIMIT,
        });
    }
    Ok(())
}

fn prepare_folders(
    data_directory: &Path,
    folders: &Folders,
    account: &ServerAccount,
) -> io::Result<()> {
    if !data_directory.is_dir() {
        fs::create_dir_all(data_directory)?;
        account.take_over(data_directory)?;
    }
    for folder in [&folders.base, &folders.socket()] {
        if !folder.is_dir() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        // Made by this program or not, it must be private and the server's.
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        account.take_over(folder)?;
    }
    if let Some(barrier) = account.barrier(&folders.base) {
        return Err(io::Error::other(format!(
            "the account {}, which runs the server because root must not, can't enter {}",
            account.name,
            barrier.display()
        )));
    }
    Ok(())
}

/// Takes the data directory for this program; none if another one has it.
fn take_lock(path: &Path) -> io::Result<Option<File>> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())?;
            Ok(Some(file))
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_path_is_measured_in_bytes_up_to_the_limit() {
        let suffix = "/.s.PGSQL.5432".len();
        let longest = format!("/{}", "x".repeat(SOCKET_PATH_LIMIT - suffix - 1));
        assert!(check_socket_path(Path::new(&longest)).is_ok());
        let error = check_socket_path(Path::new(&format!("{longest}x"))).unwrap_err();
        assert!(
            error.to_string().contains("108 bytes") || !cfg!(target_os = "linux"),
            "{error}"
        );
    }
}
