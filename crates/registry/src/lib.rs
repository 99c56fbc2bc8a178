//! The core of Beamline Registry: everything the window, the scripts and the routers share.
//!
//! [`Registry`] is a handle on one registry database; each resource has a module that adds its
//! operations to it. [`embedded`] runs a private PostgreSQL for those who have none.
//! This crate knows neither Tauri nor HTTP: whatever it offers, any program can use.

pub mod access;
pub mod anchors;
pub mod audit;
pub mod audit_activity;
mod audit_actors;
mod audit_export;
pub mod audit_groups;
pub mod backup;
mod binary_copy;
pub mod cache;
pub mod confirmation;
pub mod connection;
pub mod consumers;
pub mod differences;
pub mod document;
pub mod embedded;
mod error;
pub mod extension_changes;
pub mod extensions;
pub mod health;
mod lock;
pub mod migrations;
pub mod moving;
pub mod plan;
mod pool;
mod registry;
mod rules;
pub mod schemas;
mod settling;
mod subject_order;
pub mod time_travel;
pub mod tokens;
pub mod undo;
pub mod verification;
mod wire;

pub use audit_export::ExportFormat;
pub use error::{Error, ErrorCode, ErrorFacts, ErrorReport, Result};
pub use registry::{ChangeContext, Registry, os_user};
