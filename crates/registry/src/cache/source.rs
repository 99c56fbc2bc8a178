//! What the cache asks the database.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use sqlx::postgres::{
    PgArguments, PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions, PgRow,
};
use sqlx::query::Query;
use sqlx::{Connection, Postgres, Row};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;

use super::extension::{CachedExtension, ExtensionParts};
use super::rows::{RowDecoder, columns};
use super::snapshot::{Change, Head, Snapshot};
use super::stats::{ChangeNotices, PollingReason};
use crate::connection::{FoundServer, Pooling, ServerRole, Servers, Target};
use crate::extensions::ExtensionType;
use crate::pool::BEGIN_POOLED;
use crate::{Error, Result};

/// Where commits tell the registry's new revision (`migrations/0005_sealed_audit_chain.sql`).
const CHANNEL: &str = "registry_changed";

/// How long the database may be silent while it sends all extensions. A lost connection is noticed before
/// that by the heartbeat of the other one.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// Rows go to the decoder in pieces of this many bytes.
const PIECE_LENGTH: usize = 1 << 18;

/// More differences than this are told as "anything".
const DIFFERENCES_MAX: usize = 10_000;

/// Where a cache reads: one server, or whichever of several is the right one.
#[derive(Clone)]
pub enum CacheDatabase {
    /// This server, however it changes.
    Server(Box<PgConnectOptions>),
    /// The servers of a profile: the primary, found again after a failover, or a standby if the profile prefers one.
    Servers(Servers),
}

impl From<PgConnectOptions> for CacheDatabase {
    fn from(options: PgConnectOptions) -> Self {
        Self::Server(Box::new(options))
    }
}

impl From<Servers> for CacheDatabase {
    fn from(servers: Servers) -> Self {
        Self::Servers(servers)
    }
}

/// A connection that hears of changes, or looks for them, and asks for them.
///
/// It is thrown away after any error: `PgListener` would connect again by itself, and what was committed
/// meanwhile would be lost without a sign.
pub(super) struct Link {
    way: Way,
    /// How to log in to the same server once more.
    options: PgConnectOptions,
    /// Whether a server that has become a standby is the wrong one.
    wants_primary: bool,
    answer_timeout: Duration,
}

enum Way {
    /// Commits are told.
    Listening {
        listener: Option<PgListener>,
        pool: PgPool,
    },
    /// Somebody has to look: the connection hears of nothing. Each question is a transaction.
    Polling {
        connection: Box<PgConnection>,
        interval: Duration,
        reason: PollingReason,
    },
}

/// What is new since a revision.
pub(super) struct News {
    /// The registry's head now.
    pub(super) head: Head,
    /// The hash of the entry of the revision that was asked about; none if there is no such entry.
    pub(super) hash_then: Option<Vec<u8>>,
    /// Whether the server follows another one.
    pub(super) is_standby: bool,
    /// What changed, each extension once; none if it is more than was asked for.
    pub(super) changes: Option<Vec<Change>>,
}

impl Link {
    /// Connects and listens. What is committed from now on is told; where that can't be, it is looked for.
    pub(super) async fn open(
        database: &CacheDatabase,
        connect_timeout: Duration,
        answer_timeout: Duration,
        poll_interval: Duration,
    ) -> Result<Self> {
        let servers = match database {
            CacheDatabase::Server(options) => {
                return Self::listen(options, connect_timeout, answer_timeout, false).await;
            }
            CacheDatabase::Servers(servers) => servers,
        };
        let target = servers.target_for_reading();
        let found = servers.find(target).await.map_err(Error::unreachable)?;
        let options = servers.options_for(&found.address);
        let wants_primary = target == Target::Primary;
        match polling_reason(servers, &found) {
            None => {
                // It has told which server is the right one; a listener is made from a pool.
                tokio::spawn(found.connection.close());
                Self::listen(&options, connect_timeout, answer_timeout, wants_primary).await
            }
            Some(reason) => Ok(Self {
                way: Way::Polling {
                    connection: Box::new(found.connection),
                    interval: poll_interval,
                    reason,
                },
                options,
                wants_primary,
                answer_timeout,
            }),
        }
    }

