//! Past moments of the registry: whatever was done, the audit log tells what was there.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use registry::extension_changes::{ExtensionDraft, ExtensionPatch, RestoreRequest};
use registry::time_travel::{DifferenceKind, Moment, PastExtension};
use registry::undo::UndoTarget;
use registry::{ChangeContext, ErrorCode, Registry};
use system_tests::database::TestDatabase as Database;
use system_tests::database::execute;
use system_tests::on_each_server;
use system_tests::reading::list_extensions;
use tokio::runtime::Handle;

use crate::changes::draft;

/// Something that somebody does; ids and revisions may be of nothing that is there.
#[derive(Clone, Debug)]
enum Operation {
    Create(u8, u8),
    Update(u8, u8, i32),
    Switch(u8, bool),
    SwitchAll(bool),
    Delete(u8),
    Restore(u8, i64),
    UndoRevision(i64),
    UndoNewestGroup,
    Psql(&'static str),
}

const CONFIGS: [&str; 5] = [
    "{}",
    r#"{"a": 1.0, "b": null}"#,
    r#"{"a": 1.00, "deep": [{"x": "é🦀"}, []], "token": "s3cret"}"#,
    r#"{"a": 1e2, "token": "env:TOKEN"}"#,
    r#"{"token": "s3cret-2", "keys/with~odd": {"": 0.10}}"#,
];

/// What the operations are about.
const IDS: [&str; 6] = ["e0", "e1", "e2", "e3", "p", "q"];

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let id = || 0..4_u8;
    let revision = || 0..40_i64;
    let operation = prop_oneof![
        4 => (id(), 0..5_u8).prop_map(|(id, config)| Operation::Create(id, config)),
        4 => (id(), 0..5_u8, 0..12_i32).prop_map(|(id, config, retry)| Operation::Update(id, config, retry)),
        2 => (id(), any::<bool>()).prop_map(|(id, enabled)| Operation::Switch(id, enabled)),
        1 => any::<bool>().prop_map(Operation::SwitchAll),
        2 => id().prop_map(Operation::Delete),
        2 => (id(), revision()).prop_map(|(id, revision)| Operation::Restore(id, revision)),
        1 => revision().prop_map(Operation::UndoRevision),
        1 => Just(Operation::UndoNewestGroup),
        3 => prop::sample::select(vec![
            "UPDATE public.extensions SET retry = (retry + 1) % 5",
            "UPDATE public.extensions SET enabled = NOT enabled WHERE timeout_ms > 0",
            "DELETE FROM public.extensions WHERE retry = 3",
            "INSERT INTO public.extensions (id, type, subject) VALUES ('p', 'post', 'p'), ('q', 'post', 'q') ON CONFLICT (id) DO UPDATE SET metadata = '{\"again\": true}'",
            "BEGIN; UPDATE public.extensions SET retry = 9; ROLLBACK",
            "BEGIN; DELETE FROM public.extensions; INSERT INTO public.extensions (id, type, subject) VALUES ('e0', 'pre', 'test.e0'); UPDATE public.extensions SET retry = 2; COMMIT",
        ]).prop_map(Operation::Psql),
    ];
    prop::collection::vec(operation, 1..18)
}

