//! Which of the two grammars a guest's file is in. A file is read as xl's; if that fails as xm's;
//! if both fail, what is said is what the one says that came further.

use super::{DomU, xm_only};
use crate::config::settings::Settings;
use crate::config::vif::{Dialect, Rules};
use crate::config::{xl, xm};
use crate::diag::{Diagnostic, Diagnostics, Severity, code};

/// The grammar of a guest's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// xl's own (contract 6.5).
    Xl,
    /// xm's, which was Python (contract 6.3).
    Xm,
}

impl std::fmt::Display for Syntax {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Xl => "xl",
            Self::Xm => "xm",
        })
    }
}

/// How a guest's file is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its grammar; without one it is found out.
    pub syntax: Option<Syntax>,
    /// What the command line sets, as in `xm create foo.cfg vmid=3`.
    pub vars: Vec<(String, String)>,
    /// Whether vifs are read as the toolstack reads them, however wrong ([`Rules::lenient`]).
    pub lenient: bool,
}

/// A guest's file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// What it says, without the parts that are wrong; `None` if no guest is left.
    pub domu: Option<DomU>,
    /// Whether nothing in it is wrong.
    pub is_sound: bool,
    /// The grammar it is in, or else the one that came further.
    pub syntax: Syntax,
}

impl Read {
    /// The guest, if nothing in its file is wrong.
    pub fn whole(self) -> Option<DomU> {
        self.domu.filter(|_| self.is_sound)
    }
}

/// The settings that a guest's network is made of.
const NEEDED: [&str; 6] = ["name", "type", "builder", "vif", "nics", "dhcp"];

/// Reads a guest's file in the grammar asked for, or in the one that fits.
pub fn read_as(text: &str, file: &str, reading: &Reading, out: &mut Diagnostics) -> Read {
    let errors = out.errors();
    let (settings, syntax) = settings(text, file, reading, out);
    let dialect = match syntax {
        Syntax::Xl => Dialect::Xl,
        Syntax::Xm => Dialect::Xm,
    };
    let rules = Rules {
        dialect,
        lenient: reading.lenient,
    };
    let domu = settings.and_then(|settings| {
        let mut domu = super::of_settings(&settings, rules, out);
        if let (Some(domu), Syntax::Xm) = (&mut domu, syntax) {
            xm_only::apply(domu, &settings, out);
        }
        domu
    });
    Read {
        is_sound: domu.is_some() && out.errors() == errors,
        domu,
        syntax,
    }
}

fn settings(
    text: &str,
    file: &str,
    reading: &Reading,
    out: &mut Diagnostics,
) -> (Option<Settings>, Syntax) {
    if reading.syntax == Some(Syntax::Xl) {
        return (xl::read(text, file, out), Syntax::Xl);
    }
    let as_xm = |out: &mut Diagnostics| xm::read(text, file, &reading.vars, &NEEDED, out);
    if reading.syntax == Some(Syntax::Xm) {
        return (as_xm(out), Syntax::Xm);
    }
    let mut by_xl = Diagnostics::new();
    let settings = xl::read(text, file, &mut by_xl);
    if settings.is_some() || is_nearly_xl(&by_xl) {
        out.append(by_xl);
        return (settings, Syntax::Xl);
    }
    let mut by_xm = Diagnostics::new();
    let settings = as_xm(&mut by_xm);
    // Both begin at the top, so the one whose first error lies deeper in the file understood more
    // of it. Where they stop at the same place it is xl's word: nobody writes for xm any more.
    let of_xl = settings.is_none() && !is_python(text) && place(&by_xm) <= place(&by_xl);
    if of_xl {
        out.append(by_xl);
        return (None, Syntax::Xl);
    }
    // A domain as xend stored it is no file for either.
    let first = first_error(&by_xl).filter(|_| !xm::is_sxp(text));
    out.extend(first.map(unreadable_by_xl));
    out.append(by_xm);
    (settings, Syntax::Xm)
}

/// Whether all that xl refuses is how characters are written. Python would take them, but that does not
/// make it a file of xm's day.
fn is_nearly_xl(by_xl: &Diagnostics) -> bool {
    let written = [code::xl::CARRIAGE_RETURN, code::xl::ESCAPE_NUMBER];
    let mut errors = by_xl
        .iter()
        .filter(|found| found.severity == Severity::Error);
    errors.all(|found| written.contains(&found.code))
}

/// What an administrator with xl has to know of a file that xm could read.
fn unreadable_by_xl(first: &Diagnostic) -> Diagnostic {
    let message = format!("xl cannot read this file: {}", first.message);
    Diagnostic::warning(code::domu::OF_XM, &first.span, message).hint(
        "it is read as xm did, which ended with Xen 4.4; `--syntax xl` shows all that xl refuses",
    )
}

fn first_error(out: &Diagnostics) -> Option<&Diagnostic> {
    let errors = out.iter().filter(|found| found.severity == Severity::Error);
    errors.min_by_key(|found| found.span.range().start)
}

/// Where the first error in the file is.
fn place(out: &Diagnostics) -> Option<usize> {
    first_error(out).map(|found| found.span.range().start)
}

/// Whether a line begins as only Python's do, or the file is a domain of xend's, which only xm's
/// reader explains.
fn is_python(text: &str) -> bool {
    const BEGINNINGS: [&str; 10] = [
        "import ", "from ", "def ", "if ", "for ", "while ", "try:", "print ", "class ", "del ",
    ];
    let python = |line: &str| {
        BEGINNINGS.iter().any(|begin| {
            let rest = line.strip_prefix(begin);
            rest.is_some_and(|rest| !rest.trim_start().starts_with(['=', '+']))
        })
    };
    text.lines().any(python) || xm::is_sxp(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_named_like_a_keyword_is_not_python() {
        for (text, is) in [
            ("import os\nname = 'x", true),
            ("name = 'x'\nif vmid == 1:\n", true),
            ("from = 'x", false),
            ("print += 'x", false),
            ("vif = [ ''", false),
        ] {
            assert_eq!(is_python(text), is, "{text:?}");
        }
    }
}
