//! `registryctl delete`: extensions removed, all of them or none.

use clap::Args;
use registry::extension_changes::SeenExtension;
use serde::Serialize;

use super::edit::confirmable;
use super::switch::distinct;
use crate::arguments::{ChangeNote, Confirmed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::Place;
use crate::terminal::shown;

/// Which ones.
#[derive(Args, Debug)]
pub(crate) struct DeleteOptions {
    /// The extensions
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// The revision that the one extension was seen at: if it has changed since, it stays (75). Without it the present
    /// one is read first
    #[arg(long, value_name = "NUMBER")]
    if_revision: Option<i64>,
    #[command(flatten)]
    note: ChangeNote,
    #[command(flatten)]
    confirmed: Confirmed,
}

/// What is gone.
#[derive(Serialize)]
struct Deleted<'a> {
    extension_ids: Vec<&'a str>,
}

/// Deletes extensions. Their histories stay.
pub(crate) async fn run(
    options: DeleteOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ids = distinct(options.ids);
    if options.if_revision.is_some() && ids.len() > 1 {
        return Err(Failure::usage(
            "--if-revision is of one extension, and several are named",
            "Delete them one by one, or leave it out.",
        ));
    }
    let opened = place.open().await?;
    let mut seen = Vec::with_capacity(ids.len());
    for id in ids {
        let revision = match options.if_revision {
            Some(revision) => revision,
            None => opened.registry.get_extension(&id).await?.revision,
        };
        seen.push(SeenExtension { id, revision });
    }
    let context = options
        .note
        .confirmed_context(options.confirmed, opened.protection);
    match seen.as_slice() {
        [one] => {
            opened
                .registry
                .delete_extension(&one.id, one.revision, &context)
                .await
        }
        several => opened.registry.delete_extensions(several, &context).await,
    }
    .map_err(confirmable)?;
    if output.is_json() {
        let extension_ids = seen.iter().map(|each| each.id.as_str()).collect();
        output.json(&Deleted { extension_ids })?;
    } else {
        for each in &seen {
            output.line(&format!("Deleted {}.", shown(&each.id)))?;
        }
    }
    opened.close().await;
    Ok(Exit::Done)
}
