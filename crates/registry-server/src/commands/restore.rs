//! `registryctl restore`: an earlier version of an extension brought back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use registry::Error;
use registry::extension_changes::RestoreRequest;
use serde_json::value::RawValue;

use super::edit::confirmable;
use super::get::tell;
use crate::arguments::{ChangeNote, Confirmed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::place::Place;

const SECRETS_MAX_BYTES: u64 = 1 << 20;

/// What to bring back.
#[derive(Args, Debug)]
pub(crate) struct RestoreOptions {
    /// The extension; it may be gone since
    #[arg(value_name = "ID")]
    id: String,
    /// The revision whose change made the version to bring back, from the history
    #[arg(long, value_name = "NUMBER")]
    revision: i64,
    /// Only these fields, between commas; a deleted extension comes back whole
    #[arg(
        long,
        value_name = "FIELDS",
        value_delimiter = ',',
        value_parser = ["subject", "timeout_ms", "retry", "enabled", "config", "metadata"]
    )]
    fields: Vec<String>,
    /// Secrets that the registry doesn't know any more: a file with a JSON object of them by their paths, - for standard
    /// input
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    #[command(flatten)]
    note: ChangeNote,
    #[command(flatten)]
    confirmed: Confirmed,
}

/// Brings back a version.
pub(crate) async fn run(
    options: RestoreOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let request = RestoreRequest {
        id: options.id,
        revision: options.revision,
        fields: Some(options.fields).filter(|fields| !fields.is_empty()),
        secrets: match &options.secrets {
            Some(path) => read(path)?,
            None => BTreeMap::new(),
        },
    };
    let opened = place.open().await?;
    let context = options
        .note
        .confirmed_context(options.confirmed, opened.protection);
    let restored = opened
        .registry
        .restore_extension(&request, &context)
        .await
        .map_err(|error| {
            let is_secret = matches!(error, Error::SecretRequired { .. });
            let failure = confirmable(error);
            if is_secret {
                failure.with_action(
                    "Give the secret in a file by --secrets, or bring back other --fields.",
                )
            } else {
                failure
            }
        })?;
    tell(restored, output)?;
    opened.close().await;
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let text = files::read_text(path, SECRETS_MAX_BYTES)?;
    // The parser's words could repeat what is there.
    let secrets: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(&text).map_err(|error| {
            Failure::usage(
                format!(
                    "{} holds no JSON object of secrets (line {}, column {})",
                    path.display(),
                    error.line(),
                    error.column()
                ),
                "Write it as {\"/config/api_key\": \"…\"}.",
            )
        })?;
    Ok(secrets
        .into_iter()
        .map(|(path, secret)| (path, secret.get().to_owned()))
        .collect())
}
