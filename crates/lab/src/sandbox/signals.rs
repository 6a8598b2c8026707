//! Signals: caught into a pipe, held back around a fork, ignored in an `exec` client.
//!
//! Invariant: nothing here outlives an execve(2). A caught signal is reset to its default by the
//! kernel, and the mask is only changed for the few microseconds around a fork. (signalfd(2) would
//! need the signals blocked for good, and `std::process::Command` passes the mask on: a guest's
//! program would never see its Ctrl-C.)

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::pipe::{PipeFlags, pipe_with};

/// The signals that ask a lab to end.
pub(crate) const ENDING: [i32; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// Where the handler writes; -1 while nothing is caught.
static NOTE_TO: AtomicI32 = AtomicI32::new(-1);

/// The handler: writes the signal's number, which is all that is allowed here (signal-safety(7)).
extern "C" fn note(signal: libc::c_int) {
    let byte = u8::try_from(signal).unwrap_or(0);
    // SAFETY: errno is this thread's own; write(2) is async-signal-safe, and gets one byte that
    // lives on this stack. A closed or full pipe gives an error, which is dropped.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        libc::write(NOTE_TO.load(Ordering::Relaxed), (&raw const byte).cast(), 1);
        *errno = before;
    }
}

/// Sets what `signal` does and returns what it did.
fn act(signal: i32, action: &libc::sigaction) -> io::Result<libc::sigaction> {
    let mut before = MaybeUninit::uninit();
    // SAFETY: both pointers are to structures of the right type, alive during the call.
    let failed = unsafe { libc::sigaction(signal, action, before.as_mut_ptr()) } != 0;
    if failed {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a successful call has filled it.
    Ok(unsafe { before.assume_init() })
}

/// An action with an empty mask.
fn action(handler: libc::sighandler_t) -> libc::sigaction {
    // SAFETY: all zeroes is a valid `sigaction`: default action, empty mask, no flags.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    // Calls of other threads go on instead of failing with EINTR (poll(2) never does, signal(7)).
    action.sa_flags = libc::SA_RESTART;
    action
}

/// Signals that arrive in a pipe. Dropping it restores what they did before.
///
/// One process has at most one of these at a time.
pub(crate) struct Caught {
    read: OwnedFd,
    _write: OwnedFd,
    before: Vec<(i32, libc::sigaction)>,
}

impl Caught {
    /// Catches `signals` from now on.
    pub(crate) fn install(signals: &[i32]) -> io::Result<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        NOTE_TO.store(write.as_raw_fd(), Ordering::Relaxed);
        let mut caught = Self {
            read,
            _write: write,
            before: Vec::with_capacity(signals.len()),
        };
        let handler: extern "C" fn(libc::c_int) = note;
        for &signal in signals {
            let before = act(signal, &action(handler as *const () as libc::sighandler_t))?;
            caught.before.push((signal, before));
        }
        Ok(caught)
    }

    /// Readable while a signal is waiting.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }

    /// Takes the oldest signal that is waiting.
    pub(crate) fn take(&self) -> Option<i32> {
        let mut byte = [0; 1];
        match rustix::io::read(&self.read, &mut byte) {
            Ok(1) => Some(i32::from(byte[0])),
            _ => None,
        }
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        for (signal, before) in &self.before {
            let _ = act(*signal, before);
        }
        NOTE_TO.store(-1, Ordering::Relaxed);
    }
}

/// Signals held back in this thread: between a fork and the first line of the child none is lost,
/// which matters for a pid 1, to which the kernel does not deliver what it has no handler for
/// (pid_namespaces(7)).
pub(super) struct Held(libc::sigset_t);

impl Held {
    /// Holds the [`ENDING`] signals back until [`Held::release`].
    pub(super) fn hold() -> Self {
        let mut set = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        // SAFETY: sigemptyset fills `set` before it is used; pthread_sigmask with valid pointers
        // cannot fail, and fills `before`.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in ENDING {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr());
            Self(before.assume_init())
        }
    }

    /// Lets them through again. Each side of a fork does this for itself.
    pub(super) fn release(self) {
        // SAFETY: `self.0` is a mask that pthread_sigmask gave us.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
    }
}

/// Signals that do nothing in this process. Dropping it restores what they did before.
pub(super) struct Ignored(Vec<(i32, libc::sigaction)>);

impl Ignored {
    /// Ignores `signals` from now on.
    pub(super) fn these(signals: &[i32]) -> io::Result<Self> {
        let mut ignored = Self(Vec::with_capacity(signals.len()));
        for &signal in signals {
            ignored
                .0
                .push((signal, act(signal, &action(libc::SIG_IGN))?));
        }
        Ok(ignored)
    }
}

impl Drop for Ignored {
    fn drop(&mut self) {
        for (signal, before) in &self.0 {
            let _ = act(*signal, before);
        }
    }
}
