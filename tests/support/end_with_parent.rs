//! Runs a program, and ends it and everything that it started as soon as it is told to end itself (SIGTERM).
//!
//! For programs whose children go far away: Patroni's PostgreSQL leaves its process group, its session and its parent. What
//! is orphaned below this program becomes its child and not that of the system, so it can be found.
//!
//! Usage: `end-with-parent PROGRAM ARGUMENT…`
#![allow(clippy::expect_used)]

use std::env;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

fn main() {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next().expect("a program");
    prctl::set_child_subreaper(true).expect("Linux has it");
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGCHLD);
    signals.thread_block().expect("known signals");
    #[allow(
        clippy::zombie_processes,
        reason = "it is waited for below, with all others"
    )]
    drop(
        Command::new(program)
            .args(arguments)
            .spawn()
            .expect("the program starts"),
    );
    let mut is_to_end = false;
    while reap() {
        if is_to_end {
            for child in children() {
                // It may have ended by itself.
                let _ = kill(child, Signal::SIGKILL);
            }
        }
        // The children of what ended are there before its end is told.
        is_to_end |= signals.wait().expect("known signals") == Signal::SIGTERM;
    }
}

/// Takes note of what has ended; tells whether anything is left.
fn reap() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return true,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

/// This program has one thread.
fn children() -> Vec<Pid> {
    let id = std::process::id();
    std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))
        .expect("Linux has it")
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .map(Pid::from_raw)
        .collect()
}
