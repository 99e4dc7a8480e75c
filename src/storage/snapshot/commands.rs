//! A state as the commands that make it: what a rewritten log begins with where `aof-use-rdb-preamble` is `no`.
//!
//! ```text
//!   FUNCTION LOAD source                          each library of functions
//!   SELECT db                                     when the database changes
//!   SET key value | RPUSH key element ... | SADD key member ... | HSET key field value ... | ZADD key score member ...
//!   XADD key id field value ...
//!   HPEXPIREAT key ms FIELDS 1 field
//!   XSETID key last-id ENTRIESADDED n MAXDELETEDID id
//!   XGROUP CREATE key group last-id ENTRIESREAD n
//!   XGROUP CREATECONSUMER key group consumer
//!   XCLAIM key group consumer 0 id TIME ms RETRYCOUNT n JUSTID FORCE
//!   XCLAIM key group nobody 0 id TIME ms RETRYCOUNT n JUSTID FORCE
//! # XNACK key group SILENT IDS n id ... RETRYCOUNT n FORCE DELAY ms
//! # XGROUP DELCONSUMER key group nobody
//! # XCFGSET key GROUP group option ...
//! # XADD key @id field value ...                  a scheduled entry
//! # XCFGSET key option ...
//!   PEXPIREAT key ms
//! ```
//!
//! What stands behind a `#` is hidden in annotations, because no Redis knows it (`keyspace::effects`). So a Redis sees the entries that are
//! nobody's as those of a consumer, whose name is one that no other has. Policies come last: they apply to what is there.
//!
//! `#MS:<ms>` lines stand before what sets a consumer's times. Some things have no command that makes them: a pending entry that is not
//! in the stream any more, a consumer that was seen at another time than it was last active, or was active and has nothing
//! pending. A stream with such is made by `RESTORE key 0 payload`.

mod stream;

#[cfg(test)]
mod tests;

use super::format::{Format, MEMORY_TAKES_ALL, Record};
use super::output::Output;
use crate::base::float;
use crate::data::list::{End, Item};
use crate::data::stream::{Id, IdText};
use crate::data::{Hash, StrValue, Value, ZSet, zset};
use crate::keyspace::{NEVER, effects};
use crate::storage::rdb;
use std::io::{self, Write};

type Out<'a> = &'a mut dyn Write;

/// Elements or members, or fields of a hash, that one command adds.
const ELEMENTS_PER_COMMAND: usize = 64;

/// See the module's description.
#[derive(Debug)]
pub struct Commands {
    out: Output,
    /// What a reader has selected.
    db: Option<usize>,
}

impl Commands {
    /// Nothing yet.
    pub fn new(out: Output) -> Self {
        Commands { out, db: None }
    }

    fn select(&mut self, db: usize) -> io::Result<()> {
        if self.db == Some(db) {
            return Ok(());
        }
        self.db = Some(db);
        command(&mut self.out, &[Text(b"SELECT"), Number(db as u64)])
    }
}

impl Format for Commands {
    fn library(&mut self, source: &[u8]) -> io::Result<()> {
        let words = [Text(b"FUNCTION"), Text(b"LOAD"), Text(source)];
        command(&mut self.out, &words)
    }

    fn encode(&mut self, record: Record<'_>, into: &mut Vec<u8>) {
        write_record(into, record).expect(MEMORY_TAKES_ALL);
    }

    fn encoded(&mut self, db: usize, records: &[u8]) -> io::Result<()> {
        self.select(db)?;
        self.out.write_all(records)
    }

    fn record(&mut self, db: usize, record: Record<'_>) -> io::Result<()> {
        self.select(db)?;
        write_record(&mut self.out, record)
    }

    fn finish(self: Box<Self>) -> io::Result<Output> {
        Ok(self.out)
    }
}

fn write_record(out: Out<'_>, record: Record<'_>) -> io::Result<()> {
    let Record {
        key,
        deadline_ms,
        value,
        ..
    } = record;
    match value {
        Value::Str(string) => write_string(out, key, string)?,
        Value::List(list) => {
            write_elements(out, [b"RPUSH", key], list.len(), list.iter(End::Front))?
        }
        Value::Set(set) => write_elements(out, [b"SADD", key], set.len(), set.iter())?,
        Value::Hash(hash) => write_hash(out, key, hash)?,
        Value::ZSet(zset) => write_zset(out, key, zset)?,
        Value::Stream(stream) if stream::can_be_told(stream) => stream::write(out, key, stream)?,
        Value::Stream(_) => {
            let payload = rdb::dump(value, true);
            command(
                out,
                &[Text(b"RESTORE"), Text(key), Number(0), Text(&payload)],
            )?;
        }
    }
    if deadline_ms == NEVER {
        return Ok(());
    }
    // A deadline before 1970 has come as well as one in it.
    let ms = Number(u64::try_from(deadline_ms).unwrap_or(0));
    command(out, &[Text(b"PEXPIREAT"), Text(key), ms])
}

