//! `registryctl completions`: what a shell needs to complete this program's arguments.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::command_line::CommandLine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// For which shell.
#[derive(Args, Debug)]
pub(crate) struct CompletionsOptions {
    /// The shell
    shell: Shell,
}

/// Prints the script of a shell.
pub(crate) fn run(options: &CompletionsOptions, output: &mut Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let mut command = CommandLine::command();
    let name = command.get_name().to_owned();
    generate(options.shell, &mut command, name, &mut script);
    output.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