    async fn listen(
        options: &PgConnectOptions,
        connect_timeout: Duration,
        answer_timeout: Duration,
        wants_primary: bool,
    ) -> Result<Self> {
        const ATTEMPTED: &str = "Listening for changes";
        let failed = |source| Error::from_query(ATTEMPTED, source);
        // The listener wants a pool; of one connection that lives as long as it can.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(connect_timeout)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(options.clone());
        let listener = within(connect_timeout, async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await?;
            Ok(listener)
        })
        .await
        .map_err(failed)?;
        Ok(Self {
            way: Way::Listening {
                listener: Some(listener),
                pool,
            },
            options: options.clone(),
            wants_primary,
            answer_timeout,
        })
    }

    /// How to log in to the same server once more.
    pub(super) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// How changes are heard of.
    pub(super) fn notices(&self) -> ChangeNotices {
        match &self.way {
            Way::Listening { .. } => ChangeNotices::Told,
            Way::Polling {
                interval, reason, ..
            } => ChangeNotices::LookedFor {
                interval: *interval,
                reason: *reason,
            },
        }
    }

    /// Waits for the next commit and returns its revision, or for the time to look. May be dropped at any time without
    /// loss.
    pub(super) async fn next_revision(&mut self) -> Result<i64> {
        let failed = |source| Error::from_query("Listening for changes", source);
        let listener = match &mut self.way {
            Way::Polling { interval, .. } => {
                tokio::time::sleep(*interval).await;
                return Ok(i64::MAX);
            }
            Way::Listening { listener, .. } => listener_of(listener)?,
        };
        match listener.try_recv().await.map_err(failed)? {
            // A payload that is no revision came from somebody else: it is a reason to look.
            Some(notification) => Ok(notification.payload().parse().unwrap_or(i64::MAX)),
            None => Err(failed(io::Error::from(io::ErrorKind::UnexpectedEof).into())),
        }
    }

    /// Takes all notifications that have come already and returns the newest revision among them.
    pub(super) fn newest_waiting_revision(&mut self) -> Option<i64> {
        let Way::Listening {
            listener: Some(listener),
            ..
        } = &mut self.way
        else {
            return None;
        };
        std::iter::from_fn(|| listener.next_buffered())
            .map(|notification| notification.payload().parse().unwrap_or(i64::MAX))
            .max()
    }

    /// What is new since `revision`; no changes if there are more than `changes_at_most`. One statement, so
    /// head and rows are of one moment.
    pub(super) async fn news_since(&mut self, revision: i64, changes_at_most: u32) -> Result<News> {
        const ATTEMPTED: &str = "Reading what changed";
        let failed = |source| Error::from_query(ATTEMPTED, source);
        let query = sqlx::query(NEWS)
            .bind(revision)
            .bind(i64::from(changes_at_most));
        let rows = self.ask(query).await.map_err(failed)?;
        let news = News::read(&rows, revision, changes_at_most).map_err(failed)?;
        let wrong = if !news.is_standby {
            None
        } else if self.wants_primary {
            Some("the server has become a standby")
        } else if news.head.revision < revision {
            // Another one was ahead of it: it will have caught up in a moment.
            Some("the standby is behind what was read before")
        } else {
            None
        };
        match wrong {
            None => Ok(news),
            Some(why) => Err(failed(sqlx::Error::Configuration(why.into()))),
        }
    }

    /// Tells the database what this program has applied.
    pub(super) async fn report_applied(
        &mut self,
        consumer: &super::Consumer,
        host: &str,
        revision: i64,
    ) -> Result<()> {
        let query = sqlx::query("SELECT public.registry_report_applied($1, $2, $3, $4, $5)")
            .bind(consumer.id)
            .bind(&consumer.name)
            .bind(host)
            .bind(&consumer.version)
            .bind(revision);
        self.ask(query)
            .await
            .map(drop)
            .map_err(|source| Error::from_query("Reporting the applied revision", source))
    }

    async fn ask(&mut self, query: Query<'_, Postgres, PgArguments>) -> sqlx::Result<Vec<PgRow>> {
        let timeout = self.answer_timeout;
        match &mut self.way {
            Way::Listening { listener, .. } => {
                let listener = listener.as_mut().ok_or(sqlx::Error::PoolClosed)?;
                within(timeout, query.fetch_all(listener)).await
            }
            Way::Polling {
                connection, reason, ..
            } => {
                let begin = match reason {
                    PollingReason::TransactionPooling => BEGIN_POOLED,
                    PollingReason::Standby => "BEGIN",
                };
                within(timeout, async {
                    let mut transaction = connection.begin_with(begin).await?;
                    let rows = query.fetch_all(&mut *transaction).await?;
                    transaction.commit().await?;
                    Ok(rows)
                })
                .await
            }
        }
    }
}

