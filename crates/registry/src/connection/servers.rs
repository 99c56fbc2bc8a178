//! The servers of a database, and which of them is the right one now.
//!
//! sqlx connects to one host. Here several are tried at once, a little after each other, and asked whether they can be
//! written to; no host that swallows everything holds the others up.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Row};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::failure::{ConnectionFailure, ConnectionFailureCode};
use super::profile::{Pooling, RemoteDatabase, ServerAddress};
use crate::Result;

/// How long a server may take to accept a connection at all.
const REACH_TIMEOUT: Duration = Duration::from_secs(3);

/// How long it may take from there until it has logged in and answered: some ten round trips.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(6);

/// How long the next server waits for the ones before it.
const STAGGER: Duration = Duration::from_millis(200);

/// How long a server may take to say whether it can be written to.
pub(super) const ROLE_TIMEOUT: Duration = Duration::from_secs(3);

/// Which of the servers is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// The one that can be written to.
    Primary,
    /// One that can be read: the primary, or else a standby.
    AnyPreferPrimary,
    /// One that can be read: a standby, or else the primary.
    AnyPreferStandby,
}

/// What a server is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ServerRole {
    /// It can be written to.
    Primary,
    /// It follows another one.
    Standby,
    /// It follows none and takes no changes all the same: its administrator has set it so.
    ReadOnly,
}

impl Target {
    fn takes(self, role: ServerRole) -> bool {
        self != Self::Primary || role == ServerRole::Primary
    }

    fn prefers(self, role: ServerRole) -> bool {
        match self {
            Self::Primary | Self::AnyPreferPrimary => role == ServerRole::Primary,
            Self::AnyPreferStandby => role == ServerRole::Standby,
        }
    }
}

/// A server that was found, and the connection that it was found by.
#[derive(Debug)]
pub struct FoundServer {
    /// Which.
    pub address: ServerAddress,
    /// What it is now.
    pub role: ServerRole,
    /// Logged in.
    pub connection: PgConnection,
}

/// The servers of one database with what it takes to log in. Cheap to clone; its `Debug` shows no secret.
#[derive(Clone)]
pub struct Servers {
    database: Arc<RemoteDatabase>,
    password: Option<SecretString>,
}

