//! The audit log: who changed what, when, from where and why. Table `extension_audit_log`.
//!
//! Entries are written by database triggers alone (`migrations/0008_who_when_and_for_whom.sql`); here
//! they are read.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use specta::Type;
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;
use sqlx::{Postgres, QueryBuilder};

use crate::access::{Attempt, Role};
use crate::differences::{FieldChange, differences};
use crate::extensions::{UnknownName, like_pattern};
use crate::time_travel::revision_at;
use crate::wire::WireNumber;
use crate::{Error, Registry, Result};

/// What was done to an extension.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// It was added.
    Created,
    /// Its fields were changed.
    Updated,
    /// It was removed; its history stays.
    Deleted,
    /// It was switched on and nothing else changed.
    Enabled,
    /// It was switched off and nothing else changed.
    Disabled,
}

/// How the actor of an entry is known.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ActorSource {
    /// The database saw the login that made the change.
    Login,
    /// A server that acts for many people named the actor; the database saw only the server's login.
    Claimed,
    /// A program wrote the entry by itself: nothing about it was verified.
    Legacy,
}

/// One change of one extension.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct AuditEntry {
    /// The registry's revision that this change made: 1, 2, 3 … in the order of the commits.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// The extension that changed; it may be gone since.
    pub extension_id: String,
    /// What was done.
    pub action: AuditAction,
    /// The actor.
    pub changed_by: Option<String>,
    /// How the actor is known.
    pub actor_source: ActorSource,
    /// The database login that made the change; unknown for some older entries.
    pub login: Option<String>,
    /// The operating system account, as the changing program reported it.
    pub os_user: Option<String>,
    /// The changing program, as it reported itself.
    pub application_name: Option<String>,
    /// Where the connection came from; none for a unix socket.
    pub client_address: Option<String>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// When the change was made.
    pub timestamp: Option<DateTime<Utc>>,
    /// When it took effect: the seal's time, which never goes back from one revision to the next.
    pub sealed_at: Option<DateTime<Utc>>,
    /// The caller's name for the request.
    pub request_id: Option<String>,
    /// Common to the entries of one bulk change, import, restore or undo.
    pub group_id: Option<String>,
    /// The revision whose version this change brought back.
    #[specta(type = Option<WireNumber>)]
    pub restored_revision: Option<i64>,
    /// The group that this change took back.
    pub undone_group_id: Option<String>,
    /// The change that this one took back.
    #[specta(type = Option<WireNumber>)]
    pub undone_revision: Option<i64>,
    /// What changed, ordered by path.
    pub changes: Vec<FieldChange>,
}

/// Which entries to read. Conditions that are empty or none let all through.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct AuditFilter {
    /// About this extension: its history.
    pub extension_id: Option<String>,
    /// Made by this actor.
    pub changed_by: Option<String>,
    /// Of one of these kinds.
    pub actions: Vec<AuditAction>,
    /// In effect at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// In effect before this time.
    pub until: Option<DateTime<Utc>>,
    /// Of this bulk change, import, restore or undo.
    pub group_id: Option<String>,
    /// With this text in the extension's id, the actor, the reason or what changed, in upper or lower case.
    pub text: Option<String>,
}

/// Which part of the log to read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct AuditListRequest {
    /// Which entries.
    pub filter: AuditFilter,
    /// Only entries older than this one: the `next_before_revision` of the page above.
    #[specta(type = Option<WireNumber>)]
    pub before_revision: Option<i64>,
    /// In place of that: only entries newer than this one, those next to it: the `next_after_revision` of the page below.
    #[specta(type = Option<WireNumber>)]
    pub after_revision: Option<i64>,
    /// How many entries at the most, 1 to 500.
    pub limit: u16,
}

/// A part of the log, newest entry first.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where the next page starts, which may be below the last entry of this one; none when nothing older is
    /// left to look at.
    #[specta(type = Option<WireNumber>)]
    pub next_before_revision: Option<i64>,
    /// Where the page above starts; none when nothing newer was left to look at.
    #[specta(type = Option<WireNumber>)]
    pub next_after_revision: Option<i64>,
    /// Where no index tells which entries the filter lets through: the revisions that are looked through.
    pub searched: Option<RevisionRange>,
}

