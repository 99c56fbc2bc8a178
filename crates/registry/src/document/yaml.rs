//! YAML to and from the tree.
//!
//! It is read with `saphyr-parser`, which tells places and leaves numbers as they are spelled, and written here: what
//! is written must be the same bytes for the same registry, with every version of every library.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::json::quoted;
use super::node::{
    DEPTH_MAX, Key, Kind, Node, duplicate_key, first_duplicate, is_json_number, too_deep,
};
use super::{DocumentProblem, DocumentProblemCode, Place};

/// A list or a map that is being read.
enum Open {
    List(Vec<Node>),
    Map(Vec<(Key, Node)>, Option<Key>),
}

pub(super) fn parse(text: &str) -> Result<Node, DocumentProblem> {
    let mut open: Vec<(Place, Open)> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            DocumentProblem::new(
                DocumentProblemCode::Syntax,
                Some(place_of(*error.marker())),
                format!("The YAML can't be read: {}.", error.info()),
                "Correct it at that place.",
            )
        })?;
        let place = place_of(span.start);
        refuse_unlike_json(&event, place, root.is_some())?;
        let node = match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::Alias(_) => continue,
            Event::Scalar(text, style, ..) => {
                if let Some((_, Open::Map(_, key @ None))) = open.last_mut() {
                    *key = Some(Key {
                        place,
                        text: text.into_owned(),
                    });
                    continue;
                }
                Node {
                    place,
                    kind: scalar(&text, style, place)?,
                }
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if let Some((_, Open::Map(_, None))) = open.last() {
                    return Err(unsupported(
                        place,
                        "A key is no text here",
                        "Write a text before the colon.",
                    ));
                }
                if open.len() > DEPTH_MAX {
                    return Err(too_deep(place));
                }
                open.push((
                    place,
                    match event {
                        Event::SequenceStart(..) => Open::List(Vec::new()),
                        _ => Open::Map(Vec::new(), None),
                    },
                ));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some((place, Open::List(items))) => Node {
                    place,
                    kind: Kind::List(items),
                },
                Some((place, Open::Map(members, _))) => {
                    if let Some(key) = first_duplicate(&members) {
                        return Err(duplicate_key(key));
                    }
                    Node {
                        place,
                        kind: Kind::Map(members),
                    }
                }
                None => continue,
            },
        };
        match open.last_mut() {
            None => root = Some(node),
            Some((_, Open::List(items))) => items.push(node),
            Some((_, Open::Map(members, key))) => members.extend(key.take().map(|key| (key, node))),
        }
    }
    root.ok_or_else(|| {
        DocumentProblem::new(
            DocumentProblemCode::WrongFormat,
            None,
            "The file is empty.".into(),
            "Begin it with \"format: beamline-registry\", as an export does.",
        )
    })
}

/// Refuses what JSON has no like of.
fn refuse_unlike_json(
    event: &Event<'_>,
    place: Place,
    has_root: bool,
) -> Result<(), DocumentProblem> {
    match event {
        Event::DocumentStart(_) if has_root => Err(unsupported(
            place,
            "A second document begins here",
            "Write one document a file.",
        )),
        Event::Alias(_) => Err(no_anchors(place)),
        Event::Scalar(_, _, anchor, _)
        | Event::SequenceStart(anchor, _)
        | Event::MappingStart(anchor, _)
            if *anchor > 0 =>
        {
            Err(no_anchors(place))
        }
        Event::Scalar(_, _, _, Some(_))
        | Event::SequenceStart(_, Some(_))
        | Event::MappingStart(_, Some(_)) => Err(unsupported(
            place,
            "There is a tag (!) here",
            "Write the value without it; put a text in quotes.",
        )),
        _ => Ok(()),
    }
}

fn place_of(marker: Marker) -> Place {
    Place {
        line: u32::try_from(marker.line()).unwrap_or(u32::MAX),
        column: u32::try_from(marker.col() + 1).unwrap_or(u32::MAX),
    }
}

fn no_anchors(place: Place) -> DocumentProblem {
    unsupported(
        place,
        "There is an anchor (&) or an alias (*) here",
        "Write the value out.",
    )
}

fn unsupported(place: Place, what: &str, action: &str) -> DocumentProblem {
    DocumentProblem::new(
        DocumentProblemCode::Unsupported,
        Some(place),
        format!("{what}, which JSON has no like of."),
        action,
    )
}

