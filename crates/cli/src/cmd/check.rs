//! `xenwire check`: what is wrong with an administrator's files, all of it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use xenwire_core::config::check::{Checked, File, Kind, check};
use xenwire_core::config::domu::{Reading, Syntax};
use xenwire_core::config::interfaces;
use xenwire_core::diag::{Code, Diagnostics, Severity, code, nearest};
use xenwire_host::files::{self, TextFile, Unreadable};

use crate::args::{CheckArgs, ReadingArgs, SyntaxArg};
use crate::out;

/// Checks the files, or explains a code.
pub fn main(args: &CheckArgs) -> u8 {
    if let Some(name) = &args.explain {
        return explain(name);
    }
    let (files, unreadable) = collect(&args.files);
    for file in &unreadable {
        out::error(out::WRONG, &file.to_string());
    }
    if files.is_empty() && !unreadable.is_empty() {
        return out::WRONG;
    }
    if files.is_empty() {
        let what = "no file here is one that Xen or ifupdown reads: *.cfg, xl.conf, xend-config.sxp, interfaces, lab.toml";
        return out::error(out::WRONG, what);
    }
    let checked = check(&files, &reading(&args.reading));
    let errors = checked.found.errors();
    if args.json {
        out::print(&json(&files, &checked));
    } else {
        out::print_diagnostics(&checked.found);
        out::say(&summary(&files, &checked));
    }
    if errors == 0 && unreadable.is_empty() {
        out::DONE
    } else {
        out::WRONG
    }
}

/// The files that are named, those below the folders that are named, and those that an
/// `interfaces` file takes in; and what of them could not be read.
fn collect(paths: &[PathBuf]) -> (Vec<File>, Vec<Unreadable>) {
    let mut found: Vec<(PathBuf, Kind)> = Vec::new();
    let mut unreadable = Vec::new();
    for path in paths {
        let kind = kind_of(path);
        let folder = match (path.is_dir(), path.parent()) {
            (true, _) => path,
            // A scenario is more than its lab.toml.
            (false, Some(folder)) if kind == Some(Kind::Lab) => folder,
            // What somebody names is a guest's file, whatever its name.
            (false, _) => {
                found.push((path.clone(), kind.unwrap_or(Kind::Guest)));
                continue;
            }
        };
        let here = folder.as_os_str().is_empty();
        let folder = if here { Path::new(".") } else { folder };
        match files::below(folder, |name| Kind::of(name).is_some()) {
            Ok(below) => {
                let kinds = below.into_iter().map(|path| (kind_of(&path), path));
                found.extend(kinds.filter_map(|(kind, path)| Some((path, kind?))));
            }
            Err(folder) => unreadable.push(folder),
        }
    }
    let (mut seen, mut collected) = (BTreeSet::new(), Vec::new());
    let mut next = 0;
    while let Some((path, kind)) = found.get(next).cloned() {
        next += 1;
        // One file by two names would be its own double.
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            continue;
        }
        let file = match files::read(&path) {
            Ok(file) => file,
            Err(file) => {
                unreadable.push(file);
                continue;
            }
        };
        if kind == Kind::Interfaces {
            let more = included(&file, &path);
            found.extend(more.into_iter().map(|path| (path, Kind::Interfaces)));
        }
        let TextFile { name, text } = file;
        collected.push(File { name, kind, text });
    }
    (collected, unreadable)
}

fn kind_of(path: &Path) -> Option<Kind> {
    Kind::of(&path.to_string_lossy())
}

/// The files that an `interfaces` file takes in. If it has faults it is reported itself, and what
/// could be made out of it is not looked for.
fn included(file: &TextFile, path: &Path) -> Vec<PathBuf> {
    let read = interfaces::read(&file.text, &file.name, &mut Diagnostics::new());
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    for include in read.iter().flat_map(|read| read.includes()) {
        let pattern = folder.join(&include.pattern.value);
        found.extend(files::matching(&pattern, include.directory));
    }
    found
}

fn reading(args: &ReadingArgs) -> Reading {
    Reading {
        syntax: args.syntax.map(SyntaxArg::syntax),
        vars: args.var.clone(),
        lenient: args.lenient,
    }
}

fn summary(files: &[File], checked: &Checked) -> String {
    fn count(number: usize, thing: &str) -> String {
        format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
    }
    let errors = checked.found.errors();
    let warnings = checked.found.iter().count() - errors;
    let xm = checked.syntaxes.iter();
    let xm = xm.filter(|(_, syntax)| *syntax == Syntax::Xm).count();
    let mut line = format!("{}: ", count(files.len(), "file"));
    line.push_str(&if errors + warnings == 0 {
        "nothing is wrong".to_owned()
    } else {
        format!("{}, {}", count(errors, "error"), count(warnings, "warning"))
    });
    if xm > 0 {
        line.push_str(&format!(
            "; {} read as xm's, which xl cannot read",
            count(xm, "file")
        ));
    }
    if errors + warnings > 0 {
        line.push_str("; `xenwire check --explain CODE` says more");
    }
    line
}

fn json(files: &[File], checked: &Checked) -> String {
    let syntaxes = checked.syntaxes.iter();
    let syntaxes: BTreeMap<&str, &Syntax> = syntaxes
        .map(|(name, syntax)| (name.as_str(), syntax))
        .collect();
    let files: Vec<serde_json::Value> = files
        .iter()
        .map(|file| {
            serde_json::json!({
                "file": file.name,
                "kind": file.kind,
                "syntax": syntaxes.get(file.name.as_str()).map(ToString::to_string),
            })
        })
        .collect();
    let warnings = checked
        .found
        .iter()
        .filter(|d| d.severity == Severity::Warning);
    let json = serde_json::json!({
        "version": 1,
        "files": files,
        "errors": checked.found.errors(),
        "warnings": warnings.count(),
        "diagnostics": checked.found.to_json(),
    });
    format!("{json:#}\n")
}

fn explain(name: &str) -> u8 {
    if let Some(code) = code::find(name) {
        out::print(&page(code));
        return out::DONE;
    }
    let near = nearest(name, code::all().map(|code| code.name));
    let hint = near.map_or_else(
        || "docs/diagnostics.md lists them".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    out::error(out::WRONG, &format!("there is no code `{name}`: {hint}"))
}

fn page(code: &Code) -> String {
    let Code {
        name,
        meaning,
        remedy,
    } = code;
    format!("{name}\n\n{meaning}\n\nWhat to do: {remedy}\n")
}
