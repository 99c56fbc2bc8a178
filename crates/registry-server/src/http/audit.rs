//! The audit log over HTTP: pages of it, and one extension's history.

use axum::Json;
use chrono::{DateTime, Utc};
use registry::audit::{AuditFilter, AuditListRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use super::audit_entry::AuditPageBody;
use super::authentication::Caller;
use super::extract::{IdOf, QueryOf};
use super::problem::Problem;
use super::problems::ReadProblems;
use super::wire::{AuditAction, comma_separated};

/// Which entries, and which part of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// About this extension.
    extension_id: Option<String>,
    /// Made by this actor.
    changed_by: Option<String>,
    /// Of one of these kinds, between commas.
    #[serde(rename = "action", deserialize_with = "comma_separated")]
    #[param(style = Form, explode = false)]
    actions: Vec<AuditAction>,
    /// In effect at this time or later.
    since: Option<DateTime<Utc>>,
    /// In effect before this time.
    until: Option<DateTime<Utc>>,
    /// Of this bulk change, import, restore or undo.
    #[param(format = Uuid)]
    group_id: Option<String>,
    /// With this text in the extension's id, the actor, the reason or what changed, in upper or lower case.
    text: Option<String>,
    /// Only entries older than this one: the `next_before_revision` of the page above.
    before_revision: Option<i64>,
    /// In place of that: only entries newer than this one: the `next_after_revision` of the page below.
    after_revision: Option<i64>,
    /// How many entries at the most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: u16,
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self {
            extension_id: None,
            changed_by: None,
            actions: Vec::new(),
            since: None,
            until: None,
            group_id: None,
            text: None,
            before_revision: None,
            after_revision: None,
            limit: 50,
        }
    }
}

/// Reads the audit log, newest entry first.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit",
    params(AuditQuery),
    responses((status = 200, description = "A page of it", body = AuditPageBody), ReadProblems),
    security(("token" = []))
)]
pub(crate) async fn list_audit_entries(
    caller: Caller,
    QueryOf(query): QueryOf<AuditQuery>,
) -> Result<Json<AuditPageBody>, Problem> {
    let request = AuditListRequest {
        before_revision: query.before_revision,
        after_revision: query.after_revision,
        limit: query.limit,
        filter: AuditFilter {
            extension_id: query.extension_id,
            changed_by: query.changed_by,
            actions: query.actions.into_iter().map(Into::into).collect(),
            since: query.since,
            until: query.until,
            group_id: query.group_id,
            text: query.text,
        },
    };
    let page = caller.registry.list_audit_entries(&request).await?;
    Ok(Json(page.into()))
}

/// Which part of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// Only entries older than this one: the `next_before_revision` of the page above.
    before_revision: Option<i64>,
    /// How many entries at the most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: u16,
}

impl Default for HistoryQuery {
    fn default() -> Self {
        Self {
            before_revision: None,
            limit: 50,
        }
    }
}

/// Reads what became of one extension, newest entry first; also of one that is gone.
#[utoipa::path(
    get, path = "/api/v1/extensions/{id}/history", tag = "extensions",
    params(("id" = String, Path, description = "The extension"), HistoryQuery),
    responses((status = 200, description = "A page of it", body = AuditPageBody), ReadProblems),
    security(("token" = []))
)]
pub(crate) async fn read_history(
    caller: Caller,
    IdOf(id): IdOf,
    QueryOf(query): QueryOf<HistoryQuery>,
) -> Result<Json<AuditPageBody>, Problem> {
    let request = AuditListRequest {
        before_revision: query.before_revision,
        after_revision: None,
        limit: query.limit,
        filter: AuditFilter {
            extension_id: Some(id),
            ..AuditFilter::default()
        },
    };
    let page = caller.registry.list_audit_entries(&request).await?;
    Ok(Json(page.into()))
}
