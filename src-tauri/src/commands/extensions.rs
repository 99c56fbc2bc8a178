//! Extensions: list, read, change, switch, restore, undo.

use registry::confirmation::{Confirmation, TrafficEffects};
use registry::extension_changes::{ExtensionDraft, ExtensionPatch, RestoreRequest, SeenExtension};
use registry::extensions::{
    Extension, ExtensionCounts, ExtensionDetail, ExtensionFilter, ExtensionListRequest,
    ExtensionPage, ExtensionType,
};
use registry::undo::UndoTarget;
use registry::{ChangeContext, ErrorReport};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::State;

use super::report;
use crate::database::Database;
use crate::settings::Settings;

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

/// More than this many at once go out of service only when somebody has said so: a slip would be felt before
/// it is undone.
const UNASKED_MAX: usize = 20;

impl ChangeNote {
    /// The context of the change: what the page says of it, and what the connection's profile asks.
    pub(super) fn context(self, settings: &Settings) -> Result<ChangeContext, ErrorReport> {
        let profile = settings.profile();
        let context = ChangeContext::with_reason(self.reason)
            .with_request_id(self.request_id.as_deref())
            .map_err(report)?;
        Ok(ChangeContext {
            confirmation: match self.confirmed {
                Some(emptied_types) => Confirmation::Given { emptied_types },
                None => Confirmation::Required {
                    unasked_max: if profile.production { 0 } else { UNASKED_MAX },
                },
            },
            is_reason_required: profile.reason_required,
            ..context
        })
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

/// How many of the extensions that the filter lets through are of each kind.
#[tauri::command]
#[specta::specta]
pub(crate) async fn count_extensions(
    database: State<'_, Database>,
    filter: ExtensionFilter,
) -> Result<ExtensionCounts, ErrorReport> {
    database
        .registry()?
        .count_extensions(&filter)
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
    settings: State<'_, Settings>,
    draft: ExtensionDraft,
    note: ChangeNote,
) -> Result<ExtensionDetail, ErrorReport> {
    database
        .registry()?
        .create_extension(&draft, &note.context(&settings)?)
        .await
        .map_err(report)
}

/// Changes fields of an extension, merged with what others changed since it was seen.
#[tauri::command]
#[specta::specta]
pub(crate) async fn update_extension(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    request: UpdateRequest,
) -> Result<ExtensionDetail, ErrorReport> {
    let UpdateRequest { seen, patch, note } = request;
    database
        .registry()?
        .update_extension(&seen.id, seen.revision, &patch, &note.context(&settings)?)
        .await
        .map_err(report)
}

/// Removes extensions, all or none.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_extensions(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    seen: Vec<SeenExtension>,
    note: ChangeNote,
) -> Result<(), ErrorReport> {
    let (registry, context) = (database.registry()?, note.context(&settings)?);
    match seen.as_slice() {
        [one] => {
            registry
                .delete_extension(&one.id, one.revision, &context)
                .await
        }
        many => registry.delete_extensions(many, &context).await,
    }
    .map_err(report)
}

/// Switches an extension on or off and returns it as it is now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_extension_enabled(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    request: SetEnabledRequest,
) -> Result<Extension, ErrorReport> {
    database
        .registry()?
        .set_extension_enabled(
            &request.id,
            request.enabled,
            &request.note.context(&settings)?,
        )
        .await
        .map_err(report)
}

/// Switches extensions on or off, all or none, as one group.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_extensions_enabled(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    request: SetManyEnabledRequest,
) -> Result<(), ErrorReport> {
    database
        .registry()?
        .set_extensions_enabled(
            &request.ids,
            request.enabled,
            &request.note.context(&settings)?,
        )
        .await
        .map_err(report)
}

/// Brings an earlier version of an extension back, a deleted one too.
#[tauri::command]
#[specta::specta]
pub(crate) async fn restore_extension(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    request: RestoreRequest,
    note: ChangeNote,
) -> Result<ExtensionDetail, ErrorReport> {
    database
        .registry()?
        .restore_extension(&request, &note.context(&settings)?)
        .await
        .map_err(report)
}

/// Takes a change back, or all of a group, and returns the ids of the extensions.
#[tauri::command]
#[specta::specta]
pub(crate) async fn undo_changes(
    database: State<'_, Database>,
    settings: State<'_, Settings>,
    target: UndoTarget,
    note: ChangeNote,
) -> Result<Vec<String>, ErrorReport> {
    database
        .registry()?
        .undo(&target, &note.context(&settings)?)
        .await
        .map_err(report)
}
