//! Every rule for extensions with a case that breaks it, and one at its edge that doesn't: by the core,
//! and past it by SQL.

use registry::extension_changes::{ExtensionDraft, ExtensionPatch, RestoreRequest};
use registry::undo::UndoTarget;
use registry::{ChangeContext, ErrorCode};
use system_tests::database::execute;
use system_tests::on_each_server;

use crate::changes::draft;

/// Makes a draft that is fine break one rule.
type Breakage = fn(&mut ExtensionDraft);

fn object_of(size: usize) -> String {
    // {"a": "…"} as PostgreSQL prints it has 9 bytes besides the text.
    format!(r#"{{"a": "{}"}}"#, "x".repeat(size - 9))
}

const DEEP_CONFIG: &str = "UPDATE public.extensions SET config = (repeat('{\"a\": ', 5000) || '1' || repeat('}', 5000))::jsonb";

/// An object of so many levels below the first.
fn nested(levels: usize) -> String {
    format!("{}1{}", r#"{"a": "#.repeat(levels), "}".repeat(levels))
}

on_each_server! {
    async fn a_draft_that_breaks_a_rule_is_refused_by_the_field(database: TestDatabase) {
        let registry = database.registry().await;
        let cases: &[(&str, Breakage)] = &[
            ("id", |draft| draft.id = String::new()),
            ("id", |draft| draft.id = "a b".into()),
            ("id", |draft| draft.id = "_a".into()),
            ("id", |draft| draft.id = "ä".into()),
            ("id", |draft| draft.id = "a\0".into()),
            ("id", |draft| draft.id = "a".repeat(256)),
            ("subject", |draft| draft.subject = String::new()),
            ("subject", |draft| draft.subject = "a..b".into()),
            ("subject", |draft| draft.subject = ".a".into()),
            ("subject", |draft| draft.subject = "a.".into()),
            ("subject", |draft| draft.subject = "a.*".into()),
            ("subject", |draft| draft.subject = "a.>".into()),
            ("subject", |draft| draft.subject = "a b".into()),
            ("subject", |draft| draft.subject = "a\tb".into()),
            ("subject", |draft| draft.subject = "a\0b".into()),
            ("subject", |draft| draft.subject = "a\u{7}b".into()),
            ("subject", |draft| draft.subject = "a".repeat(256)),
            ("timeout_ms", |draft| draft.timeout_ms = 0),
            ("timeout_ms", |draft| draft.timeout_ms = -1),
            ("timeout_ms", |draft| draft.timeout_ms = 600_001),
            ("retry", |draft| draft.retry = -1),
            ("retry", |draft| draft.retry = 11),
            ("config", |draft| draft.config = String::new()),
            ("config", |draft| draft.config = "{".into()),
            ("config", |draft| draft.config = "[]".into()),
            ("config", |draft| draft.config = "null".into()),
            ("config", |draft| draft.config = "1".into()),
            ("config", |draft| draft.config = r#"{"a": "\u0000"}"#.into()),
            ("config", |draft| draft.config = object_of(65_537)),
            ("metadata", |draft| draft.metadata = "\"text\"".into()),
            ("metadata", |draft| draft.metadata = r#"{"\u0000": 1}"#.into()),
            ("metadata", |draft| draft.metadata = object_of(65_537)),
            ("config", |draft| draft.config = nested(100)),
            ("metadata", |draft| draft.metadata = nested(100)),
        ];
        for (number, (field, change)) in cases.iter().enumerate() {
            let mut broken = draft("fine");
            change(&mut broken);
            let error = registry
                .create_extension(&broken, &ChangeContext::default())
                .await
                .expect_err(&format!("case {number}: {field}"));
            assert_eq!(error.code(), ErrorCode::InvalidInput, "case {number}: {error}");
            assert_eq!(error.report().field.as_deref(), Some(*field), "case {number}: {error}");
            assert!(!error.action().is_empty());
        }
        assert_eq!(database.value("SELECT count(*) FROM extension_audit_log").await, "0");
    }

    async fn a_draft_at_the_edge_of_every_rule_is_taken(database: TestDatabase) {
        let registry = database.registry().await;
        let mut largest = draft("largest");
        largest.id = "9".repeat(255);
        largest.subject = format!("é.{}", "$".repeat(253));
        largest.timeout_ms = 600_000;
        largest.retry = 10;
        largest.config = object_of(65_536);
        largest.metadata = object_of(65_536);
        let mut deepest = draft("deepest");
        deepest.config = nested(99);
        registry.create_extension(&deepest, &ChangeContext::default()).await.unwrap();
        registry.create_extension(&largest, &ChangeContext::default()).await.unwrap();
        let mut smallest = draft("a");
        smallest.subject = "s".into();
        smallest.timeout_ms = 1;
        smallest.retry = 0;
        smallest.config = "{}".into();
        registry.create_extension(&smallest, &ChangeContext::default()).await.unwrap();
    }

    async fn a_patch_is_held_to_the_same_rules(database: TestDatabase) {
        let registry = database.registry().await;
        let none = ExtensionPatch::default;
        for (field, patch) in [
            ("subject", ExtensionPatch { subject: Some("a.*".into()), ..none() }),
            ("timeout_ms", ExtensionPatch { timeout_ms: Some(0), ..none() }),
            ("retry", ExtensionPatch { retry: Some(99), ..none() }),
            ("config", ExtensionPatch { config: Some("[]".into()), ..none() }),
            ("metadata", ExtensionPatch { metadata: Some("{]".into()), ..none() }),
        ] {
            let error = registry
                .update_extension("pii_guard", 0, &patch, &ChangeContext::default())
                .await
                .unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some(field), "{error}");
        }
    }

    async fn the_type_is_one_of_four_without_the_triggers_too(database: TestDatabase) {
        database.migrate().await;
        database.execute("ALTER TABLE extensions DISABLE TRIGGER extensions_check").await;
        for name in ["pre", "validator", "post", "provider"] {
            database.execute(&format!("INSERT INTO extensions (id, type, subject) VALUES ('{name}', '{name}', 'of.{name}')")).await;
        }
        for name in ["other", "", "pre ", "apre", "pre\n", "PRE"] {
            let statement = format!("INSERT INTO extensions (id, type, subject) VALUES ('a', '{name}', 's')");
            let error = execute(&database.superuser(), &statement).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().constraint(), Some("extensions_type_check"), "{name:?}");
        }
    }

    async fn past_the_core_the_database_refuses_by_the_same_names(database: TestDatabase) {
        database.migrate().await;
        for (constraint, statement) in [
            ("extensions_id_fixed", "UPDATE public.extensions SET id = 'other' WHERE id = 'pii_guard'"),
            ("extensions_type_fixed", "UPDATE public.extensions SET type = 'pre' WHERE id = 'pii_guard'"),
            ("extensions_type_check", "INSERT INTO public.extensions (id, type, subject) VALUES ('a', 'other', 's')"),
            ("extensions_id_shape", "INSERT INTO public.extensions (id, type, subject) VALUES ('a b', 'pre', 's')"),
            ("extensions_subject_shape", "UPDATE public.extensions SET subject = 'a.>' WHERE id = 'pii_guard'"),
            ("extensions_timeout_range", "UPDATE public.extensions SET timeout_ms = 0"),
            ("extensions_retry_range", "UPDATE public.extensions SET retry = -1"),
            ("extensions_enabled_present", "UPDATE public.extensions SET enabled = NULL"),
            ("extensions_config_object", "UPDATE public.extensions SET config = NULL"),
            ("extensions_metadata_object", "UPDATE public.extensions SET metadata = '[]'"),
            ("extensions_config_depth", DEEP_CONFIG),
            ("extensions_created_at_range", "UPDATE public.extensions SET created_at = 'infinity'"),
            ("extensions_created_at_range", "UPDATE public.extensions SET created_at = '0044-03-15 BC'"),
            ("extensions_updated_at_range", "INSERT INTO public.extensions (id, type, subject, updated_at) VALUES ('a', 'pre', 's', '-infinity')"),
        ] {
            let error = execute(&database.console(), statement).await.unwrap_err();
            let error = error.as_database_error().unwrap();
            assert_eq!(error.constraint(), Some(constraint), "{statement}: {error}");
        }
    }

    async fn a_row_outside_the_rules_comes_back_as_it_was(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("ALTER TABLE extensions DISABLE TRIGGER extensions_check;
                INSERT INTO extensions (id, type, subject, timeout_ms, retry, config)
                VALUES ('odd one', 'pre', 'old.*', -5, 99, NULL), ('literal', 'pre', 'literal', 0, 0, 'null');
                ALTER TABLE extensions ENABLE ALWAYS TRIGGER extensions_check")
            .await;
        let row = "SELECT (to_jsonb(extensions) - 'revision' - 'updated_at')::text FROM extensions WHERE id = 'odd one'";
        let before = database.value(row).await;
        database.execute("DELETE FROM extensions WHERE id = 'odd one'").await;
        let undo = UndoTarget::Revision(3);
        registry.undo(&undo, &ChangeContext::default()).await.unwrap();
        assert_eq!(database.value(row).await, before);
        database.execute("UPDATE extensions SET subject = 'new', timeout_ms = 5, config = '{}' WHERE id = 'odd one'").await;
        let restore = RestoreRequest { id: "odd one".into(), revision: 1, ..RestoreRequest::default() };
        registry.restore_extension(&restore, &ChangeContext::default()).await.unwrap();
        assert_eq!(database.value(row).await, before);
        // Only what was: the way back is no way round the rules.
        for statement in [
            "UPDATE extensions SET retry = 98 WHERE id = 'odd one'",
            "UPDATE extensions SET timeout_ms = -5 WHERE id = 'pii_guard'",
            "INSERT INTO extensions (id, type, subject, timeout_ms, retry, config) VALUES ('odd two', 'pre', 'old.>', -5, 99, NULL)",
        ] {
            let claimed = format!("SET registry.restored_revision = 1; {statement}");
            let error = execute(&database.console(), &claimed).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "23514", "{statement}");
        }
        let seen = registry.get_extension("literal").await.unwrap().revision;
        let patch = ExtensionPatch { retry: Some(2), ..ExtensionPatch::default() };
        registry.update_extension("literal", seen, &patch, &ChangeContext::default()).await.unwrap();
        assert_eq!(database.value("SELECT config::text FROM extensions WHERE id = 'literal'").await, "null", "untouched");
    }

    async fn a_row_outside_the_rules_can_be_read_switched_and_repaired(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("ALTER TABLE extensions DISABLE TRIGGER extensions_check;
                INSERT INTO extensions (id, type, subject, timeout_ms, retry, config)
                VALUES ('odd one', 'pre', 'old.*', -5, 99, NULL);
                ALTER TABLE extensions ENABLE ALWAYS TRIGGER extensions_check")
            .await;
        let odd = registry.get_extension_detail("odd one").await.unwrap();
        assert_eq!((odd.extension.timeout_ms, odd.config), (-5, None));
        let switched = registry
            .set_extension_enabled("odd one", false, &ChangeContext::default())
            .await
            .unwrap();
        assert!(!switched.enabled);
        let repair = ExtensionPatch { timeout_ms: Some(50), config: Some("{}".into()), ..ExtensionPatch::default() };
        let repaired = registry
            .update_extension("odd one", switched.revision, &repair, &ChangeContext::default())
            .await
            .unwrap();
        assert_eq!((repaired.extension.timeout_ms, repaired.extension.retry), (50, 99));
        assert_eq!(repaired.config.as_deref(), Some("{}"));
    }
}
