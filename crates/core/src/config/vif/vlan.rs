//! `vlan=`: which VLANs a vif's port carries on a VLAN-filtering bridge (contract 3.6.3; Xen 4.19
//! and later).
//!
//! ```text
//!  value = term { "/" term }
//!  term  = N [ "u" | "p" ]  |  N "-" M [ "u" ]  |  N "+" OFFSET "x" COUNT [ "u" ]
//! ```
//!
//! `u`: leaves untagged. `p`: what comes in untagged is in this VLAN, and it leaves untagged.
//! `100+10x4` is 100 and four more, each 10 further.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// The number of a VLAN: 1 to 4094 (IEEE 802.1Q keeps 0 and 4095 for itself).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

impl VlanId {
    /// The VLAN of this number, if there can be one.
    pub fn new(number: u16) -> Option<Self> {
        (1..=4094).contains(&number).then_some(Self(number))
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a port carries. The port's own VLAN (PVID) is among the untagged ones, and no VLAN is
/// both tagged and untagged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vlans {
    pvid: VlanId,
    untagged: BTreeSet<VlanId>,
    tagged: BTreeSet<VlanId>,
}

impl Vlans {
    /// The VLAN of frames that come in without a tag.
    pub fn pvid(&self) -> VlanId {
        self.pvid
    }

    /// The VLANs whose frames leave without a tag.
    pub fn untagged(&self) -> &BTreeSet<VlanId> {
        &self.untagged
    }

    /// The VLANs whose frames leave with their tag.
    pub fn tagged(&self) -> &BTreeSet<VlanId> {
        &self.tagged
    }
}

/// Why a text is no VLAN list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VlanError {
    /// This term has no known form.
    Term(String),
    /// This term names a number that is no VLAN.
    Range(String),
    /// This range ends before it begins.
    Backwards(String),
    /// `p` stands behind more than one VLAN.
    ManyOwn(String),
    /// No VLAN is the port's own.
    NoPvid,
    /// Two VLANs are the port's own.
    TwoPvids(VlanId, VlanId),
    /// This VLAN is tagged and untagged.
    Both(VlanId),
}

impl fmt::Display for VlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Term(term) => write!(
                f,
                "`{term}` is not N, N-M or N+OFFSETxCOUNT, with p or u behind it if wanted"
            ),
            Self::Range(term) => write!(f, "`{term}` leaves the range of VLANs, 1 to 4094"),
            Self::Backwards(term) => write!(f, "`{term}` ends before it begins"),
            Self::ManyOwn(term) => write!(f, "`{term}`: only a single VLAN can be the port's own"),
            Self::NoPvid => write!(
                f,
                "one VLAN must be the port's own: mark it with p, as in 10p/20"
            ),
            Self::TwoPvids(a, b) => write!(f, "{a} and {b} cannot both be the port's own VLAN"),
            Self::Both(vlan) => write!(f, "VLAN {vlan} is both tagged and untagged"),
        }
    }
}

impl std::error::Error for VlanError {}

/// How a VLAN is carried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carried {
    Tagged,
    Untagged,
    Own,
}

impl FromStr for Vlans {
    type Err = VlanError;

    fn from_str(text: &str) -> Result<Self, VlanError> {
        if let Some(pvid) = vlan(text).filter(|_| text.bytes().all(|b| b.is_ascii_digit())) {
            // "implied when the whole value is a single number"
            return Ok(Self {
                pvid,
                untagged: BTreeSet::from([pvid]),
                tagged: BTreeSet::new(),
            });
        }
        let (mut pvid, mut carried) = (None, BTreeMap::new());
        for text in text.split('/') {
            let (vlans, how) = term(text)?;
            for vlan in vlans {
                if how == Carried::Own {
                    match pvid {
                        Some(other) if other != vlan => {
                            return Err(VlanError::TwoPvids(other, vlan));
                        }
                        _ => pvid = Some(vlan),
                    }
                }
                let tagged = how == Carried::Tagged;
                if carried
                    .insert(vlan, tagged)
                    .is_some_and(|before| before != tagged)
                {
                    return Err(VlanError::Both(vlan));
                }
            }
        }
        let pvid = pvid.ok_or(VlanError::NoPvid)?;
        let (tagged, untagged): (BTreeMap<_, _>, BTreeMap<_, _>) =
            carried.into_iter().partition(|(_, tagged)| *tagged);
        Ok(Self {
            pvid,
            untagged: untagged.into_keys().collect(),
            tagged: tagged.into_keys().collect(),
        })
    }
}

