//! The audit log as a file, over HTTP.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use registry::ExportFormat;
use registry::audit::AuditFilter;
use serde::Deserialize;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::authentication::Caller;
use super::extract::QueryOf;
use super::problem::Problem;
use super::problems::ReadProblems;
use super::wire::{AuditAction, comma_separated};

/// How much of an export waits for a slow reader.
const BUFFER_BYTES: usize = 1 << 16;

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct FilterQuery {
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
}

impl From<FilterQuery> for AuditFilter {
    fn from(query: FilterQuery) -> Self {
        Self {
            extension_id: query.extension_id,
            changed_by: query.changed_by,
            actions: query.actions.into_iter().map(Into::into).collect(),
            since: query.since,
            until: query.until,
            group_id: query.group_id,
            text: query.text,
        }
    }
}

/// Reads the audit log as NDJSON, oldest entry first: one entry a line, as the console exports it.
///
/// An answer that ends without its last chunk is not whole.
#[utoipa::path(
    get, path = "/api/v1/audit/export", tag = "audit",
    params(FilterQuery),
    responses(
        (status = 200, description = "The entries, one a line", content_type = "application/x-ndjson", body = String),
        ReadProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn export_audit_log(
    caller: Caller,
    QueryOf(query): QueryOf<FilterQuery>,
) -> Result<Response, Problem> {
    let filter = AuditFilter::from(query);
    let (mut writer, reader) = tokio::io::duplex(BUFFER_BYTES);
    let exporting = tokio::spawn(async move {
        let registry = caller.registry;
        registry
            .export_audit_log(&filter, ExportFormat::Ndjson, &mut writer)
            .await
    });
    let mut chunks = ReaderStream::new(reader);
    // Who may not read it is told so, and not by an answer that breaks off.
    let Some(first) = chunks.next().await else {
        exporting
            .await
            .map_err(|error| Problem::internal(error.to_string()))??;
        return Ok(lines(Body::empty()));
    };
    let ending = stream::once(async move {
        match exporting.await {
            Ok(Ok(_)) => Ok(Bytes::new()),
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(error) => Err(io::Error::other(error)),
        }
    });
    let body = stream::iter([first]).chain(chunks).chain(ending);
    Ok(lines(Body::from_stream(body)))
}

fn lines(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}
