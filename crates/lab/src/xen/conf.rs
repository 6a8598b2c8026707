//! Which toolstack a host has, and with which configuration. What libxl and xend do differently
//! is asked for here; everything else they do alike (contract 3.1 and 6.4).

use xenwire_core::config::lab::Toolstack as Which;
use xenwire_core::config::vif::{Dialect, VifSpec};
use xenwire_core::config::xend::XendConf;
use xenwire_core::config::xl_conf::XlConf;
use xenwire_core::name::{DomId, Mac, VifId};

use super::nodes::{
    self, Folder, VifPaths, domain_folders, libxl_folder, script_path, vif_folders,
};
use super::script::{Caller, ScriptCall};
use super::{qemu::Tap, xend};

/// A toolstack and what it was configured with.
#[derive(Clone, Debug)]
pub enum Conf {
    /// libxl, by `xl.conf`.
    Libxl(XlConf),
    /// xend, by `xend-config.sxp`.
    Xend(Box<XendConf>),
}

/// A domain, as far as the nodes of its vifs speak of it.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub name: String,
    /// `/vm/<uuid>`.
    pub vm: String,
}

impl Conf {
    /// Which one it is.
    pub fn which(&self) -> Which {
        match self {
            Self::Libxl(_) => Which::Libxl,
            Self::Xend(_) => Which::Xend,
        }
    }

    /// The words of its vif specifications.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Libxl(_) => Dialect::Xl,
            Self::Xend(_) => Dialect::Xm,
        }
    }

    /// The folders of a domain itself.
    pub(super) fn domain_folders(&self, domid: DomId, owner: &Owner, uuid: &str) -> Vec<Folder> {
        let mut folders = domain_folders(domid, &owner.name, uuid);
        if let Self::Libxl(_) = self {
            folders.push(libxl_folder(domid));
        }
        folders
    }

    /// Those of them that go with it, beside its `vm`.
    pub(super) fn domain_paths(&self, domid: DomId) -> Vec<String> {
        let home = format!("/local/domain/{domid}");
        match self {
            Self::Libxl(_) => vec![home, format!("/libxl/{domid}")],
            Self::Xend(_) => vec![home],
        }
    }

    /// Where a vif's nodes are.
    pub(super) fn vif_paths(&self, vif: VifId, owner: &Owner) -> VifPaths {
        match self {
            Self::Libxl(_) => nodes::vif_paths(vif, DomId::DOM0),
            Self::Xend(_) => xend::vif_paths(vif, DomId::DOM0, owner),
        }
    }

    /// A vif's folders, in the order in which they are written.
    pub(super) fn vif_folders(
        &self,
        vif: VifId,
        owner: &Owner,
        spec: &VifSpec,
        mac: Mac,
    ) -> [Folder; 3] {
        match self {
            Self::Libxl(conf) => vif_folders(vif, DomId::DOM0, spec, mac, conf),
            Self::Xend(conf) => xend::vif_folders(vif, DomId::DOM0, owner, spec, mac, conf),
        }
    }

    /// How a vif's script is called when the vif comes.
    pub(super) fn online(&self, vif: VifId, spec: &VifSpec, tap: Option<&Tap>) -> ScriptCall {
        let (caller, script, gatewaydev) = match self {
            Self::Libxl(conf) => (
                Caller::Libxl,
                script_path(spec, conf),
                spec.gatewaydev.as_ref().or(conf.gatewaydev.as_ref()),
            ),
            Self::Xend(conf) => (Caller::Udev, xend::script_node(spec, conf), None),
        };
        ScriptCall {
            caller,
            script,
            action: "online",
            type_if: "type_if=vif",
            tap: tap.map(|tap| tap.name.clone()),
            vif,
            gatewaydev: gatewaydev.map(ToString::to_string).unwrap_or_default(),
        }
    }
}
