//! Who gets in: no token, one that is not accepted, one of too low a role; and nothing is done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use registry::access::Role;
use registry::tokens::TOKEN_ROLES;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use system_tests::api_server::{ApiServer, owner, run};
use system_tests::bundle::repository;
use system_tests::database::{TestDatabase, execute};
use system_tests::servers;
use tokio::task::JoinSet;

use crate::support::{Setup, answer, new_extension, problem};

/// Every operation that takes a token, and the roles that may. Each change is of the state that those before it have left.
const OPERATIONS: [(&str, &str, &[Role]); 24] = [
    ("GET", "/api/v1/extensions", VIEW),
    ("GET", "/api/v1/extensions?enabled=true", VIEW),
    ("GET", "/api/v1/extensions/pii_guard", VIEW),
    ("GET", "/api/v1/extensions/pii_guard?view=summary", VIEW),
    ("GET", "/api/v1/extensions/pii_guard/health", VIEW),
    ("GET", "/api/v1/health", VIEW),
    ("GET", "/api/v1/health/series?extension_ids=pii_guard", VIEW),
    ("GET", "/api/v1/stats", VIEW),
    ("GET", "/api/v1/events", VIEW),
    ("GET", "/metrics", &TOKEN_ROLES),
    ("GET", "/api/v1/extensions/pii_guard/history", &TOKEN_ROLES),
    ("GET", "/api/v1/audit", &TOKEN_ROLES),
    ("GET", "/api/v1/audit/export", &TOKEN_ROLES),
    ("GET", "/api/v1/audit/verify", &TOKEN_ROLES),
    ("PATCH", "/api/v1/extensions/pii_guard", EDIT),
    ("POST", "/api/v1/extensions/pii_guard/restore", EDIT),
    ("POST", "/api/v1/reload", SWITCH),
    ("POST", "/api/v1/extensions/pii_guard/disable", SWITCH),
    ("POST", "/api/v1/extensions/pii_guard/enable", SWITCH),
    ("POST", "/api/v1/bulk/disable", SWITCH),
    ("POST", "/api/v1/bulk/enable", SWITCH),
    ("POST", "/api/v1/extensions", EDIT),
    ("POST", "/api/v1/bulk/delete", EDIT),
    ("DELETE", "/api/v1/extensions/mock_provider", EDIT),
];

const VIEW: &[Role] = &[
    Role::RegistryViewer,
    Role::RegistryOperator,
    Role::RegistryEditor,
];
const SWITCH: &[Role] = &[Role::RegistryOperator, Role::RegistryEditor];
const EDIT: &[Role] = &[Role::RegistryEditor];

/// A request that does something, if it is let in.
fn whole(request: RequestBuilder, method: &str, path: &str) -> RequestBuilder {
    match (method, path) {
        ("POST", "/api/v1/extensions") => request.json(&new_extension("added")),
        ("POST", path) if path.ends_with("restore") => request.json(&json!({ "revision": 1 })),
        ("PATCH", _) => request
            .header("If-Match", "\"1\"")
            .json(&json!({ "retry": 5 })),
        ("DELETE", _) => request.header("If-Match", "\"0\""),
        ("POST", "/api/v1/bulk/delete") => {
            let seen = json!({ "id": "openai_gpt4", "revision": 0 });
            request.json(&json!({ "extensions": [seen] }))
        }
        ("POST", path) if path.contains("/bulk/") => {
            request.json(&json!({ "ids": ["pii_guard", "normalize_text"] }))
        }
        _ => request,
    }
}

/// What there is to change: nothing of it may move where nobody is let in.
async fn state(database: &TestDatabase) -> String {
    let state = "SELECT (SELECT jsonb_agg(extensions ORDER BY id) FROM extensions)::text
                     || (SELECT count(*) FROM extension_audit_log) || (SELECT jsonb_agg(to_jsonb(registry_tokens) - 'last_used_at') FROM registry_tokens)";
    database.value(state).await
}

