//! Verifies that the audit log is whole: nothing edited, removed, reordered or cut off.
//!
//! The hashes are computed here and not by the database, whose functions its owner could replace.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

use chrono::Utc;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use specta::Type;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, PgExecutor, Row};
use tokio_stream::StreamExt;
use tracing::{info, warn};

use crate::access::{Attempt, Role};
use crate::anchors::Anchor;
use crate::registry::Committed;
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

const ATTEMPT: Attempt = Attempt::by(Role::RegistryAuditor, "Verifying the audit log");

/// What a verification found.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct Verification {
    /// Which registry was verified.
    pub registry_id: String,
    /// The hash of its newest entry then, in hexadecimal.
    pub hash: String,
    /// The registry's revision when it was verified.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// How many entries were verified; up to the first bad one.
    #[specta(type = WireNumber)]
    pub entry_count: i64,
    /// How many anchors were compared.
    pub anchor_count: u32,
    /// The first fault; none if the log is whole.
    pub fault: Option<Fault>,
}

/// How far a verification is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct VerificationProgress {
    /// How many entries were verified.
    #[specta(type = WireNumber)]
    pub entry_count: i64,
    /// How many there are to verify.
    #[specta(type = WireNumber)]
    pub total: i64,
}

/// Something that is wrong with the audit log.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// The revision at which it shows.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// What was expected and what is there: one sentence.
    pub explanation: String,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The entry's content does not fit its hash: it was edited, or moved from another place.
    ContentChanged,
    /// The entry does not follow the one before it.
    LinkBroken,
    /// An entry is missing.
    EntryMissing,
    /// An entry was written past the seal.
    EntryUnsealed,
    /// The head does not fit the newest entry.
    HeadMismatch,
    /// An anchor names a revision that the registry no longer has: its end was cut off.
    EndCutOff,
    /// An anchor names another hash for a revision: the log was written anew.
    AnchorMismatch,
    /// An anchor names another registry: this one is a replacement.
    OtherRegistry,
}

impl Registry {
    /// Verifies the whole audit log against itself and against the anchor file, if the registry has
    /// one, and notes its end there if it is whole.
    ///
    /// # Errors
    /// As [`Self::verify_audit_log_against`], and [`Error::Internal`] when the file can't be read.
    pub async fn verify_audit_log(&self) -> Result<Verification> {
        self.verify_audit_log_telling(|_| {}).await
    }

    /// As [`Self::verify_audit_log`]; tells from time to time how far it is. A long log takes minutes: who drops
    /// the future stops it, and nothing is noted.
    ///
    /// # Errors
    /// As [`Self::verify_audit_log`].
    pub async fn verify_audit_log_telling(
        &self,
        tell: impl FnMut(VerificationProgress) + Send,
    ) -> Result<Verification> {
        let verification = self
            .follow_audit_log(&self.noted_anchors()?, None, tell)
            .await?;
        if verification.fault.is_none() {
            self.note_anchor().await;
        }
        Ok(verification)
    }

    /// Verifies what was sealed after `noted`, an anchor up to which the log was verified before: whether the entry
    /// of that revision is still the one that was noted, and each one since follows on. As
    /// [`Self::verify_audit_log_telling`] it compares the anchors of the file and notes the end there.
    ///
    /// It does not look at the entries before: whoever edited one of those since is found by a verification of the whole
    /// log alone. [`Verification::entry_count`] counts from the first entry on.
    ///
    /// # Errors
    /// As [`Self::verify_audit_log`].
    pub async fn verify_audit_log_since(
        &self,
        noted: &Anchor,
        tell: impl FnMut(VerificationProgress) + Send,
    ) -> Result<Verification> {
        let verification = self
            .follow_audit_log(&self.noted_anchors()?, Some(noted), tell)
            .await?;
        if verification.fault.is_none() {
            self.note_anchor().await;
        }
        Ok(verification)
    }

    fn noted_anchors(&self) -> Result<Vec<Anchor>> {
        match self.anchor_file() {
            None => Ok(Vec::new()),
            Some(file) => file.read().map_err(|source| Error::Internal {
                attempted: "Reading the anchors of the audit log",
                source: source.into(),
            }),
        }
    }

