//! What two people changed at once: base, theirs and yours merged by the database, and the conflict if they don't fit.

use super::RevisionConflict;
use crate::audit::{ActorSource, field_changes};
use crate::{Error, Registry, Result};

/// Base, theirs and yours as one merge of the whole rows (`migrations/0007_schemas_and_secrets.sql`).
pub(super) const MERGE: &str = "\
    SELECT merged::text AS merged, merged ->> 'type' AS extension_type, (merged -> 'config')::text AS config,
           merged -> 'config' IS DISTINCT FROM to_jsonb(extensions) -> 'config' AS is_config_changed,
           coalesce(conflicts, '{}') AS conflicts, coalesce(missing, '{}') AS missing,
           theirs::text AS theirs, yours::text AS yours
    FROM public.extensions, public.registry_merge_edit(id, $2, $3::jsonb)
    WHERE id = $1";

#[derive(sqlx::FromRow)]
pub(super) struct Merge {
    merged: Option<String>,
    extension_type: Option<String>,
    config: Option<String>,
    is_config_changed: bool,
    conflicts: Vec<String>,
    missing: Vec<String>,
    theirs: Option<String>,
    yours: Option<String>,
}

/// A merge without a conflict. It holds secrets.
pub(super) struct Merged {
    pub(super) row: String,
    pub(super) extension_type: String,
    pub(super) config: String,
    pub(super) is_config_changed: bool,
}

impl Merge {
    pub(super) async fn complete(
        self,
        registry: &Registry,
        id: &str,
        seen_revision: i64,
    ) -> Result<Merged> {
        if !self.conflicts.is_empty() {
            let paths = self.conflicts.clone();
            return Err(self.conflict(registry, id, paths).await?);
        }
        if !self.missing.is_empty() {
            return Err(Error::SecretRequired {
                extension_id: id.to_owned(),
                paths: self.missing,
            });
        }
        match (self.merged, self.extension_type, self.config) {
            (Some(row), Some(extension_type), config) => Ok(Merged {
                row,
                extension_type,
                config: config.unwrap_or_else(|| "null".to_owned()),
                is_config_changed: self.is_config_changed,
            }),
            _ => Err(no_such_version(id, seen_revision)),
        }
    }

    pub(super) async fn conflict(
        self,
        registry: &Registry,
        id: &str,
        paths: Vec<String>,
    ) -> Result<Error> {
        let changes = |text: &Option<String>| match text {
            None => Ok(Vec::new()),
            Some(text) => {
                field_changes(text, ActorSource::Login).map_err(|source| Error::Internal {
                    attempted: "Reading the conflict",
                    source: source.into(),
                })
            }
        };
        let conflict = RevisionConflict {
            current: registry.get_extension_detail(id).await?,
            paths,
            theirs: changes(&self.theirs)?,
            yours: changes(&self.yours)?,
        };
        Ok(Error::RevisionConflict {
            conflict: Box::new(conflict),
        })
    }
}

fn no_such_version(id: &str, revision: i64) -> Error {
    Error::InvalidInput {
        field: "revision",
        message: format!("{id:?} has no version of revision {revision}."),
        action: "Read the extension again, and change what you see then.",
    }
}
