//! `postgres://` URLs, as libpq writes them: with several hosts, and nothing in them that is not understood.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::SecretString;

use super::profile::{Pooling, RemoteDatabase, ServerAddress, default_port, invalid};
use super::tls::{TlsMode, TlsSettings};
use crate::{Error, Result};

/// What a URL says. The password is split off: its `Debug` prints nothing.
#[derive(Debug)]
pub struct ParsedUrl {
    /// Where it leads.
    pub database: RemoteDatabase,
    /// The password, if there was one in it.
    pub password: Option<SecretString>,
}

/// What stays as it is in a part of a URL.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What stays as it is in an address between brackets.
const ENCODED_IN_BRACKETS: &AsciiSet = &ENCODED.remove(b':');

/// Reads a URL such as `postgres://user:password@host1:5432,host2:5433/database?sslmode=verify-full`.
///
/// Understood are `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `application_name`, `target_session_attrs` and
/// `pooling` (`direct`, `session` or `transaction`: whether `PgBouncer` stands before the servers).
///
/// # Errors
/// [`Error::InvalidInput`] naming `url` or the field, in words that repeat neither the password nor any value that may
/// hold one. A key that is not understood is an error that names it: passed over, it could be the one that makes the
/// connection safe.
pub fn parse_url(url: &str) -> Result<ParsedUrl> {
    let rest = ["postgres://", "postgresql://"]
        .into_iter()
        .find_map(|scheme| url.trim().strip_prefix(scheme))
        .ok_or_else(|| {
            wrong(
                "The URL doesn't begin with postgres://.",
                "Use the form postgres://user@host:5432/database.",
            )
        })?;
    if rest.contains('#') {
        return Err(wrong(
            "The URL has a #.",
            "Write a # in a name or a password as %23.",
        ));
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    if path.contains(['/', '@', ':']) {
        return Err(wrong(
            "The URL has a /, @ or : behind its first /.",
            "Write them as %2F, %40 and %3A in a name or a password.",
        ));
    }
    // The last @: one in a password should be written as %40, but the hosts have none.
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match login.split_once(':') {
        None => (login, None),
        Some((user, password)) => (user, Some(password)),
    };
    let password = password
        .filter(|password| !password.is_empty())
        .map(|password| decoded(password).map(SecretString::from))
        .transpose()?;
    let servers = hosts.split(',').map(server).collect::<Result<Vec<_>>>()?;
    let user = decoded(user)?;
    let mut database = RemoteDatabase {
        servers,
        // As libpq: the database is called like the login where none is named.
        database: match decoded(path)? {
            name if name.is_empty() => user.clone(),
            name => name,
        },
        user,
        tls: TlsSettings::default(),
        application_name: None,
        is_read_only: false,
        prefers_standby: false,
        pooling: Pooling::Direct,
    };
    let mut seen = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decoded(key)?;
        if seen.contains(&key) {
            return Err(wrong(
                format!("The URL has {key:?} twice."),
                "Keep one of them.",
            ));
        }
        take_parameter(&mut database, &key, decoded(value)?)?;
        seen.push(key);
    }
    database.check()?;
    Ok(ParsedUrl { database, password })
}

