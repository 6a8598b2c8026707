//! A scenario's claims, tried: packets (`reach`, `not_reach`) and structure (`expect`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use xenwire_core::config::lab::{ClaimKind, Probes, Protocol, Scenario};
use xenwire_core::state::Scope;
use xenwire_host::kernel::Kernel;

mod structure;

use structure::structure;

use crate::probe;
use crate::sandbox::{DOM0, Netns};
use crate::world::World;
use crate::xen::{Guests, Toolstack};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What became of one claim.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Whether it holds.
    pub holds: bool,
    /// The claim in a line: `reach      foo -> bar.eth1`.
    pub claim: String,
    /// What was seen, in a line.
    pub seen: String,
    /// How long the slowest probe took, in microseconds; nothing for a claim about structure.
    pub micros: Option<u64>,
    /// Every probe that does not prove the claim, in a line each.
    pub failures: Vec<String>,
}

/// Tries every claim. The current thread must be in dom0's namespace.
///
/// # Errors
/// One sentence, if the lab itself fails.
pub fn judge(
    scenario: &Scenario,
    world: &World,
    toolstack: &Toolstack,
    guests: &Guests,
) -> Result<Vec<Verdict>, String> {
    let machines = &world.machines;
    let places = places(machines, toolstack, guests)?;
    let mut probes = Vec::new();
    for claim in &scenario.claims {
        let wish = match claim.kind {
            ClaimKind::Reach => probe::Wish::Reach,
            ClaimKind::NotReach => probe::Wish::NotReach,
        };
        for one in claim.each() {
            let (Some(from), Some(to)) =
                (places.get(one.from.as_str()), places.get(one.to.as_str()))
            else {
                continue;
            };
            let protocol = match one.protocol {
                Protocol::Icmp => probe::Protocol::Icmp,
                Protocol::Tcp => probe::Protocol::Tcp,
                Protocol::Udp => probe::Protocol::Udp,
            };
            probes.push(probe::Claim {
                probe: probe::Probe {
                    from: from.clone(),
                    to: to.clone(),
                    address: one.address,
                    protocol,
                },
                wish,
                patience: if wish == probe::Wish::Reach {
                    PATIENCE
                } else {
                    probe::PATIENCE
                },
            });
        }
    }
    let mut outcomes = probe::run_all(probes).into_iter();
    let packets = scenario.claims.iter().map(|claim| {
        let stopped = [&claim.from]
            .into_iter()
            .chain(claim.targets.iter().map(|(name, _)| name));
        let missing: BTreeSet<&str> = stopped
            .map(|name| name.as_str())
            .filter(|name| !places.contains_key(*name))
            .collect();
        let runs = |name: &str| places.contains_key(name);
        let tried: Vec<(String, probe::Outcome)> = claim
            .each()
            .filter(|one| runs(one.from.as_str()) && runs(one.to.as_str()))
            .filter_map(|one| {
                Some((
                    format!("{} {}", one.address, one.protocol),
                    outcomes.next()?,
                ))
            })
            .collect();
        packet_verdict(claim, &missing, &tried)
    });
    let packets: Vec<Verdict> = packets.collect();
    let mut kernel = Kernel::open().map_err(|error| error.to_string())?;
    let observed = kernel
        .observe(Scope::Host)
        .map_err(|error| error.to_string())?;
    Ok(packets
        .into_iter()
        .chain(structure(&scenario.expect, &observed.state, &world.macs))
        .collect())
}

/// Where every machine is that runs.
fn places(
    machines: &BTreeMap<String, Netns>,
    toolstack: &Toolstack,
    guests: &Guests,
) -> Result<BTreeMap<String, probe::Place>, String> {
    let place = |name: &str, netns: OwnedFd| probe::Place {
        name: name.to_owned(),
        netns: Arc::new(netns),
    };
    let copy = |netns: &Netns| {
        netns
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| error.to_string())
    };
    let dom0 = Netns::current().map_err(|error| error.to_string())?;
    let mut places = BTreeMap::from([(DOM0.to_owned(), place(DOM0, dom0))]);
    for (name, netns) in machines {
        places.insert(name.clone(), place(name, copy(netns)?));
    }
    for running in toolstack.running() {
        if let Some(guest) = guests.get(running.domid) {
            let name = running.domain.name.to_string();
            let netns = copy(&guest.netns)?;
            places.insert(name.clone(), place(&name, netns));
        }
    }
    Ok(places)
}

fn packet_verdict(
    claim: &Probes,
    missing: &BTreeSet<&str>,
    tried: &[(String, probe::Outcome)],
) -> Verdict {
    let mut failures: Vec<String> = missing
        .iter()
        .map(|name| format!("{name} does not run"))
        .collect();
    let unproven = tried.iter().filter(|(_, outcome)| !outcome.proven());
    failures.extend(unproven.map(|(what, outcome)| format!("{what}: {outcome}")));
    let slowest = tried.iter().filter_map(|(_, outcome)| match outcome {
        probe::Outcome::Reach(probe::Reach::Arrived { round_trip }) => Some(*round_trip),
        _ => None,
    });
    let addresses: BTreeSet<String> = claim
        .targets
        .iter()
        .map(|(_, address)| address.to_string())
        .collect();
    let protocols: Vec<String> = claim.protocols.iter().map(ToString::to_string).collect();
    Verdict {
        holds: failures.is_empty(),
        claim: format!(
            "{:<9} {} -> {}",
            claim.kind.to_string(),
            claim.from,
            claim.to
        ),
        seen: format!(
            "{}  {}",
            protocols.join(" "),
            addresses.into_iter().collect::<Vec<_>>().join(" ")
        ),
        micros: slowest
            .max()
            .map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
        failures,
    }
}

/// The table of claims, and behind it why those fail that do.
pub fn table(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    let width = verdicts
        .iter()
        .map(|v| v.claim.chars().count())
        .max()
        .unwrap_or(0);
    for verdict in verdicts {
        let mark = if verdict.holds { "ok  " } else { "FAIL" };
        let time = verdict.micros.map_or(String::new(), |micros| {
            format!("{}.{:03} ms", micros / 1000, micros % 1000)
        });
        let _ = writeln!(
            text,
            "{mark}  {:<width$}  {time:>9}  {}",
            verdict.claim, verdict.seen
        );
        for failure in &verdict.failures {
            let _ = writeln!(text, "        {failure}");
        }
    }
    text
}
