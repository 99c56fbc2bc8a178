//! Why a database can't be reached: each kind has its own code, says why, and what to do.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use serde::{Deserialize, Serialize};
use specta::Type;

/// The kinds of failure, for those who tell them apart. The spelling is part of the interface.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionFailureCode {
    /// The host's name leads to no address.
    NameNotResolved,
    /// Nothing came back in time, or there is no way to the address.
    Unreachable,
    /// The address is there and nothing listens on the port.
    Refused,
    /// The connection was closed while it was made.
    Reset,
    /// The server, or what stands before it, did not answer in time once it was reached.
    TimedOut,
    /// What answers speaks another protocol.
    NoPostgresql,
    /// The server's certificate has expired or is not valid yet.
    CertificateExpired,
    /// The server's certificate is for another host.
    CertificateOfOtherHost,
    /// The server's certificate is signed by nobody who is trusted.
    CertificateUnknown,
    /// Encryption is required and the server offers none.
    TlsNotOffered,
    /// The server takes encrypted connections alone, and this one may not be.
    TlsRequired,
    /// The server wants a certificate of this program, or does not take the one it has.
    OwnCertificateRefused,
    /// A file of a certificate or a key can't be used.
    CertificateFileUnusable,
    /// Encryption failed in another way.
    TlsFailed,
    /// The password is wrong, or missing.
    PasswordWrong,
    /// The server does not let this login in from here.
    LoginRefused,
    /// There is no database of this name.
    DatabaseMissing,
    /// The login is no member of a role of the registry.
    RoleMissing,
    /// All connections of the server, the database or the login are taken.
    TooManyConnections,
    /// The server is starting, stopping or recovering.
    ServerStarting,
    /// None of the servers can be written to.
    OnlyReadOnlyServers,
    /// It failed in another way.
    Unexpected,
}

/// Why a server can't be used. It carries no secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", message(*.code, server))]
pub struct ConnectionFailure {
    /// The kind.
    pub code: ConnectionFailureCode,
    /// The server, as `host:port`; several where it is about all.
    pub server: String,
    /// The cause in the words of whatever failed.
    pub reason: Option<String>,
}

/// A [`ConnectionFailure`] as it is shown to a person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct ConnectionFailureReport {
    /// The kind.
    pub code: ConnectionFailureCode,
    /// What went wrong: one sentence.
    pub message: String,
    /// What to do: one sentence.
    pub action: String,
    /// The cause in the words of whatever failed.
    pub detail: Option<String>,
}

fn message(code: ConnectionFailureCode, server: &str) -> String {
    use ConnectionFailureCode as Code;
    match code {
        Code::NameNotResolved => format!("The host of {server} is unknown"),
        Code::Unreachable => format!("Nothing answers at {server}"),
        Code::Refused => format!("Nothing listens at {server}"),
        Code::Reset => format!("{server} closed the connection while it was made"),
        Code::TimedOut => format!("{server} was reached and didn't answer in time"),
        Code::NoPostgresql => format!("What answers at {server} is no PostgreSQL"),
        Code::CertificateExpired => format!("The certificate of {server} is not valid now"),
        Code::CertificateOfOtherHost => format!("The certificate of {server} is for another host"),
        Code::CertificateUnknown => {
            format!("The certificate of {server} is signed by nobody who is trusted")
        }
        Code::TlsNotOffered => {
            format!("{server} offers no encryption (TLS), which the connection requires")
        }
        Code::TlsRequired => format!("{server} takes encrypted connections (TLS) alone"),
        Code::OwnCertificateRefused => {
            format!("{server} does not take this program's certificate, or wants one")
        }
        Code::CertificateFileUnusable => {
            format!("A file with certificates or a key for {server} can't be used")
        }
        Code::TlsFailed => format!("The encrypted connection (TLS) to {server} failed"),
        Code::PasswordWrong => format!("{server} refused the password"),
        Code::LoginRefused => format!("{server} doesn't let this login in from here"),
        Code::DatabaseMissing => format!("There is no such database at {server}"),
        Code::RoleMissing => {
            format!("The login at {server} is a member of none of the registry's roles")
        }
        Code::TooManyConnections => format!("All connections of {server} are taken"),
        Code::ServerStarting => format!("{server} is starting or stopping"),
        Code::OnlyReadOnlyServers => format!("None of the servers can be written to: {server}"),
        Code::Unexpected => format!("Connecting to {server} failed"),
    }
}

