//! The application's menu, and what its entries do. What the page does is sent to the page.

use registry::access::Role;
use registry_account::Folders;
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::menu::{CheckMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu};
use tauri::{AppHandle, Manager, Wry};
use tauri_plugin_opener::OpenerExt;
use tauri_specta::Event;
use tracing::{info, warn};

use crate::settings::Settings;

/// What the page does when its entry is chosen.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MenuAction {
    NewExtension,
    Find,
    UndoLast,
    Reload,
    SampleTraffic,
    ShowHelp,
    ShowKeys,
    Extensions,
    Audit,
    Health,
    Routers,
    AsOf,
    Settings,
}

/// Tells the page that an entry of the menu was chosen.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct MenuChosen(MenuAction);

/// Tells the page that notices are held back from now on, or not any more.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct NoticesPaused(bool);

/// An entry that the page answers: its name in the menu, and its key where that is none of a text's.
struct Entry {
    action: MenuAction,
    id: &'static str,
    name: &'static str,
    /// In the words of the toolkit; `ui/src/ui/shortcutList.ts` lists the same.
    key: Option<&'static str>,
}

const fn entry(
    action: MenuAction,
    id: &'static str,
    name: &'static str,
    key: Option<&'static str>,
) -> Entry {
    Entry {
        action,
        id,
        name,
        key,
    }
}

const FILE: &[Entry] = &[
    entry(
        MenuAction::NewExtension,
        "new-extension",
        "New extension…",
        Some("CmdOrCtrl+N"),
    ),
    entry(MenuAction::Find, "find", "Find…", Some("CmdOrCtrl+K")),
    // A single letter can't be a key of the menu: it would be taken from whoever types it.
    entry(
        MenuAction::UndoLast,
        "undo-last",
        "Undo last change (z)",
        None,
    ),
    entry(MenuAction::Reload, "reload", "Reload", Some("F5")),
    entry(
        MenuAction::SampleTraffic,
        "sample-traffic",
        "Fill with sample traffic",
        None,
    ),
];

const PAGES: &[Entry] = &[
    entry(
        MenuAction::Extensions,
        "extensions",
        "Extensions",
        Some("CmdOrCtrl+1"),
    ),
    entry(MenuAction::Audit, "audit", "Audit", Some("CmdOrCtrl+2")),
    entry(MenuAction::Health, "health", "Health", Some("CmdOrCtrl+3")),
    entry(
        MenuAction::Routers,
        "routers",
        "Routers",
        Some("CmdOrCtrl+4"),
    ),
    entry(
        MenuAction::AsOf,
        "as-of",
        "Registry as of another time",
        Some("CmdOrCtrl+5"),
    ),
    entry(
        MenuAction::Settings,
        "settings",
        "Settings",
        Some("CmdOrCtrl+,"),
    ),
];

const HELP: &[Entry] = &[
    entry(MenuAction::ShowHelp, "show-help", "Documents", Some("F1")),
    entry(MenuAction::ShowKeys, "show-keys", "Keys (?)", None),
];

const OPEN_LOG: &str = "open-log";
pub(crate) const PAUSE: &str = "pause-notices";
pub(crate) const SHOW: &str = "show-window";
pub(crate) const QUIT: &str = "quit";
const QUIT_KEY: &str = "CmdOrCtrl+Q";

/// The entries that tell whether notices are held back: in the menu, and in the tray where there is one.
#[derive(Default)]
pub(crate) struct PauseEntries(std::sync::Mutex<Vec<CheckMenuItem<Wry>>>);

