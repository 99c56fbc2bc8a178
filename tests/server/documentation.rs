//! What is documented is so: the examples run as they are written, and the page needs nothing from elsewhere.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use system_tests::bundle::repository;

use crate::support::Setup;

/// The fenced blocks of shell in docs/api.md.
fn examples() -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("docs/api.md")).unwrap();
    text.split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_examples_run_as_they_are_written() {
    let setup = Setup::new().await;
    for example in examples() {
        let output = Command::new("bash")
            .args(["-e", "-u", "-o", "pipefail", "-c", &example])
            .env("API", &setup.server.url)
            .env("TOKEN", &setup.editor)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{example}{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let actions = "SELECT string_agg(action || ' ' || changed_by, ', ' ORDER BY revision) FROM extension_audit_log";
    assert_eq!(
        setup.database.value(actions).await,
        "created anna, updated anna, enabled anna, disabled anna, updated anna, deleted anna, \
         disabled anna, disabled anna, enabled anna, enabled anna, deleted anna",
        "they did what they say"
    );
}

#[tokio::test]
async fn each_operation_has_an_example() {
    let document = std::fs::read_to_string(repository().join("docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut missing = BTreeSet::new();
    let examples = examples();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let is_of = |example: &str| {
                let is_method = match method.as_str() {
                    "get" => !example.contains("--request") && !example.contains("--json"),
                    "post" => {
                        example.contains("--request POST")
                            || example.contains("--json") && !example.contains("--request PATCH")
                    }
                    other => example.contains(&format!("--request {}", other.to_uppercase())),
                };
                is_method && example.lines().any(|line| matches(line, path))
            };
            if !examples.iter().any(|example| is_of(example)) {
                missing.insert(format!("{method} {path}"));
            }
        }
    }
    assert_eq!(missing, BTreeSet::new());
}

/// Whether a line asks for this path, whatever stands for what is in braces.
fn matches(line: &str, path: &str) -> bool {
    line.split("$API").skip(1).any(|rest| {
        let asked: Vec<&str> = rest.split(['"', '?']).next().unwrap().split('/').collect();
        let wanted: Vec<&str> = path.split('/').collect();
        asked.len() == wanted.len()
            && asked
                .iter()
                .zip(&wanted)
                .all(|(asked, wanted)| asked == wanted || wanted.starts_with('{'))
    })
}

#[tokio::test]
async fn the_page_and_the_document_come_from_the_server_alone() {
    let setup = Setup::new().await;
    let get = async |path: &str| {
        let response = setup
            .server
            .request(reqwest::Method::GET, path)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    };
    let served: Value = serde_json::from_str(&get("/api/v1/openapi.json").await).unwrap();
    let committed = std::fs::read_to_string(repository().join("docs/openapi.json")).unwrap();
    assert_eq!(served, serde_json::from_str::<Value>(&committed).unwrap());
    let page = get("/api/v1/docs").await;
    let parts: Vec<&str> = page
        .split(['"', '\''])
        .filter(|part| part.starts_with("./"))
        .collect();
    assert!(parts.len() >= 4, "{page}");
    for part in parts {
        get(&format!("/api/v1/docs/{part}")).await;
    }
    let start = get("/api/v1/docs/swagger-initializer.js").await;
    assert!(start.contains("/api/v1/openapi.json"), "{start}");
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "{page}"
    );
}
