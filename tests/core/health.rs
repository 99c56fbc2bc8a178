//! Health reports from the counters that routers write.

use system_tests::on_each_server;

on_each_server! {
    async fn the_worst_score_comes_first_and_no_data_is_not_a_score(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extension_health (extension_id, success_count, failure_count, avg_latency_ms, last_failure) VALUES
                ('pii_guard', 81, 19, 12.5, '2026-01-02T03:04:05Z'),
                ('openai_gpt4', 1000, 0, 830.25, NULL),
                ('mock_provider', 0, 0, 0, NULL),
                ('normalize_text', NULL, NULL, NULL, NULL)")
            .await;
        let reports = registry.list_health().await.unwrap();
        let shown: Vec<_> = reports
            .iter()
            .map(|report| (report.extension_id.as_str(), report.health_score_percent, report.has_data))
            .collect();
        assert_eq!(
            shown,
            [
                ("pii_guard", 81.0, true),
                ("openai_gpt4", 100.0, true),
                ("anthropic_claude", 100.0, false),
                ("mask_sensitive_data", 100.0, false),
                ("mock_provider", 100.0, false),
                ("normalize_text", 100.0, false),
            ]
        );
        assert_eq!(reports[0].avg_latency_ms, Some(12.5));
        assert_eq!(reports[0].last_failure.unwrap().to_rfc3339(), "2026-01-02T03:04:05+00:00");
        assert_eq!(reports[4].avg_latency_ms, None, "without a call there is no latency");
    }

    async fn counters_near_their_limit_do_not_overflow(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extension_health (extension_id, success_count, failure_count) VALUES ('pii_guard', 2147483647, 2147483647)")
            .await;
        let reports = registry.list_health().await.unwrap();
        assert!((reports[0].health_score_percent - 50.0).abs() < 1e-9);
    }
}
