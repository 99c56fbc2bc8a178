//! Who may do what: every role with every operation, at the core's level and past it by SQL.

use registry::access::{Permissions, Role};
use registry::audit::{ActorSource, AuditAction, AuditFilter};
use registry::extension_changes::{ExtensionPatch, RestoreRequest, SeenExtension};
use registry::extensions::{ExtensionFilter, ExtensionType};
use registry::schemas::SchemaScope;
use registry::time_travel::Moment;
use registry::undo::UndoTarget;
use registry::{ChangeContext, Error, ErrorCode, ErrorFacts, ExportFormat, Registry, Result};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use system_tests::database::{TestDatabase as Database, execute};
use system_tests::on_each_server;
use system_tests::reading::{list_entries, list_extensions};

use crate::changes::draft;

/// A role, or a login without any; in the order of what they may.
const ROLES: [&str; 6] = [
    "none",
    "registry_auditor",
    "registry_viewer",
    "registry_operator",
    "registry_legacy_writer",
    "registry_editor",
];

async fn login(database: &Database, role: &str) -> PgConnectOptions {
    if role != "none" {
        return database.login_of_member(role).await;
    }
    let login = database.value("SELECT current_database()").await + "_none";
    database
        .execute(&format!("CREATE ROLE {login} LOGIN PASSWORD 'test'"))
        .await;
    database.superuser().username(&login).password("test")
}

