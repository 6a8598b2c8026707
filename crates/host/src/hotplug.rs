//! A vif script's call, from argv to exit status: read, decide (in the core), perform, report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use xenwire_core::config::host_conf::{self, HostConf};
use xenwire_core::diag::{Diagnostics, Style};
use xenwire_core::hotplug::{
    Command, Given, Invocation, Looks, Nodes, Script, Seen, decide, failure, find_uplink,
    heeds_conf, is_told, lacks_uplink, place, questions, vm_nodes, wanted_nodes,
};
use xenwire_core::journal::{Machine, Outcome};
use xenwire_core::plan::{Plan, check, plan};
use xenwire_core::state::{
    Forward, ForwardMark, NetState, NodePath, NodeValue, Place, Scope, Switches,
};

use crate::dhcp;
use crate::files;
use crate::hooks;
use crate::journal::{FileJournal, Keeping};
use crate::kernel::{Kernel, unreadable};
use crate::lock::Lock;
use crate::log::{Level, Log};
use crate::network;
use crate::run::{Gate, Gated, Host, Performer, run};
use crate::store::{self, Store};
use crate::switch::{self, Switch};

/// Where a call finds things.
#[derive(Clone, Debug)]
pub struct Places {
    /// The folder of the vifs' journals.
    pub journals: PathBuf,
    /// The lock of the network scripts, which take bridges away.
    pub network_lock: PathBuf,
    /// xenwire.toml, the host's own file.
    pub conf: PathBuf,
    /// Where xenstore may be, the likeliest first.
    pub store: Vec<PathBuf>,
    /// Open vSwitch's database.
    pub switch: PathBuf,
    /// The folder of the DHCP server's files.
    pub dhcp: PathBuf,
    /// The logs.
    pub log: Log,
    /// The folder of the hooks.
    pub hooks: PathBuf,
}

/// What a call is going to do.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The steps.
    pub plan: Plan,
    /// What the administrator should know.
    pub warnings: Vec<String>,
}

impl Places {
    /// The usual ones. `name` is what the script was called by, `env` looks up a variable.
    pub fn new(name: &str, env: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            journals: "/run/xenwire/journal".into(),
            network_lock: crate::network::lock_path(crate::network::JOURNALS),
            conf: "/etc/xen/xenwire.toml".into(),
            switch: switch::place(&env),
            dhcp: dhcp::FOLDER.into(),
            store: store::places(env),
            log: Log::new(name),
            hooks: hooks::folder(name),
        }
    }
}

/// Acts on a call and returns its exit status, 0 or 1 (contract 2.1).
pub fn call(
    script: Script,
    args: &[String],
    env: impl Fn(&str) -> Option<String>,
    places: &Places,
) -> u8 {
    call_through(script, args, env, places, &mut Host::perform)
}

/// [`call`], with a gate that sees every effect before the host does.
pub fn call_through(
    script: Script,
    args: &[String],
    env: impl Fn(&str) -> Option<String>,
    places: &Places,
    gate: &mut Gate<'_>,
) -> u8 {
    let log = &places.log;
    let call = match Invocation::parse(script, args, env) {
        Ok(call) => call,
        Err(quit) => {
            if let Some(reason) = quit.reason {
                log.say(Level::Error, &reason);
            }
            return quit.status;
        }
    };
    let subject = format!("{} {}", call.link, call.command);
    let store = match Store::connect(&places.store) {
        Ok(store) => Some(store),
        // What goes does not need the store: only its link is taken down.
        Err(error) if !call.command.comes() => {
            log.say(Level::Warning, &format!("{subject}: no xenstore: {error}"));
            None
        }
        Err(error) => {
            log.say(
                Level::Error,
                &format!("{subject}: no xenstore, so nobody can be told: {error}"),
            );
            return 1;
        }
    };
    let kernel = match Kernel::open() {
        Ok(kernel) => kernel,
        Err(error) => {
            log.say(Level::Error, &format!("{subject}: {error}"));
            return 1;
        }
    };
    let mut host = Host {
        kernel,
        store,
        switch: None,
    };
    let _bridges_stay = network::hold_off(&places.network_lock);
    let (outcome, read) = act(&call, &subject, &mut host, gate, places);
    let status = match outcome {
        Ok(()) => {
            log.say(
                Level::Debug,
                &format!("Successful {script} {} for {}", call.command, call.link),
            );
            0
        }
        Err(text) => {
            log.say(Level::Error, &format!("{subject}: {text}"));
            report(&call, &text, &mut host, &read, log);
            1
        }
    };
    host.kernel.leave();
    status
}

