//! The steps of a plan as they come together.

use crate::name::IfName;
use crate::plan::{Need, Step};
use crate::state::{Effect, LinkChange, LinkSysctl};

/// The steps so far.
#[derive(Default)]
pub(super) struct Steps(pub(super) Vec<Step>);

impl Steps {
    pub(super) fn add(&mut self, effect: Effect) {
        self.0.push(Step::required(effect));
    }

    pub(super) fn write(&mut self, key: &LinkSysctl, from: &str, to: &str) {
        if from != to {
            self.add(Effect::WriteSysctl {
                key: key.clone(),
                from: from.to_owned(),
                to: to.to_owned(),
            });
        }
    }

    pub(super) fn change(&mut self, name: &IfName, change: LinkChange) {
        self.change_if(name, change, Need::Required);
    }

    pub(super) fn change_if(&mut self, name: &IfName, change: LinkChange, need: Need) {
        let name = name.clone();
        let effect = Effect::ChangeLink { name, change };
        self.0.push(Step { effect, need });
    }
}
