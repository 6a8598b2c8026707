//! What differs between wanted and found.
//!
//! A link is compared under the name it is to have, with everything it has: first the observed
//! state is read as if all links had their wanted names already, then the two are compared. What
//! is taken away before the renaming carries the present name.

use std::collections::BTreeMap;

use super::names::Names;
use super::{Refusal, Report, Skipped};
use crate::name::{IfName, Mac};
use crate::state::{
    Address, Desired, DhcpHostChange, DhcpServerChange, Effect, Feature, ForwardChain, ForwardMark,
    Guard, LineChange, Link, LinkKind, LinkSysctl, Managed, Neighbour, NetState, NodeWrite,
    Observed, OldRule, Origin, Pair, Passage, PortVlans, Route, Rule, SwitchChange, VlanChange,
    WantedLink, WantedNode,
};

/// Everything that differs. Links carry the name they are wanted under, what is removed the
/// present one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Links to make, as they are to be.
    pub created: BTreeMap<IfName, Link>,
    /// Links to remove, as they are, by their present names.
    pub removed: BTreeMap<IfName, Link>,
    /// Links whose settings differ, those of `created` included.
    pub links: BTreeMap<IfName, LinkDiff>,
    /// Addresses to give.
    pub addresses_added: Vec<Address>,
    /// Addresses to take.
    pub addresses_removed: Vec<Address>,
    /// Routes to add.
    pub routes_added: Vec<Route>,
    /// Routes to remove, since they would be lost without a word.
    pub routes_removed: Vec<Route>,
    /// Routes of the kernel's own that outlive an address, by present names: each goes right behind
    /// it, and comes right behind it where the address comes again.
    pub prefixes: Vec<Route>,
    /// VLANs of ports to change, in this order, once the ports are attached.
    pub vlans: Vec<VlanChange>,
    /// Ports of Open vSwitch to make.
    pub switch_ports_added: Vec<SwitchChange>,
    /// Ports of Open vSwitch to remove.
    pub switch_ports_removed: Vec<SwitchChange>,
    /// VLANs that would follow the MAC of the link below, and keep theirs.
    pub kept_macs: Vec<(IfName, Mac)>,
    /// Policy rules to add.
    pub rules_added: Vec<Rule>,
    /// Policy rules to remove.
    pub rules_removed: Vec<Rule>,
    /// Neighbours to add.
    pub neighbours_added: Vec<Neighbour>,
    /// Neighbours to remove.
    pub neighbours_removed: Vec<Neighbour>,
    /// Offloads to switch.
    pub features: BTreeMap<Feature, Pair<bool>>,
    /// Per-link settings to write.
    pub sysctls: BTreeMap<LinkSysctl, Pair<String>>,
    /// What guests may say, by the names their links are to have.
    pub guards: BTreeMap<IfName, Pair<Option<Guard>>>,
    /// Links that pass FORWARD in another way.
    pub passages: BTreeMap<IfName, Pair<Option<Passage>>>,
    /// Chains of the host that let another mark by.
    pub open: BTreeMap<ForwardChain, Pair<Option<ForwardMark>>>,
    /// Links that begin or cease to masquerade.
    pub masquerades: BTreeMap<IfName, Pair<bool>>,
    /// Rules of Xen's own scripts to remove, the last of the chain first: the places of the others
    /// stay as they are.
    pub old_rules_removed: Vec<OldRule>,
    /// Host files of the DHCP server that come, change or go.
    pub dhcp_hosts: Vec<DhcpHostChange>,
    /// Lines of somebody's files to change.
    pub lines: Vec<LineChange>,
    /// The DHCP server's start or end.
    pub dhcp_server: Option<DhcpServerChange>,
    /// Nodes to write, each with the effect and what it came from.
    pub nodes: Vec<(WantedNode, Effect)>,
}

