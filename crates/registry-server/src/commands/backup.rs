//! `registryctl backup`: the whole registry into a file, and such a file verified.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use registry::Error;
use registry::backup::{self, BackupProblem, BackupProgress, BackupStep, BackupSummary};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::Place;
use crate::progress::Progress;
use crate::table::Table;
use crate::terminal::{GREEN, RED, shown};
use crate::words;

/// What can be done with backups.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Writes everything that the registry holds into a file, secrets too, and verifies it; as the owner of the tables
    Write(BackupFile),
    /// Verifies a file by itself, without a database: 0 if it is whole, 2 if it has a fault
    Verify(BackupFile),
}

/// Which file.
#[derive(Args, Debug)]
pub(crate) struct BackupFile {
    /// The file; its name usually ends with .beamline-backup
    #[arg(value_name = "FILE")]
    path: PathBuf,
}

/// What is known of a file.
#[derive(Serialize)]
pub(crate) struct BackupBody<'a> {
    path: &'a Path,
    is_whole: bool,
    /// Why it can't be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<BackupProblem>,
    #[serde(flatten)]
    summary: Option<BackupSummary>,
}

/// Does what is asked with a backup.
pub(crate) async fn run(
    command: BackupCommand,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match command {
        BackupCommand::Write(file) => {
            let owner = place.owner().await?;
            let progress = Progress::new("Writing the backup");
            let summary = backup::write(&owner.options, &file.path, teller(&progress)).await?;
            progress.end();
            tell(&file.path, Ok(summary), output)?;
            owner.close().await;
            Ok(Exit::Done)
        }
        BackupCommand::Verify(file) => {
            let progress = Progress::new("Verifying the backup");
            let verified = backup::verify(&file.path, teller(&progress)).await;
            progress.end();
            let outcome = match verified {
                Ok(summary) => Ok(summary),
                Err(Error::BackupInvalid { problem, .. }) => Err(problem),
                Err(error) => return Err(error.into()),
            };
            tell(&file.path, outcome, output)
        }
    }
}

/// Shows how far it is.
pub(crate) fn teller(
    progress: &Progress,
) -> impl FnMut(BackupProgress) -> ControlFlow<()> + Send + 'static {
    let progress = progress.clone();
    move |told| {
        let words = match told.step {
            BackupStep::Writing => "Writing the backup",
            BackupStep::Verifying => "Verifying the backup",
            BackupStep::Restoring => "Restoring the registry",
            BackupStep::Comparing => "Comparing both",
        };
        progress.tell(words, told.done, told.total);
        ControlFlow::Continue(())
    }
}

/// Writes what is known of a file.
pub(crate) fn tell(
    path: &Path,
    outcome: Result<BackupSummary, BackupProblem>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (summary, problem) = match outcome {
        Ok(summary) => (Some(summary), None),
        Err(problem) => (None, Some(problem)),
    };
    let is_whole = summary
        .as_ref()
        .is_some_and(|summary| summary.fault.is_none());
    let exit = if is_whole { Exit::Done } else { Exit::Found };
    if output.is_json() {
        output.json(&BackupBody {
            path,
            is_whole,
            problem,
            summary,
        })?;
        return Ok(exit);
    }
    let shown_path = path.display().to_string();
    let shown_path = shown(&shown_path);
    if let Some(problem) = problem {
        let broken = output.painted("can't be used", RED);
        let problem = problem.to_string();
        output.line(&format!("{shown_path} {broken}: {}", shown(&problem)))?;
    }
    if let Some(summary) = summary {
        let state = match &summary.fault {
            None => output.painted("whole", GREEN),
            Some(fault) => format!(
                "{} ({})",
                output.painted("whole, but its audit log has a fault", RED),
                shown(&fault.explanation)
            ),
        };
        output.line(&format!(
            "{shown_path} is {state}: registry {} at revision {}, {}, {} bytes.",
            shown(&summary.registry_id),
            summary.revision,
            words::time(summary.made_at),
            summary.size_bytes
        ))?;
        let mut table = Table::new(["TABLE", "ROWS"]);
        let rows = summary.tables.into_iter();
        table.write(
            output,
            rows.map(|table| [table.name.into(), table.row_count.to_string().into()]),
        )?;
    }
    Ok(exit)
}
