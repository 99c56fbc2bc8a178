//! The headers of changes, and the `ETag` that ties a change to what was read.

use axum::http::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName};
use registry::ChangeContext;
use utoipa::IntoParams;

use super::problem::Problem;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const CHANGE_REASON: &str = "change-reason";
const IF_MATCH: &str = "if-match";

/// What every change may carry, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(
    dead_code,
    reason = "the document is made of it; what is read is read by name"
)]
pub(crate) struct ChangeHeaders {
    /// A name for this change: asked for twice under it, it is made once.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, format = Uuid)]
    idempotency_key: Option<String>,
    /// Why, for the audit log; UTF-8.
    #[param(rename = "Change-Reason", value_type = String, required = false, max_length = 500)]
    change_reason: Option<String>,
}

/// What a change must carry that is of one state, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(
    dead_code,
    reason = "the document is made of it; what is read is read by name"
)]
pub(crate) struct PreconditionHeader {
    /// The `ETag` of the extension as it was read.
    #[param(rename = "If-Match", pattern = r#"^"[0-9]{1,18}"$"#, example = "\"7\"")]
    if_match: String,
}

/// What a reader may carry, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(
    dead_code,
    reason = "the document is made of it; what is read is read by name"
)]
pub(crate) struct KnownHeader {
    /// The `ETag` that is known already.
    #[param(rename = "If-None-Match", value_type = String, required = false)]
    if_none_match: Option<String>,
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
    let Some(tag) = text_of(headers, IF_MATCH)? else {
        return Err(Problem::precondition_required());
    };
    let tag = tag.trim();
    if tag == "*" || tag.contains(',') {
        return Err(Problem::malformed_header(
            "If-Match",
            "If-Match is not one ETag: a change is of one state.",
        ));
    }
    // The comparison is strong (RFC 9110, 13.1.1): a weak tag matches nothing.
    let opaque = tag.strip_prefix("W/").unwrap_or(tag);
    let is_tag = opaque.len() >= 2 && opaque.starts_with('"') && opaque.ends_with('"');
    if !is_tag {
        return Err(Problem::malformed_header(
            "If-Match",
            "If-Match is no ETag, which stands in quotes.",
        ));
    }
    tag.trim_matches('"')
        .parse()
        .map_err(|_| Problem::precondition_failed())
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
            ("7", Err(StatusCode::BAD_REQUEST)),
            ("", Err(StatusCode::BAD_REQUEST)),
            ("\"", Err(StatusCode::BAD_REQUEST)),
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