/// The statements, and who may run them. Each is run and rolled back.
const STATEMENTS: [(&str, &[&str]); 55] = [
    ("SELECT * FROM public.extensions", VIEW),
    ("SELECT * FROM public.extension_health", VIEW),
    ("SELECT * FROM public.extension_audit_log", READ_AUDIT),
    ("SELECT * FROM public.registry_head", READ_AUDIT),
    ("SELECT * FROM public.registry_audit_counts", READ_AUDIT),
    ("DELETE FROM public.registry_audit_counts", NOBODY),
    ("TRUNCATE public.registry_audit_counts", NOBODY),
    ("SELECT * FROM public.configuration_schemas", VIEW),
    ("SELECT * FROM public.secret_names", VIEW),
    ("SELECT public.registry_shown_row('pii_guard')", VIEW),
    ("SELECT * FROM public.registry_fingerprint_key", NOBODY),
    (
        "UPDATE public.extensions SET enabled = false WHERE id = 'pii_guard'",
        SWITCH,
    ),
    (
        "UPDATE public.extensions SET retry = 5 WHERE id = 'pii_guard'",
        EDIT,
    ),
    (
        "UPDATE public.extensions SET enabled = false, retry = 5",
        EDIT,
    ),
    (
        "INSERT INTO public.extensions (id, type, subject) VALUES ('a', 'pre', 's')",
        EDIT,
    ),
    (
        "INSERT INTO public.extensions (id, type, subject) VALUES ('pii_guard', 'validator', 's') ON CONFLICT (id) DO UPDATE SET retry = 4",
        EDIT,
    ),
    (
        "MERGE INTO public.extensions USING (VALUES ('pii_guard')) AS source (id) ON extensions.id = source.id WHEN MATCHED THEN UPDATE SET enabled = false",
        SWITCH,
    ),
    ("DELETE FROM public.extensions WHERE id = 'pii_guard'", EDIT),
    ("TRUNCATE public.extensions CASCADE", NOBODY),
    ("TRUNCATE public.extension_audit_log", NOBODY),
    ("TRUNCATE public.registry_head", NOBODY),
    (
        "INSERT INTO public.extension_audit_log (extension_id, action) VALUES ('pii_guard', 'updated')",
        LEGACY,
    ),
    (
        "UPDATE public.extension_audit_log SET changed_by = 'another'",
        NOBODY,
    ),
    ("DELETE FROM public.extension_audit_log", NOBODY),
    ("UPDATE public.registry_head SET revision = 0", NOBODY),
    ("DELETE FROM public.registry_head", NOBODY),
    ("SELECT public.registry_seal_entries(0)", NOBODY),
    (
        "SELECT public.registry_write_sealed(NULL::public.extension_audit_log, 0)",
        NOBODY,
    ),
    (
        "SELECT public.registry_switch('pii_guard', false, NULL, NULL, NULL, NULL, gen_random_uuid())",
        SWITCH,
    ),
    (
        "SELECT public.registry_switch('pii_guard', false, NULL, NULL, NULL, NULL, gen_random_uuid(), NULL)",
        SWITCH,
    ),
    // Whom a token stands for is the server's to look up, who works as another role then.
    (
        "SELECT public.registry_switch('pii_guard', false, NULL, NULL, NULL, NULL, gen_random_uuid(), gen_random_uuid())",
        NOBODY,
    ),
    (
        "INSERT INTO public.extension_health (extension_id, success_count) VALUES ('pii_guard', 1)",
        LEGACY,
    ),
    ("DELETE FROM public.extension_health", NOBODY),
    (
        "INSERT INTO public.configuration_schemas (extension_id, schema) VALUES ('a', '{}')",
        SCHEMAS,
    ),
    (
        "UPDATE public.configuration_schemas SET schema = '{}'",
        SCHEMAS,
    ),
    ("DELETE FROM public.configuration_schemas", SCHEMAS),
    (
        "INSERT INTO public.secret_names (name) VALUES ('a')",
        SCHEMAS,
    ),
    ("UPDATE public.secret_names SET is_builtin = false", NOBODY),
    ("DELETE FROM public.secret_names WHERE name = 'a'", NOBODY),
    ("SELECT * FROM public.secret_marks", NOBODY),
    ("SELECT * FROM public.settings_audit_log", READ_AUDIT),
    ("DELETE FROM public.settings_audit_log", NOBODY),
    ("SELECT * FROM public.registry_tokens", NOBODY),
    (
        "INSERT INTO public.registry_tokens (hash, owner, role) VALUES (sha256('a'), 'anna', 'registry_editor')",
        NOBODY,
    ),
    (
        "UPDATE public.registry_tokens SET last_used_at = clock_timestamp()",
        NOBODY,
    ),
    ("DELETE FROM public.registry_tokens", NOBODY),
    ("TRUNCATE public.registry_tokens", NOBODY),
    (
        "ALTER TABLE public.extensions DISABLE TRIGGER extensions_audit",
        NOBODY,
    ),
    (
        "ALTER TABLE public.extension_audit_log DISABLE TRIGGER extension_audit_log_keep",
        NOBODY,
    ),
    ("DROP TRIGGER extensions_audit ON public.extensions", NOBODY),
    (
        "CREATE TRIGGER swallow BEFORE INSERT ON public.extension_audit_log FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        NOBODY,
    ),
    ("SET session_replication_role = replica", NOBODY),
    ("SET ROLE registry_owner", NOBODY),
    (
        "CREATE OR REPLACE FUNCTION public.registry_audit_extension() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        NOBODY,
    ),
    ("DROP TABLE public.extension_audit_log", NOBODY),
];

const NOBODY: &[&str] = &[];
const VIEW: &[&str] = &[
    "registry_viewer",
    "registry_operator",
    "registry_legacy_writer",
    "registry_editor",
];
const READ_AUDIT: &[&str] = &[
    "registry_auditor",
    "registry_viewer",
    "registry_operator",
    "registry_legacy_writer",
    "registry_editor",
];
const SWITCH: &[&str] = &[
    "registry_operator",
    "registry_legacy_writer",
    "registry_editor",
];
const EDIT: &[&str] = &["registry_legacy_writer", "registry_editor"];
const LEGACY: &[&str] = &["registry_legacy_writer"];
const SCHEMAS: &[&str] = &["registry_editor"];

