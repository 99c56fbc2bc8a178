//! Finds the PostgreSQL programs: a named folder, the bundle, or an installed server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tracing::debug;

use super::account::ServerAccount;
use crate::{Error, Result};

/// The oldest PostgreSQL that the schema and the start options are made for.
const OLDEST_MAJOR: u32 = 14;

/// Programs that a folder must hold to be of use.
const PROGRAMS: [&str; 2] = ["initdb", "postgres"];

/// A PostgreSQL installation.
#[derive(Clone, Debug)]
pub(super) struct ServerBinaries {
    /// The folder with `initdb` and `postgres`.
    pub(super) directory: PathBuf,
    /// For example `18.4`.
    pub(super) version: String,
    /// For example 18.
    pub(super) major: u32,
}

impl ServerBinaries {
    /// Finds the programs to use.
    ///
    /// `named` (an explicit choice) is the only candidate if given. Otherwise the bundle comes
    /// first, then installed servers, newest first; where a cluster exists already
    /// (`data_major`), the first of the same major version is taken.
    pub(super) fn find(
        named: Option<&Path>,
        bundled: Option<&Path>,
        data_major: Option<u32>,
        data_path: &Path,
    ) -> Result<Self> {
        if let Some(folder) = named {
            let found = Self::in_folder(folder).ok_or_else(|| Error::ServerBinariesMissing {
                searched: vec![folder.to_owned()],
            })?;
            return Self::read(found)?.for_data(data_major, data_path);
        }

        let mut searched = Vec::new();
        let mut usable: Vec<Self> = Vec::new();
        let mut unusable = None;
        for folder in bundled
            .map(Path::to_owned)
            .into_iter()
            .chain(installed_folders())
        {
            searched.push(folder.clone());
            let Some(found) = Self::in_folder(&folder) else {
                continue;
            };
            match Self::read(found) {
                Ok(binaries) if data_major.is_none_or(|major| major == binaries.major) => {
                    return Ok(binaries);
                }
                Ok(binaries) => usable.push(binaries),
                Err(error) => {
                    debug!(folder = %folder.display(), %error, "passed over a PostgreSQL");
                    unusable.get_or_insert(error);
                }
            }
        }
        match usable.into_iter().next() {
            Some(binaries) => binaries.for_data(data_major, data_path),
            None => Err(unusable.unwrap_or(Error::ServerBinariesMissing { searched })),
        }
    }

    /// The path of one of the programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The folder with the programs: the folder itself or its `bin`.
    fn in_folder(folder: &Path) -> Option<PathBuf> {
        [folder.join("bin"), folder.to_owned()]
            .into_iter()
            .find(|candidate| PROGRAMS.iter().all(|name| candidate.join(name).is_file()))
    }

    /// Asks the server for its version: proves that it runs on this machine.
    fn read(directory: PathBuf) -> Result<Self> {
        let unusable = |reason: String| Error::ServerBinariesUnusable {
            path: directory.clone(),
            reason,
        };
        let output = Command::new(directory.join("postgres"))
            .arg("--version")
            .env("LC_ALL", "C")
            .output()
            .map_err(|error| unusable(error.to_string()))?;
        if !output.status.success() {
            return Err(unusable(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let (version, major) = parse_version(&text)
            .ok_or_else(|| unusable(format!("its version can't be read from {:?}", text.trim())))?;
        if major < OLDEST_MAJOR {
            return Err(unusable(format!(
                "it is PostgreSQL {version}, older than {OLDEST_MAJOR}"
            )));
        }
        Ok(Self {
            directory,
            version,
            major,
        })
    }

    fn for_data(self, data_major: Option<u32>, data_path: &Path) -> Result<Self> {
        match data_major {
            Some(data_major) if data_major != self.major => Err(Error::ServerVersionMismatch {
                path: data_path.to_owned(),
                data_major,
                server_major: self.major,
            }),
            _ => Ok(self),
        }
    }

    /// Whether `account` can't reach the programs where they are.
    pub(super) fn out_of_reach(&self, account: &ServerAccount) -> bool {
        account.barrier(&self.program("postgres")).is_some()
    }

    /// Copies the whole installation below `target` (once for each version) and uses the copy.
    pub(super) fn copied_below(&self, target: &Path) -> io::Result<Self> {
        let installation = target.join(&self.version);
        let copy = Self {
            directory: installation.join("bin"),
            ..self.clone()
        };
        if installation.is_dir() {
            return Ok(copy);
        }
        let source = self.directory.parent().unwrap_or(&self.directory);
        let unfinished = target.join(format!("{}.unfinished", self.version));
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        copy_folder(source, &unfinished)?;
        fs::rename(&unfinished, &installation)?;
        Ok(copy)
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is `("15.18", 15)`.
fn parse_version(text: &str) -> Option<(String, u32)> {
    let version = text.split(')').nth(1)?.split_whitespace().next()?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((version.to_owned(), digits.parse().ok()?))
}

/// Where distributions and Homebrew put servers, newest version first, then the search path.
fn installed_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (parent, prefix, suffix) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
    ] {
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let version = entry
                    .file_name()
                    .to_str()?
                    .strip_prefix(prefix)?
                    .parse()
                    .ok()?;
                Some((version, entry.path().join(suffix)))
            })
            .collect();
        versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        folders.extend(versions.into_iter().map(|(_, folder)| folder));
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders
            .extend(std::env::split_paths(&path).filter(|folder| !folder.as_os_str().is_empty()));
    }
    folders
}

/// Copies files with their modes, following links; everything becomes readable for all.
fn copy_folder(source: &Path, target: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    fs::create_dir_all(target)?;
    fs::set_permissions(target, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let metadata = fs::metadata(&from)?;
        if metadata.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            fs::copy(&from, &to)?;
            let mode = metadata.permissions().mode() | 0o444;
            fs::set_permissions(&to, fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_print_them() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(parse_version(debian), Some(("15.18".into(), 15)));
        assert_eq!(
            parse_version("postgres (PostgreSQL) 19beta2\n"),
            Some(("19beta2".into(), 19))
        );
        assert_eq!(parse_version("postgres 9.6"), None);
    }

    #[test]
    fn a_named_folder_without_programs_is_missing_and_nothing_else_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let error =
            ServerBinaries::find(Some(folder.path()), None, None, Path::new("/data")).unwrap_err();
        match error {
            Error::ServerBinariesMissing { searched } => assert_eq!(searched, [folder.path()]),
            other => panic!("{other}"),
        }
    }
}
