//! The lab's view of the file system: the host's, read-only, with a few places of its own.
//!
//! | place | what it is |
//! | --- | --- |
//! | /etc/xen, /run, /tmp, /var/log/xen | own and writable |
//! | /home, /root, /var/tmp | own, empty and read-only |
//! | /proc, /sys | new ones, of the lab's pid and network namespaces |
//! | /proc/sys but for net | read-only: those switches are the whole machine's |
//! | everything else | the host's, read-only |
//!
//! Invariant: nothing of the host's is writable. Everything is made read-only first, in one call,
//! and only then are new file systems put on top. (Device files stay usable: that is a matter of
//! the device, not of the mount. A lab that root starts can use root's devices.)
//!
//! A mount namespace made together with a user namespace gets its mounts locked: they cannot be
//! taken away or made more permissive, but they can be covered (mount_namespaces(7)).

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_bind_recursive,
    mount_change, move_mount, open_tree,
};

use super::error::Failure;
use super::mount_attr::{Reach, read_only, writable};
use super::{EtcFile, NETNS, PROGRAM, etc};

/// Arranges the mounts of this process's mount namespace, which must be its own.
///
/// Returns what a user should be told: what the machine did not allow and the lab lives without.
pub(super) fn arrange(files: &[EtcFile]) -> Result<Vec<String>, Failure> {
    let mut told = Vec::new();
    let root = Path::new("/");
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change(root, private).map_err(|e| Failure::inside("making all mounts private", e))?;
    protect(root)?;
    let program = Program::find()?;

    own("/run", c"mode=0755")?;
    own("/tmp", c"mode=1777")?;
    for (place, options) in [
        ("/home", c"mode=0755"),
        ("/root", c"mode=0755"),
        ("/var/tmp", c"mode=1777"),
    ] {
        if Path::new(place).is_dir() {
            own(place, options)?;
            freeze(place)?;
        }
    }
    run_folders(&mut told)?;
    logs(&mut told)?;
    program.put(Path::new(PROGRAM))?;
    etc::compose(files)?;
    for (place, kind) in [("/proc", "proc"), ("/sys", "sysfs")] {
        told.extend(fresh(place, kind));
    }
    keep_host_switches()?;
    std::env::set_current_dir("/").map_err(|e| Failure::inside("entering /", e))?;
    Ok(told)
}

