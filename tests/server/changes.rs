//! Changes over HTTP: what they do, what they must be of, and who the audit log says has made them.

use registry::access::Role;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Setup, answer, etag_of, new_extension, problem};

#[tokio::test]
async fn an_extension_lives_from_its_creation_to_its_restoration() {
    let setup = Setup::new().await;
    let mut new = new_extension("guard_2");
    new["config"] = serde_json::from_str(r#"{"rate": 1.00}"#).unwrap();
    let created = setup
        .post("/api/v1/extensions")
        .header("Change-Reason", "für später")
        .json(&new)
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), 201);
    assert_eq!(created.headers()["location"], "/api/v1/extensions/guard_2");
    let first = etag_of(&created);
    let body: Value = created.json().await.unwrap();
    assert_eq!(
        (&body["timeout_ms"], &body["retry"], &body["enabled"]),
        (&json!(5000), &json!(1), &json!(true))
    );

    let changed = setup
        .patch("guard_2", &first)
        .json(&json!({ "retry": 3 }))
        .send()
        .await
        .unwrap();
    assert_eq!(changed.status(), 200);
    let second = etag_of(&changed);
    assert_ne!(first, second);

    let (status, off) = answer(setup.post("/api/v1/extensions/guard_2/disable")).await;
    assert_eq!((status, &off["enabled"]), (200, &json!(false)));
    let (status, on) = answer(setup.post("/api/v1/extensions/guard_2/enable")).await;
    assert_eq!(
        (status, &on["enabled"], &on["retry"]),
        (200, &json!(true), &json!(3))
    );

    let third = format!("\"{}\"", on["revision"]);
    assert_eq!(
        problem(setup.delete("guard_2", &second)).await,
        (412, "revision_conflict".into())
    );
    let gone = setup.delete("guard_2", &third).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    let missing = problem(setup.get("/api/v1/extensions/guard_2")).await;
    assert_eq!(missing, (404, "extension_not_found".into()));

    let revision: i64 = first.trim_matches('"').parse().unwrap();
    let (status, back) = answer(
        setup
            .post("/api/v1/extensions/guard_2/restore")
            .json(&json!({ "revision": revision })),
    )
    .await;
    assert_eq!((status, &back["retry"]), (200, &json!(1)));

    let (status, history) = answer(setup.get("/api/v1/extensions/guard_2/history?limit=500")).await;
    assert_eq!(status, 200);
    let entries = history["entries"].as_array().unwrap();
    let actions: Vec<_> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "created", "deleted", "enabled", "disabled", "updated", "created"
        ]
    );
    assert_eq!(entries[5]["reason"], "für später");
    assert_eq!(entries[0]["restored_revision"], revision);
    for entry in entries {
        assert_eq!(
            (&entry["changed_by"], &entry["actor_source"]),
            (&json!("anna"), &json!("claimed"))
        );
    }
    let stored = setup
        .database
        .value("SELECT config::text FROM extensions WHERE id = 'guard_2'")
        .await;
    assert_eq!(
        stored, r#"{"rate": 1.0}"#,
        "serde_json in this test has written 1.0"
    );
}

