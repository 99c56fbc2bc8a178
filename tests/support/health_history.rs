//! A long history of health for benchmarks.

/// SQL that puts so many extensions in place of all that are there, `extension_1` and so on, and days of history of
/// each of them: one bucket of each step, past the functions, because how they are made is not what is measured.
pub fn long_history(extensions: usize, days: u64) -> String {
    let buckets = [1, 5, 15, 60, 360, 1440].map(|step| {
        format!(
            "INSERT INTO extension_health_history
             SELECT 'extension_' || n, {step}, at, 'traffic', 60 * {step}, {step}, at, 61 * {step}, 61 * 20.0 * {step}, 4, 90,
                    ARRAY[85, 92, 96, 99, 104, 117], ARRAY[10, 20, 16, 9, 5, 1]
             FROM generate_series(date_bin('1 day', now() - interval '{days} days', 'epoch'), now(), interval '{step} minutes') AS at,
                  generate_series(1, {extensions}) AS n;"
        )
    });
    format!(
        "SET synchronous_commit = off;
         DELETE FROM extensions;
         INSERT INTO extensions (id, type, subject) SELECT 'extension_' || n, 'provider', 'e.' || n FROM generate_series(1, {extensions}) AS n;
         {}",
        buckets.concat()
    )
}
