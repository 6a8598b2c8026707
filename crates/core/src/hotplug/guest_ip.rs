//! The guest's addresses: the list `ip=` (contract 2.3), blank-separated.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Invocation, Nodes};

/// The list, read. What is no address is told apart by its looks: whatever has a colon was meant to
/// be IPv6.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GuestIp {
    /// IPv4 addresses and networks, in the order of the list.
    pub(super) v4: Vec<Ipv4Net>,
    /// IPv6 addresses and networks, in the order of the list.
    pub(super) v6: Vec<Ipv6Net>,
    /// Why entries of IPv4 cannot be used.
    pub(super) wrong_v4: Vec<String>,
    /// Why entries of IPv6 cannot be used.
    pub(super) wrong_v6: Vec<String>,
}

/// How an entry with a length is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// It is a network behind the guest: `203.0.113.8/29` are eight addresses (vif-route).
    OfNetwork,
    /// It is an address, with the length that the guest gives it: `192.168.7.10/24` is one
    /// (vif-nat).
    OfGuest,
}

impl GuestIp {
    /// Reads the list of a call: the store's, else that of the arguments or the environment.
    pub(super) fn of(call: &Invocation, nodes: &Nodes, length: Length) -> Self {
        let text = nodes.ip.as_deref().or(call.ip.as_deref());
        let mut list = Self::default();
        for entry in text.unwrap_or_default().split_whitespace() {
            match read(entry, length) {
                Ok(IpNet::V4(net)) if !list.v4.contains(&net) => list.v4.push(net),
                Ok(IpNet::V6(net)) if !list.v6.contains(&net) => list.v6.push(net),
                Ok(_) => {}
                Err(why) if entry.contains(':') => list.wrong_v6.push(why),
                Err(why) => list.wrong_v4.push(why),
            }
        }
        list
    }

    /// Whether nothing was listed.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn read(entry: &str, length: Length) -> Result<IpNet, String> {
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Ok(address.into());
    }
    let net: IpNet = entry.parse().map_err(|_| {
        format!("ip={entry:?} is neither an address nor one with a length behind a slash, such as 203.0.113.8/29")
    })?;
    match length {
        Length::OfGuest => Ok(net.addr().into()),
        Length::OfNetwork if net.trunc() == net => Ok(net),
        Length::OfNetwork => Err(format!(
            "ip={entry:?} is neither a network nor an address: write {} for the network, {} for the guest alone",
            net.trunc(),
            net.addr()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str, length: Length) -> GuestIp {
        let call = Invocation {
            ip: Some(text.into()),
            ..Invocation::from((1, 0))
        };
        GuestIp::of(&call, &Nodes::default(), length)
    }

    #[test]
    fn a_list_of_both_families() {
        let found = list(
            "203.0.113.5  203.0.113.8/29 2001:db8::5 2001:db8:1::/64 203.0.113.5",
            Length::OfNetwork,
        );
        assert_eq!(
            found.v4,
            [
                "203.0.113.5/32".parse().unwrap(),
                "203.0.113.8/29".parse().unwrap()
            ]
        );
        assert_eq!(
            found.v6,
            [
                "2001:db8::5/128".parse().unwrap(),
                "2001:db8:1::/64".parse().unwrap()
            ]
        );
        assert!(found.wrong_v4.is_empty() && found.wrong_v6.is_empty());
    }

    #[test]
    fn what_a_length_means() {
        let text = "203.0.113.9/29";
        assert!(list(text, Length::OfNetwork).wrong_v4[0].contains("203.0.113.8/29"));
        assert_eq!(
            list(text, Length::OfGuest).v4,
            ["203.0.113.9/32".parse().unwrap()]
        );
    }

    #[test]
    fn what_is_no_address_is_named() {
        let found = list("web 10.0.0 2001:db8::z 10.0.0.1/33", Length::OfNetwork);
        assert_eq!(found.wrong_v4.len(), 3);
        assert!(found.wrong_v4[0].contains("\"web\""));
        assert!(found.wrong_v6[0].contains("2001:db8::z"));
        assert!(!found.is_empty());
    }

    #[test]
    fn the_stores_list_wins() {
        let call = Invocation {
            ip: Some("10.0.0.1".into()),
            ..Invocation::from((1, 0))
        };
        let nodes = Nodes {
            ip: Some("10.0.0.2".into()),
            ..Nodes::default()
        };
        let found = GuestIp::of(&call, &nodes, Length::OfNetwork);
        assert_eq!(found.v4, ["10.0.0.2/32".parse().unwrap()]);
    }
}
