//! The audit log when it is long, on a real server: prints one row of a table for each figure.
//!
//! `cargo bench -p system-tests --bench history`. `BENCH_ENTRIES` shortens the log (10000000: it takes about 8 GB in
//! the temporary folder and some minutes to make).
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::env;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use registry::Registry;
use registry::audit::{AuditAction, AuditFilter, AuditListRequest};
use registry::time_travel::Moment;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use system_tests::database::TestDatabase;
use system_tests::servers;

/// How often each question is asked, at another place each time.
const QUESTIONS: i64 = 300;
/// What the window asks for at once.
const PAGE: u16 = 100;
/// How many buckets the window's histogram has.
const BUCKETS: u16 = 96;
/// From one entry to the next.
const STEP: TimeDelta = TimeDelta::seconds(3);

#[tokio::main]
async fn main() {
    let entries: i64 = env::var("BENCH_ENTRIES")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(10_000_000);
    let database = TestDatabase::create(servers::bundled()).await;
    let registry = database.registry().await;
    let began_at = Utc::now() - STEP * i32::try_from(entries).unwrap();
    fill(&database, entries, began_at).await;
    let log = Log {
        registry,
        entries,
        began_at,
    };
    log.pages_by_index().await;
    log.pages_by_search().await;
    log.activities().await;
    log.one_extension().await;
    log.small_questions().await;
}

/// A log of changes that switch extensions, past the triggers: how they are made is not what is measured.
async fn fill(database: &TestDatabase, entries: i64, began_at: DateTime<Utc>) {
    let mut connection = database.superuser().connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!(
        r#"SET synchronous_commit = off; SET maintenance_work_mem = '512MB';
        ALTER TABLE extension_audit_log DISABLE TRIGGER ALL;
        INSERT INTO extension_audit_log (extension_id, action, changed_by, actor_source, login, os_user, application_name,
            reason, group_id, revision, previous_hash, hash, hash_version, sealed_at, timestamp, before, after, changes)
        SELECT 'e' || n * 7919 % 10000,
               CASE WHEN n % 1000 = 0 THEN 'deleted' WHEN n % 1000 = 1 THEN 'created' WHEN n % 10 = 2 THEN 'updated'
                    WHEN n % 2 = 0 THEN 'enabled' ELSE 'disabled' END,
               'user' || n * 31 % 40, 'login', 'user' || n * 31 % 40, 'operator', 'console',
               CASE WHEN n % 3 = 0 THEN 'because of ticket ' || n END,
               CASE WHEN n % 10 < 5 THEN ('00000000-0000-0000-0000-' || lpad((n / 1000)::text, 12, '0'))::uuid END,
               n, sha256(int8send(n - 1)), sha256(int8send(n)), 2,
               '{began_at}'::timestamptz + n * interval '3 seconds', '{began_at}'::timestamptz + n * interval '3 seconds',
               CASE WHEN n % 1000 <> 1 THEN jsonb_build_object('id', 'e' || n * 7919 % 10000, 'type', 'pre', 'retry', 1, 'timeout_ms', 100, 'enabled', true, 'subject', 'beamline.ext.e' || n) END,
               CASE WHEN n % 1000 <> 0 THEN jsonb_build_object('id', 'e' || n * 7919 % 10000, 'type', 'pre', 'retry', 1, 'timeout_ms', 100, 'enabled', false, 'subject', 'beamline.ext.e' || n) END,
               '{{"enabled": {{"before": true, "after": false}}}}'
        FROM generate_series(1::bigint, {entries}) AS n;
        ALTER TABLE extension_audit_log ENABLE TRIGGER ALL;
        UPDATE registry_head SET revision = {entries};
        SELECT registry_count_entries({entries})"#
    )))
    .execute(&mut connection)
    .await
    .unwrap();
    sqlx::raw_sql("VACUUM ANALYZE extension_audit_log, registry_audit_counts")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

struct Log {
    registry: Registry,
    entries: i64,
    began_at: DateTime<Utc>,
}

impl Log {
    fn time_of(&self, revision: i64) -> DateTime<Utc> {
        self.began_at + STEP * i32::try_from(revision).unwrap()
    }

