//! Rows in the text form of PostgreSQL's COPY: a line each, columns between tabs (manual, COPY, "Text Format").

/// Splits a stream of bytes into lines, wherever its pieces end.
#[derive(Debug)]
pub(super) struct Lines {
    unfinished: Vec<u8>,
    length_max: usize,
}

/// A longer line is no row: PostgreSQL has none of more than 1 GiB, and memory is bounded by this.
const LINE_LENGTH_MAX: usize = 1 << 30;

/// A line is longer than a row can be.
#[derive(Debug)]
pub(super) struct LineTooLong;

impl Default for Lines {
    fn default() -> Self {
        Self {
            unfinished: Vec::new(),
            length_max: LINE_LENGTH_MAX,
        }
    }
}

impl Lines {
    /// Hands each line that is complete to `on_line`, without its end.
    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        mut on_line: impl FnMut(&[u8]),
    ) -> Result<(), LineTooLong> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            if self.unfinished.is_empty() {
                on_line(line);
            } else {
                self.unfinished.extend_from_slice(line);
                on_line(&self.unfinished);
                self.unfinished.clear();
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        // Looked at before it is kept: who goes on after an error takes no more memory for it.
        if self.unfinished.len() + bytes.len() > self.length_max {
            return Err(LineTooLong);
        }
        self.unfinished.extend_from_slice(bytes);
        Ok(())
    }

    /// Whether the last line was complete.
    pub(super) fn is_complete(&self) -> bool {
        self.unfinished.is_empty()
    }
}

/// The columns of a row; none for NULL. Nothing if one of them is no text.
pub(super) fn columns(line: &[u8]) -> Option<Vec<Option<String>>> {
    line.split(|byte| *byte == b'\t').map(column).collect()
}

#[allow(
    clippy::option_option,
    reason = "the outer says whether it could be read, the inner is NULL"
)]
fn column(bytes: &[u8]) -> Option<Option<String>> {
    if bytes == br"\N" {
        return Some(None);
    }
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        text.push(if *byte == b'\\' {
            match rest.next()? {
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                other => *other,
            }
        } else {
            *byte
        });
    }
    String::from_utf8(text).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_wherever_the_pieces_end() {
        let text = b"one\ntwo\\n\n\nthree\n";
        for length in 1..text.len() {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            for piece in text.chunks(length) {
                lines.push(piece, |line| seen.push(line.to_vec())).unwrap();
            }
            assert!(lines.is_complete());
            assert_eq!(seen, [&b"one"[..], b"two\\n", b"", b"three"]);
        }
    }

    /// A small file can unpack to any number of bytes without the end of a line.
    #[test]
    fn a_line_that_never_ends_takes_no_more_memory_however_long_it_is_pushed() {
        let mut lines = Lines {
            length_max: 100,
            ..Lines::default()
        };
        for number in 1..=1_000 {
            let pushed = lines.push(&[b'0'; 10], |_| panic!("there is no line"));
            assert_eq!(pushed.is_err(), number > 10);
        }
        assert!(lines.unfinished.len() <= 100);
        assert!(!lines.is_complete());
    }

    #[test]
    fn columns_are_what_was_stored() {
        let line = b"a\\tb\t\\N\t\t\\\\N\tc\\nd\\r\\b\\f\\v";
        let expected = [
            Some("a\tb"),
            None,
            Some(""),
            Some("\\N"),
            Some("c\nd\r\u{8}\u{c}\u{b}"),
        ];
        let read = columns(line).unwrap();
        let read: Vec<_> = read.iter().map(Option::as_deref).collect();
        assert_eq!(read, expected);
        assert!(
            columns(b"a\\").is_none(),
            "a backslash at the end is none of COPY's"
        );
        assert!(columns(b"\xff").is_none());
    }
}
