//! Golden cases of the readers. A case is a folder in `tests/cases/readers` with what a person
//! wrote (`xl.conf`, guests' `.cfg` files, and perhaps a `lab.toml` that joins them), and
//! `expected.txt`: what was read and everything that is wrong. `XENWIRE_BLESS=1` rewrites those.
#![expect(
    clippy::disallowed_methods,
    reason = "golden files are read here, not in the crate"
)]
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use xenwire_core::config::domu::{self, DomU};
use xenwire_core::config::lab::{self, Scenario};
use xenwire_core::config::xl_conf;
use xenwire_core::diag::{Diagnostics, Style};

fn sorted_entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

fn show_domu(domu: &DomU, text: &mut String) {
    writeln!(text, "guest {} {:?}", domu.name.value, domu.kind).unwrap();
    for (devid, vif) in domu.devids().iter().zip(&domu.vifs) {
        writeln!(text, "  vif {devid} [{}]", vif.spec).unwrap();
    }
}

fn show_scenario(scenario: &Scenario, text: &mut String) {
    writeln!(
        text,
        "scenario {:?}",
        scenario.title.as_deref().unwrap_or("")
    )
    .unwrap();
    for lan in &scenario.lans {
        writeln!(text, "  lan {} mtu {:?}", lan.name.value, lan.mtu).unwrap();
    }
    for machine in &scenario.machines {
        writeln!(
            text,
            "  machine {} forward {}",
            machine.name.value, machine.forward
        )
        .unwrap();
        show_nics(&machine.nics, text);
        show_routes(&machine.routes, text);
    }
    writeln!(text, "  dom0").unwrap();
    show_nics(&scenario.host.nics, text);
    for bridge in &scenario.host.bridges {
        let ports: Vec<&str> = bridge
            .ports
            .iter()
            .map(|port| port.value.as_str())
            .collect();
        let addresses: Vec<String> = bridge
            .addresses
            .iter()
            .map(|net| net.value.to_string())
            .collect();
        writeln!(
            text,
            "    bridge {} ports {ports:?} {addresses:?}",
            bridge.name.value
        )
        .unwrap();
    }
    show_routes(&scenario.host.routes, text);
    show_boot(&scenario.host.boot, text);
    for guest in &scenario.guests {
        writeln!(
            text,
            "  guest {} from {} start {}",
            guest.name, guest.config, guest.start
        )
        .unwrap();
        for nic in &guest.nics {
            writeln!(
                text,
                "    {} vif {} [{}] {:?}",
                nic.name, nic.devid, nic.spec, nic.addresses
            )
            .unwrap();
        }
        show_routes(&guest.routes, text);
    }
    for claim in &scenario.claims {
        writeln!(
            text,
            "  {} {} -> {} (line {})",
            claim.kind,
            claim.from,
            claim.to,
            claim.span.line()
        )
        .unwrap();
        for probe in claim.each() {
            writeln!(
                text,
                "    {} {} of {}",
                probe.protocol, probe.address, probe.to
            )
            .unwrap();
        }
    }
    for bridge in &scenario.expect.bridges {
        let ports: Vec<&str> = bridge
            .ports
            .iter()
            .map(|port| port.value.as_str())
            .collect();
        writeln!(text, "  expect bridge {} {ports:?}", bridge.name.value).unwrap();
    }
    for link in &scenario.expect.absent {
        writeln!(text, "  expect absent {}", link.value).unwrap();
    }
    for link in &scenario.expect.links {
        let addresses = link.addresses.as_ref().map(|all| {
            all.iter()
                .map(|net| net.value.to_string())
                .collect::<Vec<_>>()
        });
        writeln!(
            text,
            "  expect link {} {addresses:?} mac {:?} mtu {:?} up {:?} master {:?}",
            link.name.value, link.mac, link.mtu, link.up, link.master
        )
        .unwrap();
    }
}

/// Nothing, if the file says nothing about it.
fn show_boot(boot: &lab::Boot, text: &mut String) {
    if *boot == lab::Boot::default() {
        return;
    }
    for (file, has_it) in [("without", false), ("with", true)] {
        let toolstack = boot.toolstack(has_it);
        let pairs = boot.loopbacks(toolstack);
        writeln!(
            text,
            "    boot {file} xend-config.sxp {toolstack:?} {:?} {pairs} pairs",
            boot.generation
        )
        .unwrap();
    }
    for command in &boot.commands {
        writeln!(text, "    runs {:?}", command.argv).unwrap();
    }
}

fn show_nics(nics: &[lab::Nic], text: &mut String) {
    for nic in nics {
        let addresses: Vec<String> = nic
            .addresses
            .iter()
            .map(|net| net.value.to_string())
            .collect();
        let mac = nic.mac.as_ref().map(|mac| mac.value);
        writeln!(
            text,
            "    {} on {} mac {mac:?} mtu {:?} {addresses:?}",
            nic.name.value, nic.lan.value, nic.mtu
        )
        .unwrap();
    }
}

fn show_routes(routes: &[lab::Route], text: &mut String) {
    for route in routes {
        let nic = route.nic.as_ref().map(|nic| nic.value.as_str());
        writeln!(
            text,
            "    route {} via {:?} nic {nic:?}",
            route.to, route.via
        )
        .unwrap();
    }
}

/// Reads everything in the folder, as the program would, and tells what came of it.
fn outcome(folder: &Path) -> String {
    let (mut text, mut out) = (String::new(), Diagnostics::new());
    let (mut guests, mut world) = (Vec::new(), None);
    for path in sorted_entries(folder) {
        let file = path.file_name().unwrap().to_str().unwrap();
        let written = fs::read_to_string(&path).unwrap();
        match file {
            "expected.txt" | "expected.json" => {}
            "xl.conf" => {
                if let Some(conf) = xl_conf::read(&written, file, &mut out) {
                    writeln!(text, "{conf:#?}").unwrap();
                }
            }
            "lab.toml" => world = lab::read(&written, file, &mut out),
            _ => guests
                .extend(domu::read(&written, file, &mut out).map(|domu| (file.to_owned(), domu))),
        }
    }
    match world.map(|world| lab::resolve(&world, &guests)) {
        Some(Ok(scenario)) => show_scenario(&scenario, &mut text),
        Some(Err(wrong)) => out.append(wrong),
        None => guests
            .iter()
            .for_each(|(_, domu)| show_domu(domu, &mut text)),
    }
    text + &out.render(Style::Plain)
}

#[test]
fn every_case_is_as_expected() {
    let bless = std::env::var_os("XENWIRE_BLESS").is_some();
    let mut wrong = Vec::new();
    let cases = sorted_entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/readers"));
    assert!(cases.len() > 5, "the cases are gone");
    for case in cases {
        let (found, expected) = (outcome(&case), case.join("expected.txt"));
        if bless {
            fs::write(expected, found).unwrap();
        } else if fs::read_to_string(expected).unwrap_or_default() != found {
            wrong.push(format!("{}:\n{found}", case.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "found, but not expected:\n{}",
        wrong.join("\n")
    );
}
