//! What these tests share.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use system_tests::api_server::{database_url, owner, registryctl};
use system_tests::database::TestDatabase;
use system_tests::folder::TestFolder;
use system_tests::servers;

/// Somebody at a shell: an editor of a fresh registry, and a folder.
pub(crate) struct Shell {
    pub(crate) database: TestDatabase,
    pub(crate) login: PgConnectOptions,
    folder: TestFolder,
}

impl Shell {
    /// On a registry with the six standard extensions.
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create(servers::bundled()).await;
        database.migrate().await;
        Self::on(database, "registry_editor").await
    }

    /// On this registry, as a member of this role.
    pub(crate) async fn on(database: TestDatabase, role: &str) -> Self {
        let login = database.login_of_member(role).await;
        Self {
            database,
            login,
            folder: TestFolder::new(),
        }
    }

    /// The program, on the registry.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command_as(&self.login, arguments)
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        finish(self.command(arguments), "")
    }

    /// Runs the program with this on its standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Done {
        finish(self.command(arguments), input)
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A file in the folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Creates an extension of the type `pre` with this configuration.
    pub(crate) fn create_with(&self, id: &str, config: &str) -> Done {
        let config = self.file("config.json", config);
        self.run(&[
            "create",
            id,
            "--type",
            "pre",
            "--subject",
            id,
            "--config",
            &config,
        ])
        .with(0)
    }

    /// The names of all files in the folder.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The registry's revision.
    pub(crate) async fn revision(&self) -> i64 {
        let revision = "SELECT revision FROM registry_head";
        self.database.value(revision).await.parse().unwrap()
    }

    /// Adds this many extensions of the type `pre`, called `e0001` and so on.
    pub(crate) async fn add_extensions(&self, count: u32) {
        let statement = format!(
            "INSERT INTO extensions (id, type, subject, config)
             SELECT 'e' || lpad(n::text, 4, '0'), 'pre', 'e.' || n, jsonb_build_object('number', n)
             FROM generate_series(1, {count}) AS n"
        );
        self.database.execute(&statement).await;
    }
}

/// A login that may read and write every table, and read the schema's version: who backs up.
pub(crate) async fn backup_owner(database: &TestDatabase) -> PgConnectOptions {
    let login = owner(database).await;
    let grant = format!("GRANT registry_viewer TO {}", login.get_username());
    database.execute(&grant).await;
    login
}

/// A superuser whose password a URL can say: who makes a registry in an empty database.
pub(crate) async fn maker(database: &TestDatabase) -> PgConnectOptions {
    let login = format!(
        "{}_maker",
        database.value("SELECT current_database()").await
    );
    let create = format!("CREATE ROLE {login} SUPERUSER LOGIN PASSWORD 'test'");
    database.execute(&create).await;
    database.superuser().username(&login).password("test")
}

/// The program, as this login.
pub(crate) fn command_as(login: &PgConnectOptions, arguments: &[&str]) -> Command {
    let mut command = bare_command(arguments);
    command.env("DATABASE_URL", database_url(login));
    command
}

/// The program without anything that says where the registry is.
pub(crate) fn bare_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(registryctl());
    command.args(arguments);
    for variable in [
        "DATABASE_URL",
        "DATABASE_PASSWORD",
        "DATABASE_PASSWORD_FILE",
        "BEAMLINE_REGISTRY_ROLE",
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "DBUS_SESSION_BUS_ADDRESS",
    ] {
        command.env_remove(variable);
    }
    command
}

/// Runs a program to its end.
pub(crate) fn finish(mut command: Command, input: &str) -> Done {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who reads nothing may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

/// What came of a program.
#[derive(Debug)]
pub(crate) struct Done {
    /// None: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Done {
    /// That it ended so.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// Its answer as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Its error as JSON.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        serde_json::from_str(&self.err).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
