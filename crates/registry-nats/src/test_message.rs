//! One message to try an extension with, asked as a router asks: with its timeout for each attempt, and its retries.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use specta::Type;

use crate::connection::Unanswered;
use crate::{NatsConnection, NatsFailure, NatsFailureReport, WireNumber};

/// Of a longer answer the beginning is kept, in bytes.
const REPLY_MAX_BYTES: usize = 65_536;
/// Of what an answer calls its error, in characters.
const ERROR_MAX_CHARACTERS: usize = 500;

/// What came of a message.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct TestOutcome {
    /// The answer; none if none came. There is one with a failure too, where it is no JSON.
    pub reply: Option<TestReply>,
    /// Why it is a failure; none if it is none.
    pub failure: Option<NatsFailureReport>,
    /// Each time that it was asked, in order; none if there was no way to the server.
    pub attempts: Vec<TestAttempt>,
}

/// An answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct TestReply {
    /// Its text, the first 64 KiB of it; bytes that are no text are replaced by U+FFFD.
    pub text: String,
    /// How long it is in bytes.
    #[specta(type = WireNumber)]
    pub byte_count: usize,
    /// Whether it is longer than the text.
    pub is_cut: bool,
    /// Whether all of it is JSON.
    pub is_json: bool,
    /// What it says under `error`, where it is a JSON object that does. The registry makes no rules for answers, so
    /// this is shown and counts as an answer.
    pub error: Option<String>,
    /// From the last time it was asked to the answer, in milliseconds.
    #[specta(type = WireNumber)]
    pub latency_ms: f64,
}

/// One time that it was asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub struct TestAttempt {
    /// What came of it.
    pub outcome: AttemptOutcome,
    /// How long that took, in milliseconds.
    #[specta(type = WireNumber)]
    pub duration_ms: f64,
}

/// What can come of one time.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// An answer.
    Answered,
    /// No answer in time.
    TimedOut,
    /// Nobody listens.
    NoResponders,
    /// It could not be asked, or the connection broke.
    Failed,
}

impl NatsConnection {
    /// Sends a message to `subject` and waits for the answer for `timeout_ms`; where none comes, asks `retry` times
    /// more. It asks again only after a silence: that nobody listens the server knows at once and would say again.
    pub async fn send_test_message(
        &self,
        subject: &str,
        payload: &str,
        timeout_ms: i32,
        retry: i32,
    ) -> TestOutcome {
        let timeout = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
        let attempts_max = 1 + u32::try_from(retry).unwrap_or(0);
        let mut attempts = Vec::new();
        for attempt_count in 1..=attempts_max {
            let asked_at = Instant::now();
            let answer = self.request(subject, payload, timeout).await;
            let duration_ms = asked_at.elapsed().as_secs_f64() * 1000.0;
            let (outcome, ended) = match answer {
                Ok(bytes) => {
                    let (reply, failure) = TestReply::read(&bytes, duration_ms);
                    (AttemptOutcome::Answered, Some((Some(reply), failure)))
                }
                Err(Unanswered::TimedOut) => {
                    let is_last = attempt_count == attempts_max;
                    let failure = is_last.then(|| NatsFailure::TimedOut {
                        subject: subject.to_owned(),
                        timeout_ms,
                        attempt_count,
                    });
                    (
                        AttemptOutcome::TimedOut,
                        failure.map(|failure| (None, Some(failure))),
                    )
                }
                Err(Unanswered::Failed(failure)) => {
                    let outcome = match failure {
                        NatsFailure::NoResponders { .. } => AttemptOutcome::NoResponders,
                        _ => AttemptOutcome::Failed,
                    };
                    (outcome, Some((None, Some(failure))))
                }
            };
            attempts.push(TestAttempt {
                outcome,
                duration_ms,
            });
            if let Some((reply, failure)) = ended {
                return TestOutcome {
                    reply,
                    failure: failure.as_ref().map(NatsFailure::report),
                    attempts,
                };
            }
        }
        // The last attempt always ends it.
        TestOutcome {
            reply: None,
            failure: None,
            attempts,
        }
    }
}

impl TestOutcome {
    /// Whether it says something about the extension, and not about the way to it.
    pub(crate) fn is_of_extension(&self) -> bool {
        match &self.failure {
            None => true,
            Some(failure) => failure.code.is_of_extension(),
        }
    }

    /// What came of a message that there was no way to send.
    pub fn unsent(failure: &NatsFailure) -> Self {
        Self {
            reply: None,
            failure: Some(failure.report()),
            attempts: Vec::new(),
        }
    }
}

impl TestReply {
    /// An answer from its bytes, which may be anything, and why it is a failure if it is one.
    pub fn read(bytes: &[u8], latency_ms: f64) -> (Self, Option<NatsFailure>) {
        let json = serde_json::from_slice::<&RawValue>(bytes);
        let failure = json.as_ref().err().map(|error| NatsFailure::ReplyNotJson {
            reason: if bytes.is_empty() {
                "it is empty".into()
            } else {
                error.to_string()
            },
        });
        let shown = &bytes[..bytes.len().min(REPLY_MAX_BYTES)];
        let reply = Self {
            text: String::from_utf8_lossy(shown).into_owned(),
            byte_count: bytes.len(),
            is_cut: bytes.len() > shown.len(),
            is_json: failure.is_none(),
            error: error_in(bytes),
            latency_ms,
        };
        (reply, failure)
    }
}

fn error_in(bytes: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let words = match value.as_object()?.get("error")? {
        Value::Null | Value::Bool(false) => return None,
        Value::String(words) => words.clone(),
        other => other.to_string(),
    };
    Some(words.chars().take(ERROR_MAX_CHARACTERS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_calls_its_error_is_told() {
        for (reply, error) in [
            (r#"{"error": "no model"}"#, Some("no model")),
            (
                r#"{"ok": false, "error": {"code": 3}}"#,
                Some(r#"{"code":3}"#),
            ),
            (r#"{"error": null}"#, None),
            (r#"{"error": false}"#, None),
            (r#"{"text": "error"}"#, None),
            (r#"["error"]"#, None),
        ] {
            let (reply, failure) = TestReply::read(reply.as_bytes(), 1.0);
            assert_eq!(reply.error.as_deref(), error, "{reply:?}");
            assert_eq!(failure, None);
        }
    }

    #[test]
    fn an_answer_that_is_no_json_is_kept_and_a_failure() {
        for (bytes, text) in [
            (b"hello".as_slice(), "hello"),
            (b"", ""),
            (b"{} {}", "{} {}"),
            (b"\xff\x00", "\u{fffd}\0"),
        ] {
            let (reply, failure) = TestReply::read(bytes, 1.0);
            assert_eq!((reply.text.as_str(), reply.is_json), (text, false));
            assert!(matches!(failure, Some(NatsFailure::ReplyNotJson { .. })));
        }
    }

    #[test]
    fn a_long_answer_is_cut_and_still_known_to_be_json() {
        let long = format!("\"{}\"", "x".repeat(100_000));
        let (reply, failure) = TestReply::read(long.as_bytes(), 1.0);
        assert_eq!((reply.byte_count, reply.text.len()), (100_002, 65_536));
        assert!(reply.is_cut && reply.is_json && failure.is_none());
    }
}
