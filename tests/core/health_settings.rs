//! How long history is kept, limits, sample traffic, and who may do what of it.

use chrono::{TimeDelta, Utc};
use registry::extensions::ExtensionType;
use registry::health::{
    HealthLimits, HealthRange, HealthRetention, HealthSample, HealthSource, HealthState,
    HealthTrouble, HealthWatch,
};
use registry::schemas::SchemaScope;
use registry::{ErrorCode, Registry};
use sqlx::{ConnectOptions, Connection};
use system_tests::database::execute;
use system_tests::on_each_server;

async fn called(registry: &Registry, id: &str, days_ago: i64) {
    let sample = HealthSample {
        extension_id: id.into(),
        ok: true,
        latency_ms: Some(1.0),
        at: Utc::now() - TimeDelta::days(days_ago),
    };
    registry
        .record_health_samples(&[sample], HealthSource::Traffic, None)
        .await
        .unwrap();
}

const STEPS: &str = "SELECT string_agg(step_minutes::text, ',' ORDER BY step_minutes, started_at) FROM extension_health_history";

on_each_server! {
    async fn what_is_older_than_it_is_kept_goes(database: TestDatabase) {
        let registry = database.registry().await;
        for days_ago in [0, 6, 30, 200] {
            called(&registry, "pii_guard", days_ago).await;
        }
        assert_eq!(registry.prune_health().await.unwrap(), 3 * 2 + 2);
        assert_eq!(database.value(STEPS).await, "1,1,5,5,15,15,60,60,60,360,360,360,1440,1440,1440,1440");
        let retention = HealthRetention { minutes_kept_days: 1, hours_kept_days: 7, days_kept_days: Some(100) };
        registry.set_health_retention(retention).await.unwrap();
        assert_eq!(registry.health_retention().await.unwrap(), retention);
        registry.prune_health().await.unwrap();
        assert_eq!(database.value(STEPS).await, "1,5,15,60,60,360,360,1440,1440,1440");
        // All of it, of a deleted extension too, in more than one step.
        database.execute("DELETE FROM extensions WHERE id = 'pii_guard'").await;
        database.execute("UPDATE extension_health_history SET started_at = started_at - interval '101 days'").await;
        assert_eq!(database.value("SELECT registry_prune_health(4)").await, "4");
        assert_eq!(registry.prune_health().await.unwrap(), 6);
    }

    async fn what_a_late_call_is_being_added_to_is_left_for_the_next_time_without_waiting(database: TestDatabase) {
        let registry = database.registry().await;
        for id in ["pii_guard", "openai_gpt4"] {
            called(&registry, id, 30).await;
        }
        let mut router = database.console().connect().await.unwrap();
        let mut transaction = router.begin().await.unwrap();
        sqlx::raw_sql(
            "SELECT registry_record_health('{pii_guard}', '{t}', '{1}', (
                 SELECT array_agg(started_at) FROM extension_health_history WHERE extension_id = 'pii_guard' AND step_minutes = 1))",
        )
        .execute(&mut *transaction)
        .await
        .unwrap();
        let pruned = tokio::time::timeout(std::time::Duration::from_secs(5), registry.prune_health()).await;
        assert_eq!(pruned.expect("it doesn't wait for the router").unwrap(), 3);
        transaction.commit().await.unwrap();
        let late = "SELECT string_agg(success_count::text, ',' ORDER BY step_minutes) FROM extension_health_history WHERE extension_id = 'pii_guard'";
        assert_eq!(database.value(late).await, "2,2,2,2,2,2");
        assert_eq!(registry.prune_health().await.unwrap(), 3);
    }

    async fn settings_that_make_no_sense_are_refused_by_name(database: TestDatabase) {
        let registry = database.registry().await;
        let kept = registry.health_retention().await.unwrap();
        assert_eq!(kept, HealthRetention { minutes_kept_days: 7, hours_kept_days: 90, days_kept_days: None });
        for (retention, field) in [
            (HealthRetention { minutes_kept_days: 0, ..kept }, "minutes_kept_days"),
            (HealthRetention { hours_kept_days: 6, ..kept }, "hours_kept_days"),
            (HealthRetention { days_kept_days: Some(89), ..kept }, "hours_kept_days"),
        ] {
            let error = registry.set_health_retention(retention).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some(field));
        }
        assert_eq!(registry.health_retention().await.unwrap(), kept);
        let scope = SchemaScope::Extension("pii_guard".into());
        for (limits, field) in [
            (HealthLimits { score_below_percent: Some(101.0), ..HealthLimits::default() }, "score_below_percent"),
            (HealthLimits { p95_above_ms: Some(0.0), ..HealthLimits::default() }, "p95_above_ms"),
            (HealthLimits { silent_for_seconds: Some(59), ..HealthLimits::default() }, "silent_for_seconds"),
        ] {
            let error = registry.set_health_threshold(&scope, Some(limits)).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some(field));
        }
    }

    async fn limits_are_set_changed_and_taken_back_and_each_change_is_kept(database: TestDatabase) {
        let registry = database.registry().await;
        assert_eq!(registry.list_health_thresholds().await.unwrap().len(), 4);
        let scope = SchemaScope::Extension("pii_guard".into());
        for p95 in [100.0, 250.0] {
            let limits = HealthLimits { p95_above_ms: Some(p95), ..HealthLimits::default() };
            registry.set_health_threshold(&scope, Some(limits)).await.unwrap();
        }
        let all = registry.list_health_thresholds().await.unwrap();
        assert_eq!((all.len(), &all[4].scope), (5, &scope));
        assert_eq!(all[4].limits.p95_above_ms, Some(250.0));
        assert_eq!(all[4].changed_by, database.login());
        registry.set_health_threshold(&scope, None).await.unwrap();
        registry.set_health_threshold(&SchemaScope::Type(ExtensionType::Pre), None).await.unwrap();
        let all = registry.list_health_thresholds().await.unwrap();
        assert_eq!(all.len(), 4);
        assert!(all.iter().any(|held| held.scope == SchemaScope::Type(ExtensionType::Pre) && held.limits == HealthLimits::default()));
        let entries = "SELECT string_agg(name, ',' ORDER BY id) FROM settings_audit_log WHERE setting = 'health_threshold' AND changed_by = session_user OR changed_by <> session_user";
        assert!(database.value(entries).await.ends_with("extension:pii_guard,extension:pii_guard,extension:pii_guard,type:pre"));
    }

    async fn who_may_record_and_who_may_set(database: TestDatabase) {
        database.migrate().await;
        for (role, may_record, may_set) in [
            ("registry_viewer", false, false),
            ("registry_auditor", false, false),
            ("registry_router", true, false),
            ("registry_legacy_writer", true, false),
            ("registry_operator", true, false),
            ("registry_editor", true, true),
        ] {
            let login = database.login_of_member(role).await;
            let outcome = async |statement: &str| execute(&login, statement).await.is_ok();
            assert_eq!(outcome("SELECT record_health('pii_guard', true, 1)").await, may_record, "{role}");
            assert_eq!(outcome("UPDATE health_thresholds SET p95_above_ms = 9").await, may_set, "{role}");
            assert_eq!(outcome("UPDATE health_retention SET minutes_kept_days = 6").await, may_set, "{role}");
            for statement in [
                "INSERT INTO extension_health_history SELECT * FROM extension_health_history",
                "UPDATE extension_health_history SET failure_count = 0",
                "DELETE FROM extension_health_history",
                "TRUNCATE extension_health_history",
                "SELECT registry_add_health(ARRAY['pii_guard'], ARRAY[1], ARRAY[0], ARRAY[1], ARRAY[now()], 'traffic')",
                "UPDATE health_retention SET changed_by = 'another'",
                "DELETE FROM health_retention",
            ] {
                assert!(!outcome(statement).await, "{role}: {statement}");
            }
        }
    }

    async fn sample_traffic_fills_an_empty_embedded_registry_and_goes_without_a_trace(database: TestDatabase) {
        let registry = database.registry().await;
        let error = registry.fill_with_sample_traffic().await.unwrap_err();
        assert_eq!((error.code(), error.report().field.as_deref()), (ErrorCode::InvalidInput, Some("database")));
        // As a console says of the database that it makes for itself.
        let name = database.superuser().get_database().unwrap().to_owned();
        database.execute(&format!("COMMENT ON DATABASE {name} IS 'The embedded registry of a console'")).await;
        assert!(registry.fill_with_sample_traffic().await.unwrap() > 100_000);
        let week = registry.health_overview(HealthRange::last(TimeDelta::days(7))).await.unwrap();
        assert!(week.is_sample, "{week:?}");
        let unused: Vec<&str> = week.rows.iter().filter(|row| row.success_count < 10_000).map(|row| row.extension_id.as_str()).collect();
        assert_eq!(unused, ["mask_sensitive_data"]);
        assert!(!registry.get_health("pii_guard").await.unwrap().has_data, "the counters are of real calls");
        let error = registry.fill_with_sample_traffic().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput, "it is not empty any more");
        registry.record_health("pii_guard", true, Some(1.0)).await.unwrap();
        registry.remove_sample_traffic().await.unwrap();
        assert_eq!(database.value("SELECT count(*) FROM extension_health_history").await, "6");
        let error = registry.fill_with_sample_traffic().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput, "there is a real call");
    }

    async fn sample_traffic_has_something_of_every_state_at_any_time_of_the_day(database: TestDatabase) {
        let registry = database.registry().await;
        let name = database.superuser().get_database().unwrap().to_owned();
        database.execute(&format!("COMMENT ON DATABASE {name} IS 'The embedded registry of a console'")).await;
        registry.fill_with_sample_traffic().await.unwrap();
        let limits = HealthLimits { score_below_percent: Some(90.0), p95_above_ms: Some(2_500.0), silent_for_seconds: Some(3_600) };
        for extension_type in [ExtensionType::Pre, ExtensionType::Validator, ExtensionType::Post, ExtensionType::Provider] {
            registry.set_health_threshold(&SchemaScope::Type(extension_type), Some(limits)).await.unwrap();
        }
        let mut look = registry.look_at_health().await.unwrap();
        let state = |id: &str| look.overview.rows.iter().find(|row| row.extension_id == id).unwrap().state;
        assert_eq!(state("openai_gpt4"), HealthState::Failing);
        assert_eq!(state("pii_guard"), HealthState::Degraded);
        assert_eq!(state("mock_provider"), HealthState::Healthy);
        assert_eq!(state("mask_sensitive_data"), HealthState::NoData);
        let mut watch = HealthWatch::default();
        watch.look(&look);
        look.at += TimeDelta::seconds(30);
        watch.look(&look);
        let alarms = watch.alarms();
        let told: Vec<_> = alarms.iter().map(|alarm| (alarm.extension_id.as_str(), alarm.trouble)).collect();
        assert_eq!(
            told,
            [
                ("openai_gpt4", HealthTrouble::Failing),
                ("anthropic_claude", HealthTrouble::Slow),
                ("normalize_text", HealthTrouble::Silent)
            ]
        );
        // Nights and weekends are quieter, and never silent.
        let calls = "SELECT min(success_count + failure_count) FROM extension_health_history
             WHERE extension_id = 'mock_provider' AND step_minutes = 15
               AND started_at BETWEEN now() - interval '6 days' AND now() - interval '1 hour'";
        assert!(database.value(calls).await.parse::<u32>().unwrap() >= 10);
    }

    async fn what_was_switched_on_a_moment_ago_is_not_silent_yet(database: TestDatabase) {
        let registry = database.registry().await;
        for id in ["pii_guard", "mock_provider", "normalize_text"] {
            called(&registry, id, 1).await;
        }
        let silent = HealthLimits { silent_for_seconds: Some(600), ..HealthLimits::default() };
        for extension_type in [ExtensionType::Pre, ExtensionType::Validator, ExtensionType::Provider] {
            registry.set_health_threshold(&SchemaScope::Type(extension_type), Some(silent)).await.unwrap();
        }
        // One is off, one was off until now; and a change of something else switches nothing on.
        database.execute("UPDATE extensions SET enabled = false WHERE id IN ('pii_guard', 'mock_provider')").await;
        database.execute("UPDATE extensions SET enabled = true, timeout_ms = 77 WHERE id = 'mock_provider'").await;
        database.execute("UPDATE extensions SET timeout_ms = 77 WHERE id = 'normalize_text'").await;
        let mut look = registry.look_at_health().await.unwrap();
        let mut watch = HealthWatch::default();
        watch.look(&look);
        look.at += TimeDelta::seconds(30);
        watch.look(&look);
        let alarms = watch.alarms();
        assert_eq!(alarms.len(), 1, "{alarms:?}");
        assert_eq!((alarms[0].extension_id.as_str(), alarms[0].trouble), ("normalize_text", HealthTrouble::Silent));
        assert!(alarms[0].value > 86_000.0, "{alarms:?}");
        // Ten minutes on, the other is silent too.
        look.at += TimeDelta::minutes(11);
        let crossings = watch.look(&look);
        assert_eq!(crossings, [], "found for the first time");
        look.at += TimeDelta::seconds(30);
        watch.look(&look);
        let value = watch.alarms().iter().find(|alarm| alarm.extension_id == "mock_provider").map(|alarm| alarm.value);
        assert!(value.is_some_and(|value| (600.0..900.0).contains(&value)), "{value:?}");
    }

    async fn who_may_read_may_look(database: TestDatabase) {
        database.migrate().await;
        let registry = database.registry_as_member_of("registry_viewer").await;
        assert_eq!(registry.look_at_health().await.unwrap().overview.rows.len(), 6);
        let registry = database.registry_as_member_of("registry_auditor").await;
        assert_eq!(registry.look_at_health().await.unwrap_err().code(), ErrorCode::Forbidden);
    }
}
