//! unshare(2) and setns(2): leaving and entering namespaces.
//!
//! Invariant: the user namespace maps the caller, and nobody else, to root; the same for an
//! ordinary user and for root, so that there is one road to test.

use std::fs;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::process::{getegid, geteuid};
use rustix::thread::{
    LinkNameSpaceType, ThreadNameSpaceType, UnshareFlags, move_into_link_name_space,
    move_into_thread_name_spaces, unshare_unsafe,
};

use super::error::{Failure, Stage};
use super::fork::Alone;

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    debug_assert!(!flags.contains(UnshareFlags::FILES));
    // SAFETY: the table of file descriptors stays shared (no CLONE_FILES), the one thing that
    // `unshare_unsafe` asks of its caller.
    unsafe { unshare_unsafe(flags) }.map_err(io::Error::from)
}

/// Makes this process root of a user namespace of its own; its next child is pid 1 of a new pid
/// namespace.
///
/// Its files, network and host name stay what they were.
pub(super) fn become_root_of_new(_alone: &Alone) -> Result<(), Failure> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWPID)
        .map_err(|error| Failure::new(Stage::Unshare, "unshare(user, pid)", &error))?;
    // "deny" must come first, or an ordinary user may not write gid_map (user_namespaces(7)).
    for (file, text) in [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {uid} 1")),
        ("/proc/self/gid_map", format!("0 {gid} 1")),
    ] {
        fs::write(file, text)
            .map_err(|error| Failure::new(Stage::Map, &format!("writing {file}"), &error))?;
    }
    Ok(())
}

/// Makes a nested pid namespace for the next child.
pub(super) fn new_pids_for_next_child(_alone: &Alone) -> io::Result<()> {
    unshare(UnshareFlags::NEWPID)
}

/// Gives this process its own mounts, network, IPC objects and host name.
pub(super) fn own_world() -> io::Result<()> {
    unshare(
        UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS,
    )
}

/// Gives the calling thread, and only it, a new network namespace.
pub(super) fn own_network() -> io::Result<()> {
    unshare(UnshareFlags::NEWNET)
}

/// Moves this process into everything the process behind `init` lives in; its next child is in
/// that pid namespace.
///
/// One call for all (Linux 5.8): the kernel checks with the new user namespace's rights and changes
/// nothing if one of them is refused.
pub(super) fn join(_alone: &Alone, init: BorrowedFd<'_>) -> io::Result<()> {
    move_into_thread_name_spaces(
        init,
        ThreadNameSpaceType::USER
            | ThreadNameSpaceType::MOUNT
            | ThreadNameSpaceType::PROCESS_ID
            | ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION
            | ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME
            | ThreadNameSpaceType::NETWORK,
    )
    .map_err(io::Error::from)
}

/// Moves the calling thread into a network namespace.
pub(super) fn enter_network(network: BorrowedFd<'_>) -> io::Result<()> {
    move_into_link_name_space(network, Some(LinkNameSpaceType::Network)).map_err(io::Error::from)
}
