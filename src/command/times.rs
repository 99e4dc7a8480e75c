//! What wall time and steady time come to for entries that go by the time in their ids. The two are told apart in `base::clock`.

/// The times that what goes by the ids of entries goes by.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Wall time, Unix milliseconds.
    pub wall_ms: i64,
    /// Steady time, Unix milliseconds.
    pub steady_ms: i64,
    /// The log is being replayed: see `Keys`.
    pub replaying: bool,
}

impl Times {
    /// Wall time, or steady time where the wall clock was put back; Unix milliseconds.
    pub fn latest_ms(&self) -> u64 {
        self.wall_ms.max(self.steady_ms).max(0).unsigned_abs()
    }

    /// Wall time, or steady time where the wall clock was put forward: an entry is not too old because the clock was stepped.
    pub fn earliest_ms(&self) -> u64 {
        self.wall_ms.min(self.steady_ms).max(0).unsigned_abs()
    }

    /// The steady time at which `latest_ms` will be `unix_ms`.
    pub fn steady_at(&self, unix_ms: u64) -> u64 {
        let ahead_ms = (self.wall_ms - self.steady_ms).max(0);
        unix_ms.saturating_sub(ahead_ms.unsigned_abs())
    }

    /// The steady time at which `earliest_ms` will be `unix_ms`.
    pub fn steady_when_outlived(&self, unix_ms: u64) -> u64 {
        let behind_ms = (self.steady_ms - self.wall_ms).max(0);
        unix_ms.saturating_add(behind_ms.unsigned_abs())
    }
}
