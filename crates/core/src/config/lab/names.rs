//! Names of machines and of LANs. Both become names of network namespaces and of files.

use std::fmt;
use std::str::FromStr;

/// The name of a machine: of one outside, of a guest, or [`MachineName::dom0`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineName(String);

/// The name of an Ethernet segment outside the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanName(String);

impl MachineName {
    /// The host's own name in a lab.
    pub fn dom0() -> Self {
        Self("dom0".to_owned())
    }

    /// Whether this is the host.
    pub fn is_dom0(&self) -> bool {
        self.0 == "dom0"
    }
}

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// The text is empty.
    Empty,
    /// The text has this many bytes; 64 is the most.
    TooLong(usize),
    /// This character cannot be in a name.
    Forbidden(char),
    /// `.` and `..` are folders.
    Dots,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a name cannot be empty"),
            Self::TooLong(bytes) => write!(
                f,
                "a name has at most {LONGEST} bytes, this one has {bytes}"
            ),
            Self::Forbidden(c) => write!(f, "a name cannot hold {c:?}"),
            Self::Dots => write!(f, "`.` and `..` are no names"),
        }
    }
}

impl std::error::Error for NameError {}

/// Long enough for any name a person types, short enough for any path.
const LONGEST: usize = 64;

fn check(text: &str) -> Result<String, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > LONGEST {
        return Err(NameError::TooLong(text.len()));
    }
    if let Some(c) = text.chars().find(|c| !c.is_ascii_graphic() || *c == '/') {
        return Err(NameError::Forbidden(c));
    }
    match text {
        "." | ".." => Err(NameError::Dots),
        _ => Ok(text.to_owned()),
    }
}

macro_rules! name {
    ($type:ty) => {
        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text).map(Self)
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}
name!(MachineName);
name!(LanName);
