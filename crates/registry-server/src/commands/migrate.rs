//! `registryctl migrate`: the schema brought up to date.

use registry::connection::Servers;
use registry::{ErrorCode, migrations};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::Place;
use crate::words;

/// What was done.
#[derive(Serialize)]
struct Migrated {
    schema_version: i64,
    applied_count: usize,
}

/// Brings the schema up to date. Opening the embedded database does that.
pub(crate) async fn run(place: &Place, output: &mut Output) -> Result<Exit, Failure> {
    let applied_count = if place.embedded_options().await?.is_some() {
        place.open().await?.close().await;
        0
    } else {
        migrate(&place.servers().await?).await?
    };
    let schema_version = migrations::latest_version();
    if output.is_json() {
        output.json(&Migrated {
            schema_version,
            applied_count,
        })?;
    } else {
        let count = words::count(applied_count as u64, "migration", "migrations");
        output.line(&format!(
            "The schema is up to date (version {schema_version}); {count} applied."
        ))?;
    }
    Ok(Exit::Done)
}

async fn migrate(servers: &Servers) -> Result<usize, Failure> {
    let pending = match migrations::decision(servers).await {
        Ok(decision) => {
            if let Some(obstacle) = decision.obstacle {
                return Err(Failure::new(
                    format!("The schema can't be brought up to date: {}", decision.state),
                    obstacle,
                ));
            }
            let pending = decision.state.migrations().len();
            if pending == 0 && matches!(decision.state, migrations::SchemaState::UpToDate { .. }) {
                return Ok(0);
            }
            pending
        }
        // A login that may not read the version may still be its owner.
        Err(error) if error.code() == ErrorCode::Forbidden => 0,
        Err(error) => return Err(error.into()),
    };
    migrations::migrate_on(servers).await?;
    Ok(pending)
}
