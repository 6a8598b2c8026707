//! Trees, names and values at the limits of the protocol and beyond.

use xenwire_xenstore::wire::{Kind, Packet, terminated};
use xenwire_xenstore::{Client, Error, Nodes};

use crate::hostile::{Lone, request};

const WIDTH: usize = 10_000;

fn names() -> Vec<String> {
    (0..WIDTH)
        .map(|number| format!("child-{number:05}"))
        .collect()
}

fn make_children(nodes: &mut impl Nodes, parent: &str) -> Result<(), Error> {
    let paths: Vec<String> = names()
        .iter()
        .map(|name| format!("{parent}/{name}"))
        .collect();
    for some in paths.chunks(500) {
        let some: Vec<(&str, &[u8])> = some.iter().map(|path| (path.as_str(), &b"v"[..])).collect();
        nodes.write_many(&some)?;
    }
    Ok(())
}

#[test]
fn ten_thousand_children_of_one_node() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let (mut store, mut raw) = (lone.client(0), lone.raw(0));
        make_children(&mut store, "/wide").unwrap();
        let list = request(Kind::Directory, "/wide\0");
        assert_eq!(raw.ask(&list), Err("E2BIG".to_owned()));
        let (mut read, mut generations) = (Vec::new(), Vec::new());
        while read.last() != Some(&0) || !read.ends_with(b"\0\0") {
            let offset = read.len().to_string();
            let part = request(Kind::DirectoryPart, terminated(["/wide", &offset]));
            let part = raw.ask(&part).unwrap();
            let generation = part.iter().position(|byte| *byte == 0).unwrap();
            generations.push(part[..generation].to_vec());
            read.extend_from_slice(&part[generation + 1..]);
        }
        assert_eq!(read, [terminated(names()), vec![0]].concat());
        generations.dedup();
        assert_eq!(generations.len(), 1, "nobody changed the list meanwhile");
        assert_eq!(store.directory("/wide").unwrap(), names());
        store.rm("/wide").unwrap();
        assert!(!store.exists("/wide").unwrap());
    });
}

#[test]
fn ten_thousand_children_in_one_transaction() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let (mut store, mut watcher) = (lone.client(0), lone.client(0));
        watcher.watch("/wide", "t").unwrap();
        store
            .transaction(3, |nodes| make_children(nodes, "/wide"))
            .unwrap();
        assert_eq!(store.directory("/wide").unwrap(), names());
        store.transaction(3, |nodes| nodes.rm("/wide")).unwrap();
        assert!(!store.exists("/wide").unwrap());
        // Its own round trip is behind all events.
        watcher.exists("/wide").unwrap();
        let mut heard = 0;
        while watcher
            .event(Some(std::time::Duration::ZERO))
            .unwrap()
            .is_some()
        {
            heard += 1;
        }
        // At once, each child as it came, and the one node that went.
        assert_eq!(heard, 1 + WIDTH + 1);
    });
}

/// The deepest path there is, and each one that is a level deeper.
#[test]
fn ten_thousand_levels_do_not_fit_a_path() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let mut raw = lone.raw(0);
        for levels in [1537, 2000, 2047] {
            let path = terminated(["/d".repeat(levels)]);
            for kind in [
                Kind::Write,
                Kind::Mkdir,
                Kind::Read,
                Kind::Rm,
                Kind::Directory,
            ] {
                let answer = raw.ask(&request(kind, path.clone()));
                assert_eq!(answer, Err("EINVAL".to_owned()), "{kind:?} {levels} levels");
            }
        }
        // Not even one step at a time, and a relative path reaches no further.
        let mut made = 0;
        for levels in 1..=10_000 {
            let path = terminated(["/s".repeat(levels)]);
            if path.len() > 4096 || raw.ask(&request(Kind::Mkdir, path)).is_err() {
                break;
            }
            made = levels;
        }
        assert_eq!(made, 1536);
        let relative = "r".to_owned() + &"/r".repeat(1024);
        let path = terminated([relative]);
        assert_eq!(
            raw.ask(&request(Kind::Mkdir, path)),
            Err("EINVAL".to_owned())
        );

        let mut store = lone.client(0);
        let deepest = "/s".repeat(1536);
        store.write(&deepest, b"deep").unwrap();
        assert_eq!(store.read(&deepest).unwrap(), b"deep");
        store.rm("/s").unwrap();
        assert!(!store.exists("/s").unwrap());
        deepest_in_a_transaction(&mut store, &deepest);
        assert!(!store.exists("/s").unwrap());
    });
}

