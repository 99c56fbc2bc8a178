//! Backups of the embedded registry that are made by themselves, and which of them are kept.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tracing::{info, warn};

use super::failure::available_mib;
use super::{EmbeddedServer, LOW_BELOW_MIB};
use crate::backup::{self, BackupProgress, BackupSummary, EXTENSION};
use crate::wire::WireNumber;
use crate::{Error, Result};

/// The names begin so, and the moment follows: a copied file keeps its name and not its times.
const PREFIX: &str = "registry-";
const MOMENT: &str = "%Y-%m-%dT%H%M%SZ";

/// How the embedded registry is backed up by itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct DailyBackups {
    /// Whether it is.
    pub is_enabled: bool,
    /// Where to; none: the folder `backups` in the data directory. Another disk is better.
    pub folder: Option<PathBuf>,
    /// Of how many days one backup each is kept.
    pub daily_kept: u16,
    /// Of how many weeks one backup each is kept.
    pub weekly_kept: u16,
}

impl Default for DailyBackups {
    fn default() -> Self {
        Self {
            is_enabled: true,
            folder: None,
            daily_kept: 7,
            weekly_kept: 4,
        }
    }
}

/// What came of looking whether a backup is due.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum DailyOutcome {
    /// They are switched off.
    Off,
    /// The last one is not a day old.
    NotDue {
        /// When the next is due.
        next_at: DateTime<Utc>,
    },
    /// There is too little room for one. None is deleted to make room.
    SkippedForSpace {
        /// What is free, in MiB.
        #[specta(type = WireNumber)]
        available_mib: u64,
        /// What would have to be, in MiB.
        #[specta(type = WireNumber)]
        needed_mib: u64,
    },
    /// One was made.
    Made {
        /// The file.
        path: PathBuf,
        /// What it holds.
        summary: Box<BackupSummary>,
        /// Older ones that were deleted.
        removed: Vec<PathBuf>,
    },
}

/// How long after the last backup the next one is due.
const PERIOD: TimeDelta = TimeDelta::days(1);

impl DailyBackups {
    /// Where they are put, of a registry whose data lies there.
    pub fn folder_in(&self, data_directory: &Path) -> PathBuf {
        self.folder
            .clone()
            .unwrap_or_else(|| data_directory.join("backups"))
    }

    /// When the last backup in that folder was made, by its name; none if there is none.
    ///
    /// # Errors
    /// [`Error::FileUnreadable`].
    pub fn last_in(&self, data_directory: &Path) -> Result<Option<DateTime<Utc>>> {
        let folder = self.folder_in(data_directory);
        match backups_in(&folder) {
            Ok(files) => Ok(files.last().map(|(moment, _)| *moment)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::FileUnreadable {
                attempted: "Listing the daily backups",
                path: folder,
                source,
            }),
        }
    }

    /// When the next one is due after one of that moment.
    pub fn next_after(&self, last_at: DateTime<Utc>) -> DateTime<Utc> {
        last_at + PERIOD
    }
}

impl EmbeddedServer {
    /// Backs the registry up if that is due at `now`, and deletes backups that need not be kept. Call it from time to
    /// time. What it returns holds no server: who stops that need not wait for a backup.
    ///
    /// # Errors
    /// Those of [`backup::write`], [`Error::OutputUnwritable`] when the folder can't be written.
    pub fn make_daily_backup<T>(
        &self,
        settings: &DailyBackups,
        now: DateTime<Utc>,
        tell: T,
    ) -> impl Future<Output = Result<DailyOutcome>> + Send + use<T>
    where
        T: FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static,
    {
        let due = Due {
            owner: self.owner_options(),
            folder: self.backup_folder(settings),
            settings: settings.clone(),
            now,
        };
        due.make(tell)
    }

    /// Where daily backups are put.
    pub fn backup_folder(&self, settings: &DailyBackups) -> PathBuf {
        settings.folder_in(self.data_directory())
    }
}

/// A look whether a backup is due.
struct Due {
    owner: Result<PgConnectOptions>,
    folder: PathBuf,
    settings: DailyBackups,
    now: DateTime<Utc>,
}

