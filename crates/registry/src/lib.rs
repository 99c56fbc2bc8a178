//! The core of Beamline Registry: everything the window, the scripts and the routers share.
//!
//! [`Registry`] is a handle on one registry database; each resource has a module that adds its
//! operations to it. [`embedded`] runs a private PostgreSQL for those who have none.
//! This crate knows neither Tauri nor HTTP: whatever it offers, any program can use.

pub mod anchors;
pub mod audit;
pub mod cache;
pub mod consumers;
pub mod embedded;
mod error;
pub mod extension_changes;
pub mod extensions;
pub mod health;
pub mod migrations;
mod registry;
mod rules;
pub mod verification;
mod wire;

pub use error::{Error, ErrorCode, ErrorReport, Result};
pub use registry::{ChangeContext, Registry, os_user};
