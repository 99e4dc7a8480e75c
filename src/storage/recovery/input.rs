//! A file read from its beginning through a window that grows as far as one frame or record needs.
//!
//! ```text
//!   consumed | view() ............. | not read yet
//!            offset()
//! ```

use bytes::Bytes;
use std::io::{self, Read};

/// Bytes asked of the file at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// See the module's description.
pub struct Input {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// Where in the buffer the window begins.
    start: usize,
    offset: u64,
    ended: bool,
}

impl Input {
    /// A window on what `reader` reads.
    pub fn new(reader: Box<dyn Read + Send>) -> Self {
        Input {
            reader,
            buffer: Vec::new(),
            start: 0,
            offset: 0,
            ended: false,
        }
    }

    /// A window that begins at `offset` with what was read ahead, `rest`, and goes on with what `input` has yet to show.
    pub fn resume(rest: Bytes, input: Input, offset: u64) -> Self {
        Input {
            offset,
            ..Input::new(Box::new(io::Cursor::new(rest).chain(input)))
        }
    }

    /// The bytes in view.
    #[inline]
    pub fn view(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Where in the file the window begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Moves the beginning of the window past `count` bytes, which are in view.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.view().len());
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads until at least `wanted` bytes are in view; false if the file ends before. Memory grows with what arrives, not with
    /// what is wanted.
    pub fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        while self.view().len() < wanted && !self.ended {
            self.buffer.drain(..std::mem::take(&mut self.start));
            let room = CHUNK_BYTES.max(self.buffer.len().min(wanted - self.buffer.len()));
            let read = (&mut self.reader)
                .take(room as u64)
                .read_to_end(&mut self.buffer)?;
            self.ended = read < room;
        }
        Ok(self.view().len() >= wanted)
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.view().is_empty() {
            let count = self.reader.read(into)?;
            self.offset += count as u64;
            return Ok(count);
        }
        let count = self.view().len().min(into.len());
        into[..count].copy_from_slice(&self.view()[..count]);
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_moves_and_grows() {
        let file: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
        let mut input = Input::new(Box::new(io::Cursor::new(file.clone())));
        assert!(input.fill(10).unwrap());
        input.consume(1_000_000);
        assert!(input.fill(1_500_000).unwrap());
        assert_eq!(input.view()[..1_500_000], file[1_000_000..2_500_000]);
        input.consume(1_999_999);
        assert_eq!(
            (input.offset(), input.view()),
            (2_999_999, &file[2_999_999..])
        );
        assert!(!input.fill(2).unwrap());
        let mut rest = Vec::new();
        input.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, file[2_999_999..]);
    }
}
