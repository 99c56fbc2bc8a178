//! A router in small: asks the registry for each message what to do with it.
//!
//! `DATABASE_URL=postgres://router@localhost/registry cargo run -p registry --example router`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::env;
use std::error::Error;
use std::time::Duration;

use registry::cache::{CacheOptions, CacheReader, CacheState, Consumer, RegistryCache};
use registry::extensions::ExtensionType;
use sqlx::postgres::PgConnectOptions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A login that is a member of registry_viewer is enough.
    let database: PgConnectOptions = env::var("DATABASE_URL")?.parse()?;
    let options = CacheOptions {
        // So that the router also starts while the database is away.
        snapshot_file: Some(env::temp_dir().join("router.snapshot")),
        // As what the console lists this program, with the revision that it has applied.
        consumer: Some(Consumer::new("router", env!("CARGO_PKG_VERSION"))),
        ..CacheOptions::default()
    };
    let cache = RegistryCache::connect(database, options).await?;

    // What must follow a change, such as subscriptions, is told of it.
    let mut changes = cache.watch();
    tokio::spawn(async move {
        while let Some(change) = changes.next().await {
            match change.ids {
                Some(ids) => println!("revision {}: {ids:?} changed", change.revision),
                None => println!("revision {}: anything may have changed", change.revision),
            }
        }
    });

    // Threads that route all the time have a reader each; others ask the cache itself.
    let mut reader = cache.reader();
    for _message in 0..10 {
        route(&mut reader, "openai_gpt4");
        let stats = cache.stats();
        match stats.state {
            CacheState::Fresh => {}
            CacheState::Stale => println!("the registry is {:?} old", stats.age),
            CacheState::Diverged => println!("an older database was restored: tell somebody"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // Saves the snapshot and ends the connections; dropping the last handle does so too, later.
    cache.close().await;
    Ok(())
}

/// Sends a message through every enabled validator and then to its provider.
fn route(reader: &mut CacheReader, provider: &str) {
    for validator in reader.lookup_by_type(ExtensionType::Validator).iter() {
        println!(
            "asks {} for at most {} ms",
            validator.subject(),
            validator.timeout_ms()
        );
    }
    match reader.lookup(provider) {
        None => println!("there is no provider {provider}"),
        Some(found) if !found.enabled() => println!("{provider} is switched off"),
        Some(found) => println!(
            "sends to {}, {} retries, configured as {}",
            found.subject(),
            found.retry(),
            found.config().unwrap_or("nothing")
        ),
    }
}
