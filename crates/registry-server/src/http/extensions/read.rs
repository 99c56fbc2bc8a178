//! Extensions as they are read: from memory where that has all that is asked for, else from the database.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use registry::cache::Snapshot;
use registry::extensions::{
    ExtensionCursor, ExtensionFilter, ExtensionListRequest, ExtensionSortColumn,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ExtensionBody;
use crate::http::api::Api;
use crate::http::authentication::ShownToken;
use crate::http::change_headers::{KnownHeader, etag, has_seen};
use crate::http::extract::{IdOf, IdParameter, QueryOf};
use crate::http::problem::Problem;
use crate::http::problems::{MissingProblem, ReadProblems};
use crate::http::wire::{ExtensionType, HealthState, comma_separated, wire_enum};

wire_enum! {
    /// What a list is ordered by; then by id.
    SortColumn of ExtensionSortColumn {
        /// By id.
        Id,
        /// By type.
        Type,
        /// By subject.
        Subject,
        /// By timeout.
        TimeoutMs,
        /// By how often the router asks again.
        Retry,
        /// Those that are off first.
        Enabled,
        /// By health, the worst first.
        HealthScorePercent,
        /// By the revision that last changed them.
        Revision,
        /// By when they were created.
        CreatedAt,
        /// By when they last changed.
        UpdatedAt,
    }
}

/// How much of an extension is told.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum View {
    /// What a router needs: id, type, subject, timeout, retries, whether it is on, revision.
    Summary,
    /// And its times, its health and its last change; of one extension also configuration and metadata.
    Full,
}

/// Which extensions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Of one of these types, between commas.
    #[serde(rename = "type", deserialize_with = "comma_separated")]
    #[param(style = Form, explode = false)]
    types: Vec<ExtensionType>,
    /// Switched on, or off. Those that are on come from memory, if nothing else is asked for that only the database has.
    enabled: Option<bool>,
    /// In one of these states, between commas.
    #[serde(deserialize_with = "comma_separated")]
    #[param(style = Form, explode = false)]
    health: Vec<HealthState>,
    /// With this text in the id, the subject, the configuration or the metadata, in upper or lower case. Secrets are not
    /// searched.
    text: Option<String>,
    /// What they are ordered by; then by id.
    #[param(inline)]
    sort: SortColumn,
    /// Whether the order is turned round.
    descending: bool,
    /// Where to go on: the `next` of the page before, with the same order.
    #[param(min_length = 1, pattern = "^[A-Za-z0-9_-]+$")]
    after: Option<String>,
    /// How many at the most.
    #[param(minimum = 1, maximum = 10_000, default = 100)]
    limit: u16,
    /// How much of each.
    #[param(inline)]
    view: View,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            types: Vec::new(),
            enabled: None,
            health: Vec::new(),
            text: None,
            sort: SortColumn::Id,
            descending: false,
            after: None,
            limit: 100,
            view: View::Summary,
        }
    }
}

/// A part of the list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExtensionList {
    /// The extensions, in order.
    extensions: Vec<ExtensionBody>,
    /// Where the next page starts; left out when there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// For a list from memory: the registry's revision that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i64>,
}

/// Lists extensions, page by page.
///
/// A list of those that are on (`enabled=true`), in the order of their ids (by their bytes) and in the view `summary`, comes
/// from memory; it has whatever was changed through this server before.
#[utoipa::path(
    get, path = "/api/v1/extensions", tag = "extensions",
    params(ListQuery),
    responses((status = 200, description = "A page of them", body = ExtensionList), ReadProblems),
    security(("token" = []))
)]
pub(crate) async fn list_extensions(
    token: ShownToken,
    State(api): State<Api>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<ExtensionList>, Problem> {
    if query.is_in_memory() {
        token.read_memory(&api).await?;
        return query.read_from(&api.cache().snapshot()).map(Json);
    }
    let caller = token.call(&api).await?;
    let view = query.view;
    let page = caller.registry.list_extensions(&query.request()?).await?;
    Ok(Json(ExtensionList {
        extensions: page
            .extensions
            .into_iter()
            .map(|extension| match view {
                View::Full => extension.into(),
                View::Summary => ExtensionBody::from(extension).summarized(),
            })
            .collect(),
        next: page.next.as_ref().map(written_cursor),
        revision: None,
    }))
}

impl ListQuery {
    fn is_in_memory(&self) -> bool {
        self.view == View::Summary
            && self.enabled == Some(true)
            && self.health.is_empty()
            && self.text.as_deref().is_none_or(str::is_empty)
            && self.sort == SortColumn::Id
            && !self.descending
    }

    fn request(self) -> Result<ExtensionListRequest, Problem> {
        Ok(ExtensionListRequest {
            after: self.after.as_deref().map(read_cursor).transpose()?,
            filter: ExtensionFilter {
                types: self.types.into_iter().map(Into::into).collect(),
                enabled: self.enabled,
                health: self.health.into_iter().map(Into::into).collect(),
                text: self.text,
            },
            sort: self.sort.into(),
            descending: self.descending,
            limit: self.limit,
        })
    }

    fn read_from(self, snapshot: &Snapshot) -> Result<ExtensionList, Problem> {
        let request = self.request()?;
        request.check_limit()?;
        let limit = usize::from(request.limit);
        let after = request.after.map(|cursor| cursor.id).unwrap_or_default();
        let mut found = snapshot.enabled_after(&request.filter.types, &after, limit + 1);
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(|last| {
            written_cursor(&ExtensionCursor {
                value: last.id().to_owned(),
                id: last.id().to_owned(),
            })
        });
        Ok(ExtensionList {
            extensions: found
                .iter()
                .map(|found| ExtensionBody::summary(found))
                .collect(),
            next,
            revision: Some(snapshot.head().revision),
        })
    }
}

fn written_cursor(cursor: &ExtensionCursor) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

fn read_cursor(text: &str) -> Result<ExtensionCursor, Problem> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Problem::invalid("The parameter after is no `next` of a page."))
}

/// How much to read of one extension.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GetQuery {
    /// How much of it; `full` unless said otherwise. The view `summary` comes from memory.
    #[param(inline, value_type = View, required = false)]
    view: Option<View>,
}

/// Reads one extension.
#[utoipa::path(
    get, path = "/api/v1/extensions/{id}", tag = "extensions",
    params(
        IdParameter,
        GetQuery,
        KnownHeader,
    ),
    responses(
        (status = 200, description = "The extension", body = ExtensionBody,
            headers(("ETag" = String, description = "Its revision, for If-Match"))),
        (status = 304, description = "It is as it is known"),
        ReadProblems, MissingProblem,
    ),
    security(("token" = []))
)]
pub(crate) async fn get_extension(
    token: ShownToken,
    State(api): State<Api>,
    IdOf(id): IdOf,
    QueryOf(query): QueryOf<GetQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let body = if query.view == Some(View::Summary) {
        token.read_memory(&api).await?;
        let found = api.cache().lookup(&id);
        found
            .map(|found| ExtensionBody::summary(&found))
            .ok_or(registry::Error::ExtensionNotFound { id })?
    } else {
        let caller = token.call(&api).await?;
        caller.registry.get_extension_detail(&id).await?.into()
    };
    let tag = etag(body.revision());
    Ok(if has_seen(&headers, body.revision()) {
        (StatusCode::NOT_MODIFIED, [tag]).into_response()
    } else {
        ([tag], Json(body)).into_response()
    })
}
