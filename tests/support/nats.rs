//! Real NATS servers, each on a port of its own, and programs that answer on it as extensions do.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions, RequestErrorKind};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair as NatsKey;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use registry_nats::{NatsAuthentication, NatsSettings, NatsTls};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;

use crate::bundle::repository;
use crate::desktop::{Service, free_ports};
use crate::folder::TestFolder;

/// Who gets in, and how.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    /// The server's rules for logins, in the form of its configuration.
    pub rules: String,
    /// How its certificate is made; none: it speaks in the clear.
    pub certificate: Option<Certificate>,
    /// Whether clients need a certificate.
    pub wants_client_certificate: bool,
}

/// The certificate of a server.
#[derive(Clone, Copy, Debug)]
pub enum Certificate {
    /// For `localhost` and `127.0.0.1`.
    OfThisHost,
    /// For another host.
    OfAnotherHost,
    /// For this host, and it has expired.
    Expired,
}

/// A running NATS server.
pub struct NatsServer {
    /// The port that it listens on.
    pub port: u16,
    folder: TestFolder,
    service: Option<Service>,
}

impl NatsServer {
    /// One that lets everybody in.
    pub fn start() -> Self {
        Self::with_doors(&Doors::default())
    }

    /// One with the rules for logins, such as `user: a, password: b`.
    pub fn with_rules(rules: &str) -> Self {
        Self::with_doors(&Doors {
            rules: format!("authorization {{ {rules} }}"),
            ..Doors::default()
        })
    }

    /// One that lets in as said.
    pub fn with_doors(doors: &Doors) -> Self {
        let folder = TestFolder::new();
        let [port, _] = free_ports();
        let mut configuration = format!("listen: \"127.0.0.1:{port}\"\n{}\n", doors.rules);
        if let Some(certificate) = doors.certificate {
            make_certificates(folder.path(), certificate);
            let file = |name: &str| folder.path().join(name).display().to_string();
            let rules = format!(
                "tls {{ cert_file: \"{}\", key_file: \"{}\", ca_file: \"{}\", verify: {}, timeout: 5 }}\n",
                file("server.pem"),
                file("server-key.pem"),
                file("ca.pem"),
                doors.wants_client_certificate
            );
            configuration.push_str(&rules);
        }
        std::fs::write(folder.path().join("nats.conf"), configuration).expect("it is written");
        let mut server = Self {
            port,
            folder,
            service: None,
        };
        server.resume();
        server
    }

    /// Ends it as a crash does.
    pub fn end(&mut self) {
        self.service = None;
    }