    /// Verifies the whole audit log against itself and against `anchors`.
    ///
    /// It reads one snapshot, so changes may go on meanwhile; they are not part of it. Memory use
    /// does not grow with the log.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`]. A fault in the log is no error but
    /// [`Verification::fault`].
    pub async fn verify_audit_log_against(&self, anchors: &[Anchor]) -> Result<Verification> {
        self.follow_audit_log(anchors, None, |_| {}).await
    }

    async fn follow_audit_log(
        &self,
        anchors: &[Anchor],
        since: Option<&Anchor>,
        tell: impl FnMut(VerificationProgress) + Send,
    ) -> Result<Verification> {
        let failed = |source| Error::from_query(ATTEMPT, source);
        let mut transaction = self.pool().begin().await.map_err(failed)?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let verification = follow_within(&mut transaction, anchors, since, tell).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(verification)
    }

    /// Notes the end of the audit chain in the anchor file, if there is one. A failure is logged and
    /// no more: the change that it follows is done.
    async fn note_anchor(&self) {
        if self.notes_anchors() {
            self.note(self.anchor().await).await;
        }
    }

    /// The same for a change.
    pub(crate) async fn note_anchor_of(&self, committed: &mut Committed) {
        if self.notes_anchors() {
            self.note(committed.anchor().await).await;
        }
    }

    /// The same where the end is known already.
    pub(crate) async fn note_end(&self, registry_id: &str, revision: i64, hash: &[u8]) {
        if self.notes_anchors() {
            self.note(Ok(Anchor {
                registry_id: registry_id.to_owned(),
                revision,
                hash: hex::encode(hash),
                noted_at: Utc::now(),
            }))
            .await;
        }
    }

    async fn note(&self, anchor: Result<Anchor>) {
        let noted = async {
            let anchor = anchor.map_err(io::Error::other)?;
            self.note_in_memory(&anchor);
            match self.anchor_file().cloned() {
                None => Ok(()),
                Some(file) => tokio::task::spawn_blocking(move || file.append(&anchor)).await?,
            }
        };
        if let Err(error) = noted.await {
            let file = self
                .anchor_file()
                .map(|file| file.path().display().to_string());
            warn!(%error, file, "the end of the audit log couldn't be noted");
        }
    }

    /// The end of the audit chain now.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn anchor(&self) -> Result<Anchor> {
        read_anchor(self.pool()).await
    }
}

pub(crate) async fn read_anchor(executor: impl PgExecutor<'_>) -> Result<Anchor> {
    let head = read_head(executor).await?;
    Ok(Anchor {
        registry_id: head.registry_id,
        revision: head.revision,
        hash: hex::encode(head.hash),
        noted_at: Utc::now(),
    })
}

/// Verifies the log as the transaction that `connection` is in sees it.
pub(crate) async fn follow_within(
    connection: &mut PgConnection,
    anchors: &[Anchor],
    since: Option<&Anchor>,
    mut tell: impl FnMut(VerificationProgress) + Send,
) -> Result<Verification> {
    let failed = |source| Error::from_query(ATTEMPT, source);
    let head = read_head(&mut *connection).await?;
    let mut chain = Chain::new(head.clone(), anchors);
    let mut entries = format!("DECLARE sealed_entries NO SCROLL CURSOR FOR {ENTRIES}");
    if let Some(noted) = since {
        let hash = hash_of(&mut *connection, &head, noted.revision).await?;
        chain.go_on_from(noted, hash);
        // Writing to a string can't fail.
        let _ = write!(
            entries,
            " WHERE revision > {} OR revision IS NULL",
            noted.revision
        );
    }
    entries.push_str(" ORDER BY revision NULLS FIRST");
    // A cursor, so that who stops has not asked for all the rest.
    sqlx::query(AssertSqlSafe(entries))
        .persistent(false)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let fetch = format!("FETCH {FETCHED_ENTRIES} FROM sealed_entries");
    while chain.fault.is_none() {
        let mut fetched = 0;
        let mut rows = sqlx::query(AssertSqlSafe(fetch.clone()))
            .persistent(false)
            .fetch(&mut *connection);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            let entry = SealedEntry::read(&row).map_err(failed)?;
            chain.follow(&entry);
            fetched += 1;
        }
        if fetched < FETCHED_ENTRIES {
            break;
        }
        tell(VerificationProgress {
            entry_count: chain.revision,
            total: head.revision,
        });
    }
    sqlx::raw_sql("CLOSE sealed_entries")
        .execute(&mut *connection)
        .await
        .map_err(failed)?;

    let verification = chain.end();
    match &verification.fault {
        None => info!(revision = verification.revision, "the audit log is whole"),
        Some(fault) => {
            warn!(revision = fault.revision, kind = ?fault.kind, "the audit log is not whole");
        }
    }
    Ok(verification)
}

