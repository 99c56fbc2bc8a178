//! Verifying a file by itself.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::check::{Content, TableCheck};
use super::format::{BackupReader, PartReader, ReadFailure};
use super::pipe::{PIECE_LENGTH, Teller, join};
use super::problem::BackupProblem;
use super::tables::{AUDIT_LOG, HEAD, Sequence, Table};
use super::target::MigrationMark;
use super::{BackupProgress, BackupStep, BackupSummary, TableSummary};
use crate::verification::{Fault, Head};
use crate::{Error, Result};

const ATTEMPTED: &str = "Verifying the backup";

/// The name of the first part.
pub(super) const HEADER: &str = "header";

/// A longer header was not written by this program.
const HEADER_LENGTH_MAX: usize = 4 << 20;

/// What a backup says of itself: its first part, JSON.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Header {
    pub(super) product_version: String,
    pub(super) schema_version: i64,
    /// Each with its checksum: whether the schema is the one that this program makes.
    pub(super) migrations: Vec<MigrationMark>,
    pub(super) made_at: DateTime<Utc>,
    pub(super) system_identifier: String,
    pub(super) server_version: String,
    pub(super) registry_id: String,
    pub(super) revision: i64,
    /// In hexadecimal.
    pub(super) hash: String,
    /// In the order of their parts.
    pub(super) tables: Vec<TableMark>,
    pub(super) sequences: Vec<Sequence>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct TableMark {
    pub(super) table: Table,
    pub(super) row_count: u64,
}

impl Header {
    pub(super) fn head(&self) -> Result<Head, BackupProblem> {
        Ok(Head {
            registry_id: self.registry_id.clone(),
            revision: self.revision,
            hash: hex::decode(&self.hash).map_err(|_| inconsistent("the header's hash is none"))?,
        })
    }

    /// What the header must be for anything else to be believed.
    fn check(&self) -> Result<(), BackupProblem> {
        self.head()?;
        let names: BTreeSet<&str> = self
            .tables
            .iter()
            .map(|mark| mark.table.name.as_str())
            .collect();
        if names.len() != self.tables.len() {
            return Err(inconsistent("a table is named twice"));
        }
        for needed in [AUDIT_LOG, HEAD, "extensions"] {
            if !names.contains(needed) {
                return Err(inconsistent(format!("the table {needed} is missing")));
            }
        }
        Ok(())
    }

    fn row_count(&self) -> u64 {
        self.tables.iter().map(|mark| mark.row_count).sum()
    }
}

/// A file that was verified.
pub(super) struct Verified {
    pub(super) header: Header,
    /// What each table of the header holds.
    pub(super) contents: Vec<Content>,
    pub(super) size_bytes: u64,
    pub(super) fault: Option<Fault>,
}

impl Verified {
    pub(super) fn row_count(&self) -> u64 {
        self.header.row_count()
    }
}

impl From<Verified> for BackupSummary {
    fn from(verified: Verified) -> Self {
        let Verified {
            header,
            contents,
            size_bytes,
            fault,
        } = verified;
        let hashes = contents.iter().map(|content| hex::encode(content.hash));
        summary(header, hashes.map(Some), size_bytes, fault)
    }
}

fn summary(
    header: Header,
    hashes: impl Iterator<Item = Option<String>>,
    size_bytes: u64,
    fault: Option<Fault>,
) -> BackupSummary {
    BackupSummary {
        tables: header
            .tables
            .into_iter()
            .zip(hashes)
            .map(|(mark, hash)| TableSummary {
                name: mark.table.name,
                row_count: mark.row_count,
                hash: hash.unwrap_or_default(),
            })
            .collect(),
        product_version: header.product_version,
        schema_version: header.schema_version,
        made_at: header.made_at,
        system_identifier: header.system_identifier,
        server_version: header.server_version,
        registry_id: header.registry_id,
        revision: header.revision,
        hash: header.hash,
        size_bytes,
        fault,
    }
}

pub(super) fn inconsistent(explanation: impl Into<String>) -> BackupProblem {
    BackupProblem::Inconsistent {
        explanation: explanation.into(),
    }
}

/// The error for a reading that failed.
pub(super) fn refused(attempted: &'static str, path: &Path, failure: ReadFailure) -> Error {
    match failure {
        ReadFailure::Problem(problem) => Error::BackupInvalid {
            path: path.to_owned(),
            problem,
        },
        ReadFailure::Unreadable(source) => Error::FileUnreadable {
            attempted,
            path: path.to_owned(),
            source,
        },
    }
}

