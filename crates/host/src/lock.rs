//! The locks of Xen's scripts, for what originals may be changing at the same moment: `iptables`,
//! `vif-nat-dhcp` and the like (contract 2.12).
//!
//! ```text
//!  open (create) ─▶ flock ─▶ is the path still that file? ── yes ─▶ owned ─▶ unlink, close
//!        ▲                              │ no
//!        └──────────────────────────────┘
//! ```
//!
//! Only an owner unlinks. Of ours, vif-nat takes one where dhcpd's files are, and
//! whoever takes away what the originals made.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use xenwire_core::plan::Plan;
use xenwire_core::state::Effect;

/// The folder of the locks.
pub const FOLDER: &str = "/run/xen-hotplug";

/// The names in use (contract 2.12).
const NAMES: [&str; 5] = [
    "iptables",
    "vif-nat-dhcp",
    "network-bridge",
    "block",
    "pickifb",
];

/// The locks in a folder whose owner has died: nobody holds them, and the file is still there. It
/// keeps nobody out, for the next one locks it.
pub fn abandoned(folder: &Path) -> BTreeSet<String> {
    let names = NAMES.into_iter();
    let free = names.filter(|name| matches!(Lock::of_nobody(folder, name), Ok(Some(_))));
    free.map(str::to_owned).collect()
}

/// A lock that is owned until it is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Waits until the lock of this name, in this folder, is ours.
    ///
    /// # Errors
    /// What the system says.
    pub fn claim(folder: &Path, name: &str) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(folder)?;
        let path = folder.join(name);
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o644)
                .open(&path)?;
            flock(&file, FlockOperation::LockExclusive)?;
            // Whoever owned it has unlinked it: then this is a file that nobody else will open.
            if is_at(&file, &path)? {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Lock {
    /// The lock of the FORWARD chain, for a plan that takes away what Xen's scripts put there.
    ///
    /// # Errors
    /// One sentence.
    pub fn for_forward(plan: &Plan) -> Result<Option<Self>, String> {
        let mut effects = plan.steps.iter().map(|step| &step.effect);
        if !effects.any(|effect| matches!(effect, Effect::DeleteOldRule(_))) {
            return Ok(None);
        }
        let lock = Self::claim(Path::new(FOLDER), "iptables");
        lock.map(Some)
            .map_err(|why| format!("cannot lock {FOLDER}/iptables: {why}"))
    }

    /// The file of a lock that nobody holds, locked; none if somebody does, or there is none.
    fn of_nobody(folder: &Path, name: &str) -> io::Result<Option<File>> {
        let path = folder.join(name);
        let options = OpenOptions::new().read(true).write(true).open(&path);
        let file = match options {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            done => done?,
        }
        Ok(is_at(&file, &path)?.then_some(file))
    }

    /// Removes a lock that nobody holds.
    ///
    /// # Errors
    /// What the system says.
    pub fn sweep(folder: &Path, name: &str) -> io::Result<()> {
        match Self::of_nobody(folder, name)? {
            // Owned as long as the file is open.
            Some(_file) => fs::remove_file(folder.join(name)),
            None => Ok(()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Left behind, it is a file that the next one locks.
        let _ = fs::remove_file(&self.path);
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let ours = file.metadata()?;
    Ok((ours.dev(), ours.ino()) == (found.dev(), found.ino()))
}
