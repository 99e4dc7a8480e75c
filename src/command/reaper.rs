//! Frees large values on a thread of their own, so that no core stalls.
//!
//! Bound: `QUEUE` values wait; beyond that whoever has one frees it himself.

use crate::base::gauge;
use crate::data::Value;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Values that may wait to be freed.
const QUEUE: usize = 1024;

#[derive(Debug, Default)]
struct Counts {
    given: AtomicU64,
    freed: AtomicU64,
}

/// See the module's description.
#[derive(Debug)]
pub struct Reaper {
    queue: SyncSender<Value>,
    counts: Arc<Counts>,
}

impl Reaper {
    /// Starts the thread, which ends with what this returns.
    pub fn start() -> io::Result<Self> {
        let (queue, discarded) = sync_channel::<Value>(QUEUE);
        let counts = Arc::new(Counts::default());
        let reaped = counts.clone();
        std::thread::Builder::new()
            .name("reaper".into())
            .spawn(move || {
                for value in discarded {
                    drop(value);
                    gauge::tell();
                    reaped.freed.fetch_add(1, Ordering::Release);
                }
            })?;
        Ok(Reaper { queue, counts })
    }

    /// Has a value freed.
    pub fn free(&self, value: Value) {
        self.counts.given.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(value).is_err() {
            self.counts.freed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Values that wait to be freed.
    pub fn waiting(&self) -> u64 {
        // Read first, so that it is never more than were given.
        let freed = self.freed();
        self.counts
            .given
            .load(Ordering::Relaxed)
            .saturating_sub(freed)
    }

    /// Values that were freed.
    pub fn freed(&self) -> u64 {
        self.counts.freed.load(Ordering::Acquire)
    }
}
