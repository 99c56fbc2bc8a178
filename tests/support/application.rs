//! The application in its window, and what a person sees and does in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bundle::{built_program, repository};
use crate::folder::TestFolder;
use fantoccini::actions::{
    InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction,
};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use crate::desktop::{Desktop, Driver, ScreenSize, ask_windows_to_close};

/// How long anything in the window may take to appear; starts on a loaded machine are the longest.
const PATIENCE: Duration = Duration::from_secs(30);

/// A person's account on a desktop: folders, and the application started any number of times.
pub struct Account {
    /// Where its programs appear.
    pub desktop: Desktop,
    /// Where the application keeps its database.
    pub data_directory: PathBuf,
    /// The application.
    program: PathBuf,
    home: TestFolder,
}

impl Default for Account {
    fn default() -> Self {
        Self::new()
    }
}

impl Account {
    /// An account with folders and a desktop of its own.
    pub fn new() -> Self {
        Self::with_environment(&[])
    }

    /// An account with further variables in its environment.
    pub fn with_environment(variables: &[(&'static str, String)]) -> Self {
        Self::with_screen(ScreenSize::SMALL, variables)
    }

    /// An account at a screen of this size.
    pub fn with_screen(screen: ScreenSize, variables: &[(&'static str, String)]) -> Self {
        let home = TestFolder::new();
        let data_directory = home.path().join("data");
        let in_home = |name: &str| home.path().join(name).display().to_string();
        let mut environment = vec![
            ("HOME", in_home("home")),
            ("XDG_DATA_HOME", in_home("share")),
            ("XDG_CONFIG_HOME", in_home("config")),
            ("XDG_STATE_HOME", in_home("state")),
            ("XDG_CACHE_HOME", in_home("cache")),
            (
                "BEAMLINE_REGISTRY_DATA_DIR",
                data_directory.display().to_string(),
            ),
        ];
        environment.retain(|(name, _)| variables.iter().all(|(other, _)| other != name));
        environment.extend_from_slice(variables);
        let data_directory = environment
            .iter()
            .find(|(name, _)| *name == "BEAMLINE_REGISTRY_DATA_DIR")
            .map(|(_, value)| value.into())
            .expect("the data directory is named");
        Self {
            desktop: Desktop::start(screen, &environment),
            data_directory,
            program: built_program("beamline-registry"),
            home,
        }
    }

    /// An account whose application is this program, in place of the one that is built here.
    pub fn with_program(program: PathBuf) -> Self {
        let home = TestFolder::new();
        Self {
            desktop: Desktop::start(ScreenSize::SMALL, &[]),
            data_directory: home.path().join("data"),
            program,
            home,
        }
    }

    /// Starts the application.
    pub async fn start(&self) -> Window {
        let capabilities = json!({ "tauri:options": { "application": self.program } });
        let driver = Driver::start(&self.desktop);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().expect("an object").clone())
            .connect(&driver.url)
            .await
            .expect("the application starts");
        Window {
            client,
            _driver: driver,
        }
    }

    /// A command for one more start of the application on the same desktop.
    pub fn further_start(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(
            self.desktop
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        command
    }

    /// The process of the running application.
    pub fn process_id(&self) -> u32 {
        let marker = format!("DISPLAY={}\0", self.desktop.display);
        std::fs::read_dir("/proc")
            .expect("/proc is mounted")
            .find_map(|entry| {
                let entry = entry.ok()?;
                let process_id = entry.file_name().to_str()?.parse().ok()?;
                let executable = std::fs::read_link(entry.path().join("exe")).ok()?;
                let is_program = executable.file_name()? == "beamline-registry";
                let environment = std::fs::read(entry.path().join("environ")).ok()?;
                let is_ours = environment
                    .windows(marker.len())
                    .any(|part| part == marker.as_bytes());
                (is_program && is_ours).then_some(process_id)
            })
            .expect("the application runs")
    }

    /// What the application logged to its file.
    pub fn log(&self) -> String {
        let folder = self.home.path().join("state/dev.beamline.registry/logs");
        std::fs::read_dir(folder)
            .expect("the log's folder exists")
            .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("text"))
            .collect()
    }

    /// The files of the account, its data among them, that hold this text.
    pub fn files_with(&self, text: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.home.path().to_owned()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let kind = entry.file_type().expect("its kind");
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    count += 1;
                    let bytes = std::fs::read(entry.path()).expect("its content");
                    if bytes
                        .windows(text.len())
                        .any(|part| part == text.as_bytes())
                    {
                        found.push(entry.path());
                    }
                }
            }
        }
        assert!(count > 10, "the account has files");
        found
    }

