//! Several extensions changed at once: all of them or none, as one group in the audit log.

use std::time::{Duration, Instant};

use registry::access::Role;
use serde_json::{Value, json};

use crate::support::{Setup, answer, problem};

/// Of the standard extensions.
const THREE: [&str; 3] = ["pii_guard", "normalize_text", "openai_gpt4"];

const KEY: &str = "00000000-0000-4000-8000-000000000001";

/// What a switch or a deletion names: `THREE`, and one more.
fn named(action: &str, more: &str) -> Value {
    let ids = THREE.into_iter().chain([more]);
    if action == "delete" {
        let seen: Vec<_> = ids.map(|id| json!({ "id": id, "revision": 0 })).collect();
        json!({ "extensions": seen })
    } else {
        json!({ "ids": ids.collect::<Vec<_>>() })
    }
}

async fn rows(setup: &Setup) -> String {
    let rows = "SELECT jsonb_agg(extensions ORDER BY id)::text FROM extensions";
    setup.database.value(rows).await
}

#[tokio::test]
async fn several_are_changed_as_one_group() {
    let setup = Setup::new().await;
    let mut told = Vec::new();
    for action in ["disable", "enable", "delete"] {
        let body = if action == "delete" {
            let (_, list) = answer(setup.get("/api/v1/extensions")).await;
            let read = list["extensions"].as_array().unwrap().iter();
            let seen: Vec<_> = read
                .filter(|it| THREE.contains(&it["id"].as_str().unwrap()))
                .map(|it| json!({ "id": it["id"], "revision": it["revision"] }))
                .collect();
            json!({ "extensions": seen })
        } else {
            json!({ "ids": THREE })
        };
        let request = setup
            .post(&format!("/api/v1/bulk/{action}"))
            .header("Change-Reason", "für die Wartung")
            .json(&body);
        let (status, outcome) = answer(request).await;
        assert_eq!((status, &outcome["count"]), (200, &json!(3)), "{outcome}");
        told.push(outcome["revision"].as_i64().unwrap());
        // What was told of is in memory at once.
        let (_, list) = answer(setup.get("/api/v1/extensions?enabled=true")).await;
        let count = list["extensions"].as_array().unwrap().len();
        assert_eq!(count, if action == "enable" { 6 } else { 3 }, "{action}");
    }
    assert_eq!(told, [3, 6, 9]);
    let groups = "SELECT string_agg(line, '; ' ORDER BY first) FROM (
                      SELECT min(revision) AS first,
                             concat_ws(' ', min(action), max(action), count(DISTINCT extension_id), count(DISTINCT request_id),
                                       min(changed_by), max(changed_by), min(reason)) AS line
                      FROM extension_audit_log GROUP BY group_id) AS of_group";
    assert_eq!(
        setup.database.value(groups).await,
        "disabled disabled 3 1 anna anna für die Wartung; \
         enabled enabled 3 1 anna anna für die Wartung; \
         deleted deleted 3 1 anna anna für die Wartung"
    );
}

#[tokio::test]
async fn with_one_that_is_missing_none_is_changed() {
    let setup = Setup::new().await;
    setup
        .database
        .execute("UPDATE extensions SET enabled = false WHERE id = 'mask_sensitive_data'")
        .await;
    let before = rows(&setup).await;
    for action in ["enable", "disable", "delete"] {
        let request = setup
            .post(&format!("/api/v1/bulk/{action}"))
            .json(&named(action, "nobody"));
        let (status, problem) = answer(request).await;
        assert_eq!(
            (status, &problem["code"], &problem["extension_id"]),
            (404, &json!("extension_not_found"), &json!("nobody")),
            "{action}"
        );
    }
    assert_eq!(rows(&setup).await, before);
    assert_eq!(setup.entry_count().await, 1);
}

#[tokio::test]
async fn with_one_in_another_state_none_is_deleted() {
    let setup = Setup::new().await;
    setup
        .database
        .execute("UPDATE extensions SET retry = 7 WHERE id = 'mock_provider'")
        .await;
    let before = rows(&setup).await;
    let request = setup
        .post("/api/v1/bulk/delete")
        .json(&named("delete", "mock_provider"));
    let (status, conflict) = answer(request).await;
    assert_eq!(
        (status, &conflict["code"], &conflict["extension_id"]),
        (412, &json!("revision_conflict"), &json!("mock_provider"))
    );
    assert_eq!(conflict["facts"]["value"]["theirs"][0]["path"], "/retry");
    assert_eq!(rows(&setup).await, before);
    assert_eq!(setup.entry_count().await, 1);
}

#[tokio::test]
async fn under_one_key_it_is_done_once() {
    let setup = Setup::new().await;
    for _ in 0..2 {
        let request = setup
            .post("/api/v1/bulk/delete")
            .header("Idempotency-Key", KEY)
            .json(&named("delete", "mock_provider"));
        let (status, outcome) = answer(request).await;
        assert_eq!((status, &outcome["count"]), (200, &json!(4)), "{outcome}");
    }
    assert_eq!(setup.entry_count().await, 4);
    // For another kind of change, and for others, the key is taken.
    for (action, body) in [
        ("disable", named("disable", "mask_sensitive_data")),
        (
            "delete",
            json!({ "extensions": [{ "id": "mask_sensitive_data", "revision": 0 }] }),
        ),
    ] {
        let request = setup
            .post(&format!("/api/v1/bulk/{action}"))
            .header("Idempotency-Key", KEY)
            .json(&body);
        let (status, refused) = answer(request).await;
        assert_eq!(
            (status, &refused["field"]),
            (422, &json!("Idempotency-Key")),
            "{action}"
        );
    }
    assert_eq!(setup.entry_count().await, 4);
}

