//! Restoring a registry from a file.

use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tracing::{info, warn};

use super::check::{Content, TableCheck};
use super::format::{BackupReader, ReadFailure};
use super::pipe::{PIECE_LENGTH, QUEUE_LENGTH, TOLD_ROWS, Teller, join};
use super::problem::BackupProblem;
use super::tables::{AUDIT_LOG, Table};
use super::target::{Target, run};
use super::verify::{Verified, next_header, next_table, refused, verify};
use super::{BackupProgress, BackupStep, RestoreOptions};
use crate::verification::{Fault, Head, follow_within};
use crate::{Error, Result};

const ATTEMPTED: &str = "Restoring the registry";

/// What the thread that reads hands over.
enum Piece {
    Begin(usize),
    Content(Vec<u8>),
    End,
}

pub(super) async fn restore(
    path: &Path,
    owner: &PgConnectOptions,
    options: RestoreOptions,
    teller: &Teller,
) -> Result<Verified> {
    let verified = verify(path, teller).await?;
    let invalid = |problem| Error::BackupInvalid {
        path: path.to_owned(),
        problem,
    };
    if let Some(fault) = &verified.fault
        && !options.is_fault_accepted
    {
        return Err(invalid(BackupProblem::ChainBroken {
            fault: fault.clone(),
        }));
    }
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let mut connection = owner.connect().await.map_err(failed)?;
    let mut transaction = connection.begin().await.map_err(failed)?;
    let source: Vec<Table> = verified
        .header
        .tables
        .iter()
        .map(|mark| mark.table.clone())
        .collect();
    let mut target = Target::prepare(
        &mut transaction,
        ATTEMPTED,
        &verified.header.migrations,
        &source,
        invalid,
    )
    .await?;
    load(path, &mut transaction, &verified, teller).await?;
    target
        .complete(&mut transaction, ATTEMPTED, &verified.header.sequences)
        .await?;
    let head = verified.header.head().map_err(invalid)?;
    compare(&mut transaction, &target.tables, &head, &verified, teller).await?;
    if target.bring_up_to_date(&mut transaction).await? {
        let verification = follow_within(&mut transaction, &[], None, |_| {}).await?;
        if verification.fault != verified.fault || verification.hash != verified.header.hash {
            return Err(Error::CopyDiffers {
                attempted: ATTEMPTED,
                what: AUDIT_LOG.to_owned(),
            });
        }
    }
    // Of a registry that was moved away, a backup is no way to have two: it takes no changes here either.
    run(
        &mut transaction,
        ATTEMPTED,
        "SELECT public.registry_apply_move()",
    )
    .await?;
    // Whoever listens to this database looks again.
    run(
        &mut transaction,
        ATTEMPTED,
        &format!(
            "SELECT pg_notify('registry_changed', '{}')",
            verified.header.revision
        ),
    )
    .await?;
    transaction.commit().await.map_err(failed)?;
    if let Err(error) = run(&mut connection, ATTEMPTED, "ANALYZE").await {
        warn!(%error, "the restored tables couldn't be analysed");
    }
    connection.close().await.map_err(failed)?;
    info!(revision = verified.header.revision, path = %path.display(), "restored a backup");
    Ok(verified)
}

/// Fills the tables from the file, which is read once more: each part is compared with its checksum again.
async fn load(
    path: &Path,
    connection: &mut PgConnection,
    verified: &Verified,
    teller: &Teller,
) -> Result<()> {
    let (pieces, received) = mpsc::channel(QUEUE_LENGTH);
    let file = path.to_owned();
    let thread = tokio::task::spawn_blocking(move || {
        read(&file, &pieces).map_err(|failure| refused(ATTEMPTED, &file, failure))
    });
    let filled = fill(connection, verified, received, teller).await;
    let read = join(ATTEMPTED, thread).await;
    // If the file turned out wrong, that is why the rest didn't come.
    if filled? {
        read
    } else {
        read.and(Err(Error::Internal {
            attempted: ATTEMPTED,
            source: "the thread that reads ended before its time".into(),
        }))
    }
}

