//! What clients asked a registry for and what they were told, compared with what the registry says of itself afterwards: the
//! checker of the tests that break things.
//!
//! A client notes each change before it asks for it, and then what it was told: that the change was made, that it was
//! refused, or nothing, because the connection broke or the client was killed. Whatever was broken meanwhile, it must be true
//! of the audit log and of the table that
//!
//! - each change that was acknowledged is there, once, and is what was asked for;
//! - each of which nobody was told the outcome is there once or not at all, and one that was refused is not there;
//! - nothing is there that nobody asked for;
//! - of each extension, what was acknowledged before something else was asked for stands before it;
//! - revisions are 1, 2, 3 … without a gap, and each change starts from where the one before left the extension;
//! - the table is what the log makes of it, and the chain of seals is whole.
//!
//! As Elle does for Jepsen (<https://github.com/jepsen-io/elle>), it infers the order from the changes themselves: each
//! entry holds the version that it found and the one that it left, so an order that nobody can have seen shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use registry::Registry;
use serde_json::{Map, Value};
use sqlx::postgres::PgConnectOptions;
use sqlx::types::Uuid;
use sqlx::{ConnectOptions, Connection};

/// The fields of an extension.
pub type Fields = Map<String, Value>;

/// A change that a client asked for.
#[derive(Clone, Debug)]
pub struct Change {
    /// The name that the client gave it.
    pub request_id: Uuid,
    /// What it is of.
    pub extension_id: String,
    /// What these fields are afterwards; none where the extension is gone.
    pub fields: Option<Fields>,
    /// When it was asked for.
    pub asked_at: Instant,
    /// What its client knows.
    pub told: Told,
}

/// What a client knows of its change.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Nothing: it has no answer, or lost it.
    Nothing,
    /// It was made; told at this moment.
    Made(Instant),
    /// It was not made; told in these words.
    Refused(String),
}

/// What all clients noted. Clones are the same notes.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Mutex<Vec<Change>>>);

/// A change that was noted, to be told of its outcome. One that is dropped was told nothing.
#[derive(Debug)]
pub struct Asked {
    history: History,
    place: usize,
    /// The name to ask under.
    pub request_id: Uuid,
}

impl History {
    /// Notes a change that is asked for now, under a name that no other has.
    pub fn ask(&self, extension_id: &str, fields: Option<Value>) -> Asked {
        self.ask_as(new_request_id(), extension_id, fields)
    }

    /// The same under this name.
    pub fn ask_as(&self, request_id: Uuid, extension_id: &str, fields: Option<Value>) -> Asked {
        let fields = fields.map(|fields| match fields {
            Value::Object(fields) => fields,
            other => panic!("{other} are no fields"),
        });
        let mut changes = self.changes();
        changes.push(Change {
            request_id,
            extension_id: extension_id.to_owned(),
            fields,
            asked_at: Instant::now(),
            told: Told::Nothing,
        });
        Asked {
            history: self.clone(),
            place: changes.len() - 1,
            request_id,
        }
    }