/// The end of a chain.
#[derive(Clone, Debug, Eq, PartialEq, sqlx::FromRow)]
pub(crate) struct Head {
    pub(crate) registry_id: String,
    pub(crate) revision: i64,
    pub(crate) hash: Vec<u8>,
}

pub(crate) async fn read_head(executor: impl PgExecutor<'_>) -> Result<Head> {
    sqlx::query_as(
        "SELECT registry_id::text AS registry_id, revision, hash FROM public.registry_head",
    )
    .fetch_one(executor)
    .await
    .map_err(|source| Error::from_query(ATTEMPT, source))
}

/// The hash of the entry of a revision; the beginning's for 0; none if there is no such entry.
async fn hash_of(
    connection: &mut PgConnection,
    head: &Head,
    revision: i64,
) -> Result<Option<Vec<u8>>> {
    if revision == 0 {
        return Ok(Some(Sha256::digest(&head.registry_id).to_vec()));
    }
    sqlx::query_scalar("SELECT hash FROM public.extension_audit_log WHERE revision = $1")
        .bind(revision)
        .fetch_optional(connection)
        .await
        .map_err(|source| Error::from_query(ATTEMPT, source))
}

/// The fields in the order of `registry_entry_content` (`migrations/0008_who_when_and_for_whom.sql`), each
/// as the text that is hashed: version 2 has four more than version 1. An entry without a revision
/// is to come first.
const ENTRIES: &str = "\
    SELECT revision, previous_hash, hash,
           ARRAY[
               revision::text,
               id::text,
               extension_id,
               action,
               changed_by,
               actor_source,
               os_user,
               application_name,
               host(client_address),
               reason,
               request_id::text,
               group_id::text,
               restored_revision::text,
               (extract(epoch FROM timestamp) * 1000000)::bigint::text,
               before::text,
               after::text,
               changes::text
           ] || CASE WHEN hash_version = 1 THEN '{}' ELSE ARRAY[
               login,
               undone_group_id::text,
               undone_revision::text,
               (extract(epoch FROM sealed_at) * 1000000)::bigint::text
           ] END AS fields
    FROM public.extension_audit_log";

/// How many entries are fetched at a time.
const FETCHED_ENTRIES: u32 = 2_000;

/// An entry as it is hashed, wherever it was read.
#[derive(Debug)]
pub(crate) struct SealedEntry {
    pub(crate) revision: Option<i64>,
    pub(crate) previous_hash: Option<Vec<u8>>,
    pub(crate) hash: Option<Vec<u8>>,
    /// As [`ENTRIES`] selects them.
    pub(crate) fields: Vec<Option<String>>,
}

impl SealedEntry {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            revision: row.try_get("revision")?,
            previous_hash: row.try_get("previous_hash")?,
            hash: row.try_get("hash")?,
            fields: row.try_get("fields")?,
        })
    }

    /// What a hash covers.
    fn content(&self) -> String {
        let mut content = String::new();
        for field in &self.fields {
            match field {
                Some(text) => {
                    // Writing to a string can't fail.
                    let _ = write!(content, "{}:{text}", text.len());
                }
                None => content.push('-'),
            }
        }
        content
    }
}

