//! What a move refuses, and what it waits for.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use registry::moving::{self, MoveProgress, MoveState, MoveStep};
use registry::{ChangeContext, Error, ErrorCode, Registry};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use system_tests::database::{TestDatabase, execute};
use system_tests::on_each_server;
use system_tests::servers;

use crate::moving::{go_on, move_over, moved_content, takes_changes};
use crate::support::{content, fill};

/// Makes of a registry that has arrived one that is still arriving, as a mover leaves it that dies before it gives the
/// source over.
async fn keep_arriving(target: &TestDatabase, move_id: u32) {
    target
        .execute(&format!(
            "INSERT INTO registry_move (move_id, state, place, revision, hash)
             SELECT '00000000-0000-0000-0000-{move_id:012}', 'arriving', 'the laptop', revision, hash FROM registry_head;
             SELECT registry_apply_move()"
        ))
        .await;
}

async fn take_back(source: &TestDatabase) {
    source
        .execute("DELETE FROM registry_move; SELECT registry_apply_move()")
        .await;
}

/// Runs statements from within a report of progress.
fn run_meanwhile(options: PgConnectOptions, statements: &'static str) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(execute(&options, statements)).unwrap();
    })
    .join()
    .unwrap();
}

on_each_server! {
    async fn what_is_of_another_owner_stays_and_goes_on(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 10).await;
        database
            .execute("CREATE TABLE public.registry_later (id serial PRIMARY KEY); INSERT INTO registry_later DEFAULT VALUES;
                SELECT registry_hand_over(); CREATE TABLE public.of_another (id serial PRIMARY KEY)")
            .await;
        let target = TestDatabase::create(servers::bundled()).await;
        // A table that no migration makes is of the owner, and can't be made there.
        let error = move_over(&database, &target, go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::CopyDiffers, "{error}");
        assert!(content(&target.superuser()).await.is_empty());
        database.execute("DROP TABLE registry_later").await;
        move_over(&database, &target, go_on).await.unwrap();
        assert!(!content(&target.superuser()).await.contains_key("of_another"));
        database.execute("INSERT INTO of_another DEFAULT VALUES").await;
    }

    async fn owners_move_without_being_superusers_and_others_are_refused(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 10).await;
        let target = TestDatabase::create(database.server()).await;
        target.migrate().await;
        let owner = database.login_of_member("registry_owner").await;
        // The schema's version is read by viewers.
        database.execute(&format!("GRANT registry_viewer TO {}", owner.get_username())).await;
        let owner_there = owner.clone().database(&target.value("SELECT current_database()").await);
        let attempt = async |from: &PgConnectOptions, to: &PgConnectOptions| {
            moving::move_registry(from, to, "here", "there", go_on).await
        };
        let viewer = database.login_of_member("registry_viewer").await;
        for (from, to) in [(&database.console(), &owner_there), (&viewer, &owner_there), (&owner, &target.console())] {
            let error = attempt(from, to).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::OwnerRequired, "{error}: {:?}", error.detail());
            assert!(takes_changes(&database).await);
        }
        attempt(&owner, &owner_there).await.unwrap();
        assert_eq!(moved_content(&target).await, moved_content(&database).await);
        assert!(takes_changes(&target).await && !takes_changes(&database).await);
    }

    async fn numbers_go_on_where_they_were(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 10).await;
        // Numbers that were given out and not kept are not given out again either.
        database.execute("SELECT nextval('extension_audit_log_id_seq') FROM generate_series(1, 50)").await;
        let sequences = "SELECT sequencename::text, coalesce(last_value, 0)::text FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1";
        let before = database.rows(sequences).await;
        let target = TestDatabase::create(servers::bundled()).await;
        move_over(&database, &target, go_on).await.unwrap();
        for row in before {
            let [name, last_value] = row.try_into().unwrap();
            let (name, last_value): (String, i64) = (name.unwrap(), last_value.unwrap().parse().unwrap());
            let next: i64 = target.value(&format!("SELECT nextval('{name}')::text")).await.parse().unwrap();
            assert_eq!(next, last_value + 1, "{name}");
        }
    }

    async fn a_fresh_target_that_somebody_begins_to_use_is_not_written_over(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 10).await;
        let target = TestDatabase::create(servers::bundled()).await;
        target.migrate().await;
        let mut connection = target.console().connect().await.unwrap();
        let mut change = connection.begin().await.unwrap();
        sqlx::raw_sql("UPDATE extensions SET enabled = NOT enabled WHERE id = 'pii_guard'").execute(&mut *change).await.unwrap();
        // Once the mover has seen the database and waits for the change.
        let waiting = "SELECT count(*)::text FROM pg_locks WHERE NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let acknowledge = async {
            let deadline = Instant::now() + Duration::from_secs(30);
            while target.value(waiting).await == "0" {
                assert!(Instant::now() < deadline, "the mover waits");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            change.commit().await.unwrap();
        };
        let (outcome, ()) = tokio::join!(move_over(&database, &target, go_on), acknowledge);
        let error = outcome.expect_err("somebody has a registry there");
        assert_eq!(error.code(), ErrorCode::TargetNotEmpty, "{error}: {:?}", error.detail());
        assert_eq!(target.value("SELECT count(*)::text FROM extension_audit_log").await, "1", "the change is there");
        assert!(takes_changes(&database).await && takes_changes(&target).await);
    }

    async fn a_schema_that_changes_meanwhile_moves_nothing(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 10).await;
        let target = TestDatabase::create(servers::bundled()).await;
        let superuser = database.superuser();
        let error = move_over(&database, &target, move |progress: MoveProgress| {
            if progress.step == MoveStep::Locking {
                run_meanwhile(
                    superuser.clone(),
                    "CREATE TABLE public.registry_later (x int); INSERT INTO registry_later VALUES (1); SELECT registry_hand_over()",
                );
            }
            ControlFlow::Continue(())
        })
        .await
        .expect_err("a table came that was not copied");
        assert_eq!(error.code(), ErrorCode::CopyDiffers, "{error}");
        assert!(takes_changes(&database).await);
        assert!(content(&target.superuser()).await.is_empty());
    }

    async fn what_arrived_of_another_registry_or_of_a_newer_one_is_not_cleared_away(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 10).await;
        let target = TestDatabase::create(servers::bundled()).await;
        move_over(&database, &target, go_on).await.unwrap();
        take_back(&database).await;
        let there = Registry::connect(target.console()).await.unwrap();
        there.set_extension_enabled("pii_guard", true, &ChangeContext::default()).await.unwrap();
        keep_arriving(&target, 1).await;
        let kept = content(&target.superuser()).await;
        // The same registry, as it was before: a restored backup.
        let error = move_over(&database, &target, go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::TargetNotEmpty, "{error}");
        let other = TestDatabase::create(database.server()).await;
        other.migrate().await;
        let error = move_over(&other, &target, go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::TargetNotEmpty, "{error}");
        assert_eq!(content(&target.superuser()).await, kept);
        assert!(takes_changes(&database).await && takes_changes(&other).await && !takes_changes(&target).await);
    }

    async fn what_has_not_arrived_is_opened_by_its_own_move_alone(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 10).await;
        let target = TestDatabase::create(servers::bundled()).await;
        move_over(&database, &target, go_on).await.unwrap();
        keep_arriving(&target, 1).await;
        // It was given over by another move than the one that left this here.
        let error = move_over(&database, &target, go_on).await.unwrap_err();
        assert!(matches!(&error, Error::RegistryMovedAway { how } if how.starts_with("was moved to")), "{error}");
        assert!(!takes_changes(&target).await && !takes_changes(&database).await);

        // Nor is it a source: it lives where it comes from, also if that is the target, or itself.
        take_back(&database).await;
        let elsewhere = TestDatabase::create(servers::bundled()).await;
        for to in [&elsewhere, &database, &target] {
            let error = move_over(&target, to, go_on).await.unwrap_err();
            assert!(matches!(&error, Error::RegistryMovedAway { how } if how.starts_with("has not arrived")), "{error}");
            assert!(!takes_changes(&target).await && takes_changes(&database).await);
        }
        let mark = Registry::connect(target.console()).await.unwrap().move_mark().await.unwrap().unwrap();
        assert_eq!(mark.state, MoveState::Arriving);
    }

    async fn what_arrives_different_is_not_given_over(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 10).await;
        database.execute("UPDATE extension_health SET avg_latency_ms = 0.1234567890123").await;
        let target = TestDatabase::create(servers::bundled()).await;
        target.migrate().await;
        target.execute("ALTER TABLE extension_health ALTER avg_latency_ms TYPE real").await;
        let before = content(&target.superuser()).await;
        let error = move_over(&database, &target, go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::CopyDiffers, "{error}");
        assert!(error.to_string().contains("extension_health"), "{error}");
        assert_eq!(content(&target.superuser()).await, before, "all or nothing");
        assert!(takes_changes(&database).await);
    }

    async fn two_movers_at_once_move_it_once(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 500).await;
        let [one, other] = [TestDatabase::create(servers::bundled()).await, TestDatabase::create(servers::bundled()).await];
        let outcomes = tokio::join!(move_over(&database, &one, go_on), move_over(&database, &other, go_on));
        let (won, lost, error) = match outcomes {
            (Ok(_), Err(error)) => (one, other, error),
            (Err(error), Ok(_)) => (other, one, error),
            outcomes => panic!("one of them moves it: {outcomes:?}"),
        };
        assert_eq!(error.code(), ErrorCode::RegistryMovedAway, "{error}");
        assert!(content(&lost.superuser()).await.is_empty(), "nothing arrived there");
        assert!(takes_changes(&won).await && !takes_changes(&database).await);

        // To the same place the second finds it done.
        let last = TestDatabase::create(servers::bundled()).await;
        let (first, second) = tokio::join!(move_over(&won, &last, go_on), move_over(&won, &last, go_on));
        assert_ne!(first.unwrap().was_completed, second.unwrap().was_completed);
        assert!(takes_changes(&last).await && !takes_changes(&won).await);
    }
}
