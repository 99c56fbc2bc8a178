//! Secrets stay where they are: no entry, list, export, difference or error tells them.

use registry::audit::AuditFilter;
use registry::extension_changes::{ExtensionDraft, ExtensionPatch, RestoreRequest};
use registry::extensions::{ExtensionFilter, ExtensionListRequest, ExtensionType};
use registry::schemas::SchemaScope;
use registry::time_travel::Moment;
use registry::undo::UndoTarget;
use registry::{ChangeContext, Error, ErrorCode, ExportFormat, Registry};
use system_tests::database::{TestDatabase as Database, execute};
use system_tests::on_each_server;
use system_tests::reading::history;

use crate::changes::draft;

const PLANTED: &str = "PLANTED-7f3a";

/// Every place and spelling where a secret may be.
fn config(secret: &str) -> String {
    format!(
        r#"{{"model": "m", "api_key": "{secret}", "apiKey": "{secret}", "OPENAI-API-KEY": "{secret}",
            "nested": [{{"db_password": "{secret}"}}, {{"credentials": {{"user": "u", "any": ["{secret}"]}}}}],
            "Authorization": "Bearer {secret}", "pin": "{secret}", "max_tokens": 5,
            "reference": {{"token": "env:OPENAI_KEY", "secret": "vault:kv/openai#key", "password": null}}}}"#
    )
}

fn patch(config: String) -> ExtensionPatch {
    ExtensionPatch {
        config: Some(config),
        ..ExtensionPatch::default()
    }
}

