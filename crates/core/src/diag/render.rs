//! Diagnostics as a person reads them, and as a program does.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity};

/// How to draw for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Letters only: for pipes, files and tests.
    Plain,
    /// With terminal colours.
    Coloured,
}

impl Diagnostics {
    /// All of them as text, [sorted](Self::sorted): file and line, the line itself, a caret under the place, the hint.
    /// Empty if there are none; else it ends with a newline.
    pub fn render(&self, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        let mut text = String::new();
        for diagnostic in self.sorted() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&renderer.render(&[picture(diagnostic)]));
            text.push('\n');
        }
        text
    }

    /// All of them, sorted likewise, as an array of objects with `file`, `line` and `column` (from 1, in
    /// characters), `severity`, `code`, `message` and `hint` (null if there is none).
    pub fn to_json(&self) -> serde_json::Value {
        self.sorted()
            .into_iter()
            .map(|d| {
                serde_json::json!({
                    "file": d.span.source().name(),
                    "line": d.span.line(),
                    "column": d.span.column(),
                    "severity": d.severity,
                    "code": d.code.name,
                    "message": d.message,
                    "hint": d.hint,
                })
            })
            .collect()
    }
}

/// One diagnostic in the shape the drawing crate wants.
fn picture(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let source = diagnostic.span.source();
    let mut place = Snippet::source(source.text())
        .path(source.name())
        .annotation(AnnotationKind::Primary.span(diagnostic.span.range()));
    let mut elsewhere = None;
    if let Some((span, label)) = &diagnostic.also {
        let mark = AnnotationKind::Context.span(span.range()).label(label);
        if span.source() == source {
            place = place.annotation(mark);
        } else {
            let other = span.source();
            elsewhere = Some(
                Snippet::source(other.text())
                    .path(other.name())
                    .annotation(mark),
            );
        }
    }
    let mut group = level
        .primary_title(&diagnostic.message)
        .id(diagnostic.code.name)
        .element(place);
    if let Some(other) = elsewhere {
        group = group.element(other);
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(hint));
    }
    group
}

#[cfg(test)]
mod tests {
    use super::super::{Source, Span, code};
    use super::*;

    fn example() -> Diagnostics {
        let source = Source::new("foo.cfg", "name = 'foo'\nvif = ['brige=br0']\n");
        let mut found = Diagnostics::new();
        found.add(
            Diagnostic::error(
                code::vif::UNKNOWN_KEY,
                &Span::new(&source, 21..26),
                "a vif has no key `brige`",
            )
            .hint("did you mean `bridge`?"),
        );
        found.add(
            Diagnostic::warning(code::vif::ACCEL, &Span::new(&source, 28..31), "w")
                .also(&Span::new(&source, 0..4), "there"),
        );
        found
    }

    #[test]
    fn a_person_sees_the_line_the_caret_and_the_hint() {
        let expected = "\
error[vif-unknown-key]: a vif has no key `brige`
 --> foo.cfg:2:9
  |
2 | vif = ['brige=br0']
  |         ^^^^^
  |
  = help: did you mean `bridge`?

warning[vif-accel]: w
 --> foo.cfg:2:16
  |
1 | name = 'foo'
  | ---- there
2 | vif = ['brige=br0']
  |                ^^^
";
        assert_eq!(example().render(Style::Plain), expected);
        assert!(example().render(Style::Coloured).contains("\u{1b}["));
    }

    #[test]
    fn a_program_sees_the_same() {
        let json = example().to_json();
        assert_eq!(json[0]["line"], 2);
        assert_eq!(json[0]["column"], 9);
        assert_eq!(json[0]["severity"], "error");
        assert_eq!(json[0]["hint"], "did you mean `bridge`?");
        assert_eq!(json[1]["hint"], serde_json::Value::Null);
    }

    #[test]
    fn an_empty_file_and_the_end_of_a_file_can_be_pointed_at() {
        for text in ["", "a", "a\n", "\u{1b}[2J\t\r\n"] {
            let source = Source::new("f", text);
            let mut found = Diagnostics::new();
            found.add(Diagnostic::error(
                code::vif::EMPTY,
                &Span::new(&source, 99..99),
                "m",
            ));
            assert!(
                found
                    .render(Style::Plain)
                    .starts_with("error[vif-empty]: m\n --> f:"),
                "{text:?}"
            );
        }
    }
}