/// Makes a tree of mounts read-only.
fn protect(root: &Path) -> Result<(), Failure> {
    match read_only(root, Reach::Tree) {
        Ok(()) => return Ok(()),
        // One of them does not let itself be changed. That is no harm if it is read-only already:
        // one by one, then.
        Err(e) if e.raw_os_error() == Some(libc::EPERM) => {}
        Err(e) => return Err(Failure::inside("making all mounts read-only", e)),
    }
    let table = fs::read_to_string("/proc/self/mountinfo")
        .map_err(|e| Failure::inside("reading /proc/self/mountinfo", e))?;
    for line in table.lines() {
        // proc(5): ID, parent, device, root, mount point, options; a space in a name is \040.
        let mut fields = line.split(' ').skip(4);
        let (Some(point), Some(options)) = (fields.next(), fields.next()) else {
            continue;
        };
        let point = unescape(point);
        let already = options.split(',').any(|option| option == "ro");
        match read_only(Path::new(&point), Reach::One) {
            Err(e) if !already => {
                return Err(Failure::inside(format!("making {point} read-only"), e));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Undoes the octal escapes of mountinfo.
fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.first_chunk::<3>().filter(|_| first == b'\\');
        let code = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &tail[3..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Puts an empty file system of our own on `place`.
pub(super) fn own(place: &str, options: &CStr) -> Result<(), Failure> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", place, "tmpfs", flags, options)
        .map_err(|e| Failure::inside(format!("mounting a tmpfs on {place}"), e))
}

/// Makes one mount read-only.
pub(super) fn freeze(place: &str) -> Result<(), Failure> {
    read_only(Path::new(place), Reach::One)
        .map_err(|e| Failure::inside(format!("making {place} read-only"), e))
}

/// Makes a folder in a file system of our own, with those above it.
pub(super) fn folder(path: &str) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|e| Failure::inside(format!("making {path}"), e))
}

/// Binds `from`, with what is mounted below it, on `to`.
///
/// Always with what is below: a locked mount may not be uncovered by leaving it out.
pub(super) fn bind(from: &Path, to: &Path) -> Result<(), Failure> {
    mount_bind_recursive(from, to)
        .map_err(|e| Failure::inside(format!("binding {} on {}", from.display(), to.display()), e))
}

/// What programs expect below /run, and /var/run where that is not the same.
fn run_folders(told: &mut Vec<String>) -> Result<(), Failure> {
    for path in [NETNS, "/run/lock", "/run/xen-hotplug", "/run/xenwire/bin"] {
        folder(path)?;
    }
    let target = |path: &str| fs::metadata(path).map(|m| (m.dev(), m.ino())).ok();
    match target("/var/run") {
        Some(found) if Some(found) == target("/run") => {}
        Some(_) => bind(Path::new("/run"), Path::new("/var/run"))?,
        None => told.push("this host has no /var/run: Xen's scripts use /run here".to_owned()),
    }
    Ok(())
}

/// A writable /var/log/xen.
fn logs(told: &mut Vec<String>) -> Result<(), Failure> {
    const LOGS: &str = "/var/log/xen";
    if Path::new(LOGS).is_dir() {
        return own(LOGS, c"mode=0755");
    }
    if !Path::new("/var/log").is_dir() {
        told.push(format!(
            "this host has no /var/log: there is no {LOGS} here"
        ));
        return Ok(());
    }
    own("/var/log", c"mode=0755")?;
    folder(LOGS)?;
    own(LOGS, c"mode=0755")?;
    freeze("/var/log")
}

/// Puts a new proc or sysfs on `place`; returns what to tell if the kernel refuses.
///
/// In a container whose own /proc is masked, the kernel refuses a new one, which would show what
/// was masked (fs/namespace.c, mount_too_revealing). The old one shows the host's processes, but its
/// /proc/sys/net is that of whoever looks: enough for a lab, if it can be written.
fn fresh(place: &str, kind: &str) -> Option<String> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let refused = mount(kind, place, kind, flags, None).err()?;
    let but = match writable(Path::new(place)) {
        Ok(()) => String::new(),
        Err(e) => format!(", and read-only ({e})"),
    };
    Some(format!(
        "no new {place} ({refused}): the one of the host is used{but}"
    ))
}

/// Makes the kernel's switches that are the whole machine's read-only; /proc/sys/net stays.
///
/// An ordinary user cannot write them. Root can even from a user namespace: there the kernel asks
/// for the owner and not for a capability (fs/proc/proc_sysctl.c, test_perm).
fn keep_host_switches() -> Result<(), Failure> {
    let reading = |e| Failure::inside("reading /proc/sys", e);
    let mut places = vec![PathBuf::from("/proc/sysrq-trigger")];
    for entry in fs::read_dir("/proc/sys").map_err(reading)? {
        places.push(entry.map_err(reading)?.path());
    }
    for place in places {
        if place.ends_with("net") || !place.exists() {
            continue;
        }
        bind(&place, &place)?;
        read_only(&place, Reach::Tree)
            .map_err(|e| Failure::inside(format!("making {} read-only", place.display()), e))?;
    }
    Ok(())
}

/// The running program, held before its path is hidden.
enum Program {
    /// A mount of the file, not yet anywhere.
    Mount(OwnedFd),
    /// The file itself, to be copied: its path is gone or is another file by now.
    File(fs::File),
}

impl Program {
    fn find() -> Result<Self, Failure> {
        const EXE: &str = "/proc/self/exe";
        let failed = |e: io::Error| Failure::inside(format!("opening {EXE}"), e);
        let running = fs::metadata(EXE).map_err(failed)?;
        let path = fs::read_link(EXE).map_err(failed)?;
        // The handle that /proc/self/exe gives is of a mount outside of this mount namespace, which
        // open_tree refuses; the path leads to the same file in a mount of this one.
        if fs::metadata(&path).is_ok_and(|m| (m.dev(), m.ino()) == (running.dev(), running.ino())) {
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            if let Ok(tree) = open_tree(CWD, &path, flags) {
                return Ok(Self::Mount(tree));
            }
        }
        fs::File::open(EXE).map(Self::File).map_err(failed)
    }

    fn put(self, place: &Path) -> Result<(), Failure> {
        use std::os::unix::fs::OpenOptionsExt;
        let failed = |e: io::Error| Failure::inside(format!("putting {}", place.display()), e);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(place)
            .map_err(failed)?;
        match self {
            Self::Mount(tree) => {
                let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
                move_mount(&tree, "", CWD, place, flags).map_err(|e| failed(e.into()))
            }
            Self::File(mut from) => io::copy(&mut from, &mut file).map(drop).map_err(failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_unescaped() {
        assert_eq!(unescape(r"/mnt/a\040b\134c"), r"/mnt/a b\c");
        assert_eq!(unescape(r"/mnt/\04"), r"/mnt/\04");
        assert_eq!(unescape(r"/mnt/\999"), r"/mnt/\999");
    }
}