impl ConnectionFailureCode {
    /// What the reader can do about it, as one sentence.
    pub fn action(self) -> &'static str {
        match self {
            Self::NameNotResolved => {
                "Check the spelling of the host, and this machine's name service."
            }
            Self::Unreachable => {
                "Check the address, the network and the firewalls on the way; a VPN may be off."
            }
            Self::Refused => {
                "Check the port, and that the server runs and listens on this address."
            }
            Self::Reset => {
                "Check what stands before the server (a balancer, a pooler, a firewall), and the server's log."
            }
            Self::TimedOut => "Try again; if it goes on, look at the server's load and its log.",
            Self::NoPostgresql => "Check the port: PostgreSQL's is 5432, PgBouncer's 6432.",
            Self::CertificateExpired => {
                "Have the server's certificate renewed, or put this machine's clock right."
            }
            Self::CertificateOfOtherHost => {
                "Use one of the names that the certificate is for as the host, or have one made for this name."
            }
            Self::CertificateUnknown => {
                "Name the file with the certificate of the authority that signed it, in the settings of the connection."
            }
            Self::TlsNotOffered => {
                "Have the server offer it (ssl = on); only on a network that you trust, choose a weaker mode for the connection."
            }
            Self::TlsRequired => "Choose verify-full as the TLS mode of the connection.",
            Self::OwnCertificateRefused => {
                "Name a certificate and its key that the server's authority has signed, in the settings of the connection."
            }
            Self::CertificateFileUnusable => {
                "Check that the files named in the connection are there, can be read and hold PEM."
            }
            Self::TlsFailed | Self::Unexpected => "The words below say why.",
            Self::PasswordWrong => "Check the login and the password.",
            Self::LoginRefused => {
                "Ask an administrator for a line in pg_hba.conf that lets this login in, and check its spelling."
            }
            Self::DatabaseMissing => {
                "Check the database's name, or have an administrator create it."
            }
            Self::RoleMissing => {
                "Ask an administrator to make the login a member of a role, for example: GRANT registry_editor TO the login."
            }
            Self::TooManyConnections => {
                "Try again later; an administrator can raise max_connections or put a pooler before the server."
            }
            Self::ServerStarting => "Wait a moment, then try again.",
            Self::OnlyReadOnlyServers => {
                "Wait until a standby has been promoted, name the primary in the connection, or use a read-only connection."
            }
        }
    }

    /// Whether the same attempt may succeed in a moment, without anybody doing anything.
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Refused
                | Self::Reset
                | Self::TimedOut
                | Self::NameNotResolved
                | Self::TooManyConnections
                | Self::ServerStarting
                | Self::OnlyReadOnlyServers
        )
    }

    /// Whether it is of encryption.
    pub(super) fn is_of_tls(self) -> bool {
        matches!(
            self,
            Self::CertificateExpired
                | Self::CertificateOfOtherHost
                | Self::CertificateUnknown
                | Self::TlsNotOffered
                | Self::OwnCertificateRefused
                | Self::CertificateFileUnusable
                | Self::TlsFailed
        )
    }
}

impl ConnectionFailure {
    pub(super) fn new(code: ConnectionFailureCode, server: &impl ToString) -> Self {
        Self {
            code,
            server: server.to_string(),
            reason: None,
        }
    }

    /// Tells apart why connecting failed: by SQLSTATE, and by the types of the causes, never by their words.
    pub fn of(server: &impl ToString, error: &sqlx::Error) -> Self {
        let code = code_of(error);
        Self {
            code,
            server: server.to_string(),
            reason: Some(causes(error)),
        }
    }

    pub(super) fn of_io(server: &impl ToString, error: &io::Error) -> Self {
        Self {
            code: of_io(error),
            server: server.to_string(),
            reason: Some(error.to_string()),
        }
    }

    /// The failure as it is shown.
    pub fn report(&self) -> ConnectionFailureReport {
        ConnectionFailureReport {
            code: self.code,
            message: format!("{self}."),
            action: self.code.action().to_owned(),
            detail: self.reason.clone(),
        }
    }
}

