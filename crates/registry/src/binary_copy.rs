//! Rows as bytes: PostgreSQL's binary COPY format (manual, "COPY", "Binary Format").
//!
//! For tens of thousands of rows and more: a row that a query answers with is allocated, and each of its columns looked up,
//! which takes several times as long as what is done with it.

use chrono::{DateTime, Utc};

/// Eleven bytes of signature, flags, and the length of an extension of the header that nobody uses.
pub(crate) const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A field count that says that nothing follows.
pub(crate) const TRAILER: i16 = -1;

/// 2000-01-01, from which the database counts microseconds, since 1970-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Bytes that are no rows, or not those that were asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// They don't begin as they should.
    #[error("the rows don't begin with PostgreSQL's signature")]
    Header,
    /// They end in the middle.
    #[error("the rows end in the middle")]
    CutShort,
    /// A row isn't what was asked for.
    #[error("row {number} has an unexpected {what}")]
    Row {
        /// Which row, the first is 1.
        number: usize,
        /// Which part of it.
        what: &'static str,
    },
}

/// A row's columns, none for NULL.
pub(crate) type Fields<'bytes, const COLUMNS: usize> = [Option<&'bytes [u8]>; COLUMNS];

/// Decodes rows from pieces that may be cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct CopyDecoder<const COLUMNS: usize> {
    unread: Vec<u8>,
    count: usize,
    has_header: bool,
    is_complete: bool,
}

impl<const COLUMNS: usize> CopyDecoder<COLUMNS> {
    /// Hands on each row of a piece with its number, the first is 1; what is cut off at its end is kept for the next.
    pub(crate) fn push<E: From<CopyError>>(
        &mut self,
        piece: &[u8],
        take: impl FnMut(usize, Fields<'_, COLUMNS>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.unread.is_empty() {
            let rest = self.decode(piece, take)?;
            self.unread.extend_from_slice(rest);
        } else {
            let mut joined = std::mem::take(&mut self.unread);
            joined.extend_from_slice(piece);
            let rest = self.decode(&joined, take)?;
            self.unread = rest.to_vec();
        }
        Ok(())
    }

    /// That the last piece was one.
    pub(crate) fn finish(self) -> Result<(), CopyError> {
        if self.is_complete && self.unread.is_empty() {
            Ok(())
        } else {
            Err(CopyError::CutShort)
        }
    }

    /// Decodes whole rows and returns what is left.
    fn decode<'bytes, E: From<CopyError>>(
        &mut self,
        mut bytes: &'bytes [u8],
        mut take: impl FnMut(usize, Fields<'_, COLUMNS>) -> Result<(), E>,
    ) -> Result<&'bytes [u8], E> {
        if !self.has_header {
            let Some((header, rest)) = bytes.split_first_chunk() else {
                return Ok(bytes);
            };
            if header != HEADER {
                return Err(CopyError::Header.into());
            }
            self.has_header = true;
            bytes = rest;
        }
        while !self.is_complete {
            let number = self.count + 1;
            let Some((count, mut rest)) = bytes.split_first_chunk() else {
                break;
            };
            match i16::from_be_bytes(*count) {
                TRAILER => {
                    self.is_complete = true;
                    bytes = rest;
                    break;
                }
                count if usize::try_from(count) == Ok(COLUMNS) => {}
                _ => {
                    let what = "number of columns";
                    return Err(CopyError::Row { number, what }.into());
                }
            }
            let mut fields = [None; COLUMNS];
            for place in &mut fields {
                let Some((length, after)) = rest.split_first_chunk() else {
                    return Ok(bytes);
                };
                rest = after;
                // -1, the only negative length, is NULL.
                if let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) {
                    let Some((field, after)) = rest.split_at_checked(length) else {
                        return Ok(bytes);
                    };
                    *place = Some(field);
                    rest = after;
                }
            }
            take(number, fields)?;
            self.count = number;
            bytes = rest;
        }
        Ok(bytes)
    }
}

/// The bytes of a number of so many; none for NULL and for what has another length.
pub(crate) fn number<const LENGTH: usize>(field: Option<&[u8]>) -> Option<[u8; LENGTH]> {
    field?.try_into().ok()
}

/// A text; none for NULL.
pub(crate) fn text(field: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(field?).ok()
}

/// A `timestamptz`; none for NULL.
pub(crate) fn time(field: Option<&[u8]>) -> Option<DateTime<Utc>> {
    let micros = i64::from_be_bytes(number(field)?);
    DateTime::from_timestamp_micros(micros.checked_add(EPOCH_MICROS)?)
}
