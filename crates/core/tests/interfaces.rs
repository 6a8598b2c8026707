//! `/etc/network/interfaces` against Debian's own ifquery: what it lists is what we read, and what
//! it refuses is what we call an error. The program is unpacked by `./ci.sh need`, never installed;
//! it reads only the file it is told to, and changes nothing.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the tests write files and run ifquery, the crate does not"
)]
#![allow(clippy::unwrap_used)]

#[path = "interfaces/files.rs"]
mod files;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use xenwire_core::config::interfaces::{self, Iface, Interfaces};
use xenwire_core::diag::code::interfaces as code;
use xenwire_core::diag::{Code, Diagnostics, Severity};

/// What ifquery says, and a folder to put files into.
struct Ifquery {
    program: PathBuf,
    file: PathBuf,
}

/// How many files are generated for each comparison.
const FILES: u32 = 250;

/// What ifquery computes or adds, by family and method: `hwaddress ether X` is printed as `X`.
const COMPUTED: [&str; 13] = [
    "address",
    "hwaddress",
    "broadcast",
    "netmask",
    "accept_ra",
    "request_prefix",
    "ll-attempts",
    "ll-interval",
    "dad-attempts",
    "dad-interval",
    "autoconf",
    "scope",
    "preferred-lifetime",
];

impl Ifquery {
    /// Debian's, unpacked, or a word to whoever counts what could not run.
    fn here(test: &str) -> Option<Self> {
        let program = std::env::var_os("XENWIRE_DEBIAN_IFUPDOWN").map(PathBuf::from);
        let program = program.map(|folder| folder.join("sbin/ifquery"));
        let Some(program) = program.filter(|program| program.exists()) else {
            let reason = "no ifquery in XENWIRE_DEBIAN_IFUPDOWN; `./ci.sh need` unpacks one";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
            if let Some(file) = std::env::var_os("XENWIRE_MISSING") {
                let open = fs::OpenOptions::new().append(true).create(true).open(file);
                writeln!(open.unwrap(), "{test}: {reason}").unwrap();
            }
            return None;
        };
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ifquery");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(test);
        Some(Self { program, file })
    }

    /// Runs it: what it prints, and what it complains of.
    fn ask(&self, arguments: &[&str]) -> (String, String) {
        let mut command = Command::new(&self.program);
        command.arg("-i").arg(&self.file).args(arguments);
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    }

    /// Whether the file can be read at all.
    fn reads(&self) -> bool {
        let (_, complaint) = self.ask(&["--list", "--allow=nothing"]);
        !complaint.contains("couldn't read interfaces file")
    }
}

