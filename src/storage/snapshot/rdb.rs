//! A state as an RDB file: `dump.rdb`, and what a rewritten log begins with unless `aof-use-rdb-preamble` is `no`.

use super::format::{Format, MEMORY_TAKES_ALL, Record};
use super::output::Output;
use crate::base::process;
use crate::base::version::REDIS_VERSION;
use crate::keyspace::NEVER;
use crate::storage::rdb::{Encoder, Options, Writer};
use std::io;

/// What the file says of itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// When the state was as it is written, Unix seconds.
    pub ctime_s: i64,
    /// It is the base of a log.
    pub aof_base: bool,
}

/// See the module's description.
#[derive(Debug)]
pub struct Rdb {
    writer: Writer<Output>,
    encoder: Encoder,
}

impl Rdb {
    /// Begins the file.
    pub fn new(out: Output, options: Options, about: About) -> io::Result<Self> {
        let mut writer = Writer::new(out, options)?;
        let mut digits = itoa::Buffer::new();
        writer.aux("redis-ver", REDIS_VERSION.as_bytes())?;
        writer.aux("redis-bits", b"64")?;
        writer.aux("ctime", digits.format(about.ctime_s).as_bytes())?;
        let used_memory = process::memory(about.ctime_s).allocated;
        writer.aux("used-mem", digits.format(used_memory).as_bytes())?;
        writer.aux("aof-base", if about.aof_base { b"1" } else { b"0" })?;
        Ok(Rdb {
            writer,
            encoder: Encoder::new(options.compress),
        })
    }
}

fn expires_ms(record: Record<'_>) -> Option<i64> {
    (record.deadline_ms != NEVER).then_some(record.deadline_ms)
}

impl Format for Rdb {
    fn library(&mut self, source: &[u8]) -> io::Result<()> {
        self.writer.library(source)
    }

    fn encode(&mut self, record: Record<'_>, into: &mut Vec<u8>) {
        self.encoder
            .entry(into, record.key, expires_ms(record), record.value)
            .expect(MEMORY_TAKES_ALL);
    }

    fn encoded(&mut self, db: usize, records: &[u8]) -> io::Result<()> {
        self.writer.encoded(db as u64, records)
    }

    fn record(&mut self, db: usize, record: Record<'_>) -> io::Result<()> {
        self.writer
            .entry(db as u64, record.key, expires_ms(record), record.value)
    }

    fn finish(self: Box<Self>) -> io::Result<Output> {
        self.writer.finish()
    }
}
