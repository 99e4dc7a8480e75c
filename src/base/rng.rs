//! Numbers nobody has to foresee: for random elements and samples, not for secrets.
//!
//! Splitmix64: a counter that goes up by an odd constant, and each of its values mixed.

use std::hash::{BuildHasher, Hasher, RandomState};

/// See the module's description.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Starts from `seed`: the same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }

    /// Starts from where a fresh hasher of the standard library starts, which differs each time.
    pub fn unforeseen() -> Self {
        Rng(RandomState::new().build_hasher().finish())
    }

    /// Any number.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0; each is as likely as any other, to within 1 in 2^32 for the sizes of values.
    #[inline]
    pub fn below(&mut self, end: usize) -> usize {
        debug_assert!(end > 0);
        ((u128::from(self.next_u64()) * end as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_below_the_end_comes_about_as_often() {
        let mut rng = Rng::new(7);
        let mut seen = [0u32; 10];
        (0..10_000).for_each(|_| seen[rng.below(10)] += 1);
        assert!(
            seen.iter().all(|times| (850..1150).contains(times)),
            "{seen:?}"
        );
        assert_ne!(Rng::unforeseen().next_u64(), Rng::unforeseen().next_u64());
    }
}
