//! The connections of a registry: sqlx's pool, and what it takes where a pooler hands out single transactions.

mod kept;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, Either, Error, Execute, Executor, Postgres, Result, SqlSafeStr, SqlStr,
    Transaction,
};

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use tokio::sync::watch;

use self::kept::Kept;
use crate::access::Role;
use crate::connection::ConnectionState;

/// Begins a transaction through a pooler that hands out single ones. sqlx gives the statements that it prepares names, a
/// new one each, also where it keeps none of them: those that another client has left in this session go first. In a
/// transaction of its own, because the isolation can only be set before anything has run.
pub(crate) const BEGIN_POOLED: &str = "BEGIN; DEALLOCATE ALL; COMMIT; BEGIN";

const COMMIT_AND_BEGIN: &str = "COMMIT; BEGIN";

const BEGIN_POOLED_READ_ONLY: &str = "BEGIN; DEALLOCATE ALL; COMMIT; BEGIN READ ONLY";

/// The connections of a registry.
///
/// Through a pooler that hands out single transactions every statement runs in one: sqlx prepares a statement and
/// executes it in two messages, and between them another session could take the place of the first, with another
/// client's statement in it.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    sessions: PgPool,
    /// What a transaction begins with.
    begin: SqlStr,
    /// What ends a transaction and begins another one on the same connection.
    commit_and_begin: SqlStr,
    /// Whether a pooler hands out single transactions.
    is_pooled: bool,
    /// Whom everything works as; none for the login itself.
    role: Option<Role>,
    /// For a program that asks one after the other.
    kept: Option<Arc<Kept>>,
    /// Changes when the server does, for a registry that follows its primary.
    state: Option<watch::Receiver<ConnectionState>>,
}

impl Pool {
    /// Sessions of one's own.
    pub(crate) fn of_sessions(pool: PgPool) -> Self {
        Self {
            sessions: pool,
            begin: "BEGIN".into_sql_str(),
            commit_and_begin: COMMIT_AND_BEGIN.into_sql_str(),
            is_pooled: false,
            role: None,
            kept: None,
            state: None,
        }
    }

    pub(crate) fn into_sessions(self) -> PgPool {
        self.sessions
    }

    /// Sessions that change from transaction to transaction.
    pub(crate) fn of_transactions(pool: PgPool, is_read_only: bool) -> Self {
        Self {
            sessions: pool,
            begin: if is_read_only {
                BEGIN_POOLED_READ_ONLY
            } else {
                BEGIN_POOLED
            }
            .into_sql_str(),
            commit_and_begin: COMMIT_AND_BEGIN.into_sql_str(),
            is_pooled: true,
            role: None,
            kept: None,
            state: None,
        }
    }

    /// The same, whose server may change.
    pub(crate) fn following(self, state: watch::Receiver<ConnectionState>) -> Self {
        Self {
            state: Some(state),
            ..self
        }
    }

    /// The same, with a connection at hand for statements that are a whole transaction.
    pub(crate) fn keeping_one(self) -> Self {
        Self {
            kept: Some(Arc::default()),
            ..self
        }
    }

    /// The same connections, on which everything runs in a transaction that works as this role.
    pub(crate) fn working_as(&self, role: Role) -> Self {
        // Texts of this program's own.
        let as_role = |begin: &SqlStr| {
            let text = format!("{}; SET LOCAL ROLE {}", begin.as_str(), role.name());
            AssertSqlSafe(text).into_sql_str()
        };
        Self {
            begin: as_role(&self.begin),
            commit_and_begin: as_role(&self.commit_and_begin),
            role: Some(role),
            ..self.clone()
        }
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        self.at_the_right_server(|| self.sessions.begin_with(self.begin.clone()))
            .await
    }

