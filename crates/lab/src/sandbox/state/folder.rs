//! The folder of one lab, as a handle: its lock, its number, and how it goes.
//!
//! Invariant: everything here goes by file descriptors. The path may lead elsewhere by now, and in
//! the lab it is hidden.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, FlockOperation, Mode, OFlags, Stat, flock, fstat, openat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::Pid;

/// What a lock says about a folder.
pub(super) enum Lock {
    Ours(OwnedFd),
    Theirs,
    /// The folder or its lock was replaced while we looked.
    Gone,
}

pub(super) fn open_dir(at: impl AsFd, path: impl rustix::path::Arg) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, path, flags, Mode::empty())
}

/// Tries the lock in a lab's folder, making the file if `make` says so.
pub(super) fn try_lock(dir: &OwnedFd, how: FlockOperation, make: bool) -> rustix::io::Result<Lock> {
    let create = if make {
        OFlags::CREATE
    } else {
        OFlags::empty()
    };
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | create;
    let lock = match openat(dir, "lock", flags, Mode::RUSR | Mode::WUSR) {
        Ok(lock) => lock,
        Err(Errno::NOENT) => return Ok(Lock::Gone),
        Err(errno) => return Err(errno),
    };
    match flock(&lock, how) {
        Ok(()) if same(fstat(&lock), statat(dir, "lock", AtFlags::SYMLINK_NOFOLLOW)) => {
            Ok(Lock::Ours(lock))
        }
        Ok(()) => Ok(Lock::Gone),
        Err(Errno::WOULDBLOCK) => Ok(Lock::Theirs),
        Err(errno) => Err(errno),
    }
}

/// Whether two looks at a file saw the same one.
pub(super) fn same(one: rustix::io::Result<Stat>, other: rustix::io::Result<Stat>) -> bool {
    matches!((one, other), (Ok(one), Ok(other))
        if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

pub(super) fn read_pid(dir: &OwnedFd) -> Option<Pid> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut text = String::new();
    File::from(openat(dir, "pid", flags, Mode::empty()).ok()?)
        .take(32)
        .read_to_string(&mut text)
        .ok()?;
    Pid::from_raw(text.trim().parse().ok().filter(|&pid| pid > 0)?)
}

/// Removes everything in a lab's folder but the lock. Labs make no folders in it.
pub(super) fn empty(dir: &OwnedFd) -> rustix::io::Result<()> {
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if !matches!(name.to_bytes(), b"." | b".." | b"lock") {
            gone(unlinkat(dir, name, AtFlags::empty()))?;
        }
    }
    Ok(())
}

/// Removes a lab's folder, the lock last: until then nobody else takes the name.
pub(super) fn remove(root: &OwnedFd, name: &str, dir: &OwnedFd) -> rustix::io::Result<()> {
    empty(dir)?;
    gone(unlinkat(dir, "lock", AtFlags::empty()))?;
    match gone(unlinkat(root, name, AtFlags::REMOVEDIR)) {
        // Someone made a new lock in it: the folder is theirs now.
        Err(Errno::NOTEMPTY) => Ok(()),
        result => result,
    }
}

/// What is already gone has been removed.
fn gone(result: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        result => result,
    }
}
