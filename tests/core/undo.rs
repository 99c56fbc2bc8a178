//! Taking changes back: one, or all of a group; refused whole where a row has moved on.

use registry::audit::{AuditAction, AuditFilter};
use registry::confirmation::Confirmation;
use registry::extension_changes::{ExtensionPatch, SeenExtension};
use registry::undo::UndoTarget;
use registry::{ChangeContext, Error, ErrorCode, Registry};
use system_tests::database::TestDatabase as Database;
use system_tests::on_each_server;
use system_tests::reading::{filter_entries, history, list_entries};

use crate::changes::draft;

const NO_CONTEXT: ChangeContext = ChangeContext {
    reason: None,
    request_id: None,
    acting_for: None,
    confirmation: Confirmation::NotNeeded,
    is_reason_required: false,
    is_merge_refused: false,
};

/// The rows but for what every change moves on.
async fn rows(database: &Database) -> String {
    database
        .value(
            "SELECT jsonb_agg(to_jsonb(extensions) - 'revision' - 'updated_at' ORDER BY id)::text FROM extensions",
        )
        .await
}

async fn newest_group(registry: &Registry) -> String {
    let entry = list_entries(registry).await.unwrap().remove(0);
    entry.group_id.expect("the newest change is a group")
}

async fn seen(registry: &Registry, ids: &[&str]) -> Vec<SeenExtension> {
    let mut seen = Vec::new();
    for id in ids {
        let extension = registry.get_extension(id).await.unwrap();
        seen.push(SeenExtension {
            id: extension.id,
            revision: extension.revision,
        });
    }
    seen
}

