//! `xenwire gc`: what vifs that are gone left behind is looked for and removed. Read, decide (in the
//! core), perform, report.
//!
//! Calls of hotplug scripts wait meanwhile, and this waits for them: it holds the lock of the network
//! scripts. What it wants does not depend on what an earlier run had in mind, so a run that was cut
//! off is planned anew.

use std::path::Path;

use xenwire_core::gc::{Kept, Leftovers, is_vif, leftovers};
use xenwire_core::hotplug::Given;
use xenwire_core::name::IfName;
use xenwire_core::state::{ForwardMark, Observed, Scope};

use crate::dhcp;
use crate::hotplug;
use crate::journal::{self, FileJournal, Keeping};
use crate::kernel::{Kernel, unreadable};
use crate::lock::{self, Lock};
use crate::network::{self, change::Change};
use crate::run::{Host, Performer};
use crate::switch::Switch;

/// Where to look.
#[derive(Clone, Debug)]
pub struct Places {
    /// Where the scripts keep things.
    pub scripts: hotplug::Places,
    /// Where the network scripts keep things: their lock, and the journal of a run.
    pub network: network::Places,
}

/// What was found, and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What is to go, a line each.
    pub lines: Vec<String>,
    /// What stays, and why.
    pub notes: Vec<String>,
    /// What could not be removed, and why.
    pub left: Vec<String>,
}

impl Places {
    /// The usual ones. `env` looks up a variable.
    pub fn new(env: impl Fn(&str) -> Option<String>) -> Self {
        const NAME: &str = "xenwire gc";
        Self {
            scripts: hotplug::Places::new(NAME, env),
            network: network::Places::new(NAME),
        }
    }
}

/// The journal of a run, among those of the network scripts.
const JOURNAL: &str = "gc";

/// Looks for it, and unless this is a dry run, removes it.
///
/// # Errors
/// Why nothing was done.
pub fn gc(places: &Places, dry_run: bool) -> Result<Report, String> {
    let _lock = match dry_run {
        true => None,
        false => Some(places.network.lock()?),
    };
    let mut host = Host {
        kernel: Kernel::open().map_err(|error| error.to_string())?,
        store: None,
        switch: None,
    };
    let mut notes = Vec::new();
    let observed = observe(places, &mut host, &mut notes)?;
    let found = leftovers(&observed, &kept(places)?);
    let change = Change::plan(&found.desired, &observed)?.each_by_itself();
    let mut report = Report {
        lines: lines(&change, &found),
        notes,
        left: Vec::new(),
    };
    report.notes.extend(found.notes.clone());
    if !dry_run {
        report.left = remove(places, &mut host, change, &found)?;
        host.kernel.leave();
    }
    Ok(report)
}

/// The whole host, with what is tied to names.
fn observe(places: &Places, host: &mut Host, notes: &mut Vec<String>) -> Result<Observed, String> {
    let mut observed = host.kernel.observe(Scope::Host).map_err(unreadable)?;
    observed.state.guards = host.kernel.all_guards().map_err(unreadable)?;
    observed.state.dhcp = dhcp::look_at_all(&places.scripts.dhcp, vif)?;
    dhcp::look_at_dhcpd(&mut observed.state);
    // Which chains are open to which mark makes no difference to what goes.
    let forward = host.kernel.forward(ForwardMark::default());
    let forward = forward.map_err(unreadable)?;
    observed.state.passages = host.kernel.all_passages(&forward).map_err(unreadable)?;
    observed.state.old_rules = host.kernel.old_rules().map_err(unreadable)?;
    match host.kernel.legacy_old_rules().map_err(unreadable)? {
        Some(rules) => observed.state.old_rules.extend(rules),
        None => notes.push(
            "FORWARD of iptables-legacy is in use and its program is not installed, so rules of Xen's scripts were not looked for there; in Debian it is in the package iptables".into(),
        ),
    }
    observed.state.masquerades = host.kernel.all_masquerades().map_err(unreadable)?;
    if places.scripts.switch.exists() {
        let switch = Switch::connect(&places.scripts.switch).and_then(|mut switch| {
            observed.state.switches.ports = switch.ports(|texts| !texts.is_empty())?;
            Ok(switch)
        });
        match switch {
            Ok(switch) => host.switch = Some(switch),
            Err(why) => notes.push(format!("{why}; its ports were not looked at")),
        }
    }
    Ok(observed)
}

/// The name of a vif's or a tap's file.
fn vif(name: &str) -> Option<IfName> {
    name.parse().ok().filter(is_vif)
}

/// What is in files.
fn kept(places: &Places) -> Result<Kept, String> {
    let journals = journal::look(&places.scripts.journals, vif);
    let journals = journals.map_err(|fault| fault.to_string())?.into_iter();
    Ok(Kept {
        journals: journals
            .map(|(vif, events)| (vif, Given::of(&events)))
            .collect(),
        free_locks: lock::abandoned(Path::new(lock::FOLDER)),
    })
}

fn lines(change: &Change, found: &Leftovers) -> Vec<String> {
    let steps = change.plan.steps.iter().map(|step| step.effect.to_string());
    let journals = found.journals.iter();
    let locks = found.locks.iter();
    steps
        .chain(journals.map(|vif| format!("remove the journal of {vif}")))
        .chain(locks.map(|name| format!("remove the lock {name}, which nobody holds")))
        .collect()
}

/// Removes it, and says what is left.
fn remove(
    places: &Places,
    host: &mut Host,
    change: Change,
    found: &Leftovers,
) -> Result<Vec<String>, String> {
    let mut journal = FileJournal::open(&places.network.journals, JOURNAL, Keeping::LastRun)
        .map_err(|fault| fault.to_string())?;
    journal.supersede().map_err(|fault| fault.to_string())?;
    // Originals may be changing the same chain (contract 2.4).
    let _iptables = Lock::for_forward(&change.plan)?;
    let _files = (!found.desired.lines.is_empty())
        .then(dhcp::files_lock)
        .flatten();
    let ended = change.run("gc", &mut journal, host, &mut Host::perform);
    let mut left = ended.notes()?;
    journal.remove();
    // They know what was given to others: as long as something is left, they are needed.
    if left.is_empty() {
        for vif in &found.journals {
            left.extend(forget(places, vif).err());
        }
    }
    for name in &found.locks {
        let swept = Lock::sweep(Path::new(lock::FOLDER), name);
        left.extend(
            swept
                .err()
                .map(|why| format!("{}/{name}: {why}", lock::FOLDER)),
        );
    }
    Ok(left)
}

/// Removes the journal of a vif, once nobody has it open.
fn forget(places: &Places, vif: &IfName) -> Result<(), String> {
    FileJournal::open(&places.scripts.journals, vif.as_str(), Keeping::LastRun)
        .map(FileJournal::remove)
        .map_err(|fault| fault.to_string())
}
