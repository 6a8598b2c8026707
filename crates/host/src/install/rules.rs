//! Rules of the old scripts, as iptables-save(8) prints them. It is asked because rules of legacy
//! tables cannot be had by netlink. Whatever is not there has no rules.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use xenwire_core::install::{links_with_rules, note};

use super::dpkg::PATH;

/// Both kinds of tables, under the names that distributions give them.
const PROGRAMS: [&str; 3] = ["iptables-save", "iptables-legacy-save", "iptables-nft-save"];

/// What to tell about running vifs that have such rules.
pub fn told() -> Option<String> {
    let links = fs::read_dir("/sys/class/net").ok()?;
    let names = links.filter_map(|link| link.ok()?.file_name().into_string().ok());
    let names: Vec<String> = names.collect();
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut found = BTreeSet::new();
    for program in PROGRAMS {
        let said = Command::new(program)
            .env_clear()
            .env("PATH", PATH)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        if let Ok(said) = said {
            let text = String::from_utf8_lossy(&said.stdout);
            found.extend(links_with_rules(&text, &names));
        }
    }
    note(&found)
}
