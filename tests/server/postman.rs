//! The collection for Postman: it is made of the OpenAPI document, and its requests do what they say.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use system_tests::bundle::repository;
use system_tests::folder::TestFolder;

use crate::support::Setup;

const COLLECTION: &str = "docs/registry.postman_collection.json";

/// How long an answer may take. The stream of changes has no end, so that Newman waits for so long there.
const PATIENCE_MS: &str = "5000";

/// `scripts/prerequisites.sh test` installs what is needed there.
fn folder() -> PathBuf {
    let folder = repository().join("tests/postman");
    assert!(
        folder.join("node_modules").is_dir(),
        "{} has no packages: run `make test`",
        folder.display()
    );
    folder
}

#[test]
fn the_committed_collection_is_of_the_document() {
    let output = Command::new("node")
        .arg(folder().join("generate.mjs"))
        .arg(repository().join("docs/openapi.json"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let generated = String::from_utf8(output.stdout).unwrap();
    let path = repository().join(COLLECTION);
    if std::env::var_os("UPDATE_POSTMAN").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{COLLECTION} is out of date: run `make postman`"
    );
}

#[tokio::test]
async fn the_requests_of_the_collection_do_what_they_say() {
    let setup = Setup::new().await;
    // The version that is brought back, and those since; so many that none has the ETag of the example when it is asked for.
    setup
        .database
        .execute(
            "UPDATE extensions SET timeout_ms = 250 WHERE id = 'pii_guard';
             UPDATE extensions SET timeout_ms = 300 WHERE id = 'pii_guard';
             UPDATE extensions SET retry = retry + 1 WHERE id <> 'mock_provider'",
        )
        .await;
    let reports = TestFolder::new();
    let report = reports.path().join("report.json");
    let output = Command::new(folder().join("node_modules/.bin/newman"))
        .arg("run")
        .arg(repository().join(COLLECTION))
        .args(["--env-var", &format!("baseUrl={}", setup.server.url)])
        .args(["--env-var", &format!("bearerToken={}", setup.editor)])
        .args(["--timeout-request", PATIENCE_MS, "--reporters", "json"])
        .arg("--reporter-json-export")
        .arg(&report)
        .output()
        .unwrap();
    let report = std::fs::read_to_string(&report)
        .unwrap_or_else(|error| panic!("no report: {error} {output:?}"));
    let report: Value = serde_json::from_str(&report).unwrap();
    let executions = report["run"]["executions"].as_array().unwrap();
    let answers: BTreeMap<String, Option<u64>> = executions
        .iter()
        .map(|execution| {
            let name = execution["item"]["name"].as_str().unwrap().to_owned();
            (name, execution["response"]["code"].as_u64())
        })
        .collect();

    let document = std::fs::read_to_string(repository().join("docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut expected = BTreeMap::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let status = match (method.as_str(), path.as_str()) {
                (_, "/api/v1/events") => None,
                // Nobody has put in the ETag that was read.
                ("patch" | "delete", _) => Some(412),
                ("post", "/api/v1/extensions") => Some(201),
                _ => Some(200),
            };
            expected.insert(format!("{} {path}", method.to_uppercase()), status);
        }
    }
    assert_eq!(answers, expected);
    let made = "SELECT count(*) || ' ' || string_agg(DISTINCT action || ' ' || changed_by, ', ') FROM extension_audit_log WHERE revision > 7";
    assert_eq!(
        setup.database.value(made).await,
        "9 created anna, deleted anna, disabled anna, enabled anna, updated anna"
    );
}