impl PauseEntries {
    /// An entry for one more menu.
    pub(crate) fn make(app: &AppHandle) -> tauri::Result<CheckMenuItem<Wry>> {
        let is_paused = app.state::<Settings>().are_notices_paused();
        let entry = CheckMenuItem::with_id(
            app,
            PAUSE,
            "Hold back notices",
            true,
            is_paused,
            None::<&str>,
        )?;
        app.state::<Self>().entries().push(entry.clone());
        Ok(entry)
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<CheckMenuItem<Wry>>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The entries that only some logins may use, each with its name.
#[derive(Default)]
pub(crate) struct EditingEntries(std::sync::Mutex<Vec<(MenuItem<Wry>, &'static str)>>);

/// Turns the entries that change the registry on or off. What is off says which role it needs.
pub(crate) fn allow_editing(app: &AppHandle, may_edit: bool) {
    let entries = app.state::<EditingEntries>();
    let entries = entries
        .0
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    for (entry, name) in entries.iter() {
        let words = if may_edit {
            (*name).to_owned()
        } else {
            format!("{name} (needs the role {})", Role::RegistryEditor)
        };
        let changed = entry
            .set_enabled(may_edit)
            .and_then(|()| entry.set_text(words));
        if let Err(error) = changed {
            warn!(%error, "an entry of a menu can't be changed");
        }
    }
}

/// Makes the menu of the window.
pub(crate) fn build(app: &AppHandle) -> tauri::Result<Menu<Wry>> {
    // On macOS the usual menu holds what copying and pasting need.
    let menu = if cfg!(target_os = "macos") {
        Menu::default(app)?
    } else {
        Menu::new(app)?
    };
    let registry = submenu(app, "Registry", FILE)?;
    registry.append(&PredefinedMenuItem::separator(app)?)?;
    registry.append(&PauseEntries::make(app)?)?;
    registry.append(&MenuItem::with_id(app, QUIT, "Quit", true, Some(QUIT_KEY))?)?;
    let help = submenu(app, "Help", HELP)?;
    help.append(&MenuItem::with_id(
        app,
        OPEN_LOG,
        "Open the log folder",
        true,
        None::<&str>,
    )?)?;
    menu.append_items(&[&registry, &submenu(app, "Go to", PAGES)?, &help])?;
    Ok(menu)
}

fn submenu(app: &AppHandle, name: &str, entries: &[Entry]) -> tauri::Result<Submenu<Wry>> {
    let submenu = Submenu::new(app, name, true)?;
    for Entry {
        action,
        id,
        name,
        key,
    } in entries
    {
        let item = MenuItem::with_id(app, *id, name, true, *key)?;
        submenu.append(&item)?;
        if matches!(action, MenuAction::NewExtension) {
            let entries = app.state::<EditingEntries>();
            let mut entries = entries
                .0
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            entries.push((item, *name));
        }
    }
    Ok(submenu)
}

/// Does what was chosen from the menu or the tray.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it is what the toolkit calls"
)]
pub(crate) fn choose(app: &AppHandle, event: MenuEvent) {
    match event.id().as_ref() {
        QUIT => crate::leaving::quit(app),
        SHOW => crate::show_main_window(app),
        PAUSE => set_notices_paused(app, !app.state::<Settings>().are_notices_paused()),
        OPEN_LOG => {
            let folder = app.state::<Folders>().log.display().to_string();
            if let Err(error) = app.opener().open_path(folder, None::<&str>) {
                warn!(%error, "the log folder can't be opened");
            }
        }
        id => {
            let entry = [FILE, PAGES, HELP]
                .into_iter()
                .flatten()
                .find(|entry| entry.id == id);
            if let Some(entry) = entry
                && let Err(error) = MenuChosen(entry.action).emit(app)
            {
                warn!(%error, "the window couldn't be told what was chosen");
            }
        }
    }
}

/// Holds notices back or lets them through again; kept for later starts.
pub(crate) fn set_notices_paused(app: &AppHandle, is_paused: bool) {
    if let Err(error) = app.state::<Settings>().pause_notices(is_paused) {
        warn!(%error, "that notices are held back can't be kept");
    }
    // What the settings say holds, also where they could not be changed.
    let is_paused = app.state::<Settings>().are_notices_paused();
    info!(is_paused, "notices");
    for entry in app.state::<PauseEntries>().entries().iter() {
        if let Err(error) = entry.set_checked(is_paused) {
            warn!(%error, "an entry of a menu can't be changed");
        }
    }
    if let Err(error) = NoticesPaused(is_paused).emit(app) {
        warn!(%error, "the window couldn't be told that notices are held back");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = include_str!("../../ui/src/ui/shortcutList.ts");

    /// A key in the words of the list: `["Ctrl", "N"]`.
    fn listed(key: &str) -> String {
        let parts: Vec<String> = key
            .replace("CmdOrCtrl", "Ctrl")
            .split('+')
            .map(|part| format!("{part:?}"))
            .collect();
        format!("keys: [{}]", parts.join(", "))
    }

    #[test]
    fn every_key_of_the_menu_is_in_the_list_of_keys() {
        let keys = [FILE, PAGES, HELP].into_iter().flatten();
        for key in keys.filter_map(|entry| entry.key).chain([QUIT_KEY]) {
            assert!(LISTED.contains(&listed(key)), "{key}");
        }
    }

    #[test]
    fn no_two_entries_have_the_same_key_or_id() {
        let entries: Vec<&Entry> = [FILE, PAGES, HELP].into_iter().flatten().collect();
        for (place, one) in entries.iter().enumerate() {
            for other in &entries[place + 1..] {
                assert!(one.id != other.id && (one.key.is_none() || one.key != other.key));
            }
        }
    }
}
