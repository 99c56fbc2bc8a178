//! Connection profiles: where a registry is and how to get there, without any secret.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use specta::Type;

use super::tls::TlsSettings;
use crate::{Error, Result};

/// Where a registry is. It holds no secret: a password is kept elsewhere, under [`ConnectionProfile::id`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(deny_unknown_fields)]
pub struct ConnectionProfile {
    /// Its name for programs, which stays: letters, digits, `_` and `-`, at most 64.
    pub id: String,
    /// Its name for people, at most 100 characters.
    pub label: String,
    /// The colour that the window marks it with.
    pub colour: Option<ProfileColour>,
    /// Whether changes of it are confirmed, and the window warns by its colour.
    pub is_production: bool,
    /// Whether no change is made without a reason.
    pub is_reason_required: bool,
    /// Which database.
    pub database: ConnectionKind,
}

/// A colour to know a profile by.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is a colour")]
pub enum ProfileColour {
    Grey,
    Red,
    Orange,
    Yellow,
    Green,
    Blue,
    Violet,
}

/// Which database a profile leads to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum ConnectionKind {
    /// The private PostgreSQL of this program ([`crate::embedded`]).
    Embedded,
    /// One elsewhere.
    Remote(RemoteDatabase),
}

/// A database on one server, or on several of which one can be written to at a time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(deny_unknown_fields)]
pub struct RemoteDatabase {
    /// The servers, in the order in which they are tried; at least one, at most 16.
    pub servers: Vec<ServerAddress>,
    /// The database's name.
    pub database: String,
    /// The login.
    pub user: String,
    /// How connections are encrypted.
    pub tls: TlsSettings,
    /// What the server shows the connections as, and audit entries name; none for the program's own name. At most 63
    /// bytes.
    pub application_name: Option<String>,
    /// Whether nothing may be changed through it.
    pub is_read_only: bool,
    /// Whether a standby is asked where that will do: by a cache, and by all of a profile that is read-only.
    pub prefers_standby: bool,
    /// Whether a pooler stands before the servers.
    pub pooling: Pooling,
}

/// Whether a pooler such as `PgBouncer` stands before the servers, and what it gives a client.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// None.
    #[default]
    Direct,
    /// A server's session for as long as the client is connected.
    Session,
    /// A server's session for one transaction: no prepared statements, and no notices of changes.
    Transaction,
}

impl Pooling {
    /// As URLs spell it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Session => "session",
            Self::Transaction => "transaction",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Direct, Self::Session, Self::Transaction]
            .into_iter()
            .find(|pooling| pooling.name() == name)
    }
}

/// One server.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(deny_unknown_fields)]
pub struct ServerAddress {
    /// A name, an address, or the folder of a unix socket, which begins with `/`.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// PostgreSQL's own.
pub(super) fn default_port() -> u16 {
    5432
}

impl ServerAddress {
    /// The server of this host and port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }

    /// Whether it is on this machine, so that nobody is on the way to it.
    pub fn is_local(&self) -> bool {
        self.is_socket()
            || self.host.eq_ignore_ascii_case("localhost")
            || self
                .host
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
    }

    /// Whether it is reached by a unix socket.
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

/// What is wrong with one field of a profile.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct ProfileProblem {
    /// The field, such as `servers`.
    pub field: String,
    /// What is wrong with it: one sentence.
    pub message: String,
    /// How to put it right: one sentence.
    pub action: String,
}

const SERVERS_MAX: usize = 16;
const LABEL_MAX_CHARACTERS: usize = 100;
const ID_MAX_CHARACTERS: usize = 64;
/// PostgreSQL cuts longer names.
const NAME_MAX_BYTES: usize = 63;

impl ConnectionProfile {
    /// The [`Self::id`] of the embedded database's profile, which every program has.
    pub const EMBEDDED_ID: &'static str = "embedded";

    /// The embedded database's profile, as long as nobody has said more of it.
    pub fn embedded() -> Self {
        Self {
            id: Self::EMBEDDED_ID.to_owned(),
            label: "Embedded database".to_owned(),
            colour: None,
            is_production: false,
            is_reason_required: false,
            database: ConnectionKind::Embedded,
        }
    }

    /// What is wrong with it, all at once, in the order of its fields; empty if nothing is.
    pub fn problems(&self) -> Vec<ProfileProblem> {
        self.errors().iter().filter_map(problem).collect()
    }

    /// The first thing that is wrong with it.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] naming the field.
    pub fn check(&self) -> Result<()> {
        self.errors().into_iter().next().map_or(Ok(()), Err)
    }

