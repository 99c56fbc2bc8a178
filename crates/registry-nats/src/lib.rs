//! Extensions tried over NATS: a request to an extension's subject, as a router sends it, and what came of it.
//!
//! [`NatsSettings`] say where the servers are and how to get in, [`NatsConnection`] is the way in,
//! [`NatsConnection::send_test_message`] asks, and [`test_extension`] also records the answer in the registry.
//! [`ScheduledChecks`] does so for the checks that are due. A crate of its own: the core has no NATS client, and
//! routers that use it have one already.

mod checks;
mod connection;
mod failure;
mod settings;
mod test_message;

pub use checks::{ScheduledChecks, TestReport, test_extension};
pub use connection::{NatsConnection, NatsServer};
pub use failure::{NatsFailure, NatsFailureCode, NatsFailureReport};
pub use secrecy::SecretString;
pub use settings::{NatsAuthentication, NatsSettings, NatsTls};
pub use test_message::{AttemptOutcome, TestAttempt, TestOutcome, TestReply};

/// TypeScript's `number`, for values that are finite; as in the core.
type WireNumber = u32;
