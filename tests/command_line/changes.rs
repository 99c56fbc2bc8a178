//! What is changed: each change once, with its note, and only of the state that was meant.

use serde_json::json;

use crate::support::Shell;

const REQUEST_ID: &str = "6f1c5d4e-3b7a-4c2f-9f0e-0a1b2c3d4e5f";

#[tokio::test]
async fn an_extension_is_made_changed_and_deleted_from_arguments() {
    let shell = Shell::new().await;
    let arguments = [
        "create",
        "guard_2",
        "--type",
        "validator",
        "--subject",
        "guard.2",
        "--disabled",
        "--config",
        "-",
        "--reason",
        "größer",
        "--json",
    ];
    let created = shell
        .run_with_input(&arguments, r#"{"rate": 1.00}"#)
        .with(0);
    assert!(
        created.out.contains("1.00"),
        "numbers keep their spelling: {}",
        created.out
    );
    let body = created.json();
    assert_eq!(
        (&body["timeout_ms"], &body["retry"], &body["enabled"]),
        (&json!(5000), &json!(1), &json!(false))
    );
    let metadata = shell.file("metadata.json", r#"{"owner": "anna"}"#);
    let updated = shell
        .run(&[
            "update",
            "guard_2",
            "--timeout-ms",
            "300",
            "--retry",
            "0",
            "--metadata",
            &metadata,
            "--json",
        ])
        .with(0)
        .json();
    assert_eq!(
        (&updated["timeout_ms"], &updated["metadata"]["owner"]),
        (&json!(300), &json!("anna"))
    );
    assert_eq!(
        updated["config"]["rate"],
        json!(1.0),
        "what is not named stays"
    );
    let told = shell.run(&["update", "guard_2", "--enabled"]).with(0);
    assert!(told.out.starts_with("guard_2\n"), "{}", told.out);
    let deleted = shell.run(&["delete", "guard_2", "--json"]).with(0).json();
    assert_eq!(deleted, json!({ "extension_ids": ["guard_2"] }));
    let history = shell.run(&["history", "guard_2", "--json"]).with(0).json();
    let actions: Vec<&str> = history["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["deleted", "enabled", "updated", "created"]);
    assert_eq!(history["entries"][3]["reason"], "größer");
    assert_eq!(history["entries"][3]["application_name"], "registryctl");
    let table = shell.run(&["history", "guard_2"]).with(0);
    assert!(
        table.out.lines().nth(4).unwrap().ends_with("größer"),
        "{}",
        table.out
    );
    assert_eq!(
        shell
            .run(&["history", "guard_2", "--limit", "2", "--json"])
            .with(0)
            .json()["next_before_revision"],
        3
    );
}

#[tokio::test]
async fn several_are_switched_or_deleted_as_one_group_or_not_at_all() {
    let shell = Shell::new().await;
    shell.add_extensions(5).await;
    let ids = ["e0001", "e0002", "e0003"];
    let before = shell.revision().await;
    let missing = shell.run(&["disable", "e0001", "nobody"]).with(66);
    assert!(missing.err.contains("nobody"), "{}", missing.err);
    assert_eq!(shell.revision().await, before, "nothing of it is done");
    let switched = shell
        .run(&[&["disable", "--json"], &ids[..]].concat())
        .with(0)
        .json();
    assert_eq!(switched["extensions"].as_array().unwrap().len(), 3);
    assert_eq!(switched["extensions"][2]["enabled"], false);
    let table = shell.run(&[&["enable"], &ids[..]].concat()).with(0);
    assert_eq!(table.out.lines().count(), 4);
    shell.run(&[&["delete"], &ids[..]].concat()).with(0);
    let groups = "SELECT string_agg(action || ' ' || entries, ', ' ORDER BY action) FROM (
        SELECT action, count(*) AS entries FROM extension_audit_log
        WHERE group_id IS NOT NULL GROUP BY group_id, action) AS groups";
    assert_eq!(
        shell.database.value(groups).await,
        "deleted 3, disabled 3, enabled 3"
    );
    shell.run(&["delete", "e0004", "nobody"]).with(66);
    shell.run(&["get", "e0004"]).with(0);
}

#[tokio::test]
async fn a_request_id_makes_a_change_once() {
    let shell = Shell::new().await;
    let change = [
        "update",
        "pii_guard",
        "--retry",
        "3",
        "--request-id",
        REQUEST_ID,
        "--if-revision",
        "0",
    ];
    for _ in 0..3 {
        shell.run(&change).with(0);
    }
    assert_eq!(shell.revision().await, 1);
    let other = ["disable", "openai_gpt4", "--request-id", REQUEST_ID];
    shell.run(&other).with(64);
    let made = shell
        .run(&["audit", "list", "--request-id", REQUEST_ID, "--json"])
        .with(0)
        .json();
    assert_eq!(made["entries"][0]["revision"], 1);
    assert_eq!(made["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_is_of_the_revision_that_is_named_and_of_no_other() {
    let shell = Shell::new().await;
    shell
        .run(&["update", "pii_guard", "--retry", "3", "--if-revision", "0"])
        .with(0);
    // Another field: what the console would merge.
    let stale = [
        "update",
        "pii_guard",
        "--timeout-ms",
        "300",
        "--if-revision",
        "0",
        "--json",
    ];
    let refused = shell.run(&stale).with(75).error();
    assert_eq!(refused["code"], "revision_conflict");
    assert_eq!(refused["facts"]["value"]["theirs"][0]["path"], "/retry");
    shell
        .run(&["delete", "openai_gpt4", "--if-revision", "7"])
        .with(75);
    assert_eq!(shell.revision().await, 1, "nothing was changed");
    shell
        .run(&[
            "update",
            "pii_guard",
            "--timeout-ms",
            "300",
            "--if-revision",
            "1",
        ])
        .with(0);
    shell
        .run(&["delete", "openai_gpt4", "--if-revision", "0"])
        .with(0);
}

#[tokio::test]
async fn what_can_stop_traffic_is_confirmed_by_its_types_or_not_done() {
    let shell = Shell::new().await;
    for change in [
        &["disable", "pii_guard"][..],
        &["update", "pii_guard", "--disabled"],
        &["delete", "pii_guard"],
    ] {
        let refused = shell.run(&[change, &["--json"]].concat()).with(1).error();
        assert_eq!(refused["code"], "confirmation_required", "{change:?}");
        let words = shell.run(change).with(1);
        assert!(
            words.err.contains("--confirm-emptied-types validator"),
            "{}",
            words.err
        );
        shell
            .run(&[change, &["--confirm-emptied-types", "post"]].concat())
            .with(1);
    }
    assert_eq!(shell.revision().await, 0);
    shell
        .run(&[
            "disable",
            "pii_guard",
            "--confirm-emptied-types",
            "validator",
        ])
        .with(0);

    shell.add_extensions(21).await;
    let ids: Vec<String> = (1..=21).map(|number| format!("e{number:04}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let all = [&["disable"], &ids[..]].concat();
    let refused = shell.run(&all).with(1);
    assert!(
        refused.err.contains("--confirm-out-of-service"),
        "{}",
        refused.err
    );
    shell
        .run(&[&all[..], &["--confirm-out-of-service"]].concat())
        .with(0);
}

#[tokio::test]
async fn an_earlier_version_is_brought_back_whole_or_by_fields() {
    let shell = Shell::new().await;
    shell.create_with("one", r#"{"api_key": "planted-secret", "model": "a"}"#);
    shell
        .run(&["update", "one", "--timeout-ms", "1", "--retry", "9"])
        .with(0);
    let back = shell
        .run(&[
            "restore",
            "one",
            "--revision",
            "1",
            "--fields",
            "timeout_ms",
            "--json",
        ])
        .with(0)
        .json();
    assert_eq!(
        (&back["timeout_ms"], &back["retry"]),
        (&json!(5000), &json!(9))
    );
    let whole = shell.run(&["restore", "one", "--revision", "1"]).with(0);
    assert!(whole.out.contains("retry       1"), "{}", whole.out);
    shell.run(&["restore", "one", "--revision", "99"]).with(64);
    shell.run(&["delete", "one"]).with(0);
    let missing = shell
        .run(&["restore", "one", "--revision", "1", "--json"])
        .with(1)
        .error();
    assert_eq!(missing["code"], "secret_required");
    let arguments = ["restore", "one", "--revision", "1", "--secrets", "-"];
    shell
        .run_with_input(&arguments, r#"{"/config/api_key": "planted-secret"}"#)
        .with(0);
    let stored = "SELECT config ->> 'api_key' FROM extensions WHERE id = 'one'";
    assert_eq!(shell.database.value(stored).await, "planted-secret");
    let bad = shell
        .run_with_input(&arguments, r#"{"/config/api_key": planted-secret}"#)
        .with(64);
    assert!(!bad.err.contains("planted"), "{}", bad.err);
}
