//! The registry while it is open: handed to the commands, followed, told of and pruned.

use std::sync::Arc;
use std::time::Duration;

use registry::cache::{CacheDatabase, CacheOptions, RegistryCache};
use registry::embedded::EmbeddedServer;
use registry::{Error, Registry};
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tracing::{debug, info, warn};

use super::session::{OpenRegistry, Session};
use super::{ConnectionStateChanged, DatabaseStatus, RegistryChanged};
use crate::health_watch::HealthWatcher;

impl Session {
    /// Hands the open registry to the commands, and begins what goes on beside them.
    pub(super) fn use_registry(
        self: &Arc<Self>,
        registry: Registry,
        followed: CacheDatabase,
        server: Option<Arc<EmbeddedServer>>,
        status: DatabaseStatus,
    ) {
        let DatabaseStatus::Ready { connection, .. } = &status else {
            return;
        };
        let options = CacheOptions {
            // The list of consumers is of programs that act by what they have applied.
            consumer: None,
            ..CacheOptions::default()
        };
        let connecting = RegistryCache::connect(followed, options);
        {
            let mut state = self.state();
            if state.stopping {
                // The console was closed meanwhile; dropping the server stops it.
                return;
            }
            state.open = Some(OpenRegistry {
                registry: registry.clone(),
                profile: connection.profile.clone(),
            });
            state.server = server;
            state.tasks = vec![
                tauri::async_runtime::spawn(Arc::clone(self).follow(connecting)),
                tauri::async_runtime::spawn(tell_menu(self.app.clone(), registry.clone())),
                tauri::async_runtime::spawn(prune(registry.clone())),
                tauri::async_runtime::spawn(tell_connection(self.app.clone(), registry)),
            ];
        }
        self.phases.mark("database ready");
        info!("database is open");
        self.set_status(status);
        self.app.state::<HealthWatcher>().look_now();
    }

    /// Follows the registry for as long as it is open, and tells the page of each change.
    async fn follow(
        self: Arc<Self>,
        connecting: impl Future<Output = Result<RegistryCache, Error>> + Send,
    ) {
        let cache = match connecting.await {
            Ok(cache) => cache,
            Err(error) => return warn!(%error, "the registry can't be followed"),
        };
        let mut changes = cache.watch();
        {
            let mut state = self.state();
            // Without a registry it was closed meanwhile.
            if state.open.is_some() {
                state.cache = Some(cache);
            }
        }
        while let Some(change) = changes.next().await {
            let told = RegistryChanged {
                revision: change.revision,
                extension_ids: change
                    .ids
                    .map(|ids| ids.iter().map(ToString::to_string).collect()),
            };
            if let Err(error) = told.emit(&self.app) {
                warn!(%error, "the window couldn't be told of a change");
            }
        }
    }
}

/// Turns off in the menu what the login may not do.
async fn tell_menu(app: AppHandle, registry: Registry) {
    match registry.permissions().await {
        Ok(permissions) => crate::menu::allow_editing(
            &app,
            permissions.can_edit && registry.read_only_reason().is_none(),
        ),
        // The database refuses what is not allowed in any case.
        Err(error) => debug!(%error, "the menu stays as it is"),
    }
}

/// Deletes old history of health, a minute after the start and then each hour.
async fn prune(registry: Registry) {
    let mut pause = Duration::from_mins(1);
    loop {
        tokio::time::sleep(pause).await;
        pause = Duration::from_hours(1);
        match registry.prune_health().await {
            Ok(count) => debug!(count, "deleted old history of health"),
            // A login that may not leaves it to others.
            Err(error) => debug!(%error, "old history of health stays"),
        }
    }
}

/// Tells the page when the server of a database elsewhere is lost or found again.
async fn tell_connection(app: AppHandle, registry: Registry) {
    let Some(mut state) = registry.connection_state() else {
        return;
    };
    while state.changed().await.is_ok() {
        let now = state.borrow_and_update().clone();
        if let Err(error) = ConnectionStateChanged(now).emit(&app) {
            warn!(%error, "the window couldn't be told of the connection's state");
        }
    }
}
