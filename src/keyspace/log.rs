//! The front of the log: where effects get their one order, before they are on any disk.
//!
//! Cores append effects (RESP commands, the content of Redis's AOF) while they hold the stripes concerned, so the order here
//! is the order of execution for every key. One follower, the log's writer, takes what has gathered and makes it durable. An
//! offset counts the bytes ever appended.
//!
//! ```text
//!   ... written, durable |   written   |  taken by the writer  |  pending: Tail::full, Tail::bytes  |
//!                     durable        written                 taken                               end
//! ```
//!
//! What is pending gathers in pieces, so that nothing that has gathered is ever moved while others wait for the log.
//!
//! *Durable* is what is known to be on the disk, to the last byte. Somewhere from there on lies what is *answerable*: what has gone as far
//! as replies have to wait for, which is no further than the kernel where `appendfsync` leaves the syncing to it.
//!
//! A *turn* is an offset at which the writer leaves its file, with every stripe held: for a new one (a *cut*: a snapshot of the state at
//! that offset and what follows it make the whole state), or because the log is turned off.
//!
//! Who must not answer too early (`appendfsync always`) compares the offset it got with `answerable`; who is to tell what is on the disk
//! (WAITAOF), with `durable`.
//!
//! This file knows neither files nor commands. Bounds: see `PENDING_BYTES`.

use crate::base::gauge;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Bytes that may wait for the writer; beyond them the cores read no further requests until it has caught up.
pub const PENDING_BYTES: usize = 256 * 1024 * 1024;
/// Bytes of a piece, unless what is appended at once is more: so much is copied at most where a buffer grows.
const PIECE_BYTES: usize = 1024 * 1024;
/// A SELECT of any database is no longer.
const SELECT_BYTES: usize = 64;
/// The writer's spare buffer is given back to the allocator beyond this.
pub const SPARE_BYTES: usize = 4 * 1024 * 1024;

/// What the writer takes at once.
#[derive(Debug, Default)]
pub struct Batch {
    /// Offset of the first byte.
    pub start: u64,
    /// The effects.
    pub bytes: Vec<u8>,
    /// The buffer that `bytes` was before, if the log did not need one.
    pub spare: Vec<u8>,
    /// Offsets within `start..=start + bytes.len()` at which the log leaves its file.
    pub turns: Vec<(u64, Turn)>,
    /// How many appends had gathered, those in what it leaves included.
    pub appends: u32,
}

/// Where the log goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// In a new file.
    Next,
    /// Nowhere: it was turned off.
    End,
}

impl Batch {
    /// The offset after the last byte.
    pub fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

/// What became of an append.
#[derive(Clone, Copy, Debug)]
pub struct Appended {
    /// The offset after it.
    pub end: u64,
    /// The writer waits for it: whoever appended calls `wake` after letting go of the stripes.
    pub wakes: bool,
}

#[derive(Debug, Default)]
struct Tail {
    /// What the writer has not taken, from the first piece on.
    full: VecDeque<Vec<u8>>,
    /// What their buffers take.
    full_bytes: usize,
    /// The last piece, which grows.
    bytes: Vec<u8>,
    turns: Vec<(u64, Turn)>,
    appends: u32,
    /// The database that the last effect appended was in: what a reader of the log has selected.
    db: Option<usize>,
    /// The writer waits to be told when so many bytes have gathered.
    wakes_at: Option<usize>,
    /// The writer is to look up even if nothing is appended.
    called: bool,
}

impl Tail {
    /// Where `len` more bytes go.
    fn piece(&mut self, len: usize) -> &mut Vec<u8> {
        if self.bytes.len() + len > PIECE_BYTES && !self.bytes.is_empty() {
            let next = Vec::with_capacity(PIECE_BYTES.max(len));
            let full = std::mem::replace(&mut self.bytes, next);
            self.full_bytes += gauge::allocation_bytes(full.capacity());
            self.full.push_back(full);
        }
        &mut self.bytes
    }

