//! `registryctl apply`: the registry made what a file says, exactly as planned or not at all.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;
use registry::Registry;
use registry::document::RegistryDocument;
use registry::plan::{AppliedPlan, ApplyRequest, RegistryPlan};
use serde::Serialize;

use super::edit::confirmable;
use crate::arguments::{ChangeNote, Confirmed};
use crate::document_file::DocumentFile;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::place::Place;
use crate::plan_text::{PlanBody, tell_plan, tell_problems};
use crate::progress::Progress;

/// Of which file.
#[derive(Args, Debug)]
pub(crate) struct ApplyOptions {
    #[command(flatten)]
    file: DocumentFile,
    /// The revision of the plan that was looked at: if the registry has moved since, nothing is changed (75). Without it,
    /// the plan is made and shown now
    #[arg(long, value_name = "NUMBER")]
    revision: Option<i64>,
    /// Applies the plan that is shown without asking
    #[arg(long, conflicts_with = "revision")]
    yes: bool,
    #[command(flatten)]
    note: ChangeNote,
    #[command(flatten)]
    confirmed: Confirmed,
}

/// What was done.
#[derive(Serialize)]
struct Applied {
    /// The revision of the plan.
    seen_revision: i64,
    created_count: u32,
    changed_count: u32,
    deleted_count: u32,
}

/// Applies a file.
pub(crate) async fn run(
    options: ApplyOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let prune = options.file.prune;
    let Some(document) = options.file.read(output)? else {
        return Ok(Exit::Failed);
    };
    let opened = place.open().await?;
    let context = options
        .note
        .confirmed_context(options.confirmed, opened.protection);
    let seen_revision = match options.revision {
        Some(revision) => revision,
        None => match look(
            &opened.registry,
            &document,
            &options.file,
            options.yes,
            output,
        )
        .await?
        {
            Look::Apply(revision) => revision,
            Look::End(exit) => {
                opened.close().await;
                return Ok(exit);
            }
        },
    };
    let progress = Progress::new("Applying the plan");
    let applied = opened
        .registry
        .apply_document(
            &document,
            ApplyRequest {
                seen_revision,
                prune,
            },
            &context,
        )
        .await;
    progress.end();
    let applied = match applied {
        // Given a revision, nobody has looked at the problems yet.
        Err(registry::Error::DocumentInvalid { problems }) if !output.is_json() => {
            tell_problems(&options.file.name(), &problems, output)?;
            return Ok(Exit::Failed);
        }
        other => other.map_err(confirmable)?,
    };
    tell(applied, seen_revision, output)?;
    opened.close().await;
    Ok(Exit::Done)
}

/// What somebody who has seen the plan wants.
enum Look {
    /// The plan of this revision.
    Apply(i64),
    /// Nothing more.
    End(Exit),
}

async fn look(
    registry: &Registry,
    document: &RegistryDocument,
    file: &DocumentFile,
    is_agreed: bool,
    output: &mut Output,
) -> Result<Look, Failure> {
    let plan = registry.plan_document(document, file.prune).await?;
    let revision = plan.revision;
    if output.is_json() {
        if !plan.problems.is_empty() {
            output.json(&PlanBody::of(plan, file.prune))?;
            return Ok(Look::End(Exit::Failed));
        }
    } else {
        tell_problems(&file.name(), &plan.problems, output)?;
        tell_plan(&plan, file.prune, output)?;
        output.flush()?;
        if !plan.problems.is_empty() {
            return Ok(Look::End(Exit::Failed));
        }
    }
    if plan.changes.is_empty() {
        tell(AppliedPlan::default(), revision, output)?;
        return Ok(Look::End(Exit::Done));
    }
    if is_agreed || ask(&plan, file, output.is_json()).await? {
        return Ok(Look::Apply(revision));
    }
    Err(Failure::new(
        "The plan was not applied",
        "Nothing has been changed.",
    ))
}

/// Asks whether the plan that was shown is wanted.
async fn ask(plan: &RegistryPlan, file: &DocumentFile, is_json: bool) -> Result<bool, Failure> {
    // With JSON nobody has seen the plan.
    let can_ask = !is_json
        && io::stdin().is_terminal()
        && io::stderr().is_terminal()
        && !files::is_standard_input(&file.path);
    if !can_ask {
        return Err(Failure::usage(
            "Nobody can be asked whether the plan is wanted",
            format!(
                "Say --yes, or --revision {} for exactly this plan; nothing has been changed.",
                plan.revision
            ),
        ));
    }
    confirm("Apply this plan?").await
}

/// Asks a question on the terminal; anything but yes is no.
pub(crate) async fn confirm(question: &'static str) -> Result<bool, Failure> {
    let answer = tokio::task::spawn_blocking(move || {
        let mut stderr = io::stderr();
        write!(stderr, "{question} [y/N] ")?;
        stderr.flush()?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        Ok::<_, io::Error>(line)
    })
    .await
    .map_err(io::Error::other)
    .flatten()
    .map_err(|error| Failure::of_system("The question can't be asked", &error))?;
    let answer = answer.trim();
    Ok(["y", "yes"]
        .iter()
        .any(|yes| answer.eq_ignore_ascii_case(yes)))
}

fn tell(applied: AppliedPlan, seen_revision: i64, output: &mut Output) -> Result<(), Failure> {
    let AppliedPlan {
        created_count,
        changed_count,
        deleted_count,
    } = applied;
    if output.is_json() {
        return output.json(&Applied {
            seen_revision,
            created_count,
            changed_count,
            deleted_count,
        });
    }
    output.line(&format!(
        "Applied: {created_count} created, {changed_count} changed, {deleted_count} deleted."
    ))
}
