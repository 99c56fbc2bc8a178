//! Extensions: list, read, change, switch, restore, undo.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use registry::confirmation::{Confirmation, TrafficEffects};
use registry::extension_changes::{
    BulkProgress, ExtensionDraft, ExtensionPatch, RestoreRequest, SeenExtension,
};
use registry::extensions::{
    ChangedExtension, Extension, ExtensionDetail, ExtensionListRequest, ExtensionPage,
    ExtensionType,
};
use registry::undo::UndoTarget;
use registry::{ChangeContext, ErrorReport, Registry};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager, State};
use tauri_specta::Event;
use tracing::warn;

use super::report;
use crate::database::Database;

/// What every change carries besides itself.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct ChangeNote {
    /// Why, for the audit log; at most 500 characters.
    reason: Option<String>,
    /// The page's name for the request, a UUID: asked again with the same name, it is done once.
    request_id: Option<String>,
    /// The types that a person was told would have no enabled extension left, when they confirmed what the
    /// change does to traffic; none if nobody was asked.
    confirmed: Option<Vec<ExtensionType>>,
}

impl ChangeNote {
    /// The open registry, and the context of a change of it: what the page says of it, and what the profile that it was
    /// opened by asks.
    pub(super) fn on(self, database: &Database) -> Result<(Registry, ChangeContext), ErrorReport> {
        let (registry, profile) = database.registry_and_profile()?;
        let context = ChangeContext::with_reason(self.reason)
            .with_request_id(self.request_id.as_deref())
            .map_err(report)?;
        let context = ChangeContext {
            confirmation: match self.confirmed {
                Some(emptied_types) => Confirmation::Given { emptied_types },
                None => Confirmation::required(profile.is_production),
            },
            is_reason_required: profile.is_reason_required,
            ..context
        };
        Ok((registry, context))
    }
}

/// How far a change of several extensions is.
#[derive(Clone, Debug, Deserialize, Serialize, Type, Event)]
pub(crate) struct BulkProgressed {
    request_id: String,
    progress: BulkProgress,
}

/// The changes that somebody wants to stop, by their request ids.
#[derive(Default)]
pub(crate) struct StoppedChanges(Mutex<HashSet<String>>);

impl StoppedChanges {
    fn ids(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, request_id: String) {
        self.ids().insert(request_id);
    }

    /// Whether somebody wants to stop this one; asked once, it is forgotten.
    fn take(&self, request_id: &str) -> bool {
        self.ids().remove(request_id)
    }
}

impl ChangeNote {
    /// Tells the page how far the change is, and breaks it off where somebody wants to stop it.
    fn teller(
        &self,
        app: &AppHandle,
    ) -> impl FnMut(BulkProgress) -> ControlFlow<()> + Send + use<> {
        let (app, request_id) = (app.clone(), self.request_id.clone());
        move |progress| {
            let Some(request_id) = &request_id else {
                return ControlFlow::Continue(());
            };
            if app.state::<StoppedChanges>().take(request_id) {
                return ControlFlow::Break(());
            }
            let told = BulkProgressed {
                request_id: request_id.clone(),
                progress,
            };
            if let Err(error) = told.emit(&app) {
                warn!(%error, "the window couldn't be told how far a change is");
            }
            ControlFlow::Continue(())
        }
    }
}

/// An edit of one extension.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct UpdateRequest {
    /// The extension as the editor saw it.
    seen: SeenExtension,
    patch: ExtensionPatch,
    note: ChangeNote,
}

/// A switch of one extension.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct SetEnabledRequest {
    id: String,
    enabled: bool,
    note: ChangeNote,
}

/// A switch of several extensions.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct SetManyEnabledRequest {
    ids: Vec<String>,
    enabled: bool,
    note: ChangeNote,
}

/// A page of the extensions.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_extensions(
    database: State<'_, Database>,
    request: ExtensionListRequest,
) -> Result<ExtensionPage, ErrorReport> {
    database
        .registry()?
        .list_extensions(&request)
        .await
        .map_err(report)
}

/// One extension with its configuration and metadata; secrets are replaced by marks.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_extension(
    database: State<'_, Database>,
    id: String,
) -> Result<ExtensionDetail, ErrorReport> {
    database
        .registry()?
        .get_extension_detail(&id)
        .await
        .map_err(report)
}