#[tokio::test]
async fn what_is_named_twice_is_changed_once() {
    let setup = Setup::new().await;
    let twice = json!({ "ids": ["pii_guard", "pii_guard"] });
    let (status, outcome) = answer(setup.post("/api/v1/bulk/disable").json(&twice)).await;
    assert_eq!((status, &outcome["count"]), (200, &json!(1)));
    let seen = |first: u8, second: u8| json!({ "extensions": [{ "id": "pii_guard", "revision": first }, { "id": "pii_guard", "revision": second }] });
    let (status, refused) = answer(setup.post("/api/v1/bulk/delete").json(&seen(1, 0))).await;
    assert_eq!(
        (status, &refused["field"], &refused["extension_id"]),
        (422, &json!("extensions"), &json!("pii_guard"))
    );
    let (status, outcome) = answer(setup.post("/api/v1/bulk/delete").json(&seen(1, 1))).await;
    assert_eq!((status, &outcome["count"]), (200, &json!(1)));
    assert_eq!(setup.entry_count().await, 2);
}

#[tokio::test]
async fn as_many_as_may_be_are_switched_within_the_time_limit_and_no_more() {
    let setup = Setup::new().await;
    setup
        .database
        .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 'e' || n FROM generate_series(1, 10001) AS n")
        .await;
    let before = setup.entry_count().await;
    let ids =
        |count: usize| -> Vec<String> { (1..=count).map(|number| format!("e{number}")).collect() };
    for ids in [ids(0), ids(10_001)] {
        let body = json!({ "ids": ids });
        let refused = problem(setup.post("/api/v1/bulk/disable").json(&body)).await;
        assert_eq!(refused, (422, "invalid_input".into()), "{}", ids.len());
    }
    assert_eq!(
        problem(
            setup
                .post("/api/v1/bulk/delete")
                .json(&json!({ "extensions": [] }))
        )
        .await
        .0,
        422
    );
    assert_eq!(setup.entry_count().await, before);
    let started = Instant::now();
    let most = json!({ "ids": ids(10_000) });
    let (status, outcome) = answer(setup.post("/api/v1/bulk/disable").json(&most)).await;
    assert_eq!(
        (status, &outcome["count"]),
        (200, &json!(10_000)),
        "{outcome}"
    );
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(setup.entry_count().await, before + 10_000);
}

#[tokio::test]
async fn what_is_not_understood_changes_nothing() {
    let setup = Setup::new().await;
    for (action, body, expected) in [
        ("disable", r#"{"ids": ["pii_guard"], "id": "x"}"#, 422),
        ("disable", r#"{"ids": "pii_guard"}"#, 422),
        ("disable", r#"{"ids": [1]}"#, 422),
        ("disable", r#"{"ids": ["a\u0000"]}"#, 422),
        ("disable", r#"["pii_guard"]"#, 422),
        ("disable", "{", 400),
        ("delete", r#"{"extensions": [{"id": "pii_guard"}]}"#, 422),
        (
            "delete",
            r#"{"extensions": [{"id": "pii_guard", "revision": "0"}]}"#,
            422,
        ),
        (
            "delete",
            r#"{"extensions": [{"id": "pii_guard", "revision": 0, "etag": 1}]}"#,
            422,
        ),
        ("delete", r#"{"extensions": ["pii_guard"]}"#, 422),
        ("delete", r#"{"ids": ["pii_guard"]}"#, 422),
    ] {
        let request = setup
            .post(&format!("/api/v1/bulk/{action}"))
            .header("Content-Type", "application/json")
            .body(body);
        assert_eq!(problem(request).await.0, expected, "{action} {body}");
    }
    let long = json!({ "ids": ["x".repeat(1 << 20)] });
    assert_eq!(
        problem(setup.post("/api/v1/bulk/enable").json(&long)).await,
        (413, "body_too_large".into())
    );
    assert_eq!(setup.entry_count().await, 0);
}

#[tokio::test]
async fn an_operator_switches_several_and_deletes_none() {
    let setup = Setup::new().await;
    let operator = setup.token("ben", Role::RegistryOperator).await;
    let caller = setup.server.caller(&operator);
    let before = rows(&setup).await;
    let delete = caller
        .post("/api/v1/bulk/delete")
        .json(&named("delete", "mock_provider"));
    assert_eq!(problem(delete).await, (403, "forbidden".into()));
    assert_eq!(rows(&setup).await, before);
    let disable = caller
        .post("/api/v1/bulk/disable")
        .json(&named("disable", "mock_provider"));
    assert_eq!(answer(disable).await.0, 200);
    assert_eq!(setup.entry_count().await, 4);
}