/// Revisions that follow each other, both ends included.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct RevisionRange {
    /// The first.
    #[specta(type = WireNumber)]
    pub oldest: i64,
    /// The last; one less than the first where there is none.
    #[specta(type = WireNumber)]
    pub newest: i64,
}

/// The longest page.
const LIMIT_MAX: u16 = 500;

impl Registry {
    /// A page of the audit log, newest entry first.
    ///
    /// However long the log is, a page takes about as long as any other: where no index tells which entries the
    /// filter lets through, 1,000 at the most are looked at, and the page may have fewer entries than asked for, or none, and
    /// still say where the next one starts.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a limit out of range or two places at once, [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`].
    pub async fn list_audit_entries(&self, request: &AuditListRequest) -> Result<AuditPage> {
        let place = Place::of(request)?;
        let failed = |source| Error::from_query(READ, source);
        let limit = usize::from(request.limit);
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        let (indexed, others) = by_index(&request.filter);
        // Times are ranges of revisions, which every index has in order.
        let indexed = AuditFilter {
            since: request.filter.since,
            until: request.filter.until,
            ..indexed
        };
        let is_searched = others != AuditFilter::default();
        let mut query = QueryBuilder::new(ENTRY_COLUMNS);
        query.push(" FROM (SELECT * FROM public.extension_audit_log WHERE revision IS NOT NULL");
        push_conditions(&mut query, &mut connection, &indexed).await?;
        place.push(&mut query);
        query.push_bind(if is_searched {
            searched_max(&indexed)
        } else {
            i64::from(request.limit) + 1
        });
        query.push(") AS nearest WHERE true");
        push_conditions(&mut query, &mut connection, &others).await?;
        query
            .push(place.order())
            // One more than asked for tells whether there is a next page.
            .push_bind(i64::from(request.limit) + 1);
        let mut rows: Vec<AuditRow> = query
            .build_query_as()
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let searched_to = if has_more || !is_searched {
            None
        } else {
            searched_to(&mut connection, &indexed, place).await?
        };
        let mut entries = rows
            .into_iter()
            .map(AuditRow::entry)
            .collect::<Result<Vec<_>>>()?;
        let next = entries
            .last()
            .filter(|_| has_more)
            .map(|entry| entry.revision)
            .or(searched_to);
        if let Place::After(_) = place {
            entries.reverse();
        }
        let searched = if is_searched {
            Some(searched_range(&mut connection, &indexed).await?)
        } else {
            None
        };
        Ok(AuditPage {
            entries,
            next_before_revision: match place {
                Place::Newest | Place::Before(_) => next,
                Place::After(revision) => Some(revision.saturating_add(1)),
            },
            next_after_revision: match place {
                Place::Newest => None,
                Place::Before(revision) => Some(revision.saturating_sub(1)),
                Place::After(_) => next,
            },
            searched,
        })
    }

    /// The newest revision whose change had taken effect at `time`; 0 if none had.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn revision_at(&self, time: DateTime<Utc>) -> Result<i64> {
        let failed = |source| Error::from_query(READ, source);
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        revision_at(&mut connection, time).await.map_err(failed)
    }
}

/// Where a page lies in the log.
#[derive(Clone, Copy)]
enum Place {
    Newest,
    Before(i64),
    After(i64),
}

impl Place {
    fn of(request: &AuditListRequest) -> Result<Self> {
        if !(1..=LIMIT_MAX).contains(&request.limit) {
            return Err(Error::InvalidInput {
                field: "limit",
                message: format!(
                    "The limit is {}, it must be 1 to {LIMIT_MAX}.",
                    request.limit
                ),
                action: "Ask for a smaller page.",
            });
        }
        match (request.before_revision, request.after_revision) {
            (None, None) => Ok(Self::Newest),
            (Some(revision), None) => Ok(Self::Before(revision)),
            (None, Some(revision)) => Ok(Self::After(revision)),
            (Some(_), Some(_)) => Err(Error::InvalidInput {
                field: "after_revision",
                message: "A page is before a revision or after one, not both.".into(),
                action: "Leave one of them out.",
            }),
        }
    }

