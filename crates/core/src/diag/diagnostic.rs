//! One fault, and the collection of all of them.

use std::collections::BTreeMap;

use super::{Code, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Legal, but probably not what was meant.
    Warning,
    /// The text cannot be used.
    Error,
}

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of fault it is.
    pub code: &'static Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, naming the thing, in one line without a final stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// Another place one has to see to understand, and what is there: "first used here".
    pub also: Option<(Span, String)>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error without a hint.
    pub fn error(code: &'static Code, span: &Span, message: impl Into<String>) -> Self {
        let (span, message) = (span.clone(), message.into());
        Self {
            code,
            severity: Severity::Error,
            message,
            span,
            also: None,
            hint: None,
        }
    }

    /// A warning without a hint.
    pub fn warning(code: &'static Code, span: &Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message)
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with a hint if there is one to give.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// The same with a second place to look at.
    #[must_use]
    pub fn also(mut self, span: &Span, label: impl Into<String>) -> Self {
        self.also = Some((span.clone(), label.into()));
        self
    }
}

/// Everything that is wrong, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Nothing found yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Adds all that others found.
    pub fn append(&mut self, mut others: Self) {
        self.found.append(&mut others.found);
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether anything found makes the text unusable.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors there are. Readers compare this before and after a part to know whether
    /// the part can be used.
    pub fn errors(&self) -> usize {
        self.iter()
            .filter(|d| d.severity == Severity::Error)
            .count()
    }

    /// Everything found, source by source and in each from top to bottom: as a person would go
    /// through the files.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        // Two readers of one file have a source each, with the same name and text.
        let mut sources = BTreeMap::new();
        let mut keyed: Vec<((usize, usize), &Diagnostic)> = Vec::new();
        for diagnostic in &self.found {
            let source = diagnostic.span.source();
            let next = sources.len();
            let number = *sources
                .entry((source.name(), source.text()))
                .or_insert(next);
            keyed.push(((number, diagnostic.span.range().start), diagnostic));
        }
        keyed.sort_by_key(|(place, _)| *place);
        keyed
            .into_iter()
            .map(|(_, diagnostic)| diagnostic)
            .collect()
    }

    /// Everything in the order in which it was found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.found.iter()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, more: I) {
        self.found.extend(more);
    }
}
