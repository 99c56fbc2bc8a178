//! A router in small, to be disturbed and measured: holds the cache, looks up all the time from two threads, records the
//! health of calls, and reads everything anew every five seconds.
//!
//! Usage: `hold-cache`, with `DATABASE_URL`. It prints a line when its cache is filled. When its standard input ends, it waits until its cache is of the revision that
//! the input's last line names, prints what the cache holds as a JSON object of ids, and what it recorded, and ends.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::env;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use registry::Registry;
use registry::cache::{CacheOptions, RegistryCache};
use registry::connection::{Servers, parse_url};
use registry::health::HealthRecorder;
use serde_json::{Map, Value, json};

#[tokio::main]
async fn main() {
    let url = env::var("DATABASE_URL").expect("a database");
    let parsed = parse_url(&url).expect("a URL");
    let servers = Servers::new(&parsed.database, parsed.password).expect("a good profile");
    let registry = Registry::open(servers.clone())
        .await
        .expect("the registry opens");
    let recorder = HealthRecorder::start(registry);
    let options = CacheOptions {
        reload_interval: Some(Duration::from_secs(5)),
        ..CacheOptions::default()
    };
    let cache = RegistryCache::connect(servers, options)
        .await
        .expect("the cache is filled");
    writeln!(std::io::stdout(), "ready").expect("a reader");
    for _ in 0..2 {
        let mut reader = cache.reader();
        std::thread::spawn(move || {
            loop {
                for _ in 0..1_000 {
                    // Never empty and never half: the six that came with the registry are in every snapshot.
                    assert!(reader.lookup("pii_guard").is_some(), "a lookup finds it");
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
    }
    let wanted = tokio::task::spawn_blocking(|| {
        let lines = std::io::stdin().lock().lines().map_while(Result::ok);
        let last = lines.last().expect("the revision");
        last.parse::<i64>().expect("a number")
    });
    let mut calls = tokio::time::interval(Duration::from_millis(20));
    let wanted = {
        let mut wanted = std::pin::pin!(wanted);
        loop {
            tokio::select! {
                wanted = &mut wanted => break wanted.expect("the thread ends"),
                _ = calls.tick() => recorder.record("pii_guard", true, Some(1.5)),
            }
        }
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while cache.stats().revision != wanted {
        assert!(
            Instant::now() < deadline,
            "the cache follows to {wanted}: {:?}",
            cache.stats()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let extensions: Map<String, Value> = cache
        .snapshot()
        .iter()
        .map(|extension| {
            let fields = json!({
                "enabled": extension.enabled(),
                "timeout_ms": extension.timeout_ms(),
                "subject": extension.subject(),
            });
            (extension.id().to_owned(), fields)
        })
        .collect();
    let stats = cache.stats();
    let counts = recorder.shut_down().await;
    let told = json!({
        "extensions": extensions,
        "recorded": counts.recorded,
        "dropped": counts.dropped,
        "unknown": counts.unknown,
        "loads": stats.load_count,
        "diverged": stats.divergence.is_some(),
    });
    writeln!(std::io::stdout(), "{told}").expect("a reader");
    // The readers' threads have no end.
    std::process::exit(0);
}
