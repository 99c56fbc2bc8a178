//! What a query of the audit log can filter by, said once for all that take it.

/// A query with the parameters of a filter and with parameters of its own, each with its default.
///
/// A macro, because serde can't flatten one struct into another and refuse what neither of them knows.
macro_rules! filter_query {
    (
        $(#[$attribute:meta])*
        $name:ident { $($(#[$of_field:meta])* $field:ident: $type:ty = $default:expr,)* }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields, default)]
        #[into_params(parameter_in = Query)]
        pub(crate) struct $name {
            /// About this extension.
            extension_id: Option<String>,
            /// Made by this actor.
            changed_by: Option<String>,
            /// Of one of these kinds, between commas.
            #[serde(rename = "action", deserialize_with = "crate::http::wire::comma_separated")]
            #[param(style = Form, explode = false)]
            actions: Vec<crate::http::wire::AuditAction>,
            /// In effect at this time or later.
            since: Option<chrono::DateTime<chrono::Utc>>,
            /// In effect before this time.
            until: Option<chrono::DateTime<chrono::Utc>>,
            /// Of this bulk change, import, restore or undo.
            #[param(format = Uuid)]
            group_id: Option<String>,
            /// With this text in the extension's id, the actor, the reason or what changed, in upper or lower case.
            text: Option<String>,
            $($(#[$of_field])* $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    extension_id: None,
                    changed_by: None,
                    actions: Vec::new(),
                    since: None,
                    until: None,
                    group_id: None,
                    text: None,
                    $($field: $default,)*
                }
            }
        }

        impl From<$name> for registry::audit::AuditFilter {
            fn from(query: $name) -> Self {
                Self {
                    extension_id: query.extension_id,
                    changed_by: query.changed_by,
                    actions: query.actions.into_iter().map(Into::into).collect(),
                    since: query.since,
                    until: query.until,
                    group_id: query.group_id,
                    text: query.text,
                }
            }
        }
    };
}
pub(crate) use filter_query;
