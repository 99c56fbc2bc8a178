//! The schema on an empty database, on one that was set up by hand before, and by many at once.

use std::time::Instant;

use registry::{ChangeContext, Error, ErrorCode, migrations};
use serde_json::json;
use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions, Connection};
use system_tests::database::{TestDatabase, execute};
use system_tests::faults;
use system_tests::on_each_server;
use system_tests::reading::list_extensions;

/// The tables as programs before this one made them by hand, with their defects.
pub(crate) const TABLES_BY_HAND: &str = "\
    CREATE TABLE extensions (
        id VARCHAR(255) PRIMARY KEY,
        type VARCHAR(50) NOT NULL CHECK (type IN ('pre', 'validator', 'post', 'provider')),
        subject VARCHAR(255) NOT NULL UNIQUE,
        timeout_ms INTEGER NOT NULL DEFAULT 5000,
        retry INTEGER NOT NULL DEFAULT 1,
        enabled BOOLEAN NOT NULL DEFAULT true,
        config JSONB DEFAULT '{}',
        metadata JSONB DEFAULT '{}',
        created_at TIMESTAMP DEFAULT NOW(),
        updated_at TIMESTAMP DEFAULT NOW()
    );
    CREATE INDEX idx_extensions_type ON extensions(type) WHERE enabled = true;
    CREATE INDEX idx_extensions_subject ON extensions(subject);
    CREATE TABLE extension_audit_log (
        id SERIAL PRIMARY KEY,
        extension_id VARCHAR(255) NOT NULL REFERENCES extensions(id) ON DELETE CASCADE,
        action VARCHAR(50) NOT NULL CHECK (action IN ('created', 'updated', 'deleted', 'enabled', 'disabled')),
        changed_by VARCHAR(255),
        changes JSONB,
        timestamp TIMESTAMP DEFAULT NOW()
    );
    CREATE INDEX idx_audit_extension_id ON extension_audit_log(extension_id);
    CREATE INDEX idx_audit_timestamp ON extension_audit_log(timestamp DESC);
    CREATE TABLE extension_health (
        extension_id VARCHAR(255) PRIMARY KEY REFERENCES extensions(id) ON DELETE CASCADE,
        last_success TIMESTAMP,
        last_failure TIMESTAMP,
        failure_count INTEGER DEFAULT 0,
        success_count INTEGER DEFAULT 0,
        avg_latency_ms FLOAT DEFAULT 0,
        updated_at TIMESTAMP DEFAULT NOW()
    );
    INSERT INTO extensions (id, type, subject, timeout_ms, retry, enabled, config, created_at, updated_at) VALUES
        ('kept', 'post', 'subject.kept', 7, 3, false, '{\"rate\": 1.00}', '2026-01-02 03:04:05.678', NULL);
    INSERT INTO extension_audit_log (extension_id, action, changed_by, changes, timestamp) VALUES
        ('kept', 'created', 'system', '{\"retry\": 3}', '2026-01-02 03:04:06');
    INSERT INTO extension_health (extension_id, last_success, success_count, avg_latency_ms) VALUES
        ('kept', '2026-01-03 00:00:00', 12, 3.5);";

/// Everything that adoption must not lose, as text.
const CONTENT: &str = "\
    SELECT jsonb_build_object(
        'extensions', (SELECT jsonb_agg(to_jsonb(extensions) ORDER BY id) FROM extensions),
        'audit', (SELECT jsonb_agg(to_jsonb(extension_audit_log) ORDER BY id) FROM extension_audit_log),
        'health', (SELECT jsonb_agg(to_jsonb(extension_health)) FROM extension_health))::text";

/// Who owns what belongs to the registry.
const OWNERS: &str = "
    SELECT string_agg(DISTINCT owner::regrole::text, ' ') FROM (
        SELECT relowner AS owner FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> '_sqlx_migrations'
        UNION ALL
        SELECT proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'registry%'
    ) AS owned";

