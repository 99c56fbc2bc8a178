//! The rows that a change works on: locked, changed in parts, and what a constraint says of one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlx::postgres::PgConnection;

use super::BulkProgress;
use crate::access::Attempt;
use crate::{Error, Result, rules};

/// As many extensions as are changed by one statement: between two it is told how far the change is.
const PART_SIZE: usize = 500;

/// Locks the row for the rest of the transaction, if there is one.
pub(super) async fn lock_if_there(
    connection: &mut PgConnection,
    attempt: Attempt,
    id: &str,
) -> Result<()> {
    sqlx::query("SELECT FROM public.extensions WHERE id = $1 FOR UPDATE")
        .bind(id)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| Error::from_query(attempt, source))
}

/// Locks the row for the rest of the transaction; returns its revision.
pub(super) async fn lock_row(
    connection: &mut PgConnection,
    attempt: Attempt,
    id: &str,
) -> Result<i64> {
    let revisions = lock_rows(connection, attempt, &[id]).await?;
    revisions
        .get(id)
        .copied()
        .ok_or_else(|| Error::ExtensionNotFound { id: id.to_owned() })
}

/// Locks the rows for the rest of the transaction, in the order of their ids, so that two that lock several
/// never wait for each other; returns their revisions.
pub(super) async fn lock_rows(
    connection: &mut PgConnection,
    attempt: Attempt,
    ids: &[&str],
) -> Result<BTreeMap<String, i64>> {
    let found: Vec<(String, i64)> = sqlx::query_as(
        "SELECT id, revision FROM public.extensions WHERE id = ANY($1) ORDER BY id FOR UPDATE",
    )
    .bind(ids)
    .fetch_all(connection)
    .await
    .map_err(|source| Error::from_query(attempt, source))?;
    let revisions: BTreeMap<String, i64> = found.into_iter().collect();
    match ids.iter().find(|id| !revisions.contains_key(**id)) {
        Some(missing) => Err(Error::ExtensionNotFound {
            id: (*missing).to_owned(),
        }),
        None => Ok(revisions),
    }
}

/// Runs a statement (`$1` the ids, `$2` the new state where there is one) on each part of the extensions; answers
/// whether all were done. They are one transaction's in any case, and one statement for all would be no faster.
pub(super) async fn in_parts(
    connection: &mut PgConnection,
    attempt: Attempt,
    statement: &'static str,
    ids: &[&str],
    enabled: Option<bool>,
    mut tell: impl FnMut(BulkProgress) -> ControlFlow<()> + Send,
) -> Result<bool> {
    let total = ids.len() as u64;
    let mut done_count = 0;
    for part in ids.chunks(PART_SIZE) {
        let mut query = sqlx::query(statement).bind(part);
        if let Some(enabled) = enabled {
            query = query.bind(enabled);
        }
        query
            .execute(&mut *connection)
            .await
            .map_err(|source| Error::from_query(attempt, source))?;
        done_count += part.len() as u64;
        if tell(BulkProgress { done_count, total }).is_break() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Turns what a constraint refused into the error that names the field.
pub(super) fn refused(attempt: Attempt, source: sqlx::Error, id: &str, subject: &str) -> Error {
    let constraint = source
        .as_database_error()
        .and_then(|error| error.constraint());
    match constraint {
        Some("extensions_pkey") => Error::IdTaken { id: id.to_owned() },
        Some("extensions_subject_key") => Error::SubjectTaken {
            subject: subject.to_owned(),
        },
        _ => rules::refused(attempt, source),
    }
}