/// One term: its VLANs, of which there is at least one, and how they are carried.
fn term(text: &str) -> Result<(Vec<VlanId>, Carried), VlanError> {
    let no_form = || VlanError::Term(text.to_owned());
    let (body, how) = match (text.strip_suffix('u'), text.strip_suffix('p')) {
        (Some(body), _) => (body, Carried::Untagged),
        (_, Some(body)) => (body, Carried::Own),
        _ => (text, Carried::Tagged),
    };
    let (first, last, offset, single) = if let Some((first, last)) = body.split_once('-') {
        let (first, last) = (
            number(first).ok_or_else(no_form)?,
            number(last).ok_or_else(no_form)?,
        );
        if last < first {
            return Err(VlanError::Backwards(text.to_owned()));
        }
        (first, last, 1, false)
    } else if let Some((first, more)) = body.split_once('+') {
        let (offset, count) = more.split_once('x').ok_or_else(no_form)?;
        let first = number(first).ok_or_else(no_form)?;
        let offset = number(offset).filter(|n| *n > 0).ok_or_else(no_form)?;
        let count = number(count).filter(|n| *n > 0).ok_or_else(no_form)?;
        let last = offset
            .checked_mul(count)
            .and_then(|way| first.checked_add(way));
        (
            first,
            last.ok_or_else(|| VlanError::Range(text.to_owned()))?,
            offset,
            false,
        )
    } else {
        let vlan = number(body).ok_or_else(no_form)?;
        (vlan, vlan, 1, true)
    };
    if how == Carried::Own && !single {
        return Err(VlanError::ManyOwn(text.to_owned()));
    }
    let vlans: Option<Vec<VlanId>> = (VlanId::new(first).and(VlanId::new(last))).and_then(|_| {
        (first..=last)
            .step_by(usize::from(offset))
            .map(VlanId::new)
            .collect()
    });
    Ok((vlans.ok_or_else(|| VlanError::Range(text.to_owned()))?, how))
}

/// A number of digits only; what does not fit is no VLAN in any case.
fn number(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u16::MAX))
}

fn vlan(text: &str) -> Option<VlanId> {
    number(text).and_then(VlanId::new)
}

impl fmt::Display for Vlans {
    /// The normal form: the own VLAN, the other untagged ones, the tagged ones, each as ranges.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}p", self.pvid)?;
        let others: BTreeSet<VlanId> = self
            .untagged
            .iter()
            .copied()
            .filter(|v| *v != self.pvid)
            .collect();
        for (vlans, suffix) in [(&others, "u"), (&self.tagged, "")] {
            for (first, last) in runs(vlans) {
                match first == last {
                    true => write!(f, "/{first}{suffix}")?,
                    false => write!(f, "/{first}-{last}{suffix}")?,
                }
            }
        }
        Ok(())
    }
}

/// The runs of neighbouring numbers in a set.
fn runs(vlans: &BTreeSet<VlanId>) -> Vec<(VlanId, VlanId)> {
    let mut runs: Vec<(VlanId, VlanId)> = Vec::new();
    for vlan in vlans {
        match runs.last_mut() {
            Some((_, last)) if last.0 + 1 == vlan.0 => *last = *vlan,
            _ => runs.push((*vlan, *vlan)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        for (text, normal) in [
            ("10", "10p"),
            ("10p", "10p"),
            ("10p/20", "10p/20"),
            ("10p/100+10x4", "10p/100/110/120/130/140"),
            ("20-23/10p", "10p/20-23"),
            ("1p/2-4u/7+1x2", "1p/2-4u/7-9"),
            ("10p/10u", "10p"),
            ("1p/4094", "1p/4094"),
        ] {
            let vlans: Vlans = text.parse().unwrap();
            assert_eq!(vlans.to_string(), normal, "{text}");
            assert_eq!(normal.parse(), Ok(vlans), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        use VlanError::*;
        let v = |n| VlanId::new(n).unwrap();
        for (text, why) in [
            ("", Term("".into())),
            ("10p/", Term("".into())),
            ("10t", Term("10t".into())),
            ("1+2", Term("1+2".into())),
            ("1+0x3p", Term("1+0x3p".into())),
            ("0", Range("0".into())),
            ("4095p", Range("4095p".into())),
            ("99999999999p", Range("99999999999p".into())),
            ("1p/4000+50x2", Range("4000+50x2".into())),
            ("1p/1+60000x60000", Range("1+60000x60000".into())),
            ("1p/9-3", Backwards("9-3".into())),
            ("1-3p", ManyOwn("1-3p".into())),
            ("10/20", NoPvid),
            ("10u", NoPvid),
            ("10p/20p", TwoPvids(v(10), v(20))),
            ("10p/10", Both(v(10))),
            ("1p/5-7/6u", Both(v(6))),
        ] {
            assert_eq!(text.parse::<Vlans>(), Err(why), "{text:?}");
        }
    }
}
