//! Where labs leave word of themselves: one folder per lab, in one folder per user.
//!
//! ```text
//! $XDG_RUNTIME_DIR/xenwire/        or /tmp/xenwire-UID; 0700 and the user's own
//!   NAME/
//!     lock       flock(2) held by the lab's init for its life: the one truth whether it lives
//!     pid        its number, as seen from outside
//!     ready      there once the lab is up
//!     environment    what commands in its dom0 find in theirs, a NAME=VALUE each line
//!     control, xenstore    sockets
//!     log        what a lab in the background writes
//! ```
//!
//! Invariant: whoever holds a lock whose file is still the one in the folder owns that folder. A
//! folder whose lock is free belongs to a lab that was killed, and is removed by whoever sees it.

mod error;
mod folder;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Dir, FlockOperation, Mode, OFlags, fstat, mkdirat, openat, statat};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

pub use error::StateError;
use folder::{Lock, empty, open_dir, read_pid, remove, same, try_lock};

/// The longest path of a UNIX socket: `sun_path` is 108 bytes with its zero (unix(7)).
pub const SOCKET_PATH_MAX: usize = 107;

/// How often, and how long apart, a lock is tried before its lab is believed to live: someone who
/// only looks whether a lab lives holds it for a moment too.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// The file with the environment of dom0's commands.
const ENVIRONMENT: &str = "environment";

/// The folder of all labs of one user.
#[derive(Debug)]
pub struct StateRoot {
    dir: OwnedFd,
    path: PathBuf,
}

/// The folder of a lab that this process owns, because it holds the lock.
#[derive(Debug)]
pub struct StateDir {
    root: OwnedFd,
    dir: OwnedFd,
    _lock: OwnedFd,
    name: String,
    path: PathBuf,
}

/// A lab that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabState {
    name: String,
    path: PathBuf,
    pid: Option<Pid>,
    ready: bool,
}

impl StateRoot {
    /// Opens the user's folder, making it if it is not there.
    ///
    /// `runtime_dir` is the value of `XDG_RUNTIME_DIR`, `uid` the effective user.
    ///
    /// # Errors
    /// When the folder cannot be made, or is not safe: a symbolic link, somebody else's, or open
    /// to others. /tmp is everybody's, so that all of this has to be checked.
    pub fn open(runtime_dir: Option<&OsStr>, uid: u32) -> Result<Self, StateError> {
        // A relative path must be ignored (XDG Base Directory Specification 0.8, "Basics").
        let path = match runtime_dir.map(Path::new).filter(|dir| dir.is_absolute()) {
            Some(dir) => dir.join("xenwire"),
            None => PathBuf::from(format!("/tmp/xenwire-{uid}")),
        };
        Self::open_at(path, uid)
    }

