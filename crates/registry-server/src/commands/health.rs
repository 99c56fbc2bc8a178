//! `registryctl health`: how the calls went, of all extensions or of one.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use registry::health::{HealthOverviewRow, HealthRange, HealthReport, HealthSeverity};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::{HealthOverviewBody, HealthReportBody};
use crate::output::Output;
use crate::place::Place;
use crate::table::{Cell, Table};
use crate::terminal::{GREEN, RED, YELLOW, shown};
use crate::words;

/// Of what.
#[derive(Args, Debug)]
pub(crate) struct HealthOptions {
    /// The counters of this extension; without it all extensions, what is wrong first
    #[arg(value_name = "ID", conflicts_with_all = ["from", "until"])]
    id: Option<String>,
    /// The beginning, such as 2026-01-31T12:00:00Z; an hour before the end unless it is given
    #[arg(long, value_name = "TIME")]
    from: Option<DateTime<Utc>>,
    /// The end; now unless it is given
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
}

/// Tells how calls went.
pub(crate) async fn run(
    options: HealthOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = place.open().await?;
    if let Some(id) = &options.id {
        let report = opened.registry.get_health(id).await?;
        if output.is_json() {
            output.json(&HealthReportBody::from(report))?;
        } else {
            tell(&report, output)?;
        }
    } else {
        let until = options.until.unwrap_or_else(Utc::now);
        let hour_before = until.checked_sub_signed(TimeDelta::hours(1));
        let range = HealthRange {
            from: options.from.or(hour_before).unwrap_or(until),
            until,
        };
        let overview = opened.registry.health_overview(range).await?;
        if output.is_json() {
            output.json(&HealthOverviewBody::from(overview))?;
        } else {
            let mut table = Table::new([
                "EXTENSION",
                "TYPE",
                "HEALTH",
                "SCORE",
                "CALLS",
                "FAILED",
                "P50 MS",
                "P95 MS",
                "LAST CALL",
            ]);
            table.write(output, overview.rows.into_iter().map(row))?;
            if overview.is_sample {
                output.line("The calls are made up.")?;
            }
        }
    }
    opened.close().await;
    Ok(Exit::Done)
}

fn row(row: HealthOverviewRow) -> [Cell; 9] {
    [
        row.extension_id.into(),
        row.extension_type.name().into(),
        severity(row.severity),
        words::percent(row.score_percent).into(),
        (row.success_count + row.failure_count).to_string().into(),
        row.failure_count.to_string().into(),
        words::millis(row.p50_ms).into(),
        words::millis(row.p95_ms).into(),
        words::time_or_none(row.last_call).into(),
    ]
}

fn severity(severity: HealthSeverity) -> Cell {
    match severity {
        HealthSeverity::Failing => Cell::styled("failing", RED),
        HealthSeverity::Slow => Cell::styled("slow", RED),
        HealthSeverity::Degraded => Cell::styled("degraded", YELLOW),
        HealthSeverity::Silent => Cell::styled("silent", YELLOW),
        HealthSeverity::Healthy => Cell::styled("healthy", GREEN),
        HealthSeverity::NoData => "no data".into(),
        HealthSeverity::Off => "off".into(),
    }
}

fn tell(report: &HealthReport, output: &mut Output) -> Result<(), Failure> {
    let mut table = Table::new([
        "EXTENSION",
        "HEALTH",
        "SCORE",
        "ANSWERED",
        "FAILED",
        "MEAN MS",
        "LAST SUCCESS",
        "LAST FAILURE",
    ]);
    let score = report.has_data.then_some(report.health_score_percent);
    table.write(
        output,
        [[
            shown(&report.extension_id).into(),
            words::health(report.state),
            words::percent(score).into(),
            report.success_count.to_string().into(),
            report.failure_count.to_string().into(),
            words::millis(report.avg_latency_ms).into(),
            words::time_or_none(report.last_success).into(),
            words::time_or_none(report.last_failure).into(),
        ]],
    )
}
