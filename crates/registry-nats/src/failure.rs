//! What can go wrong on the way to an extension: each kind has its own code, says why, and what to do.

use std::error::Error as StdError;
use std::io;

use async_nats::rustls::{AlertDescription, CertificateError, Error as TlsError};
use async_nats::{ConnectError, ConnectErrorKind, ServerError};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::NatsSettings;

/// What went wrong. `Display` says what, [`NatsFailure::action`] what to do; no variant carries a secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NatsFailure {
    /// A setting breaks a rule.
    #[error("{message}")]
    SettingsInvalid {
        /// The setting at fault.
        field: &'static str,
        /// What is wrong with it.
        message: String,
        /// How to put it right.
        action: &'static str,
    },
    /// The settings name a way to log in whose secret isn't known.
    #[error("The {what} for NATS isn't known")]
    SecretMissing {
        /// What it is, such as `password`.
        what: &'static str,
    },
    /// The credentials are not in the form of a credentials file.
    #[error("The credentials for NATS are not those of a credentials file")]
    CredentialsUnreadable,
    /// Nothing answers at the address.
    #[error("No NATS server answers at {servers}: {reason}")]
    ServerAway {
        /// The addresses.
        servers: String,
        /// Why not, in the operating system's words.
        reason: String,
    },
    /// The host's name leads to no address.
    #[error("The host of the NATS server at {servers} is unknown")]
    HostUnknown {
        /// The addresses.
        servers: String,
        /// Why, in the operating system's words.
        reason: String,
    },
    /// Something answers that is no NATS server.
    #[error("What answers at {servers} is no NATS server")]
    NoNatsServer {
        /// The addresses.
        servers: String,
        /// What it did.
        reason: String,
    },
    /// The server refused the login.
    #[error("The NATS server at {servers} refused the login")]
    LoginRefused {
        /// The addresses.
        servers: String,
    },
    /// The server let nobody in, for another reason than the login.
    #[error("The NATS server at {servers} refused the connection: {reason}")]
    ConnectionRefused {
        /// The addresses.
        servers: String,
        /// The server's reason.
        reason: String,
    },
    /// Encryption is required and the server offers none.
    #[error("The NATS server at {servers} offers no encryption (TLS), which the settings require")]
    TlsNotOffered {
        /// The addresses.
        servers: String,
    },
    /// The server's certificate is signed by nobody who is trusted.
    #[error("The certificate of the NATS server at {servers} is signed by nobody who is trusted")]
    CertificateUnknown {
        /// The addresses.
        servers: String,
        /// The encryption library's reason.
        reason: String,
    },
    /// The server's certificate is for another host.
    #[error("The certificate of the NATS server at {servers} is for another host")]
    CertificateOfOtherHost {
        /// The addresses.
        servers: String,
        /// The encryption library's reason, with the names that the certificate is for.
        reason: String,
    },
    /// The server's certificate has expired or is not valid yet.
    #[error("The certificate of the NATS server at {servers} is not valid now")]
    CertificateExpired {
        /// The addresses.
        servers: String,
        /// The encryption library's reason.
        reason: String,
    },
    /// The server wants a certificate of the console, or does not take the one it has.
    #[error("The NATS server at {servers} does not take the console's certificate, or wants one")]
    OwnCertificateRefused {
        /// The addresses.
        servers: String,
        /// The server's reason.
        reason: String,
    },
    /// Encryption failed in another way.
    #[error("The encrypted connection (TLS) to the NATS server at {servers} failed")]
    TlsFailed {
        /// The addresses.
        servers: String,
        /// Why.
        reason: String,
    },
    /// The connection broke while a message was under way.
    #[error("The connection to the NATS server at {servers} broke")]
    ConnectionLost {
        /// The addresses.
        servers: String,
    },
    /// Nobody listens on the subject.
    #[error("Nobody listens on {subject}")]
    NoResponders {
        /// The subject.
        subject: String,
    },
    /// Somebody listens and did not answer in time.
    #[error("No answer came on {subject} within {timeout_ms} ms{}", of_attempts(*attempt_count))]
    TimedOut {
        /// The subject.
        subject: String,
        /// How long each attempt waited, in milliseconds.
        timeout_ms: i32,
        /// How often it was asked.
        attempt_count: u32,
    },
    /// The answer is no JSON.
    #[error("The answer is no JSON: {reason}")]
    ReplyNotJson {
        /// Where it stops being JSON.
        reason: String,
    },
    /// The login may not send to the subject, or not receive answers.
    #[error("The NATS login may not send messages to {subject} and receive answers")]
    NotPermitted {
        /// The subject.
        subject: String,
        /// The server's words.
        reason: String,
    },
    /// The server takes no message of this length.
    #[error("The message is longer than the NATS server takes ({max_bytes} bytes)")]
    MessageTooLong {
        /// The longest message in bytes.
        max_bytes: usize,
    },
    /// The subject can't be sent to.
    #[error("{subject:?} is no subject that a message can be sent to")]
    SubjectInvalid {
        /// The subject.
        subject: String,
    },
}

