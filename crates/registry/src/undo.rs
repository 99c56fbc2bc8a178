//! Taking changes back: one, or all of a group at once.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use specta::Type;
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;
use tracing::info;

use crate::access::{Attempt, Role};
use crate::confirmation::InService;
use crate::extension_changes::bring_back;
use crate::registry::{ChangeOrigin, Footprint};
use crate::settling::Settling;
use crate::subject_order::{SubjectMove, free_before_taken};
use crate::wire::WireNumber;
use crate::{ChangeContext, Error, Registry, Result};

/// What to take back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum UndoTarget {
    /// The change of this revision.
    Revision(#[specta(type = WireNumber)] i64),
    /// All changes with this group id.
    Group(String),
}

const UNDO: Attempt = Attempt::by(Role::RegistryEditor, "Undoing the change");
const UNDO_SWITCH: Attempt = Attempt::by(Role::RegistryOperator, "Undoing the switch");

impl Registry {
    /// Brings every extension that the target changed back to what it was before, all of them or none, and
    /// returns their ids. The new audit entries name what they undo.
    ///
    /// # Errors
    /// [`Error::MovedOn`] naming the extensions that changed again since, [`Error::ChangeNotFound`],
    /// [`Error::SecretRequired`] if a secret that is not known any more would have to come back,
    /// [`Error::SubjectTaken`], [`Error::ConfirmationRequired`], [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`]. After an error nothing has changed.
    pub async fn undo(&self, target: &UndoTarget, context: &ChangeContext) -> Result<Vec<String>> {
        let origin = target.origin()?;
        let mut settling = Settling::new(self, context);
        loop {
            let attempt = settling
                .attempt(self.undo_once(target, origin, &settling))
                .await;
            if let ControlFlow::Break(outcome) = settling.next(attempt).await {
                return outcome;
            }
        }
    }

    async fn undo_once(
        &self,
        target: &UndoTarget,
        origin: ChangeOrigin,
        settling: &Settling<'_>,
    ) -> Result<Vec<String>> {
        let context = &settling.context;
        let mut change = self
            .begin_change(UNDO, settling, origin, Footprint::ANY)
            .await?;
        let steps = steps(&mut change.transaction, origin).await?;
        if steps.is_empty() {
            return Err(Error::ChangeNotFound {
                name: target.name(),
            });
        }
        let ids: Vec<String> = steps.iter().map(|step| step.extension_id.clone()).collect();
        if !change.is_done {
            let connection = &mut *change.transaction;
            // An operator may switch and nothing else: then so must the way back.
            let is_switch = steps.iter().all(|step| step.is_switch);
            let attempt = if is_switch { UNDO_SWITCH } else { UNDO };
            let may_stop_traffic = steps.iter().any(|step| step.is_off_before);
            if may_stop_traffic {
                context.confirmation.take_turn(connection, attempt).await?;
            }
            refuse_if_moved_on(connection, attempt, &steps).await?;
            let in_service = InService::read(connection, attempt, Some(ids.clone())).await?;
            for step in in_order(&steps) {
                if is_switch {
                    switch_back(connection, step).await?;
                } else {
                    take_back(connection, step).await?;
                }
            }
            if may_stop_traffic {
                context
                    .confirmation
                    .check_since(connection, attempt, in_service)
                    .await?;
            }
        }
        self.commit(UNDO, change).await?;
        info!(extension_ids = ?ids, "took changes back");
        Ok(ids)
    }
}

impl UndoTarget {
    fn origin(&self) -> Result<ChangeOrigin> {
        match self {
            Self::Revision(revision) => Ok(ChangeOrigin::UndoRevision(*revision)),
            Self::Group(id) => Uuid::try_parse(id)
                .map(ChangeOrigin::UndoGroup)
                .map_err(|_| Error::ChangeNotFound { name: self.name() }),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Revision(revision) => format!("#{revision}"),
            Self::Group(id) => format!("group {id}"),
        }
    }
}

/// What the target did to one extension.
#[derive(Debug, sqlx::FromRow)]
struct Step {
    extension_id: String,
    /// The row before the target's first change of it, as JSON text; none if the target created it.
    before: Option<String>,
    /// Its subject then; none if the target created it.
    subject_before: Option<String>,
    /// Its subject now; none if it is gone.
    subject_now: Option<String>,
    /// The revision of the target's last change of it.
    last_revision: i64,
    /// The revision of the last change of it at all.
    newest_revision: i64,
    /// Whether the target only switched it.
    is_switch: bool,
    /// Whether it was off before, or not there.
    is_off_before: bool,
}

