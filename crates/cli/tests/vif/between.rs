//! The backend's folder, or the store itself, goes between a call's reading and its writing: the
//! toolstack has removed the device. Nothing is made again, and what was done is undone.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};

use xenwire_xenstore::{Client, Nodes as _};

use crate::caller::Host;
use crate::world::backend;

/// The numbers of requests (xen/include/public/io/xs_wire.h).
const TRANSACTION_START: u32 = 6;
const TRANSACTION_END: u32 = 7;
const WRITE: u32 = 11;

/// One packet: a header of four numbers, of which the first is its kind and the last its length.
fn packet(stream: &mut UnixStream) -> io::Result<(u32, Vec<u8>)> {
    let mut bytes = vec![0; 16];
    stream.read_exact(&mut bytes)?;
    let number = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    let (kind, length) = (number(0), number(12));
    bytes.resize(16 + usize::try_from(length).unwrap(), 0);
    stream.read_exact(&mut bytes[16..])?;
    Ok((kind, bytes))
}

/// What happens at the first request of a kind, before the store sees it.
enum Then {
    FolderGoes,
    StoreGoes,
}

/// Stands between one client and the store.
fn between(host: &Host, at: u32, then: Then) -> (String, JoinHandle<bool>) {
    let path = host.world.folder().join("between");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let mut store = UnixStream::connect(host.store_socket()).unwrap();
    let mut own: Client = host.world.store();
    let thread = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut happened = false;
        // Until the client has said all that it wants to say.
        while let Ok((kind, bytes)) = packet(&mut client) {
            if kind == at && !happened {
                happened = true;
                match then {
                    Then::FolderGoes => own.rm(&backend(1)).unwrap(),
                    Then::StoreGoes => return true,
                }
            }
            store.write_all(&bytes).unwrap();
            let (_, answer) = packet(&mut store).unwrap();
            if client.write_all(&answer).is_err() {
                break;
            }
        }
        happened
    });
    (path.to_str().unwrap().to_owned(), thread)
}

fn is_undone(script: &str, at: u32, then: Then, nodes: &[(&str, Vec<u8>)]) {
    let Some(host) = Host::new() else { return };
    host.arrive(nodes);
    let before = host.world.state();
    let is_folder = matches!(then, Then::FolderGoes);
    let (path, thread) = between(&host, at, then);
    let mut env = host.env.clone();
    env.insert("XENSTORED_PATH".into(), path.into_bytes());
    let output = host.run_with(&env, script, &[b"online".to_vec()]);
    assert!(thread.join().unwrap(), "{script} never asked {at}");
    assert_eq!(output.status.code(), Some(1), "{script}, {at}: {output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    assert_eq!(host.differs_from(&before), [""; 0], "{script}, {at}");
    let left = host.world.store().exists(&backend(1)).unwrap();
    assert_eq!(left, !is_folder, "{script}, {at}");
    let log = host.world.sh("cat /var/log/xen/xen-hotplug.log");
    assert!(
        !is_folder || log.contains("the toolstack has removed the device"),
        "{log}"
    );
    host.leave();
}

#[test]
fn the_folder_goes_between_reading_and_writing() {
    for script in ["vif-bridge", "vif-nat"] {
        for at in [TRANSACTION_START, WRITE, TRANSACTION_END] {
            let ip = ("ip", b"198.51.100.1".to_vec());
            is_undone(script, at, Then::FolderGoes, &[ip]);
        }
    }
}

#[test]
fn the_store_goes_between_reading_and_writing() {
    is_undone("vif-bridge", TRANSACTION_START, Then::StoreGoes, &[]);
}
