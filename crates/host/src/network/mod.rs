//! The network scripts: `network-bridge` and 2.0's `network`, `network-route` and `network-nat`,
//! crossover pairs, and what takes back a call that was cut off. Read, decide (in the core), perform, report.
//!
//! Calls follow one another: there is one lock for all of them, since each looks at the whole host.
//! Journals are on /run and not synced: what they could undo is in the running kernel only.

pub(crate) mod change;
mod loopback;
mod recover;
mod root;
mod route;
mod wait;

pub use loopback::loopback;
pub use recover::recover;

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use xenwire_core::journal::done_runs;
use xenwire_core::network::{
    Call, Command, Memory, Outage, Routing, Status, Target, Wanted, coming_up, scope, start, stop,
};
use xenwire_core::plan::Plan;
use xenwire_core::state::{Observed, Scope};

use crate::dhcp;
use crate::journal::{FileJournal, Keeping};
use crate::kernel::{Kernel, unreadable};
use crate::log::{Level, Log};
use crate::run::{Gate, Host, Performer};

pub(crate) use change::Change;

/// Done, or nothing to do.
const DONE: u8 = 0;
/// Not done; nothing was changed, or everything was undone.
const FAILED: u8 = 1;

/// The folder of the journals and of the lock.
pub(crate) const JOURNALS: &str = "/run/xenwire/network";

/// The lock of all network scripts, in this folder.
pub(crate) fn lock_path(journals: impl Into<PathBuf>) -> PathBuf {
    journals.into().join("lock")
}

/// Keeps network scripts from beginning, as long as what is returned lives: a vif that is put on a
/// bridge must not find it gone. Where no network script ever ran there is nothing to wait for.
pub(crate) fn hold_off(lock: &Path) -> Option<File> {
    let file = File::open(lock).ok()?;
    flock(&file, FlockOperation::LockShared).ok()?;
    Some(file)
}

/// Where the scripts keep things.
#[derive(Clone, Debug)]
pub struct Places {
    /// The folder of the journals and of the lock.
    pub journals: PathBuf,
    /// The folder of the DHCP server's files.
    pub dhcp: PathBuf,
    /// The logs.
    pub log: Log,
}

impl Places {
    /// The usual ones. `name` is what the program was called by.
    pub fn new(name: &str) -> Self {
        Self {
            journals: JOURNALS.into(),
            dhcp: dhcp::FOLDER.into(),
            log: Log::new(name),
        }
    }

    /// Waits for the lock of all network scripts.
    pub(crate) fn lock(&self) -> Result<File, String> {
        let path = lock_path(&self.journals);
        let error = |why: std::io::Error| format!("lock {}: {why}", path.display());
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.journals)
            .map_err(error)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(error)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|why| error(why.into()))?;
        Ok(file)
    }

    fn journal(&self, name: &str) -> Result<FileJournal, String> {
        let journal = FileJournal::open(&self.journals, name, Keeping::AllRuns);
        journal.map_err(|fault| fault.to_string())
    }
}

/// Something for whoever called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// What was asked for: standard output.
    Answer(String),
    /// What goes on: standard output without a line end, as the originals have it.
    Progress(String),
    /// What to know: standard error.
    Note(String),
    /// Why it is not done: standard error.
    Error(String),
}

/// Who is told.
pub type Tell<'a> = dyn FnMut(Said) + 'a;

/// Acts on a call of the script `script` and returns its exit status, 0 or 1 (contract 1.1).
pub fn call(
    script: &str,
    args: &[String],
    env: impl Fn(&str) -> Option<String>,
    places: &Places,
    tell: &mut Tell<'_>,
) -> u8 {
    call_through(script, args, env, places, tell, &mut Host::perform)
}

/// [`call`], with a gate that sees every effect before the host does.
pub fn call_through(
    script: &str,
    args: &[String],
    env: impl Fn(&str) -> Option<String>,
    places: &Places,
    tell: &mut Tell<'_>,
    gate: &mut Gate<'_>,
) -> u8 {
    let done = Call::parse(script, args, env)
        .map_err(|quit| quit.0)
        .and_then(|call| match Routing::named(script) {
            Some(routing) => route::act(routing, &call, places, tell, gate),
            None => act(&call, places, tell, gate),
        });
    match done {
        Ok(()) => DONE,
        Err(text) => {
            places.log.say(Level::Error, &text);
            tell(Said::Error(text));
            FAILED
        }
    }
}

