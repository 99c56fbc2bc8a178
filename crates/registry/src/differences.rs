//! What differs between two JSON values, path by path.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use specta::Type;

/// One place at which two versions differ. The values are JSON text, so that numbers keep their spelling.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct FieldChange {
    /// Where: a JSON Pointer (RFC 6901) whose first part is the column's name, such as
    /// `/config/model`.
    pub path: String,
    /// The value before, as JSON text; none if it was not there.
    pub before: Option<String>,
    /// The value after, as JSON text; none if it is not there any more.
    pub after: Option<String>,
}

/// The places at which `after` differs from `before`, ordered by path. Objects are compared key by key and
/// arrays item by item; a value that was added or removed is one place, whatever is inside.
///
/// Both are JSON as PostgreSQL prints it: equal values have equal texts, so 1.0 and 1.00 differ.
pub(crate) fn differences(
    path: &str,
    before: Option<&RawValue>,
    after: Option<&RawValue>,
) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    collect(path, before, after, &mut changes);
    changes
}

/// The same for two rows, of which one may not exist: then every field is told.
pub(crate) fn row_differences(
    before: Option<&RawValue>,
    after: Option<&RawValue>,
) -> Vec<FieldChange> {
    let members =
        |row: Option<&RawValue>| row.and_then(|row| object(row.get())).unwrap_or_default();
    let mut changes = Vec::new();
    collect_members("", &members(before), &members(after), &mut changes);
    changes
}

fn collect(
    path: &str,
    before: Option<&RawValue>,
    after: Option<&RawValue>,
    changes: &mut Vec<FieldChange>,
) {
    let (old, new) = (before.map(RawValue::get), after.map(RawValue::get));
    if old == new {
        return;
    }
    if let (Some(old), Some(new)) = (old, new) {
        if let (Some(old), Some(new)) = (object(old), object(new)) {
            return collect_members(path, &old, &new, changes);
        }
        if let (Some(old), Some(new)) = (array(old), array(new)) {
            for place in 0..old.len().max(new.len()) {
                collect(
                    &format!("{path}/{place}"),
                    old.get(place).map(AsRef::as_ref),
                    new.get(place).map(AsRef::as_ref),
                    changes,
                );
            }
            return;
        }
    }
    changes.push(FieldChange {
        path: path.to_owned(),
        before: old.map(str::to_owned),
        after: new.map(str::to_owned),
    });
}

fn collect_members(path: &str, old: &Members, new: &Members, changes: &mut Vec<FieldChange>) {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
        collect(
            &path,
            old.get(key).map(AsRef::as_ref),
            new.get(key).map(AsRef::as_ref),
            changes,
        );
    }
}

type Members = BTreeMap<String, Box<RawValue>>;

/// The members of an object that is no redaction mark: a mark stands for one hidden value.
fn object(text: &str) -> Option<Members> {
    serde_json::from_str(text)
        .ok()
        .filter(|members: &Members| !members.contains_key("$redacted"))
}

fn array(text: &str) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(before: &str, after: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        differences("", Some(&raw(before)), Some(&raw(after)))
            .into_iter()
            .map(|change| (change.path, change.before, change.after))
            .collect()
    }

    #[test]
    fn only_the_places_that_differ_are_told_with_escaped_keys() {
        let changes = paths(
            r#"{"a": {"b/c": 1, "d": 2}, "gone": true, "same": [1, 2]}"#,
            r#"{"a": {"b/c": 1.0, "d": 2}, "new": null, "same": [1, 2]}"#,
        );
        assert_eq!(
            changes,
            [
                ("/a/b~1c".into(), Some("1".into()), Some("1.0".into())),
                ("/gone".into(), Some("true".into()), None),
                ("/new".into(), None, Some("null".into())),
            ]
        );
    }

    #[test]
    fn arrays_are_compared_item_by_item() {
        assert_eq!(
            paths("[1, 2, 3]", "[1, 5]"),
            [
                ("/1".into(), Some("2".into()), Some("5".into())),
                ("/2".into(), Some("3".into()), None),
            ]
        );
    }

    #[test]
    fn another_kind_of_value_is_one_place() {
        assert_eq!(paths(r#"{"a": 1}"#, "[1]").len(), 1);
    }

    #[test]
    fn a_changed_secret_is_one_place_and_not_its_fingerprint() {
        let changes = paths(
            r#"{"key": {"$redacted": "aa"}}"#,
            r#"{"key": {"$redacted": "bb"}}"#,
        );
        assert_eq!(changes[0].0, "/key");
    }
}
