//! Moving a registry to another database, while it is used.
//!
//! The registry is copied, compared, and only then given over; at each moment at most one of the two databases takes
//! changes. What makes that so is in the databases themselves (`migrations/0100_registries_that_move.sql`):
//!
//! 1. The audit log is copied as it is at one moment, while changes go on. It is most of the registry, and its entries stay.
//! 2. The source's tables are locked: writers wait, readers don't. The entries since are copied, and all other tables.
//! 3. Every table is read back and compared, the chain verified. The target is committed as *arriving*: it refuses changes.
//! 4. The source is committed as *moved*: it refuses changes from now on. This commit is the move.
//! 5. The target is opened.
//!
//! Cut short before 4, the source goes on as if nothing had happened, and what arrived is cleared away by whoever begins
//! anew. Cut short after 4, the target is complete and is opened by asking once more.

use std::fmt;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Postgres, Row, Transaction};
use tokio_stream::StreamExt;
use tracing::{info, warn};

use crate::backup::pipe::{PIECE_LENGTH, TOLD_ROWS};
use crate::backup::tables::{self, AUDIT_LOG, FORM, MOVE, Table, quoted};
use crate::backup::target::{MigrationMark, Target, read_migrations, run};
use crate::backup::{BackupProblem, read_back};
use crate::connection::{self, Pooling, Servers};
use crate::verification::{Head, read_head};
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

const ATTEMPTED: &str = "Moving the registry";

/// How long the locks of the source are waited for at a time. A writer that waits for the mover holds up others.
const LOCK_PATIENCE: &str = "2s";

/// How often they are asked for.
const LOCK_ATTEMPTS: u32 = 15;

/// How long another mover is waited for.
const OTHERS_PATIENCE: &str = "30s";

/// A database is the source of one move at a time, and the target of one. The keys are any numbers that nobody else uses.
const SOURCE_LOCK: i64 = 7_305_808_869_231_650_166;
const TARGET_LOCK: i64 = 7_305_808_869_231_650_167;

/// What is being done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum MoveStep {
    /// Copying while changes go on.
    Copying,
    /// Waiting until no change is under way. From here on changes wait.
    Locking,
    /// Copying what changed since.
    CatchingUp,
    /// Comparing both sides.
    Comparing,
    /// Giving the registry over.
    GivingOver,
}

/// How far a move is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct MoveProgress {
    /// What is being done.
    pub step: MoveStep,
    /// How many rows are done in this step.
    #[specta(type = WireNumber)]
    pub done: u64,
}

/// What was moved.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct Moved {
    /// Which registry.
    pub registry_id: String,
    /// Its revision.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// The hash of its newest entry, in hexadecimal.
    pub hash: String,
    /// How many rows its tables have.
    #[specta(type = WireNumber)]
    pub row_count: u64,
    /// Whether an earlier move was only completed, which had been cut short after everything was there.
    pub was_completed: bool,
}

/// Why a registry takes no changes here.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct MoveMark {
    /// Whether it was moved away or has not arrived.
    pub state: MoveState,
    /// Where it is.
    pub place: String,
    /// Its revision then.
    #[specta(type = WireNumber)]
    pub revision: i64,
}

/// Which side of a move a database is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum MoveState {
    /// The registry was moved away from here.
    Moved,
    /// It is being moved here.
    Arriving,
}

impl MoveState {
    fn name(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Arriving => "arriving",
        }
    }
}

impl fmt::Display for MoveState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Registry {
    /// Why this registry takes no changes; none if it does.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn move_mark(&self) -> Result<Option<MoveMark>> {
        let failed = |source| Error::from_query("Reading where the registry is", source);
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        Ok(read_mark(&mut connection).await?.map(|(_, mark)| mark))
    }
}

