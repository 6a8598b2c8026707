//! `rate=SPEED[@INTERVAL]`: how fast a guest may transmit (contract 3.6.3, libxlu_vif.c).
//!
//! netback does not know a speed: it lets a vif send so many bytes in each interval. libxl counts
//! that out and writes `bytes,microseconds` to xenstore. xend did the same (contract 6.3) with a
//! grammar that differs at the edges: no octal numbers, and an interval always ends in `s`.

use std::fmt;
use std::str::FromStr;

use super::Dialect;

/// A limit: a speed, and the interval in which it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    bytes_per_second: u64,
    interval_us: u32,
}

/// Without `@INTERVAL`, libxl counts in 50 milliseconds.
const DEFAULT_INTERVAL_US: u32 = 50_000;

impl Rate {
    /// How many bytes the guest may send in each interval; at least 1.
    pub fn bytes_per_interval(self) -> u64 {
        // The product fits: that was checked when the rate was made.
        self.bytes_per_second
            .saturating_mul(u64::from(self.interval_us))
            / 1_000_000
    }

    /// The length of an interval in microseconds; at least 1.
    pub fn interval_us(self) -> u32 {
        self.interval_us
    }

    /// Reads a rate as this toolstack does, and refuses what it would make nothing useful of.
    ///
    /// # Errors
    ///
    /// Says what is wrong. xl gives up then, and xend sets no limit; but [`RateError::Nothing`]
    /// and some numbers with a leading 0 are taken by xl (see [`Rate::as_xl`]).
    pub fn read(text: &str, dialect: Dialect) -> Result<Self, RateError> {
        let (speed, interval) = Self::shape(text, dialect)?;
        let rate = Self {
            bytes_per_second: match speed.number(dialect)? {
                number if speed.bits => number * speed.size / 8,
                number => number * speed.size,
            },
            interval_us: match interval {
                Some(interval) => interval.microseconds(dialect)?,
                None => DEFAULT_INTERVAL_US,
            },
        };
        rate.fits(dialect)
    }

    /// Reads a rate exactly as xl does; None where xl gives up. Of an octal number that has digits
    /// 8 or 9, xl reads those before them and takes the next for the unit; and it is content with
    /// a rate at which nothing can be sent.
    pub fn as_xl(text: &str) -> Option<Self> {
        let (speed, interval) = Self::shape(text, Dialect::Xl).ok()?;
        let (number, unread) = speed.octal_prefix()?;
        let bytes = match unread {
            "" => number * speed.size / if speed.bits { 8 } else { 1 },
            // Only the two bytes behind the number are looked at.
            _ if unread.len() == 1 && speed.size == 1 && speed.bits => number / 8,
            _ => number,
        };
        let interval_us = match interval {
            None => DEFAULT_INTERVAL_US,
            Some(interval) => match interval.octal_prefix()? {
                (_, "") => interval.microseconds(Dialect::Xl).ok()?,
                (number, _) => u32::try_from(number).ok()?,
            },
        };
        let rate = Self {
            bytes_per_second: bytes,
            interval_us,
        };
        match rate.fits(Dialect::Xl) {
            Ok(_) | Err(RateError::Nothing) => Some(rate),
            Err(_) => None,
        }
    }

    /// The rate as one writes it into a specification, with the smallest number: `10Mb/s`. The
    /// interval is left out if it is the usual one.
    pub fn to_spec(self) -> String {
        let us = self.interval_us;
        let interval = match us {
            DEFAULT_INTERVAL_US => String::new(),
            _ => format!("@{}", Self::time(us, "")),
        };
        format!("{}{interval}", self.speed(""))
    }

    /// The rate for a person: `10 Mb/s, 62500 bytes each 50 ms`.
    pub fn in_words(self) -> String {
        format!(
            "{}, {} bytes each {}",
            self.speed(" "),
            self.bytes_per_interval(),
            Self::time(self.interval_us, " ")
        )
    }

    fn time(us: u32, gap: &str) -> String {
        match us {
            _ if us.is_multiple_of(1_000_000) => format!("{}{gap}s", us / 1_000_000),
            _ if us.is_multiple_of(1_000) => format!("{}{gap}ms", us / 1_000),
            _ => format!("{us}{gap}us"),
        }
    }

    /// The speed in bits or bytes, whichever is the smaller number. xl's numbers have 32 bits, so
    /// a large speed needs its unit; xm's have no end.
    fn speed(self, gap: &str) -> String {
        const UNITS: [(u128, &str); 4] = [
            (1_000_000_000, "G"),
            (1_000_000, "M"),
            (1_000, "K"),
            (1, ""),
        ];
        let bytes = u128::from(self.bytes_per_second);
        if bytes == 0 {
            // No toolstack reads 0, and xl makes this of less than 8 bits.
            return format!("1{gap}b/s");
        }
        let (amount, letter, what) = [(bytes, "B"), (bytes * 8, "b")]
            .into_iter()
            .filter_map(|(amount, what)| {
                let (size, letter) = UNITS.into_iter().find(|(size, _)| amount % size == 0)?;
                Some((amount / size, letter, what))
            })
            .min_by_key(|(amount, ..)| *amount)
            .unwrap_or((bytes, "", "B"));
        format!("{amount}{gap}{letter}{what}/s")
    }

    /// Splits a text into its parts, if it has the form that the toolstack wants.
    fn shape(text: &str, dialect: Dialect) -> Result<(Speed<'_>, Option<Interval<'_>>), RateError> {
        let (speed, interval) = match text.split_once('@') {
            Some((speed, interval)) => (speed, Some(Interval::shape(interval, dialect)?)),
            None => (text, None),
        };
        Ok((Speed::shape(speed)?, interval))
    }

