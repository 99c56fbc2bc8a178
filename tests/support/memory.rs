//! How much memory processes take.

use std::fs;

use nix::unistd::Pid;

use crate::process::descendants;

/// The memory of a process and of all that it started but PostgreSQL, in KiB: the proportional set size, in which what
/// several share is counted once in all. What has ended takes none.
pub fn pss_kib(process_id: Pid) -> u64 {
    std::iter::once(process_id)
        .chain(descendants(process_id))
        .filter_map(|process| {
            let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
            if name.trim() == "postgres" {
                return None;
            }
            let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
            let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            pss.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        })
        .sum()
}
