//! Forking, the one kind of call here that can break a whole program.
//!
//! Invariant: only a process that had one thread when it was asked forks. In a process with
//! threads the child would inherit locks that nobody ever releases (fork(2), NOTES), and the kernel
//! refuses `unshare(CLONE_NEWUSER)` to it anyway (unshare(2), EINVAL).

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::Pid;

use super::error::SandboxError;

/// Exit status of a child that panicked: "a bug in xenwire".
pub(super) const BUG: u8 = 70;

/// The promise that this process has exactly one thread.
///
/// It stays true as long as its holder starts none; it cannot be sent to another thread.
pub(super) struct Alone(std::marker::PhantomData<*const ()>);

/// Which side of a fork we are on.
pub(super) enum Forked {
    /// The new process.
    Child,
    /// The old process, and the child's number in its pid namespace.
    Parent(Pid),
}

impl Alone {
    /// Counts the threads of this process.
    pub(super) fn check() -> Result<Self, SandboxError> {
        let threads = std::fs::read_dir("/proc/self/task")
            .map(Iterator::count)
            .map_err(|source| SandboxError::at("reading /proc/self/task", source))?;
        match threads {
            1 => Ok(Self(std::marker::PhantomData)),
            found => Err(SandboxError::Threads { found }),
        }
    }

    /// Forks. Output still buffered is written first, so that it does not come out twice.
    pub(super) fn fork(&self) -> io::Result<Forked> {
        let _ = io::stdout().flush();
        // SAFETY: this process has one thread (`Alone`), so the child is a complete copy: no lock
        // is held by a thread that does not exist there.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => Ok(Forked::Child),
            pid => Ok(Forked::Parent(
                Pid::from_raw(pid).expect("fork returns a positive number to the parent"),
            )),
        }
    }
}

/// Runs the life of a forked child and ends the process with what it returns.
///
/// Nothing gets past this: a panic ends the child too, so that it never goes on as a second copy
/// of its parent.
pub(super) fn live(life: impl FnOnce() -> u8) -> ! {
    let code = catch_unwind(AssertUnwindSafe(life)).unwrap_or(BUG);
    leave(code)
}

/// Ends this process and all its threads now, without running what the parent registered with
/// atexit(3).
pub(super) fn leave(code: u8) -> ! {
    let _ = io::stdout().flush();
    // SAFETY: _exit has no precondition.
    unsafe { libc::_exit(i32::from(code)) }
}
