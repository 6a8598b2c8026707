//! A store and the model of one, asked the same.
//!
//! Every reply and every event, to whom and in which order, has to be the same; so has now and then
//! the whole tree, as dom0 reads it.

use xenwire_xenstore::store::{ConnId, Deliveries};
use xenwire_xenstore::trace::Entry;
use xenwire_xenstore::wire::{Kind, Packet};
use xenwire_xenstore::{Domid, Quotas, Store};

use crate::acts::{Act, Seat, Tx};
use crate::model::{Event, Model};
use crate::replies::Versions;
use crate::tally::Tally;
use crate::theme::Theme;

/// What the two do not agree on.
pub type Difference = String;

pub struct Pair {
    store: Store,
    pub model: Model,
    theme: &'static Theme,
    pub seats: Vec<Connection>,
    /// dom0's, to look at the tree.
    auditor: ConnId,
    pub versions: Versions,
    last_number: u64,
    pub tally: Tally,
    /// What was said, when it is to be kept.
    pub trace: Option<Vec<Entry>>,
}

pub struct Connection {
    id: ConnId,
    /// In traces a connection's number is used once.
    number: u64,
    /// The transactions started on it, the last one first.
    pub started: Vec<u32>,
}

impl Pair {
    pub fn new(theme: &'static Theme) -> Pair {
        Pair::with(theme, &theme.quotas, None)
    }

    /// One whose trace is kept. It begins with the default quotas and sets the theme's by request,
    /// as then any server can be asked the same.
    pub fn traced(theme: &'static Theme) -> Pair {
        Pair::with(theme, &Quotas::default(), Some(Vec::new()))
    }

    fn with(theme: &'static Theme, quotas: &Quotas, trace: Option<Vec<Entry>>) -> Pair {
        let mut store = Store::new(quotas.clone());
        let auditor = store.connect(0);
        let mut pair = Pair {
            store,
            model: Model::new(quotas, theme.domids),
            theme,
            seats: Vec::new(),
            auditor,
            versions: Versions::default(),
            last_number: 0,
            tally: Tally::default(),
            trace,
        };
        for domid in theme.domids {
            let connection = pair.connect(domid);
            pair.seats.push(connection);
        }
        pair
    }

    fn connect(&mut self, domid: Domid) -> Connection {
        self.last_number += 1;
        let conn = self.last_number;
        self.note(|| Entry::Opened { conn, domid });
        Connection {
            id: self.store.connect(domid),
            number: conn,
            started: Vec::new(),
        }
    }

    fn note(&mut self, entry: impl FnOnce() -> Entry) {
        if let Some(trace) = &mut self.trace {
            trace.push(entry());
        }
    }

    /// What comes before a theme's own acts.
    pub fn settle(&mut self) -> Result<(), Difference> {
        let ask = |kind, words: &[&str]| Act::Ask {
            seat: 0,
            tx: Tx::None,
            kind,
            payload: words
                .iter()
                .flat_map(|word| [word.as_bytes(), b"\0"].concat())
                .collect(),
        };
        let mut acts = Vec::new();
        if self.trace.is_some() && self.theme.quotas != Quotas::default() {
            for (name, limit) in self.theme.limits() {
                acts.push(ask(Kind::SetQuota, &[name, &limit.to_string()]));
            }
        }
        if self.theme.settled {
            for domid in ["5", "6", "7"] {
                let home = format!("/local/domain/{domid}");
                acts.push(ask(Kind::Introduce, &[domid, "1", "1"]));
                acts.push(ask(Kind::Mkdir, &[&home]));
                acts.push(ask(Kind::SetPerms, &[&home, &format!("n{domid}")]));
            }
            acts.push(ask(Kind::SetTarget, &["6", "5"]));
        }
        if self.theme.suits_a_daemon() {
            // Whatever is inherited on the host, everything below inherits this.
            for base in ["/xenwire-trace", "xenwire-trace"] {
                acts.push(ask(Kind::Mkdir, &[base]));
                acts.push(ask(Kind::SetPerms, &[base, "n0"]));
            }
        }
        acts.iter().try_for_each(|act| self.perform(act))
    }

