//! The registry as code: extensions to and from a file, with a plan of what a file would change, and exactly that
//! applied in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use specta::Type;
use sqlx::postgres::PgConnection;
use tracing::info;

use crate::access::{Attempt, Role};
use crate::confirmation::InService;
use crate::differences::{FieldChange, row_differences};
use crate::document::{
    DocumentExtension, DocumentProblem, DocumentProblemCode, PROBLEMS_MAX, Place, Places,
    RegistryDocument,
};
use crate::extensions::ExtensionType;
use crate::registry::{ChangeOrigin, Footprint};
use crate::schemas::Schemas;
use crate::settling::Settling;
use crate::subject_order::{SubjectMove, free_before_taken};
use crate::time_travel::DifferenceKind;
use crate::wire::WireNumber;
use crate::{ChangeContext, Error, Registry, Result, rules};

/// What applying a document would change, and why it can't be applied if it can't.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct RegistryPlan {
    /// The registry's revision that it was made at.
    #[specta(type = WireNumber)]
    pub revision: i64,
    /// Each extension that would change, ordered by id.
    pub changes: Vec<PlannedChange>,
    /// How many extensions of the document are in the registry as they are there.
    pub unchanged_count: u32,
    /// How many extensions are in the registry and not in the document. They are deleted if the plan prunes.
    pub only_in_registry_count: u32,
    /// Why it can't be applied, ordered by place; empty if it can.
    pub problems: Vec<DocumentProblem>,
}

/// What would change of one extension.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct PlannedChange {
    /// The extension.
    pub extension_id: String,
    /// Whether it is created, changed or deleted.
    pub kind: DifferenceKind,
    /// What differs, ordered by path; all fields if it is created or deleted. Secrets are replaced by marks.
    pub changes: Vec<FieldChange>,
    /// Where it is in the document; none if it is deleted.
    pub place: Option<Place>,
}

/// How a document is applied.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct ApplyRequest {
    /// The revision of the plan that was looked at.
    #[specta(type = WireNumber)]
    pub seen_revision: i64,
    /// Whether extensions that are not in the document are deleted.
    pub prune: bool,
}

/// How many extensions were changed by a document.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct AppliedPlan {
    /// Created.
    pub created_count: u32,
    /// Changed.
    pub changed_count: u32,
    /// Deleted.
    pub deleted_count: u32,
}

const EXPORT: Attempt = Attempt::by(Role::RegistryViewer, "Exporting the registry");
const PLAN: Attempt = Attempt::by(Role::RegistryEditor, "Planning the import");
const APPLY: Attempt = Attempt::by(Role::RegistryEditor, "Importing the file");

