//! What a write below a node with many children costs, alone and while a transaction is open.
//!
//! An open transaction holds a snapshot; the first change after its start copies the nodes on the
//! way, and a copied node brings the list of its children.

use xenwire_xenstore::wire::{Kind, Packet, terminated};
use xenwire_xenstore::{Client, Nodes, Store};

use crate::Bench;
use crate::measure::{median, micros, time};

const WIDTHS: [usize; 5] = [10, 100, 1000, 10_000, 100_000];
const ROUNDS: usize = 30;

fn widen(client: &mut Client, width: usize) {
    let paths: Vec<String> = (0..width)
        .map(|number| format!("/wide/{number:06}"))
        .collect();
    for some in paths.chunks(500) {
        let nodes: Vec<(&str, &[u8])> =
            some.iter().map(|path| (path.as_str(), &b"1"[..])).collect();
        client.write_many(&nodes).unwrap();
    }
}

pub fn run() {
    println!(
        "  median us of            alone   first after a   next after it   start, write, commit"
    );
    println!(
        "                                  start elsewhere                 in one transaction"
    );
    for width in WIDTHS {
        let mut store = Store::default();
        let conn = store.connect(0);
        // Without sockets: their round trip would hide what is small.
        let mut ask = move |kind, tx_id, payload: Vec<u8>| {
            let packet = Packet {
                kind,
                req_id: 1,
                tx_id,
                payload,
            };
            let (_, reply) = store.request(conn, &packet).swap_remove(0);
            assert_eq!(reply.kind, kind, "{reply:?}");
            reply.payload
        };
        for number in 0..width {
            ask(
                Kind::Write,
                0,
                format!("/wide/{number:06}\x001").into_bytes(),
            );
        }
        let start = |ask: &mut dyn FnMut(Kind, u32, Vec<u8>) -> Vec<u8>| -> u32 {
            let text = String::from_utf8(ask(Kind::TransactionStart, 0, vec![0])).unwrap();
            text.trim_end_matches('\0').parse().unwrap()
        };
        let write = || b"/wide/000003\x002".to_vec();
        let [mut alone, mut first, mut next, mut own] = std::array::from_fn(|_| Vec::new());
        for _ in 0..ROUNDS {
            alone.push(time(|| drop(ask(Kind::Write, 0, write()))));
            let tx_id = start(&mut ask);
            first.push(time(|| drop(ask(Kind::Write, 0, write()))));
            next.push(time(|| drop(ask(Kind::Write, 0, write()))));
            ask(Kind::TransactionEnd, tx_id, terminated(["F"]));
            own.push(time(|| {
                let tx_id = start(&mut ask);
                ask(Kind::Write, tx_id, write());
                ask(Kind::TransactionEnd, tx_id, terminated(["T"]));
            }));
        }
        let [alone, first, next, own] =
            [&mut alone, &mut first, &mut next, &mut own].map(|times| micros(median(times)));
        println!("  {width:>6} children  {alone:>12.1} {first:>15.1} {next:>15.1} {own:>18.1}");
    }
    through_a_socket();
}

/// The same as a client sees it: its whole round trip, at the two ends of the range.
fn through_a_socket() {
    for width in [WIDTHS[0], WIDTHS[WIDTHS.len() - 1]] {
        let bench = Bench::start();
        let (mut client, mut other) = (bench.client(), bench.client());
        widen(&mut client, width);
        let mut writes = Vec::new();
        for _ in 0..ROUNDS {
            // The transaction is open while the other client writes.
            let ended: Result<(), xenwire_xenstore::Error> = client.transaction(1, |nodes| {
                nodes.read("/tool")?;
                writes.push(time(|| other.write("/wide/000003", b"2").unwrap()));
                Ok(())
            });
            ended.unwrap();
        }
        let write = micros(median(&mut writes));
        println!(
            "  round trip of a write below {width:>6} children, first after a start: {write:.1} us"
        );
    }
}
