//! The tables: which sets there are, and the rules that ask them. The number of rules does not
//! depend on the number of guests.
//!
//! ```text
//!  prerouting ── bridge: IPv4, and port, MAC, source in ipv4?  yes ▶ passes
//!                inet: from a bridge?                          yes ▶ passes
//!             ── port in guarded? ──no──▶ passes
//!                  │ yes
//!                  ▼
//!  guest ─ IPv4: port, MAC, source in ipv4, ipv4-nets?  yes ▶ passes
//!        ─ ARP:  the same twice, by the frame's MAC and by the sender's ──▶ arp
//!        ─ IPv6: ──▶ ipv6 ─ advertisement: its target too
//!                         ─ from nowhere: only asking whether an address of its own is free
//!        ─ all else (VLAN tags, other protocols)
//!                  ▼
//!  forged ── port in logged? ──yes──▶ the log, passes
//!                  │ no
//!                  ▼ dropped
//! ```
//!
//! The two short cuts are what makes it cheap (docs/benchmarks.md): most frames of a guarded guest
//! cost one look-up, and what br_netfilter hands to `inet` in a bridge's name costs none.

use xenwire_wire::nft::{
    Base, Chain, Change, Expression, Family, Field, Hook, Load, Register, Rule, Set, Verdict, Work,
};

/// The name of our tables.
pub(in crate::kernel) const TABLE: &str = "xenwire";

/// What our tables' comment says, so that another version is known. A later version keeps the
/// texts in `guarded`, or it could not be migrated to.
pub(in crate::kernel) const LAYOUT: &str = "xenwire layout 1";

/// The families that have a table.
pub(in crate::kernel) const FAMILIES: [Family; 3] = [Family::Bridge, Family::Inet, Family::Arp];

pub(in crate::kernel) const GUARDED: &str = "guarded";
pub(in crate::kernel) const MORE: &str = "guarded-more";
pub(in crate::kernel) const LOGGED: &str = "logged";
pub(in crate::kernel) const IPV4: &str = "ipv4";
pub(in crate::kernel) const IPV4_NETS: &str = "ipv4-nets";
pub(in crate::kernel) const IPV6: &str = "ipv6";
pub(in crate::kernel) const IPV6_NETS: &str = "ipv6-nets";

/// Before br_netfilter (0) and whoever else filters or translates frames (-300 and later).
const PRIORITY: i32 = -310;

/// The log gets so many lines a second.
const LINES: u64 = 5;

const ETHERTYPE: Load = Load::Payload {
    base: Base::Link,
    offset: 12,
    length: 2,
};
const SOURCE_MAC: Load = bytes(Base::Link, 6, 6);
const IPV4_SOURCE: Load = bytes(Base::Network, 12, 4);
const IPV6_SOURCE: Load = bytes(Base::Network, 8, 16);
const ARP_SENDER_MAC: Load = bytes(Base::Network, 8, 6);
const ARP_SENDER: Load = bytes(Base::Network, 14, 4);
/// Of neighbour solicitations and advertisements (RFC 4861, 4.3 and 4.4).
const ND_TARGET: Load = bytes(Base::Transport, 8, 16);
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

const fn bytes(base: Base, offset: u32, length: u32) -> Load {
    Load::Payload {
        base,
        offset,
        length,
    }
}

/// The tables with all but elements.
pub(in crate::kernel) fn tables() -> Vec<Change> {
    FAMILIES.into_iter().flat_map(table).collect()
}

fn table(family: Family) -> Vec<Change> {
    let mut table = Table {
        family,
        changes: vec![Change::AddTable {
            family,
            name: TABLE.into(),
            comment: LAYOUT.into(),
        }],
    };
    let v4 = [Field::LinkName, Field::Mac, Field::Ipv4];
    let v6 = [Field::LinkName, Field::Mac, Field::Ipv6];
    table.set(GUARDED, &[Field::LinkName], false);
    table.set(LOGGED, &[Field::LinkName], false);
    table.set(IPV4, &v4, false);
    table.set(IPV4_NETS, &v4, true);
    if family == Family::Inet {
        table.set(MORE, &[Field::LinkName, Field::Number], false);
    }
    if family != Family::Arp {
        table.set(IPV6, &v6, false);
        table.set(IPV6_NETS, &v6, true);
    }
    table.forged();
    if family != Family::Inet {
        table.arp();
    }
    if family != Family::Arp {
        table.ipv6();
        table.guest();
    }
    table.enter();
    table.changes
}