/// Follows the chain entry by entry up to the first fault.
pub(crate) struct Chain<'a> {
    head: Head,
    revision: i64,
    hash: Vec<u8>,
    anchors: BTreeMap<i64, &'a Anchor>,
    anchor_count: u32,
    fault: Option<Fault>,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(head: Head, anchors: &'a [Anchor]) -> Self {
        let fault = anchors
            .iter()
            .find(|anchor| anchor.registry_id != head.registry_id)
            .map(|anchor| Fault {
                kind: FaultKind::OtherRegistry,
                revision: anchor.revision,
                explanation: format!(
                    "The anchor of {} is of registry {}, this is registry {}.",
                    anchor.noted_at, anchor.registry_id, head.registry_id
                ),
            });
        Self {
            revision: 0,
            hash: Sha256::digest(&head.registry_id).to_vec(),
            head,
            anchors: anchors
                .iter()
                .map(|anchor| (anchor.revision, anchor))
                .collect(),
            anchor_count: u32::try_from(anchors.len()).unwrap_or(u32::MAX),
            fault,
        }
    }

    /// Takes the entries up to the noted one for verified, if that is still the one that was noted.
    fn go_on_from(&mut self, noted: &Anchor, hash: Option<Vec<u8>>) {
        let (revision, noted_at) = (noted.revision, noted.noted_at);
        if noted.registry_id != self.head.registry_id {
            return self.fail(
                FaultKind::OtherRegistry,
                revision,
                format!(
                    "The log of registry {} was verified at {noted_at}, this is registry {}.",
                    noted.registry_id, self.head.registry_id
                ),
            );
        }
        let Some(hash) = hash else {
            return self.fail(
                FaultKind::EndCutOff,
                self.head.revision + 1,
                format!(
                    "The log was verified up to #{revision} at {noted_at}, now it ends at #{}.",
                    self.head.revision
                ),
            );
        };
        if noted.hash != hex::encode(&hash) {
            return self.fail(
                FaultKind::AnchorMismatch,
                revision,
                format!("Entry #{revision} is not the one that was verified at {noted_at}."),
            );
        }
        self.revision = revision;
        self.hash = hash;
        // Those before were compared then.
        self.anchors = self.anchors.split_off(&(revision + 1));
    }

    pub(crate) fn fail(&mut self, kind: FaultKind, revision: i64, explanation: String) {
        self.fault.get_or_insert(Fault {
            kind,
            revision,
            explanation,
        });
    }

    pub(crate) fn follow(&mut self, entry: &SealedEntry) {
        if self.fault.is_some() {
            return;
        }
        let expected = self.revision + 1;
        let (Some(revision), Some(previous_hash), Some(hash)) =
            (entry.revision, &entry.previous_hash, &entry.hash)
        else {
            let id = entry.fields.get(1).cloned().flatten().unwrap_or_default();
            return self.fail(
                FaultKind::EntryUnsealed,
                expected,
                format!("The entry with id {id} has no seal."),
            );
        };
        if revision != expected {
            return self.fail(
                FaultKind::EntryMissing,
                expected,
                format!(
                    "Entry #{expected} is missing: after #{} comes #{revision}.",
                    self.revision
                ),
            );
        }
        if *previous_hash != self.hash {
            return self.fail(
                FaultKind::LinkBroken,
                revision,
                format!(
                    "Entry #{revision} does not follow entry #{}.",
                    self.revision
                ),
            );
        }
        let computed = Sha256::new()
            .chain_update(previous_hash)
            .chain_update(entry.content())
            .finalize();
        if computed[..] != hash[..] {
            return self.fail(
                FaultKind::ContentChanged,
                revision,
                format!("The content of entry #{revision} is not what was sealed."),
            );
        }
        self.revision = revision;
        self.hash.clone_from(hash);
        self.compare_anchor();
    }

    fn compare_anchor(&mut self) {
        let Some(anchor) = self.anchors.remove(&self.revision) else {
            return;
        };
        if anchor.hash != hex::encode(&self.hash) {
            self.fail(
                FaultKind::AnchorMismatch,
                self.revision,
                format!(
                    "Entry #{} is not the one that was noted at {}.",
                    self.revision, anchor.noted_at
                ),
            );
        }
    }

    pub(crate) fn end(mut self) -> Verification {
        if self.fault.is_none() {
            self.anchors.remove(&0);
            if self.revision != self.head.revision || self.hash != self.head.hash {
                let (head, newest) = (self.head.revision, self.revision);
                self.fail(
                    FaultKind::HeadMismatch,
                    newest + 1,
                    format!("The head is at revision {head}, the newest entry is #{newest}."),
                );
            } else if let Some((revision, anchor)) = self.anchors.pop_first() {
                let explanation = format!(
                    "The registry was at revision {revision} at {}, now it ends at {}.",
                    anchor.noted_at, self.revision
                );
                self.fail(FaultKind::EndCutOff, self.revision + 1, explanation);
            }
        }
        Verification {
            registry_id: self.head.registry_id.clone(),
            hash: hex::encode(&self.head.hash),
            revision: self.head.revision,
            entry_count: self.revision,
            anchor_count: self.anchor_count,
            fault: self.fault,
        }
    }
}
