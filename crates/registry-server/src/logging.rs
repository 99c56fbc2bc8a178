//! The log, on standard error.

use std::io::{self, Write};

use tracing_subscriber::filter::{EnvFilter, LevelFilter};

use crate::command_line::Command;

/// The level, such as `debug`, or levels of parts of the program, such as `warn,registry=debug`.
const VARIABLE: &str = "BEAMLINE_REGISTRY_LOG";

/// Starts the log: a server tells what it does, other commands what goes wrong.
pub(crate) fn start(command: &Command) {
    let usual = match command {
        Command::Serve(_) => "warn,registry=info,registryctl=info",
        _ => "error",
    };
    let text = std::env::var(VARIABLE).unwrap_or_default();
    let filter = if text.trim().is_empty() {
        EnvFilter::new(usual)
    } else {
        wanted(&text).unwrap_or_else(|reason| {
            warn(&reason, usual);
            EnvFilter::new(usual)
        })
    };
    // It fails only if there is a log already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_writer(io::stderr)
        .try_init();
}

/// What the variable says, or what of it can't be read.
fn wanted(text: &str) -> Result<EnvFilter, String> {
    for directive in text.split(',').map(str::trim) {
        // By itself a word that is no level would be taken for a part of the program, and nothing else would be logged.
        let is_level = directive.parse::<LevelFilter>().is_ok();
        if !is_level && !directive.contains(['=', '[']) {
            return Err(format!("{directive:?} is no level"));
        }
    }
    EnvFilter::try_new(text).map_err(|error| error.to_string())
}

fn warn(reason: &str, usual: &str) {
    let text = format!(
        "warning: {VARIABLE} can't be read: {reason}. Set it to error, warn, info, debug or trace; it is as if it were \
         {usual}.\n"
    );
    // Who closed standard error doesn't want to know.
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_level_is_not_taken_for_a_part_of_the_program() {
        for text in [
            "debug",
            "WARN",
            "off",
            "warn,registry=debug",
            "registry[x]=info",
        ] {
            assert!(wanted(text).is_ok(), "{text}");
        }
        for text in ["deubg", "warn,deubg", "registry=loud"] {
            assert!(wanted(text).is_err(), "{text}");
        }
    }
}
