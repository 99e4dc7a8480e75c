//! How recently and how often a key was used: what OBJECT tells, and what eviction goes by.
//!
//! The frequency is on a scale of 0 to 255 that grows slower the further up it is: a use moves it up by one with a chance of 1 in
//! `(frequency - NEW_FREQUENCY) * log_factor + 1`, and each `decay_minutes` without use take one away. Uses are counted only under a policy that
//! goes by them; times are always noted, so that either is known when the policy changes.

/// The frequency of a key that has just come to be: it has to have a chance to be used before it goes.
pub const NEW_FREQUENCY: u8 = 5;

/// How uses are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counting {
    /// How much slower each further step is.
    pub log_factor: u32,
    /// Minutes without use that take a step back; 0 for never.
    pub decay_minutes: u32,
    /// Decides whether this use counts.
    pub random: u32,
}

/// See the module's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Unix seconds; in bytes, so that three more fit beside them.
    used_s: [u8; 4],
    frequency: u8,
}

const _: () = assert!(size_of::<Usage>() == 5);

impl Usage {
    /// Last used at `used_ms`, Unix milliseconds.
    pub fn new(used_ms: i64, frequency: u8) -> Self {
        Usage {
            used_s: unix_s(used_ms).to_ne_bytes(),
            frequency,
        }
    }

    /// When the key was last read or written, Unix seconds.
    pub fn used_s(self) -> i64 {
        u32::from_ne_bytes(self.used_s).into()
    }

    /// Seconds since then.
    pub fn idle_s(self, now_ms: i64) -> u64 {
        (now_ms / 1000 - self.used_s()).max(0).unsigned_abs()
    }

    /// The frequency, as time has left it.
    pub fn frequency(self, now_ms: i64, decay_minutes: u32) -> u8 {
        let minutes = (now_ms / 60_000 - self.used_s() / 60).max(0);
        let steps = minutes.checked_div(decay_minutes.into()).unwrap_or(0);
        self.frequency
            .saturating_sub(u8::try_from(steps).unwrap_or(u8::MAX))
    }

    /// The key is used now; that is counted if so wanted.
    #[inline]
    pub fn touch(&mut self, now_ms: i64, counting: Option<Counting>) {
        if let Some(counting) = counting {
            self.frequency = self.counted(now_ms, counting);
        }
        self.used_s = unix_s(now_ms).to_ne_bytes();
    }

    fn counted(self, now_ms: i64, counting: Counting) -> u8 {
        let frequency = self.frequency(now_ms, counting.decay_minutes);
        let above = u64::from(frequency.saturating_sub(NEW_FREQUENCY));
        let one_in = above * u64::from(counting.log_factor) + 1;
        let counts = u64::from(counting.random) < (1 << 32) / one_in;
        frequency.saturating_add(u8::from(counts))
    }
}

/// Unix seconds, for what need not be known more exactly.
fn unix_s(ms: i64) -> u32 {
    (ms.max(0).cast_unsigned() / 1000).min(u32::MAX.into()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn counting(log_factor: u32, random: u32) -> Option<Counting> {
        Some(Counting {
            log_factor,
            decay_minutes: 1,
            random,
        })
    }

    #[test]
    fn the_first_use_counts_and_later_ones_by_chance() {
        let mut usage = Usage::new(0, NEW_FREQUENCY);
        usage.touch(0, counting(10, u32::MAX));
        assert_eq!(usage.frequency(0, 1), 6);
        usage.touch(0, counting(10, u32::MAX / 10));
        assert_eq!(usage.frequency(0, 1), 6);
        usage.touch(0, counting(10, u32::MAX / 12));
        assert_eq!(usage.frequency(0, 1), 7);
        usage.touch(0, None);
        assert_eq!(usage.frequency(0, 1), 7);
        (0..300).for_each(|_| usage.touch(0, counting(0, u32::MAX)));
        assert_eq!(usage.frequency(0, 1), 255);
    }

    #[test]
    fn time_without_use_takes_away_what_use_gave() {
        let mut usage = Usage::new(0, 7);
        assert_eq!(usage.frequency(3 * MINUTE_MS, 1), 4);
        assert_eq!(usage.frequency(3 * MINUTE_MS, 2), 6);
        assert_eq!(usage.frequency(3 * MINUTE_MS, 0), 7);
        assert_eq!(usage.frequency(1000 * MINUTE_MS, 1), 0);
        usage.touch(3 * MINUTE_MS, counting(0, 0));
        assert_eq!(usage.frequency(3 * MINUTE_MS, 1), 5);
        assert_eq!(usage.idle_s(5 * MINUTE_MS), 120);
        assert_eq!(usage.idle_s(0), 0);
    }
}
