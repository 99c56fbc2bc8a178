//! The core on real PostgreSQL servers: the bundled one and an installed one.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod access;
mod audit;
mod cache;
mod changes;
mod extensions;
mod health;
mod migrations;
mod rules;
mod seal;
