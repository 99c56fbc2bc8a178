//! One extension as a router needs it.

use std::fmt;

use crate::extensions::ExtensionType;

/// An extension in the cache: immutable, shared by pointer.
///
/// Its four texts lie in one allocation: a million rows are two million allocations, not five.
#[derive(Eq, PartialEq)]
pub struct CachedExtension {
    /// Id, subject, configuration and metadata, one after the other.
    text: Box<str>,
    revision: i64,
    timeout_ms: i32,
    retry: i32,
    config_length: Option<u32>,
    id_length: u16,
    subject_length: u16,
    has_metadata: bool,
    enabled: bool,
    extension_type: ExtensionType,
}

/// The parts of a [`CachedExtension`] before they are packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(
    missing_docs,
    reason = "each part is documented at the method of CachedExtension of the same name"
)]
pub struct ExtensionParts<'a> {
    pub id: &'a str,
    pub extension_type: ExtensionType,
    pub subject: &'a str,
    pub timeout_ms: i32,
    pub retry: i32,
    pub enabled: bool,
    pub config: Option<&'a str>,
    pub metadata: Option<&'a str>,
    pub revision: i64,
}

impl CachedExtension {
    /// Packs an extension; `None` if a text is longer than a row of the registry can be: 64 KiB for id and
    /// subject, 4 GiB for the configuration.
    pub fn new(parts: &ExtensionParts<'_>) -> Option<Self> {
        Self::pack(parts, &mut String::new())
    }

    /// As [`Self::new`], with a buffer that is used again for the next.
    pub(crate) fn pack(parts: &ExtensionParts<'_>, buffer: &mut String) -> Option<Self> {
        buffer.clear();
        for part in [
            parts.id,
            parts.subject,
            parts.config.unwrap_or_default(),
            parts.metadata.unwrap_or_default(),
        ] {
            buffer.push_str(part);
        }
        let config_length = match parts.config {
            None => None,
            Some(config) => Some(u32::try_from(config.len()).ok()?),
        };
        Some(Self {
            text: Box::from(buffer.as_str()),
            revision: parts.revision,
            timeout_ms: parts.timeout_ms,
            retry: parts.retry,
            config_length,
            id_length: u16::try_from(parts.id.len()).ok()?,
            subject_length: u16::try_from(parts.subject.len()).ok()?,
            has_metadata: parts.metadata.is_some(),
            enabled: parts.enabled,
            extension_type: parts.extension_type,
        })
    }

    /// Unique, fixed for life.
    pub fn id(&self) -> &str {
        &self.text[..self.subject_start()]
    }

    /// Where in the router it runs.
    pub fn extension_type(&self) -> ExtensionType {
        self.extension_type
    }

    /// The NATS subject that it answers on; unique.
    pub fn subject(&self) -> &str {
        &self.text[self.subject_start()..self.config_start()]
    }

    /// How long the router waits for an answer, in milliseconds.
    pub fn timeout_ms(&self) -> i32 {
        self.timeout_ms
    }

    /// How often the router asks again after a failure.
    pub fn retry(&self) -> i32 {
        self.retry
    }

    /// Whether the router uses it.
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// The configuration as the database stores it, JSON text whose numbers keep their spelling; none
    /// in some rows of older writers.
    pub fn config(&self) -> Option<&str> {
        self.config_length?;
        Some(&self.text[self.config_start()..self.metadata_start()])
    }

    /// Notes, as [`Self::config`].
    pub fn metadata(&self) -> Option<&str> {
        self.has_metadata
            .then(|| &self.text[self.metadata_start()..])
    }

    /// The registry's revision that last changed it; 0 if it has not changed since it was adopted.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    fn subject_start(&self) -> usize {
        usize::from(self.id_length)
    }

    fn config_start(&self) -> usize {
        self.subject_start() + usize::from(self.subject_length)
    }

    fn metadata_start(&self) -> usize {
        self.config_start() + self.config_length.unwrap_or_default() as usize
    }

    /// Whether it is the extension of these parts.
    pub(crate) fn is_made_of(&self, parts: &ExtensionParts<'_>) -> bool {
        self.parts() == *parts
    }

    /// What it was packed from.
    pub fn parts(&self) -> ExtensionParts<'_> {
        ExtensionParts {
            id: self.id(),
            extension_type: self.extension_type,
            subject: self.subject(),
            timeout_ms: self.timeout_ms,
            retry: self.retry,
            enabled: self.enabled,
            config: self.config(),
            metadata: self.metadata(),
            revision: self.revision,
        }
    }
}

impl fmt::Debug for CachedExtension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().fmt(formatter)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;

    /// An extension of this id and nothing special.
    pub(crate) fn extension(id: &str, enabled: bool) -> Arc<CachedExtension> {
        let subject = format!("test.{id}");
        let parts = ExtensionParts {
            id,
            extension_type: ExtensionType::Pre,
            subject: &subject,
            timeout_ms: 5_000,
            retry: 1,
            enabled,
            config: Some(r#"{"rate": 1.00}"#),
            metadata: None,
            revision: 7,
        };
        Arc::new(CachedExtension::new(&parts).unwrap())
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        for (config, metadata) in [
            (Some("{\"é\": 1.00}"), Some("{}")),
            (None, Some("{\"a\": 1}")),
            (Some("{}"), None),
            (None, None),
        ] {
            let parts = ExtensionParts {
                id: "grün",
                extension_type: ExtensionType::Provider,
                subject: "a.b",
                timeout_ms: 1,
                retry: 2,
                enabled: true,
                config,
                metadata,
                revision: 3,
            };
            let unpacked = CachedExtension::new(&parts).unwrap();
            assert_eq!((unpacked.id(), unpacked.subject()), ("grün", "a.b"));
            assert_eq!((unpacked.config(), unpacked.metadata()), (config, metadata));
            assert_eq!((unpacked.timeout_ms(), unpacked.retry()), (1, 2));
            assert_eq!((unpacked.revision(), unpacked.enabled()), (3, true));
        }
    }

    #[test]
    fn a_row_and_its_counts_are_as_large_as_a_cache_line() {
        assert_eq!(size_of::<CachedExtension>() + 2 * size_of::<usize>(), 64);
    }
}
