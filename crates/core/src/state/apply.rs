//! What an effect means: the pure model of what the kernel and the store do. Recovery uses it to
//! find out how far a crashed run came, the tests use it as the kernel they plan against.

use std::collections::BTreeSet;
use std::fmt;

use super::{Address, Effect, LinkChange, Neighbour, NetState, VlanChange};
use crate::name::IfName;

/// The state is not the one that the effect starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch(pub String);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mismatch {}

/// `from` must be what is there; then it becomes `to`.
fn exchange<T: PartialEq + Clone + fmt::Debug>(
    place: &mut T,
    from: &T,
    to: &T,
    what: &dyn fmt::Display,
) -> Result<(), Mismatch> {
    if place != from {
        return Err(Mismatch(format!(
            "{what}: {from:?} was expected, {place:?} was found"
        )));
    }
    *place = to.clone();
    Ok(())
}

fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), Mismatch> {
    if holds { Ok(()) } else { Err(Mismatch(what())) }
}

/// The one that is meant must be there; then it is not.
fn take<T: Ord + Clone>(
    set: &mut BTreeSet<T>,
    is_meant: impl Fn(&T) -> bool,
    what: impl FnOnce() -> String,
) -> Result<(), Mismatch> {
    let found = set.iter().find(|thing| is_meant(thing)).cloned();
    let found = found.ok_or_else(|| Mismatch(what()))?;
    set.remove(&found);
    Ok(())
}

