//! A profile is tried step by step; each thing that can be wrong is told apart, in time, and without a secret.

use std::time::{Duration, Instant};

use registry::Registry;
use registry::connection::{
    ConnectionFailureCode as Code, ProbeOutcome, ProbeReport, ProbeStepName as Step,
    RemoteDatabase, ServerAddress, Servers, TlsMode, probe,
};
use system_tests::cluster::{Cluster, remote, servers};
use system_tests::faults;
use system_tests::tcp_proxy::{Blackhole, TcpProxy, Way};

use crate::secrets::{assert_no_secret, listen_to_log};

/// A probe may take ten seconds, and a loaded machine a little more.
const PROBE_MAX: Duration = Duration::from_secs(11);

pub(crate) async fn probed(servers: &Servers) -> ProbeReport {
    let begun_at = Instant::now();
    let told = std::sync::Mutex::new(0);
    let report = probe(servers, |_| *told.lock().unwrap() += 1).await;
    assert!(begun_at.elapsed() < PROBE_MAX, "{:?}", begun_at.elapsed());
    assert!(*told.lock().unwrap() > 0, "each step is told");
    assert_no_secret(&format!("{report:?} {servers:?}"));
    report
}

/// Which step fails, and why.
pub(crate) async fn failure_of(servers: &Servers) -> (Step, Code) {
    let report = probed(servers).await;
    let last = report.steps.last().expect("a step");
    let ProbeOutcome::Failed(failure) = &last.outcome else {
        panic!("{report:?}");
    };
    assert!(!failure.message.is_empty() && !failure.action.is_empty());
    // Opening it fails in the same way, and says so.
    let error = Registry::open(servers.clone()).await.unwrap_err();
    assert_no_secret(&format!("{error} {error:?} {:?}", error.report()));
    (last.name, failure.code)
}

#[allow(clippy::needless_pass_by_value, reason = "each is made in its place")]
fn of(database: RemoteDatabase) -> Servers {
    servers(&database)
}

#[tokio::test]
async fn what_works_is_told_step_by_step() {
    listen_to_log();
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let report = probed(&of(remote(&[cluster.port]))).await;
    let steps: Vec<_> = report.steps.iter().map(|step| step.name).collect();
    assert_eq!(
        steps,
        [
            Step::Resolve,
            Step::Connect,
            Step::Tls,
            Step::LogIn,
            Step::Database,
            Step::SchemaVersion,
            Step::Role
        ]
    );
    assert!(report.is_ok(), "{report:?}");
    assert!(!report.is_tls_weak, "nobody is on the way to this machine");

    // 300 ms in each direction: slow, and no failure.
    let slow = TcpProxy::before(cluster.port, Way::Open(Duration::from_millis(150))).await;
    let report = probed(&of(remote(&[slow.port]))).await;
    assert!(report.is_ok(), "{report:?}");
    let registry = Registry::open(of(remote(&[slow.port]))).await.unwrap();
    registry.ping().await.unwrap();
}

#[tokio::test]
async fn the_network_s_failures_are_told_apart() {
    listen_to_log();
    let cluster = Cluster::start(&[]).await;

    let mut unknown = remote(&[cluster.port]);
    unknown.servers = vec![ServerAddress::new("no-such-host.invalid", cluster.port)];
    assert_eq!(
        failure_of(&of(unknown)).await,
        (Step::Resolve, Code::NameNotResolved)
    );

    let free = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    assert_eq!(
        failure_of(&of(remote(&[free]))).await,
        (Step::Connect, Code::Refused)
    );

    let hole = Blackhole::open();
    assert_eq!(
        failure_of(&of(remote(&[hole.port]))).await,
        (Step::Connect, Code::Unreachable)
    );

    let proxy = TcpProxy::before(cluster.port, Way::Reset).await;
    assert_eq!(
        failure_of(&of(remote(&[proxy.port]))).await,
        (Step::Tls, Code::Reset)
    );

    proxy.change_to(Way::Silent);
    assert_eq!(
        failure_of(&of(remote(&[proxy.port]))).await,
        (Step::Tls, Code::TimedOut)
    );

    // A web server, say.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(
                &mut stream,
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
            )
            .await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    assert_eq!(
        failure_of(&of(remote(&[other]))).await,
        (Step::Tls, Code::NoPostgresql)
    );
}

