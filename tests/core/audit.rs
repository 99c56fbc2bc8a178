//! No change without an entry, no entry without a change; and the log as it is read.

use registry::audit::{ActorSource, AuditAction, AuditEntry, AuditListRequest};
use registry::{ChangeContext, ErrorCode, Registry};
use system_tests::database::execute;
use system_tests::on_each_server;

async fn entries(registry: &Registry) -> Vec<AuditEntry> {
    let request = AuditListRequest {
        before_revision: None,
        extension_id: None,
        limit: 500,
    };
    registry.list_audit_entries(&request).await.unwrap().entries
}

on_each_server! {
    async fn a_switch_leaves_one_entry_that_tells_all(database: TestDatabase) {
        let registry = database.registry().await;
        let context = ChangeContext::with_reason(Some("too many false alarms".into()));
        registry.set_extension_enabled("pii_guard", false, &context).await.unwrap();

        let entries = entries(&registry).await;
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!((entry.extension_id.as_str(), entry.action), ("pii_guard", AuditAction::Disabled));
        assert_eq!(entry.changed_by.as_deref(), Some(database.login()));
        assert_eq!(entry.actor_source, ActorSource::Login);
        assert_eq!(entry.os_user.as_deref(), Some(registry::os_user().as_str()));
        assert_eq!(entry.application_name.as_deref(), Some("system-tests"));
        assert_eq!(entry.client_address, None, "it came over a unix socket");
        assert_eq!(entry.reason.as_deref(), Some("too many false alarms"));
        let age = chrono::Utc::now() - entry.timestamp.unwrap();
        assert!(age.num_seconds().abs() < 60, "the time is now, not {age} ago");
        assert_eq!(entry.changes.len(), 1, "only what changed: {:?}", entry.changes);
        let change = &entry.changes[0];
        assert_eq!(
            (change.field.as_str(), change.before.as_deref(), change.after.as_deref()),
            ("enabled", Some("true"), Some("false"))
        );
    }

    async fn one_callers_reason_is_not_the_next_ones(database: TestDatabase) {
        let registry = database.registry().await;
        let with_reason = ChangeContext::with_reason(Some("first".into()));
        registry.set_extension_enabled("pii_guard", false, &with_reason).await.unwrap();
        registry.set_extension_enabled("pii_guard", true, &ChangeContext::default()).await.unwrap();
        assert_eq!(entries(&registry).await[0].reason, None);
    }

    async fn every_way_to_change_a_row_leaves_exactly_one_entry_a_row(database: TestDatabase) {
        let registry = database.registry().await;
        for (statement, expected) in [
            ("INSERT INTO extensions (id, type, subject) VALUES ('a', 'pre', 's.a'), ('b', 'pre', 's.b')", 2),
            ("UPDATE extensions SET retry = retry + 1 WHERE id IN ('a', 'b')", 2),
            ("INSERT INTO extensions (id, type, subject) VALUES ('a', 'pre', 's.a') ON CONFLICT (id) DO UPDATE SET timeout_ms = 1", 1),
            ("INSERT INTO extensions (id, type, subject) VALUES ('a', 'pre', 's.a') ON CONFLICT DO NOTHING", 0),
            ("UPDATE extensions SET retry = retry WHERE id = 'a'", 0),
            ("UPDATE extensions SET updated_at = now() WHERE id = 'a'", 0),
            ("UPDATE extensions SET enabled = true", 0),
            ("MERGE INTO extensions USING (VALUES ('a')) AS source (id) ON extensions.id = source.id WHEN MATCHED THEN UPDATE SET retry = 9", 1),
            ("UPDATE extensions SET config = '{\"n\": 1.0}' WHERE id = 'a'", 1),
            ("UPDATE extensions SET config = '{\"n\": 1.00}' WHERE id = 'a'", 1),
            ("SET session_replication_role = replica; UPDATE extensions SET retry = 0 WHERE id = 'a'", 1),
            ("DELETE FROM extensions WHERE id IN ('a', 'b')", 2),
        ] {
            let before = entries(&registry).await.len();
            database.execute(statement).await;
            let after = entries(&registry).await.len();
            assert_eq!(after - before, expected, "{statement}");
        }
    }

    async fn deleting_keeps_the_history_and_adds_to_it(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute("UPDATE extensions SET retry = 5 WHERE id = 'pii_guard'").await;
        database.execute("DELETE FROM extensions WHERE id = 'pii_guard'").await;
        let actions: Vec<_> = entries(&registry)
            .await
            .into_iter()
            .filter(|entry| entry.extension_id == "pii_guard")
            .map(|entry| entry.action)
            .collect();
        assert_eq!(actions, [AuditAction::Deleted, AuditAction::Updated]);
        let kept = database
            .value("SELECT before ->> 'subject' FROM extension_audit_log WHERE action = 'deleted'")
            .await;
        assert_eq!(kept, "beamline.ext.validate.pii_guard.v1");
    }

    async fn a_switch_with_another_change_is_an_update(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute("UPDATE extensions SET enabled = false, retry = 4 WHERE id = 'pii_guard'").await;
        let entry = entries(&registry).await.remove(0);
        assert_eq!(entry.action, AuditAction::Updated);
        let fields: Vec<_> = entry.changes.iter().map(|change| change.field.as_str()).collect();
        assert_eq!(fields, ["enabled", "retry"]);
    }

    async fn a_change_that_cannot_be_audited_does_not_happen(database: TestDatabase) {
        database.migrate().await;
        database
            .execute("ALTER TABLE extension_audit_log ADD CONSTRAINT nothing_gets_in CHECK (false) NOT VALID")
            .await;
        let refused = execute(
            &database.console(),
            "UPDATE public.extensions SET enabled = false WHERE id = 'pii_guard'",
        )
        .await;
        assert!(refused.is_err());
        assert_eq!(database.value("SELECT enabled FROM extensions WHERE id = 'pii_guard'").await, "t");
    }

    async fn truncate_is_refused_to_everyone(database: TestDatabase) {
        database.migrate().await;
        for table in ["extensions CASCADE", "extension_audit_log"] {
            let error = execute(&database.superuser(), &format!("TRUNCATE {table}")).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{table}");
        }
        assert_eq!(database.value("SELECT count(*) FROM extensions").await, "6");
    }

    async fn the_log_reads_the_same_whatever_the_sessions_zone(database: TestDatabase) {
        database.migrate().await;
        database
            .execute("SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; UPDATE extensions SET retry = 5 WHERE id = 'pii_guard'")
            .await;
        let updated_at = database.value("SELECT after ->> 'updated_at' FROM extension_audit_log").await;
        assert!(updated_at.ends_with("+00:00"), "{updated_at}");
    }

    async fn pages_follow_each_other_without_gap_or_repeat(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 's.' || n FROM generate_series(1, 25) AS n")
            .await;
        let mut seen = Vec::new();
        let mut before_revision = None;
        loop {
            let page = registry
                .list_audit_entries(&AuditListRequest { before_revision, extension_id: None, limit: 10 })
                .await
                .unwrap();
            seen.extend(page.entries.iter().map(|entry| entry.revision));
            before_revision = page.next_before_revision;
            if before_revision.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 25);
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once");
    }

    async fn a_full_last_page_says_that_it_is_the_last(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 's.' || n FROM generate_series(1, 10) AS n")
            .await;
        let page =
            registry.list_audit_entries(&AuditListRequest { before_revision: None, extension_id: None, limit: 10 }).await.unwrap();
        assert_eq!((page.entries.len(), page.next_before_revision), (10, None));
    }

    async fn a_limit_out_of_range_names_the_field(database: TestDatabase) {
        let registry = database.registry().await;
        for limit in [0, 501] {
            let error = registry
                .list_audit_entries(&AuditListRequest { before_revision: None, extension_id: None, limit })
                .await
                .unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidInput);
            assert_eq!(error.report().field.as_deref(), Some("limit"));
        }
    }

    async fn entries_that_a_legacy_program_writes_are_shown_as_such(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extension_audit_log (extension_id, action, changed_by, changes) VALUES ('pii_guard', 'updated', 'system', '{\"retry\": 2}')")
            .await;
        let entry = entries(&registry).await.remove(0);
        assert_eq!(entry.actor_source, ActorSource::Legacy);
        assert_eq!(entry.changed_by.as_deref(), Some("system"));
        assert_eq!(entry.changes[0].after.as_deref(), Some("2"));
        assert!(entry.timestamp.is_some());
    }
}
