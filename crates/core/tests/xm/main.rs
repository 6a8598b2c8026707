//! xm's files against Python itself: generated ones, damaged ones, and ones in the idioms of the
//! examples that Xen shipped. Python 3 runs them, so they are kept to what means the same in both
//! Pythons; where one of them is read differently here, it is listed with the reason.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "files and Python are tools of the test, not of the crate"
)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod generate;
#[path = "../../../xenstore/tests/model/seed.rs"]
mod seed;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use xenwire_core::config::domu::{self, Reading, Syntax};
use xenwire_core::config::xm;
use xenwire_core::diag::{Diagnostics, Style, code};

struct Case {
    name: String,
    text: String,
    vars: Vec<(String, String)>,
}

/// What Python makes of the cases, or none where there is no Python.
fn python(cases: &[Case]) -> Option<Vec<Value>> {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/xm/oracle.py");
    let child = Command::new("python3")
        .args(["-W", "ignore"])
        .arg(oracle)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(why) => {
            missing(&format!("no python3: {why}"));
            return None;
        }
    };
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = String::new();
    for case in cases {
        let vars: BTreeMap<&str, &str> = case
            .vars
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        lines += &format!("{}\n", json!({ "text": case.text, "vars": vars }));
    }
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), cases.len());
    Some(answers)
}

/// A word to whoever counts what could not run; where everything should be there, it has to be.
fn missing(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
    let thread = std::thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    if let Some(file) = std::env::var_os("XENWIRE_MISSING") {
        let open = fs::OpenOptions::new().append(true).create(true).open(file);
        open.unwrap().write_all(line.as_bytes()).unwrap();
    }
    println!("{}", line.trim_end());
}

/// The differences between Python's variables and ours. Those in `machines` are of the machine's
/// making: they may be unknown here.
fn differences(case: &Case, answer: &Value, machines: &[&str]) -> Vec<String> {
    let mut out = Diagnostics::new();
    let ours = xm::variables(&case.text, "foo.cfg", &case.vars, &mut out);
    let theirs = answer["values"].as_object().unwrap();
    let mut found = Vec::new();
    for (name, value) in theirs {
        let own = ours.iter().find(|(own, _)| own == name);
        let own = own.and_then(|(_, value)| value.as_deref());
        let given = case.vars.iter().any(|(var, _)| var == name);
        let may_lack = given || machines.contains(&name.as_str());
        if own != value.as_str() && !(may_lack && own.is_none()) {
            found.push(format!("{name} = {value} is {own:?} here"));
        }
    }
    for (name, value) in &ours {
        if value.is_some() && !theirs.contains_key(name) {
            found.push(format!("{name} = {value:?} is only here"));
        }
    }
    if !found.is_empty() || out.has_errors() {
        found.push(out.render(Style::Plain));
    }
    found
}

#[test]
fn readers_make_the_values_that_python_makes() {
    let cases: Vec<Case> = (0..600)
        .map(|seed| Case {
            name: format!("seed {seed}"),
            text: generate::file(seed),
            vars: Vec::new(),
        })
        .collect();
    let Some(answers) = python(&cases) else {
        return;
    };
    let (mut compared, mut variables, mut refused, mut limited, mut different) = (0, 0, 0, 0, 0);
    for (case, answer) in cases.iter().zip(&answers) {
        assert!(answer.get("syntax").is_none(), "{}\n{answer}", case.text);
        if answer.get("raised").is_some() {
            let mut out = Diagnostics::new();
            xm::variables(&case.text, "foo.cfg", &[], &mut out);
            assert!(out.has_errors(), "{} {answer}\n{}", case.name, case.text);
            refused += 1;
            continue;
        }
        compared += 1;
        variables += answer["values"].as_object().unwrap().len();
        let found = differences(case, answer, &[]);
        if found.iter().any(|line| line.contains("[xm-limit]")) {
            limited += 1;
            println!(
                "different: {}: a number of more than 127 bits is not read here",
                case.name
            );
        } else if !found.is_empty() {
            different += 1;
            println!("--- {}\n{}\n{}", case.name, case.text, found.join("\n"));
        }
    }
    println!(
        "xm, generated: {} cases, {compared} compared ({variables} variables), {refused} refused by both, {limited} beyond our limits, {different} different",
        cases.len()
    );
    assert_eq!((different, limited > 3), (0, false));
    assert!(compared >= 500, "{compared}");
}

