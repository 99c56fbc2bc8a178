//! The servers that tests share: one of each kind for each test program, started at its first use
//! by the product's own supervisor, ended with the program.

use std::path::PathBuf;
use std::sync::OnceLock;

use registry::embedded::{self, EmbeddedServer, Options};
use sqlx::postgres::PgConnectOptions;

use crate::bundle::{bundled_server, installed_server};
use crate::folder::TestFolder;

/// A running server and its superuser.
pub struct TestServer {
    server: EmbeddedServer,
    superuser: PgConnectOptions,
    _folder: TestFolder,
}

impl TestServer {
    fn start(programs: PathBuf) -> Self {
        let folder = TestFolder::new();
        let options = Options {
            data_directory: folder.path().to_owned(),
            server_override: Some(programs),
            bundled_server: None,
            application_name: "system-tests".into(),
        };
        // A thread of its own: the tests that wait for it run on their own runtimes.
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let (server, registry) = embedded::open(&options, |_| ())
                    .await
                    .expect("the server starts");
                registry.close().await;
                server
            })
        })
        .join()
        .expect("the server starts");
        let superuser = superuser_of(folder.path(), &server);
        Self {
            server,
            superuser,
            _folder: folder,
        }
    }

    /// How to log in as superuser.
    pub fn superuser(&self) -> &PgConnectOptions {
        &self.superuser
    }

    /// The console's login.
    pub fn login(&self) -> &str {
        &self.server.login
    }

    /// How to log in as the console does.
    pub fn console(&self) -> &PgConnectOptions {
        self.server.connect_options()
    }
}

/// How to log in as superuser to the embedded server of a data directory.
pub fn superuser_of(data_directory: &std::path::Path, server: &EmbeddedServer) -> PgConnectOptions {
    let path = data_directory.join("postgresql/cluster/credentials.json");
    let credentials: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).expect("credentials are kept")).expect("JSON");
    let password = credentials["superuser_password"]
        .as_str()
        .expect("a password")
        .to_owned();
    server
        .connect_options()
        .clone()
        .username("registry_admin")
        .password(&password)
}

/// The bundled PostgreSQL.
pub fn bundled() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(|| TestServer::start(bundled_server()))
}

/// The distribution's PostgreSQL.
pub fn installed() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(|| TestServer::start(installed_server()))
}
