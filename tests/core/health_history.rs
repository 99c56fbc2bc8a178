//! The history of health: exact sums, whoever writes and whenever, and percentiles that are near the truth.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use registry::health::{
    HealthLimits, HealthPoint, HealthRange, HealthRecorder, HealthRetention, HealthSample,
    HealthSeriesRequest, HealthSeverity, HealthSource, HealthState, HealthTotal,
};
use registry::schemas::SchemaScope;
use registry::{ErrorCode, Registry};
use sqlx::types::Uuid;
use sqlx::{ConnectOptions, Connection, PgConnection};
use system_tests::database::{TestDatabase as Database, execute};
use system_tests::on_each_server;

/// Of every step: the calls, the latencies and what the histograms hold.
const SUMS: &str = "SELECT step_minutes, sum(success_count), sum(failure_count), sum(latency_count), round(sum(latency_sum_ms)),
        (SELECT sum(count) FROM extension_health_history AS h, unnest(h.latency_bucket_counts) AS count WHERE h.step_minutes = history.step_minutes)
    FROM extension_health_history AS history GROUP BY step_minutes ORDER BY step_minutes";

fn sample(
    extension_id: &str,
    ok: bool,
    latency_ms: Option<f64>,
    at: DateTime<Utc>,
) -> HealthSample {
    HealthSample {
        extension_id: extension_id.into(),
        ok,
        latency_ms,
        at,
    }
}

async fn record(registry: &Registry, samples: &[HealthSample]) -> Vec<String> {
    registry
        .record_health_samples(samples, HealthSource::Traffic, None)
        .await
        .unwrap()
}

/// The same sums in every step.
async fn assert_sums(database: &Database, expected: [&str; 5]) {
    let sums = database.rows(SUMS).await;
    let steps: Vec<&str> = sums.iter().map(|row| row[0].as_deref().unwrap()).collect();
    assert_eq!(steps, ["1", "5", "15", "60", "360", "1440"]);
    for row in &sums {
        let found: Vec<&str> = row[1..]
            .iter()
            .map(|value| value.as_deref().unwrap_or("none"))
            .collect();
        assert_eq!(found, expected, "step of {:?} minutes", row[0]);
    }
}

async fn total(registry: &Registry, id: &str, range: HealthRange) -> HealthPoint {
    let request = HealthSeriesRequest {
        extension_ids: vec![id.into()],
        range,
        points_max: 2_000,
        source: HealthSource::Traffic,
    };
    registry
        .health_series(&request)
        .await
        .unwrap()
        .remove(0)
        .total
}

/// A session of a router whose time zone is this. The driver asks for UTC when it connects, whatever the database or
/// the login is set to: so it is set after.
async fn writer_in(database: &Database, zone: &str) -> PgConnection {
    let mut writer = database.console().connect().await.unwrap();
    sqlx::query("SELECT set_config('timezone', $1, false)")
        .bind(zone)
        .execute(&mut writer)
        .await
        .unwrap();
    assert_eq!(zone_of(&mut writer).await, zone);
    writer
}

async fn zone_of(writer: &mut PgConnection) -> String {
    sqlx::query_scalar("SHOW timezone")
        .fetch_one(writer)
        .await
        .unwrap()
}

/// Records in the writer's own session.
async fn record_by(writer: &mut PgConnection, samples: &[HealthSample]) {
    let ids: Vec<&str> = samples
        .iter()
        .map(|sample| sample.extension_id.as_str())
        .collect();
    let oks: Vec<bool> = samples.iter().map(|sample| sample.ok).collect();
    let latencies: Vec<Option<f64>> = samples.iter().map(|sample| sample.latency_ms).collect();
    let times: Vec<DateTime<Utc>> = samples.iter().map(|sample| sample.at).collect();
    let unknown: Vec<String> = sqlx::query_scalar("SELECT registry_record_health($1, $2, $3, $4)")
        .bind(ids)
        .bind(oks)
        .bind(latencies)
        .bind(times)
        .fetch_one(writer)
        .await
        .unwrap();
    assert_eq!(unknown, Vec::<String>::new());
}