impl Due {
    async fn make(
        self,
        tell: impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static,
    ) -> Result<DailyOutcome> {
        let Self {
            owner,
            folder,
            settings,
            now,
        } = self;
        if !settings.is_enabled {
            return Ok(DailyOutcome::Off);
        }
        let owner = owner?;
        let unwritable = |source| Error::OutputUnwritable {
            attempted: "Writing the daily backup",
            source,
        };
        make_private_folder(&folder).map_err(unwritable)?;
        let files = backups_in(&folder).map_err(unwritable)?;
        // A clock that was put back must not stop them for as long.
        if let Some((last_at, _)) = files.last()
            && *last_at <= now
            && now < settings.next_after(*last_at)
        {
            return Ok(DailyOutcome::NotDue {
                next_at: settings.next_after(*last_at),
            });
        }
        let last = files.last().map(|(_, path)| path.as_path());
        let needed_mib = expected_mib(&owner, last).await? + LOW_BELOW_MIB / 2;
        if let Some(available_mib) = available_mib(&folder)
            && available_mib < needed_mib
        {
            warn!(available_mib, needed_mib, "no room for the daily backup");
            return Ok(DailyOutcome::SkippedForSpace {
                available_mib,
                needed_mib,
            });
        }
        let path = folder.join(format!("{PREFIX}{}.{EXTENSION}", now.format(MOMENT)));
        let summary = backup::write(&owner, &path, tell).await?;
        let removed = prune(&folder, &settings, &path).map_err(unwritable)?;
        info!(path = %path.display(), removed = removed.len(), "made the daily backup");
        Ok(DailyOutcome::Made {
            path,
            summary: Box::new(summary),
            removed,
        })
    }
}

/// How large the next one will be: as the last, or, of a first one, as the database itself.
async fn expected_mib(owner: &PgConnectOptions, last: Option<&Path>) -> Result<u64> {
    if let Some(length) = last
        .and_then(|path| path.metadata().ok())
        .map(|metadata| metadata.len())
    {
        return Ok((length >> 20) * 2);
    }
    let failed = |source| Error::from_query("Measuring the database", source);
    let mut connection = owner.connect().await.map_err(failed)?;
    let size: i64 = sqlx::query_scalar("SELECT pg_database_size(current_database())")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    Ok(size.unsigned_abs() >> 20)
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    if folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// The backups in a folder by their moments, oldest first. Other files are none of ours.
fn backups_in(folder: &Path) -> io::Result<Vec<(DateTime<Utc>, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(moment) = moment_of(&path) {
            files.push((moment, path));
        }
    }
    files.sort();
    Ok(files)
}

fn moment_of(path: &Path) -> Option<DateTime<Utc>> {
    let name = path.file_name()?.to_str()?;
    let moment = name
        .strip_prefix(PREFIX)?
        .strip_suffix(EXTENSION)?
        .strip_suffix('.')?;
    NaiveDateTime::parse_from_str(moment, MOMENT)
        .ok()
        .map(|moment| moment.and_utc())
}

/// Deletes what need not be kept; `made` has just been verified and stays whatever its name says.
fn prune(folder: &Path, settings: &DailyBackups, made: &Path) -> io::Result<Vec<PathBuf>> {
    let files = backups_in(folder)?;
    let moments: Vec<DateTime<Utc>> = files.iter().map(|(moment, _)| *moment).collect();
    let kept = retained(&moments, settings.daily_kept, settings.weekly_kept);
    let mut removed = Vec::new();
    for (moment, path) in files {
        if !kept.contains(&moment) && path != made {
            fs::remove_file(&path)?;
            removed.push(path);
        }
    }
    Ok(removed)
}

