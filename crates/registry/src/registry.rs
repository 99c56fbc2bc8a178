//! The handle on one registry database.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::types::Uuid;
use sqlx::{Postgres, Transaction};

use crate::access::Attempt;
use crate::anchors::AnchorFile;
use crate::confirmation::Confirmation;
use crate::{Error, Result, rules};

/// How long a caller waits for a free connection before it is told that the database doesn't answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A handle on one registry database: cheap to clone, safe to share.
///
/// Each resource adds its operations in a module of its own: [`crate::extensions`],
/// [`crate::audit`], [`crate::health`].
#[derive(Clone, Debug)]
pub struct Registry {
    pool: PgPool,
    anchor_file: Option<AnchorFile>,
}

/// What a change carries into its audit entry besides the actor, whom the database knows by itself, and
/// what it is held to besides the database's rules.
#[derive(Clone, Debug, Default)]
pub struct ChangeContext {
    /// Why the change is made, at most 500 characters.
    pub reason: Option<String>,
    /// The caller's name for this request. A second request of the same name does nothing if the first
    /// made its change: after a lost answer, ask again with the same name. For another change it is refused.
    pub request_id: Option<Uuid>,
    /// For whom the change is made, at most 255 characters. Believed only if the login is a member of
    /// `registry_rest_server`; for everybody else the actor is the login.
    pub acting_for: Option<String>,
    /// Whether a change that can stop traffic is made unasked.
    pub confirmation: Confirmation,
    /// Whether a change without a reason is refused.
    pub is_reason_required: bool,
}

impl ChangeContext {
    /// The longest reason, in characters; the audit log's constraint `extension_audit_log_reason_length`.
    pub const REASON_MAX_CHARACTERS: usize = 500;

    /// A context with a reason; an empty one counts as none.
    pub fn with_reason(reason: Option<String>) -> Self {
        let reason = reason
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        Self {
            reason,
            ..Self::default()
        }
    }

    /// The same with the caller's name for the request, a UUID as text.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if it is none.
    pub fn with_request_id(self, request_id: Option<&str>) -> Result<Self> {
        let request_id =
            request_id
                .map(Uuid::try_parse)
                .transpose()
                .map_err(|_| Error::InvalidInput {
                    field: "request_id",
                    message: "The request id is no UUID.".into(),
                    action: "Give a UUID, a new one for each request.",
                })?;
        Ok(Self { request_id, ..self })
    }

    fn check(&self) -> Result<()> {
        if let Some(actor) = &self.acting_for {
            rules::check_name("acting_for", actor)?;
        }
        let Some(reason) = &self.reason else {
            return if self.is_reason_required {
                Err(Error::ReasonRequired)
            } else {
                Ok(())
            };
        };
        let length = reason.chars().count();
        if length > Self::REASON_MAX_CHARACTERS {
            return Err(Error::InvalidInput {
                field: "reason",
                message: format!(
                    "The reason has {length} characters, {} are allowed.",
                    Self::REASON_MAX_CHARACTERS
                ),
                action: "Shorten the reason.",
            });
        }
        if reason.contains('\0') {
            return Err(Error::InvalidInput {
                field: "reason",
                message: "The reason contains the character U+0000, which PostgreSQL can't store."
                    .into(),
                action: "Remove that character.",
            });
        }
        Ok(())
    }
}

