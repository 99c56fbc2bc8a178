//! The console's settings, which are the account's and not the registry's: one small file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use registry::connection::ConnectionProfile;
use registry::embedded::DailyBackups;
use registry_account::{Folders, SavedProfiles, SecretPlace, StoredProfile};
use registry_nats::NatsSettings;
use serde::{Deserialize, Serialize};

use crate::logging::LogLevel;

/// How to reach NATS; what is secret of it lies elsewhere.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct KeptNats {
    /// Where the servers are and how to get in.
    pub(crate) settings: NatsSettings,
    /// Where the secret was put; none if there is none.
    pub(crate) secret_place: Option<SecretPlace>,
}

/// What the file holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Content {
    log_level: LogLevel,
    /// Whether notices that nobody has to act on are held back.
    notices_paused: bool,
    /// How large everything in the window is; none as it comes.
    zoom_percent: Option<i32>,
    #[serde(flatten)]
    saved: SavedProfiles,
    /// The id of the profile in use, by the connection to the embedded database that stands for each console; one that
    /// is not among them uses that database.
    active: BTreeMap<String, String>,
    /// How to reach NATS, by connection.
    nats: BTreeMap<String, KeptNats>,
    /// How embedded databases are backed up by themselves, by connection; one that is not among them as it comes.
    daily_backups: BTreeMap<String, DailyBackups>,
}

/// The settings as they are now; each change is kept at once.
pub(crate) struct Settings {
    path: PathBuf,
    /// The connection to this console's embedded database.
    embedded: String,
    content: Mutex<Content>,
}

impl Settings {
    /// Reads the settings; the defaults where there are none. Tells what is wrong with them in words, for
    /// the log that is not there before they are read.
    pub(crate) fn load(folders: &Folders) -> (Self, Option<String>) {
        let path = folders.settings();
        let (content, problem) = read(&path);
        let settings = Self {
            content: content.into(),
            path,
            embedded: folders.embedded_connection(),
        };
        (settings, problem)
    }

