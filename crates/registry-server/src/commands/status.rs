//! `registryctl status`: which registry this is, what may be done with it, and who follows it.

use registry::access::Permissions;
use registry::consumers::ConsumerReport;
use registry::extensions::{ExtensionCounts, ExtensionFilter};
use registry::{Error, ErrorCode};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::Place;
use crate::table::Table;
use crate::terminal::{BOLD, DIM, shown};
use crate::words::{self, NONE};

/// What is told of a registry. What the login may not read is left out.
#[derive(Serialize)]
struct Status {
    /// The database's name.
    database: String,
    /// PostgreSQL's version.
    server_version: String,
    /// Which server, where there may be several.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// The folder of the embedded database.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_directory: Option<String>,
    /// Whether the embedded database was started for this command.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_started: Option<bool>,
    /// Which registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    registry_id: Option<String>,
    /// Its revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i64>,
    /// The hash of its newest audit entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// What the login may do.
    permissions: Permissions,
    /// Why nothing may be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only_reason: Option<String>,
    /// How many extensions there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<ExtensionCounts>,
    /// The programs that follow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    consumers: Option<Vec<ConsumerReport>>,
}

/// Tells what the registry is.
pub(crate) async fn run(place: &Place, output: &mut Output) -> Result<Exit, Failure> {
    let opened = place.open().await?;
    let registry = &opened.registry;
    let facts = registry.server_facts().await?;
    let anchor = allowed(registry.anchor().await)?;
    let (registry_id, revision, hash) = anchor.map_or((None, None, None), |anchor| {
        (
            Some(anchor.registry_id),
            Some(anchor.revision),
            Some(anchor.hash),
        )
    });
    let server = opened.embedded_server();
    let status = Status {
        database: facts.database,
        server_version: facts.version,
        server: registry
            .connection_state()
            .map(|state| state.borrow().server.clone()),
        data_directory: server.map(|server| server.data_directory().display().to_string()),
        is_started: server.map(|server| !server.is_shared()),
        registry_id,
        revision,
        hash,
        permissions: registry.permissions().await?,
        read_only_reason: registry.read_only_reason().map(str::to_owned),
        extensions: allowed(registry.count_extensions(&ExtensionFilter::default()).await)?,
        consumers: allowed(registry.list_consumers().await)?,
    };
    if output.is_json() {
        output.json(&status)?;
    } else {
        tell(status, output)?;
    }
    opened.close().await;
    Ok(Exit::Done)
}

/// What may be read; none for what may not.
fn allowed<T>(outcome: Result<T, Error>) -> Result<Option<T>, Failure> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == ErrorCode::Forbidden => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn tell(status: Status, output: &mut Output) -> Result<(), Failure> {
    let permissions = &status.permissions;
    let may: Vec<&str> = [
        (permissions.can_view, "view"),
        (permissions.can_switch, "switch"),
        (permissions.can_edit, "edit"),
        (permissions.can_audit, "audit"),
    ]
    .into_iter()
    .filter_map(|(is_allowed, word)| is_allowed.then_some(word))
    .collect();
    let started = match status.is_started {
        None => "",
        Some(true) => ", started for this command",
        Some(false) => ", joined",
    };
    let none = || NONE.to_owned();
    let extensions = status.extensions.as_ref().map_or_else(none, |counts| {
        format!(
            "{} ({} on, {} failing, {} degraded)",
            counts.total, counts.enabled, counts.failing, counts.degraded
        )
    });
    let revision = status
        .revision
        .map_or_else(none, |revision| revision.to_string());
    let place = status.data_directory.or(status.server).unwrap_or_else(none);
    let title = output.painted(&shown(&status.database), BOLD);
    output.line(&title)?;
    for (name, value) in [
        ("where", format!("{place}{started}")),
        ("PostgreSQL", status.server_version),
        ("registry", status.registry_id.unwrap_or_else(none)),
        ("revision", revision),
        ("hash", status.hash.unwrap_or_else(none)),
        ("login", permissions.login.clone()),
        ("may", may.join(", ")),
        ("read only", status.read_only_reason.unwrap_or_else(none)),
        ("extensions", extensions),
    ] {
        let name = output.painted(&format!("{name:<12}"), DIM);
        output.line(&format!("  {name}{}", shown(&value)))?;
    }
    let Some(consumers) = status.consumers.filter(|consumers| !consumers.is_empty()) else {
        return Ok(());
    };
    let mut table = Table::new(["CONSUMER", "HOST", "VERSION", "REVISION", "BEHIND", "SEEN"]);
    table.write(
        output,
        consumers.into_iter().map(|consumer| {
            [
                consumer.name.into(),
                consumer.host.into(),
                consumer.version.into(),
                consumer.applied_revision.to_string().into(),
                consumer.behind_revisions.to_string().into(),
                words::time(consumer.seen_at).into(),
            ]
        }),
    )
}
