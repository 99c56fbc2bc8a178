//! Writing a registry into a file.

use std::io;
use std::path::Path;

use chrono::Utc;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tracing::info;

use super::format::BackupWriter;
use super::pipe::{PIECE_LENGTH, QUEUE_LENGTH, TOLD_ROWS, Teller, join};
use super::tables::{self, FORM, Table};
use super::target::read_migrations;
use super::verify::{HEADER, Header, TableMark};
use super::{BackupProgress, BackupStep};
use crate::verification::read_head;
use crate::{Error, Result};

const ATTEMPTED: &str = "Writing the backup";

/// What the thread that writes is handed.
enum Piece {
    Begin(String),
    Content(Vec<u8>),
    End { rows: u64 },
    Finish,
}

/// Writes the file; it is not verified yet.
pub(super) async fn write(owner: &PgConnectOptions, path: &Path, teller: &Teller) -> Result<()> {
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let mut connection = owner.connect().await.map_err(failed)?;
    let mut transaction = connection.begin().await.map_err(failed)?;
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    sqlx::raw_sql(FORM)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    let header = describe(&mut transaction).await?;

    let (pieces, received) = mpsc::channel(QUEUE_LENGTH);
    let target = path.to_owned();
    let thread = tokio::task::spawn_blocking(move || {
        put(&target, received).map_err(|source| unwritable(&target, source))
    });
    let sent = send_all(&mut transaction, &header, &pieces, teller).await;
    drop(pieces);
    // Who stopped or couldn't be asked left no end, and the thread has removed what it wrote. Its own failure, a full
    // disk say, is why nothing more could be sent.
    let put = join(ATTEMPTED, thread).await;
    match sent? {
        Sent::Whole => {}
        Sent::NotTaken => {
            put?;
            return Err(Error::Internal {
                attempted: ATTEMPTED,
                source: "the thread that writes ended before its time".into(),
            });
        }
    }
    let length = put?;
    transaction.commit().await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    info!(revision = header.revision, length, path = %path.display(), "wrote a backup");
    Ok(())
}

fn unwritable(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull {
            path: path.parent().unwrap_or(path).to_owned(),
            available_mib: 0,
            detail: Some(source.to_string()),
        },
        _ => Error::OutputUnwritable {
            attempted: ATTEMPTED,
            source,
        },
    }
}

/// What the database says of itself, at the transaction's moment.
async fn describe(connection: &mut PgConnection) -> Result<Header> {
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let tables = tables::read(connection).await?;
    if tables.is_empty() || !tables::may_read_all(connection, &tables).await? {
        return Err(Error::OwnerRequired {
            attempted: ATTEMPTED,
        });
    }
    let head = read_head(&mut *connection).await?;
    let mut marks = Vec::with_capacity(tables.len());
    for table in tables {
        let row_count = tables::count_rows(connection, &table).await?;
        marks.push(TableMark { table, row_count });
    }
    let migrations = read_migrations(connection).await?;
    let server = sqlx::query(
        "SELECT current_setting('server_version') AS version,
                (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier",
    )
    .persistent(false)
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    Ok(Header {
        product_version: env!("CARGO_PKG_VERSION").to_owned(),
        schema_version: migrations
            .last()
            .map(|mark| mark.version)
            .unwrap_or_default(),
        migrations,
        made_at: Utc::now(),
        system_identifier: server.try_get("system_identifier").map_err(failed)?,
        server_version: server.try_get("version").map_err(failed)?,
        registry_id: head.registry_id,
        revision: head.revision,
        hash: hex::encode(head.hash),
        tables: marks,
        sequences: tables::read_sequences(connection).await?,
    })
}

enum Sent {
    Whole,
    /// The thread takes no more: it says why.
    NotTaken,
}

async fn send_all(
    connection: &mut PgConnection,
    header: &Header,
    pieces: &mpsc::Sender<Piece>,
    teller: &Teller,
) -> Result<Sent> {
    let text = serde_json::to_vec(header).map_err(|source| Error::Internal {
        attempted: ATTEMPTED,
        source: source.into(),
    })?;
    let opening = [
        Piece::Begin(HEADER.to_owned()),
        Piece::Content(text),
        Piece::End { rows: 1 },
    ];
    for piece in opening {
        if pieces.send(piece).await.is_err() {
            return Ok(Sent::NotTaken);
        }
    }
    let mut progress = BackupProgress {
        step: BackupStep::Writing,
        done: 0,
        total: header.tables.iter().map(|mark| mark.row_count).sum(),
    };
    teller.tell(ATTEMPTED, progress)?;
    for mark in &header.tables {
        if let Sent::NotTaken =
            send_table(connection, &mark.table, pieces, &mut progress, teller).await?
        {
            return Ok(Sent::NotTaken);
        }
    }
    teller.tell(ATTEMPTED, progress)?;
    Ok(match pieces.send(Piece::Finish).await {
        Ok(()) => Sent::Whole,
        Err(_) => Sent::NotTaken,
    })
}

async fn send_table(
    connection: &mut PgConnection,
    table: &Table,
    pieces: &mpsc::Sender<Piece>,
    progress: &mut BackupProgress,
    teller: &Teller,
) -> Result<Sent> {
    let failed = |source| Error::from_query(ATTEMPTED, source);
    if pieces.send(Piece::Begin(table.name.clone())).await.is_err() {
        return Ok(Sent::NotTaken);
    }
    let statement = table.copy_out(None);
    let mut rows = connection.copy_out_raw(&statement).await.map_err(failed)?;
    let mut piece = Vec::with_capacity(PIECE_LENGTH);
    let mut count = 0;
    // A message is a row.
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        piece.extend_from_slice(&row);
        count += 1;
        if piece.len() >= PIECE_LENGTH {
            let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_LENGTH));
            if pieces.send(Piece::Content(full)).await.is_err() {
                return Ok(Sent::NotTaken);
            }
        }
        if count % TOLD_ROWS == 0 {
            progress.done += TOLD_ROWS;
            teller.tell(ATTEMPTED, *progress)?;
        }
    }
    progress.done += count % TOLD_ROWS;
    for piece in [Piece::Content(piece), Piece::End { rows: count }] {
        if pieces.send(piece).await.is_err() {
            return Ok(Sent::NotTaken);
        }
    }
    Ok(Sent::Whole)
}

/// Writes what comes; the file is put in its place only after [`Piece::Finish`].
fn put(path: &Path, mut pieces: mpsc::Receiver<Piece>) -> io::Result<u64> {
    let mut writer = BackupWriter::create(path)?;
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Begin(name) => {
                let mut part = writer.begin(&name)?;
                loop {
                    match pieces.blocking_recv() {
                        Some(Piece::Content(content)) => part.write(&content)?,
                        Some(Piece::End { rows }) => {
                            part.end(rows)?;
                            break;
                        }
                        _ => return Err(io::ErrorKind::Interrupted.into()),
                    }
                }
            }
            Piece::Finish => return writer.finish(),
            Piece::Content(_) | Piece::End { .. } => break,
        }
    }
    // Whoever sends stopped.
    Err(io::ErrorKind::Interrupted.into())
}
