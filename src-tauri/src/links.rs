//! Links and backups that the application opens, such as `beamline-registry://extensions/pii_guard` and
//! `file:///home/anna/one.beamline-backup`: given to its first start, or handed to the running window by a further one. Which
//! page a link means, the page knows; a backup goes to it as its path.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use registry::backup::EXTENSION;
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager, Url};
use tauri_specta::Event;
use tracing::{info, warn};

/// What a link begins with; `ui/src/ui/link.ts` makes them.
const START: &str = "beamline-registry://";
/// A longer one is none: an id has at most 255 characters, and a path as many as this.
const LENGTH_MAX: usize = 4096;

/// The newest link that the page has not taken yet.
#[derive(Default)]
pub(crate) struct PendingLink(Mutex<Option<String>>);

/// Tells the page that there is a link to take.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct LinkOpened;

/// Keeps the link or the backup among a start's arguments, if there is one, and tells the page.
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
        .filter(|argument| argument.len() <= LENGTH_MAX)
        .find_map(|argument| {
            if argument.starts_with(START) {
                Some(argument)
            } else {
                backup_in(&argument)
            }
        })
}

/// The path of a backup. Desktops name files by their URL or by their whole path.
fn backup_in(argument: &str) -> Option<String> {
    let path = match Url::parse(argument) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok()?,
        _ => argument.into(),
    };
    let is_backup = path.is_absolute() && path.extension() == Some(EXTENSION.as_ref());
    is_backup.then(|| Path::to_str(&path).map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link_of(arguments: &[&str]) -> Option<String> {
        link_in(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn a_backup_is_found_by_its_path_or_its_url() {
        let path = "/home/anna/of friday.beamline-backup";
        assert_eq!(link_of(&["program", path]).as_deref(), Some(path));
        let url = "file:///home/anna/of%20friday.beamline-backup";
        assert_eq!(link_of(&["program", url]).as_deref(), Some(path));
        for other in [
            "/etc/passwd",
            "file:///etc/passwd",
            "one.beamline-backup",
            "https://example.org/one.beamline-backup",
            "file://example.org/one.beamline-backup",
        ] {
            assert_eq!(link_of(&["program", other]), None, "{other}");
        }
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
