//! The file of the log that grows: how far it is written, how far that is known to be durable, how far it is filled ahead.
//!
//! ```text
//!   | durable             | written             | filler                | mark of the end
//!                         synced_len            len                     filled_to
//! ```
//!
//! Two ways to write: plain, at the end of the file; and parcels over filler ([`parcel`]), each of which is to be durable before the next.
//! What is written plain is written when the filler was cut off and the mark stands in its place, durably.
//!
//! Lengths are those of what is written, without the filler.

use super::parcel::{self, LINE_BYTES, MAX_HEADER_BYTES, MAX_PARCEL_BYTES, Parcel};
use super::queue::{Mark, Queue};
use crate::base::disk::DiskFile;
use std::io;
use std::time::{Duration, Instant};

/// See the module's description.
#[derive(Debug)]
pub struct Segment {
    file: Box<dyn DiskFile>,
    /// The offset at which this process began to write it.
    pub began: u64,
    /// Bytes written.
    pub len: u64,
    /// Bytes known to be durable.
    pub synced_len: u64,
    /// The queue begins here, in the file and in the log.
    pub kept_len: u64,
    kept_offset: u64,
    /// Bytes that were written without being kept.
    pub unkept_len: u64,
    /// Where the filler ends, which may be where it begins; None where it is plain.
    filled_to: Option<u64>,
    /// Something may stand behind that which is not known.
    debris: bool,
    /// When there was no room for filler.
    refused: Option<Instant>,
}

impl Segment {
    /// A file of `len` bytes that goes on with what the log says from `offset` on.
    pub fn new(file: Box<dyn DiskFile>, len: u64, offset: u64) -> Self {
        Segment {
            file,
            began: offset,
            len,
            synced_len: len,
            kept_len: len,
            kept_offset: offset,
            unkept_len: 0,
            filled_to: None,
            debris: false,
            refused: None,
        }
    }

    /// All before `mark` need not be written again.
    pub fn keep_from(&mut self, mark: Mark) {
        self.kept_len = self.kept_len.max(mark.len);
        self.kept_offset = self.kept_offset.max(mark.offset);
    }

    /// True if something is written and not known to be durable.
    pub fn is_unsynced(&self) -> bool {
        self.len > self.synced_len
    }

    /// True if the file ends where what is written does.
    pub fn is_plain(&self) -> bool {
        self.filled_to.is_none()
    }

    /// Makes durable what is written.
    pub fn sync(&mut self) -> io::Result<()> {
        match self.is_unsynced() {
            true => self.file.sync(),
            false => Ok(()),
        }
    }

    /// Another handle to the file, for another thread to sync it by.
    pub fn share(&self) -> io::Result<Box<dyn DiskFile>> {
        self.file.share()
    }

    /// Writes what the queue holds up to the next turn, plain.
    pub fn write(&mut self, queue: &mut Queue) -> io::Result<()> {
        self.end_filler()?;
        while let Some(bytes) = queue.unwritten() {
            let n = write_some(&mut *self.file, bytes)?;
            self.len += n as u64;
            queue.advance(n);
        }
        Ok(())
    }

    /// Writes the same as a parcel; what was written before is durable. Fills `ahead` further bytes when it comes to the end of the filler;
    /// where there is no room for that, writes plain, and tries again after a `rest`.
    pub fn write_parcel(
        &mut self,
        queue: &mut Queue,
        ahead: u64,
        rest: Duration,
    ) -> io::Result<()> {
        let bytes = queue.unwritten_parts().map(<[u8]>::len).sum();
        if bytes == 0 {
            return Ok(());
        }
        if bytes > MAX_PARCEL_BYTES || !self.has_filler(bytes, ahead, rest)? {
            return self.write(queue);
        }
        let parcel = Parcel::of(self.len, queue.unwritten_parts());
        let header = parcel.header(self.len);
        let at = self.len + header.len() as u64;
        if parcel::is_misleading(at, queue.unwritten_parts()) {
            return self.write(queue);
        }
        self.file.write_all(&header)?;
        for part in queue.unwritten_parts() {
            self.file.write_all(part)?;
        }
        self.len += (header.len() + bytes) as u64;
        queue.advance_to_turn();
        Ok(())
    }

    /// True if there is filler for a parcel of so many bytes, after some was written if need be.
    fn has_filler(&mut self, bytes: usize, ahead: u64, rest: Duration) -> io::Result<bool> {
        let least = self.len + (MAX_HEADER_BYTES + bytes) as u64;
        if self.filled_to.is_some_and(|to| to >= least) {
            return Ok(true);
        }
        if self.refused.is_some_and(|at| at.elapsed() < rest) {
            return Ok(false);
        }
        self.debris = true;
        let filled = self.fill((least + ahead).next_multiple_of(LINE_BYTES));
        self.refused = filled.is_err().then(Instant::now);
        match filled {
            Ok(()) => self.debris = false,
            Err(_) => self.cut()?,
        }
        Ok(filled.is_ok())
    }

    /// Fills the file up to `to`, and makes that durable.
    fn fill(&mut self, to: u64) -> io::Result<()> {
        debug_assert!(!self.is_unsynced() && self.kept_len == self.len);
        let (from, begin) = match self.filled_to {
            // The mark becomes filler.
            Some(filled_to) => (filled_to, Vec::new()),
            None => (self.len, parcel::begin(self.len)),
        };
        let lines = (to - from - begin.len() as u64) / LINE_BYTES;
        let filler = [begin.clone(), parcel::filler(lines), parcel::end()].concat();
        self.file.seek(from)?;
        self.file.write_all(&filler)?;
        self.file.sync()?;
        self.filled_to = Some(to);
        self.advance(begin.len() as u64);
        self.file.seek(self.len)
    }

    /// Puts the mark of the end in the place of the filler, if there is any, so that what is written next may be plain.
    pub fn end_filler(&mut self) -> io::Result<()> {
        if self.filled_to.is_none() {
            return Ok(());
        }
        debug_assert!(!self.is_unsynced() && self.kept_len == self.len);
        self.debris = true;
        mark_end(&mut *self.file, self.len)?;
        self.advance(LINE_BYTES);
        (self.filled_to, self.debris) = (None, false);
        Ok(())
    }

    /// So many bytes are durable that are none of the queue's.
    fn advance(&mut self, bytes: u64) {
        self.len += bytes;
        (self.synced_len, self.kept_len) = (self.len, self.len);
    }

    /// Takes the file back to where the queue begins; returns that offset of the log.
    pub fn start_again(&mut self) -> io::Result<u64> {
        self.len = self.kept_len;
        self.cut()?;
        Ok(self.kept_offset)
    }

    /// Cuts off what is behind what is written.
    fn cut(&mut self) -> io::Result<()> {
        self.file.truncate(self.len)?;
        if self.debris || self.filled_to.is_some() {
            self.file.sync()?;
        }
        self.debris = false;
        self.filled_to = self.filled_to.map(|_| self.len);
        Ok(())
    }
}

/// Puts the mark of the end at `at`, where `file` stands, and nothing behind it, durably. All before is durable.
pub fn mark_end(file: &mut dyn DiskFile, at: u64) -> io::Result<()> {
    file.write_all(&parcel::closed())?;
    file.truncate(at + LINE_BYTES)?;
    file.sync()
}

fn write_some(file: &mut dyn DiskFile, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
