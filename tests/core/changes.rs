//! Creating, changing, deleting, switching many, restoring: merged where people changed different
//! things, refused where they changed the same, done once whatever happens to the answer.

use std::ops::ControlFlow;

use registry::audit::AuditAction;
use registry::confirmation::Confirmation;
use registry::differences::FieldChange;
use registry::extension_changes::{
    BulkProgress, ExtensionDraft, ExtensionPatch, RestoreRequest, RevisionConflict, SeenExtension,
};
use registry::extensions::ExtensionType;
use registry::undo::UndoTarget;
use registry::{ChangeContext, Error, ErrorCode, Registry};
use sqlx::types::Uuid;
use sqlx::{ConnectOptions, Connection};
use system_tests::on_each_server;
use system_tests::reading::history;

pub(crate) fn draft(id: &str) -> ExtensionDraft {
    ExtensionDraft {
        id: id.into(),
        extension_type: ExtensionType::Pre,
        subject: format!("test.{id}"),
        timeout_ms: 100,
        retry: 1,
        enabled: true,
        config: r#"{"model": "a", "limits": {"rate": 1.00, "burst": 5}, "tags": [1, 2]}"#.into(),
        metadata: "{}".into(),
    }
}

async fn read_seen(registry: &Registry, ids: &[String]) -> Vec<SeenExtension> {
    let rows = registry.read_changed_extensions(ids).await.unwrap();
    rows.into_iter()
        .map(|row| SeenExtension {
            id: row.extension.id,
            revision: row.extension.revision,
        })
        .collect()
}

fn config(text: &str) -> ExtensionPatch {
    ExtensionPatch {
        config: Some(text.into()),
        ..ExtensionPatch::default()
    }
}

fn retry(retry: i32) -> ExtensionPatch {
    ExtensionPatch {
        retry: Some(retry),
        ..ExtensionPatch::default()
    }
}

fn version(id: &str, revision: i64) -> RestoreRequest {
    RestoreRequest {
        id: id.into(),
        revision,
        ..RestoreRequest::default()
    }
}

fn conflict_of(error: Error) -> RevisionConflict {
    match error {
        Error::RevisionConflict { conflict } => *conflict,
        other => panic!("{other}"),
    }
}

pub(crate) const NO_CONTEXT: ChangeContext = ChangeContext {
    reason: None,
    request_id: None,
    acting_for: None,
    confirmation: Confirmation::NotNeeded,
    is_reason_required: false,
    is_merge_refused: false,
};

