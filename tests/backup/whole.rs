//! A backup holds everything, and restoring it makes the same again.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use registry::backup::{self, BackupProblem, BackupStep, RestoreOptions};
use registry::{ChangeContext, Error, ErrorCode, Registry};
use sqlx::{ConnectOptions, Connection};
use system_tests::database::TestDatabase;
use system_tests::on_each_server;

use crate::support::{content, fill, go_on, guards, wipe};

on_each_server! {
    async fn after_a_wipe_a_hundred_thousand_entries_are_as_they_were(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 100_000).await;
        let (before, guarded) = (content(&database.superuser()).await, guards(&database.superuser()).await);
        let verified = registry.verify_audit_log().await.unwrap();
        assert_eq!(verified.fault, None, "the test's own entries are chained");
        registry.close().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.beamline-backup");
        let written = backup::write(&database.superuser(), &file, go_on).await.unwrap();
        assert_eq!(written.fault, None);
        assert_eq!((written.revision, &written.hash), (verified.revision, &verified.hash));
        assert_eq!(backup::verify(&file, go_on).await.unwrap(), written, "verified alone it is the same");

        wipe(&database.superuser()).await;
        let steps = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&steps);
        let restored = backup::restore(&file, &database.superuser(), RestoreOptions::default(), move |progress| {
            seen.lock().unwrap().push(progress);
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
        assert_eq!(restored, written);
        assert_eq!(content(&database.superuser()).await, before, "every table is identical");
        assert_eq!(guards(&database.superuser()).await, guarded, "every guard is set as it was");
        let steps = steps.lock().unwrap().clone();
        for step in [BackupStep::Verifying, BackupStep::Restoring, BackupStep::Comparing] {
            assert!(steps.iter().any(|progress| progress.step == step), "{step:?} is told");
        }
        assert!(steps.iter().all(|progress| progress.done <= progress.total), "{:?}", steps.last());

        // It goes on from there: as an editor, with the next revision, and the chain verifies.
        let registry = Registry::connect(database.console()).await.unwrap();
        let again = registry.verify_audit_log().await.unwrap();
        assert_eq!((again.fault, again.hash), (None, verified.hash));
        registry.set_extension_enabled("pii_guard", true, &ChangeContext::default()).await.unwrap();
        let after = registry.verify_audit_log().await.unwrap();
        assert_eq!((after.fault, after.revision), (None, verified.revision + 1));
        database.execute("INSERT INTO secret_names (name) VALUES ('after_restoring')").await;
    }

    async fn every_table_is_covered_and_none_is_a_list(database: TestDatabase) {
        database.migrate().await;
        let expected: BTreeSet<String> = database
            .rows(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                 AND NOT relispartition AND relname <> '_sqlx_migrations'",
            )
            .await
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.beamline-backup");
        let covered = |summary: backup::BackupSummary| {
            summary.tables.into_iter().map(|table| table.name).collect::<BTreeSet<_>>()
        };
        let written = backup::write(&database.superuser(), &file, go_on).await.unwrap();
        assert_eq!(covered(written), expected, "a table that a migration adds is handed over, and so backed up");
        database
            .execute("CREATE TABLE public.registry_later (x int); SELECT registry_hand_over(); CREATE TABLE public.of_another (x int)")
            .await;
        let written = covered(backup::write(&database.superuser(), &file, go_on).await.unwrap());
        assert!(written.contains("registry_later"), "found from the catalogue");
        assert!(!written.contains("of_another"), "what is not the registry's is left alone");
    }

    async fn an_owner_who_is_no_superuser_restores_into_a_fresh_registry(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 50).await;
        registry.close().await;
        let other = TestDatabase::create(database.server()).await;
        other.migrate().await;
        let owner = other.login_of_member("registry_owner").await;
        let login = owner.get_username().to_owned();
        other.execute(&format!("GRANT registry_editor TO {login}")).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.beamline-backup");
        // Who may not read everything can't write a backup of a part.
        let error = backup::write(&database.console(), &file, go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OwnerRequired);
        let owner_of_first = owner.clone().database(&database.value("SELECT current_database()").await);
        backup::write(&owner_of_first, &file, go_on).await.unwrap();

        let error = backup::restore(&file, &other.console(), RestoreOptions::default(), go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OwnerRequired, "{error}");
        let guarded = guards(&other.superuser()).await;
        backup::restore(&file, &owner, RestoreOptions::default(), go_on).await.unwrap();
        assert_eq!(content(&other.superuser()).await, content(&database.superuser()).await);
        assert_eq!(guards(&other.superuser()).await, guarded);
    }

    async fn a_used_registry_and_a_strangers_database_are_not_written_over(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 10).await;
        registry.close().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.beamline-backup");
        backup::write(&database.superuser(), &file, go_on).await.unwrap();
        let before = content(&database.superuser()).await;
        let error = backup::restore(&file, &database.superuser(), RestoreOptions::default(), go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::TargetNotEmpty, "{error}");
        assert_eq!(content(&database.superuser()).await, before);
        let other = TestDatabase::create(database.server()).await;
        other.execute("CREATE TABLE public.mine (x int)").await;
        let error = backup::restore(&file, &other.superuser(), RestoreOptions::default(), go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::TargetNotEmpty, "{error}");
    }

    async fn an_older_schema_is_restored_and_brought_up_to_date_and_a_newer_one_refused(database: TestDatabase) {
        // A registry as it was two migrations ago.
        let migrator = sqlx::migrate!("../migrations");
        let mut versions: Vec<i64> = migrator.iter().map(|migration| migration.version).collect();
        versions.sort_unstable();
        let older = versions[versions.len() - 3];
        let mut connection = database.superuser().connect().await.unwrap();
        migrator.run_direct(Some(older), &mut connection, false).await.unwrap();
        connection.close().await.unwrap();
        database.execute("UPDATE extensions SET enabled = false WHERE id = 'pii_guard'; UPDATE extensions SET enabled = true WHERE id = 'pii_guard'").await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.beamline-backup");
        let written = backup::write(&database.superuser(), &file, go_on).await.unwrap();
        assert_eq!((written.schema_version, written.revision), (older, 2));

        let other = TestDatabase::create(database.server()).await;
        backup::restore(&file, &other.superuser(), RestoreOptions::default(), go_on).await.unwrap();
        // The same as migrating where it was.
        let registry = database.registry().await;
        let expected = registry.verify_audit_log().await.unwrap();
        let restored = Registry::connect(other.console()).await.unwrap();
        assert_eq!(restored.verify_audit_log().await.unwrap(), expected);
        let (found, wanted) = (content(&other.superuser()).await, content(&database.superuser()).await);
        assert_eq!(found, wanted);

        database.execute("INSERT INTO _sqlx_migrations VALUES (9999, 'of the future', now(), true, 'x', 0)").await;
        backup::write(&database.superuser(), &file, go_on).await.unwrap();
        let empty = TestDatabase::create(database.server()).await;
        let error = backup::restore(&file, &empty.superuser(), RestoreOptions::default(), go_on).await.unwrap_err();
        assert!(
            matches!(error, Error::BackupInvalid { problem: BackupProblem::SchemaNewer { schema_version: 9999 }, .. }),
            "{error}"
        );
        assert!(content(&empty.superuser()).await.is_empty(), "nothing was made");
    }

    async fn what_comes_out_different_is_not_kept(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 100).await;
        registry.close().await;
        database.execute("UPDATE extension_health SET avg_latency_ms = 0.1234567890123").await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.beamline-backup");
        backup::write(&database.superuser(), &file, go_on).await.unwrap();
        // A database that doesn't keep what it is given: here a column that somebody made less exact.
        let other = TestDatabase::create(database.server()).await;
        other.migrate().await;
        other.execute("ALTER TABLE extension_health ALTER avg_latency_ms TYPE real").await;
        let before = content(&other.superuser()).await;
        let error = backup::restore(&file, &other.superuser(), RestoreOptions::default(), go_on).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::CopyDiffers, "{error}");
        assert!(error.to_string().contains("extension_health"), "{error}");
        assert_eq!(content(&other.superuser()).await, before, "all or nothing");
    }

    async fn stopped_at_any_step_nothing_is_left(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 5_000).await;
        registry.close().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.beamline-backup");
        let stop_at = |step: BackupStep| {
            move |progress: backup::BackupProgress| {
                if progress.step == step && progress.done > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
        };
        let error = backup::write(&database.superuser(), &file, stop_at(BackupStep::Writing)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Stopped);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no half of a file");
        backup::write(&database.superuser(), &file, go_on).await.unwrap();
        let other = TestDatabase::create(database.server()).await;
        for step in [BackupStep::Verifying, BackupStep::Restoring, BackupStep::Comparing] {
            let error = backup::restore(&file, &other.superuser(), RestoreOptions::default(), stop_at(step)).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::Stopped, "{step:?}: {error}");
            assert!(content(&other.superuser()).await.is_empty(), "{step:?} left nothing");
        }
        // The database was not harmed by any of it.
        backup::restore(&file, &other.superuser(), RestoreOptions::default(), go_on).await.unwrap();
    }

    async fn a_backup_is_of_one_moment_while_others_write(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 2_000).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let (registry, is_over) = (registry.clone(), Arc::clone(&is_over));
                tokio::spawn(async move {
                    let mut enabled = false;
                    while !is_over.load(Ordering::Relaxed) {
                        registry.set_extension_enabled("normalize_text", enabled, &ChangeContext::default()).await.unwrap();
                        enabled = !enabled;
                    }
                })
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        for number in 0..5 {
            let file = folder.path().join(format!("{number}.beamline-backup"));
            // Its chain ends where its head is, and its extensions have no newer revision: or it doesn't verify.
            let written = backup::write(&database.superuser(), &file, go_on).await.unwrap();
            assert_eq!(written.fault, None);
            let other = TestDatabase::create(database.server()).await;
            backup::restore(&file, &other.superuser(), RestoreOptions::default(), go_on).await.unwrap();
            let newest = other.value("SELECT max(revision)::text FROM extensions").await;
            assert!(newest.parse::<i64>().unwrap() <= written.revision);
        }
        is_over.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.await.unwrap();
        }
    }
}