/// Moves the registry behind `source` to the empty database behind `target`; both log in as owners of the tables or as
/// superusers. The source names the target as `target_place` from then on, and refuses every change.
///
/// Asked once more after it was cut short, it goes on or begins anew, whichever is right.
///
/// `tell` is called from time to time and can stop it, until it is given over.
///
/// # Errors
/// [`Error::TargetNotEmpty`], [`Error::RegistryMovedAway`] if it was moved elsewhere already, [`Error::CopyDiffers`],
/// [`Error::OwnerRequired`], [`Error::Stopped`], [`Error::DatabaseUnavailable`]. The source is as it was then, except
/// where the answer to the last commit was lost: asking once more finds out.
pub async fn move_registry(
    source: &PgConnectOptions,
    target: &PgConnectOptions,
    source_place: &str,
    target_place: &str,
    tell: impl FnMut(MoveProgress) -> ControlFlow<()> + Send,
) -> Result<Moved> {
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let mut source = source.connect().await.map_err(failed)?;
    let mut target = target.connect().await.map_err(failed)?;
    wait_for_others(&mut source, SOURCE_LOCK).await?;
    wait_for_others(&mut target, TARGET_LOCK).await?;
    if let Some(moved) = complete_earlier(&mut source, &mut target).await? {
        return Ok(moved);
    }
    let moved = Mover { tell }
        .move_over(&mut source, &mut target, source_place, target_place)
        .await?;
    info!(
        revision = moved.revision,
        place = target_place,
        "moved the registry"
    );
    Ok(moved)
}

/// The same to whichever of these servers can be written to.
///
/// # Errors
/// Those of [`move_registry`]; [`Error::Unreachable`] if none can be written to, [`Error::InvalidInput`] for a profile that
/// leads through a pooler that hands out single transactions: what is locked is locked for longer.
pub async fn move_registry_to(
    source: &PgConnectOptions,
    target: &Servers,
    source_place: &str,
    target_place: &str,
    tell: impl FnMut(MoveProgress) -> ControlFlow<()> + Send,
) -> Result<Moved> {
    if target.database().pooling == Pooling::Transaction {
        return Err(Error::InvalidInput {
            field: "pooling",
            message:
                "A registry can't be moved through a pooler that hands out single transactions."
                    .into(),
            action: "Use a connection that leads to the server itself, or to a pooler in session mode.",
        });
    }
    let found = target
        .find(connection::Target::Primary)
        .await
        .map_err(Error::unreachable)?;
    let options = target.options_for(&found.address);
    move_registry(source, &options, source_place, target_place, tell).await
}

/// Waits for whoever moves already, and then keeps others waiting for as long as the connection is open. Also for a mover
/// that was killed: a commit that it sent may still be under way, and what is read before it is made is wrong after it. Its
/// session, which has the lock, ends after it.
async fn wait_for_others(connection: &mut PgConnection, key: i64) -> Result<()> {
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let mut transaction = connection.begin().await.map_err(failed)?;
    // The lock is of the session, and outlives the transaction; how long it is waited for does not.
    let statements =
        format!("SET LOCAL lock_timeout = '{OTHERS_PATIENCE}'; SELECT pg_advisory_lock({key})");
    run(&mut transaction, ATTEMPTED, &statements).await?;
    transaction.commit().await.map_err(failed)
}

/// Looks whether the source was given over already: to this target, which is opened then, or to another. Clears away what
/// arrived of a move that was never given over.
async fn complete_earlier(
    source: &mut PgConnection,
    target: &mut PgConnection,
) -> Result<Option<Moved>> {
    let left = read_mark(source).await?;
    let arrived = read_mark(target).await?;
    match (left, arrived) {
        (Some((left_id, left)), arrived) => {
            // What has not arrived itself is no source.
            let is_moved = left.state == MoveState::Moved;
            match arrived {
                Some((
                    id,
                    MoveMark {
                        state: MoveState::Arriving,
                        ..
                    },
                )) if is_moved && id == left_id => {}
                // The answer to the opening was lost: it has the very end that was given over, or has gone on from it.
                None if is_moved && has_entry(target, source).await? => {}
                _ => {
                    return Err(Error::RegistryMovedAway {
                        how: match left.state {
                            MoveState::Moved => format!("was moved to {}", left.place),
                            MoveState::Arriving => format!("has not arrived from {}", left.place),
                        },
                    });
                }
            }
            let head = read_head(&mut *source).await?;
            open(target).await?;
            Ok(Some(Moved {
                registry_id: head.registry_id,
                revision: head.revision,
                hash: hex::encode(head.hash),
                row_count: 0,
                was_completed: true,
            }))
        }
        (
            None,
            Some((
                _,
                MoveMark {
                    state: MoveState::Arriving,
                    ..
                },
            )),
        ) => {
            // The source never gave it over, so what is here is no registry. The source must have all of it: then nothing is
            // lost with it, not even where the source is an older one that was restored since.
            if !has_entry(source, target).await? {
                return Err(Error::TargetNotEmpty {
                    database: "of the target".into(),
                    found: "another registry is arriving there".into(),
                });
            }
            clear(target).await?;
            Ok(None)
        }
        (None, _) => Ok(None),
    }
}