on_each_server! {
    async fn what_was_created_is_read_back_and_told(database: TestDatabase) {
        let registry = database.registry().await;
        let context = ChangeContext::with_reason(Some("new router".into()));
        let created = registry.create_extension(&draft("x"), &context).await.unwrap();
        assert_eq!(created.extension.revision, 1);
        assert_eq!(created.extension.extension_type, ExtensionType::Pre);
        assert!(created.config.as_ref().unwrap().contains("1.00"), "numbers keep their spelling");
        let entries = history(&registry, "x").await;
        assert_eq!(entries[0].action, AuditAction::Created);
        assert_eq!(entries[0].reason.as_deref(), Some("new router"));
        assert!(entries[0].changes.iter().all(|change| change.before.is_none()));
    }

    async fn a_taken_id_and_a_taken_subject_are_told_apart(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        let error = registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::IdTaken);
        let mut other = draft("y");
        other.subject = "test.x".into();
        let error = registry.create_extension(&other, &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SubjectTaken);
        assert_eq!(error.report().field.as_deref(), Some("subject"));
        let error = registry
            .update_extension(
                "pii_guard",
                0,
                &ExtensionPatch { subject: Some("test.x".into()), ..ExtensionPatch::default() },
                &NO_CONTEXT,
            )
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::SubjectTaken);
    }

    async fn a_patch_changes_the_fields_that_it_names(database: TestDatabase) {
        let registry = database.registry().await;
        let before = registry.get_extension_detail("pii_guard").await.unwrap();
        let after = registry.update_extension("pii_guard", 0, &retry(3), &NO_CONTEXT).await.unwrap();
        assert_eq!(after.extension.retry, 3);
        assert_eq!(after.config, before.config);
        assert_eq!(after.extension.subject, before.extension.subject);
        let entries = history(&registry, "pii_guard").await;
        assert_eq!((entries.len(), entries[0].changes.len()), (1, 1));
    }

    async fn saving_what_is_there_changes_nothing(database: TestDatabase) {
        let registry = database.registry().await;
        let created = registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        let same = ExtensionPatch {
            subject: Some("test.x".into()),
            timeout_ms: Some(100),
            retry: Some(1),
            enabled: Some(true),
            config: created.config.clone(),
            metadata: created.metadata.clone(),
        };
        let after = registry.update_extension("x", 1, &same, &NO_CONTEXT).await.unwrap();
        assert_eq!(after, created);
        assert_eq!(history(&registry, "x").await.len(), 1);
    }

    async fn different_fields_merge(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        registry.update_extension("x", 1, &retry(5), &NO_CONTEXT).await.unwrap();
        let late = ExtensionPatch { timeout_ms: Some(900), ..ExtensionPatch::default() };
        let merged = registry.update_extension("x", 1, &late, &NO_CONTEXT).await.unwrap();
        assert_eq!((merged.extension.retry, merged.extension.timeout_ms), (5, 900));
    }

    async fn different_keys_of_the_configuration_merge_at_any_depth(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        let theirs = config(r#"{"model": "a", "limits": {"rate": 2.50, "burst": 5}, "new": null}"#);
        registry.update_extension("x", 1, &theirs, &NO_CONTEXT).await.unwrap();
        let yours = config(r#"{"model": "b", "limits": {"rate": 1.00}, "tags": [1, 2]}"#);
        let merged = registry.update_extension("x", 1, &yours, &NO_CONTEXT).await.unwrap();
        assert_eq!(
            merged.config.as_deref(),
            Some(r#"{"new": null, "model": "b", "limits": {"rate": 2.50}}"#),
            "their rate, their new null and their removed tags; your model and your removed burst"
        );
    }

    async fn the_same_field_conflicts_and_nothing_is_lost(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        registry.update_extension("x", 1, &retry(5), &NO_CONTEXT).await.unwrap();
        let yours = ExtensionPatch { retry: Some(7), timeout_ms: Some(9), ..ExtensionPatch::default() };
        let error = registry.update_extension("x", 1, &yours, &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::RevisionConflict);
        let conflict = conflict_of(error);
        assert_eq!(conflict.paths, ["/retry"]);
        assert_eq!(conflict.current.extension.revision, 2);
        let shown = |changes: &[FieldChange]| {
            changes.iter().map(|change| (change.path.clone(), change.after.clone().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(shown(&conflict.theirs), [("/retry".to_owned(), "5".to_owned())]);
        assert_eq!(
            shown(&conflict.yours),
            [("/retry".to_owned(), "7".to_owned()), ("/timeout_ms".to_owned(), "9".to_owned())]
        );
        let kept = registry.get_extension("x").await.unwrap();
        assert_eq!((kept.retry, kept.timeout_ms), (5, 100), "not a part of it was written");
        let saved = registry.update_extension("x", 2, &yours, &NO_CONTEXT).await.unwrap();
        assert_eq!((saved.extension.retry, saved.extension.timeout_ms), (7, 9));
    }

    async fn the_same_key_conflicts_by_its_path(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        let theirs = config(r#"{"model": "a", "limits": {"rate": 2, "burst": 5}, "tags": [1]}"#);
        registry.update_extension("x", 1, &theirs, &NO_CONTEXT).await.unwrap();
        let yours = config(r#"{"model": "a", "limits": {"rate": 3, "burst": 5}, "tags": [2]}"#);
        let error = registry.update_extension("x", 1, &yours, &NO_CONTEXT).await.unwrap_err();
        assert_eq!(conflict_of(error).paths, ["/config/limits/rate", "/config/tags"]);
    }

    async fn the_same_edit_by_two_is_no_conflict(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        registry.update_extension("x", 1, &retry(5), &NO_CONTEXT).await.unwrap();
        registry.update_extension("x", 1, &retry(5), &NO_CONTEXT).await.unwrap();
        assert_eq!(history(&registry, "x").await.len(), 2);
    }

    async fn a_revision_that_never_was_is_refused(database: TestDatabase) {
        let registry = database.registry().await;
        let error =
            registry.update_extension("pii_guard", 41, &retry(5), &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.report().field.as_deref(), Some("revision"));
    }

    async fn a_deletion_of_what_changed_meanwhile_is_refused(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        registry.update_extension("x", 1, &retry(5), &NO_CONTEXT).await.unwrap();
        let error = registry.delete_extension("x", 1, &NO_CONTEXT).await.unwrap_err();
        let conflict = conflict_of(error);
        assert_eq!((conflict.paths.len(), conflict.theirs.len()), (1, 1));
        registry.delete_extension("x", 2, &NO_CONTEXT).await.unwrap();
        let error = registry.delete_extension("x", 3, &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ExtensionNotFound);
    }

    async fn a_deleted_extension_comes_back_byte_for_byte(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        registry.update_extension("x", 1, &retry(5), &NO_CONTEXT).await.unwrap();
        let row = "SELECT (to_jsonb(extensions) - 'revision')::text FROM extensions WHERE id = 'x'";
        let before = database.value(row).await;
        registry.delete_extension("x", 2, &NO_CONTEXT).await.unwrap();

        let restored = registry.restore_extension(&version("x", 2), &NO_CONTEXT).await.unwrap();
        assert_eq!(database.value(row).await, before);
        assert_eq!(restored.extension.revision, 4, "as a new change");
        let entries = history(&registry, "x").await;
        assert_eq!(entries[0].restored_revision, Some(2));
        assert_eq!(entries.len(), 4, "the history stays whole");
        assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
    }

    async fn an_earlier_version_is_put_back_as_a_new_change(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        registry.update_extension("x", 1, &config(r#"{"model": "z"}"#), &NO_CONTEXT).await.unwrap();
        let restored = registry.restore_extension(&version("x", 1), &NO_CONTEXT).await.unwrap();
        assert!(restored.config.unwrap().contains(r#""rate": 1.00"#));
        assert_eq!(restored.extension.revision, 3);
        for (id, revision) in [("x", 99), ("pii_guard", 1)] {
            let error = registry.restore_extension(&version(id, revision), &NO_CONTEXT).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some("revision"), "{id} {revision}");
        }
    }

    async fn a_restore_waits_for_a_change_and_keeps_it(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        let mut other = database.console().connect().await.unwrap();
        sqlx::raw_sql("BEGIN; UPDATE extensions SET retry = 9 WHERE id = 'x'").execute(&mut other).await.unwrap();
        let restoring = tokio::spawn(async move {
            let request = RestoreRequest { fields: Some(vec!["timeout_ms".into()]), ..version("x", 1) };
            registry.restore_extension(&request, &NO_CONTEXT).await.unwrap()
        });
        while database.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) OR NOT granted AND locktype = 'transactionid'").await == "0" {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
        assert_eq!(restoring.await.unwrap().extension.retry, 9);
        other.close().await.unwrap();
    }

    async fn a_version_whose_subject_another_has_now_is_not_put_back(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        let moved = ExtensionPatch { subject: Some("test.moved".into()), ..ExtensionPatch::default() };
        registry.update_extension("x", 1, &moved, &NO_CONTEXT).await.unwrap();
        let mut other = draft("y");
        other.subject = "test.x".into();
        registry.create_extension(&other, &NO_CONTEXT).await.unwrap();
        let error = registry.restore_extension(&version("x", 1), &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SubjectTaken);
        assert!(error.to_string().contains("test.x"), "{error}");
        registry.delete_extension("x", 2, &NO_CONTEXT).await.unwrap();
        let error = registry.restore_extension(&version("x", 1), &NO_CONTEXT).await.unwrap_err();
        assert!(error.to_string().contains("test.x"), "{error}");
    }

    async fn many_are_switched_together_or_not_at_all(database: TestDatabase) {
        let registry = database.registry().await;
        let ids = ["pii_guard".to_owned(), "missing".to_owned()];
        let error = registry.set_extensions_enabled(&ids, false, &NO_CONTEXT).await.unwrap_err();
        assert!(error.to_string().contains("missing"));
        assert!(registry.get_extension("pii_guard").await.unwrap().enabled);

        let ids = ["pii_guard", "openai_gpt4", "mock_provider"].map(str::to_owned);
        registry.set_extensions_enabled(&ids, false, &NO_CONTEXT).await.unwrap();
        let groups = database
            .value("SELECT count(*) || ' ' || count(DISTINCT group_id) FROM extension_audit_log")
            .await;
        assert_eq!(groups, "3 1", "an entry each, one group");
    }

    async fn a_single_change_has_no_group(database: TestDatabase) {
        let registry = database.registry().await;
        let ids = ["pii_guard".to_owned()];
        registry.set_extensions_enabled(&ids, false, &NO_CONTEXT).await.unwrap();
        registry.set_extension_enabled("pii_guard", true, &NO_CONTEXT).await.unwrap();
        let entries = history(&registry, "pii_guard").await;
        assert_eq!(entries[0].group_id, None);
    }

    async fn a_request_that_is_repeated_is_done_once(database: TestDatabase) {
        let registry = database.registry().await;
        let context = ChangeContext { request_id: Some(Uuid::from_u128(7)), ..NO_CONTEXT };
        registry.create_extension(&draft("x"), &context).await.unwrap();
        let again = registry.create_extension(&draft("x"), &context).await.unwrap();
        assert_eq!(again.extension.revision, 1, "the first answer was lost, not the change");

        let context = ChangeContext { request_id: Some(Uuid::from_u128(8)), ..NO_CONTEXT };
        let attempts: Vec<_> = (0..4)
            .map(|_| {
                let (registry, context) = (registry.clone(), context.clone());
                tokio::spawn(async move {
                    registry.update_extension("x", 1, &retry(5), &context).await.unwrap()
                })
            })
            .collect();
        for attempt in attempts {
            assert_eq!(attempt.await.unwrap().extension.revision, 2);
        }
        assert_eq!(history(&registry, "x").await.len(), 2);
    }

    async fn a_request_id_is_not_taken_for_another_change(database: TestDatabase) {
        let registry = database.registry().await;
        let context = ChangeContext { request_id: Some(Uuid::from_u128(11)), ..NO_CONTEXT };
        registry.create_extension(&draft("x"), &context).await.unwrap();
        let refused = [
            registry.create_extension(&draft("y"), &context).await.map(drop),
            registry.update_extension("x", 1, &retry(4), &context).await.map(drop),
            registry.set_extension_enabled("x", false, &context).await.map(drop),
            registry.delete_extension("x", 1, &context).await,
            registry.restore_extension(&version("x", 1), &context).await.map(drop),
            registry.undo(&UndoTarget::Revision(1), &context).await.map(drop),
        ];
        for (number, outcome) in refused.into_iter().enumerate() {
            let error = outcome.expect_err(&number.to_string());
            let field = error.report().field;
            assert_eq!((error.code(), field.as_deref()), (ErrorCode::InvalidInput, Some("request_id")), "{number}");
        }
        assert_eq!(history(&registry, "x").await.len(), 1);
    }

    async fn an_edit_is_not_merged_into_another_extension_of_the_same_id(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        registry.delete_extension("x", 1, &NO_CONTEXT).await.unwrap();
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        let error = registry.update_extension("x", 1, &retry(4), &NO_CONTEXT).await.unwrap_err();
        assert_eq!(conflict_of(error).paths, ["/retry"]);
        assert_eq!(registry.get_extension("x").await.unwrap().revision, 3);
    }

    async fn for_whom_a_change_is_made_is_a_name(database: TestDatabase) {
        let registry = database.registry().await;
        for name in ["", "a\0", &"a".repeat(256)] {
            let context = ChangeContext { acting_for: Some(name.into()), ..NO_CONTEXT };
            let error = registry.set_extension_enabled("pii_guard", false, &context).await.unwrap_err();
            let field = error.report().field;
            assert_eq!((error.code(), field.as_deref()), (ErrorCode::InvalidInput, Some("acting_for")));
        }
    }

    async fn who_lost_the_answer_learns_what_the_request_did(database: TestDatabase) {
        let registry = database.registry().await;
        let request_id = Uuid::from_u128(9);
        let context = ChangeContext { request_id: Some(request_id), ..NO_CONTEXT };
        assert_eq!(registry.changes_of_request(request_id).await.unwrap(), []);

        // The connection breaks after the change and before its commit: it didn't happen.
        let lost = registry.clone();
        database
            .execute("CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
                CREATE CONSTRAINT TRIGGER break_off AFTER UPDATE ON extensions DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION break_off();
                ALTER FUNCTION break_off() SECURITY DEFINER")
            .await;
        let error = lost.set_extension_enabled("pii_guard", false, &context).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
        assert_eq!(registry.changes_of_request(request_id).await.unwrap(), []);
        database.execute("DROP FUNCTION break_off CASCADE").await;

        let ids = ["pii_guard", "mock_provider"].map(str::to_owned);
        registry.set_extensions_enabled(&ids, false, &context).await.unwrap();
        let done = registry.changes_of_request(request_id).await.unwrap();
        let told: Vec<_> = done.iter().map(|entry| (entry.revision, entry.extension_id.as_str())).collect();
        assert_eq!(told.len(), 2);
        registry.set_extension_enabled("pii_guard", true, &NO_CONTEXT).await.unwrap();
        registry.set_extensions_enabled(&ids, false, &context).await.unwrap();
        assert!(registry.get_extension("pii_guard").await.unwrap().enabled, "the name is used up");
    }

    async fn a_history_is_of_one_extension(database: TestDatabase) {
        let registry = database.registry().await;
        registry.set_extension_enabled("pii_guard", false, &NO_CONTEXT).await.unwrap();
        registry.set_extension_enabled("mock_provider", false, &NO_CONTEXT).await.unwrap();
        let entries = history(&registry, "mock_provider").await;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].extension_id, "mock_provider");
    }

    async fn a_change_of_many_tells_how_far_it_is_and_leaves_nothing_when_it_is_broken_off(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject, enabled)
                SELECT 'many_' || number, 'pre', 'many.' || number, true FROM generate_series(1, 1200) AS number")
            .await;
        let revision = registry.traffic_effects(&[]).await.unwrap().revision;
        let ids: Vec<String> = (1..=1200).map(|number| format!("many_{number}")).collect();
        let context = ChangeContext { request_id: Some(Uuid::from_u128(31)), ..ChangeContext::default() };
        let mut told = Vec::new();
        let break_off = |progress: BulkProgress| {
            told.push((progress.done_count, progress.total));
            if progress.done_count >= 1000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        assert!(!registry.set_extensions_enabled_telling(&ids, false, &context, break_off).await.unwrap());
        assert_eq!(told, [(500, 1200), (1000, 1200)]);
        let seen = read_seen(&registry, &ids).await;
        assert!(!registry.delete_extensions_telling(&seen, &context, |_| ControlFlow::Break(())).await.unwrap());
        assert_eq!(registry.traffic_effects(&[]).await.unwrap().revision, revision, "nothing has changed");

        // The name of what was broken off is free; done to the end it is one group.
        let mut last = None;
        let go_on = |progress: BulkProgress| {
            last = Some(progress);
            ControlFlow::Continue(())
        };
        assert!(registry.set_extensions_enabled_telling(&ids, false, &context, go_on).await.unwrap());
        assert_eq!(last, Some(BulkProgress { done_count: 1200, total: 1200 }));
        let groups: i64 = sqlx::query_scalar(
            "SELECT count(DISTINCT group_id) FROM extension_audit_log WHERE revision > $1 HAVING count(*) = 1200")
            .bind(revision)
            .fetch_one(&mut database.superuser().connect().await.unwrap())
            .await
            .unwrap();
        assert_eq!(groups, 1);
        let seen = read_seen(&registry, &ids).await;
        assert!(registry.delete_extensions_telling(&seen, &NO_CONTEXT, |_| ControlFlow::Continue(())).await.unwrap());
        assert_eq!(registry.read_changed_extensions(&ids).await.unwrap(), []);
    }
}
