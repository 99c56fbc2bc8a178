//! Changes whose answer is lost are made exactly once.

use std::time::Duration;

use registry::connection::ServerAddress;
use registry::document::{DocumentFormat, RegistryDocument};
use registry::extension_changes::{ExtensionDraft, ExtensionPatch, RestoreRequest, SeenExtension};
use registry::extensions::ExtensionType;
use registry::plan::ApplyRequest;
use registry::undo::UndoTarget;
use registry::{ChangeContext, ErrorCode, Registry};
use serde_json::json;
use system_tests::cluster::{Cluster, remote, servers};
use system_tests::database::rows;
use system_tests::faults;
use system_tests::tcp_proxy::{TcpProxy, Way};

use crate::secrets::listen_to_log;

fn draft(id: &str) -> ExtensionDraft {
    ExtensionDraft {
        id: id.into(),
        extension_type: ExtensionType::Pre,
        subject: format!("beamline.ext.pre.{id}"),
        timeout_ms: 100,
        retry: 0,
        enabled: true,
        config: "{}".into(),
        metadata: "{}".into(),
    }
}

/// How many entries there are, and the revision of the newest.
async fn count(cluster: &Cluster) -> i64 {
    let counted = rows(
        &cluster.superuser(),
        "SELECT count(*)::text, max(revision)::text, count(DISTINCT request_id)::text FROM extension_audit_log WHERE revision IS NOT NULL",
    )
    .await
    .remove(0);
    let [entries, newest, _requests] = [0, 1, 2].map(|column| {
        counted[column]
            .as_deref()
            .unwrap_or("0")
            .parse::<i64>()
            .unwrap()
    });
    assert_eq!(entries, newest);
    entries
}

/// Makes the proxy lose the next commit and all after it, until the change is done with by a direct way: the answer
/// of each attempt is lost before or after, in turn.
struct Losing<'a> {
    proxy: &'a TcpProxy,
}

impl Losing<'_> {
    /// Loses the commits of the next 30 ms of attempts; then lets them through.
    async fn during<T>(&self, change: impl Future<Output = T>) -> T {
        let before = self.proxy.lost_commits();
        self.proxy.change_to(Way::LosesCommits);
        let lose_one = async {
            while self.proxy.lost_commits() == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            self.proxy.change_to(Way::Open(Duration::ZERO));
            std::future::pending::<()>().await;
        };
        tokio::select! {
            done = change => {
                self.proxy.change_to(Way::Open(Duration::ZERO));
                assert!(self.proxy.lost_commits() > before, "a commit was lost");
                done
            }
            () = lose_one => unreachable!(),
        }
    }
}

/// A server with a registry, and what leads to it and can lose answers.
async fn behind_a_proxy() -> (Cluster, TcpProxy, Registry) {
    listen_to_log();
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let proxy = TcpProxy::before(cluster.port, Way::Open(Duration::ZERO)).await;
    let mut database = remote(&[]);
    database.servers = vec![ServerAddress::new("127.0.0.1", proxy.port)];
    let registry = Registry::open(servers(&database)).await.unwrap();
    (cluster, proxy, registry)
}

