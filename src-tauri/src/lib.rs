//! The window of Beamline Registry: typed commands over the core, and nothing that the core could do.

mod backups;
mod bindings;
mod commands;
mod database;
mod desktop_notices;
mod health_watch;
mod leaving;
mod links;
mod locale;
mod logging;
mod menu;
mod nats;
mod phases;
#[cfg(target_os = "linux")]
mod rendering;
mod settings;
mod tray;
mod verifications;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use registry_account::{Folders, SecretStore};
use tauri::{AppHandle, Manager, RunEvent, WebviewWindow, WebviewWindowBuilder};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

pub use bindings::export_typescript_bindings;

use crate::backups::Backups;
use crate::commands::audit::{StopExport, StopVerification};
use crate::commands::extensions::StoppedChanges;
use crate::commands::nats::StopTest;
use crate::database::Database;
use crate::desktop_notices::DesktopNotices;
use crate::health_watch::HealthWatcher;
use crate::leaving::Leaving;
use crate::links::PendingLink;
use crate::logging::Logging;
use crate::menu::{EditingEntries, PauseEntries};
use crate::nats::Nats;
use crate::phases::Phases;
use crate::settings::Settings;
use crate::verifications::Verifications;

/// How long after the window the tray's icon is made: the page is waited for, and what is done for the icon keeps it waiting.
const TRAY_DELAY: Duration = Duration::from_secs(1);

/// The argument that has the embedded registry filled with made-up calls in place of showing the window.
pub const FILL_SAMPLE_TRAFFIC: &str = "--fill-sample-traffic";

/// Fills the embedded registry with made-up calls, to have something to look at, and says what came of it.
pub fn fill_sample_traffic() -> ExitCode {
    let context = context();
    let folders = Folders::for_application(&context.config().identifier);
    let resources =
        tauri::utils::platform::resource_dir(context.package_info(), &tauri::Env::default()).ok();
    let filled = tauri::async_runtime::block_on(database::fill_sample_traffic(&folders, resources));
    let (words, code) = match filled {
        Ok(count) => (
            format!("Filled the registry with {count} made-up calls of the last 7 days."),
            ExitCode::SUCCESS,
        ),
        Err(error) => {
            let report = error.report();
            (
                format!("error: {} {}", report.message, report.action),
                ExitCode::FAILURE,
            )
        }
    };
    // Nobody reads it where there is nothing to write to.
    let _ = writeln!(std::io::stderr(), "{words}");
    code
}

/// Runs the console until its last window is closed.
pub fn run() -> ExitCode {
    #[cfg(target_os = "linux")]
    rendering::choose();
    let phases = Arc::new(Phases::since_process_start());
    let context = context();
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
        .callback(|app, arguments, _directory| {
            show_main_window(app);
            links::open(app, arguments);
        })
        .build();
    let built = tauri::Builder::default()
        // First, so that a second start hands over to the first before it does anything else.
        .plugin(instance)
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_window_state::Builder::new().build())
        .invoke_handler(bindings.invoke_handler())
        .on_menu_event(menu::choose)
        .on_window_event(leaving::on_window_event)
        .setup(move |app| {
            phases.mark("toolkit ready");
            quit_on_signals(app.handle());
            bindings.mount_events(app);
            app.manage(logging);
            app.manage(settings);
            app.manage(Verifications::load(&folders));
            app.manage(Backups::load(&folders));
            app.manage(folders);
            app.manage(StopVerification::default());
            app.manage(StopTest::default());
            let secrets = SecretStore::new();
            app.manage(Nats::new(secrets.clone()));
            app.manage(secrets);
            app.manage(Leaving::default());
            app.manage(StopExport::default());
            app.manage(DesktopNotices::default());
            app.manage(HealthWatcher::default());
            app.manage(StoppedChanges::default());
            app.manage(PauseEntries::default());
            app.manage(EditingEntries::default());
            app.manage(PendingLink::default());
            links::open(app.handle(), std::env::args());
            app.manage(Arc::clone(&phases));
            // Before the window: the database starts while the page loads.
            app.manage(Database::start(app.handle(), Arc::clone(&phases)));
            tauri::async_runtime::spawn(nats::keep_checking(app.handle().clone()));
            HealthWatcher::start(app.handle());
            Backups::start(app.handle());
            let window = app
                .config()
                .app
                .windows
                .first()
                .ok_or("no window is configured")?;
            let window = WebviewWindowBuilder::from_config(app, window)?
                .menu(menu::build(app.handle())?)
                .initialization_script(locale::script(&locale::Locales::of_environment()))
                .build()?;
            zoom(&window, &app.state::<Settings>());
            phases.mark("window created");
            tray::start_after(app.handle(), TRAY_DELAY);
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

/// The configuration and the page, which are in the program once.
fn context() -> tauri::Context {
    tauri::generate_context!()
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

/// Shows everything in the window as large as the settings say.
fn zoom(window: &WebviewWindow, settings: &Settings) {
    if let Err(error) = window.set_zoom(f64::from(settings.zoom_percent()) / 100.0) {
        warn!(%error, "the size of the text can't be changed");
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