struct Table {
    family: Family,
    changes: Vec<Change>,
}

/// The first register, for the key's first field.
const KEY: Register = Register::FIRST;

impl Table {
    fn set(&mut self, name: &str, key: &[Field], ranges: bool) {
        let set = Set {
            name: name.into(),
            key: key.to_vec(),
            ranges,
        };
        self.changes
            .push(Change::AddSet(self.family, TABLE.into(), set));
    }

    fn chain(&mut self, name: &str, hook: Option<Hook>) {
        let name = name.into();
        let chain = Chain { name, hook };
        self.changes
            .push(Change::AddChain(self.family, TABLE.into(), chain));
    }

    fn rule(&mut self, chain: &str, expressions: Vec<Expression>) {
        let rule = Rule {
            chain: chain.into(),
            expressions,
            comment: None,
        };
        self.changes
            .push(Change::AddRule(self.family, TABLE.into(), rule));
    }

    /// Where packets come in.
    fn enter(&mut self) {
        let hook = Hook {
            work: Work::Filter,
            number: 0,
            priority: PRIORITY,
        };
        let (name, chain) = match self.family {
            Family::Arp => ("input", "arp"),
            Family::Bridge | Family::Inet | Family::Ipv4 | Family::Ipv6 => ("prerouting", "guest"),
        };
        self.chain(name, Some(hook));
        match self.family {
            Family::Bridge => self.ipv4_source(name, IPV4),
            Family::Inet => {
                let mut bridge = b"bridge".to_vec();
                bridge.resize(16, 0);
                let kind = Expression::Load(Load::InKind, KEY);
                let rule = vec![kind, Expression::Equals(KEY, bridge), accept()];
                self.rule(name, rule);
            }
            Family::Arp | Family::Ipv4 | Family::Ipv6 => {}
        }
        self.rule(name, vec![in_link(), is_in(GUARDED), goto(chain)]);
    }

    fn guest(&mut self) {
        self.chain("guest", None);
        if self.family == Family::Inet {
            self.ipv4_source("guest", IPV4);
        }
        self.ipv4_source("guest", IPV4_NETS);
        if self.family == Family::Bridge {
            self.rule(
                "guest",
                [is(self.family, 0x0806, 0), vec![goto("arp")]].concat(),
            );
        }
        self.rule(
            "guest",
            [is(self.family, 0x86dd, 10), vec![goto("ipv6")]].concat(),
        );
        self.rule("guest", vec![goto("forged")]);
    }

    fn ipv4_source(&mut self, chain: &str, set: &str) {
        let source = [
            is(self.family, 0x0800, 2),
            from(SOURCE_MAC, IPV4_SOURCE, set),
        ];
        self.rule(chain, [source.concat(), vec![accept()]].concat());
    }

    /// Addresses of Ethernet and IPv4, or the sender is not where it is looked for (RFC 826). Both
    /// MACs count: the one that a bridge learns and the one that is asked for.
    fn arp(&mut self) {
        self.chain("arp", None);
        self.chain("arp-sender", None);
        let head = bytes(Base::Network, 0, 6);
        let plain = vec![
            Expression::Load(head, KEY),
            Expression::Equals(KEY, vec![0, 1, 8, 0, 6, 4]),
        ];
        for set in [IPV4, IPV4_NETS] {
            let frame = from(SOURCE_MAC, ARP_SENDER, set);
            let rule = [plain.clone(), frame, vec![goto("arp-sender")]];
            self.rule("arp", rule.concat());
            let sender = from(ARP_SENDER_MAC, ARP_SENDER, set);
            self.rule("arp-sender", [sender, vec![accept()]].concat());
        }
        self.rule("arp", vec![goto("forged")]);
        self.rule("arp-sender", vec![goto("forged")]);
    }

