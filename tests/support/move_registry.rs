//! Moves a registry from one database to another, printing each report of its progress: a program to be killed at any
//! moment. With a step and a number it kills itself at that report of this step, as `kill -9` does.
//!
//! Usage: `move-registry SOURCE_URL TARGET_URL [STEP NUMBER]`
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::env;
use std::io::Write;
use std::ops::ControlFlow;

use nix::sys::signal::{Signal, raise};
use registry::moving;
use sqlx::postgres::PgConnectOptions;

#[tokio::main]
async fn main() {
    let mut arguments = env::args().skip(1);
    let mut database = || -> PgConnectOptions {
        let url = arguments.next().expect("two databases");
        url.parse().expect("a URL")
    };
    let (source, target) = (database(), database());
    let death = arguments.next().map(|step| {
        let number = arguments.next().expect("a number");
        (step, number.parse::<u32>().expect("a number"))
    });
    let mut output = std::io::stdout();
    let mut counted = (String::new(), 0);
    let moved = moving::move_registry(
        &source,
        &target,
        "the laptop",
        "db.example.com/registry",
        |progress| {
            let step = format!("{:?}", progress.step);
            writeln!(output, "{step}").expect("a reader");
            if counted.0 != step {
                counted = (step, 0);
            }
            counted.1 += 1;
            if death.as_ref() == Some(&counted) {
                raise(Signal::SIGKILL).expect("it is the end");
            }
            ControlFlow::Continue(())
        },
    )
    .await
    .expect("the registry moves");
    writeln!(std::io::stdout(), "moved {}", moved.revision).expect("a reader");
}
