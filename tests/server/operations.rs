//! What tells how the registry and the server are.

use std::time::{Duration, Instant};

use serde_json::json;
use system_tests::database::execute;

use crate::support::{Setup, answer, problem};

#[tokio::test]
async fn health_is_told_of_one_of_all_and_over_time() {
    let setup = Setup::new().await;
    setup
        .database
        .execute("SELECT record_health('pii_guard', n <> 10, n) FROM generate_series(1, 10) AS n")
        .await;
    let (_, report) = answer(setup.get("/api/v1/extensions/pii_guard/health")).await;
    assert_eq!(
        (&report["success_count"], &report["failure_count"]),
        (&json!(9), &json!(1))
    );
    assert_eq!(report["health_score_percent"], 90.0);
    let (_, overview) = answer(setup.get("/api/v1/health")).await;
    assert_eq!(overview["total"]["success_count"], 9);
    assert_eq!(overview["rows"].as_array().unwrap().len(), 6);
    assert_eq!(
        (
            &overview["rows"][0]["extension_id"],
            &overview["rows"][0]["severity"]
        ),
        (&json!("pii_guard"), &json!("failing"))
    );
    let (_, series) =
        answer(setup.get("/api/v1/health/series?extension_ids=pii_guard,openai_gpt4")).await;
    assert_eq!(
        (&series[0]["total"]["failure_count"], &series[1]["points"]),
        (&json!(1), &json!([]))
    );
    assert_eq!(series[0]["extension_id"], "pii_guard");
}

#[tokio::test]
async fn figures_are_told_as_json_and_for_prometheus() {
    let setup = Setup::new().await;
    assert_eq!(
        setup
            .get("/api/v1/extensions/pii_guard?view=summary")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(problem(setup.get("/api/v1/extensions/nobody")).await.0, 404);
    let (_, stats) = answer(setup.get("/api/v1/stats")).await;
    assert_eq!(
        (&stats["state"], &stats["total"], &stats["hits"]),
        (&json!("fresh"), &json!(6), &json!(1))
    );
    let (_, reloaded) = answer(setup.post("/api/v1/reload")).await;
    assert_eq!(reloaded["revision"], 0);
    let response = setup.get("/metrics").send().await.unwrap();
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let text = response.text().await.unwrap();
    for line in [
        "registry_extensions 6",
        "registry_cache_is_fresh 1",
        "http_requests_total{method=\"GET\",path=\"/api/v1/extensions/{id}\",status=\"404\"} 1",
        "http_request_duration_seconds_count{method=\"POST\",path=\"/api/v1/reload\"} 1",
    ] {
        assert!(text.lines().any(|each| each == line), "{line} in {text}");
    }
}

#[tokio::test]
async fn without_its_database_the_server_lives_and_reads_from_memory() {
    let setup = Setup::new().await;
    let status = async |path: &str| setup.get(path).send().await.unwrap().status().as_u16();
    let memory = "/api/v1/extensions?enabled=true";
    for path in ["/healthz", "/readyz", memory] {
        assert_eq!(status(path).await, 200, "{path}");
    }
    let name = setup.database.value("SELECT current_database()").await;
    let elsewhere = setup.database.superuser().database("postgres");
    let cut = format!(
        "ALTER DATABASE {name} CONNECTION LIMIT 0;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    execute(&elsewhere, &cut).await.unwrap();
    until("/readyz tells it", async || status("/readyz").await == 503).await;
    assert_eq!(status("/healthz").await, 200);
    let (code, list) = answer(setup.get(memory)).await;
    assert_eq!(
        (code, list["extensions"].as_array().unwrap().len()),
        (200, 6),
        "who was let in before reads on"
    );
    // Of a change on a connection that was in use up to 250 ms ago, which isn't tried before it is used, it would not be known
    // whether it was made.
    tokio::time::sleep(Duration::from_millis(500)).await;
    for request in [
        setup.get("/api/v1/audit"),
        setup.post("/api/v1/extensions/pii_guard/disable"),
    ] {
        assert_eq!(problem(request).await, (503, "database_unavailable".into()));
    }
    let unknown = setup.server.caller(&"blr_".repeat(17)).get(memory);
    let refused = problem(unknown).await;
    assert_eq!(refused.0, 503, "who was never let in is not let in now");

    execute(
        &elsewhere,
        &format!("ALTER DATABASE {name} CONNECTION LIMIT -1"),
    )
    .await
    .unwrap();
    until("/readyz tells that it is back", async || {
        status("/readyz").await == 200
    })
    .await;
    assert_eq!(status(memory).await, 200);
    assert_eq!(
        answer(setup.post("/api/v1/extensions/pii_guard/disable"))
            .await
            .0,
        200
    );
    assert_eq!(
        setup.entry_count().await,
        1,
        "what was refused is not made later"
    );
}

/// Waits for something that takes its time.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