    fn open_at(path: PathBuf, uid: u32) -> Result<Self, StateError> {
        match mkdirat(CWD, &path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(StateError::io("making", &path, errno)),
        }
        let dir = match open_dir(CWD, &path) {
            Ok(dir) => dir,
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(StateError::NotAFolder { path }),
            Err(errno) => return Err(StateError::io("opening", &path, errno)),
        };
        let stat = fstat(&dir).map_err(|errno| StateError::io("looking at", &path, errno))?;
        if stat.st_uid != uid {
            return Err(StateError::Foreign {
                path,
                owner: stat.st_uid,
                uid,
            });
        }
        if stat.st_mode & 0o077 != 0 {
            return Err(StateError::Open {
                path,
                mode: stat.st_mode & 0o7777,
            });
        }
        Ok(Self { dir, path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the name for a new lab: makes its folder, empty but for the lock, which is held.
    ///
    /// # Errors
    /// [`StateError::Alive`] when a lab of that name lives; [`StateError::Name`] when it is not a
    /// name for a lab.
    pub fn claim(&self, name: &str) -> Result<StateDir, StateError> {
        check_name(name)?;
        let path = self.path.join(name);
        for _ in 0..TRIES {
            match mkdirat(&self.dir, name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(StateError::io("making", &path, errno)),
            }
            let dir = match open_dir(&self.dir, name) {
                Ok(dir) => dir,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(StateError::io("opening", &path, errno)),
            };
            match try_lock(&dir, FlockOperation::NonBlockingLockExclusive, true) {
                Ok(Lock::Ours(lock)) if self.is_at(name, &dir) => {
                    empty(&dir).map_err(|errno| StateError::io("clearing", &path, errno))?;
                    let root = rustix::io::fcntl_dupfd_cloexec(&self.dir, 3)
                        .map_err(|errno| StateError::io("opening", &self.path, errno))?;
                    return Ok(StateDir {
                        root,
                        dir,
                        _lock: lock,
                        name: name.to_owned(),
                        path,
                    });
                }
                Ok(Lock::Ours(_) | Lock::Gone) => {}
                Ok(Lock::Theirs) => sleep(BETWEEN_TRIES),
                Err(errno) => return Err(StateError::io("locking", &path, errno)),
            }
        }
        Err(StateError::Alive {
            name: name.to_owned(),
        })
    }

    /// Removes the folder of a lab that has ended; it is not an error if it has not.
    ///
    /// The kernel frees the lock of a process somewhat after it closed its pipes.
    pub(super) fn clear(&self, name: &str) {
        for _ in 0..TRIES {
            if !matches!(self.look(name), Ok(Some(_))) {
                return;
            }
            sleep(BETWEEN_TRIES);
        }
    }

    /// The labs that live, by name. What others left behind is cleared on the way.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn labs(&self) -> Result<Vec<LabState>, StateError> {
        let failed = |errno| StateError::io("reading", &self.path, errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            names.extend(
                entry
                    .file_name()
                    .to_str()
                    .ok()
                    .filter(|name| check_name(name).is_ok())
                    .map(str::to_owned),
            );
        }
        names.sort();
        let mut labs = Vec::new();
        for name in names {
            labs.extend(self.look(&name)?);
        }
        Ok(labs)
    }

    /// The lab of that name.
    ///
    /// # Errors
    /// [`StateError::NoLab`] when none lives.
    pub fn find(&self, name: &str) -> Result<LabState, StateError> {
        check_name(name)?;
        self.look(name)?.ok_or_else(|| StateError::NoLab {
            name: name.to_owned(),
            root: self.path.clone(),
        })
    }

    /// Looks at one folder: a living lab, or none; then the folder is gone as well.
    fn look(&self, name: &str) -> Result<Option<LabState>, StateError> {
        let path = self.path.join(name);
        let dir = match open_dir(&self.dir, name) {
            Ok(dir) => dir,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(errno) => return Err(StateError::io("opening", &path, errno)),
        };
        // A folder without a lock is one that is being made or being removed right now, unless
        // its maker was killed in between; making the lock ourselves settles it.
        match try_lock(&dir, FlockOperation::NonBlockingLockShared, true) {
            Ok(Lock::Theirs) => Ok(Some(LabState {
                name: name.to_owned(),
                pid: read_pid(&dir),
                ready: statat(&dir, "ready", AtFlags::empty()).is_ok(),
                path,
            })),
            Ok(Lock::Ours(_held)) => {
                remove(&self.dir, name, &dir)
                    .map_err(|errno| StateError::io("clearing", &path, errno))?;
                Ok(None)
            }
            Ok(Lock::Gone) | Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(StateError::io("locking", &path, errno)),
        }
    }

    /// Whether the folder of that name is still `dir`.
    fn is_at(&self, name: &str, dir: &OwnedFd) -> bool {
        same(
            fstat(dir),
            statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW),
        )
    }
}

impl StateDir {
    /// The lab's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder. Inside the lab that path is hidden.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a socket in the folder.
    ///
    /// # Errors
    /// [`StateError::SocketPath`] when it is longer than the kernel takes.
    pub fn socket(&self, file: &str) -> Result<PathBuf, StateError> {
        socket_path(&self.path, file)
    }