fn act(
    call: &Call,
    places: &Places,
    tell: &mut Tell<'_>,
    gate: &mut Gate<'_>,
) -> Result<(), String> {
    let changes = call.command.changes();
    // The documented way to have no bridge (contract 1.1).
    if changes && call.arguments.is_null() {
        return Ok(());
    }
    let kernel = Kernel::open().map_err(|error| error.to_string())?;
    let mut host = Host {
        kernel,
        store: None,
        switch: None,
    };
    let lock = changes.then(|| places.lock()).transpose()?;
    if changes {
        recover::all(places, &mut host, tell)?;
    }
    let (target, observed) = look(call, &mut host.kernel)?;
    if call.command == Command::Status {
        tell(Said::Answer(
            Status::of(call, &target, &observed).to_string(),
        ));
        return Ok(());
    }
    let name = format!("nic.{}", target.nic);
    let mut journal = places.journal(&name)?;
    let wanted = match call.command {
        Command::Start => start(call, &target, &observed, root::of_this_host().as_ref())?,
        _ => {
            let memory = Memory::of(done_runs(journal.found()));
            stop(&target, &observed, &memory)
        }
    };
    let change = Change::plan(&wanted.desired, &observed)?;
    let outage = Outage::of(&change.plan, &target.nic, &target.port);
    if call.plan_only {
        say_plan(&change.plan, tell);
        tell(Said::Answer(format!(
            "{} steps; {outage}\n",
            change.plan.steps.len()
        )));
        return Ok(());
    }
    if change.plan.steps.is_empty() {
        return Ok(());
    }
    if outage != Outage::None {
        tell(Said::Note(format!("{}: {outage}", target.nic)));
    }
    let verb = match call.command {
        Command::Start => "start",
        _ => "stop",
    };
    let subject = format!("{verb} {} on {}", target.nic, target.bridge);
    let up = coming_up(&change.plan);
    let mut notes = wanted.notes.clone();
    notes.extend(
        change
            .run(&subject, &mut journal, &mut host, gate)
            .notes()?,
    );
    say_notes(notes, &subject, places, tell);
    // Others need not wait for a cable. Whoever has the lock looks into every journal.
    match call.command {
        Command::Stop => journal.remove(),
        _ => drop(journal),
    }
    drop(lock);
    for link in [&target.port, &target.nic, &target.bridge] {
        if up.contains(link) {
            wait::for_link(link, &mut host.kernel, tell);
        }
    }
    // It is done; what cannot be settled any more is only said.
    if let Err(text) = settle(call, &wanted, &subject, &name, places, &mut host, gate) {
        tell(Said::Note(text));
    }
    Ok(())
}

/// What is to be known of a run: to whoever called, and to the log.
fn say_notes(notes: Vec<String>, subject: &str, places: &Places, tell: &mut Tell<'_>) {
    for note in notes {
        let line = format!("{subject}: {note}");
        places.log.say(Level::Warning, &line);
        tell(Said::Note(note));
    }
}

/// The steps of a plan, a line each.
fn say_plan(plan: &Plan, tell: &mut Tell<'_>) {
    for step in &plan.steps {
        tell(Said::Answer(format!("{}\n", step.effect)));
    }
}

/// When the links run: neighbours that the kernel dropped on the way are given once more, unless
/// somebody else started or stopped the NIC meanwhile.
fn settle(
    call: &Call,
    wanted: &Wanted,
    subject: &str,
    name: &str,
    places: &Places,
    host: &mut Host,
    gate: &mut Gate<'_>,
) -> Result<(), String> {
    let _lock = places.lock()?;
    let observed = host.kernel.observe(Scope::Host).map_err(unreadable)?;
    let is_start = call.command == Command::Start;
    let is_started = Target::of(call, &observed.state).map(|target| target.is_started);
    // A link that went meanwhile took its neighbours along.
    let Ok(change) = Change::plan(&wanted.neighbours(), &observed) else {
        return Ok(());
    };
    if is_started != Ok(is_start) || change.plan.steps.is_empty() {
        return Ok(());
    }
    let mut journal = places.journal(name)?;
    change.run(subject, &mut journal, host, gate).notes()?;
    if !is_start {
        journal.remove();
    }
    Ok(())
}

/// Which NIC it is about, and everything that there is to know.
fn look(call: &Call, kernel: &mut Kernel) -> Result<(Target, Observed), String> {
    let first = kernel.observe(Scope::Host).map_err(unreadable)?;
    let target = Target::of(call, &first.state)?;
    let scope = scope(call, &first.state);
    let observed = kernel.observe(scope).map_err(unreadable)?;
    Ok((target, observed))
}
