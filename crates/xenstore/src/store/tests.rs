//! The store's answers and events, one rule of the protocol at a time.

mod domains;
mod nodes;
mod permissions;
mod quotas;
mod transactions;
mod watches;

use super::*;
use crate::wire::Kind;

/// A store, and the events it has sent.
struct Bench {
    store: Store,
    events: Vec<(ConnId, String)>,
}

type Answer = Result<String, ErrorName>;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "|")
}

fn ok(text: &str) -> Answer {
    Ok(text.to_owned())
}

impl Bench {
    fn new() -> Bench {
        Bench::with(Quotas::default())
    }

    fn with(quotas: Quotas) -> Bench {
        Bench {
            store: Store::new(quotas),
            events: Vec::new(),
        }
    }

    /// Payloads are written with `|` for NUL, as in the protocol's table.
    fn ask_in(&mut self, conn: ConnId, tx_id: u32, kind: Kind, payload: &str) -> Answer {
        let payload = payload.replace('|', "\0").into_bytes();
        let request = Packet {
            kind,
            req_id: 9,
            tx_id,
            payload,
        };
        let mut deliveries = self.store.request(conn, &request).into_iter();
        let (to, reply) = deliveries.next().expect("a reply");
        assert_eq!(
            (to, reply.req_id, reply.tx_id),
            (conn, 9, tx_id),
            "the reply comes first"
        );
        for (watcher, event) in deliveries {
            assert_eq!(
                (event.kind, event.req_id, event.tx_id),
                (Kind::WatchEvent, 0, 0)
            );
            self.events.push((watcher, text(&event.payload)));
        }
        if reply.kind == Kind::Error {
            return Err(ErrorName::from_bytes(
                reply.payload.strip_suffix(&[0]).unwrap(),
            ));
        }
        assert_eq!(reply.kind, kind);
        Ok(text(&reply.payload))
    }

    fn ask(&mut self, conn: ConnId, kind: Kind, payload: &str) -> Answer {
        self.ask_in(conn, 0, kind, payload)
    }

    fn begin(&mut self, conn: ConnId) -> u32 {
        let id = self.ask(conn, Kind::TransactionStart, "|").unwrap();
        id.strip_suffix('|').unwrap().parse().unwrap()
    }

    fn commit(&mut self, conn: ConnId, tx_id: u32) -> Answer {
        self.ask_in(conn, tx_id, Kind::TransactionEnd, "T|")
    }

    /// The events since the last look, of one connection.
    fn events(&mut self, conn: ConnId) -> Vec<String> {
        let (own, others) = std::mem::take(&mut self.events)
            .into_iter()
            .partition(|(to, _)| *to == conn);
        self.events = others;
        let own: Vec<(ConnId, String)> = own;
        own.into_iter().map(|(_, event)| event).collect()
    }
}