    fn changes(&self) -> MutexGuard<'_, Vec<Change>> {
        self.0.lock().expect("nobody panics while noting")
    }

    /// How many changes were acknowledged so far.
    pub fn acknowledged_count(&self) -> usize {
        let made = |change: &&Change| matches!(change.told, Told::Made(_));
        self.changes().iter().filter(made).count()
    }

    /// How long after `moment` the last of these extensions had a change acknowledged that was asked for after it; none
    /// where one has none.
    pub fn resumed_after(&self, extension_ids: &[&str], moment: Instant) -> Option<Duration> {
        let changes = self.changes();
        let first = |id: &&str| {
            let of_it = changes
                .iter()
                .filter(|change| change.extension_id == *id && change.asked_at >= moment);
            of_it
                .filter_map(|change| match change.told {
                    Told::Made(at) => Some(at - moment),
                    Told::Nothing | Told::Refused(_) => None,
                })
                .min()
        };
        extension_ids
            .iter()
            .map(first)
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .max()
    }

    /// The longest time between two acknowledged changes of one of these extensions.
    pub fn longest_gap(&self, extension_ids: &[&str]) -> Duration {
        let changes = self.changes();
        let gap = |id: &&str| {
            let mut moments: Vec<_> = changes
                .iter()
                .filter(|change| change.extension_id == *id)
                .filter_map(|change| match change.told {
                    Told::Made(at) => Some(at),
                    Told::Nothing | Told::Refused(_) => None,
                })
                .collect();
            moments.sort_unstable();
            moments
                .windows(2)
                .map(|pair| pair[1] - pair[0])
                .max()
                .unwrap_or_default()
        };
        extension_ids.iter().map(gap).max().unwrap_or_default()
    }

    /// Compares what was noted with what the registry says since `before`, and verifies the chain of its seals.
    ///
    /// # Panics
    /// If anything is wrong, with all that is.
    pub async fn check(&self, before: &Said, options: &PgConnectOptions) -> Checked {
        let now = Said::read(options).await;
        let changes = self.changes().clone();
        let wrong = wrongs(before, &changes, &now);
        assert!(
            wrong.is_empty(),
            "{} things are wrong, the first of them:\n{}",
            wrong.len(),
            wrong
                .iter()
                .take(20)
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        );
        let registry = Registry::connect(options.clone()).await.expect("it opens");
        let verification = registry.verify_audit_log().await.expect("it can be read");
        registry.close().await;
        assert_eq!(verification.fault, None, "the chain is whole");
        let since: BTreeSet<_> = now
            .since(before)
            .filter_map(|entry| entry.request_id)
            .collect();
        let untold: Vec<_> = changes
            .iter()
            .filter(|change| change.told == Told::Nothing)
            .collect();
        Checked {
            acknowledged: changes
                .iter()
                .filter(|change| matches!(change.told, Told::Made(_)))
                .count(),
            untold: untold.len(),
            made_untold: untold
                .iter()
                .filter(|change| since.contains(&change.request_id))
                .count(),
            audited: now.since(before).count(),
        }
    }
}

impl Asked {
    /// It was made.
    pub fn made(self) {
        self.tell(Told::Made(Instant::now()));
    }

    /// It was not made; told in these words.
    pub fn refused(self, words: impl Into<String>) {
        self.tell(Told::Refused(words.into()));
    }

    fn tell(self, told: Told) {
        self.history.changes()[self.place].told = told;
    }
}

/// A name that no other has.
pub fn new_request_id() -> Uuid {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let number = || RandomState::new().build_hasher().finish();
    Uuid::from_u64_pair(number(), number())
}

/// The numbers of a history that was compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Checked {
    /// Changes that were acknowledged: all are there.
    pub acknowledged: usize,
    /// Changes of which nobody was told the outcome.
    pub untold: usize,
    /// How many of those were made.
    pub made_untold: usize,
    /// Entries of the audit log.
    pub audited: usize,
}

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub revision: i64,
    /// The name of the request that made it.
    pub request_id: Option<Uuid>,
    /// What changed.
    pub extension_id: String,
    /// The extension before; none where it was created.
    pub before: Option<Fields>,
    /// The extension afterwards; none where it was deleted.
    pub after: Option<Fields>,
}

/// What a registry says of itself, all of one moment.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The audit log, in the order of revisions.
    pub entries: Vec<Entry>,
    /// The table, by id.
    pub extensions: BTreeMap<String, Fields>,
}

