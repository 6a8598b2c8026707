//! An Ethernet address, and what Xen thinks of it.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// A 48-bit Ethernet address. Printed in lower case with colons, as libxl writes it to xenstore.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The address of every vif's backend end: the largest that is not broadcast, so that a
    /// bridge, which takes its lowest port's address, never takes this one (contract 2.6).
    pub const QUIET: Self = Self([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff]);

    /// The link-local address that a link of this MAC makes by itself (RFC 4291, appendix A).
    pub fn link_local(self) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.0;
        let half = |high, low| u16::from_be_bytes([high, low]);
        // The bit that tells a made-up MAC from a vendor's is turned over.
        let first = half(a ^ 0x02, b);
        Ipv6Addr::new(
            0xfe80,
            0,
            0,
            0,
            first,
            half(c, 0xff),
            half(0xfe, d),
            half(e, f),
        )
    }

    /// A MAC in Xen's own range 00:16:3e as libxl draws it: the top bit of the first drawn byte
    /// is cleared (contract 3.6.2). xend drew the same ones (6.3). The caller brings the entropy.
    pub fn drawn(entropy: [u8; 3]) -> Self {
        let [a, b, c] = entropy;
        Self([0x00, 0x16, 0x3e, a & 0x7f, b, c])
    }

    /// Whether the group bit is set, which no station's own address may have.
    pub fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// Whether the address was given by an administrator, not by a vendor.
    pub fn is_local(self) -> bool {
        self.0[0] & 2 != 0
    }

    /// Whether the address is in Xen's range 00:16:3e.
    pub fn is_xen(self) -> bool {
        self.0[..3] == [0x00, 0x16, 0x3e]
    }
}

/// Why a text is no MAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MacError {
    /// There were this many parts between the colons, not six.
    Parts(usize),
    /// This part is not one or two hexadecimal digits.
    Part(String),
}

impl fmt::Display for MacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parts(n) => write!(
                f,
                "a MAC has six bytes with colons between them, this has {n}"
            ),
            Self::Part(p) => write!(f, "{p:?} is not a byte in hexadecimal"),
        }
    }
}

impl std::error::Error for MacError {}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let parts: Vec<&str> = text.split(':').collect();
        if parts.len() != 6 {
            return Err(MacError::Parts(parts.len()));
        }
        let mut bytes = [0; 6];
        for (byte, part) in bytes.iter_mut().zip(parts) {
            let digits = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_hexdigit());
            *byte = match u8::from_str_radix(part, 16) {
                Ok(value) if digits => value,
                _ => return Err(MacError::Part(part.to_owned())),
            };
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

super::serde_by_text!(Mac);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        let mac: Mac = "00:16:3E:0:1:02".parse().expect("six bytes");
        assert_eq!(mac.to_string(), "00:16:3e:00:01:02");
        assert!(mac.is_xen() && !mac.is_multicast() && !mac.is_local());
        assert_eq!("00:16:3e".parse::<Mac>(), Err(MacError::Parts(3)));
        assert_eq!(
            "00:16:3e:00:01:+2".parse::<Mac>(),
            Err(MacError::Part("+2".into()))
        );
        assert_eq!(
            "00:16:3e:00:01:102".parse::<Mac>(),
            Err(MacError::Part("102".into()))
        );
    }

    proptest::proptest! {
        /// libxl takes three bytes of a random UUID; all their bits but one are in the address.
        #[test]
        fn a_drawn_mac_has_all_bits_but_one(entropy: [u8; 3]) {
            let mac = Mac::drawn(entropy);
            assert!(mac.is_xen() && !mac.is_multicast() && !mac.is_local());
            assert_eq!(mac.0[3..], [entropy[0] & 0x7f, entropy[1], entropy[2]]);
            assert_eq!(mac.to_string().parse(), Ok(mac));
        }
    }

    #[test]
    fn a_drawn_mac_is_in_xens_range() {
        assert_eq!(
            Mac::drawn([0xff, 0xff, 0xff]).to_string(),
            "00:16:3e:7f:ff:ff"
        );
    }
}
