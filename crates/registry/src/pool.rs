//! The connections of a registry: sqlx's pool, and what it takes where a pooler hands out single transactions.

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

use tokio::sync::watch;

use crate::access::Role;
use crate::connection::ConnectionState;

/// Begins a transaction through a pooler that hands out single ones. sqlx gives the statements that it prepares names, a
/// new one each, also where it keeps none of them: those that another client has left in this session go first. In a
/// transaction of its own, because the isolation can only be set before anything has run.
pub(crate) const BEGIN_POOLED: &str = "BEGIN; DEALLOCATE ALL; COMMIT; BEGIN";

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
    is_by_transaction: bool,
    /// Changes when the server does, for a registry that follows its primary.
    state: Option<watch::Receiver<ConnectionState>>,
}

impl Pool {
    /// Sessions of one's own.
    pub(crate) fn of_sessions(pool: PgPool) -> Self {
        Self {
            sessions: pool,
            begin: "BEGIN".into_sql_str(),
            is_by_transaction: false,
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
            is_by_transaction: true,
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

    /// The same connections, on which everything runs in a transaction that works as this role.
    pub(crate) fn working_as(&self, role: Role) -> Self {
        let begin = format!("{}; SET LOCAL ROLE {}", self.begin.as_str(), role.name());
        Self {
            // Two texts of this program's own.
            begin: AssertSqlSafe(begin).into_sql_str(),
            is_by_transaction: true,
            ..self.clone()
        }
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        self.at_the_right_server(|| self.sessions.begin_with(self.begin.clone()))
            .await
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

    /// A connection for several statements; what they change is kept only if each is kept by itself, so it is for
    /// reading.
    pub(crate) async fn acquire(&self) -> Result<Lease> {
        if self.is_by_transaction {
            self.begin().await.map(Lease::Transaction)
        } else {
            self.connection().await.map(Lease::Connection)
        }
    }

    pub(crate) async fn close(&self) {
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
        if !self.is_by_transaction {
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
        if !self.is_by_transaction {
            return Box::pin(async move {
                let mut connection = self.connection().await?;
                (&mut *connection).fetch_optional(query).await
            });
        }
        Box::pin(async move {
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
