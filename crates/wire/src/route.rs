//! RTM_*ROUTE messages, of IPv4 and IPv6.
//!
//! ```text
//!  | family | dst_len | src_len | tos | table | protocol | scope | type | flags: u32 | attributes |
//! ```

use std::net::IpAddr;

use crate::attribute::{
    Attribute, Attributes, as_ip, as_u32, family_number, is_ipv6, octets, split, unspecified,
};

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to; all zero with length 0 for the default route, which also carries the family.
    pub to: IpAddr,
    /// The length of its prefix.
    pub prefix_len: u8,
    /// RTA_SRC and the length of its prefix: only for packets from there.
    pub from: Option<(IpAddr, u8)>,
    /// The type of service it is for.
    pub tos: u8,
    /// The table (RTA_TABLE).
    pub table: u32,
    /// RTN_*.
    pub kind: u8,
    /// The next hops: RTA_MULTIPATH if there are several.
    pub hops: Vec<Hop>,
    /// RTA_PRIORITY.
    pub metric: u32,
    /// RTA_PREFSRC.
    pub source: Option<IpAddr>,
    /// RT_SCOPE_*.
    pub scope: u8,
    /// RTPROT_*.
    pub protocol: u8,
    /// Seconds that are left: told in RTA_CACHEINFO, taken as RTA_EXPIRES.
    pub expires: Option<u32>,
    /// RTA_NH_ID. With it the hops are told and not taken.
    pub nexthop: Option<u32>,
    /// All else that is a setting.
    pub attributes: Vec<Attribute>,
}

/// A next hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// RTA_OIF: the link's index.
    pub index: u32,
    /// RTA_GATEWAY, or RTA_VIA if it is of the other family.
    pub via: Option<IpAddr>,
    /// RTNH_F_*, all bits; of a single hop they are among the route's.
    pub flags: u8,
    /// rtnh_hops.
    pub weight: u8,
    /// RTA_FLOW, RTA_ENCAP and RTA_ENCAP_TYPE; of a single hop they are among the route's.
    pub attributes: Vec<Attribute>,
}

const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_IIF: u16 = 3;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_MULTIPATH: u16 = 9;
const RTA_FLOW: u16 = 11;
const RTA_CACHEINFO: u16 = 12;
const RTA_TABLE: u16 = 15;
const RTA_MFC_STATS: u16 = 17;
const RTA_VIA: u16 = 18;
const RTA_ENCAP_TYPE: u16 = 21;
const RTA_ENCAP: u16 = 22;
const RTA_EXPIRES: u16 = 23;
const RTA_PAD: u16 = 24;
const RTA_UID: u16 = 25;
const RTA_NH_ID: u16 = 30;

/// A clone in the kernel's cache.
const RTM_F_CLONED: u32 = 0x200;

