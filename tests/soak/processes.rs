//! How the memory of processes grew, from when they were warm to the end.

use std::collections::BTreeMap;

use nix::unistd::Pid;
use serde_json::{Value, json};
use system_tests::memory::pss_kib;

/// What each process took, over time.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<&'static str, Vec<u64>>);

/// How much more one took in the end.
#[derive(Debug)]
pub(crate) struct Growth {
    name: &'static str,
    warm_kib: u64,
    end_kib: u64,
    pub(crate) percent: f64,
}

impl Memory {
    pub(crate) fn sample(&mut self, name: &'static str, process_id: Pid) {
        self.0.entry(name).or_default().push(pss_kib(process_id));
    }

    /// From the median of the fifth of the time that follows the first fifth, to the median of the last fifth.
    pub(crate) fn growths(&self) -> Vec<Growth> {
        let grown = |(name, samples): (&&'static str, &Vec<u64>)| {
            let fifth = samples.len() / 5;
            let (warm_kib, end_kib) = (
                median(&samples[fifth..2 * fifth]),
                median(&samples[samples.len() - fifth..]),
            );
            let percent = (end_kib as f64 / warm_kib as f64 - 1.0) * 100.0;
            Growth {
                name,
                warm_kib,
                end_kib,
                percent,
            }
        };
        self.0
            .iter()
            .filter(|(_, samples)| samples.len() >= 10)
            .map(grown)
            .collect()
    }
}

impl Growth {
    pub(crate) fn told(&self) -> Value {
        json!({
            "process": self.name,
            "warm_kib": self.warm_kib,
            "end_kib": self.end_kib,
            "growth_percent": (self.percent * 10.0).round() / 10.0,
        })
    }
}

fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}
