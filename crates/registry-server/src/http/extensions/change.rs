//! Extensions as they are changed. Every change is one transaction of the core, as the bearer's role, and its audit entry
//! names the owner of the token.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use registry::extension_changes::{ExtensionDraft, ExtensionPatch, RestoreRequest};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::ExtensionBody;
use crate::http::api::Api;
use crate::http::authentication::{Caller, PresumedCaller};
use crate::http::change_headers::{
    ChangeHeaders, PreconditionHeader, change_context, etag, seen_revision,
};
use crate::http::extract::{IdOf, IdParameter, JsonBody};
use crate::http::problem::Problem;
use crate::http::problems::{
    BodyProblems, ChangeProblems, MissingProblem, PreconditionProblems, ReadProblems,
};
use crate::http::wire::{ExtensionType, Json as JsonText, present, present_whole, whole};

/// A new extension.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "id": "pii_guard_2",
    "type": "validator",
    "subject": "beamline.ext.validate.pii_guard_2.v1",
    "enabled": false,
    "config": { "threshold": 0.8 }
}))]
pub(crate) struct NewExtension {
    /// Letters, digits, `_`, `-` and `.`, the first a letter or digit; at most 255; fixed for life.
    #[schema(max_length = 255, pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    id: String,
    /// Where in the router it runs; fixed for life.
    #[serde(rename = "type")]
    extension_type: ExtensionType,
    /// A literal NATS subject that no other extension has.
    #[schema(min_length = 1, max_length = 255)]
    subject: String,
    /// How long the router waits for an answer, in milliseconds.
    #[serde(default = "default_timeout_ms", deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 600_000, default = 5_000)]
    timeout_ms: i32,
    /// How often the router asks again after a failure.
    #[serde(default = "default_retry", deserialize_with = "whole")]
    #[schema(minimum = 0, maximum = 10, default = 1)]
    retry: i32,
    /// Whether the router uses it at once.
    #[serde(default = "default_enabled")]
    #[schema(default = true)]
    enabled: bool,
    /// A JSON object of at most 64 KiB.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object)]
    config: Option<JsonText>,
    /// A JSON object of at most 64 KiB.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object)]
    metadata: Option<JsonText>,
}

fn default_timeout_ms() -> i32 {
    5_000
}

fn default_retry() -> i32 {
    1
}

fn default_enabled() -> bool {
    true
}

/// The fields of an extension to change; those that are left out stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "timeout_ms": 300, "retry": 0 }))]
pub(crate) struct ExtensionChanges {
    /// A literal NATS subject that no other extension has.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 255)]
    subject: Option<String>,
    /// How long the router waits for an answer, in milliseconds.
    #[serde(default, deserialize_with = "present_whole")]
    #[schema(value_type = i32, required = false, minimum = 1, maximum = 600_000)]
    timeout_ms: Option<i32>,
    /// How often the router asks again after a failure.
    #[serde(default, deserialize_with = "present_whole")]
    #[schema(value_type = i32, required = false, minimum = 0, maximum = 10)]
    retry: Option<i32>,
    /// Whether the router uses it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    enabled: Option<bool>,
    /// The whole configuration, a JSON object of at most 64 KiB. A redaction mark that was read keeps its secret.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object, required = false)]
    config: Option<JsonText>,
    /// All notes, a JSON object of at most 64 KiB.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object, required = false)]
    metadata: Option<JsonText>,
}

/// A field that can be brought back by itself.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RestorableField {
    /// The NATS subject.
    Subject,
    /// The timeout.
    TimeoutMs,
    /// How often the router asks again.
    Retry,
    /// Whether the router uses it.
    Enabled,
    /// The configuration.
    Config,
    /// The notes.
    Metadata,
}

impl RestorableField {
    /// As the core calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::TimeoutMs => "timeout_ms",
            Self::Retry => "retry",
            Self::Enabled => "enabled",
            Self::Config => "config",
            Self::Metadata => "metadata",
        }
    }
}

/// What of an extension to bring back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "revision": 1, "fields": ["timeout_ms"] }))]
pub(crate) struct Restoration {
    /// The revision whose change made the version to bring back.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1)]
    revision: i64,
    /// The fields to bring back; all if it is left out. A deleted extension comes back whole.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<RestorableField>, required = false)]
    fields: Option<Vec<RestorableField>>,
    /// Secrets that the registry doesn't know any more, by their path, such as `/config/api_key`.
    #[serde(default)]
    #[schema(value_type = Object)]
    secrets: BTreeMap<String, JsonText>,
}

