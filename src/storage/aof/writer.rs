//! What follows the log, a thread (`follow`): it takes what has gathered, writes it, syncs it as `appendfsync` says, and tells how far the log is
//! durable.
//!
//! - `always`: each round writes and syncs; what is appended meanwhile makes the next round, so one sync serves many (group
//!   commit). Before a round it waits a moment for as many appends as the last round had, since clients that were answered together
//!   tend to come again together. What a round writes is a parcel, over filler (`parcel`).
//! - `everysec`: what is appended is written before a reply tells of it, by the core that sends that (`follow`); once a second another
//!   thread syncs, and meanwhile a round every few milliseconds writes.
//! - `no`: the same without syncs. What is written may be told of, and is not known to be durable before a sync that something else asks for.
//!
//! **When the disk fails**, the writer keeps all that is not known to be durable and says so (`News::Failed`). Every second it truncates
//! the file back to what is known to be durable, writes all again and syncs: if that works, the file is sound whatever the failed
//! call left behind. Only what was written without being kept (under `no`) cannot be healed so when a sync fails: then the log is no
//! longer whole (`Log::is_whole`), which has a new base written, and takes up again with that.
//!
//! Knows files and bytes; no command. Bounds: `RETAINED_BYTES` in `queue`, then the log's own.

mod follow;

pub use follow::start;

use super::control::{Control, Fsync, NewBase, News, Order};
use super::files::{Files, Place};
use super::queue::{Mark, Queue};
use super::segment::Segment;
use super::syncer::Syncer;
use crate::base::clock::Clock;
use crate::base::disk::Disk;
use crate::base::gauge;
use crate::keyspace::Log;
use crate::keyspace::log::{Batch, Turn};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// From one sync to the next, and from one attempt to heal to the next.
pub const SECOND: Duration = Duration::from_secs(1);
/// How far a file is filled ahead where replies wait: a sync for some hundred rounds, and too little to delay the next.
pub const FILL_BYTES: u64 = 1024 * 1024;
const LOST: &str =
    "a part of the log that was written under appendfsync no has not reached the disk";

/// What the writer works with.
pub struct Tools {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// Where the files are.
    pub place: Place,
    /// The clock, for annotations.
    pub clock: Clock,
    /// `SECOND`, unless a test is in a hurry.
    pub second: Duration,
    /// `FILL_BYTES`, unless a test is to come to the end of it.
    pub fill_bytes: u64,
    /// Who is told.
    pub tell: Box<dyn Fn(News) + Send>,
}

/// See the module's description.
pub struct Writer {
    log: &'static Log,
    control: &'static Control,
    tools: Tools,
    files: Option<Files>,
    /// The file that grows; None while the log is turned off, and from when something is lost until the next turn.
    segment: Option<Segment>,
    queue: Queue,
    batch: Batch,
    /// Bases that are ready before the writer has come to their cut.
    early: Vec<NewBase>,
    syncer: Syncer,
    /// The disk has failed; when to try again.
    failed: Option<Instant>,
    /// Something that was not kept is not on the disk: nothing is promised until a base is installed.
    lost: bool,
    /// The offset up to which the log is synced, in files that may lack a base yet.
    synced: u64,
    last_sync: Instant,
    /// A sync was due while one was under way, and this has been counted.
    delayed: bool,
    /// The second of the last annotation.
    annotated_s: i64,
    /// Bytes of the files before the segment.
    older_bytes: u64,
}

impl Writer {
    /// A writer of a log that is turned off.
    pub fn new(log: &'static Log, control: &'static Control, tools: Tools) -> io::Result<Self> {
        let mut queue = Queue::default();
        queue.start_at(log.end());
        Ok(Writer {
            log,
            control,
            tools,
            files: None,
            segment: None,
            queue,
            batch: Batch::default(),
            early: Vec::new(),
            syncer: Syncer::start(|| log.call())?,
            failed: None,
            lost: false,
            synced: log.end(),
            last_sync: Instant::now(),
            delayed: false,
            annotated_s: 0,
            older_bytes: 0,
        })
    }