impl Route {
    /// `Ok(None)` for what is not a route of these: another family, a clone in the cache.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Option<Self>, String> {
        let Some((header, rest)) = bytes.split_first_chunk::<12>() else {
            return Err(format!("{} bytes are no route", bytes.len()));
        };
        let [
            family,
            prefix_len,
            from_len,
            tos,
            table,
            protocol,
            scope,
            kind,
            flags @ ..,
        ] = *header;
        let flags = u32::from_ne_bytes(flags);
        let Some(ipv6) = is_ipv6(family).filter(|_| flags & RTM_F_CLONED == 0) else {
            return Ok(None);
        };
        let mut route = Self {
            to: unspecified(ipv6),
            prefix_len,
            from: None,
            tos,
            table: table.into(),
            kind,
            hops: Vec::new(),
            metric: 0,
            source: None,
            scope,
            protocol,
            expires: None,
            nexthop: None,
            attributes: Vec::new(),
        };
        let (mut index, mut via) = (None, None);
        let mut of_hop = Vec::new();
        for (kind, value) in split(rest)? {
            match kind {
                RTA_DST => route.to = as_ip(value)?,
                RTA_SRC => route.from = Some((as_ip(value)?, from_len)),
                RTA_OIF => index = Some(as_u32(value)?),
                RTA_GATEWAY => via = Some(as_ip(value)?),
                RTA_VIA => via = Some(of_any_family(value)?),
                RTA_PRIORITY => route.metric = as_u32(value)?,
                RTA_PREFSRC => route.source = Some(as_ip(value)?),
                RTA_MULTIPATH => route.hops = hops(value)?,
                RTA_TABLE => route.table = as_u32(value)?,
                RTA_CACHEINFO => route.expires = expires(value),
                RTA_EXPIRES => route.expires = Some(as_u32(value)?),
                RTA_NH_ID => route.nexthop = Some(as_u32(value)?),
                // What only the kernel says.
                RTA_IIF | RTA_MFC_STATS | RTA_PAD | RTA_UID => {}
                kind => {
                    let value = value.to_vec();
                    let attributes = match kind {
                        RTA_FLOW | RTA_ENCAP | RTA_ENCAP_TYPE => &mut of_hop,
                        _ => &mut route.attributes,
                    };
                    attributes.push(Attribute { kind, value });
                }
            }
        }
        match index {
            Some(index) => route.hops.push(Hop {
                index,
                via,
                flags: flags.to_le_bytes()[0],
                weight: 0,
                attributes: of_hop,
            }),
            None => route.attributes.extend(of_hop),
        }
        Ok(Some(route))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // A nexthop object stands for its hops, and the kernel wants to hear of them once only
        // (rtm_to_fib_config, net/ipv4/fib_frontend.c).
        let hops = match self.nexthop {
            Some(_) => [].as_slice(),
            None => &self.hops,
        };
        let flags = match hops {
            [hop] => u32::from(hop.flags),
            _ => 0,
        };
        let mut header = vec![
            family_number(self.to.is_ipv6()),
            self.prefix_len,
            self.from.map_or(0, |(_, length)| length),
            self.tos,
            u8::try_from(self.table).unwrap_or(0),
            self.protocol,
            self.scope,
            self.kind,
        ];
        header.extend(flags.to_ne_bytes());
        let mut to = Attributes(header);
        if self.prefix_len > 0 {
            to.put_ip(RTA_DST, self.to);
        }
        if let Some((ip, _)) = self.from {
            to.put_ip(RTA_SRC, ip);
        }
        if let Some(ip) = self.source {
            to.put_ip(RTA_PREFSRC, ip);
        }
        match hops {
            [] => {}
            [hop] => {
                self.put_via(hop, &mut to);
                to.put_u32(RTA_OIF, hop.index);
                to.put_all(&hop.attributes);
            }
            hops => to.put(RTA_MULTIPATH, &self.multipath(hops)),
        }
        if self.metric != 0 {
            to.put_u32(RTA_PRIORITY, self.metric);
        }
        to.put_u32(RTA_TABLE, self.table);
        if let Some(seconds) = self.expires {
            to.put_u32(RTA_EXPIRES, seconds);
        }
        if let Some(number) = self.nexthop {
            to.put_u32(RTA_NH_ID, number);
        }
        to.put_all(&self.attributes);
        to.0
    }

    /// What identifies it to RTM_DELROUTE. IPv6 takes the first route of that destination and
    /// metric that fits (ip6_route_del, net/ipv6/route.c): without a gateway any fits, with `::`
    /// only one that has none. Of several hops each may have a protocol, and the first one's is
    /// told for all, so none is asked for.
    pub(crate) fn to_identifying_bytes(&self) -> Vec<u8> {
        let mut route = self.clone();
        if self.to.is_ipv6() {
            for hop in &mut route.hops {
                hop.via.get_or_insert(unspecified(true));
            }
            if route.hops.len() > 1 {
                route.protocol = 0;
            }
        }
        route.to_bytes()
    }

    fn put_via(&self, hop: &Hop, to: &mut Attributes) {
        let Some(via) = hop.via else { return };
        if via.is_ipv6() == self.to.is_ipv6() {
            to.put_ip(RTA_GATEWAY, via);
        } else {
            let family = u16::from(family_number(via.is_ipv6())).to_ne_bytes();
            to.put(RTA_VIA, &[&family[..], &octets(via)].concat());
        }
    }

    fn multipath(&self, hops: &[Hop]) -> Vec<u8> {
        let hop = |hop: &Hop| {
            let mut of_hop = Attributes::default();
            self.put_via(hop, &mut of_hop);
            of_hop.put_all(&hop.attributes);
            let length = u16::try_from(8 + of_hop.0.len()).unwrap_or(u16::MAX);
            let mut bytes = length.to_ne_bytes().to_vec();
            bytes.extend([hop.flags, hop.weight]);
            bytes.extend(hop.index.to_ne_bytes());
            bytes.extend(of_hop.0);
            bytes
        };
        hops.iter().flat_map(hop).collect()
    }
}

/// The question for all routes of a family, or for those that leave by one link.
pub(crate) fn query(ipv6: bool, index: Option<u32>) -> Vec<u8> {
    let mut header = vec![0; 12];
    header[0] = family_number(ipv6);
    let mut to = Attributes(header);
    if let Some(index) = index {
        to.put_u32(RTA_OIF, index);
    }
    to.0
}

/// `struct rtnexthop` and its attributes, one after the other.
fn hops(mut rest: &[u8]) -> Result<Vec<Hop>, String> {
    let mut hops = Vec::new();
    while let [l0, l1, flags, weight, i0, i1, i2, i3, ..] = *rest {
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let of_hop = rest
            .get(8..length)
            .ok_or_else(|| format!("a next hop of {length} bytes, of {} that came", rest.len()))?;
        let (mut via, mut attributes) = (None, Vec::new());
        for (kind, value) in split(of_hop)? {
            match kind {
                RTA_GATEWAY => via = Some(as_ip(value)?),
                RTA_VIA => via = Some(of_any_family(value)?),
                kind => attributes.push(Attribute {
                    kind,
                    value: value.to_vec(),
                }),
            }
        }
        hops.push(Hop {
            index: u32::from_ne_bytes([i0, i1, i2, i3]),
            via,
            flags,
            weight,
            attributes,
        });
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(hops)
}

/// `struct rtvia`: the family, then the address.
fn of_any_family(value: &[u8]) -> Result<IpAddr, String> {
    match value {
        [_, _, address @ ..] => as_ip(address),
        _ => Err("RTA_VIA without a family".into()),
    }
}

/// `struct rta_cacheinfo`: the third number is what is left in hundredths of a second (USER_HZ),
/// not positive if the end has passed, 0 if there is none.
fn expires(value: &[u8]) -> Option<u32> {
    let left = i32::from_ne_bytes(value.get(8..12)?.try_into().ok()?);
    (left != 0).then(|| u32::try_from(left).unwrap_or(0).saturating_add(50) / 100)
}
