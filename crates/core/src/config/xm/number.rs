//! Numbers as texts, as Python writes them: for `%`, for `.format` and for `str`.

/// How a value is to be written: what stands between the sign of a conversion and its letter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) precision: Option<usize>,
    /// `+` or a blank, before what is not negative.
    pub(super) plus: Option<char>,
    /// `#`: with 0x before.
    pub(super) alternate: bool,
    /// Filled with zeros behind the sign.
    pub(super) zeros: bool,
}

/// A whole number by the letter of its conversion.
pub(super) fn int(value: i128, letter: char, layout: Layout) -> String {
    let size = value.unsigned_abs();
    let (prefix, digits) = match letter {
        'x' => ("0x", format!("{size:x}")),
        'X' => ("0X", format!("{size:X}")),
        'o' => ("0o", format!("{size:o}")),
        'b' => ("0b", format!("{size:b}")),
        _ => ("", size.to_string()),
    };
    let digits = match layout.precision {
        Some(least) => format!("{digits:0>least$}"),
        None => digits,
    };
    let prefix = if layout.alternate { prefix } else { "" };
    signed(value < 0, prefix, &digits, layout)
}

/// The sign, the prefix, and zeros up to the width.
fn signed(negative: bool, prefix: &str, digits: &str, layout: Layout) -> String {
    let sign = match layout.plus {
        _ if negative => "-".to_owned(),
        Some(plus) => plus.to_string(),
        None => String::new(),
    };
    let before = format!("{sign}{prefix}");
    let zeros = match layout.zeros {
        true => layout.width.saturating_sub(before.len() + digits.len()),
        false => 0,
    };
    format!("{before}{}{digits}", "0".repeat(zeros))
}

/// A fraction by the letter of its conversion: f, e, g or %.
pub(super) fn float(value: f64, letter: char, layout: Layout) -> String {
    let precision = layout.precision.unwrap_or(6).min(200);
    let size = value.abs();
    let digits = match letter.to_ascii_lowercase() {
        _ if !value.is_finite() => if value.is_nan() { "nan" } else { "inf" }.to_owned(),
        'e' => exponent(&format!("{size:.precision$e}")),
        'g' => general(size, precision.max(1), layout.alternate),
        '%' => format!("{:.precision$}%", size * 100.0),
        _ => format!("{size:.precision$}"),
    };
    let digits = match letter.is_ascii_uppercase() {
        true => digits.to_ascii_uppercase(),
        false => digits,
    };
    signed(
        value.is_sign_negative() && !value.is_nan(),
        "",
        &digits,
        layout,
    )
}

/// `1.5e7` as Python writes it: `1.5e+07`.
fn exponent(written: &str) -> String {
    let (digits, power) = written.split_once('e').unwrap_or((written, "0"));
    let (sign, power) = match power.strip_prefix('-') {
        Some(power) => ('-', power),
        None => ('+', power),
    };
    format!("{digits}e{sign}{power:0>2}")
}

fn general(size: f64, precision: usize, keep_zeros: bool) -> String {
    let written = format!("{size:.*e}", precision - 1);
    let power: i32 = written
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0);
    let trimmed = |digits: &str| match keep_zeros || !digits.contains('.') {
        true => digits.to_owned(),
        false => digits
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
    };
    let most = i32::try_from(precision).unwrap_or(i32::MAX);
    if power < -4 || power >= most {
        let (digits, _) = written.split_once('e').unwrap_or((&written, ""));
        return exponent(&format!("{}e{power}", trimmed(digits)));
    }
    let behind = usize::try_from(most - 1 - power).unwrap_or(0);
    trimmed(&format!("{size:.behind$}"))
}

/// A fraction as `repr` writes it: as short as can be read back.
pub(super) fn repr(value: f64) -> String {
    if !value.is_finite() {
        return float(value, 'f', Layout::default());
    }
    let written = format!("{value:e}");
    let (digits, power) = written.split_once('e').unwrap_or((&written, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    if !(-4..16).contains(&power) {
        return exponent(&format!("{digits}e{power}"));
    }
    let plain = format!("{value}");
    match plain.contains('.') {
        true => plain,
        false => plain + ".0",
    }
}

/// Fills a text up to a width: `<`, `>`, `^`, as `.format` names them. How much goes before and
/// behind.
pub(super) fn fill(length: usize, width: usize, align: char) -> (usize, usize) {
    let missing = width.saturating_sub(length);
    match align {
        '<' => (0, missing),
        '^' => (missing / 2, missing - missing / 2),
        _ => (missing, 0),
    }
}
