//! Through a real `PgBouncer`, in both modes, with fewer sessions than clients.

use std::time::Duration;

use registry::cache::{CacheOptions, CacheState, ChangeNotices, PollingReason, RegistryCache};
use registry::connection::{Pooling, RemoteDatabase, Servers, probe};
use registry::extension_changes::{ExtensionPatch, RestoreRequest};
use registry::undo::UndoTarget;
use registry::{ChangeContext, ErrorCode, Registry};
use system_tests::cluster::{Cluster, SECRET, remote, servers};
use system_tests::pgbouncer::PgBouncer;

use crate::failover::wait_until;
use crate::secrets::{assert_no_secret, listen_to_log};

struct Pooled {
    _cluster: Cluster,
    _bouncer: PgBouncer,
    servers: Servers,
}

async fn pooled(pooling: Pooling, sessions_max: u32) -> Pooled {
    listen_to_log();
    let cluster = Cluster::start(&[]).await;
    cluster.make_registry().await;
    let bouncer = PgBouncer::before(
        "127.0.0.1",
        cluster.port,
        pooling,
        ("postgres", SECRET),
        sessions_max,
    );
    let servers = servers(&RemoteDatabase {
        pooling,
        ..remote(&[bouncer.port])
    });
    Pooled {
        _cluster: cluster,
        _bouncer: bouncer,
        servers,
    }
}

/// Something of each resource.
async fn use_all(registry: &Registry) {
    let context = ChangeContext::with_reason(Some("through a pooler".into()));
    registry.permissions().await.unwrap();
    let seen = registry.get_extension_detail("pii_guard").await.unwrap();
    let patch = ExtensionPatch {
        retry: Some(5),
        ..ExtensionPatch::default()
    };
    let changed = registry
        .update_extension("pii_guard", seen.extension.revision, &patch, &context)
        .await
        .unwrap();
    assert_eq!(changed.extension.retry, 5);
    registry
        .set_extensions_enabled(
            &["pii_guard".into(), "mock_provider".into()],
            false,
            &context,
        )
        .await
        .unwrap();
    registry
        .undo(&UndoTarget::Revision(changed.extension.revision), &context)
        .await
        .unwrap_err();
    let restored = RestoreRequest {
        id: "pii_guard".into(),
        revision: changed.extension.revision,
        ..RestoreRequest::default()
    };
    registry
        .restore_extension(&restored, &context)
        .await
        .unwrap();
    registry
        .undo(
            &UndoTarget::Revision(changed.extension.revision + 3),
            &context,
        )
        .await
        .unwrap();
    let document = registry.export_document(None).await.unwrap();
    let plan = registry.plan_document(&document, true).await.unwrap();
    assert_eq!((plan.changes.len(), plan.problems.len()), (0, 0));
    registry
        .record_health("mock_provider", true, Some(12.0))
        .await
        .unwrap();
    registry.list_secret_names().await.unwrap();
    registry.list_consumers().await.unwrap();
    assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_it_works_in_session_mode() {
    let pooled = pooled(Pooling::Session, 20).await;
    let report = probe(&pooled.servers, |_| ()).await;
    assert!(report.is_ok(), "{report:?}");
    let registry = Registry::open(pooled.servers.clone()).await.unwrap();
    let cache = RegistryCache::connect(pooled.servers.clone(), CacheOptions::default())
        .await
        .unwrap();
    assert_eq!(cache.stats().notices, ChangeNotices::Told);
    use_all(&registry).await;
    let head = registry.anchor().await.unwrap().revision;
    wait_until("the cache follows", async || cache.stats().revision == head).await;
    assert_no_secret(&format!("{registry:?}"));

    let read_only = RemoteDatabase {
        is_read_only: true,
        ..pooled.servers.database().clone()
    };
    let registry = Registry::open(servers(&read_only)).await.unwrap();
    let error = registry.add_secret_name("another").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ReadOnly, "the server refuses it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_it_works_in_transaction_mode_with_three_sessions_for_many_clients() {
    let pooled = pooled(Pooling::Transaction, 3).await;
    let report = probe(&pooled.servers, |_| ()).await;
    assert!(report.is_ok(), "{report:?}");
    let registry = Registry::open(pooled.servers.clone()).await.unwrap();
    let cache = RegistryCache::connect(pooled.servers.clone(), CacheOptions::default())
        .await
        .unwrap();
    assert!(matches!(
        cache.stats().notices,
        ChangeNotices::LookedFor {
            reason: PollingReason::TransactionPooling,
            ..
        }
    ));
    use_all(&registry).await;
    let head = registry.anchor().await.unwrap().revision;
    wait_until("the cache looks", async || {
        cache.stats().revision == head && cache.state() == CacheState::Fresh
    })
    .await;

    // Many at once on three sessions: each answer belongs to its question.
    let askers: Vec<_> = (0..12)
        .map(|asker| {
            let registry = registry.clone();
            tokio::spawn(async move {
                for round in 0..40 {
                    let id = ["pii_guard", "mock_provider", "openai_gpt4"][(asker + round) % 3];
                    assert_eq!(registry.get_extension(id).await.unwrap().id, id);
                    if round % 4 == 0 {
                        registry.list_secret_names().await.unwrap();
                    }
                    if round % 10 == 0 {
                        let context = ChangeContext::default();
                        registry
                            .set_extension_enabled(id, round % 20 == 0, &context)
                            .await
                            .unwrap();
                    }
                }
            })
        })
        .collect();
    for asker in askers {
        tokio::time::timeout(Duration::from_mins(2), asker)
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);

    let error = registry::migrations::migrate_on(&pooled.servers)
        .await
        .unwrap_err();
    assert_eq!(error.report().field.as_deref(), Some("pooling"));
    let decision = registry::migrations::decision(&pooled.servers)
        .await
        .unwrap();
    assert_eq!(decision.obstacle, None, "there is nothing to do");

    let read_only = RemoteDatabase {
        is_read_only: true,
        ..pooled.servers.database().clone()
    };
    let registry = Registry::open(servers(&read_only)).await.unwrap();
    let error = registry.add_secret_name("another").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ReadOnly, "the server refuses it");
}
