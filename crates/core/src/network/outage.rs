//! How long dom0 will not be heard, said before it happens.

use std::fmt;

use crate::name::IfName;
use crate::plan::Plan;
use crate::state::{Effect, LinkChange};

/// What a plan does to the connections that go by the NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outage {
    /// Nothing that carries traffic is touched.
    None,
    /// Addresses pass from link to link; none goes down.
    Moment,
    /// This link goes down and comes up again.
    Down(IfName),
}

impl Outage {
    /// Reads it off the plan.
    pub fn of(plan: &Plan, nic: &IfName, port: &IfName) -> Self {
        let down = plan.steps.iter().find_map(|step| match &step.effect {
            Effect::ChangeLink {
                name,
                change: LinkChange::Up(pair),
            } if !pair.to && (name == nic || name == port) => Some(name.clone()),
            _ => None,
        });
        let moves = |effect: &Effect| matches!(effect, Effect::DeleteAddress(a) if a.net.addr().is_ipv4() || a.scope == 0);
        match down {
            Some(link) => Self::Down(link),
            None if plan.steps.iter().any(|step| moves(&step.effect)) => Self::Moment,
            None => Self::None,
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("nothing is interrupted"),
            // docs/benchmarks.md has the figures. The second was seen in about every other round.
            Self::Moment => f.write_str(
                "interrupts for about 0.1 s, at times 1 s: addresses move from link to link, and no link goes down",
            ),
            Self::Down(link) => write!(
                f,
                "interrupts for 0.1 to 1 s on a link that needs no negotiation, otherwise until {link} has negotiated it again, mostly 2 to 4 s on copper: it is renamed or changes its MAC, for which it goes down"
            ),
        }
    }
}