/// Whether `holder` has the registry and the newest entry of `other`.
async fn has_entry(holder: &mut PgConnection, other: &mut PgConnection) -> Result<bool> {
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let is_there: bool =
        sqlx::query_scalar("SELECT to_regclass('public.registry_head') IS NOT NULL")
            .fetch_one(&mut *holder)
            .await
            .map_err(failed)?;
    if !is_there {
        return Ok(false);
    }
    let (held, wanted) = (
        read_head(&mut *holder).await?,
        read_head(&mut *other).await?,
    );
    if held.registry_id != wanted.registry_id {
        return Ok(false);
    }
    if wanted.revision == 0 {
        return Ok(true);
    }
    let hash: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT hash FROM public.extension_audit_log WHERE revision = $1")
            .bind(wanted.revision)
            .fetch_optional(&mut *holder)
            .await
            .map_err(failed)?
            .flatten();
    Ok(hash == Some(wanted.hash))
}

/// Takes away what arrived.
async fn clear(target: &mut PgConnection) -> Result<()> {
    warn!("clearing away what is left of a move that was cut short");
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let mut transaction = target.begin().await.map_err(failed)?;
    let names: Vec<String> = tables::read(&mut transaction)
        .await?
        .iter()
        .map(|table| format!("public.{}", quoted(&table.name)))
        .collect();
    // With the tables go their triggers; the functions are of the migrations, which are run again over them.
    let functions: Vec<String> = sqlx::query_scalar(
        "SELECT oid::regprocedure::text FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace AND (proname LIKE 'registry\\_%' OR proname = 'record_health')",
    )
    .persistent(false)
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed)?;
    let mut statements = format!(
        "DROP TABLE {}, public._sqlx_migrations CASCADE",
        names.join(", ")
    );
    for function in functions {
        statements.push_str("; DROP FUNCTION IF EXISTS ");
        statements.push_str(&function);
        statements.push_str(" CASCADE");
    }
    run(&mut transaction, ATTEMPTED, &statements).await?;
    transaction.commit().await.map_err(failed)
}

/// Lets the target take changes.
async fn open(target: &mut PgConnection) -> Result<()> {
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let mut transaction = target.begin().await.map_err(failed)?;
    run(
        &mut transaction,
        ATTEMPTED,
        "DELETE FROM public.registry_move WHERE state = 'arriving'; SELECT public.registry_apply_move();
         SELECT pg_notify('registry_changed', revision::text) FROM public.registry_head",
    )
    .await?;
    transaction.commit().await.map_err(failed)
}

