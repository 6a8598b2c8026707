//! Where a store may be, and a connection to the one that is there.
//!
//! Invariant: the same choice as libxenstore's (`xs_open`, `xs_daemon_socket` and `xs_domain_dev` in
//! `tools/libs/store/xs.c`), so that a program and the `xenstore-*` tools beside it talk to the same
//! store.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::FsWord;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::client::{Device, Transport};

/// The folders in which xenstored keeps its socket, by the way Xen was built.
const FOLDERS: [&str; 2] = ["/run/xenstored", "/var/run/xenstored"];

/// The kernel's device, and the file that older systems have for it.
const DEVICES: [&str; 2] = ["/dev/xen/xenbus", "/proc/xen/xenbus"];

/// The file system of `/proc/xen` (`XENFS_SUPER_MAGIC` in `include/uapi/linux/magic.h`).
const XENFS: FsWord = 0xabba_1974;

/// The places where a store may be, in the order in which to try them, given the variables of the
/// environment.
///
/// `XENSTORED_PATH` names the one place, a socket or a device. Without it the daemon's socket comes
/// first, `socket` in the folder `XENSTORED_RUNDIR` or in the usual ones, and then the kernel's
/// device, which a domain has that does not run the daemon itself. An empty variable counts as one
/// that is not set.
///
/// ```
/// let places = xenwire_xenstore::places(|_| None);
/// assert_eq!(places[0].to_str(), Some("/run/xenstored/socket"));
/// ```
pub fn places(env: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let set = |name| {
        env(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(path) = set("XENSTORED_PATH") {
        return vec![path];
    }
    let folders = match set("XENSTORED_RUNDIR") {
        Some(folder) => vec![folder],
        None => FOLDERS.map(PathBuf::from).to_vec(),
    };
    let sockets = folders.into_iter().map(|folder| folder.join("socket"));
    sockets.chain(DEVICES.map(PathBuf::from)).collect()
}

/// Connects to what is at a path. A server that has no room for another connection is waited for
/// if `patient`, else that is an error.
pub(crate) fn dial(path: &Path, patient: bool) -> io::Result<Box<dyn Transport>> {
    let kind = std::fs::metadata(path)?.file_type();
    if kind.is_socket() {
        let stream = if patient {
            UnixStream::connect(path)?
        } else {
            connect_at_once(path)?
        };
        return Ok(Box::new(stream));
    }
    // On xenfs the device is a regular file (`xenfs_fill_super` in drivers/xen/xenfs/super.c).
    if kind.is_char_device() || (kind.is_file() && rustix::fs::statfs(path)?.f_type == XENFS) {
        return Ok(Box::new(Device::open(path)?));
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "neither a socket nor a xenbus device",
    ))
}

/// A connection to a UNIX socket is made at once or refused, but for a full queue of connections
/// that wait to be let in.
fn connect_at_once(path: &Path) -> io::Result<UnixStream> {
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_choose_as_in_libxenstore() {
        const SOCKETS: [&str; 2] = ["/run/xenstored/socket", "/var/run/xenstored/socket"];
        let usual = [&SOCKETS[..], &DEVICES].concat();
        let folder = ("XENSTORED_RUNDIR", "/a");
        let path = ("XENSTORED_PATH", "/dev/xen/xenbus");
        let table = [
            (vec![], usual.clone()),
            (vec![("XENSTORED_PATH", "")], usual.clone()),
            (vec![("XENSTORED_RUNDIR", "")], usual),
            (vec![folder], [&["/a/socket"][..], &DEVICES].concat()),
            (vec![path], vec!["/dev/xen/xenbus"]),
            (vec![folder, path], vec!["/dev/xen/xenbus"]),
        ];
        for (set, expected) in table {
            let find = |name: &str| set.iter().find(|(other, _)| *other == name);
            let found = places(|name| find(name).map(|(_, value)| (*value).to_owned()));
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(found, expected, "{set:?}");
        }
    }

    #[test]
    fn what_is_at_the_path_decides_how_it_is_opened() {
        let character = dial("/dev/null".as_ref(), true).unwrap();
        assert!(format!("{character:?}").starts_with("Device"));
        for neither in ["/", "/proc/version", "/etc/passwd"] {
            let error = dial(neither.as_ref(), true).unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::InvalidInput,
                "{neither}: {error}"
            );
        }
        let error = dial("/nonexistent/socket".as_ref(), true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
