//! The rules by which Xen's own scripts let the frames of a vif pass dom0's FORWARD chain.

use std::fmt;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::name::IfName;

/// A rule of the chain FORWARD of the table `ip filter`, in exactly the form that Xen's scripts give
/// it (contract 2.4); of any other form it is somebody else's:
///
/// ```text
///  -m physdev --physdev-is-bridged --physdev-in vif1.0 [-s 192.0.2.7 | -p udp --sport 68 --dport 67] -j ACCEPT
///  -m physdev --physdev-is-bridged --physdev-out vif1.0 -j ACCEPT
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OldRule {
    /// How many rules are before it.
    pub place: u32,
    /// The vif or tap, by its name when the rule was made.
    pub port: IfName,
    /// What passes.
    pub passes: Passes,
    /// The kernel's own form of it, in which it is put back.
    pub expressions: Vec<u8>,
    /// Whether it is in the table of iptables-legacy, to which it is put back by its words. A record of
    /// an older version says nothing of it.
    #[serde(default)]
    pub legacy: bool,
}

/// What a rule lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passes {
    /// What comes from the guest with this source.
    From(Ipv4Net),
    /// What the guest sends to a DHCP server.
    Dhcp,
    /// Whatever comes from the guest.
    FromAnywhere,
    /// Whatever goes to the guest.
    To,
}

impl OldRule {
    /// Whether this is the same rule, wherever it stands and however often it matched.
    pub fn is(&self, other: &Self) -> bool {
        (&self.port, self.passes, self.legacy) == (&other.port, other.passes, other.legacy)
    }

    /// The rule of a line that `iptables-legacy -S FORWARD` prints, if it is one of theirs. Its order is
    /// the program's own: what says anything else, or says it otherwise, is not.
    pub fn of_legacy(line: &str, place: u32) -> Option<Self> {
        let said = line.strip_prefix("-A FORWARD ")?;
        let words = said.split(' ');
        let behind = |option| words.clone().skip_while(|word| *word != option).nth(1);
        let net = behind("-s").map(str::parse).transpose().ok()?;
        let (port, passes) = match (behind("--physdev-in"), behind("--physdev-out")) {
            (Some(port), None) if behind("-p").is_some() => (port, Passes::Dhcp),
            (Some(port), None) => (port, net.map_or(Passes::FromAnywhere, Passes::From)),
            (None, port) => (port?, Passes::To),
            _ => return None,
        };
        let rule = Self {
            place,
            port: port.parse().ok()?,
            passes,
            expressions: Vec::new(),
            legacy: true,
        };
        (rule.as_saved() == line).then_some(rule)
    }

    /// As `iptables-legacy -S` prints it.
    fn as_saved(&self) -> String {
        let (before, behind) = match self.passes {
            Passes::From(net) => (format!("-s {net} "), ""),
            Passes::Dhcp => ("-p udp ".to_owned(), "-m udp --sport 68 --dport 67 "),
            Passes::FromAnywhere | Passes::To => Default::default(),
        };
        let (direction, port) = (self.direction(), &self.port);
        format!(
            "-A FORWARD {before}-m physdev --physdev-{direction} {port} --physdev-is-bridged {behind}-j ACCEPT"
        )
    }

    /// What it says, behind the chain's name, in the words of iptables(8).
    pub fn words(&self) -> String {
        let extra = match self.passes {
            Passes::From(net) => format!(" -s {net}"),
            Passes::Dhcp => " -p udp --sport 68 --dport 67".to_owned(),
            Passes::FromAnywhere | Passes::To => String::new(),
        };
        let (direction, port) = (self.direction(), &self.port);
        format!("-m physdev --physdev-is-bridged --physdev-{direction} {port}{extra} -j ACCEPT")
    }

    fn direction(&self) -> &'static str {
        match self.passes {
            Passes::To => "out",
            _ => "in",
        }
    }
}

impl fmt::Display for OldRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = if self.legacy { "iptables-legacy " } else { "" };
        write!(f, "{program}-A FORWARD {}", self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_iptables_legacy_prints_is_theirs_in_exactly_their_form() {
        let net = |text: &str| Passes::From(text.parse().unwrap());
        for (line, passes) in [
            (
                "-A FORWARD -s 192.0.2.7/32 -m physdev --physdev-in vif7.0 --physdev-is-bridged -j ACCEPT",
                net("192.0.2.7/32"),
            ),
            (
                "-A FORWARD -s 10.0.0.0/16 -m physdev --physdev-in vif7.0 --physdev-is-bridged -j ACCEPT",
                net("10.0.0.0/16"),
            ),
            (
                "-A FORWARD -p udp -m physdev --physdev-in vif7.0 --physdev-is-bridged -m udp --sport 68 --dport 67 -j ACCEPT",
                Passes::Dhcp,
            ),
            (
                "-A FORWARD -m physdev --physdev-in vif7.0 --physdev-is-bridged -j ACCEPT",
                Passes::FromAnywhere,
            ),
            (
                "-A FORWARD -m physdev --physdev-out vif7.0 --physdev-is-bridged -j ACCEPT",
                Passes::To,
            ),
        ] {
            let rule = OldRule::of_legacy(line, 3).unwrap();
            assert_eq!((rule.place, rule.passes), (3, passes), "{line}");
            assert_eq!(rule.port.as_str(), "vif7.0");
        }
        for line in [
            "-P FORWARD ACCEPT",
            "-A INPUT -m physdev --physdev-in vif7.0 --physdev-is-bridged -j ACCEPT",
            "-A FORWARD -m physdev --physdev-in vif7.0 --physdev-is-bridged -j DROP",
            "-A FORWARD -m physdev --physdev-in vif+ --physdev-is-bridged -j ACCEPT -m x",
            "-A FORWARD -m physdev ! --physdev-in vif7.0 --physdev-is-bridged -j ACCEPT",
            "-A FORWARD -m physdev --physdev-in vif7.0 -j ACCEPT",
            "-A FORWARD -m physdev --physdev-in vif7.0 --physdev-out vif8.0 --physdev-is-bridged -j ACCEPT",
            "-A FORWARD -m physdev --physdev-in vif7.0 --physdev-is-bridged -m comment --comment mine -j ACCEPT",
            "-A FORWARD -p udp -m physdev --physdev-in vif7.0 --physdev-is-bridged -m udp --dport 67 -j ACCEPT",
            "-A FORWARD -d 192.0.2.7/32 -m physdev --physdev-in vif7.0 --physdev-is-bridged -j ACCEPT",
            "-A FORWARD -s 192.0.2.7/32 -m physdev --physdev-out vif7.0 --physdev-is-bridged -j ACCEPT",
            "-A FORWARD --physdev-in",
            "",
        ] {
            assert_eq!(OldRule::of_legacy(line, 0), None, "{line}");
        }
    }

    #[test]
    fn a_record_of_an_older_version_is_read() {
        let text = r#"{"place":1,"port":"vif7.0","passes":"to","expressions":[7]}"#;
        let rule: OldRule = serde_json::from_str(text).unwrap();
        assert!(!rule.legacy);
    }
}
