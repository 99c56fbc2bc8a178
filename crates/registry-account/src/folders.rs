//! Where the console keeps its data, its log and its settings, and where it finds PostgreSQL.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use registry::anchors::AnchorFile;
use tracing::warn;

/// Names the folder for the data in place of the account's usual one.
const DATA_DIRECTORY_VARIABLE: &str = "BEAMLINE_REGISTRY_DATA_DIR";

/// Names the folder with the PostgreSQL programs in place of the bundled or an installed one.
const POSTGRESQL_VARIABLE: &str = "BEAMLINE_REGISTRY_POSTGRESQL";

/// The folders of one start of the console.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Holds the embedded database.
    pub data: PathBuf,
    /// Holds the log files.
    pub log: PathBuf,
    /// Holds what is known from one start to the next.
    pub state: PathBuf,
    /// Holds the settings.
    pub config: PathBuf,
    /// Where the account expects files that a program gives it.
    pub downloads: PathBuf,
    /// The PostgreSQL that the user names, if any.
    pub named_postgresql: Option<PathBuf>,
    /// Whether the user named the data directory.
    data_is_named: bool,
}

impl Folders {
    /// The account's usual folders for `identifier`, with what the environment overrides.
    pub fn for_application(identifier: &str) -> Self {
        // Without a home there is still the temporary folder: the start goes on and says what fails.
        let usual = |folder: Option<PathBuf>| folder.unwrap_or_else(env::temp_dir).join(identifier);
        let named_data = env::var_os(DATA_DIRECTORY_VARIABLE).filter(|value| !value.is_empty());
        let data_is_named = named_data.is_some();
        Self {
            data: named_data.map_or_else(
                || registry::embedded::data_directory(&usual(dirs::data_dir())),
                |named| std::path::absolute(&named).unwrap_or_else(|_| named.into()),
            ),
            log: usual(dirs::state_dir().or_else(dirs::data_local_dir)).join("logs"),
            state: usual(dirs::state_dir().or_else(dirs::data_local_dir)),
            config: usual(dirs::config_dir()),
            downloads: dirs::download_dir()
                .or_else(dirs::home_dir)
                .unwrap_or_else(env::temp_dir),
            named_postgresql: env::var_os(POSTGRESQL_VARIABLE)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from),
            data_is_named,
        }
    }

    /// The file with the settings.
    pub fn settings(&self) -> PathBuf {
        self.config.join("settings.json")
    }

    /// The connection to the account's embedded database, as the settings call it.
    pub fn embedded_connection(&self) -> String {
        format!("embedded {}", self.data.display())
    }

    /// Where the end of the audit log of a database elsewhere is noted, by the id of its profile. The folder is made.
    pub fn anchors_of(&self, profile_id: &str) -> AnchorFile {
        let folder = self.state.join("anchors");
        if let Err(error) = fs::create_dir_all(&folder) {
            // Each anchor that can't be noted says so again.
            warn!(%error, folder = %folder.display(), "the folder for anchors can't be made");
        }
        AnchorFile::new(folder.join(format!("{profile_id}.jsonl")))
    }

    /// A path in the folder for downloads that no file has yet: `NAME-TIME.EXTENSION`.
    pub fn new_download(&self, name: &str, extension: &str) -> PathBuf {
        let time = chrono::Local::now().format("%Y-%m-%d-%H%M%S%.3f");
        self.downloads.join(format!("{name}-{time}.{extension}"))
    }

    /// Whether a path is of a file in the folder for downloads.
    pub fn is_download(&self, path: &Path) -> bool {
        path.parent() == Some(&self.downloads)
    }

    /// The name by which a second start finds the first: one for each data directory.
    pub fn instance_name(&self, identifier: &str) -> String {
        if !self.data_is_named {
            return identifier.to_owned();
        }
        let mut hasher = DefaultHasher::new();
        self.data.hash(&mut hasher);
        format!("{identifier}.d{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use registry::anchors::Anchor;

    use super::*;

    #[test]
    fn the_end_of_a_log_elsewhere_can_be_noted_on_a_fresh_account() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders {
            state: folder.path().join("state"),
            ..Folders::for_application("test")
        };
        let anchor = Anchor {
            registry_id: "one".into(),
            revision: 1,
            hash: "00".into(),
            noted_at: Utc::now(),
        };
        folders.anchors_of("team").append(&anchor).unwrap();
        assert_eq!(folders.anchors_of("team").read().unwrap(), [anchor]);
    }
}
