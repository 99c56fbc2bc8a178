//! The core on real PostgreSQL servers: the bundled one and an installed one.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod access;
mod audit;
mod audit_activity;
mod cache;
mod changes;
mod confirmation;
mod documentation;
mod extensions;
mod health;
mod health_history;
mod health_settings;
mod legacy;
mod lists;
mod migrations;
mod plan;
mod rules;
mod schemas;
mod seal;
mod secrets;
mod switching;
mod test_messages;
mod time_travel;
mod tokens;
mod undo;
