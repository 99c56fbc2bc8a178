//! Notices of the desktop: what somebody should know who doesn't look at the window.
//!
//! Many desktops have none. The window tells the same in its own list.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use notify_rust::{Notification, Timeout};
use registry::health::{HealthAlarm, HealthCrossing, HealthTrouble};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tracing::{debug, warn};

/// More than this at once are told in one notice.
const SINGLE_MAX: usize = 3;

/// How many are named in a notice that is of several.
const NAMED_MAX: usize = 4;

/// How long a notice of something that is over stays where the desktop leaves it to the program, in milliseconds.
const OVER_SHOWN_MS: u32 = 8_000;

/// Tells the page that a notice was clicked: it opens the extension, or the page of all where the notice was of several.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct HealthNoticeOpened {
    extension_id: Option<String>,
}

/// Tells the page that a notice about backups or the disk was clicked: it opens the page of backups.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct BackupNoticeOpened;

type Trouble = (String, HealthTrouble);

/// What a click on a notice opens.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Opens {
    /// An extension, or the page of all where the notice was of several.
    Health(Option<String>),
    /// The page of backups.
    Backups,
}

/// The notices that are on the desktop, by what they are of.
#[derive(Default)]
pub(crate) struct DesktopNotices(Mutex<HashMap<Trouble, platform::Shown>>);

/// What a notice says.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Notice {
    title: String,
    text: String,
    /// What a click opens.
    opens: Opens,
    /// What it is of; none if it is of several.
    of: Option<Trouble>,
    /// Whether somebody should look.
    is_urgent: bool,
}

impl DesktopNotices {
    /// Tells of what began and what is over. Held back, nothing new is told, and what is over goes quietly.
    pub(crate) fn tell(
        &self,
        app: &AppHandle,
        crossings: &[HealthCrossing],
        is_sample: bool,
        are_held_back: bool,
    ) {
        for crossing in crossings {
            if let HealthCrossing::Cleared(alarm) = crossing
                && let Some(shown) = self.shown().remove(&trouble_of(alarm))
            {
                tauri::async_runtime::spawn(platform::withdraw(shown));
            }
        }
        if are_held_back {
            return;
        }
        for notice in notices(crossings, is_sample) {
            tauri::async_runtime::spawn(platform::show(app.clone(), notice));
        }
    }

    /// Tells of a danger to the data. It is not held back: somebody has to act on it.
    #[allow(clippy::unused_self, reason = "who may show notices has this")]
    pub(crate) fn tell_of_backups(&self, app: &AppHandle, title: &str, text: String) {
        let notice = Notice {
            title: title.to_owned(),
            text,
            opens: Opens::Backups,
            of: None,
            is_urgent: true,
        };
        tauri::async_runtime::spawn(platform::show(app.clone(), notice));
    }

    fn shown(&self) -> MutexGuard<'_, HashMap<Trouble, platform::Shown>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn trouble_of(alarm: &HealthAlarm) -> Trouble {
    (alarm.extension_id.clone(), alarm.trouble)
}

/// What is told of these crossings: each by itself, or all that began and all that are over in one where they are many.
fn notices(crossings: &[HealthCrossing], is_sample: bool) -> Vec<Notice> {
    let (raised, cleared): (Vec<_>, Vec<_>) = crossings
        .iter()
        .partition(|crossing| matches!(crossing, HealthCrossing::Raised(_)));
    let mut notices = Vec::new();
    for (crossings, title, is_urgent) in [
        (raised, "troubles began", true),
        (cleared, "troubles are over", false),
    ] {
        if crossings.len() > SINGLE_MAX {
            notices.push(several(&crossings, title, is_urgent));
        } else {
            notices.extend(crossings.into_iter().map(single));
        }
    }
    if is_sample {
        for notice in &mut notices {
            notice.text.push_str(" These calls are made up.");
        }
    }
    notices
}

