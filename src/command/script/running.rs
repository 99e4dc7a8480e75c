//! Which script runs: since when, whether others are told that the server is busy, and whether it is to be killed.
//!
//! One script runs at a time (`Keyspace::script_turn`), so there is one of these. A script that has run for `busy-reply-threshold` is *busy*: who
//! would have to wait for it is told so. Only then can it be killed, and only if it has written nothing.

use super::super::error::{self, Error};
use super::super::shared::{Shared, gate};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// What runs, for FUNCTION STATS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct What {
    /// The function's name; none for a script.
    pub function: Option<Box<[u8]>>,
    /// The request that runs it.
    pub request: Vec<Box<[u8]>>,
    /// Since when.
    pub began: Instant,
}

/// Nothing has come of the script yet: either may.
const CLEAN: u8 = 0;
/// It has run a command that writes.
const WROTE: u8 = 1;
/// It is to be killed.
const KILLED: u8 = 2;

/// See the module's description.
#[derive(Debug, Default)]
pub struct Running {
    busy: AtomicBool,
    was_busy: AtomicBool,
    /// What has come of the script: one word, so that none is killed while it begins to write.
    fate: AtomicU8,
    abandoned: AtomicBool,
    /// What runs, as soon as it is busy.
    what: Mutex<Option<What>>,
}

impl Running {
    /// A script begins.
    pub fn begin(&self) {
        self.fate.store(CLEAN, Ordering::SeqCst);
    }

    /// The script is over.
    pub fn end(&self, shared: &Shared) {
        if self.busy.load(Ordering::Relaxed) {
            shared.keyspace.set_stalled(false);
            shared.set_gate(gate::BUSY, false);
            self.busy.store(false, Ordering::SeqCst);
            self.was_busy.store(true, Ordering::SeqCst);
            *self.what.lock() = None;
        }
    }

    /// The script has run for so long that others are told.
    pub fn set_busy(&self, shared: &Shared, what: What) {
        *self.what.lock() = Some(what);
        self.busy.store(true, Ordering::SeqCst);
        shared.set_gate(gate::BUSY, true);
        shared.keyspace.set_stalled(true);
    }

    /// True once after a script that was busy.
    pub fn take_was_busy(&self) -> bool {
        self.was_busy.load(Ordering::Relaxed) && self.was_busy.swap(false, Ordering::SeqCst)
    }

    /// Who has taken that leaves what follows from it to whoever runs the next script.
    pub fn put_was_busy_back(&self) {
        self.was_busy.store(true, Ordering::SeqCst);
    }

    /// True once others are told.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// The script is about to run a command that writes. False if it may not, since it is to be killed.
    pub fn note_write(&self) -> bool {
        self.meet(WROTE)
    }

    /// True if this is, or was before, what has come of the script.
    fn meet(&self, fate: u8) -> bool {
        let met = self
            .fate
            .compare_exchange(CLEAN, fate, Ordering::SeqCst, Ordering::SeqCst);
        met.is_ok() || met == Err(fate)
    }

    /// True once the script has run a command that writes.
    pub fn has_written(&self) -> bool {
        self.fate.load(Ordering::Relaxed) == WROTE
    }

    /// True if it is to be killed.
    pub fn is_killed(&self) -> bool {
        self.fate.load(Ordering::SeqCst) == KILLED
    }

    /// Has the script killed, or the function.
    pub fn kill(&self, is_for_functions: bool) -> Result<(), Error> {
        let what = self.what.lock();
        let Some(what) = what.as_ref() else {
            return Err(error::NO_SCRIPT_RUNNING);
        };
        if self.has_written() {
            return Err(error::SCRIPT_UNKILLABLE);
        }
        match (is_for_functions, what.function.is_some()) {
            (false, true) => return Err(error::BUSY_FUNCTION),
            (true, false) => return Err(error::BUSY_SCRIPT),
            _ => {}
        }
        let is_killed = self.meet(KILLED);
        is_killed.then_some(()).ok_or(error::SCRIPT_UNKILLABLE)
    }

    /// The server goes down, and nothing is to be kept of what the script does.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
    }

    /// True once nothing is to be kept of what the script does.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    /// What runs, if it is busy.
    pub fn what(&self) -> Option<What> {
        self.what.lock().clone()
    }

    /// What those are told who would have to wait.
    pub fn refusal(&self) -> Error {
        match &*self.what.lock() {
            Some(what) if what.function.is_some() => error::BUSY_FUNCTION,
            _ => error::BUSY_SCRIPT,
        }
    }
}

/// How long a script may run before others are told; none for ever.
pub fn threshold(busy_reply_threshold_ms: i64) -> Option<Duration> {
    let ms = u64::try_from(busy_reply_threshold_ms).ok()?;
    (ms > 0).then(|| Duration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_killed_or_writes_but_never_both() {
        let running = Running::default();
        *running.what.lock() = Some(What {
            function: None,
            request: Vec::new(),
            began: Instant::now(),
        });
        running.begin();
        assert!(running.note_write() && running.note_write());
        assert_eq!(running.kill(false), Err(error::SCRIPT_UNKILLABLE));
        assert!(running.has_written() && !running.is_killed());
        running.begin();
        assert_eq!(running.kill(true), Err(error::BUSY_SCRIPT));
        assert_eq!([running.kill(false), running.kill(false)], [Ok(()), Ok(())]);
        assert!(!running.note_write());
        assert!(running.is_killed() && !running.has_written());
    }
}
