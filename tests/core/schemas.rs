//! Schemas of configurations: shipped, edited, and what they refuse.

use registry::ErrorCode;
use registry::extension_changes::{ExtensionDraft, ExtensionPatch};
use registry::extensions::ExtensionType;
use registry::schemas::SchemaScope;
use registry::{ChangeContext, Error};
use system_tests::database::execute;
use system_tests::on_each_server;

use crate::changes::draft;

fn config(text: &str) -> ExtensionPatch {
    ExtensionPatch {
        config: Some(text.into()),
        ..ExtensionPatch::default()
    }
}

fn violated_paths(error: Error) -> Vec<String> {
    match error {
        Error::ConfigurationInvalid { violations } => violations
            .into_iter()
            .map(|violation| violation.path)
            .collect(),
        other => panic!("{other}"),
    }
}

const LIMITS: &str = r#"{
    "type": "object",
    "properties": {
        "limits": {"type": "object", "properties": {"rate/s": {"type": "number", "minimum": 1}}},
        "tags": {"type": "array", "items": {"type": "string"}}
    },
    "required": ["limits"],
    "additionalProperties": false
}"#;

on_each_server! {
    async fn each_of_the_six_has_a_schema_that_its_configuration_fits(database: TestDatabase) {
        let registry = database.registry().await;
        let schemas = registry.list_configuration_schemas().await.unwrap();
        assert_eq!(schemas.len(), 6);
        for schema in schemas {
            let SchemaScope::Extension(id) = schema.scope else { panic!("of an extension") };
            let detail = registry.get_extension_detail(&id).await.unwrap();
            let extension_type = detail.extension.extension_type;
            let violations =
                registry.check_configuration(&id, extension_type, &detail.config.unwrap()).await.unwrap();
            assert_eq!(violations, [], "{id}");
            let violations = registry.check_configuration(&id, extension_type, "[]").await.unwrap();
            assert_eq!(violations.len(), 1, "{id}: it does check something");
        }
    }

    async fn a_configuration_that_does_not_fit_is_refused_by_its_path(database: TestDatabase) {
        let registry = database.registry().await;
        let scope = SchemaScope::Type(ExtensionType::Pre);
        registry.set_configuration_schema(&scope, LIMITS).await.unwrap();
        let bad = r#"{"limits": {"rate/s": 0}, "tags": ["a", 5]}"#;
        let error = registry
            .create_extension(&ExtensionDraft { config: bad.into(), ..draft("x") }, &ChangeContext::default())
            .await
            .unwrap_err();
        assert_eq!((error.code(), error.report().field.as_deref()), (ErrorCode::ConfigurationInvalid, Some("config")));
        assert_eq!(violated_paths(error), ["/limits/rate~1s", "/tags/1"]);
        assert_eq!(database.value("SELECT count(*) FROM extensions").await, "6");

        let good = r#"{"limits": {"rate/s": 1.50}}"#;
        registry
            .create_extension(&ExtensionDraft { config: good.into(), ..draft("x") }, &ChangeContext::default())
            .await
            .unwrap();
        let error = registry
            .update_extension("x", 1, &config(r#"{"limits": {}, "more": 1}"#), &ChangeContext::default())
            .await
            .unwrap_err();
        assert_eq!(violated_paths(error), [""], "an unknown key is the object's fault");
    }

    async fn what_a_merge_makes_is_checked_and_not_what_was_sent(database: TestDatabase) {
        let registry = database.registry().await;
        let schema = r#"{"not": {"required": ["a", "b"]}}"#;
        registry.set_configuration_schema(&SchemaScope::Extension("x".into()), schema).await.unwrap();
        registry
            .create_extension(&ExtensionDraft { config: "{}".into(), ..draft("x") }, &ChangeContext::default())
            .await
            .unwrap();
        registry.update_extension("x", 1, &config(r#"{"a": 1}"#), &ChangeContext::default()).await.unwrap();
        let error = registry
            .update_extension("x", 1, &config(r#"{"b": 1}"#), &ChangeContext::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid, "each fits, both together don't");
    }

    async fn a_row_that_does_not_fit_can_be_switched_and_changed_elsewhere(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &ChangeContext::default()).await.unwrap();
        let scope = SchemaScope::Extension("x".into());
        registry.set_configuration_schema(&scope, r#"{"required": ["missing"]}"#).await.unwrap();
        registry.set_extension_enabled("x", false, &ChangeContext::default()).await.unwrap();
        let patch = ExtensionPatch { retry: Some(4), ..ExtensionPatch::default() };
        registry.update_extension("x", 2, &patch, &ChangeContext::default()).await.unwrap();
        let error = registry
            .update_extension("x", 3, &config("{}"), &ChangeContext::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
        registry
            .update_extension("x", 3, &config(r#"{"missing": 1}"#), &ChangeContext::default())
            .await
            .unwrap();
    }

    async fn an_extensions_own_schema_stands_before_its_types(database: TestDatabase) {
        let registry = database.registry().await;
        let of_type = SchemaScope::Type(ExtensionType::Validator);
        registry.set_configuration_schema(&of_type, "{\"required\": [\"x\"]}").await.unwrap();
        let check = async |id: &str| {
            registry.check_configuration(id, ExtensionType::Validator, "{}").await.unwrap().len()
        };
        assert_eq!(check("another").await, 1);
        assert_eq!(check("pii_guard").await, 0, "it has its own");
        let own = SchemaScope::Extension("pii_guard".into());
        assert!(registry.delete_configuration_schema(&own).await.unwrap());
        assert!(!registry.delete_configuration_schema(&own).await.unwrap());
        assert_eq!(check("pii_guard").await, 1);
        registry.set_configuration_schema(&of_type, "{}").await.unwrap();
        assert_eq!(check("pii_guard").await, 0, "set again is replaced");
    }

    async fn what_is_no_schema_is_refused(database: TestDatabase) {
        let registry = database.registry().await;
        let scope = SchemaScope::Type(ExtensionType::Post);
        let too_large = format!(r#"{{"title": "{}"}}"#, "x".repeat(65_536));
        for schema in [
            "",
            "{",
            "[]",
            "\"text\"",
            r#"{"type": "objekt"}"#,
            r#"{"type": 5}"#,
            r#"{"properties": {"a": {"minimum": "1"}}}"#,
            r#"{"$ref": "https://example.org/schema.json"}"#,
            r#"{"$ref": "file:///etc/passwd"}"#,
            r#"{"title": "\u0000"}"#,
            r#"{"writeOnly": true}"#,
            r#"{"additionalProperties": {"writeOnly": true}}"#,
            r##"{"properties": {"a": {"$ref": "#/$defs/%61"}}, "$defs": {"a": {"writeOnly": true}}}"##,
            &too_large,
        ] {
            let error = registry.set_configuration_schema(&scope, schema).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidInput, "{schema}: {error}");
            assert_eq!(error.report().field.as_deref(), Some("schema"), "{schema}: {error}");
        }
        assert_eq!(database.value("SELECT count(*) FROM configuration_schemas").await, "6");
    }

    async fn each_change_of_a_schema_or_a_name_leaves_an_entry_that_stays(database: TestDatabase) {
        let registry = database.registry().await;
        let scope = SchemaScope::Type(ExtensionType::Post);
        registry.set_configuration_schema(&scope, "{}").await.unwrap();
        registry.set_configuration_schema(&scope, "{}").await.unwrap();
        registry.set_configuration_schema(&scope, r#"{"title": "a"}"#).await.unwrap();
        registry.delete_configuration_schema(&scope).await.unwrap();
        registry.add_secret_name("license_code").await.unwrap();
        let entries = database
            .value(
                "SELECT string_agg(concat_ws(' ', setting, name, changed_by, before, '->', after), E'\n' ORDER BY id)
                 FROM settings_audit_log",
            )
            .await
            .replace(database.login(), "LOGIN");
        assert_eq!(
            entries.lines().collect::<Vec<_>>(),
            [
                "configuration_schema type:post LOGIN -> {}",
                r#"configuration_schema type:post LOGIN {} -> {"title": "a"}"#,
                r#"configuration_schema type:post LOGIN {"title": "a"} ->"#,
                r#"secret_name license_code LOGIN -> {"name": "license_code", "is_builtin": false}"#,
            ]
        );
        for statement in ["DELETE FROM settings_audit_log", "UPDATE settings_audit_log SET name = 'a'", "TRUNCATE settings_audit_log"] {
            // Nor its owner, without switching the guard off.
            for login in [database.console(), database.superuser()] {
                let error = execute(&login, statement).await.unwrap_err();
                assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
            }
        }
    }

    async fn a_violation_does_not_tell_the_value(database: TestDatabase) {
        let registry = database.registry().await;
        let config = r#"{"model": "m", "api_key": 918273645, "max_tokens": "918273645"}"#;
        let violations = registry
            .check_configuration("openai_gpt4", ExtensionType::Provider, config)
            .await
            .unwrap();
        assert_eq!(violations.len(), 2);
        for violation in violations {
            assert!(!violation.to_string().contains("918273645"), "{violation}");
        }
    }

    async fn a_schemas_last_editor_is_known(database: TestDatabase) {
        let registry = database.registry().await;
        let scope = SchemaScope::Type(ExtensionType::Pre);
        registry.set_configuration_schema(&scope, "{}").await.unwrap();
        let schemas = registry.list_configuration_schemas().await.unwrap();
        assert_eq!(schemas[0].scope, scope, "those of types come first");
        assert_eq!(schemas[0].changed_by, database.login());
    }
}