/// Ordered by id, so that two that lock several rows never wait for each other.
async fn steps(connection: &mut PgConnection, origin: ChangeOrigin) -> Result<Vec<Step>> {
    let (group_id, revision) = match origin {
        ChangeOrigin::UndoGroup(id) => (Some(id), None),
        ChangeOrigin::UndoRevision(revision) => (None, Some(revision)),
        _ => (None, None),
    };
    sqlx::query_as(
        "SELECT extension_id,
                (array_agg(before ORDER BY revision))[1]::text AS before,
                (array_agg(before ->> 'subject' ORDER BY revision))[1] AS subject_before,
                (SELECT subject FROM public.extensions WHERE id = extension_id) AS subject_now,
                max(revision) AS last_revision,
                (SELECT max(revision) FROM public.extension_audit_log AS newer
                 WHERE newer.extension_id = log.extension_id AND revision IS NOT NULL) AS newest_revision,
                bool_and(action IN ('enabled', 'disabled')) AS is_switch,
                coalesce((array_agg(before ORDER BY revision))[1] @> jsonb_build_object('enabled', false), true) AS is_off_before
         FROM public.extension_audit_log AS log
         WHERE (group_id = $1 OR revision = $2) AND actor_source <> 'legacy' AND revision IS NOT NULL
         GROUP BY extension_id
         ORDER BY extension_id",
    )
    .bind(group_id)
    .bind(revision)
    .fetch_all(connection)
    .await
    .map_err(|source| Error::from_query(UNDO, source))
}

/// What was created goes first, then who has a subject that another one gets back.
fn in_order(steps: &[Step]) -> impl Iterator<Item = &Step> {
    let (created, others): (Vec<&Step>, Vec<&Step>) =
        steps.iter().partition(|step| step.before.is_none());
    let moves: Vec<SubjectMove<'_>> = others
        .iter()
        .map(|step| SubjectMove {
            from: step.subject_now.as_deref(),
            to: step.subject_before.as_deref().unwrap_or_default(),
        })
        .collect();
    // A circle is for the database to refuse, by name.
    let order = free_before_taken(&moves).unwrap_or_else(|_| (0..others.len()).collect());
    created
        .into_iter()
        .chain(order.into_iter().map(move |position| others[position]))
}

async fn refuse_if_moved_on(
    connection: &mut PgConnection,
    attempt: Attempt,
    steps: &[Step],
) -> Result<()> {
    let ids: Vec<&str> = steps
        .iter()
        .map(|step| step.extension_id.as_str())
        .collect();
    // Locked first and compared after: who changed a row meanwhile is waited for and then seen.
    let revisions: Vec<(String, i64)> = sqlx::query_as(
        "SELECT id, revision FROM public.extensions WHERE id = ANY($1) ORDER BY id FOR UPDATE",
    )
    .bind(&ids)
    .fetch_all(connection)
    .await
    .map_err(|source| Error::from_query(attempt, source))?;
    let revisions: BTreeMap<String, i64> = revisions.into_iter().collect();
    let moved_on: Vec<String> = steps
        .iter()
        .filter(|step| {
            let now = revisions.get(&step.extension_id).copied();
            step.newest_revision != step.last_revision
                || now.is_some_and(|revision| revision != step.last_revision)
        })
        .map(|step| step.extension_id.clone())
        .collect();
    if moved_on.is_empty() {
        Ok(())
    } else {
        Err(Error::MovedOn {
            extension_ids: moved_on,
        })
    }
}

async fn switch_back(connection: &mut PgConnection, step: &Step) -> Result<()> {
    sqlx::query(
        "UPDATE public.extensions SET enabled = ($2::text::jsonb ->> 'enabled')::boolean WHERE id = $1",
    )
    .bind(&step.extension_id)
    .bind(step.before.as_deref())
    .execute(connection)
    .await
    .map(drop)
    .map_err(|source| Error::from_query(UNDO_SWITCH, source))
}

async fn take_back(connection: &mut PgConnection, step: &Step) -> Result<()> {
    match &step.before {
        Some(before) => {
            let (id, secrets) = (&step.extension_id, BTreeMap::new());
            bring_back(connection, UNDO, id, before, None, &secrets).await
        }
        None => sqlx::query("DELETE FROM public.extensions WHERE id = $1")
            .bind(&step.extension_id)
            .execute(connection)
            .await
            .map(drop)
            .map_err(|source| Error::from_query(UNDO, source)),
    }
}