    /// Takes the first piece, and gives `spare` back unless it was the only one: then what is appended next goes there.
    fn take(&mut self, spare: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
        let Some(full) = self.full.pop_front() else {
            return (std::mem::replace(&mut self.bytes, spare), Vec::new());
        };
        self.full_bytes -= gauge::allocation_bytes(full.capacity());
        (full, spare)
    }

    fn memory_bytes(&self) -> u64 {
        (self.full_bytes + gauge::allocation_bytes(self.bytes.capacity())) as u64
    }
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Log {
    tail: Mutex<Tail>,
    news: Condvar,
    end: AtomicU64,
    taken: AtomicU64,
    written: AtomicU64,
    answerable: AtomicU64,
    durable: AtomicU64,
    recording: AtomicBool,
    whole: AtomicBool,
    holding: AtomicBool,
    /// Bytes of the buffers that effects gather in.
    gathering: AtomicU64,
    /// Bytes of the follower's buffers.
    kept: AtomicU64,
}

impl Log {
    /// True when effects are recorded at all.
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.recording.load(Ordering::Relaxed)
    }

    /// Begins or ends recording; with every stripe held, so that no command is half recorded.
    pub fn set_recording(&self, recording: bool) {
        self.recording.store(recording, Ordering::SeqCst);
    }

    /// True when what is durable of the log makes the state: not while it is turned off, and not from when it is turned on, or has lost
    /// a part, until there is a base for what it goes on with. Without that nothing of it is safe.
    pub fn is_whole(&self) -> bool {
        self.is_recording() && self.whole.load(Ordering::SeqCst)
    }

    /// Says whether there is a base for what the log says.
    pub fn set_whole(&self, whole: bool) {
        self.whole.store(whole, Ordering::SeqCst);
    }

    /// True when replies wait until their effects are durable.
    #[inline]
    pub fn is_holding(&self) -> bool {
        self.holding.load(Ordering::Relaxed)
    }

    /// Says whether replies wait until their effects are durable.
    pub fn set_holding(&self, holding: bool) {
        self.holding.store(holding, Ordering::SeqCst);
    }

    /// Continues at `offset`: before the first append.
    pub fn start_at(&self, offset: u64) {
        debug_assert_eq!(self.end(), self.taken.load(Ordering::Relaxed));
        self.end.store(offset, Ordering::SeqCst);
        self.taken.store(offset, Ordering::SeqCst);
        self.written.store(offset, Ordering::SeqCst);
        self.answerable.store(offset, Ordering::SeqCst);
        self.durable.store(offset, Ordering::SeqCst);
    }

    /// Appends effects whose first is in database `first_db` (the writer of which says SELECT by itself between its own) and whose
    /// last is in `last_db`. The stripes that they concern are held.
    pub fn append(&self, effects: &[u8], first_db: usize, last_db: usize) -> Appended {
        let mut tail = self.tail.lock();
        let selects = tail.db.replace(last_db) != Some(first_db);
        let piece = tail.piece(effects.len() + usize::from(selects) * SELECT_BYTES);
        let before = piece.len();
        if selects {
            select(piece, first_db);
        }
        piece.extend_from_slice(effects);
        let added = (piece.len() - before) as u64;
        tail.appends += 1;
        self.note_buffers(&tail);
        let end = self.end.load(Ordering::Relaxed) + added;
        self.end.store(end, Ordering::Release);
        // Whoever is the first to find that may be long in coming to it: while the writer sleeps everybody is to wake it.
        let wakes = tail
            .wakes_at
            .is_some_and(|bytes| self.waiting_bytes() >= bytes as u64);
        Appended { end, wakes }
    }

    /// Wakes the writer, as `append` said is to be done.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Makes the writer look up although nothing was appended: its orders have changed.
    pub fn call(&self) {
        self.tail.lock().called = true;
        self.news.notify_one();
    }

    /// Orders a new file to begin here; with every stripe held. Returns the offset.
    pub fn cut(&self) -> u64 {
        self.turn(Turn::Next)
    }

    /// Orders the log to end here, after recording has ended; with every stripe held.
    pub fn end_here(&self) {
        self.turn(Turn::End);
    }

