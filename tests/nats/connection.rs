//! Ways to a server, and each way in which that fails.

use std::net::TcpListener;

use registry_nats::{
    NatsAuthentication, NatsConnection, NatsFailureCode as Code, NatsFailureReport, NatsSettings,
    NatsTls, SecretString,
};
use system_tests::nats::{Certificate, Doors, NatsServer, doors_for_credentials};

async fn failure(settings: &NatsSettings, secret: Option<&str>) -> NatsFailureReport {
    let secret = secret.map(SecretString::from);
    match NatsConnection::connect(settings, secret.as_ref()).await {
        Ok(_) => panic!("it let us in"),
        Err(failure) => failure.report(),
    }
}

async fn connect(settings: &NatsSettings, secret: Option<&str>) -> NatsConnection {
    let secret = secret.map(SecretString::from);
    NatsConnection::connect(settings, secret.as_ref())
        .await
        .unwrap()
}

fn password_of(user: &str) -> NatsAuthentication {
    NatsAuthentication::Password { user: user.into() }
}

#[tokio::test]
async fn a_server_is_told_with_its_facts() {
    let server = NatsServer::start();
    let connection = connect(&server.settings(), None).await;
    let facts = connection.server();
    assert!(facts.version.starts_with("2."), "{facts:?}");
    assert!(!facts.is_encrypted && facts.max_payload_bytes > 1_000 && facts.connected_in_ms > 0.0);
    assert!(connection.is_alive());
}

#[tokio::test]
async fn a_server_that_is_away_is_told_from_a_host_that_there_is_not() {
    let mut server = NatsServer::start();
    let settings = server.settings();
    server.end();
    let away = failure(&settings, None).await;
    assert_eq!(away.code, Code::ServerAway);
    assert!(
        away.message.contains(&settings.servers[0]) && away.message.contains("refused"),
        "{away:?}"
    );
    let unknown = NatsSettings {
        servers: vec!["nats://there-is-no-such-host.invalid:4222".into()],
        ..NatsSettings::default()
    };
    assert_eq!(failure(&unknown, None).await.code, Code::HostUnknown);
}

#[tokio::test]
async fn what_is_no_nats_server_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            use std::io::Write;
            let _ = (&stream).write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let settings = NatsSettings {
        servers: vec![format!("nats://{address}")],
        ..NatsSettings::default()
    };
    assert_eq!(failure(&settings, None).await.code, Code::NoNatsServer);
}

#[tokio::test]
async fn each_kind_of_login_gets_in_and_a_wrong_one_does_not() {
    let by_password = NatsServer::with_rules("user: anna, password: right");
    let by_token = NatsServer::with_rules("token: right");
    let (doors, credentials) = doors_for_credentials();
    let (_, others_credentials) = doors_for_credentials();
    let by_credentials = NatsServer::with_doors(&doors);
    for (server, authentication, right, wrong) in [
        (&by_password, password_of("anna"), "right", "wrong"),
        (&by_token, NatsAuthentication::Token, "right", "wrong"),
        (
            &by_credentials,
            NatsAuthentication::Credentials,
            credentials.as_str(),
            others_credentials.as_str(),
        ),
    ] {
        let settings = server.settings_with(authentication.clone());
        assert!(
            connect(&settings, Some(right)).await.is_alive(),
            "{authentication:?}"
        );
        let refused = failure(&settings, Some(wrong)).await;
        assert_eq!(refused.code, Code::LoginRefused, "{authentication:?}");
        let nobody = failure(&server.settings(), None).await;
        assert_eq!(nobody.code, Code::LoginRefused, "{authentication:?}");
        let missing = failure(&settings, None).await;
        assert_eq!(missing.code, Code::SecretMissing);
    }
    let garbage = by_credentials.settings_with(NatsAuthentication::Credentials);
    assert_eq!(
        failure(&garbage, Some("garbage")).await.code,
        Code::CredentialsUnreadable
    );
}

