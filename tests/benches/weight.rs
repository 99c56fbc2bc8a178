//! What the console weighs and how soon it is there, beside the smallest window of the same toolkit (`tests/bare-window`) and
//! beside pgAdmin 4: start, memory, processor time while nobody does anything, size. Prints one row of a table for each figure.
//!
//! `make bench SECTIONS=weight` builds what this needs. The programs are started in turn, again and again (`BENCH_STARTS`, 11):
//! what else the machine does meanwhile meets each of them.
#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use system_tests::bundle::repository;
use system_tests::desktop::{Desktop, ScreenSize, Service, free_port};
use system_tests::folder::TestFolder;
use system_tests::memory::{processor_time, pss_kib, pss_kib_of_postgresql};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long after its start a program's memory is looked at.
const SETTLED: Duration = Duration::from_secs(5);
/// How long a program is watched that nobody does anything with.
const IDLE: Duration = Duration::from_mins(1);

fn main() {
    let place = Place::new();
    let mut bare = Subject::new("a bare window", Place::start_bare_window);
    let mut console = Subject::new("the console", Place::start_console);
    let mut pgadmin = Subject::new("pgAdmin 4", Place::start_pgadmin);
    // These make what each keeps, and aren't counted.
    for subject in [&mut bare, &mut console, &mut pgadmin] {
        subject.run(&place);
        subject.runs.clear();
    }
    for _ in 0..starts() {
        for subject in [&mut bare, &mut console, &mut pgadmin] {
            subject.run(&place);
        }
    }

    bare.print_start("from its start to its heading painted");
    console.print_start("from its start to its table painted");
    pgadmin.print_start(
        "from its server's start to its first page answered; the browser isn't counted",
    );
    print_ratio("start: the console to a bare window", &console, &bare);
    bare.print_memory("its processes", |run| run.memory_kib);
    console.print_memory("its processes but PostgreSQL", |run| run.memory_kib);
    console.print_memory("its PostgreSQL", |run| run.postgresql_kib);
    pgadmin.print_memory("its server; the browser isn't counted", |run| {
        run.memory_kib
    });
    for subject in [&bare, &console, &pgadmin] {
        subject.print_idle(&place);
    }
    Place::print_sizes();
}

fn starts() -> usize {
    let named = env::var("BENCH_STARTS").ok();
    named.and_then(|value| value.parse().ok()).unwrap_or(11)
}

/// A program that runs, and how long it took until it was there.
struct Running {
    service: Service,
    took: Duration,
}

impl Running {
    fn process_id(&self) -> Pid {
        self.service.process_id()
    }
}

/// What one start showed.
struct Run {
    took: Duration,
    memory_kib: u64,
    postgresql_kib: u64,
}

struct Subject {
    name: &'static str,
    start: fn(&Place) -> Running,
    runs: Vec<Run>,
}

impl Subject {
    fn new(name: &'static str, start: fn(&Place) -> Running) -> Self {
        let runs = Vec::new();
        Self { name, start, runs }
    }

    fn run(&mut self, place: &Place) {
        let running = (self.start)(place);
        std::thread::sleep(SETTLED);
        self.runs.push(Run {
            took: running.took,
            memory_kib: pss_kib(running.process_id()),
            postgresql_kib: pss_kib_of_postgresql(running.process_id()),
        });
        place.end(running);
    }

    fn print_start(&self, what: &str) {
        let [median, fastest, slowest] =
            spread(self.runs.iter().map(|run| run.took.as_secs_f64() * 1e3));
        println!(
            "| start: {}, {what} | median {median:.0} ms, fastest {fastest:.0} ms, slowest {slowest:.0} ms | |",
            self.name
        );
    }

    fn print_memory(&self, what: &str, kib: impl Fn(&Run) -> u64) {
        let [median, least, most] =
            spread(self.runs.iter().map(|run| kib(run) as f64 * 1024.0 / 1e6));
        println!(
            "| memory: {}, {what} | median {median:.0} MB, least {least:.0} MB, most {most:.0} MB | |",
            self.name
        );
    }

    fn print_idle(&self, place: &Place) {
        let running = (self.start)(place);
        std::thread::sleep(2 * SETTLED);
        let (before, began_at) = (processor_time(running.process_id()), Instant::now());
        std::thread::sleep(IDLE);
        let taken = processor_time(running.process_id()).saturating_sub(before);
        let share = taken.as_secs_f64() / began_at.elapsed().as_secs_f64();
        let promise = if self.name == "the console" {
            "1 %"
        } else {
            ""
        };
        println!(
            "| idle: {}, of one processor | {:.2} % | {promise} |",
            self.name,
            share * 100.0
        );
        place.end(running);
    }
}

/// Of runs that were made one after the other.
fn print_ratio(what: &str, one: &Subject, other: &Subject) {
    let pairs = one.runs.iter().zip(&other.runs);
    let [median, least, most] =
        spread(pairs.map(|(one, other)| one.took.as_secs_f64() / other.took.as_secs_f64()));
    println!("| {what} | median {median:.2} times, least {least:.2}, most {most:.2} | 1.5 times |");
}