on_each_server! {
    async fn a_subject_goes_back_to_the_one_that_had_it(database: TestDatabase) {
        let registry = database.registry().await;
        let before = rows(&database).await;
        let group_id = "00000000-0000-0000-0000-000000000005";
        database
            .execute(&format!(
                "BEGIN; SET LOCAL registry.group_id = '{group_id}';
                 UPDATE extensions SET subject = 'free' WHERE id = 'mock_provider';
                 INSERT INTO extensions (id, type, subject) VALUES ('a_new', 'pre', 'beamline.provider.mock.v1'), ('z_new', 'pre', 'z');
                 COMMIT"
            ))
            .await;
        registry.undo(&UndoTarget::Group(group_id.into()), &NO_CONTEXT).await.unwrap();
        assert_eq!(rows(&database).await, before);
    }

    async fn a_bulk_switch_is_listed_and_undone_as_one(database: TestDatabase) {
        let registry = database.registry().await;
        let before = rows(&database).await;
        let ids = ["pii_guard", "openai_gpt4", "mock_provider"].map(str::to_owned);
        registry.set_extensions_enabled(&ids, false, &NO_CONTEXT).await.unwrap();
        let group_id = newest_group(&registry).await;
        let filter = AuditFilter { group_id: Some(group_id.clone()), ..AuditFilter::default() };
        assert_eq!(filter_entries(&registry, filter).await.unwrap().len(), 3);

        let undone = registry.undo(&UndoTarget::Group(group_id.clone()), &NO_CONTEXT).await.unwrap();
        assert_eq!(undone, ["mock_provider", "openai_gpt4", "pii_guard"]);
        assert_eq!(rows(&database).await, before);
        let entries = list_entries(&registry).await.unwrap();
        assert_eq!(entries.len(), 6, "as new changes");
        for entry in &entries[..3] {
            assert_eq!(entry.undone_group_id.as_ref(), Some(&group_id));
            assert!(entry.group_id.is_some() && entry.group_id.as_ref() != Some(&group_id));
        }
        let again = newest_group(&registry).await;
        registry.undo(&UndoTarget::Group(again), &NO_CONTEXT).await.unwrap();
        assert!(!registry.get_extension("pii_guard").await.unwrap().enabled, "an undo is undone like any change");
        assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
    }

    async fn a_group_with_a_row_that_moved_on_is_refused_whole(database: TestDatabase) {
        let registry = database.registry().await;
        let ids = ["pii_guard", "openai_gpt4", "mock_provider"].map(str::to_owned);
        registry.set_extensions_enabled(&ids, false, &NO_CONTEXT).await.unwrap();
        let group_id = newest_group(&registry).await;
        database.execute("UPDATE extensions SET retry = 7 WHERE id = 'openai_gpt4'").await;
        let before = rows(&database).await;
        let error = registry.undo(&UndoTarget::Group(group_id), &NO_CONTEXT).await.unwrap_err();
        let Error::MovedOn { extension_ids } = &error else { panic!("{error}") };
        assert_eq!(extension_ids, &["openai_gpt4"]);
        assert_eq!(rows(&database).await, before, "not a part of it was undone");
        assert_eq!(list_entries(&registry).await.unwrap().len(), 4);
    }

    async fn a_bulk_deletion_comes_back_and_a_creation_goes(database: TestDatabase) {
        let registry = database.registry().await;
        let before = rows(&database).await;
        let gone = seen(&registry, &["pii_guard", "mock_provider"]).await;
        registry.delete_extensions(&gone, &NO_CONTEXT).await.unwrap();
        let group_id = newest_group(&registry).await;
        registry.undo(&UndoTarget::Group(group_id.clone()), &NO_CONTEXT).await.unwrap();
        assert_eq!(rows(&database).await, before);
        let error = registry.undo(&UndoTarget::Group(group_id), &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::MovedOn, "it is undone already");

        let created = registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        registry.undo(&UndoTarget::Revision(created.extension.revision), &NO_CONTEXT).await.unwrap();
        assert_eq!(registry.get_extension("x").await.unwrap_err().code(), ErrorCode::ExtensionNotFound);
        let entries = history(&registry, "x").await;
        assert_eq!(entries[0].action, AuditAction::Deleted);
        assert_eq!(entries[0].undone_revision, Some(created.extension.revision));
    }

    async fn a_deletion_is_not_undone_over_one_that_was_made_anew(database: TestDatabase) {
        let registry = database.registry().await;
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        registry.delete_extension("x", 1, &NO_CONTEXT).await.unwrap();
        registry.create_extension(&draft("x"), &NO_CONTEXT).await.unwrap();
        let error = registry.undo(&UndoTarget::Revision(2), &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::MovedOn);
    }

    async fn several_are_deleted_together_or_not_at_all(database: TestDatabase) {
        let registry = database.registry().await;
        let mut gone = seen(&registry, &["pii_guard", "mock_provider"]).await;
        database.execute("UPDATE extensions SET retry = 7 WHERE id = 'mock_provider'").await;
        let error = registry.delete_extensions(&gone, &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::RevisionConflict);
        gone[1] = SeenExtension { id: "missing".into(), revision: 0 };
        let error = registry.delete_extensions(&gone, &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ExtensionNotFound);
        assert_eq!(database.value("SELECT count(*) FROM extensions").await, "6");
    }

    async fn a_change_is_undone_by_its_revision(database: TestDatabase) {
        let registry = database.registry().await;
        let before = rows(&database).await;
        let patch = ExtensionPatch { retry: Some(8), config: Some("{}".into()), ..ExtensionPatch::default() };
        registry.update_extension("pii_guard", 0, &patch, &NO_CONTEXT).await.unwrap();
        registry.undo(&UndoTarget::Revision(1), &NO_CONTEXT).await.unwrap();
        assert_eq!(rows(&database).await, before);
    }

    async fn an_operator_undoes_a_switch_and_no_edit(database: TestDatabase) {
        database.migrate().await;
        let registry = database.registry_as_member_of("registry_operator").await;
        registry.set_extension_enabled("pii_guard", false, &NO_CONTEXT).await.unwrap();
        registry.undo(&UndoTarget::Revision(1), &NO_CONTEXT).await.unwrap();
        assert!(registry.get_extension("pii_guard").await.unwrap().enabled);
        database.execute("UPDATE extensions SET retry = 7 WHERE id = 'mock_provider'").await;
        let error = registry.undo(&UndoTarget::Revision(3), &NO_CONTEXT).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Forbidden);
        assert!(error.action().contains("registry_editor"));
    }

    async fn what_never_happened_is_not_undone(database: TestDatabase) {
        let registry = database.registry().await;
        for target in [
            UndoTarget::Revision(0),
            UndoTarget::Revision(99),
            UndoTarget::Group("00000000-0000-0000-0000-000000000000".into()),
            UndoTarget::Group("'; DROP TABLE extensions".into()),
        ] {
            let error = registry.undo(&target, &NO_CONTEXT).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::ChangeNotFound, "{target:?}");
        }
    }
}