fn code_of(error: &sqlx::Error) -> ConnectionFailureCode {
    use ConnectionFailureCode as Code;
    if let Some(tls) = cause::<TlsError>(error) {
        return of_tls(tls);
    }
    match error {
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // PgBouncer says 08P01 for a wrong password and for a database that it doesn't know alike.
            Some("28P01") => Code::PasswordWrong,
            Some("28000") => Code::LoginRefused,
            Some("3D000") => Code::DatabaseMissing,
            Some("53300") => Code::TooManyConnections,
            Some("42501") => Code::RoleMissing,
            Some("25006") => Code::OnlyReadOnlyServers,
            Some(code) if code.starts_with("57P0") => Code::ServerStarting,
            _ => Code::Unexpected,
        },
        sqlx::Error::Io(io) => of_io(io),
        // What sqlx says by itself of encryption is that the server offers none, or that a file is of no use; the
        // first has no other cause.
        sqlx::Error::Tls(tls) if tls.source().is_none() && tls.to_string() == NOT_OFFERED => {
            Code::TlsNotOffered
        }
        sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => Code::CertificateFileUnusable,
        sqlx::Error::PoolTimedOut => Code::TimedOut,
        sqlx::Error::Protocol(_) => Code::NoPostgresql,
        _ => Code::Unexpected,
    }
}

/// The one failure that sqlx 0.9 gives no type to.
const NOT_OFFERED: &str = "server does not support TLS";

fn of_tls(error: &TlsError) -> ConnectionFailureCode {
    use CertificateError as Certificate;
    use ConnectionFailureCode as Code;
    match error {
        TlsError::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => Code::CertificateOfOtherHost,
        TlsError::InvalidCertificate(
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. },
        ) => Code::CertificateExpired,
        TlsError::InvalidCertificate(_) => Code::CertificateUnknown,
        TlsError::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate,
        ) => Code::OwnCertificateRefused,
        TlsError::InvalidMessage(_) => Code::NoPostgresql,
        _ => Code::TlsFailed,
    }
}

fn of_io(error: &io::Error) -> ConnectionFailureCode {
    use ConnectionFailureCode as Code;
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => Code::Refused,
        Kind::NotFound | Kind::PermissionDenied => Code::CertificateFileUnusable,
        Kind::TimedOut | Kind::HostUnreachable | Kind::NetworkUnreachable => Code::Unreachable,
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::UnexpectedEof => Code::Reset,
        Kind::InvalidData => Code::NoPostgresql,
        _ => Code::Unexpected,
    }
}

/// The first of the causes that is a `T`. An I/O error hides what it wraps from `source` where it passes it on.
fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(found) = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<T>())
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn causes(error: &sqlx::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next: Option<&dyn StdError> = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        // Wrappers repeat what they wrap.
        if words.last().is_none_or(|last| !last.contains(&text)) {
            words.push(text);
        }
        next = cause.source();
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_found_by_its_type_however_it_is_wrapped() {
        let tls = TlsError::InvalidCertificate(CertificateError::Expired);
        let wrapped = sqlx::Error::Io(io::Error::new(io::ErrorKind::InvalidData, tls.clone()));
        assert_eq!(
            ConnectionFailure::of(&"db:1", &wrapped).code,
            ConnectionFailureCode::CertificateExpired
        );
        let boxed = sqlx::Error::Tls(Box::new(tls));
        assert_eq!(
            ConnectionFailure::of(&"db:1", &boxed).code,
            ConnectionFailureCode::CertificateExpired
        );
    }

    #[test]
    fn each_kind_says_something_else_and_names_the_server() {
        use ConnectionFailureCode as Code;
        let codes = [
            Code::NameNotResolved,
            Code::Unreachable,
            Code::Refused,
            Code::Reset,
            Code::TimedOut,
            Code::NoPostgresql,
            Code::CertificateExpired,
            Code::CertificateOfOtherHost,
            Code::CertificateUnknown,
            Code::TlsNotOffered,
            Code::TlsRequired,
            Code::OwnCertificateRefused,
            Code::CertificateFileUnusable,
            Code::TlsFailed,
            Code::PasswordWrong,
            Code::LoginRefused,
            Code::DatabaseMissing,
            Code::RoleMissing,
            Code::TooManyConnections,
            Code::ServerStarting,
            Code::OnlyReadOnlyServers,
            Code::Unexpected,
        ];
        let mut messages: Vec<_> = codes.map(|code| message(code, "db:5432")).to_vec();
        assert!(messages.iter().all(|message| message.contains("db:5432")));
        messages.sort();
        messages.dedup();
        assert_eq!(messages.len(), codes.len());
        assert!(codes.iter().all(|code| code.action().ends_with('.')));
    }
}