fn last_hour() -> HealthRange {
    HealthRange::last(TimeDelta::hours(1))
}

on_each_server! {
    async fn fifty_writers_at_once_are_all_counted(database: TestDatabase) {
        database.migrate().await;
        let writers = (0..50).map(|writer| {
            let login = database.console();
            tokio::spawn(async move {
                let mut connection = login.connect().await.unwrap();
                // What is measured is the sums, and not the disk.
                sqlx::raw_sql("SET synchronous_commit = off").execute(&mut connection).await.unwrap();
                let id = ["pii_guard", "mock_provider", "normalize_text"][writer % 3];
                for call in 0..1_000 {
                    sqlx::query("SELECT record_health($1, $2, $3)")
                        .bind(id)
                        .bind(call % 10 != 0)
                        .bind(f64::from(call % 100))
                        .execute(&mut connection)
                        .await
                        .unwrap();
                }
                connection.close().await.unwrap();
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let counters = "SELECT sum(success_count), sum(failure_count), round(avg(avg_latency_ms)::numeric, 9), sum(latency_count), sum(recorded_count) FROM extension_health";
        let expected = ["45000", "5000", "49.500000000", "50000", "50000"].map(|value| Some(value.to_owned()));
        assert_eq!(database.rows(counters).await, [expected]);
        assert_sums(&database, ["45000", "5000", "50000", "2475000", "50000"]).await;
    }

    async fn one_call_is_in_a_bucket_of_every_step(database: TestDatabase) {
        let registry = database.registry().await;
        registry.record_health("pii_guard", true, Some(12.75)).await.unwrap();
        registry.record_health("pii_guard", false, None).await.unwrap();
        assert_sums(&database, ["1", "1", "1", "13", "1"]).await;
        let report = registry.get_health("pii_guard").await.unwrap();
        assert_eq!((report.success_count, report.failure_count, report.avg_latency_ms), (1, 1, Some(12.75)));
        assert!(report.last_success.is_some() && report.last_failure.is_some());
        let point = total(&registry, "pii_guard", last_hour()).await;
        assert_eq!((point.success_count, point.failure_count), (1, 1));
        assert_eq!((point.mean_ms, point.p50_ms, point.p99_ms), (Some(12.75), Some(12.75), Some(12.75)));
    }

    async fn days_are_the_sums_of_their_minutes_over_changes_of_the_clocks_and_with_late_calls(database: TestDatabase) {
        let registry = database.registry().await;
        // These calls lie further back than hours are kept for otherwise.
        let retention = HealthRetention { minutes_kept_days: 7, hours_kept_days: 36_500, days_kept_days: None };
        registry.set_health_retention(retention).await.unwrap();
        let mut sums = [0_u32; 3];
        for (id, zone, start) in [
            // Clocks were set back at 01:00 UTC, and forward; and where no hour begins when one begins in UTC.
            ("pii_guard", "Europe/Berlin", "2025-10-25T21:30:00Z"),
            ("mock_provider", "Europe/Berlin", "2025-03-29T21:30:00Z"),
            ("normalize_text", "Australia/Lord_Howe", "2025-04-04T21:30:00Z"),
        ] {
            let start: DateTime<Utc> = start.parse().unwrap();
            let samples: Vec<HealthSample> = (0..1_700)
                .map(|minute| sample(id, minute % 7 != 0, Some(f64::from(minute)), start + TimeDelta::minutes(minute.into())))
                .collect();
            // The later half comes first, and the rest late and in pieces.
            let mut writer = writer_in(&database, zone).await;
            record_by(&mut writer, &samples[850..]).await;
            for part in samples[..850].chunks(100).rev() {
                record_by(&mut writer, part).await;
            }
            assert_eq!(zone_of(&mut writer).await, zone, "the whole time");
            writer.close().await.unwrap();

            // A day is a day in UTC, wherever it was written from.
            let midnight = start.date_naive().succ_opt().unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
            let day = HealthRange { from: midnight, until: midnight + TimeDelta::days(1) };
            let of_day = samples.iter().filter(|sample| sample.at >= day.from && sample.at < day.until).count();
            assert_eq!(of_day, 1_440);
            let request = HealthSeriesRequest { extension_ids: vec![id.into()], range: day, points_max: 10, source: HealthSource::Traffic };
            let series = registry.health_series(&request).await.unwrap().remove(0);
            let counted: i64 = series.points.iter().map(|point| point.success_count + point.failure_count).sum();
            assert_eq!((series.step_minutes, series.range, counted), (360, day, 1_440), "{zone}");

            for sample in &samples {
                sums[usize::from(!sample.ok)] += 1;
            }
            sums[2] += 1_444_150;
        }
        let [successes, failures, latencies] = sums.map(|sum| sum.to_string());
        assert_sums(&database, [&successes, &failures, "5100", &latencies, "5100"]).await;
        let coarser_than_minutes = "SELECT count(*) FROM extension_health_history AS bucket
             WHERE jsonb_build_array(success_count, failure_count, latency_count, latency_sum_ms, latency_min_ms, latency_max_ms, last_failure) <> (
                 SELECT jsonb_build_array(sum(success_count), sum(failure_count), sum(latency_count), sum(latency_sum_ms),
                                          min(latency_min_ms), max(latency_max_ms), max(last_failure))
                 FROM extension_health_history AS minute
                 WHERE minute.extension_id = bucket.extension_id
                   AND minute.step_minutes = 1 AND minute.started_at >= bucket.started_at
                   AND minute.started_at < bucket.started_at + bucket.step_minutes * interval '1 minute')";
        database.execute("ANALYZE extension_health_history").await;
        assert_eq!(database.value(coarser_than_minutes).await, "0");
        let odd = "SELECT count(*) FROM extension_health_history WHERE extract(epoch FROM started_at)::bigint % (step_minutes * 60) <> 0";
        assert_eq!(database.value(odd).await, "0", "buckets begin at multiples of their step in UTC");
    }

    async fn percentiles_are_within_five_percent(database: TestDatabase) {
        let registry = database.registry().await;
        let now = Utc::now();
        let share = |place: u32| (f64::from(place) + 0.5) / 5_000.0;
        // Evenly spread, with a long tail, and with two humps far apart.
        let even = |place| 5.0 + 95.0 * share(place);
        let tailed = |place| -40.0 * (1.0 - share(place)).ln();
        let humps = |place: u32| if place % 10 < 8 { 2.0 + share(place) } else { 900.0 + 300.0 * share(place) };
        let distributions: [(&str, &dyn Fn(u32) -> f64); 3] = [("pii_guard", &even), ("mock_provider", &tailed), ("normalize_text", &humps)];
        for (id, latency) in distributions {
            let mut latencies: Vec<f64> = (0..5_000).map(latency).collect();
            // Of many minutes, whose histograms are added up.
            let samples: Vec<HealthSample> = (0..50)
                .cycle()
                .zip(&latencies)
                .map(|(minutes, latency)| sample(id, true, Some(*latency), now - TimeDelta::minutes(minutes)))
                .collect();
            for batch in samples.chunks(1_250) {
                record(&registry, batch).await;
            }
            latencies.sort_by(f64::total_cmp);
            let point = total(&registry, id, last_hour()).await;
            assert_eq!(point.success_count, 5_000);
            for (found, exact) in [
                (point.p50_ms, latencies[2_499]),
                (point.p95_ms, latencies[4_749]),
                (point.p99_ms, latencies[4_949]),
            ] {
                let found = found.unwrap();
                assert!((found / exact - 1.0).abs() < 0.05, "{id}: {found} for {exact}");
            }
        }
    }

    async fn the_seeds_statements_feed_the_same_history(database: TestDatabase) {
        let registry = database.registry().await;
        let writer = database.login_of_member("registry_legacy_writer").await;
        let as_writer = async |statement: &str| execute(&writer, statement).await.unwrap();
        as_writer("INSERT INTO extension_health (extension_id, success_count, failure_count, avg_latency_ms) VALUES ('pii_guard', 8, 2, 20)").await;
        let point = total(&registry, "pii_guard", last_hour()).await;
        assert_eq!((point.success_count, point.failure_count, point.mean_ms), (8, 2, Some(20.0)));

        // An upsert that finds its row: counted once, with the latency that moved the mean.
        let upsert = "INSERT INTO extension_health (extension_id, success_count, avg_latency_ms) VALUES ('pii_guard', 1, 130)
            ON CONFLICT (extension_id) DO UPDATE SET success_count = extension_health.success_count + 1,
                avg_latency_ms = (extension_health.avg_latency_ms * 10 + 130) / 11, last_success = now()";
        as_writer(upsert).await;
        let point = total(&registry, "pii_guard", last_hour()).await;
        assert_eq!((point.success_count, point.failure_count), (9, 2));
        assert!((point.max_ms.unwrap() - 130.0).abs() < 1e-6, "{point:?}");
        assert!((point.mean_ms.unwrap() - 30.0).abs() < 1e-6, "{point:?}");

        // What changes nothing of the counters is no call; a failure without a latency is one.
        as_writer("UPDATE extension_health SET updated_at = now()").await;
        as_writer("UPDATE extension_health SET failure_count = failure_count + 1, last_failure = now()").await;
        let point = total(&registry, "pii_guard", last_hour()).await;
        assert_eq!((point.success_count, point.failure_count), (9, 3));
        assert!((point.mean_ms.unwrap() - 30.0).abs() < 1e-6, "{point:?}");

        // Set back, and counted on from there.
        as_writer("UPDATE extension_health SET success_count = 0, failure_count = 0, avg_latency_ms = 0").await;
        as_writer("UPDATE extension_health SET success_count = 2, avg_latency_ms = 7").await;
        let point = total(&registry, "pii_guard", last_hour()).await;
        assert_eq!((point.success_count, point.failure_count), (11, 3));

        // A router of the new kind beside it: nothing twice, and the mean goes on.
        registry.record_health("pii_guard", true, Some(13.0)).await.unwrap();
        let report = registry.get_health("pii_guard").await.unwrap();
        assert_eq!((report.success_count, report.avg_latency_ms), (3, Some(9.0)));
        assert_eq!(total(&registry, "pii_guard", last_hour()).await.success_count, 12);
    }

    async fn numbers_from_before_are_no_history_and_keep_their_mean(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute("INSERT INTO extension_health (extension_id, success_count, avg_latency_ms) VALUES ('pii_guard', 3000000000, 10)").await;
        registry.record_health("pii_guard", true, Some(10.0)).await.unwrap();
        assert_eq!(registry.get_health("pii_guard").await.unwrap().success_count, 3_000_000_001);
    }

    async fn bad_calls_are_refused_by_name_and_nothing_of_their_batch_is_kept(database: TestDatabase) {
        let registry = database.registry().await;
        let now = Utc::now();
        let good = sample("pii_guard", true, Some(1.0), now);
        for (latency, field) in [(-1.0, "latency_ms"), (f64::NAN, "latency_ms"), (f64::INFINITY, "latency_ms"), (86_400_001.0, "latency_ms")] {
            let batch = [good.clone(), sample("pii_guard", true, Some(latency), now)];
            let error = registry.record_health_samples(&batch, HealthSource::Traffic, None).await.unwrap_err();
            assert_eq!((error.code(), error.report().field.as_deref()), (ErrorCode::InvalidInput, Some(field)), "{latency}");
        }
        let early = [good.clone(), sample("pii_guard", true, None, DateTime::UNIX_EPOCH)];
        let error = registry.record_health_samples(&early, HealthSource::Traffic, None).await.unwrap_err();
        assert_eq!(error.report().field.as_deref(), Some("at"));
        let error = registry.record_health("nobody", true, None).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ExtensionNotFound);
        let incomplete = execute(&database.console(), "SELECT registry_record_health(ARRAY['pii_guard', NULL], ARRAY[true, true], ARRAY[1, 1])").await;
        assert!(incomplete.unwrap_err().to_string().contains("needs an id"));
        assert_eq!(database.rows(SUMS).await, Vec::<Vec<Option<String>>>::new());

        // One that is gone takes nothing with it, and a clock that runs ahead moves nothing into the future.
        let batch = [good, sample("gone", true, Some(1.0), now), sample("pii_guard", false, None, now + TimeDelta::days(9))];
        assert_eq!(record(&registry, &batch).await, ["gone"]);
        assert_sums(&database, ["1", "1", "1", "1", "1"]).await;
        let future = "SELECT count(*) FROM extension_health_history WHERE started_at > clock_timestamp()";
        assert_eq!(database.value(future).await, "0");
    }

    async fn a_batch_that_is_sent_again_counts_once(database: TestDatabase) {
        let registry = database.registry().await;
        let batch = [sample("pii_guard", true, Some(5.0), Utc::now())];
        for id in [1, 1, 2] {
            let id = Some(Uuid::from_u128(id));
            registry.record_health_samples(&batch, HealthSource::Traffic, id).await.unwrap();
        }
        assert_sums(&database, ["2", "0", "2", "10", "2"]).await;
    }

    async fn tests_are_told_apart_from_traffic(database: TestDatabase) {
        let registry = database.registry().await;
        let tried = [sample("pii_guard", false, Some(5.0), Utc::now())];
        registry.record_health_samples(&tried, HealthSource::Test, None).await.unwrap();
        assert!(!registry.get_health("pii_guard").await.unwrap().has_data, "the counters are the routers'");
        assert_eq!(total(&registry, "pii_guard", last_hour()).await.failure_count, 0);
        let request = HealthSeriesRequest {
            extension_ids: vec!["pii_guard".into()],
            range: last_hour(),
            points_max: 60,
            source: HealthSource::Test,
        };
        assert_eq!(registry.health_series(&request).await.unwrap()[0].total.failure_count, 1);
    }

    async fn the_history_outlives_its_extension(database: TestDatabase) {
        let registry = database.registry().await;
        registry.record_health("mock_provider", true, Some(5.0)).await.unwrap();
        database.execute("DELETE FROM extensions WHERE id = 'mock_provider'").await;
        assert_eq!(total(&registry, "mock_provider", last_hour()).await.success_count, 1);
        assert!(registry.health_overview(last_hour()).await.unwrap().rows.iter().all(|row| row.extension_id != "mock_provider"));
    }

    async fn the_overview_begins_with_what_fails(database: TestDatabase) {
        let registry = database.registry().await;
        let now = Utc::now();
        let at = |minutes| now - TimeDelta::minutes(minutes);
        let calls = |id: &str, ok, count, minutes| vec![sample(id, ok, Some(20.0), at(minutes)); count];
        let mut samples = calls("pii_guard", true, 99, 50);
        samples.extend(calls("pii_guard", false, 1, 50));
        samples.extend(calls("pii_guard", true, 50, 5));
        samples.extend(calls("pii_guard", false, 50, 5));
        samples.extend(calls("mock_provider", true, 10, 10));
        samples.extend(calls("openai_gpt4", false, 10, 10));
        // Before the range.
        samples.extend(calls("mock_provider", false, 10, 600));
        record(&registry, &samples).await;
        database.execute("UPDATE extensions SET enabled = false WHERE id = 'openai_gpt4'").await;
        let overview = registry.health_overview(last_hour()).await.unwrap();
        assert_eq!(overview.step_minutes, 5);
        let shown: Vec<_> = overview.rows.iter().map(|row| (row.extension_id.as_str(), row.severity)).collect();
        assert_eq!(shown[..2], [("pii_guard", HealthSeverity::Failing), ("mock_provider", HealthSeverity::Healthy)]);
        assert!(shown[2..5].iter().all(|(_, severity)| *severity == HealthSeverity::NoData));
        assert_eq!(shown[5], ("openai_gpt4", HealthSeverity::Off));
        let empty = &overview.rows[2];
        assert!(empty.success_counts.is_empty() && empty.failure_counts.is_empty());
        let guard = &overview.rows[0];
        assert_eq!((guard.success_count, guard.failure_count), (149, 51));
        assert!((guard.score_percent.unwrap() - 74.5).abs() < 1e-9);
        assert!((guard.trend_percent_points.unwrap() + 49.0).abs() < 1e-9);
        assert!((guard.p95_ms.unwrap() - 20.0).abs() < 1e-9);
        let sum = |counts: &[u32]| counts.iter().sum::<u32>();
        assert_eq!((sum(&guard.success_counts), sum(&guard.failure_counts)), (149, 51));
        assert!([12, 13].contains(&guard.success_counts.len()), "{}", guard.success_counts.len());
        assert_eq!(guard.last_failure.map(|at| at.timestamp()), Some(at(5).timestamp()));
    }

    async fn all_together_are_told_of_their_calls_and_not_of_their_percentiles(database: TestDatabase) {
        let registry = database.registry().await;
        let now = Utc::now();
        let at = |minutes| now - TimeDelta::minutes(minutes);
        // One is called often and fast, the other seldom and slowly: the mean of their percentiles would be 500 ms.
        let mut samples = vec![sample("mock_provider", true, Some(10.0), at(50)); 990];
        samples.extend(vec![sample("mock_provider", true, Some(10.0), at(5)); 900]);
        samples.extend(vec![sample("pii_guard", false, Some(990.0), at(5)); 10]);
        record(&registry, &samples).await;
        let overview = registry.health_overview(last_hour()).await.unwrap();
        let total = &overview.total;
        assert_eq!((total.success_count, total.failure_count, total.failing_count), (1_890, 10, 1));
        assert!((total.p95_ms.unwrap() - 10.0).abs() < 0.5, "{total:?}");
        assert!((total.score_percent.unwrap() - 189_000.0 / 1_900.0).abs() < 1e-9);
        let calls = |half: &HealthTotal| (half.success_count, half.failure_count, half.failing_count);
        assert_eq!(calls(&overview.earlier), (990, 0, 0));
        assert_eq!(calls(&overview.later), (900, 10, 1));
        assert!((overview.later.p99_ms.unwrap() / 990.0 - 1.0).abs() < 0.05, "{:?}", overview.later);
    }

    async fn what_is_slow_or_silent_is_told_before_what_is_healthy(database: TestDatabase) {
        let registry = database.registry().await;
        let now = Utc::now();
        let at = |minutes| now - TimeDelta::minutes(minutes);
        let limits = HealthLimits { score_below_percent: None, p95_above_ms: Some(100.0), silent_for_seconds: Some(600) };
        registry.set_health_threshold(&SchemaScope::Extension("pii_guard".into()), Some(limits)).await.unwrap();
        registry.set_health_threshold(&SchemaScope::Extension("openai_gpt4".into()), Some(limits)).await.unwrap();
        record(
            &registry,
            &[
                sample("mock_provider", true, Some(5_000.0), at(1)),
                sample("pii_guard", true, Some(500.0), at(1)),
                sample("openai_gpt4", true, Some(20.0), at(30)),
                // Yesterday.
                sample("normalize_text", true, Some(20.0), at(1_500)),
            ],
        )
        .await;
        let overview = registry.health_overview(last_hour()).await.unwrap();
        let shown: Vec<_> = overview.rows.iter().map(|row| (row.extension_id.as_str(), row.severity)).collect();
        assert_eq!(
            shown[..4],
            [
                ("pii_guard", HealthSeverity::Slow),
                ("normalize_text", HealthSeverity::Silent),
                ("openai_gpt4", HealthSeverity::Silent),
                ("mock_provider", HealthSeverity::Healthy),
            ]
        );
    }

    async fn small_charts_are_of_those_that_were_called(database: TestDatabase) {
        let registry = database.registry().await;
        let now = Utc::now();
        let calls = |id: &str, ok, count| vec![sample(id, ok, Some(20.0), now); count];
        record(&registry, &[calls("pii_guard", true, 7), calls("pii_guard", false, 2), calls("mock_provider", true, 1)].concat()).await;
        let day = registry.health_sparklines(HealthRange::last(TimeDelta::days(1))).await.unwrap();
        assert_eq!(day.step_minutes, 60);
        let ids: Vec<_> = day.sparklines.iter().map(|line| line.extension_id.as_str()).collect();
        assert_eq!(ids, ["mock_provider", "pii_guard"]);
        let guard = &day.sparklines[1];
        let steps = usize::try_from((day.range.until - day.range.from).num_hours()).unwrap();
        assert_eq!((guard.success_counts.len(), guard.failure_counts.len()), (steps, steps));
        assert_eq!((guard.success_counts.last(), guard.failure_counts.last()), (Some(&7), Some(&2)));
        assert_eq!(guard.success_counts.iter().sum::<u32>(), 7);
    }

    async fn of_an_hour_long_ago_the_hours_are_told_and_not_the_minutes_that_are_gone(database: TestDatabase) {
        let registry = database.registry().await;
        let then = Utc::now() - TimeDelta::days(20);
        record(&registry, &[sample("pii_guard", true, Some(20.0), then)]).await;
        database.execute("DELETE FROM extension_health_history WHERE step_minutes < 60").await;
        let range = HealthRange { from: then - TimeDelta::minutes(30), until: then + TimeDelta::minutes(30) };
        let request = HealthSeriesRequest { extension_ids: vec!["pii_guard".into()], range, points_max: 300, source: HealthSource::Traffic };
        let series = registry.health_series(&request).await.unwrap().remove(0);
        assert_eq!((series.step_minutes, series.total.success_count, series.state), (60, 1, HealthState::Healthy));
        let overview = registry.health_overview(range).await.unwrap();
        assert_eq!((overview.step_minutes, overview.total.success_count), (60, 1));
    }

    async fn a_range_that_is_none_is_refused(database: TestDatabase) {
        let registry = database.registry().await;
        let now = Utc::now();
        for (from, until) in [(now, now), (now, now - TimeDelta::hours(1)), (now - TimeDelta::days(4_000), now)] {
            let error = registry.health_overview(HealthRange { from, until }).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some("range"));
        }
        let mut request = HealthSeriesRequest { extension_ids: Vec::new(), range: last_hour(), points_max: 60, source: HealthSource::Traffic };
        assert_eq!(registry.health_series(&request).await.unwrap_err().report().field.as_deref(), Some("extension_ids"));
        request.extension_ids.push("pii_guard".into());
        request.points_max = 9;
        assert_eq!(registry.health_series(&request).await.unwrap_err().report().field.as_deref(), Some("points_max"));
    }

    async fn a_recorder_writes_what_waits_and_tells_what_it_could_not(database: TestDatabase) {
        let registry = database.registry().await;
        let recorder = HealthRecorder::start(registry.clone());
        for call in 0..20_000 {
            recorder.record("pii_guard", call % 100 != 0, Some(3.0));
        }
        recorder.record("nobody", true, None);
        recorder.record("pii_guard", true, Some(-1.0));
        let counts = recorder.shut_down().await;
        assert_eq!((counts.recorded, counts.unknown, counts.dropped), (20_000, 1, 1));
        assert_eq!(database.value("SELECT sum(success_count + failure_count) FROM extension_health").await, counts.recorded.to_string());

        let recorder = HealthRecorder::start(registry);
        recorder.record("pii_guard", true, Some(3.0));
        for _ in 0..100 {
            if recorder.counts().recorded == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nothing was written without a shutdown: {:?}", recorder.counts());
    }
}
