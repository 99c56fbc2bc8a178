//! `registryctl restore-backup`: a registry from a file.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use registry::backup::{self, BackupSummary, RestoreOptions};
use registry::embedded;
use serde::Serialize;

use super::apply::confirm;
use super::backup::teller;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::Place;
use crate::progress::Progress;
use crate::terminal::shown;
use crate::words;

/// From which file.
#[derive(Args, Debug)]
pub(crate) struct RestoreBackupOptions {
    /// The file
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Also a backup whose audit log has a fault; the registry has the same fault then
    #[arg(long, conflicts_with = "embedded")]
    accept_fault: bool,
    /// Replaces the embedded database without asking; the old one is kept beside it
    #[arg(long)]
    yes: bool,
}

/// What was restored.
#[derive(Serialize)]
struct Restored {
    #[serde(flatten)]
    summary: BackupSummary,
    /// Where the database lies that was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<PathBuf>,
}

/// Restores a registry: into an empty database, or in the place of the embedded one.
pub(crate) async fn run(
    options: RestoreBackupOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let restored = if let Some(target) = place.embedded_options().await? {
        if !options.yes && !ask(&options.path).await? {
            return Err(Failure::new(
                "The backup was not restored",
                "Nothing has been changed.",
            ));
        }
        let progress = Progress::new("Restoring the registry");
        let replaced = embedded::restore(&target, &options.path, teller(&progress)).await?;
        progress.end();
        Restored {
            summary: replaced.backup,
            kept: replaced.kept,
        }
    } else {
        let owner = place.owner().await?;
        let restore = RestoreOptions {
            is_fault_accepted: options.accept_fault,
        };
        let progress = Progress::new("Restoring the registry");
        let path = &options.path;
        let summary = backup::restore(path, &owner.options, restore, teller(&progress)).await?;
        progress.end();
        owner.close().await;
        Restored {
            summary,
            kept: None,
        }
    };
    if output.is_json() {
        output.json(&restored)?;
        return Ok(Exit::Done);
    }
    output.line(&format!(
        "Restored registry {} at revision {}, as of {}.",
        shown(&restored.summary.registry_id),
        restored.summary.revision,
        words::time(restored.summary.made_at)
    ))?;
    if let Some(kept) = restored.kept {
        let kept = kept.display().to_string();
        output.line(&format!("What was there is kept in {}.", shown(&kept)))?;
    }
    Ok(Exit::Done)
}

async fn ask(path: &Path) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(
            format!(
                "Nobody can be asked whether {} may replace the embedded database",
                path.display()
            ),
            "Say --yes; nothing has been changed.",
        ));
    }
    confirm("Replace the embedded database by this backup? The old one is kept.").await
}
