//! How single values read in tables and sentences.

use chrono::{DateTime, SecondsFormat, Utc};
use registry::health::HealthState;

use crate::table::Cell;
use crate::terminal::{GREEN, RED, YELLOW};

/// A time to the second.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A time, or a dash.
pub(crate) fn time_or_none(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| NONE.to_owned(), time)
}

/// What stands where there is nothing.
pub(crate) const NONE: &str = "-";

/// Whether the router uses it.
pub(crate) fn switch(is_enabled: bool) -> Cell {
    if is_enabled {
        Cell::styled("on", GREEN)
    } else {
        "off".into()
    }
}

/// A state of health.
pub(crate) fn health(state: HealthState) -> Cell {
    match state {
        HealthState::Failing => Cell::styled("failing", RED),
        HealthState::Degraded => Cell::styled("degraded", YELLOW),
        HealthState::Healthy => Cell::styled("healthy", GREEN),
        HealthState::NoData => NONE.into(),
    }
}

/// A score in percent.
pub(crate) fn percent(score: Option<f64>) -> String {
    score.map_or_else(|| NONE.to_owned(), |score| format!("{score:.1} %"))
}

/// A latency in milliseconds.
pub(crate) fn millis(latency_ms: Option<f64>) -> String {
    latency_ms.map_or_else(|| NONE.to_owned(), |latency| format!("{latency:.1}"))
}

/// So many of something.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
