//! Listing, reading and switching extensions.

use registry::audit::AuditAction;
use registry::{ChangeContext, ErrorCode};
use system_tests::on_each_server;
use system_tests::reading::list_extensions;

on_each_server! {
    async fn a_switched_extension_comes_back_as_it_is_now(database: TestDatabase) {
        let registry = database.registry().await;
        let before = registry.get_extension("pii_guard").await.unwrap();
        assert!(before.enabled && before.last_change.is_none());

        let after = registry
            .set_extension_enabled("pii_guard", false, &ChangeContext::default())
            .await
            .unwrap();
        assert!(!after.enabled);
        assert!(after.updated_at > before.updated_at);
        assert_eq!(after.created_at, before.created_at);
        let change = after.last_change.clone().unwrap();
        assert_eq!(change.action, AuditAction::Disabled);
        assert_eq!(change.changed_by.as_deref(), Some(database.login()));
        assert_eq!(registry.get_extension("pii_guard").await.unwrap(), after);
        let listed = list_extensions(&registry).await.unwrap();
        assert_eq!(listed.iter().find(|extension| extension.id == "pii_guard"), Some(&after));
    }

    async fn switching_to_the_same_state_changes_nothing(database: TestDatabase) {
        let registry = database.registry().await;
        let before = registry.get_extension("pii_guard").await.unwrap();
        let after = registry
            .set_extension_enabled("pii_guard", true, &ChangeContext::default())
            .await
            .unwrap();
        assert_eq!(after, before);
        assert_eq!(database.value("SELECT count(*) FROM extension_audit_log").await, "0");
    }

    async fn switching_what_does_not_exist_says_so(database: TestDatabase) {
        let registry = database.registry().await;
        let error = registry
            .set_extension_enabled("missing", true, &ChangeContext::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::ExtensionNotFound);
        assert!(error.to_string().contains("missing"));
        let error = registry.get_extension("missing").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ExtensionNotFound);
    }

    async fn a_reason_that_is_too_long_is_refused_before_anything_changes(database: TestDatabase) {
        let registry = database.registry().await;
        let context = ChangeContext::with_reason(Some("x".repeat(501)));
        let error =
            registry.set_extension_enabled("pii_guard", false, &context).await.unwrap_err();
        assert_eq!(error.report().field.as_deref(), Some("reason"));
        assert!(registry.get_extension("pii_guard").await.unwrap().enabled);
    }

    async fn hostile_text_is_only_text(database: TestDatabase) {
        let registry = database.registry().await;
        let hostile = "'; DROP TABLE extensions; -- <script>\u{202e}🦀";
        let context = ChangeContext::with_reason(Some(hostile.into()));
        registry.set_extension_enabled("pii_guard", false, &context).await.unwrap();
        let reason = database.value("SELECT reason FROM extension_audit_log").await;
        assert_eq!(reason, hostile);
        let error = registry
            .set_extension_enabled(hostile, false, &ChangeContext::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::ExtensionNotFound);
    }

    async fn a_closed_registry_says_that_the_database_does_not_answer(database: TestDatabase) {
        let registry = database.registry().await;
        registry.ping().await.unwrap();
        registry.close().await;
        let error = list_extensions(&registry).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
        assert_eq!(registry.ping().await.unwrap_err().code(), ErrorCode::DatabaseUnavailable);
    }
}
