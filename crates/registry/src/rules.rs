//! The rules for extensions, by the names that the database gives them (docs/schema.md), and what of them is checked before
//! it is asked.

use serde_json::Value;

use crate::access::Attempt;
use crate::{Error, Result};

/// A rule that a value broke: the field, what is wrong, and what to do.
type Rule = (&'static str, &'static str, &'static str);

/// The rules by the names of their constraints.
const RULES: &[(&str, Rule)] = &[
    (
        "extensions_id_fixed",
        (
            "id",
            "The id of an extension is fixed.",
            "Create another extension.",
        ),
    ),
    (
        "extensions_type_fixed",
        (
            "type",
            "The type of an extension is fixed.",
            "Create another extension.",
        ),
    ),
    (
        "extensions_id_shape",
        (
            "id",
            "The id has other characters than letters, digits, _, - and ., or doesn't start with a letter or digit.",
            "Use those alone.",
        ),
    ),
    (
        "extensions_type_check",
        (
            "type",
            "The type is none of pre, validator, post and provider.",
            "Choose one of them.",
        ),
    ),
    (
        "extensions_subject_shape",
        (
            "subject",
            "The subject is no literal NATS subject: it has white space, a wildcard (* or >) or an empty part between dots.",
            "Write parts of other characters, with single dots between them.",
        ),
    ),
    (
        "extensions_timeout_range",
        (
            "timeout_ms",
            "The timeout is out of range.",
            "Choose 1 to 600000 ms.",
        ),
    ),
    (
        "extensions_retry_range",
        (
            "retry",
            "The number of retries is out of range.",
            "Choose 0 to 10.",
        ),
    ),
    (
        "extensions_config_object",
        (
            "config",
            "The configuration is no JSON object.",
            "Put it in braces.",
        ),
    ),
    (
        "extensions_config_size",
        (
            "config",
            "The configuration is larger than 64 KiB.",
            "Shorten it, or refer to it.",
        ),
    ),
    (
        "extensions_metadata_object",
        (
            "metadata",
            "The metadata are no JSON object.",
            "Put them in braces.",
        ),
    ),
    (
        "extensions_metadata_size",
        (
            "metadata",
            "The metadata are larger than 64 KiB.",
            "Shorten them, or refer to them.",
        ),
    ),
    (
        "extensions_config_mark",
        (
            "config",
            "The configuration holds a redaction mark in place of a secret.",
            "Write the secret, or a reference to it.",
        ),
    ),
    (
        "extensions_metadata_mark",
        (
            "metadata",
            "The metadata hold a redaction mark in place of a secret.",
            "Write the secret, or a reference to it.",
        ),
    ),
    (
        "extensions_config_depth",
        (
            "config",
            "The configuration is nested more than 99 levels deep.",
            "Make it flatter.",
        ),
    ),
    (
        "extensions_metadata_depth",
        (
            "metadata",
            "The metadata are nested more than 99 levels deep.",
            "Make them flatter.",
        ),
    ),
    (
        "health_calls_complete",
        (
            "calls",
            "A call has no id, or doesn't say whether it was answered.",
            "Give both for each call.",
        ),
    ),
    (
        "health_source_known",
        (
            "source",
            "The source of calls is neither traffic nor test.",
            "Choose one of them.",
        ),
    ),
    (
        "health_latency_range",
        (
            "latency_ms",
            "The latency is negative, longer than a day or no number.",
            "Give 0 to 86400000 ms, or none where no answer came.",
        ),
    ),
    (
        "health_time_range",
        (
            "at",
            "The time of a call is before the year 2000 or no time.",
            "Give one that is later, or none for now.",
        ),
    ),
    (
        "health_extension_exists",
        (
            "extension_id",
            "There is no such extension.",
            "Record calls of extensions that are registered.",
        ),
    ),
    (
        "health_retention_range",
        (
            "minutes_kept_days",
            "History is kept for less than a day or for more than 100 years.",
            "Choose 1 to 36500 days.",
        ),
    ),
    (
        "health_retention_order",
        (
            "hours_kept_days",
            "Minutes would be kept longer than hours, or hours longer than days.",
            "Keep the coarser ones for at least as long.",
        ),
    ),
    (
        "health_thresholds_score",
        (
            "score_below_percent",
            "The limit of the score is out of range.",
            "Choose more than 0 and at most 100 %.",
        ),
    ),
    (
        "health_thresholds_p95",
        (
            "p95_above_ms",
            "The limit of the latency is out of range.",
            "Choose more than 0 and at most 86400000 ms.",
        ),
    ),
    (
        "health_thresholds_silence",
        (
            "silent_for_seconds",
            "The limit of the silence is out of range.",
            "Choose 60 to 2592000 seconds.",
        ),
    ),
    (
        "health_test_messages_size",
        (
            "payload",
            "The message is larger than 64 KiB.",
            "Shorten it.",
        ),
    ),
    (
        "health_test_messages_type",
        (
            "payload",
            "A type has a message of its own and is not tried as a whole.",
            "Write a message, and have extensions tried.",
        ),
    ),
    (
        "health_test_messages_some",
        (
            "payload",
            "There is neither a message nor a time to try the extension at.",
            "Give one of them.",
        ),
    ),
    (
        "health_test_messages_every",
        (
            "check_every_seconds",
            "The time between two checks is out of range.",
            "Choose 30 to 86400 seconds.",
        ),
    ),
    (
        "health_sample_embedded",
        (
            "database",
            "Sample traffic is for the embedded database alone.",
            "Start a console with a database of its own.",
        ),
    ),
    (
        "health_sample_empty",
        (
            "database",
            "There is a history of health already, which sample traffic would mix with.",
            "Use an empty registry.",
        ),
    ),
    (
        "extensions_created_at_range",
        (
            "created_at",
            "The time of creation is not in the years 1 to 9999.",
            "Give one that is.",
        ),
    ),
    (
        "extensions_updated_at_range",
        (
            "updated_at",
            "The time of the last change is not in the years 1 to 9999.",
            "Give one that is.",
        ),
    ),
    (
        "configuration_schemas_object",
        (
            "schema",
            "The schema is no JSON object.",
            "Put it in braces.",
        ),
    ),
    (
        "configuration_schemas_size",
        ("schema", "The schema is larger than 64 KiB.", "Shorten it."),
    ),
    (
        "configuration_schemas_secret_mark",
        (
            "schema",
            "The schema marks a secret that is no named property.",
            "Put writeOnly or format password on a property.",
        ),
    ),
    (
        "configuration_schemas_reference",
        (
            "schema",
            "The schema marks secrets and has a reference that can't be followed.",
            "Refer to #, #/$defs/name or #anchor, without percent signs, and give no part an $id.",
        ),
    ),
    (
        "configuration_schemas_depth",
        (
            "schema",
            "The schema marks secrets and is nested more than 99 levels deep.",
            "Make it flatter, with $defs.",
        ),
    ),
    (
        "secret_names_shape",
        (
            "name",
            "The name isn't in snake case.",
            "Use lower-case letters, digits and single _ between them, at most 63 characters.",
        ),
    ),
    (
        "registry_tokens_owner_length",
        (
            "owner",
            "The owner of a token has 1 to 255 characters.",
            "Name who it acts for.",
        ),
    ),
    (
        "registry_tokens_purpose_length",
        (
            "purpose",
            "The purpose of a token has 1 to 255 characters.",
            "Shorten it, or leave it out.",
        ),
    ),
    (
        "registry_tokens_expiry",
        (
            "lifetime",
            "The token would have expired already.",
            "Give it a lifetime of a second or more.",
        ),
    ),
    (
        "extension_audit_log_reason_length",
        (
            "reason",
            "The reason is longer than 500 characters.",
            "Shorten it.",
        ),
    ),
];

/// The rule behind the name of a constraint; none for a name that is no rule of ours.
pub(crate) fn by_constraint(name: &str) -> Option<Rule> {
    RULES
        .iter()
        .find(|(constraint, _)| *constraint == name)
        .map(|(_, rule)| *rule)
}

/// The values of an extension that rules are about.
pub(crate) struct Values<'a> {
    pub(crate) id: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) timeout_ms: i32,
    pub(crate) retry: i32,
    /// As PostgreSQL prints it.
    pub(crate) config: &'a str,
    /// As PostgreSQL prints it.
    pub(crate) metadata: &'a str,
}