#[tokio::test]
async fn what_the_server_refuses_is_told_apart() {
    listen_to_log();
    let cluster = Cluster::start(&["max_connections=6", "superuser_reserved_connections=1"]).await;

    let empty = Servers::new(
        &RemoteDatabase {
            user: "postgres".into(),
            ..remote(&[cluster.port])
        },
        Some(system_tests::cluster::SECRET.into()),
    )
    .unwrap();
    let report = probed(&empty).await;
    assert!(
        report.is_ok(),
        "an empty database can become a registry: {report:?}"
    );

    cluster.make_registry().await;
    let wrong = Servers::new(&remote(&[cluster.port]), Some("another-password".into())).unwrap();
    assert_eq!(failure_of(&wrong).await, (Step::LogIn, Code::PasswordWrong));
    let none = Servers::new(&remote(&[cluster.port]), None).unwrap();
    assert_eq!(failure_of(&none).await, (Step::LogIn, Code::PasswordWrong));

    let missing = RemoteDatabase {
        database: "nowhere".into(),
        ..remote(&[cluster.port])
    };
    assert_eq!(
        failure_of(&of(missing)).await,
        (Step::Database, Code::DatabaseMissing)
    );

    let superuser = cluster.superuser();
    cluster.make_login("stranger", "").await;
    let stranger = of(RemoteDatabase {
        user: "stranger".into(),
        ..remote(&[cluster.port])
    });
    let report = probed(&stranger).await;
    assert_eq!(
        report.failure().map(|failure| failure.code),
        Some(Code::RoleMissing),
        "{report:?}"
    );

    let required = RemoteDatabase {
        tls: registry::connection::TlsSettings {
            mode: Some(TlsMode::Require),
            ..Default::default()
        },
        ..remote(&[cluster.port])
    };
    assert_eq!(
        failure_of(&of(required)).await,
        (Step::Tls, Code::TlsNotOffered)
    );

    let mut held = Vec::new();
    while let Ok(connection) =
        sqlx::ConnectOptions::connect(&superuser.clone().username("console")).await
    {
        held.push(connection);
    }
    assert_eq!(
        failure_of(&of(remote(&[cluster.port]))).await,
        (Step::LogIn, Code::TooManyConnections)
    );
}

#[tokio::test]
async fn a_host_that_swallows_everything_does_not_hold_the_others_up() {
    listen_to_log();
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let holes = [Blackhole::open(), Blackhole::open()];
    let ports = [holes[0].port, holes[1].port, cluster.port];
    let begun_at = Instant::now();
    let registry = Registry::open(of(remote(&ports))).await.unwrap();
    assert!(
        begun_at.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun_at.elapsed()
    );
    registry.ping().await.unwrap();
    faults::report(
        "two hosts of three swallow everything",
        serde_json::json!({ "opened_ms": begun_at.elapsed().as_millis() }),
    );
    let report = probed(&of(remote(&ports))).await;
    assert!(
        report.is_ok() && report.server.ends_with(&cluster.port.to_string()),
        "{report:?}"
    );
    assert_no_secret(&format!("{registry:?}"));
}

#[tokio::test]
async fn a_read_only_profile_changes_nothing() {
    listen_to_log();
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let database = RemoteDatabase {
        is_read_only: true,
        ..remote(&[cluster.port])
    };
    let registry = Registry::open(of(database.clone())).await.unwrap();
    assert!(registry.read_only_reason().is_some());
    let context = registry::ChangeContext::default();
    let change = registry.set_extension_enabled("pii_guard", false, &context);
    assert_eq!(
        change.await.unwrap_err().code(),
        registry::ErrorCode::ReadOnly
    );
    // What is no change of extensions is refused by the server.
    let error = registry.add_secret_name("another").await.unwrap_err();
    assert_eq!(error.code(), registry::ErrorCode::ReadOnly);
    assert!(registry.get_extension("pii_guard").await.unwrap().enabled);
    let error = registry::migrations::migrate_on(&of(database))
        .await
        .unwrap_err();
    assert_eq!(error.report().field.as_deref(), Some("is_read_only"));
}
