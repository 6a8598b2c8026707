//! What a toolstack makes of a value that is wrong: with lenient rules the vif is the one that it
//! would create. The facts about xl are those of xl_parse.c's `parse_nic_config`, tried on Debian's
//! own xl (tests/xl).

use super::address::{ip, mac_as_xl};
use super::number::as_int;
use super::value::Value;
use super::{Dialect, Rate, Written};
use crate::name::{DevId, Mac};

/// Sets the key as the toolstack does, and says whether it goes on at all. Only called for values
/// that are wrong; a key with several values has the last one.
pub(super) fn of(
    written: &mut Written,
    key: &'static str,
    value: &Value<'_>,
    dialect: Dialect,
) -> bool {
    let spec = &mut written.spec;
    let text = || Some(value.text.to_owned());
    let mut pass_on = || {
        written.passed_on.insert(key, value.text.to_owned());
    };
    match (key, dialect) {
        ("mac", Dialect::Xl) => {
            // What it has read when it stumbles stays, and it reads on behind the comma.
            let mut bytes = spec.mac.unwrap_or(Mac([0; 6])).0;
            mac_as_xl(value.rest, &mut bytes);
            spec.mac = Some(Mac(bytes)).filter(|mac| *mac != Mac([0; 6]));
        }
        ("mac", Dialect::Xm) => {
            let read = value.text.parse().ok();
            if read.is_none() {
                pass_on();
            }
            spec.mac = read;
        }
        ("bridge", _) => spec.bridge = text(),
        ("model", _) => spec.model = text(),
        ("script", _) => spec.script = text(),
        ("backend", _) => spec.backend = text(),
        ("ip", _) => (spec.ip, spec.nets) = ip(value.text),
        ("gatewaydev", _) => {
            pass_on();
            spec.gatewaydev = None;
        }
        ("vifname", _) => {
            spec.vifname = value.text.parse().ok();
            if spec.vifname.is_none() {
                pass_on();
            }
        }
        ("vlan", _) => {
            pass_on();
            spec.vlan = None;
        }
        // Left as it was.
        ("type", _) => {}
        ("rate", Dialect::Xm) => spec.rate = None,
        ("rate", Dialect::Xl) => match Rate::as_xl(value.text) {
            Some(rate) => spec.rate = Some(rate),
            None => return false,
        },
        // -1 and 0 are libxl's words for "not given".
        ("devid", _) => match as_int(value.text) {
            Some(devid) => spec.devid = Some(DevId(devid)).filter(|_| devid != u32::MAX),
            None => return false,
        },
        ("mtu", _) => match as_int(value.text) {
            Some(mtu) => spec.mtu = Some(mtu).filter(|mtu| *mtu != 0),
            None => return false,
        },
        _ => {}
    }
    true
}
