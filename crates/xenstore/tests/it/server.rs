//! Clients that do harm to nobody but themselves, and sockets that come and go.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use xenwire_xenstore::wire::{Decoder, Kind, Packet, terminated};
use xenwire_xenstore::{Access, Nodes, Perms};

use crate::bench::Bench;

/// A test that waits for something that does not come fails after this time.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

fn bytes(kind: Kind, payload: Vec<u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Packet {
        kind,
        req_id: 1,
        tx_id: 0,
        payload,
    }
    .encode(&mut bytes)
    .unwrap();
    bytes
}

/// Whether the server closes the stream within some seconds, whatever it sends before.
fn is_cut_off(stream: &mut UnixStream) -> bool {
    stream.set_read_timeout(PATIENCE).unwrap();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn a_client_that_floods_and_does_not_read_holds_up_only_itself() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    store.write("/big", &[7; 4000]).unwrap();
    let mut flood = UnixStream::connect(bench.socket(0)).unwrap();
    flood
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let request = bytes(Kind::Read, terminated(["/big"]));
    let mut sent = 0;
    while let Ok(length) = flood.write(&request.repeat(100)) {
        sent += length;
        assert!(
            sent < 10_000_000,
            "the server goes on taking requests from a client that does not read"
        );
    }
    assert_eq!(
        store.read("/big").unwrap().len(),
        4000,
        "the others are served"
    );
    flood.set_read_timeout(PATIENCE).unwrap();
    // It is not lost either: all it asked in whole requests is answered once it reads.
    let mut answer = [0; 4016];
    for _ in 0..sent / request.len() {
        flood.read_exact(&mut answer).unwrap();
    }
}

/// A connection that watches `/w` with a token so long that 3000 events fill any queue.
fn sleeper(bench: &Bench) -> UnixStream {
    let mut sleeper = UnixStream::connect(bench.socket(0)).unwrap();
    let token = "t".repeat(3000);
    let request = bytes(Kind::Watch, terminated(["/w", &token]));
    sleeper.write_all(&request).unwrap();
    let mut reply = [0; 19];
    sleeper.read_exact(&mut reply).unwrap();
    sleeper
}

#[test]
fn a_watcher_that_lets_events_pile_up_is_cut_off() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    store.set_timeout(PATIENCE);
    let mut sleeper = sleeper(&bench);
    for number in 0..3000 {
        store.write(&format!("/w/{number}"), b"").unwrap();
    }
    assert!(is_cut_off(&mut sleeper));
    assert_eq!(store.directory("/w").unwrap().len(), 3000);
}

#[test]
fn the_same_event_over_and_over_does_not_cut_a_watcher_off() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    let mut sleeper = sleeper(&bench);
    for number in 0..3000 {
        store.write(&format!("/w/{}", number % 7), b"").unwrap();
    }
    store.write("/w/last", b"").unwrap();
    sleeper.set_read_timeout(PATIENCE).unwrap();
    sleeper
        .write_all(&bytes(Kind::Read, terminated(["/w/last"])))
        .unwrap();
    let mut decoder = Decoder::new();
    let (mut buffer, mut events) = (vec![0; 1 << 16], Vec::new());
    let reply = loop {
        match decoder.next().unwrap() {
            Some(packet) if packet.kind == Kind::WatchEvent => events.push(packet.payload),
            Some(packet) => break packet,
            None => match sleeper.read(&mut buffer).unwrap() {
                0 => panic!("cut off after {} events", events.len()),
                length => decoder.feed(&buffer[..length]),
            },
        }
    };
    assert_eq!(reply.kind, Kind::Read);
    assert!(
        events.len() < 1000,
        "{} events were kept for it",
        events.len()
    );
    assert!(
        events.last().unwrap().starts_with(b"/w/last\0"),
        "news gets through"
    );
}

#[test]
fn a_client_that_pipelines_and_reads_is_served() {
    let bench = Bench::start();
    bench.client(0).write("/big", &[7; 4000]).unwrap();
    let mut stream = UnixStream::connect(bench.socket(0)).unwrap();
    let mut reader = stream.try_clone().unwrap();
    reader.set_read_timeout(PATIENCE).unwrap();
    let requests = bytes(Kind::Read, terminated(["/big"])).repeat(2000);
    let writer = std::thread::spawn(move || stream.write_all(&requests).map(|()| stream));
    let mut answers = vec![0; 2000 * 4016];
    reader.read_exact(&mut answers).unwrap();
    writer.join().unwrap().unwrap();
}

