//! `lab run` on a kernel that is not the one it was developed on.

use std::fs;
use std::path::Path;

use crate::machine::Machine;

/// Those that an ordinary user runs too, who needs a user namespace for a lab.
const AS_NOBODY: [&str; 2] = ["default-bridge", "two-bridges"];

/// What a scenario needs of the kernel that no user namespace may load: here as where Docker and
/// iptables-legacy are in use.
fn modules(scenario: &str) -> &'static str {
    match scenario {
        "dom0-firewall" => "modprobe -a br_netfilter ip_tables ip6_tables\n",
        _ => "",
    }
}

#[test]
fn every_claim_of_the_examples_holds_in_qemu() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
    let mut scenarios: Vec<String> = entries
        .filter(|entry| entry.path().join("lab.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    scenarios.sort();
    let mut machine = machine.with("examples", &folder);
    let mut runs = Vec::new();
    for scenario in &scenarios {
        let run = format!("xenwire lab run /opt/examples/{scenario}");
        machine = machine.job(scenario, &format!("{}{run}", modules(scenario)));
        runs.push((scenario.clone(), scenario));
        if AS_NOBODY.contains(&scenario.as_str()) {
            let job = format!("{scenario}-as-nobody");
            machine = machine.job(&job, &format!("cd / && su nobody -c '{run}'"));
            runs.push((job, scenario));
        }
    }
    let boot = machine.run();
    assert_eq!(runs.len(), scenarios.len() + AS_NOBODY.len());
    for (job, scenario) in runs {
        let run = boot.expect(0, &job);
        let claims = run.stdout.lines().filter(|l| l.starts_with("ok    "));
        let held = claims.count();
        let last = format!("{scenario}: {held} of {held} claims hold");
        assert!(held > 0, "{run}");
        assert_eq!(run.stdout.lines().last(), Some(last.as_str()), "{run}");
    }
}
