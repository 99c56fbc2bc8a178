//! Trying a profile step by step: what works, what doesn't, why, and what to do.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failure::{ConnectionFailure, ConnectionFailureCode, ConnectionFailureReport};
use super::profile::ServerAddress;
use super::servers::{FoundServer, ServerRole, Servers, Target, connect, resolve};
use super::tls::TlsMode;
use crate::migrations::{SchemaState, schema_state};

/// The longest a probe takes, whatever the network does.
const PROBE_TIMEOUT: Duration = Duration::from_secs(9);

/// How long a server may take to say whether it encrypts.
const HELLO_TIMEOUT: Duration = Duration::from_secs(3);

/// One step of a probe, in their order.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ProbeStepName {
    /// The host's name is looked up.
    Resolve,
    /// The server is reached.
    Connect,
    /// The connection is encrypted as far as the profile says.
    Tls,
    /// The login and the password are taken.
    LogIn,
    /// The database is there.
    Database,
    /// The database is a registry, and of which version.
    SchemaVersion,
    /// The login may use it.
    Role,
}

/// How a step ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum ProbeOutcome {
    /// It works, with what was found.
    Ok(String),
    /// It does not.
    Failed(ConnectionFailureReport),
}

/// A step that was made.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct ProbeStep {
    /// Which.
    pub name: ProbeStepName,
    /// The server that it was made with, as `host:port`.
    pub server: String,
    /// How it ended.
    pub outcome: ProbeOutcome,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
}

/// What came of a probe.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct ProbeReport {
    /// The server that the other steps are of: the right one now, or else the one that got the furthest.
    pub server: String,
    /// What it is; none if that could not be asked.
    pub role: Option<ServerRole>,
    /// The steps that were made; the last one failed if any did.
    pub steps: Vec<ProbeStep>,
    /// Whether the connection could be read or changed on the way, by the choice of the profile.
    pub is_tls_weak: bool,
    /// What the schema needs; none if the database was not reached.
    pub schema: Option<SchemaState>,
}

impl ProbeReport {
    /// Whether all works.
    pub fn is_ok(&self) -> bool {
        self.failure().is_none()
    }

    /// What doesn't.
    pub fn failure(&self) -> Option<&ConnectionFailureReport> {
        self.steps.iter().find_map(|step| match &step.outcome {
            ProbeOutcome::Failed(failure) => Some(failure),
            ProbeOutcome::Ok(_) => None,
        })
    }
}

/// Tries the servers of a database, all at once and each step by step; within ten seconds in any case. Reports on the
/// one that is right for the profile, or else on the one that got the furthest.
///
/// `tell` is called with each step of any of the servers as it ends.
pub async fn probe(servers: &Servers, tell: impl Fn(&ProbeStep) + Send + Sync) -> ProbeReport {
    let attempts = servers
        .database()
        .servers
        .iter()
        .map(|server| probe_server(servers, server, &tell));
    let mut tried = futures_util::future::join_all(attempts).await;
    let target = servers.target();
    // Stable: of equals the first in the profile's order is taken.
    tried.sort_by_key(|report| {
        let is_target = match (target, report.role) {
            (Target::AnyPreferStandby, Some(role)) => role == ServerRole::Standby,
            (_, Some(role)) => role == ServerRole::Primary,
            (_, None) => false,
        };
        std::cmp::Reverse((
            report.is_ok() && is_target,
            report.is_ok(),
            report.steps.len(),
        ))
    });
    let mut tried = tried.into_iter();
    let Some(mut best) = tried.next() else {
        return ProbeReport {
            server: String::new(),
            role: None,
            steps: Vec::new(),
            is_tls_weak: false,
            schema: None,
        };
    };
    if best.is_ok() && target == Target::Primary && best.role != Some(ServerRole::Primary) {
        // All of it works but for what the profile is for.
        best.steps.push(ProbeStep {
            name: ProbeStepName::Role,
            server: best.server.clone(),
            outcome: ProbeOutcome::Failed(
                ConnectionFailure::new(ConnectionFailureCode::OnlyReadOnlyServers, &best.server)
                    .report(),
            ),
            duration_ms: 0,
        });
    }
    best
}

