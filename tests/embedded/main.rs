//! The embedded PostgreSQL: its start, its end, and every way in which either can go wrong.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod bad_environments;
mod life;
mod sudden_death;
mod support;
