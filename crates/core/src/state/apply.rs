//! What an effect means: the pure model of what the kernel and the store do. Recovery uses it to
//! find out how far a crashed run came, the tests use it as the kernel they plan against.

use std::fmt;

use super::{Effect, LinkChange, NetState};
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
                let link = super::Link {
                    up: false,
                    master: None,
                    alias: None,
                    ..link.clone()
                };
                self.links.insert(name.clone(), link);
                Ok(())
            }
            Effect::DeleteLink { name, .. } | Effect::MoveLink { name, .. } => {
                require(self.links.contains_key(name), || {
                    format!("{name} is not there")
                })?;
                self.links.remove(name);
                self.addresses.retain(|a| &a.link != name);
                self.routes.retain(|r| r.link.as_ref() != Some(name));
                self.sysctls.retain(|s, _| &s.link != name);
                for link in self.links.values_mut() {
                    link.master.take_if(|master| master == name);
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
                    LinkChange::Mac(p) => {
                        exchange(&mut link.mac, &Some(p.from), &Some(p.to), effect)
                    }
                    LinkChange::Mtu(p) => exchange(&mut link.mtu, &p.from, &p.to, effect),
                    LinkChange::Master(p) => exchange(&mut link.master, &p.from, &p.to, effect),
                    LinkChange::Alias(p) => exchange(&mut link.alias, &p.from, &p.to, effect),
                }
            }
            Effect::AddAddress(a) => {
                require(self.links.contains_key(&a.link), || {
                    format!("{} is not there", a.link)
                })?;
                require(self.addresses.insert(a.clone()), || {
                    format!("{} is there already", a.net)
                })
            }
            Effect::DeleteAddress(a) => require(self.addresses.remove(a), || {
                format!("{} is not there", a.net)
            }),
            Effect::AddRoute(r) => require(self.routes.insert(r.clone()), || {
                format!("the route to {} is there already", r.to)
            }),
            Effect::DeleteRoute(r) => require(self.routes.remove(r), || {
                format!("the route to {} is not there", r.to)
            }),
            Effect::WriteSysctl { key, from, to } => match self.sysctls.get_mut(key) {
                Some(place) => exchange(place, from, to, effect),
                None => Err(Mismatch(format!("{key} is not there"))),
            },
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
        let renamed = |name: &IfName| {
            if name == from {
                to.clone()
            } else {
                name.clone()
            }
        };
        for link in self.links.values_mut() {
            link.master = link.master.as_ref().map(renamed);
        }
        self.addresses = std::mem::take(&mut self.addresses)
            .into_iter()
            .map(|a| super::Address {
                link: renamed(&a.link),
                ..a
            })
            .collect();
        self.routes = std::mem::take(&mut self.routes)
            .into_iter()
            .map(|r| super::Route {
                link: r.link.as_ref().map(renamed),
                ..r
            })
            .collect();
        self.sysctls = std::mem::take(&mut self.sysctls)
            .into_iter()
            .map(|(key, value)| (key.on(&renamed(&key.link)), value))
            .collect();
        Ok(())
    }
}
