//! RTM_*LINK messages.

use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, BridgeStpState, InfoBridge, InfoData, InfoKind, InfoVeth,
    LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};

/// A link. In a reply every field says what is; in a request a field that is `None` says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number; 0 in a request means that `name` identifies the link.
    pub index: u32,
    /// Its name (IFLA_IFNAME); in a change of a link with an index, the new one.
    pub name: Option<String>,
    /// Its Ethernet address (IFLA_ADDRESS), if it has six bytes.
    pub mac: Option<[u8; 6]>,
    /// Its MTU in bytes (IFLA_MTU).
    pub mtu: Option<u32>,
    /// The bridge's index (IFLA_MASTER); in a request 0 detaches.
    pub master: Option<u32>,
    /// Its alias (IFLA_IFALIAS); in a request an empty one removes it.
    pub alias: Option<String>,
    /// Administratively up (IFF_UP).
    pub up: Option<bool>,
    /// Asks and answers for addresses: IFF_NOARP is not set.
    pub arp: Option<bool>,
    /// Takes part in multicast (IFF_MULTICAST).
    pub multicast: Option<bool>,
    /// Whether there is a carrier (IFF_LOWER_UP). Never sent.
    pub carrier: bool,
    /// Whether the kernel has drawn the conclusion from that (IFF_RUNNING): a port forwards only
    /// then. Never sent.
    pub running: bool,
    /// What it is (IFLA_LINKINFO); `None` for hardware.
    pub kind: Option<Kind>,
    /// The index of the link that this one sits on or is paired with (IFLA_LINK), if that is in
    /// the same namespace. Never sent.
    pub lower: Option<u32>,
    /// The address it was born with (IFLA_PERM_ADDRESS), if it has six bytes. Never sent.
    pub permanent_mac: Option<[u8; 6]>,
    /// How it makes IPv6 addresses of its own (IN6_ADDR_GEN_MODE_*); received if it has IPv6.
    pub addr_gen_mode: Option<u8>,
    /// Whether it listens to router advertisements (DEVCONF_ACCEPT_RA), if it has IPv6. Never sent.
    pub accept_ra: Option<i32>,
    /// The namespace it is to be in (IFLA_NET_NS_FD): an open descriptor. Never received.
    pub netns: Option<i32>,
}

/// What a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bridge.
    Bridge {
        /// IFLA_BR_STP_STATE is not 0.
        stp: bool,
        /// IFLA_BR_FORWARD_DELAY, in hundredths of a second (USER_HZ).
        forward_delay: u32,
        /// Of a bridge that filters VLANs (IFLA_BR_VLAN_FILTERING), the one that a new port begins
        /// with as its own (IFLA_BR_VLAN_DEFAULT_PVID), 0 for none.
        filters: Option<u16>,
    },
    /// A virtual cable. The peer is only sent, never received.
    Veth(Option<Box<Link>>),
    /// Any other, by the kernel's word. Only received.
    Other(String),
}

