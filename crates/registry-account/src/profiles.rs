//! The connection profiles that the account has saved: a part of the console's settings.

use std::collections::BTreeMap;
use std::io;

use registry::connection::ConnectionProfile;
use serde::{Deserialize, Serialize};

use crate::{Folders, SecretPlace};

/// The profile of a database elsewhere.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct StoredProfile {
    /// Where the database is.
    pub profile: ConnectionProfile,
    /// Where its password was put; none if there is none.
    pub password_place: Option<SecretPlace>,
}

/// What versions before profiles kept of a registry.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Protection {
    production: bool,
    reason_required: bool,
}

/// All profiles that are saved.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SavedProfiles {
    /// Those of databases elsewhere, in the order in which they were made.
    pub profiles: Vec<StoredProfile>,
    /// Those of embedded databases, by [`Folders::embedded_connection`]; one that is not among them is as it comes.
    pub embedded: BTreeMap<String, ConnectionProfile>,
    #[serde(skip_serializing)]
    connections: BTreeMap<String, Protection>,
}

impl SavedProfiles {
    /// Reads them from the console's settings; none where there are no settings.
    ///
    /// # Errors
    /// If the file can't be read, or is damaged.
    pub fn read(folders: &Folders) -> io::Result<Self> {
        match std::fs::read(folders.settings()) {
            Ok(text) => {
                let saved: Self = serde_json::from_slice(&text)?;
                Ok(saved.with_protections())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// With what was kept before there were profiles, where no profile says more.
    #[must_use]
    pub fn with_protections(mut self) -> Self {
        for (connection, protection) in std::mem::take(&mut self.connections) {
            let profile = ConnectionProfile {
                is_production: protection.production,
                is_reason_required: protection.reason_required,
                ..ConnectionProfile::embedded()
            };
            self.embedded.entry(connection).or_insert(profile);
        }
        self
    }

    /// The profile of the embedded database of this connection.
    pub fn of_embedded(&self, connection: &str) -> ConnectionProfile {
        self.embedded
            .get(connection)
            .cloned()
            .unwrap_or_else(ConnectionProfile::embedded)
    }

    /// All of them: the embedded database's of this connection, then those of databases elsewhere.
    pub fn all(&self, embedded_connection: &str) -> Vec<StoredProfile> {
        let embedded = StoredProfile {
            profile: self.of_embedded(embedded_connection),
            password_place: None,
        };
        std::iter::once(embedded)
            .chain(self.profiles.iter().cloned())
            .collect()
    }
}
