//! `ip=` before it means something: whose guests say what their lists do not, as far as this host has
//! seen; and what is asked about that.
//!
//! Xen's scripts stopped nobody, and Debian's ignore the list (contract 2.4), so it may be stale and
//! nobody noticed.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::host_conf::{self, IpFilter};
use crate::name::{Mac, VifId};
use crate::state::{Forged, Guard, Place};

/// Where the answer is written.
pub const CONF: &str = "/etc/xen/xenwire.toml";

/// A vif that runs and has a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub vif: VifId,
    /// Its `mac`.
    pub mac: Mac,
    /// Its `ip`.
    pub list: String,
    /// The file name of its script: vif-nat reads a length otherwise.
    pub script: String,
}

/// What this host has seen of a vif's guest: neighbours, and what its bridge has learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// Ethernet addresses.
    pub macs: BTreeSet<Mac>,
}

/// A guest that would lose something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Whose.
    pub vif: VifId,
    /// The list.
    pub list: String,
    /// Addresses that are not in it.
    pub addresses: BTreeSet<IpAddr>,
    /// Ethernet addresses that are not the vif's.
    pub macs: BTreeSet<Mac>,
    /// An entry that is no address, with which the vif would not come up.
    pub wrong: Option<String>,
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Nothing: nobody loses anything, or it is settled.
    Settled,
    /// The file is to be this text.
    Write(String),
    /// It must be asked.
    Ask,
}

/// What this guest would lose, if anything.
pub fn loss(listed: &Listed, seen: &Seen) -> Option<Loss> {
    let is_nat = listed.script == "vif-nat";
    let mut wrong = None;
    let mut nets = Vec::new();
    for entry in listed.list.split_whitespace() {
        let net = entry.parse::<IpAddr>().map(IpNet::from);
        match net.or_else(|_| entry.parse::<IpNet>()) {
            Ok(net) if is_nat => nets.push(net.addr().into()),
            Ok(net) if net.trunc() == net => nets.push(net),
            _ => wrong = Some(entry.to_owned()),
        }
    }
    let link = listed.vif.link();
    let sources = Guard::new(link, Place::Bridged, Forged::Dropped, listed.mac, nets).sources();
    let is_own = |address: &&IpAddr| sources.iter().any(|net| net.contains(*address));
    let others = seen.addresses.iter().filter(|address| !is_own(address));
    let macs = seen.macs.iter().filter(|mac| **mac != listed.mac);
    let loss = Loss {
        vif: listed.vif,
        list: listed.list.clone(),
        addresses: others.copied().collect(),
        macs: macs.copied().collect(),
        wrong,
    };
    let is_any = !loss.addresses.is_empty() || !loss.macs.is_empty() || loss.wrong.is_some();
    is_any.then_some(loss)
}

/// Decides. `conf` is the file's text, if there is one; `answer` what the administrator says.
///
/// # Errors
/// A sentence: the file says something else, or cannot be read.
pub fn filter(
    losses: &[Loss],
    conf: Option<&str>,
    answer: Option<IpFilter>,
) -> Result<Filter, String> {
    let said = match conf {
        Some(text) => host_conf::said(text).map_err(|why| format!("{CONF}: {why}"))?,
        None => None,
    };
    match (answer, said) {
        (Some(answer), Some(said)) if answer != said => Err(format!(
            "{CONF} says ip_filter = \"{said}\" already; change it there, or leave --ip-filter out"
        )),
        (_, Some(_)) => Ok(Filter::Settled),
        (Some(answer), None) => {
            let text = saying(conf.unwrap_or_default(), answer);
            match host_conf::said(&text) {
                Ok(Some(said)) if said == answer => Ok(Filter::Write(text)),
                _ => Err(format!(
                    "{CONF} has [hotplug] in a form that nothing can be added to; write ip_filter = \"{answer}\" there yourself"
                )),
            }
        }
        (None, None) if losses.is_empty() => Ok(Filter::Settled),
        (None, None) => Ok(Filter::Ask),
    }
}

/// The text with the answer in it, and all else byte for byte as it was.
fn saying(text: &str, answer: IpFilter) -> String {
    let line = format!("ip_filter = \"{answer}\"\n");
    let mut before = 0;
    for row in text.split_inclusive('\n') {
        before += row.len();
        let bare = row.split('#').next().unwrap_or_default().trim();
        if bare == "[hotplug]" {
            let end = if row.ends_with('\n') { "" } else { "\n" };
            return format!("{}{end}{line}{}", &text[..before], &text[before..]);
        }
    }
    let gap = match text {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{text}{gap}[hotplug]\n{line}")
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has ip={:?}", self.vif, self.list)?;
        if let Some(wrong) = &self.wrong {
            write!(
                f,
                ", of which {wrong:?} is no address: it would not come up"
            )?;
        }
        if !self.addresses.is_empty() {
            let all: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
            write!(f, ", and was seen with {}", all.join(", "))?;
        }
        if !self.macs.is_empty() {
            let all: Vec<String> = self.macs.iter().map(ToString::to_string).collect();
            write!(f, ", and sent as {}", all.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
