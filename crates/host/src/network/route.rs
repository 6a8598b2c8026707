//! `network-route` and `network-nat`: read, decide (in the core), perform, report.
//!
//! Both share one journal, since what they change of the host is shared: whether it forwards.

use xenwire_core::journal::done_runs;
use xenwire_core::network::{Call, Command, Memory, Routing, RoutingStatus, Uplink};
use xenwire_core::state::{Observed, Scope};

use crate::dhcp;
use crate::kernel::{Kernel, unreadable};
use crate::run::{Gate, Host};

use super::change::Change;
use super::{Places, Said, Tell, recover, say_notes, say_plan};

/// The journal's name.
pub(super) const JOURNAL: &str = "routing";

pub(super) fn act(
    routing: Routing,
    call: &Call,
    places: &Places,
    tell: &mut Tell<'_>,
    gate: &mut Gate<'_>,
) -> Result<(), String> {
    let kernel = Kernel::open().map_err(|error| error.to_string())?;
    let mut host = Host {
        kernel,
        store: None,
        switch: None,
    };
    let changes = call.command.changes();
    let _lock = changes.then(|| places.lock()).transpose()?;
    if changes {
        recover::all(places, &mut host, tell)?;
    }
    let first = host.kernel.observe(Scope::Host).map_err(unreadable)?;
    if !changes {
        let uplink = Uplink::of(&call.arguments, &first.state)?;
        let observed = look(&uplink, &Memory::default(), places, &mut host.kernel)?;
        let status = RoutingStatus::of(routing, &uplink, &observed);
        tell(Said::Answer(status.to_string()));
        return Ok(());
    }
    let _files = (routing == Routing::Nat).then(dhcp::files_lock).flatten();
    let mut journal = places.journal(JOURNAL)?;
    let memory = Memory::of(done_runs(journal.found()));
    let uplink = match call.command {
        Command::Stop => Uplink::to_stop(&call.arguments, &first.state, &memory)?,
        _ => Uplink::of(&call.arguments, &first.state)?,
    };
    let observed = look(&uplink, &memory, places, &mut host.kernel)?;
    let (verb, wanted, is_last) = match call.command {
        Command::Start => {
            let wanted = routing.start(&call.arguments, &uplink, &observed);
            ("start", wanted, false)
        }
        _ => {
            let wanted = routing.stop(&uplink, &observed, &memory);
            let is_last = routing.is_last(&uplink, &observed, &memory);
            ("stop", wanted, is_last)
        }
    };
    let change = Change::plan(&wanted.desired, &observed)?;
    if call.plan_only {
        say_plan(&change.plan, tell);
        tell(Said::Answer(format!("{} steps\n", change.plan.steps.len())));
        return Ok(());
    }
    let subject = format!("{verb} {routing} on {}", uplink.link);
    let mut notes = wanted.notes;
    notes.extend(
        change
            .run(&subject, &mut journal, &mut host, gate)
            .notes()?,
    );
    say_notes(notes, &subject, places, tell);
    if is_last {
        journal.remove();
    }
    Ok(())
}

/// All that there is to know about a router with this uplink.
fn look(
    uplink: &Uplink,
    memory: &Memory,
    places: &Places,
    kernel: &mut Kernel,
) -> Result<Observed, String> {
    let scope = Routing::scope(uplink, memory);
    let mut observed = kernel.observe(scope).map_err(unreadable)?;
    let masquerades = Routing::masquerades(uplink, memory);
    observed.state.masquerades = kernel.masquerades(&masquerades).map_err(unreadable)?;
    dhcp::look(&places.dhcp, None, &mut observed.state);
    Ok(observed)
}