type Read = BTreeMap<NodePath, NodeValue>;

fn act(
    call: &Invocation,
    subject: &str,
    host: &mut Host,
    gate: &mut Gate<'_>,
    places: &Places,
) -> (Result<(), String>, Read) {
    let log = &places.log;
    let mut read = match &mut host.store {
        Some(store) => match store.read(&wanted_nodes(call)) {
            Ok(read) => read,
            Err(error) => return (Err(error.to_string()), Read::new()),
        },
        None => Read::new(),
    };
    let more = vm_nodes(call, &read);
    if let Some(store) = host.store.as_mut().filter(|_| !more.is_empty()) {
        // What the guest is called is for others to read; it starts without.
        read.extend(store.read(&more).unwrap_or_default());
    }
    let result = (|| {
        let keeping = match call.script.gives_to_others() {
            true => Keeping::AllRuns,
            false => Keeping::LastRun,
        };
        let mut journal = FileJournal::open(&places.journals, call.link.as_str(), keeping)
            .map_err(|fault| fault.to_string())?;
        if journal.supersede().map_err(|fault| fault.to_string())? {
            log.say(
                Level::Warning,
                &format!("{subject}: an earlier call was cut off; planning from what it left"),
            );
        }
        let given = Given::of(journal.found());
        // Between the look at dhcpd's files and the change nobody else changes them.
        let _files = is_told(call).then(dhcp::files_lock).flatten();
        let switches = switches(call, &read, host, places)?;
        let Prepared { plan, warnings } =
            prepare(call, &read, &given, switches, places, &mut host.kernel)?;
        for warning in warnings {
            log.say(Level::Warning, &format!("{subject}: {warning}"));
        }
        // Xen's own scripts may be changing the same chain (contract 2.4).
        let _iptables = match Lock::for_forward(&plan) {
            Ok(lock) => lock,
            Err(why) => {
                log.say(Level::Warning, &format!("{subject}: {why}"));
                None
            }
        };
        let mut gated = Gated { host, gate };
        match run(Machine::new(subject, plan), &mut journal, &mut gated) {
            Outcome::NothingToDo => {}
            Outcome::Applied { notes } => {
                for note in notes {
                    log.say(Level::Warning, &format!("{subject}: {note}"));
                }
            }
            outcome @ (Outcome::Undone { .. } | Outcome::Stuck { .. }) => {
                return Err(outcome.to_string());
            }
        }
        if matches!(call.command, Command::Offline | Command::Remove) {
            journal.remove();
        }
        Ok(())
    })();
    (result, read)
}

/// What a call about Open vSwitch must know of it. A switch that is not there has no port to remove.
fn switches(
    call: &Invocation,
    read: &Read,
    host: &mut Host,
    places: &Places,
) -> Result<Switches, String> {
    if call.script != Script::VifOpenvswitch {
        return Ok(Switches::default());
    }
    let (bridge, ports) = questions(call, &Nodes::of(call, read))?;
    let found = Switch::connect(&places.switch).and_then(|mut switch| {
        let found = switch.look(bridge.as_ref(), &ports)?;
        host.switch = Some(switch);
        Ok(found)
    });
    match found {
        Err(why) if !call.command.comes() => {
            places.log.say(Level::Warning, &why);
            Ok(Switches::default())
        }
        found => found,
    }
}

