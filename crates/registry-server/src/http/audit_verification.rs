//! Whether the audit log is whole, over HTTP.

use axum::Json;
use registry::verification::{Fault, FaultKind, Verification};
use serde::Serialize;
use utoipa::ToSchema;

use super::authentication::Caller;
use super::problem::Problem;
use super::problems::ReadProblems;
use super::wire::wire_enum;

wire_enum! {
    /// What can be wrong with the audit log.
    FaultName of FaultKind {
        /// The entry's content does not fit its hash: it was edited, or moved from another place.
        ContentChanged,
        /// The entry does not follow the one before it.
        LinkBroken,
        /// An entry is missing.
        EntryMissing,
        /// An entry was written past the seal.
        EntryUnsealed,
        /// The head does not fit the newest entry.
        HeadMismatch,
        /// An anchor names a revision that the registry no longer has: its end was cut off.
        EndCutOff,
        /// An anchor names another hash for a revision: the log was written anew.
        AnchorMismatch,
        /// An anchor names another registry: this one is a replacement.
        OtherRegistry,
    }
}

/// What a verification found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verification)]
pub(crate) struct VerificationBody {
    /// Whether the log is whole.
    is_whole: bool,
    /// Which registry was verified.
    registry_id: String,
    /// The registry's revision when it was verified.
    revision: i64,
    /// The hash of its newest entry then, in hexadecimal: keep it elsewhere, to find a log that was cut off since.
    hash: String,
    /// How many entries were verified; up to the first bad one.
    entry_count: i64,
    /// The first fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<FaultBody>,
}

/// Something that is wrong with the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fault)]
pub(crate) struct FaultBody {
    /// What kind.
    kind: FaultName,
    /// The revision at which it shows.
    revision: i64,
    /// What was expected and what is there: one sentence.
    explanation: String,
}

impl From<Fault> for FaultBody {
    fn from(fault: Fault) -> Self {
        Self {
            kind: fault.kind.into(),
            revision: fault.revision,
            explanation: fault.explanation,
        }
    }
}

impl From<Verification> for VerificationBody {
    fn from(verification: Verification) -> Self {
        Self {
            is_whole: verification.fault.is_none(),
            registry_id: verification.registry_id,
            revision: verification.revision,
            hash: verification.hash,
            entry_count: verification.entry_count,
            fault: verification.fault.map(FaultBody::from),
        }
    }
}

/// Verifies the whole audit log: computes every hash anew. A long log takes minutes.
#[utoipa::path(
    get, path = "/api/v1/audit/verify", tag = "audit",
    responses((status = 200, description = "What was found, a fault too", body = VerificationBody), ReadProblems),
    security(("token" = []))
)]
pub(crate) async fn verify_audit_log(caller: Caller) -> Result<Json<VerificationBody>, Problem> {
    Ok(Json(caller.registry.verify_audit_log().await?.into()))
}