    /// Those of a file, for the console of an embedded database.
    #[cfg(test)]
    pub(crate) fn at(path: &Path, embedded: &str) -> Self {
        Self {
            path: path.to_owned(),
            embedded: embedded.into(),
            content: read(path).0.into(),
        }
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

    /// How large everything in the window is, within what it can be; 100 as it comes.
    pub(crate) fn zoom_percent(&self) -> i32 {
        zoom_within(self.content().zoom_percent.unwrap_or(100))
    }

    /// Keeps how large everything in the window is.
    ///
    /// # Errors
    /// If the file can't be written; then nothing changes.
    pub(crate) fn set_zoom_percent(&self, percent: i32) -> io::Result<()> {
        self.change(|content| content.zoom_percent = Some(zoom_within(percent)))
    }

    /// All profiles: the embedded database's, then those of databases elsewhere in the order in which they were made.
    pub(crate) fn profiles(&self) -> Vec<StoredProfile> {
        self.content().saved.all(&self.embedded)
    }

    /// The profile of an id.
    pub(crate) fn profile(&self, id: &str) -> Option<StoredProfile> {
        self.profiles()
            .into_iter()
            .find(|stored| stored.profile.id == id)
    }

    /// The profile in use.
    pub(crate) fn active_profile(&self) -> StoredProfile {
        let active = self.content().active.get(&self.embedded).cloned();
        active
            .and_then(|id| self.profile(&id))
            .unwrap_or_else(|| StoredProfile {
                profile: self.content().saved.of_embedded(&self.embedded),
                password_place: None,
            })
    }

    /// Keeps a profile: in place of the one of the same id, or as the last one.
    ///
    /// # Errors
    /// If the file can't be written; then nothing changes.
    pub(crate) fn save_profile(&self, stored: StoredProfile) -> io::Result<()> {
        self.change(|content| {
            if stored.profile.remote().is_none() {
                content
                    .saved
                    .embedded
                    .insert(self.embedded.clone(), stored.profile);
                return;
            }
            let same = content
                .saved
                .profiles
                .iter_mut()
                .find(|known| known.profile.id == stored.profile.id);
            match same {
                Some(known) => *known = stored,
                None => content.saved.profiles.push(stored),
            }
        })
    }

    /// Forgets the profile of a database elsewhere, and how NATS was reached beside it.
    ///
    /// # Errors
    /// If the file can't be written; then nothing changes.
    pub(crate) fn remove_profile(&self, id: &str) -> io::Result<()> {
        self.change(|content| {
            content
                .saved
                .profiles
                .retain(|known| known.profile.id != id);
            content.active.retain(|_, active| active != id);
            content.nats.remove(&remote_connection(id));
        })
    }

    /// Makes the profile of an id the one in use, also after the next start.
    ///
    /// # Errors
    /// If the file can't be written; then nothing changes.
    pub(crate) fn use_profile(&self, id: &str) -> io::Result<()> {
        self.change(|content| {
            if id == ConnectionProfile::EMBEDDED_ID {
                content.active.remove(&self.embedded);
            } else {
                content.active.insert(self.embedded.clone(), id.to_owned());
            }
        })
    }

    /// The connection that this console works on: what secrets are kept for.
    pub(crate) fn connection(&self) -> String {
        let profile = self.active_profile().profile;
        if profile.remote().is_some() {
            remote_connection(&profile.id)
        } else {
            self.embedded.clone()
        }
    }

    /// How to reach NATS; none if nobody has said.
    pub(crate) fn nats(&self) -> Option<KeptNats> {
        let connection = self.connection();
        self.content().nats.get(&connection).cloned()
    }

    /// Keeps how to reach NATS, or forgets it.
    ///
    /// # Errors
    /// If the file can't be written; then nothing changes.
    pub(crate) fn set_nats(&self, nats: Option<KeptNats>) -> io::Result<()> {
        let connection = self.connection();
        self.change(|content| {
            match nats {
                Some(nats) => content.nats.insert(connection, nats),
                None => content.nats.remove(&connection),
            };
        })
    }

    /// How the embedded database is backed up by itself.
    pub(crate) fn daily_backups(&self) -> DailyBackups {
        self.content()
            .daily_backups
            .get(&self.embedded)
            .cloned()
            .unwrap_or_default()
    }

    /// Keeps how the embedded database is backed up by itself.
    ///
    /// # Errors
    /// If the file can't be written; then nothing changes.
    pub(crate) fn set_daily_backups(&self, daily_backups: DailyBackups) -> io::Result<()> {
        self.change(|content| {
            content
                .daily_backups
                .insert(self.embedded.clone(), daily_backups);
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

/// Below it nobody reads the words any more, above it no dialog has room: also where somebody wrote the file by hand.
fn zoom_within(percent: i32) -> i32 {
    percent.clamp(50, 300)
}

/// The name of the connection of a profile that leads elsewhere.
fn remote_connection(id: &str) -> String {
    format!("profile {id}")
}

/// What is damaged is put aside: it may hold what somebody relies on, and the next change writes anew.
fn read(path: &Path) -> (Content, Option<String>) {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Default::default(),
        Err(error) => return (Content::default(), Some(error.to_string())),
    };
    match serde_json::from_slice::<Content>(&text) {
        Ok(content) => {
            let saved = content.saved.with_protections();
            (Content { saved, ..content }, None)
        }
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
    use registry::connection::{
        ConnectionKind, Pooling, RemoteDatabase, ServerAddress, TlsSettings,
    };

    use super::*;

    fn settings(path: &Path, embedded: &str) -> Settings {
        Settings::at(path, embedded)
    }

    fn remote(id: &str) -> StoredProfile {
        let profile = ConnectionProfile {
            id: id.into(),
            label: "Elsewhere".into(),
            database: ConnectionKind::Remote(RemoteDatabase {
                servers: vec![ServerAddress::new("db", 5432)],
                database: "registry".into(),
                user: "console".into(),
                tls: TlsSettings::default(),
                application_name: None,
                is_read_only: false,
                prefers_standby: false,
                pooling: Pooling::Direct,
            }),
            ..ConnectionProfile::embedded()
        };
        StoredProfile {
            profile,
            password_place: Some(SecretPlace::Keychain),
        }
    }

    fn production() -> StoredProfile {
        StoredProfile {
            profile: ConnectionProfile {
                is_production: true,
                ..ConnectionProfile::embedded()
            },
            password_place: None,
        }
    }

    #[test]
    fn the_zoom_is_kept_and_never_so_that_the_way_back_can_t_be_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        assert_eq!(settings(&path, "one").zoom_percent(), 100);
        settings(&path, "one").set_zoom_percent(150).unwrap();
        assert_eq!(settings(&path, "one").zoom_percent(), 150);
        for (written, shown) in [("1", 50), ("9000", 300)] {
            fs::write(&path, format!("{{\"zoom_percent\": {written}}}")).unwrap();
            assert_eq!(settings(&path, "one").zoom_percent(), shown);
        }
    }

    #[test]
    fn settings_survive_and_what_is_said_of_one_embedded_database_is_not_said_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("settings.json");
        let one = settings(&path, "one");
        one.save_profile(production()).unwrap();
        one.set_log_level(LogLevel::Debug).unwrap();
        assert_eq!(settings(&path, "one").active_profile(), production());
        assert_eq!(settings(&path, "one").log_level(), LogLevel::Debug);
        assert_eq!(
            settings(&path, "another").active_profile().profile,
            ConnectionProfile::embedded()
        );
    }

    #[test]
    fn the_profile_in_use_is_remembered_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let one = settings(&path, "one");
        for id in ["first", "second", "first"] {
            one.save_profile(remote(id)).unwrap();
        }
        one.use_profile("second").unwrap();
        let next = settings(&path, "one");
        let ids: Vec<String> = next
            .profiles()
            .into_iter()
            .map(|stored| stored.profile.id)
            .collect();
        assert_eq!(ids, ["embedded", "first", "second"]);
        assert_eq!(next.active_profile(), remote("second"));
        assert_eq!(next.connection(), "profile second");
        assert_eq!(settings(&path, "another").connection(), "another");
        next.remove_profile("second").unwrap();
        assert_eq!(next.connection(), "one");
        next.use_profile("first").unwrap();
        next.use_profile(ConnectionProfile::EMBEDDED_ID).unwrap();
        assert_eq!(settings(&path, "one").connection(), "one");
    }

    #[test]
    fn the_way_to_nats_is_of_one_connection_and_can_be_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let kept = KeptNats {
            settings: NatsSettings {
                servers: vec!["nats://host:4222".into()],
                ..NatsSettings::default()
            },
            secret_place: Some(SecretPlace::Session),
        };
        let one = settings(&path, "one");
        one.set_nats(Some(kept.clone())).unwrap();
        assert_eq!(settings(&path, "one").nats(), Some(kept));
        assert_eq!(settings(&path, "another").nats(), None);
        one.set_nats(None).unwrap();
        assert_eq!(settings(&path, "one").nats(), None);
    }

    #[test]
    fn daily_backups_are_of_one_embedded_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let off = DailyBackups {
            is_enabled: false,
            ..DailyBackups::default()
        };
        let one = settings(&path, "one");
        one.set_daily_backups(off.clone()).unwrap();
        assert_eq!(settings(&path, "one").daily_backups(), off);
        assert_eq!(
            settings(&path, "another").daily_backups(),
            DailyBackups::default()
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
        assert!(settings.save_profile(production()).is_err());
        assert_eq!(
            settings.active_profile().profile,
            ConnectionProfile::embedded()
        );
    }

    #[test]
    fn settings_of_older_versions_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        fs::write(
            &path,
            r#"{"log_level": "warn", "connections": {"one": {"production": true, "reason_required": false}}}"#,
        )
        .unwrap();
        let one = settings(&path, "one");
        assert_eq!(one.log_level(), LogLevel::Warn);
        assert_eq!(one.active_profile(), production());
        one.pause_notices(true).unwrap();
        assert_eq!(settings(&path, "one").active_profile(), production());
    }
}
