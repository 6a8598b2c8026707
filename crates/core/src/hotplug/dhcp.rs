//! What the DHCP server is told about a guest of vif-nat (contract 2.8): one line of dnsmasq's
//! `dhcp-host` (dnsmasq(8)) in a file of the vif's own.
//!
//! ```text
//!  00:16:3e:00:00:01,tag:vif5.0,id:*,10.0.5.1,dom5
//!  whose MAC         only there      address  name
//! ```
//!
//! `tag:` with the vif's name has the line hold for what comes by that vif: a guest that takes
//! another's MAC is nobody. `id:*` has the MAC alone tell who it is: an installer and the system that
//! it installs call themselves differently. Invariant: every word of the line was parsed or made here,
//! so nothing that a store holds can say more than it should.

use std::net::Ipv4Addr;

use super::{Invocation, Nodes};
use crate::name::{IfName, Mac, VifId};
use crate::state::DhcpServer;

/// What is told, and what is worth a line in the log.
pub(super) struct Host {
    /// The host file; `None`: there is to be none.
    pub(super) line: Option<String>,
    /// Why the guest gets no address, if it should.
    pub(super) warning: Option<String>,
}

/// A guest with this address by a vif that has this name.
///
/// The file is written also where no server runs: one that is started later finds it.
pub(super) fn host(
    call: &Invocation,
    nodes: &Nodes,
    link: &IfName,
    address: Ipv4Addr,
    server: &DhcpServer,
) -> Host {
    if call.dhcp == Some(false) {
        return Host {
            line: None,
            warning: None,
        };
    }
    let is_asked = call.dhcp.is_some() || *server != DhcpServer::Absent;
    match line(call.vif, nodes, link, address) {
        Err(why) => Host {
            line: None,
            warning: is_asked.then_some(format!("no DHCP for this guest: {why}")),
        },
        Ok(line) => Host {
            line: Some(line),
            warning: match server {
                DhcpServer::Serving(_) => None,
                DhcpServer::Dead => Some(
                    "no DHCP for guests: dnsmasq was started and has ended; `network-nat start dhcp=yes` starts it again".into(),
                ),
                DhcpServer::Absent => is_asked.then_some(
                    "dhcp=yes, and no DHCP server was started for guests; `network-nat start dhcp=yes` starts dnsmasq".into(),
                ),
            },
        },
    }
}

fn line(vif: VifId, nodes: &Nodes, link: &IfName, address: Ipv4Addr) -> Result<String, String> {
    let mac = nodes.mac.as_deref().unwrap_or_default();
    let mac: Mac = mac
        .parse()
        .map_err(|_| format!("its mac in the store is {mac:?}, which is no MAC"))?;
    // The server listens on links by the beginning of their names, and a comma would end the tag.
    let is_word = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if !link.as_str().starts_with("vif") || !link.as_str().chars().all(is_word) {
        return Err(format!(
            "dnsmasq serves links with names like vif1.0, and this is {link}; begin vifname= with vif, or leave it out"
        ));
    }
    Ok(format!("{mac},tag:{link},id:*,{address},{}\n", name(vif)))
}

/// What the guest is called: by its number, as ever, since what the administrator calls it need not
/// be a host's name. A second NIC has a name of its own.
fn name(VifId { domid, devid }: VifId) -> String {
    match devid.0 {
        0 => format!("dom{domid}"),
        number => format!("dom{domid}-{}", u64::from(number) + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotplug::Command;

    const MAC: &str = "00:16:3e:00:00:01";

    fn told(
        devid: u32,
        mac: Option<&str>,
        link: &str,
        dhcp: Option<bool>,
        server: &DhcpServer,
    ) -> Host {
        let call = Invocation {
            command: Command::Online,
            dhcp,
            ..Invocation::from((5, devid))
        };
        let nodes = Nodes {
            mac: mac.map(str::to_owned),
            ..Nodes::default()
        };
        let address = Ipv4Addr::new(10, 0, 5, 1);
        host(&call, &nodes, &link.parse().unwrap(), address, server)
    }

    #[test]
    fn a_line_says_where_it_holds() {
        let serving = DhcpServer::Serving(String::new());
        for (devid, link, line) in [
            (
                0,
                "vif5.0",
                "00:16:3e:00:00:01,tag:vif5.0,id:*,10.0.5.1,dom5\n",
            ),
            (
                1,
                "vifweb",
                "00:16:3e:00:00:01,tag:vifweb,id:*,10.0.5.1,dom5-2\n",
            ),
        ] {
            let told = told(devid, Some(MAC), link, None, &serving);
            assert_eq!(told.line.as_deref(), Some(line));
            assert_eq!(told.warning, None);
        }
    }

    #[test]
    fn nothing_of_the_store_gets_into_a_line_as_it_is() {
        let serving = DhcpServer::Serving(String::new());
        for (mac, link, word) in [
            (
                Some("00:16:3e:00:00:01,10.0.0.1\nfe:ff:ff:ff:ff:ff"),
                "vif5.0",
                "no MAC",
            ),
            (Some(""), "vif5.0", "no MAC"),
            (None, "vif5.0", "no MAC"),
            (Some(MAC), "web", "vifname"),
            (Some(MAC), "vif,set", "vifname"),
        ] {
            let wrong = told(0, mac, link, None, &serving);
            assert_eq!(wrong.line, None, "{mac:?} {link}");
            let warning = wrong.warning.unwrap();
            assert!(warning.contains(word), "{warning}");
            // Where nobody asked for DHCP, nobody is told that there is none.
            let unasked = told(0, mac, link, None, &DhcpServer::Absent);
            assert_eq!((unasked.line, unasked.warning), (None, None));
        }
    }

    #[test]
    fn a_server_that_is_not_there_is_missed_by_whoever_asked_for_it() {
        let warning =
            |dhcp, server: DhcpServer| told(0, Some(MAC), "vif5.0", dhcp, &server).warning;
        assert_eq!(warning(None, DhcpServer::Absent), None);
        assert_eq!(warning(Some(false), DhcpServer::Dead), None);
        for (dhcp, server, word) in [
            (None, DhcpServer::Dead, "ended"),
            (Some(true), DhcpServer::Dead, "ended"),
            (Some(true), DhcpServer::Absent, "dhcp=yes"),
        ] {
            assert!(warning(dhcp, server).unwrap().contains(word));
        }
        let left_out = told(0, Some(MAC), "vif5.0", Some(false), &DhcpServer::Absent);
        assert_eq!(left_out.line, None);
    }
}
