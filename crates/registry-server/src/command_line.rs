//! What can be said on the command line. No secret can: passwords are in `DATABASE_URL`, tokens in files of their own.

#![allow(
    clippy::doc_markdown,
    reason = "the texts are shown in a terminal, where marks would be read as they are"
)]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use registry::access::Role;
use uuid::Uuid;

/// The registry of a message router's extensions, for scripts and pipelines.
///
/// The environment variable DATABASE_URL says where the database is: postgres://user:password@host/registry.
/// Exit codes: 0 done, 1 failed, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "registryctl", version, max_term_width = 100)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves the registry over HTTP until it is told to end (SIGINT, SIGTERM)
    ///
    /// Its database login is a member of registry_rest_server: GRANT registry_rest_server TO login.
    Serve(ServeOptions),
    /// Brings the database's schema up to date, as the owner of the tables
    Migrate,
    /// Tokens, which requests over HTTP show; as the owner of the tables
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Prints the OpenAPI document of the HTTP interface
    Openapi,
}

#[derive(Args, Debug)]
pub(crate) struct ServeOptions {
    /// The address and the port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8620")]
    pub(crate) listen: SocketAddr,
    /// The certificate chain, PEM; needed to listen elsewhere than on this machine alone
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Listens elsewhere without TLS: tokens can be read on the way, unless something else protects it
    #[arg(long)]
    pub(crate) allow_plain_http: bool,
    /// How many requests a second a token may make, twice as many at once; 0 for any number
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    pub(crate) requests_per_second: u32,
    /// Within how many seconds an answer must begin; a verification of the audit log has 15 minutes
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) time_limit_seconds: u64,
    /// For how many seconds requests that are under way are waited for at the end
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) grace_seconds: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Makes a token and prints it, once: it is stored nowhere
    Create(TokenOptions),
    /// Lists the tokens, without the tokens themselves
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Has a token refused from now on
    Revoke {
        /// Its id, from the list
        token_id: Uuid,
    },
}

#[derive(Args, Debug)]
pub(crate) struct TokenOptions {
    /// In whose name everything is done with it, as the audit log says
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: String,
    /// What may be done with it
    #[arg(long)]
    pub(crate) role: TokenRole,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,
    /// For how many days it is accepted
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub(crate) expires_in_days: u32,
    /// It is accepted until it is revoked
    #[arg(long, conflicts_with = "expires_in_days")]
    pub(crate) never_expires: bool,
    /// As JSON, with what is known of it
    #[arg(long)]
    pub(crate) json: bool,
}

/// A token's role.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TokenRole {
    /// Reads and verifies the audit log, and sees nothing else
    Auditor,
    /// Reads everything
    Viewer,
    /// And switches extensions on and off
    Operator,
    /// And creates, changes and deletes them
    Editor,
}

impl From<TokenRole> for Role {
    fn from(role: TokenRole) -> Self {
        match role {
            TokenRole::Auditor => Self::RegistryAuditor,
            TokenRole::Viewer => Self::RegistryViewer,
            TokenRole::Operator => Self::RegistryOperator,
            TokenRole::Editor => Self::RegistryEditor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let parsed =
            CommandLine::try_parse_from(["registryctl", "serve", "--tls-certificate", "c.pem"]);
        assert!(parsed.is_err());
    }
}
