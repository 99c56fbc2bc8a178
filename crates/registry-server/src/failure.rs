//! What a command fails with.

use std::fmt::Display;
use std::io::{self, Write};

use registry::Error;

/// What failed, why, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    detail: Option<String>,
    action: String,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            detail: None,
            action: action.into(),
        }
    }

    /// What the operating system refused.
    pub(crate) fn of_system(attempted: &str, error: &dyn Display) -> Self {
        Self::new(
            format!("{attempted}: {error}"),
            "Put that right, then try again.",
        )
    }

    /// Says it on standard error.
    pub(crate) fn tell(&self) {
        let detail = self.detail.iter().flat_map(|detail| detail.lines());
        let text: String = std::iter::once(format!("error: {}\n", self.message))
            .chain(detail.map(|line| format!("  {line}\n")))
            .chain([format!("{}\n", self.action)])
            .collect();
        // Who closed standard error doesn't want to know.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            message: error.to_string(),
            detail: error.detail(),
            action: error.action(),
        }
    }
}
