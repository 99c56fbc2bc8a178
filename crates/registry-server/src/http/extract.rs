//! What requests say: bodies, queries, paths and the headers of changes. What can't be read is a problem, and so is what
//! is not understood: passed over, it could be what somebody relies on.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use registry::ChangeContext;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The largest body.
pub(crate) const BODY_MAX_BYTES: usize = 1 << 20;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const CHANGE_REASON: &str = "change-reason";

/// A JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::unsupported_media_type());
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(unreadable)?;
        // An array would be taken for the fields in their order.
        if bytes.trim_ascii_start().starts_with(b"[") {
            return Err(Problem::invalid("The body is no JSON object."));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            if error.is_data() {
                Problem::invalid(format!("The body doesn't fit: {error}."))
            } else {
                Problem::malformed(format!("The body is no JSON: {error}."))
            }
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

fn unreadable(rejection: BytesRejection) -> Problem {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Problem::body_too_large(BODY_MAX_BYTES)
        }
        other => Problem::malformed(format!("The body can't be read: {other}.")),
    }
}

/// The parameters of a query.
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(query)| Self(query))
            .map_err(|rejection| Problem::invalid(rejection.body_text()))
    }
}

/// The id in a path.
pub(crate) struct IdOf(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for IdOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(id)| Self(id))
            .map_err(|rejection: PathRejection| Problem::malformed(rejection.body_text()))
    }
}

/// What a change carries: the reason from `Change-Reason`, and its name from `Idempotency-Key`.
///
/// An answer that was lost is asked for again with the same key: what was done is not done again. For another kind of
/// change, or another extension, a key that was used is refused.
pub(crate) fn change_context(headers: &HeaderMap, owner: &str) -> Result<ChangeContext, Problem> {
    let reason = text_of(headers, CHANGE_REASON)?.map(str::to_owned);
    let key = text_of(headers, IDEMPOTENCY_KEY)?;
    let context = ChangeContext::with_reason(reason)
        .with_request_id(key)
        .map_err(|_| Problem::malformed_header("Idempotency-Key", "Idempotency-Key is no UUID."))?;
    Ok(ChangeContext {
        acting_for: Some(owner.to_owned()),
        // The state that If-Match names is the one that is changed, and no other.
        is_merge_refused: true,
        ..context
    })
}

/// The text of a header, in UTF-8. One that is there twice is a problem: which of them holds?
fn text_of<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(HeaderName::from_static(name)).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::malformed_header(
            name,
            "The header is there twice.",
        ));
    }
    std::str::from_utf8(value.as_bytes())
        .map(Some)
        .map_err(|_| Problem::malformed_header(name, "The header is no UTF-8."))
}

/// The `ETag` of an extension at a revision.
pub(crate) fn etag(revision: i64) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::try_from(format!("\"{revision}\""));
    (ETAG, value.unwrap_or(HeaderValue::from_static("\"0\"")))
}

/// The revision that a change is of, from `If-Match`.
pub(crate) fn seen_revision(headers: &HeaderMap) -> Result<i64, Problem> {
    let Some(tag) = text_of(headers, "if-match")? else {
        return Err(Problem::precondition_required());
    };
    let tag = tag.trim();
    if tag == "*" || tag.contains(',') {
        return Err(Problem::malformed_header(
            "If-Match",
            "If-Match is not one ETag: a change is of one state.",
        ));
    }
    let digits = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    let Some(digits) = digits else {
        // A weak one, or none in quotes: the comparison is strong (RFC 9110, 13.1.1), and no such tag was given.
        return Err(Problem::precondition_failed());
    };
    digits.parse().map_err(|_| Problem::precondition_failed())
}

/// Whether the caller has this revision already, from `If-None-Match`.
pub(crate) fn has_seen(headers: &HeaderMap, revision: i64) -> bool {
    let tag = format!("\"{revision}\"");
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|value| value == "*" || value.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                (HeaderName::from_static(name), value)
            })
            .collect()
    }

    #[test]
    fn if_match_names_one_revision_or_the_change_is_refused() {
        for (tag, expected) in [
            ("\"7\"", Ok(7)),
            ("*", Err(StatusCode::BAD_REQUEST)),
            ("\"7\", \"8\"", Err(StatusCode::BAD_REQUEST)),
            ("W/\"7\"", Err(StatusCode::PRECONDITION_FAILED)),
            ("7", Err(StatusCode::PRECONDITION_FAILED)),
            ("\"x\"", Err(StatusCode::PRECONDITION_FAILED)),
        ] {
            let found = seen_revision(&headers(&[("if-match", tag)])).map_err(|it| it.status());
            assert_eq!(found, expected, "{tag}");
        }
        let missing = seen_revision(&HeaderMap::new()).unwrap_err().status();
        assert_eq!(missing, StatusCode::PRECONDITION_REQUIRED);
    }

    #[test]
    fn a_reason_may_be_in_any_language_and_a_key_is_a_uuid() {
        let context = change_context(&headers(&[("change-reason", "größer")]), "anna").unwrap();
        assert_eq!(context.reason.as_deref(), Some("größer"));
        assert_eq!(context.acting_for.as_deref(), Some("anna"));
        let refused = change_context(&headers(&[("idempotency-key", "again")]), "anna");
        assert_eq!(refused.unwrap_err().status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn what_was_seen_is_known_by_either_kind_of_tag() {
        for tag in ["\"7\"", "W/\"7\"", "\"1\", \"7\"", "*"] {
            assert!(has_seen(&headers(&[("if-none-match", tag)]), 7), "{tag}");
        }
        assert!(!has_seen(&headers(&[("if-none-match", "\"77\"")]), 7));
    }
}
