//! What is compared of a table, wherever its rows come from: their number, their hash and, of the audit log, its chain.

use std::collections::BTreeMap;

use chrono::DateTime;
use sha2::{Digest, Sha256};

use super::copy_text::{self, Lines};
use super::problem::BackupProblem;
use super::tables::{AUDIT_LOG, HEAD, Table};
use crate::verification::{Chain, Fault, FaultKind, Head, SealedEntry};

/// A table's content, as short as it can be compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Content {
    pub(crate) rows: u64,
    pub(crate) hash: [u8; 32],
}

/// Follows the rows of one table.
pub(crate) struct TableCheck {
    lines: Lines,
    hasher: Sha256,
    rows: u64,
    problem: Option<String>,
    column_count: usize,
    kind: Kind,
}

enum Kind {
    Plain,
    AuditLog {
        places: BTreeMap<String, usize>,
        // It is large, and there is one.
        chain: Box<Chain<'static>>,
    },
    Head {
        places: BTreeMap<String, usize>,
        expected: Head,
    },
}

/// What a [`TableCheck`] found.
pub(crate) struct Checked {
    pub(crate) content: Content,
    /// Of the audit log, the first thing that is wrong with its chain.
    pub(crate) fault: Option<Fault>,
}

impl TableCheck {
    /// Of a table in a registry whose chain ends at `head`.
    pub(crate) fn new(table: &Table, head: &Head) -> Self {
        let places = || {
            let names = table.columns.iter().cloned();
            names
                .enumerate()
                .map(|(place, name)| (name, place))
                .collect()
        };
        Self {
            lines: Lines::default(),
            hasher: Sha256::new(),
            rows: 0,
            problem: None,
            column_count: table.columns.len(),
            kind: match table.name.as_str() {
                AUDIT_LOG => Kind::AuditLog {
                    places: places(),
                    chain: Box::new(Chain::new(head.clone(), &[])),
                },
                HEAD => Kind::Head {
                    places: places(),
                    expected: head.clone(),
                },
                _ => Kind::Plain,
            },
        }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        let Self {
            rows,
            problem,
            column_count,
            kind,
            ..
        } = self;
        let pushed = self.lines.push(bytes, |line| {
            *rows += 1;
            if let Err(explanation) = follow(kind, line, *column_count) {
                problem.get_or_insert(format!("row {rows} {explanation}"));
            }
        });
        if pushed.is_err() {
            self.problem
                .get_or_insert("a row is longer than any can be".to_owned());
        }
    }

    /// Ends the table; `name` is for what is wrong.
    pub(crate) fn end(self, name: &str) -> Result<Checked, BackupProblem> {
        let problem = self.problem.or_else(|| {
            (!self.lines.is_complete()).then(|| "the last row is not complete".to_owned())
        });
        if let Some(problem) = problem {
            return Err(BackupProblem::Inconsistent {
                explanation: format!("in {name}, {problem}"),
            });
        }
        Ok(Checked {
            content: Content {
                rows: self.rows,
                hash: self.hasher.finalize().into(),
            },
            fault: match self.kind {
                Kind::AuditLog { chain, .. } => chain.end().fault,
                _ => None,
            },
        })
    }
}

fn follow(kind: &mut Kind, line: &[u8], column_count: usize) -> Result<(), &'static str> {
    match kind {
        Kind::Plain => {
            let found = line.split(|byte| *byte == b'\t').count();
            // A table without a column has empty lines.
            if found != column_count.max(1) {
                return Err("has another number of columns than the table");
            }
        }
        Kind::AuditLog { places, chain } => {
            let columns = columns(line, column_count)?;
            match entry(places, columns) {
                Some(entry) => chain.follow(&entry),
                None => chain.fail(
                    FaultKind::ContentChanged,
                    0,
                    "An entry can't be read.".to_owned(),
                ),
            }
        }
        Kind::Head { places, expected } => {
            let mut columns = columns(line, column_count)?;
            let mut take = |name: &str| take(&mut columns, places, name);
            let found = (take("registry_id"), take("revision"), take("hash"));
            let wanted = (
                Some(expected.registry_id.clone()),
                Some(expected.revision.to_string()),
                Some(format!("\\x{}", hex::encode(&expected.hash))),
            );
            if found != wanted {
                return Err("is not the end of the chain that the header names");
            }
        }
    }
    Ok(())
}

fn columns(line: &[u8], column_count: usize) -> Result<Vec<Option<String>>, &'static str> {
    copy_text::columns(line)
        .filter(|columns| columns.len() == column_count)
        .ok_or("can't be read")
}

fn take(
    columns: &mut [Option<String>],
    places: &BTreeMap<String, usize>,
    name: &str,
) -> Option<String> {
    columns.get_mut(*places.get(name)?)?.take()
}

/// The entry as it is hashed (`crate::verification`), from columns as COPY writes them. None if one can't be read.
fn entry(
    places: &BTreeMap<String, usize>,
    mut columns: Vec<Option<String>>,
) -> Option<SealedEntry> {
    let mut take = |name: &str| take(&mut columns, places, name);
    let revision = take("revision");
    let version = take("hash_version");
    let mut fields = vec![revision.clone()];
    for name in [
        "id",
        "extension_id",
        "action",
        "changed_by",
        "actor_source",
        "os_user",
        "application_name",
    ] {
        fields.push(take(name));
    }
    // host() leaves the netmask out.
    fields.push(
        take("client_address")
            .map(|address| address.split('/').next().unwrap_or_default().to_owned()),
    );
    for name in ["reason", "request_id", "group_id", "restored_revision"] {
        fields.push(take(name));
    }
    fields.push(microseconds(take("timestamp"))?);
    for name in ["before", "after", "changes"] {
        fields.push(take(name));
    }
    if version.as_deref() != Some("1") {
        for name in ["login", "undone_group_id", "undone_revision"] {
            fields.push(take(name));
        }
        fields.push(microseconds(take("sealed_at"))?);
    }
    let mut bytes = |name| match take(name) {
        None => Some(None),
        Some(text) => hex::decode(text.strip_prefix("\\x")?).ok().map(Some),
    };
    Some(SealedEntry {
        revision: match revision {
            None => None,
            Some(text) => Some(text.parse().ok()?),
        },
        previous_hash: bytes("previous_hash")?,
        hash: bytes("hash")?,
        fields,
    })
}

/// Microseconds since 1970 of a time as PostgreSQL writes it in UTC.
#[allow(
    clippy::option_option,
    reason = "the outer says whether it could be read, the inner is NULL"
)]
fn microseconds(time: Option<String>) -> Option<Option<String>> {
    let Some(time) = time else {
        return Some(None);
    };
    let time = DateTime::parse_from_str(&time, "%Y-%m-%d %H:%M:%S%.f%#z").ok()?;
    Some(Some(time.timestamp_micros().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_postgresql_writes_them() {
        let read = |text: &str| microseconds(Some(text.into())).flatten();
        assert_eq!(read("1970-01-01 00:00:01.5+00").as_deref(), Some("1500000"));
        assert_eq!(
            read("2026-01-02 03:04:05+00").as_deref(),
            Some("1767323045000000")
        );
        assert_eq!(read("1969-12-31 23:59:59.999999+00").as_deref(), Some("-1"));
        assert_eq!(microseconds(Some("infinity".into())), None);
    }
}