#[allow(clippy::too_many_lines, reason = "it is a list of all operations")]
/// Runs every operation of the core and tells which were refused, with the role that they name.
async fn refusals(registry: &Registry) -> Vec<(&'static str, Option<Role>)> {
    let context = ChangeContext::default();
    let patch = ExtensionPatch {
        retry: Some(3),
        ..ExtensionPatch::default()
    };
    let seen = |id: &str| SeenExtension {
        id: id.into(),
        revision: 0,
    };
    let scope = SchemaScope::Type(ExtensionType::Pre);
    let restore = RestoreRequest {
        id: "mock_provider".into(),
        revision: 1,
        ..RestoreRequest::default()
    };
    let disabled = AuditFilter {
        actions: vec![AuditAction::Disabled],
        ..AuditFilter::default()
    };
    let mut outcomes: Vec<(&'static str, Result<()>)> = vec![
        ("list", list_extensions(registry).await.map(drop)),
        (
            "count",
            registry
                .count_extensions(&ExtensionFilter::default())
                .await
                .map(drop),
        ),
        ("get", registry.get_extension("pii_guard").await.map(drop)),
        (
            "detail",
            registry.get_extension_detail("pii_guard").await.map(drop),
        ),
        ("health", registry.get_health("pii_guard").await.map(drop)),
        ("health list", registry.list_health().await.map(drop)),
        (
            "as of",
            registry.registry_as_of(Moment::Revision(0)).await.map(drop),
        ),
        (
            "one as of",
            registry
                .compare_extension("pii_guard", Moment::Revision(0), Moment::Now)
                .await
                .map(drop),
        ),
        (
            "schemas",
            registry.list_configuration_schemas().await.map(drop),
        ),
        ("secret names", registry.list_secret_names().await.map(drop)),
        ("audit", list_entries(registry).await.map(drop)),
        (
            "group",
            registry
                .audit_group("00000000-0000-0000-0000-000000000000")
                .await
                .map(drop),
        ),
        ("actors", registry.list_audit_actors().await.map(drop)),
        (
            "activity",
            registry
                .audit_activity(&disabled, 10, "UTC")
                .await
                .map(drop),
        ),
        ("verify", registry.verify_audit_log().await.map(drop)),
        (
            "export",
            registry
                .export_audit_log(&AuditFilter::default(), ExportFormat::Csv, &mut Vec::new())
                .await
                .map(drop),
        ),
        (
            "switch",
            registry
                .set_extension_enabled("pii_guard", false, &context)
                .await
                .map(drop),
        ),
        (
            "switch many",
            registry
                .set_extensions_enabled(&["openai_gpt4".into()], false, &context)
                .await,
        ),
        (
            "create",
            registry
                .create_extension(&draft("x"), &context)
                .await
                .map(drop),
        ),
        (
            "update",
            registry
                .update_extension("normalize_text", 0, &patch, &context)
                .await
                .map(drop),
        ),
        (
            "delete",
            registry
                .delete_extension("anthropic_claude", 0, &context)
                .await,
        ),
        (
            "delete many",
            registry
                .delete_extensions(&[seen("mask_sensitive_data")], &context)
                .await,
        ),
        (
            "restore",
            registry
                .restore_extension(&restore, &context)
                .await
                .map(drop),
        ),
        (
            "undo a creation",
            registry
                .undo(&UndoTarget::Revision(2), &context)
                .await
                .map(drop),
        ),
        (
            "set schema",
            registry.set_configuration_schema(&scope, "{}").await,
        ),
        (
            "delete schema",
            registry.delete_configuration_schema(&scope).await.map(drop),
        ),
        ("add secret name", registry.add_secret_name("pin").await),
    ];
    outcomes.retain(|(_, outcome)| outcome.is_err());
    outcomes
        .into_iter()
        .map(|(operation, outcome)| {
            let error = outcome.unwrap_err();
            let required_role = match &error {
                Error::Forbidden { required_role, .. } => {
                    assert!(error.action().contains(required_role.name()), "{operation}");
                    let facts = error.report().facts;
                    assert_eq!(
                        facts.as_deref(),
                        Some(&ErrorFacts::RequiredRole(*required_role))
                    );
                    Some(*required_role)
                }
                other => panic!("{operation}: {other} {:?}", other.detail()),
            };
            (operation, required_role)
        })
        .collect()
}

const VIEWING: [&str; 10] = [
    "list",
    "count",
    "get",
    "detail",
    "health",
    "health list",
    "as of",
    "one as of",
    "schemas",
    "secret names",
];
const AUDITING: [&str; 6] = ["audit", "group", "actors", "activity", "verify", "export"];
const SWITCHING: [&str; 2] = ["switch", "switch many"];
const EDITING: [&str; 9] = [
    "create",
    "update",
    "delete",
    "delete many",
    "restore",
    "undo a creation",
    "set schema",
    "delete schema",
    "add secret name",
];

