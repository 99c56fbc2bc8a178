//! The subject of an extension.

use async_nats::Subject;
use registry::document::{DocumentFormat, RegistryDocument};
use registry::extensions::is_subject;
use serde_json::json;

/// A subject that the registry takes can be sent to, and is the same in every file.
pub(crate) fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if !is_subject(text) {
        return;
    }
    assert!(Subject::from(text).is_valid(), "{text:?} can't be sent to");
    // Who listens on it hears of no other.
    assert!(
        text.split('.').all(|token| token != "*" && token != ">"),
        "{text:?}"
    );
    let file = json!({
        "format": "beamline-registry",
        "version": 1,
        "extensions": [{ "id": "a", "type": "pre", "subject": text }],
    });
    let document = RegistryDocument::parse(&file.to_string()).unwrap();
    let yaml = document.to_text(DocumentFormat::Yaml).unwrap();
    let read = RegistryDocument::parse(&yaml).unwrap();
    let written: serde_json::Value =
        serde_json::from_str(&read.to_text(DocumentFormat::Json).unwrap()).unwrap();
    assert_eq!(written["extensions"][0]["subject"], text, "{yaml}");
}
