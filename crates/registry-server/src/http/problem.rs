//! What goes wrong, as RFC 9457 problem documents: the one place where the core's errors become HTTP.

use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use registry::access::Role;
use registry::{Error, ErrorCode};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

/// The media type of problems.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong, in the form of RFC 9457.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// The kind of problem: `urn:beamline-registry:` and the code.
    #[schema(example = "urn:beamline-registry:extension_not_found")]
    r#type: String,
    /// The kind of problem in words.
    #[schema(example = "extension not found")]
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What was attempted and why it failed: one sentence.
    detail: String,
    /// The kind of problem, for programs to branch on.
    #[schema(example = "extension_not_found")]
    code: String,
    /// What to do: one sentence.
    action: String,
    /// The field at fault, where the input broke a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The extension at fault: of a request that names several, the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    extension_id: Option<String>,
    /// More, for problems that a program can go on from: `kind` and `value`, such as what stands against what.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    facts: Option<serde_json::Value>,
}

/// What went wrong: what is told of it, and what is not. Small, because it is the other side of every result.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    document: ProblemDocument,
    status: StatusCode,
    /// What is logged and not told: the words of the database and of the network.
    cause: Option<String>,
    headers: HeaderMap,
}

impl Problem {
    fn new(status: StatusCode, code: &str, detail: impl Into<String>, action: &str) -> Self {
        let document = ProblemDocument {
            r#type: format!("urn:beamline-registry:{code}"),
            title: code.replace('_', " "),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            action: action.to_owned(),
            field: None,
            extension_id: None,
            facts: None,
        };
        Self(Box::new(Parts {
            document,
            status,
            cause: None,
            headers: HeaderMap::new(),
        }))
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    pub(crate) fn with_field(mut self, field: &str) -> Self {
        self.0.document.field = Some(field.to_owned());
        self
    }

    pub(crate) fn with_extension(mut self, id: String) -> Self {
        self.0.document.extension_id = Some(id);
        self
    }

    /// No token, or none that is accepted.
    pub(crate) fn unauthenticated(detail: &str) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            detail,
            "Send `Authorization: Bearer` with a token; `registryctl token create` makes one.",
        )
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// The token's role is too low.
    pub(crate) fn forbidden(attempted: &str, required_role: Role) -> Self {
        let mut problem = Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!("{attempted} isn't allowed for this token"),
            &format!("Use a token of the role {required_role}."),
        );
        problem.0.document.facts =
            Some(serde_json::json!({ "kind": "required_role", "value": required_role }));
        problem
    }

    /// Too many requests.
    pub(crate) fn rate_limited(wait_seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "There were too many requests; this one was not looked at.",
            "Wait for as long as Retry-After says.",
        )
        .with_header(RETRY_AFTER, HeaderValue::from(wait_seconds))
    }

    /// A change that doesn't say which state it is of.
    pub(crate) fn precondition_required() -> Self {
        Self::new(
            StatusCode::PRECONDITION_REQUIRED,
            "precondition_required",
            "The request has no If-Match; nothing has been changed.",
            "Send the ETag of the extension as you have read it in If-Match.",
        )
    }

    /// An `If-Match` that nothing can match.
    pub(crate) fn precondition_failed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "If-Match is the ETag of no state of the extension; nothing has been changed.",
            "Send the ETag of the extension as you have read it in If-Match.",
        )
    }

    /// A request that can't be read.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed_request",
            detail,
            "Correct the request; docs/api.md has an example of each.",
        )
    }

    /// A header that can't be read.
    pub(crate) fn malformed_header(name: &str, detail: &str) -> Self {
        Self::malformed(detail).with_field(name)
    }

    /// A request that can be read and says what it must not.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_input",
            detail,
            "Correct the request; the OpenAPI document has the fields of each.",
        )
    }

    /// A body of another media type.
    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body is not announced as JSON.",
            "Send `Content-Type: application/json`.",
        )
    }

    /// A body that is too large.
    pub(crate) fn body_too_large(limit_bytes: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("The body is larger than {limit_bytes} bytes."),
            "Send a smaller one.",
        )
    }

    /// A path that is none.
    pub(crate) fn no_such_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_path",
            "There is nothing at this path.",
            "Look at /api/v1/docs for what there is.",
        )
    }

    /// A method that a path doesn't have.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This path doesn't have this method.",
            "Look at /api/v1/docs for what there is.",
        )
    }

    /// A request that took too long. A change may have been made.
    pub(crate) fn timed_out(limit_seconds: u64) -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "request_timed_out",
            format!("There was no answer within {limit_seconds} s."),
            "Ask again; a change with the same Idempotency-Key is made once.",
        )
    }

    /// The server is not ready.
    pub(crate) fn not_ready(detail: &str) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_ready",
            detail,
            "Check that the database runs and can be reached.",
        )
    }

    /// A fault of this program.
    pub(crate) fn internal(cause: String) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something happened that should not.",
            "Report the time and the server's log to the developers.",
        );
        problem.0.cause = Some(cause);
        problem
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if let Error::Forbidden {
            attempted,
            required_role,
            ..
        } = error
        {
            return Self::forbidden(attempted, required_role);
        }
        let report = error.report();
        let extension_id = extension_at_fault(error);
        let status = status_of(report.code);
        let code = code_name(report.code);
        let mut problem = Self::new(status, &code, report.message, &report.action);
        let facts = report
            .facts
            .and_then(|facts| serde_json::to_value(facts).ok());
        problem.0.document.field = report.field.map(on_the_wire);
        problem.0.document.extension_id = extension_id;
        problem.0.document.facts = facts;
        problem.0.cause = report.detail;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            problem = problem.with_header(RETRY_AFTER, HeaderValue::from(1));
        }
        problem
    }
}

