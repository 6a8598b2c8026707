//! Which NIC, which bridge and which pair a call is about.

use std::collections::BTreeSet;

use crate::name::IfName;
use crate::state::{Mark, NetState, Route, Scope};

use super::{Arguments, Call, Command, Generation, Pair};

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// In whose way: that of the call, or of the start that was.
    pub generation: Generation,
    /// The name that dom0 knows the NIC by: the one it has before start.
    pub nic: IfName,
    /// The name the NIC has while it is below a bridge; in Xen 2.0 its own.
    pub port: IfName,
    /// The bridge.
    pub bridge: IfName,
    /// The pair through which dom0 reaches the bridge, in Xen 3.0.
    pub pair: Option<Pair>,
    /// Whether the NIC is a port of the bridge by now.
    pub is_started: bool,
}

/// What must be known of the host for a call: everything, and every setting of the links that it
/// can be about.
pub fn scope(call: &Call, links: &NetState) -> Scope {
    let mut every: BTreeSet<IfName> = BTreeSet::new();
    every.extend("default".parse());
    // Which links those are is found in what they are; a look at some more costs little.
    if let Ok(target) = Target::of(call, links) {
        let pair = target
            .pair
            .into_iter()
            .flat_map(|pair| [pair.veth(), pair.vif()]);
        every.extend(pair.chain([target.nic, target.port, target.bridge]));
    }
    Scope::HostAnd(every)
}

impl Target {
    /// Finds out.
    ///
    /// # Errors
    /// A sentence that says what was wanted, what there is, and what to do.
    pub fn of(call: &Call, state: &NetState) -> Result<Self, String> {
        let arguments = &call.arguments;
        let nic = nic(call.generation, arguments, state)?;
        let started = started(&nic, arguments, state);
        let generation = started.unwrap_or(call.generation);
        let port = match generation {
            Generation::Xen2 => nic.clone(),
            Generation::Netloop | Generation::Renaming => lowered(&nic)?,
        };
        let pair = match generation {
            Generation::Netloop => Some(pair(&nic, started.is_some(), arguments, state)?),
            Generation::Xen2 | Generation::Renaming => None,
        };
        let usual = match (generation, pair) {
            (Generation::Xen2, _) => "xen-br0".parse().expect("seven letters"),
            (Generation::Netloop, Some(pair)) => format!("xenbr{}", pair.0)
                .parse()
                .expect("five letters and at most five digits"),
            _ => nic.clone(),
        };
        let mut target = Self {
            generation,
            bridge: arguments.bridge.clone().unwrap_or(usual),
            nic,
            port,
            pair,
            is_started: started.is_some(),
        };
        target.settle_bridge(arguments, state)?;
        Ok(target)
    }

    /// A NIC that is a port already has its bridge.
    fn settle_bridge(&mut self, arguments: &Arguments, state: &NetState) -> Result<(), String> {
        let Some(actual) = master(state, &self.port).filter(|_| self.is_started) else {
            return Ok(());
        };
        let other = arguments.bridge.as_ref().filter(|given| **given != actual);
        if let Some(given) = other {
            return Err(format!(
                "{} is on the bridge {actual} and not on {given}; `network-bridge stop netdev={} bridge={actual}` takes it off",
                self.nic, self.nic
            ));
        }
        self.bridge = actual;
        Ok(())
    }
}

/// In which way a NIC was started, if it was: seen in what there is.
fn started(nic: &IfName, arguments: &Arguments, state: &NetState) -> Option<Generation> {
    let is_bridge = |link: &IfName| state.links.get(link).is_some_and(|l| l.kind.is_bridge());
    if let Some(port) = lowered(nic)
        .ok()
        .filter(|port| state.links.contains_key(port))
    {
        if Pair::of_end(state, nic).is_some() {
            return Some(Generation::Netloop);
        }
        // Without the pair's end it was the bridge that dom0 went on as, or the end was lost; then
        // the bridge is still one that is not heard.
        let bridge = master(state, &port);
        let quiet = bridge
            .and_then(|bridge| state.links.get(&bridge))
            .is_some_and(|b| !b.arp);
        return match is_bridge(nic) || !quiet {
            true => Some(Generation::Renaming),
            false => Some(Generation::Netloop),
        };
    }
    let bridge = master(state, nic).filter(is_bridge)?;
    let meant = is_ours(state, &bridge) || arguments.bridge.as_ref() == Some(&bridge);
    meant.then_some(Generation::Xen2)
}

/// `peth0` of `eth0`.
fn lowered(nic: &IfName) -> Result<IfName, String> {
    format!("p{nic}").parse().map_err(|_| {
        format!(
            "{nic} cannot be renamed to p{nic}, which is longer than 15 bytes; give the NIC a shorter name (systemd.link(5)), or use --generation xen2, which renames nothing"
        )
    })
}

pub(super) fn master(state: &NetState, link: &IfName) -> Option<IfName> {
    state.links.get(link)?.master.clone()
}

pub(super) fn is_ours(state: &NetState, link: &IfName) -> bool {
    let mark = state.links.get(link).and_then(Mark::of);
    mark.is_some_and(|mark| mark.made)
}

