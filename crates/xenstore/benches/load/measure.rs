//! Times, memory, and how they are summed up.

use std::time::{Duration, Instant};

/// How long one call takes.
pub fn time(call: impl FnOnce()) -> Duration {
    let began = Instant::now();
    call();
    began.elapsed()
}

/// How long each of so many calls takes.
pub fn times(count: usize, mut call: impl FnMut(usize)) -> Vec<Duration> {
    (0..count).map(|number| time(|| call(number))).collect()
}

/// The value below which this part of the durations lies.
pub fn percentile(durations: &mut [Duration], part: f64) -> Duration {
    durations.sort_unstable();
    let last = durations.len() - 1;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a position in a list"
    )]
    let position = (last as f64 * part).round() as usize;
    durations[position]
}

pub fn median(durations: &mut [Duration]) -> Duration {
    percentile(durations, 0.5)
}

pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub fn ratio(this: Duration, that: Duration) -> f64 {
    this.as_secs_f64() / that.as_secs_f64()
}

/// One line: name, p50, p99 and the longest.
pub fn print_spread(name: &str, durations: &mut [Duration]) {
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|part| micros(percentile(durations, part)));
    println!("  {name:<34} p50 {p50:>8.1} us   p99 {p99:>8.1} us   max {max:>8.1} us");
}

/// Bytes of this process in memory.
pub fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Numbers below `bound` that look random and are the same in every run.
pub fn scattered(number: usize, bound: usize) -> usize {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % bound
}
