//! The icon in the tray, on a desktop that has one: a host of the protocol that KDE and others speak
//! (`StatusNotifierItem`, with its menu over `com.canonical.dbusmenu`).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::message::Header;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, Proxy, connection, interface};

use system_tests::application::Account;
use system_tests::database::execute;
use system_tests::servers::superuser_of;

/// How long the tray may take to tell what has changed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the icons of a desktop's programs register.
struct Watcher {
    registered: UnboundedSender<(String, String)>,
}

#[allow(clippy::unused_self, reason = "properties of an object on the bus")]
#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    /// A program names the object of its icon, or its bus name for the usual object.
    #[allow(clippy::unused_async, reason = "the bus's methods are asynchronous")]
    async fn register_status_notifier_item(
        &self,
        service: &str,
        #[zbus(header)] header: Header<'_>,
    ) {
        let sender = header.sender().expect("a call has a sender").to_string();
        let item = if service.starts_with('/') {
            (sender, service.to_owned())
        } else {
            (service.to_owned(), "/StatusNotifierItem".to_owned())
        };
        let _ = self.registered.send(item);
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }
}

/// An entry of the icon's menu.
#[derive(Clone, Debug)]
struct Entry {
    id: i32,
    label: String,
    is_enabled: bool,
    is_checked: bool,
}

struct Tray {
    bus: Connection,
    registered: UnboundedReceiver<(String, String)>,
}

impl Tray {
    /// A host on the desktop's bus, there before any program starts.
    async fn on_desktop_of(account: &Account) -> Self {
        let (_, address) = account
            .desktop
            .environment
            .iter()
            .find(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS")
            .expect("the desktop has a bus");
        let (sender, registered) = unbounded_channel();
        let bus = connection::Builder::address(address.as_str())
            .unwrap()
            .name("org.kde.StatusNotifierWatcher")
            .unwrap()
            .serve_at("/StatusNotifierWatcher", Watcher { registered: sender })
            .unwrap()
            .build()
            .await
            .expect("the bus lets us host the tray");
        Self { bus, registered }
    }

    /// The menu of the icon that registers next.
    async fn next_menu(&mut self) -> TrayMenu {
        let (name, path) = tokio::time::timeout(PATIENCE, self.registered.recv())
            .await
            .expect("the program shows its icon")
            .expect("the watcher is there");
        let item = Proxy::new(&self.bus, name.clone(), path, "org.kde.StatusNotifierItem")
            .await
            .unwrap();
        let menu: zbus::zvariant::OwnedObjectPath = item.get_property("Menu").await.unwrap();
        TrayMenu {
            proxy: Proxy::new(&self.bus, name, menu, "com.canonical.dbusmenu")
                .await
                .unwrap(),
        }
    }
}

struct TrayMenu {
    proxy: Proxy<'static>,
}

/// What the protocol answers: an entry's number, its properties, its children.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl TrayMenu {
    async fn entries(&self) -> Vec<Entry> {
        let (_, (_, _, children)): (u32, Layout) = self
            .proxy
            .call("GetLayout", &(0_i32, -1_i32, Vec::<&str>::new()))
            .await
            .expect("the menu tells its entries");
        children
            .into_iter()
            .map(|child| {
                let (id, properties, _) = Layout::try_from(child).expect("an entry");
                let text = |name: &str| match properties.get(name).map(|value| &**value) {
                    Some(Value::Str(text)) => text.to_string(),
                    _ => String::new(),
                };
                Entry {
                    id,
                    label: text("label").replace('_', ""),
                    is_enabled: !matches!(
                        properties.get("enabled").map(|value| &**value),
                        Some(Value::Bool(false))
                    ),
                    is_checked: matches!(
                        properties.get("toggle-state").map(|value| &**value),
                        Some(Value::I32(1))
                    ),
                }
            })
            .collect()
    }

    /// Waits for an entry that is as it should be.
    async fn see(&self, words: &str, is_right: impl Fn(&Entry) -> bool) -> Entry {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let entries = self.entries().await;
            if let Some(entry) = entries.iter().find(|entry| is_right(entry)) {
                return entry.clone();
            }
            assert!(Instant::now() < deadline, "{words}: {entries:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn click(&self, label: &str) {
        let entry = self.see(label, |entry| entry.label == label).await;
        self.proxy
            .call::<_, _, ()>("Event", &(entry.id, "clicked", Value::from(0_i32), 0_u32))
            .await
            .expect("the entry takes the click");
    }
}

#[tokio::test]
async fn the_tray_tells_the_state_holds_notices_back_and_quits() {
    let account = Account::new();
    let mut tray = Tray::on_desktop_of(&account).await;
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    let menu = tray.next_menu().await;
    let state = menu
        .see("the state", |entry| entry.label == "Fresh, revision 0")
        .await;
    assert!(!state.is_enabled, "it tells and does nothing");

    execute(
        &superuser_of(&account.data_directory),
        "UPDATE extensions SET retry = 6 WHERE id = 'pii_guard'",
    )
    .await
    .unwrap();
    menu.see("the new revision", |entry| {
        entry.label == "Fresh, revision 1"
    })
    .await;

    menu.see("notices go through", |entry| {
        entry.label == "Hold back notices" && !entry.is_checked
    })
    .await;
    menu.click("Hold back notices").await;
    window
        .see("//header//button[contains(@aria-label, 'Notices are held back')]")
        .await;
    menu.see("notices are held back", |entry| {
        entry.label == "Hold back notices" && entry.is_checked
    })
    .await;

    let process_id = account.process_id();
    menu.click("Quit").await;
    let deadline = Instant::now() + PATIENCE;
    while std::path::Path::new(&format!("/proc/{process_id}")).exists() {
        assert!(Instant::now() < deadline, "the program quits");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(account.log().contains("stopped"), "in order");
}