on_each_server! {
    async fn every_role_may_run_its_statements_and_no_other(database: TestDatabase) {
        database.migrate().await;
        for role in ROLES {
            let options = login(&database, role).await;
            let mut connection = options.connect().await.unwrap();
            for (statement, allowed) in STATEMENTS {
                let outcome = sqlx::raw_sql(sqlx::AssertSqlSafe(format!("BEGIN; {statement}; SET CONSTRAINTS ALL IMMEDIATE")))
                    .execute(&mut connection)
                    .await;
                sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.unwrap();
                match outcome {
                    Ok(_) => assert!(allowed.contains(&role), "{role} may not: {statement}"),
                    Err(error) => {
                        assert!(!allowed.contains(&role), "{role} may: {statement}: {error}");
                        let code = error.as_database_error().unwrap().code().unwrap().into_owned();
                        assert_eq!(code, "42501", "{role}: {statement}: {error}");
                    }
                }
            }
            connection.close().await.unwrap();
        }
    }

    async fn every_role_may_do_its_operations_and_is_told_who_may_the_others(database: TestDatabase) {
        database.migrate().await;
        for (role, refused) in [
            ("none", [&VIEWING[..], &AUDITING, &SWITCHING, &EDITING].concat()),
            ("registry_auditor", [&VIEWING[..], &SWITCHING, &EDITING].concat()),
            ("registry_viewer", [&SWITCHING[..], &EDITING].concat()),
            ("registry_operator", EDITING.to_vec()),
            ("registry_editor", Vec::new()),
        ] {
            // Each role finds the same: a switched extension (#1) to restore, a new one (#2) to undo.
            let scratch = Database::create(database.server()).await;
            scratch.migrate().await;
            scratch.execute("UPDATE extensions SET enabled = false WHERE id = 'mock_provider'").await;
            scratch.execute("INSERT INTO extensions (id, type, subject) VALUES ('undone', 'pre', 'undone')").await;
            let registry = Registry::connect(login(&scratch, role).await).await.unwrap();
            let refusals = refusals(&registry).await;
            let operations: Vec<_> = refusals.iter().map(|(operation, _)| *operation).collect();
            assert_eq!(operations, refused, "{role}");
            for (operation, required_role) in refusals {
                let expected = if VIEWING.contains(&operation) {
                    Role::RegistryViewer
                } else if AUDITING.contains(&operation) {
                    Role::RegistryAuditor
                } else if SWITCHING.contains(&operation) {
                    Role::RegistryOperator
                } else {
                    Role::RegistryEditor
                };
                assert_eq!(required_role, Some(expected), "{role}: {operation}");
            }
        }
    }

    async fn permissions_tell_what_the_database_allows(database: TestDatabase) {
        database.migrate().await;
        for (role, may) in [
            ("none", [false, false, false, false, false, false]),
            ("registry_auditor", [false, false, false, true, false, false]),
            ("registry_viewer", [true, false, false, true, false, false]),
            ("registry_operator", [true, true, false, true, false, true]),
            ("registry_legacy_writer", [true, true, true, true, false, false]),
            ("registry_editor", [true, true, true, true, true, true]),
        ] {
            let options = login(&database, role).await;
            let registry = Registry::connect(options.clone()).await.unwrap();
            let [can_view, can_switch, can_edit, can_audit, can_edit_schemas, can_test] = may;
            let expected = Permissions {
                login: options.get_username().to_owned(),
                can_view,
                can_switch,
                can_edit,
                can_audit,
                can_edit_schemas,
                can_test,
                works_as: None,
            };
            assert_eq!(registry.permissions().await.unwrap(), expected, "{role}");
        }
    }

    async fn a_claimed_actor_is_believed_from_the_rest_server_alone(database: TestDatabase) {
        database.migrate().await;
        let context = ChangeContext { acting_for: Some("anna".into()), ..ChangeContext::default() };
        let editor = database.registry_as_member_of("registry_editor").await;
        editor.set_extension_enabled("pii_guard", false, &context).await.unwrap();
        let superuser = Registry::connect(database.superuser()).await.unwrap();
        superuser.set_extension_enabled("pii_guard", true, &context).await.unwrap();
        execute(
            &database.console(),
            "SET registry.actor = 'anna'; SET ROLE registry_editor; UPDATE public.extensions SET retry = 4 WHERE id = 'pii_guard'",
        )
        .await
        .unwrap();
        let options = database.login_of_member("registry_rest_server").await;
        database.execute(&format!("GRANT registry_editor TO {}", options.get_username())).await;
        let server = Registry::connect(options.clone()).await.unwrap();
        server.set_extension_enabled("pii_guard", false, &context).await.unwrap();
        server.set_extension_enabled("pii_guard", true, &ChangeContext::default()).await.unwrap();

        let entries = list_entries(&superuser).await.unwrap();
        let actors: Vec<_> = entries.iter().map(|entry| (entry.actor_source, entry.changed_by.as_deref())).collect();
        assert_eq!(actors[0], (ActorSource::Login, Some(options.get_username())), "it names nobody");
        assert_eq!(actors[1], (ActorSource::Claimed, Some("anna")));
        assert_eq!(entries[1].login.as_deref(), Some(options.get_username()));
        for (actor_source, actor) in &actors[2..] {
            assert_eq!(*actor_source, ActorSource::Login);
            assert_ne!(*actor, Some("anna"));
        }
        assert_eq!(entries.len(), 5);
    }

    async fn a_login_of_any_spelling_is_itself_and_no_other(database: TestDatabase) {
        database.migrate().await;
        let server = database.login_of_member("registry_rest_server").await;
        let name = server.get_username().to_owned();
        let registry = Registry::connect(database.superuser()).await.unwrap();
        // Read as an identifier, the first would be the REST server's login.
        for login in [name.to_uppercase(), format!("{name}.x@example.org"), format!("{name} \"quoted\"")] {
            let quoted = login.replace('"', "\"\"");
            database
                .execute(&format!("CREATE ROLE \"{quoted}\" LOGIN PASSWORD 'test' IN ROLE registry_editor"))
                .await;
            let options = database.superuser().username(&login).password("test");
            execute(&options, "SET registry.actor = 'anna'; UPDATE public.extensions SET retry = (retry + 1) % 5 WHERE id = 'pii_guard'")
                .await
                .unwrap();
            let entry = list_entries(&registry).await.unwrap().remove(0);
            assert_eq!((entry.actor_source, entry.changed_by), (ActorSource::Login, Some(login)));
        }
    }

    async fn rights_that_others_were_given_before_do_not_get_past_the_audit(database: TestDatabase) {
        database.execute(crate::migrations::TABLES_BY_HAND).await;
        let name = database.value("SELECT current_database()").await;
        let old = format!("{name}_old");
        database
            .execute(&format!(
                "CREATE ROLE {old} LOGIN PASSWORD 'test';
                 GRANT ALL ON extensions, extension_audit_log, extension_health TO {old}, PUBLIC"
            ))
            .await;
        database.migrate().await;
        let options = database.superuser().username(&old).password("test");
        for statement in [
            "CREATE TRIGGER swallow BEFORE INSERT ON public.extension_audit_log FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "TRUNCATE public.extensions CASCADE",
            "UPDATE public.extension_audit_log SET changed_by = 'x'",
            "DELETE FROM public.extension_audit_log",
        ] {
            let error = execute(&options, statement).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
        }
    }

    async fn a_swallowed_entry_takes_the_change_with_it(database: TestDatabase) {
        let registry = database.registry().await;
        // As only an owner of the tables can.
        database
            .execute("CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
                CREATE TRIGGER swallow BEFORE INSERT ON extension_audit_log FOR EACH ROW EXECUTE FUNCTION swallow()")
            .await;
        let context = ChangeContext::default();
        let ids = ["pii_guard".to_owned()];
        let errors = [
            registry.set_extension_enabled("pii_guard", false, &context).await.unwrap_err(),
            registry.set_extensions_enabled(&ids, false, &context).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.code(), ErrorCode::Internal);
        }
        assert!(registry.get_extension("pii_guard").await.unwrap().enabled);
    }
}
