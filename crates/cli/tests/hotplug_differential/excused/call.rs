//! One call on both sides, and what a row asks of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::seen::Seen;
use crate::store::BACKEND;

/// One call. Of two, theirs is the first.
pub struct Call<'a> {
    /// The script and its arguments.
    pub words: &'a str,
    /// What differs from the usual environment; empty is unset.
    pub env: &'a BTreeMap<String, String>,
    /// Everything before.
    pub before: [&'a Seen; 2],
    /// Everything after.
    pub after: [&'a Seen; 2],
}

/// Sides, by their place in a pair.
pub const THEIRS: usize = 0;
/// Ours.
pub const OURS: usize = 1;

impl Call<'_> {
    /// The script.
    pub fn script(&self) -> &str {
        self.words.split(' ').next().unwrap()
    }

    /// Whether it is vif-bridge.
    pub fn bridges(&self) -> bool {
        self.script() == "vif-bridge"
    }

    /// Whether it is vif-route.
    pub fn routes(&self) -> bool {
        self.script() == "vif-route"
    }

    /// Whether it is vif-nat.
    pub fn nats(&self) -> bool {
        self.script() == "vif-nat"
    }

    /// Whether the backend's folder is gone.
    pub fn no_folder(&self) -> bool {
        self.before[OURS].get(&format!("node {BACKEND}")).is_none()
    }

    /// Whether 127 more than the guest's address is none.
    pub fn high_address(&self) -> bool {
        let last = self.value("ip").split(['.', '/']).nth(3);
        last.is_some_and(|last| last.parse::<u16>().is_ok_and(|last| last > 128))
    }

    /// Whether a vif or a tap comes.
    pub fn comes(&self) -> bool {
        [" online", " add"]
            .iter()
            .any(|word| self.words.contains(word))
    }

    /// Whether one goes.
    pub fn goes(&self) -> bool {
        [" offline", " remove"]
            .iter()
            .any(|word| self.words.contains(word))
    }

    /// Whether a side ended with something else than 0.
    pub fn failed(&self, side: usize) -> bool {
        self.after[side].get("exit") != Some("0")
    }

    /// Whether only one failed: theirs, or ours.
    pub fn only(&self, side: usize) -> bool {
        self.failed(side) && !self.failed(1 - side)
    }

    /// A node of the vif before the call, without its quotes.
    pub fn node(&self, name: &str) -> Option<&str> {
        let fact = self.before[OURS].get(&format!("node {BACKEND}/{name}"))?;
        Some(&fact[1..fact.len() - 1])
    }

    /// A variable: of the arguments, else of the environment.
    pub fn variable(&self, name: &str) -> &str {
        let start = format!("{name}=");
        let argument = self
            .words
            .split(' ')
            .filter_map(|word| word.strip_prefix(&start))
            .next_back();
        let environment = self.env.get(name).map_or("", String::as_str);
        argument.unwrap_or(environment).trim_matches('\'')
    }

    /// The store's word, else a variable's.
    pub fn value(&self, name: &str) -> &str {
        self.node(name).unwrap_or_else(|| self.variable(name))
    }

    /// A link's fact before the call, on our side.
    pub fn link(&self, name: &str, fact: &str) -> Option<&str> {
        self.before[OURS].get(&format!("link {name} {fact}"))
    }

    /// Whether a link is there before the call.
    pub fn is_there(&self, name: &str) -> bool {
        self.link(name, "ifname").is_some()
    }

    /// What the backend calls the link.
    pub fn kernel_name(&self) -> &'static str {
        match self.words.contains(" type_if=tap") {
            true => "vif5.0-emu",
            false => "vif5.0",
        }
    }

    /// What the link is to be called, or is called already.
    pub fn name(&self) -> String {
        match self.node("vifname") {
            Some("") | None => self.kernel_name().to_owned(),
            Some(name) => name.to_owned() + self.kernel_name().trim_start_matches("vif5.0"),
        }
    }

    /// Whether it has another name than the backend's.
    pub fn is_renamed(&self) -> bool {
        self.name() != self.kernel_name()
    }

    /// Whether the link of the backend's name is there, under that name.
    pub fn has_kernel_name(&self) -> bool {
        self.is_there(self.kernel_name())
    }

    /// What the link is called before the call.
    pub fn now(&self) -> String {
        match self.has_kernel_name() {
            true => self.kernel_name().to_owned(),
            false => self.name(),
        }
    }

    /// Whether the vif is up before the call.
    pub fn is_up(&self) -> bool {
        self.link(&self.now(), "flags")
            .is_some_and(|flags| flags.contains("UP"))
    }

    /// Whether what the call is about is no vif of Xen's.
    pub fn no_vif(&self) -> bool {
        let path = self
            .env
            .get("XENBUS_PATH")
            .map_or("backend/vif/5/0", String::as_str);
        !["backend/vif/5/0", "/local/domain/0/backend/vif/5/0"].contains(&path)
    }

    /// The words of `ip`.
    pub fn addresses(&self) -> Vec<&str> {
        self.value("ip").split_whitespace().collect()
    }

    /// Whether a guest cannot be held to its list: an entry is none, or there is no MAC.
    pub fn cannot_be_held(&self) -> bool {
        let words = self.addresses();
        let odd = |word: &&str| {
            let (address, length) = word.split_once('/').unwrap_or((word, "32"));
            match (address.parse(), length.parse::<u32>()) {
                (Ok(IpAddr::V6(_)), Ok(_)) => false,
                // A network has no bits behind its length.
                (Ok(IpAddr::V4(address)), Ok(length)) => {
                    let hosts = u32::MAX.checked_shr(length).unwrap_or(0);
                    u32::from(address) & hosts != 0
                }
                _ => true,
            }
        };
        let mac = self.node("mac").unwrap_or_default();
        let of_one = mac.len() == 17
            && mac.contains(':')
            && !mac.starts_with("ff:")
            && !mac.starts_with("01:");
        words.iter().any(odd) || (!words.is_empty() && !of_one)
    }

    /// Whether the nodes of contract 3.2 that say whose the vif is are there, as libxl writes them.
    pub fn is_named(&self) -> bool {
        self.node("frontend-id") == Some("5") && self.node("handle") == Some("0")
    }

    /// Whether theirs left an address on the vif.
    pub fn has_address(&self) -> bool {
        let start = format!("link {} address ", self.now());
        self.before[THEIRS]
            .facts()
            .any(|(key, _)| key.starts_with(&start))
    }

    /// What a side wrote, in order.
    pub fn writes(&self, side: usize) -> Vec<&str> {
        let writes = (1..).map_while(|number| self.after[side].get(&format!("write {number}")));
        writes.collect()
    }

    /// The bridge that is meant, where one is named.
    pub fn bridge(&self) -> &str {
        self.value("bridge")
    }

    /// Whether vif-bridge finds none.
    pub fn no_bridge(&self) -> bool {
        self.bridges() && !self.is_there(self.bridge())
    }

    /// Whether the vif is a port of another bridge than is meant.
    pub fn another_bridge(&self) -> bool {
        self.bridges()
            && self
                .link(&self.now(), "master")
                .is_some_and(|master| master != self.bridge())
    }

    /// dom0's address for routed guests.
    pub fn main_address(&self) -> Option<&str> {
        let uplink = match self.variable("netdev") {
            "" => "eth0",
            netdev => netdev,
        };
        let start = format!("link {uplink} address ");
        let mut facts = self.before[OURS].facts();
        facts.find_map(|(key, fact)| {
            (key.starts_with(&start) && key.ends_with(" local") && fact.contains('.'))
                .then_some(fact)
        })
    }

    /// Whether theirs finds a route by the link before the call, or by one with a longer name.
    pub fn routed(&self) -> bool {
        let device = format!(" dev {}", self.now());
        let mut facts = self.before[THEIRS].facts();
        facts.any(|(key, _)| {
            key.starts_with("route ") && key.contains(&device) && key.contains(" table main ")
        })
    }
}