fn deepest_in_a_transaction(store: &mut Client, deepest: &str) {
    store
        .transaction(3, |nodes| nodes.write(deepest, b"1"))
        .unwrap();
    assert_eq!(store.read(deepest).unwrap(), b"1");
    store
        .transaction(3, |nodes| {
            nodes.rm("/s")?;
            assert!(!nodes.exists(deepest)?);
            Ok::<_, Error>(())
        })
        .unwrap();
}

fn legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_@".contains(&byte)
}

#[test]
fn names_with_every_byte() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let mut raw = lone.raw(0);
        for byte in 0..=255_u8 {
            let path = [b"/n/", &[byte][..], b"x\0"].concat();
            let expected = if legal(byte) {
                Ok(b"OK\0".to_vec())
            } else {
                Err("EINVAL".to_owned())
            };
            // The path and nothing else: a value, or a child's value, is empty.
            for kind in [Kind::Write, Kind::Mkdir, Kind::Rm] {
                let answer = raw.ask(&request(kind, path.clone()));
                assert_eq!(answer, expected, "{kind:?} with byte {byte:#x}");
            }
            let mut watch = path.clone();
            watch.extend_from_slice(b"token\0");
            for kind in [Kind::Watch, Kind::Unwatch] {
                let answer = raw.ask(&request(kind, watch.clone()));
                assert_eq!(answer, expected, "{kind:?} on byte {byte:#x}");
            }
        }
        assert_eq!(
            raw.events.len(),
            (0..=255).filter(|byte| legal(*byte)).count()
        );
        for path in ["", "//", "/n/", "/n//x", "n/", "@", "@other"] {
            let answer = raw.ask(&request(Kind::Mkdir, terminated([path])));
            assert_eq!(answer, Err("EINVAL".to_owned()), "{path:?}");
        }
    });
}

#[test]
fn tokens_with_every_byte() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let mut raw = lone.raw(0);
        for byte in 0..=255_u8 {
            let token = [b't', byte, b'x'];
            let payload = [b"/n\0", &token[..], b"\0"].concat();
            let answer = raw.ask(&request(Kind::Watch, payload.clone()));
            if byte == 0 {
                // What follows the end of the token is a depth, and `x` is none.
                assert_eq!(answer, Err("EINVAL".to_owned()));
                continue;
            }
            assert_eq!(answer.unwrap(), b"OK\0", "byte {byte:#x}");
            let again = raw.ask(&request(Kind::Watch, payload.clone()));
            assert_eq!(again, Err("EEXIST".to_owned()), "byte {byte:#x}");
            assert_eq!(raw.events.pop().unwrap(), payload, "told as it was given");
        }
        assert_eq!(
            raw.ask(&request(Kind::Unwatch, *b"/n\0t\xffx\0")).unwrap(),
            b"OK\0"
        );
        assert_eq!(
            raw.ask(&request(Kind::Unwatch, *b"/n\0t\xffx\0")),
            Err("ENOENT".to_owned())
        );
    });
}

#[test]
fn values_with_every_byte() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let mut raw = lone.raw(0);
        let all: Vec<u8> = (0..=255).collect();
        let mut values: Vec<&[u8]> = all.chunks(1).collect();
        values.push(&all);
        for value in values {
            for tx_id in [false, true] {
                let mut write = request(Kind::Write, [b"/v\0", value].concat());
                let mut read = request(Kind::Read, "/v\0");
                if tx_id {
                    let tx_id = transaction(&mut raw);
                    (write.tx_id, read.tx_id) = (tx_id, tx_id);
                }
                assert_eq!(raw.ask(&write).unwrap(), b"OK\0");
                assert_eq!(raw.ask(&read).unwrap(), value);
                if tx_id {
                    let end = Packet {
                        kind: Kind::TransactionEnd,
                        payload: b"T\0".to_vec(),
                        ..read
                    };
                    assert_eq!(raw.ask(&end).unwrap(), b"OK\0");
                }
            }
        }
    });
}

fn transaction(raw: &mut crate::hostile::Raw) -> u32 {
    let tx_id = raw.ask(&request(Kind::TransactionStart, "\0")).unwrap();
    let tx_id = std::str::from_utf8(tx_id.strip_suffix(b"\0").unwrap()).unwrap();
    tx_id.parse().unwrap()
}
