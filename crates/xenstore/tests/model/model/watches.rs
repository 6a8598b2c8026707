//! Who is told of what: every change is held against every watch.
//!
//! The rules are those of `xenstore.txt` (WATCH), and of C xenstored for whom an event may reach:
//! who may read the node, before the change or after it, or the node above.

use std::rc::Rc;

use super::nodes::{Change, Nodes};
use super::rules::{home, levels_below, parent};
use super::{Event, Model};
use crate::acts::Seat;
use xenwire_xenstore::Domid;

#[derive(Debug)]
pub struct Watch {
    pub seat: Seat,
    /// Absolute, or a special name.
    pub path: String,
    /// What an event's path is cut by: the watch was relative to it.
    pub base: Option<String>,
    pub token: Vec<u8>,
    /// How many levels below count.
    pub depth: Option<u64>,
}

impl Watch {
    /// Its event; none if path and token do not fit into a packet.
    fn event(&self, path: &str) -> Option<Event> {
        let base = self.base.as_deref().unwrap_or("");
        let path = path
            .strip_prefix(base)
            .expect("it is below what is watched");
        let event = [path.as_bytes(), b"\0", &self.token, b"\0"].concat();
        (event.len() <= 4096).then_some((self.seat, event))
    }
}

/// What the paths of a relative watch are cut by.
pub fn base(path: &[u8], domid: Domid) -> Option<String> {
    let relative = !path.starts_with(b"/") && !path.starts_with(b"@");
    relative.then(|| format!("{}/", home(domid)))
}

impl Model {
    /// The events of changes, once for each node, in the order in which they were first made; those
    /// of one change in the order in which the watches were set.
    pub fn told(&self, before: &Nodes, after: &Nodes, changes: &[Change]) -> Vec<Event> {
        let mut order: Vec<Rc<str>> = Vec::new();
        for (path, _) in changes {
            if !order.contains(path) {
                order.push(path.clone());
            }
        }
        order.retain(|path| changes.iter().any(|(other, told)| other == path && *told));
        let mut events = Vec::new();
        for path in order {
            let (old, new) = (before.get(&path), after.get(&path));
            if old.is_none() && new.is_none() {
                continue; // it came and went within a transaction
            }
            let above = parent(&path);
            let above_now = above.and_then(|above| after.get(above));
            // What went with the node above is told only to those who watch exactly it.
            let exact = new.is_none() && above_now.is_none();
            let above = above_now.or(above.and_then(|above| before.get(above)));
            let lists: Vec<_> = [old, new, above].into_iter().flatten().collect();
            for watch in &self.watches {
                let Some(levels) = levels_below(&path, &watch.path) else {
                    continue;
                };
                let wanted = watch.depth.is_none_or(|depth| levels as u64 <= depth);
                let actor = self.actor(watch.seat);
                if wanted
                    && (levels == 0 || !exact)
                    && lists.iter().any(|n| actor.may(&n.list, b'r'))
                {
                    events.extend(watch.event(&path));
                }
            }
        }
        events
    }

    /// The events of a domain that came or went: under the bare name, under the name with the
    /// domain's number, and with the number too for a watch of the bare name that has a depth.
    pub fn told_of_domain(&self, name: &str, domid: Domid) -> Vec<Event> {
        let numbered = format!("{name}/{domid}");
        let list = self.domains.special(name);
        let mut events = Vec::new();
        for watch in &self.watches {
            let bare = watch.path == name;
            if !(bare || watch.path == numbered) || !self.actor(watch.seat).may(list, b'r') {
                continue;
            }
            let shown = if bare && watch.depth.unwrap_or(0) == 0 {
                name
            } else {
                &numbered
            };
            events.extend(watch.event(shown));
        }
        events
    }
}
