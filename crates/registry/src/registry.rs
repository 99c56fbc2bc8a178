//! The handle on one registry database.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::types::Uuid;
use sqlx::{Connection, Postgres, Transaction};
use tokio::sync::watch;
use tracing::warn;

use crate::access::{Attempt, Role};
use crate::anchors::{Anchor, AnchorFile};
use crate::confirmation::Confirmation;
use crate::connection::{ConnectionState, Pooling, RemoteDatabase, ServerLink, Servers};
use crate::extensions::{Extension, ExtensionDetail, read_extension, read_extension_detail};
use crate::migrations::{SchemaState, schema_state};
use crate::pool::Pool;
use crate::settling::Settling;
use crate::verification::read_anchor;
use crate::{Error, Result, rules};

/// How long a caller waits for a free connection before it is told that the database doesn't answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// For how long a connection may have been idle to be used without a sign of life: it gave one when it was put back.
pub(crate) const UNTESTED_IDLE_MAX: Duration = Duration::from_millis(250);

/// A handle on one registry database: cheap to clone, safe to share.
///
/// Each resource adds its operations in a module of its own: [`crate::extensions`],
/// [`crate::audit`], [`crate::health`].
#[derive(Clone, Debug)]
pub struct Registry {
    pool: Pool,
    anchor_file: Option<AnchorFile>,
    /// The way to several servers, of a registry that was opened by a profile.
    link: Option<Arc<ServerLink>>,
    /// Why nothing may be changed, if nothing may.
    read_only_reason: Option<Arc<str>>,
}

/// What a server says of itself and of the session.
#[derive(Clone, Debug, Eq, PartialEq, sqlx::FromRow)]
pub struct ServerFacts {
    /// PostgreSQL's version, such as `18.4`.
    pub version: String,
    /// The database's name.
    pub database: String,
    /// The login role: the actor of changes.
    pub login: String,
}

/// What a change carries into its audit entry besides the actor, whom the database knows by itself, and
/// what it is held to besides the database's rules.
#[derive(Clone, Debug, Default)]
pub struct ChangeContext {
    /// Why the change is made, at most 500 characters.
    pub reason: Option<String>,
    /// The caller's name for this request. A second request of the same name does nothing if the first
    /// made its change: after a lost answer, ask again with the same name. For another change it is refused.
    pub request_id: Option<Uuid>,
    /// For whom the change is made, at most 255 characters. Believed only if the login is a member of
    /// `registry_rest_server`; for everybody else the actor is the login.
    pub acting_for: Option<String>,
    /// Whether a change that can stop traffic is made unasked.
    pub confirmation: Confirmation,
    /// Whether a change without a reason is refused.
    pub is_reason_required: bool,
    /// Whether an edit is refused if the extension has changed at all since the caller saw it, also where both could be
    /// merged.
    pub is_merge_refused: bool,
}

impl ChangeContext {
    /// The longest reason, in characters; the audit log's constraint `extension_audit_log_reason_length`.
    pub const REASON_MAX_CHARACTERS: usize = 500;

    /// A context with a reason; an empty one counts as none.
    pub fn with_reason(reason: Option<String>) -> Self {
        let reason = reason
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        Self {
            reason,
            ..Self::default()
        }
    }

    /// The same with the caller's name for the request, a UUID as text.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if it is none.
    pub fn with_request_id(self, request_id: Option<&str>) -> Result<Self> {
        let request_id =
            request_id
                .map(Uuid::try_parse)
                .transpose()
                .map_err(|_| Error::InvalidInput {
                    field: "request_id",
                    message: "The request id is no UUID.".into(),
                    action: "Give a UUID, a new one for each request.",
                })?;
        Ok(Self { request_id, ..self })
    }

