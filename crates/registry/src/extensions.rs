//! Extensions: what the router runs, as they are read. Table `extensions`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgExecutor, Postgres, QueryBuilder};

pub use crate::rules::is_subject;

use crate::audit::AuditAction;
use crate::health::{HealthState, health_columns};
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

/// Where in the router an extension runs.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Type,
)]
#[serde(rename_all = "snake_case")]
pub enum ExtensionType {
    /// Normalises a message before routing.
    Pre,
    /// May block a message.
    Validator,
    /// Works on the answer, such as masking it.
    Post,
    /// A language model or another back end that answers.
    Provider,
}

/// One row of the registry.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct Extension {
    /// Unique, fixed for life; at most 255 characters.
    pub id: String,
    /// Where in the router it runs.
    #[serde(rename = "type")]
    #[sqlx(rename = "type", try_from = "String")]
    pub extension_type: ExtensionType,
    /// The NATS subject that it answers on; unique; at most 255 characters.
    pub subject: String,
    /// How long the router waits for an answer, in milliseconds.
    pub timeout_ms: i32,
    /// How often the router asks again after a failure.
    pub retry: i32,
    /// Whether the router uses it.
    pub enabled: bool,
    /// The registry's revision that last changed it; 0 if it has not changed since it was adopted.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// When it was created; unknown for some rows of older writers.
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed; unknown for some rows of older writers.
    pub updated_at: Option<DateTime<Utc>>,
    /// How well its calls went.
    #[sqlx(try_from = "String")]
    pub health: HealthState,
    /// Successes of all calls × 100; none without a call.
    pub health_score_percent: Option<f64>,
    /// The newest audit entry about it, if there is one.
    #[sqlx(flatten, try_from = "LastChangeColumns")]
    pub last_change: Option<LastChange>,
}

/// One row of the registry, whole. The JSON is text, so that numbers keep their spelling. Secrets are
/// replaced by `{"$redacted": fingerprint}`; saved unchanged, such a mark keeps the secret.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct ExtensionDetail {
    /// Everything that lists show.
    #[sqlx(flatten)]
    pub extension: Extension,
    /// The configuration, a JSON object; none in some rows of older writers.
    pub config: Option<String>,
    /// Notes, a JSON object; none in some rows of older writers.
    pub metadata: Option<String>,
}

/// Who last changed an extension, and how.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct LastChange {
    /// What was done.
    pub action: AuditAction,
    /// The actor; unknown for some entries of older writers.
    pub changed_by: Option<String>,
    /// When; unknown for some entries of older writers.
    pub timestamp: Option<DateTime<Utc>>,
}

/// One row of the registry that changed, and by which request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct ChangedExtension {
    /// The row as it is now.
    #[sqlx(flatten)]
    pub extension: Extension,
    /// The request that changed it last, a UUID; none where the change named none.
    pub request_id: Option<String>,
}

/// Which extensions to list. Conditions that are empty or none let all through.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct ExtensionFilter {
    /// Of one of these types.
    pub types: Vec<ExtensionType>,
    /// Switched on, or off.
    pub enabled: Option<bool>,
    /// In one of these states.
    pub health: Vec<HealthState>,
    /// With this text in the id, the subject, the configuration or the metadata, in upper or lower
    /// case. Secrets are not searched.
    pub text: Option<String>,
}

/// A column that lists can be ordered by.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is a field of Extension by the same name")]
pub enum ExtensionSortColumn {
    #[default]
    Id,
    Type,
    Subject,
    TimeoutMs,
    Retry,
    Enabled,
    HealthScorePercent,
    Revision,
    CreatedAt,
    UpdatedAt,
}

/// A page of extensions to read.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct ExtensionListRequest {
    /// Which.
    pub filter: ExtensionFilter,
    /// By what they are ordered; then by id.
    pub sort: ExtensionSortColumn,
    /// Whether the order is turned round.
    pub descending: bool,
    /// Where to go on: the `next` of the page before, with the same order.
    pub after: Option<ExtensionCursor>,
    /// How many at the most, 1 to 10000.
    pub limit: u16,
}

/// The place after one extension in an order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct ExtensionCursor {
    /// Its value in the column that orders.
    pub value: String,
    /// Its id.
    pub id: String,
}

/// A part of the list.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct ExtensionPage {
    /// The extensions, in order.
    pub extensions: Vec<Extension>,
    /// Where the next page starts; none when there are no more.
    pub next: Option<ExtensionCursor>,
}

