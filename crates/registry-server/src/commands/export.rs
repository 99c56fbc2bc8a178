//! `registryctl export`: the registry as a file.

use std::path::{Path, PathBuf};

use clap::Args;
use registry::document::DocumentFormat;
use serde::Serialize;

use crate::arguments::word;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::place::Place;
use crate::terminal::{shown, shown_lines};
use crate::words;

/// What to export, and where to.
#[derive(Args, Debug)]
pub(crate) struct ExportOptions {
    /// The extensions; all of them unless some are named
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// The format; that of the file's name unless it is given, else YAML
    #[arg(long, value_parser = word::<DocumentFormat, 2>(["yaml", "json"]))]
    format: Option<DocumentFormat>,
    /// The file to write; it is whole or as it was. Without it standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What was exported.
#[derive(Serialize)]
struct Exported<'a> {
    path: &'a Path,
    extension_count: usize,
}

/// Exports extensions. Secrets are replaced by marks.
pub(crate) async fn run(
    options: ExportOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if output.is_json() && options.output.is_none() {
        return Err(Failure::usage(
            "--json tells what was written to a file, and no file is named",
            "Name one with --output, or say --format json for the registry itself.",
        ));
    }
    let opened = place.open().await?;
    let ids = Some(options.ids).filter(|ids| !ids.is_empty());
    let document = opened.registry.export_document(ids.as_deref()).await?;
    let format = options
        .format
        .unwrap_or_else(|| format_of(options.output.as_deref()));
    let text = document.to_text(format)?;
    match &options.output {
        // A file has the same bytes; a screen need not show which way a text is to be written.
        None if Output::is_terminal() => output.text(&shown_lines(&text))?,
        None => output.text(&text)?,
        Some(path) => {
            files::write(path, &text)?;
            let extension_count = document.len();
            if output.is_json() {
                output.json(&Exported {
                    path,
                    extension_count,
                })?;
            } else {
                let count = words::count(extension_count as u64, "extension", "extensions");
                let path = path.display().to_string();
                output.line(&format!("Wrote {count} to {}.", shown(&path)))?;
            }
        }
    }
    opened.close().await;
    Ok(Exit::Done)
}

fn format_of(path: Option<&Path>) -> DocumentFormat {
    let ending = path.and_then(Path::extension).unwrap_or_default();
    if ending.eq_ignore_ascii_case("json") {
        DocumentFormat::Json
    } else {
        DocumentFormat::Yaml
    }
}
