//! Starting a lab: in the foreground, hanging on its caller, or in the background, on its own.
//!
//! Invariant of the foreground: the lab never outlives the caller. Of the background: the caller
//! returns only when the lab is up or has said why it is not, and a lab whose caller did not wait for
//! that goes away.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, setsid, waitpid,
};

use super::Spec;
use super::error::{Failure, SandboxError, Stage};
use super::fork::{Alone, Forked, live};
use super::init::{Birth, Inside, life};
use super::namespaces;
use super::report::{Came, Reporter, Word, lifeline};
use super::signals::{Caught, ENDING, Held};
use super::state::{LabState, StateDir};

/// How long a lab that was asked to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// Runs a lab and waits for its end.
///
/// `before_mounts` is called in the init while it still sees the host's /run and /tmp: sockets that
/// must be visible outside are bound there. `body` is the lab; it runs on a thread of the init, and
/// what it returns becomes the exit status. After SIGINT, SIGTERM or SIGHUP the status is 130, 143
/// or 129; a second signal, or a body that takes longer than five seconds, kills the lab.
///
/// The caller stays in the lab's user namespace afterwards, and should end soon.
///
/// # Errors
/// When the lab cannot be set up, or its init is killed.
pub fn run_foreground<T: Send>(
    spec: Spec,
    state: StateDir,
    before_mounts: impl FnOnce() -> io::Result<T>,
    body: impl FnOnce(Inside, T) -> u8 + Send,
) -> Result<ExitStatus, SandboxError> {
    let name = state.name().to_owned();
    let root = state
        .root()
        .map_err(|e| SandboxError::at("opening the state folder", e))?;
    let ended = foreground(spec, state, before_mounts, body);
    // The init removes its folder, unless it was killed.
    root.clear(&name);
    ended
}

fn foreground<T: Send>(
    spec: Spec,
    state: StateDir,
    before_mounts: impl FnOnce() -> io::Result<T>,
    body: impl FnOnce(Inside, T) -> u8 + Send,
) -> Result<ExitStatus, SandboxError> {
    let alone = Alone::check()?;
    let (ends_with_us, life_of_us) =
        lifeline().map_err(|e| SandboxError::at("making a pipe", e))?;
    let (mut words, reporter) =
        Reporter::pipe().map_err(|e| SandboxError::at("making a pipe", e))?;
    namespaces::become_root_of_new(&alone)?;
    let held = Held::hold();
    let init = match alone.fork() {
        Err(error) => {
            held.release();
            return Err(Failure::inside("forking the lab's init", error).into());
        }
        Ok(Forked::Child) => live(|| {
            drop((life_of_us, words));
            let birth = Birth {
                spec,
                state,
                reporter,
                lifeline: Some(ends_with_us),
                held,
            };
            life(birth, before_mounts, body)
        }),
        Ok(Forked::Parent(init)) => init,
    };
    let caught = Caught::install(&ENDING);
    held.release();
    drop((ends_with_us, reporter));
    // If this fails `exec` finds no number and says that the lab is starting.
    let _ = state.write_pid(init);
    drop(state);
    let caught = caught.map_err(|e| SandboxError::at("catching signals", e))?;
    let (status, signal) = wait_for(init, &caught)?;
    drop(life_of_us);
    let failed = std::iter::from_fn(|| Word::read(&mut words)).find_map(|word| match word {
        Word::Failed(failure) => Some(failure.into()),
        Word::Said(why) => Some(SandboxError::Failed { why }),
        Word::Progress(_) | Word::Ready(_) => None,
    });
    match (signal, failed, status.signal()) {
        (Some(signal), _, _) => Ok(ExitStatus::from_raw((128 + signal) << 8)),
        (None, Some(error), _) => Err(error),
        (None, None, Some(signal)) => Err(SandboxError::InitKilled { signal }),
        (None, None, None) => Ok(status),
    }
}

/// Waits for the init, passing on what we are told; returns the first signal too.
fn wait_for(init: Pid, caught: &Caught) -> Result<(ExitStatus, Option<i32>), SandboxError> {
    let waiting = |e| SandboxError::at("waiting for the lab's init", e);
    let pidfd = pidfd_open(init, PidfdFlags::empty()).map_err(waiting)?;
    let mut first = None;
    let mut deadline = None;
    loop {
        if let Some(signal) = caught.take() {
            let with = if first.is_none() {
                Signal::TERM
            } else {
                Signal::KILL
            };
            let _ = pidfd_send_signal(&pidfd, with);
            first = first.or(Some(signal));
            deadline = deadline.or_else(|| Some(Instant::now() + GRACE));
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        }
        if let Some((_, status)) = waitpid(Some(init), WaitOptions::NOHANG).map_err(waiting)? {
            return Ok((ExitStatus::from_raw(status.as_raw()), first));
        }
        let left = deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            Timespec::try_from(left.max(Duration::from_millis(10))).unwrap_or_default()
        });
        let mut fds = [
            PollFd::new(&pidfd, PollFlags::IN),
            PollFd::from_borrowed_fd(caught.as_fd(), PollFlags::IN),
        ];
        // An interruption is a signal, which the next round takes.
        let _ = poll(&mut fds, left.as_ref());
    }
}