    /// The database elsewhere that it leads to; none for the embedded one.
    pub fn remote(&self) -> Option<&RemoteDatabase> {
        match &self.database {
            ConnectionKind::Embedded => None,
            ConnectionKind::Remote(remote) => Some(remote),
        }
    }

    /// Whether the password of one is the other's: it is given to the same servers for the same login, and to no others.
    pub fn takes_password_of(&self, other: &Self) -> bool {
        let asked = |profile: &Self| {
            profile.remote().map(|remote| {
                let servers: BTreeSet<(String, u16)> = remote
                    .servers
                    .iter()
                    .map(|server| (server.host.clone(), server.port))
                    .collect();
                (servers, remote.user.clone())
            })
        };
        asked(self) == asked(other)
    }

    fn errors(&self) -> Vec<Error> {
        let mut errors = Vec::new();
        let is_id = !self.id.is_empty()
            && self.id.chars().count() <= ID_MAX_CHARACTERS
            && self
                .id
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter));
        if !is_id {
            errors.push(invalid(
                "id",
                "The connection's id is empty, too long or has other characters than letters, digits, _ and -.".into(),
                "Use 1 to 64 letters, digits, _ and -.",
            ));
        }
        if self.label.trim().is_empty() {
            errors.push(invalid(
                "label",
                "The connection has no name.".into(),
                "Give it one.",
            ));
        } else if self.label.chars().count() > LABEL_MAX_CHARACTERS {
            errors.push(invalid(
                "label",
                format!("The connection's name is longer than {LABEL_MAX_CHARACTERS} characters."),
                "Shorten it.",
            ));
        }
        if let ConnectionKind::Remote(remote) = &self.database {
            errors.extend(remote.errors());
        }
        errors
    }
}

impl RemoteDatabase {
    /// What is wrong with it, all at once; empty if nothing is.
    pub fn problems(&self) -> Vec<ProfileProblem> {
        self.errors().iter().filter_map(problem).collect()
    }

    /// The first thing that is wrong with it.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] naming the field.
    pub fn check(&self) -> Result<()> {
        self.errors().into_iter().next().map_or(Ok(()), Err)
    }

    fn errors(&self) -> Vec<Error> {
        let mut errors = Vec::new();
        match self.servers.len() {
            0 => errors.push(invalid(
                "servers",
                "No server is named.".into(),
                "Name at least one.",
            )),
            count if count > SERVERS_MAX => errors.push(invalid(
                "servers",
                format!("{count} servers are named, {SERVERS_MAX} are allowed."),
                "Name those that can become the primary.",
            )),
            _ => errors.extend(self.servers.iter().find_map(address_error)),
        }
        for (field, value, what) in [
            ("database", &self.database, "database"),
            ("user", &self.user, "login"),
        ] {
            errors.extend(name_error(field, value, what));
        }
        if let Some(name) = &self.application_name {
            errors.extend(name_error("application_name", name, "application"));
        }
        let tls = &self.tls;
        for (field, file) in [
            ("ca_file", &tls.ca_file),
            ("client_certificate_file", &tls.client_certificate_file),
            ("client_key_file", &tls.client_key_file),
        ] {
            if file.as_ref().is_some_and(|path| path.trim().is_empty()) {
                errors.push(invalid(
                    field,
                    "The file's name is empty.".into(),
                    "Name the file, or none.",
                ));
            }
        }
        match (&tls.client_certificate_file, &tls.client_key_file) {
            (Some(_), None) => errors.push(invalid(
                "client_key_file",
                "A certificate of one's own needs its key.".into(),
                "Name the key's file as well.",
            )),
            (None, Some(_)) => errors.push(invalid(
                "client_certificate_file",
                "A key of one's own needs its certificate.".into(),
                "Name the certificate's file as well.",
            )),
            _ => {}
        }
        errors
    }
}

/// Whether it is such an address, with a zone or without.
fn is_ipv6(host: &str) -> bool {
    let address = host.split_once('%').map_or(host, |(address, _)| address);
    address.parse::<Ipv6Addr>().is_ok()
}

