//! Lists and single extensions: from memory and from the database they say the same.

use serde_json::{Value, json};

use crate::support::{Setup, answer, etag_of};

fn ids(list: &Value) -> Vec<String> {
    let extensions = list["extensions"].as_array().unwrap();
    extensions
        .iter()
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

/// All pages of a list.
async fn all(setup: &Setup, query: &str) -> (Vec<String>, usize) {
    let mut found = Vec::new();
    let mut pages = 0;
    let mut after = String::new();
    loop {
        let (status, page) = answer(setup.get(&format!("/api/v1/extensions?{query}{after}"))).await;
        assert_eq!(status, 200, "{page}");
        found.extend(ids(&page));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return (found, pages),
        }
    }
}

async fn fill(setup: &Setup) {
    setup
        .database
        .execute(
            "INSERT INTO extensions (id, type, subject, enabled, timeout_ms)
             SELECT 'e' || n, (ARRAY['pre', 'validator', 'post', 'provider'])[n % 4 + 1], 's.' || n, n % 3 > 0, n
             FROM generate_series(1, 300) AS n",
        )
        .await;
    assert_eq!(
        setup.post("/api/v1/reload").send().await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn pages_from_memory_and_from_the_database_hold_the_same() {
    let setup = Setup::new().await;
    fill(&setup).await;
    for (types, expected) in [("", 206), ("&type=pre", 51), ("&type=post,provider", 104)] {
        let (memory, pages) = all(&setup, &format!("enabled=true&limit=17{types}")).await;
        assert_eq!(pages, memory.len().div_ceil(17));
        assert!(memory.is_sorted(), "by their bytes");
        let (mut database, _) =
            all(&setup, &format!("enabled=true&view=full&limit=17{types}")).await;
        database.sort();
        assert_eq!(memory, database, "{types}");
        assert_eq!(memory.len(), expected, "{types}");
    }
    let (everything, _) = all(&setup, "limit=100").await;
    assert_eq!(everything.len(), 306);
    let (by_timeout, _) = all(&setup, "sort=timeout_ms&descending=true&limit=7&type=pre").await;
    assert_eq!(
        by_timeout[..3],
        ["e300", "e296", "e292"].map(String::from)[..],
        "{by_timeout:?}"
    );
    let (off, _) = all(&setup, "enabled=false").await;
    assert_eq!(off.len(), 100);
    let (found, _) = all(&setup, "text=S.29&health=no_data").await;
    assert_eq!(found.len(), 11);
}

#[tokio::test]
async fn the_views_tell_what_they_promise() {
    let setup = Setup::new().await;
    let (_, memory) =
        answer(setup.get("/api/v1/extensions?enabled=true&limit=1&type=validator")).await;
    let (_, database) = answer(setup.get("/api/v1/extensions?text=pii_guard&limit=1")).await;
    assert_eq!(
        memory["extensions"], database["extensions"],
        "the same shape from both"
    );
    assert_eq!(
        (&memory["revision"], database.get("revision")),
        (&json!(0), None)
    );
    let (_, full) = answer(setup.get("/api/v1/extensions?text=pii_guard&limit=1&view=full")).await;
    let full = &full["extensions"][0];
    assert_eq!(
        (&full["health"], full.get("config")),
        (&json!("no_data"), None)
    );
    assert!(full["created_at"].is_string());
    let (_, detail) = answer(setup.get("/api/v1/extensions/pii_guard")).await;
    assert!(detail["config"].is_object() && detail["metadata"].is_object());
    let (_, summary) = answer(setup.get("/api/v1/extensions/pii_guard?view=summary")).await;
    assert_eq!(summary, memory["extensions"][0]);
    assert_eq!(summary.as_object().unwrap().len(), 7);
}

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let setup = Setup::new().await;
    for path in [
        "/api/v1/extensions/pii_guard",
        "/api/v1/extensions/pii_guard?view=summary",
    ] {
        let first = setup.get(path).send().await.unwrap();
        let etag = etag_of(&first);
        let second = setup
            .get(path)
            .header("If-None-Match", &etag)
            .send()
            .await
            .unwrap();
        assert_eq!(
            (second.status().as_u16(), etag_of(&second)),
            (304, etag.clone())
        );
        assert_eq!(second.bytes().await.unwrap().len(), 0);
        setup
            .database
            .execute("UPDATE extensions SET retry = (retry + 1) % 5 WHERE id = 'pii_guard'")
            .await;
        assert_eq!(
            setup.post("/api/v1/reload").send().await.unwrap().status(),
            200
        );
        let third = setup
            .get(path)
            .header("If-None-Match", &etag)
            .send()
            .await
            .unwrap();
        assert_eq!(third.status(), 200);
    }
}

#[tokio::test]
async fn what_was_changed_through_the_server_is_read_from_memory_at_once() {
    let setup = Setup::new().await;
    for round in 0..20 {
        let id = format!("new_{round}");
        let new = crate::support::new_extension(&id);
        let created = setup
            .post("/api/v1/extensions")
            .json(&new)
            .send()
            .await
            .unwrap();
        let etag = etag_of(&created);
        let path = format!("/api/v1/extensions/{id}?view=summary");
        let read = setup.get(&path).send().await.unwrap();
        assert_eq!(
            (read.status().as_u16(), etag_of(&read)),
            (200, etag.clone())
        );
        let (_, list) = answer(setup.get("/api/v1/extensions?enabled=true&limit=500")).await;
        assert!(ids(&list).contains(&id), "{round}");
        assert_eq!(setup.delete(&id, &etag).send().await.unwrap().status(), 204);
        assert_eq!(
            setup.get(&path).send().await.unwrap().status(),
            404,
            "{round}"
        );
    }
}