/// Which of these moments' backups are kept: the newest of each of so many days, and the newest of each of so many weeks;
/// days and weeks without a backup don't count. The newest of all is always kept.
pub fn retained(
    moments: &[DateTime<Utc>],
    daily_kept: u16,
    weekly_kept: u16,
) -> BTreeSet<DateTime<Utc>> {
    let mut newest_first = moments.to_vec();
    newest_first.sort_by(|one, other| other.cmp(one));
    let mut kept: BTreeSet<_> = newest_first.first().copied().into_iter().collect();
    let mut days: BTreeSet<NaiveDate> = BTreeSet::new();
    let mut weeks = BTreeSet::new();
    for moment in newest_first {
        let date = moment.date_naive();
        let week = (date.iso_week().year(), date.iso_week().week());
        let is_new_day = !days.contains(&date) && days.len() < usize::from(daily_kept);
        let is_new_week = !weeks.contains(&week) && weeks.len() < usize::from(weekly_kept);
        if is_new_day {
            days.insert(date);
        }
        if is_new_week {
            weeks.insert(week);
        }
        if is_new_day || is_new_week {
            kept.insert(moment);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("{text}Z").parse().unwrap()
    }

    #[test]
    fn a_name_tells_its_moment_and_strangers_have_none() {
        let moment = at("2026-11-26T11:09:10");
        let name = format!("{PREFIX}{}.{EXTENSION}", moment.format(MOMENT));
        assert_eq!(moment_of(Path::new(&name)), Some(moment));
        for stranger in [
            "registry-2026.beamline-backup",
            "notes.txt",
            "registry-2026-11-26T110910Z.beamline-backup.unfinished",
        ] {
            assert_eq!(moment_of(Path::new(stranger)), None, "{stranger}");
        }
    }

    #[test]
    fn the_last_one_is_known_by_its_name_and_the_next_a_day_later() {
        let folder = tempfile::tempdir().unwrap();
        let settings = DailyBackups::default();
        assert_eq!(settings.last_in(folder.path()).unwrap(), None);
        let (first, last) = (at("2026-11-25T03:00:00"), at("2026-11-26T03:00:00"));
        let backups = settings.folder_in(folder.path());
        make_private_folder(&backups).unwrap();
        for moment in [last, first] {
            let name = format!("{PREFIX}{}.{EXTENSION}", moment.format(MOMENT));
            fs::write(backups.join(name), "").unwrap();
        }
        assert_eq!(settings.last_in(folder.path()).unwrap(), Some(last));
        assert_eq!(settings.next_after(last), at("2026-11-27T03:00:00"));
    }

    #[test]
    fn seven_days_and_four_weeks_are_kept() {
        // Daily for two months, two on the last day.
        let start = at("2026-10-01T03:00:00");
        let mut moments: Vec<_> = (0..60).map(|day| start + TimeDelta::days(day)).collect();
        moments.push(start + TimeDelta::days(59) + TimeDelta::hours(2));
        let kept: Vec<String> = retained(&moments, 7, 4)
            .iter()
            .map(|moment| moment.format("%m-%dT%H").to_string())
            .collect();
        // 2026-11-29 is a Sunday: its week, and the Sundays before.
        assert_eq!(
            kept,
            [
                "11-08T03", "11-15T03", "11-22T03", "11-23T03", "11-24T03", "11-25T03", "11-26T03",
                "11-27T03", "11-28T03", "11-29T05"
            ]
            .map(str::to_owned)
        );
    }

    #[test]
    fn the_newest_is_kept_whatever_the_settings_say() {
        let moments = [at("2026-01-01T00:00:00"), at("2026-01-02T00:00:00")];
        assert_eq!(retained(&moments, 0, 0), BTreeSet::from([moments[1]]));
        assert!(retained(&[], 7, 4).is_empty());
        // After a year without any, the old ones are not all gone with the first new one.
        let late = [
            at("2025-01-01T00:00:00"),
            at("2025-01-02T00:00:00"),
            at("2026-01-02T00:00:00"),
        ];
        assert_eq!(retained(&late, 7, 4).len(), 3);
    }

    #[test]
    fn what_was_just_made_is_never_removed_and_strangers_neither() {
        let folder = tempfile::tempdir().unwrap();
        let name = |text: &str| {
            folder
                .path()
                .join(format!("{PREFIX}{}.{EXTENSION}", at(text).format(MOMENT)))
        };
        // Of a clock that was ahead.
        let ahead = name("2030-01-01T00:00:00");
        let made = name("2026-01-01T00:00:00");
        for path in [&ahead, &made, &folder.path().join("notes.txt")] {
            fs::write(path, "").unwrap();
        }
        let settings = DailyBackups {
            daily_kept: 1,
            weekly_kept: 0,
            ..DailyBackups::default()
        };
        assert_eq!(
            prune(folder.path(), &settings, &made).unwrap(),
            Vec::<PathBuf>::new()
        );
        assert!(made.exists() && ahead.exists());
    }
}
