//! Taking back a call that was cut off: by a crash, by SIGKILL, by the power.

use std::collections::BTreeSet;
use std::fs;

use xenwire_core::journal::{Event, Left, Status, is_whole, recover as undo_of, replay};
use xenwire_core::name::IfName;
use xenwire_core::plan::Step;
use xenwire_core::state::{Effect, LinkChange, Scope};

use crate::dhcp;
use crate::journal::{FileJournal, Journal};
use crate::kernel::{Kernel, unreadable};
use crate::log::Level;
use crate::run::{Host, Performer};

use super::{Places, Said, Tell};

/// Everything is as it was before, or nothing was cut off.
const DONE: u8 = 0;
/// The machine could not be asked.
const REFUSED: u8 = 3;
/// A person is needed.
const STUCK: u8 = 4;

/// Takes back whatever was cut off, and returns the exit status of `xenwire recover`.
pub fn recover(places: &Places, tell: &mut Tell<'_>) -> u8 {
    let host = places.lock().and_then(|lock| {
        let kernel = Kernel::open().map_err(|error| error.to_string())?;
        let store = None;
        Ok((
            lock,
            Host {
                kernel,
                store,
                switch: None,
            },
        ))
    });
    let (_lock, mut host) = match host {
        Ok(held) => held,
        Err(text) => {
            tell(Said::Error(text));
            return REFUSED;
        }
    };
    match all(places, &mut host, tell) {
        Ok(()) => DONE,
        Err(text) => {
            tell(Said::Error(text));
            STUCK
        }
    }
}

/// Looks into every journal. The lock is held.
///
/// # Errors
/// What is left, and where.
pub(super) fn all(places: &Places, host: &mut Host, tell: &mut Tell<'_>) -> Result<(), String> {
    let entries = fs::read_dir(&places.journals)
        .map_err(|error| format!("{}: {error}", places.journals.display()))?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| {
            name.starts_with("nic.") || name.starts_with("pair.") || name == super::route::JOURNAL
        })
        .collect();
    names.sort();
    for name in names {
        let mut journal = places.journal(&name)?;
        if !journal.status().is_unfinished() {
            continue;
        }
        let note = one(&mut journal, places, host).map_err(|why| {
            format!(
                "{}: {why}; when the network is as it should be, remove that file",
                places.journals.join(&name).display()
            )
        })?;
        places.log.say(Level::Warning, &note);
        tell(Said::Note(note));
    }
    Ok(())
}

fn one(journal: &mut FileJournal, places: &Places, host: &mut Host) -> Result<String, String> {
    let events = journal.found().to_vec();
    let subject = events.iter().rev().find_map(|event| match event {
        Event::Announced { subject, .. } => Some(subject.clone()),
        _ => None,
    });
    let subject = subject.unwrap_or_default();
    let (_, steps) = replay(&events).map_err(|illegal| illegal.to_string())?;
    let token = journal.resumed().ok_or("nothing was announced")?;
    let mut observed = host
        .kernel
        .observe(Scope::HostAnd(named(steps)))
        .map_err(unreadable)?;
    let masquerades = masquerades(steps);
    observed.state.masquerades = host.kernel.masquerades(&masquerades).map_err(unreadable)?;
    dhcp::look(&places.dhcp, None, &mut observed.state);
    if journal.status() == Status::Announced && is_whole(steps, &observed.state) {
        journal
            .record(&Event::Done)
            .map_err(|fault| fault.to_string())?;
        return Ok(format!("{subject} was cut off when it was done"));
    }
    let undo = undo_of(steps, &observed.state).map_err(|unclear| unclear.to_string())?;
    let count = undo.len();
    let mut left = Vec::new();
    for effect in undo {
        // A driver may have reasons of its own not to switch an offload; no step needs one.
        let needed = !matches!(effect, Effect::SetFeature { .. });
        if let Err(fault) = host.perform(&token, &effect)
            && needed
        {
            left.push(Left { effect, fault });
        }
    }
    let stuck = (!left.is_empty()).then(|| {
        let left: Vec<String> = left
            .iter()
            .map(|l| format!("{}: {}", l.effect, l.fault.reason))
            .collect();
        format!(
            "{subject} was cut off and could not be undone: {}",
            left.join("; ")
        )
    });
    let event = match stuck {
        None => Event::Undone,
        Some(_) => Event::Stuck { left },
    };
    journal.record(&event).map_err(|fault| fault.to_string())?;
    match stuck {
        Some(text) => Err(text),
        None => Ok(format!(
            "{subject} was cut off; undone, {count} of {} steps",
            steps.len()
        )),
    }
}

/// The links that a run masquerades, or ceases to.
fn masquerades(steps: &[Step]) -> BTreeSet<IfName> {
    let uplinks = steps.iter().filter_map(|step| match &step.effect {
        Effect::ChangeMasquerade { uplink, .. } => Some(uplink.clone()),
        _ => None,
    });
    uplinks.collect()
}

/// Every link that a run is about, under every name it has on the way.
fn named(steps: &[Step]) -> BTreeSet<IfName> {
    let mut names: BTreeSet<IfName> = "default".parse().into_iter().collect();
    for Step { effect, .. } in steps {
        names.extend(effect.link().cloned());
        match effect {
            Effect::ChangeLink {
                change: LinkChange::Name(pair),
                ..
            } => {
                names.insert(pair.to.clone());
            }
            Effect::CreateLink { link, .. } | Effect::DeleteLink { link, .. } => {
                names.extend(link.peer());
            }
            _ => {}
        }
    }
    names
}