impl NetState {
    /// Does to this state what the effect does to a machine.
    ///
    /// # Errors
    /// [`Mismatch`] if the state is not the one the effect was planned for; the state is then
    /// unchanged.
    pub fn apply(&mut self, effect: &Effect) -> Result<(), Mismatch> {
        match effect {
            Effect::CreateLink { name, link } => {
                require(!self.links.contains_key(name), || {
                    format!("{name} is there already")
                })?;
                let link = link.bare();
                if let Some(peer) = link.peer() {
                    require(!self.links.contains_key(&peer), || {
                        format!("{peer} is there already")
                    })?;
                    self.begin(&peer);
                    self.links.insert(peer, link.other_end(name));
                }
                self.begin(name);
                self.links.insert(name.clone(), link);
                Ok(())
            }
            Effect::DeleteLink { name, .. } | Effect::MoveLink { name, .. } => {
                let Some(link) = self.links.get(name) else {
                    return Err(Mismatch(format!("{name} is not there")));
                };
                if let Effect::DeleteLink { link: meant, .. } = effect {
                    require(link.may_be(meant), || format!("{name} is another link"))?;
                }
                let peer = link
                    .peer()
                    .filter(|_| matches!(effect, Effect::DeleteLink { .. }));
                for name in peer.iter().chain([name]) {
                    self.forget(name);
                }
                Ok(())
            }
            Effect::ChangeLink {
                name,
                change: LinkChange::Name(pair),
            } => self.rename(name, &pair.to),
            Effect::ChangeLink { name, change } => {
                let Some(link) = self.links.get_mut(name) else {
                    return Err(Mismatch(format!("{name} is not there")));
                };
                match change {
                    LinkChange::Name(_) => unreachable!("matched above"),
                    LinkChange::Up(p) => exchange(&mut link.up, &p.from, &p.to, effect),
                    LinkChange::Arp(p) => exchange(&mut link.arp, &p.from, &p.to, effect),
                    LinkChange::Multicast(p) => {
                        exchange(&mut link.multicast, &p.from, &p.to, effect)
                    }
                    LinkChange::Mac(p) => {
                        exchange(&mut link.mac, &Some(p.from), &Some(p.to), effect)
                    }
                    LinkChange::Mtu(p) => exchange(&mut link.mtu, &p.from, &p.to, effect),
                    LinkChange::Master(p) => {
                        exchange(&mut link.master, &p.from, &p.to, effect)?;
                        self.begin_as_port(name, p.to.as_ref());
                        Ok(())
                    }
                    LinkChange::Alias(p) => exchange(&mut link.alias, &p.from, &p.to, effect),
                }
            }
            Effect::ChangeVlans(change) => self.change_vlans(change),
            Effect::ChangeSwitchPort(change) => {
                let ports = &mut self.switches.ports;
                require(ports.get(&change.port) == change.from.as_ref(), || {
                    format!("Open vSwitch's port {} changed meanwhile", change.port)
                })?;
                match &change.to {
                    Some(port) => ports.insert(change.port.clone(), port.clone()),
                    None => ports.remove(&change.port),
                };
                Ok(())
            }
            Effect::AddAddress(a) => {
                require(self.links.contains_key(&a.link), || {
                    format!("{} is not there", a.link)
                })?;
                let has = |b: &Address| b.link == a.link && b.net == a.net;
                require(!self.addresses.iter().any(has), || {
                    format!("{} is there already", a.net)
                })?;
                self.addresses.insert(a.clone());
                Ok(())
            }
            Effect::DeleteAddress(a) => take(
                &mut self.addresses,
                |b| b.is(a),
                || format!("{} is not there", a.net),
            ),
            Effect::ChangeAddress(p) => {
                take(
                    &mut self.addresses,
                    |b| b.is(&p.from),
                    || format!("{} is not there as it was", p.from.net),
                )?;
                self.addresses.insert(p.to.clone());
                Ok(())
            }
            Effect::AddRoute(r) => {
                require(!self.routes.iter().any(|b| b.is(r)), || {
                    format!("the route to {} is there already", r.to)
                })?;
                self.routes.insert(r.clone());
                Ok(())
            }
            Effect::DeleteRoute(r) => take(
                &mut self.routes,
                |b| b.is(r),
                || format!("the route to {} is not there", r.to),
            ),
            Effect::AddRule(r) => require(self.rules.insert(r.clone()), || {
                format!("the rule {r} is there already")
            }),
            Effect::DeleteRule(r) => require(self.rules.remove(r), || {
                format!("the rule {r} is not there")
            }),
            Effect::AddNeighbour(n) => require(self.neighbours.insert(n.clone()), || {
                format!("the neighbour {} is there already", n.to)
            }),
            Effect::DeleteNeighbour(n) => require(self.neighbours.remove(n), || {
                format!("the neighbour {} is not there", n.to)
            }),
            Effect::SetFeature { key, from, to } => match self.features.get_mut(key) {
                Some(place) => exchange(place, from, to, effect),
                // A link that was made on the way was not looked at.
                None => {
                    require(self.links.contains_key(&key.link), || {
                        format!("{} is not there", key.link)
                    })?;
                    self.features.insert(key.clone(), *to);
                    Ok(())
                }
            },
            Effect::WriteSysctl { key, from, to } => {
                match self.sysctls.get_mut(key) {
                    Some(place) => exchange(place, from, to, effect),
                    None => Err(Mismatch(format!("{key} is not there"))),
                }?;
                let all = self.sysctls.iter_mut();
                for (_, value) in all.filter(|(other, _)| other.follows(key)) {
                    value.clone_from(to);
                }
                Ok(())
            }
            Effect::RunHooks(_) => Ok(()),
            Effect::ChangeGuard { port, change } => {
                let mut found = self.guards.remove(port);
                let done = exchange(&mut found, &change.from, &change.to, effect);
                self.guards.extend(found.map(|guard| (port.clone(), guard)));
                done
            }
            Effect::ChangePassage { port, change } => {
                let mut found = self.passages.remove(port);
                let done = exchange(&mut found, &change.from, &change.to, effect);
                let found = found.map(|passage| (port.clone(), passage));
                self.passages.extend(found);
                done
            }
            Effect::OpenForward { chain, change } => {
                let mut found = self.open.remove(chain);
                let done = exchange(&mut found, &change.from, &change.to, effect);
                self.open.extend(found.map(|mark| (*chain, mark)));
                done
            }
            Effect::ChangeMasquerade { uplink, change } => {
                let mut found = self.masquerades.contains(uplink);
                exchange(&mut found, &change.from, &change.to, effect)?;
                match found {
                    true => self.masquerades.insert(uplink.clone()),
                    false => self.masquerades.remove(uplink),
                };
                Ok(())
            }
            Effect::RestoreOldRule(rule) => require(self.old_rules.insert(rule.clone()), || {
                format!("{rule} is there already")
            }),
            Effect::DeleteOldRule(rule) => require(self.old_rules.remove(rule), || {
                format!("{rule} is not there")
            }),
            Effect::ChangeDhcpHost(change) => {
                let hosts = &mut self.dhcp.hosts;
                let mut found = hosts.remove(&change.vif);
                let done = exchange(&mut found, &change.from, &change.to, effect);
                hosts.extend(found.map(|line| (change.vif.clone(), line)));
                done
            }
            Effect::ChangeLine(change) => {
                let lines = self.files.get_mut(&change.file);
                let made = lines.and_then(|lines| change.make(lines));
                require(made.is_some(), || {
                    format!("{} changed meanwhile", change.file)
                })
            }
            Effect::ChangeDhcpServer(change) => {
                exchange(&mut self.dhcp.server, &change.from, &change.to, effect)
            }
            Effect::WriteNodes { writes, .. } => {
                for w in writes {
                    require(self.nodes.get(&w.path) == w.from.as_ref(), || {
                        format!("{} changed meanwhile", w.path)
                    })?;
                }
                for w in writes {
                    match &w.to {
                        Some(value) => self.nodes.insert(w.path.clone(), value.clone()),
                        None => self.nodes.remove(&w.path),
                    };
                }
                Ok(())
            }
        }
    }