    /// Goes on with files that were found, or created: their last increment is continued.
    pub fn open(mut self, mut files: Files) -> io::Result<Self> {
        files.remove_history()?;
        let offset = self.log.end();
        let (mut file, len) = match files.continue_increment()? {
            Some(found) => found,
            None => (files.begin_increment(offset)?, 0),
        };
        // The process before may have died before it synced.
        file.sync()?;
        self.segment = Some(Segment::new(file, len, offset));
        self.older_bytes = files.bytes_before_last();
        self.files = Some(files);
        self.log.set_whole(true);
        self.note_sizes();
        self.note_base();
        Ok(self)
    }

    /// True when nothing is left to write or to sync.
    fn is_done(&self) -> bool {
        self.failed.is_none() && self.queue.is_written() && self.queue.offset() == self.log.end()
    }

    /// Takes, writes and syncs what there is to.
    fn round(&mut self, stopping: bool) -> io::Result<()> {
        if self.control.fsync() == Fsync::Always {
            self.control.set_cores_write(false);
        }
        let outcome = self.try_round(stopping);
        self.note_sizes();
        outcome.inspect_err(|error| self.fail(error))
    }

    fn try_round(&mut self, stopping: bool) -> io::Result<()> {
        let ended = self.syncer.poll();
        self.hear(ended)?;
        let healing = match self.failed {
            Some(at) if Instant::now() < at && !stopping && self.log.is_recording() => {
                return Ok(());
            }
            Some(_) => {
                self.start_again()?;
                true
            }
            None => false,
        };
        self.take();
        let fsync = self.control.fsync();
        self.write(fsync)?;
        self.sync(fsync, healing || stopping)?;
        if healing {
            self.heal();
        }
        Ok(())
    }

    fn take(&mut self) {
        self.batch.appends = 0;
        if self.queue.is_full() {
            return;
        }
        // What is appended meanwhile waits: it might never end.
        let end = self.log.end();
        while self.take_piece() < end {}
    }

    /// Takes a piece; returns the offset behind it.
    fn take_piece(&mut self) -> u64 {
        self.batch.bytes = self.queue.buffer();
        self.log.take(&mut self.batch);
        let end = self.batch.end();
        self.queue.recycle(std::mem::take(&mut self.batch.spare));
        let prefix = match self.batch.bytes.is_empty() {
            true => {
                // Between two batches there is nothing either, for a moment.
                if self.queue.bytes() == 0 {
                    self.queue.shrink();
                }
                None
            }
            false => self.annotation(),
        };
        self.queue.push(&mut self.batch, prefix);
        self.note_memory();
        end
    }

    /// The time, once a second, if it is wanted.
    fn annotation(&mut self) -> Option<String> {
        if !self.control.timestamps() {
            return None;
        }
        let now_s = self.tools.clock.now().unix_ms / 1000;
        let before_s = std::mem::replace(&mut self.annotated_s, now_s);
        (before_s != now_s).then(|| format!("#TS:{now_s}\r\n"))
    }

    /// Writes all that is queued, going through turns.
    fn write(&mut self, fsync: Fsync) -> io::Result<()> {
        loop {
            if fsync == Fsync::Always {
                self.sync_now()?;
            }
            match &mut self.segment {
                Some(segment) if fsync == Fsync::Always => {
                    let (ahead, rest) = (self.tools.fill_bytes, self.tools.second);
                    segment.write_parcel(&mut self.queue, ahead, rest)?;
                }
                Some(segment) => segment.write(&mut self.queue)?,
                None => self.queue.skip_to_turn(),
            }
            let Some((turn, offset)) = self.queue.turn() else {
                return Ok(());
            };
            self.control.set_cores_write(false);
            match turn {
                Turn::Next => self.begin_segment(offset)?,
                Turn::End => self.end_log(offset)?,
            }
            self.queue.pass_turn();
        }
    }

    /// Goes on in a new file; all that is in the one before is durable first.
    fn begin_segment(&mut self, offset: u64) -> io::Result<()> {
        self.sync_now()?;
        self.end_filler()?;
        let files = match &mut self.files {
            Some(files) => files,
            none => {
                let (disk, place) = (&self.tools.disk, &self.tools.place);
                let found = place.load(&**disk)?.unwrap_or_default();
                none.insert(Files::new(disk.clone(), place.clone(), found))
            }
        };
        if self.segment.is_none() {
            files.unlist();
        }
        let file = files.begin_increment(offset)?;
        self.segment = Some(Segment::new(file, 0, offset));
        self.older_bytes = files.bytes_before_last();
        Ok(())
    }

