//! `postmaster.pid`, the file that a running server keeps in its data directory, and what may be
//! wrong with it: left behind by a crash, or naming a process id that something else has by now.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
use tracing::{info, warn};

use super::process::send;

/// How long a server that is shutting down may take: it writes a checkpoint first.
const SHUTDOWN_PATIENCE: Duration = Duration::from_mins(1);

/// What the file says (PostgreSQL's source, `src/include/utils/pidfile.h`).
#[derive(Debug, Eq, PartialEq)]
pub(super) struct PidFile {
    pub(super) process_id: u32,
    /// Whether the server accepts connections.
    pub(super) is_ready: bool,
}

impl PidFile {
    /// Reads the file; none if there is none or it is being written.
    pub(super) fn read(data: &Path) -> Option<Self> {
        parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }
}

fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    let process_id = lines.next()?.trim().parse().ok()?;
    // The eighth line, the status, comes last and only when the server has something to say.
    let is_ready = lines.nth(6).is_some_and(|status| status.trim() == "ready");
    Some(PidFile {
        process_id,
        is_ready,
    })
}

/// What is left of a server that ran on `data` before.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Leftover {
    /// Nothing that is in the way.
    Nothing,
    /// The server itself is still alive.
    Running(u32),
    /// Only the file: its process id belongs to another program now.
    RecycledPid(u32),
}

/// Looks for a server that an earlier program left. Call with the data directory's lock held.
pub(super) fn leftover(data: &Path) -> Leftover {
    let Some(PidFile { process_id, .. }) = PidFile::read(data) else {
        return Leftover::Nothing;
    };
    match process(process_id) {
        // PostgreSQL itself removes a file whose process is gone.
        None => Leftover::Nothing,
        Some(found) if found.is_server_of(data) => Leftover::Running(process_id),
        Some(_) => Leftover::RecycledPid(process_id),
    }
}

/// Takes what is left out of the way: waits for a server that is shutting down, tells one that is
/// not to do so, and removes a file that names a stranger.
///
/// # Errors
/// Times out after 60 s.
pub(super) fn clear(leftover: &Leftover, data: &Path) -> io::Result<()> {
    match *leftover {
        Leftover::Nothing => Ok(()),
        Leftover::RecycledPid(process_id) => {
            // PostgreSQL would refuse to start: it only checks that some process has this id.
            warn!(
                process_id,
                "removing postmaster.pid: its process id belongs to another program"
            );
            fs::remove_file(data.join("postmaster.pid"))
        }
        Leftover::Running(process_id) => {
            info!(
                process_id,
                "an earlier program's server still runs: stopping it"
            );
            // A second SIGINT while it shuts down does no harm.
            send(process_id, Signal::SIGINT)?;
            let deadline = Instant::now() + SHUTDOWN_PATIENCE;
            while process(process_id).is_some_and(|found| found.is_server_of(data)) {
                if Instant::now() > deadline {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!(
                            "the server of an earlier program (process {process_id}) doesn't stop"
                        ),
                    ));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
    }
}

struct FoundProcess {
    program: Option<String>,
    working_directory: Option<std::path::PathBuf>,
}

impl FoundProcess {
    /// A server's program is `postgres`, and its first act is to change into its data directory.
    fn is_server_of(&self, data: &Path) -> bool {
        let same_directory = match (&self.working_directory, data.canonicalize()) {
            (Some(directory), Ok(data)) => *directory == data,
            _ => false,
        };
        same_directory && self.program.as_deref() == Some("postgres")
    }
}

fn process(process_id: u32) -> Option<FoundProcess> {
    let process_id = Pid::from_u32(process_id);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[process_id]),
        true,
        ProcessRefreshKind::nothing()
            .with_exe(UpdateKind::Always)
            .with_cwd(UpdateKind::Always)
            .without_tasks(),
    );
    let process = system.process(process_id)?;
    // A zombie is gone but for its parent's notice.
    if matches!(
        process.status(),
        sysinfo::ProcessStatus::Zombie | sysinfo::ProcessStatus::Dead
    ) {
        return None;
    }
    Some(FoundProcess {
        program: process.exe().and_then(Path::file_name).map(|name| {
            name.to_string_lossy()
                .trim_end_matches(" (deleted)")
                .to_owned()
        }),
        working_directory: process.cwd().map(Path::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_only_when_its_file_says_so() {
        let starting = "42\n/data\n1700000000\n5432\n/socket\n\n  1234 5\nstarting\n";
        let ready = starting.replace("starting", "ready   ");
        assert_eq!(
            parse(starting),
            Some(PidFile {
                process_id: 42,
                is_ready: false
            })
        );
        assert_eq!(
            parse(&ready),
            Some(PidFile {
                process_id: 42,
                is_ready: true
            })
        );
        assert_eq!(
            parse("42\n/data\n"),
            Some(PidFile {
                process_id: 42,
                is_ready: false
            })
        );
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_recycled_process_id_is_told_from_a_server_and_its_file_removed() {
        let data = tempfile::tempdir().unwrap();
        // This test is a living process that is no server.
        let own_id = std::process::id();
        fs::write(
            data.path().join("postmaster.pid"),
            format!("{own_id}\n{}\n", data.path().display()),
        )
        .unwrap();
        let found = leftover(data.path());
        assert_eq!(found, Leftover::RecycledPid(own_id));
        clear(&found, data.path()).unwrap();
        assert_eq!(leftover(data.path()), Leftover::Nothing);
        assert!(!data.path().join("postmaster.pid").exists());
    }

    #[test]
    fn a_dead_process_id_is_left_to_postgresql() {
        let data = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead_id = child.id();
        child.wait().unwrap();
        fs::write(data.path().join("postmaster.pid"), format!("{dead_id}\n")).unwrap();
        assert_eq!(leftover(data.path()), Leftover::Nothing);
    }
}