fn listener_of(listener: &mut Option<PgListener>) -> Result<&mut PgListener> {
    listener
        .as_mut()
        .ok_or_else(|| Error::from_query("Listening for changes", sqlx::Error::PoolClosed))
}

/// Why a server tells of no change; none if it does.
fn polling_reason(servers: &Servers, found: &FoundServer) -> Option<PollingReason> {
    if servers.database().pooling == Pooling::Transaction {
        Some(PollingReason::TransactionPooling)
    } else if found.role == ServerRole::Standby {
        Some(PollingReason::Standby)
    } else {
        None
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let Way::Listening { listener, pool } = &mut self.way else {
            return;
        };
        // The listener says goodbye in a task of its own, which a dead link keeps until TCP gives it up.
        drop(listener.take());
        let pool = pool.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { pool.close().await });
        }
    }
}

// LIMIT 1 makes the planner fetch the changed rows one by one, by the primary key: reading the whole
// table for a few of them is never what is wanted here, whatever it believes about the table. The entry is asked for
// in the order of revisions, which one index alone has: of an empty log all indexes cost the same, and a plan that was
// made then and kept goes through all of another one, for each change, until the table is analyzed.
const NEWS: &str = "\
    SELECT head.registry_id::text AS registry_id, head.revision AS head_revision, head.hash,
           pg_is_in_recovery() AS is_standby, entry_then.hash AS hash_then, changed.extension_id,
           extensions.id, extensions.type, extensions.subject, extensions.timeout_ms, extensions.retry,
           extensions.enabled, extensions.config, extensions.metadata, extensions.revision
    FROM public.registry_head AS head
    LEFT JOIN LATERAL (
        SELECT CASE revision WHEN $1 THEN hash END AS hash
        FROM public.extension_audit_log
        WHERE revision >= $1
        ORDER BY revision
        LIMIT 1
    ) AS entry_then ON true
    LEFT JOIN LATERAL (
        SELECT DISTINCT extension_id
        FROM (
            SELECT extension_id FROM public.extension_audit_log
            WHERE revision > $1 AND head.revision - $1 <= $2
            ORDER BY extension_audit_log.revision
            LIMIT $2
        ) AS entries
    ) AS changed ON true
    LEFT JOIN LATERAL (
        SELECT extensions.id, extensions.type, extensions.subject, extensions.timeout_ms,
               extensions.retry, extensions.enabled, extensions.config::text AS config,
               extensions.metadata::text AS metadata, extensions.revision
        FROM public.extensions
        WHERE extensions.id = changed.extension_id
        LIMIT 1
    ) AS extensions ON true";

impl News {
    fn read(rows: &[PgRow], revision: i64, changes_at_most: u32) -> sqlx::Result<Self> {
        let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let head = Head {
            registry_id: first.try_get("registry_id")?,
            revision: first.try_get("head_revision")?,
            hash: first.try_get("hash")?,
        };
        let is_too_much = head.revision.saturating_sub(revision) > i64::from(changes_at_most);
        let changes = if is_too_much {
            None
        } else {
            let changes = rows.iter().filter_map(|row| read_change(row).transpose());
            Some(changes.collect::<sqlx::Result<_>>()?)
        };
        Ok(Self {
            hash_then: first.try_get("hash_then")?,
            is_standby: first.try_get("is_standby")?,
            head,
            changes,
        })
    }
}

fn read_change(row: &PgRow) -> sqlx::Result<Option<Change>> {
    let Some(changed_id) = row.try_get::<Option<&str>, _>("extension_id")? else {
        return Ok(None);
    };
    let Some(id) = row.try_get::<Option<&str>, _>("id")? else {
        return Ok(Some(Change::Remove(changed_id.into())));
    };
    let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
    let parts = ExtensionParts {
        id,
        extension_type: ExtensionType::try_from(row.try_get::<&str, _>("type")?)
            .map_err(|error| unreadable(error.into()))?,
        subject: row.try_get("subject")?,
        timeout_ms: row.try_get("timeout_ms")?,
        retry: row.try_get("retry")?,
        enabled: row.try_get("enabled")?,
        config: row.try_get("config")?,
        metadata: row.try_get("metadata")?,
        revision: row.try_get("revision")?,
    };
    let extension = CachedExtension::new(&parts)
        .ok_or_else(|| unreadable("a text of the extension is too long".into()))?;
    Ok(Some(Change::Put(Arc::new(extension))))
}

