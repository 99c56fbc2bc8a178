//! The messages that extensions are tried with, who may change them, and which checks are due for whom.

use registry::extensions::ExtensionType;
use registry::schemas::SchemaScope;
use registry::{ErrorCode, Registry};
use sqlx::{ConnectOptions, Connection};
use system_tests::database::execute;
use system_tests::on_each_server;

fn own(id: &str) -> SchemaScope {
    SchemaScope::Extension(id.into())
}

async fn claimed(registry: &Registry, at_most: i32) -> Vec<String> {
    let mut ids: Vec<String> = registry
        .claim_test_checks(at_most)
        .await
        .unwrap()
        .into_iter()
        .map(|call| call.extension_id)
        .collect();
    ids.sort();
    ids
}

on_each_server! {
    async fn every_type_has_a_message_and_an_extension_may_have_its_own(database: TestDatabase) {
        let registry = database.registry().await;
        for id in ["normalize_text", "pii_guard", "mask_sensitive_data", "openai_gpt4"] {
            let message = registry.test_message(id).await.unwrap();
            assert!(message.payload().contains("\"test\": true"), "{id}: {message:?}");
            assert_eq!((message.own_payload, message.check_every_seconds), (None, None));
        }
        let kept = r#"{ "rate":1.00, "big": 12345678901234567890 }"#;
        registry.set_test_payload(&own("pii_guard"), Some(kept)).await.unwrap();
        let message = registry.test_message("pii_guard").await.unwrap();
        assert_eq!(message.payload(), kept, "every digit and space of it");
        registry.set_test_payload(&SchemaScope::Type(ExtensionType::Validator), Some("[1]")).await.unwrap();
        registry.set_test_payload(&own("pii_guard"), None).await.unwrap();
        assert_eq!(registry.test_message("pii_guard").await.unwrap().payload(), "[1]");
        let error = registry.test_message("nobody").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ExtensionNotFound);
    }

    async fn a_schedule_and_a_message_come_and_go_without_each_other(database: TestDatabase) {
        let registry = database.registry().await;
        let state = async || {
            let message = registry.test_message("pii_guard").await.unwrap();
            (message.own_payload, message.check_every_seconds)
        };
        let rows = "SELECT count(*) FROM health_test_messages WHERE extension_id IS NOT NULL";
        registry.set_test_schedule("pii_guard", Some(60)).await.unwrap();
        registry.set_test_payload(&own("pii_guard"), Some("{}")).await.unwrap();
        assert_eq!(state().await, (Some("{}".into()), Some(60)));
        registry.set_test_payload(&own("pii_guard"), None).await.unwrap();
        assert_eq!(state().await, (None, Some(60)));
        registry.set_test_payload(&own("pii_guard"), Some("{}")).await.unwrap();
        registry.set_test_schedule("pii_guard", None).await.unwrap();
        assert_eq!(state().await, (Some("{}".into()), None));
        assert!(!registry.has_test_schedule().await.unwrap());
        registry.set_test_payload(&own("pii_guard"), None).await.unwrap();
        assert_eq!((state().await, database.value(rows).await), ((None, None), "0".into()));
        registry.set_test_schedule("pii_guard", None).await.unwrap();
    }

    async fn what_makes_no_sense_is_refused_by_name(database: TestDatabase) {
        let registry = database.registry().await;
        let long = format!("\"{}\"", "x".repeat(65_536));
        for payload in ["", "{", "{} {}", long.as_str()] {
            let error = registry.set_test_payload(&own("pii_guard"), Some(payload)).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some("payload"), "{}", &payload[..payload.len().min(9)]);
        }
        let error = registry.set_test_payload(&SchemaScope::Type(ExtensionType::Pre), None).await.unwrap_err();
        assert_eq!(error.report().field.as_deref(), Some("payload"), "a type always has one");
        for seconds in [0, 29, 86_401] {
            let error = registry.set_test_schedule("pii_guard", Some(seconds)).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some("check_every_seconds"), "{seconds}");
        }
        // By whoever goes round this program too.
        for statement in [
            "INSERT INTO health_test_messages (extension_id, payload) VALUES ('pii_guard', '{')",
            "INSERT INTO health_test_messages (extension_id) VALUES ('pii_guard')",
            "INSERT INTO health_test_messages (extension_id, payload) VALUES ('pii_guard', to_json(repeat('x', 65536)))",
            "UPDATE health_test_messages SET check_every_seconds = 60",
            "UPDATE health_test_messages SET payload = NULL",
        ] {
            assert!(execute(&database.console(), statement).await.is_err(), "{statement}");
        }
    }

    async fn each_change_is_kept_with_who_made_it_and_a_check_is_none(database: TestDatabase) {
        let registry = database.registry().await;
        registry.set_test_schedule("pii_guard", Some(60)).await.unwrap();
        let stamp = "SELECT changed_by || ' ' || changed_at FROM health_test_messages WHERE extension_id = 'pii_guard'";
        let before = database.value(stamp).await;
        assert!(before.starts_with(database.login()), "{before}");
        assert_eq!(claimed(&registry, 9).await, ["pii_guard"]);
        assert!(registry.test_message("pii_guard").await.unwrap().last_check_at.is_some());
        assert_eq!(database.value(stamp).await, before);
        registry.set_test_payload(&own("pii_guard"), Some("{}")).await.unwrap();
        registry.set_test_payload(&own("pii_guard"), Some("{}")).await.unwrap();
        registry.set_test_payload(&SchemaScope::Type(ExtensionType::Pre), Some("1")).await.unwrap();
        execute(&database.console(), "DELETE FROM health_test_messages WHERE extension_id IS NOT NULL").await.unwrap();
        let entries = "SELECT string_agg(name || ' ' || coalesce(before ->> 'payload', '-') || ' ' || coalesce(after ->> 'payload', '-'), ', ' ORDER BY id)
                       FROM settings_audit_log WHERE setting = 'test_message' AND name <> 'type:pre'";
        assert_eq!(
            database.value(entries).await,
            "extension:pii_guard - -, extension:pii_guard - {}, extension:pii_guard {} -"
        );
        let of_type = "SELECT after ->> 'payload' FROM settings_audit_log WHERE name = 'type:pre' AND setting = 'test_message'";
        assert_eq!(database.value(of_type).await, "1");
        // Not even a session that switches triggers off for itself.
        database.execute("SET session_replication_role = replica; UPDATE health_test_messages SET payload = '2' WHERE extension_type = 'pre'").await;
        let count = "SELECT count(*) FROM settings_audit_log WHERE name = 'type:pre' AND setting = 'test_message'";
        assert_eq!(database.value(count).await, "2");
    }

    async fn who_may_change_and_who_may_check(database: TestDatabase) {
        database.migrate().await;
        for (role, may_read, may_check, may_set) in [
            ("registry_auditor", false, false, false),
            ("registry_router", false, false, false),
            ("registry_legacy_writer", false, false, false),
            ("registry_viewer", true, false, false),
            ("registry_operator", true, true, false),
            ("registry_editor", true, true, true),
        ] {
            let login = database.login_of_member(role).await;
            let outcome = async |statement: &str| execute(&login, statement).await.is_ok();
            assert_eq!(outcome("SELECT * FROM health_test_messages").await, may_read, "{role}");
            assert_eq!(outcome("SELECT * FROM registry_claim_test_checks(1)").await, may_check, "{role}");
            for statement in [
                "UPDATE health_test_messages SET payload = '{}' WHERE extension_type = 'pre'",
                "INSERT INTO health_test_messages (extension_id, check_every_seconds) VALUES ('pii_guard', 60)",
                "DELETE FROM health_test_messages WHERE extension_id = 'pii_guard'",
            ] {
                assert_eq!(outcome(statement).await, may_set, "{role}: {statement}");
            }
            for statement in [
                "UPDATE health_test_messages SET last_check_at = now()",
                "UPDATE health_test_messages SET changed_by = 'another'",
                "TRUNCATE health_test_messages",
            ] {
                assert!(!outcome(statement).await, "{role}: {statement}");
            }
            if may_read {
                let permissions = Registry::connect(login.clone()).await.unwrap().permissions().await.unwrap();
                assert_eq!(permissions.can_test, may_check, "{role}");
            }
        }
    }

    async fn a_check_is_due_when_its_time_is_over_and_while_the_extension_is_on(database: TestDatabase) {
        let registry = database.registry().await;
        registry.set_test_schedule("pii_guard", Some(30)).await.unwrap();
        registry.set_test_schedule("normalize_text", Some(60)).await.unwrap();
        database.execute("UPDATE extensions SET enabled = false WHERE id = 'normalize_text'").await;
        let call = registry.claim_test_checks(9).await.unwrap().remove(0);
        let extension = registry.get_extension("pii_guard").await.unwrap();
        assert_eq!((call.subject, call.timeout_ms, call.retry), (extension.subject, extension.timeout_ms, extension.retry));
        assert_eq!(call.payload, registry.test_message("pii_guard").await.unwrap().payload());
        assert!(claimed(&registry, 9).await.is_empty(), "it was just checked, and the other is off");
        let later = "UPDATE health_test_messages SET last_check_at = last_check_at - interval '29 seconds'";
        database.execute(later).await;
        assert!(claimed(&registry, 9).await.is_empty());
        database.execute("UPDATE health_test_messages SET last_check_at = last_check_at - interval '2 seconds'").await;
        database.execute("UPDATE extensions SET enabled = true WHERE id = 'normalize_text'").await;
        assert_eq!(claimed(&registry, 9).await, ["normalize_text", "pii_guard"]);
        // One that may still be waiting for its answer is not asked again.
        database.execute("UPDATE extensions SET timeout_ms = 40000, retry = 1 WHERE id = 'pii_guard'").await;
        database.execute("UPDATE health_test_messages SET last_check_at = last_check_at - interval '61 seconds'").await;
        assert_eq!(claimed(&registry, 9).await, ["normalize_text"]);
        // As many as are asked for, and the one that waits for the longest first.
        database.execute("UPDATE health_test_messages SET last_check_at = last_check_at - interval '1 hour'").await;
        assert_eq!(claimed(&registry, 1).await, ["pii_guard"]);
        database.execute("DELETE FROM extensions WHERE id = 'normalize_text'").await;
        assert!(claimed(&registry, 9).await.is_empty(), "there is no such extension");
    }

    async fn what_one_is_taking_on_another_leaves_alone_without_waiting(database: TestDatabase) {
        let registry = database.registry().await;
        for id in ["pii_guard", "openai_gpt4", "normalize_text"] {
            registry.set_test_schedule(id, Some(60)).await.unwrap();
        }
        let mut slow = database.console().connect().await.unwrap();
        let mut transaction = slow.begin().await.unwrap();
        let taken: Vec<String> = sqlx::query_scalar("SELECT extension_id FROM registry_claim_test_checks(2)")
            .fetch_all(&mut *transaction).await.unwrap();
        assert_eq!(taken.len(), 2);
        let rest = tokio::time::timeout(std::time::Duration::from_secs(5), claimed(&registry, 9)).await;
        let rest = rest.expect("it doesn't wait for the other");
        assert_eq!(rest.len(), 1);
        assert!(!taken.contains(&rest[0]));
        // One that gives up before it has begun gives its checks back.
        transaction.rollback().await.unwrap();
        assert_eq!(claimed(&registry, 9).await.len(), 2);
        assert!(claimed(&registry, 9).await.is_empty());
    }

    async fn of_many_that_ask_at_once_one_gets_each_check(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute("INSERT INTO extensions (id, type, subject) SELECT 'many_' || n, 'post', 'many.' || n FROM generate_series(1, 40) AS n").await;
        database.execute("INSERT INTO health_test_messages (extension_id, check_every_seconds) SELECT 'many_' || n, 60 FROM generate_series(1, 40) AS n").await;
        let mut claimers = Vec::new();
        for _ in 0..4 {
            let registry = Registry::connect(database.console()).await.unwrap();
            claimers.push(tokio::spawn(async move {
                let mut ids = Vec::new();
                for _ in 0..20 {
                    ids.extend(claimed(&registry, 3).await);
                }
                ids
            }));
        }
        let mut all = Vec::new();
        for claimer in claimers {
            all.extend(claimer.await.unwrap());
        }
        all.sort();
        assert_eq!(all.len(), 40, "{all:?}");
        all.dedup();
        assert_eq!(all.len(), 40, "none twice");
        assert!(claimed(&registry, 9).await.is_empty());
    }
}
