//! What can go wrong between wanting a lab and standing in it.
//!
//! A child reports over a pipe what stopped it as a [`Failure`]; its parent turns that into a
//! [`SandboxError`], asking the kernel's switches whether one of them is the reason.

use std::fmt;
use std::io;

use super::refusal::{Refusal, Switches, classify};
use super::state::StateError;

/// How far the set-up had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Asking for a user namespace.
    Unshare,
    /// Writing its user and group map.
    Map,
    /// Using the rights it gives: mounts, networks.
    Inside,
}

/// One system call that stopped the set-up, as it travels from child to parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub stage: Stage,
    pub what: String,
    /// The kernel's error number; 0 if the error was not the kernel's.
    pub errno: i32,
}

impl Failure {
    pub(super) fn new(stage: Stage, what: &str, error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Self {
                stage,
                what: what.to_owned(),
                errno,
            },
            None => Self {
                stage,
                what: format!("{what}: {error}"),
                errno: 0,
            },
        }
    }

    /// A failure of a step inside the new namespaces.
    pub(super) fn inside(what: impl Into<String>, error: impl Into<io::Error>) -> Self {
        Self::new(Stage::Inside, &what.into(), &error.into())
    }
}

/// Why there is no lab, or no command in it.
#[derive(Debug)]
pub enum SandboxError {
    /// The caller has threads: it can neither fork safely nor enter a user namespace.
    Threads {
        /// How many there are.
        found: usize,
    },
    /// This machine does not let this user make a user namespace.
    Refused(Refusal),
    /// A step of the set-up failed.
    SetUp {
        /// What was tried, on what.
        what: String,
        /// The kernel's answer; none if the failure was not the kernel's.
        source: Option<io::Error>,
    },
    /// The lab's init was killed from outside.
    InitKilled {
        /// By which signal.
        signal: i32,
    },
    /// The lab ended before it was ready and did not say why.
    BeforeReady {
        /// The last lines it wrote.
        last: String,
    },
    /// The lab itself said why it could not start.
    Failed {
        /// In its own words.
        why: String,
    },
    /// The folder that holds the state of labs.
    State(StateError),
    /// The lab exists but has not finished starting.
    Starting {
        /// Its name.
        lab: String,
    },
    /// There is no such machine in the lab.
    NoMachine {
        /// What was asked for.
        machine: String,
        /// What there is, `dom0` first.
        have: Vec<String>,
    },
    /// The command could not be started in the lab.
    Command {
        /// The program asked for.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// The processes between us and the command were killed.
    ExecKilled {
        /// By which signal.
        signal: i32,
    },
}

impl SandboxError {
    pub(super) fn at(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::SetUp {
            what: what.into(),
            source: Some(source.into()),
        }
    }

    /// The exit status that shells give to this: 127 and 126 for a command that was not found or
    /// could not be run (POSIX, 2.8.2), 137 and the like for a killed one, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Command { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
            Self::Command { .. } => 126,
            Self::InitKilled { signal } | Self::ExecKilled { signal } => {
                u8::try_from(128 + signal).unwrap_or(1)
            }
            _ => 1,
        }
    }
}

impl From<Failure> for SandboxError {
    fn from(failure: Failure) -> Self {
        if let Some(refusal) = classify(failure.stage, failure.errno, &Switches::read()) {
            return Self::Refused(refusal);
        }
        let source = (failure.errno != 0).then(|| io::Error::from_raw_os_error(failure.errno));
        Self::SetUp {
            what: failure.what,
            source,
        }
    }
}

impl From<StateError> for SandboxError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl fmt::Display for SandboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threads { found } => write!(
                f,
                "a lab can only be started from a process with one thread, this one has {found}"
            ),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::SetUp { what, source: None } => write!(f, "cannot set up the lab: {what}"),
            Self::SetUp {
                what,
                source: Some(source),
            } => write!(f, "cannot set up the lab: {what}: {source}"),
            Self::InitKilled { signal } => write!(
                f,
                "the lab's init was killed by signal {signal}; everything in the lab went with it"
            ),
            Self::BeforeReady { last } if last.is_empty() => {
                write!(f, "the lab ended before it was ready, without a word")
            }
            Self::BeforeReady { last } => {
                write!(
                    f,
                    "the lab ended before it was ready; it wrote last:\n{last}"
                )
            }
            Self::Failed { why } => write!(f, "the lab did not start: {why}"),
            Self::State(error) => error.fmt(f),
            Self::Starting { lab } => write!(
                f,
                "lab {lab} is still starting; try again in a moment, or end it with `lab down {lab}`"
            ),
            Self::NoMachine { machine, have } => write!(
                f,
                "there is no machine {machine:?} in this lab; there are: {}",
                have.join(", ")
            ),
            Self::Command { program, source } => {
                write!(f, "cannot run {program:?} in the lab: {source}")
            }
            Self::ExecKilled { signal } => write!(
                f,
                "the command's keeper was killed by signal {signal}; the command went with it"
            ),
        }
    }
}

impl std::error::Error for SandboxError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::SetUp {
                source: Some(source),
                ..
            }
            | Self::Command { source, .. } => Some(source),
            Self::State(error) => Some(error),
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}
