//! Programs that end with this one, however it ends: a test that is killed leaves no server behind.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{OnceLock, mpsc};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// A program to start, and where the answer goes.
type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts a program that gets `signal` when this one ends, `kill -9` included.
pub(crate) fn spawn(mut command: Command, signal: Signal) -> io::Result<Child> {
    static STARTER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();

    end_with_this_program(&mut command, signal);
    // The signal comes when the *thread* ends that started the program. That of a test ends with the test, and what
    // several tests share is started by the first of them: so it is a thread that lives on.
    let starter = STARTER.get_or_init(|| {
        let (starter, orders) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                // Who asked waits for it.
                let _ = answer.send(command.spawn());
            }
        });
        starter
    });
    let (answer, child) = mpsc::channel();
    starter
        .send((command, answer))
        .expect("the thread lives on");
    child.recv().expect("the thread answers")
}

fn end_with_this_program(command: &mut Command, signal: Signal) {
    let parent = Pid::this();
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl and getppid are plain system calls,
    // and neither they nor the error values allocate.
    #[allow(
        unsafe_code,
        reason = "pre_exec is the only way to set the parent-death signal"
    )]
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(signal)?;
            // The parent may have died before the line above; then no signal comes.
            if nix::unistd::getppid() == parent {
                Ok(())
            } else {
                Err(io::Error::from(nix::errno::Errno::ESRCH))
            }
        });
    }
}

/// The processes that a process started, and those that these started, and so on.
pub(crate) fn descendants(process_id: Pid) -> Vec<Pid> {
    let mut found = vec![process_id];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        // Each thread has its own.
        let threads = std::fs::read_dir(format!("/proc/{parent}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            found.extend(children_of_thread(&thread.path()));
        }
    }
    found.split_off(1)
}

fn children_of_thread(thread: &Path) -> Vec<Pid> {
    // It may have ended meanwhile.
    let children = std::fs::read_to_string(thread.join("children")).unwrap_or_default();
    children
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .map(Pid::from_raw)
        .collect()
}