    /// Writes down what commands in the lab's dom0 are to find in their environment.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_environment(
        &self,
        variables: impl IntoIterator<Item = (&'static str, String)>,
    ) -> io::Result<()> {
        let lines = variables.into_iter();
        let text: String = lines
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect();
        self.create(ENVIRONMENT)?.write_all(text.as_bytes())
    }

    /// Another folder handle of the root, to clear up with after this one has been given away.
    pub(super) fn root(&self) -> io::Result<StateRoot> {
        Ok(StateRoot {
            dir: rustix::io::fcntl_dupfd_cloexec(&self.root, 3)?,
            path: self.path.parent().unwrap_or(&self.path).to_owned(),
        })
    }

    /// Writes the init's number.
    pub(super) fn write_pid(&self, pid: Pid) -> io::Result<()> {
        self.create("pid")?
            .write_all(format!("{}\n", pid.as_raw_nonzero()).as_bytes())
    }

    /// Marks the lab as up.
    pub(super) fn mark_ready(&self) -> io::Result<()> {
        self.create("ready").map(drop)
    }

    /// The file for what a lab in the background writes.
    pub(super) fn log(&self) -> io::Result<File> {
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC;
        Ok(File::from(openat(
            &self.dir,
            "log",
            flags,
            Mode::RUSR | Mode::WUSR,
        )?))
    }

    fn create(&self, file: &str) -> io::Result<File> {
        let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::CLOEXEC;
        Ok(File::from(openat(
            &self.dir,
            file,
            flags,
            Mode::RUSR | Mode::WUSR,
        )?))
    }

    /// Removes the folder. The lock is held until this value is dropped.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        remove(&self.root, &self.name, &self.dir).map_err(io::Error::from)
    }
}

impl LabState {
    /// The lab's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its init; none in the first moments of its life.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.pid
    }

    /// Whether it has finished starting.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// The path of a socket in the folder.
    ///
    /// # Errors
    /// [`StateError::SocketPath`] when it is longer than the kernel takes.
    pub fn socket(&self, file: &str) -> Result<PathBuf, StateError> {
        socket_path(&self.path, file)
    }

    /// What commands in its dom0 are to find in their environment. A lab that ends meanwhile has
    /// nothing to run one in.
    #[must_use]
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let text = std::fs::read_to_string(self.path.join(ENVIRONMENT)).unwrap_or_default();
        let variables = text.lines().filter_map(|line| line.split_once('='));
        variables
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    /// A handle of the init that cannot come to mean another process.
    ///
    /// The number alone could have been given to somebody else since it was read. The lock is
    /// looked at after the handle is taken: if it is still held, the init has lived all the time.
    pub(super) fn pidfd(&self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = self.pid else {
            return Ok(None);
        };
        let gone = || io::Error::new(io::ErrorKind::NotFound, "the lab has ended");
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| gone())?;
        let dir = open_dir(CWD, &self.path).map_err(|_| gone())?;
        match try_lock(&dir, FlockOperation::NonBlockingLockShared, false) {
            Ok(Lock::Theirs) if read_pid(&dir) == Some(pid) => Ok(Some(pidfd)),
            _ => Err(gone()),
        }
    }
}

/// Names of labs are names of folders and appear in commands: letters, digits, `.`, `_`, `-`.
fn check_name(name: &str) -> Result<(), StateError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let first = name
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric());
    if first && name.len() <= 32 && name.chars().all(allowed) {
        Ok(())
    } else {
        Err(StateError::Name {
            name: name.to_owned(),
        })
    }
}

fn socket_path(folder: &Path, file: &str) -> Result<PathBuf, StateError> {
    let path = folder.join(file);
    let length = path.as_os_str().as_bytes().len();
    if length > SOCKET_PATH_MAX {
        return Err(StateError::SocketPath { path, length });
    }
    Ok(path)
}
