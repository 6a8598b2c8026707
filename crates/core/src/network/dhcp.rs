//! What dnsmasq is to do for the guests of vif-nat.
//!
//! Each guest has a link of its own with one address of dom0's, its router, and no network around it.
//! dnsmasq answers by a link whose address is inside a range, so two ranges hold every address there
//! is, and `static` gives none of them to whoever has no host file. What it does not say otherwise
//! is the link's own address: router and name server.
//!
//! Where the distribution's dhcpd is installed, it is that one that is told, as ever (contract 2.10).

use crate::state::{DhcpServer, LineChange, Managed, NetState};

use super::Wanted;

/// Guests are to be given addresses.
pub(super) fn start(state: &NetState, wanted: &mut Wanted) {
    let Some(dhcpd) = &state.dhcp.dhcpd else {
        wanted.desired.dhcp_server = Managed::Set(server(&state.dhcp.folder));
        return;
    };
    if subnets(state).next().is_none() {
        wanted.desired.lines.push(LineChange {
            file: dhcpd.conf.clone(),
            from: None,
            to: Some(subnet(state)),
        });
        wanted.notes.push(unread(&dhcpd.conf));
    }
}

/// They are not.
pub(super) fn stop(state: &NetState, wanted: &mut Wanted) {
    wanted.desired.dhcp_server = Managed::Set(DhcpServer::Absent);
    let Some(dhcpd) = &state.dhcp.dhcpd else {
        return;
    };
    let ours = subnets(state).filter(|line| line.trim_end().ends_with('}'));
    wanted.desired.lines = ours
        .map(|line| LineChange {
            file: dhcpd.conf.clone(),
            from: Some(line.clone()),
            to: None,
        })
        .collect();
    if !wanted.desired.lines.is_empty() {
        wanted.notes.push(unread(&dhcpd.conf));
    }
}

/// The lines that begin the network of guests.
fn subnets(state: &NetState) -> impl Iterator<Item = &String> {
    let conf = state.dhcp.dhcpd.iter().map(|dhcpd| &dhcpd.conf);
    let lines = conf.filter_map(|conf| state.files.get(conf)).flatten();
    lines.filter(|line| line.starts_with("subnet 10.0.0.0 "))
}

/// All networks of guests, where the originals had the first 256 domains alone; with the host's domain
/// and first name server.
fn subnet(state: &NetState) -> String {
    let resolver = state.files.get("/etc/resolv.conf").into_iter().flatten();
    let words = resolver.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let is_name = |text: &&&str| {
        let mut chars = text.chars();
        chars.all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
    };
    let (mut domain, mut names) = (None, None);
    for line in words {
        match line.as_slice() {
            ["search" | "domain", name, ..] => {
                domain = Some(name).filter(is_name).map(|n| (*n).to_owned())
            }
            ["nameserver", address, ..] => {
                names = names.or(address.parse::<std::net::Ipv4Addr>().ok())
            }
            _ => {}
        }
    }
    let domain = domain.map(|name| format!("option domain-name \"{name}\"; "));
    let names = names.map(|address| format!("option domain-name-servers {address}; "));
    format!(
        "subnet 10.0.0.0 netmask 255.0.0.0 {{ {}{}}}",
        domain.unwrap_or_default(),
        names.unwrap_or_default()
    )
}

fn unread(conf: &str) -> String {
    format!("{conf} has changed, which dhcpd reads only when it starts: start it again")
}

/// The server with this configuration (dnsmasq(8)). `folder` is that of its files.
fn server(folder: &str) -> DhcpServer {
    DhcpServer::Serving(format!(
        "# Written by network-nat start dhcp=yes; what is changed here is lost when it is started again.
# Guests' links alone, as they come and go; never the host's own network.
bind-dynamic
interface=vif*
except-interface=lo
# Every address, for guests with a file below hosts alone.
dhcp-range=0.0.0.0,static,128.0.0.0,{LEASE}
dhcp-range=128.0.0.0,static,128.0.0.0,{LEASE}
dhcp-hostsdir={folder}/hosts
dhcp-option=option:netmask,255.255.255.0
# None: it follows from the mask (28, RFC 2132, 5.3).
dhcp-option=28
dhcp-authoritative
# Who has which address is in the files below hosts: nothing needs to be kept.
leasefile-ro
# A guest is called what its file says, not what it says; and the names of this host are its own.
dhcp-ignore-names
no-hosts
pid-file={folder}/dnsmasq.pid
"
    ))
}

/// How long a guest keeps its address without asking again. A guest that comes back with another MAC
/// and the same `ip=` waits so long at most, and one whose server is dead keeps it so long.
const LEASE: &str = "10m";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Dhcpd;

    const CONF: &str = "/etc/dhcp/dhcpd.conf";

    #[test]
    fn dhcpd_has_the_network_of_guests_once_and_then_not() {
        let mut state = NetState::default();
        state.dhcp.dhcpd = Some(Dhcpd {
            conf: CONF.into(),
            ..Dhcpd::default()
        });
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let mine = "subnet 192.0.2.0 netmask 255.255.255.0 { }";
        state.files.insert(CONF.into(), lines(mine));
        let resolver =
            "search example.net\nnameserver ::1\nnameserver 192.0.2.53\nnameserver 192.0.2.54";
        state
            .files
            .insert("/etc/resolv.conf".into(), lines(resolver));
        let act = |how: fn(&NetState, &mut Wanted), state: &mut NetState| {
            let mut wanted = Wanted::default();
            how(state, &mut wanted);
            assert_eq!(wanted.notes.len(), wanted.desired.lines.len());
            let changes = wanted.desired.lines;
            for change in &changes {
                change.make(state.files.get_mut(CONF).unwrap()).unwrap();
            }
            changes.len()
        };
        assert_eq!(act(start, &mut state), 1);
        let subnet = "subnet 10.0.0.0 netmask 255.0.0.0 { option domain-name \"example.net\"; option domain-name-servers 192.0.2.53; }";
        assert_eq!(state.files[CONF], [mine, subnet]);
        assert_eq!(act(start, &mut state), 0);
        assert_eq!(act(stop, &mut state), 1);
        assert_eq!(state.files[CONF], [mine]);
        assert_eq!(act(stop, &mut state), 0);
    }
}
