//! The VLAN links of a file. Two ways to name one, and an option for other names
//! (vlan-interfaces(5), the vlan package's if-pre-up.d/vlan; `vlan-id` is ifupdown2's):
//!
//! ```text
//!  iface eth0.10      on eth0, number 10 (or eth0.0010)
//!  iface vlan10       on vlan-raw-device, number 10 (or vlan0010)
//!  iface lan          on vlan-raw-device, number from vlan-id
//! ```

use super::address::first_word;
use super::{Iface, Interfaces};
use crate::diag::{Span, Spanned};

/// A VLAN link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vlan<'a> {
    /// Its stanza.
    pub iface: &'a Iface,
    /// The tag, from 1 to 4094.
    pub id: u16,
    /// The link the tagged frames are on. A `vlan10` without `vlan-raw-device` has none here:
    /// something else must make it.
    pub parent: Option<Spanned<String>>,
}

/// What stands where a number should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadId {
    pub text: String,
    pub span: Span,
}

impl Interfaces {
    /// Every VLAN link, once for each of its stanzas, in order. One whose number is none has been
    /// reported when the file was read, and is left out.
    pub fn vlans(&self) -> Vec<Vlan<'_>> {
        let vlans = self.ifaces().filter_map(|iface| self.vlan(iface)?.ok());
        vlans.collect()
    }

    /// The VLAN link that a stanza makes, if it makes one.
    pub(super) fn vlan<'a>(&'a self, iface: &'a Iface) -> Option<Result<Vlan<'a>, BadId>> {
        let last_word = |name: &str| {
            let word = self.values(iface, name).last().copied().map(first_word)?;
            Some(Spanned::new(word.value.clone(), word.span))
        };
        let raw_device = last_word("vlan-raw-device");
        let (parent, id) = match last_word("vlan-id") {
            Some(id) => {
                let dotted = by_dot(&iface.name).map(|(parent, _)| parent);
                (raw_device.or(dotted), id)
            }
            None => match (by_dot(&iface.name), by_prefix(&iface.name)) {
                (Some((parent, id)), _) => (raw_device.or(Some(parent)), id),
                (_, Some(id)) if raw_device.is_some() || !self.is_bridge(iface) => (raw_device, id),
                _ => {
                    let name = &iface.name;
                    let text = name.value.clone();
                    let span = name.span.clone();
                    return raw_device.map(|_| Err(BadId { text, span }));
                }
            },
        };
        let known = id.value.parse().ok().filter(|id| (1..4095).contains(id));
        Some(match known {
            Some(id) => Ok(Vlan { iface, id, parent }),
            None => Err(BadId {
                text: id.value,
                span: id.span,
            }),
        })
    }

    fn is_bridge(&self, iface: &Iface) -> bool {
        !self.values(iface, "bridge-ports").is_empty()
    }
}

/// `eth0.10` in two. `vif1.0` and `tap1.0` are the backends of guests, and `eth0.10:1` is a label.
fn by_dot(name: &Spanned<String>) -> Option<(Spanned<String>, Spanned<String>)> {
    let (parent, id) = name.value.rsplit_once('.')?;
    let guest = ["vif", "tap"].into_iter().any(|kind| {
        let domid = parent.strip_prefix(kind);
        domid.is_some_and(|domid| !domid.is_empty() && is_number(domid))
    });
    if guest || parent.is_empty() || !is_number(id) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| {
        Spanned::new(name.value[range.clone()].to_owned(), inner(name, range))
    };
    Some((
        part(0..parent.len()),
        part(parent.len() + 1..name.value.len()),
    ))
}

/// The number of `vlan10`.
fn by_prefix(name: &Spanned<String>) -> Option<Spanned<String>> {
    let id = name.value.strip_prefix("vlan")?;
    let range = "vlan".len()..name.value.len();
    is_number(id).then(|| Spanned::new(id.to_owned(), inner(name, range)))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A part of a name, or the whole where a continuation line cuts it.
fn inner(name: &Spanned<String>, range: std::ops::Range<usize>) -> Span {
    let whole = name.span.range();
    if whole.len() == name.value.len() {
        let place = whole.start + range.start..whole.start + range.end;
        Span::new(name.span.source(), place)
    } else {
        name.span.clone()
    }
}