fn write_string(out: Out<'_>, key: &[u8], value: &StrValue) -> io::Result<()> {
    let mut digits = itoa::Buffer::new();
    let text = StrValue::as_bytes(value, &mut digits);
    command(out, &[Text(b"SET"), Text(key), Text(text)])
}

/// Writes commands that begin with `head` and add `count` elements.
fn write_elements<'a>(
    out: Out<'_>,
    head: [&[u8]; 2],
    count: usize,
    elements: impl Iterator<Item = Item<'a>>,
) -> io::Result<()> {
    let mut left = count;
    let mut digits = itoa::Buffer::new();
    for (at, item) in elements.enumerate() {
        if at % ELEMENTS_PER_COMMAND == 0 {
            open(out, head.len() + left.min(ELEMENTS_PER_COMMAND))?;
            head.iter().try_for_each(|text| Text(text).write(out))?;
        }
        Text(item.as_bytes(&mut digits)).write(out)?;
        left -= 1;
    }
    Ok(())
}

/// Of two fields that expire at the same moment the one that was told so later stands first, so the last ones are told first.
fn write_hash(out: Out<'_>, key: &[u8], hash: &Hash) -> io::Result<()> {
    let mut left = hash.len();
    let (mut names, mut values) = (itoa::Buffer::new(), itoa::Buffer::new());
    let mut expiring = Vec::new();
    for (at, field) in hash.iter().enumerate() {
        if at % ELEMENTS_PER_COMMAND == 0 {
            open(out, 2 + 2 * left.min(ELEMENTS_PER_COMMAND))?;
            Text(b"HSET").write(out)?;
            Text(key).write(out)?;
        }
        Text(field.name.as_bytes(&mut names)).write(out)?;
        Text(field.value.as_bytes(&mut values)).write(out)?;
        left -= 1;
        expiring.extend(field.expires_ms.map(|ms| (field.name, ms)));
    }
    for (name, ms) in expiring.into_iter().rev() {
        let ms = Number(u64::try_from(ms).unwrap_or(0));
        let name = Text(name.as_bytes(&mut names));
        command(
            out,
            &[
                Text(b"HPEXPIREAT"),
                Text(key),
                ms,
                Text(b"FIELDS"),
                Number(1),
                name,
            ],
        )?;
    }
    Ok(())
}

fn write_zset(out: Out<'_>, key: &[u8], zset: &ZSet) -> io::Result<()> {
    let mut left = zset.len();
    let mut digits = itoa::Buffer::new();
    let mut score = Vec::new();
    for (at, element) in zset.iter(zset::End::Lowest).enumerate() {
        if at % ELEMENTS_PER_COMMAND == 0 {
            open(out, 2 + 2 * left.min(ELEMENTS_PER_COMMAND))?;
            Text(b"ZADD").write(out)?;
            Text(key).write(out)?;
        }
        score.clear();
        float::write_f64(&mut score, element.score);
        Text(&score).write(out)?;
        Text(element.member.as_bytes(&mut digits)).write(out)?;
        left -= 1;
    }
    Ok(())
}

/// An argument of a command.
#[derive(Clone, Copy)]
enum Arg<'a> {
    Text(&'a [u8]),
    Number(u64),
    Id(IdText),
}
use Arg::{Number, Text};

impl From<Id> for Arg<'_> {
    fn from(id: Id) -> Self {
        Arg::Id(id.text())
    }
}

impl Arg<'_> {
    fn write(&self, out: Out<'_>) -> io::Result<()> {
        let mut digits = itoa::Buffer::new();
        let text = match self {
            Text(text) => text,
            Number(number) => digits.format(*number).as_bytes(),
            Arg::Id(text) => text,
        };
        number_line(out, b'$', text.len() as u64)?;
        out.write_all(text)?;
        out.write_all(b"\r\n")
    }
}

fn command(out: Out<'_>, args: &[Arg<'_>]) -> io::Result<()> {
    open(out, args.len())?;
    args.iter().try_for_each(|arg| arg.write(out))
}

fn open(out: Out<'_>, args: usize) -> io::Result<()> {
    number_line(out, b'*', args as u64)
}

fn number_line(out: Out<'_>, kind: u8, number: u64) -> io::Result<()> {
    out.write_all(&[kind])?;
    out.write_all(itoa::Buffer::new().format(number).as_bytes())?;
    out.write_all(b"\r\n")
}

/// Hides the command that `write` writes.
fn hidden(out: Out<'_>, write: impl FnOnce(Out<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = Vec::new();
    write(&mut bytes)?;
    effects::write_hidden(out, &bytes)
}

fn at_time(out: Out<'_>, ms: u64) -> io::Result<()> {
    out.write_all(b"#MS:")?;
    out.write_all(itoa::Buffer::new().format(ms).as_bytes())?;
    out.write_all(b"\r\n")
}