    fn turn(&self, turn: Turn) -> u64 {
        let mut tail = self.tail.lock();
        let offset = self.end();
        tail.turns.push((offset, turn));
        // A reader that begins here has selected nothing.
        tail.db = None;
        tail.called = true;
        drop(tail);
        self.news.notify_one();
        offset
    }

    /// True while the writer has not taken a turn at `offset` or before it.
    pub fn has_turn(&self, offset: u64) -> bool {
        let tail = self.tail.lock();
        tail.turns.first().is_some_and(|(turn, _)| *turn <= offset)
    }

    /// The writer waits until so many bytes have gathered, at least one, it is called, or `timeout` has passed. `usize::MAX` bytes never
    /// gather.
    pub fn wait(&self, bytes: usize, timeout: Duration) {
        let mut tail = self.tail.lock();
        if self.waiting_bytes() < bytes as u64 && !tail.called {
            tail.wakes_at = Some(bytes);
            self.news.wait_for(&mut tail, timeout);
            tail.wakes_at = None;
        }
        tail.called = false;
    }

    /// How many appends wait for the writer.
    pub fn waiting_appends(&self) -> u32 {
        self.tail.lock().appends
    }

    /// Takes the first piece of what has gathered into `batch`, whose buffers are used again.
    pub fn take(&self, batch: &mut Batch) {
        let mut spare = std::mem::take(&mut batch.bytes);
        spare.clear();
        spare.shrink_to(SPARE_BYTES);
        let mut tail = self.tail.lock();
        (batch.bytes, batch.spare) = tail.take(spare);
        batch.start = self.taken.load(Ordering::Relaxed);
        let reached = tail
            .turns
            .partition_point(|(offset, _)| *offset <= batch.end());
        batch.turns.clear();
        batch.turns.extend(tail.turns.drain(..reached));
        batch.appends = tail.appends;
        if batch.end() == self.end() {
            tail.appends = 0;
        }
        // The follower says more exactly what it keeps when it has sorted that in. Until then it counts twice rather than not at all.
        let taken = gauge::allocation_bytes(batch.bytes.capacity()) as u64;
        self.kept.fetch_add(taken, Ordering::AcqRel);
        self.note_buffers(&tail);
        self.taken.store(batch.end(), Ordering::Release);
    }

    /// The offset after the last byte appended.
    #[inline]
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// True when the kernel has all that was appended, or nobody keeps it.
    #[inline]
    pub fn is_written(&self) -> bool {
        self.written.load(Ordering::Acquire) >= self.end()
    }

    /// The kernel has all up to `offset`, or nobody keeps it.
    pub fn set_written(&self, offset: u64) {
        self.written.store(offset, Ordering::Release);
    }

    /// The offset up to which effects may be told of.
    #[inline]
    pub fn answerable(&self) -> u64 {
        self.answerable.load(Ordering::Acquire)
    }

    /// All up to `offset` may be told of.
    pub fn set_answerable(&self, offset: u64) {
        debug_assert!(offset >= self.answerable());
        self.answerable.store(offset, Ordering::Release);
    }

    /// The offset up to which effects are durable.
    #[inline]
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// The writer has made all up to `offset` durable.
    pub fn set_durable(&self, offset: u64) {
        debug_assert!(offset >= self.durable());
        self.durable.store(offset, Ordering::Release);
    }

    /// Bytes that wait for the writer.
    pub fn waiting_bytes(&self) -> u64 {
        // Read first, so that it is never beyond the end.
        let taken = self.taken.load(Ordering::Acquire);
        self.end() - taken
    }

    /// The follower has buffers of so many bytes.
    pub fn set_kept_bytes(&self, bytes: u64) {
        self.kept.store(bytes, Ordering::Release);
    }

    fn note_buffers(&self, tail: &Tail) {
        self.gathering.store(tail.memory_bytes(), Ordering::Release);
    }

    /// Bytes of memory that the log takes.
    pub fn memory_bytes(&self) -> u64 {
        let gathering = self.gathering.load(Ordering::Acquire);
        gathering + self.kept.load(Ordering::Acquire)
    }