fn read(path: &Path, pieces: &mpsc::Sender<Piece>) -> Result<(), ReadFailure> {
    let mut reader = BackupReader::open(path)?;
    let header = next_header(&mut reader)?;
    for (place, mark) in header.tables.iter().enumerate() {
        let mut part = next_table(&mut reader, mark)?;
        if pieces.blocking_send(Piece::Begin(place)).is_err() {
            return Ok(());
        }
        loop {
            let mut piece = vec![0; PIECE_LENGTH];
            let count = part.read(&mut piece)?;
            if count == 0 {
                break;
            }
            piece.truncate(count);
            // Nobody takes it any more: the database refused, which is said there.
            if pieces.blocking_send(Piece::Content(piece)).is_err() {
                return Ok(());
            }
        }
        part.end()?;
        if pieces.blocking_send(Piece::End).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether everything came.
async fn fill(
    connection: &mut PgConnection,
    verified: &Verified,
    mut pieces: mpsc::Receiver<Piece>,
    teller: &Teller,
) -> Result<bool> {
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let mut progress = BackupProgress {
        step: BackupStep::Restoring,
        done: 0,
        total: verified.row_count(),
    };
    let mut filled = 0;
    while let Some(Piece::Begin(place)) = pieces.recv().await {
        let Some(mark) = verified.header.tables.get(place) else {
            break;
        };
        let mut copy = connection
            .copy_in_raw(&mark.table.copy_in())
            .await
            .map_err(failed)?;
        let is_whole = loop {
            match pieces.recv().await {
                Some(Piece::Content(content)) => {
                    copy.send(content).await.map_err(failed)?;
                    teller.tell(ATTEMPTED, progress)?;
                }
                Some(Piece::End) => break true,
                _ => break false,
            }
        };
        if !is_whole {
            copy.abort("the file ended").await.map_err(failed)?;
            return Ok(false);
        }
        let rows = copy.finish().await.map_err(failed)?;
        progress.done += rows;
        teller.tell(ATTEMPTED, progress)?;
        filled += 1;
    }
    Ok(filled == verified.header.tables.len())
}

/// Reads every table back.
async fn compare(
    connection: &mut PgConnection,
    tables: &[Table],
    head: &Head,
    verified: &Verified,
    teller: &Teller,
) -> Result<()> {
    let mut progress = BackupProgress {
        step: BackupStep::Comparing,
        done: 0,
        total: verified.row_count(),
    };
    for (mark, content) in verified.header.tables.iter().zip(&verified.contents) {
        let differs = || Error::CopyDiffers {
            attempted: ATTEMPTED,
            what: format!("the table {}", mark.table.name),
        };
        let table = tables
            .iter()
            .find(|table| table.name == mark.table.name)
            .ok_or_else(differs)?;
        let (found, fault) = read_back(connection, table, head, |rows| {
            teller.tell(
                ATTEMPTED,
                BackupProgress {
                    done: progress.done + rows,
                    ..progress
                },
            )
        })
        .await?;
        if found != *content || (table.name == AUDIT_LOG && fault != verified.fault) {
            return Err(differs());
        }
        progress.done += content.rows;
    }
    Ok(())
}

/// What a table holds in the database.
pub(crate) async fn read_back(
    connection: &mut PgConnection,
    table: &Table,
    head: &Head,
    mut tell: impl FnMut(u64) -> Result<()>,
) -> Result<(Content, Option<Fault>)> {
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let statement = table.copy_out(None);
    let mut check = TableCheck::new(table, head);
    let mut rows = connection.copy_out_raw(&statement).await.map_err(failed)?;
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        check.push(&row);
        if check.rows().is_multiple_of(TOLD_ROWS) {
            tell(check.rows())?;
        }
    }
    drop(rows);
    let checked = check
        .end(&table.name)
        .map_err(|problem| Error::CopyDiffers {
            attempted: ATTEMPTED,
            what: format!("the table {} ({problem})", table.name),
        })?;
    Ok((checked.content, checked.fault))
}
