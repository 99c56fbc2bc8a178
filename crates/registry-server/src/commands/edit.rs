//! `registryctl create` and `update`: extensions made and changed from arguments.

use std::path::{Path, PathBuf};

use clap::Args;
use registry::ChangeContext;
use registry::extension_changes::{ExtensionDraft, ExtensionPatch};
use registry::extensions::ExtensionType;

use super::get::tell;
use crate::arguments::{ChangeNote, Confirmed, TYPES, word};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::place::Place;

/// More than the registry takes; it says so itself.
const JSON_MAX_BYTES: u64 = 1 << 20;

/// The fields that can be said.
#[derive(Args, Debug)]
struct Fields {
    /// How long the router waits for an answer, in milliseconds: 1 to 600000; of a new one 5000
    #[arg(long, value_name = "NUMBER")]
    timeout_ms: Option<i32>,
    /// How often the router asks again after a failure: 0 to 10; of a new one 1
    #[arg(long, value_name = "NUMBER")]
    retry: Option<i32>,
    /// The router uses it; so it does with a new one
    #[arg(long, conflicts_with = "disabled")]
    enabled: bool,
    /// The router doesn't use it
    #[arg(long)]
    disabled: bool,
    /// The configuration: a file with a JSON object, - for standard input. A redaction mark keeps its secret
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The notes: a file with a JSON object, - for standard input
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
}

/// The fields with what was in the files.
struct ReadFields {
    timeout_ms: Option<i32>,
    retry: Option<i32>,
    enabled: Option<bool>,
    config: Option<String>,
    metadata: Option<String>,
}

impl Fields {
    fn read(self) -> Result<ReadFields, Failure> {
        let is_input =
            |path: &Option<PathBuf>| path.as_deref().is_some_and(files::is_standard_input);
        if is_input(&self.config) && is_input(&self.metadata) {
            return Err(Failure::usage(
                "Standard input can't be both the configuration and the metadata",
                "Put one of them into a file.",
            ));
        }
        let read = |path: &Path| files::read_text(path, JSON_MAX_BYTES);
        Ok(ReadFields {
            timeout_ms: self.timeout_ms,
            retry: self.retry,
            enabled: match (self.enabled, self.disabled) {
                (true, _) => Some(true),
                (false, true) => Some(false),
                (false, false) => None,
            },
            config: self.config.as_deref().map(read).transpose()?,
            metadata: self.metadata.as_deref().map(read).transpose()?,
        })
    }
}

/// A new extension.
#[derive(Args, Debug)]
pub(crate) struct CreateOptions {
    /// Letters, digits, _, - and ., the first a letter or digit; fixed for life
    #[arg(value_name = "ID")]
    id: String,
    /// Where in the router it runs; fixed for life
    #[arg(long = "type", value_name = "TYPE", value_parser = word::<ExtensionType, 4>(TYPES))]
    extension_type: ExtensionType,
    /// A literal NATS subject that no other extension has
    #[arg(long)]
    subject: String,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    note: ChangeNote,
}

/// A change of fields.
#[derive(Args, Debug)]
pub(crate) struct UpdateOptions {
    /// The extension
    #[arg(value_name = "ID")]
    id: String,
    /// A literal NATS subject that no other extension has
    #[arg(long)]
    subject: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// The revision that the change is of: if the extension has changed since, nothing is changed (75). Without it the
    /// present one is read first
    #[arg(long, value_name = "NUMBER")]
    if_revision: Option<i64>,
    #[command(flatten)]
    note: ChangeNote,
    #[command(flatten)]
    confirmed: Confirmed,
}

/// Adds an extension.
pub(crate) async fn create(
    options: CreateOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let fields = options.fields.read()?;
    let object = |text: Option<String>| text.unwrap_or_else(|| "{}".to_owned());
    let draft = ExtensionDraft {
        id: options.id,
        extension_type: options.extension_type,
        subject: options.subject,
        timeout_ms: fields.timeout_ms.unwrap_or(5_000),
        retry: fields.retry.unwrap_or(1),
        enabled: fields.enabled.unwrap_or(true),
        config: object(fields.config),
        metadata: object(fields.metadata),
    };
    let opened = place.open().await?;
    let context = options.note.context(opened.protection);
    let created = opened.registry.create_extension(&draft, &context).await?;
    tell(created, output)?;
    opened.close().await;
    Ok(Exit::Done)
}

/// Changes fields of an extension, of the state that is named or read, and of no other.
pub(crate) async fn update(
    options: UpdateOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let fields = options.fields.read()?;
    let patch = ExtensionPatch {
        subject: options.subject,
        timeout_ms: fields.timeout_ms,
        retry: fields.retry,
        enabled: fields.enabled,
        config: fields.config,
        metadata: fields.metadata,
    };
    if patch == ExtensionPatch::default() {
        return Err(Failure::usage(
            "No field is named that is to change",
            "Name at least one: --subject, --timeout-ms, --retry, --enabled, --disabled, --config or --metadata.",
        ));
    }
    let opened = place.open().await?;
    let registry = &opened.registry;
    let revision = match options.if_revision {
        Some(revision) => revision,
        None => registry.get_extension(&options.id).await?.revision,
    };
    let context = ChangeContext {
        is_merge_refused: true,
        ..options
            .note
            .confirmed_context(options.confirmed, opened.protection)
    };
    let changed = registry
        .update_extension(&options.id, revision, &patch, &context)
        .await
        .map_err(confirmable)?;
    tell(changed, output)?;
    opened.close().await;
    Ok(Exit::Done)
}

/// What was not confirmed, with what to say.
pub(crate) fn confirmable(error: registry::Error) -> Failure {
    let registry::Error::ConfirmationRequired { effects } = &error else {
        return error.into();
    };
    let emptied: Vec<&str> = effects.emptied_types().map(ExtensionType::name).collect();
    let action = if emptied.is_empty() {
        "Nothing has been changed. If that is wanted, say --confirm-out-of-service.".to_owned()
    } else {
        format!(
            "Nothing has been changed. If that is wanted, say --confirm-emptied-types {}.",
            emptied.join(",")
        )
    };
    Failure::from(error).with_action(action)
}
