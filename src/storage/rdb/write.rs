//! Writing a whole file: its header, fields of information, keys with their values, its checksum.

use super::encode::{self, Encoder, Facts};
use super::{VERSION, opcode};
use crate::base::crc64;
use crate::data::Value;
use std::io::{self, Write};

/// What is gathered before it is written.
const BUFFER_BYTES: usize = 8 << 10;

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Compress texts (`rdbcompression`).
    pub compress: bool,
    /// Close with a checksum (`rdbchecksum`).
    pub checksum: bool,
}

/// Writes a file to `W`.
#[derive(Debug)]
pub struct Writer<W> {
    out: Summed<W>,
    encoder: Encoder,
    db: Option<u64>,
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    pub fn new(out: W, options: Options) -> io::Result<Self> {
        let mut writer = Self {
            out: Summed {
                out,
                buffer: Vec::with_capacity(BUFFER_BYTES),
                crc: options.checksum.then_some(0),
                written: 0,
            },
            encoder: Encoder::new(options.compress),
            db: None,
        };
        write!(writer.out, "REDIS{VERSION:04}")?;
        Ok(writer)
    }

    /// Writes a field of information.
    pub fn aux(&mut self, name: &str, value: &[u8]) -> io::Result<()> {
        self.encoder.aux(&mut self.out, name.as_bytes(), value)
    }

    /// Says how many keys of a database follow, and how many of them expire.
    pub fn sizes(&mut self, db: u64, keys: u64, expiring: u64) -> io::Result<()> {
        self.select(db)?;
        self.out.write_all(&[opcode::SIZES])?;
        encode::number(&mut self.out, keys)?;
        encode::number(&mut self.out, expiring)
    }

    /// Writes a key with its value. Keys of several databases may come in any order.
    pub fn entry(&mut self, db: u64, key: &[u8], facts: Facts, value: &Value) -> io::Result<()> {
        self.select(db)?;
        self.encoder.entry(&mut self.out, key, facts, value)
    }

    /// Writes keys of one database that an [`Encoder`] has encoded before.
    pub fn encoded(&mut self, db: u64, entries: &[u8]) -> io::Result<()> {
        self.select(db)?;
        self.out.write_all(entries)
    }

    /// Bytes written so far.
    pub fn offset(&self) -> u64 {
        self.out.written + self.out.buffer.len() as u64
    }

    /// Ends the file and gives back what it was written to, which has all bytes.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[opcode::END])?;
        self.out.flush()?;
        let crc = self.out.crc.unwrap_or(0);
        self.out.write_all(&crc.to_le_bytes())?;
        self.out.flush()?;
        Ok(self.out.out)
    }

    fn select(&mut self, db: u64) -> io::Result<()> {
        if self.db != Some(db) {
            self.db = Some(db);
            self.out.write_all(&[opcode::SELECT_DB])?;
            encode::number(&mut self.out, db)?;
        }
        Ok(())
    }
}

/// Gathers what is written, and sums it up.
#[derive(Debug)]
struct Summed<W> {
    out: W,
    buffer: Vec<u8>,
    crc: Option<u64>,
    written: u64,
}

impl<W: Write> Summed<W> {
    fn pass_on(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(crc) = &mut self.crc {
            *crc = crc64::update(*crc, bytes);
        }
        self.written += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

impl<W: Write> Write for Summed<W> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.buffer.capacity() - self.buffer.len() {
            self.pass_buffer_on()?;
            if bytes.len() >= BUFFER_BYTES {
                return self.pass_on(bytes);
            }
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_buffer_on()?;
        self.out.flush()
    }
}

impl<W: Write> Summed<W> {
    #[cold]
    fn pass_buffer_on(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let passed = self.pass_on(&buffer);
        buffer.clear();
        self.buffer = buffer;
        passed
    }
}
