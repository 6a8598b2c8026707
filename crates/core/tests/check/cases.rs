//! The golden cases: where they are, and how each is read.

use std::fs;
use std::path::{Path, PathBuf};

use xenwire_core::config::check::{Checked, File, Kind, check};
use xenwire_core::config::domu::{Reading, Syntax};

/// The cases here, and those of one guest or host in tests/cases/readers, whose text says what was
/// read as well and is compared there.
pub fn all() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases = sorted(&folder.join("check"));
    let others = sorted(&folder.join("readers"));
    cases.extend(
        others
            .into_iter()
            .filter(|case| !name(case).starts_with("lab-")),
    );
    cases
}

pub fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The files below a case's folder, named from there.
pub fn files(folder: &Path, case: &Path, found: &mut Vec<File>) {
    for path in sorted(folder) {
        if path.is_dir() {
            files(&path, case, found);
            continue;
        }
        let name = path
            .strip_prefix(case)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        if let Some(kind) = Kind::of(&name) {
            let text = fs::read_to_string(&path).unwrap();
            found.push(File { name, kind, text });
        }
    }
}

/// How the case is to be read, from the first line of any of its files.
pub fn reading(files: &[File]) -> Reading {
    let mut reading = Reading::default();
    for file in files {
        let first = file.text.lines().next().unwrap_or_default();
        let Some(words) = first.strip_prefix("# --") else {
            continue;
        };
        let line = format!("--{words}");
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "--lenient" => reading.lenient = true,
                "--syntax" if words.next() == Some("xm") => reading.syntax = Some(Syntax::Xm),
                "--syntax" => reading.syntax = Some(Syntax::Xl),
                "--var" => {
                    let (name, value) = words.next().unwrap().split_once('=').unwrap();
                    reading.vars.push((name.to_owned(), value.to_owned()));
                }
                other => panic!("{}: {other}", file.name),
            }
        }
    }
    reading
}

pub fn run(case: &Path) -> Checked {
    let mut found = Vec::new();
    files(case, case, &mut found);
    assert!(!found.is_empty(), "{}: no file", case.display());
    check(&found, &reading(&found))
}
