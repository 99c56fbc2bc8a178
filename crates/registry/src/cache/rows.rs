//! Extensions as bytes: PostgreSQL's binary COPY format (manual, "COPY", "Binary Format"), which the
//! database sends and the snapshot file keeps, so that one decoder reads both.

use std::str;
use std::sync::Arc;

use super::extension::{CachedExtension, ExtensionParts};
use crate::extensions::{ExtensionType, UnknownName};

/// The columns of a row in their order. Column names are part of no format: the order is.
macro_rules! columns {
    () => {
        "extensions.id, extensions.type, extensions.subject, extensions.timeout_ms, extensions.retry, \
         extensions.enabled, extensions.config, extensions.metadata, extensions.revision"
    };
}
pub(crate) use columns;

const COLUMN_COUNT: i16 = 9;

/// Eleven bytes of signature, flags, and the length of an extension of the header that nobody uses.
const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A field count that says that nothing follows.
const TRAILER: i16 = -1;

/// Before each value of type jsonb.
const JSONB_VERSION: u8 = 1;

/// Bytes that are no rows of the registry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowsError {
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
    /// A row has a type of extensions that this program doesn't know.
    #[error(transparent)]
    Type(#[from] UnknownName),
}

/// Decodes rows from pieces that may be cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct RowDecoder {
    extensions: Vec<Arc<CachedExtension>>,
    unread: Vec<u8>,
    buffer: String,
    has_header: bool,
    is_complete: bool,
}

impl RowDecoder {
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self {
            extensions: Vec::with_capacity(count),
            ..Self::default()
        }
    }

    /// Decodes a piece; what is cut off at its end is kept for the next.
    ///
    /// `known` may give the extension that the program has of that id: it is kept if it is equal, so that
    /// reading the same again takes no memory.
    pub(crate) fn push<'k>(
        &mut self,
        piece: &[u8],
        known: impl Fn(&str) -> Option<&'k Arc<CachedExtension>>,
    ) -> Result<(), RowsError> {
        if self.unread.is_empty() {
            let rest = self.decode(piece, known)?;
            self.unread.extend_from_slice(rest);
        } else {
            let mut joined = std::mem::take(&mut self.unread);
            joined.extend_from_slice(piece);
            let rest = self.decode(&joined, known)?;
            self.unread = rest.to_vec();
        }
        Ok(())
    }

    /// All rows, if the last piece was one.
    pub(crate) fn finish(self) -> Result<Vec<Arc<CachedExtension>>, RowsError> {
        if self.is_complete && self.unread.is_empty() {
            Ok(self.extensions)
        } else {
            Err(RowsError::CutShort)
        }
    }

    /// Decodes whole rows and returns what is left.
    fn decode<'b, 'k>(
        &mut self,
        mut bytes: &'b [u8],
        known: impl Fn(&str) -> Option<&'k Arc<CachedExtension>>,
    ) -> Result<&'b [u8], RowsError> {
        if !self.has_header {
            let Some((header, rest)) = bytes.split_first_chunk() else {
                return Ok(bytes);
            };
            if header != HEADER {
                return Err(RowsError::Header);
            }
            self.has_header = true;
            bytes = rest;
        }
        while !self.is_complete {
            let number = self.extensions.len() + 1;
            let wrong = |what| RowsError::Row { number, what };
            let Some((count, mut fields)) = bytes.split_first_chunk() else {
                break;
            };
            match i16::from_be_bytes(*count) {
                TRAILER => {
                    self.is_complete = true;
                    bytes = fields;
                    break;
                }
                COLUMN_COUNT => {}
                _ => return Err(wrong("number of columns")),
            }
            let mut row = Fields::default();
            for place in &mut row.0 {
                let Some((length, rest)) = fields.split_first_chunk() else {
                    return Ok(bytes);
                };
                fields = rest;
                // -1, the only negative length, is NULL.
                if let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) {
                    let Some((field, rest)) = fields.split_at_checked(length) else {
                        return Ok(bytes);
                    };
                    *place = Some(field);
                    fields = rest;
                }
            }
            let parts = row.parts(wrong)?;
            let extension = match known(parts.id) {
                Some(extension) if extension.is_made_of(&parts) => Arc::clone(extension),
                _ => CachedExtension::pack(&parts, &mut self.buffer)
                    .map(Arc::new)
                    .ok_or_else(|| wrong("length"))?,
            };
            self.extensions.push(extension);
            bytes = fields;
        }
        Ok(bytes)
    }
}

/// One row's columns, none for NULL.
#[derive(Default)]
struct Fields<'b>([Option<&'b [u8]>; COLUMN_COUNT as usize]);