async fn read_mark(connection: &mut PgConnection) -> Result<Option<(Uuid, MoveMark)>> {
    let failed = |source| Error::from_query("Reading where the registry is", source);
    let is_there: bool =
        sqlx::query_scalar("SELECT to_regclass('public.registry_move') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
    if !is_there {
        return Ok(None);
    }
    let row = sqlx::query(
        "SELECT move_id, state = 'moved' AS is_moved, place, revision FROM public.registry_move",
    )
    .persistent(false)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    row.map(|row| {
        let is_moved: bool = row.try_get("is_moved")?;
        Ok((
            row.try_get("move_id")?,
            MoveMark {
                state: if is_moved {
                    MoveState::Moved
                } else {
                    MoveState::Arriving
                },
                place: row.try_get("place")?,
                revision: row.try_get("revision")?,
            },
        ))
    })
    .transpose()
    .map_err(failed)
}

struct Mover<T> {
    tell: T,
}

impl<T: FnMut(MoveProgress) -> ControlFlow<()> + Send> Mover<T> {
    fn tell(&mut self, step: MoveStep, done: u64) -> Result<()> {
        match (self.tell)(MoveProgress { step, done }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Stopped {
                attempted: ATTEMPTED,
            }),
        }
    }

    async fn move_over(
        &mut self,
        source: &mut PgConnection,
        target: &mut PgConnection,
        source_place: &str,
        target_place: &str,
    ) -> Result<Moved> {
        let failed = |source| Error::from_query(ATTEMPTED, source);
        let mut arriving = target.begin().await.map_err(failed)?;

        // 1. While changes go on.
        self.tell(MoveStep::Copying, 0)?;
        let mut snapshot = source.begin().await.map_err(failed)?;
        run(
            &mut snapshot,
            ATTEMPTED,
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        )
        .await?;
        run(&mut snapshot, ATTEMPTED, FORM).await?;
        let (moving, marks) = describe(&mut snapshot).await?;
        let early_head = read_head(&mut *snapshot).await?;
        let filled = Target::prepare(&mut arriving, ATTEMPTED, &marks, &moving, |problem| {
            schema_differs(&problem)
        })
        .await?;
        let log = moving
            .iter()
            .find(|table| table.name == AUDIT_LOG)
            .ok_or_else(|| schema_differs(&BackupProblem::NotABackup))?;
        let sealed =
            |condition: String| format!("t.revision IS NOT NULL AND t.revision {condition}");
        let mut done = 0;
        self.copy(
            &mut snapshot,
            &mut arriving,
            log,
            Some(&sealed(format!("<= {}", early_head.revision))),
            MoveStep::Copying,
            &mut done,
        )
        .await?;
        snapshot.commit().await.map_err(failed)?;

        // 2. From here on changes wait.
        self.tell(MoveStep::Locking, 0)?;
        let mut frozen = self.freeze(source, &moving).await?;
        run(&mut frozen, ATTEMPTED, FORM).await?;
        if describe(&mut frozen).await? != (moving.clone(), marks.clone()) {
            return Err(schema_differs(&BackupProblem::NotABackup));
        }
        let head = read_head(&mut *frozen).await?;
        let sequences = tables::read_sequences(&mut frozen).await?;
        done = 0;
        for table in &moving {
            match table.name.as_str() {
                // It says of each database what it is; there is none in a source that can be moved.
                MOVE => {}
                AUDIT_LOG => {
                    let since = sealed(format!("> {}", early_head.revision));
                    self.copy(
                        &mut frozen,
                        &mut arriving,
                        table,
                        Some(&since),
                        MoveStep::CatchingUp,
                        &mut done,
                    )
                    .await?;
                }
                _ => {
                    self.copy(
                        &mut frozen,
                        &mut arriving,
                        table,
                        None,
                        MoveStep::CatchingUp,
                        &mut done,
                    )
                    .await?;
                }
            }
        }
        filled
            .complete(&mut arriving, ATTEMPTED, &sequences)
            .await?;

        // 3. Both sides, read anew.
        let row_count = self
            .compare(&mut frozen, &mut arriving, &moving, &head)
            .await?;

        self.tell(MoveStep::GivingOver, 0)?;
        give_over((frozen, target_place), (arriving, source_place), &head).await?;
        open(target).await?;
        if let Err(error) = run(target, ATTEMPTED, "ANALYZE").await {
            warn!(%error, "the moved tables couldn't be analysed");
        }
        Ok(Moved {
            registry_id: head.registry_id,
            revision: head.revision,
            hash: hex::encode(head.hash),
            row_count,
            was_completed: false,
        })
    }

    /// Locks out writers. The order is that in which a change takes its locks, so that most wait for us or we for them; who
    /// nevertheless waits in a circle is told by the database, and only we try again.
    async fn freeze<'c>(
        &mut self,
        source: &'c mut PgConnection,
        moving: &[Table],
    ) -> Result<Transaction<'c, Postgres>> {
        let failed = |source| Error::from_query(ATTEMPTED, source);
        let last = |table: &&Table| match table.name.as_str() {
            "extensions" => 0,
            AUDIT_LOG => 2,
            tables::HEAD => 3,
            _ => 1,
        };
        let mut ordered: Vec<&Table> = moving.iter().collect();
        ordered.sort_by_key(last);
        let names: Vec<String> = ordered
            .iter()
            .map(|table| format!("public.{}", quoted(&table.name)))
            .collect();
        let statement = format!("LOCK TABLE {} IN EXCLUSIVE MODE", names.join(", "));
        let mut transaction = source.begin().await.map_err(failed)?;
        for attempt in 1.. {
            // A lock that isn't granted takes back the savepoint alone.
            let mut part = transaction.begin().await.map_err(failed)?;
            let locked = sqlx::raw_sql(AssertSqlSafe(format!(
                "SET LOCAL lock_timeout = '{LOCK_PATIENCE}'; {statement}"
            )))
            .execute(&mut *part)
            .await;
            match locked {
                Ok(_) => {
                    part.commit().await.map_err(failed)?;
                    break;
                }
                Err(error) => {
                    part.rollback().await.map_err(failed)?;
                    let code = error
                        .as_database_error()
                        .and_then(sqlx::error::DatabaseError::code);
                    let is_busy = matches!(code.as_deref(), Some("55P03" | "40P01"));
                    if !is_busy || attempt >= LOCK_ATTEMPTS {
                        return Err(Error::from_query(ATTEMPTED, error));
                    }
                    self.tell(MoveStep::Locking, u64::from(attempt))?;
                }
            }
        }
        Ok(transaction)
    }

    /// Copies rows from one to the other as they are sent.
    async fn copy(
        &mut self,
        source: &mut PgConnection,
        target: &mut PgConnection,
        table: &Table,
        condition: Option<&str>,
        step: MoveStep,
        done: &mut u64,
    ) -> Result<()> {
        let failed = |source| Error::from_query(ATTEMPTED, source);
        self.tell(step, *done)?;
        let statement = table.copy_out(condition);
        let mut rows = source.copy_out_raw(&statement).await.map_err(failed)?;
        let mut copy = target.copy_in_raw(&table.copy_in()).await.map_err(failed)?;
        let mut piece = Vec::with_capacity(PIECE_LENGTH);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            piece.extend_from_slice(&row);
            if piece.len() >= PIECE_LENGTH {
                copy.send(&piece[..]).await.map_err(failed)?;
                piece.clear();
            }
            *done += 1;
            if done.is_multiple_of(TOLD_ROWS) {
                self.tell(step, *done)?;
            }
        }
        copy.send(&piece[..]).await.map_err(failed)?;
        copy.finish().await.map_err(failed)?;
        Ok(())
    }

    async fn compare(
        &mut self,
        frozen: &mut PgConnection,
        arriving: &mut PgConnection,
        moving: &[Table],
        head: &Head,
    ) -> Result<u64> {
        let mut row_count = 0;
        for table in moving.iter().filter(|table| table.name != MOVE) {
            let before = row_count;
            self.tell(MoveStep::Comparing, before)?;
            let (left, left_fault) = read_back(frozen, table, head, |rows| {
                self.tell(MoveStep::Comparing, before + rows)
            })
            .await?;
            let (arrived, fault) = read_back(arriving, table, head, |rows| {
                self.tell(MoveStep::Comparing, before + rows)
            })
            .await?;
            if left != arrived || left_fault != fault {
                return Err(Error::CopyDiffers {
                    attempted: ATTEMPTED,
                    what: format!("the table {}", table.name),
                });
            }
            row_count += left.rows;
        }
        Ok(row_count)
    }
}