    /// Starts it again on the same port.
    pub fn resume(&mut self) {
        let mut command = Command::new(program());
        command
            .arg("--config")
            .arg(self.file("nats.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.service = Some(Service::start(command));
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "the NATS server listens");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A file of the server: `ca.pem`, `client.pem`, `client-key.pem`, `other-ca.pem`.
    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// How to reach it without a login.
    pub fn settings(&self) -> NatsSettings {
        NatsSettings {
            servers: vec![self.url()],
            ..NatsSettings::default()
        }
    }

    /// How to reach it with a login.
    pub fn settings_with(&self, authentication: NatsAuthentication) -> NatsSettings {
        NatsSettings {
            authentication,
            ..self.settings()
        }
    }

    /// How to reach it encrypted, trusting the authority of this file.
    pub fn settings_trusting(&self, ca_file: &str) -> NatsSettings {
        NatsSettings {
            tls: NatsTls {
                ca_file: Some(self.file(ca_file)),
                ..NatsTls::default()
            },
            ..self.settings()
        }
    }
}

/// Where the tests find the server: as `scripts/prerequisites.sh` puts it, else installed.
fn program() -> PathBuf {
    let unpacked = repository().join("target/tools/nats-server/usr/sbin/nats-server");
    [unpacked, PathBuf::from("/usr/sbin/nats-server")]
        .into_iter()
        .find(|path| path.is_file())
        .unwrap_or_else(|| "nats-server".into())
}

/// An authority with a certificate for the server and one for a client, and another authority.
fn make_certificates(folder: &Path, certificate: Certificate) {
    let write = |name: &str, text: String| {
        std::fs::write(folder.join(name), text).expect("it is written");
    };
    let authority = || {
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        (pem, Issuer::new(params, key))
    };
    let (ca, issuer) = authority();
    write("ca.pem", ca);
    write("other-ca.pem", authority().0);

    let names: &[&str] = match certificate {
        Certificate::OfAnotherHost => &["nats.elsewhere.example"],
        _ => &["localhost", "127.0.0.1"],
    };
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    for (name, purpose) in [
        ("server", ExtendedKeyUsagePurpose::ServerAuth),
        ("client", ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        let mut params = CertificateParams::new(names.clone()).expect("names");
        params.extended_key_usages = vec![purpose];
        if matches!(certificate, Certificate::Expired) {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &issuer).expect("a certificate");
        write(&format!("{name}.pem"), signed.pem());
        write(&format!("{name}-key.pem"), key.serialize_pem());
    }
}

/// Rules under which users get in by credentials files, and the content of one.
pub fn doors_for_credentials() -> (Doors, String) {
    let (operator, account, user) = (
        NatsKey::new_operator(),
        NatsKey::new_account(),
        NatsKey::new_user(),
    );
    let operator_token = signed(
        &operator,
        &operator,
        &json!({"type": "operator", "version": 2}),
    );
    let limits = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1});
    let account_token = signed(
        &operator,
        &account,
        &json!({"type": "account", "version": 2, "limits": limits}),
    );
    let user_token = signed(
        &account,
        &user,
        &json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1}),
    );
    let rules = format!(
        "operator: \"{operator_token}\"\nresolver: MEMORY\nresolver_preload: {{ {}: \"{account_token}\" }}",
        account.public_key()
    );
    let credentials = format!(
        "-----BEGIN NATS USER JWT-----\n{user_token}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        user.seed().expect("a seed")
    );
    let doors = Doors {
        rules,
        ..Doors::default()
    };
    (doors, credentials)
}

/// A token in the form that NATS uses: who `issuer` says that `subject` is.
fn signed(issuer: &NatsKey, subject: &NatsKey, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&json!({"typ": "JWT", "alg": "ed25519-nkey"}));
    let body = part(&json!({
        "jti": subject.public_key(),
        "iat": 1_700_000_000,
        "iss": issuer.public_key(),
        "name": "test",
        "sub": subject.public_key(),
        "nats": claims,
    }));
    let text = format!("{head}.{body}");
    let signature = issuer.sign(text.as_bytes()).expect("a signature");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a program does with a message.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Sends it back.
    Echo,
    /// Nothing.
    Silence,
    /// Sends this.
    Bytes(Vec<u8>),
    /// Sends it back after so many milliseconds.
    EchoAfter(u64),
    /// Sends it back the second time it is asked.
    EchoAtSecond,
}

/// A program that listens on a subject; it ends when the value is dropped.
pub struct Responder {
    count: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Responder {
    /// Starts one on a server that lets everybody in.
    pub async fn start(server: &NatsServer, subject: &str, answer: Answer) -> Self {
        Self::start_with(server, ConnectOptions::new(), subject, answer).await
    }

    /// Starts one that logs in.
    pub async fn start_with(
        server: &NatsServer,
        options: ConnectOptions,
        subject: &str,
        answer: Answer,
    ) -> Self {
        let client = options.connect(server.url()).await.expect("it gets in");
        let mut messages = client
            .subscribe(subject.to_owned())
            .await
            .expect("it listens");
        see_server_follow(&client).await;
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let task = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
                let Some(inbox) = message.reply else { continue };
                let payload = match &answer {
                    Answer::Silence => continue,
                    Answer::EchoAtSecond if number < 2 => continue,
                    Answer::Bytes(bytes) => bytes.clone().into(),
                    Answer::EchoAfter(milliseconds) => {
                        tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
                        message.payload
                    }
                    Answer::Echo | Answer::EchoAtSecond => message.payload,
                };
                client.publish(inbox, payload).await.expect("it answers");
                client.flush().await.expect("it answers");
            }
        });
        Self { count, task }
    }

    /// How many messages it got.
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A server does one thing after the other: its answer to a request comes after all that was sent before it.
async fn see_server_follow(client: &Client) {
    let error = client
        .request("nobody.listens.here", "".into())
        .await
        .expect_err("nobody listens");
    assert_eq!(error.kind(), RequestErrorKind::NoResponders);
}
