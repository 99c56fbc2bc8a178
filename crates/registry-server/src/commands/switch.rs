//! `registryctl enable` and `disable`: extensions switched, all of them or none.

use std::collections::BTreeSet;

use clap::Args;
use registry::Registry;
use registry::extensions::Extension;

use super::edit::confirmable;
use super::list;
use crate::arguments::{ChangeNote, Confirmed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::ExtensionBody;
use crate::output::Output;
use crate::place::Place;

/// Which ones are switched on.
#[derive(Args, Debug)]
pub(crate) struct EnableOptions {
    /// The extensions; one that is on already stays as it is
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    note: ChangeNote,
}

/// Which ones are switched off.
#[derive(Args, Debug)]
pub(crate) struct DisableOptions {
    /// The extensions; one that is off already stays as it is
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    note: ChangeNote,
    #[command(flatten)]
    confirmed: Confirmed,
}

/// Switches extensions on.
pub(crate) async fn enable(
    options: EnableOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = place.open().await?;
    let context = options.note.context(opened.protection);
    switch(&opened.registry, options.ids, true, &context, output).await?;
    opened.close().await;
    Ok(Exit::Done)
}

/// Switches extensions off.
pub(crate) async fn disable(
    options: DisableOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = place.open().await?;
    let context = options
        .note
        .confirmed_context(options.confirmed, opened.protection);
    switch(&opened.registry, options.ids, false, &context, output).await?;
    opened.close().await;
    Ok(Exit::Done)
}

async fn switch(
    registry: &Registry,
    ids: Vec<String>,
    enabled: bool,
    context: &registry::ChangeContext,
    output: &mut Output,
) -> Result<(), Failure> {
    let ids = distinct(ids);
    let extensions: Vec<Extension> = if let [id] = ids.as_slice() {
        let switched = registry.set_extension_enabled(id, enabled, context).await;
        vec![switched.map_err(confirmable)?]
    } else {
        registry
            .set_extensions_enabled(&ids, enabled, context)
            .await
            .map_err(confirmable)?;
        let changed = registry.read_changed_extensions(&ids).await?;
        changed.into_iter().map(|each| each.extension).collect()
    };
    if output.is_json() {
        let mut list = output.json_list("extensions")?;
        for extension in extensions {
            list.item(&ExtensionBody::from(extension))?;
        }
        list.end(None)
    } else {
        list::table().write(output, extensions.into_iter().map(list::row))
    }
}

/// Each id once, in the order in which they are named.
pub(crate) fn distinct(ids: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    ids.into_iter()
        .filter(|id| seen.insert(id.clone()))
        .collect()
}