    fn check(&self) -> Result<()> {
        if let Some(actor) = &self.acting_for {
            rules::check_name("acting_for", actor)?;
        }
        let Some(reason) = &self.reason else {
            return if self.is_reason_required {
                Err(Error::ReasonRequired)
            } else {
                Ok(())
            };
        };
        let length = reason.chars().count();
        if length > Self::REASON_MAX_CHARACTERS {
            return Err(Error::InvalidInput {
                field: "reason",
                message: format!(
                    "The reason has {length} characters, {} are allowed.",
                    Self::REASON_MAX_CHARACTERS
                ),
                action: "Shorten the reason.",
            });
        }
        if reason.contains('\0') {
            return Err(Error::InvalidInput {
                field: "reason",
                message: "The reason contains the character U+0000, which PostgreSQL can't store."
                    .into(),
                action: "Remove that character.",
            });
        }
        Ok(())
    }
}

impl Registry {
    /// Connects to a registry database that is already migrated.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`] when it doesn't answer, [`Error::Forbidden`] when it refuses.
    pub async fn connect(options: PgConnectOptions) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, metadata| {
                Box::pin(async move {
                    if metadata.idle_for > UNTESTED_IDLE_MAX {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await
            .map_err(|source| Error::from_query("Connecting to the database", source))?;
        Ok(Self {
            pool: Pool::of_sessions(pool),
            anchor_file: None,
            link: None,
            read_only_reason: None,
        })
    }

    /// The same through a pooler such as `PgBouncer`, which decides what a connection is.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_through(options: PgConnectOptions, pooling: Pooling) -> Result<Self> {
        // What a pooler doesn't know it refuses.
        let mut options = options.extra_float_digits(None);
        if pooling == Pooling::Transaction {
            options = options.statement_cache_capacity(0);
        }
        let registry = Self::connect(options).await?;
        Ok(match pooling {
            Pooling::Direct | Pooling::Session => registry,
            Pooling::Transaction => Self {
                pool: Pool::of_transactions(registry.pool.into_sessions(), false),
                ..registry
            },
        })
    }

    /// Opens the registry of a profile and stays with it: after a failover the connections go to the new primary.
    ///
    /// A registry whose schema is newer than this program can be read and not changed. One that needs migrations is
    /// opened as it is: [`crate::migrations::decision`] tells what it needs.
    ///
    /// # Errors
    /// [`Error::Unreachable`] with the reason of the server that somebody can do something about.
    pub async fn open(servers: Servers) -> Result<Self> {
        let mut servers = servers;
        let mut read_only_reason = None;
        let mut found = servers
            .find(servers.target())
            .await
            .map_err(Error::unreachable)?;
        if servers.database().is_read_only {
            read_only_reason = Some("the connection is read-only".to_owned());
        } else {
            match schema_state(&mut found.connection).await {
                Ok(SchemaState::Newer {
                    version,
                    known_version,
                }) => {
                    warn!(
                        version,
                        known_version, "the schema is newer than this program: it is only read"
                    );
                    read_only_reason = Some(format!(
                        "the schema has the version {version}, and this program knows {known_version}"
                    ));
                    servers = servers.only_reading();
                }
                Ok(_) => {}
                // A login that may read no more than it must; the database refuses what it may not.
                Err(error) => warn!(%error, "the version of the schema couldn't be read"),
            }
        }
        let RemoteDatabase {
            pooling,
            is_read_only,
            ..
        } = *servers.database();
        let (pool, link) = ServerLink::open(servers, found);
        let pool = match pooling {
            Pooling::Transaction => Pool::of_transactions(pool, is_read_only),
            Pooling::Direct | Pooling::Session => Pool::of_sessions(pool),
        };
        Ok(Self {
            pool: pool.following(link.state()),
            anchor_file: None,
            link: Some(Arc::new(link)),
            read_only_reason: read_only_reason.map(Arc::from),
        })
    }

    /// What the connection is at each moment; none for a registry that was not opened by a profile.
    pub fn connection_state(&self) -> Option<watch::Receiver<ConnectionState>> {
        self.link.as_ref().map(|link| link.state())
    }

    /// Why nothing may be changed through this registry; none if something may.
    pub fn read_only_reason(&self) -> Option<&str> {
        self.read_only_reason.as_deref()
    }

    /// Ends the alarm of lost changes ([`ConnectionState::lost_tail`]): somebody knows of it. The anchors that show
    /// them are set aside, beside the file, so that the log verifies from here on.
    ///
    /// # Errors
    /// [`Error::OutputUnwritable`] if the file of anchors can't be set aside; the alarm stays then.
    pub fn acknowledge_lost_tail(&self) -> Result<()> {
        if let Some(file) = &self.anchor_file {
            file.set_aside().map_err(|source| Error::OutputUnwritable {
                attempted: "Setting the anchors aside",
                source,
            })?;
        }
        if let Some(link) = &self.link {
            link.acknowledge_lost_tail();
        }
        Ok(())
    }

    /// Notes the end of the audit chain in `file` after every change and every verification, and
    /// verifies against what the file holds.
    #[must_use]
    pub fn with_anchor_file(mut self, file: AnchorFile) -> Self {
        if let Some(link) = &self.link {
            link.use_anchor_file(file.clone());
        }
        self.anchor_file = Some(file);
        self
    }

    /// Whether somebody wants to know the end of the audit log after each change.
    pub(crate) fn notes_anchors(&self) -> bool {
        self.anchor_file.is_some() || self.link.is_some()
    }

    /// Keeps in memory what a change has left, so that its loss is noticed.
    pub(crate) fn note_in_memory(&self, anchor: &Anchor) {
        if let Some(link) = &self.link {
            link.note(anchor.clone());
        }
    }

    /// A connection broke: the server is looked at now.
    pub(crate) fn look_at_server(&self) {
        if let Some(link) = &self.link {
            link.look_now();
        }
    }

    pub(crate) fn link(&self) -> Option<&ServerLink> {
        self.link.as_deref()
    }

    pub(crate) fn anchor_file(&self) -> Option<&AnchorFile> {
        self.anchor_file.as_ref()
    }

    /// The same registry for somebody who may do less than this login could: each operation is a transaction that works
    /// as `role` (`SET LOCAL ROLE`), and the database refuses the rest. The login must be a member of the role. Who the
    /// actor of a change is does not follow from the role: [`ChangeContext::acting_for`].
    #[must_use]
    pub fn working_as(&self, role: Role) -> Self {
        Self {
            pool: self.pool.working_as(role),
            ..self.clone()
        }
    }

    /// The same registry, which keeps one connection at hand between statements that are a whole transaction: for a program
    /// that is asked again and again, such as a server. It counts among those that the registry may have.
    #[must_use]
    pub fn keeping_a_connection(self) -> Self {
        Self {
            pool: self.pool.keeping_one(),
            ..self
        }
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`].
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1")
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|source| Error::from_query("Reaching the database", source))
    }

    /// What answers at the other end, and as whom it is asked.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`].
    pub async fn server_facts(&self) -> Result<ServerFacts> {
        sqlx::query_as(
            "SELECT split_part(current_setting('server_version'), ' ', 1) AS version, current_database()::text AS database,
                    session_user::text AS login",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|source| Error::from_query("Asking the server what it is", source))
    }

    /// Closes all connections; later calls fail with [`Error::DatabaseUnavailable`].
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Refuses what needs no database to be refused.
    pub(crate) fn check_change(&self, attempt: Attempt, context: &ChangeContext) -> Result<()> {
        context.check()?;
        match &self.read_only_reason {
            None => Ok(()),
            Some(reason) => Err(Error::ReadOnly {
                attempted: attempt.words,
                reason: reason.to_string(),
            }),
        }
    }

    /// Begins a transaction whose changes carry `context` and `origin` into their audit entries, and which
    /// will leave what `footprint` says.
    ///
    /// The settings are local to the transaction, so a pooled connection never hands one
    /// caller's reason to the next.
    pub(crate) async fn begin_change(
        &self,
        attempt: Attempt,
        settling: &Settling<'_>,
        origin: ChangeOrigin,
        footprint: Footprint<'_>,
    ) -> Result<Change> {
        let context = &settling.context;
        self.check_change(attempt, context)?;
        let failed = |source| Error::from_query(attempt, source);
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        settling.begun();
        // With the lock on the request's name: an earlier attempt that is still under way is waited for.
        sqlx::query(
            "SELECT set_config('registry.reason', coalesce($1, ''), true),
                    set_config('registry.os_user', $2, true),
                    set_config('registry.request_id', coalesce($3::text, ''), true),
                    set_config('registry.actor', coalesce($4, ''), true),
                    set_config('registry.group_id', CASE WHEN $5 THEN gen_random_uuid()::text ELSE '' END, true),
                    set_config('registry.restored_revision', coalesce($6::text, ''), true),
                    set_config('registry.undone_group_id', coalesce($7::text, ''), true),
                    set_config('registry.undone_revision', coalesce($8::text, ''), true),
                    CASE WHEN $3 IS NOT NULL THEN pg_advisory_xact_lock(hashtextextended($3::text, 0)) END",
        )
        .bind(context.reason.as_deref())
        .bind(os_user())
        .bind(context.request_id)
        .bind(context.acting_for.as_deref())
        .bind(origin != ChangeOrigin::Single)
        .bind(match origin {
            ChangeOrigin::Restore(revision) => Some(revision),
            _ => None,
        })
        .bind(match origin {
            ChangeOrigin::UndoGroup(group_id) => Some(group_id),
            _ => None,
        })
        .bind(match origin {
            ChangeOrigin::UndoRevision(revision) => Some(revision),
            _ => None,
        })
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let is_done = match settling.looked_for() {
            None => false,
            Some(request_id) => {
                let left = left_by(&mut transaction, request_id)
                    .await
                    .map_err(failed)?;
                if !left.iter().all(|trace| trace.fits(origin, footprint)) {
                    return Err(rules::invalid(
                        "request_id",
                        "Another change was made under this request id.".into(),
                        "Give each request an id of its own.",
                    ));
                }
                !left.is_empty()
            }
        };
        if settling.only_looks() && !is_done {
            return Err(Error::DatabaseUnavailable {
                attempted: attempt.words,
                source: sqlx::Error::Configuration(
                    "the connection broke each time it was saved, and it was not".into(),
                ),
            });
        }
        Ok(Change {
            transaction,
            is_done,
        })
    }

    /// Commits a change and notes the new end of the audit chain.
    pub(crate) async fn commit(&self, attempt: Attempt, change: Change) -> Result<Committed> {
        let reading = self
            .pool
            .commit_and_begin(change.transaction)
            .await
            .map_err(|source| Error::from_query(attempt, source))?;
        let mut committed = Committed {
            registry: self.clone(),
            reading,
        };
        self.note_anchor_of(&mut committed).await;
        Ok(committed)
    }
}

/// A change that is committed. What it has left is read on its own connection, which spares a way to the server or two.
pub(crate) struct Committed {
    registry: Registry,
    reading: Option<Transaction<'static, Postgres>>,
}

impl Committed {
    pub(crate) async fn anchor(&mut self) -> Result<Anchor> {
        match &mut self.reading {
            Some(reading) => read_anchor(&mut **reading).await,
            None => self.registry.anchor().await,
        }
    }

    pub(crate) async fn extension(mut self, id: &str) -> Result<Extension> {
        match &mut self.reading {
            Some(reading) => read_extension(&mut **reading, id).await,
            None => self.registry.get_extension(id).await,
        }
    }

    pub(crate) async fn extension_detail(mut self, id: &str) -> Result<ExtensionDetail> {
        match &mut self.reading {
            Some(reading) => read_extension_detail(&mut **reading, id).await,
            None => self.registry.get_extension_detail(id).await,
        }
    }
}

/// What kind of change begins. All but the first get a group id of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ChangeOrigin {
    /// One extension.
    Single,
    /// Several at once.
    Group,
    /// The version of this revision is brought back.
    Restore(i64),
    /// What this group changed is taken back.
    UndoGroup(Uuid),
    /// What this one change did is taken back.
    UndoRevision(i64),
}

/// A change that has begun.
pub(crate) struct Change {
    pub(crate) transaction: Transaction<'static, Postgres>,
    /// Whether an earlier request of the same name made it already.
    pub(crate) is_done: bool,
}

/// What a change can leave in the audit log, by which a request is known again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint<'a> {
    /// The extensions that it may change; none if its origin alone tells.
    pub(crate) ids: Option<&'a [&'a str]>,
    /// The actions of its entries.
    pub(crate) actions: &'static [&'static str],
}

