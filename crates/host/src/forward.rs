//! `xenwire boot`, and what `install` and `uninstall` do about the host's FORWARD chains: read, decide
//! (in the core), perform, report.

use std::path::PathBuf;

use xenwire_core::forward::{Wanted, open, shut};
use xenwire_core::state::{Forward, Gate, Observed, Scope};

use crate::hotplug::host_conf;
use crate::journal::{FileJournal, Keeping};
use crate::kernel::{Kernel, KernelError, unreadable};
use crate::network::Change;
use crate::run::{Host, Performer};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Guests pass.
    Open,
    /// Nothing of ours is left.
    Shut,
}

/// Where things are.
#[derive(Clone, Debug)]
pub struct Places {
    /// The folder of the journal.
    pub journals: PathBuf,
    /// xenwire.toml, the host's own file.
    pub conf: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            journals: "/run/xenwire/forward".into(),
            conf: "/etc/xen/xenwire.toml".into(),
        }
    }
}

/// How it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was done, or would be, a line each.
    pub steps: Vec<String>,
    /// What to know.
    pub notes: Vec<String>,
}

/// Opens the chains for the guests that are to pass, or takes away what is ours. With `plan_only`
/// it only says what would be done.
///
/// # Errors
/// One sentence; nothing was changed.
pub fn set_forward(way: Way, places: &Places, plan_only: bool) -> Result<Report, String> {
    let mut notes = Vec::new();
    let conf = host_conf(&places.conf, &mut notes);
    let mut kernel = Kernel::open().map_err(|error| error.to_string())?;
    let mut observed = kernel.observe(Scope::Host).map_err(unreadable)?;
    let forward = kernel.forward(conf.forward_mark).map_err(unreadable)?;
    let forward = look(forward, &mut kernel, &mut observed, &mut notes).map_err(unreadable)?;
    let Wanted {
        desired,
        notes: more,
    } = match way {
        Way::Open => open(&conf, &forward, kernel.filters_bridged(), &observed),
        Way::Shut => shut(&forward, &observed),
    };
    notes.extend(more);
    let change = Change::plan(&desired, &observed)?;
    let steps = change.plan.steps.iter();
    let steps = steps.map(|step| step.effect.to_string()).collect();
    if !plan_only && !change.plan.steps.is_empty() {
        let mut journal = FileJournal::open(&places.journals, "forward", Keeping::LastRun)
            .map_err(|fault| fault.to_string())?;
        journal.supersede().map_err(|fault| fault.to_string())?;
        let mut host = Host {
            kernel,
            store: None,
            switch: None,
        };
        let ended = change.run("FORWARD", &mut journal, &mut host, &mut Host::perform);
        notes.extend(ended.notes()?);
        journal.remove();
        host.kernel.leave();
    }
    Ok(Report { steps, notes })
}

/// The chains of nftables and those of iptables-legacy, our rules in them, and who passes.
fn look(
    mut forward: Forward,
    kernel: &mut Kernel,
    observed: &mut Observed,
    notes: &mut Vec<String>,
) -> Result<Forward, KernelError> {
    let state = &mut observed.state;
    state.open = kernel.opened(&forward)?;
    state.passages = kernel.all_passages(&forward)?;
    let legacy = kernel.legacy()?;
    for chain in legacy.unreachable {
        notes.push(format!(
            "{chain} is in use and its program is not installed, so guests are not let by there; in Debian it is in the package iptables"
        ));
    }
    for (chain, mark) in legacy.chains {
        forward.chains.insert(chain, Gate::Shut);
        state.open.extend(mark.map(|mark| (chain, mark)));
    }
    Ok(forward)
}
