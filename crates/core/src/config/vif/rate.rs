//! `rate=SPEED[@INTERVAL]`: how fast a guest may transmit (contract 3.6.3, libxlu_vif.c).
//!
//! netback does not know a speed: it lets a vif send so many bytes in each interval. libxl counts
//! that out and writes `bytes,microseconds` to xenstore.

use std::fmt;
use std::str::FromStr;

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

    /// The rate as one writes it into a specification: `10Mb/s@50ms`.
    pub fn to_spec(self) -> String {
        let units = [
            (1_000_000_000, "G"),
            (1_000_000, "M"),
            (1_000, "K"),
            (1, ""),
        ];
        let us = self.interval_us;
        let interval = match us {
            _ if us.is_multiple_of(1_000_000) => format!("{}s", us / 1_000_000),
            _ if us.is_multiple_of(1_000) => format!("{}ms", us / 1_000),
            _ => format!("{us}us"),
        };
        // xl's numbers have 32 bits, so a large rate needs its unit; one of them always fits,
        // because the rate was made from one.
        let bytes = u128::from(self.bytes_per_second);
        let speed = [(bytes, "B"), (bytes * 8, "b")]
            .into_iter()
            .find_map(|(amount, what)| {
                let fits = |(size, _): &(u128, &str)| {
                    amount % size == 0 && amount / size <= u128::from(u32::MAX)
                };
                let (size, letter) = units.into_iter().find(fits)?;
                Some(format!("{}{letter}{what}/s", amount / size))
            });
        format!("{}@{interval}", speed.unwrap_or_default())
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

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (speed, interval) = match text.split_once('@') {
            Some((speed, interval)) => (speed, interval_us(interval)?),
            None => (text, DEFAULT_INTERVAL_US),
        };
        let rate = Self {
            bytes_per_second: bytes_per_second(speed)?,
            interval_us: interval,
        };
        // libxl multiplies before it divides, and refuses what does not fit into 64 bits then.
        let product = rate.bytes_per_second.checked_mul(u64::from(interval));
        match product.ok_or(RateError::Much)? / 1_000_000 {
            0 => Err(RateError::Nothing),
            _ => Ok(rate),
        }
    }
}

fn bytes_per_second(text: &str) -> Result<u64, RateError> {
    let (number, unit) = number(text, RateError::Speed)?;
    let unit = unit.strip_suffix("/s").ok_or(RateError::Speed)?;
    let (prefix, bits) = match unit.strip_suffix('b') {
        Some(prefix) => (prefix, true),
        None => (unit.strip_suffix('B').ok_or(RateError::Speed)?, false),
    };
    let size: u64 = match prefix {
        "G" => 1_000_000_000,
        "M" => 1_000_000,
        "K" => 1_000,
        "" => 1,
        _ => return Err(RateError::Speed),
    };
    // (2^32-1) * 10^9 is below 2^63.
    let amount = u64::from(number) * size;
    Ok(if bits { amount / 8 } else { amount })
}

fn interval_us(text: &str) -> Result<u32, RateError> {
    let (number, unit) = number(text, RateError::Interval)?;
    let size = match unit {
        "us" | "u" => 1,
        "ms" | "m" => 1_000,
        "s" | "" => 1_000_000,
        _ => return Err(RateError::Interval),
    };
    number.checked_mul(size).ok_or(RateError::Long)
}

/// The number a text begins with and the rest. A leading 0 means octal, as for xl's strtoul.
fn number(text: &str, missing: RateError) -> Result<(u32, &str), RateError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Err(missing);
    }
    let radix = if digits.starts_with('0') { 8 } else { 10 };
    match u32::from_str_radix(digits, radix) {
        Ok(number) if number > 0 => Ok((number, rest)),
        _ => Err(RateError::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_libxl_does() {
        for (text, stored) in [
            ("10Mb/s", "62500,50000"),
            ("1MB/s@20ms", "20000,20000"),
            ("250KB/s", "12500,50000"),
            ("1GB/s", "50000000,50000"),
            ("100B/s@1", "100,1000000"),
            ("100B/s@2s", "200,2000000"),
            ("8000b/s@10m", "10,10000"),
            ("1MB/s@1500u", "1500,1500"),
            ("1MB/s@1500us", "1500,1500"),
            ("010MB/s", "400000,50000"),
            ("4294967295GB/s@4us", "17179869180000,4"),
        ] {
            assert_eq!(
                text.parse::<Rate>().map(|r| r.to_string()),
                Ok(stored.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_the_rest() {
        use RateError::*;
        for (text, why) in [
            ("", Speed),
            ("10", Speed),
            ("10Mb", Speed),
            ("10MiB/s", Speed),
            ("-1MB/s", Speed),
            ("1 MB/s", Speed),
            ("1MB/s@", Interval),
            ("1MB/s@5min", Interval),
            ("0MB/s", Number),
            ("08MB/s", Number),
            ("4294967296B/s", Number),
            ("1MB/s@0", Number),
            ("1MB/s@4295", Long),
            ("1b/s", Nothing),
            ("1B/s@1us", Nothing),
            ("4294967295GB/s@5us", Much),
        ] {
            assert_eq!(text.parse::<Rate>(), Err(why), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_back_means_the_same() {
        for text in [
            "10Mb/s",
            "1MB/s@20ms",
            "800b/s@999999us",
            "12b/s@3",
            "4294967295Gb/s@34us",
            "4294967295GB/s@4us",
            "999b/s@1s",
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(
                rate.to_spec().parse(),
                Ok(rate),
                "{text} as {}",
                rate.to_spec()
            );
        }
        assert_eq!(
            "10Mb/s".parse::<Rate>().map(Rate::to_spec),
            Ok("1250KB/s@50ms".to_owned())
        );
    }
}
