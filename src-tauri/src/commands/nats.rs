//! NATS: how to reach it, messages that try extensions, and how often that is done.

use registry::ErrorReport;
use registry::health::{TestCall, TestMessage};
use registry::schemas::SchemaScope;
use registry_nats::{
    NatsConnection, NatsFailure, NatsFailureReport, NatsServer, NatsSettings, SecretString,
    TestOutcome, TestReport, test_extension,
};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::State;
use tokio::sync::Notify;
use tracing::info;

use super::application::not_kept;
use super::report;
use crate::database::Database;
use crate::nats::{Nats, NatsStatus};
use crate::settings::Settings;

/// Other settings, and a secret if another is given.
#[derive(Deserialize, Type)]
pub(crate) struct NatsSettingsRequest {
    settings: NatsSettings,
    /// None: the one that is kept.
    #[specta(type = Option<String>)]
    secret: Option<SecretString>,
}

/// What came of connecting: a server or a failure.
#[derive(Clone, Debug, Deserialize, Serialize, Type)]
pub(crate) struct NatsConnectionTest {
    server: Option<NatsServer>,
    failure: Option<NatsFailureReport>,
}

/// Stops the test that is under way.
#[derive(Default)]
pub(crate) struct StopTest(Notify);

/// How NATS is reached, and what is known of the secret.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn nats_status(nats: State<'_, Nats>, settings: State<'_, Settings>) -> NatsStatus {
    nats.status(&settings)
}

/// Keeps how to reach NATS. The secret goes to the desktop's keychain, or stays in memory.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_nats_settings(
    nats: State<'_, Nats>,
    settings: State<'_, Settings>,
    request: NatsSettingsRequest,
) -> Result<NatsStatus, ErrorReport> {
    request
        .settings
        .check()
        .map_err(|failure| invalid(&failure))?;
    nats.set(&settings, request.settings, request.secret)
        .await
        .map_err(|source| not_kept("Keeping the way to NATS", source))?;
    Ok(nats.status(&settings))
}

/// Forgets how to reach NATS, and the secret.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_nats_settings(
    nats: State<'_, Nats>,
    settings: State<'_, Settings>,
) -> Result<NatsStatus, ErrorReport> {
    nats.remove(&settings)
        .await
        .map_err(|source| not_kept("Forgetting the way to NATS", source))?;
    Ok(nats.status(&settings))
}

/// Connects with settings that need not be kept, and takes leave again.
#[tauri::command]
#[specta::specta]
pub(crate) async fn test_nats_connection(
    nats: State<'_, Nats>,
    settings: State<'_, Settings>,
    request: NatsSettingsRequest,
) -> Result<NatsConnectionTest, ErrorReport> {
    let secret = match request.secret {
        Some(secret) => Some(secret),
        None => {
            nats.kept_secret(&settings, &request.settings.authentication)
                .await
        }
    };
    Ok(
        match NatsConnection::connect(&request.settings, secret.as_ref()).await {
            Ok(connection) => {
                let server = connection.server().clone();
                connection.close().await;
                NatsConnectionTest {
                    server: Some(server),
                    failure: None,
                }
            }
            Err(failure) => {
                info!(%failure, code = ?failure.code(), "the connection to NATS was tried and failed");
                NatsConnectionTest {
                    server: None,
                    failure: Some(failure.report()),
                }
            }
        },
    )
}

/// Sends an extension a message to try it, and records what came of it. Answers none if it was stopped.
#[tauri::command]
#[specta::specta]
pub(crate) async fn send_test_message(
    database: State<'_, Database>,
    nats: State<'_, Nats>,
    settings: State<'_, Settings>,
    stop: State<'_, StopTest>,
    id: String,
    payload: String,
) -> Result<Option<TestReport>, ErrorReport> {
    let registry = database.registry()?;
    TestMessage::check(&payload).map_err(report)?;
    let extension = registry.get_extension(&id).await.map_err(report)?;
    let call = TestCall {
        extension_id: extension.id,
        subject: extension.subject,
        timeout_ms: extension.timeout_ms,
        retry: extension.retry,
        payload,
    };
    let sent = async {
        match nats.connection(&settings).await {
            Ok(connection) => test_extension(&registry, &connection, &call).await,
            Err(failure) => {
                info!(%failure, code = ?failure.code(), "a message could not be sent");
                TestReport {
                    outcome: TestOutcome::unsent(&failure),
                    is_recorded: false,
                    not_recorded: None,
                }
            }
        }
    };
    tokio::select! {
        sent = sent => Ok(Some(sent)),
        () = stop.0.notified() => Ok(None),
    }
}

/// Stops the test that is under way, if one is; nothing of it is recorded then.
#[tauri::command]
#[specta::specta]
#[allow(
    clippy::needless_pass_by_value,
    reason = "commands receive their state by value"
)]
pub(crate) fn stop_test_message(stop: State<'_, StopTest>) {
    stop.0.notify_waiters();
}

/// What an extension is tried with, and how often.
#[tauri::command]
#[specta::specta]
pub(crate) async fn test_message(
    database: State<'_, Database>,
    id: String,
) -> Result<TestMessage, ErrorReport> {
    database.registry()?.test_message(&id).await.map_err(report)
}

/// Sets the message of a type or of an extension; none: an extension has that of its type again.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_test_payload(
    database: State<'_, Database>,
    scope: SchemaScope,
    payload: Option<String>,
) -> Result<(), ErrorReport> {
    database
        .registry()?
        .set_test_payload(&scope, payload.as_deref())
        .await
        .map_err(report)
}

/// Sets how often an extension is tried; none: only when somebody asks for it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_test_schedule(
    database: State<'_, Database>,
    id: String,
    check_every_seconds: Option<i32>,
) -> Result<(), ErrorReport> {
    database
        .registry()?
        .set_test_schedule(&id, check_every_seconds)
        .await
        .map_err(report)
}

fn invalid(failure: &NatsFailure) -> ErrorReport {
    let NatsFailureReport {
        message,
        action,
        detail,
        field,
        ..
    } = failure.report();
    ErrorReport {
        code: registry::ErrorCode::InvalidInput,
        message,
        action,
        detail,
        field,
        facts: None,
    }
}
