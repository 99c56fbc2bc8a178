//! A switch of one extension: one statement that leaves what a change of several messages leaves.

use registry::audit::ActorSource;
use registry::{ChangeContext, ErrorCode};
use sqlx::{ConnectOptions, Connection};
use system_tests::on_each_server;
use system_tests::reading::{history, list_extensions};

use crate::changes::NO_CONTEXT;

/// Extensions in every state of health.
const CALLS: &str = "INSERT INTO extension_health (extension_id, success_count, failure_count) VALUES
    ('pii_guard', 1000, 0), ('openai_gpt4', 985, 15), ('mock_provider', 89, 11), ('normalize_text', 0, 3),
    ('anthropic_claude', 0, 0)
    ON CONFLICT (extension_id) DO UPDATE
    SET success_count = excluded.success_count, failure_count = excluded.failure_count";

on_each_server! {
    async fn what_it_answers_is_what_is_read_and_listed(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute(CALLS).await;
        for before in list_extensions(&registry).await.unwrap() {
            let answered = registry
                .set_extension_enabled(&before.id, !before.enabled, &NO_CONTEXT)
                .await
                .unwrap();
            assert_eq!(answered.enabled, !before.enabled);
            assert!(answered.revision > before.revision);
            assert_eq!(answered.health, before.health);
            assert_eq!(answered, registry.get_extension(&before.id).await.unwrap());
            let listed = list_extensions(&registry).await.unwrap();
            assert!(listed.contains(&answered), "{answered:?}");
        }
    }

    async fn its_entry_says_who_why_and_what(database: TestDatabase) {
        let registry = database.registry().await;
        let context = ChangeContext {
            acting_for: Some("somebody else".into()),
            ..ChangeContext::with_reason(Some("noise".into()))
        };
        registry.set_extension_enabled("pii_guard", false, &context).await.unwrap();
        let [entry] = &history(&registry, "pii_guard").await[..] else { panic!("one entry") };
        assert_eq!(entry.reason.as_deref(), Some("noise"));
        assert!(entry.request_id.is_some(), "by it the change is found if its answer is lost");
        assert!(entry.os_user.is_some());
        assert_eq!(entry.actor_source, ActorSource::Login, "only a server may name somebody else");
        assert_eq!(entry.group_id, None);
        let kept = database
            .value("SELECT concat_ws(' ', action, changes, before ->> 'enabled', after ->> 'enabled',
                                     after = before || jsonb_build_object('enabled', false, 'updated_at', after -> 'updated_at'))
                    FROM extension_audit_log")
            .await;
        assert_eq!(kept, r#"disabled {"enabled": {"after": false, "before": true}} true false t"#);
        assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
    }

    async fn to_the_state_that_it_has_it_does_nothing(database: TestDatabase) {
        let registry = database.registry().await;
        let before = registry.get_extension("pii_guard").await.unwrap();
        let answered = registry.set_extension_enabled("pii_guard", true, &NO_CONTEXT).await.unwrap();
        assert_eq!(answered, before);
        assert_eq!(database.value("SELECT count(*) FROM extension_audit_log").await, "0");
        assert_eq!(database.value("SELECT revision FROM registry_head").await, "0");
        let missing = registry.set_extension_enabled("nobody", true, &NO_CONTEXT).await.unwrap_err();
        assert_eq!(missing.code(), ErrorCode::ExtensionNotFound);
    }

    async fn among_changes_that_are_sealed_at_their_commit_the_chain_has_no_fork_and_no_gap(database: TestDatabase) {
        let registry = database.registry().await;
        let superuser = database.superuser();
        let writers: Vec<_> = ["pii_guard", "openai_gpt4", "mock_provider", "normalize_text"]
            .into_iter()
            .enumerate()
            .map(|(place, id)| {
                let (registry, superuser) = (registry.clone(), superuser.clone());
                tokio::spawn(async move {
                    let mut session = superuser.connect().await.unwrap();
                    for count in 0..25 {
                        if place % 2 == 0 {
                            registry.set_extension_enabled(id, count % 2 == 1, &NO_CONTEXT).await.unwrap();
                        } else {
                            sqlx::query("UPDATE extensions SET timeout_ms = timeout_ms + 1 WHERE id = $1")
                                .bind(id)
                                .execute(&mut session)
                                .await
                                .unwrap();
                        }
                    }
                    session.close().await.unwrap();
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let verification = registry.verify_audit_log().await.unwrap();
        assert_eq!(verification.fault, None);
        assert_eq!(verification.revision, 100);
    }

    // A row that an index has to follow leaves its former versions behind until the next vacuum.
    async fn it_stays_within_the_page_of_its_row(database: TestDatabase) {
        database.migrate().await;
        let switch = "BEGIN; UPDATE extensions SET enabled = NOT enabled WHERE id = 'pii_guard';
             DO $$ BEGIN
                 ASSERT pg_stat_get_xact_tuples_hot_updated('extensions'::regclass) = pg_stat_get_xact_tuples_updated('extensions'::regclass);
                 ASSERT pg_stat_get_xact_tuples_updated('extensions'::regclass) > 0;
             END $$; ROLLBACK";
        database.execute(switch).await;
    }

    async fn its_entries_are_counted_as_all_others(database: TestDatabase) {
        let registry = database.registry().await;
        for count in 0..64 {
            registry.set_extension_enabled("pii_guard", count % 2 == 1, &NO_CONTEXT).await.unwrap();
        }
        let counts = "SELECT concat_ws(' ', revision, enabled, disabled) FROM registry_audit_counts ORDER BY revision DESC LIMIT 1";
        assert_eq!(database.value(counts).await, "64 32 32");
    }

    async fn a_connection_that_broke_while_it_was_idle_is_not_used(database: TestDatabase) {
        let registry = database.registry().await;
        registry.ping().await.unwrap();
        database
            .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            .await;
        // Longer than one is used without being asked.
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        registry.get_extension("pii_guard").await.unwrap();
    }

    async fn rows_of_one_statement_and_statements_of_one_transaction_may_be_sealed_at_once(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute(
                "BEGIN;
                 UPDATE extensions SET retry = 3 WHERE id = 'pii_guard';
                 SET LOCAL registry.seal = 'at_once';
                 UPDATE extensions SET enabled = NOT enabled WHERE type = 'provider';
                 INSERT INTO extensions (id, type, subject) VALUES ('a', 'pre', 'a'), ('b', 'pre', 'b');
                 DELETE FROM extensions WHERE id = 'normalize_text';
                 COMMIT;",
            )
            .await;
        assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
        let behind = "SELECT count(*) FROM extensions
                      JOIN (SELECT extension_id, max(revision) AS newest FROM extension_audit_log GROUP BY extension_id) AS log
                        ON log.extension_id = extensions.id
                      WHERE extensions.revision <> newest";
        assert_eq!(database.value(behind).await, "0", "each row has the revision of its newest entry");
        assert_eq!(database.value("SELECT count(DISTINCT revision) FROM extensions WHERE revision > 0").await, "6");
    }

    async fn a_revision_is_not_moved_by_who_asks_to_be_sealed_at_once(database: TestDatabase) {
        let login = database.login_of_member("registry_editor").await;
        let _ = database.registry().await;
        let mut session = login.connect().await.unwrap();
        // Whether it is refused or passed over.
        let _ = sqlx::raw_sql("BEGIN; SET LOCAL registry.seal = 'at_once'; UPDATE extensions SET revision = 77; COMMIT")
            .execute(&mut session)
            .await;
        session.close().await.unwrap();
        assert_eq!(database.value("SELECT max(revision) FROM extensions").await, "0");
    }

    // Between the trigger that hands the end of the log over and the one that takes it, what is returned is evaluated.
    async fn an_end_of_the_log_that_somebody_made_up_is_not_followed(database: TestDatabase) {
        let registry = database.registry().await;
        let login = database.login_of_member("registry_editor").await;
        for (seal, made_up) in [
            ("at_once", r"'\x' || repeat('00', 32)"),
            ("at_once", "''"),
            ("", r"'\x' || repeat('00', 32)"),
        ] {
            let statements = format!(
                "BEGIN;
                 SET LOCAL registry.seal = '{seal}';
                 UPDATE extensions SET enabled = NOT enabled WHERE id IN ('pii_guard', 'mock_provider')
                 RETURNING set_config('registry.previous_hash', {made_up}, true);
                 COMMIT"
            );
            system_tests::database::execute(&login, &statements).await.unwrap();
        }
        let verification = registry.verify_audit_log().await.unwrap();
        assert_eq!((verification.fault, verification.revision), (None, 6));
        let behind = "SELECT count(*) FROM extensions
                      JOIN (SELECT extension_id, max(revision) AS newest FROM extension_audit_log GROUP BY extension_id) AS log
                        ON log.extension_id = extensions.id
                      WHERE extensions.revision <> newest";
        assert_eq!(database.value(behind).await, "0");
    }

    async fn a_clock_that_was_put_back_makes_no_entry_look_older(database: TestDatabase) {
        let registry = database.registry().await;
        registry.set_extension_enabled("pii_guard", false, &NO_CONTEXT).await.unwrap();
        database.execute("UPDATE registry_head SET sealed_at = now() + interval '1 hour'").await;
        let answered = registry.set_extension_enabled("pii_guard", true, &NO_CONTEXT).await.unwrap();
        assert_eq!(answered.revision, 2);
        let kept = "SELECT (SELECT sealed_at FROM extension_audit_log WHERE revision = 2)
                           = (SELECT sealed_at FROM registry_head WHERE sealed_at > now() + interval '59 minutes')";
        assert_eq!(database.value(kept).await, "t");
        assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
    }

    // Its triggers work as the owner of the tables, and the one that sets no search_path names all that it uses.
    async fn operators_and_types_that_stand_before_postgresqls_are_not_used(database: TestDatabase) {
        let registry = database.registry().await;
        let login = database.login_of_member("registry_editor").await;
        database
            .execute(
                r"CREATE SCHEMA before;
                GRANT USAGE ON SCHEMA before TO PUBLIC;
                CREATE DOMAIN before.text AS pg_catalog.int4;
                DO $do$
                DECLARE
                    operands pg_catalog.text[];
                BEGIN
                    FOREACH operands SLICE 1 IN ARRAY ARRAY[
                        ['boolean', 'boolean'], ['pg_catalog.text', 'pg_catalog.text'], ['bigint', 'integer'],
                        ['public.extensions', 'public.extensions'], ['bigint', 'bigint'], ['pg_catalog.varchar', 'pg_catalog.text']]
                    LOOP
                        EXECUTE format(
                            $sql$CREATE FUNCTION before.used(one %s, other %s) RETURNS boolean LANGUAGE plpgsql
                                AS 'BEGIN RAISE EXCEPTION ''used''; END'$sql$, operands[1], operands[2]);
                        EXECUTE format('CREATE OPERATOR before.= (LEFTARG = %s, RIGHTARG = %s, FUNCTION = before.used)', operands[1], operands[2]);
                        EXECUTE format('CREATE OPERATOR before.<> (LEFTARG = %s, RIGHTARG = %s, FUNCTION = before.used)', operands[1], operands[2]);
                        EXECUTE format('CREATE OPERATOR before.+ (LEFTARG = %s, RIGHTARG = %s, FUNCTION = before.used)', operands[1], operands[2]);
                        EXECUTE format('CREATE OPERATOR before.*= (LEFTARG = %s, RIGHTARG = %s, FUNCTION = before.used)', operands[1], operands[2]);
                    END LOOP;
                END
                $do$",
            )
            .await;
        for (retry, seal) in [(7, "at_once"), (8, "")] {
            let statements = format!(
                "BEGIN;
                 SET LOCAL search_path = before, pg_catalog;
                 SET LOCAL registry.seal = '{seal}';
                 UPDATE public.extensions SET enabled = false WHERE id OPERATOR(pg_catalog.=) 'pii_guard';
                 UPDATE public.extensions SET enabled = true WHERE id OPERATOR(pg_catalog.=) 'pii_guard';
                 UPDATE public.extensions SET retry = {retry} WHERE id OPERATOR(pg_catalog.=) 'pii_guard';
                 INSERT INTO public.extensions (id, type, subject) VALUES ('new', 'pre', 'new');
                 DELETE FROM public.extensions WHERE id OPERATOR(pg_catalog.=) 'new';
                 COMMIT"
            );
            system_tests::database::execute(&login, &statements).await.unwrap();
        }
        assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
        assert_eq!(database.value("SELECT count(*) FROM extension_audit_log").await, "10");
    }

    async fn others_that_are_in_its_way_are_waited_for(database: TestDatabase) {
        let registry = database.registry().await;
        let mut holder = database.superuser().connect().await.unwrap();
        sqlx::raw_sql("BEGIN; UPDATE extensions SET retry = 7 WHERE id = 'pii_guard'").execute(&mut holder).await.unwrap();
        let switching = {
            let registry = registry.clone();
            tokio::spawn(async move { registry.set_extension_enabled("pii_guard", false, &NO_CONTEXT).await })
        };
        // Longer than the one statement waits.
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        assert!(!switching.is_finished());
        sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
        let switched = switching.await.unwrap().unwrap();
        assert_eq!((switched.enabled, switched.retry, switched.revision), (false, 7, 2));
        holder.close().await.unwrap();
    }

    async fn it_is_refused_as_a_part_of_something_that_is_taken_back(database: TestDatabase) {
        let _ = database.registry().await;
        for setting in ["group_id", "restored_revision", "undone_group_id", "undone_revision"] {
            let statements = format!(
                "SELECT set_config('registry.{setting}', '1', true),
                        (SELECT count(*) FROM registry_switch('pii_guard', false, NULL, NULL, NULL, NULL, gen_random_uuid()))"
            );
            let refused = system_tests::database::execute(&database.superuser(), &statements).await;
            assert!(refused.unwrap_err().to_string().contains("brings nothing back"), "{setting}");
        }
        assert_eq!(database.value("SELECT count(*) FROM extension_audit_log").await, "0");
    }
}