/// Looks at the machine and decides what the call does.
///
/// # Errors
/// The text of `hotplug-error`. Nothing was changed.
pub fn prepare(
    call: &Invocation,
    read: &Read,
    given: &Given,
    switches: Switches,
    places: &Places,
    kernel: &mut Kernel,
) -> Result<Prepared, String> {
    let nodes = Nodes::of(call, read);
    let mut warnings = Vec::new();
    // Where a bridge's frames do not come to FORWARD, no chain is asked.
    let meets = place(call).filter(|place| *place == Place::Routed || kernel.filters_bridged());
    let conf = match heeds_conf(call, &nodes, meets) {
        true => host_conf(&places.conf, &mut warnings),
        false => HostConf::default(),
    };
    let mut looks = Looks::of(call, &nodes, given, meets, &conf)?;
    let mut observed = kernel.observe(looks.scope.clone()).map_err(unreadable)?;
    let found;
    let call = if lacks_uplink(call, &observed) {
        let host = kernel.observe(Scope::Host).map_err(unreadable)?;
        found = find_uplink(call, &host.state)?;
        looks = Looks::of(&found, &nodes, given, meets, &conf)?;
        observed = kernel.observe(looks.scope.clone()).map_err(unreadable)?;
        &found
    } else {
        call
    };
    observed.state.nodes = read.clone();
    observed.state.switches = switches;
    if is_told(call) {
        dhcp::look(&places.dhcp, Some(&call.vif.link()), &mut observed.state);
    }
    let forward = filters(&looks, conf.forward_mark, kernel, &mut observed.state)?;
    let seen = Seen {
        observed,
        forward,
        hooks: hooks::find(&places.hooks),
    };
    let wanted = decide(call, &nodes, given, &conf, &seen)?;
    warnings.extend(wanted.warnings);
    let planned = plan(&wanted.desired, &seen.observed);
    warnings.extend(planned.report.skipped.iter().map(ToString::to_string));
    let join = |lines: Vec<String>| lines.join("; ");
    let plan = planned
        .plan
        .map_err(|refusals| join(refusals.iter().map(ToString::to_string).collect()))?;
    check(&plan, &wanted.desired, &seen.observed.state).map_err(|complaints| {
        format!(
            "a bug in xenwire: {}",
            join(complaints.iter().map(ToString::to_string).collect())
        )
    })?;
    Ok(Prepared { plan, warnings })
}

/// Looks at the packet filters, and says which chains there are for what comes to FORWARD.
fn filters(
    looks: &Looks,
    mark: ForwardMark,
    kernel: &mut Kernel,
    state: &mut NetState,
) -> Result<Option<Forward>, String> {
    state.guards = kernel
        .guards(&looks.guards)
        .map_err(|error| format!("cannot read what guests may say: {error}"))?;
    if looks.old_rules {
        state.old_rules = kernel
            .old_rules()
            .map_err(|error| format!("cannot read the FORWARD chain: {error}"))?;
    }
    let Some((place, ports)) = &looks.passages else {
        return Ok(None);
    };
    let unreadable = |error| format!("cannot read the FORWARD chains: {error}");
    let forward = kernel.forward(mark).map_err(unreadable)?;
    let passages = kernel.passages(ports, *place, &forward);
    state.passages = passages.map_err(unreadable)?;
    Ok(Some(forward))
}

/// What the host's file says; the defaults, which are the strictest, if it cannot be read.
pub(crate) fn host_conf(conf: &Path, warnings: &mut Vec<String>) -> HostConf {
    let file = match files::read(conf) {
        Ok(file) => file,
        Err(unreadable) if unreadable.error.kind() == std::io::ErrorKind::NotFound => {
            return HostConf::default();
        }
        Err(unreadable) => {
            warnings.push(format!("{unreadable}; ip= is enforced"));
            return HostConf::default();
        }
    };
    let mut found = Diagnostics::new();
    match host_conf::read(&file.text, &file.name, &mut found) {
        Some(conf) => conf,
        None => {
            let shown = found.render(Style::Plain);
            warnings.push(format!("ip= is enforced, since {shown}"));
            HostConf::default()
        }
    }
}

/// Tells the toolstack. If that cannot be done either, the log has both.
fn report(call: &Invocation, text: &str, host: &mut Host, read: &Read, log: &Log) {
    let Some(effect) = failure(call, text, read) else {
        return;
    };
    let told = host.store.as_mut().map(|store| store.perform(&effect));
    if let Some(Err(fault)) = told {
        log.say(Level::Error, &format!("{}: {fault}", call.link));
    }
}
