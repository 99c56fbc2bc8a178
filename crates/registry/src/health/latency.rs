//! Latencies as a histogram: small, added up without loss, and good for percentiles.

/// The buckets of `registry_latency_bucket` in `migrations/0040_history_of_health.sql`: each is 8 % longer than the
/// one before, so that a percentile is within 4 % of the truth (Masson, Rim, Lee: `DDSketch`, VLDB 2019).
const GROWTH: f64 = 1.08;
/// What the shortest bucket holds, in milliseconds: this and less.
const SHORTEST_MS: f64 = 0.01;
/// One more than the bucket of the longest latency, 86,400,000 ms.
const BUCKETS: usize = 299;

/// How many latencies are in each bucket.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    counts: Box<[u64; BUCKETS]>,
    min_ms: f64,
    max_ms: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            min_ms: f64::INFINITY,
            max_ms: 0.0,
        }
    }
}

impl Latencies {
    /// Adds a histogram as `extension_health_history.latency_histogram` has it: buckets and how many are in each, as
    /// `85,92 10,3`.
    pub(super) fn add_histogram(&mut self, histogram: &str) {
        let (buckets, counts) = histogram.split_once(' ').unwrap_or_default();
        for (bucket, count) in numbers(buckets).zip(numbers(counts)) {
            let held = usize::try_from(bucket)
                .ok()
                .and_then(|bucket| self.counts.get_mut(bucket));
            if let Some(held) = held {
                *held += count;
            }
        }
    }

    /// Adds the shortest and the longest, in milliseconds, of what is in histograms; none where nothing is.
    pub(super) fn add_bounds(&mut self, min_ms: Option<f64>, max_ms: Option<f64>) {
        self.min_ms = self.min_ms.min(min_ms.unwrap_or(f64::INFINITY));
        self.max_ms = self.max_ms.max(max_ms.unwrap_or(0.0));
    }

    /// Adds all that another holds.
    pub(super) fn merge(&mut self, other: &Self) {
        for (held, count) in self.counts.iter_mut().zip(other.counts.iter()) {
            *held += count;
        }
        self.min_ms = self.min_ms.min(other.min_ms);
        self.max_ms = self.max_ms.max(other.max_ms);
    }

    /// The longest in milliseconds; none without one.
    pub(super) fn max_ms(&self) -> Option<f64> {
        self.min_ms.is_finite().then_some(self.max_ms)
    }

    /// The latency in milliseconds that `share` of them (0 to 1) don't exceed; none without one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "counts are far below 2^53"
    )]
    pub(super) fn percentile_ms(&self, share: f64) -> Option<f64> {
        let total: u64 = self.counts.iter().sum();
        let rank = (share * total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        let upper_ms = SHORTEST_MS * GROWTH.powi(i32::try_from(bucket).unwrap_or(i32::MAX));
        // The value that is equally wrong, in proportion, at both ends of the bucket.
        let middle_ms = upper_ms * 2.0 / (1.0 + GROWTH);
        Some(middle_ms.clamp(self.min_ms, self.max_ms))
    }
}

/// The numbers of a list as `85,92`; of nothing a zero, for which the other list has no count either. By bytes, because
/// there are hundreds of thousands in an overview.
fn numbers(list: &str) -> impl Iterator<Item = u64> {
    list.as_bytes().split(|byte| *byte == b',').map(|digits| {
        digits.iter().fold(0, |number, digit| {
            number * 10 + u64::from(digit.wrapping_sub(b'0'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_add_up_and_an_empty_one_is_nothing() {
        let mut latencies = Latencies::default();
        latencies.add_histogram(" ");
        latencies.add_histogram("");
        assert_eq!(latencies.percentile_ms(0.5), None);
        latencies.add_histogram("85,92 10,3");
        latencies.add_histogram("0,92,298 1,2,2147483647");
        let counted: Vec<(usize, u64)> = latencies
            .counts
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(counted, [(0, 1), (85, 10), (92, 5), (298, 2_147_483_647)]);
    }
}