    fn rename(&mut self, from: &IfName, to: &IfName) -> Result<(), Mismatch> {
        require(!self.links.contains_key(to), || {
            format!("{to} is there already")
        })?;
        let Some(link) = self.links.remove(from) else {
            return Err(Mismatch(format!("{from} is not there")));
        };
        self.links.insert(to.clone(), link);
        let name = |name: &IfName| {
            if name == from {
                to.clone()
            } else {
                name.clone()
            }
        };
        for link in self.links.values_mut() {
            link.master = link.master.as_ref().map(name);
            if link.peer().as_ref() == Some(from) {
                link.rename_peer(to);
            }
        }
        self.rename_settings(name);
        Ok(())
    }

    /// Gives links other names in everything that names a link, but the links themselves and
    /// rules: the kernel ties a rule to a name, not to a link.
    pub(crate) fn rename_settings(&mut self, name: impl Fn(&IfName) -> IfName) {
        self.addresses = std::mem::take(&mut self.addresses)
            .into_iter()
            .map(|address| address.on(&name(&address.link)))
            .collect();
        self.routes = std::mem::take(&mut self.routes)
            .into_iter()
            .map(|route| route.renamed(&name))
            .collect();
        self.neighbours = std::mem::take(&mut self.neighbours)
            .into_iter()
            .map(|neighbour| Neighbour {
                link: name(&neighbour.link),
                ..neighbour
            })
            .collect();
        self.sysctls = std::mem::take(&mut self.sysctls)
            .into_iter()
            .map(|(key, value)| (key.on(&name(&key.link)), value))
            .collect();
        self.vlans = std::mem::take(&mut self.vlans)
            .into_iter()
            .map(|(port, vlans)| (name(&port), vlans))
            .collect();
        self.features = std::mem::take(&mut self.features)
            .into_iter()
            .map(|(key, value)| (key.on(&name(&key.link)), value))
            .collect();
    }

    /// A new link has the settings that new links begin with, as far as they were looked at.
    fn begin(&mut self, name: &IfName) {
        let of_new_links = self.sysctls.iter();
        let begun: Vec<_> = of_new_links
            .filter(|(key, _)| key.link.as_str() == "default")
            .map(|(key, value)| (key.on(name), value.clone()))
            .collect();
        self.sysctls.extend(begun);
    }

    /// A port begins with the VLAN that its bridge gives to new ones (nbp_vlan_init), and forgets
    /// those of the bridge it leaves.
    fn begin_as_port(&mut self, port: &IfName, bridge: Option<&IfName>) {
        self.vlans.remove(port);
        let bridge = bridge.and_then(|bridge| self.links.get(bridge));
        if let Some(first) = bridge.and_then(|bridge| bridge.kind.first_vlans()) {
            self.vlans.insert(port.clone(), first);
        }
    }

    fn change_vlans(&mut self, change: &VlanChange) -> Result<(), Mismatch> {
        let Some(vlans) = self.vlans.get_mut(&change.port) else {
            return Err(Mismatch(format!("{} carries no VLANs", change.port)));
        };
        for number in change.first..=change.last {
            require(vlans.get(&number).copied() == change.from, || {
                format!("VLAN {number} of {} changed meanwhile", change.port)
            })?;
        }
        for number in change.first..=change.last {
            match change.to {
                Some(how) => vlans.insert(number, how),
                None => vlans.remove(&number),
            };
        }
        Ok(())
    }

    /// Drops a link and everything that goes with it.
    fn forget(&mut self, name: &IfName) {
        self.links.remove(name);
        self.vlans.remove(name);
        self.addresses.retain(|a| &a.link != name);
        self.routes.retain(|r| !r.leaves_by(name));
        self.neighbours.retain(|n| &n.link != name);
        self.sysctls.retain(|s, _| &s.link != name);
        self.features.retain(|s, _| &s.link != name);
        for (port, link) in &mut self.links {
            if link.master.take_if(|master| master == name).is_some() {
                self.vlans.remove(port);
            }
        }
    }
}
