//! How long lookups take, and the application of one change: `cargo bench -p registry --bench lookup`.
//!
//! The ids that are asked for lie one after the other in memory in a random order, so that what is
//! measured is the way from an id to its extension and not to the id. Reading a field of what was found
//! touches it for the first time, which takes longer than finding it.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark has nothing better to do than to fail"
)]

use std::collections::HashMap;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use chrono::DateTime;
use criterion::{Criterion, criterion_group, criterion_main};
use registry::cache::{CachedExtension, Change, ExtensionParts, Head, RegistryCache, Snapshot};
use registry::extensions::ExtensionType;

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

/// `e000000000000007`
const ID_LENGTH: usize = 16;

const TYPES: [ExtensionType; 4] = [
    ExtensionType::Pre,
    ExtensionType::Validator,
    ExtensionType::Post,
    ExtensionType::Provider,
];

fn extension(number: usize, retry: i32) -> Arc<CachedExtension> {
    let id = format!("e{number:015}");
    let subject = format!("beamline.ext.{id}.v1");
    let parts = ExtensionParts {
        id: &id,
        extension_type: TYPES[number % TYPES.len()],
        subject: &subject,
        timeout_ms: 5_000,
        retry,
        enabled: true,
        config: Some(r#"{"model": "gpt-4", "max_tokens": 2048, "temperature": 0.70}"#),
        metadata: Some("{}"),
        revision: 1,
    };
    Arc::new(CachedExtension::new(&parts).expect("short texts"))
}

fn head(revision: i64) -> Head {
    Head {
        registry_id: "bench".into(),
        revision,
        hash: vec![0; 32],
    }
}

fn snapshot(count: usize) -> Snapshot {
    let extensions = (0..count).map(|number| extension(number, 1)).collect();
    Snapshot::new(head(1), DateTime::UNIX_EPOCH, extensions)
}

/// Each id of a registry of this size once, in random order.
fn ids_in_random_order(count: usize) -> String {
    let mut numbers: Vec<usize> = (0..count).collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for place in (1..count).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let other = usize::try_from(state % (place as u64 + 1)).expect("64 bits");
        numbers.swap(place, other);
    }
    let mut ids = String::with_capacity(count * ID_LENGTH);
    for number in numbers {
        write!(ids, "e{number:015}").expect("memory");
    }
    ids
}

fn nth_id(ids: &str, place: usize) -> &str {
    let start = place * ID_LENGTH % ids.len();
    &ids[start..start + ID_LENGTH]
}

/// The longest that one of the threads takes to do `count` lookups each.
fn on_threads<L: FnMut(usize)>(
    threads: usize,
    count: u64,
    lookup: impl Fn() -> L + Sync,
) -> Duration {
    let barrier = Barrier::new(threads);
    let (lookup, barrier) = (&lookup, &barrier);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut lookup = lookup();
                    barrier.wait();
                    let started_at = Instant::now();
                    // Threads begin at different places of the same order.
                    let first = thread * 4_999;
                    for place in first..first + usize::try_from(count).expect("64 bits") {
                        lookup(place);
                    }
                    started_at.elapsed()
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().expect("no lookup fails"))
            .max()
            .expect("a thread")
    })
}

fn lookups(criterion: &mut Criterion) {
    for size in SIZES {
        let before = resident_bytes();
        let snapshot = snapshot(size);
        println!(
            "memory at {size} rows: {} bytes a row",
            resident_bytes().saturating_sub(before) / size
        );
        let cache = RegistryCache::detached(snapshot);
        let ids = ids_in_random_order(size);
        for threads in [1, 2] {
            let name = format!("lookup by id, threads: {threads}, rows: {size}");
            criterion.bench_function(&name, |bencher| {
                bencher.iter_custom(|count| {
                    on_threads(threads, count, || {
                        |place| {
                            black_box(cache.lookup(nth_id(&ids, place)));
                        }
                    })
                });
            });
            let name = format!("lookup by id and its timeout, threads: {threads}, rows: {size}");
            criterion.bench_function(&name, |bencher| {
                bencher.iter_custom(|count| {
                    on_threads(threads, count, || {
                        |place| {
                            let found = cache.lookup(nth_id(&ids, place));
                            black_box(found.map(|found| found.timeout_ms()));
                        }
                    })
                });
            });
            let name = format!("reader's lookup by id, threads: {threads}, rows: {size}");
            criterion.bench_function(&name, |bencher| {
                bencher.iter_custom(|count| {
                    on_threads(threads, count, || {
                        let mut reader = cache.reader();
                        let ids = &ids;
                        move |place| {
                            black_box(reader.lookup(nth_id(ids, place)));
                        }
                    })
                });
            });
        }
        criterion.bench_function(&format!("lookup by type, rows: {size}"), |bencher| {
            bencher.iter(|| black_box(cache.lookup_by_type(ExtensionType::Pre)));
        });
    }
}

/// A flat map behind an atomic pointer: what the shards are to be compared with.
fn floor(criterion: &mut Criterion) {
    for size in SIZES {
        let ids = ids_in_random_order(size);
        let flat: HashMap<String, Arc<CachedExtension>, foldhash::fast::RandomState> = (0..size)
            .map(|number| extension(number, 1))
            .map(|extension| (extension.id().to_owned(), extension))
            .collect();
        let flat = arc_swap::ArcSwap::from_pointee(flat);
        criterion.bench_function(&format!("flat map, threads: 1, rows: {size}"), |bencher| {
            bencher.iter_custom(|count| {
                on_threads(1, count, || {
                    |place| {
                        black_box(flat.load().get(nth_id(&ids, place)).cloned());
                    }
                })
            });
        });
    }
}

fn changes(criterion: &mut Criterion) {
    for size in SIZES {
        let mut current = snapshot(size);
        let mut number = 0;
        criterion.bench_function(&format!("apply one change, rows: {size}"), |bencher| {
            bencher.iter(|| {
                number = (number + 7_919) % size;
                let change = Change::Put(extension(number, 2));
                current = current.with_changes(head(2), DateTime::UNIX_EPOCH, vec![change]);
            });
        });
    }
}

/// The memory that the process has.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4_096
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = lookups, changes, floor
}
criterion_main!(benches);