impl fmt::Debug for Servers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Servers")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl Servers {
    /// The servers of this database.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) naming the field of the database that breaks a rule.
    pub fn new(database: &RemoteDatabase, password: Option<SecretString>) -> Result<Self> {
        database.check()?;
        Ok(Self {
            database: Arc::new(database.clone()),
            password,
        })
    }

    /// The same for reading alone.
    pub(crate) fn only_reading(&self) -> Self {
        let mut database = RemoteDatabase::clone(&self.database);
        database.is_read_only = true;
        Self {
            database: Arc::new(database),
            password: self.password.clone(),
        }
    }

    /// The database.
    pub fn database(&self) -> &RemoteDatabase {
        &self.database
    }

    /// Which of the servers changes and readings go to.
    pub fn target(&self) -> Target {
        match (self.database.is_read_only, self.database.prefers_standby) {
            (false, _) => Target::Primary,
            (true, false) => Target::AnyPreferPrimary,
            (true, true) => Target::AnyPreferStandby,
        }
    }

    /// Which of the servers one asks who reads alone.
    pub fn target_for_reading(&self) -> Target {
        if self.database.prefers_standby {
            Target::AnyPreferStandby
        } else {
            self.target()
        }
    }

    /// How to log in to one of the servers. The value holds the password, and its `Debug` shows it.
    pub fn options_for(&self, server: &ServerAddress) -> PgConnectOptions {
        let RemoteDatabase {
            tls,
            database,
            user,
            pooling,
            ..
        } = &*self.database;
        // Neither a file nor a variable of this account's decides where a profile leads and with which password.
        let mut options = PgConnectOptions::new_without_pgpass()
            .port(server.port)
            .username(user)
            .database(database)
            .password(
                self.password
                    .as_ref()
                    .map_or("", ExposeSecret::expose_secret),
            )
            .application_name(
                self.database
                    .application_name
                    .as_deref()
                    .unwrap_or("beamline-registry"),
            )
            // What PgBouncer doesn't know it refuses; PostgreSQL's default since 12 is the shortest exact form.
            .extra_float_digits(None);
        options = if server.is_socket() {
            // The server answers there that it encrypts nothing: nobody is on the way.
            options
                .socket(&server.host)
                .ssl_mode(sqlx::postgres::PgSslMode::Disable)
        } else {
            options
                .host(&server.host)
                .ssl_mode(tls.mode_for(&self.database.servers).ssl_mode())
        };
        if let Some(file) = &tls.ca_file {
            options = options.ssl_root_cert(file);
        }
        if let (Some(certificate), Some(key)) = (&tls.client_certificate_file, &tls.client_key_file)
        {
            options = options.ssl_client_cert(certificate).ssl_client_key(key);
        }
        match pooling {
            // Another session may run the next transaction: what one has prepared the other doesn't know.
            Pooling::Transaction => options = options.statement_cache_capacity(0),
            Pooling::Direct if self.database.is_read_only => {
                options = options.options([("default_transaction_read_only", "on")]);
            }
            // A pooler refuses `options`: see `Servers::prepare`.
            Pooling::Direct | Pooling::Session => {}
        }
        options
    }

    /// Finds a server for `target` now. All are asked at once, each a little after the ones before it.
    ///
    /// # Errors
    /// Why each of the servers can't be used, in their order. A standby where a primary is wanted is
    /// [`ConnectionFailureCode::OnlyReadOnlyServers`].
    pub async fn find(
        &self,
        target: Target,
    ) -> std::result::Result<FoundServer, Vec<ConnectionFailure>> {
        let servers = &self.database.servers;
        let mut attempts: FuturesUnordered<_> = servers
            .iter()
            .zip(0..)
            .map(|(server, place)| async move {
                sleep(STAGGER * place).await;
                (place as usize, self.log_in(server).await)
            })
            .collect();
        let mut failures: Vec<Option<ConnectionFailure>> = vec![None; servers.len()];
        let mut second_choice: Option<FoundServer> = None;
        while let Some((place, outcome)) = attempts.next().await {
            match outcome {
                Ok(found) if target.prefers(found.role) => return Ok(found),
                Ok(found) if target.takes(found.role) => {
                    second_choice.get_or_insert(found);
                }
                Ok(found) => {
                    failures[place] = Some(ConnectionFailure {
                        reason: Some(match found.role {
                            ServerRole::Standby => "it is a standby".into(),
                            _ => "it takes no changes (default_transaction_read_only)".into(),
                        }),
                        ..ConnectionFailure::new(
                            ConnectionFailureCode::OnlyReadOnlyServers,
                            &found.address,
                        )
                    });
                }
                Err(failure) => {
                    debug!(server = failure.server, code = ?failure.code, reason = failure.reason, "a server can't be used");
                    failures[place] = Some(failure);
                }
            }
        }
        second_choice.ok_or_else(|| failures.into_iter().flatten().collect())
    }

    /// Logs in to one server and asks what it is.
    pub(super) async fn log_in(
        &self,
        server: &ServerAddress,
    ) -> std::result::Result<FoundServer, ConnectionFailure> {
        reach(server).await?;
        let options = self.options_for(server);
        let logged_in = timeout(LOGIN_TIMEOUT, async {
            let mut connection = PgConnection::connect_with(&options).await?;
            let role = self.role_of(&mut connection).await?;
            Ok((connection, role))
        });
        match logged_in.await {
            Ok(Ok((connection, role))) => Ok(FoundServer {
                address: server.clone(),
                role,
                connection,
            }),
            Ok(Err(error)) => Err(ConnectionFailure::of(server, &error)),
            Err(_) => Err(ConnectionFailure::new(
                ConnectionFailureCode::TimedOut,
                server,
            )),
        }
    }

    /// Has the server refuse changes of a connection that a pooler did not let say so when it was made. In transaction
    /// mode each transaction says so by itself.
    pub(super) async fn prepare(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        if self.database.is_read_only && self.database.pooling == Pooling::Session {
            sqlx::raw_sql("SET default_transaction_read_only = on")
                .execute(connection)
                .await?;
        }
        Ok(())
    }

    /// What the server at the other end is now.
    pub(super) async fn role_of(&self, connection: &mut PgConnection) -> sqlx::Result<ServerRole> {
        // One simple statement: through a pooler, two messages could reach two servers.
        let row = sqlx::raw_sql(
            "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only') = 'on'",
        )
        .fetch_one(connection)
        .await?;
        let (is_in_recovery, is_read_only): (bool, bool) =
            (row.try_get_unchecked(0)?, row.try_get_unchecked(1)?);
        Ok(if is_in_recovery {
            ServerRole::Standby
        } else if is_read_only && !self.database.is_read_only {
            ServerRole::ReadOnly
        } else {
            ServerRole::Primary
        })
    }
}