fn nic(generation: Generation, arguments: &Arguments, state: &NetState) -> Result<IfName, String> {
    let named = |name: String| {
        name.parse::<IfName>()
            .map_err(|why| format!("{name}: {why}"))
    };
    let nic = match (&arguments.netdev, arguments.vifnum, generation) {
        (Some(netdev), ..) => netdev.clone(),
        (None, Some(number), Generation::Netloop) => named(format!("eth{number}"))?,
        (None, _, Generation::Xen2) => named("eth0".into())?,
        (None, _, Generation::Netloop | Generation::Renaming) => match by_default_route(state)? {
            Some(nic) => nic,
            None => named("eth0".into())?,
        },
    };
    let there = state.links.contains_key(&nic)
        || lowered(&nic).is_ok_and(|port| state.links.contains_key(&port));
    if there {
        return Ok(nic);
    }
    let nics = nics(state);
    Err(match nics.as_slice() {
        [] => format!("there is no link {nic}, and no other NIC either"),
        nics => format!("there is no link {nic}; NICs here: {}", nics.join(", ")),
    })
}

/// What could be meant by a NIC: what is no bridge, no guest's, no pair's and not the loopback.
pub(super) fn nics(state: &NetState) -> Vec<String> {
    let links = state.links.iter().filter(|(name, link)| {
        name.as_str() != "lo"
            && !link.kind.is_bridge()
            && !is_guests(state, name)
            && !is_pairs(state, name)
    });
    links.map(|(name, _)| name.to_string()).collect()
}

/// Whether this is a guest's backend link.
pub(crate) fn is_guests(state: &NetState, name: &IfName) -> bool {
    let Some(link) = state.links.get(name) else {
        return false;
    };
    let text = name.as_str();
    let bare = text.strip_suffix("-emu").unwrap_or(text);
    let is_vif = bare
        .parse::<crate::name::VifId>()
        .is_ok_and(|vif| vif.domid.0 != 0);
    let is_tap = text
        .strip_prefix("tap")
        .is_some_and(|rest| format!("vif{rest}").parse::<crate::name::VifId>().is_ok());
    is_vif
        || is_tap
        || Mark::of(link).is_some_and(|mark| mark.link.is_some() || mark.port_of.is_some())
}

/// Whether this is an end of a crossover pair.
pub(super) fn is_pairs(state: &NetState, name: &IfName) -> bool {
    let is_end = |name: &IfName| {
        let number = name.as_str().strip_prefix("vif0.");
        number.is_some_and(|number| number.parse::<u16>().is_ok())
    };
    is_end(name) || Pair::of_end(state, name).is_some()
}

/// The link of the default route of dom0; if that is a bridge of ours, the NIC that was started.
pub(crate) fn by_default_route(state: &NetState) -> Result<Option<IfName>, String> {
    for family in ["0.0.0.0/0", "::/0"] {
        let everything = family.parse().expect("a prefix");
        let routes: Vec<&Route> = state
            .routes
            .iter()
            .filter(|r| r.table == Route::MAIN && r.to == everything && r.link().is_some())
            .collect();
        let Some(best) = routes.iter().map(|r| r.metric).min() else {
            continue;
        };
        let best = routes.iter().filter(|r| r.metric == best);
        let links: BTreeSet<&IfName> = best
            .flat_map(|r| r.hops.iter().map(|hop| &hop.link))
            .collect();
        let links: Vec<&IfName> = links.into_iter().collect();
        return match links.as_slice() {
            [link] => Ok(Some(below(link, state))),
            links => {
                let links: Vec<String> = links.iter().map(ToString::to_string).collect();
                Err(format!(
                    "the default routes leave by {}: say which NIC is meant with netdev=",
                    links.join(" and ")
                ))
            }
        };
    }
    Ok(None)
}

/// The NIC that was started, if this is what start made for it.
fn below(link: &IfName, state: &NetState) -> IfName {
    let mark = state.links.get(link).and_then(Mark::of);
    mark.and_then(|mark| mark.nic).unwrap_or(link.clone())
}

fn pair(
    nic: &IfName,
    is_started: bool,
    arguments: &Arguments,
    state: &NetState,
) -> Result<Pair, String> {
    let taken = Pair::of_end(state, nic).filter(|_| is_started);
    match (arguments.vifnum.map(Pair), taken) {
        (Some(given), Some(taken)) if given != taken => Err(format!(
            "{nic} goes through the pair {}, not {}; stop it first",
            taken.0, given.0
        )),
        (Some(pair), _) | (None, Some(pair)) => Ok(pair),
        (None, None) => {
            let own = digits(nic).filter(|pair| pair.in_use(state).is_none());
            let free = || Pair::lowest_free(state);
            own.or_else(free)
                .ok_or_else(|| "every pair is in use".into())
        }
    }
}

/// The number at the end of a name: 1 of `eth1`, 293 of `eth0.293`.
fn digits(nic: &IfName) -> Option<Pair> {
    let name = nic.as_str();
    let digits = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    name[digits..].parse().ok().map(Pair)
}

impl Command {
    /// Whether the call changes the host.
    pub fn changes(self) -> bool {
        !matches!(self, Self::Status)
    }
}