impl Said {
    /// Reads it, as somebody who may read all of it.
    pub async fn read(options: &PgConnectOptions) -> Self {
        type Row = (i64, Option<Uuid>, String, Option<Value>, Option<Value>);
        let mut connection = options.connect().await.expect("log in");
        let mut one_moment = connection
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
            .expect("begin");
        // The entries hold times in UTC.
        sqlx::query("SET LOCAL timezone = 'UTC'")
            .execute(&mut *one_moment)
            .await
            .expect("set");
        let entries: Vec<Row> = sqlx::query_as(
            "SELECT revision, request_id, extension_id, before, after
             FROM public.extension_audit_log WHERE revision IS NOT NULL ORDER BY revision",
        )
        .fetch_all(&mut *one_moment)
        .await
        .expect("the log");
        let rows: Vec<(String, Value)> = sqlx::query_as(
            "SELECT id, public.registry_redact_row(to_jsonb(extensions)) FROM public.extensions",
        )
        .fetch_all(&mut *one_moment)
        .await
        .expect("the table");
        drop(one_moment);
        connection.close().await.expect("log out");
        Self {
            entries: entries
                .into_iter()
                .map(
                    |(revision, request_id, extension_id, before, after)| Entry {
                        revision,
                        request_id,
                        extension_id,
                        before: before.map(compared),
                        after: after.map(compared),
                    },
                )
                .collect(),
            extensions: rows
                .into_iter()
                .map(|(id, row)| (id, compared(row)))
                .collect(),
        }
    }

    fn since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a Entry> {
        let end = before.entries.last().map_or(0, |entry| entry.revision);
        self.entries
            .iter()
            .filter(move |entry| entry.revision > end)
    }
}

/// A row without what the seal alone moves: the number of the entry that is being written.
fn compared(row: Value) -> Fields {
    match row {
        Value::Object(mut fields) => {
            fields.remove("revision");
            fields
        }
        other => panic!("{other} is no row"),
    }
}

/// Something that is not as it must be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wrong {
    /// It was acknowledged and is not in the log.
    Lost(Uuid),
    /// It is in the log more than once.
    Doubled(Uuid),
    /// It was refused in these words and is in the log.
    RefusedAndMade(Uuid, String),
    /// The entry of this revision is of nobody's change.
    Invented(i64),
    /// The entry of this revision is not what was asked for.
    Different(i64),
    /// The first was acknowledged before the second was asked for, and stands behind it.
    Reordered(Uuid, Uuid),
    /// The entry of this revision doesn't follow the one before by one.
    Misnumbered(i64),
    /// The entry of this revision didn't find the extension as the entry before left it.
    Torn(i64),
    /// The extension is not what the log made of it.
    TableDiffers(String),
    /// The log of before is not the beginning of the log of now.
    PastChanged(i64),
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// All that is wrong with what the registry says now, after these changes were asked for since `before`.
pub fn wrongs(before: &Said, changes: &[Change], now: &Said) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    past(before, now, &mut wrong);
    asked(before, changes, now, &mut wrong);
    order(before, changes, now, &mut wrong);
    replay(before, now, &mut wrong);
    wrong
}

/// What was in the log is in it, as it was.
fn past(before: &Said, now: &Said, wrong: &mut Vec<Wrong>) {
    for (place, entry) in before.entries.iter().enumerate() {
        let same = now.entries.get(place).is_some_and(|other| {
            (
                other.revision,
                other.request_id,
                &other.extension_id,
                &other.before,
                &other.after,
            ) == (
                entry.revision,
                entry.request_id,
                &entry.extension_id,
                &entry.before,
                &entry.after,
            )
        });
        if !same {
            wrong.push(Wrong::PastChanged(entry.revision));
        }
    }
}

