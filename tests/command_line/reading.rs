//! What is read: lists, one extension, health, the registry's state; for people and for programs.

use serde_json::json;

use crate::support::Shell;

#[tokio::test]
async fn a_list_is_a_table_for_people_and_the_rest_interfaces_shape_for_programs() {
    let shell = Shell::new().await;
    let table = shell.run(&["list"]).with(0);
    let lines: Vec<&str> = table.out.lines().collect();
    assert!(lines[0].starts_with("ID  "), "{}", table.out);
    assert_eq!(lines.len(), 7);
    assert!(lines[6].starts_with("pii_guard            validator  on     beamline."));
    let list = shell.run(&["list", "--json"]).with(0).json();
    let first = &list["extensions"][0];
    assert_eq!(first["id"], "anthropic_claude");
    for field in [
        "type",
        "subject",
        "timeout_ms",
        "retry",
        "enabled",
        "revision",
        "health",
    ] {
        assert!(!first[field].is_null(), "{field} in {first}");
    }
    assert_eq!(list["extensions"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_list_is_filtered_ordered_and_goes_over_pages() {
    let shell = Shell::new().await;
    shell.add_extensions(2_345).await;
    shell.run(&["disable", "e0001", "e0002"]).with(0);
    let ids = |arguments: &[&str]| -> Vec<String> {
        let list = shell
            .run(&[&["list", "--json"], arguments].concat())
            .with(0)
            .json();
        let extensions = list["extensions"].as_array().unwrap();
        extensions
            .iter()
            .map(|extension| extension["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = ids(&[]);
    assert_eq!(all.len(), 2_351);
    assert!(
        all.windows(2).all(|pair| pair[0] < pair[1]),
        "each once, in order"
    );
    assert_eq!(shell.run(&["list"]).with(0).out.lines().count(), 2_352);
    assert_eq!(ids(&["--disabled"]), ["e0001", "e0002"]);
    assert_eq!(ids(&["--limit", "1500"]).len(), 1_500);
    assert_eq!(
        ids(&["--type", "post,validator"]),
        ["mask_sensitive_data", "pii_guard"]
    );
    assert_eq!(ids(&["--descending", "--limit", "1"]), ["pii_guard"]);
    assert_eq!(ids(&["--text", "mask_pii"]), ["mask_sensitive_data"]);
    assert_eq!(
        ids(&["--sort", "retry", "--descending", "--limit", "1"]).len(),
        1
    );
    assert_eq!(ids(&["--health", "failing"]), [""; 0]);
}

#[tokio::test]
async fn one_extension_is_shown_whole() {
    let shell = Shell::new().await;
    let shown = shell.run(&["get", "pii_guard"]).with(0);
    for part in [
        "subject     beamline.ext.validate.pii_guard.v1",
        "\"block_on_match\": true",
    ] {
        assert!(shown.out.contains(part), "{}", shown.out);
    }
    let detail = shell.run(&["get", "pii_guard", "--json"]).with(0).json();
    assert_eq!(detail["config"]["block_on_match"], true);
    assert_eq!(detail["timeout_ms"], 200);
}

#[tokio::test]
async fn health_is_told_of_all_and_of_one() {
    let shell = Shell::new().await;
    shell
        .database
        .execute(
            "SELECT record_health('pii_guard', true, 12), record_health('pii_guard', false, NULL)",
        )
        .await;
    let table = shell.run(&["health"]).with(0);
    assert!(
        table.out.lines().nth(1).unwrap().starts_with("pii_guard"),
        "the worst first"
    );
    let overview = shell.run(&["health", "--json"]).with(0).json();
    assert_eq!(overview["rows"][0]["extension_id"], "pii_guard");
    assert_eq!(overview["total"]["failure_count"], 1);
    let one = shell.run(&["health", "pii_guard"]).with(0);
    assert!(one.out.contains("50.0 %"), "{}", one.out);
    let report = shell.run(&["health", "pii_guard", "--json"]).with(0).json();
    assert_eq!(report["health_score_percent"], 50.0);
    let long_ago = [
        "health",
        "--json",
        "--from",
        "2020-01-01T00:00:00Z",
        "--until",
        "2020-01-01T01:00:00Z",
    ];
    assert_eq!(
        shell.run(&long_ago).with(0).json()["total"]["failure_count"],
        0
    );
}

#[tokio::test]
async fn the_state_of_the_registry_is_told_as_far_as_the_login_may_know() {
    let shell = Shell::new().await;
    shell.run(&["disable", "openai_gpt4"]).with(0);
    let status = shell.run(&["status", "--json"]).with(0).json();
    assert_eq!(status["revision"], 1);
    assert_eq!(status["extensions"]["enabled"], 5);
    assert_eq!(status["permissions"]["can_edit"], true);
    let told = shell.run(&["status"]).with(0);
    assert!(
        told.out.contains("may         view, switch, edit"),
        "{}",
        told.out
    );

    let auditor = Shell::on(shell.database, "registry_auditor").await;
    let status = auditor.run(&["status", "--json"]).with(0).json();
    assert_eq!(status["revision"], 1);
    assert_eq!(status.get("extensions"), None);
    assert_eq!(status["permissions"]["can_view"], json!(false));
}
