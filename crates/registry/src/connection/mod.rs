//! Connections to databases elsewhere: profiles, the way to the writable server of several, what can go wrong on
//! it, and a registry that follows a failover.
//!
//! [`ConnectionProfile`] says where a registry is, without a secret. [`Servers`] finds the right one of its servers,
//! [`Registry::open`](crate::Registry::open) opens the registry on it, and [`probe`] tries a profile step by step.

mod failure;
mod link;
mod lost_tail;
mod probe;
mod profile;
mod servers;
mod tls;
mod url;

pub use failure::{ConnectionFailure, ConnectionFailureCode, ConnectionFailureReport};
pub use link::ConnectionState;
pub(crate) use link::ServerLink;
pub use lost_tail::LostTail;
pub use probe::{ProbeOutcome, ProbeReport, ProbeStep, ProbeStepName, probe};
pub use profile::{
    ConnectionKind, ConnectionProfile, Pooling, ProfileColour, ProfileProblem, RemoteDatabase,
    ServerAddress, export_profiles, import_profiles,
};
pub(crate) use servers::worst;
pub use servers::{FoundServer, ServerRole, Servers, Target};
pub use tls::{TlsMode, TlsSettings};
pub use url::{ParsedUrl, parse_url, to_url};
