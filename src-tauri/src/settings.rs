//! The console's settings, which are the account's and not the registry's: one small file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::folders::Folders;
use crate::logging::LogLevel;

/// What a registry asks of those who change it from here.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
pub(crate) struct ConnectionProfile {
    /// Real traffic depends on it: each switch off and each deletion is asked about once.
    pub(crate) production: bool,
    /// No change is made without a reason.
    pub(crate) reason_required: bool,
}

/// What the file holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Content {
    log_level: LogLevel,
    /// Whether notices that nobody has to act on are held back.
    notices_paused: bool,
    /// The profiles by connection; one that is not among them has none of what can be asked.
    connections: BTreeMap<String, ConnectionProfile>,
}

/// The settings as they are now; each change is kept at once.
pub(crate) struct Settings {
    path: PathBuf,
    /// The connection that this console works on.
    connection: String,
    content: Mutex<Content>,
}

impl Settings {
    /// Reads the settings; the defaults where there are none. Tells what is wrong with them in words, for
    /// the log that is not there before they are read.
    pub(crate) fn load(folders: &Folders) -> (Self, Option<String>) {
        let path = folders.config.join("settings.json");
        let (content, problem) = read(&path);
        let settings = Self {
            content: content.into(),
            path,
            connection: format!("embedded {}", folders.data.display()),
        };
        (settings, problem)
    }

    /// How much is logged.
    pub(crate) fn log_level(&self) -> LogLevel {
        self.content().log_level
    }

    /// Keeps how much is logged.
    ///
    /// # Errors
    /// If the file can't be written; then nothing changes.
    pub(crate) fn set_log_level(&self, level: LogLevel) -> io::Result<()> {
        self.change(|content| content.log_level = level)
    }

    /// Whether notices that nobody has to act on are held back.
    pub(crate) fn are_notices_paused(&self) -> bool {
        self.content().notices_paused
    }

    /// Keeps whether notices are held back.
    ///
    /// # Errors
    /// If the file can't be written; then nothing changes.
    pub(crate) fn pause_notices(&self, are_paused: bool) -> io::Result<()> {
        self.change(|content| content.notices_paused = are_paused)
    }

    /// What the registry of this console asks.
    pub(crate) fn profile(&self) -> ConnectionProfile {
        self.content()
            .connections
            .get(&self.connection)
            .copied()
            .unwrap_or_default()
    }

    /// Keeps what the registry of this console asks.
    ///
    /// # Errors
    /// If the file can't be written; then nothing changes.
    pub(crate) fn set_profile(&self, profile: ConnectionProfile) -> io::Result<()> {
        self.change(|content| {
            content.connections.insert(self.connection.clone(), profile);
        })
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Content)) -> io::Result<()> {
        let mut content = self.content();
        let mut changed = content.clone();
        change(&mut changed);
        write(&self.path, &changed)?;
        *content = changed;
        Ok(())
    }
}

/// What is damaged is put aside: it may hold what somebody relies on, and the next change writes anew.
fn read(path: &Path) -> (Content, Option<String>) {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Default::default(),
        Err(error) => return (Content::default(), Some(error.to_string())),
    };
    match serde_json::from_slice(&text) {
        Ok(content) => (content, None),
        Err(error) => {
            let aside = path.with_extension("damaged");
            let outcome = match fs::rename(path, &aside) {
                Ok(()) => format!("put aside as {}", aside.display()),
                Err(error) => format!("can't be put aside ({error})"),
            };
            (Content::default(), Some(format!("{error}; {outcome}")))
        }
    }
}

fn write(path: &Path, content: &Content) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_vec_pretty(content).map_err(io::Error::other)?;
    // All or nothing: a start that is cut short must not leave half a file.
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: &Path, connection: &str) -> Settings {
        Settings {
            path: path.to_owned(),
            connection: connection.into(),
            content: read(path).0.into(),
        }
    }

    #[test]
    fn settings_survive_and_a_profile_is_of_one_connection() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("settings.json");
        let production = ConnectionProfile {
            production: true,
            reason_required: false,
        };
        let one = settings(&path, "one");
        one.set_profile(production).unwrap();
        one.set_log_level(LogLevel::Debug).unwrap();
        assert_eq!(settings(&path, "one").profile(), production);
        assert_eq!(settings(&path, "one").log_level(), LogLevel::Debug);
        assert_eq!(
            settings(&path, "another").profile(),
            ConnectionProfile::default()
        );
    }

    #[test]
    fn damaged_settings_become_the_defaults_and_are_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        fs::write(&path, "{").unwrap();
        let (content, problem) = read(&path);
        assert_eq!(content.log_level, LogLevel::Info);
        assert!(problem.unwrap().contains("put aside"));
        assert_eq!(
            fs::read_to_string(path.with_extension("damaged")).unwrap(),
            "{"
        );
    }

    #[test]
    fn what_can_not_be_kept_does_not_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let settings = settings(&file.join("settings.json"), "one");
        let production = ConnectionProfile {
            production: true,
            reason_required: true,
        };
        assert!(settings.set_profile(production).is_err());
        assert_eq!(settings.profile(), ConnectionProfile::default());
    }

    #[test]
    fn settings_of_older_versions_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        fs::write(&path, r#"{"log_level": "warn"}"#).unwrap();
        assert_eq!(settings(&path, "one").log_level(), LogLevel::Warn);
    }
}
