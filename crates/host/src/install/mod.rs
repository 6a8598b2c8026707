//! `xenwire install` and `xenwire uninstall`: looks, lets the core decide, performs, looks again.
//!
//! Whoever can change what is here is root on this machine a moment later. So folders are opened one
//! below the other without following links, must be root's and nobody else's to write, and everything
//! is done relative to what was opened.

mod addresses;
mod dpkg;
mod folder;
mod look;
mod perform;
mod rules;

pub use addresses::{conf, losses, write_conf};
pub use folder::Untrusted;

use std::fmt;
use std::fs::File;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use xenwire_core::install::{
    MANIFEST_FOLDER, NotStatic, PROGRAM_FOLDER, Plan, Refusal, SCRIPTS, Step, Wanted, install,
    uninstall,
};

use dpkg::Dpkg;
use folder::{Folder, Root};
use look::Looked;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The folder of the scripts; `None`: where they were installed, or else where Xen has them.
    pub scripts: Option<String>,
    /// Everything is below this folder; `None`: it is about this machine.
    pub root: Option<PathBuf>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// The names that the program can serve.
    pub names: Vec<&'static str>,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The names become links to the program.
    In,
    /// The scripts come back.
    Out,
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Report {
    /// The folder of the scripts.
    pub scripts: String,
    /// What was done, or would be.
    pub plan: Plan,
}

/// Why it did not go.
#[derive(Debug)]
pub enum Error {
    /// Whoever calls is not root.
    NotRoot,
    /// Somebody else could write where the scripts are.
    Untrusted(Untrusted),
    /// Something is in the way.
    Refused(Vec<Refusal>),
    /// The program that runs is not one to install.
    Program(NotStatic),
    /// There is a manifest that cannot be understood.
    Manifest(String),
    /// The system said no before anything was changed.
    System(Failure),
    /// A step failed, and everything was undone.
    Undone(Failure),
    /// A step failed; what is done stays. The next run goes on from there.
    Halfway(Failure),
}

/// What failed.
#[derive(Debug)]
pub struct Failure {
    /// What was tried.
    pub operation: String,
    /// Why it failed.
    pub reason: String,
}

impl Failure {
    fn new(operation: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self {
            operation: operation.into(),
            reason: reason.to_string(),
        }
    }
}

/// Does it. `tell` hears of every step that was done.
///
/// # Errors
/// [`Error`].
pub fn run(way: Way, request: &Request, tell: &mut dyn FnMut(&str)) -> Result<Report, Error> {
    let root = Root::open(request.root.as_deref())?;
    // A dry run makes no folder. Without it there is no manifest, and nobody who could hold its lock.
    let state = locked(&root, !request.dry_run).inspect_err(|_| {
        if !request.dry_run {
            perform::remove_empty_folders(&root);
        }
    })?;
    let done = act(way, request, &root, state.as_ref(), tell);
    if !request.dry_run {
        perform::tidy(&root);
    }
    done
}

