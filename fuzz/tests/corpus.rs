//! Each target on each file of its corpus, where every crash that was ever found lies too, and on changes of them: the
//! same ones each time. `FUZZ_SEED` makes others, `FUZZ_INPUTS` more of them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;
use fuzz_targets::target;

/// How many changed inputs each target gets: some seconds in all.
const INPUTS: usize = 4_000;
/// Longer than any input of a few KiB may take, on a machine that is busy with other tests.
const INPUT_MAX: Duration = Duration::from_secs(5);
/// Of the longest changed input, in bytes.
const LENGTH_MAX: usize = 64 << 10;

/// Bytes that mean something somewhere.
const MEANT: &[u8] = b"\n\t \"'{}[]:,&*!|>%@#-?\\./\0\xff\x1e09~";

fn variable(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |value| value.parse().expect("a number"))
}

/// Runs a target on one input; what breaks it is kept, for the corpus.
fn run(name: &str, input: &[u8], what: &str) {
    let begun_at = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| target(name)(input)));
    let is_slow = begun_at.elapsed() > INPUT_MAX;
    if outcome.is_err() || is_slow {
        let kept = std::env::temp_dir().join(format!("fuzz-{name}-{}", fastrand::u32(..)));
        std::fs::write(&kept, input).unwrap();
        let how = if is_slow { "took too long" } else { "failed" };
        panic!(
            "{name} {how} with {what}, which is kept as {}",
            kept.display()
        );
    }
}

/// A file of the corpus, changed: bytes, pieces of it and of the others removed, repeated, put elsewhere.
fn changed(corpus: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut input = corpus[random.usize(..corpus.len())].clone();
    for _ in 0..random.usize(1..6) {
        let from = random.usize(..=input.len());
        let to = random.usize(from..=input.len().min(from + 64));
        match random.u8(..6) {
            0 => drop(input.drain(from..to)),
            1 => {
                let piece = input[from..to].repeat(random.usize(1..9));
                input.splice(from..from, piece);
            }
            2 => {
                let other = &corpus[random.usize(..corpus.len())];
                let start = random.usize(..=other.len());
                let end = random.usize(start..=other.len().min(start + 256));
                input.splice(from..to, other[start..end].iter().copied());
            }
            3 => input.insert(from, MEANT[random.usize(..MEANT.len())]),
            4 => input.insert(from, random.u8(..)),
            _ => {
                if let Some(byte) = input.get_mut(from) {
                    *byte ^= 1 << random.u8(..8);
                }
            }
        }
    }
    input.truncate(LENGTH_MAX);
    input
}

fn try_target(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there is something to begin with");
    let corpus: Vec<_> = files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect();
    for (file, input) in files.iter().zip(&corpus) {
        run(name, input, &file.display().to_string());
    }
    let mut random = Rng::with_seed(variable("FUZZ_SEED", 1) as u64);
    for number in 0..variable("FUZZ_INPUTS", INPUTS) {
        run(
            name,
            &changed(&corpus, &mut random),
            &format!("changed input {number}"),
        );
    }
}

macro_rules! targets {
    ($($name:ident),*) => {
        $(
            #[test]
            fn $name() {
                try_target(stringify!($name));
            }
        )*

        #[test]
        fn each_target_is_tried() {
            let names: Vec<_> = fuzz_targets::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

targets!(document, subject, reply, backup, backup_parts, profile);
