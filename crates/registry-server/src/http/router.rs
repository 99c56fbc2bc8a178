//! Which path leads where, and what every request goes through.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tracing::debug;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes as operations;

use super::api::Api;
use super::extensions::{bulk, change, read};
use super::extract::BODY_MAX_BYTES;
use super::problem::Problem;
use super::{
    audit, audit_export, audit_verification, documentation, events, health, metrics, probes, stats,
};

/// How long an answer may take to begin that looks at the whole audit log.
const TIME_LIMIT_OF_VERIFICATION: Duration = Duration::from_mins(15);

/// All operations, each with what the document says of it.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(documentation::frame())
        .routes(operations!(read::list_extensions, change::create_extension))
        .routes(operations!(
            read::get_extension,
            change::change_extension,
            change::delete_extension
        ))
        .routes(operations!(change::enable_extension))
        .routes(operations!(change::disable_extension))
        .routes(operations!(audit::read_history))
        .routes(operations!(change::restore_extension))
        .routes(operations!(health::read_extension_health))
        .routes(operations!(bulk::enable_extensions))
        .routes(operations!(bulk::disable_extensions))
        .routes(operations!(bulk::delete_extensions))
        .routes(operations!(audit::list_audit_entries))
        .routes(operations!(audit_export::export_audit_log))
        .routes(operations!(audit_verification::verify_audit_log))
        .routes(operations!(health::read_health_overview))
        .routes(operations!(health::read_health_series))
        .routes(operations!(stats::read_stats))
        .routes(operations!(stats::reload))
        .routes(operations!(events::read_events))
        .routes(operations!(probes::is_alive))
        .routes(operations!(probes::is_ready))
        .routes(operations!(metrics::read_metrics))
}

/// The whole server.
pub(crate) fn router(api: Api, time_limit: Duration) -> Router {
    let (router, document) = routes().split_for_parts();
    router
        .merge(documentation::page(document))
        .fallback(async || Problem::no_such_path())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(middleware::from_fn_with_state(time_limit, limit_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(api.clone(), observe))
        .layer(SetResponseHeaderLayer::if_not_present(
            CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            CONTENT_SECURITY_POLICY,
            // For the page, whose styles are in its elements.
            HeaderValue::from_static(
                "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
            ),
        ))
        .with_state(api)
}

/// An answer that doesn't begin in time is a problem. What was asked for is dropped: a transaction rolls back, unless it
/// was being committed.
async fn limit_time(State(time_limit): State<Duration>, request: Request, next: Next) -> Response {
    let limit = if request.uri().path() == "/api/v1/audit/verify" {
        TIME_LIMIT_OF_VERIFICATION
    } else {
        time_limit
    };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out(limit.as_secs()).into_response(),
    }
}

/// Counts each answer, and logs it without what stands in the path or the query. What was changed the core logs.
async fn observe(State(api): State<Api>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let response = next.run(request).await;
    let duration = started.elapsed();
    let status = response.status().as_u16();
    // Any text can be a method; only those that the server has are told apart.
    let method = if response.status() == axum::http::StatusCode::METHOD_NOT_ALLOWED {
        "other"
    } else {
        method.as_str()
    };
    api.metrics().answered(method, &path, status, duration);
    debug!(
        method,
        path,
        status,
        duration_ms = duration.as_secs_f64() * 1000.0,
        "answered"
    );
    response
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "it is what the layer hands over"
)]
fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response {
    let cause = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied());
    Problem::internal(cause.unwrap_or("a panic").to_owned()).into_response()
}