    /// Questions whose answers an index has in order.
    async fn pages_by_index(&self) {
        let all = AuditFilter::default;
        self.page("first page", |_| (all(), None)).await;
        self.page("a page anywhere", |place| (all(), Some(place)))
            .await;
        self.page("history of one extension, anywhere", |place| {
            let extension_id = Some(format!("e{}", place % 10_000));
            (
                AuditFilter {
                    extension_id,
                    ..all()
                },
                Some(place),
            )
        })
        .await;
        self.page("by actor, anywhere", |place| {
            let changed_by = Some(format!("user{}", place % 40));
            (
                AuditFilter {
                    changed_by,
                    ..all()
                },
                Some(place),
            )
        })
        .await;
        self.page("by a rare kind, anywhere", |place| {
            (
                AuditFilter {
                    actions: vec![AuditAction::Deleted],
                    ..all()
                },
                Some(place),
            )
        })
        .await;
        self.page("a group of 1,000", |place| {
            let group_id = Some(format!("00000000-0000-0000-0000-{:012}", place / 1_000));
            (AuditFilter { group_id, ..all() }, None)
        })
        .await;
        self.page("a day, anywhere", |place| {
            let since = self.time_of(place);
            let filter = AuditFilter {
                since: Some(since),
                until: Some(since + TimeDelta::days(1)),
                ..all()
            };
            (filter, None)
        })
        .await;
    }

    /// Questions for which a part of the log is looked through.
    async fn pages_by_search(&self) {
        let all = AuditFilter::default;
        self.page("by three kinds, anywhere", |place| {
            let actions = vec![
                AuditAction::Created,
                AuditAction::Deleted,
                AuditAction::Updated,
            ];
            (AuditFilter { actions, ..all() }, Some(place))
        })
        .await;
        self.page("by actor, extension and kind, anywhere", |place| {
            let filter = AuditFilter {
                extension_id: Some(format!("e{}", place % 10_000)),
                changed_by: Some(format!("user{}", place % 40)),
                actions: vec![AuditAction::Disabled],
                ..all()
            };
            (filter, Some(place))
        })
        .await;
        self.page("a text that is everywhere, anywhere", |place| {
            (
                AuditFilter {
                    text: Some("enabled".into()),
                    ..all()
                },
                Some(place),
            )
        })
        .await;
        self.page(
            "a text that is nowhere, anywhere (looked for in a part)",
            |place| {
                (
                    AuditFilter {
                        text: Some("no such text".into()),
                        ..all()
                    },
                    Some(place),
                )
            },
        )
        .await;
        self.page("a text in a day, anywhere", |place| {
            let since = self.time_of(place);
            let filter = AuditFilter {
                since: Some(since),
                until: Some(since + TimeDelta::days(1)),
                text: Some("needle".into()),
                ..all()
            };
            (filter, None)
        })
        .await;
    }

    /// Asks for pages of which `question` makes the filter and the place.
    async fn page(&self, what: &str, question: impl Fn(i64) -> (AuditFilter, Option<i64>)) {
        let mut durations = Vec::new();
        for number in 0..QUESTIONS {
            // All over the log, in no order.
            let place = 1 + number * 7_919_777 % self.entries;
            let (filter, before_revision) = question(place);
            let request = AuditListRequest {
                filter,
                before_revision,
                after_revision: None,
                limit: PAGE,
            };
            let started_at = Instant::now();
            self.registry.list_audit_entries(&request).await.unwrap();
            durations.push(started_at.elapsed());
        }
        print(
            &format!("{what}, {} entries", self.entries),
            durations,
            "p99 10 ms",
        );
    }

    /// How much happened when: all of it, and parts of it anywhere.
    async fn activities(&self) {
        let all = AuditFilter::default;
        let range = |place: i64, days: i64| AuditFilter {
            since: Some(self.time_of(place) - TimeDelta::days(days)),
            until: Some(self.time_of(place)),
            ..all()
        };
        let disabled = || AuditFilter {
            actions: vec![AuditAction::Disabled],
            ..all()
        };
        let three = vec![
            AuditAction::Created,
            AuditAction::Deleted,
            AuditAction::Updated,
        ];
        let held = "p99 10 ms";
        self.activity("activity of everything", held, |_| all())
            .await;
        self.activity("activity of 30 days, anywhere", held, |place| {
            range(place, 30)
        })
        .await;
        self.activity("activity of a day, anywhere", held, |place| range(place, 1))
            .await;
        self.activity("activity of everything, one kind", held, |_| disabled())
            .await;
        self.activity("activity of everything, three kinds", held, |_| {
            AuditFilter {
                actions: three.clone(),
                ..all()
            }
        })
        .await;
        self.activity("activity of a day, one kind, anywhere", held, |place| {
            AuditFilter {
                actions: disabled().actions,
                ..range(place, 1)
            }
        })
        .await;
        self.activity("activity of one extension", "", |place| AuditFilter {
            extension_id: Some(format!("e{}", place % 10_000)),
            ..all()
        })
        .await;
        self.activity("activity by one actor, the newest 50,000", "", |place| {
            AuditFilter {
                changed_by: Some(format!("user{}", place % 40)),
                ..all()
            }
        })
        .await;
        self.activity("activity with a text, of the newest 10,000", "", |_| {
            AuditFilter {
                text: Some("ticket".into()),
                ..all()
            }
        })
        .await;
    }

