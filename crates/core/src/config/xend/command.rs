//! A script and its arguments, as one text. Invariant: the parts' spans lie within the text.

use super::Word;
use crate::diag::Spanned;

/// A script as xend is told to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// A name in the scripts folder, or an absolute path.
    pub program: Spanned<String>,
    /// What follows it. xend puts its own command, `start`, before them.
    pub arguments: Vec<Spanned<String>>,
}

impl Command {
    /// As xend splits `network-script`: Python's `split(" ")`, which makes an empty argument of
    /// every further blank. An empty text is no command.
    pub(super) fn split_at_blanks(word: &Word) -> Option<Self> {
        Self::split(word, |c| c == ' ', true)
    }

    /// As a shell splits `vif-script` when the agent runs what stands in the store (contract 6.2).
    pub(super) fn split_as_a_shell(word: &Word) -> Option<Self> {
        Self::split(word, |c| matches!(c, ' ' | '\t' | '\n'), false)
    }

    fn split(word: &Word, blank: fn(char) -> bool, keep_empty: bool) -> Option<Self> {
        if word.value.is_empty() {
            return None;
        }
        let mut start = 0;
        let mut parts = Vec::new();
        for part in word.value.split(blank) {
            if keep_empty || !part.is_empty() {
                parts.push(word.part(start..start + part.len()));
            }
            start += part.len() + 1;
        }
        let mut parts = parts.into_iter();
        Some(Self {
            program: parts.next()?,
            arguments: parts.collect(),
        })
    }

    /// The script's own name, without folders.
    pub fn script(&self) -> &str {
        let program = &self.program.value;
        program.rsplit('/').next().unwrap_or(program)
    }

    /// Whether this is how networking is switched off: `true`, mostly `/bin/true`, or `false`
    /// (xend discards the exit status), or `:`.
    pub fn does_nothing(&self) -> bool {
        matches!(self.script(), "true" | "false" | ":")
    }
}
