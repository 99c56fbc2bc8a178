//! Whatever it is asked, and whoever asks, the server answers as its OpenAPI document says: Schemathesis makes the requests
//! up from the document, valid ones and others, and holds each answer to it.
//!
//! What the document can't say is in `tests/schemathesis/`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use registry::access::Role;
use registry::tokens::TOKEN_ROLES;
use serde_json::Value;
use system_tests::api_server::{ApiServer, Caller, token};
use system_tests::bundle::repository;
use system_tests::database::TestDatabase;
use system_tests::folder::TestFolder;
use system_tests::servers;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::answer;

/// How many requests are made up for each role at the least.
const CASES_MIN: u64 = 2_000;

/// How long one role may take; most of it is Python's. A loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(10);

/// Extensions of each type, on and off, changed and deleted, whose calls went well and badly.
const REGISTRY: &str = "
    INSERT INTO extensions (id, type, subject, enabled, config)
    SELECT 'e' || n, (ARRAY['pre', 'validator', 'post', 'provider'])[n % 4 + 1], 's.' || n, n % 3 > 0, jsonb_build_object('n', n)
    FROM generate_series(1, 60) AS n;
    UPDATE extensions SET retry = 2 WHERE id LIKE 'e1%';
    DELETE FROM extensions WHERE id = 'e60';
    DO $$ BEGIN PERFORM record_health(id, n % 7 <> 0, n * 3) FROM extensions, generate_series(1, 20) AS n; END $$";

#[tokio::test]
async fn made_up_requests_of_each_role_are_answered_as_the_document_says() {
    let database = TestDatabase::create(servers::bundled()).await;
    database.migrate().await;
    database.execute(REGISTRY).await;
    let server = ApiServer::start_with(&database, &["--requests-per-second", "0"]).await;
    for role in TOKEN_ROLES {
        let owner = role.name();
        let token = token(&database, owner, role).await;
        Run::of(&server, &token).await.check(owner);
        let made = format!("SELECT count(*) FROM extension_audit_log WHERE changed_by = '{owner}'");
        let made: u64 = database.value(&made).await.parse().unwrap();
        // Made up are changes too, and those that may be made are.
        let may_change = ["registry_operator", "registry_editor"].contains(&owner);
        assert_eq!(made > 0, may_change, "{owner}: {made} changes");
    }
    let editor = token(&database, "anna", Role::RegistryEditor).await;
    assert_eq!(
        never_accepted(&server.caller(&editor)).await,
        BTreeSet::new()
    );
    assert_eq!(server.log().matches("a request failed").count(), 0);
    let (status, verified) = answer(server.caller(&editor).get("/api/v1/audit/verify")).await;
    assert_eq!((status, &verified["is_whole"]), (200, &Value::Bool(true)));
}

/// What a run of Schemathesis found.
struct Run {
    report: Value,
    output: String,
}

impl Run {
    async fn of(server: &ApiServer, token: &str) -> Self {
        let folder = TestFolder::new();
        let report = folder.path().join("report.json");
        let run = Command::new(program())
            .args(["run", &format!("{}/api/v1/openapi.json", server.url)])
            .arg("--report-json-path")
            .arg(&report)
            .current_dir(repository().join("tests/schemathesis"))
            .env("TOKEN", token)
            .env("NO_COLOR", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .kill_on_drop(true)
            .output();
        let output = timeout(PATIENCE, run).await.expect("in time").unwrap();
        let output = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let text = std::fs::read_to_string(&report)
            .unwrap_or_else(|error| panic!("no report: {error}\n{output}"));
        Self {
            report: serde_json::from_str(&text).unwrap(),
            output,
        }
    }

    /// The requests that were made and whose answers were looked at.
    fn case_count(&self) -> u64 {
        let count = |name: &str| self.report["test_cases"][name].as_u64().unwrap();
        count("generated") - count("without_checks") - count("errored")
    }

    /// That all was asked, and that nothing was found.
    fn check(&self, owner: &str) {
        let Self { report, output } = self;
        assert_eq!(report["exit_code"], 0, "{owner}:\n{output}");
        assert_eq!(report["complete"], true, "{owner}:\n{output}");
        for kind in ["failures", "errors"] {
            assert_eq!(report[kind], Value::Array(Vec::new()), "{owner}:\n{output}");
        }
        assert_eq!(
            report["operations"]["tested"], report["operations"]["total"],
            "{owner}:\n{output}"
        );
        for (phase, outcome) in report["phases"].as_object().unwrap() {
            assert_eq!(outcome["status"], "success", "{owner}, {phase}:\n{output}");
        }
        let count = self.case_count();
        assert!(count >= CASES_MIN, "{owner}: {count} cases\n{output}");
    }
}

/// Operations of which not one request was carried out, as the server's figures say: what is always refused shows little.
async fn never_accepted(caller: &Caller<'_>) -> BTreeSet<String> {
    let figures = caller.get("/metrics").send().await.unwrap();
    let figures = figures.text().await.unwrap();
    let document = caller.get("/api/v1/openapi.json").send().await.unwrap();
    let document: Value = document.json().await.unwrap();
    let mut never = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let accepted =
                format!("http_requests_total{{method=\"{method}\",path=\"{path}\",status=\"20");
            if !figures.lines().any(|line| line.starts_with(&accepted)) {
                never.insert(format!("{method} {path}"));
            }
        }
    }
    never
}

/// `scripts/prerequisites.sh test` installs it.
fn program() -> PathBuf {
    let program = repository().join("target/tools/schemathesis/bin/schemathesis");
    assert!(
        Path::is_file(&program),
        "{} is missing: run `make test`",
        program.display()
    );
    program
}
