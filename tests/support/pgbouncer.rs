//! A real `PgBouncer` before a server.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use registry::connection::Pooling;

use crate::bundle::repository;
use crate::cluster::{account, give_away};
use crate::desktop::{Service, free_ports};
use crate::folder::TestFolder;

/// A running `PgBouncer`, reached by TCP and by a socket.
pub struct PgBouncer {
    /// Where it listens on 127.0.0.1; its socket has the same number.
    pub port: u16,
    folder: TestFolder,
    _service: Service,
}

impl PgBouncer {
    /// Starts one before the server of this host (or folder of a socket) and port. It learns the passwords of logins
    /// from the server, as the superuser of this name and password.
    pub fn before(
        host: &str,
        server_port: u16,
        pooling: Pooling,
        (superuser, password): (&str, &str),
        sessions_max: u32,
    ) -> Self {
        let folder = TestFolder::new();
        give_away(folder.path());
        let port = free_ports()[0];
        let mode = if pooling == Pooling::Transaction {
            "transaction"
        } else {
            "session"
        };
        let path = folder.path().display();
        let file = |name: &str, text: String| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).expect("the folder is ours");
            give_away(&file);
            file
        };
        file("users", format!("\"{superuser}\" \"{password}\"\n"));
        let settings = file(
            "settings",
            format!(
                "[databases]\n* = host={host} port={server_port}\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
                 listen_port = {port}\nunix_socket_dir = {path}\nauth_type = scram-sha-256\nauth_file = {path}/users\n\
                 auth_user = {superuser}\npool_mode = {mode}\ndefault_pool_size = {sessions_max}\n\
                 max_client_conn = 1000\nignore_startup_parameters = extra_float_digits\nserver_tls_sslmode = disable\nserver_idle_timeout = 1\n\
                 logfile = {path}/log\n"
            ),
        );
        let (program, libraries) = program();
        let mut command = Command::new(program);
        command
            .arg(settings)
            .env("LD_LIBRARY_PATH", libraries)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(user) = account() {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let service = Service::start(command);
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                Instant::now() < deadline,
                "PgBouncer listens: {}",
                std::fs::read_to_string(folder.path().join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            port,
            folder,
            _service: service,
        }
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The program, and where its libraries are; `scripts/prerequisites.sh test` unpacks it.
fn program() -> (PathBuf, String) {
    let unpacked = repository().join("target/tools/pgbouncer");
    let program = unpacked.join("usr/sbin/pgbouncer");
    if !program.is_file() {
        return ("/usr/sbin/pgbouncer".into(), String::new());
    }
    let libraries: Vec<String> = std::fs::read_dir(unpacked.join("usr/lib"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.path().display().to_string())
        .collect();
    // An account without a right on the repository's folder runs it: where it lies in the way, a copy does.
    if account().is_none() {
        return (program, libraries.join(":"));
    }
    (reachable(&unpacked), "/tmp/registry-pgbouncer".into())
}

/// Copies the program and its libraries to where every account can run them.
fn reachable(unpacked: &Path) -> PathBuf {
    let folder = PathBuf::from("/tmp/registry-pgbouncer");
    let unfinished = PathBuf::from(format!("/tmp/registry-pgbouncer-{}", std::process::id()));
    if !folder.is_dir() {
        std::fs::create_dir_all(&unfinished).expect("a folder");
        let mut found = vec![unpacked.to_owned()];
        while let Some(path) = found.pop() {
            if path.is_dir() {
                found.extend(
                    std::fs::read_dir(path)
                        .expect("a folder")
                        .flatten()
                        .map(|entry| entry.path()),
                );
            } else if let Some(name) = path.file_name().and_then(|name| name.to_str())
                && (name == "pgbouncer"
                    && path.parent().is_some_and(|parent| parent.ends_with("sbin"))
                    || name.contains(".so"))
            {
                std::fs::copy(&path, unfinished.join(name)).expect("a copy");
            }
        }
        // Another test program may have been quicker.
        if std::fs::rename(&unfinished, &folder).is_err() {
            let _ = std::fs::remove_dir_all(&unfinished);
        }
    }
    folder.join("pgbouncer")
}
