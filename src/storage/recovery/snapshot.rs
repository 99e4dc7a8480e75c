//! Loading a snapshot: one thread cuts the file into records, others decode them and put them into the keyspace.
//!
//! ```text
//!   file -> Splitter -> [batch] [batch] ... (bounded) -> decode -> stripe
//!                                                     -> decode -> stripe
//! ```
//!
//! In memory at once are the batches that wait, at most `BATCHES_PER_WORKER` for each decoder, and one that each decodes. A batch has
//! `BATCH_BYTES` or is a single larger value. A stream larger than that comes in parts: whoever decodes the last of them puts the
//! stream together.

use super::failure::{Failure, Interrupted};
use super::input::Input;
use super::progress::Progress;
use super::tail;
use crate::data::Value;
use crate::data::stream::LogLoader;
use crate::keyspace::usage::NEW_FREQUENCY;
use crate::keyspace::{Keyspace, Locked, Usage};
use crate::storage::rdb::{self, Item, Limits, Part, Problem, Record, Splitter};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tracing::{info, warn};

/// Bytes of values that are handed over at once.
const BATCH_BYTES: usize = 256 * 1024;
/// Batches that wait for each decoder.
const BATCHES_PER_WORKER: usize = 2;
/// Keys that are named one by one when they are left out.
const LEFT_OUT_NAMED: usize = 1000;

/// How values come into the keyspace.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// The time, Unix milliseconds.
    pub now_ms: i64,
    /// Keys whose time was up by now are left out. (In the base of a log they are not: what follows may mention them.)
    pub drops_expired: bool,
    /// Values of types that are not known here are left out; else they end the load.
    pub skips_unknown: bool,
    /// How many threads decode.
    pub threads: usize,
    /// What the configuration says of values that are built.
    pub limits: Limits,
}

/// What was left out.
#[derive(Debug, Default)]
pub struct LeftOut {
    /// Database and key, and what it is.
    pub keys: BTreeMap<(u64, Bytes), &'static str>,
    /// Something was, though it may have been replaced or removed since.
    pub is_any: bool,
}

impl LeftOut {
    /// A key that was left out. What is known of it stays known.
    pub fn add(&mut self, db: u64, key: Bytes, what: &'static str) {
        self.is_any = true;
        self.keys.entry((db, key)).or_insert(what);
    }

    /// Adds what another file held.
    pub fn append(&mut self, mut other: LeftOut) {
        self.is_any |= other.is_any;
        self.keys.append(&mut other.keys);
    }

    /// A line for each, up to a bound.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let named = self.keys.iter().take(LEFT_OUT_NAMED);
        named.map(|((db, key), what)| {
            let key = key.escape_ascii();
            format!("left out: \"{key}\" of database {db}, a {what}")
        })
    }
}

/// What is handed over.
enum Piece {
    /// A key and its value.
    Whole(Record),
    /// A part of a stream.
    Part(Part, Arc<Assembly>),
    /// What is left of the stream.
    Rest(Record, Arc<Assembly>),
}

/// A stream that is decoded in parts.
#[derive(Default)]
struct Assembly(Mutex<Parts>);

#[derive(Default)]
struct Parts {
    /// Those decoded, by their numbers.
    decoded: Vec<Option<LogLoader>>,
    count: usize,
    rest: Option<Record>,
}

impl Piece {
    /// About what it takes while it waits.
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Piece::Whole(record) | Piece::Rest(record, _) => record.bytes(),
                Piece::Part(part, _) => part.raw.len(),
            }
    }
}

impl Assembly {
    /// Adds a part, or what is left of the stream; gives both when all is there.
    fn add(&self, add: impl FnOnce(&mut Parts)) -> Option<(Record, Vec<Option<LogLoader>>)> {
        let mut parts = self.0.lock();
        add(&mut parts);
        let count = parts.count;
        let rest = parts.rest.take_if(|rest| rest.parts == count)?;
        Some((rest, std::mem::take(&mut parts.decoded)))
    }
}

impl Parts {
    fn add(&mut self, number: usize, part: LogLoader) {
        if self.decoded.len() <= number {
            self.decoded.resize_with(number + 1, || None);
        }
        self.decoded[number] = Some(part);
        self.count += 1;
    }
}

struct Load<'a> {
    path: &'a Path,
    keyspace: &'a Keyspace,
    manner: Manner,
    progress: &'a Progress,
    left_out: Mutex<LeftOut>,
    /// The first failure of a decoder.
    failure: Mutex<Option<Failure>>,
    failed: AtomicBool,
}

