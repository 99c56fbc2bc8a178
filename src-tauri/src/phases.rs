//! How long the start takes, phase by phase, counted from the start of the process.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use specta::Type;
use tracing::info;

/// A point that the start has reached.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Type)]
pub(crate) struct StartPhase {
    /// What was reached.
    pub(crate) name: String,
    /// Milliseconds since the process was started.
    pub(crate) elapsed_ms: u32,
}

/// The phases of this process's start.
#[derive(Debug)]
pub(crate) struct Phases {
    process_started_at: Instant,
    reached: Mutex<Vec<StartPhase>>,
}

impl Phases {
    /// Counts from the start of the process: loading the program's libraries takes a part of what
    /// the user waits for.
    pub(crate) fn since_process_start() -> Self {
        let now = Instant::now();
        let age = process_age().unwrap_or_default();
        Self {
            process_started_at: now.checked_sub(age).unwrap_or(now),
            reached: Mutex::default(),
        }
    }

    /// Notes and logs that a phase is reached; only the first time counts.
    pub(crate) fn mark(&self, name: &str) {
        let elapsed_ms =
            u32::try_from(self.process_started_at.elapsed().as_millis()).unwrap_or(u32::MAX);
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if reached.iter().all(|phase| phase.name != name) {
            info!(elapsed_ms, "start phase: {name}");
            reached.push(StartPhase {
                name: name.to_owned(),
                elapsed_ms,
            });
        }
    }

    pub(crate) fn reached(&self) -> Vec<StartPhase> {
        self.reached
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// How long this process has existed, to 10 ms (proc(5): `starttime`, in ticks since boot).
#[cfg(target_os = "linux")]
fn process_age() -> Option<Duration> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the program's name, may hold spaces; it ends at the last parenthesis.
    let start_ticks: f64 = stat
        .rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(19)?
        .parse()
        .ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime_s: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(uptime_s - start_ticks / TICKS_PER_SECOND).ok()
}

#[cfg(not(target_os = "linux"))]
fn process_age() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_noted_once_in_order() {
        let phases = Phases::since_process_start();
        for name in ["window created", "table shown", "window created"] {
            phases.mark(name);
        }
        let names: Vec<_> = phases
            .reached()
            .into_iter()
            .map(|phase| phase.name)
            .collect();
        assert_eq!(names, ["window created", "table shown"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_age_of_the_process_is_known_and_small() {
        let age = process_age().unwrap();
        assert!(age < Duration::from_hours(1), "{age:?}");
    }
}
