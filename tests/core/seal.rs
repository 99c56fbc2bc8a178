//! The sealed chain: numbered without a gap in commit order, and no tampering without a trace, not even
//! by the tables' owner.

use std::time::{Duration, Instant};

use registry::anchors::Anchor;
use registry::verification::FaultKind;
use registry::{ChangeContext, Registry};
use serde_json::json;
use sqlx::{ConnectOptions, Connection};
use system_tests::database::{TestDatabase, execute};
use system_tests::faults;
use system_tests::on_each_server;

/// What the owner of the tables does first who wants to tamper with the log.
const WITHOUT_GUARD: &str = "ALTER TABLE extension_audit_log DISABLE TRIGGER ALL;";

async fn switch(registry: &Registry, times: usize) {
    for time in 0..times {
        registry
            .set_extension_enabled("pii_guard", time % 2 == 1, &ChangeContext::default())
            .await
            .unwrap();
    }
}

/// A registry with ten entries, and the anchor of its end.
async fn ten_entries(database: &TestDatabase) -> (Registry, Anchor) {
    let registry = database.registry().await;
    switch(&registry, 10).await;
    let anchor = registry.anchor().await.unwrap();
    assert_eq!(anchor.revision, 10);
    let whole = registry
        .verify_audit_log_against(std::slice::from_ref(&anchor))
        .await
        .unwrap();
    assert_eq!(
        (whole.fault, whole.entry_count, whole.anchor_count),
        (None, 10, 1)
    );
    (registry, anchor)
}

/// The kind of the first fault and where it shows, after the owner ran `statements`.
async fn fault_after(
    database: &TestDatabase,
    statements: &str,
    with_anchor: bool,
) -> Option<(FaultKind, i64)> {
    let (registry, anchor) = ten_entries(database).await;
    database
        .execute(&format!("{WITHOUT_GUARD} {statements}"))
        .await;
    let anchors = if with_anchor {
        vec![anchor]
    } else {
        Vec::new()
    };
    let verification = registry.verify_audit_log_against(&anchors).await.unwrap();
    let found = verification.fault.as_ref();
    faults::report(
        "log tampered with",
        json!({
            "by": statements,
            "found": found.map(|fault| format!("{:?}", fault.kind)),
            "revision": found.map(|fault| fault.revision),
        }),
    );
    verification.fault.map(|fault| (fault.kind, fault.revision))
}

