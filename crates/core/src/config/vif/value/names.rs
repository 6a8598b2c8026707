//! Values that name something: a link, a bridge, a script, a domain.

use super::Judge;
use crate::config::vif::Dialect;
use crate::config::vif::address::is_bridge;
use crate::diag::code;
use crate::name::IfName;

/// libxl takes a `backend` of digits only for a domid, and Xen has these for its own use
/// (xen/include/public/xen.h, DOMID_FIRST_RESERVED).
const FIRST_RESERVED_DOMID: u32 = 0x7ff0;

impl Judge<'_> {
    pub(super) fn bridge(&mut self) -> Option<String> {
        let text = self.value.text;
        if !is_bridge(text) {
            let hint = "a link's name has at most 15 visible characters, no `/` and no `%`; Open vSwitch's script also takes NAME.VLAN and NAME:VLAN:VLAN";
            self.bad(
                code::vif::BRIDGE,
                "bridge",
                "it is no link's name",
                Some(hint),
            );
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn link_name(&mut self, key: &str) -> Option<IfName> {
        let text = self.value.text;
        let hint = if text.contains('%') {
            "the kernel takes `%` as the place for a number of its own choice: leave it out"
        } else {
            "a link's name has at most 15 visible characters, no `/` and no `:`"
        };
        text.parse()
            .map_err(|why| self.bad(code::vif::NAME, key, why, Some(hint)))
            .ok()
    }

    pub(super) fn vifname(&mut self) -> Option<IfName> {
        let name = self.link_name("vifname")?;
        let text = name.as_str();
        let numbered = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let of_netback = text
            .strip_prefix("vif")
            .and_then(|rest| rest.split_once('.'))
            .is_some_and(|(domid, devid)| numbered(domid) && numbered(devid));
        let (code, hint) = (code::vif::NAME_TAKEN, Some("choose another name"));
        if text == "lo" {
            let why = "it is the loopback link's name, which every host has";
            self.bad(code, "vifname", why, hint);
        } else if of_netback {
            let why = "netback calls vifs so by itself, and will want this name for another one";
            self.bad(code, "vifname", why, hint);
        } else if text.ends_with("-emu") {
            let why = "names that end in `-emu` are those of emulated NICs' taps";
            self.bad(code, "vifname", why, hint);
        } else {
            if text.strip_prefix("peth").is_some_and(numbered) {
                let message = format!("xend's network-bridge calls a real card `{text}`");
                self.warn(code, message, "choose another name");
            }
            return Some(name);
        }
        None
    }

    /// xl hands the whole text to exec; xend's is split at blanks before it runs (contract 6.2).
    pub(super) fn script(&mut self, dialect: Dialect) -> Option<String> {
        let text = self.value.text;
        let program = match dialect {
            Dialect::Xl => text,
            Dialect::Xm => text.split_ascii_whitespace().next().unwrap_or_default(),
        };
        let why = if program.contains(char::is_whitespace) {
            Some("xl passes no arguments, and takes this for one program's path")
        } else if text.contains(char::is_control) {
            Some("it holds a character that cannot be seen")
        } else if program.ends_with('/') || program.ends_with("/.") {
            Some("it is a folder, not a program")
        } else if program.split('/').any(|part| part == "..") {
            Some("`..` leads out of the folder that stands before it")
        } else {
            None
        };
        if let Some(why) = why {
            let hint =
                "give the script's name, if it is in /etc/xen/scripts, or else its whole path";
            self.bad(code::vif::SCRIPT, "script", why, Some(hint));
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn backend(&mut self) -> Option<String> {
        let text = self.value.text;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        if digits
            && !text
                .parse()
                .is_ok_and(|domid: u32| domid < FIRST_RESERVED_DOMID)
        {
            let why = format!("domains have the numbers 0 to {}", FIRST_RESERVED_DOMID - 1);
            let hint = "a domain's number changes with every start: give its name";
            self.bad(code::vif::BACKEND, "backend", why, Some(hint));
            return None;
        }
        if text.contains(['/', '\0']) || text.contains(char::is_control) {
            let why = "no domain has such a name";
            self.bad(code::vif::BACKEND, "backend", why, None);
            return None;
        }
        Some(text.to_owned())
    }
}
