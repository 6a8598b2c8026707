//! Tables of iptables-legacy, for which the kernel has no netlink: its program is run, by its full
//! name and without a shell. Only when the host boots, when xenwire is installed or removed, and by
//! `xenwire gc`; a vif script runs no program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use xenwire_core::state::{ForwardChain, ForwardMark, OldRule};

use super::forward::{mark_of_rule, rule_comment};
use super::observe::has_legacy_filter;
use super::{ENOENT, Kernel, KernelError};

/// EIO: the program's own words say more.
const FAILED: i32 = 5;

const CHAINS: [ForwardChain; 2] = [ForwardChain::LegacyIpv4, ForwardChain::LegacyIpv6];

/// The chain in which Xen's scripts have their rules.
const OLD_RULES: ForwardChain = ForwardChain::LegacyIpv4;

/// What is known of legacy tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Legacy {
    /// The chains that there are, and the mark that our rule lets by.
    pub chains: BTreeMap<ForwardChain, Option<ForwardMark>>,
    /// Chains that there are, and whose program is not here.
    pub unreachable: Vec<ForwardChain>,
}

impl Kernel {
    /// Looks at the legacy tables. A host that has none runs no program for it.
    ///
    /// # Errors
    /// [`KernelError`]: the program says no.
    pub fn legacy(&self) -> Result<Legacy, KernelError> {
        let mut found = Legacy::default();
        for chain in CHAINS {
            if !has_legacy_filter(family(chain)) {
                continue;
            }
            if program(chain).is_none() {
                found.unreachable.push(chain);
                continue;
            }
            let said = run(chain, &["-S", "FORWARD"])?;
            let mark = said.lines().find_map(|line| {
                let (_, comment) = line.split_once("--comment \"")?;
                mark_of_rule(comment.split('"').next()?)
            });
            found.chains.insert(chain, mark);
        }
        Ok(found)
    }

    /// The rules of Xen's own scripts in the legacy table, for whatever vif; nothing if there is such a
    /// table and its program is not here. The scripts know IPv4 only.
    ///
    /// # Errors
    /// [`KernelError`]: the program says no.
    pub fn legacy_old_rules(&self) -> Result<Option<BTreeSet<OldRule>>, KernelError> {
        if !has_legacy_filter(family(OLD_RULES)) {
            return Ok(Some(BTreeSet::new()));
        }
        if program(OLD_RULES).is_none() {
            return Ok(None);
        }
        let lines = lines()?.into_iter().zip(0..);
        let rules = lines.filter_map(|(line, place)| OldRule::of_legacy(&line, place));
        Ok(Some(rules.collect()))
    }
}

/// The rules of the chain in which Xen's scripts have theirs, a line each.
fn lines() -> Result<Vec<String>, KernelError> {
    let said = run(OLD_RULES, &["-S", "FORWARD"])?;
    let rules = said.lines().filter(|line| line.starts_with("-A "));
    Ok(rules.map(str::to_owned).collect())
}

/// Removes a rule of Xen's own scripts. One that is no longer there is gone already.
pub(super) fn delete(rule: &OldRule) -> Result<(), KernelError> {
    let words = rule.words();
    let with = |verb| {
        let words = words.split(' ');
        [verb, "FORWARD"]
            .into_iter()
            .chain(words)
            .collect::<Vec<_>>()
    };
    if run(OLD_RULES, &with("-C")).is_err() {
        return Ok(());
    }
    run(OLD_RULES, &with("-D")).map(drop)
}

/// Puts a rule back, behind as many as were before it.
pub(super) fn restore(rule: &OldRule) -> Result<(), KernelError> {
    let place = usize::try_from(rule.place).unwrap_or(usize::MAX);
    let number = lines()?.len().min(place) + 1;
    let (number, words) = (number.to_string(), rule.words());
    let place = ["-I", "FORWARD", &number];
    let words: Vec<&str> = place.into_iter().chain(words.split(' ')).collect();
    run(OLD_RULES, &words).map(drop)
}

/// Our rule in place of our rule. The new one comes first, so that no packet is between them.
pub(super) fn replace(
    chain: ForwardChain,
    from: Option<ForwardMark>,
    to: Option<ForwardMark>,
) -> Result<(), KernelError> {
    for (verb, mark) in [("-I", to), ("-D", from.filter(|from| Some(*from) != to))] {
        let Some(mark) = mark else { continue };
        let bits = format!("{mark}/{mark}");
        let comment = rule_comment(mark);
        let rule = [
            "FORWARD",
            "-m",
            "mark",
            "--mark",
            &bits,
            "-m",
            "comment",
            "--comment",
            &comment,
            "-j",
            "ACCEPT",
        ];
        let with = |verb| [&[verb][..], &rule].concat();
        let is_there = run(chain, &with("-C")).is_ok();
        // What is already so is done.
        if is_there == (verb == "-D") {
            run(chain, &with(verb))?;
        }
    }
    Ok(())
}

fn family(chain: ForwardChain) -> &'static str {
    match chain {
        ForwardChain::LegacyIpv6 => "ip6",
        _ => "ip",
    }
}

fn program(chain: ForwardChain) -> Option<String> {
    ["/usr/sbin", "/sbin"]
        .iter()
        .map(|folder| format!("{folder}/{}tables-legacy", family(chain)))
        .find(|path| Path::new(path).exists())
}

/// Its standard output. `-w` waits for whoever else changes the tables (contract 2.4).
fn run(chain: ForwardChain, words: &[&str]) -> Result<String, KernelError> {
    let refused = |errno, text| KernelError::Refused {
        errno,
        text: Some(text),
    };
    let Some(program) = program(chain) else {
        let text = format!("{}tables-legacy is not installed", family(chain));
        return Err(refused(ENOENT, text));
    };
    let output = Command::new(&program)
        .arg("-w")
        .args(words)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .map_err(|error| KernelError::Io {
            operation: "run iptables-legacy",
            error,
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let text = format!("{program} {}: {}", words.join(" "), said.trim());
        return Err(refused(FAILED, text));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
