//! What planning has to say beside the plan: what it left alone, and why it said no.

use std::fmt;

use super::Plan;
use crate::name::IfName;
use crate::state::LinkSysctl;

/// A plan, or why there is none; and what was noticed on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the report says what was left undone, and why"]
pub struct Planned {
    /// The plan, or every reason why there is none.
    pub plan: Result<Plan, Vec<Refusal>>,
    /// What was noticed.
    pub report: Report,
}

/// What planning noticed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Wanted, but not there to be set.
    pub skipped: Vec<Skipped>,
    /// Links in view that nobody told us to look after.
    pub foreign: Vec<IfName>,
}

/// Something that was wanted and is not planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// A setting that this kernel does not have (IPv6 switched off, say).
    NoSuchSetting(LinkSysctl),
    /// A link that somebody else makes has gone, which the caller expected.
    LinkGone(IfName),
}

/// Why there is no plan. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A link that somebody else makes is not there.
    NoSuchLink(IfName),
    /// The link that ports are to be attached to is not there.
    NoSuchBridge(IfName),
    /// The link that ports are to be attached to is no bridge.
    NotABridge(IfName),
    /// Both the wanted name and the former one belong to links.
    NameTaken {
        /// The link that was to be renamed.
        link: IfName,
        /// The name it was to get.
        name: IfName,
    },
    /// The port is to carry certain VLANs, and the bridge does not look at them.
    NotFiltering {
        /// The bridge.
        bridge: IfName,
        /// The port.
        port: IfName,
    },
    /// A link of this name is there, of another kind than the one we would make.
    OtherKind(IfName),
    /// The link would have to go down for a moment, and would lose what nobody told us to look
    /// after.
    WouldLose {
        /// The link.
        link: IfName,
        /// What it would lose, each as a sentence's object.
        what: Vec<String>,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchLink(name) => write!(f, "there is no link {name}"),
            Self::NoSuchBridge(name) => write!(f, "Could not find bridge device {name}"),
            Self::NotABridge(name) => write!(f, "{name} is there, but it is no bridge"),
            Self::NameTaken { link, name } => write!(
                f,
                "Cannot rename interface {link}. An interface with name {name} already exists."
            ),
            Self::NotFiltering { bridge, port } => write!(
                f,
                "{port} is to carry VLANs of its own, and {bridge} does not filter VLANs; `ip link set {bridge} type bridge vlan_filtering 1` makes it"
            ),
            Self::OtherKind(name) => write!(f, "{name} is there already, and it is something else"),
            Self::WouldLose { link, what } => {
                write!(
                    f,
                    "{link} would have to go down for a moment and lose {}",
                    what.join(", ")
                )
            }
        }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchSetting(key) => {
                write!(f, "{key} does not exist on this kernel, left alone")
            }
            Self::LinkGone(name) => write!(f, "{name} is gone already"),
        }
    }
}