fn address_error(server: &ServerAddress) -> Option<Error> {
    let is_host = !server.host.is_empty()
        && server.host.len() <= 255
        && !server.host.chars().any(|letter| {
            letter.is_whitespace() || letter.is_control() || "@,?#[]".contains(letter)
        })
        && (server.is_socket() || !server.host.contains('/'))
        && (server.is_socket() || !server.host.contains(':') || is_ipv6(&server.host));
    if !is_host {
        return Some(invalid(
            "servers",
            format!("{:?} is no host.", server.host),
            "Use a name, an address, or the folder of a unix socket.",
        ));
    }
    (server.port == 0).then(|| {
        invalid(
            "servers",
            format!("{:?} has the port 0.", server.host),
            "Use a port from 1 to 65535; PostgreSQL's is 5432.",
        )
    })
}

fn name_error(field: &'static str, value: &str, what: &str) -> Option<Error> {
    if value.is_empty() {
        Some(invalid(
            field,
            format!("The {what} has no name."),
            "Name it.",
        ))
    } else if value.len() > NAME_MAX_BYTES {
        Some(invalid(
            field,
            format!("The {what}'s name is longer than {NAME_MAX_BYTES} bytes."),
            "PostgreSQL has no longer names: check it.",
        ))
    } else if value.chars().any(char::is_control) {
        Some(invalid(
            field,
            format!("The {what}'s name has a control character."),
            "Remove it.",
        ))
    } else {
        None
    }
}

pub(super) fn invalid(field: &'static str, message: String, action: &'static str) -> Error {
    Error::InvalidInput {
        field,
        message,
        action,
    }
}

fn problem(error: &Error) -> Option<ProfileProblem> {
    match error {
        Error::InvalidInput {
            field,
            message,
            action,
        } => Some(ProfileProblem {
            field: (*field).to_owned(),
            message: message.clone(),
            action: (*action).to_owned(),
        }),
        _ => None,
    }
}

/// A file of profiles.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ProfilesFile {
    /// Tells files of a later form.
    version: u32,
    profiles: Vec<ConnectionProfile>,
}

const FILE_VERSION: u32 = 1;

/// The profiles as a file to give to others. There is no secret in it, because there is none in a profile.
///
/// # Errors
/// [`Error::Internal`], never in practice.
pub fn export_profiles(profiles: &[ConnectionProfile]) -> Result<String> {
    let file = ProfilesFile {
        version: FILE_VERSION,
        profiles: profiles.to_vec(),
    };
    serde_json::to_string_pretty(&file)
        .map(|text| text + "\n")
        .map_err(|source| Error::Internal {
            attempted: "Exporting the connections",
            source: source.into(),
        })
}