    /// The rate, if the toolstack can count it out.
    fn fits(self, dialect: Dialect) -> Result<Self, RateError> {
        // Both multiply before they divide; libxl refuses what does not fit into 64 bits then, and
        // xend what does not fit into 32 afterwards.
        let product = u128::from(self.bytes_per_second) * u128::from(self.interval_us);
        let much = match dialect {
            Dialect::Xl => product > u128::from(u64::MAX),
            Dialect::Xm => product / 1_000_000 > u128::from(u32::MAX),
        };
        match product / 1_000_000 {
            _ if much => Err(RateError::Much),
            0 => Err(RateError::Nothing),
            _ => Ok(self),
        }
    }
}

impl fmt::Display for Rate {
    /// As libxl writes it to xenstore: `62500,50000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.bytes_per_interval(), self.interval_us)
    }
}

/// Why a text is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateError {
    /// The part before `@` is not a number, a unit and `/s`.
    Speed,
    /// The part behind `@` is not a number and `us`, `ms` or `s`.
    Interval,
    /// A number is 0, above 2^32-1, or begins with 0 as octal ones do and is not octal.
    Number,
    /// The interval is longer than 2^32-1 microseconds.
    Long,
    /// The guest could send not one byte in an interval.
    Nothing,
    /// The speed times the interval does not fit into 64 bits.
    Much,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Speed => "the speed should be a number, perhaps G, M or K, then B/s or b/s",
            Self::Interval => "the interval should be a number, then us, ms or s",
            Self::Number => "the numbers go from 1 to 4294967295",
            Self::Long => "an interval has at most 4294967295 microseconds",
            Self::Nothing => {
                "that is less than one byte in an interval, so the guest could never send"
            }
            Self::Much => "that is more than 64 bits can count: take a shorter interval",
        })
    }
}

impl std::error::Error for RateError {}

impl FromStr for Rate {
    type Err = RateError;

    /// As xl's rules have it.
    fn from_str(text: &str) -> Result<Self, RateError> {
        Self::read(text, Dialect::Xl)
    }
}

/// A number's digits, and what its unit stands for.
#[derive(Clone, Copy)]
struct Speed<'a> {
    digits: &'a str,
    size: u64,
    bits: bool,
}

impl<'a> Speed<'a> {
    fn shape(text: &'a str) -> Result<Self, RateError> {
        let (digits, unit) = digits(text).ok_or(RateError::Speed)?;
        let unit = unit.strip_suffix("/s").ok_or(RateError::Speed)?;
        let (prefix, bits) = match unit.strip_suffix('b') {
            Some(prefix) => (prefix, true),
            None => (unit.strip_suffix('B').ok_or(RateError::Speed)?, false),
        };
        let size = match prefix {
            "G" => 1_000_000_000,
            "M" => 1_000_000,
            "K" => 1_000,
            "" => 1,
            _ => return Err(RateError::Speed),
        };
        Ok(Self { digits, size, bits })
    }

    /// The number. Times any size it is below 2^63.
    fn number(self, dialect: Dialect) -> Result<u64, RateError> {
        match dialect {
            Dialect::Xl => number(self.digits).map(u64::from),
            // More bytes each second than this would be too many in every interval.
            Dialect::Xm => match self.digits.parse::<u64>() {
                Ok(0) => Err(RateError::Nothing),
                Ok(number) if number <= u64::MAX / 2 / self.size => Ok(number),
                _ => Err(RateError::Much),
            },
        }
    }

    fn octal_prefix(self) -> Option<(u64, &'a str)> {
        octal_prefix(self.digits)
    }
}

#[derive(Clone, Copy)]
struct Interval<'a> {
    digits: &'a str,
    size: u32,
}

impl<'a> Interval<'a> {
    fn shape(text: &'a str, dialect: Dialect) -> Result<Self, RateError> {
        let (digits, unit) = digits(text).ok_or(RateError::Interval)?;
        let size = match (unit, dialect) {
            ("us", _) | ("u", Dialect::Xl) => 1,
            ("ms", _) | ("m", Dialect::Xl) => 1_000,
            ("s", _) | ("", Dialect::Xl) => 1_000_000,
            _ => return Err(RateError::Interval),
        };
        Ok(Self { digits, size })
    }

    fn microseconds(self, dialect: Dialect) -> Result<u32, RateError> {
        let number = match dialect {
            Dialect::Xl => number(self.digits)?,
            Dialect::Xm => match self.digits.parse() {
                Ok(0) => return Err(RateError::Number),
                Ok(number) => number,
                Err(_) => return Err(RateError::Long),
            },
        };
        number.checked_mul(self.size).ok_or(RateError::Long)
    }

    fn octal_prefix(self) -> Option<(u64, &'a str)> {
        octal_prefix(self.digits)
    }
}

/// The digits a text begins with, of which there is at least one, and the rest.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    (!digits.is_empty()).then_some((digits, rest))
}

/// A number of xl's: a leading 0 means octal, as for strtoull.
fn number(digits: &str) -> Result<u32, RateError> {
    let radix = if digits.starts_with('0') { 8 } else { 10 };
    match u32::from_str_radix(digits, radix) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(RateError::Number),
    }
}

/// The number of xl's that the digits begin with, if xl goes on with it, and the digits left.
fn octal_prefix(digits: &str) -> Option<(u64, &str)> {
    let end = match digits.starts_with('0') {
        true => digits.find(['8', '9']).unwrap_or(digits.len()),
        false => digits.len(),
    };
    let (read, unread) = digits.split_at(end);
    Some((number(read).ok()?.into(), unread))
}

#[cfg(test)]
mod tests;
