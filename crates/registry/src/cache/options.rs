//! How a cache follows its database.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::types::Uuid;

/// The settings of a [`RegistryCache`](super::RegistryCache). The defaults suit a router.
#[derive(Clone, Debug)]
pub struct CacheOptions {
    /// How often everything is read anew, in case that somebody changed rows past the audit log; within a
    /// tenth, at random, and never so often that reading takes a twentieth of the time. None: never.
    pub reload_interval: Option<Duration>,
    /// How often the database is asked for its head when it is silent.
    pub heartbeat_interval: Duration,
    /// How long it may take to answer. A dead link is noticed after at most this and the interval.
    pub heartbeat_timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// The longest wait before connecting again; it begins at a fiftieth, doubles, and is cut by up to a
    /// half at random.
    pub reconnect_interval_max: Duration,
    /// How often to look for changes where the database can't tell of them: on a standby, and through a pooler that
    /// hands out single transactions.
    pub poll_interval: Duration,
    /// How long to wait for more after a notification: what is written in that time is applied together.
    pub coalesce_duration: Duration,
    /// With more changes than this since its revision the cache reads everything.
    pub changes_at_most: u32,
    /// Where to save the last snapshot, for a start while the database is away. Its folder must exist.
    pub snapshot_file: Option<PathBuf>,
    /// How often the file is written at the most; and never so often that it takes a twentieth of the time.
    pub save_interval: Duration,
    /// As what this program tells the database which revision it has applied, at each heartbeat, for the
    /// console to show. None: it doesn't.
    pub consumer: Option<Consumer>,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            reload_interval: Some(Duration::from_mins(1)),
            heartbeat_interval: Duration::from_secs(5),
            heartbeat_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            reconnect_interval_max: Duration::from_secs(1),
            poll_interval: Duration::from_secs(1),
            coalesce_duration: Duration::from_millis(2),
            changes_at_most: 10_000,
            snapshot_file: None,
            save_interval: Duration::from_secs(5),
            consumer: Some(Consumer::of_this_program()),
        }
    }
}

impl CacheOptions {
    /// How old a cache may be and still be called fresh: it missed no heartbeat.
    pub(super) fn trust_duration(&self) -> Duration {
        self.heartbeat_interval + self.heartbeat_timeout
    }
}

/// A program that uses the registry, as the console shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Consumer {
    /// Tells this run of the program from all others.
    pub id: Uuid,
    /// What it is called, at most 255 characters.
    pub name: String,
    /// Its version, at most 255 characters; may be empty.
    pub version: String,
}

impl Consumer {
    /// A program of this name and version, with a new id.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        let mut id = [0; 16];
        // Without random numbers the id is nil: such programs share a row instead of not starting.
        let _ = getrandom::fill(&mut id);
        Self {
            id: Uuid::from_bytes(id),
            name: name.into(),
            version: version.into(),
        }
    }

    /// This program under the name of its file, without a version.
    pub fn of_this_program() -> Self {
        let name = std::env::current_exe()
            .ok()
            .and_then(|path| Some(path.file_stem()?.to_string_lossy().into_owned()));
        Self::new(name.unwrap_or_else(|| "unknown".to_owned()), "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_link_is_noticed_within_20_s_and_a_returned_database_within_2_s() {
        let options = CacheOptions::default();
        assert!(options.heartbeat_interval + options.heartbeat_timeout <= Duration::from_secs(20));
        assert!(options.reconnect_interval_max < Duration::from_secs(2));
        assert_eq!(options.reload_interval, Some(Duration::from_mins(1)));
    }

    #[test]
    fn two_runs_of_a_program_are_told_apart() {
        assert_ne!(
            Consumer::of_this_program().id,
            Consumer::of_this_program().id
        );
    }
}
