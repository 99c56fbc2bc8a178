//! The way to the NATS servers.

use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::{Client, Event, RequestErrorKind, ServerError};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use specta::Type;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::{NatsFailure, NatsSettings, WireNumber};

/// How long a server may take to let the console in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the server is asked for a sign of life; two that stay away, and the connection counts as broken.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// The name by which the server's administrators see the connection.
const CONNECTION_NAME: &str = "beamline-registry";

/// A connection to one of the servers; cheap to clone. One that broke is not mended: [`Self::is_alive`] tells, and
/// whoever needs one makes another, and learns at once why that fails.
#[derive(Clone, Debug)]
pub struct NatsConnection {
    client: Client,
    servers: String,
    server: NatsServer,
    /// What the server last said against something that was sent.
    objection: watch::Receiver<Option<String>>,
}

/// The server that is connected to.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct NatsServer {
    /// Its name; none if nobody has given it one.
    pub name: Option<String>,
    /// Its version, such as `2.12.1`.
    pub version: String,
    /// Its cluster; none if it is alone.
    pub cluster: Option<String>,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
    /// The longest message that it takes, in bytes.
    #[specta(type = WireNumber)]
    pub max_payload_bytes: usize,
    /// How long it took to be let in, in milliseconds.
    #[specta(type = WireNumber)]
    pub connected_in_ms: f64,
}

/// What a request that was not answered failed of.
#[derive(Debug)]
pub(crate) enum Unanswered {
    TimedOut,
    Failed(NatsFailure),
}

impl NatsConnection {
    /// Connects to one of the servers and logs in, within some seconds for each address.
    ///
    /// # Errors
    /// What is wrong with the settings, or each way in which connecting can fail.
    pub async fn connect(
        settings: &NatsSettings,
        secret: Option<&SecretString>,
    ) -> Result<Self, NatsFailure> {
        let checked = settings.clone();
        // Files may lie on a disk that is slow or away.
        tokio::task::spawn_blocking(move || checked.check())
            .await
            .map_err(|error| NatsFailure::SettingsInvalid {
                field: "ca_file",
                message: format!("The files could not be read ({error})."),
                action: "Try again.",
            })??;
        let addresses = settings.addresses()?;
        let (told, objection) = watch::channel(None);
        let began_at = Instant::now();
        let options = settings
            .connect_options(secret)?
            .name(CONNECTION_NAME)
            .connection_timeout(CONNECT_TIMEOUT)
            .ping_interval(PING_INTERVAL)
            // Each address once, and then it is over.
            .max_reconnects(addresses.len())
            .event_callback(move |event| {
                if let Event::ServerError(ServerError::Other(words)) = event {
                    told.send_replace(Some(words));
                }
                std::future::ready(())
            });
        let client = options
            .connect(addresses.clone())
            .await
            .map_err(|error| NatsFailure::of_connecting(settings, &error))?;
        let info = client.server_info();
        let server = NatsServer {
            // A server without a name calls itself by its id.
            name: Some(info.server_name).filter(|name| *name != info.server_id),
            version: info.version,
            cluster: info.cluster,
            is_encrypted: info.tls_required
                || settings.tls.is_required()
                || addresses.iter().all(async_nats::ServerAddr::tls_required),
            max_payload_bytes: info.max_payload,
            connected_in_ms: began_at.elapsed().as_secs_f64() * 1000.0,
        };
        info!(
            servers = settings.server_names(),
            server = server.name,
            version = server.version,
            is_encrypted = server.is_encrypted,
            "connected to NATS"
        );
        Ok(Self {
            client,
            servers: settings.server_names(),
            server,
            objection,
        })
    }

    /// The server.
    pub fn server(&self) -> &NatsServer {
        &self.server
    }

    /// Whether it can be used.
    pub fn is_alive(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Takes leave of the server; what is under way fails.
    pub async fn close(&self) {
        if let Err(error) = self.client.drain().await {
            warn!(%error, "the NATS connection was not closed in order");
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn request(
        &self,
        subject: &str,
        payload: &str,
        timeout: Duration,
    ) -> Result<Vec<u8>, Unanswered> {
        let lost = || {
            Unanswered::Failed(NatsFailure::ConnectionLost {
                servers: self.servers.clone(),
            })
        };
        if !self.is_alive() {
            return Err(lost());
        }
        let mut objection = self.objection.clone();
        objection.mark_unchanged();
        let request = async_nats::Request::new()
            .payload(payload.to_owned().into())
            .timeout(Some(timeout));
        let answer = tokio::select! {
            answer = self.client.send_request(subject.to_owned(), request) => answer,
            // A server that refuses a message sends no answer, which would look like a silent extension.
            reason = refusal(&mut objection, subject) => {
                return Err(Unanswered::Failed(NatsFailure::NotPermitted {
                    subject: subject.to_owned(),
                    reason,
                }));
            }
        };
        let error = match answer {
            Ok(message) => return Ok(message.payload.to_vec()),
            Err(error) => error,
        };
        Err(match error.kind() {
            RequestErrorKind::TimedOut if self.is_alive() => Unanswered::TimedOut,
            RequestErrorKind::NoResponders => Unanswered::Failed(NatsFailure::NoResponders {
                subject: subject.to_owned(),
            }),
            RequestErrorKind::InvalidSubject => Unanswered::Failed(NatsFailure::SubjectInvalid {
                subject: subject.to_owned(),
            }),
            RequestErrorKind::MaxPayloadExceeded => {
                Unanswered::Failed(NatsFailure::MessageTooLong {
                    max_bytes: self.client.max_payload(),
                })
            }
            RequestErrorKind::TimedOut | RequestErrorKind::Other => lost(),
        })
    }
}

/// Waits until the server objects to a message to this subject, or to receiving answers. The words are the
/// protocol's: `Permissions Violation for Publish to "SUBJECT"`.
async fn refusal(objection: &mut watch::Receiver<Option<String>>, subject: &str) -> String {
    let is_refusal = |words: &Option<String>| {
        words.as_ref().is_some_and(|words| {
            words.to_lowercase().contains("permissions violation")
                && (words.contains(&format!("\"{subject}\"")) || words.contains("\"_INBOX."))
        })
    };
    loop {
        if objection.changed().await.is_err() {
            // The connection is gone, of which the request tells.
            std::future::pending::<()>().await;
        }
        let words = objection.borrow_and_update();
        if is_refusal(&words) {
            return words.clone().unwrap_or_default();
        }
    }
}
