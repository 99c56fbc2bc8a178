//! Tokens: what is kept of them, who makes them, and what the login may do that believes them.

use chrono::TimeDelta;
use registry::access::Role;
use registry::audit::ActorSource;
use registry::extension_changes::ExtensionPatch;
use registry::tokens::{Authentication, TOKEN_ROLES, TokenDraft};
use registry::{ChangeContext, Error, ErrorCode, Registry};
use secrecy::ExposeSecret;
use sqlx::types::Uuid;
use system_tests::database::{TestDatabase as Database, execute};
use system_tests::on_each_server;
use system_tests::reading::{list_entries, list_extensions};

fn draft(role: Role) -> TokenDraft {
    TokenDraft {
        owner: "anna".into(),
        role,
        purpose: Some("the nightly job".into()),
        lifetime: Some(TimeDelta::days(1)),
    }
}

/// The registry as the owner of the tables.
async fn as_owner(database: &Database) -> Registry {
    database.migrate().await;
    database.registry_as_member_of("registry_owner").await
}

/// Puts a token's whole life into the past, as only a superuser can.
pub(crate) const EXPIRE: &str = "
    ALTER TABLE registry_tokens DISABLE TRIGGER registry_tokens_keep;
    UPDATE registry_tokens SET created_at = created_at - interval '10 years', expires_at = clock_timestamp() - interval '1 second';
    ALTER TABLE registry_tokens ENABLE ALWAYS TRIGGER registry_tokens_keep;";

