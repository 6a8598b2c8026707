//! The name of a link, as the kernel allows it.

use std::fmt;
use std::str::FromStr;

/// The name of a network link: 1 to 15 bytes of visible ASCII, without `/` and `:`, not `.` or
/// `..`. This is `dev_valid_name` of the kernel (net/core/dev.c) narrowed to ASCII; `%` is
/// refused too, since the kernel takes it as a numbering pattern when a link gets its name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfName(String);

/// The longest name the kernel takes, in bytes (IFNAMSIZ less its NUL).
const LONGEST: usize = 15;

impl IfName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no link name. Every variant carries what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfNameError {
    /// The text is empty.
    Empty,
    /// The text has this many bytes; 15 is the most.
    TooLong(usize),
    /// The kernel does not allow this character, or gives it a meaning of its own.
    Forbidden(char),
    /// `.` and `..` are folders in sysfs.
    Dots,
}

impl fmt::Display for IfNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a link name cannot be empty"),
            Self::TooLong(n) => write!(
                f,
                "a link name has at most {LONGEST} bytes, this one has {n}"
            ),
            Self::Forbidden(c) => write!(f, "a link name cannot hold {c:?}"),
            Self::Dots => write!(f, "`.` and `..` are no link names"),
        }
    }
}

impl std::error::Error for IfNameError {}

impl FromStr for IfName {
    type Err = IfNameError;

    fn from_str(text: &str) -> Result<Self, IfNameError> {
        if text.is_empty() {
            return Err(IfNameError::Empty);
        }
        if text.len() > LONGEST {
            return Err(IfNameError::TooLong(text.len()));
        }
        if let Some(c) = text
            .chars()
            .find(|c| !c.is_ascii_graphic() || matches!(c, '/' | ':' | '%'))
        {
            return Err(IfNameError::Forbidden(c));
        }
        if text == "." || text == ".." {
            return Err(IfNameError::Dots);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

super::serde_by_text!(IfName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_kernel_takes() {
        for ok in [
            "eth0",
            "vif1.0",
            "vif123.45-emu",
            "br-293",
            "eth0.100",
            "a",
            "fifteen-bytes-x",
        ] {
            assert_eq!(
                ok.parse::<IfName>().map(|n| n.to_string()),
                Ok(ok.to_owned())
            );
        }
    }

    #[test]
    fn says_what_is_wrong() {
        use IfNameError::*;
        for (bad, why) in [
            ("", Empty),
            ("sixteen-bytes-xx", TooLong(16)),
            ("a b", Forbidden(' ')),
            ("a/b", Forbidden('/')),
            ("eth0:1", Forbidden(':')),
            ("vif%d", Forbidden('%')),
            ("..", Dots),
        ] {
            assert_eq!(bad.parse::<IfName>(), Err(why), "{bad:?}");
        }
    }
}
