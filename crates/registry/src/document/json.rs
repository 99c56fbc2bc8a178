//! JSON to and from the tree.

use std::cell::Cell;
use std::fmt::{self, Write};

use serde::Deserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::node::{DEPTH_MAX, Key, Kind, Node, duplicate_key, first_duplicate, too_deep};
use super::{DocumentProblem, DocumentProblemCode, Place};

const START: Place = Place { line: 1, column: 1 };

pub(super) fn parse(text: &str) -> Result<Node, DocumentProblem> {
    let raw: &RawValue =
        serde_json::from_str(text).map_err(|error| syntax(place_of(text, &error), &error))?;
    Source::new(text).node(raw, 0)
}

/// Where an error is: `serde_json` counts bytes, and none at the end of a line.
fn place_of(text: &str, error: &serde_json::Error) -> Place {
    let line = text.split('\n').nth(error.line().saturating_sub(1));
    let bytes = line.unwrap_or_default().as_bytes();
    let before = bytes.get(..error.column()).unwrap_or(bytes);
    // Of each character the first byte.
    let column = before.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    Place {
        line: u32::try_from(error.line()).unwrap_or(u32::MAX),
        column: u32::try_from(column.max(1)).unwrap_or(u32::MAX),
    }
}

fn syntax(place: Place, error: &serde_json::Error) -> DocumentProblem {
    // serde_json ends its words with the place, which is told by itself.
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    DocumentProblem::new(
        DocumentProblemCode::Syntax,
        Some(place),
        format!("The JSON can't be read: {words}."),
        "Correct it at that place.",
    )
}

/// A text, and how far it was looked through for places.
struct Source<'a> {
    text: &'a str,
    /// An offset and its place: places are asked for in the order of the text, so that it is looked through once.
    reached: Cell<(usize, Place)>,
}

impl<'a> Source<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            reached: Cell::new((0, START)),
        }
    }

    /// Where a part of the text is: parts are borrowed from it, so their addresses tell.
    fn place(&self, part: &str) -> Place {
        let offset = part
            .as_ptr()
            .addr()
            .saturating_sub(self.text.as_ptr().addr());
        let (from, mut place) = match self.reached.get() {
            (reached, place) if reached <= offset => (reached, place),
            _ => (0, START),
        };
        for character in self.text.get(from..offset).unwrap_or_default().chars() {
            if character == '\n' {
                place = Place {
                    line: place.line.saturating_add(1),
                    column: 1,
                };
            } else {
                place.column = place.column.saturating_add(1);
            }
        }
        self.reached.set((offset, place));
        place
    }

    fn node(&self, raw: &'a RawValue, depth: usize) -> Result<Node, DocumentProblem> {
        let text = raw.get();
        let place = self.place(text);
        if depth > DEPTH_MAX {
            return Err(too_deep(place));
        }
        let failed = |error| syntax(place, &error);
        let mut parts = serde_json::Deserializer::from_str(text);
        let kind = match text.as_bytes().first() {
            Some(b'{') => {
                let members = parts
                    .deserialize_map(Members)
                    .map_err(failed)?
                    .into_iter()
                    .map(|(text, value)| {
                        let key = Key {
                            place: self.place(value.get()),
                            text,
                        };
                        Ok((key, self.node(value, depth + 1)?))
                    })
                    .collect::<Result<Vec<_>, DocumentProblem>>()?;
                if let Some(key) = first_duplicate(&members) {
                    return Err(duplicate_key(key));
                }
                Kind::Map(members)
            }
            Some(b'[') => Kind::List(
                parts
                    .deserialize_seq(Items)
                    .map_err(failed)?
                    .into_iter()
                    .map(|item| self.node(item, depth + 1))
                    .collect::<Result<_, _>>()?,
            ),
            Some(b'"') => Kind::Text(serde_json::from_str(text).map_err(failed)?),
            Some(b't') => Kind::Bool(true),
            Some(b'f') => Kind::Bool(false),
            Some(b'n') => Kind::Null,
            _ => Kind::Number(text.to_owned()),
        };
        Ok(Node { place, kind })
    }
}

/// The members of an object in their order, the same key twice if it is there twice.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(all)
    }
}

/// As one line.
pub(super) fn write(node: &Node) -> String {
    let mut text = String::new();
    write_node(&mut text, node, None);
    text
}

/// Indented by two spaces a level, with a newline at the end.
pub(super) fn write_indented(node: &Node) -> String {
    let mut text = String::new();
    write_node(&mut text, node, Some(0));
    text.push('\n');
    text
}

fn write_node(text: &mut String, node: &Node, indent: Option<usize>) {
    match &node.kind {
        Kind::Null => text.push_str("null"),
        Kind::Bool(true) => text.push_str("true"),
        Kind::Bool(false) => text.push_str("false"),
        Kind::Number(number) => text.push_str(number),
        Kind::Text(value) => text.push_str(&quoted(value)),
        Kind::List(items) => write_all(text, ['[', ']'], indent, items, |text, item, indent| {
            write_node(text, item, indent);
        }),
        Kind::Map(members) => {
            write_all(
                text,
                ['{', '}'],
                indent,
                members,
                |text, (key, value), indent| {
                    text.push_str(&quoted(&key.text));
                    text.push_str(if indent.is_some() { ": " } else { ":" });
                    write_node(text, value, indent);
                },
            );
        }
    }
}

fn write_all<T>(
    text: &mut String,
    [open, close]: [char; 2],
    indent: Option<usize>,
    parts: &[T],
    write_part: impl Fn(&mut String, &T, Option<usize>),
) {
    let line = |text: &mut String, indent: Option<usize>| {
        if let Some(indent) = indent {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
        }
    };
    let inner = indent.map(|indent| indent + 2);
    text.push(open);
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        line(text, inner);
        write_part(text, part, inner);
    }
    if !parts.is_empty() {
        line(text, indent);
    }
    text.push(close);
}

/// A text in double quotes, as JSON and YAML both read it: what a YAML reader would take for the end of a line, or
/// refuse, is spelled as an escape.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                // Writing to a text does not fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
