//! The rules that the old scripts' `online` made in iptables (contract 2.4), of vifs that still run.
//! Their `offline` would have removed them. Ours does so with those of iptables-nft, and cannot with
//! those of legacy tables, for which a program would have to be run.

use std::collections::BTreeSet;

/// What iptables-save(8) prints of a rule in the chain that bridged frames pass.
const FORWARD: &str = "-A FORWARD ";

/// The links, of these, that have such rules in what iptables-save printed.
pub fn links_with_rules<'a>(saved: &str, links: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let rules = saved.lines().filter_map(|line| line.strip_prefix(FORWARD));
    let ports = rules
        .filter(|rule| rule.ends_with("-j ACCEPT"))
        .flat_map(|rule| {
            let words: Vec<&str> = rule.split(' ').collect();
            let pairs = words
                .windows(2)
                .map(|pair| (pair[0].to_owned(), pair[1].to_owned()));
            let ports = pairs.filter(|(option, _)| option.starts_with("--physdev-"));
            ports.map(|(_, port)| port).collect::<Vec<_>>()
        });
    ports
        .filter_map(|port| links.get(port.as_str()).copied())
        .collect()
}

/// What an administrator is told about them; nothing if there are none.
pub fn note(links: &BTreeSet<&str>) -> Option<String> {
    let names: Vec<&str> = links.iter().copied().collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} came by the old scripts and have rules in iptables' FORWARD chain. Those of iptables-nft go with them; those of iptables-legacy stay: `xenwire gc` removes them once the vifs are gone",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_links_that_run_are_found() {
        let saved = "*filter\n:FORWARD DROP [0:0]\n\
            -A FORWARD -m physdev --physdev-out vif1.0 --physdev-is-bridged -j ACCEPT\n\
            -A FORWARD -s 192.0.2.1/32 -m physdev --physdev-in vif1.0 --physdev-is-bridged -j ACCEPT\n\
            -A FORWARD -m physdev --physdev-in web -j ACCEPT\n\
            -A FORWARD -m physdev --physdev-in vif9.0 -j ACCEPT\n\
            -A FORWARD -m physdev --physdev-in vif2.0 -j DROP\n\
            -A INPUT -i vif3.0 -j ACCEPT\nCOMMIT\n";
        let links = BTreeSet::from(["vif1.0", "vif2.0", "vif3.0", "web"]);
        let found = links_with_rules(saved, &links);
        assert_eq!(found, BTreeSet::from(["vif1.0", "web"]));
        assert!(note(&found).unwrap().starts_with("vif1.0, web came"));
        assert_eq!(note(&BTreeSet::new()), None);
    }
}
