//! No change without an entry, no entry without a change; and the log as it is read.

use registry::audit::{ActorSource, AuditAction, AuditEntry, AuditFilter, AuditListRequest};
use registry::{ChangeContext, ErrorCode, ExportFormat, Registry};
use sqlx::{ConnectOptions, Connection};
use system_tests::database::execute;
use system_tests::on_each_server;
use system_tests::reading::{filter_entries, list_entries};

async fn entries(registry: &Registry) -> Vec<AuditEntry> {
    list_entries(registry).await.unwrap()
}

on_each_server! {
    async fn a_switch_leaves_one_entry_that_tells_all(database: TestDatabase) {
        let registry = database.registry().await;
        let context = ChangeContext::with_reason(Some("too many false alarms".into()));
        registry.set_extension_enabled("pii_guard", false, &context).await.unwrap();

        let entries = entries(&registry).await;
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!((entry.extension_id.as_str(), entry.action), ("pii_guard", AuditAction::Disabled));
        assert_eq!(entry.changed_by.as_deref(), Some(database.login()));
        assert_eq!(entry.actor_source, ActorSource::Login);
        assert_eq!(entry.os_user.as_deref(), Some(registry::os_user()));
        assert_eq!(entry.application_name.as_deref(), Some("system-tests"));
        assert_eq!(entry.client_address, None, "it came over a unix socket");
        assert_eq!(entry.reason.as_deref(), Some("too many false alarms"));
        let age = chrono::Utc::now() - entry.timestamp.unwrap();
        assert!(age.num_seconds().abs() < 60, "the time is now, not {age} ago");
        assert_eq!(entry.changes.len(), 1, "only what changed: {:?}", entry.changes);
        let change = &entry.changes[0];
        assert_eq!(
            (change.path.as_str(), change.before.as_deref(), change.after.as_deref()),
            ("/enabled", Some("true"), Some("false"))
        );
    }

    async fn one_callers_reason_is_not_the_next_ones(database: TestDatabase) {
        let registry = database.registry().await;
        let with_reason = ChangeContext::with_reason(Some("first".into()));
        registry.set_extension_enabled("pii_guard", false, &with_reason).await.unwrap();
        registry.set_extension_enabled("pii_guard", true, &ChangeContext::default()).await.unwrap();
        assert_eq!(entries(&registry).await[0].reason, None);
    }

    async fn every_way_to_change_a_row_leaves_exactly_one_entry_a_row(database: TestDatabase) {
        let registry = database.registry().await;
        for (statement, expected) in [
            ("INSERT INTO extensions (id, type, subject) VALUES ('a', 'pre', 's.a'), ('b', 'pre', 's.b')", 2),
            ("UPDATE extensions SET retry = retry + 1 WHERE id IN ('a', 'b')", 2),
            ("INSERT INTO extensions (id, type, subject) VALUES ('a', 'pre', 's.a') ON CONFLICT (id) DO UPDATE SET timeout_ms = 1", 1),
            ("INSERT INTO extensions (id, type, subject) VALUES ('a', 'pre', 's.a') ON CONFLICT DO NOTHING", 0),
            ("UPDATE extensions SET retry = retry WHERE id = 'a'", 0),
            ("UPDATE extensions SET updated_at = now() WHERE id = 'a'", 0),
            ("UPDATE extensions SET enabled = true", 0),
            ("MERGE INTO extensions USING (VALUES ('a')) AS source (id) ON extensions.id = source.id WHEN MATCHED THEN UPDATE SET retry = 9", 1),
            ("UPDATE extensions SET config = '{\"n\": 1.0}' WHERE id = 'a'", 1),
            ("UPDATE extensions SET config = '{\"n\": 1.00}' WHERE id = 'a'", 1),
            ("SET session_replication_role = replica; UPDATE extensions SET retry = 0 WHERE id = 'a'", 1),
            ("DELETE FROM extensions WHERE id IN ('a', 'b')", 2),
        ] {
            let before = entries(&registry).await.len();
            database.execute(statement).await;
            let after = entries(&registry).await.len();
            assert_eq!(after - before, expected, "{statement}");
        }
    }

    async fn deleting_keeps_the_history_and_adds_to_it(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute("UPDATE extensions SET retry = 5 WHERE id = 'pii_guard'").await;
        database.execute("DELETE FROM extensions WHERE id = 'pii_guard'").await;
        let actions: Vec<_> = entries(&registry)
            .await
            .into_iter()
            .filter(|entry| entry.extension_id == "pii_guard")
            .map(|entry| entry.action)
            .collect();
        assert_eq!(actions, [AuditAction::Deleted, AuditAction::Updated]);
        let kept = database
            .value("SELECT before ->> 'subject' FROM extension_audit_log WHERE action = 'deleted'")
            .await;
        assert_eq!(kept, "beamline.ext.validate.pii_guard.v1");
    }

    async fn a_switch_with_another_change_is_an_update(database: TestDatabase) {
        let registry = database.registry().await;
        database.execute("UPDATE extensions SET enabled = false, retry = 4 WHERE id = 'pii_guard'").await;
        let entry = entries(&registry).await.remove(0);
        assert_eq!(entry.action, AuditAction::Updated);
        let fields: Vec<_> = entry.changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(fields, ["/enabled", "/retry"]);
    }

    async fn a_change_that_cannot_be_audited_does_not_happen(database: TestDatabase) {
        database.migrate().await;
        database
            .execute("ALTER TABLE extension_audit_log ADD CONSTRAINT nothing_gets_in CHECK (false) NOT VALID")
            .await;
        let refused = execute(
            &database.console(),
            "UPDATE public.extensions SET enabled = false WHERE id = 'pii_guard'",
        )
        .await;
        assert!(refused.is_err());
        assert_eq!(database.value("SELECT enabled FROM extensions WHERE id = 'pii_guard'").await, "t");
    }

    async fn truncate_is_refused_to_everyone(database: TestDatabase) {
        database.migrate().await;
        for table in ["extensions CASCADE", "extension_audit_log"] {
            let error = execute(&database.superuser(), &format!("TRUNCATE {table}")).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{table}");
        }
        assert_eq!(database.value("SELECT count(*) FROM extensions").await, "6");
    }

    async fn the_log_reads_the_same_whatever_the_sessions_zone(database: TestDatabase) {
        database.migrate().await;
        database
            .execute("SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; UPDATE extensions SET retry = 5 WHERE id = 'pii_guard'")
            .await;
        let updated_at = database.value("SELECT after ->> 'updated_at' FROM extension_audit_log").await;
        assert!(updated_at.ends_with("+00:00"), "{updated_at}");
    }

    async fn pages_follow_each_other_without_gap_or_repeat(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 's.' || n FROM generate_series(1, 25) AS n")
            .await;
        let mut seen = Vec::new();
        let mut before_revision = None;
        loop {
            let page = registry
                .list_audit_entries(&AuditListRequest { filter: AuditFilter::default(), before_revision, after_revision: None, limit: 10 })
                .await
                .unwrap();
            seen.extend(page.entries.iter().map(|entry| entry.revision));
            before_revision = page.next_before_revision;
            if before_revision.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 25);
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once");
    }

    async fn pages_lead_up_as_well_as_down(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 's.' || n FROM generate_series(1, 25) AS n")
            .await;
        let mut seen = Vec::new();
        let mut after_revision = Some(0);
        while after_revision.is_some() {
            let request = AuditListRequest { filter: AuditFilter::default(), before_revision: None, after_revision, limit: 10 };
            let page = registry.list_audit_entries(&request).await.unwrap();
            assert!(page.entries.is_sorted_by(|one, next| one.revision > next.revision), "newest first");
            assert_eq!(page.next_before_revision, after_revision.map(|revision| revision + 1), "and down from there");
            seen.extend(page.entries.iter().rev().map(|entry| entry.revision));
            after_revision = page.next_after_revision;
        }
        assert_eq!(seen, (1..=25).collect::<Vec<_>>(), "each once, up to the newest");

        let down = AuditListRequest { filter: AuditFilter::default(), before_revision: Some(12), after_revision: None, limit: 5 };
        let page = registry.list_audit_entries(&down).await.unwrap();
        assert_eq!(page.next_after_revision, Some(11));
        let up = AuditListRequest { before_revision: None, after_revision: page.next_after_revision, ..down.clone() };
        let newer = registry.list_audit_entries(&up).await.unwrap();
        let revisions: Vec<_> = newer.entries.iter().map(|entry| entry.revision).collect();
        assert_eq!(revisions, [16, 15, 14, 13, 12], "those next to it");
        let newest = AuditListRequest { before_revision: None, ..down.clone() };
        assert_eq!(registry.list_audit_entries(&newest).await.unwrap().next_after_revision, None);
        let error = registry.list_audit_entries(&AuditListRequest { after_revision: Some(3), ..down }).await.unwrap_err();
        assert_eq!(error.report().field.as_deref(), Some("after_revision"));
    }

    async fn a_search_upwards_looks_at_a_part_as_well(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 'e.' || n FROM generate_series(1, 2500) AS n")
            .await;
        let filter = AuditFilter { text: Some("e.2499\"".into()), ..AuditFilter::default() };
        let mut request = AuditListRequest { filter, before_revision: None, after_revision: Some(0), limit: 10 };
        for next in [Some(1_000), Some(2_000)] {
            let page = registry.list_audit_entries(&request).await.unwrap();
            assert_eq!((page.entries.len(), page.next_after_revision), (0, next));
            request.after_revision = next;
        }
        let page = registry.list_audit_entries(&request).await.unwrap();
        assert_eq!((page.entries.len(), page.next_after_revision), (1, None));
    }

    async fn a_search_tells_how_much_there_is_to_look_through(database: TestDatabase) {
        let registry = database.registry().await;
        for retry in 2..7 {
            database.execute(&format!("UPDATE extensions SET retry = {retry} WHERE id = 'pii_guard'")).await;
        }
        let mut entries = list_entries(&registry).await.unwrap();
        entries.reverse();
        let searched = async |filter: AuditFilter| {
            let request = AuditListRequest { filter, before_revision: None, after_revision: None, limit: 10 };
            let range = registry.list_audit_entries(&request).await.unwrap().searched;
            range.map(|range| (range.oldest, range.newest))
        };
        let text = AuditFilter { text: Some("nothing has this".into()), ..AuditFilter::default() };
        assert_eq!(searched(text.clone()).await, Some((1, 5)));
        let since = AuditFilter { since: entries[1].sealed_at, until: entries[3].sealed_at, ..text };
        assert_eq!(searched(since).await, Some((2, 3)), "in a range of time, less");
        let indexed = AuditFilter { extension_id: Some("pii_guard".into()), ..AuditFilter::default() };
        assert_eq!(searched(indexed).await, None, "what an index finds is not searched");
    }

    async fn everybody_who_ever_changed_something_is_told(database: TestDatabase) {
        let registry = database.registry().await;
        assert_eq!(registry.list_audit_actors().await.unwrap(), Vec::<String>::new());
        let context = ChangeContext::default();
        for enabled in [false, true] {
            registry.set_extension_enabled("pii_guard", enabled, &context).await.unwrap();
            database.execute(&format!("UPDATE extensions SET enabled = {enabled} WHERE id = 'mock_provider'")).await;
        }
        let superuser = database.value("SELECT session_user").await;
        let mut expected = vec![database.login().to_owned(), superuser];
        expected.sort();
        let mut actors = registry.list_audit_actors().await.unwrap();
        actors.sort();
        assert_eq!(actors, expected, "each once");
    }

    async fn a_group_tells_how_large_it_is_and_what_was_done(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute(
                "BEGIN;
                 SELECT set_config('registry.group_id', '00000000-0000-0000-0000-000000000007', true);
                 UPDATE extensions SET enabled = false WHERE type = 'provider';
                 DELETE FROM extensions WHERE id = 'pii_guard';
                 COMMIT;
                 UPDATE extensions SET retry = 7 WHERE id = 'mock_provider'",
            )
            .await;
        let group = registry.audit_group("00000000-0000-0000-0000-000000000007").await.unwrap();
        assert_eq!((group.count, group.has_more), (4, false));
        assert_eq!(group.actions, [AuditAction::Deleted, AuditAction::Disabled]);
        let none = registry.audit_group("00000000-0000-0000-0000-000000000008").await.unwrap();
        assert_eq!((none.count, none.actions), (0, vec![]));
        let error = registry.audit_group("seven").await.unwrap_err();
        assert_eq!(error.report().field.as_deref(), Some("group_id"));
    }

    async fn a_full_last_page_says_that_it_is_the_last(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 's.' || n FROM generate_series(1, 10) AS n")
            .await;
        let page =
            registry.list_audit_entries(&AuditListRequest { filter: AuditFilter::default(), before_revision: None, after_revision: None, limit: 10 }).await.unwrap();
        assert_eq!((page.entries.len(), page.next_before_revision), (10, None));
    }

    async fn a_limit_out_of_range_names_the_field(database: TestDatabase) {
        let registry = database.registry().await;
        for limit in [0, 501] {
            let error = registry
                .list_audit_entries(&AuditListRequest { filter: AuditFilter::default(), before_revision: None, after_revision: None, limit })
                .await
                .unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidInput);
            assert_eq!(error.report().field.as_deref(), Some("limit"));
        }
    }

    async fn filters_leave_what_fits_all_of_them(database: TestDatabase) {
        let registry = database.registry().await;
        let reason = ChangeContext::with_reason(Some("False positives on INVOICES".into()));
        registry.set_extension_enabled("pii_guard", false, &reason).await.unwrap();
        database.execute("UPDATE extensions SET retry = 5 WHERE id = 'pii_guard'").await;
        database.execute("DELETE FROM extensions WHERE id = 'mock_provider'").await;
        registry.set_extension_enabled("pii_guard", true, &ChangeContext::default()).await.unwrap();
        let revisions = async |filter: AuditFilter| -> Vec<i64> {
            let entries = filter_entries(&registry, filter).await.unwrap();
            entries.into_iter().map(|entry| entry.revision).collect()
        };
        let none = AuditFilter::default;
        assert_eq!(revisions(none()).await, [4, 3, 2, 1]);
        let console = Some(database.login().to_owned());
        assert_eq!(revisions(AuditFilter { changed_by: console.clone(), ..none() }).await, [4, 1]);
        let actions = vec![AuditAction::Updated, AuditAction::Deleted];
        assert_eq!(revisions(AuditFilter { actions: actions.clone(), ..none() }).await, [3, 2]);
        let of_guard = AuditFilter { extension_id: Some("pii_guard".into()), ..none() };
        assert_eq!(revisions(AuditFilter { actions, ..of_guard.clone() }).await, [2]);
        assert_eq!(revisions(AuditFilter { changed_by: console, ..of_guard }).await, [4, 1]);
        for (text, expected) in [
            ("invoices", &[1][..]),
            ("MOCK", &[3]),
            ("\"retry\"", &[3, 2]),
            ("%", &[]),
            ("nothing has this", &[]),
        ] {
            assert_eq!(revisions(AuditFilter { text: Some(text.into()), ..none() }).await, expected, "{text}");
        }
        let group_id = Some("no group".to_owned());
        let error = filter_entries(&registry, AuditFilter { group_id, ..none() }).await.unwrap_err();
        assert_eq!(error.report().field.as_deref(), Some("group_id"));
    }

    async fn a_search_looks_at_a_part_and_says_where_it_goes_on(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 'e.' || n FROM generate_series(1, 2500) AS n")
            .await;
        let filter = AuditFilter { text: Some("e.7\"".into()), ..AuditFilter::default() };
        let mut request = AuditListRequest { filter, before_revision: None, after_revision: None, limit: 10 };
        let mut page = registry.list_audit_entries(&request).await.unwrap();
        assert_eq!((page.entries.len(), page.next_before_revision), (0, Some(1_501)), "1,000 were looked at");
        request.before_revision = page.next_before_revision;
        page = registry.list_audit_entries(&request).await.unwrap();
        assert_eq!((page.entries.len(), page.next_before_revision), (0, Some(501)));
        request.before_revision = page.next_before_revision;
        page = registry.list_audit_entries(&request).await.unwrap();
        let found: Vec<_> = page.entries.iter().map(|entry| entry.extension_id.as_str()).collect();
        assert_eq!((found, page.next_before_revision), (vec!["e7"], None), "and then all");
        // What an index finds is not looked for: the oldest entry is on the first page.
        let filter = AuditFilter { extension_id: Some("e7".into()), ..AuditFilter::default() };
        let request = AuditListRequest { filter, before_revision: None, after_revision: None, limit: 10 };
        assert_eq!(registry.list_audit_entries(&request).await.unwrap().entries.len(), 1);
    }

    async fn a_range_of_time_is_closed_at_its_beginning_and_open_at_its_end(database: TestDatabase) {
        let registry = database.registry().await;
        for retry in 2..7 {
            database.execute(&format!("UPDATE extensions SET retry = {retry} WHERE id = 'pii_guard'")).await;
        }
        let mut entries = list_entries(&registry).await.unwrap();
        entries.reverse();
        let time = |revision: usize| Some(entries[revision - 1].sealed_at.unwrap());
        for (since, until, expected) in [
            (time(2), time(4), &[3, 2][..]),
            (time(5), None, &[5]),
            (None, time(1), &[]),
            (time(3), time(3), &[]),
            (None, Some(time(5).unwrap() + chrono::TimeDelta::seconds(1)), &[5, 4, 3, 2, 1]),
        ] {
            let filter = AuditFilter { since, until, ..AuditFilter::default() };
            let revisions: Vec<_> =
                filter_entries(&registry, filter).await.unwrap().into_iter().map(|entry| entry.revision).collect();
            assert_eq!(revisions, expected);
        }
    }

    async fn a_difference_tells_only_the_places_that_changed(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("UPDATE extensions SET config = '{\"patterns\": [\"credit_card\", \"iban\"], \"a/b\": {\"c\": 1.50}}' WHERE id = 'pii_guard'")
            .await;
        let entry = list_entries(&registry).await.unwrap().remove(0);
        let changes: Vec<_> = entry
            .changes
            .iter()
            .map(|change| (change.path.as_str(), change.before.as_deref(), change.after.as_deref()))
            .collect();
        assert_eq!(
            changes,
            [
                ("/config/a~1b", None, Some("{\"c\": 1.50}")),
                ("/config/block_on_match", Some("true"), None),
                ("/config/patterns/1", Some("\"ssn\""), Some("\"iban\"")),
                ("/config/patterns/2", Some("\"email\""), None),
            ]
        );
    }

    async fn an_export_holds_what_the_filter_lets_through_oldest_first(database: TestDatabase) {
        let registry = database.registry().await;
        let reason = ChangeContext::with_reason(Some("=1+1, \"quoted\"\nnext line".into()));
        registry.set_extension_enabled("pii_guard", false, &reason).await.unwrap();
        database.execute("UPDATE extensions SET retry = 5 WHERE id <> 'pii_guard'").await;

        let mut ndjson = Vec::new();
        let all = AuditFilter::default();
        let count = registry.export_audit_log(&all, ExportFormat::Ndjson, &mut ndjson).await.unwrap();
        assert_eq!(count, 6);
        let exported: Vec<AuditEntry> = String::from_utf8(ndjson)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let mut listed = list_entries(&registry).await.unwrap();
        listed.reverse();
        assert_eq!(exported, listed);

        let mut text = Vec::new();
        let filter = AuditFilter { extension_id: Some("pii_guard".into()), ..all };
        let count = registry.export_audit_log(&filter, ExportFormat::Csv, &mut text).await.unwrap();
        assert_eq!(count, 1);
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let columns = reader.headers().unwrap().clone();
        let record = reader.records().next().unwrap().unwrap();
        let value = |name: &str| &record[columns.iter().position(|column| column == name).unwrap()];
        assert_eq!(value("revision"), "1");
        assert_eq!(value("action"), "disabled");
        assert_eq!(value("reason"), "'=1+1, \"quoted\"\nnext line", "a formula becomes text");
        assert_eq!(value("changes"), r#"[{"path":"/enabled","before":"true","after":"false"}]"#);
    }

    async fn an_output_that_breaks_is_an_error_by_name(database: TestDatabase) {
        let registry = database.registry().await;
        registry.set_extension_enabled("pii_guard", false, &ChangeContext::default()).await.unwrap();
        let full = tokio::fs::OpenOptions::new().write(true).open("/dev/full").await.unwrap();
        let mut output = tokio::io::BufWriter::new(full);
        let error = registry
            .export_audit_log(&AuditFilter::default(), ExportFormat::Csv, &mut output)
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutputUnwritable);
    }

    async fn copy_and_every_role_that_may_change_leave_one_entry_a_row(database: TestDatabase) {
        database.migrate().await;
        let registry = Registry::connect(database.superuser()).await.unwrap();
        let mut expected = 0;
        for role in ["superuser", "registry_operator", "registry_legacy_writer", "registry_editor"] {
            let options = match role {
                "superuser" => database.superuser(),
                role => database.login_of_member(role).await,
            };
            let login = options.get_username().to_owned();
            execute(&options, "UPDATE public.extensions SET enabled = NOT enabled").await.unwrap();
            expected += 6;
            execute(&options, "UPDATE public.extensions SET enabled = enabled").await.unwrap();
            if role != "registry_operator" {
                let mut connection = options.connect().await.unwrap();
                let mut copy = connection
                    .copy_in_raw("COPY public.extensions (id, type, subject) FROM STDIN")
                    .await
                    .unwrap();
                copy.send("c1\tpre\tc.1\nc2\tpre\tc.2\n".as_bytes()).await.unwrap();
                assert_eq!(copy.finish().await.unwrap(), 2);
                connection.close().await.unwrap();
                execute(&options, "DELETE FROM public.extensions WHERE id LIKE 'c_'").await.unwrap();
                expected += 4;
            }
            let entries = list_entries(&registry).await.unwrap();
            assert_eq!(entries.len(), expected, "{role}");
            assert_eq!(entries[0].changed_by.as_deref(), Some(login.as_str()));
        }
        assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
    }
}
