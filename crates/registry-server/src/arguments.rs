//! Arguments that several commands take.

use chrono::{DateTime, Utc};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use registry::ChangeContext;
use registry::audit::AuditAction;
use registry::audit::AuditFilter;
use registry::confirmation::Confirmation;
use registry::extensions::ExtensionType;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StringDeserializer};
use uuid::Uuid;

use crate::way::Protection;

/// The types of extensions.
pub(crate) const TYPES: [&str; 4] = ["pre", "validator", "post", "provider"];

/// The kinds of audit entries.
const ACTIONS: [&str; 5] = ["created", "updated", "deleted", "enabled", "disabled"];

/// Reads one of these words as JSON spells it.
pub(crate) fn word<T, const COUNT: usize>(
    words: [&'static str; COUNT],
) -> impl TypedValueParser<Value = T>
where
    T: Clone + DeserializeOwned + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word: String| {
        let word: StringDeserializer<WordError> = word.into_deserializer();
        T::deserialize(word)
    })
}

/// What a change carries into the audit log.
#[derive(Args, Clone, Debug)]
pub(crate) struct ChangeNote {
    /// Why, for the audit log; at most 500 characters
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// A name for this change, a new one each: asked for again under it after a lost answer, it is made once
    #[arg(long, value_name = "UUID")]
    request_id: Option<Uuid>,
}

/// What must be said before a change may stop traffic.
#[derive(Args, Clone, Debug)]
pub(crate) struct Confirmed {
    /// These types may be left without an enabled extension, and more than 20 extensions may go out of service
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = word::<ExtensionType, 4>(TYPES))]
    confirm_emptied_types: Vec<ExtensionType>,
    /// More than 20 extensions may go out of service, or any of a connection that is marked as production
    #[arg(long)]
    confirm_out_of_service: bool,
}

impl ChangeNote {
    /// The context of a change that takes nothing out of service.
    pub(crate) fn context(self, protection: Protection) -> ChangeContext {
        ChangeContext {
            request_id: self.request_id,
            is_reason_required: protection.is_reason_required,
            ..ChangeContext::with_reason(self.reason)
        }
    }

    /// The context of a change that may.
    pub(crate) fn confirmed_context(
        self,
        confirmed: Confirmed,
        protection: Protection,
    ) -> ChangeContext {
        let emptied_types = confirmed.confirm_emptied_types;
        let confirmation = if confirmed.confirm_out_of_service || !emptied_types.is_empty() {
            Confirmation::Given { emptied_types }
        } else {
            Confirmation::required(protection.is_production)
        };
        ChangeContext {
            confirmation,
            ..self.context(protection)
        }
    }
}

/// Which entries of the audit log.
#[derive(Args, Clone, Debug)]
pub(crate) struct AuditConditions {
    /// About this extension
    #[arg(long, value_name = "ID")]
    extension_id: Option<String>,
    /// Made by this actor
    #[arg(long, value_name = "NAME")]
    changed_by: Option<String>,
    /// Of one of these kinds, between commas
    #[arg(long = "action", value_name = "KINDS", value_delimiter = ',', value_parser = word::<AuditAction, 5>(ACTIONS))]
    actions: Vec<AuditAction>,
    /// In effect at this time or later, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
    /// In effect before this time
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
    /// Of this bulk change, import, restore or undo
    #[arg(long, value_name = "UUID")]
    group_id: Option<Uuid>,
    /// With this text in the id, the actor, the reason or what changed, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

impl From<AuditConditions> for AuditFilter {
    fn from(conditions: AuditConditions) -> Self {
        Self {
            extension_id: conditions.extension_id,
            changed_by: conditions.changed_by,
            actions: conditions.actions,
            since: conditions.since,
            until: conditions.until,
            group_id: conditions.group_id.map(|id| id.to_string()),
            text: conditions.text,
        }
    }
}