/// The profiles of a file.
///
/// # Errors
/// [`Error::InvalidInput`] naming `file` or the field of a profile. No error repeats a value of the file, which may
/// hold a password that somebody put there by hand.
pub fn import_profiles(text: &str) -> Result<Vec<ConnectionProfile>> {
    let unreadable = |message: String| {
        invalid(
            "file",
            message,
            "Choose a file that was made by the export of connections.",
        )
    };
    let at = |error: &serde_json::Error| {
        unreadable(format!(
            "The file is none of connections: look at line {}, column {}.",
            error.line(),
            error.column()
        ))
    };
    let value: Value = serde_json::from_str(text).map_err(|error| at(&error))?;
    if holds_secret(&value) {
        return Err(invalid(
            "file",
            "The file holds a password, which has no place in it.".into(),
            "Remove the password from the file; it is asked for when the connection is used.",
        ));
    }
    match value.get("version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(FILE_VERSION) => {}
        Some(version) => {
            return Err(invalid(
                "file",
                format!(
                    "The file has the form {version}, this program knows {FILE_VERSION} alone."
                ),
                "Install the newest version of this program.",
            ));
        }
        None => return Err(unreadable("The file is none of connections.".into())),
    }
    // From the text and not from the value, so that the place is known.
    let file: ProfilesFile = serde_json::from_str(text).map_err(|error| at(&error))?;
    let mut ids = BTreeSet::new();
    for profile in &file.profiles {
        profile.check()?;
        if !ids.insert(&profile.id) {
            return Err(invalid(
                "id",
                format!("The file has two connections {:?}.", profile.id),
                "Give each an id of its own.",
            ));
        }
    }
    Ok(file.profiles)
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(holds_secret),
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key.to_lowercase().contains("password") || holds_secret(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{TlsMode, parse_url};

    fn remote() -> RemoteDatabase {
        RemoteDatabase {
            servers: vec![
                ServerAddress::new("db1", 5432),
                ServerAddress::new("db2", 6432),
            ],
            database: "registry".into(),
            user: "console".into(),
            tls: TlsSettings::default(),
            application_name: None,
            is_read_only: false,
            prefers_standby: true,
            pooling: Pooling::Session,
        }
    }

    fn profile() -> ConnectionProfile {
        ConnectionProfile {
            id: "production".into(),
            label: "Production".into(),
            colour: Some(ProfileColour::Red),
            is_production: true,
            is_reason_required: true,
            database: ConnectionKind::Remote(remote()),
        }
    }

    #[test]
    fn each_problem_names_its_field_and_all_are_told_at_once() {
        let mut wrong = profile();
        wrong.id = "a b".into();
        wrong.label = " ".into();
        wrong.database = ConnectionKind::Remote(RemoteDatabase {
            servers: vec![],
            database: String::new(),
            user: "u".repeat(64),
            application_name: Some("a\nb".into()),
            tls: TlsSettings {
                ca_file: Some(String::new()),
                client_certificate_file: Some("client.pem".into()),
                ..TlsSettings::default()
            },
            ..remote()
        });
        let problems = wrong.problems();
        let fields: Vec<_> = problems
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        assert_eq!(
            fields,
            [
                "id",
                "label",
                "servers",
                "database",
                "user",
                "application_name",
                "ca_file",
                "client_key_file"
            ]
        );
        assert!(
            problems
                .iter()
                .all(|problem| !problem.message.is_empty() && !problem.action.is_empty())
        );
        assert_eq!(profile().problems(), []);
    }

    #[test]
    fn a_host_with_what_belongs_to_a_url_is_no_host() {
        for host in [
            "",
            "a b",
            "user@db",
            "db1,db2",
            "db/registry",
            "db?sslmode=disable",
        ] {
            let wrong = RemoteDatabase {
                servers: vec![ServerAddress::new(host, 5432)],
                ..remote()
            };
            let error = wrong.check().unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some("servers"), "{host:?}");
        }
    }

    #[test]
    fn a_password_stays_with_its_servers_and_its_login() {
        let to = |url: &str| ConnectionProfile {
            database: ConnectionKind::Remote(parse_url(url).unwrap().database),
            ..profile()
        };
        let kept = to("postgres://anna@one,two:5433/registry");
        for same in [
            "postgres://anna@two:5433,one/registry",
            "postgres://anna@one,two:5433/other?application_name=console",
        ] {
            assert!(kept.takes_password_of(&to(same)), "{same}");
        }
        for other in [
            "postgres://anna@one/registry",
            "postgres://anna@one,two/registry",
            "postgres://anna@one,two:5433,three/registry",
            "postgres://bert@one,two:5433/registry",
        ] {
            assert!(!kept.takes_password_of(&to(other)), "{other}");
        }
    }

    #[test]
    fn profiles_come_back_from_a_file_as_they_were() {
        let embedded = ConnectionProfile {
            id: "embedded".into(),
            label: "This machine".into(),
            colour: None,
            is_production: false,
            is_reason_required: false,
            database: ConnectionKind::Embedded,
        };
        let mut strict = profile();
        if let ConnectionKind::Remote(remote) = &mut strict.database {
            remote.tls.mode = Some(TlsMode::VerifyCa);
        }
        let profiles = [embedded, strict];
        let text = export_profiles(&profiles).unwrap();
        assert_eq!(import_profiles(&text).unwrap(), profiles);
    }

    #[test]
    fn a_file_with_a_password_is_refused_and_its_words_are_not_repeated() {
        let text = export_profiles(&[profile()]).unwrap();
        let planted = text.replace("\"user\"", "\"password\": \"hunter2\", \"user\"");
        let broken = text.replace("\"is_production\": true", "\"is_production\": \"hunter2\"");
        let unknown = text.replace("\"user\"", "\"pass\": \"hunter2\", \"user\"");
        for text in [planted, broken, unknown] {
            assert!(text.contains("hunter2"));
            let error = import_profiles(&text).unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some("file"));
            assert!(!format!("{error:?} {:?}", error.report()).contains("hunter2"));
        }
    }

    #[test]
    fn two_profiles_of_one_id_and_a_later_form_are_refused() {
        let text = export_profiles(&[profile(), profile()]).unwrap();
        assert_eq!(
            import_profiles(&text)
                .unwrap_err()
                .report()
                .field
                .as_deref(),
            Some("id")
        );
        let later = export_profiles(&[])
            .unwrap()
            .replace("\"version\": 1", "\"version\": 2");
        assert!(
            import_profiles(&later)
                .unwrap_err()
                .to_string()
                .contains("form 2")
        );
    }
}
