//! The icon in the desktop's tray: how fresh the registry is, and the few things to do without a window.
//!
//! Many desktops have no tray. The program then works without one.

use std::time::Duration;

use registry::cache::CacheState;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager, Wry};
use tracing::{info, warn};

use crate::database::{Database, DatabaseStatus};
use crate::menu::{PauseEntries, QUIT, SHOW};

/// How often the state is looked at.
const STATE_INTERVAL: Duration = Duration::from_secs(2);

/// Puts the icon into the tray after a while, if there is one, and keeps its words true.
pub(crate) fn start_after(app: &AppHandle, delay: Duration) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(delay).await;
        let toolkit = app.clone();
        if let Err(error) = app.run_on_main_thread(move || start(&toolkit)) {
            warn!(%error, "no tray: the toolkit does nothing any more");
        }
    });
}

fn start(app: &AppHandle) {
    if let Err(reason) = probe() {
        info!(reason, "no tray: the program works without its icon");
        return;
    }
    match build(app) {
        Ok((icon, state)) => {
            tauri::async_runtime::spawn(keep_true(app.clone(), icon, state));
        }
        Err(error) => warn!(%error, "no tray: its icon can't be made"),
    }
}

/// Whether the library is there that the toolkit loads for the icon: it panics where it is not.
#[cfg(target_os = "linux")]
fn probe() -> Result<(), String> {
    let mut reasons = Vec::new();
    for name in ["libayatana-appindicator3.so.1", "libappindicator3.so.1"] {
        // SAFETY: loading runs what the library does when it is loaded. It is the one that the toolkit loads
        // next in any case, by the same name and in the same order.
        #[allow(unsafe_code, reason = "asking the loader is the only sure way to know")]
        let loaded = unsafe { libloading::Library::new(name) };
        match loaded {
            Ok(library) => {
                // The toolkit's widgets register types that can't be unloaded.
                std::mem::forget(library);
                return Ok(());
            }
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(reasons.join("; "))
}

#[cfg(not(target_os = "linux"))]
fn probe() -> Result<(), String> {
    Ok(())
}

fn build(app: &AppHandle) -> tauri::Result<(TrayIcon, MenuItem<Wry>)> {
    let state = MenuItem::new(app, "Starting", false, None::<&str>)?;
    let menu = Menu::with_items(
        app,
        &[
            &state,
            &PredefinedMenuItem::separator(app)?,
            &MenuItem::with_id(app, SHOW, "Show window", true, None::<&str>)?,
            &PauseEntries::make(app)?,
            &PredefinedMenuItem::separator(app)?,
            &MenuItem::with_id(app, QUIT, "Quit", true, None::<&str>)?,
        ],
    )?;
    let mut builder = TrayIconBuilder::new()
        .menu(&menu)
        // The icon is handed over as a file: not in a folder that all accounts share.
        .temp_dir_path(app.path().app_cache_dir()?);
    if let Some(icon) = app.default_window_icon() {
        builder = builder.icon(icon.clone());
    }
    Ok((builder.build(app)?, state))
}

async fn keep_true(app: AppHandle, icon: TrayIcon, state: MenuItem<Wry>) {
    let mut told = String::new();
    let mut interval = tokio::time::interval(STATE_INTERVAL);
    loop {
        interval.tick().await;
        let words = words(&app.state::<Database>());
        if words == told {
            continue;
        }
        let changed = state
            .set_text(&words)
            .and_then(|()| icon.set_tooltip(Some(format!("Beamline Registry: {words}"))));
        if let Err(error) = changed {
            warn!(%error, "the tray can't be changed");
        }
        told = words;
    }
}

fn words(database: &Database) -> String {
    match (database.status(), database.cache()) {
        (DatabaseStatus::Failed { .. }, _) => "No database".to_owned(),
        (DatabaseStatus::Ready { .. }, Ok(cache)) => {
            let stats = cache.stats();
            state_words(stats.state, stats.revision)
        }
        _ => "Opening the database".to_owned(),
    }
}

fn state_words(state: CacheState, revision: i64) -> String {
    match state {
        CacheState::Fresh => format!("Fresh, revision {revision}"),
        CacheState::Stale => {
            format!("Stale at revision {revision}: the database does not answer")
        }
        CacheState::Diverged => "Diverged: see Routers".to_owned(),
    }
}
