//! VLANs of a bridge's ports: RTM_SETLINK and RTM_DELLINK of AF_BRIDGE, and RTM_GETVLAN.
//!
//! ```text
//!  struct ifinfomsg | IFLA_AF_SPEC { IFLA_BRIDGE_VLAN_INFO: flags u16, vid u16 … }
//!  struct br_vlan_msg | BRIDGE_VLANDB_ENTRY { INFO: flags u16, vid u16 · RANGE: u16 } …
//! ```

use crate::attribute::{Attributes, split};

/// VLANs with neighbouring numbers of one port, carried alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortVlan {
    /// The port's index.
    pub index: u32,
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
    /// What comes in without a tag is in it (BRIDGE_VLAN_INFO_PVID). Not of a run.
    pub own: bool,
    /// Frames leave without a tag (BRIDGE_VLAN_INFO_UNTAGGED).
    pub untagged: bool,
}

const AF_BRIDGE: u8 = 7;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_BRIDGE_VLAN_INFO: u16 = 2;
const PVID: u16 = 1 << 1;
const UNTAGGED: u16 = 1 << 2;
const RANGE_BEGIN: u16 = 1 << 3;
const RANGE_END: u16 = 1 << 4;
const ENTRY: u16 = 1;
const ENTRY_INFO: u16 = 1;
const ENTRY_RANGE: u16 = 2;

impl PortVlan {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        // struct ifinfomsg: family, padding, type, index, flags, change.
        let mut to = Attributes(vec![AF_BRIDGE, 0, 0, 0]);
        to.0.extend(self.index.to_ne_bytes());
        to.0.extend([0; 8]);
        let mut within = Attributes::default();
        let how = flags(self.own, PVID) | flags(self.untagged, UNTAGGED);
        let mut put = |flags: u16, number: u16| {
            let entry = [flags.to_ne_bytes(), number.to_ne_bytes()].concat();
            within.put(IFLA_BRIDGE_VLAN_INFO, &entry);
        };
        if self.first == self.last {
            put(how, self.first);
        } else {
            put(how | RANGE_BEGIN, self.first);
            put(how | RANGE_END, self.last);
        }
        // Without NLA_F_NESTED, as bridge(8): kernels of those days did not look.
        to.put(IFLA_AF_SPEC, &within.0);
        to.0
    }

    /// What one message of a dump says: of one port, all or some of its VLANs.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Vec<Self>, String> {
        let Some((header, rest)) = bytes.split_first_chunk::<8>() else {
            return Err(format!("{} bytes are no VLANs of a port", bytes.len()));
        };
        let [_, _, _, _, i0, i1, i2, i3] = *header;
        let index = u32::from_ne_bytes([i0, i1, i2, i3]);
        let mut found = Vec::new();
        for (_, entry) in split(rest)?.into_iter().filter(|(kind, _)| *kind == ENTRY) {
            let (mut told, mut last) = (None, None);
            for (kind, value) in split(entry)? {
                match (kind, value) {
                    (ENTRY_INFO, [f0, f1, v0, v1]) => {
                        told = Some((
                            u16::from_ne_bytes([*f0, *f1]),
                            u16::from_ne_bytes([*v0, *v1]),
                        ));
                    }
                    (ENTRY_RANGE, [v0, v1]) => last = Some(u16::from_ne_bytes([*v0, *v1])),
                    _ => {}
                }
            }
            let (how, first) = told.ok_or("an entry of a port's VLANs has no number")?;
            found.push(Self {
                index,
                first,
                last: last.unwrap_or(first),
                own: how & PVID != 0,
                untagged: how & UNTAGGED != 0,
            });
        }
        Ok(found)
    }
}

/// The question for the VLANs of one port, or of all.
pub(crate) fn query(index: Option<u32>) -> Vec<u8> {
    let mut bytes = vec![AF_BRIDGE, 0, 0, 0];
    bytes.extend(index.unwrap_or(0).to_ne_bytes());
    bytes
}

fn flags(is_set: bool, flag: u16) -> u16 {
    if is_set { flag } else { 0 }
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    const HEADER: [u8; 16] = [7, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    fn vlan(first: u16, last: u16, own: bool, untagged: bool) -> PortVlan {
        PortVlan {
            index: 9,
            first,
            last,
            own,
            untagged,
        }
    }

    /// What bridge(8) of iproute2 6.1 sends, as strace shows it.
    #[test]
    fn as_bridge_8_says_it() {
        // bridge vlan add dev v0 vid 10 pvid untagged
        let own = [12, 0, 26, 0, 8, 0, 2, 0, 0x06, 0, 10, 0];
        assert_eq!(
            vlan(10, 10, true, true).to_bytes(),
            [&HEADER[..], &own].concat()
        );
        // bridge vlan add dev v0 vid 20-30
        let run = [
            20, 0, 26, 0, 8, 0, 2, 0, 0x08, 0, 20, 0, 8, 0, 2, 0, 0x10, 0, 30, 0,
        ];
        assert_eq!(
            vlan(20, 30, false, false).to_bytes(),
            [&HEADER[..], &run].concat()
        );
    }

    /// A port that carries 1 as its own and 20 to 30 with their tags, as Linux 6.1 tells it.
    #[test]
    fn as_the_kernel_says_it() {
        let told = [
            &[7, 0, 0, 0, 9, 0, 0, 0][..],
            // BRIDGE_VLANDB_ENTRY with INFO and a state (BR_STATE_FORWARDING).
            &[
                20, 0, 1, 0x80, 8, 0, 1, 0, 0x06, 0, 1, 0, 5, 0, 3, 0, 3, 0, 0, 0,
            ],
            // The same with INFO and RANGE.
            &[
                20, 0, 1, 0x80, 8, 0, 1, 0, 0, 0, 20, 0, 6, 0, 2, 0, 30, 0, 0, 0,
            ],
        ]
        .concat();
        let found = PortVlan::from_bytes(&told);
        assert_eq!(
            found,
            Ok(vec![vlan(1, 1, true, true), vlan(20, 30, false, false)])
        );
        assert!(PortVlan::from_bytes(&told[..7]).is_err());
        assert_eq!(PortVlan::from_bytes(&told[..8]), Ok(vec![]));
    }
}