fn is_name(name: &str) -> bool {
    (1..=NAME_MAX_CHARACTERS).contains(&name.chars().count())
}

/// Whether an extension can have this subject: tokens between dots that a message can be sent to, 255 characters at the
/// most. The database has the same rule (`extensions_subject_shape`).
pub fn is_subject(subject: &str) -> bool {
    is_name(subject)
        && subject.split('.').all(|token| {
            !token.is_empty()
                && !token.contains(|each: char| {
                    each.is_whitespace() || each.is_control() || matches!(each, '*' | '>')
                })
        })
}

/// The names of the rules that the database would find broken, so that all of them can be told before anything is
/// written; of a row that is there only the fields that change are looked at. Depth is the parser's to refuse.
pub(crate) fn broken(values: &Values<'_>, is_checked: impl Fn(&str) -> bool) -> Vec<&'static str> {
    const JSON_MAX_BYTES: usize = 65_536;
    let is_id = |id: &str| {
        is_name(id)
            && id.starts_with(|first: char| first.is_ascii_alphanumeric())
            && id
                .chars()
                .all(|each| each.is_ascii_alphanumeric() || matches!(each, '_' | '.' | '-'))
    };
    [
        ("id", is_id(values.id), "extensions_id_shape"),
        (
            "subject",
            is_subject(values.subject),
            "extensions_subject_shape",
        ),
        (
            "timeout_ms",
            (1..=600_000).contains(&values.timeout_ms),
            "extensions_timeout_range",
        ),
        (
            "retry",
            (0..=10).contains(&values.retry),
            "extensions_retry_range",
        ),
        (
            "config",
            values.config.starts_with('{'),
            "extensions_config_object",
        ),
        (
            "config",
            values.config.len() <= JSON_MAX_BYTES,
            "extensions_config_size",
        ),
        (
            "metadata",
            values.metadata.starts_with('{'),
            "extensions_metadata_object",
        ),
        (
            "metadata",
            values.metadata.len() <= JSON_MAX_BYTES,
            "extensions_metadata_size",
        ),
    ]
    .into_iter()
    .filter(|(field, is_kept, _)| !is_kept && is_checked(field))
    .map(|(_, _, constraint)| constraint)
    .collect()
}

/// Turns what a constraint refused into the error that names the field.
pub(crate) fn refused(attempt: Attempt, source: sqlx::Error) -> Error {
    let rule = source
        .as_database_error()
        .and_then(|error| error.constraint())
        .and_then(by_constraint);
    match rule {
        Some((field, message, action)) => invalid(field, message.to_owned(), action),
        None => Error::from_query(attempt, source),
    }
}

/// The longest id and subject, in characters: the columns are `varchar(255)`.
const NAME_MAX_CHARACTERS: usize = 255;

/// Checks what the columns' types would refuse without naming a field.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<()> {
    let length = name.chars().count();
    if length == 0 {
        return Err(invalid(
            field,
            format!("The {field} is empty."),
            "Write one.",
        ));
    }
    if length > NAME_MAX_CHARACTERS {
        let message =
            format!("The {field} has {length} characters, {NAME_MAX_CHARACTERS} are allowed.");
        return Err(invalid(field, message, "Shorten it."));
    }
    check_characters(field, name)
}

