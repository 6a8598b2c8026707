//! The life of a lab's init, pid 1 of everything in the lab.
//!
//! The first thread sets the world up, starts the body on a second one and from then on watches:
//! for signals, for the death of whoever must not outlive us or be outlived, and for orphans.
//!
//! # Orphans
//!
//! A process whose parent dies becomes a child of pid 1, which must wait for it, but must not wait
//! for the children that `std::process::Command` started: their exit status belongs to who started
//! them. The kernel keeps the two apart, because every child belongs to one *thread* of its
//! parent: an orphan is given to the first thread of pid 1 (kernel/exit.c, find_new_reaper), and a
//! thread that waits with `__WNOTHREAD` (waitpid(2)) sees its own only. So the first thread starts
//! nothing and reaps what is its own. **The rule that follows for the body**: a thread that starts a
//! child waits for it, or lives until it was waited for (so start programs of a guest with
//! [`super::Netns::spawn`], and not inside of `run_in`). The children of a thread that ends become
//! the first thread's, as if they were orphans.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::Mode;
use rustix::process::{Signal, WaitOptions, set_parent_process_death_signal, umask, wait};

use super::error::Failure;
use super::fork::{BUG, leave};
use super::report::{Came, Reporter, Word, cut};
use super::signals::{Caught, ENDING, Held};
use super::state::StateDir;
use super::{Spec, mounts, namespaces};

/// How long an orphan's entry may wait to be reaped: it holds a pid and nothing else. A SIGCHLD
/// handler would be quicker, and would interrupt poll(2) in every thread that started a child.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// The world as its body finds it.
#[derive(Clone)]
pub struct Inside {
    told: Vec<String>,
    link: Arc<Link>,
}

/// What the body and the watching thread share.
struct Link {
    state: StateDir,
    reporter: Reporter,
    /// Progress is for the caller's terminal, which is ours, and not for the pipe.
    foreground: bool,
    /// Readable once the lab is asked to end.
    stop: OwnedFd,
    /// The signal that asked first, or 0.
    signal: AtomicI32,
}

/// Everything the init is born with.
pub(super) struct Birth {
    pub spec: Spec,
    pub state: StateDir,
    pub reporter: Reporter,
    /// In the foreground: the pipe that ends with the caller.
    pub lifeline: Option<OwnedFd>,
    pub held: Held,
}

impl Inside {
    /// What a user should be told about this world: what the machine did not allow.
    #[must_use]
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// The lab's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.link.state.name()
    }

    /// Shows a line to whoever waits for the lab to be ready; afterwards to the log.
    pub fn progress(&self, line: &str) {
        let word = Word::Progress(line.to_owned());
        if self.link.foreground || self.link.reporter.silent() {
            let _ = writeln!(io::stderr(), "{line}");
        } else {
            let _ = self.link.reporter.say(&word);
        }
    }

    /// Says that the lab is up, or as much of it as came. `exec` works from here on, and `lab up` returns.
    ///
    /// # Errors
    /// When the state folder cannot be written, or `lab up` did not wait. The body should end.
    pub fn ready(&self, came: Came) -> io::Result<()> {
        let mark = || self.link.state.mark_ready();
        self.link.reporter.conclude(came, mark)
    }

    /// Says why the lab cannot start; the caller gets it as an error. The body should end.
    pub fn failed(&self, why: &str) {
        let _ = self.link.reporter.say(&Word::Said(why.to_owned()));
    }

    /// Readable from the moment on when the lab is asked to end: by SIGINT, SIGTERM, SIGHUP or
    /// [`Inside::stop`]. It is never read from, and so any number of threads may wait for it.
    #[must_use]
    pub fn stop_fd(&self) -> BorrowedFd<'_> {
        self.link.stop.as_fd()
    }

    /// Whether the lab is asked to end.
    #[must_use]
    pub fn stopping(&self) -> bool {
        cut(&self.link.stop)
    }

    /// The signal that asked the lab to end.
    #[must_use]
    pub fn stop_signal(&self) -> Option<i32> {
        Some(self.link.signal.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }

    /// Asks the lab to end, as a signal would.
    pub fn stop(&self) {
        self.link.stop();
    }
}

