//! Running a command in a lab that is up.
//!
//! ```text
//! client          outside; the caller of `lab exec`, with its terminal
//! └─ joined       the lab's namespaces (a pid namespace is only entered by a child)
//!    └─ keeper    pid 1 of a pid namespace nested in the lab's; waits for orphans
//!       └─ COMMAND
//! ```
//!
//! Invariant: what the command started ends with it, and with any of the three above it. Each of
//! those hangs on its parent by a death signal and, for a parent that was quicker, a pipe; the
//! command and its descendants hang on the keeper, whose pid namespace they cannot leave.
//!
//! All four are in the caller's process group: Ctrl-C and Ctrl-Z reach the command from the terminal,
//! and a shell in the lab takes the terminal as it does anywhere.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpgrp, set_parent_process_death_signal, wait, waitpid,
};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use super::error::SandboxError;
use super::fork::{Alone, Forked, live};
use super::report::{cut, lifeline};
use super::signals::Ignored;
use super::state::LabState;
use super::{DOM0, NETNS, namespaces};

/// Signals of the terminal, which are for the command and not for those who wait for it.
const TERMINAL: [i32; 2] = [libc::SIGINT, libc::SIGQUIT];

/// Runs `argv` in the lab on `machine`, with exactly the environment `env`, in `/`, and waits for
/// its end. A command that a signal ended gives the status 128 + its number.
///
/// The program is looked for in the `PATH` of `env`. Processes that the command leaves behind end
/// with it.
///
/// # Errors
/// When the lab has ended or is still starting, has no such machine, or the command cannot be
/// started ([`SandboxError::exit_code`] gives 127 or 126 then).
pub fn exec(
    lab: &LabState,
    machine: &str,
    argv: &[OsString],
    env: &[(OsString, OsString)],
) -> Result<ExitStatus, SandboxError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(SandboxError::at(
            "running nothing",
            io::ErrorKind::InvalidInput,
        ));
    };
    let alone = Alone::check()?;
    if !lab.ready() {
        return Err(SandboxError::Starting {
            lab: lab.name().to_owned(),
        });
    }
    let init = lab
        .pidfd()
        .map_err(|e| SandboxError::at(format!("finding lab {}", lab.name()), e))?
        .ok_or_else(|| SandboxError::Starting {
            lab: lab.name().to_owned(),
        })?;
    namespaces::join(&alone, init.as_fd())
        .map_err(|e| SandboxError::at(format!("entering lab {}", lab.name()), e))?;
    drop(init);
    enter_machine(machine)?;
    std::env::set_current_dir("/").map_err(|e| SandboxError::at("entering /", e))?;

    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(env.iter().map(|(key, value)| (key, value)));
    let terminal = Terminal::ours();
    let ended = run(&alone, &mut command, program);
    terminal.take_back();
    ended
}

/// Enters the network namespace of a machine of the lab we are in.
fn enter_machine(machine: &str) -> Result<(), SandboxError> {
    if machine == DOM0 {
        return Ok(());
    }
    // What begins with a dash is the lab's own, and no machine.
    let plain =
        !["", ".", ".."].contains(&machine) && !machine.contains('/') && !machine.starts_with('-');
    let network = plain.then(|| File::open(Path::new(NETNS).join(machine)));
    let Some(Ok(network)) = network else {
        let mut have: Vec<_> = fs::read_dir(NETNS)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with('-'))
            .collect();
        have.sort();
        have.insert(0, DOM0.to_owned());
        return Err(SandboxError::NoMachine {
            machine: machine.to_owned(),
            have,
        });
    };
    namespaces::enter_network(network.as_fd())
        .map_err(|e| SandboxError::at(format!("entering the network of {machine}"), e))
}

