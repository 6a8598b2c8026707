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

use super::dhcpd::{self, Guest};
use super::{Device, Invocation, Nodes, Script, Wanted};
use crate::name::{IfName, Mac, VifId};
use crate::state::{DhcpServer, Dhcpd, LineChange, NetState};

/// What a guest is to be given by a vif that has this name.
pub(super) struct Lease {
    pub(super) link: IfName,
    pub(super) address: Ipv4Addr,
    pub(super) router: Ipv4Addr,
}

/// Whether a DHCP server hears of this call.
pub fn is_told(call: &Invocation) -> bool {
    call.script == Script::VifNat && call.device == Device::Vif
}

/// A guest comes. The host file is written also where no server runs: one that is started later finds
/// it.
pub(super) fn come(
    call: &Invocation,
    nodes: &Nodes,
    lease: &Lease,
    state: &NetState,
    wanted: &mut Wanted,
) {
    let Wanted { desired, warnings } = wanted;
    if call.dhcp == Some(false) {
        desired.dhcp_hosts.insert(call.vif.link(), None);
        return;
    }
    let server = &state.dhcp.server;
    let theirs = theirs(call, state);
    let is_asked = call.dhcp.is_some() || theirs.is_some() || *server != DhcpServer::Absent;
    let mac = nodes.mac.as_deref().unwrap_or_default();
    let mac: Option<Mac> = mac.parse().ok();
    let line = match mac {
        Some(mac) => line(call.vif, mac, lease),
        None => Err(format!(
            "its mac in the store is {:?}, which is no MAC",
            nodes.mac.as_deref().unwrap_or_default()
        )),
    };
    let missed = match (&line, server) {
        (_, DhcpServer::Absent) if theirs.is_some() && mac.is_some() => None,
        (Err(why), _) => Some(format!("no DHCP for this guest: {why}")),
        (Ok(_), DhcpServer::Serving(_)) => None,
        (Ok(_), DhcpServer::Dead) => Some(
            "no DHCP for guests: dnsmasq was started and has ended; `network-nat start dhcp=yes` starts it again".into(),
        ),
        (Ok(_), DhcpServer::Absent) => Some(
            "dhcp=yes, and no DHCP server was started for guests; `network-nat start dhcp=yes` starts dnsmasq".into(),
        ),
    };
    warnings.extend(missed.filter(|_| is_asked));
    desired.dhcp_hosts.insert(call.vif.link(), line.ok());
    if let (Some(dhcpd), Some(mac)) = (theirs, mac) {
        let guest = Guest {
            mac,
            address: lease.address,
            router: lease.router,
        };
        let name = name(call.vif);
        let lines = dhcpd::lines(dhcpd, &state.files, &name, &lease.link, Some(&guest));
        warnings.extend(unread(&lines, dhcpd));
        desired.lines = lines;
    }
}

/// A guest goes: whoever may have been told about it is to forget it.
pub(super) fn go(call: &Invocation, link: &IfName, state: &NetState, wanted: &mut Wanted) {
    wanted.desired.dhcp_hosts.insert(call.vif.link(), None);
    if let Some(dhcpd) = &state.dhcp.dhcpd {
        let lines = dhcpd::lines(dhcpd, &state.files, &name(call.vif), link, None);
        wanted.warnings.extend(unread(&lines, dhcpd));
        wanted.desired.lines = lines;
    }
}

/// The distribution's dhcpd, if it is the one that guests are to be told to.
fn theirs<'a>(call: &Invocation, state: &'a NetState) -> Option<&'a Dhcpd> {
    let dhcpd = state.dhcp.dhcpd.as_ref()?;
    let is_wanted = call.dhcp.unwrap_or(dhcpd.usual);
    (is_wanted && !matches!(state.dhcp.server, DhcpServer::Serving(_))).then_some(dhcpd)
}

/// The originals started it again; a vif script of ours starts no program.
fn unread(lines: &[LineChange], dhcpd: &Dhcpd) -> Option<String> {
    (!lines.is_empty()).then(|| {
        format!(
            "{} has changed, which dhcpd reads only when it starts: start it again, or have systemd do that (PathChanged=)",
            dhcpd.conf
        )
    })
}

fn line(vif: VifId, mac: Mac, lease: &Lease) -> Result<String, String> {
    let Lease { link, address, .. } = lease;
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
pub(super) fn name(VifId { domid, devid }: VifId) -> String {
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

    struct Told {
        line: Option<String>,
        warning: Option<String>,
    }

    fn told(
        devid: u32,
        mac: Option<&str>,
        link: &str,
        dhcp: Option<bool>,
        server: &DhcpServer,
    ) -> Told {
        let call = Invocation {
            command: Command::Online,
            dhcp,
            ..Invocation::from((5, devid))
        };
        let nodes = Nodes {
            mac: mac.map(str::to_owned),
            ..Nodes::default()
        };
        let lease = Lease {
            link: link.parse().unwrap(),
            address: Ipv4Addr::new(10, 0, 5, 1),
            router: Ipv4Addr::new(10, 0, 5, 128),
        };
        let mut state = NetState::default();
        state.dhcp.server = server.clone();
        let mut wanted = Wanted::default();
        come(&call, &nodes, &lease, &state, &mut wanted);
        let mut warnings = wanted.warnings.into_iter();
        let warning = warnings.next();
        assert_eq!(warnings.next(), None);
        Told {
            line: wanted.desired.dhcp_hosts[&call.vif.link()].clone(),
            warning,
        }
    }

    /// The originals' default, and ours where dnsmasq serves.
    #[test]
    fn dhcpd_is_told_where_it_was_and_nobody_else_serves() {
        let dhcpd = |usual| Dhcpd {
            conf: "/etc/dhcpd.conf".into(),
            args: None,
            usual,
        };
        let serving = DhcpServer::Serving(String::new());
        for (dhcp, usual, server, is_told) in [
            (None, true, DhcpServer::Absent, true),
            (None, false, DhcpServer::Absent, false),
            (Some(true), false, DhcpServer::Absent, true),
            (Some(false), true, DhcpServer::Absent, false),
            (Some(true), true, serving, false),
        ] {
            let call = Invocation {
                dhcp,
                ..Invocation::from((5, 0))
            };
            let nodes = Nodes {
                mac: Some(MAC.into()),
                ..Nodes::default()
            };
            let lease = Lease {
                link: call.link.clone(),
                address: Ipv4Addr::new(10, 0, 5, 1),
                router: Ipv4Addr::new(10, 0, 5, 128),
            };
            let mut state = NetState::default();
            state.dhcp.server = server;
            state.dhcp.dhcpd = Some(dhcpd(usual));
            let mut wanted = Wanted::default();
            come(&call, &nodes, &lease, &state, &mut wanted);
            assert_eq!(
                !wanted.desired.lines.is_empty(),
                is_told,
                "{dhcp:?} {usual}"
            );
            let said = wanted
                .warnings
                .iter()
                .any(|line| line.contains("start it again"));
            assert_eq!(said, is_told, "{:?}", wanted.warnings);
        }
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
