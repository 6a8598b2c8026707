//! A listening socket in the file system: taken over from the dead, never from the living.
//!
//! Invariants: at no moment may anybody but the owner connect; a file that is no socket is never
//! removed, nor a socket that is not ours or may have a listener.

use std::fs::{Metadata, remove_file, symlink_metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, fchmod};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::DaemonError;

/// Connections that may wait to be accepted; the kernel allows as many as `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A socket's place. Dropping it removes the socket, if it is still the one that was bound.
#[derive(Debug)]
pub(super) struct Bound {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
}

impl Drop for Bound {
    fn drop(&mut self) {
        if symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.file) {
            let _ = remove_file(&self.path);
        }
    }
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Binds a socket, mode 0600; one that nobody listens on any more is replaced.
pub(super) fn bind(path: &Path) -> Result<(UnixListener, Bound), DaemonError> {
    let failed = |source| DaemonError::Bind {
        path: path.to_owned(),
        source,
    };
    match symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(DaemonError::NotASocket {
                path: path.to_owned(),
            });
        }
        Ok(_) if somebody_listens(path).map_err(failed)? => {
            return Err(DaemonError::InUse {
                path: path.to_owned(),
            });
        }
        Ok(_) => remove_file(path).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = listen(path).map_err(failed)?;
    let found = symlink_metadata(path).map_err(failed)?;
    let bound = Bound {
        path: path.to_owned(),
        file: identity(&found),
    };
    Ok((listener, bound))
}

/// Whether a socket has a listener. An error if that cannot be known.
fn somebody_listens(path: &Path) -> io::Result<bool> {
    let address = SocketAddrUnix::new(path)?;
    let socket = stream_socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    match rustix::net::connect(&socket, &address) {
        // A listener whose queue is full lives as well (unix(7)).
        Ok(()) | Err(Errno::AGAIN) => Ok(true),
        Err(Errno::CONNREFUSED) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn stream_socket(flags: SocketFlags) -> rustix::io::Result<OwnedFd> {
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    let address = SocketAddrUnix::new(path)?;
    let socket = stream_socket(SocketFlags::CLOEXEC)?;
    // The file takes over the mode of the socket (unix_bind_bsd in net/unix/af_unix.c), so there
    // is no moment in which the umask decides alone.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(UnixListener::from(socket))
}