on_each_server! {
    async fn an_edited_field_shows(database: TestDatabase) {
        let edit = "UPDATE extension_audit_log SET changed_by = 'another' WHERE revision = 4";
        assert_eq!(fault_after(&database, edit, false).await, Some((FaultKind::ContentChanged, 4)));
    }

    async fn an_edited_time_shows(database: TestDatabase) {
        let edit = "UPDATE extension_audit_log SET timestamp = timestamp + interval '1 us' WHERE revision = 4";
        assert_eq!(fault_after(&database, edit, false).await, Some((FaultKind::ContentChanged, 4)));
    }

    async fn a_long_log_tells_how_far_it_is_and_can_be_stopped(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute(
                "DO $$ BEGIN
                     FOR n IN 1..4500 LOOP
                         UPDATE extensions SET timeout_ms = 1000 + n WHERE id = 'pii_guard';
                     END LOOP;
                 END $$",
            )
            .await;
        let mut told = Vec::new();
        let whole = registry
            .verify_audit_log_telling(|progress| told.push(progress))
            .await
            .unwrap();
        assert_eq!(whole.fault, None);
        let counts: Vec<i64> = told.iter().map(|progress| progress.entry_count).collect();
        assert_eq!(counts, [2_000, 4_000]);
        assert!(told.iter().all(|progress| progress.total == whole.revision));

        // A future that is dropped half way leaves a pool that can be used.
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        tokio::select! {
            biased;
            _ = told.recv() => {}
            _ = registry.verify_audit_log_telling(|progress| tell.send(progress).unwrap()) => {}
        }
        assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
    }

    async fn reordered_entries_show(database: TestDatabase) {
        let reorder = "UPDATE extension_audit_log SET revision = 100 WHERE revision = 4;
            UPDATE extension_audit_log SET revision = 4 WHERE revision = 5;
            UPDATE extension_audit_log SET revision = 5 WHERE revision = 100";
        assert_eq!(fault_after(&database, reorder, false).await, Some((FaultKind::LinkBroken, 4)));
    }

    async fn a_deleted_entry_in_the_middle_shows(database: TestDatabase) {
        let delete = "DELETE FROM extension_audit_log WHERE revision = 4";
        assert_eq!(fault_after(&database, delete, false).await, Some((FaultKind::EntryMissing, 4)));
    }

    async fn an_entry_put_in_past_the_seal_shows(database: TestDatabase) {
        let insert = "INSERT INTO extension_audit_log (extension_id, action) VALUES ('pii_guard', 'updated')";
        assert_eq!(fault_after(&database, insert, false).await, Some((FaultKind::EntryUnsealed, 1)));
    }

    async fn what_can_be_no_entry_does_not_get_in_without_the_triggers_either(database: TestDatabase) {
        ten_entries(&database).await;
        let superuser = database.superuser();
        database.execute("ALTER TABLE extension_audit_log DISABLE TRIGGER ALL").await;
        let insert = |change: &str| {
            format!("INSERT INTO extension_audit_log SELECT (jsonb_populate_record(entry, '{change}')).*
                     FROM extension_audit_log AS entry WHERE revision = 4")
        };
        let nothing = r#"{"id": 1000, "revision": null, "previous_hash": null, "hash": null, "hash_version": null, "sealed_at": null"#;
        for (number, change) in [
            r#""action": "renamed""#,
            r#""actor_source": "guessed""#,
            r#""changed_by": null"#,
            r#""changes": null"#,
            r#""timestamp": null"#,
            r#""before": null"#,
            r#""after": null"#,
            r#""action": "created""#,
            r#""action": "deleted""#,
            r#""revision": 11"#,
            r#""hash_version": 2"#,
            r#""sealed_at": "2026-01-01""#,
            r#""hash": "\\x00""#,
            r#""previous_hash": "\\x00""#,
        ].iter().enumerate() {
            let unsealed = insert(&format!("{nothing}, {change}}}"));
            // As it was sealed, with one field wrong.
            let sealed = insert(&format!(r#"{{"id": {}, "revision": {}, {change}}}"#, 2000 + number, 100 + number));
            let statements = match change.split('"').nth(1).unwrap() {
                "revision" => vec![unsealed, insert(r#"{"id": 1000, "revision": 0}"#)],
                "hash_version" => vec![unsealed, insert(r#"{"id": 1000, "revision": 11, "hash_version": 1}"#)],
                "sealed_at" => vec![unsealed, insert(r#"{"id": 1000, "revision": 11, "sealed_at": null}"#)],
                _ => vec![unsealed, sealed],
            };
            for statement in statements {
                let error = execute(&superuser, &statement).await.unwrap_err();
                let error = error.as_database_error().unwrap();
                assert_eq!(error.constraint(), Some("extension_audit_log_entry"), "{statement}: {error}");
            }
        }
        execute(&superuser, &insert(&format!("{nothing}}}"))).await.unwrap();
        let legacy = r#"{"id": 1001, "revision": 11, "actor_source": "legacy", "changed_by": null, "before": null, "after": null, "changes": null}"#;
        execute(&superuser, &insert(legacy)).await.unwrap();
    }

    async fn a_deleted_end_shows_by_the_head(database: TestDatabase) {
        let delete = "DELETE FROM extension_audit_log WHERE revision > 8";
        assert_eq!(fault_after(&database, delete, false).await, Some((FaultKind::HeadMismatch, 9)));
    }

    async fn a_deleted_end_with_the_head_moved_back_shows_by_the_anchor_alone(database: TestDatabase) {
        let delete = "DELETE FROM extension_audit_log WHERE revision > 8;
            UPDATE registry_head SET (revision, hash) =
                (SELECT revision, hash FROM extension_audit_log ORDER BY revision DESC LIMIT 1)";
        assert_eq!(fault_after(&database, delete, true).await, Some((FaultKind::EndCutOff, 9)));
    }

    async fn without_an_anchor_a_deleted_end_can_not_show(database: TestDatabase) {
        // The limit that the documentation states.
        let delete = "DELETE FROM extension_audit_log WHERE revision > 8;
            UPDATE registry_head SET (revision, hash) =
                (SELECT revision, hash FROM extension_audit_log ORDER BY revision DESC LIMIT 1)";
        assert_eq!(fault_after(&database, delete, false).await, None);
    }

    async fn a_log_written_anew_after_the_anchor_shows(database: TestDatabase) {
        let (registry, anchor) = ten_entries(&database).await;
        database
            .execute(&format!(
                "{WITHOUT_GUARD}
                DELETE FROM extension_audit_log WHERE revision > 8;
                UPDATE registry_head SET (revision, hash) =
                    (SELECT revision, hash FROM extension_audit_log ORDER BY revision DESC LIMIT 1);
                ALTER TABLE extension_audit_log ENABLE TRIGGER ALL;
                ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_seal_at_commit"
            ))
            .await;
        switch(&registry, 4).await;
        let fault = registry.verify_audit_log_against(&[anchor]).await.unwrap().fault.unwrap();
        assert_eq!((fault.kind, fault.revision), (FaultKind::AnchorMismatch, 10));
    }

    async fn what_came_since_is_verified_from_where_the_log_was_verified_to(database: TestDatabase) {
        let (registry, noted) = ten_entries(&database).await;
        switch(&registry, 4).await;
        let since = registry.verify_audit_log_since(&noted, |_| {}).await.unwrap();
        assert_eq!((since.fault, since.revision, since.entry_count), (None, 14, 14));
        let end = registry.anchor().await.unwrap();
        assert_eq!((since.registry_id, since.hash), (end.registry_id.clone(), end.hash.clone()));
        let nothing_new = registry.verify_audit_log_since(&end, |_| {}).await.unwrap();
        assert_eq!((nothing_new.fault, nothing_new.entry_count), (None, 14));

        let fault = async |statements: &str, noted: &Anchor| {
            database.execute(&format!("{WITHOUT_GUARD} {statements}")).await;
            let found = registry.verify_audit_log_since(noted, |_| {}).await.unwrap().fault;
            found.map(|fault| (fault.kind, fault.revision))
        };
        // The limit that is stated: what was verified before is not looked at again.
        let edit = "UPDATE extension_audit_log SET changed_by = 'another' WHERE revision = 4";
        assert_eq!(fault(edit, &noted).await, None);
        let whole = registry.verify_audit_log().await.unwrap().fault.unwrap();
        assert_eq!((whole.kind, whole.revision), (FaultKind::ContentChanged, 4), "the whole shows it");
        let edit = "UPDATE extension_audit_log SET changed_by = 'another' WHERE revision = 12";
        assert_eq!(fault(edit, &noted).await, Some((FaultKind::ContentChanged, 12)));
        let other = Anchor { hash: "00".repeat(32), ..noted.clone() };
        assert_eq!(fault("SELECT 1", &other).await, Some((FaultKind::AnchorMismatch, 10)));
        let elsewhere = Anchor { registry_id: "another".into(), ..noted.clone() };
        assert_eq!(fault("SELECT 1", &elsewhere).await, Some((FaultKind::OtherRegistry, 10)));
        let cut_off = "DELETE FROM extension_audit_log WHERE revision > 8;
            UPDATE registry_head SET (revision, hash) =
                (SELECT revision, hash FROM extension_audit_log ORDER BY revision DESC LIMIT 1)";
        assert_eq!(fault(cut_off, &noted).await, Some((FaultKind::EndCutOff, 9)));
    }

    async fn a_wiped_log_shows_by_the_anchor(database: TestDatabase) {
        let wipe = "DELETE FROM extension_audit_log; DELETE FROM registry_head;
            INSERT INTO registry_head (registry_id, hash)
            SELECT id, sha256(convert_to(id::text, 'UTF8')) FROM gen_random_uuid() AS id";
        assert_eq!(fault_after(&database, wipe, true).await, Some((FaultKind::OtherRegistry, 10)));
    }

    async fn a_sealed_entry_can_not_be_changed_or_removed(database: TestDatabase) {
        let (_registry, _anchor) = ten_entries(&database).await;
        for statement in [
            "UPDATE extension_audit_log SET reason = 'x' WHERE revision = 3",
            "DELETE FROM extension_audit_log WHERE revision = 3",
        ] {
            let error = execute(&database.superuser(), statement).await.unwrap_err();
            assert!(error.to_string().contains("sealed"), "{statement}: {error}");
        }
    }

    async fn no_login_moves_the_head_or_a_rows_revision(database: TestDatabase) {
        let (registry, _anchor) = ten_entries(&database).await;
        for statement in [
            "UPDATE public.registry_head SET revision = 0",
            "DELETE FROM public.registry_head",
            "SELECT public.registry_seal_entries(0)",
        ] {
            let error = execute(&database.console(), statement).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
        }
        execute(&database.console(), "UPDATE public.extensions SET revision = 99 WHERE id = 'pii_guard'")
            .await
            .unwrap();
        assert_eq!(registry.get_extension("pii_guard").await.unwrap().revision, 10);
        assert_eq!(registry.anchor().await.unwrap().revision, 10, "and nothing was changed by it");
    }

    async fn five_settings_of_a_session_verify_the_same(database: TestDatabase) {
        let registry = database.registry().await;
        let settings = [
            "SET timezone = 'Asia/Kathmandu'; SET datestyle = 'German'",
            "SET timezone = 'America/St_Johns'; SET datestyle = 'SQL, DMY'",
            "SET timezone = 'UTC'; SET datestyle = 'Postgres, MDY'",
            "SET timezone = 'Europe/Berlin'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -5",
            "SET timezone = 'Pacific/Chatham'; SET bytea_output = 'escape'; SET lc_numeric = 'C'",
        ];
        for (number, setting) in settings.iter().enumerate() {
            database
                .execute(&format!("{setting}; UPDATE extensions SET retry = {number} + 2 WHERE id = 'pii_guard'"))
                .await;
        }
        let name = database.value("SELECT current_database()").await;
        for setting in ["timezone = 'Asia/Tokyo'", "datestyle = 'German'", "bytea_output = 'escape'"] {
            database.execute(&format!("ALTER DATABASE {name} SET {setting}")).await;
            let reader = Registry::connect(database.console()).await.unwrap();
            let verification = reader.verify_audit_log_against(&[]).await.unwrap();
            assert_eq!((verification.fault, verification.entry_count), (None, 5), "{setting}");
        }
        drop(registry);
    }

    async fn many_writers_make_one_chain_without_a_fork_or_a_gap(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'w' || n, 'pre', 's.' || n FROM generate_series(0, 7) AS n")
            .await;
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let registry = registry.clone();
                tokio::spawn(async move {
                    for time in 0..50 {
                        registry
                            .set_extension_enabled(&format!("w{writer}"), time % 2 == 1, &ChangeContext::default())
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let verification = registry.verify_audit_log_against(&[]).await.unwrap();
        assert_eq!((verification.fault, verification.revision), (None, 8 + 8 * 50));
        let unequal = database
            .value("SELECT count(*) FROM extensions WHERE revision <> coalesce(
                (SELECT max(revision) FROM extension_audit_log WHERE extension_id = extensions.id), 0)")
            .await;
        assert_eq!(unequal, "0", "each row has the revision of its newest entry");
    }

    async fn an_open_transaction_holds_nobody_up(database: TestDatabase) {
        let registry = database.registry().await;
        let mut idle = database.console().connect().await.unwrap();
        sqlx::raw_sql("BEGIN; UPDATE public.extensions SET retry = 9 WHERE id = 'mock_provider'")
            .execute(&mut idle)
            .await
            .unwrap();
        let started_at = Instant::now();
        switch(&registry, 2).await;
        // Far above what it takes, far below the 10 s after which a lock would give up.
        assert!(started_at.elapsed() < Duration::from_secs(5));
        sqlx::raw_sql("COMMIT").execute(&mut idle).await.unwrap();
        idle.close().await.unwrap();
        let order = database.rows("SELECT extension_id FROM extension_audit_log ORDER BY revision").await;
        assert_eq!(
            order.concat(),
            ["pii_guard", "pii_guard", "mock_provider"].map(|id| Some(id.to_owned())),
            "revisions are in the order of the commits"
        );
    }

    async fn a_rolled_back_change_leaves_no_gap(database: TestDatabase) {
        let registry = database.registry().await;
        switch(&registry, 1).await;
        database.execute("BEGIN; UPDATE extensions SET retry = 9; ROLLBACK").await;
        switch(&registry, 2).await;
        let verification = registry.verify_audit_log_against(&[]).await.unwrap();
        assert_eq!((verification.fault, verification.revision), (None, 2));
    }

    async fn one_statement_on_many_rows_is_sealed_whole(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 's.' || n FROM generate_series(1, 2000) AS n")
            .await;
        database.execute("UPDATE extensions SET enabled = false WHERE id LIKE 'e%'").await;
        let verification = registry.verify_audit_log_against(&[]).await.unwrap();
        assert_eq!((verification.fault, verification.revision), (None, 4000));
    }

    async fn a_commit_tells_its_revision_to_listeners(database: TestDatabase) {
        let registry = database.registry().await;
        let mut listener = sqlx::postgres::PgListener::connect_with(
            &sqlx::postgres::PgPoolOptions::new().connect_with(database.console()).await.unwrap(),
        )
        .await
        .unwrap();
        listener.listen("registry_changed").await.unwrap();
        switch(&registry, 1).await;
        let notification = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await.unwrap();
        assert_eq!(notification.unwrap().payload(), "1");
    }

    async fn entries_from_before_the_seal_begin_the_chain(database: TestDatabase) {
        database
            .execute("CREATE TABLE extension_audit_log (
                id SERIAL PRIMARY KEY, extension_id VARCHAR(255) NOT NULL,
                action VARCHAR(50) NOT NULL, changed_by VARCHAR(255), changes JSONB, timestamp TIMESTAMP DEFAULT NOW());
                INSERT INTO extension_audit_log (extension_id, action, changed_by)
                SELECT 'pii_guard', 'updated', 'system' FROM generate_series(1, 100)")
            .await;
        let registry = database.registry().await;
        let verification = registry.verify_audit_log_against(&[]).await.unwrap();
        assert_eq!((verification.fault, verification.revision), (None, 100));
        assert_eq!(registry.get_extension("pii_guard").await.unwrap().revision, 100);
    }
}
