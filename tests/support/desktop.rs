//! A desktop for one test: a screen (Xvfb), a session bus and a WebDriver server (tauri-driver).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bundle::repository;
use crate::process::spawn;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt, EventMask};

/// A child that is ended, with its whole process group, when the value is dropped, and by itself when this program is killed.
pub struct Service(Child);

impl Service {
    /// Starts it in a process group of its own. It ends when this program is killed as well.
    pub fn start(mut command: Command) -> Self {
        let program = command.get_program().to_owned();
        command.process_group(0);
        Self(spawn(command, Signal::SIGTERM).unwrap_or_else(|error| {
            panic!("{} starts ({error}): run `make test`", program.display())
        }))
    }

    /// Its process.
    pub fn process_id(&self) -> Pid {
        Pid::from_raw(self.0.id().try_into().expect("a process id"))
    }

    fn output(&mut self) -> std::process::ChildStdout {
        self.0.stdout.take().expect("standard output is piped")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let group = self.process_id();
        // It may have ended by itself.
        let _ = killpg(group, Signal::SIGTERM);
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.0.try_wait().expect("our child").is_none() {
            if Instant::now() > deadline {
                let _ = kill(group, Signal::SIGKILL);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// How large a screen is, in pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ScreenSize {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl ScreenSize {
    /// A small notebook's.
    pub const SMALL: Self = Self {
        width: 1280,
        height: 800,
    };
    /// A desktop's.
    pub const LARGE: Self = Self {
        width: 1920,
        height: 1080,
    };
}

/// Fields are dropped in this order: the screen last.
pub struct Desktop {
    /// The screen's name, such as `:7`.
    pub display: String,
    /// What a program needs to appear on this desktop.
    pub environment: Vec<(&'static str, String)>,
    _bus: Service,
    _screen: Service,
}

impl Desktop {
    /// Starts the screen of this size and the bus; `environment` goes to the applications that run here.
    pub fn start(screen: ScreenSize, environment: &[(&'static str, String)]) -> Self {
        let ScreenSize { width, height } = screen;
        let mut screen = Command::new("Xvfb");
        screen
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                &format!("{width}x{height}x24"),
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut screen = Service::start(screen);
        let display = format!(":{}", first_line(screen.output()));

        let mut bus = Command::new("dbus-daemon");
        bus.arg("--config-file")
            .arg(repository().join("tests/support/bus.conf"))
            .args(["--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut bus = Service::start(bus);
        let bus_address = first_line(bus.output());

        let mut environment = environment.to_vec();
        environment.extend([
            ("DISPLAY", display.clone()),
            ("DBUS_SESSION_BUS_ADDRESS", bus_address),
            // No accessibility bus: it would be one more thing to start and wait for.
            ("NO_AT_BRIDGE", "1".to_owned()),
        ]);
        Self {
            display,
            environment,
            _bus: bus,
            _screen: screen,
        }
    }

    /// A command for a program on this desktop, with nothing of what the caller's environment says
    /// of the registry.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for variable in [
            "WAYLAND_DISPLAY",
            "BEAMLINE_REGISTRY_LOG",
            "BEAMLINE_REGISTRY_POSTGRESQL",
            "BEAMLINE_REGISTRY_ROLE",
            // Dates and numbers are nobody's, unless a test says whose.
            "LANG",
            "LC_ALL",
            "LC_NUMERIC",
            "LC_TIME",
        ] {
            command.env_remove(variable);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A keychain on a desktop (gnome-keyring), unlocked as at a login.
pub struct Keychain(Service);

impl Keychain {
    /// Starts it with its files in `folder`, and waits until it answers.
    pub fn start(desktop: &Desktop, folder: &Path) -> Self {
        let runtime = folder.join("runtime");
        std::fs::create_dir_all(&runtime).expect("a folder");
        let mut command = desktop.command(Path::new("gnome-keyring-daemon"));
        command
            .args(["--foreground", "--components=secrets", "--unlock"])
            .env("XDG_RUNTIME_DIR", &runtime)
            .env("XDG_DATA_HOME", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut keychain = Self(Service::start(command));
        let mut password = keychain.0.0.stdin.take().expect("standard input is piped");
        password.write_all(b"test").expect("it takes a password");
        drop(password);
        let deadline = Instant::now() + Duration::from_secs(10);
        while Self::ask(desktop, "ReadAlias", "string:default")
            .is_none_or(|answer| !answer.contains("/collection/"))
        {
            assert!(Instant::now() < deadline, "the keychain answers");
            std::thread::sleep(Duration::from_millis(50));
        }
        keychain
    }

    /// How many secrets of a service it has.
    pub fn count(&self, desktop: &Desktop, service: &str) -> usize {
        Self::ask(
            desktop,
            "SearchItems",
            &format!("dict:string:string:service,{service}"),
        )
        .expect("the keychain answers")
        .matches("object path")
        .count()
    }

    fn ask(desktop: &Desktop, method: &str, argument: &str) -> Option<String> {
        let output = desktop
            .command(Path::new("dbus-send"))
            .args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.secrets",
            ])
            .arg("/org/freedesktop/secrets")
            .arg(format!("org.freedesktop.Secret.Service.{method}"))
            .arg(argument)
            .output()
            .expect("dbus-send runs");
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A WebDriver server on a desktop. It has one session in its life: that of one start of the
/// application, which it ends with itself.
pub struct Driver {
    _service: Service,
    /// Where it listens.
    pub url: String,
}

impl Driver {
    /// Starts it on free ports and waits until it listens.
    pub fn start(desktop: &Desktop) -> Self {
        let [port, native_port] = free_ports();
        let mut command = desktop.command(&tauri_driver());
        command
            .args([
                "--port",
                &port.to_string(),
                "--native-port",
                &native_port.to_string(),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if std::env::var_os("WINDOW_TEST_OUTPUT").is_none() {
            command.stderr(Stdio::null());
        }
        let service = Service::start(command);
        wait_for_port(native_port);
        wait_for_port(port);
        Self {
            _service: service,
            url: format!("http://127.0.0.1:{port}"),
        }
    }
}

/// Asks the application's windows on a display to close, as a window manager does when a person
/// clicks the cross.
pub fn ask_windows_to_close(display: &str) {
    let (connection, screen) = x11rb::connect(Some(display)).expect("the display accepts us");
    let atom = |name: &str| {
        connection
            .intern_atom(false, name.as_bytes())
            .unwrap()
            .reply()
            .expect("an atom")
            .atom
    };
    let (protocols, delete) = (atom("WM_PROTOCOLS"), atom("WM_DELETE_WINDOW"));
    let root = connection.setup().roots[screen].root;
    let windows = connection
        .query_tree(root)
        .unwrap()
        .reply()
        .expect("the windows")
        .children;
    for window in windows {
        let property = connection
            .get_property(false, window, protocols, AtomEnum::ATOM, 0, 32)
            .unwrap()
            .reply()
            .expect("a property");
        if property
            .value32()
            .is_some_and(|mut atoms| atoms.any(|atom| atom == delete))
        {
            let message =
                ClientMessageEvent::new(32, window, protocols, [delete, CURRENT_TIME, 0, 0, 0]);
            connection
                .send_event(false, window, EventMask::NO_EVENT, message)
                .expect("it is sent");
        }
    }
    connection.flush().expect("it is sent");
}

/// The instance and the class (`WM_CLASS`) of the windows on a display that have this title: by them a desktop finds the
/// entry of its menu that a window is of.
pub fn classes_of_windows(display: &str, title: &str) -> Vec<(String, String)> {
    let (connection, screen) = x11rb::connect(Some(display)).expect("the display accepts us");
    let text_of = |window, property: AtomEnum| {
        let property = connection
            .get_property(false, window, property, AtomEnum::ANY, 0, 256)
            .unwrap()
            .reply()
            .expect("a property");
        String::from_utf8_lossy(&property.value).into_owned()
    };
    let root = connection.setup().roots[screen].root;
    let windows = connection
        .query_tree(root)
        .unwrap()
        .reply()
        .expect("the windows")
        .children;
    windows
        .into_iter()
        .filter(|window| text_of(*window, AtomEnum::WM_NAME) == title)
        .filter_map(|window| {
            // Each ends with a zero.
            let class = text_of(window, AtomEnum::WM_CLASS);
            let (instance, class) = class.trim_end_matches('\0').split_once('\0')?;
            Some((instance.to_owned(), class.to_owned()))
        })
        .collect()
}

fn tauri_driver() -> PathBuf {
    let installed = repository().join("target/tools/bin/tauri-driver");
    if installed.is_file() {
        installed
    } else {
        "tauri-driver".into()
    }
}

fn first_line(output: impl Read) -> String {
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).expect("a line");
    line.trim().to_owned()
}

/// A port that nothing listens on.
pub fn free_port() -> u16 {
    free_ports()[0]
}

pub(crate) fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("its address").port())
}

fn wait_for_port(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the WebDriver server listens");
        std::thread::sleep(Duration::from_millis(20));
    }
}
