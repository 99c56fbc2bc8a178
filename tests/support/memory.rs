//! How much memory and processor time processes take.

use std::fs;
use std::time::Duration;

use nix::unistd::{Pid, SysconfVar, sysconf};

use crate::process::descendants;

/// The memory of a process and of all that it started but PostgreSQL, in KiB: the proportional set size, in which what
/// several share is counted once in all. What has ended takes none.
pub fn pss_kib(process_id: Pid) -> u64 {
    pss_of(process_id, |name| name != "postgres")
}

/// The same of the PostgreSQL among them alone.
pub fn pss_kib_of_postgresql(process_id: Pid) -> u64 {
    pss_of(process_id, |name| name == "postgres")
}

fn pss_of(process_id: Pid, is_counted: impl Fn(&str) -> bool) -> u64 {
    family(process_id)
        .filter_map(|process| {
            let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
            if !is_counted(name.trim()) {
                return None;
            }
            let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
            let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            pss.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        })
        .sum()
}

/// The processor time that a process and all that it started have taken, with that of those who ended and whose end
/// was noticed.
pub fn processor_time(process_id: Pid) -> Duration {
    let ticks: i64 = family(process_id)
        .filter_map(|process| {
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            // The second field, the program's name, may hold spaces; it ends at the last parenthesis.
            let fields = stat.rsplit_once(')')?.1.split_whitespace();
            // utime, stime, cutime, cstime (proc(5)).
            Some(
                fields
                    .skip(11)
                    .take(4)
                    .filter_map(|field| field.parse::<i64>().ok())
                    .sum::<i64>(),
            )
        })
        .sum();
    let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    Duration::from_secs_f64(ticks as f64 / per_second as f64)
}

fn family(process_id: Pid) -> impl Iterator<Item = Pid> {
    std::iter::once(process_id).chain(descendants(process_id))
}
