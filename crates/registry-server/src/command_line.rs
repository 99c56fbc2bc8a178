//! What can be said on the command line. No secret can: passwords are in the environment, in files or in the keychain.

#![allow(
    clippy::doc_markdown,
    reason = "the texts are shown in a terminal, where marks would be read as they are"
)]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use registry::access::Role;
use uuid::Uuid;

use crate::commands::apply::ApplyOptions;
use crate::commands::audit::AuditCommand;
use crate::commands::backup::BackupCommand;
use crate::commands::completions::CompletionsOptions;
use crate::commands::delete::DeleteOptions;
use crate::commands::edit::{CreateOptions, UpdateOptions};
use crate::commands::export::ExportOptions;
use crate::commands::get::GetOptions;
use crate::commands::health::HealthOptions;
use crate::commands::history::HistoryOptions;
use crate::commands::list::ListOptions;
use crate::commands::manual::ManualOptions;
use crate::commands::plan::PlanOptions;
use crate::commands::restore::RestoreOptions;
use crate::commands::restore_backup::RestoreBackupOptions;
use crate::commands::switch::{DisableOptions, EnableOptions};
use crate::place::Place;

/// What is said of exit codes, in each help.
const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  failed
   2  plan: there is a difference; audit verify, backup verify: there is a fault
  64  wrong usage
  66  no such extension, file or connection
  69  the database can't be reached, or it isn't known whether a change was made
  75  somebody changed it meanwhile: a revision is not the one that was named or planned
  77  not allowed for this login, or a wrong password
 130  broken off by SIGINT or SIGTERM

DATABASE_URL says where the database is: postgres://user:password@host/registry. --profile NAME and --embedded say it
otherwise; the three exclude each other. A password that is not in the URL comes from DATABASE_PASSWORD, from the file
that DATABASE_PASSWORD_FILE names or, for a saved connection, from the desktop's keychain. NO_COLOR=1 switches colours
off.";

/// The registry of a message router's extensions, for scripts and pipelines.
#[derive(Debug, Parser)]
#[command(name = "registryctl", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct CommandLine {
    /// Answers, and errors, as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists extensions
    List(ListOptions),
    /// Shows an extension with its configuration; secrets are replaced by marks
    Get(GetOptions),
    /// Adds an extension
    Create(CreateOptions),
    /// Changes fields of an extension
    Update(UpdateOptions),
    /// Deletes extensions, all of them or none; their histories stay
    Delete(DeleteOptions),
    /// Switches extensions on, all of them or none
    Enable(EnableOptions),
    /// Switches extensions off, all of them or none
    Disable(DisableOptions),
    /// Tells what became of an extension, newest entry first
    History(HistoryOptions),
    /// Brings back an earlier version of an extension, also of one that was deleted
    Restore(RestoreOptions),
    /// The audit log: read, exported, verified
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Tells how the calls of extensions went
    Health(HealthOptions),
    /// Tells which registry this is, what the login may do and who follows it
    Status,
    /// Writes the registry, or some extensions, as YAML or JSON without secrets
    Export(ExportOptions),
    /// Tells what a file would change: 0 nothing, 2 something, 1 if the file has problems
    Plan(PlanOptions),
    /// Makes the registry what a file says: exactly its plan, in one transaction, or nothing
    Apply(ApplyOptions),
    /// The whole registry in one file: written, verified
    Backup {
        #[command(subcommand)]
        command: BackupCommand,
    },
    /// Restores a backup into an empty database, or in the place of the embedded one
    RestoreBackup(RestoreBackupOptions),
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
    /// Prints a script that completes arguments in a shell
    Completions(CompletionsOptions),
    /// Writes the manual for man(1), a page of each command
    Manual(ManualOptions),
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
    List,
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
