//! Extensions tried over real NATS servers.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod checks;
mod connection;
mod messages;
mod secrets;