    fn order(self) -> &'static str {
        match self {
            Self::Newest | Self::Before(_) => " ORDER BY revision DESC LIMIT ",
            Self::After(_) => " ORDER BY revision LIMIT ",
        }
    }

    /// Adds the place's condition and its order to a query that has a WHERE; a number of rows follows.
    fn push(self, query: &mut QueryBuilder<Postgres>) {
        match self {
            Self::Newest => {}
            Self::Before(revision) => {
                query.push(" AND revision < ").push_bind(revision);
            }
            Self::After(revision) => {
                query.push(" AND revision > ").push_bind(revision);
            }
        }
        query.push(self.order());
    }
}

impl Registry {
    /// What the request of this name did, oldest entry first: nothing if it never came through, or if
    /// what it asked for was so already. For who lost the answer.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn changes_of_request(&self, request_id: Uuid) -> Result<Vec<AuditEntry>> {
        let failed = |source| Error::from_query(READ, source);
        let mut connection = self.pool().acquire().await.map_err(failed)?;
        let mut query = entries_query(&mut connection, &AuditFilter::default()).await?;
        query.push(" AND request_id = ").push_bind(request_id);
        let rows: Vec<AuditRow> = query
            .push(" ORDER BY revision")
            .build_query_as()
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        rows.into_iter().map(AuditRow::entry).collect()
    }
}

/// How many entries are looked at for one page where no index tells which the filter lets through. Those of one
/// extension, actor or kind lie far apart, each on a page of its own; others are neighbours.
fn searched_max(indexed: &AuditFilter) -> i64 {
    let is_scattered = indexed.extension_id.is_some()
        || indexed.changed_by.is_some()
        || !indexed.actions.is_empty();
    if is_scattered { 400 } else { 1_000 }
}

/// What an entry is read from. `host()` drops the netmask; `::text` keeps the numbers' spelling.
const ENTRY_COLUMNS: &str = "\
    SELECT revision, extension_id, action, changed_by, actor_source, login, os_user, application_name,
           host(client_address) AS client_address, reason, timestamp, sealed_at,
           request_id::text AS request_id, group_id::text AS group_id, restored_revision,
           undone_group_id::text AS undone_group_id, undone_revision, changes::text AS changes";

/// The revision to which a page was looked for; none if that was all there is.
async fn searched_to(
    connection: &mut PgConnection,
    indexed: &AuditFilter,
    place: Place,
) -> Result<Option<i64>> {
    let mut query = QueryBuilder::new(match place {
        Place::Newest | Place::Before(_) => "SELECT min(revision)",
        Place::After(_) => "SELECT max(revision)",
    });
    query.push(" FROM (SELECT revision FROM public.extension_audit_log WHERE revision IS NOT NULL");
    push_conditions(&mut query, connection, indexed).await?;
    place.push(&mut query);
    query
        .push_bind(searched_max(indexed))
        .push(") AS nearest HAVING count(*) = ")
        .push_bind(searched_max(indexed));
    query
        .build_query_scalar()
        .fetch_optional(connection)
        .await
        .map_err(|source| Error::from_query(READ, source))
}

/// The revisions in the filter's range of time.
async fn searched_range(
    connection: &mut PgConnection,
    filter: &AuditFilter,
) -> Result<RevisionRange> {
    let newest: i64 = match filter.until {
        Some(time) => revision_before(connection, time).await,
        None => {
            sqlx::query_scalar("SELECT revision FROM public.registry_head")
                .fetch_one(&mut *connection)
                .await
        }
    }
    .map_err(|source| Error::from_query(READ, source))?;
    let before = match filter.since {
        Some(time) => revision_before(connection, time).await,
        None => Ok(0),
    }
    .map_err(|source| Error::from_query(READ, source))?;
    Ok(RevisionRange {
        oldest: before + 1,
        newest: newest.max(before),
    })
}