impl Link {
    pub(crate) fn from_message(message: LinkMessage) -> Self {
        let mut link = Self {
            index: message.header.index,
            up: Some(message.header.flags.contains(LinkFlags::Up)),
            arp: Some(!message.header.flags.contains(LinkFlags::Noarp)),
            multicast: Some(message.header.flags.contains(LinkFlags::Multicast)),
            carrier: message.header.flags.contains(LinkFlags::LowerUp),
            running: message.header.flags.contains(LinkFlags::Running),
            ..Self::default()
        };
        let mut is_elsewhere = false;
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = Some(name),
                LinkAttribute::Address(bytes) => link.mac = bytes.try_into().ok(),
                LinkAttribute::Mtu(mtu) => link.mtu = Some(mtu),
                LinkAttribute::Controller(master) => link.master = Some(master),
                LinkAttribute::IfAlias(alias) => link.alias = Some(alias),
                LinkAttribute::Link(lower) => link.lower = Some(lower),
                // The index is one of that namespace.
                LinkAttribute::LinkNetNsId(_) => is_elsewhere = true,
                LinkAttribute::PermAddress(bytes) => link.permanent_mac = bytes.try_into().ok(),
                LinkAttribute::LinkInfo(info) => link.kind = kind(&info),
                LinkAttribute::AfSpecUnspec(families) => link.learn(&families),
                _ => {}
            }
        }
        link.lower
            .take_if(|lower| is_elsewhere || *lower == link.index);
        link
    }

    /// What a link's address families say.
    fn learn(&mut self, families: &[AfSpecUnspec]) {
        let settings = families.iter().filter_map(|family| match family {
            AfSpecUnspec::Inet6(settings) => Some(settings),
            _ => None,
        });
        for setting in settings.flatten() {
            match setting {
                AfSpecInet6::AddrGenMode(mode) => self.addr_gen_mode = Some(mode.into()),
                AfSpecInet6::DevConf(settings) => self.accept_ra = Some(settings.accept_ra),
                _ => {}
            }
        }
    }

    pub(crate) fn to_message(&self) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = self.index;
        for (flag, is_set) in [
            (LinkFlags::Up, self.up),
            (LinkFlags::Noarp, self.arp.map(|arp| !arp)),
            (LinkFlags::Multicast, self.multicast),
        ] {
            if let Some(is_set) = is_set {
                message.header.change_mask.insert(flag);
                message.header.flags.set(flag, is_set);
            }
        }
        let attributes = &mut message.attributes;
        attributes.extend(self.name.clone().map(LinkAttribute::IfName));
        attributes.extend(self.mac.map(|mac| LinkAttribute::Address(mac.to_vec())));
        attributes.extend(self.mtu.map(LinkAttribute::Mtu));
        attributes.extend(self.master.map(LinkAttribute::Controller));
        attributes.extend(self.alias.clone().map(LinkAttribute::IfAlias));
        attributes.extend(self.addr_gen_mode.map(|mode| {
            let mode = AfSpecInet6::AddrGenMode(mode.into());
            LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])])
        }));
        attributes.extend(self.netns.map(LinkAttribute::NetNsFd));
        match &self.kind {
            Some(Kind::Bridge {
                stp,
                forward_delay,
                filters,
            }) => {
                let state = if *stp {
                    BridgeStpState::KernelStp
                } else {
                    BridgeStpState::Disabled
                };
                let mut settings = vec![
                    InfoBridge::ForwardDelay(*forward_delay),
                    InfoBridge::StpState(state),
                ];
                // A kernel that cannot would refuse to be told not to.
                if let Some(first) = filters {
                    settings.push(InfoBridge::VlanFiltering(true));
                    settings.push(InfoBridge::VlanDefaultPvid(*first));
                }
                attributes.push(LinkAttribute::LinkInfo(vec![
                    LinkInfo::Kind(InfoKind::Bridge),
                    LinkInfo::Data(InfoData::Bridge(settings)),
                ]));
            }
            Some(Kind::Veth(peer)) => {
                let mut info = vec![LinkInfo::Kind(InfoKind::Veth)];
                info.extend(
                    peer.as_ref().map(|peer| {
                        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer.to_message())))
                    }),
                );
                attributes.push(LinkAttribute::LinkInfo(info));
            }
            Some(Kind::Other(_)) | None => {}
        }
        message
    }
}

fn kind(info: &[LinkInfo]) -> Option<Kind> {
    let kind = info.iter().find_map(|info| match info {
        LinkInfo::Kind(kind) => Some(kind),
        _ => None,
    })?;
    Some(match kind {
        InfoKind::Veth => Kind::Veth(None),
        InfoKind::Bridge => {
            let settings = info.iter().find_map(|info| match info {
                LinkInfo::Data(InfoData::Bridge(settings)) => Some(settings.as_slice()),
                _ => None,
            });
            let (mut stp, mut forward_delay) = (false, 0);
            let (mut filtering, mut default_pvid) = (false, 0);
            for setting in settings.unwrap_or_default() {
                match setting {
                    InfoBridge::StpState(state) => stp = *state != BridgeStpState::Disabled,
                    InfoBridge::ForwardDelay(delay) => forward_delay = *delay,
                    InfoBridge::VlanFiltering(on) => filtering = *on,
                    InfoBridge::VlanDefaultPvid(vlan) => default_pvid = *vlan,
                    _ => {}
                }
            }
            Kind::Bridge {
                stp,
                forward_delay,
                filters: filtering.then_some(default_pvid),
            }
        }
        other => Kind::Other(other.to_string()),
    })
}
