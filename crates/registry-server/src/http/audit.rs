//! The audit log over HTTP: pages of it, and one extension's history.

use axum::Json;
use registry::audit::{AuditFilter, AuditListRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use super::audit_entry::AuditPageBody;
use super::audit_filter::filter_query;
use super::authentication::Caller;
use super::extract::{IdOf, IdParameter, QueryOf};
use super::problem::Problem;
use super::problems::ReadProblems;

filter_query! {
    /// Which entries, and which part of them.
    AuditQuery {
        /// Only entries older than this one: the `next_before_revision` of the page above.
        before_revision: Option<i64> = None,
        /// In place of that: only entries newer than this one: the `next_after_revision` of the page below.
        after_revision: Option<i64> = None,
        /// How many entries at the most.
        #[param(minimum = 1, maximum = 500, default = 50)]
        limit: u16 = 50,
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
        filter: query.into(),
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
    params(IdParameter, HistoryQuery),
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