/// The median, the least and the most.
fn spread(figures: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    [
        figures[figures.len() / 2],
        figures[0],
        figures[figures.len() - 1],
    ]
}

/// A desktop, and folders in which the programs keep what they have.
struct Place {
    desktop: Desktop,
    folder: TestFolder,
}

impl Place {
    fn new() -> Self {
        let folder = TestFolder::new();
        let inside = |name: &str| folder.path().join(name).display().to_string();
        let environment = [
            ("HOME", inside("home")),
            ("XDG_DATA_HOME", inside("share")),
            ("XDG_CONFIG_HOME", inside("config")),
            ("XDG_STATE_HOME", inside("state")),
            ("XDG_CACHE_HOME", inside("cache")),
            ("BEAMLINE_REGISTRY_DATA_DIR", inside("data")),
            // The console decides this by itself: so that the bare window is drawn the same way.
            ("WEBKIT_DISABLE_DMABUF_RENDERER", "1".to_owned()),
        ];
        Self {
            desktop: Desktop::start(ScreenSize::SMALL, &environment),
            folder,
        }
    }

    fn start_bare_window(&self) -> Running {
        self.start_window(&program("bare-window"), "painted")
    }

    fn start_console(&self) -> Running {
        self.start_window(&program("beamline-registry"), "extensions table shown")
    }

    /// Until the program says on standard error that what it shows is painted.
    fn start_window(&self, program: &Path, word: &'static str) -> Running {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = self.desktop.command(program);
        command.stdout(Stdio::null()).stderr(writer);
        let began_at = Instant::now();
        let service = Service::start(command);
        let (shown, told) = mpsc::channel();
        std::thread::spawn(move || {
            // To its end: a program that nobody reads from would wait for that.
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                if line.contains(word) {
                    // Only the first one is waited for.
                    let _ = shown.send(Instant::now());
                }
            }
        });
        let shown_at = told
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("{} shows something", program.display()));
        Running {
            service,
            took: shown_at - began_at,
        }
    }

    /// Until its page is answered, as a browser asks for it.
    fn start_pgadmin(&self) -> Running {
        let environment = repository().join("target/tools/pgadmin");
        let port = free_port().to_string();
        let mut command = self.desktop.command(&environment.join("bin/python"));
        command
            .arg(pgadmin_package(&environment).join("pgAdmin4.py"))
            .env("PGADMIN_BENCH_DATA", self.folder.path().join("pgadmin"))
            .env("PGADMIN_BENCH_PORT", &port)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let began_at = Instant::now();
        let service = Service::start(command);
        let page = format!("http://127.0.0.1:{port}/browser/");
        loop {
            let mut ask = Command::new("curl");
            ask.args(["--silent", "--location", "--cookie", ""])
                .args(["--output", "/dev/null", "--write-out", "%{http_code}"])
                .arg(&page);
            let answer = ask.output().expect("curl runs").stdout;
            let took = began_at.elapsed();
            if answer == b"200" {
                return Running { service, took };
            }
            assert!(took < PATIENCE, "pgAdmin answers");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it, and waits for the console's server, which ends after it.
    fn end(&self, running: Running) {
        drop(running.service);
        let server = self
            .folder
            .path()
            .join("data/postgresql/cluster/data/postmaster.pid");
        let began_at = Instant::now();
        while server.exists() {
            assert!(began_at.elapsed() < PATIENCE, "the server ends");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn print_sizes() {
        let console = size(&program("beamline-registry"));
        let postgresql = size(&repository().join("target/postgresql"));
        for (what, bytes) in [
            ("a bare window", size(&program("bare-window"))),
            ("the console's program", console),
            ("the console with its PostgreSQL", console + postgresql),
            (
                "pgAdmin 4 with its libraries; Python, PostgreSQL and the browser aren't counted",
                size(&repository().join("target/tools/pgadmin")),
            ),
        ] {
            println!("| size: {what} | {:.1} MB | |", bytes as f64 / 1e6);
        }
    }
}

/// As packages have it.
fn program(name: &str) -> PathBuf {
    let bench = env::current_exe().expect("this program's path");
    let program = bench
        .ancestors()
        .nth(3)
        .expect("it lies in target/release/deps")
        .join("shipped")
        .join(name);
    assert!(
        program.is_file(),
        "{} is missing: run `make bench SECTIONS=weight`",
        program.display()
    );
    program
}

fn pgadmin_package(environment: &Path) -> PathBuf {
    fs::read_dir(environment.join("lib"))
        .expect("pgAdmin is installed")
        .flatten()
        .map(|python| python.path().join("site-packages/pgadmin4"))
        .find(|folder| folder.is_dir())
        .expect("pgAdmin is installed: run `make bench SECTIONS=weight`")
}

/// In bytes of all files.
fn size(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return 0;
    };
    if metadata.is_dir() {
        let entries = fs::read_dir(path).expect("a folder");
        entries.flatten().map(|entry| size(&entry.path())).sum()
    } else {
        metadata.len()
    }
}
