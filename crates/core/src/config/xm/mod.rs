//! The files of xm's days, which were Python and were run (contract 6.3). They are read here
//! without running anything: no file is opened, no module loaded, no process asked, and a file
//! cannot make reading take long.
//!
//! ```text
//!  text ──lexer──▶ tokens ──parser──▶ statements ──run──▶ values ──settle──▶ Settings
//! ```
//!
//! It is the Python that people put into such files: texts, numbers, lists, dictionaries, `%`,
//! `.format`, loops, conditions, functions. What only the machine knows (`os.uname()`) is unknown,
//! and so is all that is made of it; of a condition that is unknown both ways are gone. That is a
//! fault only if the guest's network depends on it. Python 2 is meant where it differs from what
//! came later: 7 / 2 is 3, 0777 is octal, `print` is a statement, `range` makes a list. Texts are
//! characters, though, as nobody counted the bytes of one.
//!
//! Invariant: every text's bytes know where in the file they were written, whatever was done to
//! them, so that a fault in a vif is shown where a person has to correct it.

mod assign;
mod ast;
mod atom;
mod braces;
mod branch;
mod builtin;
mod cause;
mod eval;
mod expression;
mod flow;
mod lexer;
mod literal;
mod method;
mod number;
mod operator;
mod parser;
mod percent;
mod repr;
mod run;
mod settle;
mod simple;
mod statement;
mod subscript;
mod text;
mod text_method;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::settings::Settings;
use crate::diag::{Diagnostic, Diagnostics, Source, Span, code};

/// Reads a file in xm's grammar. `vars` is what the command line sets, as in `xm create foo.cfg
/// vmid=3`: it is there before the file begins, and wins over the file for the settings in
/// `needed`. Those must not depend on anything that is unknown; other settings that do are left
/// out.
pub fn read(
    text: &str,
    file: &str,
    vars: &[(String, String)],
    needed: &[&str],
    out: &mut Diagnostics,
) -> Option<Settings> {
    let source = Source::new(file, text);
    let errors = out.errors();
    if is_sxp(text) {
        let start = text.len() - text.trim_start().len();
        let message = "this is a domain as xend stored it, not a file for `xm create`";
        let found = Diagnostic::error(
            code::xm::SXP,
            &Span::new(&source, start..start + 1),
            message,
        );
        out.add(found.hint("write a file with the same `name = …` and `vif = [ … ]`"));
        return None;
    }
    let statements = statement::parse(&source, out);
    if out.errors() > errors {
        return None;
    }
    let vars: BTreeMap<&str, &str> = vars
        .iter()
        .map(|(name, value)| (name.trim(), value.trim()))
        .collect();
    let mut run = run::Run::new(text, &vars);
    run.file(&statements);
    let settings = settle::settle(run, &source, needed, out);
    (out.errors() == errors).then_some(settings)
}

/// Every name that a file sets, and its value as Python's `repr` writes it; none if it is not
/// known. Functions and modules are left out. For looking at what a file makes of its names.
pub fn variables(
    text: &str,
    file: &str,
    vars: &[(String, String)],
    out: &mut Diagnostics,
) -> Vec<(String, Option<String>)> {
    let source = Source::new(file, text);
    let errors = out.errors();
    let statements = statement::parse(&source, out);
    if out.errors() > errors {
        return Vec::new();
    }
    let vars: BTreeMap<&str, &str> = vars
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut run = run::Run::new(text, &vars);
    run.file(&statements);
    let variables = settle::variables(&mut run);
    settle::settle(run, &source, &[], out);
    variables
}

/// Whether the file is an S-expression, `(vm (name foo) …)` or `(domain …)`.
pub(super) fn is_sxp(text: &str) -> bool {
    let inside = text.trim_start().strip_prefix('(').map(str::trim_start);
    inside.is_some_and(|inside| {
        ["vm", "domain"].iter().any(|word| {
            let rest = inside.strip_prefix(word);
            rest.is_some_and(|rest| rest.trim_start().starts_with('('))
        })
    })
}
