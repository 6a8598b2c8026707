//! Golden cases of `config::check`. A case is a folder in `tests/cases/check` with what a person
//! wrote, under the names that such files have; `expected.txt` and `expected.json` are what the
//! person and a program are told. `XENWIRE_BLESS=1` rewrites those. A first line of a guest's file
//! such as `# --lenient --syntax xm --var vmid=3` sets how the case is read.
#![expect(
    clippy::disallowed_methods,
    reason = "golden files are read here, not in the crate"
)]
#![allow(clippy::unwrap_used)]

#[path = "check/cases.rs"]
mod cases;

use std::collections::BTreeSet;
use std::fs;

use xenwire_core::config::check::{File, check};
use xenwire_core::diag::{Style, code};

use cases::{files, name, reading, run};

#[test]
fn readers_say_what_is_expected() {
    let bless = std::env::var_os("XENWIRE_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases::all() {
        let checked = run(&case);
        let mut text = checked.found.render(Style::Plain);
        for (name, syntax) in &checked.syntaxes {
            text.push_str(&format!("{name} was read as {syntax}'s\n"));
        }
        let json = format!("{:#}\n", checked.found.to_json());
        for (file, said) in [("expected.txt", text), ("expected.json", json)] {
            let path = case.join(file);
            let is_elsewhere = case.parent().map(name) == Some("readers");
            if is_elsewhere && file == "expected.txt" {
                continue;
            }
            if bless {
                fs::write(&path, &said).unwrap();
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            if said != expected {
                wrong.push(format!(
                    "{}: said\n{said}\nbut wanted\n{expected}",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} cases, text and JSON", cases::all().len());
}

/// Each kind of fault is in some case, so that its message was once read by a person.
#[test]
fn every_code_of_the_readers_has_a_case() {
    let mut met = BTreeSet::new();
    for case in cases::all() {
        met.extend(run(&case).found.iter().map(|found| found.code.name));
    }
    let missing: Vec<&str> = code::all()
        .map(|code| code.name)
        .filter(|name| !met.contains(name))
        .collect();
    assert!(missing.is_empty(), "codes without a case: {missing:?}");
    println!("{} codes met", met.len());
}

/// What is said does not depend on the order in which files are given.
#[test]
fn the_order_of_files_does_not_matter() {
    for case in cases::all() {
        let mut found = Vec::new();
        files(&case, &case, &mut found);
        let reading = reading(&found);
        let said = |files: &[File]| {
            let found = check(files, &reading).found;
            found
                .iter()
                .map(|d| d.code.name)
                .fold(BTreeSet::new(), |mut all, name| {
                    all.insert(name);
                    all
                })
        };
        let forward = said(&found);
        found.reverse();
        assert_eq!(said(&found), forward, "{}", case.display());
    }
}