/// How one link differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkDiff {
    /// Its name.
    pub name: Option<Pair<IfName>>,
    /// Up or down.
    pub up: Option<Pair<bool>>,
    /// Whether it asks and answers for addresses.
    pub arp: Option<Pair<bool>>,
    /// Whether it takes part in multicast.
    pub multicast: Option<Pair<bool>>,
    /// Its Ethernet address.
    pub mac: Option<Pair<Mac>>,
    /// Its MTU.
    pub mtu: Option<Pair<u32>>,
    /// Its bridge.
    pub master: Option<Pair<Option<IfName>>>,
    /// Its alias.
    pub alias: Option<Pair<Option<String>>>,
}

/// What a comparison gives besides the differences.
struct Comparison<'a> {
    diff: Diff,
    refusals: Vec<Refusal>,
    report: Report,
    desired: &'a Desired,
    /// As observed, under the wanted names, without what goes.
    state: NetState,
    names: &'a Names,
}

impl Diff {
    /// Compares. What cannot be had is among the refusals; what is left alone is in the report.
    pub(super) fn between(
        desired: &Desired,
        observed: &Observed,
        names: &Names,
    ) -> (Self, Vec<Refusal>, Report) {
        let mut comparison = Comparison {
            diff: Self::default(),
            refusals: names.refusals(),
            report: Report::default(),
            desired,
            state: names.applied(&observed.state),
            names,
        };
        comparison.removed(&observed.state);
        // Whatever is made is known before a link asks for its bridge or its other end.
        let (made, there): (Vec<_>, Vec<_>) = desired
            .links
            .iter()
            .partition(|(_, wanted)| matches!(wanted.origin, Origin::Ours(_)));
        for (name, wanted) in made.into_iter().chain(there) {
            comparison.link(name, wanted);
        }
        comparison.settings();
        comparison.rules(&observed.state);
        comparison.neighbours(&observed.state);
        comparison.guards(&observed.state);
        comparison.passages(&observed.state);
        comparison.masquerades(&observed.state);
        let old_rules = desired
            .old_rules_gone
            .intersection(&observed.state.old_rules);
        comparison.diff.old_rules_removed = old_rules.cloned().collect();
        comparison.diff.old_rules_removed.reverse();
        comparison.dhcp(&observed.state);
        comparison.switch_ports(&observed.state);
        comparison.nodes(&observed.state);
        comparison.report.foreign = observed
            .state
            .links
            .keys()
            .filter(|name| {
                !desired.gone.contains(*name) && !desired.links.contains_key(&names.wanted(name))
            })
            .cloned()
            .collect();
        (comparison.diff, comparison.refusals, comparison.report)
    }
}

