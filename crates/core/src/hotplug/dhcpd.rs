//! The files of a distribution's dhcpd, as Xen's vif-nat edits them (contract 2.8, 2.11): a line for
//! the guest in its configuration, and the vif among the links that it listens on.
//!
//! ```text
//!  dhcpd.conf   host dom5 { hardware ethernet …; fixed-address …; option routers …; option host-name "dom5"; }
//!  its options  INTERFACES="eth1 vif5.0 "
//! ```
//!
//! Where the originals took out every line with `host dom5` in it, dom50's and the administrator's own
//! among them, only a line of that very form and name is ours.

use std::net::Ipv4Addr;

use super::dhcp;
use crate::name::{DevId, DomId, IfName, Mac, VifId};
use crate::state::{Dhcpd, Files, LineChange};

/// A guest that dhcpd is to know.
pub(super) struct Guest {
    pub(super) mac: Mac,
    pub(super) address: Ipv4Addr,
    pub(super) router: Ipv4Addr,
}

/// The lines that differ from what is wanted of a host of this name, by this link; without a guest it is
/// to be unknown.
pub(super) fn lines(
    dhcpd: &Dhcpd,
    files: &Files,
    name: &str,
    link: &IfName,
    guest: Option<&Guest>,
) -> Vec<LineChange> {
    let of = |file: &str| files.get(file).map_or(&[][..], Vec::as_slice);
    let ours = of(&dhcpd.conf).iter().filter(|line| is_of(line, name));
    let mut ours: Vec<Option<String>> = ours.cloned().map(Some).collect();
    let wanted = guest.map(|guest| guest.line(name));
    // One is enough, and it takes the place of the one there is.
    ours.resize(ours.len().max(1), None);
    let wanted = std::iter::once(wanted).chain(std::iter::repeat(None));
    let hosts = ours.into_iter().zip(wanted).map(|(from, to)| LineChange {
        file: dhcpd.conf.clone(),
        from,
        to,
    });
    let links = dhcpd.args.iter().flat_map(|file| {
        of(file).iter().filter_map(|line| {
            Some(LineChange {
                file: file.clone(),
                from: Some(line.clone()),
                to: Some(listening(line, link, guest.is_some())?),
            })
        })
    });
    hosts
        .chain(links)
        .filter(|change| change.from != change.to)
        .collect()
}

/// The lines that differ from what is wanted once vifs that have gone are unknown. `lives` says of a
/// link, and of the address that it was given, whether it is there, or is no vif's.
pub(crate) fn leftovers(
    dhcpd: &Dhcpd,
    files: &Files,
    lives: impl Fn(&IfName, Option<Ipv4Addr>) -> bool,
) -> Vec<LineChange> {
    let of = |file: &String| files.get(file).map_or(&[][..], Vec::as_slice);
    let change = |file: &String, from: &String, to| LineChange {
        file: file.clone(),
        from: Some(from.clone()),
        to,
    };
    let hosts = of(&dhcpd.conf).iter().filter_map(|line| {
        let (vif, address) = guest_of(line)?;
        (!lives(&vif, address)).then(|| change(&dhcpd.conf, line, None))
    });
    let links = dhcpd.args.iter().flat_map(|file| {
        of(file).iter().filter_map(|line| {
            let without = |rest: String, link: &IfName| listening(&rest, link, false);
            let gone: Vec<IfName> = links_of(line).filter(|link| !lives(link, None)).collect();
            let rest = gone.iter().try_fold(line.clone(), without)?;
            (rest != *line).then(|| change(file, line, Some(rest)))
        })
    });
    hosts.chain(links).collect()
}

impl Guest {
    fn line(&self, name: &str) -> String {
        let Self {
            mac,
            address,
            router,
        } = self;
        format!(
            "host {name} {{ hardware ethernet {mac}; fixed-address {address}; option routers {router}; option host-name \"{name}\"; }}"
        )
    }
}