fn take_parameter(database: &mut RemoteDatabase, key: &str, value: String) -> Result<()> {
    match key {
        "sslmode" => {
            database.tls.mode = Some(TlsMode::from_name(&value).ok_or_else(|| {
                invalid(
                    "sslmode",
                    "The URL's sslmode is none that is known.".into(),
                    "Use disable, prefer, require, verify-ca or verify-full.",
                )
            })?);
        }
        "sslrootcert" => database.tls.ca_file = Some(value),
        "sslcert" => database.tls.client_certificate_file = Some(value),
        "sslkey" => database.tls.client_key_file = Some(value),
        "application_name" => database.application_name = Some(value),
        "target_session_attrs" => {
            (database.is_read_only, database.prefers_standby) = match value.as_str() {
                "any" | "read-write" | "primary" => (false, false),
                "prefer-standby" => (false, true),
                "read-only" => (true, false),
                "standby" => (true, true),
                _ => {
                    return Err(invalid(
                        "target_session_attrs",
                        "The URL's target_session_attrs is none that is known.".into(),
                        "Use read-write, primary, prefer-standby, read-only, standby or any.",
                    ));
                }
            };
        }
        "pooling" => {
            database.pooling = Pooling::from_name(&value).ok_or_else(|| {
                invalid(
                    "pooling",
                    "The URL's pooling is none that is known.".into(),
                    "Use direct, session or transaction.",
                )
            })?;
        }
        "password" | "user" => {
            return Err(wrong(
                format!("The URL has {key:?} behind its question mark."),
                "Write it before the host: postgres://user:password@host/database.",
            ));
        }
        _ => {
            return Err(wrong(
                format!("The URL has {key:?}, which is not understood."),
                "Remove it, or check its spelling: nothing in a URL is passed over.",
            ));
        }
    }
    Ok(())
}

fn server(text: &str) -> Result<ServerAddress> {
    let bad_port = || {
        invalid(
            "servers",
            "A port in the URL is no number from 1 to 65535.".into(),
            "Write host:port; a : or @ in a password is written as %3A or %40.",
        )
    };
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(bad_port)?;
        match rest {
            "" => (host, None),
            rest => (host, Some(rest.strip_prefix(':').ok_or_else(bad_port)?)),
        }
    } else {
        match text.rsplit_once(':') {
            None => (text, None),
            Some((host, port)) => (host, Some(port)),
        }
    };
    let port = match port {
        None | Some("") => default_port(),
        Some(port) => port.parse().map_err(|_| bad_port())?,
    };
    Ok(ServerAddress::new(decoded(host)?, port))
}

fn decoded(text: &str) -> Result<String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| {
            wrong(
                "The URL has percent signs that stand for no text.",
                "Write a % in a name or a password as %25.",
            )
        })
}

fn wrong(message: impl Into<String>, action: &'static str) -> Error {
    invalid("url", message.into(), action)
}