/// Starts a lab in the background and waits until it is up: as much of it as came.
///
/// Lines of [`Inside::progress`] go to our standard error until then, and all else that the lab
/// writes to the file `log` in its state folder. The rest is as in [`run_foreground`].
///
/// # Errors
/// When the lab cannot be set up, or ends before it is ready.
pub fn spawn_background<T: Send>(
    spec: Spec,
    state: StateDir,
    before_mounts: impl FnOnce() -> io::Result<T>,
    body: impl FnOnce(Inside, T) -> u8 + Send,
) -> Result<Came, SandboxError> {
    let name = state.name().to_owned();
    let root = state
        .root()
        .map_err(|e| SandboxError::at("opening the state folder", e))?;
    let started = background(spec, state, before_mounts, body);
    if started.is_err() {
        root.clear(&name);
    }
    started
}

fn background<T: Send>(
    spec: Spec,
    state: StateDir,
    before_mounts: impl FnOnce() -> io::Result<T>,
    body: impl FnOnce(Inside, T) -> u8 + Send,
) -> Result<Came, SandboxError> {
    let alone = Alone::check()?;
    let pipe = |e| SandboxError::at("making a pipe", e);
    let (mut words, reporter) = Reporter::pipe().map_err(pipe)?;
    let log = state
        .log()
        .map_err(|e| SandboxError::at("making the log", e))?;
    let forking = |e| SandboxError::at("forking", e);
    let between = match alone.fork().map_err(forking)? {
        Forked::Parent(between) => between,
        // In between, for the lab to be nobody's child and of a session of its own.
        Forked::Child => live(|| {
            drop(words);
            let started = detach(&alone, &log);
            let held = Held::hold();
            match started.map(|()| alone.fork()) {
                Ok(Ok(Forked::Child)) => {
                    let birth = Birth {
                        spec,
                        state,
                        reporter,
                        lifeline: None,
                        held,
                    };
                    life(birth, before_mounts, body)
                }
                Ok(Ok(Forked::Parent(init))) => {
                    let _ = state.write_pid(init);
                    0
                }
                Ok(Err(error)) => fail(&state, &reporter, Failure::inside("forking", error)),
                Err(failure) => fail(&state, &reporter, failure),
            }
        }),
    };
    drop((reporter, state));
    let _ = waitpid(Some(between), WaitOptions::empty());
    loop {
        match Word::read(&mut words) {
            Some(Word::Ready(came)) => return Ok(came),
            Some(Word::Progress(line)) => drop(writeln!(io::stderr(), "{line}")),
            Some(Word::Failed(failure)) => return Err(failure.into()),
            Some(Word::Said(why)) => return Err(SandboxError::Failed { why }),
            None => {
                return Err(SandboxError::BeforeReady {
                    last: last_lines(&log),
                });
            }
        }
    }
}

/// A session of its own, the log for output, and root of a new user namespace.
fn detach(alone: &Alone, log: &File) -> Result<(), Failure> {
    let failed = |what: &'static str| move |e: io::Error| Failure::new(Stage::Unshare, what, &e);
    setsid().map_err(|e| failed("setsid")(e.into()))?;
    let null = File::open("/dev/null").map_err(failed("opening /dev/null"))?;
    rustix::stdio::dup2_stdin(&null)
        .and_then(|()| rustix::stdio::dup2_stdout(log))
        .and_then(|()| rustix::stdio::dup2_stderr(log))
        .map_err(|e| failed("redirecting output")(e.into()))?;
    namespaces::become_root_of_new(alone)
}

/// The way out of the process in between when there will be no init.
fn fail(state: &StateDir, reporter: &Reporter, failure: Failure) -> u8 {
    let _ = state.remove();
    let _ = reporter.say(&Word::Failed(failure));
    1
}

/// The end of a log that nobody will see otherwise: its folder is gone, or about to go.
fn last_lines(log: &File) -> String {
    const MOST: u64 = 2048;
    let from = log.metadata().map_or(0, |m| m.len().saturating_sub(MOST));
    let mut bytes = vec![0; 2048];
    // At a place of our own: the lab writes through the same open file.
    let read = log.read_at(&mut bytes, from).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..read]);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// Ends a lab: asks it, and kills it if it has not ended after `grace`.
///
/// # Errors
/// When its init cannot be signalled.
pub fn end(lab: &LabState, grace: Duration) -> io::Result<()> {
    let pidfd = match lab.pidfd() {
        Ok(Some(pidfd)) => pidfd,
        Ok(None) => {
            return Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "it is just starting",
            ));
        }
        Err(_ended) => return Ok(()),
    };
    for (signal, patience) in [(Signal::TERM, grace), (Signal::KILL, GRACE)] {
        match pidfd_send_signal(&pidfd, signal) {
            Err(rustix::io::Errno::SRCH) => return Ok(()),
            result => result?,
        }
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)];
            match poll(
                &mut fds,
                Some(&Timespec::try_from(left).unwrap_or_default()),
            ) {
                Ok(1..) => return Ok(()),
                Ok(0) => break,
                Err(_interrupted) => {}
            }
        }
    }
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        "it was killed and has not ended",
    ))
}
