//! Quitting while something is typed and not saved: the page asks first, and a page that hangs keeps no window open.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager, Window, WindowEvent};
use tauri_specta::Event;
use tracing::{info, warn};

/// So long the page may take to say that it asks: it may be slow on a busy machine, and what is typed is at stake.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Tells the page that somebody wants to quit while something is not saved.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct QuitAsked;

/// What the page says to that.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum QuitAnswer {
    /// The person is being asked.
    Asking,
    /// The person wants to quit all the same.
    Quit,
}

/// Whether something is typed and not saved, and which questions the page has answered.
#[derive(Default)]
pub(crate) struct Leaving(Mutex<State>);

#[derive(Default)]
struct State {
    is_unsaved: bool,
    /// How often the page was asked.
    asked_count: u64,
    /// The last question that it answered.
    answered: u64,
}

impl Leaving {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report_unsaved(&self, is_unsaved: bool) {
        self.state().is_unsaved = is_unsaved;
    }

    /// The number of a new question to the page; none if nothing would be lost.
    fn question(&self) -> Option<u64> {
        let mut state = self.state();
        if !state.is_unsaved {
            return None;
        }
        state.asked_count += 1;
        Some(state.asked_count)
    }

    fn is_answered(&self, question: u64) -> bool {
        self.state().answered >= question
    }

    fn answered(&self) {
        let mut state = self.state();
        state.answered = state.asked_count;
    }
}

/// Lets the page ask before the window closes, where something would be lost.
pub(crate) fn on_window_event(window: &Window, event: &WindowEvent) {
    if let WindowEvent::CloseRequested { api, .. } = event
        && ask(window.app_handle())
    {
        api.prevent_close();
    }
}

/// Quits, or lets the page ask first where something would be lost.
pub(crate) fn quit(app: &AppHandle) {
    if !ask(app) {
        app.exit(0);
    }
}

/// Takes what the page says.
pub(crate) fn answer(app: &AppHandle, answer: QuitAnswer) {
    match answer {
        QuitAnswer::Asking => app.state::<Leaving>().answered(),
        QuitAnswer::Quit => {
            info!("quitting without saving what is typed");
            app.exit(0);
        }
    }
}

/// Asks the page if something would be lost; tells whether it did.
fn ask(app: &AppHandle) -> bool {
    let Some(question) = app.state::<Leaving>().question() else {
        return false;
    };
    if let Err(error) = QuitAsked.emit(app) {
        warn!(%error, "the page can't be asked: quitting");
        return false;
    }
    // From the tray or the keyboard the window may be out of sight.
    crate::show_main_window(app);
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(ANSWER_WITHIN).await;
        if !app.state::<Leaving>().is_answered(question) {
            warn!("the page does not answer: quitting");
            app.exit(0);
        }
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_be_lost_is_asked_about() {
        let leaving = Leaving::default();
        assert_eq!(leaving.question(), None);
        leaving.report_unsaved(true);
        assert_eq!(leaving.question(), Some(1));
        leaving.report_unsaved(false);
        assert_eq!(leaving.question(), None);
    }

    #[test]
    fn an_answer_is_for_the_questions_before_it_and_for_no_later_one() {
        let leaving = Leaving::default();
        leaving.report_unsaved(true);
        let first = leaving.question().unwrap();
        leaving.answered();
        assert!(leaving.is_answered(first));
        let second = leaving.question().unwrap();
        assert!(!leaving.is_answered(second));
    }
}
