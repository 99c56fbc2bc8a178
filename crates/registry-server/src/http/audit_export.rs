//! The audit log as a file, over HTTP.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use registry::ExportFormat;
use registry::audit::AuditFilter;
use tokio_util::io::ReaderStream;

use super::audit_filter::filter_query;
use super::authentication::Caller;
use super::extract::QueryOf;
use super::problem::Problem;
use super::problems::ReadProblems;

/// How much of an export waits for a slow reader.
const BUFFER_BYTES: usize = 1 << 16;

filter_query! {
    /// Which entries.
    ExportQuery {}
}

/// Reads the audit log as NDJSON, oldest entry first: one entry a line, as the console exports it.
///
/// An answer that ends without its last chunk is not whole.
#[utoipa::path(
    get, path = "/api/v1/audit/export", tag = "audit",
    params(ExportQuery),
    responses(
        (status = 200, description = "The entries, one a line", content_type = "application/x-ndjson", body = String),
        ReadProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn export_audit_log(
    caller: Caller,
    QueryOf(query): QueryOf<ExportQuery>,
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
