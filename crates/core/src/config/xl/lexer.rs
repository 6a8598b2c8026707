//! Text into tokens, one at a time, so that the parser can go on at a place of its choice after
//! an error. Each [`Token::Bad`] has been reported.

use std::sync::Arc;

use crate::config::settings::{Places, Text};
use crate::diag::{Code, Diagnostic, Diagnostics, Source, Span, code};

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters, digits, `_` and `.`, beginning with a letter or `_`.
    Word,
    /// A text in quotes.
    Text(Text),
    /// A number.
    Number(u64),
    /// `=`
    Assign,
    /// `+=`
    Add,
    /// `,`
    Comma,
    /// `[`
    Open,
    /// `]`
    Close,
    /// The end of a line.
    Newline,
    /// `;`
    Semicolon,
    /// The end of the file, again and again.
    End,
    /// Something that is no token; it is reported already.
    Bad,
}

/// A place in a file and what to do with it.
pub(super) struct Lexer<'a> {
    source: &'a Arc<Source>,
    position: usize,
    /// Whether a carriage return was found and reported.
    has_returned: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a Arc<Source>) -> Self {
        Self {
            source,
            position: 0,
            has_returned: false,
        }
    }

    fn rest(&self) -> &'a str {
        &self.source.text()[self.position..]
    }

    fn span(&self, start: usize) -> Span {
        Span::new(self.source, start..self.position)
    }

    /// The next token and its place.
    pub(super) fn next(&mut self, out: &mut Diagnostics) -> (Token, Span) {
        self.skip_blanks(out);
        let start = self.position;
        let Some(first) = self.rest().chars().next() else {
            return (Token::End, self.span(start));
        };
        let single = match first {
            '\n' => Some(Token::Newline),
            ';' => Some(Token::Semicolon),
            ',' => Some(Token::Comma),
            '[' => Some(Token::Open),
            ']' => Some(Token::Close),
            '=' => Some(Token::Assign),
            _ => None,
        };
        if let Some(token) = single {
            self.position += 1;
            return (token, self.span(start));
        }
        if self.rest().starts_with("+=") {
            self.position += 2;
            return (Token::Add, self.span(start));
        }
        let token = match first {
            '\'' | '"' => self.text(first, out),
            '0'..='9' => self.number(out),
            'a'..='z' | 'A'..='Z' | '_' => {
                self.skip_while(is_word);
                Token::Word
            }
            _ => {
                self.position += first.len_utf8();
                out.add(odd_character(first, &self.span(start)));
                Token::Bad
            }
        };
        (token, self.span(start))
    }

    /// Whether what comes next makes the word before it the key of a setting.
    pub(super) fn assigns(&self) -> bool {
        assigns(self.rest())
    }

    /// Goes to the next line that begins as a setting does, or to the end.
    pub(super) fn skip_to_setting(&mut self) {
        while let Some(newline) = self.rest().find('\n') {
            self.position += newline + 1;
            let line = self.rest().trim_start_matches([' ', '\t']);
            let after = line.trim_start_matches(is_word);
            if after.len() < line.len() && assigns(after) {
                return;
            }
        }
        self.position = self.source.text().len();
    }

    fn skip_while(&mut self, take: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.position += rest.find(|c| !take(c)).unwrap_or(rest.len());
    }

    /// Blanks and comments. A carriage return is reported once and then a blank too: who brought the
    /// file from Windows has one at the end of each line.
    fn skip_blanks(&mut self, out: &mut Diagnostics) {
        let start = self.position;
        self.skip_while(|c| matches!(c, ' ' | '\t' | '\r'));
        let blanks = &self.source.text()[start..self.position];
        if let Some(at) = blanks.find('\r').filter(|_| !self.has_returned) {
            self.has_returned = true;
            let place = Span::new(self.source, start + at..start + at + 1);
            let message = "the line ends with a carriage return, and xl refuses the file";
            out.add(
                Diagnostic::error(code::xl::CARRIAGE_RETURN, &place, message)
                    .hint("remove them all: sed -i 's/\\r$//' FILE"),
            );
        }
        if self.rest().starts_with('#') {
            self.skip_while(|c| c != '\n');
        }
    }

    fn number(&mut self, out: &mut Diagnostics) -> Token {
        let start = self.position;
        self.skip_while(|c| c.is_ascii_alphanumeric());
        let span = self.span(start);
        match number(span.text()) {
            Some(value) => Token::Number(value),
            None => {
                let message = format!("`{}` is not a number", span.text());
                let hint = "numbers are decimal, octal with a leading 0, or hexadecimal with 0x; a text needs quotes";
                out.add(Diagnostic::error(code::xl::NUMBER, &span, message).hint(hint));
                Token::Bad
            }
        }
    }

    /// A text in quotes, its escapes replaced.
    fn text(&mut self, quote: char, out: &mut Diagnostics) -> Token {
        let start = self.position;
        self.position += 1;
        let (mut text, mut places) = (String::new(), Places::default());
        let mut good = true;
        loop {
            let here = self.position;
            let Some(c) = self.rest().chars().next().filter(|c| *c != '\n') else {
                let hint = format!("a text ends with {quote} on the line it begins on");
                let message = "this text does not end";
                out.add(
                    Diagnostic::error(code::xl::TEXT_OPEN, &self.span(start), message).hint(hint),
                );
                return Token::Bad;
            };
            self.position += c.len_utf8();
            if c == quote {
                break;
            }
            if c != '\\' {
                places.verbatim(here..self.position);
                text.push(c);
                continue;
            }
            match self.escape() {
                Ok(c) => {
                    places.made(c.len_utf8(), here..self.position);
                    text.push(c);
                }
                Err(code) => {
                    out.add(bad_escape(code, &self.span(here)));
                    good = false;
                }
            }
        }
        if good {
            Token::Text(Text::new(text, self.span(start), places))
        } else {
            Token::Bad
        }
    }

    /// The character an escape stands for, or what is wrong with it; the backslash is read already.
    /// At least one character more is consumed, unless the line ends.
    fn escape(&mut self) -> Result<char, &'static Code> {
        let Some(c) = self.rest().chars().next().filter(|c| *c != '\n') else {
            return Err(code::xl::ESCAPE);
        };
        self.position += c.len_utf8();
        Ok(match c {
            '\\' | '\'' | '"' => c,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            // xlu__cfgl_dequote (libxlu_cfg.c) knows these, but wants a third digit of \xHH and never
            // writes the byte of \NNN: no guest ever started with what was meant.
            'x' => return Err(self.by_number(16, 2)),
            '0'..='7' => return Err(self.by_number(8, 2)),
            _ => return Err(code::xl::ESCAPE),
        })
    }

    fn by_number(&mut self, radix: u32, most: usize) -> &'static Code {
        let digits = self.rest().chars().take(most);
        self.position += digits.take_while(|c| c.is_digit(radix)).count();
        code::xl::ESCAPE_NUMBER
    }
}

