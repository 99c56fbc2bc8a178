//! How far a connection is encrypted and the server known.

use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::postgres::PgSslMode;

use super::profile::ServerAddress;

/// How far a connection is encrypted and the server known; the names are those of PostgreSQL's `sslmode`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, Type)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Nothing is encrypted.
    Disable,
    /// Encrypted if the server offers it. Whoever is in between can take it away.
    Prefer,
    /// Encrypted; whoever answers is believed.
    Require,
    /// The server's certificate is signed by an authority that is trusted, for whatever host.
    VerifyCa,
    /// And it is for the host that was asked for.
    VerifyFull,
}

impl TlsMode {
    /// As `sslmode` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// The mode of this name; none for `allow`, which would take the weakest the server asks for, and for any other.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Disable,
            Self::Prefer,
            Self::Require,
            Self::VerifyCa,
            Self::VerifyFull,
        ]
        .into_iter()
        .find(|mode| mode.name() == name)
    }

    pub(super) fn ssl_mode(self) -> PgSslMode {
        match self {
            Self::Disable => PgSslMode::Disable,
            Self::Prefer => PgSslMode::Prefer,
            Self::Require => PgSslMode::Require,
            Self::VerifyCa => PgSslMode::VerifyCa,
            Self::VerifyFull => PgSslMode::VerifyFull,
        }
    }
}

/// How a profile's connections are encrypted.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// A mode that somebody chose; none for the default: `verify-full`, but `prefer` where all servers are on this
    /// machine.
    pub mode: Option<TlsMode>,
    /// A file with certificates of authorities (PEM) that are trusted besides those of the operating system.
    pub ca_file: Option<String>,
    /// The file of this program's own certificate (PEM), where the server wants one.
    pub client_certificate_file: Option<String>,
    /// The file of its key (PEM).
    pub client_key_file: Option<String>,
}

impl TlsSettings {
    /// The mode that holds for these servers. A mixture is as far away as its farthest.
    pub fn mode_for(&self, servers: &[ServerAddress]) -> TlsMode {
        self.mode.unwrap_or_else(|| {
            if servers.iter().all(ServerAddress::is_local) {
                TlsMode::Prefer
            } else {
                TlsMode::VerifyFull
            }
        })
    }

    /// Whether somebody on the way to these servers could read or change what is sent: to be shown.
    pub fn is_weak(&self, servers: &[ServerAddress]) -> bool {
        self.mode_for(servers) < TlsMode::VerifyFull && !servers.iter().all(ServerAddress::is_local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(hosts: &[&str]) -> Vec<ServerAddress> {
        hosts
            .iter()
            .map(|host| ServerAddress::new(*host, 5432))
            .collect()
    }

    #[test]
    fn what_is_not_on_this_machine_is_verified_in_full_by_default() {
        let default = TlsSettings::default();
        for hosts in [
            ["db.example"].as_slice(),
            &["10.0.0.1"],
            &["localhost", "db.example"],
        ] {
            assert_eq!(
                default.mode_for(&servers(hosts)),
                TlsMode::VerifyFull,
                "{hosts:?}"
            );
            assert!(!default.is_weak(&servers(hosts)));
        }
        for host in [
            "localhost",
            "127.0.0.1",
            "127.1.2.3",
            "::1",
            "/run/postgresql",
        ] {
            assert_eq!(
                default.mode_for(&servers(&[host])),
                TlsMode::Prefer,
                "{host}"
            );
            assert!(!default.is_weak(&servers(&[host])), "{host}");
        }
    }

    #[test]
    fn a_weaker_mode_is_a_choice_and_is_told() {
        for mode in [
            TlsMode::Disable,
            TlsMode::Prefer,
            TlsMode::Require,
            TlsMode::VerifyCa,
        ] {
            let chosen = TlsSettings {
                mode: Some(mode),
                ..TlsSettings::default()
            };
            assert!(chosen.is_weak(&servers(&["db.example"])), "{mode:?}");
            assert!(!chosen.is_weak(&servers(&["localhost"])), "{mode:?}");
            assert_eq!(TlsMode::from_name(mode.name()), Some(mode));
        }
        assert_eq!(TlsMode::from_name("allow"), None);
    }
}
