//! Connections to real servers elsewhere: what can go wrong on the way, failovers, lost answers, poolers.
#![allow(
    clippy::expect_used,
    clippy::large_futures,
    clippy::panic,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tests: what is measured is printed, and a story is told in one piece"
)]

mod failover;
mod faults;
mod lost_answers;
mod patroni;
mod poolers;
mod probes;
mod schemas;
mod secrets;
mod tls;
