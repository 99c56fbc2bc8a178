//! Room set aside, so that a full disk is no dead end: PostgreSQL needs space to replay its log and to write a checkpoint,
//! also when nothing is written. The reserve is given up when a start fails for want of it, and made again when there is
//! room. And how much room there is.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use specta::Type;
use tracing::{info, warn};

use super::failure::available_mib;
use crate::wire::WireNumber;

/// Two segments of PostgreSQL's log of 16 MiB each, and room for the pages of a checkpoint.
const RESERVE_MIB: u64 = 48;

/// The reserve is made only where as much is left besides.
const LEFT_BESIDES_MIB: u64 = 48;

/// Below this much it is told that the disk is filling up.
pub const LOW_BELOW_MIB: u64 = 512;

/// How much room the embedded database has.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct DiskSpace {
    /// What is left for an ordinary account, in MiB.
    #[specta(type = WireNumber)]
    pub available_mib: u64,
    /// Below how much it is low, in MiB.
    #[specta(type = WireNumber)]
    pub low_below_mib: u64,
    /// Whether it is low: time to free some.
    pub is_low: bool,
    /// Whether the reserve is there. Without it a full disk may keep the database from starting.
    pub is_reserve_held: bool,
}

/// The reserve of one data directory.
#[derive(Clone, Debug)]
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self {
            path: folder.join("reserve"),
        }
    }

    /// Whether it takes the room that it should.
    pub(super) fn is_held(&self) -> bool {
        // A sparse file would be as long and hold nothing.
        self.path
            .metadata()
            .is_ok_and(|metadata| metadata.blocks() * 512 >= RESERVE_MIB << 20)
    }

    /// Makes it, if it is not there and there is room.
    pub(super) fn hold(&self) {
        if self.is_held() {
            return;
        }
        let folder = self.path.parent().unwrap_or(&self.path);
        if available_mib(folder).is_none_or(|available| available < RESERVE_MIB + LEFT_BESIDES_MIB)
        {
            return;
        }
        match self.make() {
            Ok(()) => info!(size_mib = RESERVE_MIB, "set room aside for a full disk"),
            Err(error) => {
                warn!(%error, "no room could be set aside for a full disk");
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    fn make(&self) -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)?;
        allocate(&file, RESERVE_MIB << 20)?;
        file.sync_all()
    }

    /// Gives it up; tells whether there was one.
    pub(super) fn release(&self) -> bool {
        let was_held = self.is_held();
        match fs::remove_file(&self.path) {
            Ok(()) => {
                warn!("the disk is full: gave up the room that was set aside");
                was_held
            }
            Err(_) => false,
        }
    }

    /// How much room there is.
    pub(super) fn disk_space(&self) -> DiskSpace {
        let folder = self.path.parent().unwrap_or(&self.path);
        let available_mib = available_mib(folder).unwrap_or_default();
        DiskSpace {
            available_mib,
            low_below_mib: LOW_BELOW_MIB,
            is_low: available_mib < LOW_BELOW_MIB,
            is_reserve_held: self.is_held(),
        }
    }
}

#[cfg(target_os = "linux")]
fn allocate(file: &fs::File, length: u64) -> io::Result<()> {
    let length = i64::try_from(length).map_err(io::Error::other)?;
    nix::fcntl::posix_fallocate(file, 0, length).map_err(io::Error::from)
}

/// Elsewhere there is no such call for every file system: zeros are written.
#[cfg(not(target_os = "linux"))]
fn allocate(mut file: &fs::File, length: u64) -> io::Result<()> {
    use std::io::Write;

    let zeros = vec![0; 1 << 20];
    for _ in 0..length >> 20 {
        file.write_all(&zeros)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_takes_the_room_and_gives_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::in_folder(folder.path());
        assert!(!reserve.is_held() && !reserve.release());
        reserve.hold();
        assert!(reserve.is_held() && reserve.disk_space().is_reserve_held);
        assert!(reserve.release());
        assert!(!reserve.is_held());
    }

    #[test]
    fn a_file_with_nothing_in_it_is_no_reserve() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::in_folder(folder.path());
        let file = fs::File::create(&reserve.path).unwrap();
        file.set_len(RESERVE_MIB << 20).unwrap();
        assert!(!reserve.is_held());
        reserve.hold();
        assert!(reserve.is_held());
    }
}
