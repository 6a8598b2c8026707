//! The rows: when each applies, and how it looks then.

use std::collections::BTreeSet;

use super::call::{Call, OURS, THEIRS};
use crate::listed::fits;
use crate::store::FRONTEND;

/// A row: when it applies, and how it looks then.
type Row = (&'static str, fn(&Call) -> bool, &'static [&'static str]);

/// One side failed: what it did, or left undone, is the other's alone.
const ENDS: &[&str] = &[
    "exit: *",
    "link *",
    "route*",
    "proxy*",
    "sysctl *",
    "writes: *",
];
/// What a vif has when it goes.
const LEFT: &[&str] = &[
    "link * address *: * | -",
    "link * flags: *UP | *",
    "link * qdisc: noqueue | noop",
    "route* dev *: there | -",
    "sysctl ipv4 * proxy_arp: 1 | 0",
];

/// What a vif had before.
const BEFORE: &[&str] = &[
    "link * address *: * | -",
    "link * master: * | -",
    "link * allmulti: 1 | 0",
    "link * promiscuity: 1 | 0",
    "link * linkinfo info_slave_*: * | -",
    "link *_id: *",
    "link * address: *",
    "link * mtu: *",
    "link * flags: *NOARP*",
    "route* dev *: there | -",
];

/// The first that fits is the one.
const ROWS: &[Row] = &[
    (
        "D11",
        |call| call.failed(THEIRS) && call.failed(OURS),
        &[
            "exit: * | 1",
            "writes:  | *hotplug-error=a reason* + *hotplug-status=error*",
        ],
    ),
    (
        "D10",
        |call| call.failed(THEIRS) && call.failed(OURS),
        &["link *", "route*", "sysctl *"],
    ),
    (
        "D4",
        |call| call.is_renamed(),
        &["link * ifalias: - | xenwire vif5.0*"],
    ),
    (
        "D1",
        |call| call.comes(),
        &[
            "sysctl ipv6 * addr_gen_mode: * | 1",
            "link * inet6_addr_gen_mode: * | none",
            "route* dst fe80::*: there | -",
            "link * address fe80:*: * | -",
        ],
    ),
    (
        "D21",
        |call| call.comes() && call.is_up(),
        &["route* dst ff00::/8 *: - | there"],
    ),
    (
        "D7",
        |call| {
            call.goes()
                && call.is_renamed()
                && call.has_kernel_name()
                && call.is_there(&call.name())
        },
        &["link *", "route*", "sysctl *"],
    ),
    (
        "D14",
        |call| call.goes() && call.only(THEIRS) && (call.no_bridge() || !call.is_named()),
        ENDS,
    ),
    (
        "D6",
        |call| call.node("vifname") == Some("vif5.0") && call.only(THEIRS),
        ENDS,
    ),
    (
        "D5",
        |call| {
            call.comes()
                && !call.has_kernel_name()
                && call.is_there(&call.name())
                && call.only(THEIRS)
        },
        ENDS,
    ),
    (
        "D12",
        |call| call.comes() && call.another_bridge() && call.only(THEIRS),
        ENDS,
    ),
    (
        "D13",
        |call| {
            call.goes() && (call.another_bridge() || (call.is_renamed() && call.has_kernel_name()))
        },
        &["link *"],
    ),
    (
        "D15",
        |call| call.comes() && call.no_folder() && call.only(OURS),
        ENDS,
    ),
    ("D17", |call| call.no_vif() && call.failed(OURS), ENDS),
    (
        "D36",
        |call| call.comes() && call.cannot_be_held() && call.only(OURS),
        ENDS,
    ),
    (
        "D19",
        |call| {
            call.comes()
                && call.bridges()
                && call
                    .node("mtu")
                    .is_some_and(|mtu| mtu.parse::<u32>().is_err())
                && call.only(OURS)
        },
        ENDS,
    ),
    (
        "D26",
        |call| call.comes() && call.routes() && call.only(THEIRS) && call.routed(),
        ENDS,
    ),
    (
        "D27",
        |call| call.goes() && call.routes() && call.only(THEIRS) && call.main_address().is_none(),
        ENDS,
    ),
    (
        "D37",
        |call| call.comes() && call.nats() && !call.is_named(),
        ENDS,
    ),
    (
        "D32",
        |call| call.comes() && call.nats() && call.routed(),
        ENDS,
    ),
    (
        "D29",
        |call| {
            call.comes() && !call.bridges() && call.value("ip").contains(':') && call.only(THEIRS)
        },
        ENDS,
    ),
    (
        "D30",
        |call| call.comes() && call.nats() && call.only(THEIRS) && call.high_address(),
        ENDS,
    ),
    (
        "D31",
        |call| call.comes() && call.nats() && call.only(THEIRS) && call.addresses().len() > 1,
        ENDS,
    ),
    (
        "D33",
        |call| call.nats() && call.variable("dhcp") == "yes" && call.only(THEIRS),
        ENDS,
    ),
    (
        "D25",
        |call| call.comes() && call.nats() && call.only(THEIRS) && call.has_address(),
        ENDS,
    ),
    (
        "D24",
        |call| call.comes() && call.routes(),
        &[
            "link * address * broadcast: * | -",
            "route dev * type broadcast: there | -",
        ],
    ),
    ("D35", |call| call.comes() && !call.bridges(), BEFORE),
    ("D25", |call| call.goes() && !call.bridges(), LEFT),
];

/// The row that covers a line.
pub fn row(call: &Call, line: &str) -> Option<&'static str> {
    let fitting =
        |(_, when, how): &&Row| how.iter().any(|pattern| fits(pattern, line)) && when(call);
    ROWS.iter().find(fitting).map(|(id, _, _)| *id)
}

/// D23: routes that differ in their protocol alone are one.
pub fn same_but_for_protocol(lines: Vec<String>, met: &mut BTreeSet<&'static str>) -> Vec<String> {
    let ours = |line: &str| {
        line.strip_suffix(": there | -")
            .filter(|line| line.contains(" protocol boot "))
            .map(|line| {
                format!(
                    "{}: - | there",
                    line.replace(" protocol boot ", " protocol static ")
                )
            })
    };
    let pairs: Vec<(String, String)> = lines
        .iter()
        .filter_map(|line| Some((line.clone(), ours(line)?)))
        .filter(|(_, ours)| lines.contains(ours))
        .collect();
    if !pairs.is_empty() {
        met.insert("D23");
    }
    lines
        .into_iter()
        .filter(|line| {
            !pairs
                .iter()
                .any(|(theirs, ours)| line == theirs || line == ours)
        })
        .collect()
}

/// What either side wrote, where it is not the same once what the rows say is taken away.
pub fn writes(call: &Call, met: &mut BTreeSet<&'static str>) -> Vec<String> {
    let (theirs, mut ours) = (call.writes(THEIRS), call.writes(OURS));
    if theirs == ours {
        return Vec::new();
    }
    let fails = call.failed(THEIRS) && call.failed(OURS);
    let mut wanted: Vec<String> = Vec::new();
    for write in theirs {
        match of_ours(call, write, fails) {
            None => wanted.push(write.to_owned()),
            Some((id, instead)) => {
                met.insert(id);
                wanted.extend(instead);
            }
        }
    }
    // A reason may be told twice; the last one stays.
    let last = wanted
        .iter()
        .rposition(|write| write.contains("hotplug-error"));
    let mut number = 0..;
    wanted.retain(|write| number.next() >= last || !write.contains("hotplug-error"));
    if fails {
        // Ours may have written it, and then what it was before.
        ours.retain(|write| !write.contains("/mtu="));
    }
    let up = call.is_up();
    let plain = |write: &str| match () {
        // Where it failed, what was up then is of no account.
        () if write.contains("hotplug-error") || up => without_links(write),
        () => write.to_owned(),
    };
    if wanted == ours {
        return Vec::new();
    }
    let wanted: Vec<String> = wanted.iter().map(|write| plain(write)).collect();
    let ours: Vec<String> = ours.iter().map(|write| plain(write)).collect();
    match wanted == ours {
        true => {
            met.insert(if up { "D21" } else { "D10" });
            Vec::new()
        }
        false => vec![format!(
            "writes: {} | {}",
            wanted.join(", "),
            ours.join(", ")
        )],
    }
}

/// The row by which ours does not write this, and what it writes instead.
fn of_ours(call: &Call, write: &str, fails: bool) -> Option<(&'static str, Option<String>)> {
    let path = write.split('=').next().unwrap();
    let node = |path: &str| call.before[OURS].get(&format!("node {path}"));
    let written = format!("{:?}", value(write));
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if path.ends_with("/mtu") {
        let frontend = format!("{FRONTEND}/mtu");
        let elsewhere = path != frontend && call.is_renamed();
        return match node(&frontend) {
            _ if fails => Some(("D10", None)),
            Some(so) if elsewhere && so != written => {
                Some(("D3", Some(write.replace(path, &frontend))))
            }
            _ if elsewhere => Some(("D3", None)),
            _ if node(folder).is_none() => Some(("D15", None)),
            Some(so) if so == written => Some(("D2", None)),
            _ => None,
        };
    }
    if write.contains("hotplug-error") {
        let reason = write.replace("a text that names no reason", "a reason");
        return match () {
            () if call.no_vif() && call.failed(OURS) => Some(("D17", None)),
            () if node(folder).is_none() => Some(("D15", None)),
            () if reason != write => Some(("D28", Some(reason))),
            () => None,
        };
    }
    match node(path) {
        _ if node(folder).is_none() => Some(("D15", None)),
        Some(so) if so == written => Some(("D2", None)),
        _ => None,
    }
}

fn value(write: &str) -> &str {
    let value = write.split_once('=').map_or("", |(_, value)| value);
    value.split_once(" [up: ").map_or(value, |(value, _)| value)
}

/// A write without the links that were up then.
fn without_links(write: &str) -> String {
    let parts = write
        .split(" + ")
        .map(|part| part.split(" [up: ").next().unwrap());
    parts.collect::<Vec<_>>().join(" + ")
}