/// What was asked for, and what is there.
fn asked(before: &Said, changes: &[Change], now: &Said, wrong: &mut Vec<Wrong>) {
    let by_request: BTreeMap<Uuid, &Change> = changes
        .iter()
        .map(|change| (change.request_id, change))
        .collect();
    assert_eq!(
        by_request.len(),
        changes.len(),
        "each change has a name of its own"
    );
    let mut there: BTreeMap<Uuid, usize> = BTreeMap::new();
    for entry in now.since(before) {
        let change = entry
            .request_id
            .and_then(|request_id| by_request.get(&request_id));
        let Some(change) = change else {
            wrong.push(Wrong::Invented(entry.revision));
            continue;
        };
        *there.entry(change.request_id).or_default() += 1;
        let is_as_asked = change.extension_id == entry.extension_id
            && match (&change.fields, &entry.after) {
                (None, None) => true,
                (Some(asked), Some(after)) => asked
                    .iter()
                    .all(|(name, value)| after.get(name) == Some(value)),
                _ => false,
            };
        if !is_as_asked {
            wrong.push(Wrong::Different(entry.revision));
        }
    }
    for change in changes {
        let count = there.get(&change.request_id).copied().unwrap_or(0);
        match (&change.told, count) {
            (Told::Made(_), 0) => wrong.push(Wrong::Lost(change.request_id)),
            (Told::Refused(words), 1..) => {
                wrong.push(Wrong::RefusedAndMade(change.request_id, words.clone()));
            }
            (_, 2..) => wrong.push(Wrong::Doubled(change.request_id)),
            _ => {}
        }
    }
}

/// Of each extension, what ended before something else began stands before it.
fn order(before: &Said, changes: &[Change], now: &Said, wrong: &mut Vec<Wrong>) {
    let by_request: BTreeMap<Uuid, &Change> = changes
        .iter()
        .map(|change| (change.request_id, change))
        .collect();
    // Going back through the log: the latest moment at which something further on was acknowledged must not be before the
    // moment at which this one was asked for.
    let mut first_ended: BTreeMap<&str, (Instant, Uuid)> = BTreeMap::new();
    let entries: Vec<_> = now.since(before).collect();
    for entry in entries.into_iter().rev() {
        let Some(change) = entry.request_id.and_then(|id| by_request.get(&id)) else {
            continue;
        };
        let further_on = first_ended.get(change.extension_id.as_str());
        if let Some((ended, later)) = further_on
            && *ended < change.asked_at
        {
            wrong.push(Wrong::Reordered(*later, change.request_id));
        }
        if let Told::Made(at) = change.told
            && further_on.is_none_or(|(ended, _)| at < *ended)
        {
            first_ended.insert(&change.extension_id, (at, change.request_id));
        }
    }
}

