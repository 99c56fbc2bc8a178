//! Health over HTTP: the counters of an extension, all of them at a glance, and how it went over time.

use axum::Json;
use chrono::{DateTime, TimeDelta, Utc};
use registry::health::{HealthRange, HealthSeriesRequest, HealthSource};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::authentication::Caller;
use super::extract::{IdOf, IdParameter, QueryOf};
use super::health_wire::{HealthOverviewBody, HealthReportBody, HealthSeriesBody};
use super::problem::Problem;
use super::problems::{MissingProblem, ReadProblems};
use super::wire::{comma_separated, wire_enum};

wire_enum! {
    /// Whose calls are counted.
    CallSource of HealthSource {
        /// Those of routers.
        Traffic,
        /// Messages that somebody sent to try an extension.
        Test,
    }
}

/// Reads the counters of an extension, which its routers keep.
#[utoipa::path(
    get, path = "/api/v1/extensions/{id}/health", tag = "health",
    params(IdParameter),
    responses((status = 200, description = "Its counters", body = HealthReportBody), ReadProblems, MissingProblem),
    security(("token" = []))
)]
pub(crate) async fn read_extension_health(
    caller: Caller,
    IdOf(id): IdOf,
) -> Result<Json<HealthReportBody>, Problem> {
    Ok(Json(caller.registry.get_health(&id).await?.into()))
}

/// Of which time.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct OverviewQuery {
    /// The beginning; an hour before the end unless said otherwise.
    from: Option<DateTime<Utc>>,
    /// The end; now unless said otherwise.
    until: Option<DateTime<Utc>>,
}

/// Reads how the calls of all extensions went, what is wrong first.
#[utoipa::path(
    get, path = "/api/v1/health", tag = "health",
    params(OverviewQuery),
    responses((status = 200, description = "A row for each extension", body = HealthOverviewBody), ReadProblems),
    security(("token" = []))
)]
pub(crate) async fn read_health_overview(
    caller: Caller,
    QueryOf(query): QueryOf<OverviewQuery>,
) -> Result<Json<HealthOverviewBody>, Problem> {
    let range = range(query.from, query.until, Utc::now());
    Ok(Json(caller.registry.health_overview(range).await?.into()))
}

/// An extension's id.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^[^,\x00]+$", example = "pii_guard")]
#[allow(dead_code, reason = "the OpenAPI document is made of it")]
pub(crate) struct ListedId(String);

/// Which series.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesQuery {
    /// The extensions, 1 to 20, between commas.
    #[serde(deserialize_with = "comma_separated")]
    #[param(style = Form, explode = false, required = true, min_items = 1, max_items = 20, value_type = Vec<ListedId>, inline)]
    extension_ids: Vec<String>,
    /// The beginning; an hour before the end unless said otherwise.
    from: Option<DateTime<Utc>>,
    /// The end; now unless said otherwise.
    until: Option<DateTime<Utc>>,
    /// How many points there may be at the most.
    #[param(minimum = 10, maximum = 2_000, default = 300)]
    points_max: u32,
    /// Whose calls.
    #[param(inline)]
    source: CallSource,
}

impl Default for SeriesQuery {
    fn default() -> Self {
        Self {
            extension_ids: Vec::new(),
            from: None,
            until: None,
            points_max: 300,
            source: CallSource::Traffic,
        }
    }
}

/// Reads how the calls of some extensions went over time, in the order in which they are named.
#[utoipa::path(
    get, path = "/api/v1/health/series", tag = "health",
    params(SeriesQuery),
    responses((status = 200, description = "A series for each", body = Vec<HealthSeriesBody>), ReadProblems),
    security(("token" = []))
)]
pub(crate) async fn read_health_series(
    caller: Caller,
    QueryOf(query): QueryOf<SeriesQuery>,
) -> Result<Json<Vec<HealthSeriesBody>>, Problem> {
    let request = HealthSeriesRequest {
        extension_ids: query.extension_ids,
        range: range(query.from, query.until, Utc::now()),
        points_max: query.points_max,
        source: query.source.into(),
    };
    let series = caller.registry.health_series(&request).await?;
    Ok(Json(
        series.into_iter().map(HealthSeriesBody::from).collect(),
    ))
}

fn range(
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> HealthRange {
    let until = until.unwrap_or(now);
    let hour_before = until.checked_sub_signed(TimeDelta::hours(1));
    HealthRange {
        from: from.or(hour_before).unwrap_or(until),
        until,
    }
}