async fn run(database: &Database, registry: &Registry, operation: &Operation) {
    let context = ChangeContext::default();
    let revision = async |id: &str| {
        let extension = registry.get_extension(id).await;
        extension.map_or(0, |extension| extension.revision)
    };
    let outcome = match operation {
        Operation::Create(id, config) => {
            let draft = ExtensionDraft {
                config: CONFIGS[usize::from(*config)].into(),
                ..draft(&format!("e{id}"))
            };
            registry.create_extension(&draft, &context).await.map(drop)
        }
        Operation::Update(id, config, retry) => {
            let id = format!("e{id}");
            let patch = ExtensionPatch {
                config: Some(CONFIGS[usize::from(*config)].into()),
                retry: Some(*retry),
                ..ExtensionPatch::default()
            };
            let seen = revision(&id).await;
            registry
                .update_extension(&id, seen, &patch, &context)
                .await
                .map(drop)
        }
        Operation::Switch(id, enabled) => registry
            .set_extension_enabled(&format!("e{id}"), *enabled, &context)
            .await
            .map(drop),
        Operation::SwitchAll(enabled) => {
            let ids: Vec<String> = list_extensions(registry)
                .await
                .unwrap()
                .into_iter()
                .map(|extension| extension.id)
                .collect();
            registry
                .set_extensions_enabled(&ids, *enabled, &context)
                .await
        }
        Operation::Delete(id) => {
            let id = format!("e{id}");
            let seen = revision(&id).await;
            registry.delete_extension(&id, seen, &context).await
        }
        Operation::Restore(id, revision) => {
            let request = RestoreRequest {
                id: format!("e{id}"),
                revision: *revision,
                ..RestoreRequest::default()
            };
            registry
                .restore_extension(&request, &context)
                .await
                .map(drop)
        }
        Operation::UndoRevision(revision) => registry
            .undo(&UndoTarget::Revision(*revision), &context)
            .await
            .map(drop),
        Operation::UndoNewestGroup => {
            let group = database
                .value("SELECT coalesce((SELECT group_id::text FROM extension_audit_log WHERE group_id IS NOT NULL ORDER BY revision DESC LIMIT 1), 'none')")
                .await;
            registry
                .undo(&UndoTarget::Group(group), &context)
                .await
                .map(drop)
        }
        Operation::Psql(statements) => {
            if let Err(error) = execute(&database.console(), statements).await {
                let code = error
                    .as_database_error()
                    .unwrap()
                    .code()
                    .unwrap()
                    .into_owned();
                assert_eq!(code, "23505", "{statements}: {error}");
            }
            Ok(())
        }
    };
    if let Err(error) = outcome {
        assert!(
            !matches!(
                error.code(),
                ErrorCode::Internal | ErrorCode::DatabaseUnavailable
            ),
            "{operation:?}: {error} {:?}",
            error.detail()
        );
    }
}

/// The registry as it is now: what an export of this moment would hold.
async fn export(registry: &Registry) -> Vec<PastExtension> {
    let mut all = Vec::new();
    for extension in list_extensions(registry).await.unwrap() {
        let detail = registry.get_extension_detail(&extension.id).await.unwrap();
        all.push(PastExtension {
            id: extension.id,
            extension_type: extension.extension_type,
            subject: extension.subject,
            timeout_ms: extension.timeout_ms,
            retry: extension.retry,
            enabled: extension.enabled,
            config: detail.config,
            metadata: detail.metadata,
            revision: extension.revision,
        });
    }
    all.sort_by(|one, other| one.id.cmp(&other.id));
    all
}

/// The registry's rows, and those rows folded from the log, whole and as text.
const TABLE_AND_FOLD: &str = "\
    SELECT (SELECT coalesce(jsonb_agg(registry_shown_row(id) ORDER BY id), '[]')::text FROM extensions),
           (SELECT coalesce(jsonb_agg(after ORDER BY extension_id), '[]')::text
            FROM (SELECT DISTINCT ON (extension_id) extension_id, after
                  FROM extension_audit_log ORDER BY extension_id, revision DESC) AS newest
            WHERE after IS NOT NULL)";

