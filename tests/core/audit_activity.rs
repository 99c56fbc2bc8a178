//! The audit log's activity over time.

use chrono::{DateTime, TimeDelta, Utc};
use registry::audit::{AuditAction, AuditFilter};
use registry::audit_activity::{AuditActivity, BucketLength, TimeUnit};
use registry::{ChangeContext, ErrorCode, Registry};
use system_tests::database::{TestDatabase as Database, execute};
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

/// When each of the buckets that have entries begins and ends, and how many it has.
fn filled(activity: &AuditActivity) -> Vec<(DateTime<Utc>, DateTime<Utc>, u32)> {
    assert_eq!(activity.edges.len(), activity.counts.len() + 1);
    assert!(activity.edges.is_sorted_by(|one, next| one < next));
    activity
        .edges
        .windows(2)
        .zip(&activity.counts)
        .filter(|(_, count)| **count > 0)
        .map(|(edges, count)| (edges[0], edges[1], *count))
        .collect()
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The entries took effect at these times, as if they had been sealed then.
async fn sealed_at(database: &Database, times: &[&str]) {
    let registry = database.registry().await;
    for (number, _) in times.iter().enumerate() {
        switch(&registry, "pii_guard", number % 2 == 1).await;
    }
    let updates = (1..)
        .zip(times)
        .map(|(revision, time)| {
            format!("UPDATE public.extension_audit_log SET sealed_at = '{time}' WHERE revision = {revision};\n")
        })
        .collect::<Vec<_>>()
        .concat();
    let statements =
        format!("ALTER TABLE public.extension_audit_log DISABLE TRIGGER ALL; {updates}");
    execute(&database.superuser(), &statements).await.unwrap();
}

async fn in_a_range(
    database: &Database,
    [since, until]: [&str; 2],
    time_zone: &str,
) -> AuditActivity {
    let filter = AuditFilter {
        since: Some(time(since)),
        until: Some(time(until)),
        ..AuditFilter::default()
    };
    let registry = database.registry().await;
    registry
        .audit_activity(&filter, 96, time_zone)
        .await
        .unwrap()
}

on_each_server! {
    async fn each_entry_is_in_the_bucket_of_its_time(database: TestDatabase) {
        sealed_at(&database, &["2019-03-05T10:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]).await;
        let registry = database.registry().await;
        let activity = registry.audit_activity(&AuditFilter::default(), 60, "UTC").await.unwrap();
        assert_eq!(total(&activity), 3, "unasked, the whole log: {activity:?}");
        assert_eq!(activity.counted_since, None);
        assert!(activity.counts.len() <= 60);
        assert_eq!(activity.edges[0], time("2019-03-05T10:00:00Z"), "from the first entry on");
        let filled = filled(&activity);
        assert_eq!(filled[0].2, 1);
        let [.., (begins, ends, count)] = filled[..] else { panic!("two buckets: {filled:?}") };
        let both = time("2026-01-01T00:00:00Z");
        assert!(begins <= both && both < ends, "{begins} to {ends}");
        assert_eq!(count, 2);
    }

    async fn days_begin_at_midnight_of_the_zone_also_when_clocks_change(database: TestDatabase) {
        sealed_at(
            &database,
            &["2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"],
        )
        .await;
        // On the 29th, Berlin's clocks go from 02:00 to 03:00: that day has 23 hours.
        let activity = in_a_range(&database, ["2026-02-20T00:00:00Z", "2026-04-20T00:00:00Z"], "Europe/Berlin").await;
        assert_eq!(activity.bucket, BucketLength { amount: 1, unit: TimeUnit::Day });
        assert_eq!(
            filled(&activity),
            [
                (time("2026-03-27T23:00:00Z"), time("2026-03-28T23:00:00Z"), 1),
                (time("2026-03-28T23:00:00Z"), time("2026-03-29T22:00:00Z"), 2),
                (time("2026-03-29T22:00:00Z"), time("2026-03-30T22:00:00Z"), 1),
            ]
        );
    }

    async fn hours_begin_with_those_of_a_zone_between_whole_hours(database: TestDatabase) {
        sealed_at(&database, &["2026-05-01T10:29:59Z", "2026-05-01T10:30:00Z"]).await;
        // India is 5 h 30 min ahead.
        let activity = in_a_range(&database, ["2026-04-30T12:00:00Z", "2026-05-03T00:00:00Z"], "Asia/Kolkata").await;
        assert_eq!(activity.bucket, BucketLength { amount: 1, unit: TimeUnit::Hour });
        assert_eq!(
            filled(&activity),
            [
                (time("2026-05-01T09:30:00Z"), time("2026-05-01T10:30:00Z"), 1),
                (time("2026-05-01T10:30:00Z"), time("2026-05-01T11:30:00Z"), 1),
            ]
        );
    }

    async fn an_hour_that_comes_twice_is_two_buckets(database: TestDatabase) {
        sealed_at(&database, &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]).await;
        let activity = in_a_range(&database, ["2026-10-24T00:00:00Z", "2026-10-26T12:00:00Z"], "Europe/Berlin").await;
        assert_eq!(activity.bucket, BucketLength { amount: 1, unit: TimeUnit::Hour });
        let counts: Vec<_> = filled(&activity).into_iter().map(|(begins, _, count)| (begins, count)).collect();
        assert_eq!(counts, [(time("2026-10-25T00:00:00Z"), 1), (time("2026-10-25T01:00:00Z"), 1)]);
    }

    async fn any_range_has_no_more_buckets_than_asked_for(database: TestDatabase) {
        sealed_at(&database, &["2026-10-25T00:30:00Z"]).await;
        let registry = database.registry().await;
        let until = time("2026-10-26T01:02:03.456Z");
        for range in [
            TimeDelta::milliseconds(1),
            TimeDelta::minutes(7),
            TimeDelta::hours(23),
            TimeDelta::days(3),
            TimeDelta::days(31),
            TimeDelta::days(400),
            TimeDelta::days(40_000),
        ] {
            for buckets in [1, 2, 3, 60, 96, 400] {
                let filter = AuditFilter { since: Some(until - range), until: Some(until), ..AuditFilter::default() };
                let activity = registry.audit_activity(&filter, buckets, "Australia/Lord_Howe").await.unwrap();
                assert!(activity.counts.len() <= buckets.into(), "{range}: {} of {buckets}", activity.counts.len());
                assert_eq!((activity.edges[0], activity.edges.last().copied()), (until - range, Some(until)));
                let is_in_it = range > TimeDelta::days(1);
                assert_eq!(total(&activity), u32::from(is_in_it), "{range} in {buckets}");
            }
        }
    }

    async fn only_what_the_filter_lets_through_is_counted(database: TestDatabase) {
        let registry = database.registry().await;
        switch(&registry, "pii_guard", false).await;
        switch(&registry, "mock_provider", false).await;
        switch(&registry, "mock_provider", true).await;
        let count = async |filter: AuditFilter| {
            let known = registry.count_audit_entries(&filter).await.unwrap();
            let total = total(&registry.audit_activity(&filter, 10, "UTC").await.unwrap());
            assert!(known.is_none_or(|known| known == i64::from(total)), "{known:?} or {total}");
            (total, known.is_some())
        };
        let all = AuditFilter::default;
        assert_eq!(count(all()).await, (3, true));
        assert_eq!(count(AuditFilter { extension_id: Some("mock_provider".into()), ..all() }).await, (2, false));
        assert_eq!(count(AuditFilter { actions: vec![AuditAction::Disabled], ..all() }).await, (2, true));
        assert_eq!(count(AuditFilter { text: Some("PII".into()), ..all() }).await, (1, false));
        assert_eq!(count(AuditFilter { text: Some(String::new()), ..all() }).await, (3, true));
        assert_eq!(count(AuditFilter { changed_by: Some("nobody".into()), ..all() }).await, (0, false));
        let both = AuditFilter {
            extension_id: Some("mock_provider".into()),
            actions: vec![AuditAction::Disabled, AuditAction::Updated],
            text: Some("false".into()),
            ..all()
        };
        assert_eq!(count(both).await.0, 1, "the index finds two, the rest is tried on them");
        let now = Utc::now();
        let hour = TimeDelta::hours(1);
        assert_eq!(count(AuditFilter { since: Some(now - hour), until: Some(now + hour), ..all() }).await, (3, true));
        assert_eq!(count(AuditFilter { since: Some(now + hour), until: Some(now + hour * 2), ..all() }).await, (0, true));
        let early = AuditFilter { actions: vec![AuditAction::Enabled], until: Some(now - hour), ..all() };
        assert_eq!(count(early).await, (0, true));
    }

    async fn kinds_are_counted_exactly_across_what_the_seal_counted(database: TestDatabase) {
        let registry = database.registry().await;
        // 1,100 entries of five kinds, some sealed alone and some many at once.
        database
            .execute(
                "INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 'e.' || n FROM generate_series(1, 300) AS n;
                 UPDATE extensions SET enabled = false WHERE id LIKE 'e%';
                 UPDATE extensions SET retry = 5 WHERE id LIKE 'e%';
                 UPDATE extensions SET enabled = true WHERE id LIKE 'e1%';
                 DELETE FROM extensions WHERE id LIKE 'e2%'",
            )
            .await;
        for enabled in [false, true, false] {
            switch(&registry, "pii_guard", enabled).await;
        }
        let counted = database
            .rows(
                "SELECT revision::text, (created + updated + deleted + enabled + disabled)::text,
                        (SELECT count(*)::text FROM extension_audit_log AS log
                         WHERE log.revision <= counts.revision AND action = 'updated'), updated::text
                 FROM registry_audit_counts AS counts ORDER BY revision",
            )
            .await;
        assert!(counted.len() >= 4, "each 64th revision: {counted:?}");
        for row in &counted {
            assert_eq!(row[0], row[1], "all entries up to it");
            assert_eq!(row[2], row[3]);
        }
        for action in [
            AuditAction::Created,
            AuditAction::Updated,
            AuditAction::Deleted,
            AuditAction::Enabled,
            AuditAction::Disabled,
        ] {
            let filter = AuditFilter { actions: vec![action], ..AuditFilter::default() };
            let counted = registry.count_audit_entries(&filter).await.unwrap().unwrap();
            let sql = format!("SELECT count(*) FROM extension_audit_log WHERE action = '{}'", action.name());
            assert_eq!(counted.to_string(), database.value(&sql).await, "{action:?}");
            let shown = registry.audit_activity(&filter, 96, "UTC").await.unwrap();
            assert_eq!(total(&shown).to_string(), database.value(&sql).await, "{action:?}");
        }
        let two = AuditFilter { actions: vec![AuditAction::Created, AuditAction::Deleted], ..AuditFilter::default() };
        let sql = "SELECT count(*) FROM extension_audit_log WHERE action IN ('created', 'deleted')";
        let counted = registry.count_audit_entries(&two).await.unwrap().unwrap();
        assert_eq!(counted.to_string(), database.value(sql).await);
    }

    async fn what_the_seal_counted_is_used_and_not_counted_again(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 'e.' || n FROM generate_series(1, 600) AS n")
            .await;
        // Past the guard, so that it shows which of the two was asked.
        database.execute("UPDATE registry_audit_counts SET created = created - 100").await;
        let filter = AuditFilter { actions: vec![AuditAction::Created], ..AuditFilter::default() };
        assert_eq!(registry.count_audit_entries(&filter).await.unwrap(), Some(500));
    }

    async fn a_filter_that_no_index_counts_says_from_when_on_it_is_counted(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute(
                "INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 'e.' || n FROM generate_series(1, 4000) AS n;
                 UPDATE extensions SET retry = 4 WHERE id LIKE 'e%'",
            )
            .await;
        database.execute("UPDATE extensions SET retry = 5 WHERE id LIKE 'e%'").await;
        let filter = AuditFilter { text: Some("retry".into()), ..AuditFilter::default() };
        let activity = registry.audit_activity(&filter, 96, "UTC").await.unwrap();
        assert!(activity.counted_since.is_some(), "12,000 entries are more than are looked at");
        assert_eq!(total(&activity), 10_000, "the newest, which all have it");
        let actor = AuditFilter { changed_by: Some(database.value("SELECT session_user").await), ..AuditFilter::default() };
        let activity = registry.audit_activity(&actor, 96, "UTC").await.unwrap();
        assert_eq!((total(&activity), activity.counted_since), (12_000, None), "an index counts more");
    }

    async fn what_can_not_be_counted_is_refused(database: TestDatabase) {
        let registry = database.registry().await;
        for buckets in [0, 401] {
            let error = registry.audit_activity(&AuditFilter::default(), buckets, "UTC").await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidInput, "{buckets} buckets");
        }
        let now = Utc::now();
        let filter = AuditFilter { since: Some(now), until: Some(now), ..AuditFilter::default() };
        let error = registry.audit_activity(&filter, 10, "UTC").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
        for zone in ["Mars/Olympus", "", "UTC'; DROP TABLE extensions"] {
            let error = registry.audit_activity(&AuditFilter::default(), 10, zone).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some("time_zone"), "{zone:?}");
        }
    }
}
