//! Filters, orders and pages of the list of extensions.

use registry::extensions::{
    ExtensionCursor, ExtensionFilter, ExtensionListRequest, ExtensionSortColumn, ExtensionType,
};
use registry::health::HealthState;
use registry::{ChangeContext, ErrorCode, Registry};
use sqlx::types::Uuid;
use system_tests::on_each_server;

async fn ids(registry: &Registry, filter: ExtensionFilter) -> Vec<String> {
    let request = ExtensionListRequest {
        filter,
        limit: 100,
        ..ExtensionListRequest::default()
    };
    let page = registry.list_extensions(&request).await.unwrap();
    page.extensions
        .into_iter()
        .map(|extension| extension.id)
        .collect()
}

fn text(text: &str) -> ExtensionFilter {
    ExtensionFilter {
        text: Some(text.into()),
        ..ExtensionFilter::default()
    }
}

/// Counters that make each state, and one row that a router has begun and not filled.
const HEALTH: &str = "\
    INSERT INTO extension_health (extension_id, success_count, failure_count) VALUES
        ('pii_guard', 89, 11), ('openai_gpt4', 98, 2), ('anthropic_claude', 99, 1),
        ('mock_provider', 0, 0), ('normalize_text', NULL, 3), ('mask_sensitive_data', 5, NULL)";