impl Footprint<'static> {
    /// Of a change that is known by what it takes back.
    pub(crate) const ANY: Self = Self {
        ids: None,
        actions: &["created", "updated", "deleted", "enabled", "disabled"],
    };
}

/// What an entry says of the request that left it.
#[derive(sqlx::FromRow)]
struct Trace {
    extension_id: String,
    action: String,
    restored_revision: Option<i64>,
    undone_group_id: Option<Uuid>,
    undone_revision: Option<i64>,
}

impl Trace {
    fn fits(&self, origin: ChangeOrigin, footprint: Footprint<'_>) -> bool {
        let expected = match origin {
            ChangeOrigin::Single | ChangeOrigin::Group => (None, None, None),
            ChangeOrigin::Restore(revision) => (Some(revision), None, None),
            ChangeOrigin::UndoGroup(group_id) => (None, Some(group_id), None),
            ChangeOrigin::UndoRevision(revision) => (None, None, Some(revision)),
        };
        let found = (
            self.restored_revision,
            self.undone_group_id,
            self.undone_revision,
        );
        found == expected
            && footprint.actions.contains(&self.action.as_str())
            && footprint
                .ids
                .is_none_or(|ids| ids.contains(&self.extension_id.as_str()))
    }
}

/// What a request of this name has left. Who asks holds the lock of that name, so two at once take turns.
async fn left_by(
    transaction: &mut Transaction<'static, Postgres>,
    request_id: Uuid,
) -> sqlx::Result<Vec<Trace>> {
    sqlx::query_as(
        "SELECT DISTINCT extension_id, action, restored_revision, undone_group_id, undone_revision
         FROM public.extension_audit_log WHERE request_id = $1",
    )
    .bind(request_id)
    .fetch_all(&mut **transaction)
    .await
}

