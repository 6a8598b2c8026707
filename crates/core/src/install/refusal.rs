//! Why nothing is installed.

use std::fmt;

use super::{PROGRAM, aside};

/// One reason. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The names are links in another folder already.
    Elsewhere {
        /// Where they are.
        installed: String,
        /// Where they were asked for.
        wanted: String,
    },
    /// A file that is not ours is where an original is to be kept.
    AsideTaken {
        /// The folder of the scripts.
        scripts: String,
        /// The name.
        name: String,
    },
    /// A folder or device has the name of a script.
    NotAScript {
        /// The folder of the scripts.
        scripts: String,
        /// The name.
        name: String,
        /// What it is.
        kind: String,
    },
    /// Somebody made dpkg put the package's script elsewhere.
    Diverted {
        /// The folder of the scripts.
        scripts: String,
        /// The name.
        name: String,
        /// Who: a package, or LOCAL.
        by: String,
        /// Where to.
        to: String,
    },
    /// The program is there, and somebody else's.
    ProgramTaken,
    /// The program is a package's, and another one than the one that runs.
    ProgramOfPackage {
        /// The package.
        package: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere { installed, wanted } => write!(
                f,
                "xenwire is installed in {installed}, and {wanted} is asked for; run `xenwire uninstall` first"
            ),
            Self::AsideTaken { scripts, name } => write!(
                f,
                "{scripts}/{kept} is there already, and is not from xenwire; the original of {name} is to be kept there: move it away",
                kept = aside(name)
            ),
            Self::NotAScript {
                scripts,
                name,
                kind,
            } => write!(f, "{scripts}/{name} is a {kind}, no script; move it away"),
            Self::Diverted {
                scripts,
                name,
                by,
                to,
            } => write!(
                f,
                "{scripts}/{name} is diverted to {to} by {by}; `dpkg-divert --remove --rename {scripts}/{name}` ends that"
            ),
            Self::ProgramTaken => write!(
                f,
                "{PROGRAM} is there, and `xenwire install` did not write it as it is; move it away"
            ),
            Self::ProgramOfPackage { package } => write!(
                f,
                "{PROGRAM} is from the package {package}, and is another one than this; run that one, or remove the package first"
            ),
        }
    }
}

impl std::error::Error for Refusal {}
