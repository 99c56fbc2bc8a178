//! The problems that operations can answer with, for the OpenAPI document.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use super::problem::{PROBLEM_JSON, ProblemDocument};

/// Of everything that takes a token.
pub(crate) struct ReadProblems;

/// Of everything that is about one extension, besides.
pub(crate) struct MissingProblem;

/// Of everything that changes, besides.
pub(crate) struct ChangeProblems;

/// Of what takes `If-Match`, besides.
pub(crate) struct PreconditionProblems;

/// Of what names states in its body, besides.
pub(crate) struct ConflictProblem;

/// Of what takes a body, besides.
pub(crate) struct BodyProblems;

/// Of the server itself, which takes no token.
pub(crate) struct NotReadyProblem;

macro_rules! problems {
    ($($name:ident: $($status:ident)+;)+) => {
        $(impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                of(&[$(StatusCode::$status),+])
            }
        })+
    };
}

problems! {
    ReadProblems: BAD_REQUEST UNAUTHORIZED FORBIDDEN UNPROCESSABLE_ENTITY TOO_MANY_REQUESTS INTERNAL_SERVER_ERROR
        SERVICE_UNAVAILABLE GATEWAY_TIMEOUT;
    MissingProblem: NOT_FOUND;
    ChangeProblems: CONFLICT INSUFFICIENT_STORAGE;
    PreconditionProblems: PRECONDITION_FAILED PRECONDITION_REQUIRED;
    ConflictProblem: PRECONDITION_FAILED;
    BodyProblems: PAYLOAD_TOO_LARGE UNSUPPORTED_MEDIA_TYPE;
    NotReadyProblem: SERVICE_UNAVAILABLE;
}

fn of(statuses: &[StatusCode]) -> BTreeMap<String, RefOr<Response>> {
    statuses
        .iter()
        .map(|status| {
            let content = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(ProblemDocument::name())))
                .build();
            let response = ResponseBuilder::new()
                .description(status.canonical_reason().unwrap_or_default())
                .content(PROBLEM_JSON, content)
                .build();
            (status.as_str().to_owned(), response.into())
        })
        .collect()
}

/// The schema that all of them refer to.
pub(crate) fn schema() -> (String, RefOr<utoipa::openapi::Schema>) {
    (
        ProblemDocument::name().into_owned(),
        ProblemDocument::schema(),
    )
}
