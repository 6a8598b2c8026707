//! `docs/diagnostics.md`: made from the codes and the golden cases. `XENWIRE_BLESS=1` writes it.
#![expect(
    clippy::disallowed_methods,
    reason = "golden files are read here, not in the crate"
)]
#![allow(clippy::unwrap_used)]

#[path = "check/cases.rs"]
mod cases;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use xenwire_core::diag::{Diagnostic, Diagnostics, Style, code};

const HEAD: &str = "# Diagnostics

Every kind of fault that `xenwire check` and the other commands find in a file, by its code:
`error[vif-unknown-key]` is explained under `vif-unknown-key`, and by `xenwire check --explain
vif-unknown-key`. A code never changes its meaning.

An *error* makes the file unusable; a *warning* is legal, but probably not what was meant. This page is
made from the program itself.
";

const FAMILIES: [(&str, &str); 11] = [
    ("xl", "Guests' files and xl.conf: the grammar"),
    ("xm", "Guests' files of xm's day"),
    ("domu", "Guests' files: what they say"),
    ("vif", "Vif specifications"),
    ("guests", "Between the files of a host"),
    ("xl-conf", "`xl.conf`"),
    ("xenwire", "`xenwire.toml`"),
    ("sxp", "`xend-config.sxp`: the grammar"),
    ("xend", "`xend-config.sxp`: what it says"),
    ("interfaces", "`/etc/network/interfaces`"),
    ("lab", "`lab.toml`"),
];

/// The first diagnostic of each code in the golden cases.
fn examples() -> BTreeMap<&'static str, Diagnostic> {
    let mut examples = BTreeMap::new();
    for case in cases::all() {
        for found in cases::run(&case).found.iter() {
            examples.entry(found.code.name).or_insert(found.clone());
        }
    }
    examples
}

/// The family of a code: the longest of those its name begins with.
fn family(name: &str) -> &'static str {
    let fitting = FAMILIES.into_iter().map(|(family, _)| family);
    let fitting = fitting.filter(|family| name.starts_with(&format!("{family}-")));
    fitting
        .max_by_key(|family| family.len())
        .unwrap_or_default()
}

fn page() -> String {
    let examples = examples();
    let mut page = HEAD.to_owned();
    for (of, title) in FAMILIES.into_iter() {
        write!(page, "\n## {title}\n").unwrap();
        for code in code::all().filter(|code| family(code.name) == of) {
            write!(page, "\n### {code}\n\n{}\n\n", code.meaning).unwrap();
            if let Some(example) = examples.get(code.name) {
                let mut one = Diagnostics::new();
                one.add(example.clone());
                write!(page, "```text\n{}```\n\n", one.render(Style::Plain)).unwrap();
            }
            writeln!(page, "**What to do:** {}", code.remedy).unwrap();
        }
    }
    page
}

#[test]
fn the_page_is_that_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnostics.md");
    let page = page();
    if std::env::var_os("XENWIRE_BLESS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/diagnostics.md is not what the program says; XENWIRE_BLESS=1 writes it anew"
    );
}

/// The picture in the README.
#[test]
fn the_picture_is_that_of_the_program() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/check/ten-best");
    let found = cases::run(&case).found;
    assert_eq!(found.iter().count(), 10);
    let terminal = anstyle_svg::Term::new().min_width_px(720);
    let picture = terminal.render_svg(&found.render(Style::Coloured));
    let path = docs.join("ten-faults.svg");
    if std::env::var_os("XENWIRE_BLESS").is_some() {
        fs::write(&path, &picture).unwrap();
    }
    let drawn = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        drawn == picture,
        "docs/ten-faults.svg is not what the program says; XENWIRE_BLESS=1 draws it anew"
    );
}

#[test]
fn every_code_has_a_family_with_a_title() {
    for code in code::all() {
        assert_ne!(family(code.name), "", "{code}");
    }
}
