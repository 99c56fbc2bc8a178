//! What a command fails with.

use std::fmt::Display;
use std::io::{self, Write};

use registry::{Error, ErrorReport};
use serde::Serialize;
use serde_json::Value;

use crate::exit::Exit;
use crate::terminal::shown_lines;

/// What failed, why, and what to do. Small, because it is the other side of every result.
#[derive(Debug)]
pub(crate) struct Failure(Box<Parts>);

#[derive(Debug)]
struct Parts {
    exit: Exit,
    told: Told,
    /// Nobody reads any more: there is nothing to tell.
    is_silent: bool,
}

/// What is told of it, as JSON has it: the names are those of the HTTP interface's problems.
#[derive(Debug, Serialize)]
struct Told {
    code: Value,
    detail: String,
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Value>,
    /// The cause in the words of whatever failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

impl Failure {
    /// A failure of this program's own kind.
    pub(crate) fn new(message: impl Into<String>, action: impl Into<String>) -> Self {
        Self::with(Exit::Failed, "failed", message, action)
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl Into<String>, action: impl Into<String>) -> Self {
        Self::with(Exit::Usage, "invalid_input", message, action)
    }

    /// There is no such file or connection.
    pub(crate) fn no_input(message: impl Into<String>, action: impl Into<String>) -> Self {
        Self::with(Exit::NoInput, "file_unreadable", message, action)
    }

    /// A signal came.
    pub(crate) fn interrupted() -> Self {
        Self::with(
            Exit::Interrupted,
            "stopped",
            "The command was interrupted",
            "A change is made whole or not at all: look at the audit log, or ask again with the same --request-id.",
        )
    }

    fn with(exit: Exit, code: &str, message: impl Into<String>, action: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            exit,
            told: Told {
                code: code.into(),
                detail: message.into(),
                action: action.into(),
                field: None,
                facts: None,
                cause: None,
            },
            is_silent: false,
        }))
    }

    /// What the operating system refused.
    pub(crate) fn of_system(attempted: &str, error: &dyn Display) -> Self {
        Self::new(
            format!("{attempted}: {error}"),
            "Put that right, then try again.",
        )
    }

    /// What writing standard output came to. Who has read enough, such as `head`, is no trouble.
    pub(crate) fn of_output(error: &io::Error) -> Self {
        let mut failure = Self::of_system("Standard output can't be written", error);
        if error.kind() == io::ErrorKind::BrokenPipe {
            failure.0.exit = Exit::Done;
            failure.0.is_silent = true;
        }
        failure
    }

    /// The same with another thing to do.
    pub(crate) fn with_action(mut self, action: impl Into<String>) -> Self {
        self.0.told.action = action.into();
        self
    }

    /// How the program ends with it.
    pub(crate) fn exit(&self) -> Exit {
        self.0.exit
    }

    /// Whether it is one that should not happen.
    pub(crate) fn is_internal(&self) -> bool {
        self.0.told.code == "internal"
    }

    /// Says it on standard error.
    pub(crate) fn tell(&self, as_json: bool) {
        if self.0.is_silent {
            return;
        }
        let told = &self.0.told;
        let text = if as_json {
            serde_json::to_string(told).unwrap_or_default() + "\n"
        } else {
            let cause = told.cause.iter().flat_map(|cause| cause.lines());
            std::iter::once(format!("error: {}\n", told.detail))
                .chain(cause.map(|line| format!("  {line}\n")))
                .chain([format!("{}\n", told.action)])
                .collect()
        };
        // Who closed standard error doesn't want to know.
        let _ = io::stderr().write_all(shown_lines(&text).as_bytes());
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::OutputUnwritable { source, .. } = &error
            && source.kind() == io::ErrorKind::BrokenPipe
        {
            return Self::of_output(source);
        }
        let ErrorReport {
            code,
            message,
            action,
            detail,
            field,
            facts,
        } = error.report();
        Self(Box::new(Parts {
            exit: code.into(),
            told: Told {
                code: serde_json::to_value(code).unwrap_or_default(),
                detail: message,
                action,
                field,
                facts: facts.and_then(|facts| serde_json::to_value(facts).ok()),
                cause: detail,
            },
            is_silent: false,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_read_enough_is_told_nothing() {
        let closed = Failure::of_output(&io::ErrorKind::BrokenPipe.into());
        assert_eq!((closed.exit(), closed.0.is_silent), (Exit::Done, true));
        let unwritable = Error::OutputUnwritable {
            attempted: "Exporting",
            source: io::ErrorKind::BrokenPipe.into(),
        };
        assert!(Failure::from(unwritable).0.is_silent);
        assert_eq!(
            Failure::of_output(&io::ErrorKind::StorageFull.into()).exit(),
            Exit::Failed
        );
    }

    #[test]
    fn a_core_error_has_its_exit_code() {
        let missing = Failure::from(Error::ExtensionNotFound { id: "a".into() });
        assert_eq!(missing.exit(), Exit::NoInput);
        let moved = Failure::from(Error::RegistryMoved {
            seen_revision: 1,
            revision: 2,
        });
        assert_eq!(moved.exit(), Exit::Conflict);
    }
}
