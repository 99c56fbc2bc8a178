//! Links that the application opens, such as `beamline-registry://extensions/pii_guard`: given to its first start, or
//! handed to the running window by a further one. Which page a link means, the page knows.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tracing::{info, warn};

/// What a link begins with; `ui/src/ui/link.ts` makes them.
const START: &str = "beamline-registry://";
/// A longer one is none: an id has at most 255 characters.
const LENGTH_MAX: usize = 4096;

/// The newest link that the page has not taken yet.
#[derive(Default)]
pub(crate) struct PendingLink(Mutex<Option<String>>);

/// Tells the page that there is a link to take.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct LinkOpened;

/// Keeps the link among a start's arguments, if there is one, and tells the page.
pub(crate) fn open(app: &AppHandle, arguments: impl IntoIterator<Item = String>) {
    let Some(link) = link_in(arguments) else {
        return;
    };
    info!("told to open a link");
    app.state::<PendingLink>().set(link);
    if let Err(error) = LinkOpened.emit(app) {
        warn!(%error, "the window couldn't be told of a link");
    }
}

impl PendingLink {
    fn set(&self, link: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn link_in(arguments: impl IntoIterator<Item = String>) -> Option<String> {
    arguments
        .into_iter()
        .skip(1)
        .find(|argument| argument.starts_with(START) && argument.len() <= LENGTH_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link_of(arguments: &[&str]) -> Option<String> {
        link_in(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn a_link_is_found_among_the_arguments_and_nothing_else_is_one() {
        let link = "beamline-registry://extensions/pii_guard";
        assert_eq!(link_of(&["program", "--flag", link]).as_deref(), Some(link));
        assert_eq!(link_of(&[link]), None, "the program's own name");
        assert_eq!(
            link_of(&["program", "https://example.org", "beamline-registry:x"]),
            None
        );
        assert_eq!(
            link_of(&["program", &format!("{START}{}", "x".repeat(LENGTH_MAX))]),
            None
        );
    }
}
