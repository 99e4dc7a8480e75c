//! A state as an RDB file: `dump.rdb`, and what a rewritten log begins with unless `aof-use-rdb-preamble` is `no`.

use super::format::{Format, MEMORY_TAKES_ALL, Record};
use super::output::Output;
use crate::base::process;
use crate::base::version::REDIS_VERSION;
use crate::keyspace::NEVER;
use crate::storage::rdb::{Encoder, Facts, Options, Writer};
use std::io;

/// What the file says of itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// When the state was as it is written, Unix seconds.
    pub ctime_s: i64,
    /// It is the base of a log.
    pub aof_base: bool,
    /// What it says of how keys were used.
    pub usage: Telling,
}

/// What a file says of how keys were used: what the policy of eviction goes by.
#[derive(Clone, Copy, Debug)]
pub enum Telling {
    /// Nothing.
    Nothing,
    /// For how long they were not.
    Idleness,
    /// How often, where so many minutes without use count as one use less.
    Frequency {
        /// Minutes.
        decay_minutes: u32,
    },
}

/// See the module's description.
#[derive(Debug)]
pub struct Rdb {
    writer: Writer<Output>,
    encoder: Encoder,
    about: About,
}

impl Rdb {
    /// Begins the file.
    pub fn new(out: Output, options: Options, about: About) -> io::Result<Self> {
        let mut writer = Writer::new(out, options)?;
        let mut digits = itoa::Buffer::new();
        writer.aux("redis-ver", REDIS_VERSION.as_bytes())?;
        writer.aux("redis-bits", b"64")?;
        writer.aux("ctime", digits.format(about.ctime_s).as_bytes())?;
        let used_memory = process::memory(about.ctime_s).used;
        writer.aux("used-mem", digits.format(used_memory).as_bytes())?;
        writer.aux("aof-base", if about.aof_base { b"1" } else { b"0" })?;
        Ok(Rdb {
            writer,
            encoder: Encoder::new(options.compress),
            about,
        })
    }
}

impl About {
    fn facts(self, record: Record<'_>) -> Facts {
        let now_ms = self.ctime_s * 1000;
        let mut facts = Facts {
            expires_ms: (record.deadline_ms != NEVER).then_some(record.deadline_ms),
            ..Facts::default()
        };
        match self.usage {
            Telling::Nothing => {}
            Telling::Idleness => facts.idle_s = Some(record.usage.idle_s(now_ms)),
            Telling::Frequency { decay_minutes } => {
                facts.frequency = Some(record.usage.frequency(now_ms, decay_minutes));
            }
        }
        facts
    }
}

impl Format for Rdb {
    fn library(&mut self, source: &[u8]) -> io::Result<()> {
        self.writer.library(source)
    }

    fn encode(&mut self, record: Record<'_>, into: &mut Vec<u8>) {
        self.encoder
            .entry(into, record.key, self.about.facts(record), record.value)
            .expect(MEMORY_TAKES_ALL);
    }

    fn encoded(&mut self, db: usize, records: &[u8]) -> io::Result<()> {
        self.writer.encoded(db as u64, records)
    }

    fn record(&mut self, db: usize, record: Record<'_>) -> io::Result<()> {
        let facts = self.about.facts(record);
        self.writer
            .entry(db as u64, record.key, facts, record.value)
    }

    fn finish(self: Box<Self>) -> io::Result<Output> {
        self.writer.finish()
    }
}