fn is_of(line: &str, name: &str) -> bool {
    line.starts_with(&format!("host {name} {{ hardware ethernet "))
        && line
            .trim_end()
            .ends_with(&format!("option host-name \"{name}\"; }}"))
}

/// Whose line it is, and the address that it gives.
fn guest_of(line: &str) -> Option<(IfName, Option<Ipv4Addr>)> {
    let (name, rest) = line.strip_prefix("host ")?.split_once(' ')?;
    let vif = vif_of(name)?;
    let address = rest.split_once("fixed-address ").and_then(|(_, rest)| {
        let (address, _) = rest.split_once(';')?;
        address.parse().ok()
    });
    is_of(line, name).then(|| (vif.link(), address))
}

/// The vif whose guest is called this.
fn vif_of(name: &str) -> Option<VifId> {
    let numbers = name.strip_prefix("dom")?;
    let (domid, devid) = match numbers.split_once('-') {
        None => (numbers, 0),
        Some((domid, number)) => (domid, number.parse::<u32>().ok()?.checked_sub(1)?),
    };
    let vif = VifId::new(DomId(domid.parse().ok()?), DevId(devid))?;
    (dhcp::name(vif) == name).then_some(vif)
}

/// Red Hat's, SUSE's and Debian's names for the links that dhcpd listens on.
const KEYS: [&str; 4] = ["DHCPDARGS", "DHCPD_INTERFACE", "INTERFACES", "INTERFACESv4"];

/// The key of a line of links, and the words that are its links.
fn listed(line: &str) -> Option<(&str, std::str::SplitWhitespace<'_>)> {
    let (key, value) = line.split_once('=')?;
    let value = value.trim();
    let quoted = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let words = quoted.unwrap_or(value).split_whitespace();
    KEYS.contains(&key).then_some((key, words))
}

fn links_of(line: &str) -> impl Iterator<Item = IfName> {
    let words = listed(line).map(|(_, words)| words);
    words
        .into_iter()
        .flatten()
        .filter_map(|word| word.parse().ok())
}