/// All extensions as they were at one moment.
pub(super) struct Whole {
    pub(super) snapshot: Snapshot,
    /// Which extensions differ from those that were known; none if too many do.
    pub(super) differing: Option<Vec<Box<str>>>,
    /// What it was read on, for the next time.
    pub(super) connection: PgConnection,
}

/// Reads all extensions on `connection`, or on a new one if there is none or it is dead. Equal extensions
/// of `known` are used again.
pub(super) async fn read_whole(
    database: PgConnectOptions,
    connect_timeout: Duration,
    connection: Option<PgConnection>,
    known: Arc<Snapshot>,
) -> Result<Whole> {
    const ATTEMPTED: &str = "Reading all extensions";
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let read_at = Utc::now();
    let begun = match connection {
        None => None,
        Some(connection) => within(connect_timeout, begin_reading(connection))
            .await
            .ok(),
    };
    let (mut connection, head) = match begun {
        Some(begun) => begun,
        None => within(connect_timeout, async {
            begin_reading(PgConnection::connect_with(&database).await?).await
        })
        .await
        .map_err(failed)?,
    };
    let (pieces, received) = mpsc::channel(4);
    // Decoding takes the processor for as long as the database sends: not on the runtime's threads.
    let whole = tokio::task::spawn_blocking({
        let head = head.clone();
        move || decode(head, read_at, received, &known)
    });
    {
        let statement = concat!(
            "COPY (SELECT ",
            columns!(),
            " FROM public.extensions) TO STDOUT (FORMAT binary)"
        );
        let mut rows = within(SILENCE_MAX, connection.copy_out_raw(statement))
            .await
            .map_err(failed)?;
        let mut piece = Vec::with_capacity(PIECE_LENGTH);
        while let Some(bytes) = within(SILENCE_MAX, rows.try_next()).await.map_err(failed)? {
            piece.extend_from_slice(&bytes);
            if piece.len() >= PIECE_LENGTH {
                let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_LENGTH));
                // The decoder is gone only if it failed, which it says below.
                if pieces.send(full).await.is_err() {
                    break;
                }
            }
        }
        let _ = pieces.send(piece).await;
        drop(pieces);
    }
    let unexpected = |source| Error::Internal {
        attempted: ATTEMPTED,
        source,
    };
    let whole = whole
        .await
        .map_err(|error| unexpected(error.into()))?
        .map_err(|error| unexpected(error.into()))?;
    within(
        SILENCE_MAX,
        sqlx::raw_sql("COMMIT").execute(&mut connection),
    )
    .await
    .map_err(failed)?;
    let (snapshot, differing) = whole;
    Ok(Whole {
        snapshot,
        differing,
        connection,
    })
}

/// From here on the connection sees the registry as it is now.
async fn begin_reading(mut connection: PgConnection) -> sqlx::Result<(PgConnection, Head)> {
    sqlx::raw_sql("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .execute(&mut connection)
        .await?;
    // Simple, so that nothing is prepared: through a pooler it would stay in a session that is not ours.
    let row = sqlx::raw_sql(
        "SELECT registry_id::text AS registry_id, revision, hash FROM public.registry_head",
    )
    .fetch_one(&mut connection)
    .await?;
    let head = Head {
        registry_id: row.try_get("registry_id")?,
        revision: row.try_get("revision")?,
        hash: row.try_get("hash")?,
    };
    Ok((connection, head))
}

/// A snapshot, and the ids that differ from `known`.
type Decoded = (Snapshot, Option<Vec<Box<str>>>);

fn decode(
    head: Head,
    read_at: chrono::DateTime<Utc>,
    mut pieces: mpsc::Receiver<Vec<u8>>,
    known: &Snapshot,
) -> Result<Decoded, super::rows::RowsError> {
    let mut decoder = RowDecoder::with_capacity(known.len());
    while let Some(piece) = pieces.blocking_recv() {
        decoder.push(&piece, |id| known.lookup(id))?;
    }
    let extensions = decoder.finish()?;
    let snapshot = Snapshot::new(head, read_at, extensions);
    let differing = snapshot.ids_that_differ_from(known, DIFFERENCES_MAX);
    Ok((snapshot, differing))
}

/// Waits for an answer no longer than `timeout`: a dead link never answers.
async fn within<T>(
    timeout: Duration,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}
