//! The audit log's activity over time.

use chrono::{DateTime, TimeDelta, Utc};
use registry::audit::{AuditAction, AuditFilter};
use registry::audit_activity::AuditActivity;
use registry::{ChangeContext, ErrorCode, Registry};
use system_tests::database::execute;
use system_tests::on_each_server;

async fn switch(registry: &Registry, id: &str, enabled: bool) {
    let context = ChangeContext::default();
    registry
        .set_extension_enabled(id, enabled, &context)
        .await
        .unwrap();
}

fn total(activity: &AuditActivity) -> u32 {
    activity.counts.iter().sum()
}

/// Where in time each of the counted entries is.
fn filled(activity: &AuditActivity) -> Vec<(DateTime<Utc>, u32)> {
    let width = TimeDelta::seconds(activity.bucket_seconds.into());
    (0..)
        .zip(&activity.counts)
        .filter(|(_, count)| **count > 0)
        .map(|(index, count)| (activity.since + width * index, *count))
        .collect()
}

on_each_server! {
    async fn each_entry_is_in_the_bucket_of_its_time(database: TestDatabase) {
        let registry = database.registry().await;
        for enabled in [false, true, false] {
            switch(&registry, "pii_guard", enabled).await;
        }
        execute(
            &database.superuser(),
            "ALTER TABLE public.extension_audit_log DISABLE TRIGGER ALL;
             UPDATE public.extension_audit_log SET sealed_at = now() - interval '5 days' WHERE revision = 1",
        )
        .await
        .unwrap();
        let activity = registry.audit_activity(&AuditFilter::default(), 60).await.unwrap();
        assert_eq!(total(&activity), 3, "{activity:?}");
        assert_eq!(activity.counted_since, None);
        assert!(activity.counts.len() <= 60);
        let range = activity.until - activity.since;
        assert!((30..=31).contains(&range.num_days()), "unasked, the last month: {range}");
        let width = TimeDelta::seconds(activity.bucket_seconds.into());
        let old = Utc::now() - TimeDelta::days(5);
        let (first, count) = filled(&activity)[0];
        assert_eq!(count, 1);
        assert!(first - width <= old && old <= first + width * 2, "{first} is five days ago");
        assert_eq!(activity.counts.iter().rev().take(2).sum::<u32>(), 2, "and the others are new");
    }

    async fn only_what_the_filter_lets_through_is_counted(database: TestDatabase) {
        let registry = database.registry().await;
        switch(&registry, "pii_guard", false).await;
        switch(&registry, "mock_provider", false).await;
        switch(&registry, "mock_provider", true).await;
        let count = async |filter: AuditFilter| total(&registry.audit_activity(&filter, 10).await.unwrap());
        let all = AuditFilter::default;
        assert_eq!(count(AuditFilter { extension_id: Some("mock_provider".into()), ..all() }).await, 2);
        assert_eq!(count(AuditFilter { actions: vec![AuditAction::Disabled], ..all() }).await, 2);
        assert_eq!(count(AuditFilter { text: Some("PII".into()), ..all() }).await, 1);
        assert_eq!(count(AuditFilter { changed_by: Some("nobody".into()), ..all() }).await, 0);
        let both = AuditFilter {
            extension_id: Some("mock_provider".into()),
            actions: vec![AuditAction::Disabled, AuditAction::Updated],
            text: Some("false".into()),
            ..all()
        };
        assert_eq!(count(both).await, 1, "the index finds two, the rest is tried on them");
        let now = Utc::now();
        let hour = TimeDelta::hours(1);
        assert_eq!(count(AuditFilter { since: Some(now - hour), until: Some(now + hour), ..all() }).await, 3);
        assert_eq!(count(AuditFilter { since: Some(now + hour), until: Some(now + hour * 2), ..all() }).await, 0);
    }

    async fn what_can_not_be_counted_is_refused(database: TestDatabase) {
        let registry = database.registry().await;
        for buckets in [0, 401] {
            let error = registry.audit_activity(&AuditFilter::default(), buckets).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidInput, "{buckets} buckets");
        }
        let now = Utc::now();
        let filter = AuditFilter { since: Some(now), until: Some(now), ..AuditFilter::default() };
        let error = registry.audit_activity(&filter, 10).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
    }
}
