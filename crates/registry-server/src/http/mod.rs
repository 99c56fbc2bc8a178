//! The registry over HTTP. Handlers translate: they read the request, call the core and map its errors
//! ([`problem`]); rules and SQL are the core's.

mod api;
mod audit;
mod audit_entry;
mod audit_export;
mod audit_filter;
mod audit_verification;
mod authentication;
mod change_headers;
mod documentation;
mod events;
mod extensions;
mod extract;
mod health;
mod health_wire;
mod metrics;
mod probes;
mod problem;
mod problems;
mod router;
mod stats;
mod wire;

pub(crate) use api::Api;
pub(crate) use audit_entry::{AuditEntryBody, FieldChangeBody};
pub(crate) use audit_verification::VerificationBody;
pub(crate) use authentication::Gate;
pub(crate) use documentation::document;
pub(crate) use extensions::ExtensionBody;
pub(crate) use health_wire::{HealthOverviewBody, HealthReportBody};
pub(crate) use metrics::Metrics;
pub(crate) use router::router;
