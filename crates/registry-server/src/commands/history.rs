//! `registryctl history`: what became of one extension; and how entries of the audit log are written.

use clap::Args;
use registry::Registry;
use registry::audit::{AuditAction, AuditEntry, AuditFilter, AuditListRequest};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::AuditEntryBody;
use crate::output::Output;
use crate::place::Place;
use crate::table::{Cell, Table};
use crate::terminal::{GREEN, RED, YELLOW};
use crate::words::{self, NONE};

/// The core's longest page.
const PAGE_LENGTH: u16 = 500;

/// Which part of a log.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Part {
    /// How many entries at the most
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Only entries older than this one, to go on where an answer ended
    #[arg(long, value_name = "NUMBER")]
    before_revision: Option<i64>,
}

/// Which extension's.
#[derive(Args, Debug)]
pub(crate) struct HistoryOptions {
    /// The extension; it may be gone since
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    part: Part,
}

/// Reads what became of an extension, newest entry first.
pub(crate) async fn run(
    options: HistoryOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = place.open().await?;
    let filter = AuditFilter {
        extension_id: Some(options.id),
        ..AuditFilter::default()
    };
    tell(&opened.registry, filter, options.part, output).await?;
    opened.close().await;
    Ok(Exit::Done)
}

/// Writes entries, newest first, page by page.
pub(crate) async fn tell(
    registry: &Registry,
    filter: AuditFilter,
    part: Part,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut left = part.limit;
    let mut request = AuditListRequest {
        filter,
        before_revision: part.before_revision,
        after_revision: None,
        limit: PAGE_LENGTH,
    };
    let mut next = None;
    let mut is_begun = false;
    let mut pages = async || -> Result<Option<Vec<AuditEntry>>, Failure> {
        if is_begun && (left == 0 || next.is_none()) {
            return Ok(None);
        }
        is_begun = true;
        request.limit = u16::try_from(left).unwrap_or(u16::MAX).min(PAGE_LENGTH);
        let page = registry.list_audit_entries(&request).await?;
        left = left.saturating_sub(page.entries.len() as u64);
        next = page.next_before_revision;
        request.before_revision = next;
        Ok(Some(page.entries))
    };
    if output.is_json() {
        let mut list = output.json_list("entries")?;
        while let Some(page) = pages().await? {
            for entry in page {
                list.item(&AuditEntryBody::from(entry))?;
            }
        }
        list.end(next.map(|revision| ("next_before_revision", revision)))
    } else {
        let mut table = table();
        while let Some(page) = pages().await? {
            table.write(output, page.into_iter().map(row))?;
            output.flush()?;
        }
        Ok(())
    }
}

/// Writes these entries.
pub(crate) fn tell_entries(entries: Vec<AuditEntry>, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        let mut list = output.json_list("entries")?;
        for entry in entries {
            list.item(&AuditEntryBody::from(entry))?;
        }
        list.end(None)
    } else {
        table().write(output, entries.into_iter().map(row))
    }
}

fn table() -> Table<7> {
    Table::new([
        "REVISION",
        "TIME",
        "ACTION",
        "EXTENSION",
        "BY",
        "CHANGED",
        "REASON",
    ])
}

fn row(entry: AuditEntry) -> [Cell; 7] {
    let action = entry.action.name();
    let changed = match entry.changes.as_slice() {
        [one] => format!(
            "{}: {} -> {}",
            one.path,
            one.before.as_deref().unwrap_or(NONE),
            one.after.as_deref().unwrap_or(NONE)
        ),
        several => several
            .iter()
            .map(|change| change.path.as_str())
            .collect::<Vec<_>>()
            .join(" "),
    };
    [
        entry.revision.to_string().into(),
        words::time_or_none(entry.sealed_at.or(entry.timestamp)).into(),
        match entry.action {
            AuditAction::Created | AuditAction::Enabled => Cell::styled(action, GREEN),
            AuditAction::Deleted => Cell::styled(action, RED),
            AuditAction::Updated => Cell::styled(action, YELLOW),
            AuditAction::Disabled => action.into(),
        },
        entry.extension_id.into(),
        entry.changed_by.unwrap_or_else(|| NONE.to_owned()).into(),
        changed.into(),
        entry.reason.unwrap_or_default().into(),
    ]
}