fn bad_escape(code: &'static Code, escape: &Span) -> Diagnostic {
    let written = escape.text();
    let (message, hint) = if code == code::xl::ESCAPE_NUMBER {
        (
            format!("xl does not read `{written}` as the character it stands for"),
            "write the character itself: xl refuses \\xHH and drops \\NNN",
        )
    } else {
        (
            format!("`{written}` is not an escape"),
            r#"the escapes are \\ \' \" \a \b \f \n \r \t \v; write a backslash as \\"#,
        )
    };
    Diagnostic::error(code, escape, message).hint(hint)
}

/// Whether the character can stand in a word.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
}

/// Whether the text begins with one of the signs that stand behind a key.
fn assigns(text: &str) -> bool {
    let sign = text.trim_start_matches([' ', '\t']);
    sign.starts_with('=') || sign.starts_with("+=")
}

/// Whether the character can stand in a key.
pub(super) fn is_key(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_')
}

/// A number as C's strtoul reads it with base 0, and nothing behind it.
fn number(text: &str) -> Option<u64> {
    if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        u64::from_str_radix(digits, 16).ok()
    } else if text.len() > 1 && text.starts_with('0') {
        u64::from_str_radix(text, 8).ok()
    } else {
        text.parse().ok()
    }
}

/// A character that xl does not know; the ones xl itself takes for Python get its explanation.
fn odd_character(c: char, span: &Span) -> Diagnostic {
    let found = Diagnostic::error(
        code::xl::CHARACTER,
        span,
        format!("{c:?} has no meaning outside quotes"),
    );
    if matches!(c, '+' | '-' | '.' | '(' | ')' | ':' | '%' | '{' | '}' | '*') {
        found.hint("xl's files look like Python but are not: write texts, numbers and lists, no expressions")
    } else {
        found.hint("put texts into quotes")
    }
}
