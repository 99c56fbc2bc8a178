//! Another cluster in the place of the embedded one: from a backup, or with a newer major version of PostgreSQL.
//!
//! The new cluster is made beside the old one, filled, compared and stopped before anything is touched. Then the old folder
//! is renamed and the new one takes its name. Cut short before, the old one is the database; between the two renamings the
//! next start completes it ([`finish`]). The old cluster is kept until somebody deletes it.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;
use tracing::{info, warn};

use super::Options;
use super::binaries::ServerBinaries;
use super::cluster::{Cluster, SPACE_FOR_A_NEW_CLUSTER_MIB};
use super::failure::{check_free_space, classify};
use super::folders::{Folders, Held};
use super::launch::{launch, wait_until_ready, within_reach};
use super::postmaster;
use super::provisioning::{
    DATABASE, assert_safe, close, connect, ensure_database, read_credentials, superuser_options,
};
use crate::backup::{self, BackupProgress, BackupSummary, RestoreOptions, sync_folder_of};
use crate::wire::WireNumber;
use crate::{Error, Result};

/// How the names of kept clusters begin.
const KEPT: &str = "cluster-until-";

/// A cluster that is complete and only has to be put in its place.
const REPLACEMENT: &str = "cluster.replacement";

/// A cluster that is being made.
const BUILDING: &str = "cluster.building";

/// In a replacement: what becomes of the old one.
const PLAN: &str = "replacement.json";

const ANCHORS: &str = "anchors.jsonl";

/// What was put in the place of the embedded registry.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct Replaced {
    /// What was restored.
    pub backup: BackupSummary,
    /// The folder with the database that was there before; none if there was none.
    pub kept: Option<PathBuf>,
}

/// A database that was replaced and is kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct KeptCluster {
    /// Its folder.
    pub path: PathBuf,
    /// How much it takes, in MiB.
    #[specta(type = WireNumber)]
    pub size_mib: u64,
}

/// An upgrade that can be made.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct PendingUpgrade {
    /// The major version of the database.
    pub from_major: u32,
    /// The one that this program brings.
    pub to_major: u32,
}

#[derive(Debug, Deserialize, Serialize)]
struct Plan {
    kept: String,
    /// Whether the registry goes back to an earlier revision: what was noted of its end is of the old one then.
    is_other_history: bool,
}

/// Puts the registry of a backup in the place of the embedded one, which is kept beside it. The registry must not be open,
/// in this program or another; its server need not be able to start.
///
/// # Errors
/// [`Error::DataDirectoryInUse`], [`Error::DiskFull`], those of [`backup::restore`] and of [`super::open`]. The database
/// is as it was then.
pub async fn restore(
    options: &Options,
    file: &Path,
    tell: impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static,
) -> Result<Replaced> {
    let work = Work::begin(options)?;
    work.stop_leftover()?;
    let restore_options = RestoreOptions::default();
    let backup = work.build(file, restore_options, tell).await?;
    let kept = work.swap(true)?;
    Ok(Replaced { backup, kept })
}

/// The upgrade to the major version that this program brings; none if the database has it, there is none, or another
/// program is chosen by name.
///
/// # Errors
/// [`Error::ServerStartFailed`] if the folder is no database.
pub fn pending_upgrade(options: &Options) -> Result<Option<PendingUpgrade>> {
    let cluster = Folders::new(&options.data_directory).cluster();
    let (Some(from_major), Some(bundled), None) = (
        cluster.major_version()?,
        &options.bundled_server,
        &options.server_override,
    ) else {
        return Ok(None);
    };
    let to_major = ServerBinaries::find(Some(bundled), None, None, &cluster.data())?.major;
    Ok((from_major < to_major).then_some(PendingUpgrade {
        from_major,
        to_major,
    }))
}