/// A line of links with a link in it, or without; `None` if it is another line.
fn listening(line: &str, link: &IfName, listens: bool) -> Option<String> {
    let (key, words) = listed(line)?;
    let mut links: Vec<&str> = words
        .clone()
        .filter(|word| *word != link.as_str())
        .collect();
    if !listens && links.len() == words.count() {
        return Some(line.to_owned());
    }
    if listens {
        links.push(link.as_str());
    }
    // A blank behind each, by which the originals know one that they are to take out.
    let links: String = links.iter().map(|link| format!("{link} ")).collect();
    Some(format!("{key}=\"{links}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONF: &str = "/etc/dhcp/dhcpd.conf";
    const ARGS: &str = "/etc/default/dhcp3-server";

    fn dhcpd() -> Dhcpd {
        Dhcpd {
            conf: CONF.into(),
            args: Some(ARGS.into()),
            usual: false,
        }
    }

    fn files(conf: &[&str], args: &[&str]) -> Files {
        let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect();
        [
            (CONF.to_owned(), lines(conf)),
            (ARGS.to_owned(), lines(args)),
        ]
        .into()
    }

    fn changed(files: &Files, name: &str, link: &str, guest: Option<&Guest>) -> Files {
        let mut files = files.clone();
        for change in lines(
            &dhcpd(),
            &files.clone(),
            name,
            &link.parse().unwrap(),
            guest,
        ) {
            let lines = files.get_mut(&change.file).unwrap();
            change.make(lines).unwrap();
        }
        files
    }

    fn guest() -> Guest {
        Guest {
            mac: Mac([0, 0x16, 0x3e, 0, 0, 1]),
            address: Ipv4Addr::new(10, 0, 5, 1),
            router: Ipv4Addr::new(10, 0, 5, 128),
        }
    }

    const DOM5: &str = "host dom5 { hardware ethernet 00:16:3e:00:00:01; fixed-address 10.0.5.1; option routers 10.0.5.128; option host-name \"dom5\"; }";

    #[test]
    fn a_guest_comes_and_goes_and_nothing_else_does() {
        let mine = [
            "# host dom5 is mine",
            "host dom5 { fixed-address 192.0.2.5; }",
            "host dom50 { hardware ethernet 00:16:3e:00:00:50; fixed-address 10.0.50.1; option routers 10.0.50.128; option host-name \"dom50\"; }",
        ];
        let before = files(&mine, &["# INTERFACES=", "INTERFACES=\"eth1 vif5.01 \""]);
        let there = changed(&before, "dom5", "vif5.0", Some(&guest()));
        assert_eq!(there[CONF], [mine[0], mine[1], mine[2], DOM5]);
        assert_eq!(
            there[ARGS],
            ["# INTERFACES=", "INTERFACES=\"eth1 vif5.01 vif5.0 \""]
        );
        assert_eq!(changed(&there, "dom5", "vif5.0", Some(&guest())), there);
        assert_eq!(changed(&there, "dom5", "vif5.0", None), before);
        assert_eq!(changed(&before, "dom5", "vif5.0", None), before);
    }

    #[test]
    fn a_guest_that_changed_has_one_line() {
        let old = DOM5.replace("10.0.5.1;", "10.0.5.9;");
        let there = files(&[&old, "subnet 10.0.0.0 {}", &old], &[]);
        let now = changed(&there, "dom5", "vif5.0", Some(&guest()));
        assert_eq!(now[CONF], [DOM5, "subnet 10.0.0.0 {}"]);
    }

    #[test]
    fn of_guests_that_are_gone_nothing_is_left() {
        let guest =
            |name: &str, address: &str| DOM5.replace("dom5", name).replace("10.0.5.1;", address);
        let conf = [
            &guest("dom5", "10.0.5.1;"),
            &guest("dom6", "10.0.6.1;"),
            &guest("dom6-2", "10.0.6.2;"),
            &guest("dom7", "10.0.7.1;"),
            // Nobody's: not as we or the originals write it.
            "host dom6 { fixed-address 10.0.6.1; }",
            &guest("dom06", "10.0.6.1;"),
            &guest("dom6-1", "10.0.6.1;"),
            &guest("web", "10.0.6.1;"),
        ];
        let before = files(
            &conf,
            &["INTERFACES=\"eth1 vif5.0 vif6.0 vif6.1 web \"", "vif6.0"],
        );
        // vif7.0 has another name by now.
        let lives = |link: &IfName, address: Option<Ipv4Addr>| {
            let is_gone = ["vif6.0", "vif6.1", "vif7.0"].contains(&link.as_str());
            !is_gone || address == Some(Ipv4Addr::new(10, 0, 7, 1))
        };
        let mut after = before.clone();
        for change in leftovers(&dhcpd(), &before, lives) {
            change.make(after.get_mut(&change.file).unwrap()).unwrap();
        }
        let kept: Vec<&str> = [&conf[..1], &conf[3..]].concat();
        assert_eq!(after[CONF], kept);
        assert_eq!(after[ARGS], ["INTERFACES=\"eth1 vif5.0 web \"", "vif6.0"]);
        assert_eq!(leftovers(&dhcpd(), &after, lives), []);
    }

    #[test]
    fn every_distributions_line_is_known() {
        let link = "vif5.0".parse().unwrap();
        for (line, with) in [
            ("INTERFACES=\"\"", "INTERFACES=\"vif5.0 \""),
            ("INTERFACESv4=\"eth1\"", "INTERFACESv4=\"eth1 vif5.0 \""),
            ("DHCPD_INTERFACE=eth1", "DHCPD_INTERFACE=\"eth1 vif5.0 \""),
            ("DHCPDARGS=", "DHCPDARGS=\"vif5.0 \""),
        ] {
            assert_eq!(listening(line, &link, true).as_deref(), Some(with));
            assert_eq!(listening(line, &link, false).as_deref(), Some(line));
        }
        assert_eq!(listening("OPTIONS=\"\"", &link, true), None);
    }
}
