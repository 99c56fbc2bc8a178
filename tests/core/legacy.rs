//! The programs that were there before: their statements run as they are, and their own audit entries
//! neither double nor break the log.

use chrono::TimeDelta;
use registry::health::{HealthPoint, HealthRange, HealthSeriesRequest, HealthSource};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection, Row};
use system_tests::database::TestDatabase as Database;
use system_tests::on_each_server;
use system_tests::reading::list_entries;

/// A former owner's login, after the registry was adopted.
async fn legacy_login(database: &Database) -> PgConnection {
    let name = database.value("SELECT current_database()").await;
    let login = format!("{name}_router");
    database
        .execute(&format!(
            "CREATE ROLE {login} LOGIN PASSWORD 'test';
             GRANT ALL ON DATABASE {name} TO {login}; GRANT ALL ON SCHEMA public TO {login}"
        ))
        .await;
    let options = database.superuser().username(&login).password("test");
    let mut owner = options.connect().await.unwrap();
    sqlx::raw_sql(crate::migrations::TABLES_BY_HAND)
        .execute(&mut owner)
        .await
        .unwrap();
    owner.close().await.unwrap();
    database.migrate().await;
    options.connect().await.unwrap()
}

/// What its `audit_log` sends after each change.
async fn audit(router: &mut PgConnection, id: &str, action: &str, changes: &str) {
    sqlx::query(
        "INSERT INTO extension_audit_log (extension_id, action, changed_by, changes)
           VALUES ($1, $2, $3, $4::text::jsonb)",
    )
    .bind(id)
    .bind(action)
    .bind("system")
    .bind(changes)
    .execute(router)
    .await
    .unwrap();
}