    fn ipv6(&mut self) {
        for chain in ["ipv6-source", "ipv6-advertisement", "ipv6-nobody", "ipv6"] {
            self.chain(chain, None);
        }
        let nobody = vec![
            Expression::Load(IPV6_SOURCE, KEY),
            Expression::Equals(KEY, vec![0; 16]),
            goto("ipv6-nobody"),
        ];
        self.rule("ipv6", nobody);
        let advertisement = [icmpv6(ADVERTISEMENT), vec![goto("ipv6-advertisement")]];
        self.rule("ipv6", advertisement.concat());
        for set in [IPV6, IPV6_NETS] {
            let source = [from(SOURCE_MAC, IPV6_SOURCE, set), vec![accept()]].concat();
            self.rule("ipv6", source.clone());
            self.rule("ipv6-source", source);
            let target = from(SOURCE_MAC, ND_TARGET, set);
            let advertised = [target.clone(), vec![goto("ipv6-source")]];
            self.rule("ipv6-advertisement", advertised.concat());
            let asked = [icmpv6(SOLICITATION), target, vec![accept()]];
            self.rule("ipv6-nobody", asked.concat());
        }
        for chain in ["ipv6-source", "ipv6-advertisement", "ipv6-nobody", "ipv6"] {
            self.rule(chain, vec![goto("forged")]);
        }
    }

    fn forged(&mut self) {
        self.chain("forged", None);
        let logged = [in_link(), is_in(LOGGED)];
        let log = [
            Expression::PerSecond(LINES),
            Expression::Log("xenwire ip= would drop: ".into()),
        ];
        self.rule("forged", [logged.clone(), log].concat());
        let passes = [Expression::Counter, accept()];
        self.rule("forged", [logged, passes].concat());
        let drop = Expression::Verdict(Verdict::Drop);
        self.rule("forged", vec![Expression::Counter, drop]);
    }
}

fn in_link() -> Expression {
    Expression::Load(Load::InLink, KEY)
}

fn is_in(set: &str) -> Expression {
    Expression::In(KEY, set.into())
}

/// Whether it is of this protocol: by the frame, where there is one, so that one with a VLAN tag
/// is of none.
fn is(of: Family, ethertype: u16, family: u8) -> Vec<Expression> {
    let (load, value) = match of {
        Family::Bridge => (ETHERTYPE, ethertype.to_be_bytes().to_vec()),
        Family::Inet | Family::Ipv4 | Family::Ipv6 | Family::Arp => {
            (Load::NetworkProtocol, vec![family])
        }
    };
    let load = Expression::Load(load, KEY);
    vec![load, Expression::Equals(KEY, value)]
}

/// For each set of addresses: whether a packet's port, source MAC and source are a key of it.
pub(in crate::kernel) fn sources(family: Family) -> [Vec<Expression>; 4] {
    let v4 = |set| [is(family, 0x0800, 2), from(SOURCE_MAC, IPV4_SOURCE, set)].concat();
    let v6 = |set| [is(family, 0x86dd, 10), from(SOURCE_MAC, IPV6_SOURCE, set)].concat();
    [v4(IPV4), v4(IPV4_NETS), v6(IPV6), v6(IPV6_NETS)]
}

/// The sets of addresses that these are looked for in.
pub(in crate::kernel) fn address_sets() -> [Set; 4] {
    let set = |name: &str, address, ranges| Set {
        name: name.into(),
        key: vec![Field::LinkName, Field::Mac, address],
        ranges,
    };
    [
        set(IPV4, Field::Ipv4, false),
        set(IPV4_NETS, Field::Ipv4, true),
        set(IPV6, Field::Ipv6, false),
        set(IPV6_NETS, Field::Ipv6, true),
    ]
}

/// Whether port, MAC and address are a key of a set.
fn from(mac: Load, address: Load, set: &str) -> Vec<Expression> {
    let mac_at = KEY.behind(Field::LinkName);
    vec![
        in_link(),
        Expression::Load(mac, mac_at),
        Expression::Load(address, mac_at.behind(Field::Mac)),
        is_in(set),
    ]
}

fn icmpv6(kind: u8) -> Vec<Expression> {
    vec![
        Expression::Load(Load::TransportProtocol, KEY),
        Expression::Equals(KEY, vec![ICMPV6]),
        Expression::Load(bytes(Base::Transport, 0, 1), KEY),
        Expression::Equals(KEY, vec![kind]),
    ]
}

fn accept() -> Expression {
    Expression::Verdict(Verdict::Accept)
}

fn goto(chain: &str) -> Expression {
    Expression::Verdict(Verdict::Goto(chain.into()))
}