fn single(crossing: &HealthCrossing) -> Notice {
    let (title, text, alarm, is_urgent) = match crossing {
        HealthCrossing::Raised(alarm) => {
            let title = format!("{} {}", alarm.extension_id, words(alarm.trouble).0);
            (title, measured(alarm), alarm, true)
        }
        HealthCrossing::Cleared(alarm) => {
            let title = format!("{} {}", alarm.extension_id, words(alarm.trouble).1);
            (title, String::new(), alarm, false)
        }
    };
    Notice {
        title,
        text,
        opens: Opens::Health(Some(alarm.extension_id.clone())),
        of: Some(trouble_of(alarm)),
        is_urgent,
    }
}

fn several(crossings: &[&HealthCrossing], title: &str, is_urgent: bool) -> Notice {
    let named: Vec<String> = crossings
        .iter()
        .take(NAMED_MAX)
        .map(|crossing| {
            let (HealthCrossing::Raised(alarm) | HealthCrossing::Cleared(alarm)) = crossing;
            // Desktops read a notice's text as markup. Ids from before there was a rule for them may look like it.
            let id = alarm.extension_id.replace(['<', '>', '&'], "_");
            let words = if is_urgent {
                words(alarm.trouble).0
            } else {
                words(alarm.trouble).1
            };
            format!("{id} {words}")
        })
        .collect();
    let more = match crossings.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Notice {
        title: format!("{} {title}", crossings.len()),
        text: format!("{}{more}.", named.join(", ")),
        opens: Opens::Health(None),
        of: None,
        is_urgent,
    }
}

/// What is wrong, after a name; and that it is over.
fn words(trouble: HealthTrouble) -> (&'static str, &'static str) {
    match trouble {
        HealthTrouble::Failing => ("fails too often", "no longer fails too often"),
        HealthTrouble::Slow => ("is too slow", "is no longer too slow"),
        HealthTrouble::Silent => ("is silent", "is no longer silent"),
    }
}

/// The value and its limit, with their units.
fn measured(alarm: &HealthAlarm) -> String {
    let HealthAlarm { value, limit, .. } = alarm;
    match alarm.trouble {
        HealthTrouble::Failing => format!(
            "{} % of its calls succeed; the limit is {limit} %.",
            // Rounded down: what is below the limit must not read as the limit.
            (value * 10.0 + 1e-6).floor() / 10.0
        ),
        HealthTrouble::Slow => {
            format!("One call of twenty takes over {value:.0} ms; the limit is {limit:.0} ms.")
        }
        HealthTrouble::Silent => format!(
            "Not called for {}; the limit is {}.",
            duration(*value),
            duration(*limit)
        ),
    }
}

fn duration(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else if seconds < 7_200.0 {
        format!("{:.0} min", (seconds / 60.0).floor())
    } else {
        format!("{:.0} h", (seconds / 3_600.0).floor())
    }
}

/// Brings the window to the front and has the page open what the notice was of.
fn open(app: &AppHandle, opens: Opens) {
    crate::show_main_window(app);
    let told = match opens {
        Opens::Health(extension_id) => HealthNoticeOpened { extension_id }.emit(app),
        Opens::Backups => BackupNoticeOpened.emit(app),
    };
    if let Err(error) = told {
        warn!(%error, "the window couldn't be told what was clicked");
    }
}

fn notification(notice: &Notice) -> Notification {
    let mut notification = Notification::new();
    notification
        .appname("Beamline Registry")
        .summary(&notice.title)
        .body(&notice.text);
    if !notice.is_urgent {
        notification.timeout(Timeout::Milliseconds(OVER_SHOWN_MS));
    }
    notification
}

#[cfg(target_os = "linux")]
mod platform {
    use std::sync::Arc;

    use notify_rust::{Hint, NotificationHandle, NotificationResponse, Urgency};

    use super::{AppHandle, DesktopNotices, Manager, Notice, debug, notification};

    /// A notice that is on the desktop.
    pub(super) type Shown = Arc<NotificationHandle>;

