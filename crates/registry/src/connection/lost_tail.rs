//! A lost tail: changes that this program knows to have been made and that the database doesn't have any more, because
//! a standby was promoted that had not received them, or an older state was restored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use crate::anchors::Anchor;
use crate::wire::WireNumber;

/// More anchors than these, the newest ones, are not compared.
const ANCHORS_COMPARED: usize = 1_000;

/// Changes that were made and are gone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct LostTail {
    /// The registry.
    pub registry_id: String,
    /// The newest revision that is lost, known from the anchors or from what this program did itself.
    #[specta(type = WireNumber)]
    pub known_revision: i64,
    /// The registry's revision when this was found.
    #[specta(type = WireNumber)]
    pub found_revision: i64,
    /// The newest revision that both have: the registry's, if it is behind all that is lost, and else the newest anchor
    /// that still holds.
    #[specta(type = WireNumber)]
    pub common_revision: i64,
    /// How many revisions are lost, from the one after [`LostTail::common_revision`] to
    /// [`LostTail::known_revision`].
    #[specta(type = WireNumber)]
    pub lost_count: i64,
    /// When it was found.
    pub noticed_at: DateTime<Utc>,
}

/// Compares what was known, oldest first, with the registry at the other end; none if all of it is there.
///
/// Simple statements in one transaction: it runs through a pooler as well, and what it reads is of one moment.
pub(crate) async fn find_lost_tail(
    connection: &mut PgConnection,
    anchors: &[Anchor],
) -> sqlx::Result<Option<LostTail>> {
    let head = sqlx::raw_sql(
        "SELECT registry_id::text, revision, encode(hash, 'hex') FROM public.registry_head",
    )
    .fetch_one(&mut *connection)
    .await?;
    let registry_id: String = head.try_get_unchecked(0)?;
    let found_revision: i64 = head.try_get_unchecked(1)?;
    let head_hash: String = head.try_get_unchecked(2)?;
    let newest_of_this = anchors
        .iter()
        .rev()
        .filter(|anchor| anchor.registry_id == registry_id && anchor.revision > 0)
        .take(ANCHORS_COMPARED);
    let of_this: Vec<&Anchor> = newest_of_this.collect();
    if of_this
        .iter()
        .all(|anchor| anchor.revision == found_revision && anchor.hash == head_hash)
    {
        return Ok(None);
    }
    let revisions: Vec<String> = of_this
        .iter()
        .map(|anchor| anchor.revision.to_string())
        .collect();
    // Numbers can't hold a statement of their own.
    let rows = sqlx::raw_sql(AssertSqlSafe(format!(
        "SELECT revision, encode(hash, 'hex') FROM public.extension_audit_log WHERE revision IN ({})",
        revisions.join(", ")
    )))
    .fetch_all(connection)
    .await?;
    let mut hashes: BTreeMap<i64, String> = BTreeMap::new();
    for row in &rows {
        hashes.insert(row.try_get_unchecked(0)?, row.try_get_unchecked(1)?);
    }
    // The anchors may be of two histories, if changes were made after some were lost: each is looked at by itself.
    let (there, lost): (Vec<&Anchor>, Vec<&Anchor>) = of_this
        .into_iter()
        .partition(|anchor| hashes.get(&anchor.revision) == Some(&anchor.hash));
    let Some(first_lost) = lost.iter().map(|anchor| anchor.revision).min() else {
        return Ok(None);
    };
    let known_revision = lost
        .iter()
        .map(|anchor| anchor.revision)
        .max()
        .unwrap_or(first_lost);
    let common_revision = if found_revision < first_lost {
        found_revision
    } else {
        there
            .iter()
            .map(|anchor| anchor.revision)
            .filter(|revision| *revision < first_lost)
            .max()
            .unwrap_or_default()
    };
    Ok(Some(LostTail {
        registry_id,
        known_revision,
        found_revision,
        common_revision,
        lost_count: known_revision - common_revision,
        noticed_at: Utc::now(),
    }))
}
