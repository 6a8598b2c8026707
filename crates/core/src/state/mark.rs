//! What xenwire writes into a link's alias, by which it knows its own.
//!
//! ```text
//!  xenwire [made [for eth0]] [antispoof] [vif1.0] [port-of xenbr0]
//! ```

use std::fmt;

use super::Link;
use crate::name::IfName;

/// A mark. An alias of any other form is somebody else's, and stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// We made this link.
    pub made: bool,
    /// The NIC it was made for, by dom0's name for it; it goes when that is taken off.
    pub nic: Option<IfName>,
    /// It is a bridge whose guests are held to their addresses, whatever the host's file says.
    pub antispoof: bool,
    /// It is this vif or tap under another name.
    pub link: Option<IfName>,
    /// It was a port of this bridge when that was stopped, and is to be one again.
    pub port_of: Option<IfName>,
}

impl Mark {
    /// The mark of a link that we made.
    pub const MADE: Self = Self {
        made: true,
        nic: None,
        antispoof: false,
        link: None,
        port_of: None,
    };

    /// The mark of a link that we made for this NIC.
    pub fn made_for(nic: &IfName) -> Self {
        Self {
            nic: Some(nic.clone()),
            ..Self::MADE
        }
    }

    /// The mark of a link, if it has one.
    pub fn of(link: &Link) -> Option<Self> {
        Self::parse(link.alias.as_deref()?)
    }

    fn parse(alias: &str) -> Option<Self> {
        let mut words = alias.split(' ');
        if words.next() != Some("xenwire") {
            return None;
        }
        let mut mark = Self::default();
        while let Some(word) = words.next() {
            match word {
                "made" => mark.made = true,
                "for" => mark.nic = Some(words.next()?.parse().ok()?),
                "antispoof" => mark.antispoof = true,
                "port-of" => mark.port_of = Some(words.next()?.parse().ok()?),
                link if mark.link.is_none() => mark.link = Some(link.parse().ok()?),
                _ => return None,
            }
        }
        Some(mark)
    }

    /// The alias; `None` if nothing is to be said.
    pub fn alias(&self) -> Option<String> {
        (*self != Self::default()).then(|| self.to_string())
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("xenwire")?;
        if self.made {
            f.write_str(" made")?;
        }
        if let Some(nic) = &self.nic {
            write!(f, " for {nic}")?;
        }
        if self.antispoof {
            f.write_str(" antispoof")?;
        }
        if let Some(link) = &self.link {
            write!(f, " {link}")?;
        }
        match &self.port_of {
            Some(bridge) => write!(f, " port-of {bridge}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_are_written() {
        for text in [
            "xenwire made",
            "xenwire made for eth0",
            "xenwire made for eth0 antispoof",
            "xenwire antispoof",
            "xenwire vif1.0",
            "xenwire vif1.0-emu",
            "xenwire port-of xenbr0",
            "xenwire vif3.1 port-of br0",
        ] {
            let mark = Mark::parse(text).unwrap();
            assert_eq!(mark.alias().unwrap(), text);
        }
        for foreign in [
            "",
            "uplink",
            "xenwired",
            "xenwire lab NIC",
            "xenwire a/b",
            "xenwire port-of",
        ] {
            assert_eq!(Mark::parse(foreign), None, "{foreign:?}");
        }
        assert_eq!(Mark::default().alias(), None);
    }
}