#[test]
fn readers_refuse_the_files_that_python_refuses() {
    let cases: Vec<Case> = (0..1500)
        .map(|seed| Case {
            name: format!("seed {seed}"),
            text: generate::damaged(seed),
            vars: Vec::new(),
        })
        .collect();
    let Some(answers) = python(&cases) else {
        return;
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = 0;
    for (case, answer) in cases.iter().zip(&answers) {
        let mut out = Diagnostics::new();
        xm::variables(&case.text, "foo.cfg", &[], &mut out);
        let kind = match (answer["syntax"].as_str(), answer["raised"].as_str()) {
            (Some(_), _) if out.has_errors() => "refused by both for its grammar",
            (Some(why), _) => {
                println!("--- {}: {why}\n{}", case.name, case.text);
                wrong += 1;
                "refused only by Python"
            }
            (None, Some(_)) if out.has_errors() => "stopped by both",
            (None, Some(why))
                if why.starts_with("ModuleNotFound") || why.starts_with("ImportError") =>
            {
                println!(
                    "different: {}: {why}: which modules there are, only the machine knows",
                    case.name
                );
                "stopped only by Python, for a module"
            }
            (None, Some(_)) if out.iter().any(|found| found.code == code::xm::UNSUPPORTED) => {
                println!("different: {}: a warning says what is not read", case.name);
                "stopped only by Python, at what is not read here"
            }
            (None, Some(why)) => {
                println!("--- {}: {why}\n{}", case.name, case.text);
                wrong += 1;
                "stopped only by Python"
            }
            (None, None) if out.has_errors() => {
                let said = out.render(Style::Plain);
                if said.contains("[xm-limit]") {
                    println!(
                        "different: {}: no number of a guest has 127 bits",
                        case.name
                    );
                } else {
                    println!("--- {}: not read here:\n{said}", case.name);
                    wrong += 1;
                }
                "refused only here, for its numbers"
            }
            (None, None) => {
                let found = differences(case, answer, &[]);
                if found.is_empty() {
                    "same values"
                } else {
                    println!("--- {}\n{}\n{}", case.name, case.text, found.join("\n"));
                    wrong += 1;
                    "different values"
                }
            }
        };
        *counts.entry(kind).or_default() += 1;
    }
    println!("xm, damaged: {} cases: {counts:?}", cases.len());
    assert_eq!(wrong, 0);
}

/// What the stock files make of the machine they are on.
const MACHINES: [&str; 4] = ["arch", "arch_libdir", "device_model", "nvram"];

/// Files in the idioms of Xen's own examples and of the tools that wrote files: each is read
/// without an error, and every variable is Python's.
#[test]
fn readers_take_the_stock_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/xm");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let cases: Vec<Case> = paths
        .iter()
        .map(|path| Case {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(path).unwrap(),
            vars: vec![("vmid".to_owned(), "3".to_owned())],
        })
        .collect();
    for case in &cases {
        let reading = Reading {
            syntax: Some(Syntax::Xm),
            vars: case.vars.clone(),
            lenient: false,
        };
        let mut out = Diagnostics::new();
        let read = domu::read_as(&case.text, &case.name, &reading, &mut out);
        assert!(read.domu.is_some(), "{}", out.render(Style::Plain));
        assert!(out.is_empty(), "{}", out.render(Style::Plain));
    }
    let Some(answers) = python(&cases) else {
        return;
    };
    let mut variables = 0;
    for (case, answer) in cases.iter().zip(&answers) {
        let failed = answer.get("syntax").or(answer.get("raised"));
        assert!(failed.is_none(), "{}: {answer}", case.name);
        let found = differences(case, answer, &MACHINES);
        assert!(found.is_empty(), "{}: {}", case.name, found.join("\n"));
        variables += answer["values"].as_object().unwrap().len();
    }
    println!(
        "xm, stock: {} files, {variables} variables, 0 different",
        cases.len()
    );
    assert!(cases.len() >= 10, "{}", cases.len());
}