/// The kinds of failure, for those who tell them apart.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "each is described at its variant of NatsFailure"
)]
pub enum NatsFailureCode {
    SettingsInvalid,
    SecretMissing,
    CredentialsUnreadable,
    ServerAway,
    HostUnknown,
    NoNatsServer,
    LoginRefused,
    ConnectionRefused,
    TlsNotOffered,
    CertificateUnknown,
    CertificateOfOtherHost,
    CertificateExpired,
    OwnCertificateRefused,
    TlsFailed,
    ConnectionLost,
    NoResponders,
    TimedOut,
    ReplyNotJson,
    NotPermitted,
    MessageTooLong,
    SubjectInvalid,
}

impl NatsFailureCode {
    /// Whether it says something about the extension, and not about the way to it.
    pub fn is_of_extension(self) -> bool {
        matches!(
            self,
            Self::NoResponders | Self::TimedOut | Self::ReplyNotJson
        )
    }
}

/// A [`NatsFailure`] as it is shown to a person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct NatsFailureReport {
    /// The kind of failure.
    pub code: NatsFailureCode,
    /// What went wrong: one sentence.
    pub message: String,
    /// What to do: one sentence.
    pub action: String,
    /// The cause in the words of whatever failed.
    pub detail: Option<String>,
    /// The setting at fault, where one breaks a rule.
    pub field: Option<String>,
}

impl NatsFailure {
    /// The kind of failure.
    pub fn code(&self) -> NatsFailureCode {
        use NatsFailureCode as Code;
        match self {
            Self::SettingsInvalid { .. } => Code::SettingsInvalid,
            Self::SecretMissing { .. } => Code::SecretMissing,
            Self::CredentialsUnreadable => Code::CredentialsUnreadable,
            Self::ServerAway { .. } => Code::ServerAway,
            Self::HostUnknown { .. } => Code::HostUnknown,
            Self::NoNatsServer { .. } => Code::NoNatsServer,
            Self::LoginRefused { .. } => Code::LoginRefused,
            Self::ConnectionRefused { .. } => Code::ConnectionRefused,
            Self::TlsNotOffered { .. } => Code::TlsNotOffered,
            Self::CertificateUnknown { .. } => Code::CertificateUnknown,
            Self::CertificateOfOtherHost { .. } => Code::CertificateOfOtherHost,
            Self::CertificateExpired { .. } => Code::CertificateExpired,
            Self::OwnCertificateRefused { .. } => Code::OwnCertificateRefused,
            Self::TlsFailed { .. } => Code::TlsFailed,
            Self::ConnectionLost { .. } => Code::ConnectionLost,
            Self::NoResponders { .. } => Code::NoResponders,
            Self::TimedOut { .. } => Code::TimedOut,
            Self::ReplyNotJson { .. } => Code::ReplyNotJson,
            Self::NotPermitted { .. } => Code::NotPermitted,
            Self::MessageTooLong { .. } => Code::MessageTooLong,
            Self::SubjectInvalid { .. } => Code::SubjectInvalid,
        }
    }