impl<'b> Fields<'b> {
    fn parts(
        &self,
        wrong: impl Fn(&'static str) -> RowsError,
    ) -> Result<ExtensionParts<'b>, RowsError> {
        let [
            id,
            extension_type,
            subject,
            timeout_ms,
            retry,
            enabled,
            config,
            metadata,
            revision,
        ] = self.0;
        Ok(ExtensionParts {
            id: text(id).ok_or_else(|| wrong("id"))?,
            extension_type: ExtensionType::try_from(
                text(extension_type).ok_or_else(|| wrong("type"))?,
            )?,
            subject: text(subject).ok_or_else(|| wrong("subject"))?,
            timeout_ms: number(timeout_ms)
                .map(i32::from_be_bytes)
                .ok_or_else(|| wrong("timeout_ms"))?,
            retry: number(retry)
                .map(i32::from_be_bytes)
                .ok_or_else(|| wrong("retry"))?,
            enabled: number(enabled)
                .map(|[byte]| byte != 0)
                .ok_or_else(|| wrong("enabled"))?,
            config: json(config).map_err(|NotJson| wrong("config"))?,
            metadata: json(metadata).map_err(|NotJson| wrong("metadata"))?,
            revision: number(revision)
                .map(i64::from_be_bytes)
                .ok_or_else(|| wrong("revision"))?,
        })
    }
}

fn text(field: Option<&[u8]>) -> Option<&str> {
    str::from_utf8(field?).ok()
}

fn number<const LENGTH: usize>(field: Option<&[u8]>) -> Option<[u8; LENGTH]> {
    field?.try_into().ok()
}

struct NotJson;

fn json(field: Option<&[u8]>) -> Result<Option<&str>, NotJson> {
    match field {
        None => Ok(None),
        Some([JSONB_VERSION, json @ ..]) => text(Some(json)).ok_or(NotJson).map(Some),
        Some(_) => Err(NotJson),
    }
}

/// Encodes rows as the database would send them.
pub(crate) struct RowEncoder<W> {
    output: W,
}

impl<W: std::io::Write> RowEncoder<W> {
    pub(crate) fn begin(mut output: W) -> std::io::Result<Self> {
        output.write_all(HEADER)?;
        Ok(Self { output })
    }

    pub(crate) fn push(&mut self, extension: &CachedExtension) -> std::io::Result<()> {
        let parts = extension.parts();
        self.output.write_all(&COLUMN_COUNT.to_be_bytes())?;
        self.field(&[], parts.id.as_bytes())?;
        self.field(&[], parts.extension_type.name().as_bytes())?;
        self.field(&[], parts.subject.as_bytes())?;
        self.field(&[], &parts.timeout_ms.to_be_bytes())?;
        self.field(&[], &parts.retry.to_be_bytes())?;
        self.field(&[], &[parts.enabled.into()])?;
        self.json(parts.config)?;
        self.json(parts.metadata)?;
        self.field(&[], &parts.revision.to_be_bytes())
    }

    pub(crate) fn finish(mut self) -> std::io::Result<W> {
        self.output.write_all(&TRAILER.to_be_bytes())?;
        Ok(self.output)
    }

    fn json(&mut self, text: Option<&str>) -> std::io::Result<()> {
        match text {
            None => self.output.write_all(&(-1_i32).to_be_bytes()),
            Some(text) => self.field(&[JSONB_VERSION], text.as_bytes()),
        }
    }

    fn field(&mut self, prefix: &[u8], content: &[u8]) -> std::io::Result<()> {
        let length = i32::try_from(prefix.len() + content.len()).map_err(std::io::Error::other)?;
        self.output.write_all(&length.to_be_bytes())?;
        self.output.write_all(prefix)?;
        self.output.write_all(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::extension::tests::extension;

    fn encoded() -> Vec<u8> {
        let mut encoder = RowEncoder::begin(Vec::new()).unwrap();
        for id in ["a", "b", "c"] {
            encoder.push(&extension(id, id == "b")).unwrap();
        }
        encoder.finish().unwrap()
    }

    #[test]
    fn rows_that_are_cut_anywhere_are_decoded() {
        let bytes = encoded();
        for cut in 0..=bytes.len() {
            let mut decoder = RowDecoder::default();
            decoder.push(&bytes[..cut], |_| None).unwrap();
            decoder.push(&bytes[cut..], |_| None).unwrap();
            let rows = decoder.finish().unwrap();
            assert_eq!(
                rows,
                [
                    extension("a", false),
                    extension("b", true),
                    extension("c", false)
                ]
            );
        }
    }

    #[test]
    fn a_missing_end_is_an_error_and_not_fewer_rows() {
        let bytes = encoded();
        for length in 0..bytes.len() {
            let mut decoder = RowDecoder::default();
            decoder.push(&bytes[..length], |_| None).unwrap();
            assert!(
                decoder.finish().is_err(),
                "{length} of {} bytes",
                bytes.len()
            );
        }
    }

    #[test]
    fn other_bytes_are_an_error() {
        let mut decoder = RowDecoder::default();
        assert!(decoder.push(&[b'x'; 100], |_| None).is_err());
        let mut bytes = encoded();
        bytes[20] = 8;
        assert!(RowDecoder::default().push(&bytes, |_| None).is_err());
    }

    #[test]
    fn an_equal_extension_that_is_known_is_kept_and_another_is_not() {
        let (equal, different) = (extension("a", false), extension("b", false));
        let mut decoder = RowDecoder::default();
        let known = |id: &str| match id {
            "a" => Some(&equal),
            "b" => Some(&different),
            _ => None,
        };
        decoder.push(&encoded(), known).unwrap();
        let rows = decoder.finish().unwrap();
        assert!(Arc::ptr_eq(&rows[0], &equal));
        assert_eq!(rows[1], extension("b", true));
    }
}