/// How many extensions there are of each kind.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, sqlx::FromRow, Type)]
#[allow(missing_docs, reason = "each counts the extensions of that name")]
pub struct ExtensionCounts {
    #[specta(type = WireNumber)]
    pub total: i64,
    #[specta(type = WireNumber)]
    pub enabled: i64,
    #[specta(type = WireNumber)]
    pub disabled: i64,
    #[specta(type = WireNumber)]
    pub pre: i64,
    #[specta(type = WireNumber)]
    pub validator: i64,
    #[specta(type = WireNumber)]
    pub post: i64,
    #[specta(type = WireNumber)]
    pub provider: i64,
    #[specta(type = WireNumber)]
    pub failing: i64,
    #[specta(type = WireNumber)]
    pub degraded: i64,
    #[specta(type = WireNumber)]
    pub healthy: i64,
    #[specta(type = WireNumber)]
    pub no_data: i64,
}

/// The columns of [`Extension`] with a query's own ending: one statement text for each query.
macro_rules! select_extensions {
    ($more_columns:literal, $ending:literal) => {
        concat!(
            "SELECT ",
            $more_columns,
            "extensions.id, extensions.type, subject, timeout_ms, retry, enabled,
             extensions.revision,
             -- An infinite time, which any writer may store, is none that can be told.
             CASE WHEN isfinite(created_at) THEN created_at END AS created_at,
             CASE WHEN isfinite(extensions.updated_at) THEN extensions.updated_at END AS updated_at,
             score AS health_score_percent, state AS health,
             last_change.action AS last_action,
             last_change.changed_by AS last_changed_by,
             last_change.timestamp AS last_timestamp",
            $ending
        )
    };
}

macro_rules! from_extensions_with_health {
    () => {
        concat!(
            " FROM public.extensions
             CROSS JOIN LATERAL (
                 SELECT ",
            health_columns!(),
            "    FROM (SELECT) AS one_row
                 LEFT JOIN public.extension_health ON extension_health.extension_id = extensions.id
             ) AS health "
        )
    };
}

macro_rules! join_last_change {
    () => {
        "LEFT JOIN LATERAL (
             SELECT action, changed_by, timestamp, request_id
             FROM public.extension_audit_log
             WHERE extension_id = extensions.id AND extension_audit_log.revision IS NOT NULL
             ORDER BY extension_audit_log.revision DESC
             LIMIT 1
         ) AS last_change ON true "
    };
}

const JOINS: &str = concat!(from_extensions_with_health!(), join_last_change!());
const GET: &str = "SELECT * FROM public.registry_extension($1)";
const READ_CHANGED: &str = concat!(
    select_extensions!("last_change.request_id::text AS request_id, ", " "),
    from_extensions_with_health!(),
    join_last_change!(),
    "WHERE extensions.id = ANY ($1) ORDER BY extensions.id"
);
const GET_DETAIL: &str =
    "SELECT extensions.*, nullif(row -> 'config', 'null')::text AS config, nullif(row -> 'metadata', 'null')::text AS metadata
     FROM public.registry_extension($1) AS extensions, public.registry_shown_row($1) AS row";

/// The longest page.
const LIMIT_MAX: u16 = 10_000;

