//! The rules that Xen's own scripts made for a vif in the FORWARD chain (contract 2.4): a vif that
//! came by them and goes by us leaves none behind.

use super::{Given, Invocation, Nodes, identity};
use crate::state::{Desired, Observed};

/// Whether these rules must be looked for. Only for a vif that no call of ours has brought up: it has
/// no journal. So nothing is asked of the packet filters for the others.
pub fn may_have(call: &Invocation, given: &Given) -> bool {
    !call.command.comes() && !given.by_us
}

/// Adds to what is wanted that this vif's go.
///
/// # Errors
/// The text of `hotplug-error`.
pub fn desire(
    call: &Invocation,
    nodes: &Nodes,
    observed: &Observed,
    desired: &mut Desired,
) -> Result<(), String> {
    let name = identity::wanted_name(call, nodes)?;
    // Another name may be another link's by now.
    let is_another = observed.state.links.contains_key(&name)
        && identity::going(call, observed, &name) != Some(&name);
    let rules = observed.state.old_rules.iter();
    let of_vif = rules.filter(|rule| rule.port == call.link || rule.port == name && !is_another);
    desired.old_rules_gone.extend(of_vif.cloned());
    Ok(())
}

#[cfg(test)]
mod tests;
