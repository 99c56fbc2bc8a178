//! The embedded registry moved to a database elsewhere.

use registry::connection::{RemoteDatabase, Servers};
use registry::moving::{self, Moved};
use registry::{Error, ErrorReport};
use registry_account::{SecretStore, password_name};
use secrecy::SecretString;
use serde::Deserialize;
use specta::Type;
use tauri::{AppHandle, State};
use tracing::info;

use super::report;
use crate::backups::{BackupWork, Backups};
use crate::database::Database;
use crate::settings::Settings;

/// Who makes the tables there: seldom the login that works with them.
#[derive(Deserialize, Type)]
pub(crate) struct MoveLogin {
    user: String,
    #[specta(type = String)]
    password: SecretString,
}

/// Moves the embedded registry to the empty database that a profile leads to, which this one names as its place from then
/// on. Without a login the profile's own is used. Answers none if it was stopped; then nothing has changed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn move_registry(
    app: AppHandle,
    database: State<'_, Database>,
    backups: State<'_, Backups>,
    settings: State<'_, Settings>,
    secrets: State<'_, SecretStore>,
    profile_id: String,
    login: Option<MoveLogin>,
) -> Result<Option<Moved>, ErrorReport> {
    let options = database.embedded_options();
    database.check_role("Moving the registry")?;
    let Some(server) = database.embedded_server() else {
        database.registry()?;
        return Err(report(not_possible(
            "The registry in use is elsewhere already.",
        )));
    };
    let source = server.owner_options().map_err(report)?;
    drop(server);
    let profile = settings.profile(&profile_id).map(|stored| stored.profile);
    let Some(remote) = profile.as_ref().and_then(|profile| profile.remote()) else {
        return Err(report(not_possible(
            "There is no connection of that id which leads elsewhere.",
        )));
    };
    let (user, password) = match login {
        Some(MoveLogin { user, password }) => (user, Some(password)),
        None => (
            remote.user.clone(),
            secrets.get(&password_name(&profile_id)).await,
        ),
    };
    let target = RemoteDatabase {
        user,
        is_read_only: false,
        prefers_standby: false,
        ..remote.clone()
    };
    let source_place = format!(
        "the embedded database of {} in {}",
        registry::os_user(),
        options.data_directory.display()
    );
    let moved = backups
        .run(&app, BackupWork::Move, place(remote), async |teller| {
            let servers = Servers::new(&target, password)?;
            moving::move_registry_to(
                &source,
                &servers,
                &source_place,
                &place(remote),
                teller.moving(),
            )
            .await
        })
        .await
        .map_err(report)?;
    if let Some(moved) = &moved {
        info!(revision = moved.revision, profile_id, "moved the registry");
    }
    Ok(moved)
}

/// How the source names where the registry has gone.
fn place(remote: &RemoteDatabase) -> String {
    let servers: Vec<String> = remote.servers.iter().map(ToString::to_string).collect();
    format!("the database {} on {}", remote.database, servers.join(", "))
}

fn not_possible(message: &str) -> Error {
    Error::InvalidInput {
        field: "profile",
        message: message.to_owned(),
        action: "Choose a connection that leads to a server.",
    }
}
