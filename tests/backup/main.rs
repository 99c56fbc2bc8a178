//! What keeps a registry when its database does not: backups, restoring, moving to another database, a new major version
//! of PostgreSQL, and a full disk.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: what is measured is printed"
)]

mod damage;
mod embedded;
mod killed;
mod move_guards;
mod moving;
mod support;
mod whole;
