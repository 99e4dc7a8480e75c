//! A histogram of durations that keeps two significant digits over nine decades.
//!
//! Durations are counted in nanoseconds, from 1 ns to 1 s; shorter and longer ones count as these. The buckets are
//! those of Redis's own histograms, so percentiles print the same figures for the same durations:
//!
//! ```text
//! below 256 ns       a bucket for each nanosecond
//! 256 ns to 512 ns   128 buckets of 2 ns
//! 512 ns to 1024 ns  128 buckets of 4 ns
//! ...                128 buckets for each doubling
//! ```

/// Buckets in each doubling above the first.
const BUCKETS_PER_DOUBLING: u64 = 128;
/// Durations below this have buckets of their own.
const EXACT_BELOW_NS: u64 = 2 * BUCKETS_PER_DOUBLING;
/// The shortest duration that is told from shorter ones.
const MIN_NS: u64 = 1;
/// The longest duration that is told from longer ones.
const MAX_NS: u64 = 1_000_000_000;

/// The first bound of [`Histogram::doublings`].
const FIRST_DOUBLING_NS: u64 = 1024;
/// Number of buckets.
pub const BUCKETS: usize = bucket_of(MAX_NS) + 1;

/// How often durations of each length occurred.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Of counts by bucket.
    pub fn new(counts: Vec<u64>) -> Self {
        Histogram {
            total: counts.iter().sum(),
            counts,
        }
    }

    /// How many durations were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The duration that `percentile` percent of all did not exceed: the longest that shares its bucket.
    pub fn percentile_ns(&self, percentile: f64) -> u64 {
        let rank = ((percentile / 100.0) * self.total as f64 + 0.5) as u64;
        let rank = rank.clamp(1, self.total.max(1));
        self.cumulative()
            .find(|(_, count)| *count >= rank)
            .map_or(0, |(bucket, _)| highest_in(bucket))
    }

    /// How many durations were no longer than the bucket of 1024 ns, of 2048 ns and so on: the longest duration in
    /// that bucket and the count, for each doubling in which there were any.
    pub fn doublings(&self) -> Vec<(u64, u64)> {
        let mut pairs: Vec<(u64, u64)> = Vec::new();
        for (bucket, count) in self.cumulative() {
            let power_ns = lowest_in(bucket).next_power_of_two().max(FIRST_DOUBLING_NS);
            let bound_ns = highest_in(bucket_of(power_ns));
            match pairs.last_mut() {
                Some((last_ns, last)) if *last_ns == bound_ns => *last = count,
                _ => pairs.push((bound_ns, count)),
            }
        }
        pairs
    }

    /// The buckets that hold anything, with the count of all up to them.
    fn cumulative(&self) -> impl Iterator<Item = (usize, u64)> {
        let filled = self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0);
        filled.scan(0, |sum, (bucket, count)| {
            *sum += count;
            Some((bucket, *sum))
        })
    }
}

/// The bucket that counts a duration.
#[inline]
pub const fn bucket_of(duration_ns: u64) -> usize {
    let duration_ns = match duration_ns {
        0 => MIN_NS,
        MAX_NS.. => MAX_NS,
        within => within,
    };
    if duration_ns < EXACT_BELOW_NS {
        return duration_ns as usize;
    }
    let doubling = (duration_ns.ilog2() - EXACT_BELOW_NS.ilog2() + 1) as u64;
    (BUCKETS_PER_DOUBLING * doubling + (duration_ns >> doubling)) as usize
}

fn lowest_in(bucket: usize) -> u64 {
    bucket
        .checked_sub(1)
        .map_or(0, |below| highest_in(below) + 1)
}

fn highest_in(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT_BELOW_NS {
        return bucket;
    }
    let doubling = bucket / BUCKETS_PER_DOUBLING - 1;
    let within = bucket - BUCKETS_PER_DOUBLING * doubling;
    ((within + 1) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(durations_ns: &[u64]) -> Histogram {
        let mut counts = vec![0; BUCKETS];
        for duration_ns in durations_ns {
            counts[bucket_of(*duration_ns)] += 1;
        }
        Histogram::new(counts)
    }

    /// Figures that Redis 8.2.3 printed for durations in whole microseconds.
    #[test]
    fn percentiles_print_as_in_redis() {
        for (duration_ns, printed_ns) in [
            (0, 1),
            (1_000, 1_003),
            (4_000, 4_015),
            (27_000, 27_007),
            (43_000, 43_007),
            (73_000, 73_215),
            (577_000, 577_535),
            (50_100_000, 50_331_647),
        ] {
            assert_eq!(of(&[duration_ns]).percentile_ns(50.0), printed_ns);
        }
        let many = of(&[1_000, 1_000, 1_000, 7_000]);
        assert_eq!(many.percentile_ns(50.0), 1_003);
        assert_eq!(many.percentile_ns(99.9), 7_007);
        assert_eq!(of(&[]).percentile_ns(50.0), 0);
    }

    /// Bounds in microseconds that Redis 8.2.3 printed.
    #[test]
    fn doublings_accumulate() {
        let us = |histogram: Histogram| -> Vec<(u64, u64)> {
            histogram
                .doublings()
                .into_iter()
                .map(|(bound_ns, count)| (bound_ns / 1000, count))
                .collect()
        };
        assert_eq!(us(of(&[5_000, 11_000])), [(8, 1), (16, 2)]);
        assert_eq!(us(of(&[1, 1_000, 27_000])), [(1, 2), (33, 3)]);
        assert_eq!(
            us(of(&[100_000, 131_072, 132_095, 132_096])),
            [(132, 3), (264, 4)]
        );
        assert_eq!(us(of(&[8_000_000])), [(8_454, 1)]);
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_durations(duration_ns in MIN_NS..MAX_NS / 2) {
            let highest_ns = highest_in(bucket_of(duration_ns));
            prop_assert!(highest_ns >= duration_ns);
            prop_assert!(highest_ns - duration_ns <= duration_ns / 128);
            prop_assert_eq!(bucket_of(highest_ns), bucket_of(duration_ns));
            prop_assert_ne!(bucket_of(highest_ns + 1), bucket_of(duration_ns));
        }
    }
}
