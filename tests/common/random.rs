//! Random numbers that can be had again.
#![allow(dead_code)] // Each test file uses its own part.

/// Random numbers from a seed that is printed, so that a failing run can be had again with MILLSTREAM_SEED.
pub struct Random(u64);

impl Random {
    /// A new sequence.
    pub fn from_env() -> Random {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("the epoch lies behind");
        let seed = match std::env::var("MILLSTREAM_SEED") {
            Ok(seed) => seed.parse().expect("MILLSTREAM_SEED is a number"),
            Err(_) => now.as_nanos() as u64,
        };
        println!("MILLSTREAM_SEED={seed}");
        Random(seed)
    }

    /// The sequence of a given seed.
    pub fn of(seed: u64) -> Random {
        Random(seed)
    }

    /// A sequence of its own for each of several threads.
    pub fn fork(&mut self) -> Random {
        Random(self.next())
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// The splitmix64 sequence.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