    /// What is in a file that the application keeps from one start to the next.
    pub fn state_file(&self, name: &str) -> String {
        let folder = self.home.path().join("state/dev.beamline.registry");
        std::fs::read_to_string(folder.join(name)).expect("the file exists")
    }

    /// What the server logged.
    pub fn server_log(&self) -> String {
        std::fs::read_to_string(self.data_directory.join("postgresql/server.log"))
            .expect("the server's log exists")
    }
}

/// The character by which WebDriver knows a key.
fn key_value(key: &str) -> char {
    match key {
        "Control" => Key::Control.into(),
        "Shift" => Key::Shift.into(),
        "Enter" => Key::Enter.into(),
        "Escape" => Key::Escape.into(),
        "Tab" => Key::Tab.into(),
        "Space" => ' ',
        "ArrowDown" => Key::Down.into(),
        "ArrowLeft" => Key::Left.into(),
        "ArrowRight" => Key::Right.into(),
        "Home" => Key::Home.into(),
        "End" => Key::End.into(),
        "Delete" => Key::Delete.into(),
        character => character.chars().next().expect("a key"),
    }
}

/// The open window.
pub struct Window {
    /// The WebDriver session.
    pub client: Client,
    _driver: Driver,
}

impl Window {
    /// Waits for the first element that matches and returns it.
    pub async fn see(&self, xpath: &str) -> Element {
        match self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::XPath(xpath))
            .await
        {
            Ok(element) => element,
            Err(error) => {
                self.picture("failed").await;
                let text = self.run("return document.body.innerText").await;
                panic!("{xpath} isn't there ({error}); the window shows:\n{text}");
            }
        }
    }

    /// Waits until nothing matches.
    pub async fn see_gone(&self, xpath: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.count(xpath).await > 0 {
            if Instant::now() > deadline {
                self.picture("failed").await;
                panic!("{xpath} is still there");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many elements match.
    pub async fn count(&self, xpath: &str) -> usize {
        // What is drawn anew while it is looked for makes the driver fail: then it is looked for again.
        for _ in 0..20 {
            if let Ok(found) = self.client.find_all(Locator::XPath(xpath)).await {
                return found.len();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{xpath} could not be looked for");
    }

    /// Everything that the window shows, as text.
    pub async fn see_text(&self) -> String {
        self.text("//body").await
    }

    /// The text of an element. WebKitGTK's driver leaves out the text of some buttons, so this asks the
    /// page itself.
    pub async fn text(&self, xpath: &str) -> String {
        let element = self.see(xpath).await;
        element
            .prop("textContent")
            .await
            .expect("a property")
            .expect("its text")
    }

    /// Clicks an element as soon as nothing that moves is over it.
    pub async fn click(&self, xpath: &str) {
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = self.see(xpath).await.click().await {
            assert!(
                Instant::now() < deadline,
                "{xpath} can't be clicked ({error})"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks an element that slides in once it rests: a click goes to a place, which what moves has left by then.
    pub async fn click_at_rest(&self, xpath: &str) {
        let script = "return JSON.stringify(arguments[0].getBoundingClientRect())";
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        loop {
            let element = serde_json::to_value(self.see(xpath).await).expect("a reference");
            let place = self.client.execute(script, vec![element]).await.ok();
            if (place.is_some() && place == last) || Instant::now() > deadline {
                return self.click(xpath).await;
            }
            last = place;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Writes into a field in place of what is there.
    pub async fn write(&self, xpath: &str, text: &str) {
        // Keys one after the other would fight with what fields do while somebody types.
        let element = self.see(xpath).await;
        let script = "const [field, text] = arguments;
            const prototype = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
            Object.getOwnPropertyDescriptor(prototype.prototype, 'value').set.call(field, text);
            field.dispatchEvent(new Event('input', { bubbles: true }));";
        let field = serde_json::to_value(element).expect("a reference to the element");
        self.client
            .execute(script, vec![field, text.into()])
            .await
            .expect("the field takes it");
    }

    /// Presses keys together, the first ones held, as `["Control", "k"]`.
    pub async fn press(&self, keys: &[&str]) {
        let values: Vec<char> = keys.iter().map(|key| key_value(key)).collect();
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in &values {
            actions = actions.then(KeyAction::Down { value: *value });
        }
        for value in values.iter().rev() {
            actions = actions.then(KeyAction::Up { value: *value });
        }
        self.client
            .perform_actions(actions)
            .await
            .expect("the keys are pressed");
    }

    /// Waits until the focus is in an element: a dialog takes it when it has opened.
    pub async fn see_focus_in(&self, xpath: &str) {
        let script = "const [xpath] = arguments;
            const place = document.evaluate(xpath, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE).singleNodeValue;
            return place !== null && place.contains(document.activeElement);";
        let deadline = Instant::now() + PATIENCE;
        loop {
            let is_there = self.client.execute(script, vec![xpath.into()]).await;
            if is_there.expect("the script runs") == json!(true) {
                return;
            }
            assert!(Instant::now() < deadline, "the focus is not in {xpath}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Types a text, key by key, into whatever has the focus.
    pub async fn type_text(&self, text: &str) {
        for character in text.chars() {
            self.press(&[&character.to_string()]).await;
        }
    }

    /// Goes to an address, such as `/audit?actor=editor`, as a step through the window's history does.
    pub async fn go(&self, address: &str) {
        let script = "history.pushState({}, '', arguments[0]);
            dispatchEvent(new PopStateEvent('popstate', { state: {} }));";
        self.client
            .execute(script, vec![address.into()])
            .await
            .expect("the script runs");
    }

    /// Goes to a page by the navigation.
    pub async fn open_page(&self, name: &str) {
        self.click(&format!("//nav//a[contains(., '{name}')]"))
            .await;
        self.see(&format!("//h1[contains(., '{name}')]")).await;
    }

    /// Waits until the extension's switch and its word for the state say so.
    pub async fn see_state(&self, id: &str, word: &str) {
        let checked = word == "On";
        self.see(&format!(
            "//tr[@data-extension-id='{id}' and .//*[@role='switch' and (@aria-checked='{checked}' \
             or self::input)] and .//td[contains(., '{word}')] and not(@aria-busy='true')]"
        ))
        .await;
    }

    /// Clicks an extension's switch in the list.
    pub async fn click_switch(&self, id: &str) {
        self.click(&format!(
            "//tr[@data-extension-id='{id}']//*[@role='switch']"
        ))
        .await;
    }

    /// Chooses the light or the dark colours on the settings page.
    pub async fn choose_colours(&self, scheme: &str) {
        self.open_page("Settings").await;
        self.click(&format!("//label[normalize-space()='{scheme}']"))
            .await;
        let attribute = scheme.to_lowercase();
        self.see(&format!("//html[@data-mantine-color-scheme='{attribute}']"))
            .await;
    }

    /// Moves the pointer over an element.
    pub async fn hover(&self, xpath: &str) {
        let deadline = Instant::now() + PATIENCE;
        // What loads above it may push it out of sight again.
        while let Err(error) = self.move_over(xpath).await {
            assert!(
                Instant::now() < deadline,
                "the pointer can't move over {xpath} ({error})"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn move_over(&self, xpath: &str) -> Result<(), fantoccini::error::CmdError> {
        let element = self.see(xpath).await;
        let place = serde_json::to_value(&element).expect("a reference to the element");
        self.client
            .execute(
                "arguments[0].scrollIntoView({ block: 'nearest' })",
                vec![place],
            )
            .await?;
        // From somewhere else: a pointer that is there already tells nobody that it came.
        let away = MouseActions::new("mouse".into()).then(PointerAction::MoveTo {
            duration: None,
            x: 1.0,
            y: 1.0,
        });
        let over = away.then(PointerAction::MoveToElement {
            element,
            duration: None,
            x: 0.0,
            y: 0.0,
        });
        self.client.perform_actions(over).await
    }

    /// Presses the pointer's button on an element and lets go of it elsewhere on it; places are shares of its width.
    pub async fn drag(&self, xpath: &str, from: f64, to: f64) {
        self.drag_over(xpath, from, to).await;
        self.release_pointer().await;
    }

    /// Presses the pointer's button over one part of an element's width, 0 to 1, and moves it to another; the
    /// button stays down.
    pub async fn drag_over(&self, xpath: &str, from: f64, to: f64) {
        let element = self.see(xpath).await;
        let (_, _, width, _) = element.rectangle().await.expect("its place");
        let at = |part: f64| PointerAction::MoveToElement {
            element: element.clone(),
            duration: Some(Duration::from_millis(40)),
            // From its middle.
            x: (width * (part - 0.5)).round(),
            y: 0.0,
        };
        let drag = MouseActions::new("mouse".into())
            .then(at(from))
            .then(PointerAction::Down {
                button: MOUSE_BUTTON_LEFT,
            })
            .then(at(f64::midpoint(from, to)))
            .then(at(to));
        self.client
            .perform_actions(drag)
            .await
            .expect("the pointer moves");
    }

    /// Lets the pointer's button go.
    pub async fn release_pointer(&self) {
        let up = MouseActions::new("mouse".into()).then(PointerAction::Up {
            button: MOUSE_BUTTON_LEFT,
        });
        self.client
            .perform_actions(up)
            .await
            .expect("the button goes up");
    }

    /// Runs script in the page, as a person with developer tools could.
    pub async fn run(&self, script: &str) -> serde_json::Value {
        self.client
            .execute(script, Vec::new())
            .await
            .expect("the script runs")
    }

    /// Waits until nothing moves any more: transitions, and what comes and goes. What moves for ever, such as the sign
    /// of a wait, is not waited for.
    pub async fn see_settled(&self) {
        // Two frames later what was asked for is on the screen.
        let script = "const [done] = arguments;
            const frame = () => new Promise((next) => {
                requestAnimationFrame(next);
                // A window that nothing is drawn in has no frames.
                setTimeout(next, 500);
            });
            frame().then(frame).then(() => done(document.getAnimations()
                .filter((animation) => animation.playState === 'running'
                    && animation.effect?.getComputedTiming().iterations !== Infinity)
                .map(({ animationName, transitionProperty, effect }) =>
                    `${animationName ?? transitionProperty} of ${effect.target?.className}`)));";
        let deadline = Instant::now() + PATIENCE;
        loop {
            let moving = self
                .client
                .execute_async(script, Vec::new())
                .await
                .expect("the script runs");
            if moving == json!([]) {
                return;
            }
            assert!(Instant::now() < deadline, "this still moves: {moving}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the window has this width: it fills the screen only once the desktop has made it do so.
    pub async fn fill(&self, screen: ScreenSize) {
        self.client
            .set_window_rect(0, 0, screen.width, screen.height)
            .await
            .expect("the window takes the size");
        let deadline = Instant::now() + PATIENCE;
        while self.run("return innerWidth").await != json!(screen.width) {
            assert!(Instant::now() < deadline, "the window fills the screen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Saves a picture of the page as `target/pictures/NAME.png`.
    pub async fn picture(&self, name: &str) {
        self.see_settled().await;
        let folder = repository().join("target/pictures");
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        // A window that is drawn in memory answers with its next frame, and one in which nothing changes has none.
        self.run(
            "const dot = document.createElement('i');
             dot.style.cssText = 'position: fixed; right: 0; bottom: 0; width: 1px; height: 1px; pointer-events: none';
             document.body.append(dot);
             let count = 0;
             const frames = setInterval(() => {
                 count += 1;
                 dot.style.background = `rgb(128 128 128 / ${1 + (count % 2)}%)`;
             }, 20);
             setTimeout(() => { clearInterval(frames); dot.remove(); }, 2000);",
        )
        .await;
        let picture = self.client.screenshot().await.expect("a picture");
        std::fs::write(folder.join(format!("{name}.png")), picture).expect("the picture is saved");
    }

    /// Closes the window as a person does, and waits until its server is gone.
    pub async fn close(self, account: &Account) {
        let process_id = account.process_id();
        let began_at = Instant::now();
        let mut asked_at = None::<Instant>;
        while Path::new(&format!("/proc/{process_id}")).exists() {
            assert!(
                began_at.elapsed() < PATIENCE,
                "the application ends with its window"
            );
            // GTK drops a request that comes while a click is still being worked on, as the driver's
            // clicks may be: a person would click the cross again.
            if asked_at.is_none_or(|asked_at| asked_at.elapsed() > Duration::from_secs(1)) {
                ask_windows_to_close(&account.desktop.display);
                asked_at = Some(Instant::now());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
