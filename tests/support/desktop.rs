//! A desktop for one test: a screen (Xvfb), a session bus and a WebDriver server (tauri-driver).

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bundle::repository;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt, EventMask};

/// A child that is ended, with its whole process group, when the value is dropped.
pub struct Service(Child);

impl Service {
    /// Starts it in a process group of its own.
    pub fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_owned();
        Self(command.process_group(0).spawn().unwrap_or_else(|error| {
            panic!("{} starts ({error}): run `make test`", program.display())
        }))
    }

    fn output(&mut self) -> std::process::ChildStdout {
        self.0.stdout.take().expect("standard output is piped")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.0.id().try_into().expect("a process id"));
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
    /// Starts the screen and the bus; `environment` goes to the applications that run here.
    pub fn start(environment: &[(&'static str, String)]) -> Self {
        let mut screen = Service::start(
            Command::new("Xvfb")
                .args([
                    "-displayfd",
                    "1",
                    "-screen",
                    "0",
                    "1280x800x24",
                    "-nolisten",
                    "tcp",
                ])
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let display = format!(":{}", first_line(screen.output()));

        let mut bus = Service::start(
            Command::new("dbus-daemon")
                .args(["--session", "--nofork", "--print-address=1"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
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
        ] {
            command.env_remove(variable);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
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
        let service = Service::start(&mut command);
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

fn free_ports() -> [u16; 2] {
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