    async fn activity(&self, what: &str, promise: &str, question: impl Fn(i64) -> AuditFilter) {
        self.ask(what, promise, async |place| {
            let filter = question(place);
            self.registry
                .audit_activity(&filter, BUCKETS, "Europe/Berlin")
                .await
                .unwrap();
        })
        .await;
    }

    /// One extension at other moments.
    async fn one_extension(&self) {
        let held = "p99 10 ms";
        let id = |place: i64| format!("e{}", place % 10_000);
        self.ask("one extension as of anywhere", held, async |place| {
            let moment = Moment::Revision(place);
            let past = self.registry.extension_as_of(&id(place), moment).await;
            past.unwrap();
        })
        .await;
        self.ask("one extension as of any time", held, async |place| {
            let moment = Moment::Time(self.time_of(place));
            let past = self.registry.extension_as_of(&id(place), moment).await;
            past.unwrap();
        })
        .await;
        self.ask(
            "one extension compared with what it is now",
            held,
            async |place| {
                let from = Moment::Revision(place);
                let compared = self
                    .registry
                    .compare_extension(&id(place), from, Moment::Now)
                    .await;
                compared.unwrap();
            },
        )
        .await;
    }

    /// What the window asks beside its lists.
    async fn small_questions(&self) {
        let held = "p99 10 ms";
        self.ask("how many are newer than what is shown", held, async |_| {
            let request = AuditListRequest {
                filter: AuditFilter {
                    since: Some(self.time_of(self.entries - 5)),
                    ..AuditFilter::default()
                },
                before_revision: None,
                after_revision: None,
                limit: 21,
            };
            self.registry.list_audit_entries(&request).await.unwrap();
        })
        .await;
        self.ask("a page above a revision, anywhere", held, async |place| {
            let request = AuditListRequest {
                filter: AuditFilter::default(),
                before_revision: None,
                after_revision: Some(place),
                limit: PAGE,
            };
            self.registry.list_audit_entries(&request).await.unwrap();
        })
        .await;
        self.ask("which revision it was at a time", held, async |place| {
            self.registry
                .revision_at(self.time_of(place))
                .await
                .unwrap();
        })
        .await;
        self.ask("who ever changed something, 40 actors", held, async |_| {
            assert_eq!(self.registry.list_audit_actors().await.unwrap().len(), 40);
        })
        .await;
        self.ask("how large a group is", held, async |place| {
            let id = format!("00000000-0000-0000-0000-{:012}", place / 1_000);
            self.registry.audit_group(&id).await.unwrap();
        })
        .await;
        self.ask(
            "how many a filter by kinds and time has",
            held,
            async |place| {
                let filter = AuditFilter {
                    actions: vec![AuditAction::Disabled],
                    until: Some(self.time_of(place)),
                    ..AuditFilter::default()
                };
                self.registry.count_audit_entries(&filter).await.unwrap();
            },
        )
        .await;
    }

    /// Asks all over the log, in no order.
    async fn ask(&self, what: &str, promise: &str, question: impl AsyncFn(i64)) {
        let mut durations = Vec::new();
        for number in 0..QUESTIONS {
            let place = 1 + number * 7_919_777 % self.entries;
            let started_at = Instant::now();
            question(place).await;
            durations.push(started_at.elapsed());
        }
        print(
            &format!("{what}, {} entries", self.entries),
            durations,
            promise,
        );
    }
}

fn print(what: &str, mut durations: Vec<Duration>, promise: &str) {
    durations.sort();
    let shown = |share: f64| {
        let place = ((durations.len() - 1) as f64 * share).round() as usize;
        format!("{:.2} ms", durations[place].as_secs_f64() * 1e3)
    };
    println!(
        "| {what} | median {}, p99 {}, worst {} | {promise} |",
        shown(0.5),
        shown(0.99),
        shown(1.0)
    );
}