#[tokio::test]
async fn numbers_keep_their_spelling_both_ways() {
    let setup = Setup::new().await;
    let body = r#"{"id": "n", "type": "post", "subject": "n", "config": {"rate": 1.00, "big": 12345678901234567890123}}"#;
    let request = setup
        .post("/api/v1/extensions")
        .header("Content-Type", "application/json")
        .body(body);
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(
        text.contains(r#""rate": 1.00"#) && text.contains("12345678901234567890123"),
        "{text}"
    );
}

#[tokio::test]
async fn of_fifty_racing_changes_of_one_state_one_wins() {
    let setup = Setup::new().await;
    let etag = etag_of(
        &setup
            .get("/api/v1/extensions/pii_guard")
            .send()
            .await
            .unwrap(),
    );
    let before = setup.entry_count().await;
    let mut racing = JoinSet::new();
    for number in 0..50 {
        // Each changes another thing or to another value: whether two could be merged must not matter.
        let change = match number % 3 {
            0 => json!({ "timeout_ms": 1_000 + number }),
            1 => json!({ "retry": 2 + number % 8 }),
            _ => json!({ "metadata": { "number": number } }),
        };
        let request = setup.patch("pii_guard", &etag).json(&change);
        racing.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let mut statuses = racing.join_all().await;
    statuses.sort_unstable();
    let expected: Vec<u16> = [200].into_iter().chain([412; 49]).collect();
    assert_eq!(statuses, expected);
    assert_eq!(setup.entry_count().await, before + 1);
}

#[tokio::test]
async fn a_change_that_does_not_say_of_which_state_it_is_is_refused() {
    let setup = Setup::new().await;
    let before = setup.entry_count().await;
    let caller = setup.server.caller(&setup.editor);
    for method in [reqwest::Method::PATCH, reqwest::Method::DELETE] {
        let request = caller
            .request(method.clone(), "/api/v1/extensions/pii_guard")
            .json(&json!({ "retry": 5 }));
        assert_eq!(
            problem(request).await,
            (428, "precondition_required".into()),
            "{method}"
        );
        for (etag, expected) in [
            ("\"999999\"", 412),
            ("\"x\"", 412),
            ("W/\"0\"", 412),
            ("*", 400),
            ("7", 400),
            ("\"6\", \"7\"", 400),
        ] {
            let request = caller
                .request(method.clone(), "/api/v1/extensions/pii_guard")
                .header("If-Match", etag)
                .json(&json!({ "retry": 5 }));
            assert_eq!(problem(request).await.0, expected, "{method} {etag}");
        }
    }
    assert_eq!(setup.entry_count().await, before);
}

#[tokio::test]
async fn a_conflict_tells_what_stands_against_what() {
    let setup = Setup::new().await;
    let etag = etag_of(
        &setup
            .get("/api/v1/extensions/pii_guard")
            .send()
            .await
            .unwrap(),
    );
    let first = setup
        .patch("pii_guard", &etag)
        .json(&json!({ "retry": 4 }))
        .send()
        .await
        .unwrap();
    assert_eq!(first.status(), 200);
    let (status, conflict) = answer(
        setup
            .patch("pii_guard", &etag)
            .json(&json!({ "timeout_ms": 9 })),
    )
    .await;
    assert_eq!(status, 412);
    assert_eq!(conflict["facts"]["kind"], "conflict");
    let value = &conflict["facts"]["value"];
    assert_eq!(value["theirs"][0]["path"], "/retry");
    assert_eq!(value["yours"][0]["path"], "/timeout_ms");
    assert_eq!(value["current"]["extension"]["retry"], 4);
}

#[tokio::test]
async fn a_request_of_the_same_key_is_done_once() {
    let setup = Setup::new().await;
    let etag = etag_of(
        &setup
            .get("/api/v1/extensions/pii_guard")
            .send()
            .await
            .unwrap(),
    );
    let before = setup.entry_count().await;
    let key = |number: u8| format!("00000000-0000-4000-8000-0000000000{number:02}");
    let mut revisions = Vec::new();
    for _ in 0..2 {
        let create = setup
            .post("/api/v1/extensions")
            .header("Idempotency-Key", key(1))
            .json(&new_extension("once"));
        let (status, created) = answer(create).await;
        assert_eq!(status, 201);
        let patch = setup
            .patch("pii_guard", &etag)
            .header("Idempotency-Key", key(2))
            .json(&json!({ "retry": 7 }));
        let (status, changed) = answer(patch).await;
        assert_eq!(
            (status, &changed["retry"]),
            (200, &json!(7)),
            "the ETag is old, and the change is made"
        );
        let switch = setup
            .post("/api/v1/extensions/openai_gpt4/disable")
            .header("Idempotency-Key", key(3));
        let (status, _) = answer(switch).await;
        assert_eq!(status, 200);
        revisions.push((created["revision"].clone(), changed["revision"].clone()));
    }
    assert_eq!(revisions[0], revisions[1]);
    let created_at = format!("\"{}\"", revisions[0].0);
    for _ in 0..2 {
        let delete = setup
            .delete("once", &created_at)
            .header("Idempotency-Key", key(4));
        assert_eq!(delete.send().await.unwrap().status(), 204);
    }
    assert_eq!(setup.entry_count().await, before + 4);
    let ids = "SELECT string_agg(right(request_id::text, 2), ' ' ORDER BY revision) FROM extension_audit_log";
    assert_eq!(
        setup.database.value(ids).await,
        "01 02 03 04",
        "the log has the callers' keys"
    );

    let other = setup
        .post("/api/v1/extensions/openai_gpt4/enable")
        .header("Idempotency-Key", key(3));
    assert_eq!(
        problem(other).await,
        (422, "invalid_input".into()),
        "another change under a used key"
    );
    let none = setup
        .post("/api/v1/extensions/openai_gpt4/enable")
        .header("Idempotency-Key", "again");
    assert_eq!(problem(none).await.0, 400);
    assert_eq!(setup.entry_count().await, before + 4);
}

#[tokio::test]
async fn what_is_taken_is_told_with_its_field() {
    let setup = Setup::new().await;
    let taken = answer(
        setup
            .post("/api/v1/extensions")
            .json(&new_extension("pii_guard")),
    )
    .await;
    assert_eq!(
        (taken.0, &taken.1["code"], &taken.1["field"]),
        (409, &json!("id_taken"), &json!("id"))
    );
    let mut new = new_extension("other");
    new["subject"] = "beamline.ext.validate.pii_guard.v1".into();
    let taken = answer(setup.post("/api/v1/extensions").json(&new)).await;
    assert_eq!(
        (taken.0, &taken.1["code"], &taken.1["field"]),
        (409, &json!("subject_taken"), &json!("subject"))
    );
}

#[tokio::test]
async fn a_secret_is_shown_as_a_mark_and_kept_by_it() {
    let setup = Setup::new().await;
    let mut new = new_extension("keeper");
    new["config"] = json!({ "api_key": "sk-planted-1", "model": "a" });
    let response = setup
        .post("/api/v1/extensions")
        .json(&new)
        .send()
        .await
        .unwrap();
    let etag = etag_of(&response);
    let body: Value = response.json().await.unwrap();
    assert!(body["config"]["api_key"]["$redacted"].is_string(), "{body}");
    let mut config = body["config"].clone();
    config["model"] = "b".into();
    let (status, _) = answer(
        setup
            .patch("keeper", &etag)
            .json(&json!({ "config": config })),
    )
    .await;
    assert_eq!(status, 200);
    let stored = "SELECT config ->> 'api_key' || ' ' || (config ->> 'model') FROM extensions WHERE id = 'keeper'";
    assert_eq!(setup.database.value(stored).await, "sk-planted-1 b");
    let (_, entries) = answer(setup.get("/api/v1/audit")).await;
    assert!(!entries.to_string().contains("sk-planted-1"));
    assert!(!setup.server.log().contains("sk-planted-1"));
}

#[tokio::test]
async fn each_token_acts_in_the_name_of_its_owner() {
    let setup = Setup::new().await;
    let ben = setup.token("ben@example.org", Role::RegistryOperator).await;
    let switched = setup
        .server
        .caller(&ben)
        .post("/api/v1/extensions/pii_guard/disable");
    assert_eq!(answer(switched).await.0, 200);
    assert_eq!(
        answer(setup.post("/api/v1/extensions/pii_guard/enable"))
            .await
            .0,
        200
    );
    let actors = "SELECT string_agg(changed_by || ' ' || actor_source || ' ' || (login = current_database() || '_registry_rest_server'), ', ' ORDER BY revision)
                  FROM extension_audit_log";
    assert_eq!(
        setup.database.value(actors).await,
        "ben@example.org claimed true, anna claimed true"
    );
}
