//! The locks of Xen's scripts, for what originals may be changing at the same moment: `iptables`,
//! `vif-nat-dhcp` and the like (contract 2.12).
//!
//! ```text
//!  open (create) ─▶ flock ─▶ is the path still that file? ── yes ─▶ owned ─▶ unlink, close
//!        ▲                              │ no
//!        └──────────────────────────────┘
//! ```
//!
//! Only an owner unlinks. Vif scripts of ours change nothing of that kind, and take no such lock.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The folder of the locks.
pub const FOLDER: &str = "/run/xen-hotplug";

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
