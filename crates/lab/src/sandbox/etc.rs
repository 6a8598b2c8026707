//! /etc in the lab: the host's, read-only, except for a /etc/xen of its own.
//!
//! A host that is no Xen host has no /etc/xen to put something on, and its /etc cannot be written.
//! Then /etc is composed: an own file system with each entry of the real one bound into it, so that
//! every file is there, with its owner and permissions, under its own name.
//!
//! Invariant: nothing of the host's /etc/xen is visible, and nothing else of /etc is hidden.

use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path};

use rustix::mount::mount_move;

use super::error::Failure;
use super::mounts::{bind, folder, freeze, own};
use super::{EtcFile, EtcKind};

const ETC: &str = "/etc";
const XEN: &str = "/etc/xen";
/// Where /etc is composed, in the lab's own /run.
const STAGE: &str = "/run/xenwire/etc";

/// Puts the lab's /etc/xen in place and fills it. /run must be the lab's own already.
pub(super) fn compose(files: &[EtcFile]) -> Result<(), Failure> {
    if Path::new(XEN).is_dir() {
        own(XEN, c"mode=0755")?;
    } else {
        rebuild()?;
    }
    for file in files {
        write(file)
            .map_err(|e| Failure::inside(format!("writing {XEN}/{}", file.path.display()), e))?;
    }
    Ok(())
}

/// Builds an /etc of links and binds to the real one, with an empty own /etc/xen.
fn rebuild() -> Result<(), Failure> {
    folder(STAGE)?;
    own(STAGE, c"mode=0755")?;
    let reading = |e| Failure::inside(format!("reading {ETC}"), e);
    for entry in fs::read_dir(ETC).map_err(reading)? {
        let entry = entry.map_err(reading)?;
        let (from, to) = (entry.path(), Path::new(STAGE).join(entry.file_name()));
        if from == Path::new(XEN) {
            continue;
        }
        let made = entry.file_type().and_then(|kind| {
            if kind.is_symlink() {
                fs::read_link(&from).and_then(|target| symlink(target, &to))?;
                return Ok(false);
            }
            if kind.is_dir() {
                fs::create_dir(&to)?;
            } else {
                fs::write(&to, "")?;
            }
            Ok(true)
        });
        let name = || from.display().to_string();
        if made.map_err(|e| Failure::inside(name(), e))? {
            match bind(&from, &to) {
                // Replaced by an editor or a package between reading the folder and now.
                Err(failure) if failure.errno == libc::ENOENT => {}
                result => result?,
            }
        }
    }
    let xen = format!("{STAGE}/xen");
    folder(&xen)?;
    own(&xen, c"mode=0755")?;
    freeze(STAGE)?;
    mount_move(STAGE, ETC).map_err(|e| Failure::inside(format!("moving {STAGE} to {ETC}"), e))?;
    fs::remove_dir(STAGE).map_err(|e| Failure::inside(format!("removing {STAGE}"), e))
}

/// Makes one entry below /etc/xen.
fn write(file: &EtcFile) -> io::Result<()> {
    let inside = file
        .path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !inside || file.path.as_os_str().is_empty() {
        return Err(io::Error::other("the path must stay below /etc/xen"));
    }
    let path = Path::new(XEN).join(&file.path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match &file.kind {
        EtcKind::Link(target) => symlink(target, path),
        EtcKind::File { bytes, mode } => {
            let mut options = fs::OpenOptions::new();
            let mut to = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)?;
            io::Write::write_all(&mut to, bytes)?;
            to.set_permissions(fs::Permissions::from_mode(mode & 0o7777))
        }
    }
}
