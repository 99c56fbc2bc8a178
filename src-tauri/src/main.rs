//! The desktop console's executable.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os()
        .skip(1)
        .any(|argument| argument == beamline_registry::FILL_SAMPLE_TRAFFIC)
    {
        beamline_registry::fill_sample_traffic()
    } else {
        beamline_registry::run()
    }
}
