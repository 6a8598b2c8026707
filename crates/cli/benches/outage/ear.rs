//! An ear: how long it heard nothing.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Hears answers or bytes as they come.
pub struct Ear(Mutex<Times>);

struct Times {
    last: Instant,
    longest: Duration,
}

/// What an ear has to say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silence {
    /// The longest since it was told to forget, in microseconds.
    pub longest: u128,
    /// The one that goes on, in microseconds.
    pub current: u128,
}

impl Default for Ear {
    fn default() -> Self {
        Self(Mutex::new(Times {
            last: Instant::now(),
            longest: Duration::ZERO,
        }))
    }
}

impl Ear {
    /// Something came.
    pub fn hears(&self) {
        let mut times = self.0.lock().unwrap();
        let now = Instant::now();
        times.longest = times.longest.max(now - times.last);
        times.last = now;
    }

    /// Past silence does not count.
    pub fn forgets(&self) {
        self.0.lock().unwrap().longest = Duration::ZERO;
    }

    pub fn tells(&self) -> Silence {
        let times = self.0.lock().unwrap();
        let current = times.last.elapsed();
        Silence {
            longest: times.longest.max(current).as_micros(),
            current: current.as_micros(),
        }
    }
}
