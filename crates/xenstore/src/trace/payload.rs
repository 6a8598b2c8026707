//! Payloads as quoted text: readable where they are text, and never ambiguous.
//!
//! Invariant: `unquote(Quoted(bytes).to_string()) == bytes` for all bytes, and the text has no
//! newline.

use std::fmt::{self, Write};

/// Bytes, printed in quotes.
pub(super) struct Quoted<'a>(pub(super) &'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for byte in self.0 {
            match byte {
                0 => f.write_str("\\0")?,
                b'"' | b'\\' => {
                    f.write_char('\\')?;
                    f.write_char(char::from(*byte))?;
                }
                b' '..=b'~' => f.write_char(char::from(*byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_char('"')
    }
}

/// The bytes that a quoted text stands for.
///
/// `\0` is always the NUL byte alone, whatever follows it; a byte that needs no escape may have one.
pub(super) fn unquote(text: &str) -> Option<Vec<u8>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b'0' => 0,
                b'x' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
                sign @ (b'"' | b'\\') => sign,
                _ => return None,
            },
            b' ' | b'!' | b'#'..=b'~' => byte,
            _ => return None,
        });
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
