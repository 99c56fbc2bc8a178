//! `registryctl audit`: the audit log read, exported and verified.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use registry::ExportFormat;
use registry::anchors::AnchorFile;
use registry::audit::AuditFilter;
use registry::verification::Verification;
use serde::Serialize;
use tokio::io::AsyncWrite;
use uuid::Uuid;

use super::history::{Part, tell, tell_entries};
use crate::arguments::{AuditConditions, word};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::NewFile;
use crate::http::VerificationBody;
use crate::output::{AsyncStdout, Output};
use crate::place::Place;
use crate::progress::Progress;
use crate::terminal::{GREEN, RED, shown};
use crate::terminal_writer::TerminalWriter;
use crate::words;

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Reads entries, newest first
    List(AuditListOptions),
    /// Writes entries as NDJSON or CSV, oldest first, however many there are
    Export(AuditExportOptions),
    /// Computes every hash anew: 0 if the log is whole, 2 if it has a fault
    Verify(VerifyOptions),
}

/// Which entries.
#[derive(Args, Debug)]
pub(crate) struct AuditListOptions {
    #[command(flatten)]
    conditions: AuditConditions,
    #[command(flatten)]
    part: Part,
    /// What the request of this name did, oldest first: nothing if it never came through
    #[arg(long, value_name = "UUID", conflicts_with_all = ["AuditConditions", "Part"])]
    request_id: Option<Uuid>,
}

/// What to export, and where to.
#[derive(Args, Debug)]
pub(crate) struct AuditExportOptions {
    #[command(flatten)]
    conditions: AuditConditions,
    /// NDJSON has one entry a line, CSV one a row
    #[arg(long, default_value = "ndjson", value_parser = word::<ExportFormat, 2>(["ndjson", "csv"]))]
    format: ExportFormat,
    /// The file to write; it is whole or not there. Without it standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What the log is compared with besides itself.
#[derive(Args, Debug)]
pub(crate) struct VerifyOptions {
    /// A file of the log's earlier ends, which shows what was cut off; the end is noted there if the log is whole. A
    /// saved connection and the embedded database have one of their own
    #[arg(long, value_name = "FILE")]
    anchor_file: Option<PathBuf>,
}

/// What was exported.
#[derive(Serialize)]
struct Exported<'a> {
    path: &'a Path,
    entry_count: u64,
}

/// Does what is asked with the audit log.
pub(crate) async fn run(
    command: AuditCommand,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match command {
        AuditCommand::List(options) => list(options, place, output).await,
        AuditCommand::Export(options) => export(options, place, output).await,
        AuditCommand::Verify(options) => verify(options, place, output).await,
    }
}

async fn list(
    options: AuditListOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = place.open().await?;
    match options.request_id {
        Some(id) => tell_entries(opened.registry.changes_of_request(id).await?, output)?,
        None => {
            tell(
                &opened.registry,
                options.conditions.into(),
                options.part,
                output,
            )
            .await?;
        }
    }
    opened.close().await;
    Ok(Exit::Done)
}

async fn export(
    options: AuditExportOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if output.is_json() && options.output.is_none() {
        return Err(Failure::usage(
            "--json tells what was written to a file, and no file is named",
            "Name one with --output, or leave --json out: NDJSON is the format unless --format says otherwise.",
        ));
    }
    let filter = AuditFilter::from(options.conditions);
    let opened = place.open().await?;
    let is_on_screen = options.output.is_none() && Output::is_terminal();
    let progress = Progress::shown_if("Exporting the audit log", !is_on_screen);
    let write = async |writer: &mut (dyn AsyncWrite + Send + Unpin)| {
        let teller = progress.clone();
        let tell = move |count| teller.count("Exporting the audit log", count);
        opened
            .registry
            .export_audit_log_telling(&filter, options.format, writer, tell)
            .await
    };
    match &options.output {
        Some(path) => {
            let file = NewFile::create(path)?;
            let handle = tokio::fs::File::from_std(file.handle()?);
            let entry_count = write(&mut tokio::io::BufWriter::new(handle)).await?;
            file.finish()?;
            progress.end();
            if output.is_json() {
                output.json(&Exported { path, entry_count })?;
            } else {
                let count = words::count(entry_count, "entry", "entries");
                let path = path.display().to_string();
                output.line(&format!("Wrote {count} to {}.", shown(&path)))?;
            }
        }
        None if is_on_screen => {
            write(&mut TerminalWriter::new(AsyncStdout::new())).await?;
        }
        None => {
            write(&mut AsyncStdout::new()).await?;
        }
    }
    progress.end();
    opened.close().await;
    Ok(Exit::Done)
}

async fn verify(
    options: VerifyOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut opened = place.open().await?;
    if let Some(path) = options.anchor_file {
        opened.registry = opened.registry.with_anchor_file(AnchorFile::new(path));
    }
    let progress = Progress::new("Verifying the audit log");
    let teller = progress.clone();
    let verification = opened
        .registry
        .verify_audit_log_telling(move |told| {
            let number = |number: i64| u64::try_from(number).unwrap_or(0);
            let (done, total) = (number(told.entry_count), number(told.total));
            teller.tell("Verifying the audit log", done, total);
        })
        .await?;
    progress.end();
    let exit = match &verification.fault {
        None => Exit::Done,
        Some(_) => Exit::Found,
    };
    tell_verification(verification, output)?;
    opened.close().await;
    Ok(exit)
}

fn tell_verification(verification: Verification, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&VerificationBody::from(verification));
    }
    let Verification {
        registry_id,
        hash,
        revision,
        entry_count,
        anchor_count,
        fault,
    } = verification;
    match fault {
        None => {
            let whole = output.painted("whole", GREEN);
            let count = u64::try_from(entry_count).unwrap_or(0);
            let count = words::count(count, "entry", "entries");
            let anchors = words::count(anchor_count.into(), "anchor", "anchors");
            output.line(&format!(
                "The audit log is {whole}: {count}, compared with {anchors}."
            ))?;
        }
        Some(fault) => {
            let broken = output.painted("not whole", RED);
            output.line(&format!(
                "The audit log is {broken}: {}",
                shown(&fault.explanation)
            ))?;
        }
    }
    output.line(&format!("Registry {registry_id} at revision {revision}"))?;
    output.line(&format!("Hash {hash}"))
}
