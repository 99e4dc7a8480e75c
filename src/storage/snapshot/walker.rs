//! The walker: takes a walk of the keyspace through all stripes and writes what it meets in a [`Format`].
//!
//! It goes round the stripes, one slice of each in turn, so that what commands preserve in a stripe meanwhile is soon taken along.
//! A slice holds its stripe for well under half a millisecond: small values are encoded there and then, into memory; larger ones
//! are frozen, which takes microseconds whatever their size, and encoded once the stripe is free again. No disk call is made while a
//! stripe is held.

use super::format::{Format, Record};
use super::progress::Progress;
use crate::base::gauge;
use crate::keyspace::walk::{Held, Preserved};
use crate::keyspace::{Db, Entry, Keyspace, Locked, Stripe};
use std::io;

/// Bytes encoded while a stripe is held, but for the value that crosses this bound.
const SLICE_BYTES: usize = 32 * 1024;
/// Entries encoded while a stripe is held.
const SLICE_ENTRIES: usize = 256;
/// To freeze a value may take as long as to encode this many small ones.
const FROZEN_ENTRIES: usize = 16;

/// See the module's description.
pub struct Walker<'a> {
    format: Box<dyn Format>,
    progress: &'a Progress,
    met: Met,
}

/// What was met while a stripe was held, and is to be written when it is free again.
#[derive(Default)]
struct Met {
    encoded: Vec<u8>,
    /// The database of each stretch of `encoded`, and the stretch's end.
    stretches: Vec<(usize, usize)>,
    /// Frozen entries and their databases.
    kept: Vec<(usize, Preserved)>,
    /// Databases that were emptied before the walk was through with them.
    detached: Vec<Db>,
    /// What may still be met in this slice.
    entries_left: usize,
    /// Entries met.
    count: usize,
}

impl<'a> Walker<'a> {
    /// A walker that has met nothing yet.
    pub fn new(format: Box<dyn Format>, progress: &'a Progress) -> Self {
        Walker {
            format,
            progress,
            met: Met::default(),
        }
    }

    /// Walks through everything; a walk has begun. No stripe may be held.
    pub fn walk(mut self, keyspace: &Keyspace) -> io::Result<Box<dyn Format>> {
        let mut locked = Locked::new(keyspace);
        let mut remaining: Vec<usize> = (0..keyspace.stripes()).collect();
        while !remaining.is_empty() {
            for stripe in std::mem::take(&mut remaining) {
                locked.acquire_one(stripe);
                let is_over = self.visit(locked.stripe(stripe));
                locked.release();
                self.write_out()?;
                if !is_over {
                    remaining.push(stripe);
                }
                // Whoever waits for the processor comes before the next slice.
                std::thread::yield_now();
            }
        }
        Ok(self.format)
    }

    /// One slice of a stripe; true if that was the last.
    fn visit(&mut self, stripe: &mut Stripe) -> bool {
        self.met.entries_left = SLICE_ENTRIES;
        self.met.detached.append(&mut stripe.detached);
        let mut is_over = true;
        for db in &mut stripe.dbs {
            is_over &= self.met.visit(db, &mut *self.format);
        }
        is_over
    }

    /// Writes what was met.
    fn write_out(&mut self) -> io::Result<()> {
        self.progress
            .count_keys(std::mem::take(&mut self.met.count));
        let Met {
            encoded,
            stretches,
            kept,
            detached,
            ..
        } = &mut self.met;
        let mut start = 0;
        for (db, end) in stretches.drain(..) {
            self.format.encoded(db, &encoded[start..end])?;
            start = end;
        }
        encoded.clear();
        for (db, entry) in kept.drain(..) {
            self.format.record(db, record_of(&entry))?;
        }
        gauge::tell();
        for db in detached.drain(..) {
            write_detached(&mut *self.format, db)?;
        }
        self.progress.go_on()
    }
}

impl Met {
    /// One slice of a database, or what of it this slice has room for; true if that was the last.
    fn visit(&mut self, db: &mut Db, format: &mut dyn Format) -> bool {
        let Some(number) = db.walk().map(|walk| walk.db) else {
            return true;
        };
        let preserved = db.take_preserved().into_iter();
        self.count += preserved.len();
        self.kept.extend(preserved.map(|entry| (number, entry)));
        let is_over = !self.is_full() && db.walk_on(|entry| self.meet(number, entry, format));
        self.stretches.push((number, self.encoded.len()));
        if is_over {
            db.end_walk();
        }
        is_over
    }

    /// Takes an entry along; false when that was enough for this slice.
    fn meet(&mut self, db: usize, entry: &mut Entry, format: &mut dyn Format) -> bool {
        self.count += 1;
        if entry.value.is_quick_to_encode() {
            format.encode(Record::of(entry), &mut self.encoded);
            self.entries_left -= 1;
        } else {
            let (deadline_ms, usage) = (entry.deadline_ms(), entry.usage());
            let (key, value) = (entry.key.clone(), entry.value.freeze());
            self.kept.push((
                db,
                Preserved {
                    key,
                    deadline_ms,
                    usage,
                    value,
                    held: Held::default(),
                },
            ));
            self.entries_left = self.entries_left.saturating_sub(FROZEN_ENTRIES);
        }
        !self.is_full()
    }

    fn is_full(&self) -> bool {
        self.entries_left == 0 || self.encoded.len() >= SLICE_BYTES
    }
}

fn record_of(entry: &Preserved) -> Record<'_> {
    Record {
        key: &entry.key,
        deadline_ms: entry.deadline_ms,
        usage: entry.usage,
        value: &entry.value,
    }
}

/// Writes what a database held that belongs to nobody else any more.
fn write_detached(format: &mut dyn Format, mut db: Db) -> io::Result<()> {
    let number = db.walk().expect("it was detached for its walk").db;
    for entry in db.take_preserved() {
        format.record(number, record_of(&entry))?;
    }
    let mut written = Ok(());
    let mut is_over = false;
    while !is_over && written.is_ok() {
        is_over = db.walk_on(|entry| {
            written = format.record(number, Record::of(entry));
            written.is_ok()
        });
    }
    written
}
