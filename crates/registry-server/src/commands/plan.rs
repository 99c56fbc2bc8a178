//! `registryctl plan`: what a file would change.

use std::path::PathBuf;

use clap::Args;

use crate::document_file::DocumentFile;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::place::Place;
use crate::plan_text::{PlanBody, tell_plan, tell_problems};
use crate::terminal::shown_json;

/// Of which file.
#[derive(Args, Debug)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    file: DocumentFile,
    /// Writes the plan to this file as well, as --json shows it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Tells what a file would change: 0 nothing, 2 something, 1 nothing because it has problems.
pub(crate) async fn run(
    options: PlanOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let prune = options.file.prune;
    let Some(document) = options.file.read(output)? else {
        return Ok(Exit::Failed);
    };
    let opened = place.open().await?;
    let plan = opened.registry.plan_document(&document, prune).await?;
    let exit = if !plan.problems.is_empty() {
        Exit::Failed
    } else if plan.changes.is_empty() {
        Exit::Done
    } else {
        Exit::Found
    };
    if !output.is_json() {
        tell_problems(&options.file.name(), &plan.problems, output)?;
        tell_plan(&plan, prune, output)?;
    }
    let body = PlanBody::of(plan, prune);
    if let Some(path) = &options.out {
        let text = serde_json::to_string_pretty(&body)
            .map_err(|error| Failure::of_system("The plan can't be written as JSON", &error))?;
        files::write(path, &(shown_json(&text) + "\n"))?;
    }
    if output.is_json() {
        output.json(&body)?;
    }
    opened.close().await;
    Ok(exit)
}
