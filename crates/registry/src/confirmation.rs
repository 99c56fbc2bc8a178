//! Changes that can stop traffic: which they are, what they would do, and whether somebody wants that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::postgres::PgConnection;

use crate::access::Attempt;
use crate::extensions::ExtensionType;
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

/// Whether a change that takes extensions out of service (switches them off, deletes them, brings back what
/// was off) is made unasked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Confirmation {
    /// It is made. For callers that have asked, or whose callers have.
    #[default]
    NotNeeded,
    /// It is refused with [`Error::ConfirmationRequired`] if a type would have no enabled extension left, or
    /// if it takes more than this many extensions out of service at once.
    Required {
        /// 0 asks about each of them.
        unasked_max: usize,
    },
    /// Somebody has seen its effects and wants them. Is a type left without an enabled extension that is
    /// none of these, because another has switched off the others meanwhile, it is refused all the same.
    Given {
        /// The types that were said to be left without.
        emptied_types: Vec<ExtensionType>,
    },
}

/// More than this many at once go out of service only when somebody has said so: a slip would be felt before
/// it is undone.
const UNASKED_MAX: usize = 20;

impl Confirmation {
    /// What a registry asks for: in production about each, else from 21 at once.
    pub fn required(is_production: bool) -> Self {
        Self::Required {
            unasked_max: if is_production { 0 } else { UNASKED_MAX },
        }
    }
}

/// What it does to traffic if extensions go out of service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct TrafficEffects {
    /// Those that are in service now, by id.
    pub extension_ids: Vec<String>,
    /// Their types.
    pub types: Vec<AffectedType>,
    /// How often they were called in the last 24 hours, the most called first. Of one that is not among these no call
    /// is known, which is not to say that there was none: not every router records its calls.
    pub known_calls: Vec<KnownCalls>,
    /// The registry's revision now.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// The programs that follow the registry, such as routers: those that reported within the last seconds.
    pub consumers: Vec<FollowingConsumer>,
}

/// What a type loses and what it keeps.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct AffectedType {
    /// The type.
    #[serde(rename = "type")]
    #[sqlx(rename = "type", try_from = "String")]
    pub extension_type: ExtensionType,
    /// How many enabled extensions of it go out of service.
    #[specta(type = WireNumber)]
    pub leaving_count: i64,
    /// How many enabled ones stay.
    #[specta(type = WireNumber)]
    pub remaining_count: i64,
}

/// The calls of an extension that routers have recorded lately.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct KnownCalls {
    /// The extension.
    pub extension_id: String,
    /// Its calls in the current hour and the 23 before it, answered or not; at least 1.
    #[specta(type = WireNumber)]
    pub call_count: i64,
}

/// A program that acts on what it reads from the registry.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct FollowingConsumer {
    /// The program, as it reported itself.
    pub name: String,
    /// Where it runs, as it reported.
    pub host: String,
    /// The revision that it works by.
    #[specta(type = WireNumber)]
    pub applied_revision: i64,
}

impl Registry {
    /// What it would do to traffic if these extensions went out of service now; those that are off already or
    /// are not there change nothing.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn traffic_effects(&self, ids: &[String]) -> Result<TrafficEffects> {
        let mut connection = self
            .pool()
            .acquire()
            .await
            .map_err(|source| Error::from_query(READ, source))?;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        read_effects(&mut connection, READ, &ids).await
    }
}

const READ: &str = "Reading what would stop";

macro_rules! another_enabled {
    () => {
        "SELECT FROM public.extensions
         WHERE type = $1 AND enabled
           AND NOT EXISTS (SELECT FROM unnest($2::text[]) AS leaving (id) WHERE leaving.id = extensions.id)
         LIMIT 1
         FOR SHARE OF extensions"
    };
}

