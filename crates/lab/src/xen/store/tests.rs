//! What needs no lab: folders are written all or none, and nobody waits longer than libxl.

use xenwire_xenstore::{Access, Perms, Server, Store};

use std::thread;

use super::*;
use crate::xen::nodes::XenbusState;

fn folder(path: &str, name: &str) -> Folder {
    Folder {
        path: path.into(),
        perms: Perms::owned_by(0, Access::None),
        nodes: vec![(name.into(), "1".into())],
        other_perms: vec![],
    }
}

#[test]
fn folders_come_together_or_not_at_all() {
    let (server, _thread) = Server::spawn(Store::default()).unwrap();
    let mut client = server.client(0).unwrap();
    // No node may be called that, so the third folder fails when the first two are written.
    let folders = [
        folder("/a", "x"),
        folder("/b", "x"),
        folder("/c", "a space"),
    ];
    assert!(write_folders(&mut client, &folders, None).is_err());
    assert_eq!(
        ["/a", "/b", "/c"].map(|path| client.exists(path).unwrap()),
        [false; 3]
    );
    assert!(write_folders(&mut client, &folders[..2], Some("/a")).unwrap());
    assert!(client.exists("/b/x").unwrap());
    // Not over one that is there.
    assert!(!write_folders(&mut client, &[folder("/d", "x")], Some("/a")).unwrap());
    assert!(!client.exists("/d").unwrap());
    server.stop();
}

#[test]
fn a_wait_ends_with_the_value_or_the_limit() {
    assert_eq!(STATE_LIMIT, Duration::from_secs(10));
    let (server, _thread) = Server::spawn(Store::default()).unwrap();
    let mut client = server.client(0).unwrap();
    let two = |value: Option<&[u8]>| XenbusState::of(value) == XenbusState::InitWait;
    let soon = Duration::from_millis(50);
    client.write("/state", b"1").unwrap();
    assert!(!wait_for(&mut client, "/state", soon, two).unwrap());
    let mut other = server.client(0).unwrap();
    let writer = thread::spawn(move || {
        thread::sleep(soon);
        other.write("/state", b"2").unwrap();
    });
    assert!(wait_for(&mut client, "/state", STATE_LIMIT, two).unwrap());
    writer.join().unwrap();
    server.stop();
}