/// Adds an extension.
#[utoipa::path(
    post, path = "/api/v1/extensions", tag = "extensions",
    params(ChangeHeaders),
    request_body = NewExtension,
    responses(
        (status = 201, description = "It is there", body = ExtensionBody, headers(
            ("ETag" = String, description = "Its revision, for If-Match"),
            ("Location" = String, description = "Where it is"),
        )),
        ReadProblems, ChangeProblems, BodyProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn create_extension(
    caller: Caller,
    State(api): State<Api>,
    headers: HeaderMap,
    JsonBody(new): JsonBody<NewExtension>,
) -> Result<Response, Problem> {
    let context = change_context(&headers, &caller.bearer.owner)?;
    let object = |json: Option<JsonText>| json.map_or_else(|| "{}".to_owned(), text);
    let draft = ExtensionDraft {
        id: new.id,
        extension_type: new.extension_type.into(),
        subject: new.subject,
        timeout_ms: new.timeout_ms,
        retry: new.retry,
        enabled: new.enabled,
        config: object(new.config),
        metadata: object(new.metadata),
    };
    let created = caller.registry.create_extension(&draft, &context).await?;
    // Ids are of characters that a path may have.
    let location = (LOCATION, format!("/api/v1/extensions/{}", draft.id));
    let changed = answer(&api, created.into());
    Ok((StatusCode::CREATED, [location], changed).into_response())
}

/// Changes the fields that are named, of the state that `If-Match` names and no other.
#[utoipa::path(
    patch, path = "/api/v1/extensions/{id}", tag = "extensions",
    params(
        IdParameter,
        PreconditionHeader,
        ChangeHeaders,
    ),
    request_body = ExtensionChanges,
    responses(
        (status = 200, description = "As it is now", body = ExtensionBody,
            headers(("ETag" = String, description = "Its revision, for If-Match"))),
        ReadProblems, MissingProblem, ChangeProblems, PreconditionProblems, BodyProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn change_extension(
    caller: Caller,
    State(api): State<Api>,
    IdOf(id): IdOf,
    headers: HeaderMap,
    JsonBody(changes): JsonBody<ExtensionChanges>,
) -> Result<Response, Problem> {
    let context = change_context(&headers, &caller.bearer.owner)?;
    let revision = seen_revision(&headers)?;
    let patch = ExtensionPatch {
        subject: changes.subject,
        timeout_ms: changes.timeout_ms,
        retry: changes.retry,
        enabled: changes.enabled,
        config: changes.config.map(text),
        metadata: changes.metadata.map(text),
    };
    let now = caller
        .registry
        .update_extension(&id, revision, &patch, &context)
        .await?;
    Ok(answer(&api, now.into()))
}

/// Removes an extension in the state that `If-Match` names and no other. Its history stays.
#[utoipa::path(
    delete, path = "/api/v1/extensions/{id}", tag = "extensions",
    params(
        IdParameter,
        PreconditionHeader,
        ChangeHeaders,
    ),
    responses(
        (status = 204, description = "It is gone"),
        ReadProblems, MissingProblem, ChangeProblems, PreconditionProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn delete_extension(
    caller: Caller,
    State(api): State<Api>,
    IdOf(id): IdOf,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let context = change_context(&headers, &caller.bearer.owner)?;
    let revision = seen_revision(&headers)?;
    caller
        .registry
        .delete_extension(&id, revision, &context)
        .await?;
    // It is done, whether its revision can be read or not.
    if let Ok(end) = caller.registry.anchor().await {
        api.told(end.revision);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Switches an extension on. One that is on already stays as it is.
#[utoipa::path(
    post, path = "/api/v1/extensions/{id}/enable", tag = "extensions",
    params(
        IdParameter,
        ChangeHeaders,
    ),
    responses(
        (status = 200, description = "As it is now", body = ExtensionBody,
            headers(("ETag" = String, description = "Its revision, for If-Match"))),
        ReadProblems, MissingProblem, ChangeProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn enable_extension(
    caller: PresumedCaller,
    State(api): State<Api>,
    IdOf(id): IdOf,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    switch(&caller, &api, &id, true, &headers).await
}

/// Switches an extension off. One that is off already stays as it is.
#[utoipa::path(
    post, path = "/api/v1/extensions/{id}/disable", tag = "extensions",
    params(
        IdParameter,
        ChangeHeaders,
    ),
    responses(
        (status = 200, description = "As it is now", body = ExtensionBody,
            headers(("ETag" = String, description = "Its revision, for If-Match"))),
        ReadProblems, MissingProblem, ChangeProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn disable_extension(
    caller: PresumedCaller,
    State(api): State<Api>,
    IdOf(id): IdOf,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    switch(&caller, &api, &id, false, &headers).await
}

async fn switch(
    caller: &PresumedCaller,
    api: &Api,
    id: &str,
    enabled: bool,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let context = change_context(headers, &caller.bearer.owner)?;
    let switched = api
        .registry()
        .set_extension_enabled_for(&caller.bearer, id, enabled, &context)
        .await?;
    match switched {
        Some(extension) => Ok(answer(api, extension.into())),
        None => Err(caller.refusal(api).await),
    }
}

/// Brings back an earlier version of an extension, also of one that was deleted.
#[utoipa::path(
    post, path = "/api/v1/extensions/{id}/restore", tag = "extensions",
    params(
        IdParameter,
        ChangeHeaders,
    ),
    request_body = Restoration,
    responses(
        (status = 200, description = "As it is now", body = ExtensionBody,
            headers(("ETag" = String, description = "Its revision, for If-Match"))),
        ReadProblems, MissingProblem, ChangeProblems, BodyProblems,
    ),
    security(("token" = []))
)]
pub(crate) async fn restore_extension(
    caller: Caller,
    State(api): State<Api>,
    IdOf(id): IdOf,
    headers: HeaderMap,
    JsonBody(restoration): JsonBody<Restoration>,
) -> Result<Response, Problem> {
    let context = change_context(&headers, &caller.bearer.owner)?;
    let request = RestoreRequest {
        id,
        revision: restoration.revision,
        fields: restoration.fields.map(|fields| {
            fields
                .into_iter()
                .map(|field| field.name().to_owned())
                .collect()
        }),
        secrets: restoration
            .secrets
            .into_iter()
            .map(|(path, secret)| (path, text(secret)))
            .collect(),
    };
    let restored = caller
        .registry
        .restore_extension(&request, &context)
        .await?;
    Ok(answer(&api, restored.into()))
}

fn answer(api: &Api, body: ExtensionBody) -> Response {
    api.told(body.revision());
    ([etag(body.revision())], Json(body)).into_response()
}

/// The text itself, so that numbers keep their spelling.
fn text(json: Box<RawValue>) -> String {
    String::from(Box::<str>::from(json))
}
