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
    count: u64,
    sum_ms: f64,
    min_ms: f64,
    max_ms: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            count: 0,
            sum_ms: 0.0,
            min_ms: f64::INFINITY,
            max_ms: 0.0,
        }
    }
}

/// What a row of the history says of latencies.
#[derive(Debug, sqlx::FromRow)]
#[expect(clippy::struct_field_names, reason = "as the columns are called")]
pub(super) struct LatencyColumns {
    latency_count: i64,
    latency_sum_ms: f64,
    latency_min_ms: Option<f64>,
    latency_max_ms: Option<f64>,
    latency_buckets: Vec<i16>,
    latency_bucket_counts: Vec<i32>,
}

impl Latencies {
    /// Adds what a row says.
    pub(super) fn add(&mut self, row: &LatencyColumns) {
        for (bucket, count) in row.latency_buckets.iter().zip(&row.latency_bucket_counts) {
            let held = usize::try_from(*bucket)
                .ok()
                .and_then(|bucket| self.counts.get_mut(bucket));
            if let Some(held) = held {
                *held += u64::try_from(*count).unwrap_or(0);
            }
        }
        self.count += u64::try_from(row.latency_count).unwrap_or(0);
        self.sum_ms += row.latency_sum_ms;
        self.min_ms = self.min_ms.min(row.latency_min_ms.unwrap_or(f64::INFINITY));
        self.max_ms = self.max_ms.max(row.latency_max_ms.unwrap_or(0.0));
    }

    /// Adds all that another holds.
    pub(super) fn merge(&mut self, other: &Self) {
        for (held, count) in self.counts.iter_mut().zip(other.counts.iter()) {
            *held += count;
        }
        self.count += other.count;
        self.sum_ms += other.sum_ms;
        self.min_ms = self.min_ms.min(other.min_ms);
        self.max_ms = self.max_ms.max(other.max_ms);
    }

    /// Their mean in milliseconds; none without one.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ms / self.count as f64)
    }

    /// The longest in milliseconds; none without one.
    pub(super) fn max_ms(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max_ms)
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