on_each_server! {
    async fn an_empty_database_gets_the_six_standard_extensions(database: TestDatabase) {
        let registry = database.registry().await;
        let extensions = list_extensions(&registry).await.unwrap();
        let ids: Vec<_> = extensions.iter().map(|extension| extension.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "mask_sensitive_data",
                "normalize_text",
                "anthropic_claude",
                "mock_provider",
                "openai_gpt4",
                "pii_guard",
            ]
        );
        let guard = extensions.last().unwrap();
        assert_eq!(guard.subject, "beamline.ext.validate.pii_guard.v1");
        assert_eq!((guard.timeout_ms, guard.retry, guard.enabled), (200, 1, true));
    }

    async fn a_database_made_by_hand_is_adopted_without_loss(database: TestDatabase) {
        database.execute(TABLES_BY_HAND).await;
        let registry = database.registry().await;

        let extensions = list_extensions(&registry).await.unwrap();
        assert_eq!(extensions.len(), 1, "extensions that its owner doesn't have do not appear");
        let kept = &extensions[0];
        assert_eq!((kept.timeout_ms, kept.retry, kept.enabled), (7, 3, false));
        assert_eq!(kept.created_at.unwrap().to_rfc3339(), "2026-01-02T03:04:05.678+00:00");
        assert_eq!(kept.updated_at, None);
        assert_eq!(database.value("SELECT config::text FROM extensions").await, r#"{"rate": 1.00}"#);

        let health = registry.list_health().await.unwrap();
        assert_eq!((health[0].success_count, health[0].avg_latency_ms), (12, Some(3.5)));

        let content = database.value(CONTENT).await;
        database.migrate().await;
        assert_eq!(database.value(CONTENT).await, content, "a second run changes nothing");
    }

    async fn a_large_database_made_by_hand_is_adopted_row_for_row(database: TestDatabase) {
        database.execute(TABLES_BY_HAND).await;
        database
            .execute("INSERT INTO extensions (id, type, subject, timeout_ms, retry, enabled, config, metadata, created_at)
                SELECT 'e' || n, (ARRAY['pre', 'validator', 'post', 'provider'])[n % 4 + 1], 's.' || n, n, n % 9, n % 3 > 0,
                       jsonb_build_object('n', n, 'text', repeat('x', n % 50)), CASE WHEN n % 5 > 0 THEN jsonb_build_object('owner', n) END,
                       timestamp '2026-01-01' + n * interval '1 minute'
                FROM generate_series(2, 1000) AS n;
                INSERT INTO extension_audit_log (extension_id, action, changed_by, changes, timestamp)
                SELECT 'e' || n % 999 + 2, 'updated', CASE WHEN n % 7 > 0 THEN 'system' END, jsonb_build_object('retry', n),
                       timestamp '2026-02-01' + n * interval '1 second'
                FROM generate_series(2, 10000) AS n;
                INSERT INTO extension_health (extension_id, success_count, failure_count)
                SELECT 'e' || n, n, n % 10 FROM generate_series(2, 1000) AS n")
            .await;
        // Times are read as UTC, which the fold into text says too.
        let content = "SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
            SELECT concat_ws('|', 'x', id, type, subject, timeout_ms, retry, enabled, config, metadata, to_char(created_at, 'YYYYMMDDHH24MISSUS')) FROM extensions
            UNION ALL SELECT concat_ws('|', 'a', id, extension_id, action, changed_by, changes, to_char(timestamp, 'YYYYMMDDHH24MISSUS')) FROM extension_audit_log
            UNION ALL SELECT concat_ws('|', 'h', extension_id, success_count, failure_count) FROM extension_health) AS lines (line)";
        let before = database.value(content).await;
        let registry = database.registry().await;
        let in_utc = format!("SET timezone = 'UTC'; {content}");
        assert_eq!(database.value(&in_utc).await, before, "nothing is lost or changed");
        assert_eq!(list_extensions(&registry).await.unwrap().len(), 1000);
        let verification = registry.verify_audit_log().await.unwrap();
        assert_eq!((verification.fault, verification.entry_count), (None, 10_000));
        let whole = "SELECT md5((SELECT string_agg(extensions::text, '' ORDER BY id) FROM extensions)
            || (SELECT string_agg(log::text, '' ORDER BY id) FROM extension_audit_log AS log))";
        let adopted = database.value(whole).await;
        database.migrate().await;
        assert_eq!(database.value(whole).await, adopted, "a second run changes nothing");
    }

    async fn times_without_a_zone_are_read_in_the_zone_that_is_named(database: TestDatabase) {
        database.execute(TABLES_BY_HAND).await;
        let name = database.value("SELECT current_database()").await;
        database
            .execute(&format!("ALTER DATABASE {name} SET registry.legacy_time_zone = 'Europe/Berlin'"))
            .await;
        let registry = database.registry().await;
        let kept = registry.get_extension("kept").await.unwrap();
        assert_eq!(kept.created_at.unwrap().to_rfc3339(), "2026-01-02T02:04:05.678+00:00");
    }

    async fn many_programs_at_once_apply_each_migration_once(database: TestDatabase) {
        let options = database.superuser();
        let programs: Vec<_> = (0..8)
            .map(|_| {
                let options = options.clone();
                tokio::spawn(async move { migrations::migrate(&options).await })
            })
            .collect();
        let begun_at = Instant::now();
        for program in programs {
            program.await.unwrap().unwrap();
        }
        let took = begun_at.elapsed();
        let applied = database.value("SELECT count(*) FROM _sqlx_migrations").await;
        assert_eq!(applied, migrations::count().to_string());
        faults::report(
            "8 programs migrate at once",
            json!({ "applied": migrations::count(), "took_ms": took.as_millis() }),
        );
        assert_eq!(database.value("SELECT count(*) FROM extensions").await, "6");
    }

    async fn a_failing_migration_changes_nothing_and_leaves_no_lock(database: TestDatabase) {
        // A view of that name is in the way of the table that the first migration makes.
        database.execute("CREATE VIEW extension_audit_log AS SELECT 1 AS id").await;
        let error = migrations::migrate(&database.superuser()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::MigrationFailed);
        assert!(error.detail().unwrap().contains("extension_audit_log"), "{:?}", error.detail());
        assert_eq!(
            database.value("SELECT to_regclass('extensions') IS NULL").await,
            "t",
            "what the migration did before it failed is rolled back"
        );
        assert_eq!(
            database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").await,
            "0"
        );

        database.execute("DROP VIEW extension_audit_log").await;
        database.migrate().await;
        assert_eq!(database.value("SELECT count(*) FROM extensions").await, "6");
    }

    async fn a_registry_of_an_earlier_version_is_brought_up_to_date(database: TestDatabase) {
        let all = sqlx::migrate!("../migrations");
        let earlier: Vec<_> = all.iter().filter(|migration| (1..=6).contains(&migration.version)).cloned().collect();
        let earlier = Migrator { migrations: earlier.into(), ..Migrator::DEFAULT };
        let pool = sqlx::PgPool::connect_with(database.superuser()).await.unwrap();
        earlier.run(&pool).await.unwrap();
        pool.close().await;
        database.execute("UPDATE extensions SET retry = 7 WHERE id = 'pii_guard'").await;
        let registry = database.registry().await;
        registry
            .set_extension_enabled("pii_guard", false, &ChangeContext::default())
            .await
            .unwrap();
        let verification = registry.verify_audit_log().await.unwrap();
        assert_eq!((verification.fault, verification.revision), (None, 2), "old entries keep their seal");
        assert_eq!(
            database.value("SELECT string_agg(hash_version::text, ' ' ORDER BY revision) FROM extension_audit_log").await,
            "1 2"
        );
        assert_eq!(database.value("SELECT count(*) FROM _sqlx_migrations").await, migrations::count().to_string());
    }

    async fn a_deadlock_with_a_program_in_use_is_no_failure(database: TestDatabase) {
        database.execute(TABLES_BY_HAND).await;
        let mut program = database.superuser().connect().await.unwrap();
        sqlx::raw_sql("SET deadlock_timeout = '30s'; BEGIN; LOCK TABLE extension_health")
            .execute(&mut program)
            .await
            .unwrap();
        let options = database.superuser();
        let migrating = tokio::spawn(async move { migrations::migrate(&options).await });
        // The migration holds a lock on another table and waits for this one.
        while database.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'extension_health'::regclass").await == "0" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        sqlx::raw_sql("LOCK TABLE extensions; COMMIT").execute(&mut program).await.unwrap();
        migrating.await.unwrap().unwrap();
        program.close().await.unwrap();
        assert_eq!(database.value("SELECT count(*) FROM _sqlx_migrations").await, migrations::count().to_string());
    }

    async fn a_newer_schema_is_refused_by_name(database: TestDatabase) {
        database.migrate().await;
        database
            .execute("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'from the future', true, '', 0)")
            .await;
        let error = migrations::migrate(&database.superuser()).await.unwrap_err();
        assert!(matches!(error, Error::SchemaNewer { version: 9999 }), "{error}");
    }

    async fn a_login_that_cannot_create_roles_still_migrates(database: TestDatabase) {
        let name = database.value("SELECT current_database()").await;
        let login = format!("{name}_plain");
        database
            .execute(&format!(
                "CREATE ROLE {login} LOGIN PASSWORD 'test';
                 GRANT ALL ON DATABASE {name} TO {login}; GRANT ALL ON SCHEMA public TO {login}"
            ))
            .await;
        let options = database.superuser().username(&login).password("test");
        migrations::migrate(&options).await.unwrap();
        let owner = database
            .value("SELECT tableowner FROM pg_tables WHERE tablename = 'extensions'")
            .await;
        assert_eq!(owner, login, "without the right to hand them over, the tables stay with it");
        assert_eq!(database.value(OWNERS).await, login, "all of them");
        execute(&options, "UPDATE extensions SET retry = 3").await.unwrap();
    }

    async fn a_member_of_the_owner_hands_everything_over(database: TestDatabase) {
        let other = TestDatabase::create(database.server()).await;
        other.migrate().await; // The roles exist.
        let name = database.value("SELECT current_database()").await;
        let login = format!("{name}_member");
        database
            .execute(&format!(
                "CREATE ROLE {login} LOGIN PASSWORD 'test'; GRANT registry_owner TO {login};
                 ALTER DATABASE {name} OWNER TO {login}"
            ))
            .await;
        migrations::migrate(&database.superuser().username(&login).password("test")).await.unwrap();
        assert_eq!(database.value(OWNERS).await, "registry_owner");
        assert_eq!(
            database.value("SELECT has_schema_privilege('registry_owner', 'public', 'CREATE')::text").await,
            "false",
            "the right to create was for the moment"
        );
        let registry = registry::Registry::connect(database.console()).await.unwrap();
        registry.set_extension_enabled("pii_guard", false, &ChangeContext::default()).await.unwrap();
    }
}
