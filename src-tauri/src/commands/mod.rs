//! What the page can call, a file for each feature. Commands translate: they call the core and turn
//! its errors into reports; no rule and no SQL lives here.

pub(crate) mod access;
pub(crate) mod application;
pub(crate) mod audit;
pub(crate) mod backups;
pub(crate) mod cache;
pub(crate) mod connections;
pub(crate) mod database;
pub(crate) mod extensions;
pub(crate) mod health;
pub(crate) mod moving;
pub(crate) mod nats;
pub(crate) mod replacements;
pub(crate) mod schemas;
pub(crate) mod transfer;

use registry::{Error, ErrorReport};
use tracing::warn;

/// Logs a failed command once, here where it leaves the program, and reports it to the page.
#[allow(clippy::needless_pass_by_value, reason = "it is what map_err calls")]
fn report(error: Error) -> ErrorReport {
    let report = error.report();
    warn!(
        code = ?report.code,
        message = report.message,
        detail = report.detail.as_deref().unwrap_or_default(),
        "command failed"
    );
    report
}
