//! Standard output: tables and sentences for people, JSON for programs, colour on a terminal alone.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use anstyle::Style;
use serde::Serialize;
use tokio::io::AsyncWrite;

use crate::failure::Failure;
use crate::terminal::{is_coloured, painted, shown_json};

/// Standard output of one command.
pub(crate) struct Output {
    stdout: BufWriter<Stdout>,
    is_coloured: bool,
    is_json: bool,
}

impl Output {
    /// Standard output, as JSON where that is asked for.
    pub(crate) fn new(is_json: bool) -> Self {
        Self {
            stdout: BufWriter::new(io::stdout()),
            is_coloured: is_coloured(),
            is_json,
        }
    }

    /// Whether JSON is asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Whether colours are shown.
    pub(crate) fn is_coloured(&self) -> bool {
        self.is_coloured
    }

    /// Whether somebody looks at it.
    pub(crate) fn is_terminal() -> bool {
        io::stdout().is_terminal()
    }

    /// The text in a style, where colours are shown.
    pub(crate) fn painted(&self, text: &str, style: Style) -> String {
        painted(text, style, self.is_coloured)
    }

    /// Writes text that holds nothing unseen any more.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.stdout
            .write_all(text.as_bytes())
            .map_err(|error| Failure::of_output(&error))
    }

    /// Writes a line of such text.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.text(text)?;
        self.text("\n")
    }

    /// Writes a value as JSON, over several lines.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string_pretty(value).map_err(|error| unwritable(&error))?;
        self.line(&shown_json(&json))
    }

    /// Begins an object whose first member is a list, which may be longer than memory: one item a line.
    pub(crate) fn json_list(&mut self, name: &str) -> Result<JsonList<'_>, Failure> {
        self.text(&format!("{{\"{name}\": ["))?;
        Ok(JsonList {
            output: self,
            count: 0,
        })
    }

    /// What is written so far is on its way.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.stdout
            .flush()
            .map_err(|error| Failure::of_output(&error))
    }
}

/// A list that is being written.
pub(crate) struct JsonList<'a> {
    output: &'a mut Output,
    count: u64,
}

impl JsonList<'_> {
    /// Writes one more item.
    pub(crate) fn item(&mut self, item: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(item).map_err(|error| unwritable(&error))?;
        let separator = if self.count == 0 { "\n  " } else { ",\n  " };
        self.count += 1;
        self.output.text(separator)?;
        self.output.text(&shown_json(&json))
    }

    /// Ends the list and the object, which has this number besides, if there is one.
    pub(crate) fn end(self, number: Option<(&str, i64)>) -> Result<(), Failure> {
        self.output
            .text(if self.count == 0 { "]" } else { "\n]" })?;
        if let Some((name, number)) = number {
            self.output.text(&format!(", \"{name}\": {number}"))?;
        }
        self.output.line("}")
    }
}

fn unwritable(error: &serde_json::Error) -> Failure {
    Failure::of_system("The answer can't be written as JSON", error)
}

/// Standard output for what writes asynchronously. Writing blocks: there is nothing else to do meanwhile.
pub(crate) struct AsyncStdout(BufWriter<Stdout>);

impl AsyncStdout {
    /// Standard output.
    pub(crate) fn new() -> Self {
        Self(BufWriter::new(io::stdout()))
    }
}

impl AsyncWrite for AsyncStdout {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
