//! One target under libFuzzer; `FUZZ_TARGET` names it. `scripts/fuzz.sh` builds and runs it.
#![no_main]

use std::sync::LazyLock;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static TARGET: LazyLock<fn(&[u8])> =
        LazyLock::new(|| fuzz_targets::target(&std::env::var("FUZZ_TARGET").unwrap_or_default()));
    TARGET(input);
});