/// The two commits: the target's, which still refuses changes, and the source's, which is the move. Each comes with the name
/// of the other side.
async fn give_over(
    (mut frozen, target_place): (Transaction<'_, Postgres>, &str),
    (mut arriving, source_place): (Transaction<'_, Postgres>, &str),
    head: &Head,
) -> Result<()> {
    let failed = |source| Error::from_query(ATTEMPTED, source);
    let move_id: Uuid = sqlx::query_scalar("SELECT gen_random_uuid()")
        .fetch_one(&mut *frozen)
        .await
        .map_err(failed)?;
    mark(
        &mut arriving,
        move_id,
        MoveState::Arriving,
        source_place,
        head,
    )
    .await?;
    arriving.commit().await.map_err(failed)?;
    mark(&mut frozen, move_id, MoveState::Moved, target_place, head).await?;
    frozen.commit().await.map_err(failed)
}

async fn describe(connection: &mut PgConnection) -> Result<(Vec<Table>, Vec<MigrationMark>)> {
    let tables = tables::read(connection).await?;
    if tables.is_empty() || !tables::may_read_all(connection, &tables).await? {
        return Err(Error::OwnerRequired {
            attempted: ATTEMPTED,
        });
    }
    Ok((tables, read_migrations(connection).await?))
}

fn schema_differs(problem: &BackupProblem) -> Error {
    match problem {
        BackupProblem::SchemaNewer { schema_version } => Error::SchemaNewer {
            version: *schema_version,
        },
        _ => Error::CopyDiffers {
            attempted: ATTEMPTED,
            what: "the schema".into(),
        },
    }
}

async fn mark(
    connection: &mut PgConnection,
    move_id: Uuid,
    state: MoveState,
    place: &str,
    head: &Head,
) -> Result<()> {
    sqlx::query("INSERT INTO public.registry_move (move_id, state, place, revision, hash) VALUES ($1, $2, $3, $4, $5)")
        .bind(move_id)
        .bind(state.name())
        .bind(place)
        .bind(head.revision)
        .bind(&head.hash)
        .persistent(false)
        .execute(&mut *connection)
        .await
        .map_err(|source| Error::from_query(ATTEMPTED, source))?;
    run(connection, ATTEMPTED, "SELECT public.registry_apply_move()").await
}