/// Moves the embedded database to the major version that this program brings: everything is read with the old version's
/// server, which must be installed, and restored into a new cluster. The old one is kept.
///
/// # Errors
/// [`Error::ServerVersionMismatch`] if there is no server of the old version, [`Error::DataDirectoryInUse`],
/// [`Error::DiskFull`], those of [`backup::write`], [`backup::restore`] and [`super::open`]. The database is as it was then.
pub async fn upgrade(
    options: &Options,
    tell: impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static,
) -> Result<Option<Replaced>> {
    let Some(PendingUpgrade {
        from_major,
        to_major,
    }) = pending_upgrade(options)?
    else {
        return Ok(None);
    };
    let work = Work::begin(options)?;
    work.stop_leftover()?;
    let tell = Arc::new(Mutex::new(tell));
    let shared = move || {
        let tell = Arc::clone(&tell);
        move |progress| {
            let mut tell = tell.lock().unwrap_or_else(PoisonError::into_inner);
            tell(progress)
        }
    };
    let file = work.folders.base.join("upgrade.beamline-backup");
    let upgraded = async {
        work.export(from_major, &file, shared()).await?;
        // A log with a fault is no worse for it, and it must not keep a database on a version that nobody maintains.
        let restore_options = RestoreOptions {
            is_fault_accepted: true,
        };
        work.build(&file, restore_options, shared()).await
    }
    .await;
    remove_file(&file).map_err(|source| classify(source, &options.data_directory))?;
    let backup = upgraded?;
    let kept = work.swap(false)?;
    info!(from_major, to_major, "upgraded the database");
    Ok(Some(Replaced { backup, kept }))
}

/// The databases that were replaced and are kept, oldest first.
///
/// # Errors
/// [`Error::FileUnreadable`].
pub fn kept_clusters(data_directory: &Path) -> Result<Vec<KeptCluster>> {
    let base = Folders::new(data_directory).base;
    let unreadable = |source| Error::FileUnreadable {
        attempted: "Listing the databases that are kept",
        path: base.clone(),
        source,
    };
    let entries = match fs::read_dir(&base) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut kept = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if is_kept(&path) {
            let size_mib = size_of(&path).map_err(unreadable)? >> 20;
            kept.push(KeptCluster { path, size_mib });
        }
    }
    kept.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(kept)
}

/// Deletes a database that was kept.
///
/// # Errors
/// [`Error::InvalidInput`] if it is none of [`kept_clusters`], [`Error::DataDirectoryUnwritable`].
pub fn delete_kept_cluster(data_directory: &Path, path: &Path) -> Result<()> {
    if path.parent() != Some(&Folders::new(data_directory).base) || !is_kept(path) {
        return Err(Error::InvalidInput {
            field: "path",
            message: format!("{} is no database that is kept.", path.display()),
            action: "Choose one from the list.",
        });
    }
    fs::remove_dir_all(path).map_err(|source| Error::DataDirectoryUnwritable {
        path: path.to_owned(),
        source,
    })
}

fn is_kept(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with(KEPT))
}