impl Confirmation {
    /// Lets one change at a time go on that may be asked about: two that switch off the last two of a type
    /// would each see the other's. To be called before the change locks a row.
    pub(crate) async fn take_turn(
        &self,
        connection: &mut PgConnection,
        attempt: Attempt,
    ) -> Result<()> {
        if *self == Self::NotNeeded {
            return Ok(());
        }
        // The key is any number that nobody else uses.
        sqlx::query(
            "SELECT set_config('lock_timeout', '10s', true), pg_advisory_xact_lock(7305808869231650165)",
        )
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| Error::from_query(attempt, source))
    }

    /// Refuses to take these extensions, whose rows are locked, out of service if that needs a confirmation
    /// that there is not.
    pub(crate) async fn check(
        &self,
        connection: &mut PgConnection,
        attempt: Attempt,
        ids: &[&str],
    ) -> Result<()> {
        let (unasked_max, emptied_types) = match self {
            Self::NotNeeded => return Ok(()),
            Self::Required { unasked_max } => (*unasked_max, [].as_slice()),
            Self::Given { emptied_types } => (usize::MAX, emptied_types.as_slice()),
        };
        let types: Vec<String> =
            sqlx::query_scalar("SELECT type FROM public.extensions WHERE id = ANY($1) AND enabled")
                .bind(ids)
                .fetch_all(&mut *connection)
                .await
                .map_err(|source| Error::from_query(attempt, source))?;
        let mut is_refused = types.len() > unasked_max;
        let mut distinct = types;
        distinct.sort_unstable();
        distinct.dedup();
        for extension_type in distinct {
            let is_confirmed = emptied_types
                .iter()
                .any(|confirmed| confirmed.name() == extension_type);
            is_refused = is_refused
                || !is_confirmed
                    && !keeps_another(connection, attempt, &extension_type, ids).await?;
        }
        if !is_refused {
            return Ok(());
        }
        let effects = read_effects(connection, attempt, ids).await?;
        Err(Error::ConfirmationRequired {
            effects: Box::new(effects),
        })
    }

    /// Refuses what a transaction has done since `before`, if it took extensions out of service and that needs a
    /// confirmation that there is not. For changes that also bring others into service: what counts is what is left.
    pub(crate) async fn check_since(
        &self,
        connection: &mut PgConnection,
        attempt: Attempt,
        before: InService,
    ) -> Result<()> {
        let (unasked_max, confirmed) = match self {
            Self::NotNeeded => return Ok(()),
            Self::Required { unasked_max } => (*unasked_max, [].as_slice()),
            Self::Given { emptied_types } => (usize::MAX, emptied_types.as_slice()),
        };
        let Some(effects) = before.effects_since(connection, attempt).await? else {
            return Ok(());
        };
        let mut is_refused = effects.extension_ids.len() > unasked_max;
        for AffectedType { extension_type, .. } in &effects.types {
            is_refused = is_refused
                || !confirmed.contains(extension_type)
                    && !keeps_another(connection, attempt, extension_type.name(), &[]).await?;
        }
        if !is_refused {
            return Ok(());
        }
        Err(Error::ConfirmationRequired {
            effects: Box::new(effects),
        })
    }
}

/// Which of the extensions that a transaction is about to change are in service.
pub(crate) struct InService {
    /// Those it changes; none for all that there are.
    ids: Option<Vec<String>>,
    extensions: Vec<ServedExtension>,
}

#[derive(sqlx::FromRow)]
struct ServedExtension {
    id: String,
    #[sqlx(rename = "type", try_from = "String")]
    extension_type: ExtensionType,
}

impl InService {
    /// The rows must be locked, so that nobody else changes them before the transaction has ended.
    pub(crate) async fn read(
        connection: &mut PgConnection,
        attempt: Attempt,
        ids: Option<Vec<String>>,
    ) -> Result<Self> {
        let extensions = sqlx::query_as(
            "SELECT id, type FROM public.extensions
             WHERE enabled AND ($1::text[] IS NULL OR id = ANY ($1)) ORDER BY id",
        )
        .bind(&ids)
        .fetch_all(connection)
        .await
        .map_err(|source| Error::from_query(attempt, source))?;
        Ok(Self { ids, extensions })
    }

    /// What the transaction has done to traffic since; none if nothing went out of service.
    async fn effects_since(
        self,
        connection: &mut PgConnection,
        attempt: Attempt,
    ) -> Result<Option<TrafficEffects>> {
        let after = Self::read(&mut *connection, attempt, self.ids).await?;
        let kept: BTreeSet<String> = after.extensions.into_iter().map(|kept| kept.id).collect();
        let mut left = self.extensions;
        left.retain(|served| !kept.contains(&served.id));
        if left.is_empty() {
            return Ok(None);
        }
        let mut effects = read_effects(connection, attempt, &[]).await?;
        let mut leaving: BTreeMap<&str, (ExtensionType, i64)> = BTreeMap::new();
        for ServedExtension { extension_type, .. } in &left {
            let count = leaving.entry(extension_type.name());
            count.or_insert((*extension_type, 0)).1 += 1;
        }
        for (extension_type, leaving_count) in leaving.into_values() {
            let remaining_count = sqlx::query_scalar(
                "SELECT count(*) FROM public.extensions WHERE enabled AND type = $1",
            )
            .bind(extension_type.name())
            .fetch_one(&mut *connection)
            .await
            .map_err(|source| Error::from_query(attempt, source))?;
            effects.types.push(AffectedType {
                extension_type,
                leaving_count,
                remaining_count,
            });
        }
        effects.extension_ids = left.into_iter().map(|served| served.id).collect();
        effects.known_calls = read_calls(connection, attempt, &effects.extension_ids).await?;
        Ok(Some(effects))
    }
}

