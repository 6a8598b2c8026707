//! The whole state of a network namespace, as Debian's tools print it: links, addresses, routes of
//! all tables and the nexthop objects they use, rules, permanent neighbours and proxies, what
//! `bridge` says, packet filters, offloads, and the settings of links and of forwarding.
//!
//! Left out is what nobody sets: indexes, counters, timers and tentative addresses. Lifetimes are
//! compared as deadlines. Invariant: none of xenwire's own code looks here.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Everything, as readable keys (`links vif1.0 mtu`) with a value each.
#[derive(Clone, Debug)]
pub struct WholeState(BTreeMap<String, Fact>);

#[derive(Clone, Debug)]
enum Fact {
    Text(String),
    /// Seconds since the machine started.
    Deadline(f64),
}

/// A lifetime may be off by a second, and each of two readings is rounded to whole seconds.
const TOLERANCE: f64 = 2.2;

/// One process inside for all of it: a namespace is entered once. Each part prints its name first.
const SCRIPT: &str = r#"
PATH=$PATH:/usr/sbin:/sbin
part() { name=$1; shift; echo "@@ $name"; "$@" || echo "@@ failed $name: $*"; }
settings() {
    find /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward -type f \
        ! -name stable_secret -exec grep -H '' {} +
    # It cannot be read before it is written.
    grep -H '' /proc/sys/net/ipv6/conf/*/stable_secret 2>/dev/null || true
}
offloads() {
    for folder in /proc/sys/net/ipv4/conf/*; do
        link=${folder##*/}
        case $link in all | default) ;; *) ethtool --show-features "$link" ;; esac
    done
}
part links ip -details -json link show
part addresses ip -details -json address show
part uptime cat /proc/uptime
part routes ip -4 -details -json route show table all
part routes6 ip -6 -details -json route show table all
part rules ip -4 -details -json rule show
part rules6 ip -6 -details -json rule show
part nexthops ip -details -json nexthop show
part neighbours ip -json neighbour show nud permanent
part proxies ip -json neighbour show proxy
part ports bridge -details -json link show
part vlans bridge -json vlan show
part fdb bridge -details -json fdb show
part nft nft --stateless list ruleset
part iptables iptables-save
part ip6tables ip6tables-save
part offloads offloads
part settings settings
"#;

/// Indexes, counters and timers.
const LEFT_OUT: [&str; 15] = [
    "ifindex",
    "link_index",
    "hello_timer",
    "tcn_timer",
    "topology_change_timer",
    "gc_timer",
    "hold_timer",
    "message_age_timer",
    "forward_delay_timer",
    "fdb_n_learned",
    // What the hardware could do; a bridge takes it over from its ports and keeps it.
    "tso_max_size",
    "tso_max_segs",
    // Whether an address is still being asked for on the segment.
    "tentative",
    // The lifetimes, which are compared as deadlines, and that there is one.
    "valid_life_time",
    "preferred_life_time",
];