/// A database as URL, without the password, which it never had.
pub fn to_url(database: &RemoteDatabase) -> String {
    let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let servers: Vec<String> = database
        .servers
        .iter()
        .map(|server| {
            if server.host.contains(':') && !server.is_socket() {
                let address = utf8_percent_encode(&server.host, ENCODED_IN_BRACKETS);
                format!("[{address}]:{}", server.port)
            } else {
                format!("{}:{}", encode(&server.host), server.port)
            }
        })
        .collect();
    let RemoteDatabase { tls, .. } = database;
    let mut parameters: Vec<(&str, &str)> = Vec::new();
    if let Some(mode) = tls.mode {
        parameters.push(("sslmode", mode.name()));
    }
    for (key, value) in [
        ("sslrootcert", &tls.ca_file),
        ("sslcert", &tls.client_certificate_file),
        ("sslkey", &tls.client_key_file),
        ("application_name", &database.application_name),
    ] {
        parameters.extend(value.as_deref().map(|value| (key, value)));
    }
    match (database.is_read_only, database.prefers_standby) {
        (false, false) => {}
        (false, true) => parameters.push(("target_session_attrs", "prefer-standby")),
        (true, false) => parameters.push(("target_session_attrs", "read-only")),
        (true, true) => parameters.push(("target_session_attrs", "standby")),
    }
    if database.pooling != Pooling::Direct {
        parameters.push(("pooling", database.pooling.name()));
    }
    let query: Vec<String> = parameters
        .iter()
        .map(|(key, value)| format!("{key}={}", encode(value)))
        .collect();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{}", query.join("&"))
    };
    format!(
        "postgres://{}@{}/{}{query}",
        encode(&database.user),
        servers.join(","),
        encode(&database.database)
    )
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn hosts_ports_login_and_parameters_are_read() {
        let parsed = parse_url(
            "postgresql://con%40sole:p%3Aw@db1:5433,db2,[::1]:6432/reg%20istry?sslmode=verify-ca\
             &sslrootcert=/etc/ca.pem&application_name=console%20a&target_session_attrs=prefer-standby\
             &pooling=transaction",
        )
        .unwrap();
        let database = &parsed.database;
        let servers: Vec<_> = database.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["db1:5433", "db2:5432", "[::1]:6432"]);
        assert_eq!(
            (database.user.as_str(), database.database.as_str()),
            ("con@sole", "reg istry")
        );
        assert_eq!(database.tls.mode, Some(TlsMode::VerifyCa));
        assert_eq!(database.tls.ca_file.as_deref(), Some("/etc/ca.pem"));
        assert_eq!(database.application_name.as_deref(), Some("console a"));
        assert!(database.prefers_standby && !database.is_read_only);
        assert_eq!(database.pooling, Pooling::Transaction);
        assert_eq!(parsed.password.as_ref().unwrap().expose_secret(), "p:w");
        assert!(!format!("{parsed:?}").contains("p:w"));
    }

    #[test]
    fn a_url_comes_back_as_it_was_but_for_the_password() {
        for url in [
            "postgres://console@db1:5432/registry",
            "postgres://c%40d@db1:5432,db2:6432,[fe80::1]:5432/a%2Fb?sslmode=require&sslrootcert=%2Fca.pem\
             &sslcert=c.pem&sslkey=k.pem&application_name=a%26b&target_session_attrs=standby&pooling=session",
            "postgres://console@%2Frun%2Fpostgresql:5432/registry?target_session_attrs=read-only",
            "postgres://console@%2Frun%2Fa%3Ab:5432,[fe80::1%25eth0]:5432/registry",
        ] {
            let parsed = parse_url(url).unwrap();
            assert_eq!(to_url(&parsed.database), url);
            assert_eq!(
                parse_url(&to_url(&parsed.database)).unwrap().database,
                parsed.database
            );
        }
        let parsed = parse_url("postgres://console:hunter2@db1:5432/registry").unwrap();
        assert_eq!(
            to_url(&parsed.database),
            "postgres://console@db1:5432/registry"
        );
    }

    #[test]
    fn what_is_not_understood_is_named_and_no_secret_is_repeated() {
        let base = "postgres://console:hunter2@db1/registry";
        for (url, field, words) in [
            (format!("{base}?ssl_mode=hunter2"), "url", "ssl_mode"),
            (format!("{base}?sslmode=hunter2"), "sslmode", "sslmode"),
            (format!("{base}?password=hunter2"), "url", "password"),
            (
                format!("{base}?target_session_attrs=hunter2"),
                "target_session_attrs",
                "",
            ),
            (format!("{base}?pooling=hunter2"), "pooling", ""),
            (
                format!("{base}?sslmode=require&sslmode=disable"),
                "url",
                "twice",
            ),
            ("postgres://console:hunter2@db1:x/a".into(), "servers", ""),
            ("postgres://console:hunter2/@db1/a".into(), "url", "%2F"),
            ("postgres://console:12/hunter2@db1/a".into(), "url", "%2F"),
            ("postgres://console:hunter2@/registry".into(), "servers", ""),
            (
                "postgres://console:hunter2@]1:[::5433/a".into(),
                "servers",
                "no host",
            ),
            (
                "postgres://console:hunter2@a:b:5433/a".into(),
                "servers",
                "no host",
            ),
            ("postgres://console:%ff@db1/registry".into(), "url", ""),
            ("postgres://console:hunter2#@db1/a".into(), "url", "#"),
            ("mysql://console:hunter2@db1/a".into(), "url", "postgres://"),
        ] {
            let error = parse_url(&url).unwrap_err();
            let shown = format!("{error} {error:?} {:?}", error.report());
            assert_eq!(error.report().field.as_deref(), Some(field), "{url}");
            assert!(shown.contains(words), "{url}: {shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