/// Whether an extension of the type stays enabled that is none of `ids`, and until the change is made: its row
/// is locked, so that whoever would switch it off meanwhile waits.
async fn keeps_another(
    connection: &mut PgConnection,
    attempt: Attempt,
    extension_type: &str,
    ids: &[&str],
) -> Result<bool> {
    // One that nobody is changing is as good as another. If there is none, whoever changes them is waited for.
    for statement in [
        concat!(another_enabled!(), " SKIP LOCKED"),
        another_enabled!(),
    ] {
        let found = sqlx::query(statement)
            .bind(extension_type)
            .bind(ids)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|source| Error::from_query(attempt, source))?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What routers have recorded of these extensions: the hours, because a day of them is few rows.
async fn read_calls(
    connection: &mut PgConnection,
    attempt: Attempt,
    ids: &[String],
) -> Result<Vec<KnownCalls>> {
    sqlx::query_as(
        "SELECT extension_id, sum(success_count + failure_count)::bigint AS call_count
         FROM public.extension_health_history
         WHERE extension_id = ANY($1) AND step_minutes = 60 AND source = 'traffic'
           AND started_at > clock_timestamp() - interval '24 hours'
         GROUP BY extension_id
         HAVING sum(success_count + failure_count) > 0
         ORDER BY call_count DESC, extension_id",
    )
    .bind(ids)
    .fetch_all(connection)
    .await
    .map_err(|source| Error::from_query(attempt, source))
}

async fn read_effects(
    connection: &mut PgConnection,
    attempt: impl Into<Attempt>,
    ids: &[&str],
) -> Result<TrafficEffects> {
    let attempt = attempt.into();
    let failed = |source| Error::from_query(attempt, source);
    let extension_ids: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM public.extensions WHERE id = ANY($1) AND enabled ORDER BY id",
    )
    .bind(ids)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let types = sqlx::query_as(
        "SELECT type, count(*) FILTER (WHERE is_leaving) AS leaving_count,
                count(*) FILTER (WHERE NOT is_leaving) AS remaining_count
         FROM (SELECT type, id = ANY($1) AS is_leaving FROM public.extensions WHERE enabled) AS in_service
         GROUP BY type
         HAVING bool_or(is_leaving)
         ORDER BY type",
    )
    .bind(ids)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let revision = sqlx::query_scalar("SELECT revision FROM public.registry_head")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    // Programs report every five seconds: after three that did not come they are not heard of any more.
    let consumers = sqlx::query_as(
        "SELECT name, host, applied_revision FROM public.registry_consumers
         WHERE seen_at >= clock_timestamp() - interval '16 seconds'
         ORDER BY applied_revision, name, host",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let known_calls = read_calls(connection, attempt, &extension_ids).await?;
    Ok(TrafficEffects {
        extension_ids,
        types,
        known_calls,
        revision,
        consumers,
    })
}

impl TrafficEffects {
    /// The types that would have no enabled extension left.
    pub fn emptied_types(&self) -> impl Iterator<Item = ExtensionType> {
        self.types
            .iter()
            .filter(|affected| affected.remaining_count == 0)
            .map(|affected| affected.extension_type)
    }
}

impl fmt::Display for TrafficEffects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.extension_ids.as_slice() {
            [one] => write!(formatter, "{one:?} would go out of service")?,
            several => write!(
                formatter,
                "{} extensions would go out of service",
                several.len()
            )?,
        }
        let emptied: Vec<&str> = self.emptied_types().map(ExtensionType::name).collect();
        if !emptied.is_empty() {
            write!(
                formatter,
                ", and no enabled {} would be left",
                emptied.join(" and no enabled ")
            )?;
        }
        Ok(())
    }
}