    /// The log is turned off. If its end cannot be synced, the next round gives it up.
    fn end_log(&mut self, offset: u64) -> io::Result<()> {
        self.sync_now()?;
        self.end_filler()?;
        self.segment = None;
        self.files = None;
        self.lost = false;
        self.heal();
        self.publish(offset);
        Ok(())
    }

    /// The file ends where what is written ends.
    fn end_filler(&mut self) -> io::Result<()> {
        self.segment.as_mut().map_or(Ok(()), Segment::end_filler)
    }

    fn sync(&mut self, fsync: Fsync, at_once: bool) -> io::Result<()> {
        match fsync {
            _ if at_once => self.sync_now(),
            Fsync::Always => self.sync_now(),
            Fsync::EverySecond => self.sync_if_due(),
            Fsync::Never => {
                self.keep_nothing();
                Ok(())
            }
        }
    }

    fn sync_now(&mut self) -> io::Result<()> {
        let ended = self.syncer.wait();
        self.hear(ended)?;
        let Some(segment) = &mut self.segment else {
            self.publish(self.queue.offset());
            return Ok(());
        };
        let mark = self.queue.mark(segment.len);
        let outcome = segment.sync();
        self.last_sync = Instant::now();
        self.hear(Some((mark, outcome)))
    }

    fn sync_if_due(&mut self) -> io::Result<()> {
        let late = self.last_sync.elapsed() >= self.tools.second;
        let is_due = late || self.queue.is_long();
        let unsynced = self
            .segment
            .as_ref()
            .filter(|segment| segment.is_unsynced());
        let Some(segment) = unsynced.filter(|_| is_due) else {
            return Ok(());
        };
        if self.syncer.is_running() {
            if late && !std::mem::replace(&mut self.delayed, true) {
                let delayed = &self.control.seen().delayed_syncs;
                delayed.fetch_add(1, Ordering::Relaxed);
            }
            return Ok(());
        }
        let Ok(file) = segment.share() else {
            // Without a descriptor to spare it takes the writer's time, and works.
            return self.sync_now();
        };
        let mark = self.queue.mark(segment.len);
        self.syncer.begin(file, mark);
        self.last_sync = Instant::now();
        self.delayed = false;
        Ok(())
    }

    /// A sync has ended.
    fn hear(&mut self, ended: Option<(Mark, io::Result<()>)>) -> io::Result<()> {
        let (Some((mark, outcome)), Some(segment)) = (ended, &mut self.segment) else {
            return Ok(());
        };
        if outcome.is_err() {
            if segment.unkept_len > segment.synced_len {
                self.lose();
            }
            return outcome;
        }
        segment.synced_len = segment.synced_len.max(mark.len);
        segment.keep_from(mark);
        self.queue.forget(mark);
        self.note_memory();
        self.synced = self.synced.max(mark.offset);
        self.publish(mark.offset);
        Ok(())
    }

    /// What is written is left to the kernel.
    fn keep_nothing(&mut self) {
        if let Some(segment) = &mut self.segment {
            let mark = self.queue.mark(segment.len);
            segment.unkept_len = mark.len;
            segment.keep_from(mark);
            self.queue.forget(mark);
            self.note_memory();
            self.publish(mark.offset);
        }
    }

    /// All up to `answerable` may be told of; what is synced is durable if the manifest names the files that it is in.
    fn publish(&mut self, answerable: u64) {
        if self.lost {
            return;
        }
        let before = (self.log.answerable(), self.log.durable());
        let is_listed = self.files.as_ref().is_some_and(Files::is_listed);
        let durable = if is_listed { self.synced } else { 0 };
        let now = (before.0.max(answerable), before.1.max(durable));
        if now != before {
            self.log.set_answerable(now.0);
            self.log.set_durable(now.1);
            (self.tools.tell)(News::Advanced);
        }
    }

    /// What was written and not kept has not reached the disk.
    fn lose(&mut self) {
        self.lost = true;
        self.segment = None;
        self.log.set_whole(false);
        tracing::error!("{LOST}: a new base is written, which makes the data safe again");
    }

