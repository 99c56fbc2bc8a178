//! Several extensions changed at once: all of them or none, in one transaction of the core and as one group in the audit
//! log.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use registry::extension_changes::SeenExtension;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::Api;
use crate::http::authentication::Caller;
use crate::http::change_headers::{ChangeHeaders, change_context};
use crate::http::extract::JsonBody;
use crate::http::problem::Problem;
use crate::http::problems::{
    BodyProblems, ChangeProblems, ConflictProblem, MissingProblem, ReadProblems,
};
use crate::http::wire::whole;

/// How many extensions a request may name; what takes longer than an answer may take is not made.
const NAMED_MAX: usize = 10_000;

/// Which extensions to switch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "ids": ["pii_guard", "normalize_text"] }))]
pub(crate) struct NamedExtensions {
    /// Their ids. One that is named twice counts once.
    #[schema(min_items = 1, max_items = 10_000)]
    ids: Vec<String>,
}

/// Which extensions to delete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "extensions": [{ "id": "mock_provider", "revision": 0 }] }))]
pub(crate) struct SeenExtensions {
    /// Each in the state in which it was read, and in no other. One that is named twice counts once.
    #[schema(min_items = 1, max_items = 10_000)]
    extensions: Vec<SeenExtensionBody>,
}

/// An extension in the state in which it was read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SeenExtension)]
pub(crate) struct SeenExtensionBody {
    /// The extension.
    id: String,
    /// Its revision then, which is its `ETag` without the quotes.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 0)]
    revision: i64,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkOutcome {
    /// How many extensions were named, those among them that were so already.
    count: usize,
    /// A revision of the registry that has all of it; left out if it couldn't be read any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i64>,
}

/// Switches several extensions on, all of them or none. Those that are on already stay as they are.
#[utoipa::path(
    post, path = "/api/v1/bulk/enable", tag = "extensions",
    params(ChangeHeaders),
    request_body = NamedExtensions,
    responses(
        (status = 200, description = "All of them are on", body = BulkOutcome),
        ReadProblems, MissingProblem, ChangeProblems, BodyProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn enable_extensions(
    caller: Caller,
    State(api): State<Api>,
    headers: HeaderMap,
    JsonBody(named): JsonBody<NamedExtensions>,
) -> Result<Json<BulkOutcome>, Problem> {
    switch(&caller, &api, named, true, &headers).await
}

/// Switches several extensions off, all of them or none. Those that are off already stay as they are.
#[utoipa::path(
    post, path = "/api/v1/bulk/disable", tag = "extensions",
    params(ChangeHeaders),
    request_body = NamedExtensions,
    responses(
        (status = 200, description = "All of them are off", body = BulkOutcome),
        ReadProblems, MissingProblem, ChangeProblems, BodyProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn disable_extensions(
    caller: Caller,
    State(api): State<Api>,
    headers: HeaderMap,
    JsonBody(named): JsonBody<NamedExtensions>,
) -> Result<Json<BulkOutcome>, Problem> {
    switch(&caller, &api, named, false, &headers).await
}

async fn switch(
    caller: &Caller,
    api: &Api,
    named: NamedExtensions,
    enabled: bool,
    headers: &HeaderMap,
) -> Result<Json<BulkOutcome>, Problem> {
    let context = change_context(headers, &caller.bearer.owner)?;
    check_count("ids", named.ids.len())?;
    let ids = distinct(named.ids);
    caller
        .registry
        .set_extensions_enabled(&ids, enabled, &context)
        .await?;
    Ok(outcome(caller, api, ids.len()).await)
}

/// Removes several extensions, each in the state that is named and in no other; all of them or none. Their histories stay.
#[utoipa::path(
    post, path = "/api/v1/bulk/delete", tag = "extensions",
    params(ChangeHeaders),
    request_body = SeenExtensions,
    responses(
        (status = 200, description = "All of them are gone", body = BulkOutcome),
        ReadProblems, MissingProblem, ChangeProblems, ConflictProblem, BodyProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn delete_extensions(
    caller: Caller,
    State(api): State<Api>,
    headers: HeaderMap,
    JsonBody(seen): JsonBody<SeenExtensions>,
) -> Result<Json<BulkOutcome>, Problem> {
    let context = change_context(&headers, &caller.bearer.owner)?;
    check_count("extensions", seen.extensions.len())?;
    let seen = distinct_states(seen.extensions)?;
    caller.registry.delete_extensions(&seen, &context).await?;
    Ok(outcome(&caller, &api, seen.len()).await)
}

fn check_count(field: &'static str, count: usize) -> Result<(), Problem> {
    if (1..=NAMED_MAX).contains(&count) {
        return Ok(());
    }
    let detail = format!("The request names {count} extensions; it may be 1 to {NAMED_MAX}.");
    Err(Problem::invalid(detail).with_field(field))
}

/// Each once, in the order in which they are named: the first that is at fault is the one that is told.
fn distinct(ids: Vec<String>) -> Vec<String> {
    let mut known = HashSet::new();
    ids.into_iter()
        .filter(|id| known.insert(id.clone()))
        .collect()
}

fn distinct_states(named: Vec<SeenExtensionBody>) -> Result<Vec<SeenExtension>, Problem> {
    let mut known = HashMap::new();
    let mut seen = Vec::with_capacity(named.len());
    for SeenExtensionBody { id, revision } in named {
        match known.insert(id.clone(), revision) {
            None => seen.push(SeenExtension { id, revision }),
            Some(other) if other == revision => {}
            Some(other) => {
                let detail =
                    format!("{id:?} is named at the revisions {other} and {revision}: it has one.");
                return Err(Problem::invalid(detail)
                    .with_field("extensions")
                    .with_extension(id));
            }
        }
    }
    Ok(seen)
}

/// It is done, whether a revision can be read or not.
async fn outcome(caller: &Caller, api: &Api, count: usize) -> Json<BulkOutcome> {
    let revision = caller.registry.anchor().await.ok().map(|end| end.revision);
    if let Some(revision) = revision {
        api.told(revision);
    }
    Json(BulkOutcome { count, revision })
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    fn seen(states: &[(&str, i64)]) -> Result<Vec<(String, i64)>, StatusCode> {
        let named = states.iter().map(|(id, revision)| SeenExtensionBody {
            id: (*id).to_owned(),
            revision: *revision,
        });
        distinct_states(named.collect())
            .map(|seen| seen.into_iter().map(|it| (it.id, it.revision)).collect())
            .map_err(|problem| problem.status())
    }

    #[test]
    fn what_is_named_twice_counts_once_and_in_one_state() {
        let ids = |ids: &[&str]| distinct(ids.iter().map(ToString::to_string).collect());
        assert_eq!(ids(&["b", "a", "b"]), ["b", "a"]);
        assert_eq!(
            seen(&[("b", 1), ("a", 2), ("b", 1)]),
            Ok(vec![("b".into(), 1), ("a".into(), 2)])
        );
        assert_eq!(
            seen(&[("b", 1), ("b", 2)]),
            Err(StatusCode::UNPROCESSABLE_ENTITY)
        );
    }

    #[test]
    fn none_and_too_many_are_refused() {
        for (count, expected) in [(0, false), (1, true), (NAMED_MAX, true), (10_001, false)] {
            assert_eq!(check_count("ids", count).is_ok(), expected, "{count}");
        }
    }
}