fn extension_at_fault(error: Error) -> Option<String> {
    match error {
        Error::ExtensionNotFound { id } => Some(id),
        Error::RevisionConflict { conflict } => Some(conflict.current.extension.id),
        Error::SecretRequired { extension_id, .. } => Some(extension_id),
        _ => None,
    }
}

/// What a field of the core is called in a request.
fn on_the_wire(field: String) -> String {
    match field.as_str() {
        "request_id" => "Idempotency-Key".to_owned(),
        "reason" => "Change-Reason".to_owned(),
        _ => field,
    }
}

/// The status of each kind of error.
fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::ExtensionNotFound | ErrorCode::ChangeNotFound => StatusCode::NOT_FOUND,
        ErrorCode::Forbidden | ErrorCode::OwnerRequired => StatusCode::FORBIDDEN,
        // What is compared is the revision that If-Match gave.
        ErrorCode::RevisionConflict => StatusCode::PRECONDITION_FAILED,
        ErrorCode::IdTaken
        | ErrorCode::SubjectTaken
        | ErrorCode::MovedOn
        | ErrorCode::RegistryMoved
        | ErrorCode::ConfirmationRequired => StatusCode::CONFLICT,
        ErrorCode::InvalidInput
        | ErrorCode::ConfigurationInvalid
        | ErrorCode::DocumentInvalid
        | ErrorCode::ReasonRequired
        | ErrorCode::SecretRequired => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::DatabaseUnavailable
        | ErrorCode::ReadOnly
        | ErrorCode::RegistryMovedAway
        | ErrorCode::SchemaNewer
        | ErrorCode::OutcomeUnknown
        | ErrorCode::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::DataDirectoryUnwritable
        | ErrorCode::ServerVersionMismatch
        | ErrorCode::SocketPathTooLong
        | ErrorCode::ServerBinariesMissing
        | ErrorCode::ServerBinariesUnusable
        | ErrorCode::DataDirectoryInUse
        | ErrorCode::UnsafeServerSettings
        | ErrorCode::ServerStartFailed
        | ErrorCode::MigrationFailed
        | ErrorCode::OutputUnwritable
        | ErrorCode::BackupInvalid
        | ErrorCode::FileUnreadable
        | ErrorCode::TargetNotEmpty
        | ErrorCode::CopyDiffers
        | ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// As the core spells it.
fn code_name(code: ErrorCode) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(name)) => name,
        _ => "internal".to_owned(),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts {
            document,
            status,
            cause,
            headers,
        } = *self.0;
        if status.is_server_error() {
            error!(
                code = document.code,
                detail = document.detail,
                cause,
                "a request failed"
            );
        }
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let content_type = [(CONTENT_TYPE, PROBLEM_JSON)];
        (status, headers, content_type, body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_error_keeps_its_code_and_its_words() {
        let problem = Problem::from(Error::ExtensionNotFound { id: "a".into() });
        let sent = serde_json::to_value(&problem.0.document).unwrap();
        assert_eq!(sent["status"], 404);
        assert_eq!(sent["code"], "extension_not_found");
        assert_eq!(sent["type"], "urn:beamline-registry:extension_not_found");
        assert_eq!(sent["title"], "extension not found");
        assert_eq!(sent["extension_id"], "a");
        assert!(sent["detail"].as_str().unwrap().contains("\"a\""));
        assert!(
            sent.get("facts").is_none(),
            "what there is none of is left out"
        );
    }

    #[test]
    fn what_the_database_said_is_not_told() {
        let error = Error::Internal {
            attempted: "Reading",
            source: "relation \"secret\" does not exist".into(),
        };
        let problem = Problem::from(error);
        assert!(
            problem.0.cause.as_deref().unwrap().contains("secret"),
            "it is logged"
        );
        let sent = serde_json::to_string(&problem.0.document).unwrap();
        assert!(!sent.contains("secret"));
    }
}