impl Registry {
    /// Connects to a registry database that is already migrated.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`] when it doesn't answer, [`Error::Forbidden`] when it refuses.
    pub async fn connect(options: PgConnectOptions) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(|source| Error::from_query("Connecting to the database", source))?;
        Ok(Self {
            pool,
            anchor_file: None,
        })
    }

    /// Notes the end of the audit chain in `file` after every change and every verification, and
    /// verifies against what the file holds.
    #[must_use]
    pub fn with_anchor_file(mut self, file: AnchorFile) -> Self {
        self.anchor_file = Some(file);
        self
    }

    pub(crate) fn anchor_file(&self) -> Option<&AnchorFile> {
        self.anchor_file.as_ref()
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`].
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1")
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|source| Error::from_query("Reaching the database", source))
    }

    /// Closes all connections; later calls fail with [`Error::DatabaseUnavailable`].
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Begins a transaction whose changes carry `context` and `origin` into their audit entries, and which
    /// will leave what `footprint` says.
    ///
    /// The settings are local to the transaction, so a pooled connection never hands one
    /// caller's reason to the next.
    pub(crate) async fn begin_change(
        &self,
        attempt: Attempt,
        context: &ChangeContext,
        origin: ChangeOrigin,
        footprint: Footprint<'_>,
    ) -> Result<Change> {
        context.check()?;
        let failed = |source| Error::from_query(attempt, source);
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        sqlx::query(
            "SELECT set_config('registry.reason', coalesce($1, ''), true),
                    set_config('registry.os_user', $2, true),
                    set_config('registry.request_id', coalesce($3::text, ''), true),
                    set_config('registry.actor', coalesce($4, ''), true),
                    set_config('registry.group_id', CASE WHEN $5 THEN gen_random_uuid()::text ELSE '' END, true),
                    set_config('registry.restored_revision', coalesce($6::text, ''), true),
                    set_config('registry.undone_group_id', coalesce($7::text, ''), true),
                    set_config('registry.undone_revision', coalesce($8::text, ''), true)",
        )
        .bind(context.reason.as_deref())
        .bind(os_user())
        .bind(context.request_id)
        .bind(context.acting_for.as_deref())
        .bind(origin != ChangeOrigin::Single)
        .bind(match origin {
            ChangeOrigin::Restore(revision) => Some(revision),
            _ => None,
        })
        .bind(match origin {
            ChangeOrigin::UndoGroup(group_id) => Some(group_id),
            _ => None,
        })
        .bind(match origin {
            ChangeOrigin::UndoRevision(revision) => Some(revision),
            _ => None,
        })
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let is_done = match context.request_id {
            None => false,
            Some(request_id) => {
                let left = left_by(&mut transaction, request_id)
                    .await
                    .map_err(failed)?;
                if !left.iter().all(|trace| trace.fits(origin, footprint)) {
                    return Err(rules::invalid(
                        "request_id",
                        "Another change was made under this request id.".into(),
                        "Give each request an id of its own.",
                    ));
                }
                !left.is_empty()
            }
        };
        Ok(Change {
            transaction,
            is_done,
        })
    }

    /// Commits a change and notes the new end of the audit chain.
    pub(crate) async fn commit(&self, attempt: Attempt, change: Change) -> Result<()> {
        change
            .transaction
            .commit()
            .await
            .map_err(|source| Error::from_query(attempt, source))?;
        self.note_anchor().await;
        Ok(())
    }
}

/// What kind of change begins. All but the first get a group id of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ChangeOrigin {
    /// One extension.
    Single,
    /// Several at once.
    Group,
    /// The version of this revision is brought back.
    Restore(i64),
    /// What this group changed is taken back.
    UndoGroup(Uuid),
    /// What this one change did is taken back.
    UndoRevision(i64),
}

/// A change that has begun.
pub(crate) struct Change {
    pub(crate) transaction: Transaction<'static, Postgres>,
    /// Whether an earlier request of the same name made it already.
    pub(crate) is_done: bool,
}

/// What a change can leave in the audit log, by which a request is known again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint<'a> {
    /// The extensions that it may change; none if its origin alone tells.
    pub(crate) ids: Option<&'a [&'a str]>,
    /// The actions of its entries.
    pub(crate) actions: &'static [&'static str],
}

impl Footprint<'static> {
    /// Of a change that is known by what it takes back.
    pub(crate) const ANY: Self = Self {
        ids: None,
        actions: &["created", "updated", "deleted", "enabled", "disabled"],
    };
}

/// What an entry says of the request that left it.
#[derive(sqlx::FromRow)]
struct Trace {
    extension_id: String,
    action: String,
    restored_revision: Option<i64>,
    undone_group_id: Option<Uuid>,
    undone_revision: Option<i64>,
}

impl Trace {
    fn fits(&self, origin: ChangeOrigin, footprint: Footprint<'_>) -> bool {
        let expected = match origin {
            ChangeOrigin::Single | ChangeOrigin::Group => (None, None, None),
            ChangeOrigin::Restore(revision) => (Some(revision), None, None),
            ChangeOrigin::UndoGroup(group_id) => (None, Some(group_id), None),
            ChangeOrigin::UndoRevision(revision) => (None, None, Some(revision)),
        };
        let found = (
            self.restored_revision,
            self.undone_group_id,
            self.undone_revision,
        );
        found == expected
            && footprint.actions.contains(&self.action.as_str())
            && footprint
                .ids
                .is_none_or(|ids| ids.contains(&self.extension_id.as_str()))
    }
}

/// What a request of this name has left. Two at once take turns.
async fn left_by(
    transaction: &mut Transaction<'static, Postgres>,
    request_id: Uuid,
) -> sqlx::Result<Vec<Trace>> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))")
        .bind(request_id)
        .execute(&mut **transaction)
        .await?;
    sqlx::query_as(
        "SELECT DISTINCT extension_id, action, restored_revision, undone_group_id, undone_revision
         FROM public.extension_audit_log WHERE request_id = $1",
    )
    .bind(request_id)
    .fetch_all(&mut **transaction)
    .await
}

/// The operating system's name for the account that runs this program.
pub fn os_user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_reason_counts_as_none() {
        assert_eq!(ChangeContext::with_reason(Some("  ".into())).reason, None);
        assert_eq!(
            ChangeContext::with_reason(Some(" why ".into()))
                .reason
                .as_deref(),
            Some("why")
        );
    }

    #[test]
    fn the_longest_reason_passes_and_one_more_character_names_the_field() {
        let longest = "é".repeat(ChangeContext::REASON_MAX_CHARACTERS);
        assert!(
            ChangeContext::with_reason(Some(longest.clone()))
                .check()
                .is_ok()
        );
        let error = ChangeContext::with_reason(Some(longest + "!"))
            .check()
            .unwrap_err();
        assert_eq!(error.report().field.as_deref(), Some("reason"));
    }

    #[test]
    fn without_a_required_reason_the_field_is_named() {
        let context = |reason: &str| ChangeContext {
            is_reason_required: true,
            ..ChangeContext::with_reason(Some(reason.into()))
        };
        assert!(context("why").check().is_ok());
        let error = context(" ").check().unwrap_err();
        assert_eq!(error.code(), crate::ErrorCode::ReasonRequired);
        assert_eq!(error.report().field.as_deref(), Some("reason"));
    }

    #[test]
    fn a_nul_character_in_the_reason_is_refused_by_name() {
        let error = ChangeContext::with_reason(Some("a\0b".into()))
            .check()
            .unwrap_err();
        assert!(error.to_string().contains("U+0000"));
    }
}
