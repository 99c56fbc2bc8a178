//! What these tests share: a registry with something of everything in it, and its content to compare.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use registry::backup::BackupProgress;
use registry::{ChangeContext, Registry};
use sqlx::postgres::PgConnectOptions;
use system_tests::database::{execute, rows};

/// Goes on whatever is told.
pub(crate) fn go_on(_: BackupProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Something in every table, by the ways that programs use, and then `entry_count` more audit entries, sealed one by one
/// as the seal does, but past the triggers: how they are made is not what is tested.
pub(crate) async fn fill(registry: &Registry, superuser: &PgConnectOptions, entry_count: u32) {
    let context =
        ChangeContext::with_reason(Some("tab\there, line\nthere, \\N and \\. and ü".into()));
    registry
        .set_extension_enabled("pii_guard", false, &context)
        .await
        .unwrap();
    execute(superuser, FILL).await.unwrap();
    execute(
        superuser,
        &ENTRIES.replace("ENTRY_COUNT", &entry_count.to_string()),
    )
    .await
    .unwrap();
}

const FILL: &str = r#"
    UPDATE extensions SET config = '{"rate": 1.00, "api_key": "planted-secret", "text": "ä\u2028\\"}' WHERE id = 'openai_gpt4';
    DELETE FROM extensions WHERE id = 'mask_sensitive_data';
    INSERT INTO extensions (id, type, subject) VALUES ('made', 'post', 'made.subject');
    SELECT record_health('pii_guard', n % 7 > 0, n * 0.1) FROM generate_series(1, 500) AS n;
    SELECT registry_record_health('{made}', '{t}', '{3.25}', '{2026-01-02 03:04:05Z}', 'test', gen_random_uuid());
    INSERT INTO configuration_schemas (extension_id, schema) VALUES ('made', '{"type": "object", "properties": {"pin": {"writeOnly": true}}}');
    INSERT INTO secret_names (name) VALUES ('house_number');
    UPDATE health_retention SET minutes_kept_days = 6;
    UPDATE health_thresholds SET p95_above_ms = 12.5 WHERE extension_type = 'pre';
    INSERT INTO health_thresholds (extension_id, silent_for_seconds) VALUES ('made', 600);
    INSERT INTO health_test_messages (extension_id, payload, check_every_seconds) VALUES ('made', '{"a":	1.0}', 60);
    INSERT INTO registry_tokens (hash, owner, role, purpose) VALUES (sha256('a'), 'anna', 'registry_editor', 'ä'), (sha256('b'), 'ben', 'registry_viewer', NULL);
    UPDATE registry_tokens SET revoked_at = clock_timestamp() WHERE owner = 'ben';
    SELECT registry_report_applied(gen_random_uuid(), 'router', 'host', '1', 3)"#;

const ENTRIES: &str = "
    ALTER TABLE extension_audit_log DISABLE TRIGGER USER;
    DO $$
    DECLARE
        head  registry_head;
        entry extension_audit_log;
    BEGIN
        SELECT * INTO head FROM registry_head FOR UPDATE;
        FOR n IN 1 .. ENTRY_COUNT LOOP
            entry := NULL;
            entry.id := nextval('extension_audit_log_id_seq');
            entry.extension_id := 'e' || n % 1000;
            entry.action := CASE WHEN n % 2 = 0 THEN 'enabled' ELSE 'disabled' END;
            entry.changed_by := 'user' || n % 40;
            entry.actor_source := 'login';
            entry.login := entry.changed_by;
            entry.client_address := CASE n % 3 WHEN 0 THEN '192.0.2.1'::inet WHEN 1 THEN '2001:db8::1/64'::inet END;
            entry.reason := CASE n % 5 WHEN 0 THEN E'tab\\t, line\\n, \\\\, ü ' || n END;
            entry.request_id := CASE n % 7 WHEN 0 THEN gen_random_uuid() END;
            entry.before := jsonb_build_object('enabled', n % 2 = 1, 'timeout_ms', 1.50);
            entry.after := jsonb_build_object('enabled', n % 2 = 0, 'timeout_ms', 1.50);
            entry.changes := '{\"enabled\": {}}';
            entry.timestamp := clock_timestamp();
            entry.hash_version := 2;
            entry.sealed_at := greatest(head.sealed_at, clock_timestamp());
            head.sealed_at := entry.sealed_at;
            head.revision := head.revision + 1;
            entry.revision := head.revision;
            entry.previous_hash := head.hash;
            head.hash := sha256(head.hash || convert_to(registry_entry_content(entry), 'UTF8'));
            entry.hash := head.hash;
            INSERT INTO extension_audit_log SELECT entry.*;
        END LOOP;
        UPDATE registry_head SET revision = head.revision, hash = head.hash, sealed_at = head.sealed_at;
        PERFORM registry_count_entries(head.revision);
    END
    $$;
    ALTER TABLE extension_audit_log ENABLE TRIGGER USER;
    ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_refuse_truncate;
    ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_seal_at_commit;
    ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_keep;
    ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_admit";

/// Every table of the schema, asked of the catalogue here too, partitions by themselves: rows and a hash of them all.
pub(crate) async fn content(superuser: &PgConnectOptions) -> BTreeMap<String, (String, String)> {
    let tables = rows(
        superuser,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> '_sqlx_migrations'",
    )
    .await;
    let mut contents = BTreeMap::new();
    for table in tables.into_iter().flatten().flatten() {
        let found = rows(
            superuser,
            &format!(
                "SET timezone = 'UTC'; SELECT count(*)::text, coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")), '') FROM public.{table} AS t"
            ),
        )
        .await
        .remove(0);
        let [count, hash] = <[_; 2]>::try_from(found).unwrap().map(Option::unwrap);
        contents.insert(table, (count, hash));
    }
    contents
}

/// How every guard of the tables is set.
pub(crate) async fn guards(superuser: &PgConnectOptions) -> Vec<Vec<Option<String>>> {
    rows(
        superuser,
        "SELECT tgrelid::regclass::text, tgname::text, tgenabled::text FROM pg_trigger
         WHERE NOT tgisinternal ORDER BY 1, 2",
    )
    .await
}

/// Takes everything away, as a lost disk would.
pub(crate) async fn wipe(superuser: &PgConnectOptions) {
    execute(
        superuser,
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC",
    )
    .await
    .unwrap();
}
