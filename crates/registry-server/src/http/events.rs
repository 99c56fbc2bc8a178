//! Changes as they happen, as server-sent events.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, StreamExt, stream};
use registry::access::Role;
use registry::cache::{CacheChange, Changes};
use serde::Serialize;
use utoipa::ToSchema;

use super::api::Api;
use super::authentication::ShownToken;
use super::problem::Problem;
use super::problems::ReadProblems;

/// How often it is looked whether the token is still accepted.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// What an event says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeEvent {
    /// The registry's revision that memory has now.
    revision: i64,
    /// The extensions that were created, changed or deleted; null if it may be any of them: read the list anew.
    ids: Option<Vec<String>>,
}

/// An event as it is sent, for the OpenAPI document.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "the document is made of it; events are written line by line"
)]
pub(crate) struct ServerSentEvent {
    /// `change`.
    #[schema(pattern = "^change$")]
    event: String,
    /// The revision.
    #[schema(pattern = "^[0-9]+$")]
    id: String,
    /// A `ChangeEvent`.
    #[schema(content_media_type = "application/json")]
    data: String,
}

impl From<CacheChange> for ChangeEvent {
    fn from(change: CacheChange) -> Self {
        let ids = change
            .ids
            .map(|ids| ids.iter().map(ToString::to_string).collect());
        Self {
            revision: change.revision,
            ids,
        }
    }
}

/// Tells of each change from now on, as server-sent events of the name `change` whose data is a `ChangeEvent`.
///
/// The first says which revision memory has; read the list after it. The stream ends when the server does, and within ten
/// seconds when the token is not accepted any more.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "server",
    responses((status = 200, description = "The changes", content_type = "text/event-stream", body = ServerSentEvent), ReadProblems),
    security(("token" = []))
)]
pub(crate) async fn read_events(
    token: ShownToken,
    State(api): State<Api>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    token
        .call(&api)
        .await?
        .require("Following the changes", Role::RegistryViewer)?;
    // From here on nothing is missed: what comes between this and the first event is told after it.
    let changes = api.cache().watch();
    let first = ChangeEvent {
        revision: api.cache().snapshot().head().revision,
        ids: None,
    };
    let later = stream::unfold(
        Following {
            changes,
            api,
            token,
            looked_at: Instant::now(),
        },
        |mut following| async {
            let change = following.next().await?;
            Some((event(&change), following))
        },
    );
    let events = stream::iter([event(&first)]).chain(later);
    Ok(Sse::new(events.map(Ok)).keep_alive(KeepAlive::default()))
}

/// Who follows the changes, for as long as they may.
struct Following {
    changes: Changes,
    api: Api,
    token: ShownToken,
    /// When it was last looked whether the token is accepted.
    looked_at: Instant,
}

impl Following {
    /// The next change; none when the server ends or the token is not accepted any more.
    async fn next(&mut self) -> Option<ChangeEvent> {
        let ending = self.api.ending();
        loop {
            let look = tokio::time::sleep_until((self.looked_at + LOOK_INTERVAL).into());
            tokio::select! {
                biased;
                () = ending.cancelled() => return None,
                () = look => {
                    self.token.call(&self.api).await.ok()?;
                    self.looked_at = Instant::now();
                }
                change = self.changes.next() => return change.map(ChangeEvent::from),
            }
        }
    }
}

fn event(change: &ChangeEvent) -> Event {
    let event = Event::default()
        .event("change")
        .id(change.revision.to_string());
    // Numbers and texts are always JSON.
    event.json_data(change).unwrap_or_default()
}
