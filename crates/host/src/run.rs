//! Carrying out a run: the machine gives orders, this loop obeys.

use xenwire_core::journal::{Answer, Fault, Machine, Order, Outcome};
use xenwire_core::state::Effect;

use crate::dhcp;
use crate::hooks;
use crate::journal::{Announced, Journal};
use crate::kernel::Kernel;
use crate::lines;
use crate::store::Store;
use crate::switch::Switch;

/// Whoever does effects.
pub trait Performer {
    /// Does one effect, whole or not at all.
    ///
    /// # Errors
    /// Why it is not done.
    fn perform(&mut self, announced: &Announced, effect: &Effect) -> Result<(), Fault>;
}

/// The machine we run on: its kernel, and its store if there is one.
#[derive(Debug)]
pub struct Host {
    /// The network.
    pub kernel: Kernel,
    /// xenstore.
    pub store: Option<Store>,
    /// Open vSwitch, for a call about it.
    pub switch: Option<Switch>,
}

impl Performer for Host {
    fn perform(&mut self, announced: &Announced, effect: &Effect) -> Result<(), Fault> {
        if effect.is_kernel() {
            return self.kernel.perform(announced, effect);
        }
        if let Effect::RunHooks(hooks) = effect {
            return hooks::run(hooks);
        }
        if let Effect::ChangeSwitchPort(change) = effect {
            let none = || Fault {
                operation: effect.to_string(),
                errno: None,
                reason: "there is no Open vSwitch here".into(),
            };
            let switch = self.switch.as_mut().ok_or_else(none)?;
            return switch.perform(announced, change);
        }
        match effect {
            Effect::ChangeDhcpHost(change) => return dhcp::change_host(announced, change),
            Effect::ChangeLine(change) => return lines::change(announced, change),
            Effect::ChangeDhcpServer(change) => return dhcp::change_server(announced, change),
            _ => {}
        }
        match &mut self.store {
            Some(store) => store.perform(effect),
            None => Err(Fault {
                operation: effect.to_string(),
                errno: None,
                reason: "there is no xenstore here".into(),
            }),
        }
    }
}

/// What stands between a run and the host: it is given each effect, and does it or refuses.
pub type Gate<'a> = dyn FnMut(&mut Host, &Announced, &Effect) -> Result<(), Fault> + 'a;

/// A host behind a gate.
pub(crate) struct Gated<'a, 'g> {
    /// The host.
    pub host: &'a mut Host,
    /// The gate.
    pub gate: &'a mut Gate<'g>,
}

impl Performer for Gated<'_, '_> {
    fn perform(&mut self, announced: &Announced, effect: &Effect) -> Result<(), Fault> {
        (self.gate)(self.host, announced, effect)
    }
}

/// Runs a machine to its end.
pub fn run(
    mut machine: Machine,
    journal: &mut dyn Journal,
    performer: &mut dyn Performer,
) -> Outcome {
    let mut token = None;
    loop {
        let done = match machine.order() {
            Order::Finish(outcome) => return outcome,
            Order::Record(event) => journal.record(&event).map(|announced| {
                token = announced.or(token.take());
            }),
            Order::Perform(effect) => {
                let announced = token
                    .as_ref()
                    .expect("the machine announces before it performs");
                performer.perform(announced, &effect)
            }
        };
        machine.told(match done {
            Ok(()) => Answer::Done,
            Err(fault) => Answer::Refused(fault),
        });
    }
}