/// The addresses of a server.
pub(super) async fn resolve(
    server: &ServerAddress,
) -> std::result::Result<Vec<std::net::SocketAddr>, ConnectionFailure> {
    let failed = |reason: String| ConnectionFailure {
        reason: Some(reason),
        ..ConnectionFailure::new(ConnectionFailureCode::NameNotResolved, server)
    };
    match timeout(
        REACH_TIMEOUT,
        lookup_host((server.host.as_str(), server.port)),
    )
    .await
    {
        Ok(Ok(addresses)) => {
            let addresses: Vec<_> = addresses.collect();
            if addresses.is_empty() {
                Err(failed("the name has no address".into()))
            } else {
                Ok(addresses)
            }
        }
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("the name service doesn't answer".into())),
    }
}

/// Whether the server accepts a connection, in a time that is bounded however many addresses it has.
pub(super) async fn reach(server: &ServerAddress) -> std::result::Result<(), ConnectionFailure> {
    if server.is_socket() {
        return Ok(());
    }
    let addresses = resolve(server).await?;
    connect(server, &addresses).await
}

pub(super) async fn connect(
    server: &ServerAddress,
    addresses: &[std::net::SocketAddr],
) -> std::result::Result<(), ConnectionFailure> {
    match timeout(REACH_TIMEOUT, TcpStream::connect(addresses)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(ConnectionFailure::of_io(server, &error)),
        Err(_) => Err(ConnectionFailure {
            reason: Some(io::Error::from(io::ErrorKind::TimedOut).to_string()),
            ..ConnectionFailure::new(ConnectionFailureCode::Unreachable, server)
        }),
    }
}

/// All that stands in the way, as one: what is about one server alone, if there is one; else what is the most use to
/// know.
pub(crate) fn worst(failures: &[ConnectionFailure]) -> ConnectionFailure {
    let servers = failures
        .iter()
        .map(|failure| failure.server.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let reasons = failures
        .iter()
        .map(|failure| match &failure.reason {
            Some(reason) => format!("{failure}: {reason}"),
            None => failure.to_string(),
        })
        .collect::<Vec<_>>()
        .join("\n");
    let is_several = failures.len() > 1;
    // What waiting doesn't put right is what somebody must act on.
    let first = failures
        .iter()
        .find(|failure| !failure.code.is_passing())
        .or_else(|| {
            failures
                .iter()
                .find(|failure| failure.code == ConnectionFailureCode::OnlyReadOnlyServers)
        })
        .or_else(|| failures.first())
        .cloned();
    match first {
        None => ConnectionFailure::new(ConnectionFailureCode::Unexpected, &"the database"),
        Some(first) if !is_several => first,
        Some(first) => ConnectionFailure {
            server: if first.code == ConnectionFailureCode::OnlyReadOnlyServers {
                servers
            } else {
                first.server
            },
            reason: Some(reasons),
            code: first.code,
        },
    }
}