fn encrypted(certificate: Certificate) -> NatsServer {
    NatsServer::with_doors(&Doors {
        certificate: Some(certificate),
        ..Doors::default()
    })
}

#[tokio::test]
async fn an_encrypted_server_is_believed_by_its_authority_alone() {
    let server = encrypted(Certificate::OfThisHost);
    let connection = connect(&server.settings_trusting("ca.pem"), None).await;
    assert!(connection.server().is_encrypted);
    let other = failure(&server.settings_trusting("other-ca.pem"), None).await;
    assert_eq!(other.code, Code::CertificateUnknown);
    // Those that the system trusts: the server asks for encryption, so it is used.
    let system = failure(&server.settings(), None).await;
    assert_eq!(system.code, Code::CertificateUnknown);
}

#[tokio::test]
async fn a_certificate_of_another_host_or_another_time_is_told() {
    let elsewhere = encrypted(Certificate::OfAnotherHost);
    let wrong = failure(&elsewhere.settings_trusting("ca.pem"), None).await;
    assert_eq!(wrong.code, Code::CertificateOfOtherHost);
    assert!(
        wrong
            .detail
            .as_deref()
            .unwrap()
            .contains("nats.elsewhere.example"),
        "{wrong:?}"
    );
    let expired = encrypted(Certificate::Expired);
    let late = failure(&expired.settings_trusting("ca.pem"), None).await;
    assert_eq!(late.code, Code::CertificateExpired);
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_gets_it_or_says_so() {
    let server = NatsServer::with_doors(&Doors {
        certificate: Some(Certificate::OfThisHost),
        wants_client_certificate: true,
        ..Doors::default()
    });
    let without = server.settings_trusting("ca.pem");
    assert_eq!(
        failure(&without, None).await.code,
        Code::OwnCertificateRefused
    );
    let with = NatsSettings {
        tls: NatsTls {
            certificate_file: Some(server.file("client.pem")),
            key_file: Some(server.file("client-key.pem")),
            ..without.tls.clone()
        },
        ..without
    };
    assert!(connect(&with, None).await.is_alive());
}

#[tokio::test]
async fn a_server_without_encryption_is_refused_where_it_is_required() {
    let server = NatsServer::start();
    for settings in [
        NatsSettings {
            tls: NatsTls {
                required: true,
                ..NatsTls::default()
            },
            ..server.settings()
        },
        NatsSettings {
            servers: vec![server.url().replace("nats://", "tls://")],
            ..NatsSettings::default()
        },
    ] {
        assert_eq!(failure(&settings, None).await.code, Code::TlsNotOffered);
    }
}

#[tokio::test]
async fn of_several_servers_one_is_enough() {
    let mut away = NatsServer::start();
    let server = NatsServer::start();
    let settings = NatsSettings {
        servers: vec![away.url(), server.url()],
        ..NatsSettings::default()
    };
    away.end();
    for _ in 0..4 {
        assert!(connect(&settings, None).await.is_alive());
    }
}

#[tokio::test]
async fn failures_are_told_apart_in_words_too() {
    let mut server = NatsServer::with_rules("token: right");
    let settings = server.settings_with(NatsAuthentication::Token);
    let refused = failure(&settings, Some("wrong")).await;
    server.end();
    let away = failure(&settings, Some("right")).await;
    let encrypted = encrypted(Certificate::OfAnotherHost);
    let unknown = failure(&encrypted.settings_trusting("other-ca.pem"), None).await;
    let elsewhere = failure(&encrypted.settings_trusting("ca.pem"), None).await;
    let messages = [refused, away, unknown, elsewhere].map(|report| {
        assert!(report.message.ends_with('.') && report.action.ends_with('.'));
        // Without the address, which differs in any case.
        let words = report.message.split("127.0.0.1").next().unwrap().to_owned();
        (words, report.action)
    });
    for (place, one) in messages.iter().enumerate() {
        assert!(!messages[..place].contains(one), "{messages:?}");
    }
}
