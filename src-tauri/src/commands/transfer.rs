//! The registry to and from files.

use std::path::Path;

use registry::document::{DocumentFormat, RegistryDocument};
use registry::plan::{AppliedPlan, ApplyRequest, RegistryPlan};
use registry::{Error, ErrorReport};
use registry_account::Folders;
use tauri::State;
use tokio::fs;

use super::audit::ExportedFile;
use super::extensions::ChangeNote;
use super::report;
use crate::database::Database;

/// Writes the extensions with these ids, or all, to a new file in the folder for downloads. Secrets are replaced by
/// marks.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_registry(
    database: State<'_, Database>,
    folders: State<'_, Folders>,
    ids: Option<Vec<String>>,
    format: DocumentFormat,
) -> Result<ExportedFile, ErrorReport> {
    let document = database
        .registry()?
        .export_document(ids.as_deref())
        .await
        .map_err(report)?;
    let text = document.to_text(format).map_err(report)?;
    let path = folders.new_download(
        "registry",
        match format {
            DocumentFormat::Yaml => "yaml",
            DocumentFormat::Json => "json",
        },
    );
    write(&path, &text)
        .await
        .map_err(|source| Error::OutputUnwritable {
            attempted: "Exporting the registry",
            source,
        })
        .map_err(report)?;
    Ok(ExportedFile {
        path: path.display().to_string(),
        count: document.len() as u64,
    })
}

/// One extension as a file would hold it, secrets replaced by marks: what an import or a plan reads.
#[tauri::command]
#[specta::specta]
pub(crate) async fn extension_document(
    database: State<'_, Database>,
    id: String,
    format: DocumentFormat,
) -> Result<String, ErrorReport> {
    let document = database
        .registry()?
        .export_document(Some(std::slice::from_ref(&id)))
        .await
        .map_err(report)?;
    document.to_text(format).map_err(report)
}

/// A file that is complete or not there: it gets its name when all of it is written.
pub(super) async fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let unfinished = path.with_added_extension("unfinished");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).await?;
    }
    fs::write(&unfinished, text).await?;
    fs::rename(&unfinished, path).await
}

/// What a file's text would change. With `prune`, extensions that are not in it are deleted.
#[tauri::command]
#[specta::specta]
pub(crate) async fn plan_import(
    database: State<'_, Database>,
    text: String,
    prune: bool,
) -> Result<RegistryPlan, ErrorReport> {
    let document = RegistryDocument::parse(&text).map_err(report)?;
    database
        .registry()?
        .plan_document(&document, prune)
        .await
        .map_err(report)
}

/// Makes the registry what a file's text says, as the plan that was looked at: all of it or nothing.
#[tauri::command]
#[specta::specta]
pub(crate) async fn apply_import(
    database: State<'_, Database>,
    text: String,
    request: ApplyRequest,
    note: ChangeNote,
) -> Result<AppliedPlan, ErrorReport> {
    let document = RegistryDocument::parse(&text).map_err(report)?;
    let (registry, context) = note.on(&database)?;
    registry
        .apply_document(&document, request, &context)
        .await
        .map_err(report)
}