impl Registry {
    /// The extensions with these ids, all of them if there are none, as a document. Secrets are replaced by marks.
    ///
    /// # Errors
    /// [`Error::ExtensionNotFound`] for the first id that is missing, [`Error::Forbidden`],
    /// [`Error::DatabaseUnavailable`].
    pub async fn export_document(&self, ids: Option<&[String]>) -> Result<RegistryDocument> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT public.registry_shown_row(id)::text FROM public.extensions
             WHERE $1::text[] IS NULL OR id = ANY ($1)",
        )
        .bind(ids)
        .fetch_all(self.pool())
        .await
        .map_err(|source| Error::from_query(EXPORT, source))?;
        let mut extensions = rows
            .iter()
            .map(|(row,)| {
                let row: WholeRow<'_> = parse_row(EXPORT, row)?;
                Ok(DocumentExtension {
                    id: row.id,
                    extension_type: row.extension_type,
                    subject: row.subject,
                    enabled: Some(row.enabled),
                    timeout_ms: Some(row.timeout_ms),
                    retry: Some(row.retry),
                    config: Some(row.config.get().to_owned()),
                    metadata: Some(row.metadata.get().to_owned()),
                    places: Places::default(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        extensions.sort_by(|left, right| left.id.cmp(&right.id));
        if let Some(missing) = ids.into_iter().flatten().find(|id| {
            extensions
                .binary_search_by(|extension| extension.id.cmp(id))
                .is_err()
        }) {
            return Err(Error::ExtensionNotFound {
                id: missing.clone(),
            });
        }
        info!(count = extensions.len(), "exported extensions");
        Ok(RegistryDocument { extensions })
    }

    /// What applying `document` would change; with `prune`, extensions that are not in it are deleted.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`]. What is wrong with the document is no error but part of
    /// the plan.
    pub async fn plan_document(
        &self,
        document: &RegistryDocument,
        prune: bool,
    ) -> Result<RegistryPlan> {
        let failed = |source| Error::from_query(PLAN, source);
        let mut transaction = self.pool().begin().await.map_err(failed)?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let draft = draft(&mut transaction, PLAN, document, prune).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(draft.plan)
    }

    /// Makes the registry what `document` says, in one transaction and as one group in the audit log: exactly what
    /// the plan of this revision says, or nothing. Others who change extensions wait meanwhile; who reads doesn't.
    ///
    /// # Errors
    /// [`Error::RegistryMoved`] if anything has changed since the plan was made, [`Error::DocumentInvalid`] if the plan
    /// has problems, [`Error::ConfirmationRequired`], [`Error::ReasonRequired`], [`Error::InvalidInput`] for the reason, [`Error::Forbidden`], [`Error::DatabaseUnavailable`], also
    /// when somebody else's change stayed open for 10 s. After an error nothing has changed, unless the connection broke
    /// while the change was being committed: then ask again with the same request id.
    pub async fn apply_document(
        &self,
        document: &RegistryDocument,
        request: ApplyRequest,
        context: &ChangeContext,
    ) -> Result<AppliedPlan> {
        let mut settling = Settling::new(self, context);
        loop {
            let attempt = settling
                .attempt(self.apply_once(document, request, &settling))
                .await;
            if let ControlFlow::Break(outcome) = settling.next(attempt).await {
                return outcome;
            }
        }
    }

    async fn apply_once(
        &self,
        document: &RegistryDocument,
        request: ApplyRequest,
        settling: &Settling<'_>,
    ) -> Result<AppliedPlan> {
        let context = &settling.context;
        let failed = |source| Error::from_query(APPLY, source);
        let mut change = self
            .begin_change(APPLY, settling, ChangeOrigin::Group, Footprint::ANY)
            .await?;
        let applied = if change.is_done {
            applied_before(&mut change.transaction, context).await?
        } else {
            let connection = &mut *change.transaction;
            context.confirmation.take_turn(connection, APPLY).await?;
            // Before anything is read: who changes something meanwhile is waited for, and then seen. EXCLUSIVE, because
            // who locks a row in order to change it must wait too, or both would wait for each other.
            sqlx::raw_sql(
                "SET LOCAL lock_timeout = '10s'; LOCK TABLE public.extensions IN EXCLUSIVE MODE",
            )
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
            let head = head(connection, APPLY).await?;
            if head != request.seen_revision {
                return Err(Error::RegistryMoved {
                    seen_revision: request.seen_revision,
                    revision: head,
                });
            }
            let draft = draft(connection, APPLY, document, request.prune).await?;
            if !draft.plan.problems.is_empty() {
                return Err(Error::DocumentInvalid {
                    problems: draft.plan.problems,
                });
            }
            let in_service = InService::read(connection, APPLY, None).await?;
            write(connection, &draft).await?;
            context
                .confirmation
                .check_since(connection, APPLY, in_service)
                .await?;
            draft.counts()
        };
        self.commit(APPLY, change).await?;
        info!(?applied, "imported a file");
        Ok(applied)
    }
}

/// A plan with what it takes to carry it out. It holds secrets.
struct Draft {
    plan: RegistryPlan,
    /// The rows that are changed and created, as JSON text, in an order in which they can be written.
    updates: Vec<Write>,
    creations: Vec<String>,
    deletions: Vec<String>,
}

struct Write {
    row: String,
    /// Another extension may have its subject until it is written itself.
    takes_subject: bool,
}

impl Draft {
    fn counts(&self) -> AppliedPlan {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        AppliedPlan {
            created_count: count(self.creations.len()),
            changed_count: count(self.updates.len()),
            deleted_count: count(self.deletions.len()),
        }
    }
}

/// A row as the document and the registry make it. The JSON is as PostgreSQL prints it.
#[derive(sqlx::FromRow)]
struct PlannedRow {
    id: String,
    /// As it may be shown; none if there is none.
    before: Option<String>,
    /// As it may be shown.
    after: String,
    whole: String,
    /// The paths of marks whose secrets are not known.
    missing: Vec<String>,
}

/// What of a row can be in a document.
#[derive(Deserialize)]
struct WholeRow<'a> {
    id: String,
    #[serde(rename = "type")]
    extension_type: ExtensionType,
    subject: String,
    enabled: bool,
    timeout_ms: i32,
    retry: i32,
    #[serde(borrow)]
    config: &'a RawValue,
    #[serde(borrow)]
    metadata: &'a RawValue,
}

fn parse_row<'a, T: Deserialize<'a>>(attempt: Attempt, row: &'a str) -> Result<T> {
    serde_json::from_str(row).map_err(|source| Error::Internal {
        attempted: attempt.words,
        source: source.into(),
    })
}

/// A row of a document as the database takes it: what is none is left out.
#[derive(Serialize)]
struct WantedRow<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    extension_type: &'a str,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Box<RawValue>>,
}

async fn head(connection: &mut PgConnection, attempt: Attempt) -> Result<i64> {
    sqlx::query_scalar("SELECT revision FROM public.registry_head")
        .fetch_one(connection)
        .await
        .map_err(|source| Error::from_query(attempt, source))
}

async fn draft(
    connection: &mut PgConnection,
    attempt: Attempt,
    document: &RegistryDocument,
    prune: bool,
) -> Result<Draft> {
    let failed = |source| Error::from_query(attempt, source);
    let revision = head(connection, attempt).await?;
    let rows: Vec<PlannedRow> = sqlx::query_as(
        "SELECT id, before::text AS before, after::text AS after, whole::text AS whole, missing
         FROM public.registry_plan_import($1::text::jsonb)",
    )
    .bind(wanted(attempt, document)?)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let ids: Vec<&str> = document
        .extensions
        .iter()
        .map(|extension| extension.id.as_str())
        .collect();
    let others: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "SELECT extensions.id, extensions.subject,
                CASE WHEN $2 THEN (public.registry_shown_row(extensions.id) - ARRAY['created_at', 'updated_at'])::text END
         FROM public.extensions
         LEFT JOIN unnest($1::text[]) AS named (id) ON named.id = extensions.id
         WHERE named.id IS NULL",
    )
    .bind(&ids)
    .bind(prune)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let schemas = Schemas::read(connection, attempt).await?;
    let planned: BTreeMap<&str, &PlannedRow> =
        rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut planning = Planning {
        attempt,
        schemas,
        draft: Draft {
            plan: RegistryPlan {
                revision,
                changes: Vec::new(),
                unchanged_count: 0,
                only_in_registry_count: u32::try_from(others.len()).unwrap_or(u32::MAX),
                problems: Vec::new(),
            },
            updates: Vec::new(),
            creations: Vec::new(),
            deletions: Vec::new(),
        },
        subjects: BTreeMap::new(),
        moves: Vec::new(),
    };
    if !prune {
        planning.subjects.extend(
            others
                .iter()
                .map(|(id, subject, _)| (subject.as_str(), id.as_str())),
        );
    }
    for extension in &document.extensions {
        if let Some(row) = planned.get(extension.id.as_str()) {
            planning.extension(extension, row)?;
        }
    }
    planning.order();
    if prune {
        for (id, _, row) in &others {
            planning.deletion(id, row.as_deref())?;
        }
    }
    let mut draft = planning.draft;
    draft
        .plan
        .changes
        .sort_by(|left, right| left.extension_id.cmp(&right.extension_id));
    draft.plan.problems.sort_by_key(|problem| problem.place);
    draft.plan.problems.truncate(PROBLEMS_MAX);
    Ok(draft)
}