/// The operating system's name for the account that runs this program.
pub fn os_user() -> &'static str {
    // Each question to the system reads its file of accounts.
    static NAME: LazyLock<String> =
        LazyLock::new(|| whoami::username().unwrap_or_else(|_| "unknown".to_owned()));
    &NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_reason_counts_as_none() {
        assert_eq!(ChangeContext::with_reason(Some("  ".into())).reason, None);
        assert_eq!(
            ChangeContext::with_reason(Some(" why ".into()))
                .reason
                .as_deref(),
            Some("why")
        );
    }

    #[test]
    fn the_longest_reason_passes_and_one_more_character_names_the_field() {
        let longest = "é".repeat(ChangeContext::REASON_MAX_CHARACTERS);
        assert!(
            ChangeContext::with_reason(Some(longest.clone()))
                .check()
                .is_ok()
        );
        let error = ChangeContext::with_reason(Some(longest + "!"))
            .check()
            .unwrap_err();
        assert_eq!(error.report().field.as_deref(), Some("reason"));
    }

    #[test]
    fn without_a_required_reason_the_field_is_named() {
        let context = |reason: &str| ChangeContext {
            is_reason_required: true,
            ..ChangeContext::with_reason(Some(reason.into()))
        };
        assert!(context("why").check().is_ok());
        let error = context(" ").check().unwrap_err();
        assert_eq!(error.code(), crate::ErrorCode::ReasonRequired);
        assert_eq!(error.report().field.as_deref(), Some("reason"));
    }

    #[test]
    fn a_nul_character_in_the_reason_is_refused_by_name() {
        let error = ChangeContext::with_reason(Some("a\0b".into()))
            .check()
            .unwrap_err();
        assert!(error.to_string().contains("U+0000"));
    }
}
