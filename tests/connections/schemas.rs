//! What a database needs is told before it is done.

use registry::connection::RemoteDatabase;
use registry::migrations::{self, SchemaState};
use registry::{ChangeContext, ErrorCode, Registry};
use system_tests::cluster::{Cluster, remote, servers};
use system_tests::database::execute;

use crate::secrets::listen_to_log;

#[tokio::test]
async fn each_database_gets_the_offer_that_is_right_for_it() {
    listen_to_log();
    let cluster = Cluster::start(&[]).await;
    let superuser = cluster.superuser();
    let as_superuser = RemoteDatabase {
        user: "postgres".into(),
        ..remote(&[cluster.port])
    };

    // Nothing there.
    let decision = migrations::decision(&servers(&as_superuser)).await.unwrap();
    assert!(
        matches!(
            decision.state,
            SchemaState::Empty {
                other_table_count: 0,
                ..
            }
        ),
        "{decision:?}"
    );
    assert_eq!(decision.state.migrations().len(), migrations::count());
    assert_eq!(
        (decision.missing_roles.len(), &decision.obstacle),
        (0, &None)
    );

    // A login that may neither create roles nor tables.
    cluster.make_login("poor", "").await;
    let as_poor = RemoteDatabase {
        user: "poor".into(),
        ..remote(&[cluster.port])
    };
    let decision = migrations::decision(&servers(&as_poor)).await.unwrap();
    let statements: Vec<_> = decision
        .missing_roles
        .iter()
        .map(|role| role.statement.clone())
        .collect();
    assert!(
        statements.contains(&"CREATE ROLE registry_editor NOLOGIN;".to_owned()),
        "{statements:?}"
    );
    let obstacle = decision.obstacle.expect("it may not");
    assert!(
        obstacle.contains("GRANT CREATE ON SCHEMA public TO \"poor\";"),
        "{obstacle}"
    );
    // What it says is all that it takes.
    execute(&superuser, &statements.join("\n")).await.unwrap();
    execute(&superuser, "GRANT CREATE ON SCHEMA public TO \"poor\"")
        .await
        .unwrap();
    let decision = migrations::decision(&servers(&as_poor)).await.unwrap();
    assert_eq!(
        (decision.missing_roles.len(), &decision.obstacle),
        (0, &None)
    );

    // The seed's tables, with rows.
    execute(
        &superuser,
        "CREATE TABLE extensions (id VARCHAR(255) PRIMARY KEY, type VARCHAR(50) NOT NULL, subject VARCHAR(255) NOT NULL UNIQUE,
             timeout_ms INTEGER NOT NULL DEFAULT 5000, retry INTEGER NOT NULL DEFAULT 1, enabled BOOLEAN NOT NULL DEFAULT true,
             config JSONB DEFAULT '{}', metadata JSONB DEFAULT '{}', created_at TIMESTAMP DEFAULT now(), updated_at TIMESTAMP DEFAULT now());
         INSERT INTO extensions (id, type, subject) VALUES ('a', 'pre', 'a'), ('b', 'post', 'b')",
    )
    .await
    .unwrap();
    let decision = migrations::decision(&servers(&as_superuser)).await.unwrap();
    assert!(
        matches!(
            decision.state,
            SchemaState::Seed {
                extension_count: Some(2),
                audit_entry_count: None,
                ..
            }
        ),
        "{decision:?}"
    );
    migrations::migrate_on(&servers(&as_superuser))
        .await
        .unwrap();
    let decision = migrations::decision(&servers(&as_superuser)).await.unwrap();
    assert_eq!(
        decision.state,
        SchemaState::UpToDate {
            version: migrations::latest_version()
        }
    );

    // An older registry.
    let newest = migrations::latest_version();
    execute(
        &superuser,
        &format!("DELETE FROM _sqlx_migrations WHERE version = {newest}"),
    )
    .await
    .unwrap();
    let decision = migrations::decision(&servers(&as_superuser)).await.unwrap();
    let [pending] = decision.state.migrations() else {
        panic!("{decision:?}")
    };
    assert_eq!(pending.version, newest);
    assert!(
        !pending.summary.is_empty() && pending.details.contains("Before"),
        "{pending:?}"
    );

    // One of the future: it is read, and not changed.
    execute(
        &superuser,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'future', true, '', 0)",
    )
    .await
    .unwrap();
    let decision = migrations::decision(&servers(&as_superuser)).await.unwrap();
    assert_eq!(
        decision.state,
        SchemaState::Newer {
            version: 9999,
            known_version: newest
        }
    );
    let registry = Registry::open(servers(&as_superuser)).await.unwrap();
    assert!(registry.read_only_reason().unwrap().contains("9999"));
    assert_eq!(registry.get_extension("a").await.unwrap().id, "a");
    let error = registry
        .set_extension_enabled("a", false, &ChangeContext::default())
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::ReadOnly);
    assert!(error.detail().unwrap().contains("9999"));
    let error = registry.add_secret_name("another").await.unwrap_err();
    assert_eq!(
        error.code(),
        ErrorCode::ReadOnly,
        "the server refuses it as well"
    );
}