/// The document as one JSON array.
fn wanted(attempt: Attempt, document: &RegistryDocument) -> Result<String> {
    let internal = |source: serde_json::Error| Error::Internal {
        attempted: attempt.words,
        source: source.into(),
    };
    let json = |text: &Option<String>| {
        text.clone()
            .map(RawValue::from_string)
            .transpose()
            .map_err(internal)
    };
    let rows = document
        .extensions
        .iter()
        .map(|extension| {
            Ok(WantedRow {
                id: &extension.id,
                extension_type: extension.extension_type.name(),
                subject: &extension.subject,
                enabled: extension.enabled,
                timeout_ms: extension.timeout_ms,
                retry: extension.retry,
                config: json(&extension.config)?,
                metadata: json(&extension.metadata)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    serde_json::to_string(&rows).map_err(internal)
}

struct Planning<'a> {
    attempt: Attempt,
    schemas: Schemas,
    draft: Draft,
    /// Who will have each subject.
    subjects: BTreeMap<&'a str, &'a str>,
    /// The updates with their subjects before and after, in the order of `draft.updates`.
    moves: Vec<(&'a DocumentExtension, Option<String>, String)>,
}

impl<'a> Planning<'a> {
    fn extension(&mut self, extension: &'a DocumentExtension, row: &PlannedRow) -> Result<()> {
        let attempt = self.attempt;
        let raw = |text: &str| -> Result<Box<RawValue>> { parse_row(attempt, text) };
        let before = row.before.as_deref().map(raw).transpose()?;
        let after = raw(&row.after)?;
        self.secrets(extension, row);
        self.subject(extension);
        let changes = row_differences(before.as_deref(), Some(&*after));
        if changes.is_empty() && row.missing.is_empty() {
            self.draft.plan.unchanged_count += 1;
            return Ok(());
        }
        let fields: BTreeSet<&str> = changes
            .iter()
            .filter_map(|change| change.path.split('/').nth(1))
            .collect();
        let whole: WholeRow<'_> = parse_row(attempt, &row.whole)?;
        self.rules(extension, &whole, &fields, before.is_none());
        if fields.contains("config") && row.missing.is_empty() {
            self.schema(extension, whole.config)?;
        }
        let kind = match &row.before {
            None => {
                self.draft.creations.push(row.whole.clone());
                DifferenceKind::Created
            }
            Some(before) => {
                let before: WholeRow<'_> = parse_row(attempt, before)?;
                self.draft.updates.push(Write {
                    row: row.whole.clone(),
                    takes_subject: fields.contains("subject"),
                });
                self.moves
                    .push((extension, Some(before.subject), whole.subject));
                DifferenceKind::Changed
            }
        };
        self.draft.plan.changes.push(PlannedChange {
            extension_id: extension.id.clone(),
            kind,
            changes,
            place: extension.places.start,
        });
        Ok(())
    }

    fn deletion(&mut self, id: &str, row: Option<&str>) -> Result<()> {
        let row: Option<Box<RawValue>> = row.map(|row| parse_row(self.attempt, row)).transpose()?;
        self.draft.deletions.push(id.to_owned());
        self.draft.plan.changes.push(PlannedChange {
            extension_id: id.to_owned(),
            kind: DifferenceKind::Deleted,
            changes: row_differences(row.as_deref(), None),
            place: None,
        });
        Ok(())
    }

    fn secrets(&mut self, extension: &DocumentExtension, row: &PlannedRow) {
        for path in &row.missing {
            self.draft.plan.problems.push(extension.problem(
                DocumentProblemCode::SecretUnknown,
                path.trim_start_matches('/'),
                format!(
                    "{path} of {:?} is a mark of a secret that the registry doesn't have there.",
                    extension.id
                ),
                "Write the secret in its place, or a reference to it such as env:NAME.",
            ));
        }
    }

    fn subject(&mut self, extension: &'a DocumentExtension) {
        if let Some(holder) = self.subjects.get(extension.subject.as_str()) {
            self.draft.plan.problems.push(extension.problem(
                DocumentProblemCode::SubjectTaken,
                "subject",
                format!("{holder:?} has the subject {:?}.", extension.subject),
                "Choose another subject.",
            ));
        } else {
            self.subjects.insert(&extension.subject, &extension.id);
        }
    }

    fn rules(
        &mut self,
        extension: &DocumentExtension,
        row: &WholeRow<'_>,
        changed: &BTreeSet<&str>,
        is_new: bool,
    ) {
        let values = rules::Values {
            id: &row.id,
            subject: &row.subject,
            timeout_ms: row.timeout_ms,
            retry: row.retry,
            config: row.config.get(),
            metadata: row.metadata.get(),
        };
        let type_changed = (!is_new && changed.contains("type")).then_some("extensions_type_fixed");
        let broken = rules::broken(&values, |field| is_new || changed.contains(field));
        for (field, message, action) in type_changed
            .into_iter()
            .chain(broken)
            .filter_map(rules::by_constraint)
        {
            self.draft.plan.problems.push(extension.problem(
                DocumentProblemCode::RuleBroken,
                field,
                message.to_owned(),
                action,
            ));
        }
    }

    fn schema(&mut self, extension: &DocumentExtension, config: &RawValue) -> Result<()> {
        let violations =
            self.schemas
                .violations(&extension.id, extension.extension_type, config.get())?;
        for violation in violations {
            self.draft.plan.problems.push(extension.problem(
                DocumentProblemCode::ConfigurationInvalid,
                &format!("config{}", violation.path),
                format!(
                    "The configuration of {:?} doesn't fit its schema: {violation}.",
                    extension.id
                ),
                "Correct it at that place, or change the schema.",
            ));
        }
        Ok(())
    }

    /// Puts the updates into an order in which each subject is free when it is taken.
    fn order(&mut self) {
        let moves: Vec<SubjectMove<'_>> = self
            .moves
            .iter()
            .map(|(_, from, to)| SubjectMove {
                from: from.as_deref(),
                to,
            })
            .collect();
        match free_before_taken(&moves) {
            Ok(order) => {
                let mut updates: Vec<Option<Write>> =
                    self.draft.updates.drain(..).map(Some).collect();
                self.draft.updates = order
                    .into_iter()
                    .filter_map(|position| updates[position].take())
                    .collect();
            }
            Err(circle) => {
                for position in circle {
                    let (extension, ..) = self.moves[position];
                    self.draft.plan.problems.push(extension.problem(
                        DocumentProblemCode::SubjectTaken,
                        "subject",
                        format!(
                            "The subject {:?} would go round in a circle: each has what the next one takes.",
                            extension.subject
                        ),
                        "Give one of them another subject first, in an import of its own.",
                    ));
                }
            }
        }
    }
}

/// Carries a plan out: what goes makes room for what comes.
async fn write(connection: &mut PgConnection, draft: &Draft) -> Result<()> {
    if !draft.deletions.is_empty() {
        sqlx::query("DELETE FROM public.extensions WHERE id = ANY ($1)")
            .bind(&draft.deletions)
            .execute(&mut *connection)
            .await
            .map_err(|source| rules::refused(APPLY, source))?;
    }
    let (moving, others): (Vec<_>, Vec<_>) =
        draft.updates.iter().partition(|each| each.takes_subject);
    // One after the other: within one statement a subject may be taken before it is given up.
    for each in moving {
        update(connection, &[each]).await?;
    }
    if !others.is_empty() {
        update(connection, &others).await?;
    }
    if !draft.creations.is_empty() {
        let rows = array(draft.creations.iter().map(String::as_str));
        sqlx::query(
            "INSERT INTO public.extensions (id, type, subject, timeout_ms, retry, enabled, config, metadata)
             SELECT id, type, subject, timeout_ms, retry, enabled, config, metadata
             FROM jsonb_populate_recordset(NULL::public.extensions, $1::text::jsonb)",
        )
        .bind(rows)
        .execute(&mut *connection)
        .await
        .map_err(|source| rules::refused(APPLY, source))?;
    }
    Ok(())
}

async fn update(connection: &mut PgConnection, rows: &[&Write]) -> Result<()> {
    sqlx::query(
        "UPDATE public.extensions AS extension
         SET subject = row.subject, timeout_ms = row.timeout_ms, retry = row.retry, enabled = row.enabled,
             -- What reads the same stays: a JSON null and none are written alike in a row.
             config = CASE WHEN row.config::text IS DISTINCT FROM nullif(extension.config, 'null')::text
                           THEN row.config ELSE extension.config END,
             metadata = CASE WHEN row.metadata::text IS DISTINCT FROM nullif(extension.metadata, 'null')::text
                             THEN row.metadata ELSE extension.metadata END
         FROM jsonb_populate_recordset(NULL::public.extensions, $1::text::jsonb) AS row
         WHERE extension.id = row.id",
    )
    .bind(array(rows.iter().map(|each| each.row.as_str())))
    .execute(connection)
    .await
    .map(drop)
    .map_err(|source| rules::refused(APPLY, source))
}

fn array<'a>(rows: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for (position, row) in rows.enumerate() {
        if position > 0 {
            text.push(',');
        }
        text.push_str(row);
    }
    text.push(']');
    text
}

/// What an earlier request of the same name did.
async fn applied_before(
    connection: &mut PgConnection,
    context: &ChangeContext,
) -> Result<AppliedPlan> {
    let (created, changed, deleted): (i64, i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE action = 'created'),
                count(*) FILTER (WHERE action IN ('updated', 'enabled', 'disabled')),
                count(*) FILTER (WHERE action = 'deleted')
         FROM public.extension_audit_log WHERE request_id = $1",
    )
    .bind(context.request_id)
    .fetch_one(connection)
    .await
    .map_err(|source| Error::from_query(APPLY, source))?;
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(AppliedPlan {
        created_count: count(created),
        changed_count: count(changed),
        deleted_count: count(deleted),
    })
}