impl WholeState {
    /// Takes it; `through` are the words before a command that is to run in that namespace.
    pub fn take(through: &[String]) -> Self {
        let mut words = through
            .iter()
            .map(String::as_str)
            .chain(["sh", "-c", SCRIPT]);
        let output = Command::new(words.next().unwrap())
            .args(words)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let failed: Vec<&str> = text
            .lines()
            .filter(|l| l.starts_with("@@ failed"))
            .collect();
        assert!(
            output.status.success() && failed.is_empty(),
            "{failed:?} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let parts: BTreeMap<&str, &str> = text
            .split("@@ ")
            .filter_map(|part| part.split_once('\n'))
            .collect();
        let now: f64 = parts["uptime"]
            .split(' ')
            .next()
            .and_then(|seconds| seconds.parse().ok())
            .unwrap();
        let mut facts = Facts::default();
        for (part, text) in &parts {
            match *part {
                "uptime" => {}
                "links" | "ports" | "vlans" => facts.links(part, &objects(text)),
                "addresses" => facts.addresses(&objects(text), now),
                "nft" | "iptables" | "ip6tables" => facts.filter(part, text),
                "settings" => facts.settings(text),
                "offloads" => facts.offloads(text),
                "fdb" => facts.set(
                    part,
                    objects(text)
                        .into_iter()
                        .filter(|entry| entry["state"] == "permanent"),
                    now,
                ),
                _ => facts.set(part, objects(text).into_iter(), now),
            }
        }
        assert!(facts.0.contains_key("links lo mtu"), "{text}");
        Self(facts.0)
    }

    /// The state if a link had another name.
    #[allow(dead_code, reason = "not every binary of tests asks")]
    pub fn renamed(&self, from: &str, to: &str) -> Self {
        let fact = |(key, fact): (&String, &Fact)| {
            let fact = match fact {
                Fact::Text(text) => Fact::Text(text.replace(from, to)),
                Fact::Deadline(seconds) => Fact::Deadline(*seconds),
            };
            (key.replace(from, to), fact)
        };
        Self(self.0.iter().map(fact).collect())
    }

    /// Links whose carrier has changed and whose operational state has not yet: that and all that
    /// follows from it, such as fe80 addresses, comes later and by itself
    /// (Documentation/networking/operstates.rst).
    pub fn unsettled(&self) -> Vec<&str> {
        let links = self.0.iter().filter_map(|(key, flags)| {
            let link = key.strip_prefix("links ")?.strip_suffix(" flags")?;
            Some((link, flags.text()))
        });
        links
            .filter(|(link, flags)| {
                let has_carrier = flags.contains("\"LOWER_UP\"");
                match self
                    .0
                    .get(&format!("links {link} operstate"))
                    .map(Fact::text)
                {
                    Some(state) if state == "UP" => !has_carrier,
                    Some(state) if state == "UNKNOWN" => false,
                    _ => has_carrier,
                }
            })
            .map(|(link, _)| link)
            .collect()
    }
}

/// What differs, a line each: the key, what `a` has, what `b` has.
pub fn diff(a: &WholeState, b: &WholeState) -> Vec<String> {
    differing(a, b).into_values().collect()
}

/// What of a state is as in none of these, a line each: the key, what the first has, what is.
#[allow(dead_code, reason = "not every binary of tests asks")]
pub fn unlike(known: &[&WholeState], state: &WholeState) -> Vec<String> {
    let (first, others) = known.split_first().unwrap();
    let mut lines = differing(first, state);
    for other in others {
        let strange = differing(other, state);
        lines.retain(|key, _| strange.contains_key(key));
    }
    lines.into_values().collect()
}

fn differing<'a>(a: &'a WholeState, b: &'a WholeState) -> BTreeMap<&'a String, String> {
    let keys: BTreeSet<&String> = a.0.keys().chain(b.0.keys()).collect();
    let line = |key: &String| match (a.0.get(key), b.0.get(key)) {
        (Some(Fact::Text(a)), Some(Fact::Text(b))) if a == b => None,
        (Some(Fact::Deadline(a)), Some(Fact::Deadline(b))) if (a - b).abs() <= TOLERANCE => None,
        (Some(a), Some(b)) => Some(format!("{key}: {} -> {}", a.text(), b.text())),
        (Some(a), None) => Some(format!("{key}: {} -> nothing", a.text())),
        (None, b) => Some(format!(
            "{key}: nothing -> {}",
            b.map_or_else(String::new, Fact::text)
        )),
    };
    keys.into_iter()
        .filter_map(|key| Some((key, line(key)?)))
        .collect()
}

impl Fact {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Deadline(seconds) => format!("until {seconds:.1} s after the start"),
        }
    }
}

/// The objects of a tool's JSON; with nothing to print some tools print nothing at all.
fn objects(text: &str) -> Vec<Value> {
    match text.trim() {
        "" => Vec::new(),
        json => serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}")),
    }
}

