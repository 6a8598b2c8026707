//! The kernel's device: what its driver takes and gives, with a SOCK_SEQPACKET pair in its place,
//! which keeps the boundaries of writes.

use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use xenwire_xenstore::client::{DEVICE_PAYLOAD_MAX, Device};
use xenwire_xenstore::wire::{Decoder, ErrorName, Kind, PAYLOAD_MAX, Packet};
use xenwire_xenstore::{Client, Error, Nodes};

/// A client on a device, and the driver's side of it.
fn device(blocking: bool) -> (Client, File) {
    let (ours, theirs) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    let ours = File::from(ours);
    if !blocking {
        rustix::fs::fcntl_setfl(&ours, OFlags::NONBLOCK).unwrap();
    }
    (
        Client::over(Box::new(Device::from(ours))),
        File::from(theirs),
    )
}

/// One write of the client's: a whole packet, and nothing else.
fn request(driver: &mut File) -> Packet {
    let mut buffer = [0; 8192];
    let length = driver.read(&mut buffer).unwrap();
    assert!(length <= PAYLOAD_MAX, "the driver's buffer is full");
    let mut decoder = Decoder::new();
    decoder.feed(&buffer[..length]);
    let packet = decoder.next().unwrap().expect("a whole packet in a write");
    let mut bytes = Vec::new();
    packet.encode(&mut bytes).unwrap();
    assert_eq!(bytes.len(), length, "one packet in a write");
    packet
}

/// What can be read from the device next, in pieces of this size.
fn reply(driver: &mut File, packet: &Packet, piece: usize) {
    let mut bytes = Vec::new();
    packet.encode(&mut bytes).unwrap();
    for piece in bytes.chunks(piece) {
        driver.write_all(piece).unwrap();
    }
}

#[test]
fn each_request_is_a_write_of_its_own() {
    let (mut store, mut driver) = device(true);
    let thread = std::thread::spawn(move || {
        let requests: Vec<Packet> = (0..5).map(|_| request(&mut driver)).collect();
        for packet in requests.iter().rev() {
            let value = packet.payload.strip_suffix(&[0]).unwrap().to_vec();
            reply(&mut driver, &packet.reply(value), 7);
        }
    });
    let paths = ["/a", "/bb", "/ccc", "/dddd", "/eeeee"];
    let values = store.read_many(&paths).unwrap();
    for (path, value) in paths.iter().zip(values) {
        assert_eq!(value.unwrap(), path.as_bytes());
    }
    thread.join().unwrap();
}

#[test]
fn the_longest_reply_and_the_longest_request_pass() {
    for blocking in [true, false] {
        let (mut store, mut driver) = device(blocking);
        let thread = std::thread::spawn(move || {
            let asked = request(&mut driver);
            // The driver gives header and payload as two pieces, and here after a while.
            std::thread::sleep(Duration::from_millis(30));
            reply(&mut driver, &asked.reply(vec![7; PAYLOAD_MAX]), 16);
            let asked = request(&mut driver);
            assert_eq!(asked.payload.len(), DEVICE_PAYLOAD_MAX);
            reply(&mut driver, &asked.reply(b"OK\0".to_vec()), 16);
        });
        assert_eq!(store.read("/a").unwrap(), vec![7; PAYLOAD_MAX]);
        let longest = vec![1; DEVICE_PAYLOAD_MAX - "/a\0".len()];
        store.write("/a", &longest).unwrap();
        let error = store.write("/a", &[&longest[..], &[1]].concat());
        assert!(
            matches!(&error, Err(Error::TooLong { path, limit: DEVICE_PAYLOAD_MAX, .. }) if path == "/a"),
            "{error:?}"
        );
        thread.join().unwrap();
    }
}

/// The driver leaves the number in an event's header unset: here it is that of the request.
#[test]
fn an_event_is_known_by_its_type() {
    let (mut store, mut driver) = device(true);
    let thread = std::thread::spawn(move || {
        let asked = request(&mut driver);
        let event = Packet {
            kind: Kind::WatchEvent,
            req_id: asked.req_id,
            tx_id: 77,
            payload: b"/w\0token\0".to_vec(),
        };
        reply(&mut driver, &event, 5);
        reply(&mut driver, &asked.reply(b"value".to_vec()), 5);
        driver
    });
    assert_eq!(store.read("/a").unwrap(), b"value");
    let event = store.event(Some(Duration::ZERO)).unwrap().unwrap();
    assert_eq!((event.path.as_str(), event.token.as_str()), ("/w", "token"));
    thread.join().unwrap();
}

#[test]
fn a_server_that_is_silent_costs_the_timeout_and_no_more() {
    for blocking in [true, false] {
        let (mut store, mut driver) = device(blocking);
        store.set_timeout(Some(Duration::from_millis(20)));
        assert!(store.read("/slow").unwrap_err().is_timeout());
        let late = request(&mut driver);
        reply(&mut driver, &late.reply(b"late".to_vec()), 16);
        store.set_timeout(Some(Duration::from_secs(20)));
        let thread = std::thread::spawn(move || {
            let asked = request(&mut driver);
            reply(&mut driver, &asked.reply(b"right".to_vec()), 16);
        });
        assert_eq!(store.read("/next").unwrap(), b"right");
        thread.join().unwrap();
    }
}

/// The errno of a write is the server's answer to a watch; `/dev/full` says ENOSPC to any.
#[test]
fn a_watch_that_the_server_refuses_is_its_refusal() {
    let mut store = Client::over(Box::new(Device::open("/dev/full".as_ref()).unwrap()));
    let error = store.watch("/a", "t").unwrap_err();
    assert_eq!(error.server_error(), Some(ErrorName::Enospc), "{error}");
    let error = store.write("/a", b"").unwrap_err();
    assert!(
        matches!(&error, Error::Transport { sent: false, .. }) && !error.may_have_been_done(),
        "{error}"
    );
    assert!(error.to_string().ends_with("it was not sent"), "{error}");
}

#[test]
fn what_the_driver_would_spoil_is_not_sent() {
    let (mut store, mut driver) = device(true);
    for (error, word) in [
        (store.reset_watches().unwrap_err(), "drivers"),
        (store.watch_depth("/a", "t", 1).unwrap_err(), "depth"),
    ] {
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    drop(store);
    assert_eq!(driver.read(&mut [0; 16]).unwrap(), 0, "nothing but the end");
}
