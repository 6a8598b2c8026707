//! RTM_*RULE messages, of IPv4 and IPv6.
//!
//! ```text
//!  | family | dst_len | src_len | tos | table | 0 | 0 | action | flags: u32 | attributes |
//! ```

use std::net::IpAddr;

use crate::attribute::{
    Attribute, Attributes, as_ip, as_text, as_u8, as_u32, family_number, is_ipv6, split,
};

/// A policy rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// IPv6, not IPv4.
    pub ipv6: bool,
    /// FRA_PRIORITY.
    pub priority: u32,
    /// FRA_SRC and the length of its prefix.
    pub from: Option<(IpAddr, u8)>,
    /// FRA_DST and the length of its prefix.
    pub to: Option<(IpAddr, u8)>,
    /// FRA_IIFNAME.
    pub iif: Option<String>,
    /// FRA_OIFNAME.
    pub oif: Option<String>,
    /// FRA_TABLE.
    pub table: u32,
    /// FR_ACT_*.
    pub action: u8,
    /// The type of service it is for.
    pub tos: u8,
    /// FIB_RULE_*, all bits.
    pub flags: u32,
    /// FRA_PROTOCOL.
    pub protocol: u8,
    /// All else.
    pub attributes: Vec<Attribute>,
}

const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_PRIORITY: u16 = 6;
const FRA_TABLE: u16 = 15;
const FRA_OIFNAME: u16 = 17;
const FRA_PAD: u16 = 18;
const FRA_PROTOCOL: u16 = 21;

impl Rule {
    /// `Ok(None)` for a rule of another family.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Option<Self>, String> {
        let Some((header, rest)) = bytes.split_first_chunk::<12>() else {
            return Err(format!("{} bytes are no rule", bytes.len()));
        };
        let [
            family,
            to_len,
            from_len,
            tos,
            table,
            _,
            _,
            action,
            flags @ ..,
        ] = *header;
        let Some(ipv6) = is_ipv6(family) else {
            return Ok(None);
        };
        let mut rule = Self {
            ipv6,
            priority: 0,
            from: None,
            to: None,
            iif: None,
            oif: None,
            table: table.into(),
            action,
            tos,
            flags: u32::from_ne_bytes(flags),
            protocol: 0,
            attributes: Vec::new(),
        };
        for (kind, value) in split(rest)? {
            match kind {
                FRA_DST => rule.to = Some((as_ip(value)?, to_len)),
                FRA_SRC => rule.from = Some((as_ip(value)?, from_len)),
                FRA_IIFNAME => rule.iif = Some(as_text(value)),
                FRA_OIFNAME => rule.oif = Some(as_text(value)),
                FRA_PRIORITY => rule.priority = as_u32(value)?,
                FRA_TABLE => rule.table = as_u32(value)?,
                FRA_PROTOCOL => rule.protocol = as_u8(value)?,
                FRA_PAD => {}
                kind => rule.attributes.push(Attribute {
                    kind,
                    value: value.to_vec(),
                }),
            }
        }
        Ok(Some(rule))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let length = |net: Option<(IpAddr, u8)>| net.map_or(0, |(_, length)| length);
        let mut header = vec![
            family_number(self.ipv6),
            length(self.to),
            length(self.from),
            self.tos,
            u8::try_from(self.table).unwrap_or(0),
            0,
            0,
            self.action,
        ];
        header.extend(self.flags.to_ne_bytes());
        let mut to = Attributes(header);
        for (kind, net) in [(FRA_DST, self.to), (FRA_SRC, self.from)] {
            if let Some((ip, _)) = net {
                to.put_ip(kind, ip);
            }
        }
        for (kind, link) in [(FRA_IIFNAME, &self.iif), (FRA_OIFNAME, &self.oif)] {
            if let Some(link) = link {
                to.put_text(kind, link);
            }
        }
        to.put_u32(FRA_PRIORITY, self.priority);
        to.put_u32(FRA_TABLE, self.table);
        // A kernel before 4.17 does not know it.
        if self.protocol != 0 {
            to.put(FRA_PROTOCOL, &[self.protocol]);
        }
        to.put_all(&self.attributes);
        to.0
    }
}
