//! Everything at once, for a long time: writers over HTTP, by the command line and by the core, readers with a cache that
//! record health and read everything anew, and faults at random moments. In the end the history that the writers noted is
//! compared with the audit log and the table, the caches with the table, and the memory with what it was.
//!
//! A minute of it is a part of `make test`; `make soak` takes `SOAK_MINUTES` (30) and watches the window too. `SOAK_SEED`
//! repeats the same faults in the same order.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test, whose story is told in one piece"
)]

mod disturbances;
mod place;
mod processes;
mod programs;

use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;
use system_tests::faults;

use crate::disturbances::Disturbance;
use crate::place::Place;
use crate::processes::Memory;

/// From the end of a fault until every kind of writer has gone on.
const RECOVERED_WITHIN: Duration = Duration::from_secs(30);

/// Shorter soaks are told how much memory grew and not held to it: what is kept for the first time looks like growth.
const MEMORY_IS_JUDGED_AFTER: Duration = Duration::from_mins(10);
const GROWTH_MAX_PERCENT: f64 = 10.0;

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value}")),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_the_history_is_whole_and_memory_does_not_grow() {
    let seed = variable("SOAK_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    let duration = Duration::from_mins(variable("SOAK_MINUTES").unwrap_or(1));
    let with_window = variable("SOAK_WINDOW").is_some_and(|value| value != 0);
    faults::report(
        "soak begins",
        json!({ "SOAK_SEED": seed, "minutes": duration.as_secs() / 60, "window": with_window }),
    );
    let mut random = Rng::with_seed(seed);
    let mut place = Place::start(with_window).await;
    let begun_at = Instant::now();
    let mut memory = Memory::default();
    let mut fault_count = 0_u32;
    let mut slowest = Duration::ZERO;
    // Each at least once in an order of its own, then any.
    let mut coming = Disturbance::ALL.to_vec();
    random.shuffle(&mut coming);
    while begun_at.elapsed() < duration {
        let pause = Duration::from_millis(random.u64(200..2_000));
        let until = Instant::now() + pause;
        while Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(200)).await;
            place.sample(&mut memory);
        }
        let disturbance = coming
            .pop()
            .unwrap_or_else(|| Disturbance::ALL[random.usize(..Disturbance::ALL.len())]);
        let figures = disturbance.happen(&mut place, &mut random).await;
        let mended_at = Instant::now();
        let recovered = place
            .see_all_go_on(mended_at, RECOVERED_WITHIN, disturbance)
            .await;
        slowest = slowest.max(recovered);
        fault_count += 1;
        let mut line = json!({
            "after_s": begun_at.elapsed().as_secs(),
            "recovered_ms": recovered.as_millis(),
            "acknowledged": place.history.acknowledged_count(),
        });
        for (name, value) in figures.as_object().expect("figures") {
            line[name] = value.clone();
        }
        faults::report(disturbance.name(), line);
    }
    let ended = place.end().await;
    let growths = memory.growths();
    faults::report_checked(
        "soak",
        ended.checked,
        json!({
            "SOAK_SEED": seed,
            "seconds": begun_at.elapsed().as_secs(),
            "faults": fault_count,
            "slowest_recovery_ms": slowest.as_millis(),
            "command_line_changes": ended.command_line_changes,
            "health_recorded": ended.health_recorded,
            "cache_loads": ended.cache_loads,
            "memory": growths.iter().map(processes::Growth::told).collect::<Vec<_>>(),
        }),
    );
    assert!(ended.checked.acknowledged > 100, "{:?}", ended.checked);
    if duration >= MEMORY_IS_JUDGED_AFTER {
        for growth in growths {
            assert!(growth.percent < GROWTH_MAX_PERCENT, "{growth:?}");
        }
    }
}
