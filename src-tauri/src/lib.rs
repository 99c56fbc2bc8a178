//! The window of Beamline Registry: typed commands over the core, and nothing that the core could do.

mod bindings;
mod commands;
mod database;
mod folders;
mod logging;
mod menu;
mod phases;
mod settings;
mod tray;

use std::process::ExitCode;
use std::sync::Arc;

use tauri::{AppHandle, Manager, RunEvent, WebviewWindowBuilder};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

pub use bindings::export_typescript_bindings;

use crate::commands::audit::StopVerification;
use crate::database::Database;
use crate::folders::Folders;
use crate::logging::Logging;
use crate::menu::PauseEntries;
use crate::phases::Phases;
use crate::settings::Settings;

/// Runs the console until its last window is closed.
pub fn run() -> ExitCode {
    let phases = Arc::new(Phases::since_process_start());
    let context = tauri::generate_context!();
    let folders = Folders::for_application(&context.config().identifier);
    let (settings, problem) = Settings::load(&folders);
    let logging = Logging::start(&folders, settings.log_level());
    if let Some(problem) = problem {
        warn!(
            problem,
            "the settings can't be read: starting with the defaults"
        );
    }
    info!(
        version = env!("CARGO_PKG_VERSION"),
        data_directory = %folders.data.display(),
        log_directory = %folders.log.display(),
        "starting"
    );
    phases.mark("logging started");

    let bindings = bindings::builder();
    let instance = tauri_plugin_single_instance::Builder::new()
        .dbus_id(folders.instance_name(&context.config().identifier))
        .callback(|app, _arguments, _directory| show_main_window(app))
        .build();
    let built = tauri::Builder::default()
        // First, so that a second start hands over to the first before it does anything else.
        .plugin(instance)
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_window_state::Builder::new().build())
        .invoke_handler(bindings.invoke_handler())
        .on_menu_event(menu::choose)
        .setup(move |app| {
            phases.mark("toolkit ready");
            quit_on_signals(app.handle());
            bindings.mount_events(app);
            app.manage(logging);
            app.manage(settings);
            app.manage(folders);
            app.manage(StopVerification::default());
            app.manage(PauseEntries::default());
            app.manage(Arc::clone(&phases));
            // Before the window: the database starts while the page loads.
            app.manage(Database::start(app.handle(), Arc::clone(&phases)));
            let window = app
                .config()
                .app
                .windows
                .first()
                .ok_or("no window is configured")?;
            WebviewWindowBuilder::from_config(app, window)?
                .menu(menu::build(app.handle())?)
                .build()?;
            tray::start(app.handle());
            phases.mark("window created");
            Ok(())
        })
        .build(context);
    let app = match built {
        Ok(app) => app,
        Err(error) => {
            error!(%error, "the window couldn't be opened");
            return ExitCode::FAILURE;
        }
    };
    app.run(|app, event| {
        // Every way of quitting comes through here.
        if let RunEvent::Exit = event {
            app.state::<Database>().stop();
            info!("stopped");
            app.state::<Logging>().finish();
        }
    });
    ExitCode::SUCCESS
}

/// Quits in order when the session ends or a terminal or script asks for it. Without this the process
/// would just end; its server ends with it all the same.
fn quit_on_signals(app: &AppHandle) {
    for kind in [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ] {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            match signal(kind) {
                Ok(mut signals) => {
                    signals.recv().await;
                    info!(signal = kind.as_raw_value(), "told to quit");
                    app.exit(0);
                }
                Err(error) => warn!(%error, "a signal can't be listened to"),
            }
        });
    }
}

fn show_main_window(app: &AppHandle) {
    if let Some(window) = app.get_webview_window("main") {
        let shown = window
            .unminimize()
            .and_then(|()| window.show())
            .and_then(|()| window.set_focus());
        if let Err(error) = shown {
            error!(%error, "the window couldn't be brought to the front");
        }
    }
}
