//! `registryctl`: the registry for scripts and pipelines, over HTTP (`serve`) and on the command line.
//!
//! Where the registry is says `DATABASE_URL`. Exit codes: 0 done, 1 failed, 2 wrong usage.

mod command_line;
mod database;
mod failure;
mod http;
mod listener;
mod logging;
mod serve;
mod tokens;

use std::process::ExitCode;

use clap::Parser;

use crate::command_line::{Command, CommandLine, TokenCommand};
use crate::failure::Failure;

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let outcome = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::of_system("The runtime can't be started", &error))
        .and_then(|runtime| runtime.block_on(run(command_line)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            ExitCode::FAILURE
        }
    }
}

async fn run(command_line: CommandLine) -> Result<(), Failure> {
    logging::start(&command_line.command);
    match command_line.command {
        Command::Serve(options) => serve::serve(options).await,
        Command::Migrate => database::migrate().await,
        Command::Token { command } => match command {
            TokenCommand::Create(options) => tokens::create(options).await,
            TokenCommand::List { json } => tokens::list(json).await,
            TokenCommand::Revoke { token_id } => tokens::revoke(token_id).await,
        },
        Command::Openapi => serve::print_document(),
    }
}