on_each_server! {
    async fn of_a_token_its_hash_alone_is_kept(database: TestDatabase) {
        let owner = as_owner(&database).await;
        let created = owner.create_token(&draft(Role::RegistryOperator)).await.unwrap();
        let secret = created.secret.expose_secret();
        assert_eq!(secret.len(), "blr_".len() + 64, "256 bits");
        let hash = database.value("SELECT encode(hash, 'hex') FROM registry_tokens").await;
        assert_eq!(hash, database.value(&format!("SELECT encode(sha256('{secret}'), 'hex')")).await);
        let kept = database
            .value("SELECT (SELECT to_jsonb(registry_tokens) FROM registry_tokens)::text || (SELECT jsonb_agg(settings_audit_log) FROM settings_audit_log)::text")
            .await;
        assert!(!kept.contains(secret) && !kept.contains(&secret[4..]), "{kept}");
        assert!(!format!("{created:?}").contains(&secret[4..]), "not even in what is debugged");

        let server = database.registry_as_member_of("registry_rest_server").await;
        let Authentication::Accepted(bearer) = server.authenticate(secret).await.unwrap() else {
            panic!("it is accepted");
        };
        assert_eq!((bearer.owner.as_str(), bearer.role), ("anna", Role::RegistryOperator));
        assert_eq!(bearer.token_id, created.token.token_id);
        let other = owner.create_token(&draft(Role::RegistryOperator)).await.unwrap();
        assert_ne!(other.secret.expose_secret(), secret);
    }

    async fn a_token_that_is_unknown_expired_or_revoked_is_not_accepted(database: TestDatabase) {
        let owner = as_owner(&database).await;
        let server = database.registry_as_member_of("registry_rest_server").await;
        let created = owner.create_token(&draft(Role::RegistryEditor)).await.unwrap();
        let secret = created.secret.expose_secret();
        let mut wrong = secret.to_owned();
        wrong.pop();
        for shown in ["", "blr_", wrong.as_str(), &format!("{wrong}g"), &secret[4..], &secret.to_uppercase(), "' OR true --", "blr_\0"] {
            assert_eq!(server.authenticate(shown).await.unwrap(), Authentication::Unknown, "{shown:?}");
        }
        database.execute(EXPIRE).await;
        assert_eq!(server.authenticate(secret).await.unwrap(), Authentication::Expired);

        let created = owner.create_token(&draft(Role::RegistryEditor)).await.unwrap();
        let revoked = owner.revoke_token(created.token.token_id).await.unwrap();
        assert!(revoked.revoked_at.is_some() && revoked.revoked_by.is_some());
        assert_eq!(server.authenticate(created.secret.expose_secret()).await.unwrap(), Authentication::Revoked);
        let again = owner.revoke_token(created.token.token_id).await.unwrap();
        assert_eq!(again, revoked, "once is enough");
        let unknown = owner.revoke_token(sqlx::types::Uuid::nil()).await.unwrap_err();
        assert_eq!(unknown.report().field.as_deref(), Some("token_id"));
    }

    async fn what_a_token_is_stays_and_what_becomes_of_it_is_logged(database: TestDatabase) {
        let owner = as_owner(&database).await;
        let created = owner.create_token(&draft(Role::RegistryViewer)).await.unwrap();
        owner.revoke_token(created.token.token_id).await.unwrap();
        for change in [
            "owner = 'ben'",
            "role = 'registry_editor'",
            "expires_at = NULL",
            "hash = sha256('a')",
            "created_by = 'ben'",
            "revoked_at = NULL",
            "revoked_at = clock_timestamp()",
        ] {
            let statement = format!("UPDATE registry_tokens SET {change}");
            let error = execute(&database.superuser(), &statement).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{change}");
        }
        database.execute("UPDATE registry_tokens SET last_used_at = clock_timestamp(), revoked_by = 'ben'").await;
        let by = database.value("SELECT revoked_by FROM registry_tokens").await;
        assert_eq!(Some(by), owner.list_tokens().await.unwrap()[0].revoked_by, "who revoked it is no matter of words");
        let log = database
            .rows("SELECT setting, (name = (SELECT token_id::text FROM registry_tokens))::text, before ->> 'revoked_at', after ->> 'owner', (after ->> 'revoked_at' IS NULL)::text
                   FROM settings_audit_log WHERE setting = 'api_token' ORDER BY id")
            .await;
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            log,
            [
                vec![text("api_token"), text("true"), None, text("anna"), text("true")],
                vec![text("api_token"), text("true"), None, text("anna"), text("false")],
            ],
            "a use is no change"
        );
    }

    async fn nobody_but_the_owner_makes_lists_or_revokes_tokens(database: TestDatabase) {
        let owner = as_owner(&database).await;
        let created = owner.create_token(&draft(Role::RegistryViewer)).await.unwrap();
        for role in ["registry_editor", "registry_auditor", "registry_legacy_writer", "registry_rest_server"] {
            let registry = database.registry_as_member_of(role).await;
            let attempts = [
                registry.create_token(&draft(Role::RegistryEditor)).await.map(drop),
                registry.revoke_token(created.token.token_id).await.map(drop),
            ];
            for attempt in attempts {
                assert!(matches!(attempt, Err(Error::OwnerRequired { .. })), "{role}: {attempt:?}");
            }
            let listed = registry.list_tokens().await.map(drop);
            assert_eq!(listed.is_ok(), role == "registry_rest_server", "{role}: it looks them up");
        }
        assert_eq!(database.value("SELECT count(*) FROM registry_tokens WHERE revoked_at IS NULL").await, "1");
    }

    async fn what_is_no_draft_of_a_token_names_its_field(database: TestDatabase) {
        let owner = as_owner(&database).await;
        for (field, draft) in [
            ("owner", TokenDraft { owner: String::new(), ..draft(Role::RegistryViewer) }),
            ("owner", TokenDraft { owner: "a\0".into(), ..draft(Role::RegistryViewer) }),
            ("owner", TokenDraft { owner: "é".repeat(256), ..draft(Role::RegistryViewer) }),
            ("purpose", TokenDraft { purpose: Some("é".repeat(256)), ..draft(Role::RegistryViewer) }),
            ("role", draft(Role::RegistryRouter)),
            ("lifetime", TokenDraft { lifetime: Some(TimeDelta::seconds(-1)), ..draft(Role::RegistryViewer) }),
        ] {
            let error = owner.create_token(&draft).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some(field), "{draft:?}");
        }
    }

    async fn the_servers_login_changes_nothing_by_itself_and_takes_on_the_bearers_role(database: TestDatabase) {
        database.migrate().await;
        let options = database.login_of_member("registry_rest_server").await;
        let login = options.get_username().to_owned();
        for statement in [
            "UPDATE public.extensions SET enabled = false",
            "DELETE FROM public.extensions",
            "SELECT * FROM public.configuration_schemas",
            "SELECT public.registry_shown_row('pii_guard')",
            "INSERT INTO public.registry_tokens (hash, owner, role) VALUES (sha256('a'), 'a', 'registry_editor')",
            "UPDATE public.registry_tokens SET owner = 'a'",
            "DELETE FROM public.registry_tokens",
            "SET ROLE registry_owner",
            "SET ROLE registry_legacy_writer",
        ] {
            let error = execute(&options, statement).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
        }
        let server = Registry::connect(options).await.unwrap();
        assert!(server.server_rights().await.unwrap().are_complete());

        let anna = ChangeContext { acting_for: Some("anna".into()), ..ChangeContext::default() };
        let patch = ExtensionPatch { retry: Some(4), ..ExtensionPatch::default() };
        for role in TOKEN_ROLES {
            let registry = server.working_as(role);
            let may = |operation: &str, outcome: Result<(), Error>, at_least: &[Role]| {
                let is_forbidden = outcome.as_ref().is_err_and(|error| error.code() == ErrorCode::Forbidden);
                assert_eq!(!is_forbidden, at_least.contains(&role), "{role} {operation}: {outcome:?}");
            };
            may("list", list_extensions(&registry).await.map(drop), &TOKEN_ROLES[1..]);
            may("audit", list_entries(&registry).await.map(drop), &TOKEN_ROLES);
            may("verify", registry.verify_audit_log().await.map(drop), &TOKEN_ROLES);
            let enabled = role == Role::RegistryOperator;
            may("switch", registry.set_extension_enabled("pii_guard", enabled, &anna).await.map(drop), &TOKEN_ROLES[2..]);
            let seen = database.value("SELECT revision FROM extensions WHERE id = 'pii_guard'").await.parse().unwrap();
            may("update", registry.update_extension("pii_guard", seen, &patch, &anna).await.map(drop), &TOKEN_ROLES[3..]);
        }
        let superuser = Registry::connect(database.superuser()).await.unwrap();
        let entries = list_entries(&superuser).await.unwrap();
        assert!(entries.len() >= 2, "{entries:?}");
        for entry in entries {
            assert_eq!((entry.actor_source, entry.changed_by.as_deref()), (ActorSource::Claimed, Some("anna")));
            assert_eq!(entry.login.as_deref(), Some(login.as_str()));
        }
    }

    async fn a_switch_works_for_its_token_for_as_long_as_that_is_accepted(database: TestDatabase) {
        let owner = as_owner(&database).await;
        let server = database.registry_as_member_of("registry_rest_server").await;
        let state = "SELECT count(*) || (SELECT enabled FROM extensions WHERE id = 'pii_guard')::text FROM extension_audit_log";
        // At once and, where it has to be looked for first, in steps.
        for is_named in [false, true] {
            let mut names = (1..).map(Uuid::from_u128);
            let mut context = || ChangeContext { request_id: names.next().filter(|_| is_named), ..ChangeContext::default() };
            for role in TOKEN_ROLES {
                let created = owner.create_token(&draft(role)).await.unwrap();
                let Authentication::Accepted(bearer) = server.authenticate(created.secret.expose_secret()).await.unwrap() else {
                    panic!("a new token is accepted");
                };
                // What it says of itself is not believed.
                let claiming = ChangeContext { acting_for: Some("somebody else".into()), ..context() };
                let switched = server.set_extension_enabled_for(&bearer, "pii_guard", false, &claiming).await;
                if TOKEN_ROLES[2..].contains(&role) {
                    assert!(!switched.unwrap().expect("the token is accepted").enabled);
                    let entry = list_entries(&owner).await.unwrap().remove(0);
                    assert_eq!((entry.actor_source, entry.changed_by.as_deref()), (ActorSource::Claimed, Some("anna")));
                    database.execute("UPDATE extensions SET enabled = true").await;
                } else {
                    assert_eq!(switched.unwrap_err().code(), ErrorCode::Forbidden, "{role}");
                }
            }
            for ending in ["UPDATE registry_tokens SET revoked_at = clock_timestamp()", EXPIRE, "DELETE FROM registry_tokens"] {
                let created = owner.create_token(&draft(Role::RegistryEditor)).await.unwrap();
                let Authentication::Accepted(bearer) = server.authenticate(created.secret.expose_secret()).await.unwrap() else {
                    panic!("a new token is accepted");
                };
                database.execute(ending).await;
                let before = database.value(state).await;
                let switched = server.set_extension_enabled_for(&bearer, "pii_guard", false, &context()).await;
                assert!(matches!(switched, Ok(None)), "{ending}: {switched:?}");
                assert_eq!(database.value(state).await, before, "{ending}");
            }
        }
        assert_eq!(owner.verify_audit_log().await.unwrap().fault, None);
    }

    async fn whoever_is_no_server_is_told_what_is_missing(database: TestDatabase) {
        database.migrate().await;
        let superuser = Registry::connect(database.superuser()).await.unwrap().server_rights().await.unwrap();
        assert!(!superuser.may_name_actors, "a superuser is nobody's server");
        let editor = database.registry_as_member_of("registry_editor").await.server_rights().await.unwrap();
        assert_eq!(editor.missing_roles, [Role::RegistryAuditor, Role::RegistryViewer, Role::RegistryOperator]);
        assert!(!editor.are_complete());
    }

    async fn a_use_is_noted_at_most_once_a_minute(database: TestDatabase) {
        let owner = as_owner(&database).await;
        let server = database.registry_as_member_of("registry_rest_server").await;
        let created = owner.create_token(&draft(Role::RegistryViewer)).await.unwrap();
        assert_eq!(created.token.last_used_at, None);
        let mut noted = Vec::new();
        for _ in 0..2 {
            server.authenticate(created.secret.expose_secret()).await.unwrap();
            noted.push(owner.list_tokens().await.unwrap()[0].last_used_at);
        }
        let first = noted[0].expect("it is noted");
        assert_eq!(noted[1], Some(first));
        database.execute("UPDATE registry_tokens SET last_used_at = last_used_at - interval '61 seconds'").await;
        server.authenticate(created.secret.expose_secret()).await.unwrap();
        let later = owner.list_tokens().await.unwrap()[0].last_used_at;
        assert!(later.is_some_and(|later| later >= first), "a minute later it is noted anew");
    }

    async fn an_edit_that_may_not_be_merged_is_of_one_state(database: TestDatabase) {
        let registry = database.registry().await;
        let strict = ChangeContext { is_merge_refused: true, ..ChangeContext::default() };
        let patch = |retry| ExtensionPatch { retry: Some(retry), ..ExtensionPatch::default() };
        let other = ExtensionPatch { timeout_ms: Some(7), ..ExtensionPatch::default() };
        registry.update_extension("pii_guard", 0, &patch(4), &strict).await.unwrap();
        for stale in [&other, &patch(4), &patch(5)] {
            let error = registry.update_extension("pii_guard", 0, stale, &strict).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::RevisionConflict, "{stale:?}");
        }
        let merged = registry.update_extension("pii_guard", 0, &other, &ChangeContext::default()).await.unwrap();
        assert_eq!((merged.extension.retry, merged.extension.timeout_ms), (4, 7), "otherwise it is merged");
    }
}
