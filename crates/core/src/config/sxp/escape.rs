//! What a backslash means within quotes, faults of sxp.py included: what xend made of a file is
//! what counts. Invariant: an escape takes at least one byte, and never goes beyond the text.

/// What an escape stands for, and how many bytes behind the backslash belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Escape {
    pub text: String,
    pub length: usize,
    pub fault: Option<Fault>,
}

/// Why an escape is not what it seems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// xend keeps the backslash and loses the character behind it.
    Unknown,
    /// xend takes `a` to `f` for 0 to 5.
    Hex,
    /// xend ends with an error of its own making.
    Short,
    /// The number is beyond 255; xend refuses the file.
    Range,
}

/// Reads the escape whose backslash has just been read; `rest` is not empty.
pub(super) fn escape(rest: &str) -> Escape {
    let Some(first) = rest.chars().next() else {
        return known('\\', 0);
    };
    match first {
        'a' => known('\u{7}', 1),
        'b' => known('\u{8}', 1),
        't' => known('\t', 1),
        'n' => known('\n', 1),
        'v' => known('\u{b}', 1),
        'f' => known('\u{c}', 1),
        'r' => known('\r', 1),
        '\\' | '\'' | '"' => known(first, 1),
        'x' => hex(&rest.as_bytes()[1..]),
        '0'..='7' => octal(rest.as_bytes()),
        _ => Escape {
            text: "\\".to_owned(),
            length: first.len_utf8(),
            fault: Some(Fault::Unknown),
        },
    }
}

fn known(meant: char, length: usize) -> Escape {
    Escape {
        text: meant.to_string(),
        length,
        fault: None,
    }
}

/// Two digits. sxp.py subtracts the letter itself from a letter and so gets 0 to 5 for `a` to
/// `f`, and a single digit makes it fail on a variable it does not have.
fn hex(digits: &[u8]) -> Escape {
    let mut number = 0u8;
    let mut letters = false;
    let mut count = 0;
    for digit in digits.iter().take(2) {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a',
            b'A'..=b'F' => digit - b'A',
            _ => break,
        };
        letters |= digit.is_ascii_alphabetic();
        number = number * 16 + value;
        count += 1;
    }
    let fault = match (count, letters) {
        (2, false) => None,
        (2, true) => Some(Fault::Hex),
        _ => Some(Fault::Short),
    };
    Escape {
        text: char::from(number).to_string(),
        length: 1 + count,
        fault,
    }
}

/// One to three digits.
fn octal(digits: &[u8]) -> Escape {
    let mut number = 0u32;
    let mut length = 0;
    for digit in digits.iter().take(3) {
        if !(b'0'..=b'7').contains(digit) {
            break;
        }
        number = number * 8 + u32::from(digit - b'0');
        length += 1;
    }
    match u8::try_from(number) {
        Ok(byte) => known(char::from(byte), length),
        Err(_) => Escape {
            text: String::new(),
            length,
            fault: Some(Fault::Range),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_xend() {
        for (written, text, length, fault) in [
            ("n)", "\n", 1, None),
            ("'", "'", 1, None),
            ("x41b", "A", 3, None),
            ("x4f", "\u{45}", 3, Some(Fault::Hex)),
            ("x4F", "\u{45}", 3, Some(Fault::Hex)),
            ("x4'", "\u{4}", 2, Some(Fault::Short)),
            ("x", "\0", 1, Some(Fault::Short)),
            ("101", "A", 3, None),
            ("07'", "\u{7}", 2, None),
            ("777", "", 3, Some(Fault::Range)),
            (".x", "\\", 1, Some(Fault::Unknown)),
            ("é", "\\", 2, Some(Fault::Unknown)),
        ] {
            let read = escape(written);
            let found = (read.text.as_str(), read.length, read.fault);
            assert_eq!(found, (text, length, fault), "{written:?}");
        }
    }
}