async fn check(database: &Database, registry: &Registry, operations: &[Operation]) {
    let mut moments: Vec<(i64, DateTime<Utc>, Vec<PastExtension>)> = Vec::new();
    for operation in operations {
        run(database, registry, operation).await;
        let revision = database.value("SELECT revision FROM registry_head").await;
        let time = database
            .value("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
            .await;
        moments.push((
            revision.parse().unwrap(),
            time.parse().unwrap(),
            export(registry).await,
        ));
    }
    let rows = database.rows(TABLE_AND_FOLD).await.remove(0);
    assert_eq!(rows[0], rows[1], "the table is the fold of the log");
    for (revision, time, expected) in &moments {
        let at_revision = registry
            .registry_as_of(Moment::Revision(*revision))
            .await
            .unwrap();
        assert_eq!(&at_revision.extensions, expected, "as of #{revision}");
        for id in IDS {
            let alone = registry
                .extension_as_of(id, Moment::Revision(*revision))
                .await
                .unwrap();
            let among_all = expected.iter().find(|extension| extension.id == id);
            assert_eq!(alone.as_ref(), among_all, "{id} as of #{revision}");
            let at_time = registry
                .extension_as_of(id, Moment::Time(*time))
                .await
                .unwrap();
            assert_eq!(at_time.as_ref(), among_all, "{id} as of {time}");
        }
        let at_time = registry.registry_as_of(Moment::Time(*time)).await.unwrap();
        assert_eq!(
            (at_time.revision, &at_time.extensions),
            (*revision, expected),
            "as of {time}"
        );
    }
    for pair in moments.windows(2) {
        let (from, to) = (Moment::Revision(pair[0].0), Moment::Revision(pair[1].0));
        let differences = registry.registry_difference(from, to).await.unwrap();
        for id in IDS {
            let alone = registry.compare_extension(id, from, to).await.unwrap();
            let among_all = differences
                .iter()
                .find(|difference| difference.extension_id == id);
            assert_eq!(
                alone.changes,
                among_all.map_or_else(Vec::new, |difference| difference.changes.clone()),
                "{id}"
            );
            assert_eq!(
                alone.before.as_ref(),
                pair[0].2.iter().find(|extension| extension.id == id)
            );
            assert_eq!(
                alone.after.as_ref(),
                pair[1].2.iter().find(|extension| extension.id == id)
            );
        }
        let unequal = |one: &PastExtension, other: &PastExtension| {
            PastExtension {
                revision: 0,
                ..one.clone()
            } != PastExtension {
                revision: 0,
                ..other.clone()
            }
        };
        let changed: Vec<&str> = pair[0]
            .2
            .iter()
            .filter(|before| {
                pair[1]
                    .2
                    .iter()
                    .any(|after| after.id == before.id && unequal(before, after))
            })
            .map(|extension| extension.id.as_str())
            .collect();
        let told: Vec<&str> = differences
            .iter()
            .filter(|difference| difference.kind == DifferenceKind::Changed)
            // One that was deleted and made anew in between differs in its age alone.
            .filter(|difference| {
                difference
                    .changes
                    .iter()
                    .any(|change| change.path != "/created_at")
            })
            .map(|difference| difference.extension_id.as_str())
            .collect();
        assert_eq!(told, changed);
    }
    assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
}

on_each_server! {
    async fn any_operations_leave_a_table_that_is_the_fold_of_the_log(database: TestDatabase) {
        let registry = database.registry().await;
        let database = Arc::new(database);
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            let mut runner = TestRunner::new(Config { cases: 20, failure_persistence: None, ..Config::default() });
            runner
                .run(&operations(), |operations| {
                    runtime.block_on(async {
                        database.execute("DELETE FROM extensions").await;
                        check(&database, &registry, &operations).await;
                    });
                    Ok(())
                })
                .unwrap();
        })
        .await
        .unwrap();
    }

    async fn an_adopted_row_was_there_from_the_beginning(database: TestDatabase) {
        let registry = database.registry().await;
        registry.set_extension_enabled("pii_guard", false, &ChangeContext::default()).await.unwrap();
        let first = registry.registry_as_of(Moment::Revision(0)).await.unwrap();
        assert_eq!((first.revision, first.extensions.len()), (0, 6));
        assert!(first.extensions.iter().all(|extension| extension.enabled && extension.revision == 0));
        let before_it = "2001-01-01T00:00:00Z".parse().unwrap();
        let nothing = registry.registry_as_of(Moment::Time(before_it)).await.unwrap();
        assert_eq!(nothing.extensions.len(), 0, "and not before it was created");
    }

    async fn differences_tell_what_came_went_and_changed(database: TestDatabase) {
        let registry = database.registry().await;
        let context = ChangeContext::default();
        registry.create_extension(&draft("x"), &context).await.unwrap();
        registry.delete_extension("pii_guard", 0, &context).await.unwrap();
        let patch = ExtensionPatch { config: Some(r#"{"mode": "echo", "latency_ms": 51}"#.into()), ..ExtensionPatch::default() };
        registry.update_extension("mock_provider", 0, &patch, &context).await.unwrap();
        let differences = registry.registry_difference(Moment::Revision(0), Moment::Revision(3)).await.unwrap();
        let told: Vec<_> = differences.iter().map(|each| (each.extension_id.as_str(), each.kind)).collect();
        assert_eq!(
            told,
            [
                ("mock_provider", DifferenceKind::Changed),
                ("pii_guard", DifferenceKind::Deleted),
                ("x", DifferenceKind::Created),
            ]
        );
        assert_eq!(differences[0].changes.len(), 1);
        assert_eq!(differences[0].changes[0].path, "/config/latency_ms");
        let back = registry.registry_difference(Moment::Revision(3), Moment::Revision(0)).await.unwrap();
        assert_eq!(back[2].kind, DifferenceKind::Deleted);
        let none = registry.registry_difference(Moment::Revision(2), Moment::Revision(2)).await.unwrap();
        assert_eq!(none, []);
    }

    async fn a_transaction_counts_from_its_commit(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("BEGIN; UPDATE extensions SET retry = 9 WHERE id = 'pii_guard'; SELECT pg_sleep(0.2); COMMIT")
            .await;
        let times = database
            .rows("SELECT to_char((timestamp + interval '0.1 s') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM extension_audit_log")
            .await;
        let between = times[0][0].as_ref().unwrap().parse().unwrap();
        let past = registry.registry_as_of(Moment::Time(between)).await.unwrap();
        assert_eq!(past.revision, 0, "nobody saw it then");
    }

    async fn one_extension_is_compared_with_what_it_is_now(database: TestDatabase) {
        let registry = database.registry().await;
        let compare = async |id: &str| registry.compare_extension(id, Moment::Revision(0), Moment::Now).await.unwrap();
        let untouched = compare("pii_guard").await;
        assert_eq!(untouched.changes, [], "it has no entry yet");
        assert_eq!(untouched.before, untouched.after);
        assert_eq!(untouched.before.unwrap().id, "pii_guard");

        let context = ChangeContext::default();
        registry.set_extension_enabled("pii_guard", false, &context).await.unwrap();
        let changed = compare("pii_guard").await;
        let paths: Vec<_> = changed.changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["/enabled"]);
        assert_eq!((changed.before.unwrap().enabled, changed.after.unwrap().enabled), (true, false));

        database.execute("DELETE FROM extensions WHERE id = 'pii_guard'").await;
        let gone = compare("pii_guard").await;
        assert!(gone.changes.iter().any(|change| change.path == "/id"));
        assert_eq!((gone.before.is_some(), gone.after), (true, None));
        assert_eq!(registry.extension_as_of("pii_guard", Moment::Now).await.unwrap(), None);
        let never = compare("never was").await;
        assert_eq!((never.before, never.after, never.changes), (None, None, vec![]));
        let all = registry.registry_difference(Moment::Revision(0), Moment::Now).await.unwrap();
        assert_eq!(all.len(), 1, "and so is the whole registry");
    }

    async fn a_revision_to_come_is_refused(database: TestDatabase) {
        let registry = database.registry().await;
        for revision in [-1, 1] {
            let error = registry.registry_as_of(Moment::Revision(revision)).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some("revision"));
            let error = registry.extension_as_of("pii_guard", Moment::Revision(revision)).await.unwrap_err();
            assert_eq!(error.report().field.as_deref(), Some("revision"));
        }
    }
}
