//! The log, on standard error.

use std::io;

use tracing_subscriber::filter::EnvFilter;

use crate::command_line::Command;

/// The level, in the syntax of tracing's `EnvFilter`, such as `debug`.
const VARIABLE: &str = "BEAMLINE_REGISTRY_LOG";

/// Starts the log: a server tells what it does, other commands what goes wrong.
pub(crate) fn start(command: &Command) {
    let usual = match command {
        Command::Serve(_) => "warn,registry=info,registryctl=info",
        _ => "error",
    };
    let filter = std::env::var(VARIABLE)
        .ok()
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(usual));
    // It fails only if there is a log already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_writer(io::stderr)
        .try_init();
}
