//! The server's process: started so that it dies with this program, watched and stopped.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;
use tracing::{info, warn};

/// How long each way of stopping may take before the next, harsher one. The harshest still loses
/// nothing that was committed: the next start replays the log.
const STOPS: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(10)), // fast: ends sessions, writes a checkpoint
    (Signal::SIGQUIT, Duration::from_secs(3)), // immediate: as after a crash
    (Signal::SIGKILL, Duration::from_secs(2)),
];

/// A running `postgres`.
#[derive(Debug)]
pub(super) struct ServerProcess {
    process_id: u32,
    ended: Arc<Ended>,
    ended_signal: watch::Receiver<bool>,
}

/// Whether the process has been reaped. The lock is held while signalling, so that a signal never
/// goes to another process that was given the same id.
#[derive(Debug, Default)]
struct Ended {
    status: Mutex<Option<String>>,
    changed: Condvar,
}

impl ServerProcess {
    /// Starts `command` from a thread that lives as long as the process.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        // A process group of its own: Ctrl+C in the terminal reaches this program alone, which
        // then takes the server down in order.
        command.process_group(0);
        end_with_this_program(&mut command);

        let ended = Arc::new(Ended::default());
        let (signal_end, ended_signal) = watch::channel(false);
        let (send_started, started) = mpsc::channel();
        let thread_ended = Arc::clone(&ended);
        // The parent-death signal fires when the *thread* that started the process ends, so it is
        // this one, which waits for the process, and no pooled one.
        thread::Builder::new()
            .name("postgresql".into())
            .spawn(move || match command.spawn() {
                Err(error) => drop(send_started.send(Err(error))),
                Ok(child) => {
                    drop(send_started.send(Ok(child.id())));
                    wait(child, &thread_ended);
                    signal_end.send_replace(true);
                }
            })?;
        let process_id = started
            .recv()
            .map_err(|_| io::Error::other("the thread that starts the server ended"))??;
        Ok(Self {
            process_id,
            ended,
            ended_signal,
        })
    }

    pub(super) fn process_id(&self) -> u32 {
        self.process_id
    }

    /// How the process ended, if it has.
    pub(super) fn ended(&self) -> Option<String> {
        self.ended
            .status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Turns true when the process ends.
    pub(super) fn ended_signal(&self) -> watch::Receiver<bool> {
        self.ended_signal.clone()
    }

    /// Stops the server and waits until it is gone, at most 15 s.
    pub(super) fn stop(&self) {
        let started_at = Instant::now();
        for (signal, patience) in STOPS {
            let status = self
                .ended
                .status
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if status.is_some() {
                return;
            }
            if let Err(error) = send(self.process_id, signal) {
                warn!(%error, %signal, "the server couldn't be signalled");
            }
            let (status, timeout) = self
                .ended
                .changed
                .wait_timeout_while(status, patience, |status| status.is_none())
                .unwrap_or_else(PoisonError::into_inner);
            if status.is_some() {
                info!(
                    duration_ms = started_at.elapsed().as_millis(),
                    "server stopped"
                );
                return;
            }
            if timeout.timed_out() {
                warn!(%signal, patience_s = patience.as_secs(), "the server didn't stop in time");
            }
        }
    }
}

/// Sends a signal to a process.
pub(super) fn send(process_id: u32, signal: Signal) -> io::Result<()> {
    let process_id = i32::try_from(process_id).map_err(io::Error::other)?;
    Ok(kill(Pid::from_raw(process_id), signal)?)
}

fn wait(mut child: Child, ended: &Ended) {
    wait_until_ended_without_reaping(&child);
    let mut status = ended.status.lock().unwrap_or_else(PoisonError::into_inner);
    *status = Some(match child.wait() {
        Ok(exit) => exit.to_string(),
        Err(error) => error.to_string(),
    });
    ended.changed.notify_all();
}

#[cfg(target_os = "linux")]
fn wait_until_ended_without_reaping(child: &Child) {
    use nix::errno::Errno;
    use nix::sys::wait::{Id, WaitPidFlag, waitid};

    let Ok(process_id) = i32::try_from(child.id()) else {
        return;
    };
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(Pid::from_raw(process_id)), flags) == Err(Errno::EINTR) {}
}

/// Elsewhere there is no call for that: the id may be reused in the instant after it is reaped.
#[cfg(not(target_os = "linux"))]
fn wait_until_ended_without_reaping(_child: &Child) {}

/// Makes the kernel end the command when the thread that starts it ends, and so at the latest when this program ends, in whatever way, `kill -9` included.
#[cfg(target_os = "linux")]
pub(super) fn end_with_this_program(command: &mut Command) {
    let parent = Pid::this();
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl and getppid
    // are plain system calls, and neither they nor the error values allocate.
    #[allow(
        unsafe_code,
        reason = "pre_exec is the only way to set the parent-death signal"
    )]
    unsafe {
        command.pre_exec(move || {
            // SIGINT is the server's fast shutdown, which needs no recovery; initdb cleans up on it.
            nix::sys::prctl::set_pdeathsig(Signal::SIGINT)?;
            // The parent may have died before the line above; then no signal comes.
            if nix::unistd::getppid() == parent {
                Ok(())
            } else {
                Err(io::Error::from(nix::errno::Errno::ESRCH))
            }
        });
    }
}

/// Elsewhere a server whose program was killed is found and stopped at the next start.
#[cfg(not(target_os = "linux"))]
pub(super) fn end_with_this_program(_command: &mut Command) {}
