//! mount_setattr(2), which rustix has not: a whole tree of mounts made read-only in one call.
//!
//! Linux 5.12. Setting an attribute is allowed even on mounts locked by a user namespace; only
//! clearing a locked one is refused with EPERM (mount_namespaces(7), "Restrictions").

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How far a change of attributes reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The mount at the path.
    One,
    /// That mount and everything below it, or nothing of it.
    Tree,
}

/// Makes the mount at `path` read-only.
pub(super) fn read_only(path: &Path, reach: Reach) -> io::Result<()> {
    set(path, reach, libc::MOUNT_ATTR_RDONLY, 0)
}

/// Makes the mount at `path` writable, if it is not locked.
pub(super) fn writable(path: &Path) -> io::Result<()> {
    set(path, Reach::One, 0, libc::MOUNT_ATTR_RDONLY)
}

fn set(path: &Path, reach: Reach, on: u64, off: u64) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let attributes = libc::mount_attr {
        attr_set: on,
        attr_clr: off,
        propagation: 0,
        userns_fd: 0,
    };
    let flags = match reach {
        Reach::One => 0,
        Reach::Tree => libc::AT_RECURSIVE,
    };
    // SAFETY: the path ends with a zero byte, and the structure and its size belong together; both
    // are only read, and live until the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
