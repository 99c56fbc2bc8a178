//! PostgreSQL servers that listen on TCP, with passwords, certificates and standbys: the distribution's programs, run
//! as an account that PostgreSQL takes.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User, chown};
use registry::connection::{Pooling, RemoteDatabase, ServerAddress, Servers, TlsMode, TlsSettings};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::bundle::installed_server;
use crate::database::{execute, rows};
use crate::desktop::free_ports;
use crate::folder::TestFolder;
use crate::process::{descendants, spawn};

/// The superuser's password, which is planted: no output may hold it.
pub const SECRET: &str = "planted-secret-7f3a";

/// A server of one's own.
pub struct Cluster {
    folder: TestFolder,
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    settings: Vec<String>,
    server: Option<Child>,
    /// Says how far its clock is off, where it can jump.
    clock: Option<PathBuf>,
}

impl Cluster {
    /// Makes a server with these settings (`name=value`) and an empty database `registry`, and starts it.
    pub async fn start(settings: &[&str]) -> Self {
        Self::make(Self::prepare(settings)).await
    }

    /// The same with a clock that [`Self::jump`]s. Waiting is not affected: that goes by a clock that only counts.
    pub async fn with_a_clock_that_jumps() -> Self {
        let mut cluster = Self::prepare(&[]);
        let clock = cluster.folder.path().join("clock");
        std::fs::write(&clock, "+0").expect("the folder is ours");
        cluster.clock = Some(clock);
        Self::make(cluster).await
    }

    /// Puts its clock so far from the right time.
    ///
    /// # Panics
    /// If it has none that jumps.
    pub fn jump(&self, seconds: i64) {
        let clock = self.clock.as_ref().expect("a clock that jumps");
        // At once, so that nobody reads half of it.
        let next = clock.with_extension("next");
        std::fs::write(&next, format!("{seconds:+}")).expect("the folder is ours");
        give_away(&next);
        std::fs::rename(&next, clock).expect("the folder is ours");
    }

    async fn make(cluster: Self) -> Self {
        let password_file = cluster.folder.path().join("password");
        std::fs::write(&password_file, SECRET).expect("the folder is ours");
        give_away(&password_file);
        cluster.run(
            "initdb",
            &[
                "--pgdata",
                &cluster.data(),
                "--username=postgres",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--pwfile",
                password_file.to_str().expect("a plain path"),
            ],
        );
        let rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n\
                     host replication all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(Path::new(&cluster.data()).join("pg_hba.conf"), rules).expect("a file");
        let mut cluster = cluster;
        cluster.resume().await;
        execute(
            &cluster.superuser().database("postgres"),
            "CREATE DATABASE registry",
        )
        .await
        .expect("the database is made");
        cluster
    }

    /// Makes a standby of `primary` and starts it; `name` is what it calls itself there.
    pub async fn standby_of(primary: &Self, name: &str) -> Self {
        let mut cluster = Self::prepare(&[]);
        let connection = format!(
            "host=127.0.0.1 port={} user=postgres password={SECRET} application_name={name}",
            primary.port
        );
        cluster.run(
            "pg_basebackup",
            &[
                "--pgdata",
                &cluster.data(),
                "--write-recovery-conf",
                "--wal-method=stream",
                "--checkpoint=fast",
                "--no-sync",
                "--dbname",
                &connection,
            ],
        );
        cluster.settings = primary.settings.clone();
        cluster.resume().await;
        cluster
    }

