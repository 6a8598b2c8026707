//! Why a text is not a trace.
//!
//! Invariant: an error quotes at most [`SHOWN`] characters of what it found.

use std::fmt;

/// Characters of a wrong word or line that an error repeats.
const SHOWN: usize = 60;

/// The first line that is not as a trace's line must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What should be there.
    pub wanted: &'static str,
    /// What is there, shortened; empty for nothing.
    pub found: String,
}

impl ParseError {
    pub(super) fn new(line: usize, wanted: &'static str, found: &str) -> ParseError {
        let mut shown: String = found.chars().take(SHOWN).collect();
        if shown.len() < found.len() {
            shown.push('…');
        }
        ParseError {
            line,
            wanted,
            found: shown,
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ParseError {
            line,
            wanted,
            found,
        } = self;
        write!(f, "line {line}: wanted {wanted}, found ")?;
        if found.is_empty() {
            f.write_str("nothing")
        } else {
            write!(f, "{found:?}")
        }
    }
}

impl std::error::Error for ParseError {}
