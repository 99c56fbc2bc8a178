//! Statements in every field of every operation, as the OpenAPI document names them: they are text.

use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};
use system_tests::bundle::repository;

use crate::inputs::HOSTILE;
use crate::support::{Setup, answer, etag_of};

/// A place in a request in which a text can stand.
#[derive(Debug)]
enum Field {
    Path,
    Query(String),
    Header(String),
    /// With what stands there, the text in it.
    Body(String, fn(&str) -> Value),
}

/// A body that is accepted but for one field.
pub(crate) fn whole_body(path: &str, number: usize) -> Map<String, Value> {
    let body = match path {
        "/api/v1/extensions" => {
            json!({ "id": format!("n{number}"), "type": "pre", "subject": format!("n{number}") })
        }
        "/api/v1/bulk/delete" => {
            json!({ "extensions": [{ "id": "pii_guard", "revision": 1_000_000 }] })
        }
        "/api/v1/bulk/enable" | "/api/v1/bulk/disable" => json!({ "ids": ["pii_guard"] }),
        "/api/v1/extensions/{id}/restore" => json!({ "revision": 1 }),
        _ => json!({}),
    };
    body.as_object().unwrap().clone()
}

/// The fields of an operation.
fn fields(document: &Value, operation: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap().to_owned();
        fields.push(match parameter["in"].as_str().unwrap() {
            "path" => Field::Path,
            "query" => Field::Query(name),
            "header" => Field::Header(name),
            other => panic!("{other}"),
        });
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    if let Some(schema) = schema.as_str() {
        let schema = document.pointer(&schema[1..]).unwrap();
        for (name, schema) in schema["properties"].as_object().unwrap() {
            let ways: &[fn(&str) -> Value] = match schema["type"].as_str() {
                Some("array") => &[
                    |text| json!([text]),
                    |text| json!([{ "id": text, "revision": 0 }]),
                ],
                Some("object") => &[|text| json!({ text: text })],
                _ => &[|text| json!(text)],
            };
            let ways = ways.iter().map(|way| Field::Body(name.clone(), *way));
            fields.extend(ways);
        }
    }
    fields
}

/// With the text in its field, and else as it must be to come as far as the database.
async fn request(
    setup: &Setup,
    (method, path): (&str, &str),
    (field, text): (&Field, &str),
    number: usize,
) -> RequestBuilder {
    let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let id = match field {
        Field::Path => &encoded,
        _ => "pii_guard",
    };
    let query = match field {
        Field::Query(name) => format!("?{name}={encoded}"),
        _ => String::new(),
    };
    let url = format!("{}{query}", path.replace("{id}", id));
    let has_body = method == "patch"
        || method == "post" && (path == "/api/v1/extensions" || path.contains("/bulk/"))
        || path.ends_with("/restore");
    let mut request = setup.server.caller(&setup.editor).request(
        Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
        &url,
    );
    if let Field::Header(name) = field {
        request = request.header(name, text);
    }
    let names_state = matches!(field, Field::Header(name) if name == "If-Match");
    if method == "delete" && !names_state {
        // Of no state that there is: it shall stay.
        request = request.header("If-Match", "\"1000000\"");
    } else if method == "patch" && !names_state {
        let read = setup.get("/api/v1/extensions/pii_guard").send();
        request = request.header("If-Match", etag_of(&read.await.unwrap()));
    }
    if has_body {
        let mut body = whole_body(path, number);
        if let Field::Body(name, way) = field {
            body.insert(name.clone(), way(text));
        }
        request = request.json(&body);
    }
    request
}

#[tokio::test]
async fn statements_in_every_field_of_every_operation_are_text() {
    let setup = Setup::new().await;
    let state = "SELECT (SELECT jsonb_agg(to_jsonb(registry_tokens) - 'last_used_at') FROM registry_tokens)::text || ' '
                     || (SELECT count(*) FROM pg_class)";
    let before = setup.database.value(state).await;
    let document = std::fs::read_to_string(repository().join("docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for field in fields(&document, operation) {
                let entries = setup.entry_count().await;
                let mut accepted = 0;
                for text in HOSTILE {
                    asked += 1;
                    let operation = (method.as_str(), path.as_str());
                    let request = request(&setup, operation, (&field, text), asked).await;
                    let started = Instant::now();
                    let response = request.send().await.unwrap();
                    let status = response.status().as_u16();
                    let said = response.text().await.unwrap();
                    let what = format!("{method} {path} {field:?} {text}: {status} {said}");
                    assert!(status < 500, "{what}");
                    assert!(
                        started.elapsed() < Duration::from_secs(9),
                        "it slept: {what}"
                    );
                    accepted += i64::from(status < 300 && method != "get");
                }
                let made = setup.entry_count().await - entries;
                assert!(
                    made <= accepted,
                    "{method} {path} {field:?}: {made} changes"
                );
                assert_eq!(
                    setup.database.value(state).await,
                    before,
                    "{method} {path} {field:?}"
                );
            }
        }
    }
    assert!(asked > 400, "{asked}");
    let (_, verified) = answer(setup.get("/api/v1/audit/verify")).await;
    assert_eq!(verified["is_whole"], true);
    // And none of the extensions that nobody named is another one.
    let others = "SELECT count(*) FROM extension_audit_log WHERE extension_id NOT LIKE 'n%' AND extension_id <> 'pii_guard'";
    assert_eq!(setup.database.value(others).await, "0");
}
