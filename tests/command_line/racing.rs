//! Many at once: each acknowledged change is in the audit log, once.

use std::collections::BTreeMap;
use std::process::Stdio;

use crate::support::{Done, Shell};

#[tokio::test]
async fn twenty_that_race_leave_a_whole_log_with_each_change_once() {
    const COUNT: usize = 20;
    let shell = Shell::new().await;
    shell.add_extensions(20).await;
    let id = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    let children: Vec<_> = (0..2 * COUNT)
        .map(|number| {
            let own = format!("e{:04}", number / 2 + 1);
            let request_id = id(number);
            // One of two switches an extension of its own, the other one that all want.
            let arguments = if number % 2 == 0 {
                ["disable", &own, "--request-id", &request_id]
            } else if number % 4 == 1 {
                ["enable", "mock_provider", "--request-id", &request_id]
            } else {
                ["disable", "mock_provider", "--request-id", &request_id]
            };
            shell
                .command(&arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        Done::from(child.wait_with_output().unwrap()).with(0);
    }
    let entries = "SELECT request_id::text, extension_id, action FROM extension_audit_log
        WHERE request_id IS NOT NULL ORDER BY revision";
    let mut by_request: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut shared = Vec::new();
    for row in shell.database.rows(entries).await {
        let [request, extension, action] = row.try_into().unwrap();
        let (request, extension, action) = (request.unwrap(), extension.unwrap(), action.unwrap());
        by_request
            .entry(request)
            .or_default()
            .push(extension.clone());
        if extension == "mock_provider" {
            shared.push(action);
        }
    }
    for number in (0..2 * COUNT).step_by(2) {
        let own = format!("e{:04}", number / 2 + 1);
        assert_eq!(
            by_request.remove(&id(number)),
            Some(vec![own]),
            "once, and of its own"
        );
    }
    for (request, extensions) in by_request {
        assert_eq!(extensions, ["mock_provider"], "{request}");
    }
    // Who finds it so already changes nothing: what was changed goes to and fro.
    assert!(!shared.is_empty());
    for (place, action) in shared.iter().enumerate() {
        assert_eq!(
            action,
            if place % 2 == 0 {
                "disabled"
            } else {
                "enabled"
            }
        );
    }
    shell.run(&["audit", "verify"]).with(0);
}
