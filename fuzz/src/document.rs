//! A file to import.

use registry::Error;
use registry::document::{DocumentFormat, RegistryDocument};

/// A text is a file, or refused with each problem and its place.
pub(crate) fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let document = match RegistryDocument::parse(text) {
        Ok(document) => document,
        Err(error) => return is_refused(&error, text),
    };
    for format in [DocumentFormat::Yaml, DocumentFormat::Json] {
        let written = document.to_text(format).unwrap();
        let read = RegistryDocument::parse(&written).unwrap_or_else(|error| {
            panic!("{format:?} that was written is refused: {error:?}\n{written}")
        });
        assert_eq!(read.len(), document.len());
        for other in [DocumentFormat::Yaml, DocumentFormat::Json] {
            assert_eq!(
                read.to_text(other).unwrap(),
                document.to_text(other).unwrap(),
                "by way of {format:?}"
            );
        }
    }
}

fn is_refused(error: &Error, text: &str) {
    crate::is_told(error);
    let Error::DocumentInvalid { problems } = error else {
        panic!("{error:?}");
    };
    assert!(!problems.is_empty());
    let lines = text
        .split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
        .count();
    for problem in problems {
        assert!(
            problem.message.ends_with('.') && problem.action.ends_with('.'),
            "{problem:?}"
        );
        assert!(
            problem.path.is_empty() || problem.path.starts_with('/'),
            "{problem:?}"
        );
        if let Some(place) = problem.place {
            // The end of the text may be told as a line after the last.
            let line = usize::try_from(place.line).unwrap();
            assert!(
                (1..=lines + 1).contains(&line) && place.column > 0,
                "{problem:?} of {lines} lines"
            );
        }
    }
}