/// The newest revision whose change took effect before `time`. A microsecond is the database's smallest step.
async fn revision_before(connection: &mut PgConnection, time: DateTime<Utc>) -> sqlx::Result<i64> {
    let before = time
        .checked_sub_signed(TimeDelta::microseconds(1))
        .unwrap_or(time);
    revision_at(connection, before).await
}

/// The condition by which an index finds entries in their order, and the others, which are tried on each
/// entry that it finds.
pub(crate) fn by_index(filter: &AuditFilter) -> (AuditFilter, AuditFilter) {
    let mut indexed = AuditFilter::default();
    let mut others = AuditFilter {
        since: None,
        until: None,
        ..filter.clone()
    };
    if others.group_id.is_some() {
        indexed.group_id = others.group_id.take();
    } else if others.extension_id.is_some() {
        indexed.extension_id = others.extension_id.take();
    } else if others.changed_by.is_some() {
        indexed.changed_by = others.changed_by.take();
    } else if others.actions.len() == 1 {
        indexed.actions = std::mem::take(&mut others.actions);
    }
    (indexed, others)
}

/// The query for the entries that `filter` lets through, without an order.
pub(crate) async fn entries_query(
    connection: &mut PgConnection,
    filter: &AuditFilter,
) -> Result<QueryBuilder<Postgres>> {
    let mut query = QueryBuilder::new(ENTRY_COLUMNS);
    query.push(" FROM public.extension_audit_log WHERE revision IS NOT NULL");
    push_conditions(&mut query, connection, filter).await?;
    Ok(query)
}

/// Adds the conditions of `filter` to a query for entries that has a WHERE.
pub(crate) async fn push_conditions(
    query: &mut QueryBuilder<Postgres>,
    connection: &mut PgConnection,
    filter: &AuditFilter,
) -> Result<()> {
    if let Some(id) = &filter.extension_id {
        query.push(" AND extension_id = ").push_bind(id.clone());
    }
    if let Some(actor) = &filter.changed_by {
        query.push(" AND changed_by = ").push_bind(actor.clone());
    }
    match filter.actions.as_slice() {
        [] => {}
        // An index has the entries of one kind in order; those of several it would have to sort.
        [action] => {
            query.push(" AND action = ").push_bind(action.name());
        }
        actions => {
            let names: Vec<&str> = actions.iter().map(|each| each.name()).collect();
            query.push(" AND action = ANY (").push_bind(names).push(")");
        }
    }
    if let Some(id) = &filter.group_id {
        let id = Uuid::try_parse(id).map_err(|_| Error::InvalidInput {
            field: "group_id",
            message: format!("{id:?} is no group id."),
            action: "Take the group id of an entry.",
        })?;
        query.push(" AND group_id = ").push_bind(id);
    }
    // Times never go back from one revision to the next, so a range of time is a range of revisions, in
    // which the log is ordered.
    for (time, comparison) in [
        (filter.since, " AND revision > "),
        (filter.until, " AND revision <= "),
    ] {
        if let Some(time) = time {
            let revision = revision_before(connection, time)
                .await
                .map_err(|source| Error::from_query(READ, source))?;
            query.push(comparison).push_bind(revision);
        }
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        query
            .push(" AND concat_ws(E'\\n', extension_id, changed_by, reason, changes::text) ILIKE ")
            .push_bind(like_pattern(text));
    }
    Ok(())
}

const READ: Attempt = Attempt::by(Role::RegistryAuditor, "Reading the audit log");

#[derive(sqlx::FromRow)]
pub(crate) struct AuditRow {
    revision: i64,
    extension_id: String,
    action: String,
    changed_by: Option<String>,
    actor_source: String,
    login: Option<String>,
    os_user: Option<String>,
    application_name: Option<String>,
    client_address: Option<String>,
    reason: Option<String>,
    timestamp: Option<DateTime<Utc>>,
    sealed_at: Option<DateTime<Utc>>,
    request_id: Option<String>,
    group_id: Option<String>,
    restored_revision: Option<i64>,
    undone_group_id: Option<String>,
    undone_revision: Option<i64>,
    changes: Option<String>,
}

impl AuditRow {
    pub(crate) fn entry(self) -> Result<AuditEntry> {
        self.read().map_err(|source| Error::Internal {
            attempted: READ.words,
            source,
        })
    }