pub(super) async fn verify(path: &Path, teller: &Teller) -> Result<Verified> {
    let (path, teller) = (path.to_owned(), teller.clone());
    let thread = tokio::task::spawn_blocking(move || verify_now(&path, &teller));
    join(ATTEMPTED, thread).await
}

pub(super) async fn read_header(path: &Path) -> Result<BackupSummary> {
    let path = path.to_owned();
    let thread = tokio::task::spawn_blocking(move || {
        let read = || {
            let mut reader = BackupReader::open(&path)?;
            let header = next_header(&mut reader)?;
            let size_bytes = path.metadata()?.len();
            Ok(summary(header, std::iter::repeat(None), size_bytes, None))
        };
        read().map_err(|failure| refused(ATTEMPTED, &path, failure))
    });
    join(ATTEMPTED, thread).await
}

fn verify_now(path: &Path, teller: &Teller) -> Result<Verified> {
    let refused = |failure| refused(ATTEMPTED, path, failure);
    let mut reader = BackupReader::open(path).map_err(refused)?;
    // Twice over: once as bytes, once as what they say.
    let mut progress = BackupProgress {
        step: BackupStep::Verifying,
        done: 0,
        total: path.metadata().map_or(0, |metadata| metadata.len()),
    };
    let mut stopped = None;
    let checked = reader.check_whole(|count| {
        progress.done += count;
        teller.tell(ATTEMPTED, progress).map_err(|error| {
            stopped = Some(error);
            io::Error::from(io::ErrorKind::Interrupted)
        })
    });
    if let Some(error) = stopped {
        return Err(error);
    }
    let size_bytes = checked.map_err(refused)?;
    let header = next_header(&mut reader).map_err(refused)?;
    let head = header.head().map_err(|problem| refused(problem.into()))?;
    let mut contents = Vec::with_capacity(header.tables.len());
    let mut fault = None;
    let mut buffer = vec![0; PIECE_LENGTH];
    for mark in &header.tables {
        let mut part = next_table(&mut reader, mark).map_err(refused)?;
        let mut check = TableCheck::new(&mark.table, &head);
        loop {
            let count = part.read(&mut buffer).map_err(refused)?;
            if count == 0 {
                break;
            }
            check.push(buffer.get(..count).unwrap_or_default());
            teller.tell(ATTEMPTED, progress)?;
        }
        let totals = part.end().map_err(refused)?;
        let checked = check
            .end(&mark.table.name)
            .map_err(|problem| refused(problem.into()))?;
        if checked.content.rows != mark.row_count || totals.rows != mark.row_count {
            let explanation = format!(
                "{} has {} rows and should have {}",
                mark.table.name, checked.content.rows, mark.row_count
            );
            return Err(refused(inconsistent(explanation).into()));
        }
        if mark.table.name == HEAD && mark.row_count != 1 {
            return Err(refused(
                inconsistent("the chain's end is not one row").into(),
            ));
        }
        contents.push(checked.content);
        fault = fault.or(checked.fault);
    }
    if reader.next_part().map_err(refused)?.is_some() {
        return Err(refused(
            inconsistent("there is more than the header names").into(),
        ));
    }
    Ok(Verified {
        header,
        contents,
        size_bytes,
        fault,
    })
}

/// The first part.
pub(super) fn next_header(reader: &mut BackupReader) -> Result<Header, ReadFailure> {
    let mut part = reader
        .next_part()?
        .ok_or_else(|| inconsistent("it has no header"))?;
    if part.name != HEADER {
        return Err(inconsistent("it doesn't begin with a header").into());
    }
    let mut text = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = part.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        text.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if text.len() > HEADER_LENGTH_MAX {
            return Err(inconsistent("its header is too long").into());
        }
    }
    part.end()?;
    let header: Header = serde_json::from_slice(&text)
        .map_err(|error| inconsistent(format!("its header can't be read: {error}")))?;
    header.check()?;
    Ok(header)
}

/// The next part, which must be that table's.
pub(super) fn next_table<'r>(
    reader: &'r mut BackupReader,
    mark: &TableMark,
) -> Result<PartReader<'r>, ReadFailure> {
    match reader.next_part()? {
        Some(part) if part.name == mark.table.name => Ok(part),
        _ => Err(inconsistent(format!(
            "the table {} is not where it should be",
            mark.table.name
        ))
        .into()),
    }
}
