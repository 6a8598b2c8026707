//! Chance that is the same each time: a seed and a number give one sequence.
//!
//! Invariant: the dice of a case depend on nothing but its seed and its number.

use crate::seed::Draws;

/// Each state of its generator is good, so a case needs none before it.
pub struct Dice(Draws);

impl Dice {
    /// Those of a case.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut dice = Self(Draws::of_seed(seed));
        let start = dice.next() ^ number;
        Self(Draws::of_seed(start))
    }

    fn next(&mut self) -> u64 {
        u64::from_le_bytes(self.0.next().expect("it never ends"))
    }

    /// One time in so many.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    /// One of these.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        let at = self.next() % u64::try_from(of.len()).unwrap();
        of[usize::try_from(at).unwrap()]
    }
}

#[test]
fn a_case_is_the_same_each_time() {
    let drawn = |seed, number| {
        let mut dice = Dice::new(seed, number);
        (0..8).map(|_| dice.next()).collect::<Vec<_>>()
    };
    assert_eq!(drawn(1, 2), drawn(1, 2));
    assert_ne!(drawn(1, 2), drawn(1, 3));
    assert_ne!(drawn(1, 2), drawn(2, 2));
}
