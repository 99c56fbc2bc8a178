//! The audit log as a file: CSV for spreadsheets, NDJSON for programs.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_stream::StreamExt;
use tracing::info;

use crate::access::{Attempt, Role};
use crate::audit::{AuditEntry, AuditFilter, AuditRow, entries_query};
use crate::{Error, Registry, Result};

/// The shape of an exported file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// RFC 4180 with a header row; one row an entry, the changes as JSON in the last column.
    Csv,
    /// One JSON object a line, each an [`AuditEntry`].
    Ndjson,
}

const EXPORT: Attempt = Attempt::by(Role::RegistryAuditor, "Exporting the audit log");

/// The first row of a CSV file; the values follow in this order.
const COLUMNS: [&str; 18] = [
    "revision",
    "sealed_at",
    "timestamp",
    "extension_id",
    "action",
    "changed_by",
    "actor_source",
    "login",
    "os_user",
    "application_name",
    "client_address",
    "reason",
    "request_id",
    "group_id",
    "restored_revision",
    "undone_group_id",
    "undone_revision",
    "changes",
];

impl Registry {
    /// Writes the entries that `filter` lets through to `output`, oldest first, and returns how many. Memory
    /// use does not grow with the log.
    ///
    /// # Errors
    /// [`Error::OutputUnwritable`], [`Error::InvalidInput`] for the filter, [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`]. After an error the output holds a part.
    pub async fn export_audit_log(
        &self,
        filter: &AuditFilter,
        format: ExportFormat,
        output: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<u64> {
        self.export_audit_log_telling(filter, format, output, |_| {})
            .await
    }

    /// As [`Self::export_audit_log`]; tells after each entry how many are written. Who drops the future stops it;
    /// the output holds a part then.
    ///
    /// # Errors
    /// As [`Self::export_audit_log`].
    pub async fn export_audit_log_telling(
        &self,
        filter: &AuditFilter,
        format: ExportFormat,
        output: &mut (dyn AsyncWrite + Send + Unpin),
        mut tell: impl FnMut(u64) + Send,
    ) -> Result<u64> {
        let failed = |source| Error::from_query(EXPORT, source);
        let unwritable = |source| Error::OutputUnwritable {
            attempted: EXPORT.words,
            source,
        };
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        let mut query = entries_query(&mut connection, filter).await?;
        query.push(" ORDER BY revision");
        let mut rows = query.build_query_as::<AuditRow>().fetch(&mut *connection);
        let mut count = 0;
        if format == ExportFormat::Csv {
            let header = csv_record(COLUMNS.map(str::to_owned)).map_err(unwritable)?;
            output.write_all(&header).await.map_err(unwritable)?;
        }
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            let entry = row.entry()?;
            let line = match format {
                ExportFormat::Csv => csv_record(values(&entry)?).map_err(unwritable)?,
                ExportFormat::Ndjson => {
                    let mut line = serde_json::to_vec(&entry).map_err(internal)?;
                    line.push(b'\n');
                    line
                }
            };
            output.write_all(&line).await.map_err(unwritable)?;
            count += 1;
            tell(count);
        }
        output.flush().await.map_err(unwritable)?;
        info!(count, ?format, "exported the audit log");
        Ok(count)
    }
}

fn values(entry: &AuditEntry) -> Result<[String; 18]> {
    let time = |time: Option<DateTime<Utc>>| {
        time.map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true))
            .unwrap_or_default()
    };
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| spreadsheet_safe(text.as_deref().unwrap_or_default());
    Ok([
        entry.revision.to_string(),
        time(entry.sealed_at),
        time(entry.timestamp),
        spreadsheet_safe(&entry.extension_id),
        entry.action.name().to_owned(),
        text(&entry.changed_by),
        entry.actor_source.name().to_owned(),
        text(&entry.login),
        text(&entry.os_user),
        text(&entry.application_name),
        text(&entry.client_address),
        text(&entry.reason),
        text(&entry.request_id),
        text(&entry.group_id),
        number(entry.restored_revision),
        text(&entry.undone_group_id),
        number(entry.undone_revision),
        serde_json::to_string(&entry.changes).map_err(internal)?,
    ])
}

/// A spreadsheet takes a value that starts so for a formula, and would run what somebody wrote as a reason;
/// an apostrophe before it makes it text (OWASP, CSV Injection).
fn spreadsheet_safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn csv_record(values: [String; 18]) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(values)?;
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

fn internal(source: serde_json::Error) -> Error {
    Error::Internal {
        attempted: EXPORT.words,
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_becomes_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(spreadsheet_safe(text), format!("'{text}"));
        }
        assert_eq!(spreadsheet_safe("a=1"), "a=1");
    }
}
