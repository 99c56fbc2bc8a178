//! Text as it may be shown in a terminal: whatever the database holds, it moves no cursor and colours nothing.

use std::borrow::Cow;
use std::fmt::Write;
use std::io;

use anstyle::{AnsiColor, Style};

/// What stands for a made or an added thing.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// What stands for a removed thing or a fault.
pub(crate) const RED: Style = AnsiColor::Red.on_default();
/// What stands for a changed thing or a warning.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// What is beside the point.
pub(crate) const DIM: Style = Style::new().dimmed();
/// A heading.
pub(crate) const BOLD: Style = Style::new().bold();

/// Whether what is written to standard output may be coloured: on a terminal, unless `NO_COLOR` says otherwise.
pub(crate) fn is_coloured() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// The text in a style, or as it is.
pub(crate) fn painted(text: &str, style: Style, is_coloured: bool) -> String {
    if is_coloured {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}

/// Whether a character would do something to a terminal, or to how the characters beside it are read.
pub(crate) fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Line ends, marks and overrides of the direction of writing (Unicode Standard Annex 9).
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// A text on one line, what would move a cursor spelled as Rust does: `\u{1b}`, `\n`.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, is_unseen)
}

/// The same of a text that has lines.
pub(crate) fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character != '\n' && is_unseen(character))
}

fn escaped(text: &str, is_hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' if is_hidden(character) => {
                escaped.extend(character.escape_default());
            }
            hidden if is_hidden(hidden) => escaped.extend(hidden.escape_unicode()),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// JSON in which such characters, which stand in its texts alone, are spelled `\u009b`: the same JSON.
pub(crate) fn shown_json(json: &str) -> Cow<'_, str> {
    let is_hidden = |character| character != '\n' && is_unseen(character);
    if !json.contains(is_hidden) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 8);
    for character in json.chars() {
        if is_hidden(character) {
            // Writing to a text does not fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_or_turns_the_writing_round_is_spelled_out() {
        assert_eq!(shown("größer \"a\\b\" 例"), "größer \"a\\b\" 例");
        assert_eq!(
            shown("a\u{1b}[2J\n\u{9b}\u{202e}\u{7f}"),
            "a\\u{1b}[2J\\n\\u{9b}\\u{202e}\\u{7f}"
        );
        assert_eq!(shown_lines("a\nb\r"), "a\nb\\r");
    }

    #[test]
    fn json_stays_the_same_json() {
        let json = "{\"a\": \"\u{9b}2J\u{7f}\u{202e}\"}";
        let safe = shown_json(json);
        assert!(
            safe.chars().all(|character| !is_unseen(character)),
            "{safe}"
        );
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(&safe), parse(json));
    }
}