    /// True when so much waits for the writer that the cores should read no further requests.
    #[inline]
    pub fn is_crowded(&self) -> bool {
        self.waiting_bytes() > PENDING_BYTES as u64
    }
}

/// Appends a SELECT to effects.
pub fn select(bytes: &mut Vec<u8>, db: usize) {
    let mut digits = itoa::Buffer::new();
    let db = digits.format(db);
    bytes.extend_from_slice(b"*2\r\n$6\r\nSELECT\r\n$");
    bytes.extend_from_slice(itoa::Buffer::new().format(db.len()).as_bytes());
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(db.as_bytes());
    bytes.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_continues_where_the_last_batch_ended() {
        let log = Log::default();
        log.start_at(1000);
        let (mut batch, mut all) = (Batch::default(), Vec::new());
        log.append(b"one", 0, 0);
        log.take(&mut batch);
        assert_eq!(batch.start, 1000);
        all.extend_from_slice(&batch.bytes);
        log.append(b"two", 0, 1);
        let cut = log.cut();
        let end = log.append(b"three", 1, 1).end;
        log.take(&mut batch);
        assert_eq!(
            (batch.end(), &batch.turns[..]),
            (end, &[(cut, Turn::Next)][..])
        );
        all.extend_from_slice(&batch.bytes);
        // After a cut the database is said again.
        assert_eq!(
            String::from_utf8_lossy(&all),
            "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\nonetwo*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\nthree"
        );
        assert_eq!(log.end() - 1000, all.len() as u64);
    }

    #[test]
    fn what_is_much_is_taken_in_pieces_and_each_turn_with_the_piece_that_it_ends() {
        let log = Log::default();
        let (half, large) = (vec![b'h'; PIECE_BYTES / 2], vec![b'l'; 2 * PIECE_BYTES]);
        let first = log.append(&half, 0, 0).end;
        log.append(&large, 0, 0);
        let cut = log.cut();
        let end = log.append(&half, 0, 0).end;
        let waits = log.waiting_bytes();
        assert_eq!(waits, end);
        assert!((waits..waits + waits / 4).contains(&log.memory_bytes()));
        let (mut batch, mut all) = (Batch::default(), Vec::new());
        let mut takes = Vec::new();
        loop {
            log.take(&mut batch);
            assert_eq!(batch.start, all.len() as u64);
            all.extend_from_slice(&batch.bytes);
            takes.push((all.len() as u64, batch.turns.clone(), batch.appends));
            assert_eq!(log.waiting_bytes() > 0, log.waiting_appends() > 0);
            if log.waiting_bytes() == 0 {
                break;
            }
        }
        let expected = [
            (first, vec![], 3),
            (cut, vec![(cut, Turn::Next)], 3),
            (end, vec![], 3),
        ];
        assert_eq!(takes, expected);
        assert_eq!(all.len() as u64, end);
        log.set_kept_bytes(0);
        assert!(log.memory_bytes() <= SPARE_BYTES as u64);
    }

    #[test]
    fn while_the_writer_sleeps_everybody_is_to_wake_it() {
        let log = std::sync::Arc::new(Log::default());
        let writer = log.clone();
        let waiting = std::thread::spawn(move || writer.wait(1, Duration::from_secs(10)));
        while log.tail.lock().wakes_at.is_none() {
            std::thread::yield_now();
        }
        assert!(log.append(b"by who is long in waking it", 0, 0).wakes);
        assert!(log.append(b"by another", 0, 0).wakes);
        log.wake();
        waiting.join().expect("it ends");
        assert!(!log.append(b"and awake it finds this", 0, 0).wakes);
    }

    #[test]
    fn an_append_ends_the_writers_wait() {
        let log = std::sync::Arc::new(Log::default());
        let writer = log.clone();
        let waiting = std::thread::spawn(move || {
            let began = std::time::Instant::now();
            let mut batch = Batch::default();
            while batch.bytes.is_empty() {
                writer.wait(1, Duration::from_secs(10));
                writer.take(&mut batch);
            }
            began.elapsed()
        });
        std::thread::sleep(Duration::from_millis(20));
        if log.append(b"x", 0, 0).wakes {
            log.wake();
        }
        assert!(waiting.join().expect("it ends") < Duration::from_secs(5));
    }
}