    /// Shows a notice, and waits until it is clicked or gone.
    pub(super) async fn show(app: AppHandle, notice: Notice) {
        let mut wanted = notification(&notice);
        wanted
            .icon("beamline-registry")
            .hint(Hint::DesktopEntry("beamline-registry".to_owned()))
            // By this name the desktop knows what a click on all of it means.
            .action("default", "Open")
            .urgency(if notice.is_urgent {
                Urgency::Normal
            } else {
                Urgency::Low
            });
        let shown = match wanted.show_async().await {
            Ok(handle) => Arc::new(handle),
            Err(error) => return debug!(%error, "the desktop shows no notices"),
        };
        let notices = app.state::<DesktopNotices>();
        if let Some(trouble) = notice.of.as_ref().filter(|_| notice.is_urgent) {
            notices.shown().insert(trouble.clone(), Arc::clone(&shown));
        }
        let mut is_clicked = false;
        shown
            .wait_for_action_async(|response: &NotificationResponse| {
                is_clicked = response.is_default_action();
            })
            .await;
        if let Some(trouble) = &notice.of {
            let mut notices = notices.shown();
            // Another of the same trouble may stand there by now.
            if notices
                .get(trouble)
                .is_some_and(|other| Arc::ptr_eq(other, &shown))
            {
                notices.remove(trouble);
            }
        }
        if is_clicked {
            super::open(&app, notice.opens);
        }
    }

    /// Takes a notice away.
    pub(super) async fn withdraw(shown: Shown) {
        shown.close_async().await;
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use super::{AppHandle, Notice, debug, notification};

    /// What was shown goes by itself.
    pub(super) type Shown = ();

    /// Shows a notice. A click on it opens the window where the desktop does that by itself.
    pub(super) async fn show(_app: AppHandle, notice: Notice) {
        let shown =
            tauri::async_runtime::spawn_blocking(move || notification(&notice).show().map(drop));
        if let Ok(Err(error)) = shown.await {
            debug!(%error, "the desktop shows no notices");
        }
    }

    pub(super) async fn withdraw((): Shown) {}
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn alarm(id: &str, trouble: HealthTrouble, value: f64, limit: f64) -> HealthAlarm {
        HealthAlarm {
            extension_id: id.into(),
            trouble,
            value,
            limit,
            since: DateTime::UNIX_EPOCH,
        }
    }

    fn told(crossings: &[HealthCrossing], is_sample: bool) -> Vec<(String, String)> {
        notices(crossings, is_sample)
            .into_iter()
            .map(|notice| (notice.title, notice.text))
            .collect()
    }

    #[test]
    fn a_notice_says_what_is_wrong_with_units() {
        let raised = |trouble, value, limit| {
            let crossings = [HealthCrossing::Raised(alarm(
                "guard", trouble, value, limit,
            ))];
            told(&crossings, false).remove(0)
        };
        let all = [
            raised(HealthTrouble::Failing, 94.99, 95.0),
            raised(HealthTrouble::Slow, 480.4, 250.0),
            raised(HealthTrouble::Silent, 725.0, 600.0),
        ];
        let expected = [
            (
                "guard fails too often",
                "94.9 % of its calls succeed; the limit is 95 %.",
            ),
            (
                "guard is too slow",
                "One call of twenty takes over 480 ms; the limit is 250 ms.",
            ),
            (
                "guard is silent",
                "Not called for 12 min; the limit is 10 min.",
            ),
        ];
        for ((title, text), expected) in all.iter().zip(expected) {
            assert_eq!((title.as_str(), text.as_str()), expected);
        }
        let over = HealthCrossing::Cleared(alarm("guard", HealthTrouble::Slow, 1.0, 2.0));
        assert_eq!(told(&[over], false)[0].0, "guard is no longer too slow");
    }

    #[test]
    fn what_is_made_up_is_told_as_such() {
        let crossing = HealthCrossing::Raised(alarm("guard", HealthTrouble::Failing, 50.0, 95.0));
        assert!(told(&[crossing], true)[0].1.ends_with("made up."));
    }

    #[test]
    fn many_at_once_are_one_notice_and_no_markup() {
        let raised = ["a", "<b>", "c", "d", "e", "f"]
            .map(|id| HealthCrossing::Raised(alarm(id, HealthTrouble::Silent, 90.0, 60.0)));
        let notices = told(&raised, false);
        assert_eq!(notices.len(), 1);
        assert_eq!(notices[0].0, "6 troubles began");
        assert_eq!(
            notices[0].1,
            "a is silent, _b_ is silent, c is silent, d is silent and 2 more."
        );
        assert_eq!(told(&raised[..3], false).len(), 3);
    }
}