/// It was made; who is told that no server can be reached would take it for not made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_server_stays_away_is_said_to_be_unknown() {
    let (cluster, proxy, registry) = behind_a_proxy().await;
    let before = count(&cluster).await;
    proxy.change_to(Way::LosesCommits);
    let away = async {
        while proxy.lost_commits() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        proxy.change_to(Way::Reset);
    };
    let context = ChangeContext::default();
    let draft = draft("lost");
    let (created, ()) = tokio::join!(registry.create_extension(&draft, &context), away);
    let error = created.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
    assert!(error.detail().is_some_and(|detail| !detail.is_empty()));
    assert_eq!(count(&cluster).await, before + 1, "it was made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_lost_answers_and_each_change_is_made_once() {
    let (cluster, proxy, registry) = behind_a_proxy().await;
    let losing = Losing { proxy: &proxy };
    let context = ChangeContext::default();
    let mut expected = count(&cluster).await;
    let exported = registry
        .export_document(Some(&["pii_guard".to_owned()]))
        .await
        .unwrap();
    let only = exported.to_text(DocumentFormat::Yaml).unwrap();

    // Twenty rounds of each of the ten kinds of change.
    for round in 0..20 {
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        let created = losing
            .during(registry.create_extension(&draft(&a), &context))
            .await
            .unwrap();
        assert_eq!(created.extension.id, a);
        expected += 1;
        assert_eq!(count(&cluster).await, expected, "create, {round}");
        registry
            .create_extension(&draft(&b), &context)
            .await
            .unwrap();
        expected += 1;

        let patch = ExtensionPatch {
            retry: Some(3),
            ..ExtensionPatch::default()
        };
        let updated = losing
            .during(registry.update_extension(&a, created.extension.revision, &patch, &context))
            .await
            .unwrap();
        assert_eq!(updated.extension.retry, 3);
        expected += 1;
        assert_eq!(count(&cluster).await, expected, "update, {round}");

        for enabled in [false, true] {
            losing
                .during(registry.set_extension_enabled(&a, enabled, &context))
                .await
                .unwrap();
            expected += 1;
            assert_eq!(count(&cluster).await, expected, "switch {enabled}, {round}");
        }

        let both = [a.clone(), b.clone()];
        losing
            .during(registry.set_extensions_enabled(&both, false, &context))
            .await
            .unwrap();
        expected += 2;
        assert_eq!(count(&cluster).await, expected, "bulk, {round}");

        // Taken back, as one group.
        let group = rows(
            &cluster.superuser(),
            "SELECT group_id::text FROM extension_audit_log ORDER BY revision DESC LIMIT 1",
        )
        .await
        .remove(0)
        .remove(0)
        .unwrap();
        let undone = losing
            .during(registry.undo(&UndoTarget::Group(group), &context))
            .await
            .unwrap();
        assert_eq!(undone, both);
        expected += 2;
        assert_eq!(count(&cluster).await, expected, "undo, {round}");

        let restored = RestoreRequest {
            id: a.clone(),
            revision: created.extension.revision,
            ..RestoreRequest::default()
        };
        let version = losing
            .during(registry.restore_extension(&restored, &context))
            .await
            .unwrap();
        assert_eq!(version.extension.retry, 0);
        expected += 1;
        assert_eq!(count(&cluster).await, expected, "restore, {round}");

        losing
            .during(registry.delete_extension(&a, version.extension.revision, &context))
            .await
            .unwrap();
        expected += 1;
        assert_eq!(count(&cluster).await, expected, "delete, {round}");

        let revision = registry.get_extension(&b).await.unwrap().revision;
        let seen = [SeenExtension {
            id: b.clone(),
            revision,
        }];
        losing
            .during(registry.delete_extensions(&seen, &context))
            .await
            .unwrap();
        expected += 1;
        assert_eq!(count(&cluster).await, expected, "delete many, {round}");

        let retry = format!("retry: {}", round % 2 + 4);
        let text = only.replace("retry: 1", &retry);
        assert!(text.contains(&retry), "{text}");
        let document = RegistryDocument::parse(&text).unwrap();
        let plan = registry.plan_document(&document, false).await.unwrap();
        let request = ApplyRequest {
            seen_revision: plan.revision,
            prune: false,
        };
        let applied = losing
            .during(registry.apply_document(&document, request, &context))
            .await
            .unwrap();
        assert_eq!(applied.changed_count, 1);
        expected += 1;
        assert_eq!(count(&cluster).await, expected, "import, {round}");
    }
    assert!(
        proxy.lost_commits() >= 200,
        "{} answers were lost",
        proxy.lost_commits()
    );
    faults::report(
        "connection lost at COMMIT, before or after it",
        json!({ "lost_answers": proxy.lost_commits(), "audited": expected }),
    );
    assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
}
