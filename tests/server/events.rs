//! Changes as server-sent events.

use std::time::Duration;

use registry::access::Role;
use reqwest::Response;
use serde_json::{Value, json};
use system_tests::api_server::{owner, run};
use tokio::time::timeout;

use crate::support::{Setup, problem};

/// How long an event may take; a loaded machine is slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// The events of a stream.
struct Events {
    response: Response,
    read: String,
}

impl Events {
    async fn of(setup: &Setup, token: &str) -> Self {
        let response = setup
            .server
            .caller(token)
            .get("/api/v1/events")
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            read: String::new(),
        }
    }

    /// The next event's data; none at the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(length) = self.read.find("\n\n") {
                let event: String = self.read.drain(..length + 2).collect();
                // Others are there to keep the connection alive.
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                if let Some(data) = data {
                    return Some(serde_json::from_str(data).unwrap());
                }
                continue;
            }
            let chunk = timeout(PATIENCE, self.response.chunk())
                .await
                .expect("in time")
                .ok()??;
            self.read += std::str::from_utf8(&chunk).unwrap();
        }
    }
}

#[tokio::test]
async fn changes_are_told_as_they_happen_whoever_makes_them() {
    let setup = Setup::new().await;
    let mut events = Events::of(&setup, &setup.editor).await;
    assert_eq!(
        events.next().await.unwrap(),
        json!({ "revision": 0, "ids": null }),
        "where it begins"
    );
    assert_eq!(
        setup
            .post("/api/v1/extensions/pii_guard/disable")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        events.next().await.unwrap(),
        json!({ "revision": 1, "ids": ["pii_guard"] })
    );
    setup
        .database
        .execute("UPDATE extensions SET retry = 9 WHERE id = 'openai_gpt4'")
        .await;
    assert_eq!(
        events.next().await.unwrap(),
        json!({ "revision": 2, "ids": ["openai_gpt4"] })
    );
}

#[tokio::test]
async fn who_may_not_view_is_told_of_nothing() {
    let setup = Setup::new().await;
    let auditor = setup.token("ben", Role::RegistryAuditor).await;
    let request = setup.server.caller(&auditor).get("/api/v1/events");
    assert_eq!(problem(request).await, (403, "forbidden".into()));
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked() {
    let setup = Setup::new().await;
    let viewer = setup.token("ben", Role::RegistryViewer).await;
    let mut events = Events::of(&setup, &viewer).await;
    events.next().await.unwrap();
    let owner = owner(&setup.database).await;
    let listed = run(&owner, &["token", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed[0]["owner"], "ben");
    assert!(
        run(
            &owner,
            &["token", "revoke", listed[0]["token_id"].as_str().unwrap()]
        )
        .status
        .success()
    );
    assert_eq!(events.next().await, None);
}
