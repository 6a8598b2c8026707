//! The differences that are meant: the rows with an id in `docs/differences.md`.
//!
//! Invariant: a difference is listed if its id is a row there and the situation (or `EVERYWHERE`)
//! says how it looks; a pattern that nothing matches is a fault as well.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::situation::Situation;

/// Differences that come with every vif that becomes a quiet port: id and how they look.
pub const EVERYWHERE: [(&str, &str); 2] = [
    ("D1", "* sysctl ipv6 * addr_gen_mode: 0 | 1"),
    ("D1", "* sysctl ipv6 * accept_ra: 1 | 0"),
];

/// At most so many.
const ROOM: usize = 40;

/// One row of the table.
struct Row {
    id: String,
    contract: String,
    /// Tests, by their names in backticks.
    shown_by: Vec<String>,
}

/// What a comparison came to.
#[derive(Debug, Default)]
pub struct Sorted {
    /// Ids that were met.
    pub met: BTreeSet<String>,
    /// Differences that nobody listed.
    pub unlisted: Vec<String>,
    /// Patterns of the situation that met nothing.
    pub gone: Vec<String>,
}

/// Sorts the differences of a situation.
pub fn sort(situation: &Situation, differences: &[String]) -> Sorted {
    let mut sorted = Sorted::default();
    let mut used = vec![false; situation.differs.len()];
    for line in differences {
        let mut listed = false;
        for (used, (id, pattern)) in used.iter_mut().zip(&situation.differs) {
            if fits(pattern, line) {
                *used = true;
                listed = true;
                sorted.met.insert(id.clone());
            }
        }
        for (id, pattern) in EVERYWHERE {
            if fits(pattern, line) {
                listed = true;
                sorted.met.insert(id.to_owned());
            }
        }
        if !listed {
            sorted.unlisted.push(line.clone());
        }
    }
    for (used, (id, pattern)) in used.iter().zip(&situation.differs) {
        if !used {
            sorted.gone.push(format!("{id} {pattern}"));
        }
    }
    sorted
}

/// Whether a line has this form; `*` is anything.
pub fn fits(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The ids of the table.
pub fn ids() -> BTreeSet<String> {
    rows().into_iter().map(|row| row.id).collect()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `| D1 | contract | Xen's scripts | xenwire | shown by |`
fn rows() -> Vec<Row> {
    let page = fs::read_to_string(repository().join("docs/differences.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| D")?.split(" | ").collect();
        assert_eq!(cells.len(), 5, "five cells are wanted: {line}");
        let quoted = cells[4].split('`').skip(1).step_by(2);
        Some(Row {
            id: format!("D{}", cells[0]),
            contract: cells[1].to_owned(),
            shown_by: quoted.map(str::to_owned).collect(),
        })
    });
    rows.collect()
}

/// Every row has a contract line and tests that are there; each id is used by a situation, and each
/// used one is a row.
pub fn rows_are_whole() {
    let rows = rows();
    assert!(rows.len() <= ROOM, "{} rows, at most {ROOM}", rows.len());
    let sources = sources(&repository().join("crates"));
    for row in &rows {
        assert!(!row.contract.is_empty(), "{}: no contract line", row.id);
        assert!(!row.shown_by.is_empty(), "{}: no test", row.id);
        for test in &row.shown_by {
            let name = test.rsplit("::").next().unwrap();
            let there = sources.contains(&format!("fn {name}("));
            assert!(there, "{}: no test is called {name}", row.id);
        }
    }
    let situations = Situation::all();
    let used = situations.iter().flat_map(|one| &one.differs);
    let used: BTreeSet<String> = used
        .map(|(id, _)| id.clone())
        .chain(EVERYWHERE.map(|(id, _)| id.to_owned()))
        .collect();
    assert_eq!(
        ids(),
        used,
        "left: docs/differences.md, right: the situations"
    );
}

/// All Rust files below a folder as one text.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn patterns() {
    for (pattern, line, is) in [
        ("1 exit: 1 | 0", "1 exit: 1 | 0", true),
        ("1 exit: 1 | 0", "1 exit: 1 | 01", false),
        ("* exit: *", "2 exit: 1 | 0", true),
        ("* a *: 0 | 1", "1 a b: 0 | 1", true),
        ("* a *: 0 | 1", "1 a b: 1 | 0", false),
    ] {
        assert_eq!(fits(pattern, line), is, "{pattern} {line}");
    }
}
