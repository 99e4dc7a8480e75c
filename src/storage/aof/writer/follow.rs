//! The writer's thread, and what cores do in its place.
//!
//! Where replies do not wait for a sync, a core hands to the kernel what the log has gathered before it sends replies that tell of it
//! (`write_through`): a process that is killed has lost nothing then. The thread hears when syncs end, begins those that are due,
//! changes files, and heals. Whatever of this may take long makes cores keep away meanwhile, as does a sync: a write may have to wait for
//! that. Then the thread writes, every few milliseconds, and what a reply told of may be lost for as long with the process.

use super::{Fsync, LOST, SECOND, Segment, Writer};
use crate::keyspace::Log;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How long appends gather between two writes of the thread where replies do not wait for them,
const GATHER: Duration = Duration::from_millis(5);
/// unless so much has gathered before: the processor's caches should still hold it when it is written.
const GATHER_BYTES: usize = 256 * 1024;
/// The longest wait for appends that are likely to come, where replies wait.
const LINGER: Duration = Duration::from_micros(50);
/// Attempts to make the rest durable at the end that may fail, one after another.
const LAST_ATTEMPTS: usize = 3;

/// What the thread waits for.
struct Rest {
    /// So many bytes to gather,
    bytes: usize,
    /// or so long;
    timeout: Duration,
    /// and then a moment for so many appends.
    appends: u32,
}

/// Starts the thread, which follows the log until told to stop; then everything is durable, or the error says why not. Cores reach the
/// writer by its `Control`.
pub fn start(writer: Writer) -> io::Result<JoinHandle<io::Result<()>>> {
    let control = writer.control;
    let writer = Arc::new(Mutex::new(writer));
    control.attach(writer.clone());
    let thread = Builder::new().name("log-writer".into());
    thread.spawn(move || follow(&writer))
}

fn follow(writer: &Mutex<Writer>) -> io::Result<()> {
    let mut failures = 0;
    loop {
        let mut writer = writer.lock();
        let stopping = writer.control.is_stopping();
        let outcome = writer.round(stopping);
        writer.obey();
        if stopping {
            failures = outcome.as_ref().map_or_else(|_| failures + 1, |()| 0);
            if let Some(ended) = writer.end(outcome, failures) {
                return ended;
            }
        }
        let rest = writer.rest(stopping);
        let log = writer.log;
        drop(writer);
        rest.take(log);
    }
}

impl Rest {
    fn take(&self, log: &Log) {
        log.wait(self.bytes, self.timeout);
        let began = Instant::now();
        while log.waiting_appends() < self.appends && began.elapsed() < LINGER {
            std::thread::yield_now();
        }
    }
}

impl Writer {
    /// Writes what the log has gathered, and begins a sync if one is due: what a core does.
    pub(in super::super) fn write_through(&mut self) {
        if self.is_open_to_cores() {
            self.take();
            let outcome = self.write_plain();
            self.note_sizes();
            if let Err(error) = outcome {
                self.fail(&error);
            }
        }
        if !self.is_open_to_cores() {
            self.control.set_cores_write(false);
            self.log.call();
        }
    }

    fn write_plain(&mut self) -> io::Result<()> {
        if let Some(segment) = &mut self.segment {
            segment.write(&mut self.queue)?;
        }
        self.sync(self.control.fsync(), false)
    }

    /// True while to write takes no longer than the kernel needs to take the bytes.
    fn is_open_to_cores(&self) -> bool {
        self.segment.as_ref().is_some_and(Segment::is_plain)
            && !self.are_replies_held()
            && !self.control.is_stopping()
            && !self.syncer.is_running()
            && self.failed.is_none()
            && self.queue.turn().is_none()
            && !self.queue.is_full()
    }

    /// True where replies wait for what they tell of: also while a save lets `always` go without syncs.
    fn are_replies_held(&self) -> bool {
        self.control.fsync() == Fsync::Always || self.log.is_holding()
    }

    /// How the thread ends, if this was its last round.
    fn end(&mut self, outcome: io::Result<()>, failures: usize) -> Option<io::Result<()>> {
        match outcome {
            Ok(()) if self.lost => Some(Err(io::Error::other(LOST))),
            Ok(()) if self.is_done() => {
                // What cannot be cut off now is when the log is opened again.
                let _ = self.end_filler();
                self.note_sizes();
                Some(Ok(()))
            }
            Err(error) if failures == LAST_ATTEMPTS => Some(Err(error)),
            _ => None,
        }
    }

    /// What is to be waited for after a round.
    fn rest(&self, stopping: bool) -> Rest {
        let is_open = self.is_open_to_cores();
        self.control.set_cores_write(is_open);
        let (bytes, timeout) = match self.failed {
            Some(_) if stopping => (usize::MAX, GATHER),
            Some(at) => (usize::MAX, at.saturating_duration_since(Instant::now())),
            None if self.queue.is_full() => (usize::MAX, SECOND),
            None if self.are_replies_held() => {
                return Rest {
                    bytes: 1,
                    timeout: SECOND,
                    appends: self.batch.appends,
                };
            }
            // Before they knew that they may, cores have appended; they count on the thread.
            None if is_open && self.log.waiting_appends() > 0 => (1, SECOND),
            None if is_open => (GATHER_BYTES, self.until_sync()),
            None if self.batch.appends > 0 => (GATHER_BYTES, GATHER),
            None => (1, self.until_sync()),
        };
        Rest {
            bytes,
            timeout,
            appends: 0,
        }
    }

    fn until_sync(&self) -> Duration {
        let unsynced = self.segment.as_ref().is_some_and(Segment::is_unsynced);
        let is_due = unsynced && self.control.fsync() != Fsync::Never;
        match is_due && !self.syncer.is_running() {
            true => self.tools.second.saturating_sub(self.last_sync.elapsed()),
            false => SECOND,
        }
    }
}