fn size_of(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        size += if metadata.is_dir() {
            size_of(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(size)
}

/// Completes or clears away what a program left that ended while it replaced the cluster. Call with the data directory held.
pub(super) fn finish(folders: &Folders, data_directory: &Path) -> io::Result<()> {
    let building = folders.base.join(BUILDING);
    if building.exists() {
        fs::remove_dir_all(building)?;
    }
    let replacement = folders.base.join(REPLACEMENT);
    if !replacement.exists() {
        return Ok(());
    }
    let cluster = folders.base.join("cluster");
    if cluster.exists() {
        // The old one was not put aside yet, and may have been written since.
        warn!("clearing away a database that was not put in its place");
        return fs::remove_dir_all(replacement);
    }
    let plan = fs::read(replacement.join(PLAN))?;
    let plan: Plan = serde_json::from_slice(&plan).map_err(io::Error::other)?;
    put_in_place(folders, data_directory, &plan)
}

/// The second renaming, and what goes with it.
fn put_in_place(folders: &Folders, data_directory: &Path, plan: &Plan) -> io::Result<()> {
    let (anchors, kept) = (data_directory.join(ANCHORS), folders.base.join(&plan.kept));
    if plan.is_other_history && anchors.exists() && kept.is_dir() {
        fs::rename(&anchors, kept.join(ANCHORS))?;
    }
    let cluster = folders.base.join("cluster");
    fs::rename(folders.base.join(REPLACEMENT), &cluster)?;
    sync_folder_of(&cluster)?;
    remove_file(&cluster.join(PLAN))?;
    info!(
        kept = plan.kept,
        "put another database in the place of the old one"
    );
    Ok(())
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A data directory on which nobody else works.
struct Work {
    options: Options,
    folders: Folders,
    held: Held,
}

impl Work {
    fn begin(options: &Options) -> Result<Self> {
        let folders = Folders::new(&options.data_directory);
        let held = Held::take(&options.data_directory, &folders)?.ok_or_else(|| {
            Error::DataDirectoryInUse {
                path: options.data_directory.clone(),
                process_id: fs::read_to_string(folders.lock())
                    .ok()
                    .and_then(|text| text.trim().parse().ok()),
            }
        })?;
        finish(&folders, &options.data_directory)
            .map_err(|source| classify(source, &options.data_directory))?;
        Ok(Self {
            options: options.clone(),
            folders,
            held,
        })
    }

    fn classified(&self, source: io::Error) -> Error {
        classify(source, &self.options.data_directory)
    }

    /// A server of an earlier program may still be shutting down.
    fn stop_leftover(&self) -> Result<()> {
        let data = self.folders.cluster().data();
        let leftover = postmaster::leftover(&data);
        postmaster::clear(&leftover, &data).map_err(|error| Error::ServerStartFailed {
            attempted: "Stopping the server of an earlier start",
            detail: error.to_string(),
        })
    }

    /// Writes the registry into a file, with a server of its own major version.
    async fn export(
        &self,
        major: u32,
        file: &Path,
        tell: impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static,
    ) -> Result<()> {
        let cluster = self.folders.cluster();
        let binaries = ServerBinaries::find(
            None,
            self.options.bundled_server.as_deref(),
            Some(major),
            &cluster.data(),
        )?;
        let binaries = within_reach(binaries, &self.folders, &self.held, || ())?;
        let process = launch(&cluster, &binaries, &self.folders, &self.held)?;
        let written = async {
            wait_until_ready(&process, &self.folders, &cluster.data(), &|_| ()).await?;
            let password = read_credentials(&cluster)?.superuser_password;
            let owner = superuser_options(&self.folders, &self.options.application_name, &password);
            backup::write(&owner.database(DATABASE), file, tell).await
        }
        .await;
        stop(process).await?;
        written.map(drop)
    }

    /// Makes a cluster beside the old one and fills it from a file. Its server is stopped afterwards.
    async fn build(
        &self,
        file: &Path,
        restore_options: RestoreOptions,
        tell: impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static,
    ) -> Result<BackupSummary> {
        let folder = self.folders.base.join(BUILDING);
        // Compressed, it is a tenth and more of what it takes; its log comes on top.
        let file_mib = file.metadata().map_or(0, |metadata| metadata.len() >> 20);
        check_free_space(
            &self.options.data_directory,
            SPACE_FOR_A_NEW_CLUSTER_MIB + file_mib * 10,
        )?;
        let cluster = Cluster::new(folder.clone());
        let binaries = ServerBinaries::find(
            self.options.server_override.as_deref(),
            self.options.bundled_server.as_deref(),
            None,
            &cluster.data(),
        )?;
        let binaries = within_reach(binaries, &self.folders, &self.held, || ())?;
        cluster.create(&binaries, &self.held.account)?;
        let process = launch(&cluster, &binaries, &self.folders, &self.held)?;
        let restored = async {
            wait_until_ready(&process, &self.folders, &cluster.data(), &|_| ()).await?;
            let password = read_credentials(&cluster)?.superuser_password;
            let owner = superuser_options(&self.folders, &self.options.application_name, &password);
            let mut connection = connect(&owner.clone().database("postgres")).await?;
            assert_safe(&mut connection).await?;
            ensure_database(&mut connection).await?;
            close(connection).await?;
            backup::restore(file, &owner.database(DATABASE), restore_options, tell).await
        }
        .await;
        stop(process).await?;
        if restored.is_err() {
            fs::remove_dir_all(&folder).map_err(|source| self.classified(source))?;
        }
        restored
    }

    /// Puts the new cluster in the place of the old one; tells where that is now.
    fn swap(&self, is_other_history: bool) -> Result<Option<PathBuf>> {
        let base = &self.folders.base;
        let (cluster, replacement) = (base.join("cluster"), base.join(REPLACEMENT));
        let swapped = || {
            let plan = Plan {
                kept: kept_name(base, Utc::now()),
                is_other_history,
            };
            let text = serde_json::to_vec(&plan).map_err(io::Error::other)?;
            let path = base.join(BUILDING).join(PLAN);
            fs::write(&path, text)?;
            fs::File::open(&path)?.sync_all()?;
            sync_folder_of(&path)?;
            // Under this name it is complete.
            fs::rename(base.join(BUILDING), &replacement)?;
            sync_folder_of(&replacement)?;
            let kept = base.join(&plan.kept);
            let had_one = cluster.exists();
            if had_one {
                fs::rename(&cluster, &kept)?;
                sync_folder_of(&kept)?;
            }
            put_in_place(&self.folders, &self.options.data_directory, &plan)?;
            Ok(had_one.then_some(kept))
        };
        swapped().map_err(|source| self.classified(source))
    }
}

/// A name that no other kept cluster has.
fn kept_name(base: &Path, now: DateTime<Utc>) -> String {
    let name = format!("{KEPT}{}", now.format("%Y-%m-%dT%H%M%SZ"));
    if !base.join(&name).exists() {
        return name;
    }
    let mut number = 2;
    while base.join(format!("{name}-{number}")).exists() {
        number += 1;
    }
    format!("{name}-{number}")
}

/// Stops a server, which takes a checkpoint's time.
async fn stop(process: super::process::ServerProcess) -> Result<()> {
    tokio::task::spawn_blocking(move || process.stop())
        .await
        .map_err(|source| Error::Internal {
            attempted: "Stopping the database's server",
            source: source.into(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared() -> (tempfile::TempDir, Folders) {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::new(folder.path());
        fs::create_dir(&folders.base).unwrap();
        fs::write(folder.path().join(ANCHORS), "old").unwrap();
        (folder, folders)
    }

    fn make(path: &Path, content: &str) {
        fs::create_dir(path).unwrap();
        fs::write(path.join("which"), content).unwrap();
    }

    fn which(folders: &Folders) -> String {
        fs::read_to_string(folders.base.join("cluster/which")).unwrap()
    }

    #[test]
    fn cut_short_before_the_old_one_was_put_aside_it_stays() {
        let (folder, folders) = prepared();
        make(&folders.base.join("cluster"), "old");
        make(&folders.base.join(REPLACEMENT), "new");
        make(&folders.base.join(BUILDING), "half");
        finish(&folders, folder.path()).unwrap();
        assert_eq!(which(&folders), "old");
        assert_eq!(
            fs::read_dir(&folders.base).unwrap().count(),
            1,
            "the rest is gone"
        );
    }

    #[test]
    fn cut_short_between_the_two_renamings_it_is_completed() {
        let (folder, folders) = prepared();
        make(&folders.base.join("cluster-until-x"), "old");
        make(&folders.base.join(REPLACEMENT), "new");
        let plan = br#"{"kept": "cluster-until-x", "is_other_history": true}"#;
        fs::write(folders.base.join(REPLACEMENT).join(PLAN), plan).unwrap();
        finish(&folders, folder.path()).unwrap();
        assert_eq!(which(&folders), "new");
        assert!(
            !folder.path().join(ANCHORS).exists(),
            "what was noted is of the old one"
        );
        assert!(folders.base.join("cluster-until-x").join(ANCHORS).exists());
        assert!(!folders.base.join("cluster").join(PLAN).exists());
        finish(&folders, folder.path()).unwrap();
        assert_eq!(which(&folders), "new");
    }

    #[test]
    fn only_kept_databases_are_listed_and_deleted() {
        let (folder, folders) = prepared();
        make(&folders.base.join("cluster"), "current");
        make(
            &folders.base.join("cluster-until-2026-01-01T000000Z"),
            "old",
        );
        let kept = kept_clusters(folder.path()).unwrap();
        assert_eq!(kept.len(), 1);
        assert!(delete_kept_cluster(folder.path(), &folders.base.join("cluster")).is_err());
        assert!(delete_kept_cluster(folder.path(), Path::new("/tmp/cluster-until-x")).is_err());
        delete_kept_cluster(folder.path(), &kept[0].path).unwrap();
        assert!(kept_clusters(folder.path()).unwrap().is_empty());
        assert_eq!(which(&folders), "current");
    }
}
