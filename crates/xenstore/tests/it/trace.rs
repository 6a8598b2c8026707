//! A server that writes a trace, and the trace said again to another server.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use xenwire_xenstore::client::Transport;
use xenwire_xenstore::trace::{self, Daemon, Entry, Local, Report, Said, replay};
use xenwire_xenstore::wire::Kind;
use xenwire_xenstore::{Access, Domid, Handle, Nodes, Perms, Server, Store};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

/// Text that a server writes and a test reads.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Recorded {
    server: Handle,
    thread: JoinHandle<io::Result<()>>,
    sink: Sink,
}

impl Recorded {
    fn start() -> Recorded {
        let sink = Sink::default();
        let lost = |error| panic!("the sink takes everything: {error}");
        let (server, thread) =
            Server::spawn_recorded(Store::default(), sink.clone(), lost).unwrap();
        Recorded {
            server,
            thread,
            sink,
        }
    }

    fn end(self) -> String {
        self.server.stop();
        self.thread.join().unwrap().unwrap();
        self.sink.text()
    }
}

/// A day in the life: transactions that meet, watches, two domains, a long list, an owner.
fn record() -> String {
    let recorded = Recorded::start();
    let server = &recorded.server;
    server.introduce(7);
    let mut dom0 = server.client(0).unwrap();
    let mut other = server.client(0).unwrap();
    let mut guest = server.client(7).unwrap();

    dom0.mkdir("/local/domain/7").unwrap();
    let perms = Perms::owned_by(7, Access::None).with(Access::Both, 0);
    dom0.set_permissions("/local/domain/7", &perms).unwrap();
    dom0.watch("/local/domain/7", "all of it").unwrap();
    guest.watch("device", "relative").unwrap();
    other.watch("@releaseDomain", "gone").unwrap();
    guest.write("device/vif/0/state", b"1\n\xff\"\\").unwrap();
    assert!(guest.write("/tool/mine", b"").unwrap_err().is_denied());
    assert!(dom0.read("/nothing").unwrap_err().is_not_found());

    // The first attempt meets another's write.
    let mut attempts = 0;
    dom0.transaction(5, |nodes| {
        attempts += 1;
        let seen = nodes.read("/counter").unwrap_or_default();
        if attempts == 1 {
            other.write("/counter", b"1")?;
        }
        nodes.write("/counter", &[seen, b"+".to_vec()].concat())
    })
    .unwrap();
    assert_eq!(attempts, 2);

    for number in 0..700 {
        other
            .write(&format!("/long/node-{number:04}"), b"")
            .unwrap();
    }
    assert_eq!(other.directory("/long").unwrap().len(), 700);
    other.rm("/local/domain/7/device").unwrap();
    while guest.event(Some(Duration::ZERO)).unwrap().is_some() {}
    drop(dom0);
    server.release(7);
    while other.event(PATIENCE).unwrap().unwrap().path != "@releaseDomain" {}
    assert_eq!(other.event(PATIENCE).unwrap().unwrap().token, "gone");
    recorded.end()
}

fn kinds(entries: &[Entry], wanted: Kind) -> usize {
    let of_kind = |entry: &&Entry| matches!(entry, Entry::Reply { kind, .. } if *kind == wanted);
    entries.iter().filter(of_kind).count()
}

fn on_a_new_store(entries: &[Entry]) -> Report {
    replay(entries, &mut Local::new(Store::default())).unwrap()
}

#[test]
fn what_was_recorded_is_said_again() {
    let text = record();
    let entries = trace::parse(&text).unwrap();
    // The trace has all that is hard.
    assert!(kinds(&entries, Kind::DirectoryPart) >= 2);
    assert_eq!(kinds(&entries, Kind::TransactionStart), 2);
    assert!(text.contains("ERROR \"EAGAIN\\0\""), "{text}");
    assert!(text.contains("ERROR \"EACCES\\0\""), "{text}");
    assert!(text.contains("\\x0a\\xff\\\"\\\\"), "{text}");
    assert!(
        text.contains("\"device/vif/0/state\\0relative\\0\""),
        "{text}"
    );
    for word in ["introduce 7\n", "release 7\n", "close "] {
        assert!(text.contains(word), "{word}");
    }

    let report = on_a_new_store(&entries);
    assert_eq!(report.differences, []);
    assert_eq!(report.skipped, 0);
    assert!(report.requests > 700, "{report:?}");
}

#[test]
fn over_sockets_the_owners_acts_become_requests() {
    let entries = trace::parse(&record()).unwrap();
    let (server, thread) = Server::spawn(Store::default()).unwrap();
    let mut domains = Vec::new();
    let mut open = |domid: Domid| -> io::Result<Box<dyn Transport>> {
        domains.push(domid);
        let (ours, theirs) = UnixStream::pair()?;
        server.connect(theirs, domid)?;
        Ok(Box::new(ours))
    };
    let report = replay(&entries, &mut open).unwrap();
    assert_eq!(report.differences, []);
    // One more than the trace has: dom0's, which introduces and releases.
    domains.sort_unstable();
    assert_eq!(domains, [0, 0, 0, 7]);
    server.stop();
    thread.join().unwrap().unwrap();
}

