//! `registryctl`: the registry for scripts and pipelines, on the command line and over HTTP (`serve`).
//!
//! Exit codes are those of sysexits.h ([`exit`]); `--help` and docs/command-line.md tell them.

mod arguments;
mod command_line;
mod commands;
mod document_file;
mod exit;
mod failure;
mod files;
mod http;
mod listener;
mod logging;
mod output;
mod place;
mod plan_text;
mod progress;
mod serve;
mod table;
mod terminal;
mod terminal_writer;
mod way;
mod words;

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::command_line::{Command, CommandLine, TokenCommand};
use crate::commands::{
    apply, audit, backup, completions, delete, edit, export, get, health, history, list, manual,
    migrate, plan, restore, restore_backup, status, switch, token,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => {
            // Who closed the output doesn't want to know. Help that was asked for is no error.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
            .into();
        }
    };
    let is_json = command_line.json;
    let outcome = Runtime::new()
        .map_err(|error| Failure::of_system("The runtime can't be started", &error))
        .and_then(|runtime| {
            let outcome = runtime.block_on(run(command_line));
            // A question that nobody answers any more would hold the end.
            runtime.shutdown_background();
            outcome
        });
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.tell(is_json);
            failure.exit().into()
        }
    }
}

async fn run(command_line: CommandLine) -> Result<Exit, Failure> {
    let CommandLine {
        json,
        place,
        command,
    } = command_line;
    logging::start(&command);
    // It ends by itself at a signal.
    if let Command::Serve(options) = command {
        serve::serve(options, &place).await?;
        return Ok(Exit::Done);
    }
    let broken_off = broken_off()?;
    let mut output = Output::new(json);
    let outcome = {
        let mut work = pin!(dispatch(command, &place, &mut output));
        tokio::select! {
            outcome = &mut work => outcome,
            _ = broken_off => if place.is_done() { work.await } else { Err(Failure::interrupted()) },
        }
    };
    // What was written before a failure is told before it.
    let flushed = output.flush();
    match outcome {
        Ok(exit) => flushed.map(|()| exit),
        Err(failure) => Err(place.explained(failure).await),
    }
}

/// Becomes ready at SIGINT or SIGTERM. Then the command has some time to end in order; a second signal ends it at once.
fn broken_off() -> Result<oneshot::Receiver<()>, Failure> {
    let waiting = |error| Failure::of_system("Signals can't be waited for", &error);
    let mut interrupted = signal(SignalKind::interrupt()).map_err(waiting)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(waiting)?;
    let mut next = async move || {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    };
    let (tell, told) = oneshot::channel();
    // A task of its own: the command may be waiting for somebody to read its output.
    tokio::spawn(async move {
        next().await;
        // It may have ended just now.
        let _ = tell.send(());
        tokio::select! {
            () = next() => {}
            () = tokio::time::sleep(END_PATIENCE) => {}
        }
        std::process::exit(Exit::Interrupted as i32);
    });
    Ok(told)
}

/// How long a command that is broken off may take to end: an embedded server that it started may take 15 s.
const END_PATIENCE: Duration = Duration::from_secs(20);

async fn dispatch(
    command: Command,
    place: &place::Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match command {
        Command::List(options) => list::run(options, place, output).await,
        Command::Get(options) => get::run(options, place, output).await,
        Command::Create(options) => edit::create(options, place, output).await,
        Command::Update(options) => edit::update(options, place, output).await,
        Command::Delete(options) => delete::run(options, place, output).await,
        Command::Enable(options) => switch::enable(options, place, output).await,
        Command::Disable(options) => switch::disable(options, place, output).await,
        Command::History(options) => history::run(options, place, output).await,
        Command::Restore(options) => restore::run(options, place, output).await,
        Command::Audit { command } => audit::run(command, place, output).await,
        Command::Health(options) => health::run(options, place, output).await,
        Command::Status => status::run(place, output).await,
        Command::Export(options) => export::run(options, place, output).await,
        Command::Plan(options) => plan::run(options, place, output).await,
        Command::Apply(options) => apply::run(options, place, output).await,
        Command::Backup { command } => backup::run(command, place, output).await,
        Command::RestoreBackup(options) => restore_backup::run(options, place, output).await,
        // It ends by itself at a signal: see `run`.
        Command::Serve(options) => serve::serve(options, place).await.map(|()| Exit::Done),
        Command::Migrate => migrate::run(place, output).await,
        Command::Token { command } => match command {
            TokenCommand::Create(options) => token::create(options, place, output).await,
            TokenCommand::List => token::list(place, output).await,
            TokenCommand::Revoke { token_id } => token::revoke(token_id, place, output).await,
        },
        Command::Openapi => serve::print_document(output),
        Command::Completions(options) => completions::run(&options, output),
        Command::Manual(options) => manual::run(&options),
    }
}