#[test]
fn garbage_ends_only_its_own_connection() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    let mut raver = UnixStream::connect(bench.socket(0)).unwrap();
    raver.write_all(&[0xff; 1000]).unwrap();
    assert!(is_cut_off(&mut raver));
    // Half a packet, and gone.
    let mut quitter = UnixStream::connect(bench.socket(0)).unwrap();
    quitter
        .write_all(&bytes(Kind::Read, terminated(["/a"]))[..18])
        .unwrap();
    drop(quitter);
    store.write("/a", b"1").unwrap();
    assert_eq!(store.read("/a").unwrap(), b"1");
}

#[test]
fn requests_arrive_in_any_pieces() {
    let bench = Bench::start();
    let mut stream = UnixStream::connect(bench.socket(0)).unwrap();
    let request = bytes(Kind::Write, b"/a\0value".to_vec());
    for byte in &request {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut reply = [0; 19];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply[16..], b"OK\0");
}

#[test]
fn a_socket_carries_its_domain() {
    let bench = Bench::start();
    let guest_socket = bench.listen(5);
    let (mut dom0, mut guest) = (bench.client(0), bench.client(5));
    dom0.write("/local/domain/5/name", b"five").unwrap();
    assert!(guest.read("name").unwrap_err().is_denied());
    let perms = Perms::owned_by(0, Access::None).with(Access::Read, 5);
    dom0.set_permissions("/local/domain/5/name", &perms)
        .unwrap();
    assert_eq!(guest.read_text("name").unwrap(), "five");
    assert!(guest.introduce(6, 1, 1).unwrap_err().is_denied());

    dom0.watch("@introduceDomain", "in").unwrap();
    dom0.watch("@releaseDomain", "out").unwrap();
    bench.server.introduce(5);
    bench.server.release(5);
    let tokens: Vec<String> = (0..4)
        .map(|_| dom0.event(PATIENCE).unwrap().expect("an event").token)
        .collect();
    assert_eq!(tokens, ["in", "out", "in", "out"]);
    let error = guest.read("name").unwrap_err();
    assert!(error.is_denied(), "what it was granted went with it");
    dom0.set_permissions("/local/domain/5/name", &perms)
        .unwrap();

    bench.server.unlisten(guest_socket);
    assert_eq!(
        guest.read_text("name").unwrap(),
        "five",
        "who is in stays in"
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    while UnixStream::connect(bench.socket(5)).is_ok() {
        assert!(Instant::now() < deadline, "the socket still listens");
    }
    let mut direct = bench.server.client(5).unwrap();
    assert_eq!(direct.read_text("name").unwrap(), "five");
}

#[test]
fn a_guest_cannot_take_all_the_places() {
    let bench = Bench::start();
    bench.listen(5);
    let mut guests: Vec<_> = (0..128).map(|_| bench.client(5)).collect();
    for guest in &mut guests {
        guest.domain_path(5).unwrap();
    }
    assert!(bench.client(5).domain_path(5).is_err(), "one too many");
    bench.client(0).write("/a", b"1").unwrap();
    guests.pop();
    let deadline = Instant::now() + Duration::from_secs(20);
    while bench.client(5).domain_path(5).is_err() {
        assert!(
            Instant::now() < deadline,
            "the place of one that left is free"
        );
    }
}

#[test]
fn a_hundred_clients_hear_of_a_change() {
    let bench = Bench::start();
    let mut clients: Vec<_> = (0..100).map(|_| bench.client(0)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.watch("/shared", &number.to_string()).unwrap();
        client.event(None).unwrap();
    }
    clients[0].write("/shared/x", b"1").unwrap();
    for (number, client) in clients.iter_mut().enumerate() {
        let event = client.event(PATIENCE).unwrap().expect("an event");
        assert_eq!(
            (event.path.as_str(), event.token),
            ("/shared/x", number.to_string())
        );
        client.write(&format!("/own/{number}"), b"1").unwrap();
    }
    assert_eq!(clients[0].directory("/own").unwrap().len(), 100);
}

#[test]
fn stop_ends_the_thread_and_the_connections() {
    let mut bench = Bench::start();
    let mut stream = UnixStream::connect(bench.socket(0)).unwrap();
    let mut store = bench.client(0);
    store.write("/a", b"1").unwrap();
    bench.stop().unwrap();
    assert!(is_cut_off(&mut stream));
    assert!(store.read("/a").is_err());
    bench.server.stop();
}
