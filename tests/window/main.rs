//! The real window on a real database, driven as a person would: every test starts the application
//! on a screen, a session bus and in folders of its own.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod audit;
mod bad_environments;
mod console;
mod first_light;
mod guards;
mod health;
mod hostile;
mod keyboard;
mod menu;
mod protection;
mod roles;
mod routers;
mod seal;
mod sudden_death;
mod transfer;

use system_tests::application;
