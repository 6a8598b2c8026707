//! Chance that is the same each time: a seed and a number give one sequence.
//!
//! Invariant: the dice of a case depend on nothing but its seed and its number.

/// splitmix64 (Steele, Lea and Flood 2014): each state is good, so a case needs none before it.
pub struct Dice(u64);

impl Dice {
    /// Those of a case.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed);
        let start = dice.next() ^ number;
        Self(start)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
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