    fn prepare(settings: &[&str]) -> Self {
        let folder = TestFolder::new();
        give_away(folder.path());
        Self {
            port: free_ports()[0],
            folder,
            settings: settings.iter().map(ToString::to_string).collect(),
            server: None,
            clock: None,
        }
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Where files for it can lie.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = command(program, self.folder.path())
            .args(arguments)
            .output()
            .expect("the programs are installed");
        assert!(
            output.status.success(),
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Starts it, and waits until it answers.
    pub async fn resume(&mut self) {
        let mut command = command("postgres", self.folder.path());
        command
            .args(["-D", &self.data(), "-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            .arg("-c")
            .arg(format!(
                "unix_socket_directories={}",
                self.folder.path().display()
            ));
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        if let Some(clock) = &self.clock {
            command
                .env("LD_PRELOAD", faketime())
                .env("FAKETIME_TIMESTAMP_FILE", clock)
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("FAKETIME_DISABLE_SHM", "1");
        }
        let log = std::fs::File::create(self.folder.path().join("server.log")).expect("a log");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        // Its immediate shutdown, as after a crash.
        self.server = Some(spawn(command, Signal::SIGQUIT).expect("the server starts"));
        let deadline = Instant::now() + Duration::from_mins(1);
        let options = self.superuser().database("postgres");
        while let Err(error) = options.connect().await {
            assert!(
                Instant::now() < deadline,
                "{error}: {}",
                std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it and all its processes as a power failure would.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        if let Some(mut server) = self.server.take() {
            server.wait().expect("our child");
        }
    }

    /// Stops all its processes without ending them: connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on after [`Self::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Kills the processes of these sessions, as running out of memory would; it ends all others then, and recovers.
    pub async fn kill_backends(&self, of_logins: &[&str]) -> usize {
        let sessions = format!(
            "SELECT pid::text FROM pg_stat_activity WHERE usename = ANY ('{{{}}}')",
            of_logins.join(",")
        );
        let sessions = rows(&self.superuser(), &sessions).await;
        for session in sessions.iter().flatten().flatten() {
            let process = Pid::from_raw(session.parse().expect("a process id"));
            // It may have ended by itself.
            let _ = kill(process, Signal::SIGKILL);
        }
        sessions.len()
    }

    fn signal(&self, signal: Signal) {
        let Some(server) = &self.server else { return };
        let postmaster = Pid::from_raw(server.id().try_into().expect("a process id"));
        for process in std::iter::once(postmaster).chain(descendants(postmaster)) {
            // A backend may have ended by itself.
            let _ = kill(process, signal);
        }
    }

    /// Makes the primary of a standby.
    pub fn promote(&self) {
        self.run("pg_ctl", &["promote", "--pgdata", &self.data(), "--wait"]);
    }

    /// How the superuser logs in.
    pub fn superuser(&self) -> PgConnectOptions {
        superuser_at(self.port)
    }

    /// Makes the registry and a login `console` of the secret's password, an editor.
    pub async fn make_registry(&self) {
        make_registry(&self.superuser()).await;
    }

    /// Makes a login of the secret's password, a member of this role if it names one.
    pub async fn make_login(&self, name: &str, role: &str) {
        make_login(&self.superuser(), name, role).await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How the superuser logs in to the server on this port.
pub fn superuser_at(port: u16) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username("postgres")
        .password(SECRET)
        .database("registry")
        .ssl_mode(PgSslMode::Prefer)
}

/// Makes the registry and a login `console` of the secret's password, an editor.
pub(crate) async fn make_registry(superuser: &PgConnectOptions) {
    registry::migrations::migrate(superuser)
        .await
        .expect("migrate");
    make_login(superuser, "console", "registry_editor").await;
}

async fn make_login(superuser: &PgConnectOptions, name: &str, role: &str) {
    let membership = if role.is_empty() {
        String::new()
    } else {
        format!("; GRANT {role} TO {name}")
    };
    let statements = format!("CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'{membership}");
    // The statement holds the password: the log is searched for it.
    execute(&superuser.clone().disable_statement_logging(), &statements)
        .await
        .expect("the login is made");
}

/// The servers of a profile: the login `console` on these ports of this machine.
pub fn remote(ports: &[u16]) -> RemoteDatabase {
    RemoteDatabase {
        servers: ports
            .iter()
            .map(|port| ServerAddress::new("127.0.0.1", *port))
            .collect(),
        database: "registry".into(),
        user: "console".into(),
        tls: TlsSettings {
            mode: Some(TlsMode::Disable),
            ..TlsSettings::default()
        },
        application_name: None,
        is_read_only: false,
        prefers_standby: false,
        pooling: Pooling::Direct,
    }
}

/// The servers with the password.
pub fn servers(database: &RemoteDatabase) -> Servers {
    Servers::new(database, Some(SECRET.into())).expect("a good profile")
}

/// The account that PostgreSQL runs as: it refuses root.
pub(crate) fn account() -> Option<User> {
    if !Uid::effective().is_root() {
        return None;
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
}

/// Hands a file or a folder to that account.
pub fn give_away(path: &Path) {
    if let Some(user) = account() {
        chown(path, Some(user.uid), Some(user.gid)).expect("root may");
    }
}

/// What makes clocks jump (libfaketime).
fn faketime() -> PathBuf {
    let libraries = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    libraries
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|library| library.is_file())
        .expect("libfaketime is installed: run `make test`")
}

/// A program of PostgreSQL's, as that account.
fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(installed_server().join(program));
    command.current_dir(folder).env("LC_ALL", "C");
    if let Some(user) = account() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}
