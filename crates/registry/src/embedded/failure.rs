//! What went wrong with the disk or with a program of the server's: a full disk is told from everything else.

use std::io;
use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::{Error, Result};

/// How many lines of what a failed program wrote are shown.
const LINES_SHOWN: usize = 20;

pub(super) fn check_free_space(folder: &Path, needed_mib: u64) -> Result<()> {
    let Some(available_mib) = available_mib(folder) else {
        return Ok(());
    };
    if available_mib < needed_mib {
        return Err(Error::DiskFull {
            path: folder.to_owned(),
            available_mib,
            detail: Some(format!("A new database needs {needed_mib} MiB.")),
        });
    }
    Ok(())
}

/// What is left on the disk of `folder`, in MiB.
pub(super) fn available_mib(folder: &Path) -> Option<u64> {
    let disk = statvfs(folder).ok()?;
    Some((disk.blocks_available() * disk.fragment_size()) >> 20)
}

/// Full and forbidden are different things to do something about.
pub(super) fn classify(source: io::Error, data_directory: &Path) -> Error {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull {
            path: data_directory.to_owned(),
            available_mib: available_mib(data_directory).unwrap_or_default(),
            detail: Some(source.to_string()),
        },
        _ => Error::DataDirectoryUnwritable {
            path: data_directory.to_owned(),
            source,
        },
    }
}

/// The error for a server program that failed, from what it wrote. Before it accepts connections
/// there are no SQLSTATEs: the operating system's own words for a full disk are all there is, and
/// they are the same in every release because the program runs with `LC_ALL=C`.
pub(super) fn describe_failure(attempted: &'static str, detail: String, path: &Path) -> Error {
    if detail.contains("No space left on device") {
        return Error::DiskFull {
            path: path.to_owned(),
            available_mib: path.ancestors().find_map(available_mib).unwrap_or_default(),
            detail: Some(detail),
        };
    }
    Error::ServerStartFailed { attempted, detail }
}

/// The end of what a program wrote.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_failures_of_the_server() {
        let detail = "FATAL:  could not write lock file: No space left on device".to_owned();
        let full = describe_failure("Starting PostgreSQL", detail, Path::new("/tmp"));
        assert!(matches!(full, Error::DiskFull { .. }));
        let other = describe_failure("Starting PostgreSQL", "FATAL: x".into(), Path::new("/tmp"));
        assert!(matches!(other, Error::ServerStartFailed { .. }));
    }

    #[test]
    fn only_the_last_lines_are_shown() {
        let text: String = (0..100).fold(String::new(), |text, line| {
            text + &format!("line {line}\n\n")
        });
        let shown = last_lines(&text);
        assert_eq!(shown.lines().count(), LINES_SHOWN);
        assert!(shown.ends_with("line 99"));
    }
}