/// What is made of one server so far.
struct Probing<'a, F> {
    server: String,
    report: ProbeReport,
    begun_at: Instant,
    tell: &'a F,
}

impl<F: Fn(&ProbeStep)> Probing<'_, F> {
    fn end(&mut self, name: ProbeStepName, outcome: ProbeOutcome) {
        let step = ProbeStep {
            name,
            server: self.server.clone(),
            outcome,
            duration_ms: u32::try_from(self.begun_at.elapsed().as_millis()).unwrap_or(u32::MAX),
        };
        (self.tell)(&step);
        self.report.steps.push(step);
        self.begun_at = Instant::now();
    }

    fn ok(&mut self, name: ProbeStepName, found: impl Into<String>) {
        self.end(name, ProbeOutcome::Ok(found.into()));
    }

    fn failed(&mut self, name: ProbeStepName, failure: &ConnectionFailure) {
        self.end(name, ProbeOutcome::Failed(failure.report()));
    }
}

async fn probe_server(
    servers: &Servers,
    server: &ServerAddress,
    tell: &(impl Fn(&ProbeStep) + Send + Sync),
) -> ProbeReport {
    let database = servers.database();
    let mut probing = Probing {
        server: server.to_string(),
        report: ProbeReport {
            server: server.to_string(),
            role: None,
            steps: Vec::new(),
            is_tls_weak: database.tls.is_weak(&database.servers),
            schema: None,
        },
        begun_at: Instant::now(),
        tell,
    };
    if timeout(PROBE_TIMEOUT, run(servers, server, &mut probing))
        .await
        .is_err()
    {
        let next = next_step(&probing.report);
        let failure = ConnectionFailure::new(ConnectionFailureCode::TimedOut, server);
        probing.failed(next, &failure);
    }
    probing.report
}

/// The step that a report lacks.
fn next_step(report: &ProbeReport) -> ProbeStepName {
    use ProbeStepName as Name;
    [
        Name::Resolve,
        Name::Connect,
        Name::Tls,
        Name::LogIn,
        Name::Database,
        Name::SchemaVersion,
    ]
    .into_iter()
    .find(|name| report.steps.iter().all(|step| step.name != *name))
    .unwrap_or(Name::Role)
}

async fn run<F: Fn(&ProbeStep)>(
    servers: &Servers,
    server: &ServerAddress,
    probing: &mut Probing<'_, F>,
) {
    use ProbeStepName as Name;
    if server.is_socket() {
        probing.ok(Name::Resolve, "a socket of this machine");
        probing.ok(Name::Connect, server.host.clone());
    } else {
        let addresses = match resolve(server).await {
            Ok(addresses) => addresses,
            Err(failure) => return probing.failed(Name::Resolve, &failure),
        };
        let shown: Vec<_> = addresses
            .iter()
            .map(|address| address.ip().to_string())
            .collect();
        probing.ok(Name::Resolve, shown.join(", "));
        if let Err(failure) = connect(server, &addresses).await {
            return probing.failed(Name::Connect, &failure);
        }
        probing.ok(Name::Connect, server.to_string());
        match timeout(HELLO_TIMEOUT, offers_tls(&addresses)).await {
            Err(_) => {
                let failure = ConnectionFailure::new(ConnectionFailureCode::TimedOut, server);
                return probing.failed(Name::Tls, &failure);
            }
            Ok(Err(error)) => {
                return probing.failed(Name::Tls, &ConnectionFailure::of_io(server, &error));
            }
            Ok(Ok(Hello::Other)) => {
                let failure = ConnectionFailure::new(ConnectionFailureCode::NoPostgresql, server);
                return probing.failed(Name::Tls, &failure);
            }
            Ok(Ok(Hello::Offered | Hello::NotOffered)) => {}
        }
    }
    let mut found = match servers.log_in(server).await {
        Ok(found) => found,
        Err(failure) => {
            let name = if failure.code.is_of_tls() {
                Name::Tls
            } else {
                probing.ok(Name::Tls, tls_words(servers, server));
                match failure.code {
                    ConnectionFailureCode::DatabaseMissing => {
                        probing.ok(Name::LogIn, servers.database().user.clone());
                        Name::Database
                    }
                    _ => Name::LogIn,
                }
            };
            return probing.failed(name, &failure);
        }
    };
    probing.ok(Name::Tls, tls_words(servers, server));
    probing.ok(Name::LogIn, servers.database().user.clone());
    probing.report.role = Some(found.role);
    if let Err(failure) = look_inside(servers, &mut found, probing).await {
        let name = next_step(&probing.report);
        probing.failed(name, &failure);
    }
}

