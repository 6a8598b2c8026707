//! What the files that were read tell about the host.

use crate::config::interfaces::Interfaces;
use crate::config::lab::Lab;
use crate::config::xend::{Made, XendConf};
use crate::config::xl_conf::XlConf;
use crate::diag::{Span, Spanned};
use crate::name::IfName;
use crate::network::Generation;

/// The host as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Host {
    /// Links that are no bridges, and where each was named.
    pub(super) nics: Vec<Spanned<String>>,
    /// Bridges, and where each was named.
    pub(super) bridges: Vec<Spanned<String>>,
    /// Whether some file says which bridges there are.
    told: bool,
    /// Whether some file makes bridges whose names it does not tell.
    unknown: bool,
    /// The script of a vif that names none.
    script: Option<String>,
}

impl Host {
    /// The place where a bridge of this name is made.
    pub(super) fn bridge(&self, name: &str) -> Option<&Span> {
        place(&self.bridges, name)
    }

    /// The place where a link of this name, bridge or not, is the host's own.
    pub(super) fn link(&self, name: &str) -> Option<&Span> {
        place(&self.nics, name).or_else(|| self.bridge(name))
    }

    /// Whether all its bridges are known.
    pub(super) fn has_told_its_bridges(&self) -> bool {
        self.told && !self.unknown
    }

    /// The script of a vif that names none.
    pub(super) fn script(&self) -> &str {
        self.script.as_deref().unwrap_or("vif-bridge")
    }

    pub(super) fn add_xl_conf(&mut self, conf: Option<XlConf>) {
        if let Some(conf) = conf {
            self.script = Some(conf.script);
        }
    }

    /// xend's generation is not in its file: a bridge that any of them makes may be there.
    pub(super) fn add_xend(&mut self, conf: Option<XendConf>) {
        let Some(conf) = conf else {
            self.unknown = true;
            return;
        };
        if let Some(script) = &conf.vif_script {
            self.script = Some(script.program.value.clone());
        }
        let place = conf
            .network_script
            .as_ref()
            .map(|script| &script.program.span);
        for generation in Generation::ALL {
            match (conf.made_bridge(generation), place) {
                (Made::Bridge { name, .. }, Some(place)) => {
                    self.told = true;
                    self.bridges.push(Spanned::new(name, place.clone()));
                }
                (Made::AfterDefaultRoute { .. } | Made::Unknown(_), _) => self.unknown = true,
                _ => {}
            }
        }
        let arguments = conf
            .network_script
            .and_then(|script| script.bridge_arguments());
        let netdev = arguments.and_then(|arguments| arguments.netdev);
        self.nics
            .extend(netdev.map(|nic| Spanned::new(nic.value.to_string(), nic.span)));
    }

    pub(super) fn add_interfaces(&mut self, file: Option<Interfaces>) {
        let Some(file) = file else {
            self.unknown = true;
            return;
        };
        self.told = true;
        let bridges = file.bridges();
        let is_bridge = |name: &str| bridges.iter().any(|bridge| bridge.name.value == name);
        let others = file.ifaces().filter(|iface| !is_bridge(&iface.name.value));
        self.nics.extend(others.map(|iface| iface.name.clone()));
        self.bridges
            .extend(bridges.iter().map(|bridge| bridge.name.clone()));
    }

    pub(super) fn add_lab(&mut self, lab: Option<Lab>) {
        let Some(lab) = lab else {
            self.unknown = true;
            return;
        };
        self.told = true;
        let text = |name: &Spanned<IfName>| Spanned::new(name.value.to_string(), name.span.clone());
        self.nics
            .extend(lab.host.nics.iter().map(|nic| text(&nic.name)));
        let bridges = lab.host.bridges.iter();
        self.bridges
            .extend(bridges.map(|bridge| text(&bridge.name)));
    }
}

fn place<'a>(links: &'a [Spanned<String>], name: &str) -> Option<&'a Span> {
    let found = links.iter().find(|link| link.value == name);
    found.map(|link| &link.span)
}
