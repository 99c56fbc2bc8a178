//! The tree that both YAML and JSON are read into: values with their places, numbers as they are spelled.

use super::{DocumentProblem, DocumentProblemCode, Place};

/// How deep a file may be nested: 99 levels of a configuration, which the registry allows, and those around it.
pub(super) const DEPTH_MAX: usize = 103;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// A JSON number as it is spelled.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) text: String,
}

impl Node {
    /// A value that is to be written: it has no place.
    pub(super) fn of(kind: Kind) -> Self {
        Self {
            place: Place::default(),
            kind,
        }
    }

    pub(super) fn text(text: &str) -> Self {
        Self::of(Kind::Text(text.to_owned()))
    }

    pub(super) fn map<'a>(members: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let key = |text: &str| Key {
            place: Place::default(),
            text: text.to_owned(),
        };
        Self::of(Kind::Map(
            members
                .into_iter()
                .map(|(name, value)| (key(name), value))
                .collect(),
        ))
    }

    /// Orders the keys by name, at every depth.
    pub(super) fn sort(&mut self) {
        match &mut self.kind {
            Kind::List(items) => items.iter_mut().for_each(Self::sort),
            Kind::Map(members) => {
                members.sort_by(|(left, _), (right, _)| left.text.cmp(&right.text));
                for (_, value) in members {
                    value.sort();
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
        }
    }

    /// The first part that PostgreSQL can't store, and why.
    pub(super) fn unstorable(&self) -> Option<(Place, &'static str)> {
        match &self.kind {
            Kind::Text(text) => unstorable_text(text).map(|why| (self.place, why)),
            Kind::Number(text) => unstorable_number(text).map(|why| (self.place, why)),
            Kind::List(items) => items.iter().find_map(Self::unstorable),
            Kind::Map(members) => members.iter().find_map(|(key, value)| {
                unstorable_text(&key.text)
                    .map(|why| (key.place, why))
                    .or_else(|| value.unstorable())
            }),
            Kind::Null | Kind::Bool(_) => None,
        }
    }
}

pub(super) fn unstorable_text(text: &str) -> Option<&'static str> {
    text.contains('\0')
        .then_some("contains the character U+0000")
}

/// PostgreSQL's `numeric` has 131,072 digits before the point and 16,383 after it.
fn unstorable_number(text: &str) -> Option<&'static str> {
    const PLACES_MAX: i64 = 16_000;
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.parse::<i64>().unwrap_or(i64::MAX);
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    (length.saturating_add(exponent.saturating_abs()) > PLACES_MAX)
        .then_some("has a number with too many digits")
}

/// Whether JSON has this number, spelled so.
pub(super) fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && exponent
            .is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

pub(super) fn too_deep(place: Place) -> DocumentProblem {
    DocumentProblem::new(
        DocumentProblemCode::WrongValue,
        Some(place),
        "The file is nested too deeply here: a configuration has at most 99 levels.".into(),
        "Make it flatter.",
    )
}

pub(super) fn duplicate_key(key: &Key) -> DocumentProblem {
    DocumentProblem::new(
        DocumentProblemCode::Duplicate,
        Some(key.place),
        format!("The key {:?} is there twice.", key.text),
        "Remove one of them.",
    )
}

/// The first key that is there twice.
pub(super) fn first_duplicate(members: &[(Key, Node)]) -> Option<&Key> {
    let mut seen = std::collections::HashSet::with_capacity(members.len());
    members
        .iter()
        .map(|(key, _)| key)
        .find(|key| !seen.insert(key.text.as_str()))
}
