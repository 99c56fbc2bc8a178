//! The audit log over HTTP.

use serde_json::{Value, json};

use crate::support::{Setup, answer};

async fn switch(setup: &Setup, count: usize) {
    for number in 0..count {
        let action = if number % 2 == 0 { "disable" } else { "enable" };
        let path = format!("/api/v1/extensions/pii_guard/{action}");
        assert_eq!(setup.post(&path).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn the_log_is_read_page_by_page_and_filtered() {
    let setup = Setup::new().await;
    switch(&setup, 7).await;
    let (_, first) = answer(setup.get("/api/v1/audit?limit=3")).await;
    let revisions = |page: &Value| -> Vec<i64> {
        let entries = page["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["revision"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(revisions(&first), [7, 6, 5]);
    let next = first["next_before_revision"].as_i64().unwrap();
    let (_, second) =
        answer(setup.get(&format!("/api/v1/audit?limit=3&before_revision={next}"))).await;
    assert_eq!(revisions(&second), [4, 3, 2]);
    let (_, filtered) =
        answer(setup.get("/api/v1/audit?action=disabled&changed_by=anna&extension_id=pii_guard"))
            .await;
    assert_eq!(revisions(&filtered), [7, 5, 3, 1]);
    let (_, both) = answer(setup.get("/api/v1/audit?action=disabled,enabled")).await;
    assert_eq!(revisions(&both).len(), 7);
    let (_, none) = answer(setup.get("/api/v1/audit?since=2999-01-01T00:00:00Z")).await;
    assert_eq!(revisions(&none).len(), 0);
    let change = &first["entries"][0]["changes"][0];
    assert_eq!(
        change,
        &json!({ "path": "/enabled", "before": true, "after": false })
    );
}

#[tokio::test]
async fn the_export_has_each_entry_on_a_line_oldest_first() {
    let setup = Setup::new().await;
    let empty = setup.get("/api/v1/audit/export").send().await.unwrap();
    assert_eq!(
        (empty.status().as_u16(), empty.text().await.unwrap()),
        (200, String::new())
    );
    switch(&setup, 5).await;
    // More than waits in between.
    setup
        .database
        .execute("INSERT INTO extensions (id, type, subject, metadata) SELECT 'x' || n, 'pre', 'x' || n, jsonb_build_object('note', repeat('x', 1000)) FROM generate_series(1, 300) AS n")
        .await;
    let export = setup.get("/api/v1/audit/export").send().await.unwrap();
    assert_eq!(export.headers()["content-type"], "application/x-ndjson");
    let text = export.text().await.unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let revisions: Vec<_> = lines
        .iter()
        .map(|entry| entry["revision"].as_i64().unwrap())
        .collect();
    assert!(revisions.iter().copied().eq(1..=305), "{revisions:?}");
    assert!(text.len() > 300_000);
    let filtered = setup
        .get("/api/v1/audit/export?action=enabled")
        .send()
        .await
        .unwrap();
    assert_eq!(filtered.text().await.unwrap().lines().count(), 2);
}

#[tokio::test]
async fn an_entry_that_was_edited_is_found() {
    let setup = Setup::new().await;
    switch(&setup, 4).await;
    let (status, whole) = answer(setup.get("/api/v1/audit/verify")).await;
    assert_eq!(
        (status, &whole["is_whole"], &whole["entry_count"]),
        (200, &json!(true), &json!(4))
    );
    setup
        .database
        .execute(
            "ALTER TABLE extension_audit_log DISABLE TRIGGER extension_audit_log_keep;
             UPDATE extension_audit_log SET changed_by = 'ben' WHERE revision = 3;
             ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_keep",
        )
        .await;
    let (status, broken) = answer(setup.get("/api/v1/audit/verify")).await;
    assert_eq!((status, &broken["is_whole"]), (200, &json!(false)));
    assert_eq!(
        (&broken["fault"]["kind"], &broken["fault"]["revision"]),
        (&json!("content_changed"), &json!(3))
    );
}
