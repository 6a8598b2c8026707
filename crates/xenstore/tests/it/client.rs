//! The client's methods against the server, and its nerves against a server that misbehaves.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use xenwire_xenstore::client::{FEATURE_WATCH_DEPTH, Operation};
use xenwire_xenstore::path::PathError;
use xenwire_xenstore::wire::{ErrorName, Kind, Packet};
use xenwire_xenstore::{Access, Client, Error, Nodes, Perms, WatchEvent};

use crate::bench::Bench;
use crate::far_end::{Site, client_of, play};

const SOON: Option<Duration> = Some(Duration::from_millis(100));

#[test]
fn every_method_does_what_it_says() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    store.write("/a/b", b"one\0two").unwrap();
    assert_eq!(store.read("/a/b").unwrap(), b"one\0two");
    assert_eq!(store.read_text("/a").unwrap(), "");
    store.write("/a/b", &[0xff]).unwrap();
    assert!(matches!(store.read_text("/a/b"), Err(Error::NotText { path }) if path == "/a/b"));
    store.mkdir("/a/c").unwrap();
    store.write_many(&[("/a/d", b"1"), ("/a/e", b"2")]).unwrap();
    assert_eq!(store.directory("/a").unwrap(), ["b", "c", "d", "e"]);
    assert_eq!(store.directory("/a/b").unwrap(), Vec::<String>::new());
    assert!(store.exists("/a/c").unwrap() && !store.exists("/a/q").unwrap());
    assert_eq!(store.read_optional("/a/q").unwrap(), None);
    assert_eq!(store.read_optional("/a/d").unwrap().unwrap(), b"1");
    store.rm("/a/d").unwrap();
    assert!(store.read("/a/d").unwrap_err().is_not_found());
    assert!(store.rm("/q/q").unwrap_err().is_not_found());

    let perms = Perms::owned_by(0, Access::None).with(Access::Read, 5);
    store.set_permissions("/a/b", &perms).unwrap();
    assert_eq!(store.permissions("/a/b").unwrap(), perms);
    assert_eq!(store.domain_path(7).unwrap(), "/local/domain/7");
    assert!(!store.is_introduced(7).unwrap());
    store.introduce(7, 1, 2).unwrap();
    assert!(store.is_introduced(7).unwrap());
    store.release(7).unwrap();
    assert!(store.release(7).unwrap_err().is_not_found());
}

#[test]
fn read_many_tells_each_path_its_own_result() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    let paths: Vec<String> = (0..200).map(|number| format!("/many/{number}")).collect();
    for path in paths.iter().step_by(2) {
        store.write(path, path.as_bytes()).unwrap();
    }
    let borrowed: Vec<&str> = paths.iter().map(String::as_str).collect();
    let results = store.read_many(&borrowed).unwrap();
    assert_eq!(results.len(), paths.len());
    for (number, (path, result)) in paths.iter().zip(results).enumerate() {
        match result {
            Ok(value) => assert_eq!((value.as_slice(), number % 2), (path.as_bytes(), 0)),
            Err(error) => {
                assert!(error.is_not_found() && number % 2 == 1);
                assert!(
                    error.to_string().starts_with(&format!("read {path}: ")),
                    "{error}"
                );
            }
        }
    }
    assert!(store.read_many(&[]).unwrap().is_empty());
}

#[test]
fn long_lists_are_complete() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    let names: Vec<String> = (0..2000)
        .map(|number| format!("child-{number:05}"))
        .collect();
    for name in &names {
        store.mkdir(&format!("/many/{name}")).unwrap();
    }
    assert_eq!(store.directory("/many").unwrap(), names);
}

