//! Texts in quotes and numbers, in every form Python had.

use std::rc::Rc;

use super::ast::At;
use super::expression::KEYWORDS;
use super::lexer::{Lexer, Token, newline};
use super::text::Str;
use crate::diag::code;

/// A text in quotes; its prefix, from `start`, is read already.
pub(super) fn text(lexer: &mut Lexer<'_>, start: usize) -> Token {
    let prefix = lexer.text[start..lexer.position].to_ascii_lowercase();
    let raw = prefix.contains('r');
    let (quote, triple) = match lexer.rest().starts_with('"') {
        true => ("\"", "\"\"\""),
        false => ("'", "'''"),
    };
    let end = match lexer.rest().starts_with(triple) {
        true => triple,
        false => quote,
    };
    lexer.position += end.len();
    if !matches!(prefix.as_str(), "" | "r" | "u" | "b" | "ur" | "br" | "rb") {
        let message = format!("`{prefix}` cannot stand before a text");
        let hint =
            "xm's Python knows r, u and b; write `'…%s…' % value` to put a value into a text";
        lexer.fault(code::xm::TEXT, start, message, hint);
        read_body(lexer, end, start, true);
        return Token::Bad;
    }
    match read_body(lexer, end, start, raw) {
        Some(text) => Token::Text(Rc::new(text)),
        None => Token::Bad,
    }
}

/// Everything up to the closing quotes, escapes replaced.
fn read_body(lexer: &mut Lexer<'_>, end: &str, start: usize, raw: bool) -> Option<Str> {
    let mut text = Str::default();
    let mut good = true;
    let quote = if end.starts_with('"') { '"' } else { '\'' };
    loop {
        let here = lexer.position;
        let plain = lexer.rest();
        let length = plain.find([quote, '\\', '\n', '\r']).unwrap_or(plain.len());
        text.push_verbatim(&plain[..length], here);
        lexer.position += length;
        let here = lexer.position;
        let line_end = newline(lexer.rest());
        if lexer.rest().starts_with(end) {
            lexer.position += end.len();
            return good.then_some(text);
        }
        if lexer.rest().is_empty() || (line_end > 0 && end.len() == 1) {
            let hint = format!("a text that begins with {end} ends with {end}");
            let hint = match end.len() {
                1 => hint + " on the same line",
                _ => hint,
            };
            lexer.fault(
                code::xm::TEXT_OPEN,
                start,
                "this text does not end".to_owned(),
                &hint,
            );
            return None;
        }
        if line_end > 0 {
            lexer.position += line_end;
            push(&mut text, "\n", here, lexer.position);
        } else if !lexer.rest().starts_with('\\') {
            lexer.position += 1;
            text.push_verbatim(&lexer.text[here..lexer.position], here);
        } else if raw {
            lexer.position += 1;
            let next = newline(lexer.rest());
            let next = match next {
                0 => lexer.rest().chars().next().map_or(0, char::len_utf8),
                _ => next,
            };
            lexer.position += next;
            text.push_verbatim(&lexer.text[here..lexer.position], here);
        } else {
            good &= escape(lexer, &mut text);
        }
    }
}

fn push(text: &mut Str, what: &str, start: usize, end: usize) {
    text.push_made(what, At { start, end });
}

/// An escape, from its backslash. What is none stands for itself, as in Python.
fn escape(lexer: &mut Lexer<'_>, text: &mut Str) -> bool {
    let here = lexer.position;
    lexer.position += 1;
    let line_end = newline(lexer.rest());
    if line_end > 0 {
        lexer.position += line_end;
        return true;
    }
    let Some(letter) = lexer.rest().chars().next() else {
        return true;
    };
    let (radix, most, least) = match letter {
        'x' => (16, 2, 2),
        'u' => (16, 4, 4),
        'U' => (16, 8, 8),
        '0'..='7' => (8, 3, 1),
        _ => (0, 0, 0),
    };
    if radix > 0 {
        lexer.position += usize::from(radix == 16);
        let digits = lexer.rest().chars().take(most);
        let count = digits.take_while(|c| c.is_digit(radix)).count();
        let number = u32::from_str_radix(&lexer.rest()[..count], radix).ok();
        lexer.position += count;
        let Some(made) = number.filter(|_| count >= least).and_then(char::from_u32) else {
            let message = format!("`{}` is not an escape", &lexer.text[here..lexer.position]);
            lexer.fault(
                code::xm::TEXT,
                here,
                message,
                "write \\xHH with two hexadecimal digits, or a backslash as \\\\",
            );
            return false;
        };
        push(text, made.encode_utf8(&mut [0; 4]), here, lexer.position);
        return true;
    }
    lexer.position += letter.len_utf8();
    let made = match letter {
        '\\' => "\\",
        '\'' => "'",
        '"' => "\"",
        'a' => "\x07",
        'b' => "\x08",
        'f' => "\x0c",
        'n' => "\n",
        'r' => "\r",
        't' => "\t",
        'v' => "\x0b",
        _ => {
            text.push_verbatim(&lexer.text[here..lexer.position], here);
            return true;
        }
    };
    push(text, made, here, lexer.position);
    true
}

/// A number: 10, 0777, 0o777, 0x1F, 0b11, 10L, 1.5, 1e3.
pub(super) fn number(lexer: &mut Lexer<'_>) -> Token {
    let start = lexer.position;
    lexer.skip_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    let hexadecimal =
        lexer.text[start..].starts_with("0x") || lexer.text[start..].starts_with("0X");
    if !hexadecimal
        && lexer.text[..lexer.position].ends_with(['e', 'E'])
        && lexer.rest().starts_with(['+', '-'])
    {
        lexer.position += 1;
        lexer.skip_while(|c| c.is_ascii_alphanumeric());
    }
    let written = lexer.text[start..lexer.position].to_ascii_lowercase();
    if let Some(value) = int(written.strip_suffix('l').unwrap_or(&written)) {
        return Token::Int(value);
    }
    // Python reads `256if small else 512`; the word begins where the digits end.
    let digits = written.len()
        - written
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .len();
    let word = &lexer.text[start + digits..lexer.position];
    if let Some(value) = int(&written[..digits]).filter(|_| KEYWORDS.contains(&word)) {
        lexer.position = start + digits;
        return Token::Int(value);
    }
    let fraction = written.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && written.contains(['.', 'e'])
        && written
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-'));
    match written.parse::<f64>().ok().filter(|_| fraction) {
        Some(value) => Token::Float(value),
        None => {
            let message = format!("`{}` is not a number", &lexer.text[start..lexer.position]);
            let hint = "numbers are decimal, octal with a leading 0, or hexadecimal with 0x; a text needs quotes";
            lexer.fault(code::xm::NUMBER, start, message, hint);
            Token::Bad
        }
    }
}

/// A whole number by the prefix it has; a leading 0 makes it octal, as it did in xm's Python.
fn int(written: &str) -> Option<i128> {
    let (digits, radix) = match written.get(..2) {
        Some("0x") => (&written[2..], 16),
        Some("0o") => (&written[2..], 8),
        Some("0b") => (&written[2..], 2),
        _ if written.len() > 1 && written.starts_with('0') => (&written[1..], 8),
        _ => (written, 10),
    };
    let signless = digits.starts_with(|c: char| c.is_ascii_hexdigit());
    i128::from_str_radix(digits, radix)
        .ok()
        .filter(|_| signless)
}
