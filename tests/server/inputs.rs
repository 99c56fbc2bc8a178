//! What requests may say: text of any kind is text, and what is not understood is refused.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::bundle::repository;

use crate::hostile::whole_body;
use crate::support::{Setup, answer, etag_of, new_extension, problem};

/// Texts that would do something else if they were part of a statement or a pattern.
pub(crate) const HOSTILE: [&str; 8] = [
    "'; DROP TABLE extensions; --",
    "\"; DELETE FROM extensions; --",
    "$1",
    "%' OR '1'='1",
    "\\'; SELECT pg_sleep(10); --",
    "$$; DROP TABLE extensions; $$",
    "Robert'); DROP TABLE registry_tokens;--",
    "{\"$redacted\": \"x\"}",
];

#[tokio::test]
async fn statements_in_any_field_are_text() {
    let setup = Setup::new().await;
    let counts =
        "SELECT (SELECT count(*) FROM extensions) || ' ' || (SELECT count(*) FROM registry_tokens)";
    let before = setup.database.value(counts).await;
    let encoded = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    for (number, text) in HOSTILE.into_iter().enumerate() {
        let query = encoded(text);
        for path in [
            format!("/api/v1/extensions?text={query}"),
            format!("/api/v1/extensions?text={query}&enabled=true&view=full"),
            format!("/api/v1/audit?extension_id={query}&changed_by={query}&text={query}"),
            format!("/api/v1/audit/export?changed_by={query}&text={query}"),
            format!("/api/v1/extensions/{query}/history"),
            format!("/api/v1/health/series?extension_ids={query}"),
        ] {
            let status = setup.get(&path).send().await.unwrap().status();
            assert_eq!(status, 200, "{path}");
        }
        for path in [
            format!("/api/v1/extensions?after={query}"),
            format!("/api/v1/extensions?sort={query}"),
            format!("/api/v1/extensions?type={query}"),
            format!("/api/v1/audit?group_id={query}"),
            format!("/api/v1/audit?since={query}"),
        ] {
            assert_eq!(problem(setup.get(&path)).await.0, 422, "{path}");
        }
        for path in ["", "/health"] {
            let path = format!("/api/v1/extensions/{query}{path}");
            assert_eq!(problem(setup.get(&path)).await.0, 404, "{path}");
        }
        for action in ["enable", "disable"] {
            let path = format!("/api/v1/extensions/{query}/{action}");
            assert_eq!(problem(setup.post(&path)).await.0, 404, "{path}");
        }
        assert_eq!(problem(setup.delete(&query, "\"0\"")).await.0, 404);
        // As an id and a subject it breaks a rule; in what is free text it is stored as it is.
        for field in ["id", "subject", "type"] {
            // The one that is a literal subject, as any word is.
            if field == "subject" && text == "$1" {
                continue;
            }
            let mut new = new_extension(&format!("n{number}"));
            new[field] = text.into();
            assert_eq!(
                problem(setup.post("/api/v1/extensions").json(&new)).await.0,
                422,
                "{field}"
            );
        }
        let mut new = new_extension(&format!("kept{number}"));
        new["metadata"] = json!({ "note": text, text: 1 });
        let created = setup
            .post("/api/v1/extensions")
            .header("Change-Reason", text)
            .json(&new);
        let (status, created) = answer(created).await;
        assert_eq!((status, &created["metadata"]["note"]), (201, &json!(text)));
        let reason = "SELECT reason FROM extension_audit_log ORDER BY revision DESC LIMIT 1";
        assert_eq!(setup.database.value(reason).await, text);
        let restore = json!({ "revision": 1, "fields": [text] });
        let restored = problem(
            setup
                .post("/api/v1/extensions/pii_guard/restore")
                .json(&restore),
        )
        .await;
        assert_eq!(restored.0, 422);
        // Searched is the JSON as it is written, in which these are escaped.
        if text.contains(['"', '\\']) {
            continue;
        }
        let found = answer(setup.get(&format!("/api/v1/extensions?text={query}")))
            .await
            .1;
        assert!(
            found["extensions"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["id"] == format!("kept{number}")),
            "{text}"
        );
    }
    let (extensions, tokens) = before.split_once(' ').unwrap();
    let expected = format!(
        "{} {tokens}",
        extensions.parse::<usize>().unwrap() + HOSTILE.len()
    );
    assert_eq!(setup.database.value(counts).await, expected);
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_nothing_is_done() {
    let setup = Setup::new().await;
    let etag = etag_of(
        &setup
            .get("/api/v1/extensions/pii_guard")
            .send()
            .await
            .unwrap(),
    );
    let before = setup.entry_count().await;
    for (body, expected) in [
        (r#"{"retry": 3, "retrys": 4}"#, 422),
        (r#"{"retry": 3, "retry": 4}"#, 422),
        (r#"{"retry": null}"#, 422),
        (r#"{"config": null}"#, 422),
        (r#"{"config": []}"#, 422),
        (r#"{"config": "{}"}"#, 422),
        (r#"{"config": {"a": "\u0000"}}"#, 422),
        (r#"{"retry": "3"}"#, 422),
        (r#"{"retry": 3.5}"#, 422),
        (r#"{"retry": true}"#, 422),
        (r#"{"retry": 11}"#, 422),
        (r#"{"retry": 1e99}"#, 422),
        (r#"{"timeout_ms": 0}"#, 422),
        (r#"{"timeout_ms": 99999999999}"#, 422),
        (r#"{"subject": "a.*"}"#, 422),
        (r#"{"id": "other"}"#, 422),
        (r#"{"type": "post"}"#, 422),
        (r#"{"revision": 7}"#, 422),
        ("[]", 422),
        ("null", 422),
        ("", 400),
        ("{", 400),
        ("{\"retry\": 3} x", 400),
        ("\u{feff}{}", 400),
    ] {
        let request = setup
            .patch("pii_guard", &etag)
            .header("Content-Type", "application/json")
            .body(body);
        let (status, code) = problem(request).await;
        assert_eq!(status, expected, "{body}: {code}");
    }
    for body in [
        r#"{"revision": 1, "secrets": {"/config/a": "\u0000"}}"#,
        r#"{"revision": 1, "secrets": {"/config/a\u0000": "b"}}"#,
        r#"{"revision": 1, "secrets": []}"#,
        r#"{"revision": 1, "fields": ["id"]}"#,
        r#"{"revision": 9223372036854775808}"#,
    ] {
        let request = setup
            .post("/api/v1/extensions/pii_guard/restore")
            .header("Content-Type", "application/json")
            .body(body);
        assert_eq!(problem(request).await.0, 422, "{body}");
    }
    for path in [
        "/api/v1/extensions?enabeld=true",
        "/api/v1/extensions?enabled=yes",
        "/api/v1/extensions?health=,",
        "/api/v1/extensions?type=pre,",
        "/api/v1/extensions?enabled=true&enabled=true",
        "/api/v1/extensions?limit=0",
        "/api/v1/extensions?limit=10001",
        "/api/v1/extensions?enabled=true&limit=0",
        "/api/v1/extensions/pii_guard?view=all",
        "/api/v1/audit?limit=501",
        "/api/v1/audit?since=yesterday",
        "/api/v1/audit?before_revision=1&after_revision=2",
        "/api/v1/health?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
        "/api/v1/health/series",
        "/api/v1/health/series?extension_ids=a&points_max=1",
    ] {
        assert_eq!(problem(setup.get(path)).await.0, 422, "{path}");
    }
    let plain = setup
        .patch("pii_guard", &etag)
        .header("Content-Type", "text/plain")
        .body("{}");
    assert_eq!(problem(plain).await, (415, "unsupported_media_type".into()));
    assert_eq!(problem(setup.get("/api/v1/extensions/%FF")).await.0, 400);
    assert_eq!(
        problem(setup.get("/api/v1/nothing")).await,
        (404, "no_such_path".into())
    );
    let put = setup
        .server
        .caller(&setup.editor)
        .request(Method::PUT, "/api/v1/extensions");
    assert_eq!(problem(put).await, (405, "method_not_allowed".into()));
    let reason = setup
        .post("/api/v1/extensions/pii_guard/disable")
        .header("Change-Reason", "x".repeat(501));
    assert_eq!(problem(reason).await.0, 422);
    let latin = reqwest::header::HeaderValue::from_bytes(b"f\xfcr").unwrap();
    let reason = setup
        .post("/api/v1/extensions/pii_guard/disable")
        .header("Change-Reason", latin);
    assert_eq!(problem(reason).await.0, 400);
    assert_eq!(setup.entry_count().await, before);
}

#[tokio::test]
async fn what_an_operation_does_not_know_is_refused_wherever_it_stands() {
    let setup = Setup::new().await;
    let document = std::fs::read_to_string(repository().join("docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let parameters = operation["parameters"].as_array();
            let has_query = parameters.is_some_and(|all| all.iter().any(|it| it["in"] == "query"));
            let caller = setup.server.caller(&setup.editor);
            let url = path.replace("{id}", "pii_guard");
            let name = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            if has_query {
                // Whatever else must be there.
                let request = caller.request(
                    name.clone(),
                    &format!("{url}?extension_ids=pii_guard&unknown=1"),
                );
                assert_eq!(problem(request).await.0, 422, "{method} {path}");
                asked += 1;
            }
            if operation.get("requestBody").is_some() {
                let mut body = whole_body(path, 1);
                body.insert("unknown".into(), 1.into());
                let request = caller
                    .request(name, &url)
                    .header("If-Match", "\"0\"")
                    .json(&body);
                let (status, refused) = answer(request).await;
                let detail = refused["detail"].as_str().unwrap();
                assert_eq!(status, 422, "{method} {path}");
                assert!(detail.contains("unknown"), "{method} {path}: {detail}");
                asked += 1;
            }
        }
    }
    assert!(asked >= 12, "{asked}");
    assert_eq!(setup.entry_count().await, 0);
}

#[tokio::test]
async fn a_body_of_more_than_a_mebibyte_is_refused() {
    let setup = Setup::new().await;
    let before = setup.entry_count().await;
    let body = |length: usize| {
        let mut new = new_extension("large");
        new["metadata"] = json!({ "note": "x".repeat(length) });
        setup.post("/api/v1/extensions").json(&new)
    };
    assert_eq!(problem(body(1 << 20)).await, (413, "body_too_large".into()));
    // Announced by nobody, so that it is counted as it comes.
    let chunks = (0..17).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 16]));
    let endless = setup
        .post("/api/v1/extensions")
        .header("Content-Type", "application/json")
        .body(reqwest::Body::wrap_stream(tokio_stream::iter(chunks)));
    assert_eq!(problem(endless).await, (413, "body_too_large".into()));
    // The body may be as large, but not the field.
    assert_eq!(problem(body(70_000)).await.0, 422);
    assert_eq!(setup.entry_count().await, before);
}