    /// What the reader can do about it, as one sentence.
    pub fn action(&self) -> &'static str {
        match self {
            Self::SettingsInvalid { action, .. } => action,
            Self::SecretMissing { .. } => "Give it in the settings of NATS.",
            Self::CredentialsUnreadable => {
                "Paste the whole content of the .creds file, both blocks with their dashed lines."
            }
            Self::ServerAway { .. } => {
                "Check the address and the port, and that the server runs and can be reached from here."
            }
            Self::HostUnknown { .. } => "Check the name in the address.",
            Self::NoNatsServer { .. } => {
                "Check the port: clients connect to another one (4222) than browsers (8222) and other servers (6222)."
            }
            Self::LoginRefused { .. } => {
                "Check how to log in, the name and the secret in the settings of NATS."
            }
            Self::ConnectionRefused { .. } => "The server's words say why; ask whoever runs it.",
            Self::TlsNotOffered { .. } => {
                "Have the server offer it; only on a network that you trust, switch it off in the settings of NATS."
            }
            Self::CertificateUnknown { .. } => {
                "Name the file with the certificate of the authority that signed it, in the settings of NATS."
            }
            Self::CertificateOfOtherHost { .. } => {
                "Use one of the names that the certificate is for in the address."
            }
            Self::CertificateExpired { .. } => {
                "Have the server's certificate renewed, or put this machine's clock right."
            }
            Self::OwnCertificateRefused { .. } => {
                "Name a certificate and its key that the server's authority has signed, in the settings of NATS."
            }
            Self::TlsFailed { .. } => "The words below say why.",
            Self::ConnectionLost { .. } => "Check that the server runs, then send it again.",
            Self::NoResponders { .. } => {
                "Start the extension, or correct its subject: the server has nobody who listens there."
            }
            Self::TimedOut { .. } => {
                "It listens and is too slow or stuck: look at its log, or allow it more time."
            }
            Self::ReplyNotJson { .. } => {
                "Correct the extension: routers can't read what it answers."
            }
            Self::NotPermitted { .. } => {
                "Ask whoever runs the server to let this login publish there and subscribe to _INBOX.>."
            }
            Self::MessageTooLong { .. } => "Shorten the message.",
            Self::SubjectInvalid { .. } => "Correct the subject of the extension.",
        }
    }

    /// The cause in the words of whatever failed, where the message doesn't hold it already.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::HostUnknown { reason, .. }
            | Self::NoNatsServer { reason, .. }
            | Self::CertificateUnknown { reason, .. }
            | Self::CertificateOfOtherHost { reason, .. }
            | Self::CertificateExpired { reason, .. }
            | Self::OwnCertificateRefused { reason, .. }
            | Self::TlsFailed { reason, .. }
            | Self::NotPermitted { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// The failure as it is shown.
    pub fn report(&self) -> NatsFailureReport {
        NatsFailureReport {
            code: self.code(),
            message: format!("{}.", self.to_string().trim_end_matches('.')),
            action: self.action().to_owned(),
            detail: self.detail().map(str::to_owned),
            field: match self {
                Self::SettingsInvalid { field, .. } => Some((*field).to_owned()),
                Self::SecretMissing { .. } | Self::CredentialsUnreadable => {
                    Some("secret".to_owned())
                }
                _ => None,
            },
        }
    }

    /// Tells the ways apart in which a connection can fail: by the types of the causes, never by their words.
    pub(crate) fn of_connecting(settings: &NatsSettings, error: &ConnectError) -> Self {
        let servers = settings.server_names();
        let reason = causes(error);
        if let Some(tls) = cause::<TlsError>(error) {
            return Self::of_tls(servers, tls);
        }
        if let Some(refusal) = cause::<ServerError>(error)
            && !matches!(refusal, ServerError::AuthorizationViolation)
        {
            return Self::ConnectionRefused { servers, reason };
        }
        match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                Self::LoginRefused { servers }
            }
            ConnectErrorKind::Dns => Self::HostUnknown { servers, reason },
            ConnectErrorKind::Tls => Self::TlsFailed { servers, reason },
            ConnectErrorKind::TimedOut | ConnectErrorKind::MaxReconnects => Self::ServerAway {
                servers,
                reason: "it didn't answer in time".into(),
            },
            ConnectErrorKind::ServerParse | ConnectErrorKind::Io => match cause::<io::Error>(error)
            {
                // What the operating system says of the network.
                Some(io) if io.raw_os_error().is_some() => Self::ServerAway {
                    servers,
                    reason: io.to_string(),
                },
                _ => Self::NoNatsServer { servers, reason },
            },
        }
    }

    fn of_tls(servers: String, error: &TlsError) -> Self {
        use CertificateError as Certificate;
        let reason = error.to_string();
        match error {
            TlsError::InvalidCertificate(
                Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
            ) => Self::CertificateOfOtherHost { servers, reason },
            TlsError::InvalidCertificate(
                Certificate::Expired
                | Certificate::ExpiredContext { .. }
                | Certificate::NotValidYet
                | Certificate::NotValidYetContext { .. },
            ) => Self::CertificateExpired { servers, reason },
            TlsError::InvalidCertificate(_) => Self::CertificateUnknown { servers, reason },
            TlsError::AlertReceived(
                AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::CertificateRequired
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied,
            ) => Self::OwnCertificateRefused { servers, reason },
            // It answered in plain text.
            TlsError::InvalidMessage(_) => Self::TlsNotOffered { servers },
            _ => Self::TlsFailed { servers, reason },
        }
    }
}

fn of_attempts(count: u32) -> String {
    match count {
        0 | 1 => String::new(),
        more => format!(", asked {more} times"),
    }
}

/// The first cause of this type. An [`io::Error`] hides the one that it carries from the chain of causes.
fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        current = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    None
}

/// The chain of causes, outermost first, each said once.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut current = error.source();
    while let Some(cause) = current {
        let text = cause.to_string();
        if !words.iter().any(|word| word.contains(&text)) {
            words.push(text);
        }
        current = cause.source();
    }
    if words.is_empty() {
        error.to_string()
    } else {
        words.join(": ")
    }
}