/// Loads the snapshot at `path` that `input` reads from its beginning; returns what follows it, and what was left out.
pub fn load(
    path: &Path,
    input: Input,
    keyspace: &Keyspace,
    manner: Manner,
    progress: &Progress,
) -> Result<(Input, LeftOut), Interrupted> {
    let load = Load {
        path,
        keyspace,
        manner,
        progress,
        left_out: Mutex::default(),
        failure: Mutex::default(),
        failed: AtomicBool::new(false),
    };
    let mut splitter = Splitter::new(input).map_err(|error| load.broken(&error))?;
    splitter.cut_streams(BATCH_BYTES);
    let (batches, waiting) = sync_channel(manner.threads * BATCHES_PER_WORKER);
    let waiting = Mutex::new(waiting);
    let split = std::thread::scope(|scope| {
        for _ in 0..manner.threads.max(1) {
            scope.spawn(|| load.decode(&waiting));
        }
        let split = load.split(&mut splitter, &batches);
        drop(batches);
        split
    });
    if let Some(failure) = load.failure.into_inner() {
        return Err(failure.into());
    }
    split?;
    let end = splitter.offset();
    let (rest, input) = splitter.into_rest();
    Ok((Input::resume(rest, input, end), load.left_out.into_inner()))
}

impl Load<'_> {
    /// Cuts the file into batches until it ends, a decoder fails, or the order to stop comes.
    fn split(
        &self,
        splitter: &mut Splitter<Input>,
        batches: &SyncSender<Vec<Piece>>,
    ) -> Result<(), Interrupted> {
        let (mut batch, mut batch_bytes, mut noted) = (Vec::new(), 0, 0);
        let mut assembly = Arc::default();
        while let Some(item) = splitter.next().map_err(|error| self.broken(&error))? {
            let piece = match item {
                Item::Record(record) if record.parts == 0 => Piece::Whole(record),
                Item::Record(record) => Piece::Rest(record, std::mem::take(&mut assembly)),
                Item::Part(part) => Piece::Part(part, Arc::clone(&assembly)),
                other => {
                    self.note(other);
                    continue;
                }
            };
            batch_bytes += piece.bytes();
            batch.push(piece);
            if batch_bytes < BATCH_BYTES {
                continue;
            }
            batch_bytes = 0;
            if batches.send(std::mem::take(&mut batch)).is_err() || self.failed.load(Relaxed) {
                return Ok(());
            }
            if !self.progress.advance(splitter.offset() - noted) {
                return Err(Interrupted::ByOrder);
            }
            noted = splitter.offset();
        }
        let _ = batches.send(batch);
        match self.progress.advance(splitter.offset() - noted) {
            true => Ok(()),
            false => Err(Interrupted::ByOrder),
        }
    }

    /// What a file says beside its keys.
    fn note(&self, item: Item) {
        match item {
            Item::Aux { name, value } if name == "used-mem" => {
                let bytes = std::str::from_utf8(&value)
                    .ok()
                    .and_then(|text| text.parse().ok());
                let figure = &self.progress.snapshot_memory_bytes;
                figure.store(bytes.unwrap_or(0), Relaxed);
            }
            Item::Aux { name, value } if name == "redis-ver" || name == "valkey-ver" => {
                let version = value.escape_ascii();
                info!(
                    "{}: a snapshot written by version {version}",
                    self.path.display()
                );
            }
            Item::Library(source) => {
                self.keyspace.libraries().add_unread(Arc::from(&*source));
            }
            Item::ModuleData { module } => {
                warn!(
                    "{}: data of the module {module} is left out",
                    self.path.display()
                );
            }
            Item::Aux { .. } | Item::Sizes { .. } | Item::Record(_) | Item::Part(_) => {}
        }
    }

    /// Decodes batches until there are no more.
    fn decode(&self, waiting: &Mutex<Receiver<Vec<Piece>>>) {
        let mut locked = Locked::new(self.keyspace);
        loop {
            let received = waiting.lock().recv();
            let Ok(batch) = received else {
                return;
            };
            let done = match self.failed.load(Relaxed) {
                true => Ok(()),
                false => batch
                    .into_iter()
                    .try_for_each(|piece| self.take(piece, &mut locked)),
            };
            locked.release();
            if let Err(failure) = done {
                let mut first = self.failure.lock();
                if first
                    .as_ref()
                    .is_none_or(|first| failure.offset < first.offset)
                {
                    *first = Some(failure);
                }
                self.failed.store(true, Relaxed);
            }
        }
    }

    fn take(&self, piece: Piece, locked: &mut Locked<'_>) -> Result<(), Failure> {
        let assembled = match piece {
            Piece::Whole(record) => return self.take_whole(&record, locked),
            Piece::Rest(record, assembly) => assembly.add(|parts| parts.rest = Some(record)),
            Piece::Part(part, assembly) => {
                let decoded = part.decode().map_err(|error| self.broken(&error))?;
                drop(part.raw);
                assembly.add(|parts| parts.add(part.number, decoded))
            }
        };
        let Some((record, parts)) = assembled else {
            return Ok(());
        };
        let parts = parts.into_iter().flatten();
        let value = record
            .decode_behind(parts)
            .map_err(|error| self.broken(&error))?;
        self.insert(&record, value, locked)
    }

    fn take_whole(&self, record: &Record, locked: &mut Locked<'_>) -> Result<(), Failure> {
        match record.decode(&self.manner.limits) {
            Ok(Some(value)) => self.insert(record, value, locked),
            Ok(None) => Ok(()),
            Err(error) => match error.problem {
                Problem::Unsupported { type_name, .. } if self.manner.skips_unknown => {
                    self.leave_out(record, type_name);
                    Ok(())
                }
                _ => Err(self.broken(&error)),
            },
        }
    }

    fn insert(
        &self,
        record: &Record,
        value: Value,
        locked: &mut Locked<'_>,
    ) -> Result<(), Failure> {
        let now_ms = self.manner.now_ms;
        if self.manner.drops_expired && record.expires_ms.is_some_and(|at_ms| at_ms <= now_ms) {
            self.progress.keys_expired.fetch_add(1, Relaxed);
            return Ok(());
        }
        let db = usize::try_from(record.db)
            .ok()
            .filter(|db| *db < self.keyspace.databases())
            .ok_or_else(|| self.beyond_databases(record))?;
        let idle_ms = i64::try_from(record.idle_s.unwrap_or(0))
            .unwrap_or(0)
            .saturating_mul(1000);
        let stripe = self.keyspace.stripe_of(&record.key);
        locked.acquire_one(stripe);
        let table = &mut locked.stripe(stripe).dbs[db];
        if table.position(&record.key).is_some() {
            return Err(self.duplicate(record));
        }
        let position = table.insert(&record.key, value, now_ms);
        let used_ms = now_ms.saturating_sub(idle_ms);
        let frequency = record.frequency.unwrap_or(NEW_FREQUENCY);
        table.set_usage(position, Usage::new(used_ms, frequency));
        if let Some(at_ms) = record.expires_ms {
            let at_ms = at_ms.min(crate::keyspace::LAST_DEADLINE_MS);
            table.set_deadline_ms(position, at_ms);
            if at_ms < self.keyspace.next_deadline_ms(stripe) {
                self.keyspace.set_next_deadline_ms(stripe, at_ms);
            }
        }
        self.progress.keys_loaded.fetch_add(1, Relaxed);
        Ok(())
    }

    fn leave_out(&self, record: &Record, type_name: &'static str) {
        self.left_out
            .lock()
            .add(record.db, record.key.clone(), type_name);
    }

    fn broken(&self, error: &rdb::Error) -> Failure {
        let remedy = match error.problem {
            Problem::Unsupported { .. } => {
                "start with --skip-unknown-types to load everything else; what is there is kept beside it"
            }
            Problem::Version(_) | Problem::UnknownSection(_) | Problem::UnknownOption => {
                "load it with the server that wrote it, or with a newer Millstream"
            }
            Problem::Io(_) => "see to the disk and to the permissions, then start again",
            _ => tail::RESTORE,
        };
        Failure::of(self.path, format!("it {}", error.problem), remedy).at(error.offset)
    }

    fn beyond_databases(&self, record: &Record) -> Failure {
        Failure::of(
            self.path,
            format!(
                "it holds keys of database {}, but 'databases' is {}",
                record.db,
                self.keyspace.databases()
            ),
            format!(
                "start with --databases {} or more",
                record.db.saturating_add(1)
            ),
        )
        .at(record.offset)
    }

    fn duplicate(&self, record: &Record) -> Failure {
        Failure::of(
            self.path,
            format!(
                "it is corrupt: the key \"{}\" of database {} occurs twice",
                record.key.escape_ascii(),
                record.db
            ),
            tail::RESTORE,
        )
        .at(record.offset)
    }
}
