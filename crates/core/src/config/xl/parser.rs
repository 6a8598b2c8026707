//! Tokens into settings, by recursive descent. After a fault it goes on at the next line that
//! looks like a setting, so that one run reports every fault once.

use super::lexer::{Lexer, Token, is_key};
use crate::config::settings::{Setting, Settings, Text, Value};
use crate::diag::{Diagnostic, Diagnostics, Source, Span, Spanned, code};

/// Lists in lists are legal; nobody needs more of them than this, and the parser recurses.
const DEEPEST: usize = 8;

/// A fault that is reported already, and where the parser finds its feet again.
enum Lost {
    /// At the next line that looks like a setting.
    Line,
    /// Here: the token that is looked at is a setting's key, or ends the statement.
    Here,
}

/// Reads a file in xl's grammar.
pub fn read(text: &str, file: &str, out: &mut Diagnostics) -> Option<Settings> {
    let source = Source::new(file, text);
    let errors = out.errors();
    let mut parser = Parser {
        lexer: Lexer::new(&source),
        token: Token::End,
        span: Span::new(&source, 0..0),
        out,
        settings: Vec::new(),
    };
    parser.advance();
    while parser.token != Token::End {
        if let Err(Lost::Line) = parser.statement() {
            parser.lexer.skip_to_setting();
            parser.advance();
        }
    }
    let settings = parser.settings;
    (out.errors() == errors).then(|| Settings::new(source, settings))
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    span: Span,
    out: &'a mut Diagnostics,
    settings: Vec<Setting>,
}

impl Parser<'_> {
    /// Takes the token that was looked at, and looks at the next one.
    fn advance(&mut self) -> (Token, Span) {
        let (token, span) = self.lexer.next(self.out);
        (
            std::mem::replace(&mut self.token, token),
            std::mem::replace(&mut self.span, span),
        )
    }

    /// Reports the token that was looked at as one that cannot be here.
    fn unexpected(&mut self, wanted: &str, hint: Option<String>) -> Lost {
        if self.token != Token::Bad {
            let found = match &self.token {
                Token::Newline => "the line ends".to_owned(),
                Token::End => "the file ends".to_owned(),
                _ => format!("there is `{}`", self.span.text()),
            };
            let message = format!("here should be {wanted}, but {found}");
            self.out
                .add(Diagnostic::error(code::xl::SYNTAX, &self.span, message).maybe_hint(hint));
        }
        match self.token {
            Token::Newline | Token::Semicolon => Lost::Here,
            _ => Lost::Line,
        }
    }

    /// `key = value`, `key += value` or nothing, and the end of the statement.
    fn statement(&mut self) -> Result<(), Lost> {
        if !matches!(self.token, Token::Newline | Token::Semicolon) {
            self.setting()?;
        }
        match self.token {
            Token::Newline | Token::Semicolon => {
                self.advance();
                Ok(())
            }
            Token::End => Ok(()),
            _ => Err(self.unexpected("the end of the line", None)),
        }
    }

    fn setting(&mut self) -> Result<(), Lost> {
        if self.token != Token::Word {
            return Err(self.unexpected("a key", None));
        }
        let key = Spanned::new(self.span.text().to_owned(), self.span.clone());
        let adds = {
            self.advance();
            match self.token {
                Token::Assign => false,
                Token::Add => true,
                _ => {
                    let hint = "a setting is `key = value`; xl's files are not Python and know no other statement";
                    return Err(self.unexpected("`=`", Some(hint.to_owned())));
                }
            }
        };
        if !key.value.chars().all(is_key)
            || !key.value.starts_with(|c: char| c.is_ascii_lowercase())
        {
            let message = format!("`{}` cannot be a key", key.value);
            let hint = "a key is a lower-case letter, then lower-case letters, digits, `.` and `_`";
            self.out
                .add(Diagnostic::error(code::xl::KEY, &key.span, message).hint(hint));
        }
        self.advance();
        let value = self.value(0)?;
        self.set(key, adds, value);
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Value, Lost> {
        match self.token {
            Token::Text(_) | Token::Number(_) => {
                let (token, span) = self.advance();
                Ok(match token {
                    Token::Text(text) => Value::Text(text),
                    Token::Number(value) => {
                        Value::Number(value, Text::verbatim(span.source(), span.range()))
                    }
                    _ => return Err(Lost::Line),
                })
            }
            Token::Open if depth == DEEPEST => {
                let message = format!("lists lie deeper than {DEEPEST} in each other here");
                self.out
                    .add(Diagnostic::error(code::xl::DEPTH, &self.span, message));
                Err(Lost::Line)
            }
            Token::Open => self.list(depth),
            Token::Word => {
                let hint = format!("a text needs quotes: '{}'", self.span.text());
                Err(self.unexpected("a value", Some(hint)))
            }
            _ => Err(self.unexpected("a value", None)),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Lost> {
        let (_, open) = self.advance();
        let mut values = Vec::new();
        loop {
            self.list_goes_on(&open)?;
            if self.token == Token::Close {
                break;
            }
            values.push(self.value(depth + 1)?);
            self.list_goes_on(&open)?;
            match self.token {
                Token::Comma => self.advance(),
                Token::Close => break,
                _ => return Err(self.unexpected("`,` or `]`", None)),
            };
        }
        let (_, close) = self.advance();
        Ok(Value::List(Spanned::new(values, open.to(&close))))
    }

    /// Newlines are free in a list. The end of the file or the next setting is where the missing
    /// bracket shows; the fault is at the one that was opened.
    fn list_goes_on(&mut self, open: &Span) -> Result<(), Lost> {
        while self.token == Token::Newline {
            self.advance();
        }
        let ends = matches!(self.token, Token::End | Token::Semicolon);
        let sets = self.token == Token::Word && self.lexer.assigns();
        if !ends && !sets {
            return Ok(());
        }
        let found = Diagnostic::error(code::xl::LIST_OPEN, open, "this list does not end");
        self.out.add(found.hint("a list ends with `]`"));
        Err(if sets { Lost::Here } else { Lost::Line })
    }

    /// What libxlu_cfg.c does with a setting: `=` replaces, `+=` joins texts and lists.
    fn set(&mut self, key: Spanned<String>, adds: bool, value: Value) {
        let Some(old) = self
            .settings
            .iter_mut()
            .find(|old| old.key.value == key.value)
        else {
            self.settings.push(Setting { key, value });
            return;
        };
        if !adds {
            let message = format!("`{}` is set again; xl takes the last value only", key.value);
            let hint = "remove one of them, or write `+=` to add";
            self.out.add(
                Diagnostic::warning(code::xl::SET_AGAIN, &key.span, message)
                    .hint(hint)
                    .also(&old.key.span, "first set here"),
            );
            *old = Setting { key, value };
            return;
        }
        match (&mut old.value, value) {
            (Value::List(list), Value::List(more)) => {
                list.span = list.span.to(&more.span);
                list.value.extend(more.value);
            }
            // To xl a number is a text too, so 1 and '2' make '12'.
            (
                Value::Text(text) | Value::Number(_, text),
                Value::Text(more) | Value::Number(_, more),
            ) => {
                text.append(&more);
                old.value = Value::Text(text.clone());
            }
            (old, more) => {
                let message = format!(
                    "`{}` is {}, and {} cannot be added to it",
                    key.value,
                    old.kind(),
                    more.kind()
                );
                self.out.add(
                    Diagnostic::error(code::xl::ADD, more.span(), message)
                        .also(old.span(), "set here"),
                );
            }
        }
    }
}
