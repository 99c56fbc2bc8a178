//! The messages that extensions are tried with, and which checks are due. Table `health_test_messages`. This crate
//! sends none: it knows no message bus.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use specta::Type;
use tracing::info;

use crate::access::{Attempt, Role};
use crate::rules::{self, invalid};
use crate::schemas::SchemaScope;
use crate::{Error, Registry, Result};

/// What one extension is tried with, and how often.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, sqlx::FromRow, Type)]
pub struct TestMessage {
    /// The message of its type, JSON text.
    pub type_payload: String,
    /// Its own, which stands before that of its type; none if it has none.
    pub own_payload: Option<String>,
    /// So often it is tried while it is on and a console is open, in seconds; none if nobody is to.
    pub check_every_seconds: Option<i32>,
    /// When a console last took it upon itself to try it.
    pub last_check_at: Option<DateTime<Utc>>,
}

impl TestMessage {
    /// The longest message in bytes; the constraint `health_test_messages_size`.
    pub const PAYLOAD_MAX_BYTES: usize = 65_536;

    /// What is sent.
    pub fn payload(&self) -> &str {
        self.own_payload.as_deref().unwrap_or(&self.type_payload)
    }

    /// Checks a message that is sent without being kept by the rules for those that are.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a message that is no JSON or too long.
    pub fn check(payload: &str) -> Result<()> {
        rules::check_json("payload", payload)?;
        if payload.len() > Self::PAYLOAD_MAX_BYTES {
            let message = format!(
                "The message has {} bytes, {} are allowed.",
                payload.len(),
                Self::PAYLOAD_MAX_BYTES
            );
            return Err(invalid("payload", message, "Shorten it."));
        }
        Ok(())
    }
}

/// A message to send to an extension, to try it.
#[derive(Clone, Debug, Eq, PartialEq, sqlx::FromRow)]
pub struct TestCall {
    /// The extension.
    pub extension_id: String,
    /// The NATS subject that it answers on.
    pub subject: String,
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: i32,
    /// How often it is asked again.
    pub retry: i32,
    /// What is sent, JSON text.
    pub payload: String,
}

const READ: Attempt = Attempt::by(Role::RegistryViewer, "Reading the message for tests");
const SET: Attempt = Attempt::by(Role::RegistryEditor, "Changing the message for tests");
const SCHEDULE: Attempt = Attempt::by(
    Role::RegistryEditor,
    "Changing how often the extension is tried",
);
const CLAIM: Attempt = Attempt::by(Role::RegistryOperator, "Looking for checks that are due");

impl Registry {
    /// What an extension is tried with.
    ///
    /// # Errors
    /// [`Error::ExtensionNotFound`], [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn test_message(&self, id: &str) -> Result<TestMessage> {
        sqlx::query_as(
            "SELECT coalesce(of_type.payload, '{}') AS type_payload, own.payload AS own_payload,
                    own.check_every_seconds, own.last_check_at
             FROM public.extensions AS extension
             LEFT JOIN public.health_test_messages AS own ON own.extension_id = extension.id
             LEFT JOIN public.health_test_messages AS of_type ON of_type.extension_type = extension.type
             WHERE extension.id = $1",
        )
        .bind(id)
        .fetch_optional(self.pool())
        .await
        .map_err(|source| Error::from_query(READ, source))?
        .ok_or_else(|| Error::ExtensionNotFound { id: id.to_owned() })
    }

    /// Sets the message of a type or of an extension; without any, an extension has that of its type.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a message that is no JSON or too long, and for a type without any;
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn set_test_payload(&self, scope: &SchemaScope, payload: Option<&str>) -> Result<()> {
        if let Some(payload) = payload {
            TestMessage::check(payload)?;
        }
        let failed = |source| rules::refused(SET, source);
        match (scope, payload) {
            (SchemaScope::Type(extension_type), payload) => {
                sqlx::query(
                    "INSERT INTO public.health_test_messages (extension_type, payload) VALUES ($1, $2)
                     ON CONFLICT (extension_type) DO UPDATE SET payload = excluded.payload",
                )
                .bind(extension_type.name())
                .bind(payload)
                .execute(self.pool())
                .await
                .map_err(failed)?;
            }
            (SchemaScope::Extension(id), Some(payload)) => {
                sqlx::query(
                    "INSERT INTO public.health_test_messages (extension_id, payload) VALUES ($1, $2)
                     ON CONFLICT (extension_id) DO UPDATE SET payload = excluded.payload",
                )
                .bind(id)
                .bind(payload)
                .execute(self.pool())
                .await
                .map_err(failed)?;
            }
            (SchemaScope::Extension(id), None) => {
                self.clear_test_setting(SET, id, TestSetting::Payload)
                    .await?;
            }
        }
        info!(?scope, "changed the message for tests");
        Ok(())
    }

    /// Sets how often an extension is tried, 30 to 86,400 seconds; none: only when somebody asks for it.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn set_test_schedule(
        &self,
        id: &str,
        check_every_seconds: Option<i32>,
    ) -> Result<()> {
        match check_every_seconds {
            Some(seconds) => {
                sqlx::query(
                    "INSERT INTO public.health_test_messages (extension_id, check_every_seconds) VALUES ($1, $2)
                     ON CONFLICT (extension_id) DO UPDATE SET check_every_seconds = excluded.check_every_seconds",
                )
                .bind(id)
                .bind(seconds)
                .execute(self.pool())
                .await
                .map_err(|source| rules::refused(SCHEDULE, source))?;
            }
            None => {
                self.clear_test_setting(SCHEDULE, id, TestSetting::Schedule)
                    .await?;
            }
        }
        info!(
            extension_id = id,
            check_every_seconds, "changed how often the extension is tried"
        );
        Ok(())
    }

    /// Whether any extension is to be tried regularly.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn has_test_schedule(&self) -> Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM public.health_test_messages WHERE check_every_seconds IS NOT NULL)",
        )
        .fetch_one(self.pool())
        .await
        .map_err(|source| Error::from_query(READ, source))
    }

    /// Takes on at most so many checks that are due: what is returned here, no other program is given.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`].
    pub async fn claim_test_checks(&self, at_most: i32) -> Result<Vec<TestCall>> {
        sqlx::query_as(
            "SELECT extension_id, subject, timeout_ms, retry, payload FROM public.registry_claim_test_checks($1)",
        )
        .bind(at_most)
        .fetch_all(self.pool())
        .await
        .map_err(|source| Error::from_query(CLAIM, source))
    }

    /// A row that says nothing any more goes.
    async fn clear_test_setting(
        &self,
        attempt: Attempt,
        id: &str,
        setting: TestSetting,
    ) -> Result<()> {
        let failed = |source| rules::refused(attempt, source);
        let (delete, update) = match setting {
            TestSetting::Payload => (
                "DELETE FROM public.health_test_messages WHERE extension_id = $1 AND check_every_seconds IS NULL",
                "UPDATE public.health_test_messages SET payload = NULL WHERE extension_id = $1",
            ),
            TestSetting::Schedule => (
                "DELETE FROM public.health_test_messages WHERE extension_id = $1 AND payload IS NULL",
                "UPDATE public.health_test_messages SET check_every_seconds = NULL WHERE extension_id = $1",
            ),
        };
        let mut transaction = self.pool().begin().await.map_err(failed)?;
        for statement in [delete, update] {
            sqlx::query(statement)
                .bind(id)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}

#[derive(Clone, Copy)]
enum TestSetting {
    Payload,
    Schedule,
}
