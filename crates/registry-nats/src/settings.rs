//! Where the NATS servers are and how to get in. What is secret is apart from it.

use std::path::Path;

use async_nats::rustls::pki_types::pem::PemObject;
use async_nats::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use async_nats::{ConnectOptions, ServerAddr};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::NatsFailure;

/// Where the servers are and how to get in. It holds no secret and may be kept in a file.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct NatsSettings {
    /// The addresses of one server or of several of one cluster, such as `nats://host:4222`. No names and passwords:
    /// an address is shown and logged.
    pub servers: Vec<String>,
    /// How the console says who it is.
    pub authentication: NatsAuthentication,
    /// Encryption.
    pub tls: NatsTls,
}

/// How the console says who it is. What is secret of it is given beside the settings.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NatsAuthentication {
    /// Not at all, or by its certificate.
    #[default]
    None,
    /// By a name and a password, which is the secret.
    Password {
        /// The name.
        user: String,
    },
    /// By a token, which is the secret.
    Token,
    /// By the content of a credentials file (`.creds`), which is the secret.
    Credentials,
}

impl NatsAuthentication {
    /// What the secret is, for sentences and for the name it is kept under; none if there is none.
    pub fn secret_name(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Password { .. } => Some("password"),
            Self::Token => Some("token"),
            Self::Credentials => Some("credentials"),
        }
    }
}

/// Encryption. Where the server asks for it, it is used in any case.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct NatsTls {
    /// Whether a connection without it is refused. It is as soon as any file is named here, or a server as `tls://…`.
    pub required: bool,
    /// A PEM file with the certificates to trust, in place of those that the system trusts.
    pub ca_file: Option<String>,
    /// A PEM file with the console's own certificate.
    pub certificate_file: Option<String>,
    /// A PEM file with the private key of that certificate.
    pub key_file: Option<String>,
}

impl NatsTls {
    /// Whether a connection without encryption is refused.
    pub fn is_required(&self) -> bool {
        self.required || self.ca_file.is_some() || self.certificate_file.is_some()
    }
}

impl NatsSettings {
    /// Checks what can be checked without a server, the files among it.
    ///
    /// # Errors
    /// [`NatsFailure::SettingsInvalid`] naming the field.
    pub fn check(&self) -> Result<(), NatsFailure> {
        self.addresses()?;
        if let NatsAuthentication::Password { user } = &self.authentication
            && user.is_empty()
        {
            return Err(invalid(
                "user",
                "The name to log in with is empty.".into(),
                "Write one, or choose another way to log in.",
            ));
        }
        let NatsTls {
            ca_file,
            certificate_file,
            key_file,
            ..
        } = &self.tls;
        if let Some(path) = ca_file {
            check_certificates("ca_file", path)?;
        }
        match (certificate_file, key_file) {
            (None, None) => Ok(()),
            (Some(certificate), Some(key)) => {
                check_certificates("certificate_file", certificate)?;
                check_key("key_file", key)
            }
            (Some(_), None) => Err(invalid(
                "key_file",
                "The console's certificate has no private key.".into(),
                "Name the file with the key, or leave out the certificate.",
            )),
            (None, Some(_)) => Err(invalid(
                "certificate_file",
                "There is a private key and no certificate that it belongs to.".into(),
                "Name the file with the certificate, or leave out the key.",
            )),
        }
    }

    /// The servers as they are named in sentences.
    pub(crate) fn server_names(&self) -> String {
        self.servers.join(", ")
    }

    pub(crate) fn addresses(&self) -> Result<Vec<ServerAddr>, NatsFailure> {
        if self.servers.is_empty() {
            return Err(invalid(
                "servers",
                "There is no address of a NATS server.".into(),
                "Write one, such as nats://localhost:4222.",
            ));
        }
        self.servers.iter().map(|server| address(server)).collect()
    }

    /// The client's options; reads no file and connects to nothing.
    pub(crate) fn connect_options(
        &self,
        secret: Option<&SecretString>,
    ) -> Result<ConnectOptions, NatsFailure> {
        let mut options = ConnectOptions::new();
        if let Some(what) = self.authentication.secret_name() {
            let secret = secret
                .map(ExposeSecret::expose_secret)
                .filter(|secret| !secret.is_empty())
                .ok_or(NatsFailure::SecretMissing { what })?;
            options = match &self.authentication {
                NatsAuthentication::Password { user } => {
                    options.user_and_password(user.clone(), secret.to_owned())
                }
                NatsAuthentication::Token => options.token(secret.to_owned()),
                // The reason is left out: it could tell of what is in it.
                NatsAuthentication::Credentials => options
                    .credentials(secret)
                    .map_err(|_| NatsFailure::CredentialsUnreadable)?,
                NatsAuthentication::None => options,
            };
        }
        options = options.require_tls(self.tls.is_required());
        if let Some(path) = &self.tls.ca_file {
            options = options.add_root_certificates(path.into());
        }
        if let (Some(certificate), Some(key)) = (&self.tls.certificate_file, &self.tls.key_file) {
            options = options.add_client_certificate(certificate.into(), key.into());
        }
        Ok(options)
    }
}

