//! Whether the server lives and whether it can work, for whoever manages it. Without a token: they tell nothing else.

use axum::Json;
use axum::extract::State;
use registry::cache::CacheState;
use serde::Serialize;
use utoipa::ToSchema;

use super::api::Api;
use super::problem::Problem;
use super::problems::NotReadyProblem;

/// That it is so.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// `ok`.
    status: &'static str,
}

/// Tells that the server lives.
#[utoipa::path(
    get, path = "/healthz", tag = "server",
    responses((status = 200, description = "It lives", body = Status))
)]
pub(crate) async fn is_alive() -> Json<Status> {
    Json(Status { status: "ok" })
}

/// Tells whether the server can work: the database answers, and memory is current.
#[utoipa::path(
    get, path = "/readyz", tag = "server",
    responses((status = 200, description = "It can work", body = Status), NotReadyProblem)
)]
pub(crate) async fn is_ready(State(api): State<Api>) -> Result<Json<Status>, Problem> {
    if api.ending().is_cancelled() {
        return Err(Problem::not_ready("The server is ending."));
    }
    if api.cache().state() == CacheState::Stale {
        return Err(Problem::not_ready("What is in memory is not current."));
    }
    api.registry().ping().await?;
    Ok(Json(Status { status: "ok" }))
}
