//! The real window on a real database, driven as a person would: every test starts the application
//! on a screen, a session bus and in folders of its own.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod accessibility;
mod audit;
mod backups;
mod bad_environments;
mod connections;
mod console;
mod desktop_entry;
mod first_light;
mod forms;
mod guards;
mod health;
mod hostile;
mod keyboard;
mod limits;
mod live;
mod live_test;
mod menu;
mod patroni;
mod pictures;
mod protection;
mod roles;
mod routers;
mod seal;
mod sudden_death;
mod transfer;
mod tray;
mod two_windows;

use system_tests::application;
