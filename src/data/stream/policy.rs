//! What a stream and a group do by themselves: policies, all off by default.
//!
//! A policy is facts only. Who obeys it is `group.rs` (leases, limits), `order.rs` (order), `trim.rs` (retention) and the commands; the words
//! for it are in `settings.rs`.

use super::trim::References;

/// What a group does with entries that are not settled.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub struct GroupPolicy {
    /// How long a lease runs; 0 is for ever.
    pub ack_wait_ms: u64,
    /// How long a failed entry rests.
    pub backoff: Option<Backoff>,
    /// How often an entry is delivered at most; 0 is without end.
    pub max_deliver: u64,
    /// The stream that takes what cannot be delivered; empty is none.
    pub dead_letter: Box<[u8]>,
    /// At so many pending entries no further ones are taken on; 0 is no limit.
    pub max_pending: u64,
    /// Which entries are delivered one after another.
    pub order: Option<Order>,
}

/// Rests that double, within bounds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Backoff {
    /// The rest after the first failure.
    pub min_ms: u64,
    /// The longest rest.
    pub max_ms: u64,
}

/// Which entries follow one another.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Order {
    /// Those with the same value of this field; those without it are free.
    Field(Box<[u8]>),
    /// All.
    Whole,
}

/// What a stream keeps, and for how long.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub struct StreamPolicy {
    /// So many entries at most; 0 is no limit.
    pub max_len: u64,
    /// Entries no older than this; 0 is no limit.
    pub max_age_ms: u64,
    /// So many bytes of names and values at most; 0 is no limit.
    pub max_bytes: u64,
    /// What becomes of references to what is trimmed.
    pub references: References,
    /// A full stream takes no entry, instead of dropping its oldest.
    pub rejects: bool,
    /// An acknowledged entry that no group needs any more is deleted.
    pub deletes_acked: bool,
    /// What is remembered of producers.
    pub idmp: IdmpLimits,
}

/// What a stream remembers of producers that number what they send, so that it takes nothing twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct IdmpLimits {
    /// For how long, seconds.
    pub duration_s: u64,
    /// So many of each producer's ids at most.
    pub max_size: u64,
}

impl Default for IdmpLimits {
    fn default() -> IdmpLimits {
        IdmpLimits {
            duration_s: 100,
            max_size: 100,
        }
    }
}

impl IdmpLimits {
    /// The longest time, seconds.
    pub const MAX_DURATION_S: u64 = 86_400;
    /// The most messages of a producer.
    pub const MAX_SIZE: u64 = 10_000;

    /// Whether they lie within their bounds.
    pub fn are_sound(&self) -> bool {
        (1..=Self::MAX_DURATION_S).contains(&self.duration_s)
            && (1..=Self::MAX_SIZE).contains(&self.max_size)
    }

    /// When a message is forgotten that became an entry at `entry_ms`.
    pub fn expiry_ms(&self, entry_ms: u64) -> u64 {
        entry_ms.saturating_add(self.duration_s.saturating_mul(1000))
    }

    /// The time up to which messages are forgotten, if there is one.
    pub fn horizon_ms(&self, now_ms: u64) -> Option<u64> {
        now_ms.checked_sub(self.duration_s.saturating_mul(1000))
    }
}

impl Backoff {
    /// How long an entry rests after its attempt number `attempt`, counted from 1, has failed.
    pub fn rest_ms(&self, attempt: u64) -> u64 {
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let factor = 1u64.checked_shl(doublings).unwrap_or(u64::MAX);
        self.min_ms.saturating_mul(factor).min(self.max_ms)
    }
}

impl GroupPolicy {
    /// True if an entry delivered so often is not to be delivered again.
    pub fn is_spent(&self, delivery_count: u64) -> bool {
        self.max_deliver > 0 && delivery_count >= self.max_deliver
    }

    /// True if nothing is asked for.
    pub fn is_off(&self) -> bool {
        *self == GroupPolicy::default()
    }
}

impl StreamPolicy {
    /// True if nothing is asked for.
    pub fn is_off(&self) -> bool {
        *self == StreamPolicy::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_double_up_to_a_bound() {
        let backoff = Backoff {
            min_ms: 100,
            max_ms: 1000,
        };
        let rests = [0, 1, 2, 3, 4, 5, 64, 65, u64::MAX].map(|attempt| backoff.rest_ms(attempt));
        assert_eq!(rests, [100, 100, 200, 400, 800, 1000, 1000, 1000, 1000]);
    }
}
