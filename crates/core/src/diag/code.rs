//! The name of every kind of fault, and what a person should know about it.
//!
//! A name never changes its meaning: people search for it, and programs compare it. Invariant:
//! a [`Diagnostic`](super::Diagnostic) can only be made with a code that stands here, so that each
//! one has its page in `docs/diagnostics.md` and in `xenwire check --explain`.

use std::fmt;

/// A kind of fault.
#[derive(Debug)]
pub struct Code {
    /// Its name, which begins with the file or part it is about: `vif-unknown-key`.
    pub name: &'static str,
    /// What it means, and what Xen would have made of it.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// There is one [`Code`] for each name.
impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Code {}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// `CONSTANT "name": "meaning", "remedy";` for each code of a family, and `ALL` of them in order.
macro_rules! codes {
    ($($constant:ident $name:literal: $meaning:literal, $remedy:literal;)+) => {
        use super::Code;

        $(
            #[doc = $meaning]
            pub const $constant: &Code = &Code {
                name: $name,
                meaning: $meaning,
                remedy: $remedy,
            };
        )+

        pub(super) const ALL: &[&Code] = &[$($constant),+];
    };
}

pub mod domu;
pub mod guests;
pub mod host_conf;
pub mod interfaces;
pub mod lab;
pub mod vif;
pub mod xend;
pub mod xl;
pub mod xl_conf;
pub mod xm;

/// Every code, family by family.
pub fn all() -> impl Iterator<Item = &'static Code> {
    let families = [
        xl::ALL,
        domu::ALL,
        vif::ALL,
        xl_conf::ALL,
        host_conf::ALL,
        xm::ALL,
        guests::ALL,
        lab::ALL,
        xend::ALL,
        interfaces::ALL,
    ];
    families.into_iter().flatten().copied()
}

/// The code of this name.
pub fn find(name: &str) -> Option<&'static Code> {
    all().find(|code| code.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_there_once_and_every_page_says_something() {
        let mut names = BTreeSet::new();
        for code in all() {
            assert!(names.insert(code.name), "{code} is there twice");
            assert_eq!(find(code.name), Some(code));
            for text in [code.meaning, code.remedy] {
                assert!(text.ends_with('.'), "{code}: {text:?} is no sentence");
            }
        }
        assert_eq!(find("vif-unknown"), None);
    }
}