/// Numbers follow each other, each entry goes on from the one before, and the table is where they lead.
fn replay(before: &Said, now: &Said, wrong: &mut Vec<Wrong>) {
    let mut extensions: BTreeMap<&str, &Fields> = before
        .extensions
        .iter()
        .map(|(id, row)| (id.as_str(), row))
        .collect();
    let mut last = before.entries.last().map_or(0, |entry| entry.revision);
    for entry in now.since(before) {
        if entry.revision != last + 1 {
            wrong.push(Wrong::Misnumbered(entry.revision));
        }
        last = entry.revision;
        let id = entry.extension_id.as_str();
        if extensions.get(id).copied() != entry.before.as_ref() {
            wrong.push(Wrong::Torn(entry.revision));
        }
        match &entry.after {
            Some(after) => drop(extensions.insert(id, after)),
            None => drop(extensions.remove(id)),
        }
    }
    let ids: BTreeSet<&str> = extensions
        .keys()
        .copied()
        .chain(now.extensions.keys().map(String::as_str))
        .collect();
    for id in ids {
        if extensions.get(id).copied() != now.extensions.get(id) {
            wrong.push(Wrong::TableDiffers(id.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(timeout_ms: i32) -> Fields {
        let Value::Object(fields) = json!({ "id": "a", "timeout_ms": timeout_ms, "retry": 1 })
        else {
            unreachable!();
        };
        fields
    }

    fn name(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// Five changes of an extension, one after the other; the fourth lost its answer and was made, the fifth was refused.
    /// Each is asked for at an odd second and told at an even one.
    fn right() -> (Said, Vec<Change>, Said) {
        let before = Said {
            entries: Vec::new(),
            extensions: BTreeMap::from([("a".to_owned(), fields(0)), ("b".to_owned(), fields(9))]),
        };
        let begun_at = Instant::now();
        let second = |number: u64| begun_at + Duration::from_secs(number);
        let changes = (1..=5_u64)
            .map(|number| Change {
                request_id: name(number.into()),
                extension_id: "a".into(),
                fields: Some(Map::from_iter([("timeout_ms".to_owned(), json!(number))])),
                asked_at: second(2 * number - 1),
                told: match number {
                    4 => Told::Nothing,
                    5 => Told::Refused("a rule".into()),
                    _ => Told::Made(second(2 * number)),
                },
            })
            .collect();
        let entries = (1..=4_i32)
            .map(|number| Entry {
                revision: number.into(),
                request_id: Some(name(number.try_into().unwrap())),
                extension_id: "a".into(),
                before: Some(fields(number - 1)),
                after: Some(fields(number)),
            })
            .collect();
        let mut now = Said {
            entries,
            extensions: before.extensions.clone(),
        };
        now.extensions.insert("a".into(), fields(4));
        (before, changes, now)
    }

    /// What is found after somebody meddled.
    fn found(meddle: impl FnOnce(&mut Said, &mut Vec<Change>, &mut Said)) -> Vec<Wrong> {
        let (mut before, mut changes, mut now) = right();
        meddle(&mut before, &mut changes, &mut now);
        wrongs(&before, &changes, &now)
    }

    #[test]
    fn a_history_that_is_right_passes() {
        assert_eq!(found(|_, _, _| ()), []);
    }

    #[test]
    fn what_nobody_was_told_of_may_be_missing() {
        let missing = found(|_, _, now| {
            now.entries.pop();
            now.extensions.insert("a".into(), fields(3));
        });
        assert_eq!(missing, []);
    }

    #[test]
    fn what_was_lost_shows() {
        let lost = found(|_, _, now| {
            now.entries.truncate(2);
            now.extensions.insert("a".into(), fields(2));
        });
        assert_eq!(lost, [Wrong::Lost(name(3))]);
        let in_the_middle = found(|_, _, now| drop(now.entries.remove(1)));
        assert_eq!(
            in_the_middle,
            [Wrong::Lost(name(2)), Wrong::Misnumbered(3), Wrong::Torn(3)]
        );
    }

    #[test]
    fn what_was_made_twice_shows() {
        for number in [3, 4] {
            let doubled = found(|_, _, now| {
                let mut again = now.entries[number - 1].clone();
                again.revision = 5;
                again.before = Some(fields(4));
                again.after = Some(fields(number.try_into().unwrap()));
                now.extensions
                    .insert("a".into(), fields(number.try_into().unwrap()));
                now.entries.push(again);
            });
            let doubled: Vec<_> = doubled
                .into_iter()
                .filter(|wrong| matches!(wrong, Wrong::Doubled(_)))
                .collect();
            assert_eq!(doubled, [Wrong::Doubled(name(number as u128))]);
        }
    }

    #[test]
    fn what_stands_in_an_order_that_nobody_saw_shows() {
        let reordered = found(|_, changes, now| {
            // As if the second had been made before the first: all else fits.
            for entry in &mut now.entries[..2] {
                entry.request_id = Some(name(3 - u128::from(entry.revision.unsigned_abs())));
            }
            let later = changes[1].fields.take();
            changes[1].fields = changes[0].fields.take();
            changes[0].fields = later;
        });
        assert_eq!(reordered, [Wrong::Reordered(name(1), name(2))]);
    }

    #[test]
    fn what_was_under_way_at_once_may_stand_in_either_order() {
        let either = found(|_, changes, now| {
            for entry in &mut now.entries[..2] {
                entry.request_id = Some(name(3 - u128::from(entry.revision.unsigned_abs())));
            }
            let later = changes[1].fields.take();
            changes[1].fields = changes[0].fields.take();
            changes[0].fields = later;
            changes[1].asked_at = changes[0].asked_at;
        });
        assert_eq!(either, []);
    }

    #[test]
    fn what_nobody_asked_for_shows() {
        for request_id in [None, Some(name(77))] {
            let invented = found(|_, _, now| {
                now.entries.push(Entry {
                    revision: 5,
                    request_id,
                    extension_id: "b".into(),
                    before: Some(fields(9)),
                    after: Some(fields(10)),
                });
                now.extensions.insert("b".into(), fields(10));
            });
            assert_eq!(invented, [Wrong::Invented(5)]);
        }
    }

    #[test]
    fn what_was_refused_and_made_all_the_same_shows() {
        let made = found(|_, _, now| {
            now.entries.push(Entry {
                revision: 5,
                request_id: Some(name(5)),
                extension_id: "a".into(),
                before: Some(fields(4)),
                after: Some(fields(5)),
            });
            now.extensions.insert("a".into(), fields(5));
        });
        assert_eq!(made, [Wrong::RefusedAndMade(name(5), "a rule".into())]);
    }

    #[test]
    fn what_is_not_what_was_asked_for_shows() {
        let other_value = found(|_, changes, _| changes[2].fields = Some(fields(30)));
        assert_eq!(other_value, [Wrong::Different(3)]);
        let other_extension = found(|_, changes, _| changes[2].extension_id = "b".into());
        assert_eq!(other_extension, [Wrong::Different(3)]);
        let not_deleted = found(|_, changes, _| changes[2].fields = None);
        assert_eq!(not_deleted, [Wrong::Different(3)]);
    }

    #[test]
    fn a_table_that_differs_from_the_log_shows() {
        let edited = found(|_, _, now| drop(now.extensions.insert("a".into(), fields(40))));
        assert_eq!(edited, [Wrong::TableDiffers("a".into())]);
        let untouched_and_edited =
            found(|_, _, now| drop(now.extensions.insert("b".into(), fields(1))));
        assert_eq!(untouched_and_edited, [Wrong::TableDiffers("b".into())]);
        let gone = found(|_, _, now| drop(now.extensions.remove("a")));
        assert_eq!(gone, [Wrong::TableDiffers("a".into())]);
        let new = found(|_, _, now| drop(now.extensions.insert("c".into(), fields(1))));
        assert_eq!(new, [Wrong::TableDiffers("c".into())]);
    }

    #[test]
    fn a_gap_in_the_numbers_shows() {
        let gap = found(|_, _, now| now.entries[3].revision = 5);
        assert_eq!(gap, [Wrong::Misnumbered(5)]);
    }

    #[test]
    fn a_change_that_started_from_something_else_shows() {
        let torn = found(|_, _, now| now.entries[2].before = Some(fields(1)));
        assert_eq!(torn, [Wrong::Torn(3)]);
    }

    #[test]
    fn a_past_that_changed_shows() {
        let (_, _, now) = right();
        let mut edited = now.clone();
        edited.entries[1].after = Some(fields(20));
        assert_eq!(wrongs(&now, &[], &edited), [Wrong::PastChanged(2)]);
        let mut cut = now.clone();
        cut.entries.truncate(3);
        assert!(wrongs(&now, &[], &cut).contains(&Wrong::PastChanged(4)));
    }

    #[test]
    fn how_long_nobody_could_go_on_is_told() {
        let (_, changes, _) = right();
        let history = History(Arc::new(Mutex::new(changes.clone())));
        let second = Duration::from_secs(1);
        assert_eq!(history.longest_gap(&["a"]), 2 * second);
        assert_eq!(
            history.resumed_after(&["a"], changes[0].asked_at + second),
            Some(2 * second)
        );
        assert_eq!(
            history.resumed_after(&["a", "b"], changes[0].asked_at),
            None
        );
        assert_eq!(history.acknowledged_count(), 3);
    }
}