#[test]
fn every_operation_that_takes_a_token_is_among_these() {
    let document = std::fs::read_to_string(repository().join("docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut documented = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if operation.get("security").is_some() {
                documented.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let tried: BTreeSet<String> = OPERATIONS
        .iter()
        .map(|(name, path, _)| {
            let path = path.split('?').next().unwrap();
            let path = path
                .replace("pii_guard", "{id}")
                .replace("mock_provider", "{id}");
            format!("{name} {path}")
        })
        .collect();
    assert_eq!(tried, documented);
}

fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap()
}

#[tokio::test]
async fn without_a_token_that_is_accepted_nothing_is_told_or_done() {
    let setup = Setup::new().await;
    let owner = owner(&setup.database).await;
    let revoked = setup.token("ben", Role::RegistryEditor).await;
    let listed = run(&owner, &["token", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let token_id = listed[0]["token_id"].as_str().unwrap();
    // It has been used, and read from memory with: that must not let it in later.
    for _ in 0..2 {
        let read = setup
            .server
            .caller(&revoked)
            .get("/api/v1/extensions?enabled=true");
        assert_eq!(read.send().await.unwrap().status(), 200);
    }
    assert!(run(&owner, &["token", "revoke", token_id]).status.success());
    let expired = setup.token("cleo", Role::RegistryEditor).await;
    setup
        .database
        .execute(
            "ALTER TABLE registry_tokens DISABLE TRIGGER registry_tokens_keep;
             UPDATE registry_tokens SET created_at = created_at - interval '1 year', expires_at = clock_timestamp() - interval '1 second' WHERE owner = 'cleo';
             ALTER TABLE registry_tokens ENABLE ALWAYS TRIGGER registry_tokens_keep",
        )
        .await;
    let elsewhere = Setup::new().await;
    setup
        .database
        .execute("UPDATE extensions SET retry = 2 WHERE id = 'pii_guard'")
        .await;
    let before = state(&setup.database).await;

    let mut wrong = setup.editor.clone();
    wrong.replace_range(10..11, if &wrong[10..11] == "0" { "1" } else { "0" });
    let bearer = |token: &str| format!("Bearer {token}");
    let shown = [
        None,
        Some(String::new()),
        Some("Bearer".into()),
        Some(bearer("")),
        Some(bearer("' OR ''='")),
        Some(bearer(&wrong)),
        Some(format!("Basic {}", setup.editor)),
        Some(setup.editor.clone()),
        Some(bearer(&elsewhere.editor)),
        Some(bearer(&revoked)),
        Some(bearer(&expired)),
    ];
    for (name, path, _) in OPERATIONS {
        for authorization in &shown {
            // By a token that was let in, what is in memory is read for a second more: see below.
            let is_in_memory = path.contains("enabled=true") || path.contains("summary");
            if is_in_memory && *authorization == Some(bearer(&revoked)) {
                continue;
            }
            let mut request = setup.server.request(method(name), path);
            if let Some(authorization) = authorization {
                request = request.header("Authorization", authorization);
            }
            let response = whole(request, name, path).send().await.unwrap();
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            let status = response.status();
            assert_eq!(
                status,
                401,
                "{name} {path} {authorization:?}: {}",
                response.text().await.unwrap()
            );
        }
    }
    let twice = setup
        .get("/api/v1/extensions")
        .header("Authorization", bearer(&setup.editor));
    assert_eq!(problem(twice).await.0, 401, "which of two tokens holds?");
    assert_eq!(state(&setup.database).await, before);

    // From memory it is let in for a second at the most after it was last let in.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    loop {
        let read = setup
            .server
            .caller(&revoked)
            .get("/api/v1/extensions?enabled=true");
        if read.send().await.unwrap().status() == 401 {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "a revoked token reads for ever"
        );
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_switches_nothing_from_that_moment_on() {
    let setup = Setup::new().await;
    let key = "00000000-0000-4000-8000-000000000001";
    for headers in [&[][..], &[("Idempotency-Key", key)]] {
        let token = setup.token("ben", Role::RegistryEditor).await;
        let switch = |what: &str| {
            let path = format!("/api/v1/extensions/pii_guard/{what}");
            let request = setup.server.caller(&token).post(&path);
            headers.iter().fold(request, |request, (name, value)| {
                request.header(*name, *value)
            })
        };
        assert_eq!(switch("enable").send().await.unwrap().status(), 200);
        setup
            .database
            .execute(
                "UPDATE registry_tokens SET revoked_at = clock_timestamp() WHERE revoked_at IS NULL AND owner = 'ben'",
            )
            .await;
        let before = state(&setup.database).await;
        let refused = switch("disable").send().await.unwrap();
        assert_eq!(refused.status(), 401);
        let refused: Value = refused.json().await.unwrap();
        assert_eq!(refused["detail"], "The token was revoked.");
        assert_eq!(state(&setup.database).await, before);
    }
}

#[tokio::test]
async fn every_role_may_do_its_operations_and_no_other() {
    for role in TOKEN_ROLES {
        let setup = Setup::new().await;
        setup
            .database
            .execute("UPDATE extensions SET retry = 2 WHERE id = 'pii_guard'")
            .await;
        let token = setup.token("ben", role).await;
        for (name, path, allowed) in OPERATIONS {
            let before = state(&setup.database).await;
            let request = setup.server.caller(&token).request(method(name), path);
            let request = whole(request, name, path);
            if allowed.contains(&role) {
                let response = request.send().await.unwrap();
                let status = response.status();
                // Nothing more is read: a stream has no end that could be waited for.
                assert!(status.is_success(), "{role} {name} {path}: {status}");
            } else {
                assert_eq!(
                    problem(request).await,
                    (403, "forbidden".into()),
                    "{role} {name} {path}"
                );
                assert_eq!(state(&setup.database).await, before, "{role} {name} {path}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_names_another_actor_past_the_server() {
    let setup = Setup::new().await;
    // An editor's own login, and the server's where it acts for nobody.
    let editor = setup.database.login_of_member("registry_editor").await;
    let spoof = "SET registry.actor = 'anna'; SET registry.login = 'anna';
                 UPDATE public.extensions SET retry = 9 WHERE id = 'pii_guard'";
    execute(&editor, spoof).await.unwrap();
    let both = "SET ROLE registry_editor; SET registry.actor = 'anna'; UPDATE public.extensions SET retry = 8 WHERE id = 'pii_guard'";
    execute(&editor, both).await.unwrap();
    let refused = execute(&editor, "SET ROLE registry_rest_server")
        .await
        .unwrap_err();
    assert_eq!(
        refused.as_database_error().unwrap().code().unwrap(),
        "42501"
    );
    // Over HTTP nothing in a request names an actor: neither a header nor a field.
    let (status, _) = answer(
        setup
            .post("/api/v1/extensions/pii_guard/disable")
            .header("registry.actor", "ben")
            .header("X-Forwarded-User", "ben")
            .header("X-Remote-User", "ben"),
    )
    .await;
    assert_eq!(status, 200);
    let actors = "SELECT string_agg(changed_by || ' ' || actor_source, ', ' ORDER BY revision) FROM extension_audit_log";
    let login = editor.get_username();
    assert_eq!(
        setup.database.value(actors).await,
        format!("{login} login, {login} login, anna claimed")
    );
}

#[tokio::test]
async fn too_many_requests_wait_and_those_of_others_do_not() {
    let database = TestDatabase::create(servers::bundled()).await;
    database.migrate().await;
    let server = ApiServer::start_with(&database, &["--requests-per-second", "2"]).await;
    let anna = system_tests::api_server::token(&database, "anna", Role::RegistryEditor).await;
    let ben = system_tests::api_server::token(&database, "ben", Role::RegistryEditor).await;
    let mut refused = None;
    for _ in 0..100 {
        let response = server
            .caller(&anna)
            .get("/api/v1/stats")
            .send()
            .await
            .unwrap();
        if response.status() == 429 {
            refused = Some(response);
            break;
        }
    }
    let refused = refused.expect("after some it is enough");
    assert!(
        refused.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            >= 1
    );
    assert_eq!(
        server
            .caller(&ben)
            .get("/api/v1/stats")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn who_guesses_tokens_is_stopped_and_who_has_one_is_not() {
    let setup = Setup::new().await;
    // Known from here on.
    let read = async || setup.get("/api/v1/stats").send().await.unwrap().status();
    assert_eq!(read().await, 200);
    let refused = Arc::new(AtomicUsize::new(0));
    let mut guessers = JoinSet::new();
    for guesser in 0..20 {
        let refused = Arc::clone(&refused);
        let url = format!("{}/api/v1/extensions", setup.server.url);
        guessers.spawn(async move {
            let client = reqwest::Client::new();
            for number in 0..500 {
                let guess = format!("blr_{guesser:032x}{number:032x}");
                let status = client
                    .get(&url)
                    .bearer_auth(guess)
                    .send()
                    .await
                    .unwrap()
                    .status();
                if status == 429 {
                    refused.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                assert_eq!(status, 401);
            }
        });
    }
    while let Some(guesser) = guessers.join_next().await {
        guesser.unwrap();
        assert_eq!(read().await, 200);
    }
    assert_eq!(refused.load(Ordering::Relaxed), 20, "each is stopped");
}

#[tokio::test]
async fn tokens_are_shown_once_and_never_logged() {
    let setup = Setup::new().await;
    assert_eq!(
        setup
            .get("/api/v1/extensions")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let owner = owner(&setup.database).await;
    let listed = run(&owner, &["token", "list"]);
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(
        text.contains("anna") && text.contains("registry_editor"),
        "{text}"
    );
    for place in [text, setup.server.log()] {
        assert!(!place.contains(&setup.editor[4..]), "{place}");
    }
    let arguments = std::fs::read(format!("/proc/{}/cmdline", setup.server.process_id())).unwrap();
    assert!(
        !String::from_utf8_lossy(&arguments).contains("postgres"),
        "the URL is no argument"
    );
}
