//! What dnsmasq is to do for the guests of vif-nat.
//!
//! Each guest has a link of its own with one address of dom0's, its router, and no network around it.
//! dnsmasq answers by a link whose address is inside a range, so two ranges hold every address there
//! is, and `static` gives none of them to whoever has no host file. What it does not say otherwise
//! is the link's own address: router and name server.

use crate::state::DhcpServer;

/// The server with this configuration (dnsmasq(8)). `folder` is that of its files.
pub(super) fn server(folder: &str) -> DhcpServer {
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