impl Registry {
    /// A page of the extensions.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a limit out of range or a cursor of another order,
    /// [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn list_extensions(&self, request: &ExtensionListRequest) -> Result<ExtensionPage> {
        request.check_limit()?;
        let (key, key_type) = request.sort.key();
        let mut query = QueryBuilder::<Postgres>::new(concat!(
            "SELECT *, sort_key::text AS cursor_value FROM (",
            select_extensions!("", ", "),
        ));
        query.push(key).push(" AS sort_key ").push(JOINS);
        push_filter(&mut query, &request.filter);
        query.push(") AS listed");
        if let Some(ExtensionCursor { value, id }) = &request.after {
            query
                .push(" WHERE (sort_key, id) ")
                .push(if request.descending { "<" } else { ">" })
                .push(" (")
                .push_bind(value)
                .push("::text::")
                .push(key_type)
                .push(", ")
                .push_bind(id)
                .push(")");
        }
        let direction = if request.descending { " DESC" } else { "" };
        query
            .push(" ORDER BY sort_key")
            .push(direction)
            .push(", id")
            .push(direction)
            .push(" LIMIT ")
            // One more than asked for tells whether there is a next page.
            .push_bind(i64::from(request.limit) + 1);
        let mut rows: Vec<ListedRow> = query
            .build_query_as()
            .fetch_all(self.pool())
            .await
            .map_err(|source| list_failed(source, request.after.as_ref()))?;
        let limit = usize::from(request.limit);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(|row| ExtensionCursor {
            value: row.cursor_value.clone(),
            id: row.extension.id.clone(),
        });
        Ok(ExtensionPage {
            extensions: rows.into_iter().map(|row| row.extension).collect(),
            next,
        })
    }

    /// How many of the extensions that `filter` lets through are of each kind.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn count_extensions(&self, filter: &ExtensionFilter) -> Result<ExtensionCounts> {
        let mut query = QueryBuilder::<Postgres>::new(concat!(
            "SELECT count(*) AS total,
                    count(*) FILTER (WHERE enabled) AS enabled,
                    count(*) FILTER (WHERE NOT enabled) AS disabled,
                    count(*) FILTER (WHERE type = 'pre') AS pre,
                    count(*) FILTER (WHERE type = 'validator') AS validator,
                    count(*) FILTER (WHERE type = 'post') AS post,
                    count(*) FILTER (WHERE type = 'provider') AS provider,
                    count(*) FILTER (WHERE state = 'failing') AS failing,
                    count(*) FILTER (WHERE state = 'degraded') AS degraded,
                    count(*) FILTER (WHERE state = 'healthy') AS healthy,
                    count(*) FILTER (WHERE state = 'no_data') AS no_data
             FROM (SELECT extensions.type, enabled, state",
            from_extensions_with_health!()
        ));
        push_filter(&mut query, filter);
        query.push(") AS counted");
        query
            .build_query_as()
            .fetch_one(self.pool())
            .await
            .map_err(|source| Error::from_query("Counting the extensions", source))
    }

    /// One extension.
    ///
    /// # Errors
    /// [`Error::ExtensionNotFound`], [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn get_extension(&self, id: &str) -> Result<Extension> {
        read_extension(self.pool(), id).await
    }

    /// The extensions with these ids, in one moment and ordered by id; those that are not there are left out.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for more than 10,000 ids, [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn read_changed_extensions(&self, ids: &[String]) -> Result<Vec<ChangedExtension>> {
        if ids.len() > usize::from(LIMIT_MAX) {
            return Err(Error::InvalidInput {
                field: "ids",
                message: format!("There are {} ids, {LIMIT_MAX} are allowed.", ids.len()),
                action: "Read the whole list.",
            });
        }
        sqlx::query_as(READ_CHANGED)
            .bind(ids)
            .fetch_all(self.pool())
            .await
            .map_err(|source| Error::from_query("Reading the extensions that changed", source))
    }

    /// One extension with its configuration and metadata.
    ///
    /// # Errors
    /// [`Error::ExtensionNotFound`], [`Error::DatabaseUnavailable`], [`Error::Forbidden`].
    pub async fn get_extension_detail(&self, id: &str) -> Result<ExtensionDetail> {
        read_extension_detail(self.pool(), id).await
    }
}

pub(crate) async fn read_extension(executor: impl PgExecutor<'_>, id: &str) -> Result<Extension> {
    read_one(executor, GET, id).await
}

pub(crate) async fn read_extension_detail(
    executor: impl PgExecutor<'_>,
    id: &str,
) -> Result<ExtensionDetail> {
    read_one(executor, GET_DETAIL, id).await
}

async fn read_one<T: for<'r> FromRow<'r, PgRow> + Send + Unpin>(
    executor: impl PgExecutor<'_>,
    statement: &'static str,
    id: &str,
) -> Result<T> {
    sqlx::query_as(statement)
        .bind(id)
        .fetch_optional(executor)
        .await
        .map_err(|source| Error::from_query("Reading the extension", source))?
        .ok_or_else(|| Error::ExtensionNotFound { id: id.to_owned() })
}

impl ExtensionListRequest {
    /// # Errors
    /// [`Error::InvalidInput`] for a limit out of range.
    pub fn check_limit(&self) -> Result<()> {
        if (1..=LIMIT_MAX).contains(&self.limit) {
            return Ok(());
        }
        Err(Error::InvalidInput {
            field: "limit",
            message: format!("The limit is {}, it must be 1 to {LIMIT_MAX}.", self.limit),
            action: "Ask for a page of another size.",
        })
    }
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    extension: Extension,
    cursor_value: String,
}