fn act(
    way: Way,
    request: &Request,
    root: &Root,
    state: Option<&Folder>,
    tell: &mut dyn FnMut(&str),
) -> Result<Report, Error> {
    let manifest = state.map(look::manifest).transpose()?.flatten();
    let installed = manifest.as_ref().map(|manifest| manifest.scripts.clone());
    let scripts = match &request.scripts {
        Some(given) => given.trim_end_matches('/').to_owned(),
        None => installed.unwrap_or_else(|| SCRIPTS.to_owned()),
    };
    let own = match way {
        Way::In => Some(look::own_program()?),
        Way::Out => None,
    };
    let looked = Looked {
        scripts: root.find(&scripts)?.ok_or_else(|| {
            Error::System(Failure::new(
                format!("open {scripts}"),
                "there is no such folder; --scripts-dir DIR says where Xen's scripts are",
            ))
        })?,
        program: match way == Way::In && !request.dry_run {
            true => Some(root.make(PROGRAM_FOLDER)?),
            false => root.find(PROGRAM_FOLDER)?,
        },
        state,
        dpkg: Dpkg::of(root, request.root.as_deref())?,
    };
    let decide = |way| -> Result<Plan, Error> {
        let found = looked.found(&scripts, &request.names)?;
        if let Some(manifest) = &found.manifest
            && manifest.scripts != scripts
        {
            return Err(Error::Refused(vec![Refusal::Elsewhere {
                installed: manifest.scripts.clone(),
                wanted: scripts.clone(),
            }]));
        }
        match (way, &own) {
            (Way::In, Some(own)) => {
                let wanted = Wanted {
                    scripts: &scripts,
                    names: &request.names,
                    sha256: &own.sha256,
                };
                install(&wanted, &found).map_err(Error::Refused)
            }
            _ => Ok(uninstall(&scripts, &found)),
        }
    };
    let mut plan = decide(way)?;
    if way == Way::In && request.root.is_none() {
        plan.notes.extend(rules::told());
    }
    let report = |plan| Report {
        scripts: scripts.clone(),
        plan,
    };
    if request.dry_run {
        return Ok(report(plan));
    }
    let program = own.as_ref().map(|own| &own.file);
    let perform = |steps: &[Step], tell: &mut dyn FnMut(&str)| -> Result<(), Failure> {
        for step in steps {
            looked.perform(step, program)?;
            tell(&step.line(&scripts));
        }
        Ok(())
    };
    if let Err(failure) = perform(&plan.steps, tell) {
        // What was installed before stays as far as it got: each name is one or the other.
        if way == Way::Out || manifest.is_some() {
            return Err(Error::Halfway(failure));
        }
        let back = decide(Way::Out)?;
        return Err(match perform(&back.steps, &mut |_| {}) {
            Ok(()) if back.left.is_empty() => Error::Undone(failure),
            _ => Error::Halfway(failure),
        });
    }
    let again = decide(way)?;
    if let Some(step) = again.steps.first() {
        return Err(Error::Halfway(Failure::new(
            step.line(&scripts),
            "it is not so, although it was done; does something else change these files?",
        )));
    }
    Ok(report(plan))
}

/// The folder of the manifest, which is the lock too: waits for whoever else installs.
fn locked(root: &Root, makes: bool) -> Result<Option<Folder>, Error> {
    loop {
        let folder = match makes {
            true => Some(root.make(MANIFEST_FOLDER)?),
            false => root.find(MANIFEST_FOLDER)?,
        };
        let Some(folder) = folder else {
            return Ok(None);
        };
        flock(folder.fd(), FlockOperation::LockExclusive)
            .map_err(|errno| folder.failure("lock", "", errno))?;
        // Whoever held it may have removed it.
        if let Some(now) = root.find(MANIFEST_FOLDER)?
            && now.is(&folder)?
        {
            return Ok(Some(folder));
        }
    }
}

/// The program that runs.
struct Own {
    file: File,
    sha256: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.reason)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRoot => f.write_str(
                "the scripts are root's: run it as root, or with --root DIR below a folder of yours",
            ),
            Self::Untrusted(untrusted) => untrusted.fmt(f),
            Self::Refused(refusals) => {
                let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\nxenwire: "))
            }
            Self::Program(why) => write!(f, "this program is not one to install: {why}"),
            Self::Manifest(why) => f.write_str(why),
            Self::System(failure) => failure.fmt(f),
            Self::Undone(failure) => write!(f, "{failure} (everything was undone)"),
            Self::Halfway(failure) => write!(
                f,
                "{failure}; every name is what it was or what it is to be, and the next `xenwire install` or `xenwire uninstall` goes on from there"
            ),
        }
    }
}

impl std::error::Error for Error {}

impl From<Untrusted> for Error {
    fn from(untrusted: Untrusted) -> Self {
        Self::Untrusted(untrusted)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::System(failure)
    }
}
