//! Crossover pairs: `vethN` for dom0, `vif0.N` for a bridge (contract 1.3.1).

use crate::name::{IfName, Mac};
use crate::state::{
    Desired, LinkKind, Managed, Mark, NetState, Observed, Origin, PeerEnd, Scope, WantedLink,
};

use super::Wanted;
use super::quiet::no_ipv6;

/// A pair, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair(pub u16);

/// What is asked about a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    /// Make it, if it is not there.
    Add(Pair),
    /// Remove it, if we made it.
    Remove(Pair),
}

impl Pair {
    /// `vethN`.
    pub fn veth(self) -> IfName {
        format!("veth{}", self.0)
            .parse()
            .expect("four letters and at most five digits")
    }

    /// `vif0.N`.
    pub fn vif(self) -> IfName {
        format!("vif0.{}", self.0)
            .parse()
            .expect("five bytes and at most five digits")
    }

    /// The pair whose end this is: the link that has it as its other end is dom0's, whatever it is
    /// called now.
    pub(super) fn of_end(state: &NetState, end: &IfName) -> Option<Self> {
        let other = state.links.get(end)?.peer()?;
        let number = other.as_str().strip_prefix("vif0.")?;
        number.parse().ok().map(Self)
    }

    /// Whether it is there, whole and under its own names.
    pub(super) fn is_there(self, state: &NetState) -> bool {
        let end = state.links.get(&self.veth());
        end.is_some_and(|end| end.peer() == Some(self.vif()))
    }

    /// Why it cannot be taken, if it cannot.
    pub(super) fn in_use(self, state: &NetState) -> Option<String> {
        let (veth, vif) = (self.veth(), self.vif());
        if !self.is_there(state) {
            let taken = [&veth, &vif]
                .into_iter()
                .find(|name| state.links.contains_key(name))?;
            return Some(format!(
                "the name {taken} belongs to a link that is no end of a pair"
            ));
        }
        if let Some(address) = state.addresses_of(&veth).find(|a| a.scope == 0) {
            return Some(format!("{veth} has the address {}", address.net));
        }
        for end in [&veth, &vif] {
            if let Some(bridge) = &state.links[end].master {
                return Some(format!("{end} is a port of {bridge}"));
            }
        }
        None
    }

    /// The first that can be taken: one that is there, or one to be made.
    pub(super) fn lowest_free(state: &NetState) -> Option<Self> {
        let all = || (0..=u16::MAX).map(Self);
        let there = all()
            .take(1024)
            .find(|pair| pair.is_there(state) && pair.in_use(state).is_none());
        there.or_else(|| all().find(|pair| pair.in_use(state).is_none()))
    }

    /// What one end is to be when we make the pair.
    pub(super) fn made(self) -> Origin {
        Origin::Ours(LinkKind::Veth(PeerEnd {
            name: self.vif().to_string(),
            netns: None,
            mac: Some(Mac::QUIET),
        }))
    }
}

impl Loopback {
    /// What must be known of the host.
    pub fn scope(self) -> Scope {
        Scope::HostAnd(["default".parse().expect("a name")].into())
    }

    /// What is wanted.
    ///
    /// # Errors
    /// A sentence; nothing is to be done.
    pub fn desire(self, observed: &Observed) -> Result<Wanted, String> {
        let state = &observed.state;
        match self {
            Self::Add(pair) => add(pair, state),
            Self::Remove(pair) => remove(pair, state),
        }
    }
}

fn add(pair: Pair, state: &NetState) -> Result<Wanted, String> {
    if pair.is_there(state) {
        return Ok(Wanted::default());
    }
    if let Some(why) = pair.in_use(state) {
        return Err(format!("cannot make the pair {}: {why}", pair.0));
    }
    let mut desired = Desired::default();
    let mut veth = WantedLink::new(pair.made());
    veth.alias = Managed::Set(Mark::MADE.alias());
    desired.links.insert(pair.veth(), veth);
    let mut vif = WantedLink::new(Origin::Expected);
    vif.alias = Managed::Set(Mark::MADE.alias());
    desired.links.insert(pair.vif(), vif);
    no_ipv6(&pair.vif(), &mut desired);
    Ok(Wanted {
        desired,
        notes: Vec::new(),
    })
}

fn remove(pair: Pair, state: &NetState) -> Result<Wanted, String> {
    let (veth, vif) = (pair.veth(), pair.vif());
    let Some(link) = state.links.get(&veth) else {
        let Some(end) = state.links.get(&vif).and_then(|link| link.peer()) else {
            return Ok(Wanted::default());
        };
        return Err(format!(
            "{vif} is the other end of {end}, dom0's way through a bridge; stop that bridge first"
        ));
    };
    if link.peer() != Some(vif) {
        return Err(format!("{veth} is no end of a pair with vif0.{}", pair.0));
    }
    if !Mark::of(link).is_some_and(|mark| mark.made) {
        return Err(format!(
            "the pair {} was not made by xenwire; `ip link delete {veth}` removes it",
            pair.0
        ));
    }
    if let Some(why) = pair.in_use(state) {
        return Err(format!("the pair {} is in use: {why}", pair.0));
    }
    let mut desired = Desired::default();
    desired.gone.insert(veth);
    Ok(Wanted {
        desired,
        notes: Vec::new(),
    })
}