impl ExtensionSortColumn {
    /// The SQL that orders, never NULL, and its type.
    fn key(self) -> (&'static str, &'static str) {
        match self {
            Self::Id => ("extensions.id::text", "text"),
            Self::Type => ("extensions.type::text", "text"),
            Self::Subject => ("subject::text", "text"),
            Self::TimeoutMs => ("timeout_ms", "integer"),
            Self::Retry => ("retry", "integer"),
            Self::Enabled => ("enabled", "boolean"),
            // What has no data comes after what has.
            Self::HealthScorePercent => ("coalesce(score, 101)", "float8"),
            Self::Revision => ("extensions.revision", "bigint"),
            Self::CreatedAt => ("coalesce(created_at, '-infinity')", "timestamptz"),
            Self::UpdatedAt => (
                "coalesce(extensions.updated_at, '-infinity')",
                "timestamptz",
            ),
        }
    }
}

fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &ExtensionFilter) {
    query.push(" WHERE true");
    if !filter.types.is_empty() {
        let types: Vec<&str> = filter.types.iter().map(|each| each.name()).collect();
        query
            .push(" AND extensions.type = ANY (")
            .push_bind(types)
            .push(")");
    }
    if let Some(enabled) = filter.enabled {
        query.push(" AND enabled = ").push_bind(enabled);
    }
    if !filter.health.is_empty() {
        let states: Vec<&str> = filter.health.iter().map(|each| each.name()).collect();
        query.push(" AND state = ANY (").push_bind(states).push(")");
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        let pattern = like_pattern(text);
        query
            .push(" AND (extensions.id ILIKE ")
            .push_bind(pattern.clone())
            .push(" OR subject ILIKE ")
            .push_bind(pattern.clone())
            // The whole row is looked at first, because redacting it costs more; a secret alone must
            // not be found, or it could be guessed piece by piece.
            .push(" OR CASE WHEN concat_ws(' ', config::text, metadata::text) ILIKE ")
            .push_bind(pattern.clone())
            .push(
                " THEN (SELECT concat_ws(' ', row -> 'config', row -> 'metadata')
                        FROM public.registry_shown_row(extensions.id) AS row) ILIKE ",
            )
            .push_bind(pattern)
            .push(" ELSE false END)");
    }
}

/// The pattern for `ILIKE` that finds `text` anywhere.
pub(crate) fn like_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn list_failed(source: sqlx::Error, cursor: Option<&ExtensionCursor>) -> Error {
    // Class 22, data exception: the cursor's value is none of the column's type.
    let is_data_exception = source
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code.starts_with("22"));
    if cursor.is_some() && is_data_exception {
        return Error::InvalidInput {
            field: "after",
            message: "The place to go on from belongs to a list of another order.".into(),
            action: "Start again with the first page.",
        };
    }
    Error::from_query("Listing the extensions", source)
}

/// The outer join's columns: all null where an extension has no entry.
#[derive(sqlx::FromRow)]
#[allow(
    clippy::struct_field_names,
    reason = "the prefix tells them from the extension's columns"
)]
struct LastChangeColumns {
    last_action: Option<String>,
    last_changed_by: Option<String>,
    last_timestamp: Option<DateTime<Utc>>,
}

impl TryFrom<LastChangeColumns> for Option<LastChange> {
    type Error = UnknownName;

    fn try_from(columns: LastChangeColumns) -> Result<Self, UnknownName> {
        columns
            .last_action
            .map(|action| {
                Ok(LastChange {
                    action: action.try_into()?,
                    changed_by: columns.last_changed_by,
                    timestamp: columns.last_timestamp,
                })
            })
            .transpose()
    }
}

impl ExtensionType {
    /// The word for it in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Validator => "validator",
            Self::Post => "post",
            Self::Provider => "provider",
        }
    }
}

impl TryFrom<&str> for ExtensionType {
    type Error = UnknownName;

    fn try_from(name: &str) -> Result<Self, UnknownName> {
        match name {
            "pre" => Ok(Self::Pre),
            "validator" => Ok(Self::Validator),
            "post" => Ok(Self::Post),
            "provider" => Ok(Self::Provider),
            _ => Err(UnknownName(name.to_owned())),
        }
    }
}

impl TryFrom<String> for ExtensionType {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        name.as_str().try_into()
    }
}

/// A word from the database that this program doesn't know; its constraints rule that out.
#[derive(Debug)]
pub struct UnknownName(pub(crate) String);

impl fmt::Display for UnknownName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unknown name {:?} in the database", self.0)
    }
}

impl std::error::Error for UnknownName {}