#[test]
fn invalid_requests_are_not_sent() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut store = Client::from_stream(ours);
    let error = store.write("/a\0evil", b"x").unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Path {
                operation: Operation::Write,
                error: PathError::Character(0),
                ..
            }
        ),
        "{error}"
    );
    assert!(matches!(store.read("a.b"), Err(Error::Path { .. })));
    assert!(matches!(
        store.read("@releaseDomain"),
        Err(Error::Path { .. })
    ));
    assert!(matches!(store.watch("/a", "t\0"), Err(Error::Nul { .. })));
    let error = store.write("/a", &[0; 4094]).unwrap_err();
    assert!(
        matches!(&error, Error::TooLong { path, .. } if path == "/a"),
        "{error}"
    );
    let nodes: [(&str, &[u8]); 2] = [("/a", b"1"), ("/b", &[0; 4096])];
    assert!(
        matches!(store.write_many(&nodes), Err(Error::TooLong { .. })),
        "all or none"
    );
    drop(store);
    assert_eq!(theirs.read(&mut [0; 16]).unwrap(), 0, "nothing but the end");
}

#[test]
fn events_between_request_and_reply_are_kept_in_order() {
    let bench = Bench::start();
    let (mut watcher, mut writer) = (bench.client(0), bench.client(0));
    let event = |path: &str, token: &str| WatchEvent {
        path: path.to_owned(),
        token: token.to_owned(),
    };
    watcher.watch("/w", "first").unwrap();
    watcher.watch("rel", "second").unwrap();
    for number in 0..5 {
        writer.write(&format!("/w/{number}"), b"").unwrap();
    }
    writer.write("/local/domain/0/rel", b"").unwrap();
    // A request of the watcher's own: the events are in the stream before its reply.
    watcher.write("/elsewhere", b"").unwrap();
    let mut expected = vec![event("/w", "first"), event("rel", "second")];
    expected.extend((0..5).map(|number| event(&format!("/w/{number}"), "first")));
    expected.push(event("rel", "second"));
    for expected in expected {
        assert_eq!(watcher.event(Some(Duration::ZERO)).unwrap(), Some(expected));
    }
    assert_eq!(watcher.event(SOON).unwrap(), None);
    watcher.unwatch("/w", "first").unwrap();
    assert_eq!(
        watcher.unwatch("/w", "first").unwrap_err().server_error(),
        Some(ErrorName::Enoent)
    );
    writer.write("/w/late", b"").unwrap();
    assert_eq!(watcher.event(SOON).unwrap(), None);
}

#[test]
fn an_event_wakes_a_waiting_client() {
    let bench = Bench::start();
    let (mut watcher, mut writer) = (bench.client(0), bench.client(0));
    watcher.watch("/w", "t").unwrap();
    watcher.event(None).unwrap();
    let thread = std::thread::spawn(move || watcher.event(Some(Duration::from_secs(20))));
    std::thread::sleep(Duration::from_millis(20));
    writer.write("/w/x", b"1").unwrap();
    assert_eq!(thread.join().unwrap().unwrap().unwrap().path, "/w/x");
}

/// The far end of a client, played by hand.
fn answer(stream: &mut UnixStream, packet: &Packet) {
    let mut bytes = Vec::new();
    packet.encode(&mut bytes).unwrap();
    stream.write_all(&bytes).unwrap();
}

#[test]
fn a_late_reply_does_not_answer_the_next_request() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut store = Client::from_stream(ours);
    store.set_timeout(Some(Duration::from_millis(20)));
    let error = store.read("/slow").unwrap_err();
    assert!(
        error.is_timeout() && error.to_string().starts_with("read /slow"),
        "{error}"
    );
    let reply = |req_id, text: &str| Packet {
        kind: Kind::Read,
        req_id,
        tx_id: 0,
        payload: text.into(),
    };
    answer(&mut theirs, &reply(1, "late"));
    answer(&mut theirs, &reply(2, "right"));
    assert_eq!(store.read("/next").unwrap(), b"right");
}

#[test]
fn a_server_that_leaves_or_raves_is_an_error() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut store = Client::from_stream(ours);
    drop(theirs);
    assert!(
        matches!(store.read("/a"), Err(Error::Transport { .. })),
        "without a signal, too"
    );

    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut store = Client::from_stream(ours);
    theirs.write_all(&[0xff; 64]).unwrap();
    assert!(matches!(store.read("/a"), Err(Error::Malformed { .. })));

    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut store = Client::from_stream(ours);
    answer(
        &mut theirs,
        &Packet {
            kind: Kind::Write,
            req_id: 1,
            tx_id: 0,
            payload: vec![],
        },
    );
    assert!(
        matches!(store.read("/a"), Err(Error::Malformed { .. })),
        "a reply of another kind"
    );
}