fn tls_words(servers: &Servers, server: &ServerAddress) -> String {
    let database = servers.database();
    if server.is_socket() {
        return "not needed on a socket".into();
    }
    match database.tls.mode_for(&database.servers) {
        TlsMode::Disable => "not encrypted".into(),
        TlsMode::Prefer => "encrypted if the server offers it".into(),
        TlsMode::Require => "encrypted, the server is not verified".into(),
        TlsMode::VerifyCa => "encrypted, the host is not verified".into(),
        TlsMode::VerifyFull => "encrypted and verified".into(),
    }
}

async fn look_inside<F: Fn(&ProbeStep)>(
    servers: &Servers,
    found: &mut FoundServer,
    probing: &mut Probing<'_, F>,
) -> Result<(), ConnectionFailure> {
    use ProbeStepName as Name;
    let address = found.address.clone();
    let failed = |error: sqlx::Error| ConnectionFailure::of(&address, &error);
    let row = sqlx::raw_sql("SELECT current_database()::text, current_setting('server_version')")
        .fetch_one(&mut found.connection)
        .await
        .map_err(failed)?;
    let name: String = row.try_get_unchecked(0).map_err(failed)?;
    let version: String = row.try_get_unchecked(1).map_err(failed)?;
    probing.ok(Name::Database, format!("{name}, PostgreSQL {version}"));
    let schema = schema_state(&mut found.connection).await.map_err(failed)?;
    probing.ok(Name::SchemaVersion, schema.to_string());
    let is_registry = !matches!(schema, SchemaState::Empty { .. } | SchemaState::Seed { .. });
    probing.report.schema = Some(schema);
    if is_registry {
        let roles = roles_of_login(&mut found.connection)
            .await
            .map_err(failed)?;
        if roles.is_empty() {
            return Err(ConnectionFailure {
                reason: Some(format!(
                    "an administrator can run: GRANT registry_viewer TO {}",
                    servers.database().user
                )),
                ..ConnectionFailure::new(ConnectionFailureCode::RoleMissing, &address)
            });
        }
        let shown = match found.role {
            ServerRole::Primary => roles.join(", "),
            ServerRole::Standby => format!("{} on a standby", roles.join(", ")),
            ServerRole::ReadOnly => format!("{} on a server that only reads", roles.join(", ")),
        };
        probing.ok(Name::Role, shown);
    } else {
        probing.ok(Name::Role, "none yet: the database is no registry");
    }
    Ok(())
}

async fn roles_of_login(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::raw_sql(
        "SELECT rolname::text FROM pg_catalog.pg_roles
         WHERE rolname IN ('registry_auditor', 'registry_viewer', 'registry_operator', 'registry_editor',
                           'registry_router', 'registry_rest_server', 'registry_legacy_writer', 'registry_owner')
           AND pg_catalog.pg_has_role(oid, 'MEMBER')
         ORDER BY rolname",
    )
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| row.try_get_unchecked(0)).collect()
}

enum Hello {
    Offered,
    NotOffered,
    Other,
}

/// Asks what every PostgreSQL answers before anything else: whether it encrypts.
async fn offers_tls(addresses: &[std::net::SocketAddr]) -> std::io::Result<Hello> {
    // The request of PostgreSQL's protocol: its length, 8, and 80877103.
    const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let mut stream = TcpStream::connect(addresses).await?;
    stream.write_all(&REQUEST).await?;
    let mut answer = [0];
    stream.read_exact(&mut answer).await?;
    Ok(match answer[0] {
        b'S' => Hello::Offered,
        b'N' => Hello::NotOffered,
        _ => Hello::Other,
    })
}
