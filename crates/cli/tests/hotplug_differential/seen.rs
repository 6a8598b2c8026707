//! All that a call changed, as facts that a person can read: its exit status, what it said, what it
//! wrote to the store, and then the whole network and the whole store.
//!
//! Invariant: none of xenwire's own code looks at the kernel here; `ip` does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::store::Recorded;
use crate::world::World;

/// Facts after one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    facts: BTreeMap<String, String>,
}

/// Indexes, timers, what the kernel sets some time after a change, and what it says twice.
const LEFT_OUT: [&str; 18] = [
    "ifindex",
    "link_index",
    "operstate",
    "hello_timer",
    "tcn_timer",
    "topology_change_timer",
    "gc_timer",
    "hold_timer",
    "message_age_timer",
    "forward_delay_timer",
    "tso_max_size",
    "tso_max_segs",
    "gso_max_size",
    "gso_max_segs",
    "valid_life_time",
    "preferred_life_time",
    "tentative",
    // Whether a port forwards follows its carrier.
    "state",
];

/// Flags that somebody sets; the others follow the carrier.
const FLAGS: [&str; 6] = ["UP", "NOARP", "MULTICAST", "ALLMULTI", "PROMISC", "DYNAMIC"];

impl Seen {
    /// Looks at everything after a call.
    pub fn take(
        world: &mut World,
        store: &mut Recorded,
        status: i32,
        said: &str,
        written: &[String],
    ) -> Self {
        let mut seen = Self::default();
        seen.fact("exit", status.to_string());
        seen.fact("said", said.trim_end().to_owned());
        for (number, write) in (1..).zip(written) {
            seen.fact(&format!("write {number}"), write.clone());
        }
        for (path, value) in store.tree() {
            seen.fact(&format!("node {path}"), format!("{value:?}"));
        }
        let said = world.expect(
            "ip -d -j -batch /run/look4; echo; echo @; ip -6 -d -j -batch /run/look6; echo; echo @; settings 2>/dev/null; echo; echo @; switched",
        );
        let mut parts = said.split("\n@\n");
        let mut tables = |names: &[&str]| {
            let part = parts.next().unwrap();
            let arrays = serde_json::Deserializer::from_str(part).into_iter::<Value>();
            let arrays: Vec<Value> = arrays.map(Result::unwrap).collect();
            assert_eq!(arrays.len(), names.len(), "{part}");
            arrays
        };
        let four = tables(&["address", "route", "neighbour", "proxy", "rule"]);
        let six = tables(&["address", "route", "neighbour", "proxy"]);
        for link in four[0].as_array().unwrap() {
            seen.link(link);
        }
        for (name, table) in [
            ("route", &four[1]),
            ("neighbour", &four[2]),
            ("proxy", &four[3]),
        ] {
            seen.set(name, table);
        }
        seen.set("rule", &four[4]);
        for (name, table) in [
            ("route6", &six[1]),
            ("neighbour6", &six[2]),
            ("proxy6", &six[3]),
        ] {
            seen.set(name, table);
        }
        for line in parts.next().unwrap().lines() {
            if let Some((key, value)) = line.rsplit_once(' ') {
                seen.fact(&format!("sysctl {key}"), value.to_owned());
            }
        }
        for line in parts.next().unwrap().lines() {
            if let Some((key, value)) = line.rsplit_once(' ') {
                seen.fact(key, value.to_owned());
            }
        }
        seen
    }

    /// One fact.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.facts.get(key).map(String::as_str)
    }

    /// Every fact, by its name.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.facts
            .iter()
            .map(|(key, fact)| (key.as_str(), fact.as_str()))
    }

    /// What was answered to a question after the call.
    pub fn answer(&mut self, name: &str, status: i32) {
        self.fact(&format!("ask {name}"), status.to_string());
    }

    fn fact(&mut self, key: &str, value: String) {
        self.facts.insert(key.to_owned(), value);
    }

    fn link(&mut self, link: &Value) {
        let name = link["ifname"].as_str().unwrap();
        let key = format!("link {name}");
        self.fields(&key, link);
        let addresses = link["addr_info"].as_array().unwrap();
        for address in addresses {
            let key = format!("{key} address {}", address["local"].as_str().unwrap());
            self.fields(&key, address);
        }
    }

    fn fields(&mut self, key: &str, value: &Value) {
        for (name, value) in value.as_object().unwrap() {
            let key = format!("{key} {name}");
            match value {
                _ if LEFT_OUT.contains(&name.as_str()) || name == "addr_info" => {}
                Value::Object(_) => self.fields(&key, value),
                Value::Array(flags) if name == "flags" => {
                    let flags = flags.iter().filter_map(Value::as_str);
                    let set: Vec<&str> = flags.filter(|flag| FLAGS.contains(flag)).collect();
                    self.fact(&key, set.join(","));
                }
                Value::String(text) => self.fact(&key, text.clone()),
                value => self.fact(&key, value.to_string()),
            }
        }
    }

    /// Objects without a name of their own: each is a key, in the tool's words.
    fn set(&mut self, name: &str, table: &Value) {
        for entry in table.as_array().unwrap() {
            // The kernel gives an IPv6 address its own route in its own time (addrconf_dad_work,
            // net/ipv6/addrconf.c); whether the address is there is a fact already.
            let own = entry["type"] == "local";
            if own && entry["dst"].as_str().is_some_and(|dst| dst.contains(':')) {
                continue;
            }
            let mut words = Vec::new();
            for (name, value) in entry.as_object().unwrap() {
                match value {
                    // Whether there is a carrier.
                    _ if name == "flags" => {}
                    Value::String(text) => words.push(format!("{name} {text}")),
                    value => words.push(format!("{name} {value}")),
                }
            }
            self.fact(&format!("{name} {}", words.join(" ")), "there".into());
        }
    }
}

/// What differs between two sides, a line for each fact: the call, the fact, what either has. Of a
/// link, a port or a node that one side lacks, only that is said.
pub fn differences(theirs: &[Seen], ours: &[Seen]) -> Vec<String> {
    assert_eq!(theirs.len(), ours.len(), "both made the same calls");
    let mut lines = Vec::new();
    for (call, (theirs, ours)) in (1..).zip(theirs.iter().zip(ours)) {
        let keys: BTreeSet<&String> = theirs.facts.keys().chain(ours.facts.keys()).collect();
        for key in keys {
            let sides = [theirs, ours].map(|seen| seen.facts.get(key));
            let lacks = |seen: &Seen| owner(key).is_some_and(|key| !seen.facts.contains_key(&key));
            if sides[0] != sides[1] && !lacks(theirs) && !lacks(ours) {
                let [theirs, ours] = sides.map(|fact| fact.map_or("-", String::as_str));
                lines.push(format!("{call} {key}: {theirs} | {ours}"));
            }
        }
    }
    lines
}

/// The fact without which this one cannot be.
fn owner(key: &str) -> Option<String> {
    let words: Vec<&str> = key.split(' ').collect();
    match words[..] {
        ["node", path] => match path.rsplit_once('/')? {
            ("", "") => None,
            ("", _) => Some("node /".into()),
            (folder, _) => Some(format!("node {folder}")),
        },
        ["link", name, _, _, ..] if key.contains(" info_slave_") => {
            Some(format!("link {name} master"))
        }
        ["link", name, fact, ..] if fact != "ifname" => Some(format!("link {name} ifname")),
        ["sysctl", _, "all" | "default", ..] => None,
        ["sysctl", _, name, ..] => Some(format!("link {name} ifname")),
        _ => None,
    }
}
