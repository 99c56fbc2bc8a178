//! The command line as it is shipped: the real program on a real PostgreSQL.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod audit;
mod backups;
mod changes;
mod documentation;
mod exit_codes;
mod interrupted;
mod packaging;
mod places;
mod planning;
mod racing;
mod reading;
mod round_trip;
mod support;
mod terminals;
