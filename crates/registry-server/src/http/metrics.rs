//! Figures for Prometheus.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry as Figures,
    TextEncoder,
};
use registry::cache::CacheState;

use super::api::Api;
use super::authentication::Caller;
use super::problem::Problem;
use super::problems::ReadProblems;

/// The figures of this server.
pub(crate) struct Metrics {
    figures: Figures,
    requests: IntCounterVec,
    durations: HistogramVec,
    revision: IntGauge,
    age_ms: IntGauge,
    is_fresh: IntGauge,
    extensions: IntGauge,
    enabled: IntGauge,
}

impl Metrics {
    /// All at nothing.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let figures = Figures::new();
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            figures.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let revision = gauge(
            "registry_cache_revision",
            "The registry revision that is in memory",
        )?;
        let age_ms = gauge(
            "registry_cache_age_milliseconds",
            "How long ago the database said that this is its newest revision",
        )?;
        let is_fresh = gauge(
            "registry_cache_is_fresh",
            "1 while what is in memory can be trusted",
        )?;
        let extensions = gauge("registry_extensions", "How many extensions there are")?;
        let enabled = gauge("registry_extensions_enabled", "How many of them are on")?;
        let requests = IntCounterVec::new(
            Opts::new("http_requests_total", "Requests that were answered"),
            &["method", "path", "status"],
        )?;
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "http_request_duration_seconds",
                "How long answers took to begin",
            )
            .buckets(vec![
                0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
                10.0,
            ]),
            &["method", "path"],
        )?;
        figures.register(Box::new(requests.clone()))?;
        figures.register(Box::new(durations.clone()))?;
        Ok(Self {
            figures,
            requests,
            durations,
            revision,
            age_ms,
            is_fresh,
            extensions,
            enabled,
        })
    }

    /// Counts an answer. `path` is the route, such as `/api/v1/extensions/{id}`, and not what stands in it.
    pub(crate) fn answered(&self, method: &str, path: &str, status: u16, duration: Duration) {
        self.requests
            .with_label_values(&[method, path, &status.to_string()])
            .inc();
        self.durations
            .with_label_values(&[method, path])
            .observe(duration.as_secs_f64());
    }
}

/// Figures for Prometheus, which sends its token as any other caller does.
#[utoipa::path(
    get, path = "/metrics", tag = "server",
    responses((status = 200, description = "The figures", content_type = "text/plain", body = String), ReadProblems),
    security(("token" = []))
)]
pub(crate) async fn read_metrics(_: Caller, State(api): State<Api>) -> Result<Response, Problem> {
    let metrics = api.metrics();
    let stats = api.cache().stats();
    let whole = |number: u128| i64::try_from(number).unwrap_or(i64::MAX);
    metrics.revision.set(stats.revision);
    metrics.age_ms.set(whole(stats.age.as_millis()));
    metrics
        .is_fresh
        .set(i64::from(stats.state == CacheState::Fresh));
    metrics.extensions.set(whole(stats.total as u128));
    metrics.enabled.set(whole(stats.enabled as u128));
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    encoder
        .encode(&metrics.figures.gather(), &mut text)
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(([(CONTENT_TYPE, encoder.format_type().to_owned())], text).into_response())
}