async fn with_secret(registry: &Registry) {
    registry
        .set_configuration_schema(
            &SchemaScope::Type(ExtensionType::Pre),
            r##"{"properties": {"pin": {"$ref": "#/$defs/pin"}}, "$defs": {"pin": {"type": "string", "writeOnly": true}}}"##,
        )
        .await
        .unwrap();
    let draft = ExtensionDraft {
        config: config(PLANTED),
        metadata: format!(r#"{{"token": "{PLANTED}"}}"#),
        ..draft("x")
    };
    registry
        .create_extension(&draft, &ChangeContext::default())
        .await
        .unwrap();
}

/// Everything that the registry keeps or shows besides the row itself.
async fn everything(database: &Database, registry: &Registry) -> String {
    let mut all = vec![
        database
            .value("SELECT coalesce(string_agg(log::text, E'\\n'), '') FROM extension_audit_log AS log")
            .await,
    ];
    for format in [ExportFormat::Csv, ExportFormat::Ndjson] {
        let mut export = Vec::new();
        registry
            .export_audit_log(&AuditFilter::default(), format, &mut export)
            .await
            .unwrap();
        all.push(String::from_utf8(export).unwrap());
    }
    if let Ok(detail) = registry.get_extension_detail("x").await {
        all.push(format!("{detail:?}"));
    }
    all.push(format!("{:?}", history(registry, "x").await));
    let head: i64 = database
        .value("SELECT revision FROM registry_head")
        .await
        .parse()
        .unwrap();
    for revision in 0..=head {
        let moment = Moment::Revision(revision);
        all.push(format!(
            "{:?}",
            registry.registry_as_of(moment).await.unwrap()
        ));
        let difference = registry
            .registry_difference(moment, Moment::Revision(head))
            .await
            .unwrap();
        all.push(format!("{difference:?}"));
    }
    all.join("\n")
}

async fn stored(database: &Database, path: &str) -> String {
    database
        .value(&format!(
            "SELECT coalesce(config #>> '{{{path}}}', 'none') FROM extensions WHERE id = 'x'"
        ))
        .await
}

on_each_server! {
    async fn a_planted_secret_is_found_nowhere(database: TestDatabase) {
        let registry = database.registry().await;
        with_secret(&registry).await;
        let rotated = "PLANTED-again";
        registry.update_extension("x", 1, &patch(config(rotated)), &ChangeContext::default()).await.unwrap();
        database.execute("UPDATE extensions SET retry = 3 WHERE id = 'x'").await;
        registry.delete_extension("x", 3, &ChangeContext::default()).await.unwrap();
        let all = everything(&database, &registry).await;
        assert!(!all.contains("PLANTED"), "{}", all.split("PLANTED").next().unwrap().chars().rev().take(80).collect::<String>());
        assert!(all.contains("env:OPENAI_KEY") && all.contains("vault:kv/openai#key"), "references are shown");
        assert!(all.contains("max_tokens"), "and what only looks like a secret");
    }

    async fn a_changed_secret_shows_as_changed_and_a_kept_one_does_not(database: TestDatabase) {
        let registry = database.registry().await;
        with_secret(&registry).await;
        let changed = config(PLANTED).replacen(PLANTED, "other", 1);
        registry.update_extension("x", 1, &patch(changed), &ChangeContext::default()).await.unwrap();
        let entries = history(&registry, "x").await;
        let paths: Vec<_> = entries[0].changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["/config/api_key"]);
    }

    async fn equal_secrets_of_two_extensions_do_not_look_equal(database: TestDatabase) {
        let registry = database.registry().await;
        for id in ["x", "y"] {
            let draft = ExtensionDraft { config: r#"{"token": "same"}"#.into(), ..draft(id) };
            registry.create_extension(&draft, &ChangeContext::default()).await.unwrap();
        }
        let shown = async |id: &str| registry.get_extension_detail(id).await.unwrap().config.unwrap();
        assert_ne!(shown("x").await, shown("y").await);
    }

    async fn saving_what_is_shown_keeps_the_secret(database: TestDatabase) {
        let registry = database.registry().await;
        with_secret(&registry).await;
        let shown = registry.get_extension_detail("x").await.unwrap().config.unwrap();
        assert!(shown.contains("$redacted"));
        registry.update_extension("x", 1, &patch(shown.clone()), &ChangeContext::default()).await.unwrap();
        assert_eq!(history(&registry, "x").await.len(), 1, "nothing changed");
        let edited = shown.replace(r#""model": "m""#, r#""model": "n""#);
        registry.update_extension("x", 1, &patch(edited), &ChangeContext::default()).await.unwrap();
        assert_eq!(stored(&database, "model").await, "n");
        assert_eq!(stored(&database, "api_key").await, PLANTED);
        assert_eq!(stored(&database, "nested,0,db_password").await, PLANTED);
    }

    async fn secrets_merge_like_everything_else(database: TestDatabase) {
        let registry = database.registry().await;
        with_secret(&registry).await;
        let shown = registry.get_extension_detail("x").await.unwrap().config.unwrap();
        // They rotate one key while you edit the model, with marks in the place of all secrets.
        let rotated = config(PLANTED).replacen(PLANTED, "rotated", 1);
        registry.update_extension("x", 1, &patch(rotated), &ChangeContext::default()).await.unwrap();
        let edited = shown.replace(r#""model": "m""#, r#""model": "n""#);
        registry.update_extension("x", 1, &patch(edited), &ChangeContext::default()).await.unwrap();
        assert_eq!(stored(&database, "api_key").await, "rotated");
        assert_eq!(stored(&database, "model").await, "n");
        // Both rotate the same key: a conflict that tells neither.
        let yours = config(PLANTED).replacen(PLANTED, "PLANTED-yours", 1);
        let error = registry.update_extension("x", 1, &patch(yours), &ChangeContext::default()).await.unwrap_err();
        let Error::RevisionConflict { conflict } = &error else { panic!("{error}") };
        assert_eq!(conflict.paths, ["/config/api_key"]);
        assert!(!format!("{:?}", error.report()).contains("PLANTED"));
        // Both to the same: none.
        let same = config(PLANTED).replacen(PLANTED, "rotated", 1);
        registry.update_extension("x", 1, &patch(same), &ChangeContext::default()).await.unwrap();
    }

    async fn a_mark_is_never_stored_as_a_secret(database: TestDatabase) {
        let registry = database.registry().await;
        with_secret(&registry).await;
        let forged = r#"{"api_key": {"$redacted": "0123456789abcdef"}, "note": {"$redacted": "x"}}"#;
        let error = registry
            .update_extension("x", 1, &patch(forged.into()), &ChangeContext::default())
            .await
            .unwrap_err();
        let Error::SecretRequired { paths, .. } = &error else { panic!("{error}") };
        assert_eq!(paths, &["/config/note", "/config/api_key"]);
        let draft = ExtensionDraft { config: forged.into(), ..draft("y") };
        let error = registry.create_extension(&draft, &ChangeContext::default()).await.unwrap_err();
        assert_eq!((error.code(), error.report().field.as_deref()), (ErrorCode::InvalidInput, Some("config")));
        let moved = registry.get_extension_detail("x").await.unwrap().config.unwrap().replace("api_key", "note_key");
        let error = registry.update_extension("x", 1, &patch(moved), &ChangeContext::default()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SecretRequired, "a secret doesn't follow its mark to another key");
    }

    async fn a_restore_keeps_the_current_secret(database: TestDatabase) {
        let registry = database.registry().await;
        with_secret(&registry).await;
        let edited = config("rotated").replace(r#""model": "m""#, r#""model": "n""#);
        registry.update_extension("x", 1, &patch(edited), &ChangeContext::default()).await.unwrap();
        let request = RestoreRequest { id: "x".into(), revision: 1, ..RestoreRequest::default() };
        let error = registry.restore_extension(&request, &ChangeContext::default()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SecretRequired, "the old secret is known to nobody");
        assert_eq!(stored(&database, "model").await, "n");
        let request = RestoreRequest { fields: Some(vec!["metadata".into()]), ..request };
        registry.restore_extension(&request, &ChangeContext::default()).await.unwrap();
        let request = RestoreRequest { revision: 2, fields: None, ..request };
        registry.restore_extension(&request, &ChangeContext::default()).await.unwrap();
        assert_eq!(stored(&database, "api_key").await, "rotated");
    }

    async fn a_deleted_extension_asks_for_its_secrets(database: TestDatabase) {
        let registry = database.registry().await;
        let draft = ExtensionDraft { config: r#"{"api_key": "PLANTED", "model": "m"}"#.into(), ..draft("x") };
        registry.create_extension(&draft, &ChangeContext::default()).await.unwrap();
        registry.delete_extension("x", 1, &ChangeContext::default()).await.unwrap();
        let mut request = RestoreRequest { id: "x".into(), revision: 1, ..RestoreRequest::default() };
        let error = registry.restore_extension(&request, &ChangeContext::default()).await.unwrap_err();
        let Error::SecretRequired { paths, .. } = &error else { panic!("{error}") };
        assert_eq!(paths, &["/config/api_key"]);
        let undo = registry.undo(&UndoTarget::Revision(2), &ChangeContext::default()).await.unwrap_err();
        assert_eq!(undo.code(), ErrorCode::SecretRequired);
        request.secrets = [
            ("/config/api_key".to_owned(), r#""given""#.to_owned()),
            ("/config/model".to_owned(), r#""not a secret""#.to_owned()),
        ]
        .into();
        registry.restore_extension(&request, &ChangeContext::default()).await.unwrap();
        assert_eq!(stored(&database, "api_key").await, "given");
        assert_eq!(stored(&database, "model").await, "m", "only secrets can be given");
    }

    async fn a_secret_can_not_be_searched_for(database: TestDatabase) {
        let registry = database.registry().await;
        with_secret(&registry).await;
        let found = async |text: &str| {
            let filter = ExtensionFilter { text: Some(text.into()), ..ExtensionFilter::default() };
            let request = ExtensionListRequest { filter, limit: 10, ..ExtensionListRequest::default() };
            registry.list_extensions(&request).await.unwrap().extensions.len()
        };
        assert_eq!(found("OPENAI-API-KEY").await, 1, "its key can");
        assert_eq!(found("PLANTED").await, 0);
        assert_eq!(found("PLANTED-7").await, 0);
    }

    // A quick look decides whether a configuration is worth a closer one: it must pass by none of the names.
    async fn each_name_that_is_built_in_is_hidden_when_a_row_is_made_changed_and_switched(database: TestDatabase) {
        database.migrate().await;
        database
            .execute(
                "INSERT INTO extensions (id, type, subject, config)
                 SELECT 'named-' || row_number() OVER (), 'pre', 'named.' || row_number() OVER (), jsonb_build_object(key, 'PLANTED')
                 FROM secret_names,
                      LATERAL (VALUES (name), (upper(name)), ('our ' || replace(name, '_', '-')),
                               ('db' || replace(initcap(name), '_', '')), (replace(name, '_', ' / ') || '2')) AS keys (key)
                 WHERE is_builtin;
                 UPDATE extensions SET enabled = NOT enabled WHERE id LIKE 'named-%';
                 UPDATE extensions SET retry = 4 WHERE id LIKE 'named-%'",
            )
            .await;
        let shown = "SELECT count(*) || ' ' || count(*) FILTER (WHERE concat(before, after, changes) LIKE '%PLANTED%')
                     FROM extension_audit_log WHERE extension_id LIKE 'named-%'";
        let names: usize = database.value("SELECT count(*) FROM secret_names WHERE is_builtin").await.parse().unwrap();
        assert_eq!(database.value(shown).await, format!("{} 0", names * 5 * 3));
    }

    async fn names_of_secrets_are_added_and_the_built_in_ones_stay(database: TestDatabase) {
        let registry = database.registry().await;
        registry.add_secret_name("license_code").await.unwrap();
        registry.add_secret_name("license_code").await.unwrap();
        let draft = ExtensionDraft { config: r#"{"vendorLicenseCode": "PLANTED"}"#.into(), ..draft("x") };
        registry.create_extension(&draft, &ChangeContext::default()).await.unwrap();
        assert!(!everything(&database, &registry).await.contains("PLANTED"));
        for name in ["", "Upper", "a b", "a__b", "_a", "a|b", ".*", &"a".repeat(64)] {
            let error = registry.add_secret_name(name).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some("name"), "{name}: {error}");
        }
        // Not even their owner takes a built-in one away.
        let error = execute(&database.superuser(), "DELETE FROM secret_names WHERE name = 'password'").await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().constraint(), Some("secret_names_builtin"));
    }

    async fn a_mark_is_followed_wherever_it_leads(database: TestDatabase) {
        let registry = database.registry().await;
        let write_only = r#"{"type": "string", "writeOnly": true}"#;
        for (number, (schema, config)) in [
            (r##"{"properties": {"p": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": SECRET}}"##, r#"{"p": VALUE}"#),
            (r##"{"properties": {"p": {"$ref": "#/properties/q"}, "q": SECRET}}"##, r#"{"p": VALUE, "q": VALUE}"#),
            (r##"{"properties": {"p": {"$ref": "#here"}}, "$defs": {"a": {"$anchor": "here", "writeOnly": true}}}"##, r#"{"p": VALUE}"#),
            (r##"{"properties": {"p": {"$ref": "#/definitions/a~1b~0c"}}, "definitions": {"a/b~c": SECRET}}"##, r#"{"p": VALUE}"#),
            (r#"{"properties": {"p": {"items": {"items": SECRET}}}}"#, r#"{"p": [[VALUE]]}"#),
            (r#"{"properties": {"p": {"prefixItems": [{"type": "integer"}, SECRET]}}}"#, r#"{"p": [1, VALUE]}"#),
            (r#"{"properties": {"p": {"anyOf": [{"anyOf": [{"type": "null"}, SECRET]}]}}}"#, r#"{"p": VALUE}"#),
            (r#"{"properties": {"p": {"if": {"minLength": 1}, "then": SECRET, "else": {"not": SECRET}}}}"#, r#"{"p": VALUE}"#),
            (r#"{"properties": {"p": {"patternProperties": {"^x": SECRET}}}}"#, r#"{"p": {"xyz": VALUE}}"#),
            (r#"{"properties": {"p": {"additionalProperties": {"additionalProperties": SECRET}}}}"#, r#"{"p": {"a": {"b": VALUE}}}"#),
            (r#"{"properties": {"p": {"properties": {"properties": SECRET}}}}"#, r#"{"p": {"properties": VALUE}}"#),
            (r#"{"allOf": [{"then": {"properties": {"p": {"format": "password"}}}}]}"#, r#"{"p": VALUE}"#),
            (r##"{"properties": {"p": {"$ref": "#/$defs/node"}}, "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "v": SECRET}}}}"##, r#"{"p": {"next": {"next": {"v": VALUE}}}}"#),
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("x{number}");
            registry
                .set_configuration_schema(&SchemaScope::Extension(id.clone()), &schema.replace("SECRET", write_only))
                .await
                .unwrap_or_else(|error| panic!("{schema}: {error}"));
            let stored = config.replace("VALUE", "\"PLANTED\"");
            database
                .execute(&format!("INSERT INTO extensions (id, type, subject, config) VALUES ('{id}', 'pre', '{id}', '{stored}')"))
                .await;
            let shown = registry.get_extension_detail(&id).await.unwrap().config.unwrap();
            assert!(shown.contains("$redacted"), "{schema}: {shown}");
            assert!(!everything(&database, &registry).await.contains("PLANTED"), "{schema}");
        }
    }

    async fn a_schema_whose_marks_can_not_be_followed_is_refused(database: TestDatabase) {
        database.migrate().await;
        let deep = format!("{}{}{}", r#"{"items": "#.repeat(100), r#"{"writeOnly": true}"#, "}".repeat(100));
        for (constraint, schema) in [
            ("configuration_schemas_secret_mark", r#"{"patternProperties": {"^x": {"writeOnly": true}}}"#),
            ("configuration_schemas_secret_mark", r##"{"additionalProperties": {"$ref": "#/$defs/a"}, "$defs": {"a": {"writeOnly": true}}}"##),
            ("configuration_schemas_reference", r##"{"properties": {"p": {"$ref": "#/$defs/a%20b"}}, "$defs": {"a b": {"writeOnly": true}}}"##),
            ("configuration_schemas_reference", r#"{"properties": {"p": {"$ref": "other"}}, "$defs": {"a": {"$id": "other", "writeOnly": true}}}"#),
            ("configuration_schemas_reference", r#"{"properties": {"p": {"$id": "q", "writeOnly": true}}}"#),
            ("configuration_schemas_depth", &format!(r#"{{"properties": {{"p": {deep}}}}}"#)),
        ] {
            let insert = format!("INSERT INTO configuration_schemas (extension_type, schema) VALUES ('pre', '{schema}')");
            let error = execute(&database.console(), &insert).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().constraint(), Some(constraint), "{schema}");
        }
    }

    async fn a_mark_that_goes_lays_nothing_open(database: TestDatabase) {
        let registry = database.registry().await;
        let scope = SchemaScope::Type(ExtensionType::Pre);
        registry.set_configuration_schema(&scope, r#"{"properties": {"pin": {"writeOnly": true}}}"#).await.unwrap();
        let draft = ExtensionDraft { config: r#"{"pin": "PLANTED"}"#.into(), ..draft("x") };
        registry.create_extension(&draft, &ChangeContext::default()).await.unwrap();
        registry.set_configuration_schema(&scope, r#"{"properties": {"pin": {}}}"#).await.unwrap();
        database.execute("UPDATE extensions SET retry = 3 WHERE id = 'x'").await;
        registry.delete_configuration_schema(&scope).await.unwrap();
        database.execute("UPDATE extensions SET retry = 4 WHERE id = 'x'").await;
        assert!(!everything(&database, &registry).await.contains("PLANTED"));
        for statement in ["DELETE FROM secret_names WHERE NOT is_builtin", "DELETE FROM secret_marks", "UPDATE secret_marks SET name = 'a'"] {
            let error = execute(&database.console(), statement).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
        }
    }

    async fn a_secret_is_known_by_any_spelling_and_by_its_looks(database: TestDatabase) {
        let registry = database.registry().await;
        for config in [
            r#"{"DBPassword": "PLANTED"}"#,
            r#"{"OpenAIApiKey": "PLANTED"}"#,
            r#"{"JWTToken": "PLANTED"}"#,
            r#"{"APIKEY": "PLANTED"}"#,
            r#"{"passwords": ["PLANTED"]}"#,
            r#"{"api_keys": {"a": "PLANTED"}}"#,
            r#"{"api key": "PLANTED"}"#,
            r#"{"api\nkey": "PLANTED"}"#,
            r#"{"client.secret": "PLANTED"}"#,
            r#"{"api__key": "PLANTED"}"#,
            r#"{"token2": "PLANTED", "secret_2": "PLANTED"}"#,
            r#"{"password_hash": "PLANTED"}"#,
            r#"{"headers": [{"name": "Authorization", "value": "PLANTED"}]}"#,
            r#"{"headers": [{"Key": "X-Api-Key", "Values": ["PLANTED"]}]}"#,
            r#"{"url": "nats://user:PLANTED@host:4222"}"#,
            r#"{"servers": ["a", "postgres://user:PLANTED@host/db"]}"#,
            r#"{"store": "host=h user=u password=PLANTED"}"#,
            r#"{"endpoint": "https://h/p?a=1&api_key=PLANTED"}"#,
            r#"{"header": "Bearer PLANTED0"}"#,
            r#"{"pem": "-----BEGIN RSA PRIVATE KEY-----\nPLANTED"}"#,
        ] {
            let draft = ExtensionDraft { config: config.into(), metadata: config.into(), ..draft("x") };
            registry.create_extension(&draft, &ChangeContext::default()).await.unwrap();
            let shown = registry.get_extension_detail("x").await.unwrap();
            assert!(shown.config.unwrap().contains("$redacted"), "{config}");
            registry.delete_extension("x", shown.extension.revision, &ChangeContext::default()).await.unwrap();
            assert!(!everything(&database, &registry).await.contains("PLANTED"), "{config}");
        }
    }

    async fn what_is_no_secret_is_shown(database: TestDatabase) {
        let registry = database.registry().await;
        let config = r#"{"bypass": "a", "compass": "b", "max_tokens": 5, "tokens_per_minute": 7, "key": "c",
            "pairs": [{"name": "model", "value": "d"}], "url": "nats://host:4222/a:b", "keyboard": "e",
            "secretary": "f", "header": "Basic", "cookies": "g", "hash": "h", "text": "basic words only"}"#;
        let draft = ExtensionDraft { config: config.into(), ..draft("x") };
        registry.create_extension(&draft, &ChangeContext::default()).await.unwrap();
        let shown = registry.get_extension_detail("x").await.unwrap().config.unwrap();
        assert!(!shown.contains("$redacted"), "{shown}");
    }

    async fn a_secret_moves_with_the_item_that_it_is_in(database: TestDatabase) {
        let registry = database.registry().await;
        let servers = r#"{"servers": [{"host": "a", "password": "PLANTED-a"}, {"host": "b", "password": "PLANTED-b"}, "nats://u:PLANTED-c@h"]}"#;
        let draft = ExtensionDraft { config: servers.into(), ..draft("x") };
        registry.create_extension(&draft, &ChangeContext::default()).await.unwrap();
        let shown: serde_json::Value =
            serde_json::from_str(&registry.get_extension_detail("x").await.unwrap().config.unwrap()).unwrap();
        let mut items = shown["servers"].as_array().unwrap().clone();
        items.remove(0);
        items.reverse();
        let edited = serde_json::json!({ "servers": items }).to_string();
        registry.update_extension("x", 1, &patch(edited), &ChangeContext::default()).await.unwrap();
        assert_eq!(stored(&database, "servers").await, r#"["nats://u:PLANTED-c@h", {"host": "b", "password": "PLANTED-b"}]"#);
    }

    async fn a_row_without_a_value_is_refused_without_telling_the_others(database: TestDatabase) {
        database.migrate().await;
        for column in ["id", "type", "subject", "timeout_ms", "retry", "enabled"] {
            let columns = ["id", "type", "subject", "timeout_ms", "retry", "enabled"];
            let values = ["'x'", "'pre'", "'x'", "1", "1", "true"];
            let values: Vec<_> = columns.iter().zip(values).map(|(each, value)| if *each == column { "NULL" } else { value }).collect();
            let insert = format!(
                "INSERT INTO extensions ({}, config) VALUES ({}, '{{\"api_key\": \"PLANTED\"}}')",
                columns.join(", "),
                values.join(", ")
            );
            let error = execute(&database.console(), &insert).await.unwrap_err();
            assert!(!format!("{error:?}").contains("PLANTED"), "{column}: {error:?}");
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "23502", "{column}");
        }
        let insert = r#"INSERT INTO extensions (id, type, subject, config) VALUES ('x', 'other', 'x', '{"api_key": "PLANTED"}')"#;
        let error = execute(&database.console(), insert).await.unwrap_err();
        assert!(!format!("{error:?}").contains("PLANTED"), "{error:?}");
    }

    async fn nobody_reads_the_key_of_the_fingerprints_or_tries_guesses(database: TestDatabase) {
        database.migrate().await;
        for statement in [
            "SELECT * FROM public.registry_fingerprint_key",
            "SELECT public.registry_fingerprint('x', '1')",
            "SELECT public.registry_redact_row('{}')",
            "SELECT public.registry_redact_value('{}', 'x', '{}', '{}')",
            "SELECT public.registry_redact_rows('{}', '{}')",
            "SELECT public.registry_unredact_row('{}', '{}', 'x')",
            "SELECT public.registry_candidates('{}', 'x', 'x')",
            "SELECT public.registry_is_brought_back(extensions, extensions) FROM extensions",
        ] {
            let error = execute(&database.console(), statement).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
        }
    }

    async fn errors_do_not_tell_secrets(database: TestDatabase) {
        let registry = database.registry().await;
        let broken = [
            ExtensionDraft { config: format!(r#"{{"api_key": "{PLANTED}""#), ..draft("x") },
            ExtensionDraft { config: format!(r#"{{"api_key": "{PLANTED}"}}"#), timeout_ms: 0, ..draft("x") },
            ExtensionDraft { config: format!(r#"{{"api_key": "{PLANTED}"}}"#), id: "pii_guard".into(), ..draft("x") },
            ExtensionDraft { config: format!(r#"{{"api_key": "{PLANTED}", "a": "{}"}}"#, "x".repeat(70_000)), ..draft("x") },
            ExtensionDraft { config: format!(r#"["{PLANTED}"]"#), ..draft("x") },
        ];
        for draft in broken {
            let error = registry.create_extension(&draft, &ChangeContext::default()).await.unwrap_err();
            assert!(!format!("{:?}", error.report()).contains("PLANTED"), "{error}");
        }
    }
}
