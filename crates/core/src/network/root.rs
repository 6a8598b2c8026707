//! A root file system that comes over the network: a NIC that goes down takes it along
//! (contract 1.4.1, 8.1: hosts lost their root device).

use std::net::IpAddr;

use crate::name::IfName;
use crate::state::{NetState, Route};

/// How the root file system comes over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkRoot {
    /// From this machine.
    Server(IpAddr),
    /// From a machine that is not named anywhere we look: iSCSI, NBD, a host's name.
    Unknown(String),
}

impl NetworkRoot {
    /// Reads /proc/self/mounts, /proc/cmdline and /etc/fstab; each may be empty.
    pub fn of(mounts: &str, cmdline: &str, fstab: &str) -> Option<Self> {
        let root = entries(mounts)
            .filter(|(_, place, ..)| *place == "/")
            .last();
        if let Some((source, _, kind, options)) = root
            && is_network(kind)
        {
            let named = options
                .split(',')
                .find_map(|option| option.strip_prefix("addr="))
                .or_else(|| source.split_once(":/").map(|(host, _)| host));
            return Some(from_server(named, format!("{kind} on {source}")));
        }
        if let Some(server) = words(cmdline, "nfsroot=") {
            let server = server.split(':').next();
            return Some(from_server(
                server,
                format!("nfsroot={}", server.unwrap_or_default()),
            ));
        }
        let waits = entries(fstab).find(|(_, place, _, options)| {
            *place == "/" && options.split(',').any(|option| option == "_netdev")
        });
        waits.map(|(source, ..)| Self::Unknown(format!("{source}, _netdev in /etc/fstab")))
    }

    /// Why this NIC must stay as it is, if it must.
    pub fn needs(&self, nic: &IfName, state: &NetState) -> Option<String> {
        match self {
            Self::Server(server) => {
                let link = way_to(*server, state)?;
                (link == nic).then(|| format!("the root file system comes from {server} by {nic}"))
            }
            Self::Unknown(what) => {
                let any = match state.addresses_of(nic).next() {
                    Some(_) => "may come",
                    None => return None,
                };
                Some(format!("the root file system ({what}) {any} by {nic}"))
            }
        }
    }
}

/// Fields of an fstab(5) line: source, place, kind, options.
fn entries(text: &str) -> impl Iterator<Item = (&str, &str, &str, &str)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let source = fields.next().filter(|first| !first.starts_with('#'))?;
        Some((
            source,
            fields.next()?,
            fields.next()?,
            fields.next().unwrap_or(""),
        ))
    })
}

fn is_network(kind: &str) -> bool {
    kind.starts_with("nfs") || matches!(kind, "cifs" | "smb3" | "ceph")
}

fn from_server(named: Option<&str>, what: String) -> NetworkRoot {
    let server = named.and_then(|text| text.trim_matches(['[', ']']).parse().ok());
    server.map_or(NetworkRoot::Unknown(what), NetworkRoot::Server)
}

fn words<'a>(cmdline: &'a str, name: &str) -> Option<&'a str> {
    cmdline
        .split_ascii_whitespace()
        .find_map(|word| word.strip_prefix(name))
}

/// The link of the longest main-table route that holds this address.
fn way_to(server: IpAddr, state: &NetState) -> Option<&IfName> {
    let routes = state.routes.iter();
    let routes = routes.filter(|r| r.table == Route::MAIN && r.to.contains(&server));
    let best = routes.max_by_key(|r| (r.to.prefix_len(), std::cmp::Reverse(r.metric)))?;
    best.link()
}