    /// Commits, and begins another transaction on the same connection, to read what was committed; both in one message.
    /// None if it is committed, and reading could not begin.
    pub(crate) async fn commit_and_begin(
        &self,
        mut transaction: Transaction<'static, Postgres>,
    ) -> Result<Option<Transaction<'static, Postgres>>> {
        let mut is_committed = false;
        let outcome = {
            let mut answers =
                sqlx::raw_sql(self.commit_and_begin.clone()).fetch_many(&mut *transaction);
            loop {
                match answers.try_next().await {
                    // One for each statement: the first is the commit's.
                    Ok(Some(_)) => is_committed = true,
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            }
        };
        match outcome {
            Ok(()) => Ok(Some(transaction)),
            Err(_) if is_committed => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Begins anew if the server changes meanwhile: an attempt at the old one may hang until its time is over.
    async fn at_the_right_server<T, F: Future<Output = Result<T>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T> {
        let Some(state) = &self.state else {
            return attempt().await;
        };
        let mut state = state.clone();
        loop {
            let count = state.borrow_and_update().reconnect_count;
            tokio::select! {
                biased;
                outcome = attempt() => return outcome,
                changed = state.wait_for(|state| state.reconnect_count != count) => {
                    if changed.is_err() {
                        return Err(Error::PoolClosed);
                    }
                }
            }
        }
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>> {
        self.at_the_right_server(|| self.sessions.acquire()).await
    }

    /// Whether everything runs in a transaction of its own.
    fn is_by_transaction(&self) -> bool {
        self.is_pooled || self.role.is_some()
    }

    /// Whom a statement works as, by what it does itself; none for the login.
    pub(crate) fn role(&self) -> Option<Role> {
        self.role
    }

    /// A connection for one statement that is a whole transaction; none through a pooler, where that takes two messages.
    /// The statement sees to it that it works as [`Self::role`].
    pub(crate) async fn connection_for_one(&self) -> Result<Option<PoolConnection<Postgres>>> {
        if self.is_pooled {
            return Ok(None);
        }
        match self.kept.as_ref().and_then(|kept| kept.take()) {
            Some(connection) => Ok(Some(connection)),
            None => self.connection().await.map(Some),
        }
    }

    /// Takes a connection back whose statement is done without a fault.
    pub(crate) fn give_back(&self, connection: PoolConnection<Postgres>) {
        if let Some(kept) = &self.kept {
            kept.put(connection);
        }
    }

    /// A connection for several statements; what they change is kept only if each is kept by itself, so it is for
    /// reading.
    pub(crate) async fn acquire(&self) -> Result<Lease> {
        if self.is_by_transaction() {
            self.begin().await.map(Lease::Transaction)
        } else {
            self.connection().await.map(Lease::Connection)
        }
    }

    pub(crate) async fn close(&self) {
        if let Some(kept) = &self.kept {
            kept.clear();
        }
        self.sessions.close().await;
    }
}

/// A connection that goes back when it is dropped.
pub(crate) enum Lease {
    Connection(PoolConnection<Postgres>),
    Transaction(Transaction<'static, Postgres>),
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Connection(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Connection(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if !self.is_by_transaction() {
            if self.state.is_none() {
                return (&self.sessions).fetch_many(query);
            }
            let read = async move {
                let mut connection = self.connection().await?;
                let answers: Vec<_> = (&mut *connection).fetch_many(query).try_collect().await?;
                Ok::<_, Error>(stream::iter(answers.into_iter().map(Ok)))
            };
            return stream::once(read).try_flatten().boxed();
        }
        let read = async move {
            let mut transaction = self.begin().await?;
            let answers: Vec<_> = (&mut *transaction).fetch_many(query).try_collect().await?;
            // Only what is committed is answered.
            transaction.commit().await?;
            Ok::<_, Error>(stream::iter(answers.into_iter().map(Ok)))
        };
        stream::once(read).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            if self.role.is_none()
                && let Some(mut connection) = self.connection_for_one().await?
            {
                let row = (&mut *connection).fetch_optional(query).await?;
                self.give_back(connection);
                return Ok(row);
            }
            let mut transaction = self.begin().await?;
            let row = (&mut *transaction).fetch_optional(query).await?;
            transaction.commit().await?;
            Ok(row)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement>>
    where
        'p: 'e,
    {
        (&self.sessions).prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Postgres>>>
    where
        'p: 'e,
    {
        (&self.sessions).describe(sql)
    }
}
