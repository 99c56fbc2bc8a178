//! The servers that tests share: one of each kind for each test program, started at its first use
//! by the product's own supervisor, ended with the program.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use registry::connection::Pooling;
use registry::embedded::{self, EmbeddedServer, Options};
use sqlx::postgres::PgConnectOptions;

use crate::bundle::{bundled_server, installed_server};
use crate::folder::TestFolder;
use crate::pgbouncer::PgBouncer;

/// A running server and its superuser.
pub struct TestServer {
    server: EmbeddedServer,
    superuser: PgConnectOptions,
    pooler: OnceLock<PgBouncer>,
    folder: TestFolder,
}

impl TestServer {
    fn start(programs: PathBuf) -> Self {
        let folder = TestFolder::of_process();
        let options = Options {
            data_directory: folder.path().to_owned(),
            server_override: Some(programs),
            bundled_server: None,
            application_name: "system-tests".into(),
            role: None,
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
        let superuser = superuser_of(folder.path());
        Self {
            server,
            superuser,
            pooler: OnceLock::new(),
            folder,
        }
    }

    /// How to log in as superuser.
    pub fn superuser(&self) -> &PgConnectOptions {
        &self.superuser
    }

    /// The same login by way of a `PgBouncer`.
    pub fn pooled(&self, options: PgConnectOptions, pooling: Pooling) -> PgConnectOptions {
        let pooler = self.pooler.get_or_init(|| {
            let data_directory = self.folder.path();
            let password = superuser_password(data_directory);
            let socket = data_directory.join("postgresql/socket");
            let socket = socket.to_str().expect("a plain path");
            // More than the eight sessions that a registry may hold.
            PgBouncer::before(socket, 5432, pooling, ("registry_admin", &password), 10)
        });
        options.socket(pooler.folder()).port(pooler.port)
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
pub fn superuser_of(data_directory: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(data_directory.join("postgresql/socket"))
        .port(5432)
        .username("registry_admin")
        .password(&superuser_password(data_directory))
        .database("registry")
}

fn superuser_password(data_directory: &Path) -> String {
    let credentials = std::fs::read(data_directory.join("postgresql/cluster/credentials.json"));
    let credentials: serde_json::Value =
        serde_json::from_slice(&credentials.expect("credentials are kept")).expect("JSON");
    credentials["superuser_password"]
        .as_str()
        .expect("a password")
        .to_owned()
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
