//! A file that grows by what is written to it: through a buffer, synced now and then, and given up when its snapshot is cancelled. Where
//! that takes long, the server's log tells now and then how far it is.
//!
//! Whoever waits for the processor gets it now and then: a core that serves may have to share one with the thread that writes
//! here. (A lower priority for this thread would do worse: it holds stripes at times, and whoever has a middling priority would keep it from
//! letting go.)

use super::progress::Progress;
use crate::base::disk::DiskFile;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is written goes to the file when this much has gathered: little, since the kernel lets nobody else run while it copies.
const CHUNK_BYTES: usize = 32 * 1024;
/// Whoever waits for the processor gets it when this much was written: after some tens of microseconds.
const YIELD_BYTES: usize = 8 * 1024;
/// With incremental syncing, the file is synced when this much was written since the last time, so that the end does not bring
/// one long burst of writes to the disk; and little, since the kernel lets nobody else run while it hands that to the disk.
const SYNC_BYTES: u64 = 1024 * 1024;

/// See the module's description.
#[derive(Debug)]
pub struct Output {
    file: Box<dyn DiskFile>,
    buffer: Vec<u8>,
    /// Bytes in the file.
    len: u64,
    synced: u64,
    incrementally: bool,
    progress: Arc<Progress>,
    told: Instant,
    /// Bytes written since others were let run.
    unyielded: usize,
}

/// How often the server's log tells of a snapshot that takes long.
const TELL_EVERY: Duration = Duration::from_secs(5);

impl Output {
    /// Writes to a file that is empty, syncing it in between or at the end only.
    pub fn new(file: Box<dyn DiskFile>, incrementally: bool, progress: Arc<Progress>) -> Self {
        Output {
            file,
            buffer: Vec::with_capacity(CHUNK_BYTES),
            len: 0,
            synced: 0,
            incrementally,
            progress,
            told: Instant::now(),
            unyielded: 0,
        }
    }

    /// Makes durable all that was written; gives the length.
    pub fn finish(mut self) -> io::Result<u64> {
        self.flush()?;
        self.file.sync()?;
        Ok(self.len)
    }

    fn pass_on(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.progress.go_on()?;
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            let (keys, total) = self.progress.keys();
            tracing::info!(
                "snapshot: {keys} of {total} keys, {} MiB so far",
                self.len >> 20
            );
        }
        if self.incrementally && self.len - self.synced >= SYNC_BYTES {
            self.file.sync()?;
            self.synced = self.len;
            // Or it would all have to go when the file is replaced, at once.
            self.file.uncache(self.len);
        }
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > CHUNK_BYTES {
            self.flush()?;
        }
        match bytes.len() < CHUNK_BYTES {
            true => self.buffer.extend_from_slice(bytes),
            false => self.pass_on(bytes)?,
        }
        self.unyielded += bytes.len();
        if self.unyielded >= YIELD_BYTES {
            self.unyielded = 0;
            std::thread::yield_now();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        if !buffer.is_empty() {
            self.pass_on(&buffer)?;
        }
        buffer.clear();
        self.buffer = buffer;
        Ok(())
    }
}
