//! Numbers as C's strtoul reads them, which xl does for `mac`, `devid` and `mtu`: blanks and a sign
//! in front, whatever comes behind the digits left unread, a minus wrapped around.

/// The number a text begins with, and how many bytes of the text it took; None without a digit.
/// A number that does not fit is the greatest one, as with `ULONG_MAX`.
pub(super) fn strtoul(bytes: &[u8], radix: u32) -> Option<(u64, usize)> {
    // C's isspace, which knows the vertical tab and Rust's is_ascii_whitespace does not.
    let blank = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    let mut at = bytes.iter().take_while(|b| blank(b)).count();
    let minus = bytes.get(at) == Some(&b'-');
    if minus || bytes.get(at) == Some(&b'+') {
        at += 1;
    }
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(radix));
    if radix == 16
        && matches!(bytes.get(at..at + 2), Some(b"0x" | b"0X"))
        && digit(at + 2).is_some()
    {
        at += 2;
    }
    let first = digit(at)?;
    let mut number = Some(u64::from(first));
    at += 1;
    while let Some(next) = digit(at) {
        number = number.and_then(|n| {
            n.checked_mul(u64::from(radix))?
                .checked_add(u64::from(next))
        });
        at += 1;
    }
    let number = match number {
        Some(number) if minus => number.wrapping_neg(),
        Some(number) => number,
        None => u64::MAX,
    };
    Some((number, at))
}

/// The low 32 bits: what is left of a C `long` in an `int` or `unsigned int`.
pub(super) fn low32(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).expect("masked to 32 bits")
}

/// A decimal number as xl's `parse_ulong` takes it for an `int`: None where xl gives up.
pub(super) fn as_int(text: &str) -> Option<u32> {
    strtoul(text.as_bytes(), 10)
        .filter(|(number, _)| *number != u64::MAX)
        .map(|(number, _)| low32(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_c_does() {
        for (text, radix, read) in [
            ("12x", 10, Some((12, 2))),
            (" \t\u{b}+7", 10, Some((7, 5))),
            ("-2", 10, Some((u64::MAX - 1, 2))),
            ("0x1f:", 16, Some((0x1f, 4))),
            ("0xg", 16, Some((0, 1))),
            ("fF", 16, Some((255, 2))),
            ("99999999999999999999", 10, Some((u64::MAX, 20))),
            ("-99999999999999999999", 10, Some((u64::MAX, 21))),
            ("", 10, None),
            ("+", 10, None),
            ("x", 10, None),
            ("é", 16, None),
        ] {
            assert_eq!(strtoul(text.as_bytes(), radix), read, "{text:?}");
        }
    }

    #[test]
    fn an_int_keeps_the_low_bits_and_the_greatest_long_is_refused() {
        assert_eq!(as_int("4294967297"), Some(1));
        assert_eq!(as_int("-2"), Some(u32::MAX - 1));
        assert_eq!(as_int("-1"), None);
        assert_eq!(as_int("18446744073709551615"), None);
    }
}
