//! A way to a terminal for what is written as it is to files: characters that would move its cursor are spelled out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use crate::terminal::is_unseen;

/// Writes text in UTF-8 on, escaped.
pub(crate) struct TerminalWriter<W> {
    inner: W,
    /// What is escaped and not yet written.
    pending: Vec<u8>,
    /// The beginning of a character whose end is still to come.
    begun: Vec<u8>,
    /// Whether a carriage return came last: with a line feed it ends a line, alone it would move the cursor back.
    is_returned: bool,
}

impl<W: AsyncWrite + Unpin> TerminalWriter<W> {
    /// A way to this terminal.
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            pending: Vec::new(),
            begun: Vec::new(),
            is_returned: false,
        }
    }

    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let count = ready!(Pin::new(&mut self.inner).poll_write(context, &self.pending))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    fn take(&mut self, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
        let taken = std::mem::take(&mut self.begun);
        let whole = match std::str::from_utf8(&taken) {
            Ok(text) => text,
            Err(error) => {
                let (whole, rest) = taken.split_at(error.valid_up_to());
                self.begun.extend_from_slice(rest);
                // It is valid up to there.
                std::str::from_utf8(whole).unwrap_or_default()
            }
        };
        for character in whole.chars() {
            if std::mem::take(&mut self.is_returned) && character != '\n' {
                self.escape('\r');
            }
            match character {
                '\r' => self.is_returned = true,
                '\n' | '\t' => self.keep(character),
                unseen if is_unseen(unseen) => self.escape(unseen),
                other => self.keep(other),
            }
        }
    }

    fn keep(&mut self, character: char) {
        let mut buffer = [0; 4];
        let bytes = character.encode_utf8(&mut buffer).as_bytes();
        self.pending.extend_from_slice(bytes);
    }

    fn escape(&mut self, character: char) {
        let spelled = format!("\\u{:04x}", u32::from(character));
        self.pending.extend(spelled.bytes());
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for TerminalWriter<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(context))?;
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn a_cursor_stays_where_it_is_also_if_a_character_comes_in_two_parts() {
        let mut written = Vec::new();
        let mut writer = TerminalWriter::new(&mut written);
        for part in [&b"a\x1b[2J\xc2"[..], b"\x9b \xc3", b"\xa4\r", b"\nb\rc"] {
            writer.write_all(part).await.unwrap();
        }
        writer.flush().await.unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "a\\u001b[2J\\u009b ä\nb\\u000dc"
        );
    }
}