#[derive(Default)]
struct Facts(BTreeMap<String, Fact>);

impl Facts {
    fn text(&mut self, key: String, value: impl Into<String>) {
        self.0.insert(key, Fact::Text(value.into()));
    }

    /// Objects that have the name of a link: a key for each of their fields.
    fn links(&mut self, part: &str, objects: &[Value]) {
        for object in objects {
            let name = object["ifname"].as_str().unwrap().to_owned();
            self.fields(&format!("{part} {name}"), object);
        }
    }

    fn fields(&mut self, key: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if !LEFT_OUT.contains(&name.as_str()) {
                        self.fields(&format!("{key} {name}"), value);
                    }
                }
            }
            // A link that was never up has no queueing discipline yet, and gets for ever the one
            // that does nothing.
            Value::String(text) if key.ends_with(" qdisc") && text == "noop" => {
                self.text(key.to_owned(), "noqueue");
            }
            Value::String(text) => self.text(key.to_owned(), text),
            value => self.text(key.to_owned(), value.to_string()),
        }
    }

    /// Their order counts: the kernel takes the first that fits as a packet's source.
    fn addresses(&mut self, objects: &[Value], now: f64) {
        for object in objects {
            let name = object["ifname"].as_str().unwrap_or_default();
            let mut order = Vec::new();
            for address in object["addr_info"].as_array().into_iter().flatten() {
                let net = format!(
                    "{}/{}",
                    address["local"].as_str().unwrap(),
                    address["prefixlen"]
                );
                let key = format!("addresses {name} {net}");
                self.fields(&key, address);
                for field in ["valid_life_time", "preferred_life_time"] {
                    self.lifetime(&format!("{key} {field}"), &address[field], now);
                }
                order.push(net);
            }
            self.text(format!("addresses {name} order"), order.join(" "));
        }
    }

    fn lifetime(&mut self, key: &str, seconds: &Value, now: f64) {
        match seconds.as_f64() {
            // The kernel's "no end", or no lifetime at all.
            None => {}
            Some(seconds) if seconds >= f64::from(u32::MAX) => self.text(key.to_owned(), "forever"),
            // What is over does not end again.
            Some(0.0) => self.text(key.to_owned(), "over"),
            Some(seconds) => {
                self.0.insert(key.to_owned(), Fact::Deadline(now + seconds));
            }
        }
    }

    /// Objects without a name of their own: each is a key, in the tool's words.
    fn set(&mut self, part: &str, objects: impl Iterator<Item = Value>, now: f64) {
        for mut object in objects {
            let expires = object
                .as_object_mut()
                .and_then(|fields| fields.remove("expires"))
                .unwrap_or_default();
            let mut key = format!("{part} {object}");
            while self.0.contains_key(&key) {
                key.push_str(" again");
            }
            self.text(key.clone(), "there");
            self.lifetime(&format!("{key} expires"), &expires, now);
        }
    }

    /// Rules in their order, without comments and the counters of chains.
    fn filter(&mut self, part: &str, text: &str) {
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| match (line.starts_with(':'), line.find(" [")) {
                (true, Some(at)) => &line[..at],
                _ => line,
            })
            .collect();
        self.text(part.to_owned(), lines.join("\n"));
    }

    /// `Features for eth0:`, then a line each, of which some are indented.
    fn offloads(&mut self, text: &str) {
        let mut link = "";
        for line in text.lines() {
            let (name, value) = line.split_once(':').unwrap();
            match name.strip_prefix("Features for ") {
                Some(name) => link = name,
                None => self.text(format!("offloads {link} {}", name.trim()), value.trim()),
            }
        }
    }

    fn settings(&mut self, text: &str) {
        for line in text.lines() {
            let (file, value) = line.split_once(':').unwrap();
            let key = file.trim_start_matches("/proc/sys/net/");
            self.text(format!("settings {key}"), value);
        }
    }
}