    fn fail(&mut self, error: &io::Error) {
        let text = what_happened(error);
        let known = self
            .control
            .seen()
            .failure
            .lock()
            .replace(text.clone())
            .is_some_and(|before| before == text);
        if !known {
            tracing::error!(
                "cannot write the log: {text}; no writes are taken until that works again, which is tried every second"
            );
        }
        self.failed = Some(Instant::now() + self.tools.second);
        self.control.set_cores_write(false);
        (self.tools.tell)(News::Failed);
        for base in self.early.drain(..) {
            // Who waits for the answer should not wait for the disk to heal.
            let _ = base.answer.send(Err(io::Error::other(text.clone())));
        }
    }

    /// Takes the file back to what is known to be durable, to write the rest again.
    fn start_again(&mut self) -> io::Result<()> {
        let ended = self.syncer.wait();
        // A failure is known already, and what succeeded need not be written again.
        let _ = self.hear(ended);
        if !self.log.is_recording() {
            self.segment = None;
        }
        if let Some(segment) = &mut self.segment {
            let offset = segment.start_again()?;
            self.queue.rewind(offset);
        }
        Ok(())
    }

    /// All that was kept is durable.
    fn heal(&mut self) {
        self.failed = None;
        if !self.lost && self.control.seen().failure.lock().take().is_some() {
            tracing::warn!("the log is whole on disk again, or turned off: writes are taken");
            (self.tools.tell)(News::Healed);
        }
    }

    fn obey(&mut self) {
        for order in self.control.take_orders() {
            self.control.set_cores_write(false);
            match order {
                Order::Install(base) => self.early.push(base),
                Order::ForgetHistory => self.forget_history(),
            }
        }
        for base in std::mem::take(&mut self.early) {
            if self.queue.has_turn(base.cut) || self.log.has_turn(base.cut) {
                self.early.push(base);
                continue;
            }
            let outcome = self.install(&base);
            // Who does not wait for the answer any more does not need it.
            let _ = base.answer.send(outcome);
        }
    }

    fn install(&mut self, base: &NewBase) -> io::Result<Vec<PathBuf>> {
        let (Some(files), Some(segment)) = (&mut self.files, &self.segment) else {
            return Err(io::Error::other("the log has been turned off"));
        };
        let old = files.install_base(&base.temporary, base.format, base.cut)?;
        self.older_bytes = files.bytes_before_last();
        if self.lost && segment.began >= base.cut {
            self.lost = false;
            self.failed = Some(Instant::now());
        }
        self.note_sizes();
        self.note_base();
        self.note_whole(base.cut);
        Ok(old)
    }

    /// A base says all up to `cut`.
    fn note_whole(&mut self, cut: u64) {
        if self.lost {
            return;
        }
        self.synced = self.synced.max(cut);
        self.log.set_whole(true);
        self.publish(cut);
        // Who waited for the base may have nothing else to wait for.
        (self.tools.tell)(News::Advanced);
    }

    fn forget_history(&mut self) {
        let outcome = self.files.as_mut().map_or(Ok(()), Files::forget_history);
        if let Err(error) = outcome {
            tracing::warn!("cannot shorten the manifest of the log: {error}");
        }
    }

    fn note_sizes(&self) {
        let seen = self.control.seen();
        let len = self.segment.as_ref().map_or(0, |segment| segment.len);
        seen.current_bytes
            .store(self.older_bytes + len, Ordering::Relaxed);
        seen.queued_bytes
            .store(self.queue.bytes() as u64, Ordering::Relaxed);
        self.note_memory();
        seen.syncing
            .store(self.syncer.is_running(), Ordering::Relaxed);
        self.log.set_written(self.queue.offset());
    }

    /// To be called whenever buffers were given back, since the next call of the disk may take long.
    fn note_memory(&self) {
        // In this order: what was given back is not to count as somebody else's.
        gauge::tell();
        self.log.set_kept_bytes(self.queue.memory_bytes() as u64);
    }

    fn note_base(&self) {
        let bytes = self.control.current_bytes();
        self.control
            .seen()
            .base_bytes
            .store(bytes, Ordering::Relaxed);
    }
}

/// The system's words for an error, without its number.
fn what_happened(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.into(),
        None => text,
    }
}

#[cfg(test)]
mod tests;
