//! Bytes that look random and are the same every time.

/// The generator SplitMix64, eight bytes at a time.
pub struct Draws(u64);

impl Draws {
    pub fn of_seed(seed: u64) -> Draws {
        Draws(seed)
    }
}

impl Iterator for Draws {
    type Item = [u8; 8];

    fn next(&mut self) -> Option<[u8; 8]> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some((mixed ^ (mixed >> 31)).to_le_bytes())
    }
}
