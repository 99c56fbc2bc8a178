//! A database for one test.

use std::sync::atomic::{AtomicU32, Ordering};

use registry::connection::Pooling;
use registry::{Registry, migrations};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::servers::TestServer;

/// An empty database on a real server, and the ways into it.
pub struct TestDatabase {
    server: &'static TestServer,
    name: String,
}

impl TestDatabase {
    /// Makes an empty database.
    pub async fn create(server: &'static TestServer) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection = server
            .superuser()
            .clone()
            .database("postgres")
            .connect()
            .await
            .expect("log in");
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .expect("create the database");
        connection.close().await.expect("log out");
        Self { server, name }
    }

    /// The server that it is on.
    pub fn server(&self) -> &'static TestServer {
        self.server
    }

    /// How to log in as superuser.
    pub fn superuser(&self) -> PgConnectOptions {
        self.server.superuser().clone().database(&self.name)
    }

    /// How to log in as the console: an editor.
    pub fn console(&self) -> PgConnectOptions {
        self.server.console().clone().database(&self.name)
    }

    /// The console's login.
    pub fn login(&self) -> &str {
        self.server.login()
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) {
        migrations::migrate(&self.superuser())
            .await
            .expect("migrate");
    }

    /// Migrates and opens the registry as the console does.
    pub async fn registry(&self) -> Registry {
        self.migrate().await;
        self.open(self.console()).await
    }

    /// Opens the migrated registry as this login, through a `PgBouncer` if `TEST_POOLING` names its mode.
    async fn open(&self, options: PgConnectOptions) -> Registry {
        let pooling = match std::env::var("TEST_POOLING").as_deref() {
            Ok("session") => Pooling::Session,
            Ok("transaction") => Pooling::Transaction,
            _ => Pooling::Direct,
        };
        match pooling {
            Pooling::Direct => Registry::connect(options).await,
            Pooling::Session | Pooling::Transaction => {
                Registry::connect_through(self.server.pooled(options, pooling), pooling).await
            }
        }
        .expect("open the registry")
    }

    /// Opens the migrated registry as a new login that is a member of `role`.
    pub async fn registry_as_member_of(&self, role: &str) -> Registry {
        self.open(self.login_of_member(role).await).await
    }

    /// Makes a login that is a member of `role`; the roles exist once the schema is migrated.
    pub async fn login_of_member(&self, role: &str) -> PgConnectOptions {
        let login = format!("{}_{role}", self.name);
        self.execute(&format!(
            "CREATE ROLE {login} LOGIN PASSWORD 'test'; GRANT {role} TO {login}"
        ))
        .await;
        self.superuser().username(&login).password("test")
    }

    /// Runs statements as superuser, as `psql` would.
    pub async fn execute(&self, statements: &str) {
        execute(&self.superuser(), statements)
            .await
            .expect("the statements run");
    }

    /// One query's rows, each value as text.
    pub async fn rows(&self, query: &str) -> Vec<Vec<Option<String>>> {
        rows(&self.superuser(), query).await
    }

    /// One query's only value, as text.
    pub async fn value(&self, query: &str) -> String {
        self.rows(query).await.remove(0).remove(0).expect("a value")
    }
}

/// One query's rows, each value as text, as whoever `options` log in as.
pub async fn rows(options: &PgConnectOptions, query: &str) -> Vec<Vec<Option<String>>> {
    let mut connection = options.connect().await.expect("log in");
    let rows: Vec<PgRow> = sqlx::raw_sql(AssertSqlSafe(query.to_owned()))
        .fetch_all(&mut connection)
        .await
        .expect("the query runs");
    connection.close().await.expect("log out");
    rows.iter()
        .map(|row| {
            (0..row.len())
                .map(|column| row.try_get_unchecked(column).expect("text"))
                .collect()
        })
        .collect()
}

/// Runs statements as whoever `options` log in as.
pub async fn execute(options: &PgConnectOptions, statements: &str) -> Result<(), sqlx::Error> {
    let mut connection: PgConnection = options.connect().await?;
    let outcome = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut connection)
        .await;
    connection.close().await?;
    outcome.map(drop)
}
