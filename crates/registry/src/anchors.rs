//! Anchors: what the audit chain's end was, noted outside the database.
//!
//! A chain of hashes shows that entries fit together, but not that its end is still there: whoever owns
//! the table could remove the newest entries and move the head back. An anchor that is kept elsewhere
//! shows that. What is newer than the last anchor kept out of that person's reach can't be shown.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A file that grew larger than this is cut to its newest anchors.
const FILE_SIZE_MAX: u64 = 1 << 20;

/// How many anchors a cut file keeps. The newest one covers everything before it; older ones tell
/// since when something is wrong.
const ANCHORS_KEPT: usize = 1_000;

/// The end of one registry's audit chain at one moment.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Anchor {
    /// Which registry.
    pub registry_id: String,
    /// Its revision.
    pub revision: i64,
    /// The hash of the entry with that revision, in hexadecimal.
    pub hash: String,
    /// When it was noted.
    pub noted_at: DateTime<Utc>,
}

/// A file of anchors, one JSON object a line, oldest first; only ever appended to, but for cutting
/// off the oldest. Cheap to clone; the clones take turns.
#[derive(Clone, Debug)]
pub struct AnchorFile {
    path: Arc<Path>,
    turn: Arc<Mutex<()>>,
}

impl AnchorFile {
    /// A file that is made when the first anchor is noted.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into().into(),
            turn: Arc::default(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All anchors, oldest first. A last line that was cut short by a crash is passed over.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn read(&self) -> io::Result<Vec<Anchor>> {
        let text = match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        Ok(text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect())
    }

    /// Appends an anchor and waits until it is on the disk.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn append(&self, anchor: &Anchor) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self
            .path
            .metadata()
            .is_ok_and(|metadata| metadata.len() > FILE_SIZE_MAX)
        {
            self.cut()?;
        }
        let mut line = serde_json::to_vec(anchor).map_err(io::Error::other)?;
        line.push(b'\n');
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        file.write_all(&line)?;
        file.sync_data()
    }

    /// Renames the file, so that a new one begins: its name gets the time behind it. No file is no error.
    ///
    /// # Errors
    /// When it can't be renamed.
    pub fn set_aside(&self) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{}", Utc::now().format("%Y%m%dT%H%M%S%.3fZ")));
        match fs::rename(&self.path, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn cut(&self) -> io::Result<()> {
        let anchors = self.read()?;
        let kept = &anchors[anchors.len().saturating_sub(ANCHORS_KEPT)..];
        let mut text = Vec::new();
        for anchor in kept {
            serde_json::to_writer(&mut text, anchor).map_err(io::Error::other)?;
            text.push(b'\n');
        }
        let unfinished = self.path.with_extension("unfinished");
        let mut file = File::create(&unfinished)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(unfinished, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(revision: i64) -> Anchor {
        Anchor {
            registry_id: "b4bb4c5e-7d0e-4a67-9b1f-000000000000".into(),
            revision,
            hash: "00".repeat(32),
            noted_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn anchors_are_read_as_they_were_noted_and_a_cut_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = AnchorFile::new(folder.path().join("anchors.jsonl"));
        assert_eq!(file.read().unwrap(), []);
        file.append(&anchor(1)).unwrap();
        file.append(&anchor(2)).unwrap();
        let mut raw = OpenOptions::new().append(true).open(file.path()).unwrap();
        raw.write_all(b"{\"registry_id\":").unwrap();
        assert_eq!(file.read().unwrap(), [anchor(1), anchor(2)]);
    }

    #[test]
    fn a_large_file_keeps_its_newest_anchors() {
        let folder = tempfile::tempdir().unwrap();
        let file = AnchorFile::new(folder.path().join("anchors.jsonl"));
        let line = serde_json::to_string(&anchor(7)).unwrap() + "\n";
        let count = usize::try_from(FILE_SIZE_MAX).unwrap() / line.len() + 1;
        fs::write(file.path(), line.repeat(count)).unwrap();
        file.append(&anchor(8)).unwrap();
        let anchors = file.read().unwrap();
        assert_eq!(anchors.len(), ANCHORS_KEPT + 1);
        assert_eq!(anchors.last(), Some(&anchor(8)));
    }
}