fn read(text: &str) -> (Option<Interfaces>, Vec<(&'static Code, Severity)>) {
    let mut out = Diagnostics::new();
    let interfaces = interfaces::read(text, "interfaces", &mut out);
    let found = out.iter().map(|d| (d.code, d.severity)).collect();
    (interfaces, found)
}

/// What ifquery would print of a link, by what we read: every option of every stanza of its name.
fn listed(interfaces: &Interfaces, name: &str) -> String {
    let stanzas = interfaces.ifaces().filter(|iface| iface.name.value == name);
    let options = stanzas.flat_map(|iface| interfaces.merged(iface));
    options
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect()
}

/// Whether ifquery prints exactly what is written: with `static` it computes a netmask, and in
/// IPv6 it adds defaults.
fn printed_as_written(iface: &Iface) -> bool {
    let family = iface.family.as_ref().map(|family| family.value.as_str());
    let method = iface.method.as_ref().map(|method| method.value.as_str());
    let plain = iface.own("hwaddress").next().is_none();
    plain && family == Some("inet") && matches!(method, Some("manual" | "loopback"))
}

fn same_names_and_options(ifquery: &Ifquery, interfaces: &Interfaces, text: &str) {
    for class in ["auto", "hotplug", "ovs"] {
        let (listed, complaints) = ifquery.ask(&["--list", &format!("--allow={class}")]);
        // A link without a stanza is named in a complaint.
        let unknown = complaints
            .lines()
            .filter_map(|line| line.split("unknown interface ").nth(1));
        let mut theirs: BTreeSet<&str> = listed.lines().chain(unknown).collect();
        let names = interfaces.class(class).map(|name| name.value.as_str());
        let mut ours: BTreeSet<&str> = names.collect();
        // ifupdown brings up lo without being told, unless a stanza for it stands in the file.
        if class == "auto" {
            theirs.insert("lo");
            ours.insert("lo");
        }
        assert_eq!(ours, theirs, "class {class} of\n{text}");
    }
    let names: BTreeSet<&str> = interfaces
        .ifaces()
        .map(|iface| iface.name.value.as_str())
        .collect();
    for name in names {
        let stanzas = || interfaces.ifaces().filter(|iface| iface.name.value == name);
        let (theirs, _) = ifquery.ask(&[name]);
        let ours = listed(interfaces, name);
        if stanzas().all(printed_as_written) {
            assert_eq!(ours, theirs, "`{name}` of\n{text}");
            continue;
        }
        // What it changes or adds is left out on both sides.
        let plain = |lines: &str| -> Vec<String> {
            let changed = |line: &&str| {
                let name = line.split(':').next().unwrap_or_default();
                !COMPUTED.contains(&name)
            };
            lines.lines().filter(changed).map(str::to_owned).collect()
        };
        assert_eq!(plain(&ours), plain(&theirs), "`{name}` of\n{text}");
        // One IPv4 address is one address and one netmask.
        let addresses = interfaces.addresses();
        let of_this: Vec<_> = addresses
            .iter()
            .filter(|address| address.iface.name.value == name)
            .collect();
        if let ([address], 1) = (of_this.as_slice(), stanzas().count())
            && let ipnet::IpNet::V4(net) = address.net.value
        {
            let has = |line: &str| theirs.lines().any(|known| known == line);
            let (address, mask) = (net.addr(), net.netmask());
            assert!(has(&format!("address: {address}")), "{theirs}\n{text}");
            // A netmask that is written as a number stays one.
            let length = net.prefix_len();
            let known = has(&format!("netmask: {mask}")) || has(&format!("netmask: {length}"));
            assert!(known, "{net}: {theirs}\n{text}");
        }
    }
}

#[test]
fn what_ifquery_lists_is_what_we_read() {
    let Some(ifquery) = Ifquery::here("what_ifquery_lists_is_what_we_read") else {
        return;
    };
    let mut runner = TestRunner::new(Config {
        cases: FILES,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&files::well_formed(), |text| {
        fs::write(&ifquery.file, &text).unwrap();
        let (interfaces, found) = read(&text);
        prop_assert!(ifquery.reads(), "ifquery does not read\n{}", text);
        // ifquery does not look at what bridges are made of; each such file is replaced by another.
        let between = [code::PORT_TWICE, code::OWN_PORT];
        let errors = found
            .iter()
            .filter(|(_, severity)| *severity == Severity::Error);
        let mut others = errors.filter(|(code, _)| !between.contains(code));
        prop_assert_eq!(others.next(), None, "we do not read\n{}", text);
        let interfaces = interfaces.ok_or_else(|| TestCaseError::reject("ports"))?;
        same_names_and_options(&ifquery, &interfaces, &text);
        Ok(())
    });
    result.unwrap();
}

/// The faults for which ifupdown reads nothing of a file.
fn refused_by_ifupdown(code: &Code, severity: Severity) -> bool {
    let fatal = [
        code::MISPLACED,
        code::FAMILY,
        code::METHOD,
        code::INHERITS,
        code::SCRIPT,
        code::EMPTY,
    ];
    code == code::NO_FAMILY || severity == Severity::Error && fatal.contains(&code)
}

#[test]
fn what_ifquery_refuses_is_what_we_refuse() {
    let Some(ifquery) = Ifquery::here("what_ifquery_refuses_is_what_we_refuse") else {
        return;
    };
    let (mut refused, mut taken) = (0, 0);
    let mut runner = TestRunner::new(Config {
        cases: FILES,
        failure_persistence: None,
        ..Config::default()
    });
    let refusals = std::cell::RefCell::new((&mut refused, &mut taken));
    let result = runner.run(&files::with_faults(), |text| {
        fs::write(&ifquery.file, &text).unwrap();
        let (_, found) = read(&text);
        let ours = found
            .iter()
            .any(|(code, severity)| refused_by_ifupdown(code, *severity));
        let theirs = !ifquery.reads();
        prop_assert_eq!(ours, theirs, "{:?} of\n{}", found, text);
        let mut counts = refusals.borrow_mut();
        if theirs {
            *counts.0 += 1;
        } else {
            *counts.1 += 1;
        }
        Ok(())
    });
    result.unwrap();
    assert!(
        refused > 50 && taken > 50,
        "{refused} refused, {taken} taken"
    );
}

#[test]
fn the_corpus_is_read_alike() {
    let Some(ifquery) = Ifquery::here("the_corpus_is_read_alike") else {
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/interfaces");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        // Other files are not ours to read, and patterns choose among this machine's links.
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("source") && !line.contains("/eth*"));
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        fs::write(&ifquery.file, &text).unwrap();
        let (interfaces, found) = read(&text);
        same_names_and_options(
            &ifquery,
            &interfaces.unwrap_or_else(|| panic!("{found:?}")),
            &text,
        );
        files += 1;
    }
    assert!(files >= 5, "{files} files");
}