    pub fn perform(&mut self, act: &Act) -> Result<(), Difference> {
        match act {
            Act::Ask {
                seat,
                tx,
                kind,
                payload,
            } => {
                let tx_id = match *tx {
                    Tx::None => 0,
                    Tx::Started(other, back) => *self.seats[other].started.get(back).unwrap_or(&0),
                    Tx::Unknown => 4_000_000_000,
                };
                let (kind, payload) = (*kind, payload.clone());
                let packet = Packet {
                    kind,
                    req_id: 7,
                    tx_id,
                    payload,
                };
                self.ask(*seat, packet)
                    .map_err(|what| format!("{act}: {what}"))
            }
            Act::Return(seat) => {
                let (old, conn) = (self.seats[*seat].id, self.seats[*seat].number);
                self.store.disconnect(old);
                self.model.reset(*seat);
                self.note(|| Entry::Closed { conn });
                self.seats[*seat] = self.connect(self.theme.domids[*seat]);
                Ok(())
            }
            Act::Introduce(domid) => {
                self.note(|| Entry::Introduced(*domid));
                let (said, expected) = (self.store.introduce(*domid), self.model.introduce(*domid));
                self.compare_events(said, &expected)
                    .map_err(|what| format!("{act}: {what}"))
            }
            Act::Release(domid) => {
                self.note(|| Entry::Released(*domid));
                let (said, expected) = (self.store.release(*domid), self.model.release(*domid));
                self.compare_events(said, &expected)
                    .map_err(|what| format!("{act}: {what}"))
            }
        }
    }

    fn ask(&mut self, seat: Seat, packet: Packet) -> Result<(), Difference> {
        let mut expected_events = Vec::new();
        let expected = self.model.request(seat, &packet, &mut expected_events);
        let mut said = self.store.request(self.seats[seat].id, &packet);
        if said.is_empty() {
            return Err("no reply".to_owned());
        }
        let (to, reply) = said.remove(0);
        let (conn, kind, tx_id) = (self.seats[seat].number, packet.kind, packet.tx_id);
        let payload = &packet.payload;
        self.note(|| Entry::Request {
            conn,
            kind,
            tx_id,
            payload: payload.clone(),
        });
        let (kind, payload) = (reply.kind, &reply.payload);
        self.note(|| Entry::Reply {
            conn,
            kind,
            payload: payload.clone(),
        });
        self.tally
            .count(packet.kind, tx_id != 0, &expected, said.len());
        if (to, reply.req_id, reply.tx_id) != (self.seats[seat].id, packet.req_id, packet.tx_id) {
            return Err(format!("the reply is not the request's: {reply:?}"));
        }
        self.compare_reply(seat, &packet, &expected, &reply)?;
        self.compare_events(said, &expected_events)
    }

    fn compare_events(&mut self, said: Deliveries, expected: &[Event]) -> Result<(), Difference> {
        let mut events = Vec::new();
        for (to, event) in said {
            if (event.kind, event.req_id, event.tx_id) != (Kind::WatchEvent, 0, 0) {
                return Err(format!("{event:?} is no event"));
            }
            let seat = self.seats.iter().position(|connection| connection.id == to);
            let seat = seat.ok_or_else(|| format!("{event:?} for nobody"))?;
            let (conn, payload) = (self.seats[seat].number, event.payload);
            self.note(|| Entry::Event {
                conn,
                payload: payload.clone(),
            });
            events.push((seat, payload));
        }
        if events == expected {
            return Ok(());
        }
        let text = |events: &[Event]| -> Vec<String> {
            let texts = events.iter();
            texts
                .map(|(seat, event)| format!("{seat}: {}", event.escape_ascii()))
                .collect()
        };
        Err(format!(
            "events expected {:?}, found {:?}",
            text(expected),
            text(&events)
        ))
    }

    /// The whole tree and what each domain uses, as dom0 sees them. Seat 0 is dom0's in every theme.
    pub fn compare_trees(&mut self) -> Result<(), Difference> {
        let mut questions = Vec::new();
        for path in self.model.nodes.paths() {
            for kind in [Kind::Read, Kind::GetPerms, Kind::Directory] {
                questions.push((kind, format!("{path}\0")));
            }
        }
        let domids = [0, 5, 6, 7].iter();
        questions.extend(domids.map(|domid| (Kind::Control, format!("quota\0{domid}\0"))));
        for (kind, question) in questions {
            let payload = question.clone().into_bytes();
            let packet = Packet {
                kind,
                req_id: 8,
                tx_id: 0,
                payload,
            };
            let expected = self.model.request(0, &packet, &mut Vec::new());
            let said = self.store.request(self.auditor, &packet);
            let Some((_, reply)) = said.first() else {
                return Err(format!("dom0 gets no answer to {kind} {question}"));
            };
            self.compare_reply(0, &packet, &expected, reply)
                .map_err(|what| format!("dom0 looks, {kind} {question:?}: {what}"))?;
        }
        Ok(())
    }

    /// Performs acts that come as bytes, and compares the trees every so many acts and at the end.
    pub fn play(
        &mut self,
        draws: impl IntoIterator<Item = [u8; 8]>,
        every: usize,
    ) -> Result<(), Difference> {
        self.settle()?;
        for (number, draw) in draws.into_iter().enumerate() {
            self.perform(&Act::drawn(self.theme, draw))?;
            if number % every == 0 {
                self.compare_trees()?;
            }
        }
        self.compare_trees()
    }
}