fn address(server: &str) -> Result<ServerAddr, NatsFailure> {
    let action = "Write it as nats://host:port or tls://host:port.";
    // The address itself is not repeated: it may hold a password.
    let wrong = |message: &str| invalid("servers", message.to_owned(), action);
    let address: ServerAddr = server
        .trim()
        .parse()
        .map_err(|_| wrong("The address of the NATS server can't be read."))?;
    if !matches!(address.scheme(), "nats" | "tls") {
        return Err(wrong(
            "The address of the NATS server begins with neither nats:// nor tls://.",
        ));
    }
    if address.host().is_empty() {
        return Err(wrong("The address of the NATS server names no host."));
    }
    if address.has_user_pass() || address.password().is_some() {
        return Err(invalid(
            "servers",
            "The address of the NATS server holds a name or a password.".into(),
            "Leave it out of the address, which is shown and logged, and give it below.",
        ));
    }
    Ok(address)
}

fn check_certificates(field: &'static str, path: &str) -> Result<(), NatsFailure> {
    let unusable = |reason: String| unusable(field, path, &reason);
    let count = CertificateDer::pem_file_iter(Path::new(path))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(error.to_string()))?
        .len();
    if count == 0 {
        return Err(unusable("it holds no certificate".into()));
    }
    Ok(())
}

fn check_key(field: &'static str, path: &str) -> Result<(), NatsFailure> {
    // No reason: it could tell of the key.
    PrivateKeyDer::from_pem_file(Path::new(path))
        .map(drop)
        .map_err(|_| {
            unusable(
                field,
                path,
                "it can't be read, or holds no private key in PEM",
            )
        })
}

fn unusable(field: &'static str, path: &str, reason: &str) -> NatsFailure {
    invalid(
        field,
        format!("The file {path} can't be used: {reason}."),
        "Name a PEM file that this account can read.",
    )
}

fn invalid(field: &'static str, message: String, action: &'static str) -> NatsFailure {
    NatsFailure::SettingsInvalid {
        field,
        message,
        action,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(server: &str) -> NatsSettings {
        NatsSettings {
            servers: vec![server.into()],
            ..NatsSettings::default()
        }
    }

    fn field(settings: &NatsSettings) -> Option<String> {
        settings.check().unwrap_err().report().field
    }

    #[test]
    fn an_address_with_a_password_is_refused_without_repeating_it() {
        for address in ["nats://anna:hunter2@host", "nats://:hunter2@host:4222"] {
            let report = settings(address).check().unwrap_err().report();
            assert_eq!(report.field.as_deref(), Some("servers"));
            assert!(!format!("{report:?}").contains("hunter2"), "{report:?}");
        }
    }

    #[test]
    fn addresses_that_lead_nowhere_are_refused_by_name() {
        for address in ["", "http://host", "ws://host", "nats://", "nats://ho st"] {
            assert_eq!(
                field(&settings(address)).as_deref(),
                Some("servers"),
                "{address}"
            );
        }
        for address in ["host", "nats://host:4222", "tls://10.0.0.1", "nats://[::1]"] {
            assert!(settings(address).check().is_ok(), "{address}");
        }
    }

    #[test]
    fn files_that_are_none_are_refused_by_name() {
        let with = |tls: NatsTls| NatsSettings {
            tls,
            ..settings("host")
        };
        let missing = Some("/nowhere/ca.pem".to_owned());
        let ca = with(NatsTls {
            ca_file: missing.clone(),
            ..NatsTls::default()
        });
        assert_eq!(field(&ca).as_deref(), Some("ca_file"));
        let no_key = with(NatsTls {
            certificate_file: missing.clone(),
            ..NatsTls::default()
        });
        assert_eq!(field(&no_key).as_deref(), Some("key_file"));
        let no_certificate = with(NatsTls {
            key_file: missing,
            ..NatsTls::default()
        });
        assert_eq!(field(&no_certificate).as_deref(), Some("certificate_file"));
        let no_pem = with(NatsTls {
            ca_file: Some("/dev/null".into()),
            ..NatsTls::default()
        });
        assert_eq!(field(&no_pem).as_deref(), Some("ca_file"));
    }

    #[test]
    fn naming_a_file_makes_encryption_a_must() {
        let tls = NatsTls {
            ca_file: Some("ca.pem".into()),
            ..NatsTls::default()
        };
        assert!(tls.is_required());
        assert!(!NatsTls::default().is_required());
    }

    #[test]
    fn a_secret_that_is_missing_or_unreadable_is_told_and_never_shown() {
        let of = |authentication, secret: Option<&str>| {
            let secret = secret.map(SecretString::from);
            NatsSettings {
                authentication,
                ..settings("host")
            }
            .connect_options(secret.as_ref())
            .unwrap_err()
        };
        let missing = of(NatsAuthentication::Token, None);
        assert!(matches!(
            missing,
            NatsFailure::SecretMissing { what: "token" }
        ));
        let unreadable = of(NatsAuthentication::Credentials, Some("hunter2"));
        assert!(matches!(unreadable, NatsFailure::CredentialsUnreadable));
        assert!(!format!("{unreadable:?} {:?}", unreadable.report()).contains("hunter2"));
    }
}