impl Link {
    fn stop(&self) {
        let _ = rustix::io::write(&self.stop, &1u64.to_ne_bytes());
    }
}

/// Lives the life of an init; the result is its exit status. Called in the child of a fork, whose
/// next fork or exec is nobody's concern but ours.
pub(super) fn life<T: Send>(
    birth: Birth,
    before_mounts: impl FnOnce() -> io::Result<T>,
    body: impl FnOnce(Inside, T) -> u8 + Send,
) -> u8 {
    let Birth {
        spec,
        state,
        reporter,
        lifeline,
        held,
    } = birth;
    let set_up = || {
        if let Some(lifeline) = &lifeline {
            // The signal comes when the caller dies from now on; had it died before, its pipe has
            // ended (prctl(2), PR_SET_PDEATHSIG).
            set_parent_process_death_signal(Some(Signal::KILL))
                .map_err(|e| Failure::inside("asking to die with the caller", e))?;
            if cut(lifeline) {
                return Err(Failure::inside(
                    "waiting for the caller",
                    io::ErrorKind::BrokenPipe,
                ));
            }
        }
        let caught =
            Caught::install(&ENDING).map_err(|e| Failure::inside("catching signals", e))?;
        held.release();
        umask(Mode::WGRP | Mode::WOTH);
        namespaces::own_world()
            .map_err(|e| Failure::inside("unshare(mount, network, ipc, uts)", e))?;
        let kept =
            before_mounts().map_err(|e| Failure::inside("preparing the lab's sockets", e))?;
        let told = mounts::arrange(&spec.files)?;
        rustix::system::sethostname(super::DOM0.as_bytes())
            .map_err(|e| Failure::inside("setting the host name", e))?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|e| Failure::inside("making an eventfd", e))?;
        Ok((caught, kept, told, stop))
    };
    let (caught, kept, told, stop) = match set_up() {
        Ok(done) => done,
        Err(failure) => {
            let _ = state.remove();
            let _ = reporter.say(&Word::Failed(failure));
            return 1;
        }
    };
    let link = Arc::new(Link {
        state,
        reporter,
        foreground: lifeline.is_some(),
        stop,
        signal: AtomicI32::new(0),
    });
    let inside = Inside {
        told,
        link: Arc::clone(&link),
    };
    let code = with_body(&link, &caught, lifeline.as_ref(), || body(inside, kept));
    let _ = link.state.remove();
    code
}

/// Runs the body on a second thread while this one watches; returns the body's exit status.
fn with_body(
    link: &Link,
    caught: &Caught,
    lifeline: Option<&OwnedFd>,
    body: impl FnOnce() -> u8 + Send,
) -> u8 {
    let Ok((running, run)) = super::report::lifeline() else {
        return BUG;
    };
    thread::scope(|scope| {
        let body = thread::Builder::new()
            .name("lab".to_owned())
            .spawn_scoped(scope, || {
                let _ends_with_the_body = run;
                body()
            });
        let Ok(body) = body else {
            return BUG;
        };
        watch(link, caught, lifeline, &running);
        body.join().unwrap_or(BUG)
    })
}

/// Watches until the body has ended.
fn watch(link: &Link, caught: &Caught, lifeline: Option<&OwnedFd>, running: &OwnedFd) {
    while !cut(running) {
        while let Some(signal) = caught.take() {
            let _ = link
                .signal
                .compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed);
            link.stop();
        }
        if lifeline.is_some_and(cut) || link.reporter.unheard() {
            // Nobody is left to see this lab end, or has learned that it began.
            let _ = link.state.remove();
            leave(1);
        }
        reap();
        let mut fds: Vec<_> = [
            Some(caught.as_fd()),
            Some(running.as_fd()),
            lifeline.map(AsFd::as_fd),
        ]
        .into_iter()
        .flatten()
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
        // An interruption is as good as a tick.
        let _ = poll(&mut fds, Some(&TICK));
    }
}

/// Waits for all orphans that have ended; see the head of this file.
fn reap() {
    let own = u32::from_ne_bytes(libc::__WNOTHREAD.to_ne_bytes());
    let options = WaitOptions::NOHANG | WaitOptions::from_bits_retain(own);
    while let Ok(Some(_)) = wait(options) {}
}
