//! Moving a registry to another database: nothing is lost, nothing doubled, and never do both take changes.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use registry::moving::{self, MoveProgress, MoveState, MoveStep, Moved};
use registry::{ChangeContext, ErrorCode, Registry, Result};
use sqlx::{ConnectOptions, Connection};
use system_tests::database::{TestDatabase, execute};
use system_tests::on_each_server;
use system_tests::servers;

use crate::support::{content, fill, guards};

pub(crate) async fn move_over(
    from: &TestDatabase,
    to: &TestDatabase,
    tell: impl FnMut(MoveProgress) -> ControlFlow<()> + Send,
) -> Result<Moved> {
    moving::move_registry(
        &from.superuser(),
        &to.superuser(),
        "the laptop",
        "db.example.com/registry",
        tell,
    )
    .await
}

pub(crate) fn go_on(_: MoveProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Whether a change is taken.
pub(crate) async fn takes_changes(database: &TestDatabase) -> bool {
    let statement = "UPDATE extensions SET enabled = NOT enabled WHERE id = 'normalize_text'";
    match execute(&database.console(), statement).await {
        Ok(()) => true,
        Err(error) => {
            let code = error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code);
            assert_eq!(code.as_deref(), Some("RGMVD"), "{error}");
            false
        }
    }
}

/// The content without what says of each database what it is.
pub(crate) async fn moved_content(
    database: &TestDatabase,
) -> std::collections::BTreeMap<String, (String, String)> {
    let mut content = content(&database.superuser()).await;
    content.remove("registry_move");
    content
}

/// The figures of docs/backup.md, which says how they are made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_wait_for_a_short_time_while_100_000_entries_move() {
    let database = TestDatabase::create(servers::bundled()).await;
    let registry = database.registry().await;
    fill(&registry, &database.superuser(), 100_000).await;
    let target = TestDatabase::create(servers::bundled()).await;
    let writers: Vec<_> = [
        "normalize_text",
        "anthropic_claude",
        "mock_provider",
        "openai_gpt4",
    ]
    .into_iter()
    .map(|id| {
        let registry = registry.clone();
        tokio::spawn(async move {
            let mut count = 0_u32;
            let mut longest = Duration::ZERO;
            loop {
                let began = Instant::now();
                let switched = registry
                    .set_extension_enabled(id, count % 2 == 1, &ChangeContext::default())
                    .await;
                longest = longest.max(began.elapsed());
                match switched {
                    Ok(_) => count += 1,
                    Err(error) if error.code() == ErrorCode::RegistryMovedAway => {
                        return (count, longest);
                    }
                    Err(error) => panic!("{error}: {:?}", error.detail()),
                }
            }
        })
    })
    .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    let mut locking = None;
    let mut frozen = None;
    move_over(&database, &target, |progress| {
        let first = match progress.step {
            MoveStep::Locking => &mut locking,
            MoveStep::CatchingUp => &mut frozen,
            _ => return ControlFlow::Continue(()),
        };
        first.get_or_insert_with(Instant::now);
        ControlFlow::Continue(())
    })
    .await
    .unwrap();
    let ended = Instant::now();
    let (locking, frozen) = (locking.unwrap(), frozen.unwrap());
    let mut count = 0;
    let mut longest = Duration::ZERO;
    for writer in writers {
        let (changes, waited) = writer.await.unwrap();
        count += changes;
        longest = longest.max(waited);
    }
    println!(
        "100000 entries under 4 writers ({count} changes): moved in {:.2} s; the locks were waited for {:.2} s, and held for \
         {:.2} s until the target was open; the longest that a writer waited for an answer: {:.2} s",
        (ended - began).as_secs_f64(),
        (frozen - locking).as_secs_f64(),
        (ended - frozen).as_secs_f64(),
        longest.as_secs_f64(),
    );
    assert!(longest < Duration::from_mins(1), "{longest:?}");
}