/// A value by the core schema of YAML 1.2, as far as JSON has it.
fn scalar(text: &str, style: ScalarStyle, place: Place) -> Result<Kind, DocumentProblem> {
    if style != ScalarStyle::Plain {
        return Ok(Kind::Text(text.to_owned()));
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Kind::Null),
        "true" | "True" | "TRUE" => return Ok(Kind::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Kind::Bool(false)),
        _ => {}
    }
    if is_json_number(text) {
        return Ok(Kind::Number(text.to_owned()));
    }
    if is_other_number(text) {
        return Err(unsupported(
            place,
            &format!("{text} is a number in YAML"),
            "Write it as JSON does, such as 31, 0.5 or 1e3; or put it in quotes.",
        ));
    }
    Ok(Kind::Text(text.to_owned()))
}

/// Whether YAML reads it as a number that JSON would spell in another way, or not at all.
fn is_other_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_of = |digits: Option<&str>, radix: u32| {
        digits.is_some_and(|digits| {
            !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))
        })
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_decimal = (!whole.is_empty() || !fraction.is_empty())
        && [whole, fraction]
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && is_of(
            Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
            10,
        );
    is_decimal
        || is_of(text.strip_prefix("0o"), 8)
        || is_of(text.strip_prefix("0x"), 16)
        || matches!(unsigned, ".inf" | ".Inf" | ".INF")
        || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// In block style, two spaces a level, with a newline at the end.
pub(super) fn write(node: &Node) -> String {
    let mut text = String::new();
    match &node.kind {
        Kind::Map(members) if !members.is_empty() => write_members(&mut text, members, 0),
        _ => {
            write_value(&mut text, node, 0);
            text.remove(0);
        }
    }
    text
}

/// Each member on a line of its own; the first goes on where the text is.
fn write_members(text: &mut String, members: &[(Key, Node)], indent: usize) {
    /// A key on the line of its value has at most 1,024 characters.
    const KEY_MAX: usize = 1_000;
    for (position, (key, value)) in members.iter().enumerate() {
        if position > 0 {
            text.extend(std::iter::repeat_n(' ', indent));
        }
        let written = inline(&key.text);
        if written.len() > KEY_MAX {
            text.push_str("? ");
            text.push_str(&written);
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
        } else {
            text.push_str(&written);
        }
        text.push(':');
        write_value(text, value, indent);
    }
}

fn write_items(text: &mut String, items: &[Node], indent: usize) {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            text.extend(std::iter::repeat_n(' ', indent));
        }
        text.push('-');
        match &item.kind {
            Kind::Map(members) if !members.is_empty() => {
                text.push(' ');
                write_members(text, members, indent + 2);
            }
            Kind::List(items) if !items.is_empty() => {
                text.push(' ');
                write_items(text, items, indent + 2);
            }
            _ => write_value(text, item, indent),
        }
    }
}

/// What comes after a colon or a dash, its line's end included.
fn write_value(text: &mut String, node: &Node, indent: usize) {
    let inner = indent + 2;
    match &node.kind {
        Kind::Map(members) if !members.is_empty() => {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', inner));
            return write_members(text, members, inner);
        }
        Kind::List(items) if !items.is_empty() => {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', inner));
            return write_items(text, items, inner);
        }
        Kind::Text(value) if is_block(value) => {
            text.push_str(if value.ends_with('\n') {
                " |\n"
            } else {
                " |-\n"
            });
            for line in value.lines() {
                if !line.is_empty() {
                    text.extend(std::iter::repeat_n(' ', inner));
                    text.push_str(line);
                }
                text.push('\n');
            }
            return;
        }
        _ => {}
    }
    text.push(' ');
    match &node.kind {
        Kind::Null => text.push_str("null"),
        Kind::Bool(true) => text.push_str("true"),
        Kind::Bool(false) => text.push_str("false"),
        Kind::Number(number) => text.push_str(number),
        Kind::Text(value) => text.push_str(&inline(value)),
        Kind::List(_) => text.push_str("[]"),
        Kind::Map(_) => text.push_str("{}"),
    }
    text.push('\n');
}

/// Whether a text of several lines reads the same as a block of lines.
fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n'])
        && body.split('\n').all(|line| !line.ends_with(' '))
        && body
            .chars()
            .all(|character| character == '\n' || is_printed(character))
}

/// Whether every YAML reader takes the character as it is, on a line.
fn is_printed(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A text on one line: without quotes where every YAML reader, of 1.1 too, takes it for this text.
fn inline(text: &str) -> String {
    const WORDS_WITH_A_MEANING: [&str; 10] = [
        "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan",
    ];
    let is_plain = text
        .starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '$' | '/'))
        && text.chars().all(|character| {
            character.is_alphanumeric()
                || matches!(character, '_' | '$' | '/' | '.' | '-' | ' ' | ':' | '+')
        })
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !WORDS_WITH_A_MEANING
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word));
    if is_plain {
        text.to_owned()
    } else {
        quoted(text)
    }
}
