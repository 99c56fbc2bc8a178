//! What is looked at by itself: how much room the disk has, and whether a daily backup is due.

use std::time::{Duration, Instant};

use chrono::Utc;
use registry::Error;
use registry::embedded::DailyOutcome;
use tauri::{AppHandle, Manager};
use tracing::info;

use super::{BackupVerification, BackupWork, Backups, SafetyTrouble};
use crate::database::Database;
use crate::settings::Settings;

/// How often it is looked at the disk.
const LOOK_INTERVAL: Duration = Duration::from_mins(1);

/// How long after the start it is first looked whether a backup is due: a start has other things to do.
const FIRST_BACKUP_AFTER: Duration = Duration::from_mins(3);

/// How often it is looked whether one is due.
const BACKUP_INTERVAL: Duration = Duration::from_hours(1);

pub(super) async fn keep_looking(app: AppHandle) {
    let started_at = Instant::now();
    let mut last_backup_look: Option<Instant> = None;
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let space = app
            .state::<Database>()
            .embedded_server()
            .map(|server| server.disk_space());
        let Some(space) = space else { continue };
        app.state::<Backups>().note_disk(&app, space);
        let is_due = match last_backup_look {
            None => started_at.elapsed() >= FIRST_BACKUP_AFTER,
            Some(at) => at.elapsed() >= BACKUP_INTERVAL,
        };
        if is_due && back_up_if_due(&app).await {
            last_backup_look = Some(Instant::now());
        }
    }
}

/// Makes the daily backup if one is due; tells whether it was looked: it is not while there is other work.
async fn back_up_if_due(app: &AppHandle) -> bool {
    let settings = app.state::<Settings>().daily_backups();
    let backups = app.state::<Backups>();
    let database = app.state::<Database>();
    // A look that finds nothing to do is no work that the page tells of.
    let folder = settings.folder_in(&database.embedded_options().data_directory);
    let last_at = settings.last_in(&database.embedded_options().data_directory);
    let is_due = settings.is_enabled
        && !matches!(last_at, Ok(Some(last_at)) if last_at <= Utc::now() && Utc::now() < settings.next_after(last_at));
    if !is_due {
        if !settings.is_enabled {
            backups.note_backup(app, None);
        }
        return true;
    }
    let made = backups
        .run(
            app,
            BackupWork::BackUpDaily,
            folder.display().to_string(),
            |teller| {
                let making = database
                    .embedded_server()
                    .map(|server| server.make_daily_backup(&settings, Utc::now(), teller.backup()));
                async move {
                    match making {
                        Some(making) => making.await.map(Some),
                        None => Ok(None),
                    }
                }
            },
        )
        .await;
    let trouble = match made {
        Ok(Some(Some(DailyOutcome::Made { path, summary, .. }))) => {
            info!(path = %path.display(), revision = summary.revision, "backed up by itself");
            backups.keep_verification(&path, BackupVerification::whole(&summary));
            None
        }
        Ok(Some(Some(DailyOutcome::SkippedForSpace {
            available_mib,
            needed_mib,
        }))) => Some(SafetyTrouble::BackupSkipped {
            available_mib,
            needed_mib,
        }),
        Ok(Some(Some(DailyOutcome::Off | DailyOutcome::NotDue { .. }))) => None,
        // It was closed meanwhile, or somebody has stopped it: it is tried again in an hour.
        Ok(Some(None) | None) => return true,
        Err(Error::InvalidInput { field: "work", .. }) => return false,
        Err(error) => Some(SafetyTrouble::BackupFailed(error.report())),
    };
    backups.note_backup(app, trouble);
    true
}