on_each_server! {
    async fn what_was_moved_is_identical_and_the_source_refuses_every_change(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 3_000).await;
        let before = moved_content(&database).await;
        let target = TestDatabase::create(servers::bundled()).await;
        let moved = move_over(&database, &target, go_on).await.unwrap();
        assert!(!moved.was_completed);
        assert_eq!(moved_content(&target).await, before);
        assert_eq!(moved_content(&database).await, before, "the source keeps what it had");

        // Every table refuses every kind of change, also to its owner, and names where to.
        let error = registry
            .set_extension_enabled("pii_guard", true, &ChangeContext::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::RegistryMovedAway);
        assert!(error.to_string().contains("db.example.com/registry"), "{error}");
        let tables = database.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND relname NOT IN ('_sqlx_migrations', 'registry_move')").await;
        for table in tables.into_iter().flatten().flatten() {
            for statement in [
                format!("DELETE FROM public.{table}"),
                format!("INSERT INTO public.{table} SELECT * FROM public.{table}"),
                format!("TRUNCATE public.{table} CASCADE"),
            ] {
                let error = execute(&database.superuser(), &format!("SET session_replication_role = replica; {statement}")).await.unwrap_err();
                let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
                // TRUNCATE has a guard of its own on some tables.
                assert!(matches!(code.as_deref(), Some("RGMVD" | "42501" | "428C9")), "{statement}: {error}");
            }
        }
        assert_eq!(moved_content(&database).await, before);
        assert!(!takes_changes(&database).await);
        let mark = registry.move_mark().await.unwrap().unwrap();
        assert_eq!((mark.state, mark.revision), (MoveState::Moved, moved.revision));
        // Reading goes on.
        assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);

        let there = Registry::connect(target.console()).await.unwrap();
        assert_eq!(there.move_mark().await.unwrap(), None);
        there.set_extension_enabled("pii_guard", true, &ChangeContext::default()).await.unwrap();
        let verification = there.verify_audit_log().await.unwrap();
        assert_eq!((verification.fault, verification.revision), (None, moved.revision + 1));
        let fresh = TestDatabase::create(servers::bundled()).await;
        fresh.migrate().await;
        assert_eq!(guards(&target.superuser()).await, guards(&fresh.superuser()).await);

        // Asked once more it is done, and to another place it is refused.
        assert!(move_over(&database, &target, go_on).await.unwrap().was_completed);
        let elsewhere = TestDatabase::create(servers::bundled()).await;
        let error = move_over(&database, &elsewhere, go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::RegistryMovedAway);
        // A target with a registry is refused, and the source goes on.
        let error = move_over(&target, &fresh, |progress| match progress.step {
            MoveStep::GivingOver => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Stopped);
        let used = TestDatabase::create(servers::bundled()).await;
        let other = used.registry().await;
        other.set_extension_enabled("pii_guard", false, &ChangeContext::default()).await.unwrap();
        let error = move_over(&target, &used, go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::TargetNotEmpty);
        assert!(takes_changes(&target).await && takes_changes(&used).await);
    }

    async fn under_writers_nothing_is_lost_and_nothing_doubled(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 20_000).await;
        let target = TestDatabase::create(servers::bundled()).await;
        let answered = "SELECT sum(success_count)::text FROM extension_health";
        let calls_before: u64 = database.value(answered).await.parse().unwrap();
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let calls = Arc::new(AtomicU64::new(0));
        let writers: Vec<_> = (0..4_u128)
            .map(|writer| {
                let (registry, acknowledged, calls) = (registry.clone(), Arc::clone(&acknowledged), Arc::clone(&calls));
                tokio::spawn(async move {
                    for number in 0.. {
                        let request_id = sqlx::types::Uuid::from_u128((writer << 64) | (number + 1));
                        let context = ChangeContext { request_id: Some(request_id), ..ChangeContext::default() };
                        let id = ["normalize_text", "anthropic_claude", "mock_provider", "openai_gpt4"][usize::try_from(writer).unwrap()];
                        match registry.set_extension_enabled(id, number % 2 == 1, &context).await {
                            Ok(_) => acknowledged.lock().unwrap().push(request_id.to_string()),
                            Err(error) if error.code() == ErrorCode::RegistryMovedAway => return,
                            Err(error) => panic!("{error}: {:?}", error.detail()),
                        }
                        if registry.record_health(id, true, Some(1.0)).await.is_ok() {
                            calls.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let moved = move_over(&database, &target, go_on).await.unwrap();
        for writer in writers {
            writer.await.unwrap();
        }
        let acknowledged = acknowledged.lock().unwrap().clone();
        assert!(acknowledged.len() > 20, "they wrote: {}", acknowledged.len());
        let there: Vec<String> = target
            .rows("SELECT request_id::text FROM extension_audit_log WHERE request_id < '00000000-0000-0004-0000-000000000000' ORDER BY revision")
            .await
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        let distinct: BTreeSet<_> = there.iter().collect();
        assert_eq!(distinct.len(), there.len(), "nothing is doubled");
        for request_id in &acknowledged {
            assert!(distinct.contains(request_id), "{request_id} was acknowledged and is there");
        }
        assert_eq!(moved_content(&target).await, moved_content(&database).await);
        let registry = Registry::connect(target.console()).await.unwrap();
        let verification = registry.verify_audit_log().await.unwrap();
        assert_eq!((verification.fault, verification.revision), (None, moved.revision));
        let calls_there: u64 = target.value(answered).await.parse().unwrap();
        assert_eq!(calls_there, calls_before + calls.load(Ordering::Relaxed), "each call is counted once");
        assert!(takes_changes(&target).await && !takes_changes(&database).await);
    }

    async fn a_transaction_that_began_before_the_move_can_not_change_the_source_after_it(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 10).await;
        let target = TestDatabase::create(servers::bundled()).await;
        let mut early = database.console().connect().await.unwrap();
        // Its snapshot is older than the move; nothing is locked by it.
        let mut transaction = early.begin().await.unwrap();
        sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM extensions; SELECT 1 FROM health_thresholds")
            .execute(&mut *transaction).await.unwrap();
        // Its lock on what it has read ends with the savepoint of another: a reader holds up nobody.
        let moved = move_over(&database, &target, go_on).await.unwrap();
        let error = sqlx::raw_sql("UPDATE health_thresholds SET p95_above_ms = 7")
            .execute(&mut *transaction).await.unwrap_err();
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        assert_eq!(code.as_deref(), Some("RGMVD"), "{error}");
        assert!(moved.revision > 0);
    }

    async fn cut_short_at_any_moment_one_is_the_truth(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 3_000).await;
        let target = TestDatabase::create(servers::bundled()).await;
        for step in [MoveStep::Copying, MoveStep::Locking, MoveStep::CatchingUp, MoveStep::Comparing, MoveStep::GivingOver] {
            let error = move_over(&database, &target, move |progress| {
                if progress.step == step { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .await
            .unwrap_err();
            assert_eq!(error.code(), ErrorCode::Stopped, "{step:?}");
            assert!(takes_changes(&database).await, "{step:?}: the source goes on");
            assert!(content(&target.superuser()).await.is_empty(), "{step:?}: nothing arrived");
        }

        // After the target was committed and before the source was: what the program leaves if it dies there.
        let expected = {
            let moved = move_over(&database, &target, go_on).await.unwrap();
            target
                .execute(&format!("INSERT INTO registry_move (move_id, state, place, revision, hash)
                    SELECT '00000000-0000-0000-0000-000000000001', 'arriving', 'the laptop', {}, hash FROM registry_head;
                    SELECT registry_apply_move()", moved.revision))
                .await;
            database.execute("DELETE FROM registry_move; SELECT registry_apply_move()").await;
            moved
        };
        assert!(!takes_changes(&target).await && takes_changes(&database).await, "the source is the truth");
        let there = Registry::connect(target.console()).await.unwrap();
        let error = there.set_extension_enabled("pii_guard", true, &ChangeContext::default()).await.unwrap_err();
        assert!(error.to_string().contains("has not arrived from the laptop"), "{error}");
        there.close().await;
        // Begun anew, with what changed since.
        let moved = move_over(&database, &target, go_on).await.unwrap();
        assert!(!moved.was_completed && moved.revision > expected.revision);
        assert_eq!(moved_content(&target).await, moved_content(&database).await);

        // After the source was committed and before the target was opened.
        target
            .execute("INSERT INTO registry_move (move_id, state, place, revision, hash)
                    SELECT '00000000-0000-0000-0000-000000000002', 'arriving', 'the laptop', revision, hash FROM registry_head;
                SELECT registry_apply_move()")
            .await;
        database.execute("UPDATE registry_move SET move_id = '00000000-0000-0000-0000-000000000002'").await;
        assert!(!takes_changes(&target).await && !takes_changes(&database).await, "neither takes changes");
        let completed = move_over(&database, &target, go_on).await.unwrap();
        assert!(completed.was_completed);
        assert!(takes_changes(&target).await && !takes_changes(&database).await);
    }
}