#[test]
fn numbers_of_another_server_are_no_difference() {
    let mut entries = trace::parse(&record()).unwrap();
    for entry in &mut entries {
        match entry {
            Entry::Request { tx_id, .. } if *tx_id != 0 => *tx_id += 1000,
            Entry::Reply {
                kind: Kind::TransactionStart,
                payload,
                ..
            } => {
                let number: u32 = std::str::from_utf8(&payload[..payload.len() - 1])
                    .unwrap()
                    .parse()
                    .unwrap();
                *payload = format!("{}\0", number + 1000).into_bytes();
            }
            Entry::Reply {
                kind: Kind::DirectoryPart,
                payload,
                ..
            } => {
                let names = payload.iter().position(|byte| *byte == 0).unwrap();
                payload.splice(..names, b"123456789".iter().copied());
            }
            _ => {}
        }
    }
    assert_eq!(on_a_new_store(&entries).differences, []);
}

#[test]
fn every_reply_that_is_changed_is_found_where_it_is() {
    let entries = trace::parse(&record()).unwrap();
    let few: Vec<usize> = (0..entries.len())
        .filter(|index| !(100..entries.len() - 100).contains(index))
        .collect();
    let mut changed = 0;
    for index in few {
        let mut other = entries.clone();
        match &mut other[index] {
            Entry::Reply { payload, .. } | Entry::Event { payload, .. } => payload.push(b'!'),
            _ => continue,
        }
        changed += 1;
        let found = on_a_new_store(&other).differences;
        // A transaction that was not started under the recorded number makes others differ as well.
        let first = found.first().unwrap();
        assert_eq!(first.line, index + trace::FIRST_LINE, "{found:?}");
        assert_eq!(first.recorded.as_ref(), Some(&other[index]));
        assert_eq!(first.said, Said::Entry(entries[index].clone()));
        let start = matches!(
            &entries[index],
            Entry::Reply {
                kind: Kind::TransactionStart,
                ..
            }
        );
        assert!(start || found.len() == 1, "{found:?}");
    }
    assert!(changed > 50, "{changed}");
}

#[test]
fn a_client_that_has_its_reply_is_in_the_trace() {
    let recorded = Recorded::start();
    let mut client = recorded.server.client(0).unwrap();
    for number in 0..50 {
        client.write("/n", number.to_string().as_bytes()).unwrap();
        let text = recorded.sink.text();
        assert!(text.ends_with("WRITE \"OK\\0\"\n"), "{text}");
        assert_eq!(text.matches(" WRITE 0 ").count(), number + 1);
    }
    recorded.end();
}

#[test]
fn a_sink_that_fails_harms_no_client_and_is_told_once() {
    const HEADER_LINE: usize = trace::HEADER.len() + 1;
    /// Takes some bytes and is full then.
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            match taken {
                0 => Err(io::ErrorKind::StorageFull.into()),
                taken => Ok(taken),
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    // The first line, and all that comes later.
    for room in [0, HEADER_LINE - 1] {
        let unused = |_| panic!("there is no server to lose it");
        let refused = Server::spawn_recorded(Store::default(), Full(room), unused);
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
    for room in [HEADER_LINE, 100] {
        let (told, lost) = mpsc::channel();
        let tell = move |error: io::Error| told.send(error.kind()).unwrap();
        let (server, thread) = Server::spawn_recorded(Store::default(), Full(room), tell).unwrap();
        let mut client = server.client(0).unwrap();
        for _ in 0..20 {
            client.write("/a", b"still served").unwrap();
        }
        let told: Vec<_> = {
            server.stop();
            thread.join().unwrap().unwrap();
            lost.iter().collect()
        };
        assert_eq!(told, [io::ErrorKind::StorageFull]);
    }
}

#[test]
fn a_daemon_without_a_domain_is_named_with_the_line() {
    struct Dom0Only(Local);
    impl Daemon for Dom0Only {
        fn open(&mut self, domid: Domid) -> io::Result<Box<dyn Transport>> {
            match domid {
                0 => self.0.open(0),
                _ => Err(io::Error::other("no socket")),
            }
        }
    }
    let entries = trace::parse("xenstore-trace 1\nopen 1 0\nopen 2 7\n").unwrap();
    let mut daemon = Dom0Only(Local::new(Store::default()));
    let error = replay(&entries, &mut daemon).unwrap_err().to_string();
    assert_eq!(error, "line 3: no connection for domain 7: no socket");
}
