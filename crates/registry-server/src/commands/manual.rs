//! `registryctl manual`: the manual, a page of each command, for `man`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use crate::command_line::CommandLine;
use crate::exit::Exit;
use crate::failure::Failure;

/// Where to.
#[derive(Args, Debug)]
pub(crate) struct ManualOptions {
    /// The folder, which is made if it isn't there; pages in it are replaced
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
}

/// Writes `registryctl.1`, `registryctl-list.1` and so on into a folder.
pub(crate) fn run(options: &ManualOptions) -> Result<Exit, Failure> {
    std::fs::create_dir_all(&options.output)
        .and_then(|()| clap_mangen::generate_to(CommandLine::command(), &options.output))
        .map_err(|error| {
            let folder = options.output.display();
            Failure::of_system(&format!("The manual can't be written to {folder}"), &error)
        })?;
    Ok(Exit::Done)
}