#[test]
fn domains_features_and_control() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    store.introduce(7, 1, 2).unwrap();
    store.introduce(8, 3, 4).unwrap();
    store.set_target(8, 7).unwrap();
    store.resume(7).unwrap();
    let features = store.features(None).unwrap();
    assert_eq!(features & FEATURE_WATCH_DEPTH, FEATURE_WATCH_DEPTH);
    store.set_features(7, 0).unwrap();
    assert_eq!(store.features(Some(7)).unwrap(), 0);
    let help = store.control("help", &[]).unwrap();
    assert!(help.contains("help"), "{help}");
    let error = store.control("no\0command", &[]).unwrap_err();
    assert!(matches!(error, Error::Nul { .. }), "{error}");
    let error = store.set_target(60_000, 7).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("set the target of domain 60000: "),
        "{text}"
    );
}

#[test]
fn quotas_are_read_and_set() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    let names = store.quota_names().unwrap();
    let name = names.first().expect("a server has quotas");
    let value = store.quota(None, name).unwrap();
    store.set_quota(None, name, value + 1).unwrap();
    assert_eq!(store.quota(None, name).unwrap(), value + 1);
    store.introduce(7, 1, 2).unwrap();
    store.set_quota(Some(7), name, 3).unwrap();
    assert_eq!(store.quota(Some(7), name).unwrap(), 3);
    let error = store.quota(Some(7), "no-such-quota").unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("get the quota no-such-quota of domain 7: "),
        "{text}"
    );
}

#[test]
fn the_depth_of_a_watch_is_asked_for_first() {
    let bench = Bench::start();
    let (mut watcher, mut writer) = (bench.client(0), bench.client(0));
    watcher.watch_depth("/w", "t", 1).unwrap();
    for path in ["/w/1", "/w/1/2", "/w"] {
        writer.write(path, b"").unwrap();
    }
    watcher.exists("/").unwrap();
    let mut paths = Vec::new();
    while let Some(event) = watcher.event(Some(Duration::ZERO)).unwrap() {
        paths.push(event.path);
    }
    assert_eq!(paths, ["/w", "/w/1", "/w"]);

    // A server without the feature, and one that does not know the question.
    for answer in [Some("0\0"), None] {
        let (mut store, _) = client_of(move |packet: &Packet| {
            assert_eq!(packet.kind, Kind::GetFeature);
            Some(match answer {
                Some(features) => packet.reply(features.into()),
                None => packet.failure(ErrorName::Enosys),
            })
        });
        let error = store.watch_depth("/w", "t", 1).unwrap_err();
        assert!(
            matches!(&error, Error::Unsupported { operation: Operation::Watch, subject, .. } if subject == "/w"),
            "{error}"
        );
    }
}

/// A list in parts from two servers would be a list that nobody has.
#[test]
fn a_list_is_one_servers() {
    let mut site = Site::new();
    let listener = site.bind();
    let mut store = site.client().reconnecting(Duration::from_secs(20));
    let (stream, _) = listener.accept().unwrap();
    let mut parts = 0;
    std::thread::spawn(move || {
        play(stream, |packet| match packet.kind {
            Kind::Directory => Some(packet.failure(ErrorName::E2big)),
            _ if parts == 0 => {
                parts += 1;
                Some(packet.reply(b"1\0old\0".to_vec()))
            }
            _ => None,
        });
        // Another server, which happens to be at the same generation.
        let (stream, _) = listener.accept().unwrap();
        play(stream, |packet| {
            let list = b"new\0node\0";
            let offset = packet.payload.get(3..).unwrap().strip_suffix(&[0]).unwrap();
            let offset: usize = std::str::from_utf8(offset).unwrap().parse().unwrap();
            let rest = list.get(offset..).unwrap();
            Some(packet.reply([b"1\0", rest, b"\0"].concat()))
        });
    });
    assert_eq!(store.directory("/d").unwrap(), ["new", "node"]);
    drop(store);
    site.stop();
}
