//! Text into tokens, one at a time, so that the parser can go on at a place of its choice after
//! an error. Each [`Token::Bad`] has been reported.

use std::sync::Arc;

use super::Text;
use crate::diag::{Diagnostic, Diagnostics, Source, Span, code};

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
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a Arc<Source>) -> Self {
        Self {
            source,
            position: 0,
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
        self.skip_blanks();
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

    /// Blanks and comments. A carriage return is a blank too: files come from everywhere.
    fn skip_blanks(&mut self) {
        self.skip_while(|c| matches!(c, ' ' | '\t' | '\r'));
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
        let (mut bytes, mut at, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        let mut good = true;
        loop {
            let here = self.position;
            let Some(c) = self.rest().chars().next().filter(|c| *c != '\n') else {
                let hint = format!("a text ends with {quote} on the line it begins on");
                out.add(
                    Diagnostic::error(
                        code::xl::TEXT_OPEN,
                        &self.span(start),
                        "this text does not end",
                    )
                    .hint(hint),
                );
                return Token::Bad;
            };
            self.position += c.len_utf8();
            if c == quote {
                at.push(here);
                break;
            }
            if c != '\\' {
                at.extend(here..self.position);
                bytes.extend_from_slice(&self.source.text().as_bytes()[here..self.position]);
            } else if let Some(byte) = self.escape() {
                at.push(here);
                bytes.push(byte);
                lost.extend(lost_in_xl(&self.span(here)));
            } else {
                let message = format!("`{}` is not an escape", self.span(here).text());
                let hint = r#"the escapes are \\ \' \" \a \b \f \n \r \t \v \xHH \NNN; write a backslash as \\"#;
                out.add(Diagnostic::error(code::xl::ESCAPE, &self.span(here), message).hint(hint));
                good = false;
            }
        }
        match String::from_utf8(bytes) {
            Ok(text) if good => {
                out.extend(lost);
                Token::Text(Text::unescaped(text, self.span(start), at))
            }
            Ok(_) => Token::Bad,
            Err(_) => {
                let message = "the escapes in this text do not make UTF-8";
                out.add(Diagnostic::error(
                    code::xl::ESCAPE,
                    &self.span(start),
                    message,
                ));
                Token::Bad
            }
        }
    }

    /// The byte an escape stands for; the backslash is read already. At least one character more
    /// is consumed, unless the line ends.
    fn escape(&mut self) -> Option<u8> {
        let c = self.rest().chars().next().filter(|c| *c != '\n')?;
        self.position += c.len_utf8();
        let byte = match c {
            '\\' | '\'' | '"' => u8::try_from(c).ok()?,
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 0x0b,
            'x' => self.digits(16, 2).filter(|(_, count)| *count == 2)?.0,
            '0'..='7' => {
                self.position -= 1;
                self.digits(8, 3)?.0
            }
            _ => return None,
        };
        // xl's texts are C strings: a NUL would end them unseen.
        (byte != 0).then_some(byte)
    }

    /// At most `most` digits as a byte, and how many there were.
    fn digits(&mut self, radix: u32, most: usize) -> Option<(u8, usize)> {
        let count = self
            .rest()
            .chars()
            .take(most)
            .take_while(|c| c.is_digit(radix))
            .count();
        let digits = &self.rest()[..count];
        self.position += count;
        u8::from_str_radix(digits, radix)
            .ok()
            .map(|byte| (byte, count))
    }
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

/// xlu__cfgl_dequote (libxlu_cfg.c) knows escapes by number, but wants a third digit of \xHH and
/// never writes the byte of \NNN: no guest ever started with what was meant.
fn lost_in_xl(escape: &Span) -> Option<Diagnostic> {
    let by_number = |c: char| c == 'x' || c.is_ascii_digit();
    escape.text()[1..].starts_with(by_number).then(|| {
        let message = format!(
            "xl does not read `{}` as the character it stands for",
            escape.text()
        );
        Diagnostic::warning(code::xl::ESCAPE_NUMBER, escape, message)
            .hint("write the character itself: xl refuses \\xHH and drops \\NNN")
    })
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
