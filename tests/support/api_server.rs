//! The HTTP server as it is shipped, on a database of its own, and tokens to ask it with.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use registry::access::Role;
use reqwest::{Client, Method, RequestBuilder};
use sqlx::postgres::PgConnectOptions;

use crate::bundle::built_program;
use crate::database::TestDatabase;
use crate::folder::TestFolder;
use crate::process;

/// How long a server may take to finish what is under way when its test is over.
const TIME_TO_END: Duration = Duration::from_secs(5);

/// A running server; it ends with the value.
pub struct ApiServer {
    /// Where it is, such as `http://127.0.0.1:4711`.
    pub url: String,
    child: Child,
    folder: TestFolder,
    client: Client,
}

impl ApiServer {
    /// A server on the migrated database, as a login that may nothing but serve.
    pub async fn start(database: &TestDatabase) -> Self {
        Self::start_with(database, &[]).await
    }

    /// The same with further arguments.
    pub async fn start_with(database: &TestDatabase, arguments: &[&str]) -> Self {
        let login = database.login_of_member("registry_rest_server").await;
        Self::start_as(&login, arguments)
    }

    /// A server that logs in so.
    pub fn start_as(login: &PgConnectOptions, arguments: &[&str]) -> Self {
        Self::start_command(login, arguments, "warn,registry=info,registryctl=info")
    }

    /// The same with this much in its log.
    pub fn start_logging(login: &PgConnectOptions, level: &str) -> Self {
        Self::start_command(login, &[], level)
    }

    fn start_command(login: &PgConnectOptions, arguments: &[&str], level: &str) -> Self {
        let folder = TestFolder::new();
        let log = std::fs::File::create(folder.path().join("log")).expect("a log file");
        let mut command = Command::new(registryctl());
        command.arg("serve");
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command
            .args(arguments)
            .env("DATABASE_URL", database_url(login))
            .env("BEAMLINE_REGISTRY_LOG", level)
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = process::spawn(command, Signal::SIGKILL).expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("standard output is ours");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line.trim().strip_prefix("listening on ").map(str::to_owned);
        let mut server = Self {
            url: String::new(),
            child,
            folder,
            client: Client::new(),
        };
        server.url = url.unwrap_or_else(|| panic!("the server didn't start: {}", server.log()));
        server
    }

    /// A request without a token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Who asks with this token.
    pub fn caller(&self, token: &str) -> Caller<'_> {
        Caller {
            server: self,
            token: token.to_owned(),
        }
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("the log is text")
    }

    /// Its process.
    pub fn process_id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("process ids are small"))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.process_id(), signal).expect("it runs");
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it is our child")
    }
}

impl Drop for ApiServer {
    /// Ends it as a service manager does, so that each test also takes its usual way out; what hangs is killed.
    fn drop(&mut self) {
        let deadline = Instant::now() + TIME_TO_END;
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::SIGTERM);
        }
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody with a token.
pub struct Caller<'a> {
    server: &'a ApiServer,
    token: String,
}

impl Caller<'_> {
    /// A request with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.request(method, path).bearer_auth(&self.token)
    }

    /// Reads.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// Sends.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }
}

/// The command as it is shipped.
pub fn registryctl() -> PathBuf {
    built_program("registryctl")
}

/// Runs the command on a database, as this login.
pub fn run(login: &PgConnectOptions, arguments: &[&str]) -> Output {
    Command::new(registryctl())
        .args(arguments)
        .env("DATABASE_URL", database_url(login))
        .output()
        .expect("the command runs")
}

/// A login that owns the tables, as an administrator of the registry has.
pub async fn owner(database: &TestDatabase) -> PgConnectOptions {
    let name = database.value("SELECT current_database()").await;
    let login = format!("{name}_registry_owner");
    database
        .execute(&format!(
            "DO $$ BEGIN
                 IF to_regrole('{login}') IS NULL THEN
                     CREATE ROLE {login} LOGIN PASSWORD 'test'; GRANT registry_owner TO {login};
                 END IF;
             END $$"
        ))
        .await;
    database.superuser().username(&login).password("test")
}

/// Makes a token by the command.
pub async fn token(database: &TestDatabase, owner_name: &str, role: Role) -> String {
    let role = role.name().trim_start_matches("registry_");
    let login = owner(database).await;
    let output = run(
        &login,
        &["token", "create", "--owner", owner_name, "--role", role],
    );
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

/// A login whose password is `test`, as a URL.
pub fn database_url(login: &PgConnectOptions) -> String {
    let host = match login.get_socket() {
        Some(socket) => socket.display().to_string().replace('/', "%2F"),
        None => login.get_host().to_owned(),
    };
    format!(
        "postgres://{}:test@{host}:{}/{}",
        login.get_username(),
        login.get_port(),
        login.get_database().expect("a database")
    )
}