impl Comparison<'_> {
    fn removed(&mut self, observed: &NetState) {
        for present in &self.desired.gone {
            let Some(link) = observed.links.get(present) else {
                continue;
            };
            // With one end of a pair goes the other.
            if link
                .peer()
                .is_some_and(|peer| self.diff.removed.contains_key(&peer))
            {
                continue;
            }
            self.diff.removed.insert(present.clone(), link.clone());
        }
    }

    fn link(&mut self, name: &IfName, wanted: &WantedLink) {
        let found = self.state.links.get(name).cloned();
        let expected = || wanted.formerly.clone().unwrap_or(name.clone());
        let present = match (&wanted.origin, found) {
            (Origin::Expected, None) => match self.other_end(name) {
                Some(made) => made,
                None => return self.refusals.push(Refusal::NoSuchLink(expected())),
            },
            (Origin::IfThere, None) => {
                return self.report.skipped.push(Skipped::LinkGone(expected()));
            }
            (Origin::Ours(kind), None) => {
                let made = as_made(kind, wanted);
                self.diff.created.insert(name.clone(), made.clone());
                made
            }
            (Origin::Ours(kind), Some(link)) => {
                if std::mem::discriminant(kind) != std::mem::discriminant(&link.kind) {
                    return self
                        .refusals
                        .push(Refusal::OtherKind(self.names.present(name)));
                }
                link
            }
            (Origin::Expected | Origin::IfThere, Some(link)) => link,
        };
        let change = LinkDiff {
            name: Pair::differing(self.names.present(name), name.clone()),
            up: differing(present.up, &wanted.up),
            arp: differing(present.arp, &wanted.arp),
            multicast: differing(present.multicast, &wanted.multicast),
            mac: present.mac.and_then(|mac| differing(mac, &wanted.mac)),
            mtu: differing(present.mtu, &wanted.mtu),
            master: differing(present.master.clone(), &wanted.master),
            alias: differing(present.alias, &wanted.alias),
        };
        // Of the wanted one, though the link may be its port already: it may be one that goes.
        if let Some(Some(bridge)) = wanted.master.wanted() {
            // A bridge among the wanted links is made or configured by this very plan.
            match self.state.links.get(bridge) {
                Some(link) if !link.kind.is_bridge() => {
                    self.refusals.push(Refusal::NotABridge(bridge.clone()))
                }
                None if !self.diff.created.contains_key(bridge) => {
                    self.refusals.push(Refusal::NoSuchBridge(bridge.clone()))
                }
                _ => {}
            }
        }
        if let Some(wanted) = wanted.vlans.wanted() {
            let master = change.master.as_ref().map(|pair| pair.to.as_ref());
            let bridge = master.unwrap_or(present.master.as_ref());
            self.vlans(name, bridge, master.is_some(), wanted);
        }
        self.belongings(name, wanted);
        if change != LinkDiff::default() {
            self.diff.links.insert(name.clone(), change);
        }
    }

    /// A port that is attached begins with its bridge's VLAN for new ones.
    fn vlans(&mut self, port: &IfName, bridge: Option<&IfName>, anew: bool, wanted: &PortVlans) {
        let Some(bridge) = bridge else { return };
        let Some(first) = self.first_vlans(bridge) else {
            self.refusals.push(Refusal::NotFiltering {
                bridge: bridge.clone(),
                port: port.clone(),
            });
            return;
        };
        let found = match self.state.vlans.get(port) {
            Some(found) if !anew => found.clone(),
            _ => first,
        };
        let changes = VlanChange::between(port, &found, wanted);
        self.diff.vlans.extend(changes);
    }

    fn first_vlans(&self, bridge: &IfName) -> Option<PortVlans> {
        let made = self.diff.created.get(bridge);
        let bridge = made.or_else(|| self.state.links.get(bridge))?;
        bridge.kind.first_vlans()
    }

    /// The link as the other end of a pair that this plan makes.
    fn other_end(&self, name: &IfName) -> Option<Link> {
        let (made, link) = self
            .diff
            .created
            .iter()
            .find(|(_, link)| link.peer().as_ref() == Some(name))?;
        let mut pair = NetState::default();
        pair.apply(&Effect::CreateLink {
            name: made.clone(),
            link: link.clone(),
        })
        .ok()?;
        pair.links.remove(name)
    }

    /// Addresses, routes and neighbours.
    fn belongings(&mut self, name: &IfName, wanted: &WantedLink) {
        let present = self.names.present(name);
        if let Some(wanted) = wanted.addresses.wanted() {
            let found: Vec<&Address> = self.state.addresses_of(name).collect();
            let (added, removed) =
                exchanged(wanted.iter().collect(), found, |a: &Address, b| a.is(b));
            let removed = removed.into_iter().map(|address| address.on(&present));
            self.diff.addresses_removed.extend(removed);
            self.diff.addresses_added.extend(added);
        }
        if let Some(wanted) = wanted.routes.wanted() {
            let found = self.state.routes.iter();
            let found = found.filter(|r| r.leaves_by(name) && r.protocol != Route::KERNEL);
            let (added, removed) =
                exchanged(wanted.iter().collect(), found.collect(), |a: &Route, b| {
                    a.is(b)
                });
            for route in removed {
                push_new(
                    &mut self.diff.routes_removed,
                    route.renamed(|link| self.names.present(link)),
                );
            }
            for route in added {
                push_new(&mut self.diff.routes_added, route);
            }
        }
        if let Some(wanted) = wanted.neighbours.wanted() {
            let found = self.state.neighbours.iter().filter(|n| n.link == *name);
            let (added, removed) = exchanged(
                wanted.iter().collect(),
                found.collect(),
                |a: &Neighbour, b| a == b,
            );
            let removed = removed.into_iter().map(|neighbour| Neighbour {
                link: present.clone(),
                ..neighbour
            });
            self.diff.neighbours_removed.extend(removed);
            self.diff.neighbours_added.extend(added);
        }
    }

    fn settings(&mut self) {
        let is_there = |link: &IfName, state: &NetState, diff: &Diff| {
            state.links.contains_key(link) && !diff.created.contains_key(link)
        };
        for (key, value) in &self.desired.sysctls {
            match self.state.sysctls.get(key) {
                Some(found) => {
                    if let Some(pair) = Pair::differing(found.clone(), value.clone()) {
                        self.diff.sysctls.insert(key.clone(), pair);
                    }
                }
                // What a link that we make begins with is what new links begin with.
                None if self.is_made(&key.link) => {
                    let begins = self.state.sysctls.get(&LinkSysctl {
                        link: "default".parse().expect("a name"),
                        ..key.clone()
                    });
                    match begins {
                        Some(found) => {
                            if let Some(pair) = Pair::differing(found.clone(), value.clone()) {
                                self.diff.sysctls.insert(key.clone(), pair);
                            }
                        }
                        None => self
                            .report
                            .skipped
                            .push(Skipped::NoSuchSetting(key.clone())),
                    }
                }
                None if is_there(&key.link, &self.state, &self.diff) || key.is_of_host() => {
                    self.report
                        .skipped
                        .push(Skipped::NoSuchSetting(key.clone()));
                }
                None => {}
            }
        }
        for (key, wanted) in &self.desired.features {
            // A pair begins with everything on that can be switched (VETH_FEATURES, veth.c).
            let pair = self.is_pair_made(&key.link).then_some(true);
            if let Some(found) = self.state.features.get(key).copied().or(pair)
                && let Some(pair) = Pair::differing(found, *wanted)
            {
                self.diff.features.insert(key.clone(), pair);
            }
        }
        for route in &self.desired.routes {
            if !self.state.routes.iter().any(|found| found.is(route)) {
                push_new(&mut self.diff.routes_added, route.clone());
            }
        }
    }

    fn is_made(&self, link: &IfName) -> bool {
        let mut made = self.diff.created.iter();
        made.any(|(name, made)| name == link || made.peer().as_ref() == Some(link))
    }

    fn is_pair_made(&self, link: &IfName) -> bool {
        self.diff
            .created
            .get(link)
            .is_some_and(|made| made.peer().is_some())
    }

    fn rules(&mut self, observed: &NetState) {
        let desired = self.desired;
        let added = desired.rules.difference(&observed.rules);
        self.diff.rules_added = added.cloned().collect();
        let removed = desired.rules_gone.intersection(&observed.rules);
        self.diff.rules_removed = removed.cloned().collect();
    }

    /// Those that are wanted or go one by one, on links that keep their names.
    fn neighbours(&mut self, observed: &NetState) {
        let desired = self.desired;
        let added = desired.neighbours.difference(&observed.neighbours);
        self.diff.neighbours_added.extend(added.cloned());
        let removed = desired.neighbours_gone.intersection(&observed.neighbours);
        self.diff.neighbours_removed.extend(removed.cloned());
    }

    fn guards(&mut self, observed: &NetState) {
        for (port, wanted) in &self.desired.guards {
            let found = observed.guards.get(port).cloned();
            let pair = Pair::differing(found, wanted.clone());
            let pair = pair.map(|pair| (port.clone(), pair));
            self.diff.guards.extend(pair);
        }
    }

    fn passages(&mut self, observed: &NetState) {
        for (port, wanted) in &self.desired.passages {
            let found = observed.passages.get(port).cloned();
            let pair = Pair::differing(found, wanted.clone());
            let pair = pair.map(|pair| (port.clone(), pair));
            self.diff.passages.extend(pair);
        }
        for (chain, wanted) in &self.desired.open {
            let found = observed.open.get(chain).copied();
            let pair = Pair::differing(found, *wanted);
            self.diff.open.extend(pair.map(|pair| (*chain, pair)));
        }
    }

    fn masquerades(&mut self, observed: &NetState) {
        for (uplink, wanted) in &self.desired.masquerades {
            let found = observed.masquerades.contains(uplink);
            let pair = Pair::differing(found, *wanted);
            let pair = pair.map(|pair| (uplink.clone(), pair));
            self.diff.masquerades.extend(pair);
        }
    }

    fn dhcp(&mut self, observed: &NetState) {
        let there = &observed.dhcp;
        for (vif, wanted) in &self.desired.dhcp_hosts {
            let change = DhcpHostChange {
                folder: there.folder.clone(),
                vif: vif.clone(),
                from: there.hosts.get(vif).cloned(),
                to: wanted.clone(),
            };
            if change.from != change.to {
                self.diff.dhcp_hosts.push(change);
            }
        }
        let lines = self.desired.lines.iter();
        let lines = lines.filter(|line| line.from != line.to);
        self.diff.lines = lines.cloned().collect();
        let pair = differing(there.server.clone(), &self.desired.dhcp_server);
        self.diff.dhcp_server = pair.map(|pair| DhcpServerChange {
            folder: there.folder.clone(),
            from: pair.from,
            to: pair.to,
        });
    }

    fn switch_ports(&mut self, observed: &NetState) {
        let there = &observed.switches.ports;
        for (port, wanted) in &self.desired.switch_ports {
            let change = SwitchChange {
                port: port.clone(),
                from: there.get(port).cloned(),
                to: Some(wanted.clone()),
            };
            if change.from != change.to {
                self.diff.switch_ports_added.push(change);
            }
        }
        for port in &self.desired.switch_ports_gone {
            let from = there.get(port).cloned();
            self.diff
                .switch_ports_removed
                .extend(from.map(|from| SwitchChange {
                    port: port.clone(),
                    from: Some(from),
                    to: None,
                }));
        }
    }

    fn nodes(&mut self, observed: &NetState) {
        for wanted in &self.desired.nodes {
            let from = observed.nodes.get(&wanted.path);
            if from != Some(&wanted.value) {
                let write = NodeWrite {
                    path: wanted.path.clone(),
                    from: from.cloned(),
                    to: Some(wanted.value.clone()),
                };
                let effect = Effect::WriteNodes {
                    within: wanted.within.clone(),
                    writes: vec![write],
                };
                self.diff.nodes.push((wanted.clone(), effect));
            }
        }
    }
}

/// What is wanted and not found, and what is found and not wanted.
fn exchanged<T: Clone>(
    wanted: Vec<&T>,
    found: Vec<&T>,
    same: impl Fn(&T, &T) -> bool,
) -> (Vec<T>, Vec<T>) {
    let missing = |these: &[&T], those: &[&T]| -> Vec<T> {
        these
            .iter()
            .filter(|this| !those.iter().any(|that| same(this, that)))
            .map(|this| (*this).clone())
            .collect()
    };
    (missing(&wanted, &found), missing(&found, &wanted))
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, thing: T) {
    if !list.contains(&thing) {
        list.push(thing);
    }
}

fn differing<T: PartialEq + Clone>(found: T, wanted: &Managed<T>) -> Option<Pair<T>> {
    wanted
        .wanted()
        .and_then(|wanted| Pair::differing(found, wanted.clone()))
}

/// The link as our own message makes it: down, no port, MAC and MTU already as wanted.
fn as_made(kind: &LinkKind, wanted: &WantedLink) -> Link {
    Link {
        mac: wanted.mac.wanted().copied(),
        mtu: wanted.mtu.wanted().copied().unwrap_or(1500),
        ..Link::of(kind.clone())
    }
}