/// The extensions with these ids as they are now; those that are not there any more are left out.
#[tauri::command]
#[specta::specta]
pub(crate) async fn read_changed_extensions(
    database: State<'_, Database>,
    ids: Vec<String>,
) -> Result<Vec<ChangedExtension>, ErrorReport> {
    database
        .registry()?
        .read_changed_extensions(&ids)
        .await
        .map_err(report)
}

/// What it would do to traffic if these extensions were switched off or deleted now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn traffic_effects(
    database: State<'_, Database>,
    ids: Vec<String>,
) -> Result<TrafficEffects, ErrorReport> {
    database
        .registry()?
        .traffic_effects(&ids)
        .await
        .map_err(report)
}

/// Adds an extension.
#[tauri::command]
#[specta::specta]
pub(crate) async fn create_extension(
    database: State<'_, Database>,
    draft: ExtensionDraft,
    note: ChangeNote,
) -> Result<ExtensionDetail, ErrorReport> {
    let (registry, context) = note.on(&database)?;
    registry
        .create_extension(&draft, &context)
        .await
        .map_err(report)
}

/// Changes fields of an extension, merged with what others changed since it was seen.
#[tauri::command]
#[specta::specta]
pub(crate) async fn update_extension(
    database: State<'_, Database>,
    request: UpdateRequest,
) -> Result<ExtensionDetail, ErrorReport> {
    let UpdateRequest { seen, patch, note } = request;
    let (registry, context) = note.on(&database)?;
    registry
        .update_extension(&seen.id, seen.revision, &patch, &context)
        .await
        .map_err(report)
}

/// Removes extensions, all or none. Answers false if it was stopped: then nothing is removed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_extensions(
    app: AppHandle,
    database: State<'_, Database>,
    seen: Vec<SeenExtension>,
    note: ChangeNote,
) -> Result<bool, ErrorReport> {
    let tell = note.teller(&app);
    let (registry, context) = note.on(&database)?;
    match seen.as_slice() {
        [one] => registry
            .delete_extension(&one.id, one.revision, &context)
            .await
            .map(|()| true),
        many => {
            registry
                .delete_extensions_telling(many, &context, tell)
                .await
        }
    }
    .map_err(report)
}

/// Switches an extension on or off and returns it as it is now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_extension_enabled(
    database: State<'_, Database>,
    request: SetEnabledRequest,
) -> Result<Extension, ErrorReport> {
    let (registry, context) = request.note.on(&database)?;
    registry
        .set_extension_enabled(&request.id, request.enabled, &context)
        .await
        .map_err(report)
}

/// Switches extensions on or off, all or none, as one group. Answers false if it was stopped: then nothing is switched.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_extensions_enabled(
    app: AppHandle,
    database: State<'_, Database>,
    request: SetManyEnabledRequest,
) -> Result<bool, ErrorReport> {
    let tell = request.note.teller(&app);
    let (registry, context) = request.note.on(&database)?;
    registry
        .set_extensions_enabled_telling(&request.ids, request.enabled, &context, tell)
        .await
        .map_err(report)
}

/// Stops the change of several extensions that has this request id, if it is not being sealed yet.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn stop_change(stopped: State<'_, StoppedChanges>, request_id: String) {
    stopped.add(request_id);
}

/// Brings an earlier version of an extension back, a deleted one too.
#[tauri::command]
#[specta::specta]
pub(crate) async fn restore_extension(
    database: State<'_, Database>,
    request: RestoreRequest,
    note: ChangeNote,
) -> Result<ExtensionDetail, ErrorReport> {
    let (registry, context) = note.on(&database)?;
    registry
        .restore_extension(&request, &context)
        .await
        .map_err(report)
}

/// Takes a change back, or all of a group, and returns the ids of the extensions.
#[tauri::command]
#[specta::specta]
pub(crate) async fn undo_changes(
    database: State<'_, Database>,
    target: UndoTarget,
    note: ChangeNote,
) -> Result<Vec<String>, ErrorReport> {
    let (registry, context) = note.on(&database)?;
    registry.undo(&target, &context).await.map_err(report)
}