on_each_server! {
    async fn a_former_owners_health_statements_run_unchanged_and_show_up_in_the_charts(database: TestDatabase) {
        let mut router = legacy_login(&database).await;
        // As a program counts that has the tables to itself: prepared, in its own time zone, one row at a time.
        sqlx::query("SET TIME ZONE 'Europe/Berlin'").execute(&mut router).await.unwrap();
        sqlx::query(
            "INSERT INTO extensions (id, type, subject, timeout_ms, retry, config)
               VALUES ($1, $2, $3, $4, $5, $6::text::jsonb) RETURNING id",
        )
        .bind("new")
        .bind("pre")
        .bind("beamline.ext.pre.new.v1")
        .bind(5000)
        .bind(1)
        .bind("{}")
        .fetch_one(&mut router)
        .await
        .unwrap();
        for latency_ms in [4.0, 6.0, 20.0] {
            for id in ["kept", "new"] {
                sqlx::query(
                    "INSERT INTO extension_health (extension_id, success_count, avg_latency_ms, last_success) VALUES ($1, 1, $2, NOW())
                     ON CONFLICT (extension_id) DO UPDATE SET
                         avg_latency_ms = (extension_health.avg_latency_ms * extension_health.success_count + EXCLUDED.avg_latency_ms)
                             / (extension_health.success_count + 1),
                         success_count = extension_health.success_count + 1, last_success = NOW(), updated_at = NOW()",
                )
                .bind(id)
                .bind(latency_ms)
                .execute(&mut router)
                .await
                .unwrap();
            }
        }
        let failed = sqlx::query(
            "UPDATE extension_health SET failure_count = failure_count + 1, last_failure = NOW(), updated_at = NOW() WHERE extension_id = $1",
        )
        .bind("kept")
        .execute(&mut router)
        .await
        .unwrap();
        assert_eq!(failed.rows_affected(), 1);
        let counters = sqlx::query("SELECT success_count, failure_count FROM extension_health WHERE extension_id = $1")
            .bind("kept")
            .fetch_one(&mut router)
            .await
            .unwrap();
        assert_eq!((counters.get::<i64, _>(0), counters.get::<i64, _>(1)), (15, 1));
        router.close().await.unwrap();

        // What was counted before it was adopted is in the counters alone: when it was, nobody knows.
        let registry = database.registry().await;
        let range = HealthRange::last(TimeDelta::minutes(15));
        let overview = registry.health_overview(range).await.unwrap();
        let shown: Vec<_> = overview
            .rows
            .iter()
            .map(|row| (row.extension_id.as_str(), row.success_count, row.failure_count, row.success_counts.iter().sum::<u32>()))
            .collect();
        assert_eq!(shown, [("new", 3, 0, 3), ("kept", 3, 1, 3)], "what is on comes first");
        let request = HealthSeriesRequest {
            extension_ids: vec!["kept".into(), "new".into()],
            range,
            points_max: 60,
            source: HealthSource::Traffic,
        };
        let series = registry.health_series(&request).await.unwrap();
        for (series, failures) in series.iter().zip([1, 0]) {
            assert_eq!((series.total.success_count, series.total.failure_count), (3, failures));
            assert!((series.total.max_ms.unwrap() - 20.0).abs() < 0.01, "{series:?}");
            let is_now = |point: &HealthPoint| point.started_at >= series.range.from && point.started_at < series.range.until;
            assert!(series.points.iter().all(is_now), "in the time zone of nobody: {series:?}");
        }
    }

    async fn a_former_owners_statements_run_unchanged_with_one_entry_a_change(database: TestDatabase) {
        let mut router = legacy_login(&database).await;

        let loaded = sqlx::query(
            "SELECT id, type, subject, timeout_ms, retry, enabled, config, metadata
           FROM extensions WHERE enabled = true ORDER BY type, id",
        )
        .fetch_all(&mut router)
        .await
        .unwrap();
        assert_eq!(loaded.len(), 0, "the one that there is is off");

        let created = sqlx::query(
            "INSERT INTO extensions (id, type, subject, timeout_ms, retry, config)
                   VALUES ($1, $2, $3, $4, $5, $6::text::jsonb) RETURNING id",
        )
        .bind("new")
        .bind("pre")
        .bind("beamline.ext.pre.new.v1")
        .bind(5000)
        .bind(1)
        .bind("{\"a\": 1}")
        .fetch_one(&mut router)
        .await
        .unwrap();
        assert_eq!(created.get::<String, _>(0), "new");
        audit(&mut router, "new", "created", "{\"id\": \"new\"}").await;

        let updated = sqlx::query("UPDATE extensions SET timeout_ms = $1, retry = $2, updated_at = NOW() WHERE id = $3")
            .bind(700)
            .bind(2)
            .bind("new")
            .execute(&mut router)
            .await
            .unwrap();
        assert_eq!(updated.rows_affected(), 1);
        audit(&mut router, "new", "updated", "{\"timeout_ms\": 700}").await;

        for (enabled, action) in [(false, "disabled"), (true, "enabled")] {
            let switched = sqlx::query("UPDATE extensions SET enabled = $1, updated_at = NOW() WHERE id = $2")
                .bind(enabled)
                .bind("new")
                .execute(&mut router)
                .await
                .unwrap();
            assert_eq!(switched.rows_affected(), 1);
            audit(&mut router, "new", action, "{\"enabled\": true}").await;
        }

        let listed = sqlx::query(
            "SELECT id, type, subject, timeout_ms, retry, enabled, created_at
           FROM extensions ORDER BY type, id",
        )
        .fetch_all(&mut router)
        .await
        .unwrap();
        assert_eq!(listed.len(), 2);
        let of_type = sqlx::query(
            "SELECT id, type, subject, timeout_ms, retry, enabled, created_at
           FROM extensions WHERE type = $1 ORDER BY id",
        )
        .bind("post")
        .fetch_all(&mut router)
        .await
        .unwrap();
        assert_eq!(of_type[0].get::<String, _>("id"), "kept");
        let one = sqlx::query(
            "SELECT id, type, subject, timeout_ms, retry, enabled, config, metadata
           FROM extensions WHERE id = $1",
        )
        .bind("new")
        .fetch_one(&mut router)
        .await
        .unwrap();
        assert_eq!(one.get::<i32, _>("timeout_ms"), 700);
        let health = sqlx::query(
            "SELECT extension_id, last_success, last_failure, failure_count, success_count, avg_latency_ms
           FROM extension_health WHERE extension_id = $1",
        )
        .bind("kept")
        .fetch_one(&mut router)
        .await
        .unwrap();
        assert_eq!(health.get::<i64, _>("success_count"), 12);

        let deleted = sqlx::query("DELETE FROM extensions WHERE id = $1")
            .bind("new")
            .execute(&mut router)
            .await
            .unwrap();
        assert_eq!(deleted.rows_affected(), 1);
        audit(&mut router, "new", "deleted", "{}").await;
        let again = sqlx::query("DELETE FROM extensions WHERE id = $1")
            .bind("new")
            .execute(&mut router)
            .await
            .unwrap();
        assert_eq!(again.rows_affected(), 0, "which it takes for not found");
        router.close().await.unwrap();

        let registry = database.registry().await;
        let entries = list_entries(&registry).await.unwrap();
        let told: Vec<_> = entries.iter().rev().map(|entry| (entry.extension_id.as_str(), entry.action.name())).collect();
        assert_eq!(
            told,
            [("kept", "created"), ("new", "created"), ("new", "updated"), ("new", "disabled"), ("new", "enabled"), ("new", "deleted")],
            "the adopted entry, and one for each change"
        );
        let login = database.value("SELECT current_database()").await + "_router";
        assert!(entries[..5].iter().all(|entry| entry.changed_by.as_deref() == Some(&login)), "and not 'system'");
        assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
    }

    async fn an_entry_of_the_owners_own_is_not_taken_either(database: TestDatabase) {
        let registry = database.registry().await;
        for role in ["none", "registry_owner"] {
            database
                .execute(&format!("SET ROLE {role};
                    INSERT INTO extension_audit_log (extension_id, action, changed_by, changes) VALUES ('pii_guard', 'updated', 'system', '{{}}')"))
                .await;
            assert_eq!(list_entries(&registry).await.unwrap().len(), 0, "{role}");
        }
        let inserted = database
            .rows("INSERT INTO extension_audit_log (extension_id, action, revision, previous_hash, hash, hash_version, sealed_at)
                VALUES ('pii_guard', 'updated', 1, sha256(''), sha256(''), 2, now()) RETURNING id")
            .await;
        assert!(inserted.is_empty(), "nor a forged seal");
    }

    async fn a_trigger_of_ones_own_does_not_help(database: TestDatabase) {
        let mut router = legacy_login(&database).await;
        sqlx::raw_sql(
            "CREATE TABLE mine (id integer);
             CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN INSERT INTO public.extension_audit_log (extension_id, action, changed_by) VALUES ('kept', 'deleted', 'boss'); RETURN NULL; END $$;
             CREATE TRIGGER forge AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION forge();
             INSERT INTO mine VALUES (1)",
        )
        .execute(&mut router)
        .await
        .unwrap();
        router.close().await.unwrap();
        assert_eq!(database.value("SELECT count(*) FROM extension_audit_log").await, "1", "the adopted entry");
    }

    async fn a_row_that_only_legacy_entries_tell_of_can_be_edited(database: TestDatabase) {
        let router = legacy_login(&database).await;
        router.close().await.unwrap();
        let registry = database.registry().await;
        let seen = registry.get_extension("kept").await.unwrap();
        assert_eq!(seen.revision, 1, "the adopted entry's");
        database.execute("UPDATE extensions SET retry = 4 WHERE id = 'kept'").await;
        let patch = registry::extension_changes::ExtensionPatch { timeout_ms: Some(9), ..Default::default() };
        let merged = registry
            .update_extension("kept", seen.revision, &patch, &registry::ChangeContext::default())
            .await
            .unwrap();
        assert_eq!((merged.extension.retry, merged.extension.timeout_ms), (4, 9));
    }
}
