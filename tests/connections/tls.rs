//! Certificates that are not those of the server, each told apart.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use registry::Registry;
use registry::connection::{
    ConnectionFailureCode as Code, ProbeStepName as Step, RemoteDatabase, ServerAddress, TlsMode,
    TlsSettings,
};
use system_tests::cluster::{Cluster, give_away, remote, servers};
use system_tests::database::execute;
use system_tests::folder::TestFolder;

use crate::probes::{failure_of, probed};
use crate::secrets::listen_to_log;

/// An authority, and what it signs.
struct Authority {
    folder: TestFolder,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = TestFolder::new();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            folder,
        }
    }

    fn file(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// Puts a certificate for this host beside the server's data.
    fn sign(&self, cluster: &Cluster, host: &str, is_expired: bool) {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        if is_expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        write(&cluster.folder().join("server.pem"), &signed.pem());
        write(
            &cluster.folder().join("server-key.pem"),
            &key.serialize_pem(),
        );
    }
}

fn write(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    give_away(path);
}

async fn present(cluster: &Cluster) {
    let folder = cluster.folder();
    for (name, value) in [
        (
            "ssl_cert_file",
            folder.join("server.pem").display().to_string(),
        ),
        (
            "ssl_key_file",
            folder.join("server-key.pem").display().to_string(),
        ),
        ("ssl", "on".to_owned()),
    ] {
        execute(
            &cluster.superuser(),
            &format!("ALTER SYSTEM SET {name} = '{value}'"),
        )
        .await
        .unwrap();
    }
    execute(&cluster.superuser(), "SELECT pg_reload_conf()")
        .await
        .unwrap();
    // The postmaster reads the files when the signal has reached it.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
}

fn verified(cluster: &Cluster, ca_file: Option<String>) -> RemoteDatabase {
    RemoteDatabase {
        servers: vec![ServerAddress::new("localhost", cluster.port)],
        tls: TlsSettings {
            mode: Some(TlsMode::VerifyFull),
            ca_file,
            ..TlsSettings::default()
        },
        ..remote(&[])
    }
}

#[tokio::test]
async fn certificates_that_are_not_the_server_s_are_told_apart() {
    listen_to_log();
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let (authority, other) = (Authority::new(), Authority::new());
    let known = servers(&verified(&cluster, Some(authority.file())));

    assert_eq!(failure_of(&known).await, (Step::Tls, Code::TlsNotOffered));

    authority.sign(&cluster, "localhost", false);
    present(&cluster).await;
    let report = probed(&known).await;
    assert!(report.is_ok(), "{report:?}");
    let registry = Registry::open(known.clone()).await.unwrap();
    registry
        .set_extension_enabled("pii_guard", false, &registry::ChangeContext::default())
        .await
        .unwrap();

    let unknown = servers(&verified(&cluster, Some(other.file())));
    assert_eq!(
        failure_of(&unknown).await,
        (Step::Tls, Code::CertificateUnknown)
    );
    assert_eq!(
        failure_of(&servers(&verified(&cluster, None))).await,
        (Step::Tls, Code::CertificateUnknown)
    );
    let no_file = servers(&verified(&cluster, Some("/no/such/file.pem".into())));
    assert_eq!(
        failure_of(&no_file).await,
        (Step::Tls, Code::CertificateFileUnusable)
    );

    authority.sign(&cluster, "db.example", false);
    present(&cluster).await;
    assert_eq!(
        failure_of(&known).await,
        (Step::Tls, Code::CertificateOfOtherHost)
    );
    // Chosen deliberately, the host is not looked at.
    let mut weaker = verified(&cluster, Some(authority.file()));
    weaker.tls.mode = Some(TlsMode::VerifyCa);
    let report = probed(&servers(&weaker)).await;
    assert!(report.is_ok(), "{report:?}");

    authority.sign(&cluster, "localhost", true);
    present(&cluster).await;
    assert_eq!(
        failure_of(&known).await,
        (Step::Tls, Code::CertificateExpired)
    );
}
