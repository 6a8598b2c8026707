//! What is true of each of our calls, whatever Debian's scripts did.

use super::call::{Call, OURS};
use crate::seen::differences;
use crate::store::BACKEND;

/// What is not so.
pub fn faults(call: &Call) -> Vec<String> {
    let mut faults = Vec::new();
    let (before, after) = (call.before[OURS], call.after[OURS]);
    let exit = after.get("exit").unwrap_or("-");
    if exit != "0" && exit != "1" {
        faults.push(format!("the status is 0 or 1: {exit}"));
    }
    if after.get("said") != Some("") {
        faults.push("standard output stays empty".to_owned());
    }
    let changed = differences(std::slice::from_ref(before), std::slice::from_ref(after));
    let changed = changed.iter().filter_map(|line| line.strip_prefix("1 "));
    let changed: Vec<&str> = changed
        .filter(|line| !line.starts_with("exit") && !line.starts_with("write "))
        // The kernel's choice at the first up, which stays (dev_activate, net/sched/sch_generic.c).
        .filter(|line| !line.ends_with("qdisc: noop | noqueue"))
        .collect();
    let own = [
        format!("node {BACKEND}/hotplug-error"),
        format!("node {BACKEND}/hotplug-status"),
    ];
    if call.failed(OURS) {
        for line in &changed {
            if !own.iter().any(|node| line.starts_with(node)) {
                faults.push(format!("what fails changes nothing: {line}"));
            }
        }
    }
    let goes = [" offline", " remove"]
        .iter()
        .any(|word| call.words.contains(word));
    if let (true, Some(line)) = (goes, call.writes(OURS).first()) {
        faults.push(format!("what goes writes nothing: {line}"));
    }
    let (now, name) = (call.now(), call.name());
    let mine = [now.as_str(), &name, call.kernel_name()];
    // A bridge has the lowest MAC and the lowest MTU of its ports, and IPv6 wants 1280.
    let bridge = |name: &str| {
        let key = format!("link {name} linkinfo info_kind");
        [before, after]
            .iter()
            .any(|seen| seen.get(&key) == Some("bridge"))
    };
    let allowed = |line: &str| {
        let words: Vec<&str> = line.split([' ', ':']).collect();
        match words[..] {
            ["link", name, ..] if mine.contains(&name) => true,
            ["link", name, "address" | "mtu", "", ..] => bridge(name),
            // Another's, and the name of a veth's other end.
            ["link", _, ..] if line.contains("_id: ") || line.contains(" link: ") => true,
            ["sysctl", "ipv6", name, ..] if bridge(name) => true,
            ["sysctl", _, name, ..] => mine.contains(&name) || line.contains(" proxy_ndp"),
            ["node", ..] => true,
            _ => {
                mine.iter()
                    .any(|name| line.contains(&format!("dev {name} ")))
                    || line.starts_with("proxy")
            }
        }
    };
    for line in changed.iter().filter(|line| !allowed(line)) {
        faults.push(format!("what is another's stays as it is: {line}"));
    }
    faults
}
