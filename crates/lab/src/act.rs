//! Acting on the namespace of the current thread, by the same road as on a host: what is wanted
//! is compared with what is there, planned, checked and performed. The journals are in memory:
//! the lab's world ends with its process.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use xenwire_core::journal::{Machine, Outcome};
use xenwire_core::name::{IfName, Mac};
use xenwire_core::plan::{Plan, Step, check, plan};
use xenwire_core::state::{Desired, Effect, Keys, LinkFacts, Scope};
use xenwire_host::journal::MemoryJournal;
use xenwire_host::kernel::Kernel;
use xenwire_host::run::{Host, run};

use crate::sandbox::Netns;

/// Makes the network of the current thread's namespace what is wanted.
///
/// # Errors
/// One sentence.
pub fn make(subject: &str, desired: &Desired) -> Result<(), String> {
    let mut kernel = open(subject)?;
    let observed = kernel
        .observe(Scope::Host)
        .map_err(|error| format!("{subject}: {error}"))?;
    let plan = plan(desired, &observed).plan.map_err(|refusals| {
        let reasons: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        format!("{subject}: {}", reasons.join("; "))
    })?;
    if let Err(complaints) = check(&plan, desired, &observed.state) {
        return Err(format!("{subject}: a bug in xenwire: {}", complaints[0]));
    }
    finish(subject, plan, kernel)
}

/// Does these effects in the current thread's namespace, all of them or none.
///
/// # Errors
/// One sentence.
pub fn perform(subject: &str, effects: impl IntoIterator<Item = Effect>) -> Result<(), String> {
    let plan = Plan {
        steps: effects.into_iter().map(Step::required).collect(),
    };
    finish(subject, plan, open(subject)?)
}

/// The same in another namespace, on a thread of its own.
///
/// # Errors
/// One sentence.
pub fn inside<T: Send>(
    netns: &Netns,
    act: impl FnOnce() -> Result<T, String> + Send,
) -> Result<T, String> {
    netns
        .run_in(act)
        .map_err(|error| format!("enter {}: {error}", netns.name()))?
}

fn open(subject: &str) -> Result<Kernel, String> {
    Kernel::open().map_err(|error| format!("{subject}: {error}"))
}

fn finish(subject: &str, plan: Plan, kernel: Kernel) -> Result<(), String> {
    let mut host = Host {
        kernel,
        store: None,
        switch: None,
    };
    match run(
        Machine::new(subject, plan),
        &mut MemoryJournal::default(),
        &mut host,
    ) {
        Outcome::NothingToDo | Outcome::Applied { .. } => Ok(()),
        outcome => Err(format!("{subject}: {outcome}")),
    }
}

/// Waits until every link of the current thread's namespace that has a carrier also runs: the
/// kernel draws that conclusion up to a second later (net/core/link_watch.c), and a bridge does
/// not forward by a port before.
///
/// # Errors
/// One sentence.
pub fn settle() -> Result<(), String> {
    let deadline = Instant::now() + SETTLED;
    let mut kernel = open("wait for links")?;
    loop {
        let observed = kernel
            .observe(Scope::Host)
            .map_err(|error| format!("wait for links: {error}"))?;
        let late = |facts: &LinkFacts| facts.carrier && !facts.running;
        if !observed.facts.values().any(late) || deadline <= Instant::now() {
            return Ok(());
        }
        std::thread::sleep(GLANCE);
    }
}

/// How long links may take to run. What does not run by then shows in the claims.
const SETTLED: Duration = Duration::from_secs(2);
/// How often they are looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// The MACs of these links.
///
/// # Errors
/// One sentence.
pub fn macs<'a>(
    subject: &str,
    links: impl Iterator<Item = &'a IfName>,
) -> Result<BTreeMap<IfName, Mac>, String> {
    let scope = Scope::Links {
        whole: BTreeSet::new(),
        bare: links.cloned().collect(),
        keys: Keys::default(),
    };
    let observed = open(subject)?
        .observe(scope)
        .map_err(|error| format!("{subject}: {error}"))?;
    let links = observed.state.links.into_iter();
    Ok(links
        .filter_map(|(name, link)| Some((name, link.mac?)))
        .collect())
}

/// Removes a veth end of this name and its other end with it; says whether it was there.
///
/// # Errors
/// One sentence.
pub fn delete_veth(name: &IfName) -> Result<bool, String> {
    let mut kernel = open("remove a link")?;
    let scope = Scope::Links {
        whole: BTreeSet::new(),
        bare: [name.clone()].into(),
        keys: Keys::default(),
    };
    let observed = kernel
        .observe(scope)
        .map_err(|error| format!("{name}: {error}"))?;
    let Some(link) = observed.state.links.get(name) else {
        return Ok(false);
    };
    let plan = Plan {
        steps: vec![Step::required(Effect::DeleteLink {
            name: name.clone(),
            link: link.clone(),
        })],
    };
    finish("remove a link", plan, kernel).map(|()| true)
}
