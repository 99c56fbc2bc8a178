//! Looks every half minute for extensions that have crossed a limit, and tells the page and the desktop once of each.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use registry::health::{HealthAlarm, HealthCrossing, HealthLook, HealthWatch};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tokio::sync::Notify;
use tracing::{debug, info, warn};

use crate::database::Database;
use crate::desktop_notices::DesktopNotices;
use crate::settings::Settings;

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// What is wrong now.
#[derive(Clone, Debug, Default, Deserialize, Serialize, Type)]
pub(crate) struct HealthAlarms {
    /// What fails before what is slow before what is silent.
    pub(crate) alarms: Vec<HealthAlarm>,
    /// Whether the calls are made up.
    pub(crate) is_sample: bool,
    /// When it was last looked; none while it was not.
    looked_at: Option<DateTime<Utc>>,
}

/// Tells the page of each look: what is wrong now, and what began or is over since the look before.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct HealthLooked {
    now: HealthAlarms,
    crossings: Vec<HealthCrossing>,
}

/// What is watched; shared by the task that looks and the commands.
#[derive(Default)]
pub(crate) struct HealthWatcher {
    state: Mutex<State>,
    wanted: Notify,
}

#[derive(Default)]
struct State {
    watch: HealthWatch,
    now: HealthAlarms,
    /// Whether the last look failed: told in the log once and not at each look.
    is_blind: bool,
}

impl HealthWatcher {
    /// Begins to look, whenever the registry is open.
    pub(crate) fn start(app: &AppHandle) {
        tauri::async_runtime::spawn(keep_looking(app.clone()));
    }

    /// Has the next look taken now: the registry was opened, or a limit has changed.
    pub(crate) fn look_now(&self) {
        self.wanted.notify_one();
    }

    /// What is wrong, as the last look found it.
    pub(crate) fn alarms(&self) -> HealthAlarms {
        self.state().now.clone()
    }

    /// Forgets what was found: the next look is at another registry.
    pub(crate) fn forget(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, look: &HealthLook) -> HealthLooked {
        let mut state = self.state();
        state.is_blind = false;
        let crossings = state.watch.look(look);
        state.now = HealthAlarms {
            alarms: state.watch.alarms(),
            is_sample: look.overview.is_sample,
            looked_at: Some(look.at),
        };
        HealthLooked {
            now: state.now.clone(),
            crossings,
        }
    }
}

async fn keep_looking(app: AppHandle) {
    let watcher = app.state::<HealthWatcher>();
    loop {
        // Whichever comes first: somebody wants to know, or the time.
        let _ = tokio::time::timeout(LOOK_INTERVAL, watcher.wanted.notified()).await;
        let Ok(registry) = app.state::<Database>().registry() else {
            continue;
        };
        match registry.look_at_health().await {
            Ok(look) => tell(&app, &watcher.look(&look)),
            Err(error) => {
                if !std::mem::replace(&mut watcher.state().is_blind, true) {
                    warn!(%error, "no extension in trouble can be found");
                }
            }
        }
    }
}

fn tell(app: &AppHandle, looked: &HealthLooked) {
    for crossing in &looked.crossings {
        match crossing {
            HealthCrossing::Raised(HealthAlarm {
                extension_id,
                trouble,
                value,
                limit,
                ..
            }) => info!(extension_id, ?trouble, value, limit, "a limit is crossed"),
            HealthCrossing::Cleared(HealthAlarm {
                extension_id,
                trouble,
                ..
            }) => info!(extension_id, ?trouble, "a trouble is over"),
        }
    }
    if let Err(error) = looked.emit(app) {
        debug!(%error, "the window couldn't be told of a look");
    }
    let are_held_back = app.state::<Settings>().are_notices_paused();
    app.state::<DesktopNotices>()
        .tell(app, &looked.crossings, looked.now.is_sample, are_held_back);
}
