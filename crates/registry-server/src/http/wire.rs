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

/// A whole number, however it is spelled: JSON has one kind of numbers, in which 10.0 is 10.
pub(crate) fn whole<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let number = serde_json::Number::deserialize(deserializer)?;
    let is_exact = |number: &f64| number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    number
        .as_i64()
        // Beyond 2^53 not every whole number is one of these.
        .or_else(|| number.as_f64().filter(is_exact).map(truncated))
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| {
            serde::de::Error::custom(format!("{number} is no whole number in its range"))
        })
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the number is whole and small enough"
)]
fn truncated(number: f64) -> i64 {
    number as i64
}

/// As [`present`] and [`whole`].
pub(crate) fn present_whole<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    whole(deserializer).map(Some)
}

/// Values of a query parameter between commas; an empty one has none.
pub(crate) fn comma_separated<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let text = String::deserialize(deserializer)?;
    let values = Some(text.as_str()).filter(|text| !text.is_empty());
    values
        .into_iter()
        .flat_map(|text| text.split(','))
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
    fn a_whole_number_may_be_spelled_as_any_number() {
        let read = |text: &str| whole::<_, i32>(&mut serde_json::Deserializer::from_str(text)).ok();
        for (text, expected) in [
            ("10", Some(10)),
            ("10.0", Some(10)),
            ("1e1", Some(10)),
            ("-0.0", Some(0)),
            ("10.5", None),
            ("1e99", None),
            ("3000000000", None),
            ("\"10\"", None),
            ("null", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_json_leaves_as_a_text() {
        assert_eq!(json("{".into()).get(), r#""{""#);
    }
}
