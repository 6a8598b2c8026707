//! Who wants to hear of what.
//!
//! Watches are found by the path they are set on: a change looks at its own path and at those
//! above, a removal also at each path that goes with it. What is watched elsewhere costs nothing.
//! Invariant: `by_conn` lists exactly the keys under which a connection has watches, once for each
//! watch, and counts their bytes.

use std::collections::BTreeMap;

use super::{ConnId, Effect};
use crate::Domid;
use crate::path::{NodePath, Special};
use crate::wire::{ErrorName, Packet};

/// What a watch is set on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Node {
        path: NodePath,
        /// Bytes to cut from an event's path, so that it is relative as the watch was.
        cut: usize,
    },
    /// A special name, with the number of a domain if only that one is meant.
    Special(String),
}

impl Target {
    /// A special name begins with `@` and a path with `/`: the two share one index.
    fn key(&self) -> &str {
        match self {
            Target::Node { path, .. } => path.as_str(),
            Target::Special(special) => special,
        }
    }

    /// What a watch on it adds to the memory of a domain.
    pub(super) fn bytes(&self, token: &[u8]) -> usize {
        self.key().len() + token.len()
    }
}

#[derive(Debug)]
struct Watch {
    /// Events of one change come in the order in which the watches were set.
    order: u64,
    conn: ConnId,
    token: Vec<u8>,
    /// How many levels below the watched path count; all without it.
    depth: Option<usize>,
    cut: usize,
}

/// The watches of one connection.
#[derive(Debug, Default)]
struct Set {
    /// What each is set on.
    keys: Vec<String>,
    /// Bytes of all their paths and tokens.
    bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Watches {
    by_key: BTreeMap<String, Vec<Watch>>,
    by_conn: BTreeMap<ConnId, Set>,
    next_order: u64,
}

impl Watches {
    pub(super) fn count(&self, conn: ConnId) -> usize {
        self.by_conn.get(&conn).map_or(0, |set| set.keys.len())
    }

    /// Bytes of the paths and tokens of a connection's watches.
    pub(super) fn bytes(&self, conn: ConnId) -> usize {
        self.by_conn.get(&conn).map_or(0, |set| set.bytes)
    }

    /// EEXIST if the connection has this watch.
    pub(super) fn check_new(
        &self,
        conn: ConnId,
        target: &Target,
        token: &[u8],
    ) -> Result<(), ErrorName> {
        let mut watches = self.by_key.get(target.key()).into_iter().flatten();
        if watches.any(|watch| watch.conn == conn && watch.token == token) {
            return Err(ErrorName::Eexist);
        }
        Ok(())
    }

    /// Adds a watch that is new.
    pub(super) fn add(
        &mut self,
        conn: ConnId,
        target: &Target,
        token: &[u8],
        depth: Option<usize>,
    ) {
        let key = target.key();
        let watches = self.by_key.entry(key.to_owned()).or_default();
        let cut = match target {
            Target::Node { cut, .. } => *cut,
            Target::Special(_) => 0,
        };
        watches.push(Watch {
            order: self.next_order,
            conn,
            token: token.to_vec(),
            depth,
            cut,
        });
        self.next_order += 1;
        let set = self.by_conn.entry(conn).or_default();
        set.keys.push(key.to_owned());
        set.bytes += target.bytes(token);
    }

    pub(super) fn remove(
        &mut self,
        conn: ConnId,
        target: &Target,
        token: &[u8],
    ) -> Result<(), ErrorName> {
        let key = target.key();
        let watches = self.by_key.get_mut(key).ok_or(ErrorName::Enoent)?;
        let position = watches
            .iter()
            .position(|watch| watch.conn == conn && watch.token == token)
            .ok_or(ErrorName::Enoent)?;
        watches.remove(position);
        if let Some(set) = self.by_conn.get_mut(&conn)
            && let Some(position) = set.keys.iter().position(|other| other == key)
        {
            set.keys.swap_remove(position);
            set.bytes -= target.bytes(token);
        }
        self.forget_if_unused(key);
        Ok(())
    }

    pub(super) fn remove_all(&mut self, conn: ConnId) {
        for key in self.by_conn.remove(&conn).unwrap_or_default().keys {
            if let Some(watches) = self.by_key.get_mut(&key) {
                watches.retain(|watch| watch.conn != conn);
            }
            self.forget_if_unused(&key);
        }
    }

    fn forget_if_unused(&mut self, key: &str) {
        if self.by_key.get(key).is_some_and(Vec::is_empty) {
            self.by_key.remove(key);
        }
    }

    /// The events of one change for those whom `may_see` lets know of it.
    pub(super) fn on_change(
        &self,
        effect: &Effect,
        may_see: impl Fn(ConnId) -> bool,
        events: &mut Vec<(ConnId, Packet)>,
    ) {
        let path = effect.path.as_str();
        let mut hits: Vec<&Watch> = Vec::new();
        for (levels, above) in effect.path.upwards().enumerate() {
            if effect.exact && levels > 0 {
                break;
            }
            let watches = self.by_key.get(above).into_iter().flatten();
            hits.extend(watches.filter(|watch| watch.depth.is_none_or(|depth| levels <= depth)));
        }
        hits.sort_by_key(|watch| watch.order);
        for watch in hits {
            let shown = path.get(watch.cut..).unwrap_or(path);
            if may_see(watch.conn)
                && let Some(packet) = Packet::watch_event(shown, &watch.token)
            {
                events.push((watch.conn, packet));
            }
        }
    }

    /// The events of a domain's coming or going.
    pub(super) fn on_special(
        &self,
        special: Special,
        domid: Domid,
        may_see: impl Fn(ConnId) -> bool,
        events: &mut Vec<(ConnId, Packet)>,
    ) {
        let (any, one) = (special.as_str(), special.of_domain(domid));
        let of_any = self.by_key.get(any).into_iter().flatten();
        let with_number = |watch: &Watch| watch.depth.is_some_and(|depth| depth > 0);
        let of_any = of_any.map(|watch| (watch, if with_number(watch) { &one } else { any }));
        let of_one = self.by_key.get(&one).into_iter().flatten();
        let mut hits: Vec<(&Watch, &str)> =
            of_any.chain(of_one.map(|w| (w, one.as_str()))).collect();
        hits.sort_by_key(|(watch, _)| watch.order);
        for (watch, shown) in hits {
            if may_see(watch.conn)
                && let Some(packet) = Packet::watch_event(shown, &watch.token)
            {
                events.push((watch.conn, packet));
            }
        }
    }
}
