//! The audit log: read, exported and verified.

use serde_json::Value;
use system_tests::database::TestDatabase;

use crate::support::Shell;

/// Changes an entry behind the registry's back.
pub(crate) async fn forge(database: &TestDatabase, statement: &str) {
    database
        .execute(&format!(
            "ALTER TABLE extension_audit_log DISABLE TRIGGER extension_audit_log_keep;
             {statement};
             ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_keep"
        ))
        .await;
}

async fn switched(count: usize) -> Shell {
    let shell = Shell::new().await;
    for number in 0..count {
        let action = if number % 2 == 0 { "disable" } else { "enable" };
        shell
            .run(&[
                action,
                "openai_gpt4",
                "--reason",
                &format!("round {number}"),
            ])
            .with(0);
    }
    shell
}

fn revisions(list: &Value) -> Vec<i64> {
    let entries = list["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["revision"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn the_log_is_filtered_and_read_in_parts() {
    let shell = switched(5).await;
    let read = |arguments: &[&str]| {
        let list = shell.run(&[&["audit", "list", "--json"], arguments].concat());
        list.with(0).json()
    };
    let first = read(&["--limit", "2"]);
    assert_eq!(revisions(&first), [5, 4]);
    assert_eq!(first["next_before_revision"], 4);
    let rest = read(&["--before-revision", "4"]);
    assert_eq!(revisions(&rest), [3, 2, 1]);
    assert_eq!(rest.get("next_before_revision"), None);
    assert_eq!(revisions(&read(&["--action", "enabled"])), [4, 2]);
    assert_eq!(
        revisions(&read(&[
            "--action",
            "enabled,disabled",
            "--text",
            "ROUND 3"
        ])),
        [4]
    );
    assert_eq!(revisions(&read(&["--extension-id", "pii_guard"])), [0; 0]);
    assert_eq!(
        revisions(&read(&["--since", "2999-01-01T00:00:00Z"])),
        [0; 0]
    );
    assert_eq!(
        revisions(&read(&["--changed-by", shell.login.get_username()])).len(),
        5
    );
    shell.add_extensions(1_200).await;
    assert_eq!(
        revisions(&read(&["--limit", "1100"])).len(),
        1_100,
        "over the core's pages"
    );
    let table = shell.run(&["audit", "list", "--limit", "3"]).with(0);
    assert_eq!(table.out.lines().count(), 4);
}

#[tokio::test]
async fn the_log_is_exported_to_files_and_pipes() {
    let shell = switched(3).await;
    let lines = shell.run(&["audit", "export"]).with(0);
    let entries: Vec<Value> = lines
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0]["revision"], 1, "oldest first");
    let csv = shell
        .run(&["audit", "export", "--format", "csv", "--action", "enabled"])
        .with(0);
    assert!(csv.out.starts_with("revision,sealed_at,"));
    assert_eq!(csv.out.lines().count(), 2);
    let path = shell.path("log.ndjson");
    let told = shell
        .run(&["audit", "export", "--output", &path, "--json"])
        .with(0)
        .json();
    assert_eq!(told["entry_count"], 3);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), lines.out);
    let words = shell.run(&["audit", "export", "-o", &path]).with(0);
    assert!(
        words.out.starts_with("Wrote 3 entries to "),
        "{}",
        words.out
    );
    shell.run(&["audit", "export", "--json"]).with(64);
    shell
        .run(&["audit", "export", "-o", &shell.path("nowhere/log")])
        .with(1);
    assert_eq!(shell.files(), ["log.ndjson"], "nothing is left beside it");
}

#[tokio::test]
async fn a_whole_log_is_0_and_a_fault_is_2() {
    let shell = switched(3).await;
    let whole = shell.run(&["audit", "verify", "--json"]).with(0).json();
    assert_eq!(
        (&whole["is_whole"], &whole["entry_count"]),
        (&true.into(), &3.into())
    );
    let anchors = shell.path("anchors");
    let told = shell
        .run(&["audit", "verify", "--anchor-file", &anchors])
        .with(0);
    assert!(
        told.out
            .contains("whole: 3 entries, compared with 0 anchors"),
        "{}",
        told.out
    );
    assert!(
        shell
            .run(&["audit", "verify", "--anchor-file", &anchors])
            .with(0)
            .out
            .contains("with 1 anchor.")
    );

    forge(
        &shell.database,
        "UPDATE extension_audit_log SET changed_by = 'ben' WHERE revision = 2",
    )
    .await;
    let broken = shell.run(&["audit", "verify", "--json"]).with(2).json();
    assert_eq!(
        (&broken["is_whole"], &broken["fault"]["revision"]),
        (&false.into(), &2.into())
    );
    let told = shell.run(&["audit", "verify"]).with(2);
    assert!(
        told.out.contains("not whole: The content of entry #2"),
        "{}",
        told.out
    );
}

#[tokio::test]
async fn a_log_whose_end_was_cut_off_is_found_by_an_anchor() {
    let shell = switched(3).await;
    let anchors = shell.path("anchors");
    shell
        .run(&["audit", "verify", "--anchor-file", &anchors])
        .with(0);
    let cut = "DELETE FROM extension_audit_log WHERE revision = 3;
        UPDATE registry_head SET revision = 2, hash = (SELECT hash FROM extension_audit_log WHERE revision = 2)";
    forge(&shell.database, cut).await;
    shell.run(&["audit", "verify"]).with(0);
    let found = shell
        .run(&["audit", "verify", "--anchor-file", &anchors, "--json"])
        .with(2)
        .json();
    assert_eq!(found["fault"]["kind"], "end_cut_off");
}