/// The client: forks the first process in the lab and waits for it.
fn run(alone: &Alone, command: &mut Command, program: &OsStr) -> Result<ExitStatus, SandboxError> {
    let making = |e| SandboxError::at("making a pipe", e);
    let (ends_with_us, life_of_us) = lifeline().map_err(making)?;
    let (said, say) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| making(e.into()))?;
    let ignored = Ignored::these(&TERMINAL).map_err(|e| SandboxError::at("ignoring signals", e))?;
    let joined = match alone
        .fork()
        .map_err(|e| SandboxError::at("forking into the lab", e))?
    {
        Forked::Child => live(|| {
            drop((life_of_us, said));
            join_life(alone, &ends_with_us, command, ignored, say)
        }),
        Forked::Parent(joined) => joined,
    };
    drop((ends_with_us, say));
    let status = wait_for(joined).map_err(|e| SandboxError::at("waiting for the command", e))?;
    drop(life_of_us);
    let mut errno = [0; 4];
    if File::from(said).read_exact(&mut errno).is_ok() {
        return Err(SandboxError::Command {
            program: program.to_string_lossy().into_owned(),
            source: io::Error::from_raw_os_error(i32::from_ne_bytes(errno)),
        });
    }
    match status.terminating_signal() {
        Some(signal) => Err(SandboxError::ExecKilled { signal }),
        None => Ok(ExitStatus::from_raw(status.as_raw())),
    }
}

/// The process that joined: makes the nested pid namespace and passes on how its pid 1 ends.
fn join_life(
    alone: &Alone,
    parent: &OwnedFd,
    command: &mut Command,
    ignored: Ignored,
    say: OwnedFd,
) -> u8 {
    let keeper = hang_on(parent)
        .and_then(|()| namespaces::new_pids_for_next_child(alone))
        .and_then(|()| lifeline())
        .and_then(|pipe| Ok((pipe, alone.fork()?)));
    match keeper {
        Err(error) => cannot(&say, &error),
        Ok(((ends_with_us, life_of_us), Forked::Child)) => {
            drop(life_of_us);
            keep(alone, &ends_with_us, command, ignored, &say)
        }
        Ok((_pipe, Forked::Parent(keeper))) => match wait_for(keeper) {
            Ok(status) => code(status),
            Err(error) => cannot(&say, &error),
        },
    }
}

/// The keeper: starts the command, reaps, and ends with the command's status.
fn keep(
    alone: &Alone,
    parent: &OwnedFd,
    command: &mut Command,
    ignored: Ignored,
    say: &OwnedFd,
) -> u8 {
    let forked = hang_on(parent).and_then(|()| alone.fork());
    match forked {
        Err(error) => cannot(say, &error),
        Ok(Forked::Child) => {
            // What is ignored stays so over an exec; the command has what the caller had.
            drop(ignored);
            cannot(say, &command.exec())
        }
        Ok(Forked::Parent(command)) => loop {
            match wait(WaitOptions::empty()) {
                Ok(Some((ended, status))) if ended == command => return code(status),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return cannot(say, &error.into()),
            }
        },
    }
}

/// Makes this process die with its parent, which may have died already.
fn hang_on(parent: &OwnedFd) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if cut(parent) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    Ok(())
}

/// Tells the client why there is no command.
fn cannot(say: &OwnedFd, error: &io::Error) -> u8 {
    let errno = error.raw_os_error().unwrap_or(libc::EIO);
    let _ = rustix::io::write(say, &errno.to_ne_bytes());
    126
}

/// Waits for a child, however often a signal interrupts.
fn wait_for(child: Pid) -> io::Result<WaitStatus> {
    loop {
        match waitpid(Some(child), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The exit status as shells give it.
fn code(status: WaitStatus) -> u8 {
    let code = status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The terminal, if we are in its foreground.
///
/// An interactive shell in the lab takes the terminal for a process group of its own and cannot give
/// it back: ours has no number in its pid namespace.
struct Terminal(Option<OwnedFd>);

impl Terminal {
    fn ours() -> Self {
        let terminal = File::open("/dev/tty").ok();
        let ours = terminal.filter(|tty| tcgetpgrp(tty).is_ok_and(|group| group == getpgrp()));
        Self(ours.map(OwnedFd::from))
    }

    fn take_back(self) {
        if let Some(terminal) = self.0 {
            // Otherwise a background process that does this is stopped (tcsetpgrp(3)).
            let _ignored = Ignored::these(&[libc::SIGTTOU]);
            let _ = tcsetpgrp(&terminal, getpgrp());
        }
        let _ = io::stdout().flush();
    }
}