/// Checks that a text is JSON that PostgreSQL can store; that it is an object, and small enough, is
/// the database's rule.
pub(crate) fn check_json(field: &'static str, text: &str) -> Result<()> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        invalid(
            field,
            format!("The {field} is not valid JSON: {error}."),
            "Correct it at that place.",
        )
    })?;
    check_json_characters(field, &value)
}

fn check_json_characters(field: &'static str, value: &Value) -> Result<()> {
    match value {
        Value::String(text) => check_characters(field, text),
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| check_json_characters(field, item)),
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            check_characters(field, key)?;
            check_json_characters(field, member)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

pub(crate) fn check_characters(field: &'static str, text: &str) -> Result<()> {
    if text.contains('\0') {
        let message =
            format!("The {field} contains the character U+0000, which PostgreSQL can't store.");
        return Err(invalid(field, message, "Remove that character."));
    }
    Ok(())
}

pub(crate) fn invalid(field: &'static str, message: String, action: &'static str) -> Error {
    Error::InvalidInput {
        field,
        message,
        action,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_character_that_jsonb_refuses_is_found_at_any_depth() {
        for text in [r#"{"a": "\u0000"}"#, r#"{"a": [{"b\u0000": 1}]}"#] {
            let error = check_json("config", text).unwrap_err();
            assert!(error.to_string().contains("U+0000"), "{text}: {error}");
        }
        assert!(
            check_json("config", r#"{"a": "\\u0000"}"#).is_ok(),
            "an escaped backslash is none"
        );
    }

    #[test]
    fn broken_json_names_the_place() {
        let error = check_json("metadata", "{\n  \"a\": }").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert_eq!(error.report().field.as_deref(), Some("metadata"));
    }

    #[test]
    fn deeply_nested_json_is_an_error_and_no_crash() {
        let text = "[".repeat(100_000);
        assert!(check_json("config", &text).is_err());
    }
}
