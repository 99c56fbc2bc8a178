//! What each role may do, at the core's level and past it.

use registry::audit::AuditListRequest;
use registry::{ChangeContext, ErrorCode, Registry};
use system_tests::database::execute;
use system_tests::on_each_server;

async fn can_read(registry: &Registry) -> bool {
    let request = AuditListRequest {
        before_revision: None,
        extension_id: None,
        limit: 1,
    };
    registry.list_extensions().await.is_ok()
        && registry.list_health().await.is_ok()
        && registry.list_audit_entries(&request).await.is_ok()
}

on_each_server! {
    async fn a_viewer_reads_and_is_refused_the_switch(database: TestDatabase) {
        database.migrate().await;
        let registry = database.registry_as_member_of("registry_viewer").await;
        assert!(can_read(&registry).await);
        let error = registry
            .set_extension_enabled("pii_guard", false, &ChangeContext::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::Forbidden);
        assert_eq!(database.value("SELECT enabled FROM extensions WHERE id = 'pii_guard'").await, "t");
    }

    async fn an_operator_switches_and_changes_nothing_else(database: TestDatabase) {
        database.migrate().await;
        let registry = database.registry_as_member_of("registry_operator").await;
        assert!(can_read(&registry).await);
        let extension = registry
            .set_extension_enabled("pii_guard", false, &ChangeContext::default())
            .await
            .unwrap();
        assert!(!extension.enabled);
        let options = database.superuser().username(&format!(
            "{}_registry_operator",
            database.value("SELECT current_database()").await
        ));
        for statement in [
            "UPDATE public.extensions SET retry = 9 WHERE id = 'pii_guard'",
            "DELETE FROM public.extensions WHERE id = 'pii_guard'",
            "INSERT INTO public.extensions (id, type, subject) VALUES ('x', 'pre', 'x')",
        ] {
            let error = execute(&options.clone().password("test"), statement).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
        }
    }

    async fn nobody_who_logs_in_writes_the_log_or_turns_its_triggers_off(database: TestDatabase) {
        let registry = database.registry().await;
        registry
            .set_extension_enabled("pii_guard", false, &ChangeContext::default())
            .await
            .unwrap();
        for statement in [
            "INSERT INTO public.extension_audit_log (extension_id, action) VALUES ('pii_guard', 'updated')",
            "UPDATE public.extension_audit_log SET changed_by = 'another'",
            "DELETE FROM public.extension_audit_log",
            "TRUNCATE public.extension_audit_log",
            "TRUNCATE public.extensions CASCADE",
            "ALTER TABLE public.extensions DISABLE TRIGGER extensions_audit",
            "DROP TRIGGER extensions_audit ON public.extensions",
            "SET session_replication_role = replica",
            "CREATE OR REPLACE FUNCTION public.registry_audit_extension() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "SET ROLE registry_owner",
        ] {
            let error = execute(&database.console(), statement).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
        }
    }

    async fn an_actor_that_a_client_claims_is_not_believed(database: TestDatabase) {
        let registry = database.registry().await;
        execute(
            &database.console(),
            "SET registry.actor = 'somebody else'; SET application_name = 'odd';
             UPDATE public.extensions SET enabled = false WHERE id = 'pii_guard'",
        )
        .await
        .unwrap();
        let page = registry
            .list_audit_entries(&AuditListRequest { before_revision: None, extension_id: None, limit: 1 })
            .await
            .unwrap();
        assert_eq!(page.entries[0].changed_by.as_deref(), Some(database.login()));
        assert_eq!(page.entries[0].application_name.as_deref(), Some("odd"));
    }
}