on_each_server! {
    async fn filters_leave_what_fits_all_of_them(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute("UPDATE extensions SET enabled = false WHERE id IN ('pii_guard', 'openai_gpt4')").await;
        let none = ExtensionFilter::default;
        assert_eq!(ids(&registry, none()).await.len(), 6);
        let types = vec![ExtensionType::Validator, ExtensionType::Post];
        assert_eq!(
            ids(&registry, ExtensionFilter { types, ..none() }).await,
            ["mask_sensitive_data", "pii_guard"]
        );
        let types = vec![ExtensionType::Provider];
        assert_eq!(
            ids(&registry, ExtensionFilter { types, enabled: Some(false), ..none() }).await,
            ["openai_gpt4"]
        );
        assert_eq!(
            ids(&registry, ExtensionFilter { enabled: Some(true), ..text("PROVIDER") }).await,
            ["anthropic_claude", "mock_provider"]
        );
    }

    async fn text_is_found_in_id_subject_configuration_and_metadata_and_taken_literally(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute("UPDATE extensions SET metadata = '{\"owner\": \"Team Möwe 100%\"}' WHERE id = 'mock_provider'").await;
        assert_eq!(ids(&registry, text("guard")).await, ["pii_guard"], "by id");
        assert_eq!(ids(&registry, text("mask_pii.v1")).await, ["mask_sensitive_data"], "by subject");
        assert_eq!(ids(&registry, text("claude-3-OPUS")).await, ["anthropic_claude"], "by configuration");
        assert_eq!(ids(&registry, text("möwe 100%")).await, ["mock_provider"], "by metadata");
        for no_pattern in ["%", "p_i", "gua%rd", "\\", "' OR true --", "nothing has this"] {
            let expected: &[&str] = if no_pattern == "%" { &["mock_provider"] } else { &[] };
            assert_eq!(ids(&registry, text(no_pattern)).await, expected, "{no_pattern}");
        }
        let error = registry
            .list_extensions(&ExtensionListRequest { filter: text("a\0"), limit: 1, ..ExtensionListRequest::default() })
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
    }

    async fn health_states_are_told_filtered_and_counted(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute(HEALTH).await;
        let states = |states: &[HealthState]| ExtensionFilter { health: states.to_vec(), ..ExtensionFilter::default() };
        assert_eq!(ids(&registry, states(&[HealthState::Failing])).await, ["normalize_text", "pii_guard"]);
        assert_eq!(ids(&registry, states(&[HealthState::Degraded])).await, ["openai_gpt4"]);
        assert_eq!(
            ids(&registry, states(&[HealthState::Healthy, HealthState::NoData])).await,
            ["anthropic_claude", "mask_sensitive_data", "mock_provider"]
        );
        let counts = registry.count_extensions(&ExtensionFilter::default()).await.unwrap();
        assert_eq!(
            (counts.total, counts.failing, counts.degraded, counts.healthy, counts.no_data),
            (6, 2, 1, 2, 1)
        );
        assert_eq!((counts.pre, counts.validator, counts.post, counts.provider), (1, 1, 1, 3));
        let counts = registry.count_extensions(&text("provider")).await.unwrap();
        assert_eq!((counts.total, counts.enabled, counts.disabled), (3, 3, 0));
        for report in registry.list_health().await.unwrap() {
            let extension = registry.get_extension(&report.extension_id).await.unwrap();
            assert_eq!(extension.health, report.state, "one state, whoever is asked");
        }
    }

    async fn every_order_has_pages_that_miss_and_repeat_nothing(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute(HEALTH).await;
        database
            .execute("INSERT INTO extensions (id, type, subject, timeout_ms, retry, enabled)
                SELECT 'e' || n, 'pre', 's.' || n, 100 + n % 3, n % 2, n % 2 = 0 FROM generate_series(1, 40) AS n;
                UPDATE extensions SET created_at = NULL WHERE id IN ('e3', 'e4')")
            .await;
        for sort in [
            ExtensionSortColumn::Id,
            ExtensionSortColumn::Type,
            ExtensionSortColumn::Subject,
            ExtensionSortColumn::TimeoutMs,
            ExtensionSortColumn::Retry,
            ExtensionSortColumn::Enabled,
            ExtensionSortColumn::HealthScorePercent,
            ExtensionSortColumn::Revision,
            ExtensionSortColumn::CreatedAt,
            ExtensionSortColumn::UpdatedAt,
        ] {
            for descending in [false, true] {
                let all = ExtensionListRequest { sort, descending, limit: 1000, ..ExtensionListRequest::default() };
                let expected = registry.list_extensions(&all).await.unwrap();
                assert_eq!((expected.extensions.len(), expected.next), (46, None));
                let mut paged = Vec::new();
                let mut after = None;
                loop {
                    let request = ExtensionListRequest { after, limit: 7, ..all.clone() };
                    let page = registry.list_extensions(&request).await.unwrap();
                    paged.extend(page.extensions);
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(paged, expected.extensions, "{sort:?} {descending}");
            }
        }
        let by_score = ExtensionListRequest {
            sort: ExtensionSortColumn::HealthScorePercent,
            limit: 2,
            ..ExtensionListRequest::default()
        };
        let worst: Vec<_> = registry.list_extensions(&by_score).await.unwrap().extensions;
        assert_eq!([worst[0].id.as_str(), worst[1].id.as_str()], ["normalize_text", "pii_guard"]);
    }

    async fn a_bad_page_is_refused_by_the_field(database: TestDatabase) {
        let registry = database.registry().await;
        let cursor = |value: &str| Some(ExtensionCursor { value: value.into(), id: "a".into() });
        for (field, request) in [
            ("limit", ExtensionListRequest { limit: 0, ..ExtensionListRequest::default() }),
            ("limit", ExtensionListRequest { limit: 10_001, ..ExtensionListRequest::default() }),
            ("after", ExtensionListRequest { limit: 1, sort: ExtensionSortColumn::Retry, after: cursor("x"), ..ExtensionListRequest::default() }),
            ("after", ExtensionListRequest { limit: 1, sort: ExtensionSortColumn::CreatedAt, after: cursor("1"), ..ExtensionListRequest::default() }),
        ] {
            let error = registry.list_extensions(&request).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some(field), "{error}");
        }
    }

    async fn an_infinite_time_is_shown_as_none(database: TestDatabase) {
        let registry = database.registry().await;
        // As older writers could, before there was a rule.
        database
            .execute("ALTER TABLE extensions DISABLE TRIGGER extensions_check;
                UPDATE extensions SET created_at = 'infinity' WHERE id = 'pii_guard'")
            .await;
        let extension = registry.get_extension("pii_guard").await.unwrap();
        assert_eq!(extension.created_at, None);
    }

    async fn the_health_of_one_is_read_by_id(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute(HEALTH).await;
        let report = registry.get_health("pii_guard").await.unwrap();
        assert_eq!((report.health_score_percent, report.state), (89.0, HealthState::Failing));
        let report = registry.get_health("mock_provider").await.unwrap();
        assert_eq!((report.health_score_percent, report.has_data), (100.0, false));
        let error = registry.get_health("missing").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ExtensionNotFound);
    }

    async fn rows_that_changed_are_read_with_the_request_that_changed_them(database: TestDatabase) {
        let registry = database.registry().await;
        let request_id = Uuid::from_u128(7);
        let context = ChangeContext { request_id: Some(request_id), ..ChangeContext::default() };
        registry.set_extension_enabled("pii_guard", false, &context).await.unwrap();
        database.execute("UPDATE extensions SET retry = 9 WHERE id = 'mock_provider'").await;
        let asked = ["pii_guard", "missing", "mock_provider", "openai_gpt4"].map(str::to_owned);
        let found = registry.read_changed_extensions(&asked).await.unwrap();
        let read: Vec<_> = found.iter().map(|row| (row.extension.id.as_str(), row.extension.revision, row.request_id.clone())).collect();
        assert_eq!(read, [("mock_provider", 2, None), ("openai_gpt4", 0, None), ("pii_guard", 1, Some(request_id.to_string()))]);
        assert_eq!(found[0].extension, registry.get_extension("mock_provider").await.unwrap());
        assert_eq!(registry.read_changed_extensions(&[]).await.unwrap(), []);
        let too_many = vec![String::new(); 10_001];
        assert_eq!(registry.read_changed_extensions(&too_many).await.unwrap_err().code(), ErrorCode::InvalidInput);
    }
}