    fn read(self) -> Result<AuditEntry, Box<dyn std::error::Error + Send + Sync>> {
        let actor_source = self.actor_source.try_into()?;
        Ok(AuditEntry {
            revision: self.revision,
            extension_id: self.extension_id,
            action: self.action.try_into()?,
            changed_by: self.changed_by,
            actor_source,
            login: self.login,
            os_user: self.os_user,
            application_name: self.application_name,
            client_address: self.client_address,
            reason: self.reason,
            timestamp: self.timestamp,
            sealed_at: self.sealed_at,
            request_id: self.request_id,
            group_id: self.group_id,
            restored_revision: self.restored_revision,
            undone_group_id: self.undone_group_id,
            undone_revision: self.undone_revision,
            changes: match self.changes {
                None => Vec::new(),
                Some(text) => field_changes(&text, actor_source)?,
            },
        })
    }
}

/// Reads the column `changes`. A legacy program writes what it was given, in any shape: an object
/// of new values is shown as such, anything else as one value.
pub(crate) fn field_changes(
    text: &str,
    actor_source: ActorSource,
) -> Result<Vec<FieldChange>, serde_json::Error> {
    if actor_source != ActorSource::Legacy {
        let fields: BTreeMap<String, BTreeMap<String, Box<RawValue>>> = serde_json::from_str(text)?;
        return Ok(fields
            .iter()
            .flat_map(|(field, sides)| {
                let side = |name: &str| sides.get(name).map(AsRef::as_ref);
                differences(&format!("/{field}"), side("before"), side("after"))
            })
            .collect());
    }
    Ok(
        match serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) {
            Ok(fields) => fields
                .into_iter()
                .map(|(field, value)| FieldChange {
                    path: format!("/{}", field.replace('~', "~0").replace('/', "~1")),
                    before: None,
                    after: Some(value.get().to_owned()),
                })
                .collect(),
            Err(_) => vec![FieldChange {
                path: String::new(),
                before: None,
                after: Some(text.to_owned()),
            }],
        },
    )
}

impl AuditAction {
    /// The word for it in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

impl ActorSource {
    /// The word for it in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Claimed => "claimed",
            Self::Legacy => "legacy",
        }
    }
}

impl TryFrom<String> for AuditAction {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        match name.as_str() {
            "created" => Ok(Self::Created),
            "updated" => Ok(Self::Updated),
            "deleted" => Ok(Self::Deleted),
            "enabled" => Ok(Self::Enabled),
            "disabled" => Ok(Self::Disabled),
            _ => Err(UnknownName(name)),
        }
    }
}

impl TryFrom<String> for ActorSource {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        match name.as_str() {
            "login" => Ok(Self::Login),
            "claimed" => Ok(Self::Claimed),
            "legacy" => Ok(Self::Legacy),
            _ => Err(UnknownName(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_spelling_and_null_is_not_absence() {
        let text = r#"{"config": {"before": null, "after": {"rate": 1.00}}, "id": {"after": "a"}}"#;
        let changes = field_changes(text, ActorSource::Login).unwrap();
        assert_eq!(changes[0].path, "/config");
        assert_eq!(changes[0].before.as_deref(), Some("null"));
        assert_eq!(changes[0].after.as_deref(), Some(r#"{"rate": 1.00}"#));
        assert_eq!(changes[1].before, None);
    }

    #[test]
    fn a_legacy_programs_new_values_are_shown_as_after() {
        let changes = field_changes(r#"{"enabled": true}"#, ActorSource::Legacy).unwrap();
        assert_eq!(changes.len(), 1);
        assert_eq!(
            (changes[0].before.as_deref(), changes[0].after.as_deref()),
            (None, Some("true"))
        );
    }

    #[test]
    fn a_legacy_programs_odd_value_is_shown_whole() {
        let changes = field_changes(r#"["x"]"#, ActorSource::Legacy).unwrap();
        assert_eq!(changes[0].path, "");
        assert_eq!(changes[0].after.as_deref(), Some(r#"["x"]"#));
    }
}
