//! Plans, and exactly what they say applied.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::support::Shell;

const HEADER: &str = "format: beamline-registry\nversion: 1\nextensions:\n";

/// A file with one change, one new extension, and all else left out.
const FILE: &str = "\
format: beamline-registry
version: 1
extensions:
  - id: pii_guard
    type: validator
    subject: beamline.ext.validate.pii_guard.v1
    timeout_ms: 300
  - id: new_one
    type: pre
    subject: new.one
    metadata:
      notes: |
        first
        second
";

#[tokio::test]
async fn a_plan_tells_each_difference_and_is_2_and_0_without_one() {
    let shell = Shell::new().await;
    let path = shell.file("registry.yaml", FILE);
    let before = shell.revision().await;
    let told = shell.run(&["plan", "--file", &path]).with(2);
    for line in [
        "+ new_one",
        "    + /subject: \"new.one\"",
        "~ pii_guard",
        "    - /timeout_ms: 200",
        "    + /timeout_ms: 300",
        "Plan at revision 0: 1 to create, 1 to change, 0 to delete, 0 unchanged; 5 only in the registry, which --prune would delete.",
    ] {
        assert!(
            told.out.lines().any(|each| each == line),
            "{line} in {}",
            told.out
        );
    }
    let plan = shell.run(&["plan", "-f", &path, "--json"]).with(2).json();
    assert_eq!(
        (&plan["revision"], &plan["prune"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(plan["changes"][1]["kind"], "changed");
    assert_eq!(
        plan["changes"][1]["changes"],
        json!([{ "path": "/timeout_ms", "before": 200, "after": 300 }])
    );
    assert_eq!(
        plan["changes"][1]["place"],
        json!({ "line": 4, "column": 5 })
    );
    let input = shell
        .run_with_input(&["plan", "-f", "-", "--json"], FILE)
        .with(2);
    assert_eq!(input.json(), plan, "standard input is read as a file is");
    let out = shell.path("plan.json");
    shell.run(&["plan", "-f", &path, "--out", &out]).with(2);
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(kept, plan);
    assert_eq!(shell.revision().await, before, "a plan changes nothing");

    shell.run(&["apply", "--file", &path, "--yes"]).with(0);
    let none = shell.run(&["plan", "--file", &path]).with(0);
    assert!(
        none.out
            .starts_with("Plan at revision 2: 0 to create, 0 to change"),
        "{}",
        none.out
    );
}

#[tokio::test]
async fn a_text_of_several_lines_is_told_line_by_line() {
    let shell = Shell::new().await;
    let path = shell.file("registry.yaml", FILE);
    shell.run(&["apply", "--file", &path, "--yes"]).with(0);
    let path = shell.file("registry.yaml", &FILE.replace("second", "2nd"));
    let told = shell.run(&["plan", "--file", &path]).with(2);
    assert!(
        told.out
            .contains("      /metadata/notes:\n      first\n    - second\n    + 2nd\n"),
        "{}",
        told.out
    );
}

#[tokio::test]
async fn a_file_with_problems_is_1_with_each_place() {
    let shell = Shell::new().await;
    let path = shell.file(
        "broken.yaml",
        &FILE.replace("timeout_ms: 300", "timeout_ms: never"),
    );
    let told = shell.run(&["plan", "--file", &path]).with(1);
    assert!(
        told.out.starts_with(&format!(
            "{path}:7:17: error: timeout_ms is no whole number"
        )),
        "{}",
        told.out
    );
    let plan = shell
        .run(&["plan", "--file", &path, "--json"])
        .with(1)
        .json();
    assert_eq!(
        (&plan["problems"][0]["code"], plan.get("revision")),
        (&json!("wrong_value"), None)
    );
    // What only the registry knows.
    let path = shell.file(
        "taken.yaml",
        &FILE
            .replace("new.one", "beamline.provider.mock.v1")
            .replace("300", "0"),
    );
    let plan = shell
        .run(&["plan", "--file", &path, "--json"])
        .with(1)
        .json();
    let codes: Vec<&Value> = plan["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| &problem["code"])
        .collect();
    assert_eq!(codes, ["rule_broken", "subject_taken"]);
    for arguments in [
        &["apply", "--file", &path, "--yes"][..],
        &["apply", "--file", &path, "--revision", "0"],
    ] {
        let refused = shell.run(arguments).with(1);
        assert!(
            refused.out.contains("taken.yaml:7:5: error: "),
            "{}",
            refused.out
        );
    }
    assert_eq!(shell.revision().await, 0);
}

#[tokio::test]
async fn a_registry_that_moved_since_the_plan_is_75_and_stays_as_it_is() {
    let shell = Shell::new().await;
    let path = shell.file("registry.yaml", FILE);
    let plan = shell
        .run(&["plan", "--file", &path, "--json"])
        .with(2)
        .json();
    let revision = plan["revision"].to_string();
    // Something that the plan says nothing of.
    shell.run(&["disable", "openai_gpt4"]).with(0);
    let refused = shell
        .run(&["apply", "--file", &path, "--revision", &revision, "--json"])
        .with(75)
        .error();
    assert_eq!(
        (&refused["code"], &refused["facts"]["value"]),
        (&json!("registry_moved"), &json!(1))
    );
    assert_eq!(shell.revision().await, 1);
    shell.run(&["get", "new_one"]).with(66);
    let applied = shell
        .run(&[
            "apply",
            "--file",
            &path,
            "--revision",
            "1",
            "--reason",
            "as planned",
            "--json",
        ])
        .with(0)
        .json();
    assert_eq!(
        applied,
        json!({ "seen_revision": 1, "created_count": 1, "changed_count": 1, "deleted_count": 0 })
    );
    let group = "SELECT count(*) || ' ' || count(DISTINCT group_id) || ' ' || min(reason)
        FROM extension_audit_log WHERE revision > 1";
    assert_eq!(shell.database.value(group).await, "2 1 as planned");
}

#[tokio::test]
async fn a_plan_is_applied_only_if_somebody_agrees() {
    let shell = Shell::new().await;
    let path = shell.file("registry.yaml", FILE);
    let unasked = shell.run(&["apply", "--file", &path]).with(64);
    assert!(unasked.err.contains("--revision 0"), "{}", unasked.err);
    assert!(
        unasked.out.contains("~ pii_guard"),
        "the plan is shown: {}",
        unasked.out
    );
    shell
        .run_with_input(&["apply", "--file", "-"], FILE)
        .with(64);
    assert_eq!(shell.revision().await, 0);
    let applied = shell
        .run_with_input(&["apply", "--file", "-", "--yes"], FILE)
        .with(0);
    assert!(
        applied
            .out
            .ends_with("Applied: 1 created, 1 changed, 0 deleted.\n"),
        "{}",
        applied.out
    );
    let again = shell.run(&["apply", "--file", &path]).with(0);
    assert!(
        again
            .out
            .ends_with("Applied: 0 created, 0 changed, 0 deleted.\n"),
        "nothing to ask about"
    );
}

#[tokio::test]
async fn only_prune_deletes_what_is_not_in_the_file() {
    let shell = Shell::new().await;
    let path = shell.file("registry.yaml", FILE);
    shell.run(&["apply", "--file", &path, "--yes"]).with(0);
    assert_eq!(
        shell.run(&["list"]).with(0).out.lines().count(),
        8,
        "all are there"
    );
    let told = shell.run(&["plan", "--file", &path, "--prune"]).with(2);
    assert!(
        told.out.contains("- openai_gpt4\n    - /config: "),
        "{}",
        told.out
    );
    assert!(
        told.out
            .contains("0 to change, 5 to delete, 2 unchanged.\n"),
        "{}",
        told.out
    );
    // Without a word nothing is left without an enabled extension.
    let refused = shell
        .run(&["apply", "--file", &path, "--prune", "--yes"])
        .with(1);
    assert!(
        refused
            .err
            .contains("--confirm-emptied-types post,provider"),
        "{}",
        refused.err
    );
    let arguments = [
        "apply",
        "--file",
        &path,
        "--prune",
        "--yes",
        "--confirm-emptied-types",
        "post,provider",
        "--json",
    ];
    assert_eq!(shell.run(&arguments).with(0).json()["deleted_count"], 5);
    assert_eq!(shell.run(&["list"]).with(0).out.lines().count(), 3);
}

#[tokio::test]
async fn a_thousand_extensions_are_planned_and_applied() {
    let shell = Shell::new().await;
    let mut file = HEADER.to_owned();
    for number in 1..=1_000 {
        writeln!(
            file,
            "  - {{id: e{number:04}, type: pre, subject: e.{number}, config: {{number: {number}}}}}"
        )
        .unwrap();
    }
    let path = shell.file("thousand.yaml", &file);
    let plan = shell
        .run(&["plan", "--file", &path, "--json"])
        .with(2)
        .json();
    assert_eq!(plan["changes"].as_array().unwrap().len(), 1_000);
    shell
        .run(&[
            "apply",
            "--file",
            &path,
            "--revision",
            &plan["revision"].to_string(),
        ])
        .with(0);
    let path = shell.file(
        "thousand.yaml",
        &file.replace("type: pre,", "type: pre, retry: 7,"),
    );
    let told = shell.run(&["apply", "--file", &path, "--yes"]).with(0);
    assert!(
        told.out
            .ends_with("Applied: 0 created, 1000 changed, 0 deleted.\n")
    );
    let sum = "SELECT sum((config ->> 'number')::int) || ' ' || min(retry) FROM extensions WHERE id LIKE 'e____'";
    assert_eq!(shell.database.value(sum).await, "500500 7");
    let entries = "SELECT count(*) || ' ' || count(DISTINCT group_id) FROM extension_audit_log";
    assert_eq!(shell.database.value(entries).await, "2000 2");
    shell.run(&["audit", "verify"]).with(0);
}
