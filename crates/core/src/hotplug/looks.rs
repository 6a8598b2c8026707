//! What a call must see before anything is decided, and the decision.

use std::collections::BTreeSet;

use super::{
    FoundHooks, Given, Invocation, Nodes, Wanted, desire, guard, hooks, old_rules, passage, scope,
};
use crate::config::host_conf::HostConf;
use crate::name::IfName;
use crate::state::{Forward, Observed, Place, Scope};

/// What a call must see of the machine. None of it costs more with more vifs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks {
    /// Links with what belongs to them.
    pub scope: Scope,
    /// Links whose guards are looked up.
    pub guards: BTreeSet<IfName>,
    /// Where packets of the call's link meet FORWARD, and the links whose passages are looked up;
    /// none if no chain is to be asked.
    pub passages: Option<(Place, BTreeSet<IfName>)>,
    /// Whether rules that Xen's own scripts made are looked for.
    pub old_rules: bool,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The network, the nodes, and what else a plan changes.
    pub observed: Observed,
    /// The FORWARD chains, if they were looked at.
    pub forward: Option<Forward>,
    /// The hooks, or why their folder is not to be trusted.
    pub hooks: Result<FoundHooks, String>,
}

/// Whether the host's file has a say in a call. Most calls need not read it.
pub fn heeds_conf(call: &Invocation, nodes: &Nodes, meets: Option<Place>) -> bool {
    meets.is_some() || guard::is_listed(call, nodes)
}

impl Looks {
    /// What this call must see. `meets` is where packets of its link meet FORWARD on this host, and
    /// `conf` counts where [`heeds_conf`] says so.
    ///
    /// # Errors
    /// The text of `hotplug-error`.
    pub fn of(
        call: &Invocation,
        nodes: &Nodes,
        given: &Given,
        meets: Option<Place>,
        conf: &HostConf,
    ) -> Result<Self, String> {
        let place = meets.filter(|place| passage::is_asked(*place, conf));
        let passages = place.map(|place| Ok::<_, String>((place, passage::scope(call, nodes)?)));
        Ok(Self {
            scope: scope(call, nodes, given)?,
            guards: guard::scope(call, nodes, given)?,
            passages: passages.transpose()?,
            old_rules: old_rules::may_have(call, given),
        })
    }
}

/// What the call wants, with all that belongs to its link.
///
/// # Errors
/// The text of `hotplug-error`. Nothing was changed.
pub fn decide(
    call: &Invocation,
    nodes: &Nodes,
    given: &Given,
    conf: &HostConf,
    seen: &Seen,
) -> Result<Wanted, String> {
    let observed = &seen.observed;
    let mut wanted = desire(call, nodes, given, observed)?;
    guard::desire(call, nodes, conf.ip_filter, observed, &mut wanted.desired)?;
    if let Some(forward) = &seen.forward {
        let refusals = passage::desire(call, nodes, conf, forward, observed, &mut wanted.desired)?;
        wanted.warnings.extend(refusals);
    }
    old_rules::desire(call, nodes, observed, &mut wanted.desired)?;
    match &seen.hooks {
        Ok(found) => wanted.desired.hooks = hooks::hooks(call, nodes, &wanted.desired, found),
        Err(why) if call.command.comes() => return Err(why.clone()),
        Err(why) => wanted.warnings.push(why.clone()),
    }
    Ok(wanted)
}
