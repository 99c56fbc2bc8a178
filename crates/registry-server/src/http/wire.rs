//! How the core's types look on the wire where several resources share them.

use serde::{Deserialize, Deserializer};
use serde_json::value::{RawValue, to_raw_value};

/// The same enumeration once more, as JSON spells it and the document describes it.
macro_rules! wire_enum {
    ($(#[$attribute:meta])* $name:ident of $core:path { $($(#[$of_variant:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(
            Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($(#[$of_variant])* $variant),+ }

        impl From<$core> for $name {
            fn from(value: $core) -> Self {
                match value { $(<$core>::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $core {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => <$core>::$variant),+ }
            }
        }
    };
}
pub(crate) use wire_enum;

wire_enum! {
    /// Where in the router an extension runs.
    ExtensionType of registry::extensions::ExtensionType {
        /// Normalises a message before routing.
        Pre,
        /// May block a message.
        Validator,
        /// Works on the answer, such as masking it.
        Post,
        /// A language model or another back end that answers.
        Provider,
    }
}

wire_enum! {
    /// How well the calls of an extension went, by its score.
    HealthState of registry::health::HealthState {
        /// Below 90 %.
        Failing,
        /// Below 99 %.
        Degraded,
        /// 99 % and more.
        Healthy,
        /// Not one call.
        NoData,
    }
}

wire_enum! {
    /// What was done to an extension.
    AuditAction of registry::audit::AuditAction {
        /// It was added.
        Created,
        /// Its fields were changed.
        Updated,
        /// It was removed; its history stays.
        Deleted,
        /// It was switched on and nothing else changed.
        Enabled,
        /// It was switched off and nothing else changed.
        Disabled,
    }
}

/// JSON that the core has as text, so that numbers keep their spelling; it leaves as it is.
pub(crate) type Json = Box<RawValue>;

/// The core's JSON text as JSON. What is stored is JSON: if it ever is none, it is told as a text.
pub(crate) fn json(text: String) -> Json {
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(_) => RawValue::from_string(text).unwrap_or_default(),
        Err(_) => to_raw_value(&text).unwrap_or_default(),
    }
}

/// A field that may be left out, but not be null: `null` would read as "leave it as it is".
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Values of a query parameter between commas; an empty one has none.
pub(crate) fn comma_separated<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.split(',')
        .filter(|value| !value.is_empty())
        .map(|value| {
            let value: serde::de::value::StrDeserializer<'_, D::Error> =
                serde::de::IntoDeserializer::into_deserializer(value);
            T::deserialize(value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_leave_as_they_are_spelled() {
        let sent = serde_json::to_string(&json(r#"{"rate": 1.00}"#.into())).unwrap();
        assert_eq!(sent, r#"{"rate": 1.00}"#);
    }

    #[test]
    fn what_is_no_json_leaves_as_a_text() {
        assert_eq!(json("{".into()).get(), r#""{""#);
    }
}
