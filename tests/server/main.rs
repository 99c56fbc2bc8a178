//! The HTTP server as it is shipped: the real program on a real PostgreSQL.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod access;
mod audit;
mod bulk;
mod changes;
mod documentation;
mod events;
mod hostile;
mod inputs;
mod life;
mod operations;
mod postman;
mod reading;
mod schemathesis;
mod support;
