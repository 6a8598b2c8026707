//! One arm a step. Files are written aside, put on the disk and renamed: at no moment is there half
//! of one.

use std::fs::File;
use std::io::{self, Seek, Write};

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, fchmod, openat, renameat, renameat_with, symlinkat,
    unlinkat,
};
use rustix::io::Errno;
use xenwire_core::install::{
    MANIFEST_FILE, MANIFEST_FOLDER, PROGRAM, PROGRAM_FILE, PROGRAM_FOLDER, Step, aside,
};

use super::Failure;
use super::dpkg::Dpkg;
use super::folder::{Folder, Root};
use super::look::Looked;

impl Looked<'_> {
    /// Does a step. `own` is the program that runs.
    ///
    /// # Errors
    /// Why it is not done.
    pub fn perform(&self, step: &Step, own: Option<&File>) -> Result<(), Failure> {
        let scripts = &self.scripts;
        match step {
            Step::WriteManifest { manifest } => {
                let text = manifest.to_text();
                let mode = Mode::from_raw_mode(0o644);
                write(there(self.state)?, MANIFEST_FILE, mode, |file| {
                    file.write_all(text.as_bytes())
                })
            }
            Step::WriteProgram { .. } => {
                let mode = Mode::from_raw_mode(0o755);
                write(there(self.program.as_ref())?, PROGRAM_FILE, mode, |file| {
                    let mut own = own.ok_or(io::ErrorKind::NotFound)?;
                    own.rewind()?;
                    io::copy(&mut own, file).map(|_| ())
                })
            }
            Step::Divert { name } => {
                let [path, kept] = self.paths(name);
                self.dpkg()?.divert(&path, &kept)
            }
            Step::Undivert { name } => {
                let [path, kept] = self.paths(name);
                self.dpkg()?.undivert(&path, &kept)
            }
            Step::Stage { name } => link(scripts, &aside(name)),
            Step::Link { name } => link(scripts, name),
            Step::Exchange { name } => rename(scripts, name, &aside(name), RenameFlags::EXCHANGE),
            Step::Restore { name } => rename(scripts, &aside(name), name, RenameFlags::NOREPLACE),
            Step::Unlink { name } => remove(scripts, name),
            Step::UnlinkAside { name } => remove(scripts, &aside(name)),
            Step::RemoveProgram => remove(there(self.program.as_ref())?, PROGRAM_FILE),
            Step::RemoveManifest => remove(there(self.state)?, MANIFEST_FILE),
        }
    }

    fn paths(&self, name: &str) -> [String; 2] {
        let folder = self.scripts.path();
        [
            format!("{folder}/{name}"),
            format!("{folder}/{}", aside(name)),
        ]
    }

    fn dpkg(&self) -> Result<&Dpkg, Failure> {
        self.dpkg
            .as_ref()
            .ok_or_else(|| Failure::new("dpkg-divert", "there is no dpkg here"))
    }
}

fn there(folder: Option<&Folder>) -> Result<&Folder, Failure> {
    let gone = || Failure::new("write", "a folder is gone that was there before");
    folder.ok_or_else(gone)
}

/// Removes what a run that was cut off left of its own files, and the folders that only we need, if
/// nothing is in them. Whoever calls this holds the lock.
pub fn tidy(root: &Root) {
    for (path, file) in [
        (PROGRAM_FOLDER, PROGRAM_FILE),
        (MANIFEST_FOLDER, MANIFEST_FILE),
    ] {
        if let Ok(Some(folder)) = root.find(path) {
            let _ = unlinkat(folder.fd(), beside(file), AtFlags::empty());
        }
    }
    remove_empty_folders(root);
}

/// Removes the folders that only we need, if nothing is in them: others are in use, or somebody's.
pub fn remove_empty_folders(root: &Root) {
    for path in [PROGRAM_FOLDER, MANIFEST_FOLDER] {
        let (parent, name) = path.rsplit_once('/').expect("a path from the root");
        if let Ok(Some(parent)) = root.find(parent) {
            let _ = unlinkat(parent.fd(), name, AtFlags::REMOVEDIR);
        }
    }
}

/// The name under which a file is written.
fn beside(name: &str) -> String {
    format!(".{name}.new")
}

/// Writes a file beside its name, puts it on the disk, and gives it the name.
fn write(
    folder: &Folder,
    name: &str,
    mode: Mode,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), Failure> {
    let new = beside(name);
    let failed = |error: io::Error| folder.failure("write", name, error);
    // One that was cut off; nobody else may write here.
    match unlinkat(folder.fd(), &new, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(failed(errno.into())),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = openat(folder.fd(), &new, flags, mode).map_err(|errno| failed(errno.into()))?;
    let mut file = File::from(fd);
    let written = fill(&mut file)
        // Whatever the caller's umask is.
        .and_then(|()| Ok(fchmod(&file, mode)?))
        .and_then(|()| file.sync_all())
        .and_then(|()| Ok(renameat(folder.fd(), &new, folder.fd(), name)?));
    if let Err(error) = written {
        let _ = unlinkat(folder.fd(), &new, AtFlags::empty());
        return Err(failed(error));
    }
    folder.sync()
}

fn link(folder: &Folder, name: &str) -> Result<(), Failure> {
    symlinkat(PROGRAM, folder.fd(), name).map_err(|errno| folder.failure("link", name, errno))?;
    folder.sync()
}

fn rename(folder: &Folder, from: &str, to: &str, how: RenameFlags) -> Result<(), Failure> {
    renameat_with(folder.fd(), from, folder.fd(), to, how)
        .map_err(|errno| folder.failure("rename", from, errno))?;
    folder.sync()
}

fn remove(folder: &Folder, name: &str) -> Result<(), Failure> {
    match unlinkat(folder.fd(), name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => folder.sync(),
        Err(errno) => Err(folder.failure("remove", name, errno)),
    }
}
