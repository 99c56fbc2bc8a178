//! Extensions as bytes, in the format that the database sends and the snapshot file keeps, so that one decoder reads both.

use std::sync::Arc;

use super::extension::{CachedExtension, ExtensionParts};
use crate::binary_copy::{CopyDecoder, CopyError, Fields, HEADER, TRAILER, number, text};
use crate::extensions::{ExtensionType, UnknownName};

/// The columns of a row in their order. Column names are part of no format: the order is.
macro_rules! columns {
    () => {
        "extensions.id, extensions.type, extensions.subject, extensions.timeout_ms, extensions.retry, \
         extensions.enabled, extensions.config, extensions.metadata, extensions.revision"
    };
}
pub(crate) use columns;

const COLUMN_COUNT: usize = 9;

/// Before each value of type jsonb.
const JSONB_VERSION: u8 = 1;

/// Bytes that are no rows of the registry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowsError {
    /// They are no rows, or not those that were asked for.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A row has a type of extensions that this program doesn't know.
    #[error(transparent)]
    Type(#[from] UnknownName),
}

/// Decodes rows from pieces that may be cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct RowDecoder {
    extensions: Vec<Arc<CachedExtension>>,
    rows: CopyDecoder<COLUMN_COUNT>,
    buffer: String,
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
        let Self {
            extensions,
            rows,
            buffer,
        } = self;
        rows.push(piece, |number, fields| {
            let wrong = |what| RowsError::from(CopyError::Row { number, what });
            let parts = parts(&fields, wrong)?;
            let extension = match known(parts.id) {
                Some(extension) if extension.is_made_of(&parts) => Arc::clone(extension),
                _ => CachedExtension::pack(&parts, buffer)
                    .map(Arc::new)
                    .ok_or_else(|| wrong("length"))?,
            };
            extensions.push(extension);
            Ok(())
        })
    }

    /// All rows, if the last piece was one.
    pub(crate) fn finish(self) -> Result<Vec<Arc<CachedExtension>>, RowsError> {
        self.rows.finish()?;
        Ok(self.extensions)
    }
}

fn parts<'b>(
    fields: &Fields<'b, COLUMN_COUNT>,
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
    ] = *fields;
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
        let count = i16::try_from(COLUMN_COUNT).map_err(std::io::Error::other)?;
        self.output.write_all(&count.to_be_bytes())?;
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
