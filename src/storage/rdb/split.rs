//! Cutting a file into its items without decoding what they hold, so that values can be decoded elsewhere and in parallel.
//!
//! The file is read in pieces of [`CHUNK_BYTES`]; records share the piece they stand in. Where an item does not end within its piece, a piece
//! at least twice as long is read and the item looked at again, so a value of any size is passed over in time that grows with its
//! size, and only as much memory is taken as the file has bytes.
//!
//! A large stream can also be cut ([`Splitter::cut_streams`]) into [`Part`]s, runs of its nodes, so that many threads decode it and nobody holds
//! all its bytes; its record comes after them and holds what is left:
//!
//! ```text
//!   name, count | node* ........ | node* ........ | node* | entries, ids, groups
//!                 Part 0           Part 1           Part 2  Record { parts: 3 }
//! ```

use super::cursor::{Cursor, Text};
use super::decode::{self, Limits};
use super::error::{Error, Problem, Result};
use super::extra::Extra;
use super::kind::{Dialect, Kind, StreamForm};
use super::skip::{self, Templates};
use super::{decode_stream, opcode};
use crate::base::crc64;
use crate::data::Value;
use crate::data::stream::{Disorder, LogLoader};
use bytes::Bytes;
use std::io::Read;
use std::sync::Arc;

/// How much is read at once, unless a single item is larger.
pub const CHUNK_BYTES: usize = 1 << 20;
/// The newest version of Redis's format that is known (Redis 8.10).
pub const NEWEST_REDIS_VERSION: u32 = 15;
/// The first version of Valkey's own format, and the newest that is known (Valkey 9).
pub const VALKEY_VERSIONS: std::ops::RangeInclusive<u32> = 80..=80;
/// From this version on, a checksum follows the last item.
const FIRST_VERSION_WITH_CHECKSUM: u32 = 5;

/// Something that a file holds.
#[derive(Debug)]
pub enum Item {
    /// A key and its value.
    Record(Record),
    /// A run of a stream's nodes, ahead of its record.
    Part(Part),
    /// A field of information about the file or its writer.
    Aux {
        /// Its name.
        name: Bytes,
        /// Its value.
        value: Bytes,
    },
    /// How many keys of this database follow, and how many of them expire.
    Sizes {
        /// The database.
        db: u64,
        /// Its keys.
        keys: u64,
        /// Those with an expiry.
        expiring: u64,
    },
    /// The source of a library of functions.
    Library(Bytes),
    /// Data of a module apart from any key; passed over.
    ModuleData {
        /// The module type's name.
        module: String,
    },
}

/// A key with its value, not decoded.
#[derive(Clone, Debug)]
pub struct Record {
    /// The database.
    pub db: u64,
    /// The key.
    pub key: Bytes,
    /// When it expires, Unix milliseconds.
    pub expires_ms: Option<i64>,
    /// For how long it was not used, in seconds.
    pub idle_s: Option<u64>,
    /// How often it is used, on the scale of OBJECT FREQ.
    pub frequency: Option<u8>,
    /// The form of the value.
    pub kind: Kind,
    /// The value's bytes.
    pub raw: Bytes,
    /// Where in the file they begin.
    pub offset: u64,
    /// How many parts of the value came before.
    pub parts: usize,
    /// What this program keeps beside the value.
    pub(super) extra: Extra,
    /// What the file has said of hashes so far.
    templates: Arc<Templates>,
}

impl Record {
    /// Bytes of the file that it holds.
    pub fn bytes(&self) -> usize {
        self.key.len() + self.raw.len() + self.extra.bytes()
    }

    /// The value, of which no part came before; `None` for an empty one, which is no value of any key.
    pub fn decode(&self, limits: &Limits) -> Result<Option<Value>> {
        assert_eq!(self.parts, 0, "what came before is decoded with it");
        if let Kind::Other(other) = self.kind {
            return Err(Error {
                offset: self.offset,
                problem: Problem::Unsupported {
                    key: self.key.to_vec(),
                    type_name: other.type_name,
                },
            });
        }
        let mut cursor = Cursor::new(&self.raw);
        decode::value(&mut cursor, self.kind, &self.extra, &self.templates, limits)
            .map_err(|error| error.within(self.offset))
    }

    /// The value whose parts, in order, were decoded to these.
    pub fn decode_behind(&self, parts: impl IntoIterator<Item = LogLoader>) -> Result<Value> {
        let mut cursor = Cursor::new(&self.raw);
        let Kind::Stream(form) = self.kind else {
            return Err(cursor.corrupt("parts of what is no stream"));
        };
        let mut nodes = LogLoader::default();
        parts
            .into_iter()
            .try_for_each(|part| nodes.append(part))
            .map_err(|Disorder| cursor.corrupt("nodes of a stream out of order"))
            .and_then(|()| decode_stream::stream_of(nodes, &mut cursor, form, &self.extra))
            .map(Value::from)
            .map_err(|error| error.within(self.offset))
    }
}

/// A run of a stream's nodes, not decoded.
#[derive(Clone, Debug)]
pub struct Part {
    /// How many parts of the stream came before.
    pub number: usize,
    /// How many nodes there are.
    count: u64,
    /// Their bytes.
    pub raw: Bytes,
    /// Where in the file they begin.
    pub offset: u64,
}

impl Part {
    /// The nodes; any number of threads may decode parts at once.
    pub fn decode(&self) -> Result<LogLoader> {
        decode_stream::nodes(&mut Cursor::new(&self.raw), self.count)
            .map_err(|error| error.within(self.offset))
    }
}

/// A stream that is being cut into parts.
#[derive(Debug)]
struct CutStream {
    key: Bytes,
    form: StreamForm,
    nodes_left: u64,
    parts: usize,
}

/// What stands before a key and concerns it.
#[derive(Debug, Default)]
struct Attributes {
    expires_ms: Option<i64>,
    idle_s: Option<u64>,
    frequency: Option<u8>,
    extra: Extra,
}

/// Reads items from `R`. See the file's head.
#[derive(Debug)]
pub struct Splitter<R> {
    input: R,
    chunk: Bytes,
    /// The next item in the chunk.
    at: usize,
    /// Where in the file the chunk begins.
    chunk_offset: u64,
    /// The checksum of everything before `summed`, a place in the chunk.
    crc: u64,
    summed: usize,
    version: u32,
    dialect: Dialect,
    db: u64,
    attributes: Attributes,
    templates: Arc<Templates>,
    /// Bytes of nodes that make a part.
    part_bytes: usize,
    /// The stream in which the next item stands.
    stream: Option<CutStream>,
    ended: bool,
}

/// What one step of reading came upon.
enum Step {
    Item(Item),
    /// Something that concerns what follows.
    Noted,
    End,
}

impl<R: Read> Splitter<R> {
    /// Begins to read a file.
    pub fn new(input: R) -> Result<Self> {
        let mut splitter = Self {
            input,
            chunk: Bytes::new(),
            at: 0,
            chunk_offset: 0,
            crc: 0,
            summed: 0,
            version: 0,
            dialect: Dialect::Redis,
            db: 0,
            attributes: Attributes::default(),
            templates: Arc::default(),
            part_bytes: usize::MAX,
            stream: None,
            ended: false,
        };
        (splitter.version, splitter.dialect) = splitter.whole(|_, cursor| header(cursor))?;
        Ok(splitter)
    }

    /// From now on, cuts a stream whose nodes have more than `part_bytes` into parts of about so many.
    pub fn cut_streams(&mut self, part_bytes: usize) {
        self.part_bytes = part_bytes;
    }

    /// The version of the file's format.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Bytes of the file read and cut so far.
    pub fn offset(&self) -> u64 {
        self.chunk_offset + self.at as u64
    }

    /// The next item; `None` after the last, when the checksum has been found right.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would have to be asked again after an error"
    )]
    pub fn next(&mut self) -> Result<Option<Item>> {
        while !self.ended {
            match self.whole(Self::step)? {
                Step::Item(item) => return Ok(Some(item)),
                Step::Noted => {}
                Step::End => self.end()?,
            }
        }
        Ok(None)
    }

    /// What follows the snapshot: the bytes read already and the rest of the input.
    pub fn into_rest(self) -> (Bytes, R) {
        (self.chunk.slice(self.at..), self.input)
    }

    /// Does `read` on what follows, reading more of the file as long as that is cut short.
    fn whole<T>(&mut self, read: impl Fn(&mut Self, &mut Cursor<'_>) -> Result<T>) -> Result<T> {
        loop {
            let chunk = self.chunk.clone();
            let mut cursor = Cursor::new(&chunk[self.at..]);
            match read(self, &mut cursor) {
                Ok(done) => {
                    self.at += cursor.offset();
                    return Ok(done);
                }
                Err(error) if error.is_truncation() && self.refill()? => {}
                Err(error) => return Err(error.within(self.offset())),
            }
        }
    }

    /// Reads more behind what is left of the chunk; false if there is no more.
    fn refill(&mut self) -> Result<bool> {
        self.sum();
        let rest = &self.chunk[self.at..];
        let len = CHUNK_BYTES.max(2 * rest.len());
        let mut longer = Vec::with_capacity(len);
        longer.extend_from_slice(rest);
        let room = (len - rest.len()) as u64;
        let read = self.input.by_ref().take(room).read_to_end(&mut longer);
        let read = read.map_err(|error| Error {
            offset: self.offset() + rest.len() as u64,
            problem: Problem::Io(error),
        })?;
        self.chunk_offset += self.at as u64;
        self.chunk = longer.into();
        (self.at, self.summed) = (0, 0);
        Ok(read > 0)
    }

    /// Brings the checksum up to the next item.
    fn sum(&mut self) {
        self.crc = crc64::update(self.crc, &self.chunk[self.summed..self.at]);
        self.summed = self.at;
    }

    fn step(&mut self, cursor: &mut Cursor<'_>) -> Result<Step> {
        if self.stream.is_some() {
            return self.stream_goes_on(cursor);
        }
        let attributes = &mut self.attributes;
        match cursor.byte()? {
            opcode::EXPIRES_MS => attributes.expires_ms = Some(cursor.time_ms()?),
            opcode::EXPIRES_S => {
                let seconds = i32::from_le_bytes(cursor.array()?);
                attributes.expires_ms = Some(i64::from(seconds) * 1000);
            }
            opcode::IDLE => attributes.idle_s = Some(cursor.number()?),
            opcode::FREQUENCY => attributes.frequency = Some(cursor.byte()?),
            opcode::SELECT_DB => self.db = cursor.number()?,
            opcode::SIZES => {
                let db = self.db;
                let (keys, expiring) = (cursor.number()?, cursor.number()?);
                return Ok(Step::Item(Item::Sizes { db, keys, expiring }));
            }
            opcode::AUX => return self.aux(cursor),
            opcode::LIBRARY => return Ok(Step::Item(Item::Library(self.string(cursor)?))),
            opcode::LIBRARY_OF_A_CANDIDATE => {
                return Err(
                    cursor.corrupt("a library in the form of a release candidate of Redis 7.0")
                );
            }
            opcode::MODULE_DATA => {
                let module = module_name(cursor.number()?);
                if cursor.number()? != 2 {
                    return Err(cursor.corrupt("module data without its moment"));
                }
                cursor.number()?;
                skip::module(cursor)?;
                return Ok(Step::Item(Item::ModuleData { module }));
            }
            opcode::SLOT_SIZES => {
                for _ in 0..3 {
                    cursor.number()?;
                }
            }
            opcode::SLOT_IMPORT if self.dialect == Dialect::Valkey => {
                skip::strings(cursor, 1)?;
                for _ in 0..cursor.count(2)? {
                    cursor.number()?;
                    cursor.number()?;
                }
            }
            opcode::KEY_METADATA if self.dialect == Dialect::Redis => {
                for _ in 0..cursor.count(1)? {
                    cursor.take(size_of::<u32>())?;
                    skip::module(cursor)?;
                }
            }
            opcode::HASH_TEMPLATE if self.dialect == Dialect::Redis => {
                let (template, count) = (cursor.number()?, cursor.count(1)?);
                let mut scratch = Vec::new();
                let names = (0..count).map(|_| Ok(cursor.string(&mut scratch)?.into()));
                let names = names.collect::<Result<_>>()?;
                Arc::make_mut(&mut self.templates).insert(template, names);
            }
            opcode::END => return Ok(Step::End),
            byte => return self.record(byte, cursor),
        }
        Ok(Step::Noted)
    }

    fn aux(&mut self, cursor: &mut Cursor<'_>) -> Result<Step> {
        let (name, value) = (self.string(cursor)?, self.string(cursor)?);
        Ok(match self.attributes.extra.take(&name, value) {
            Some(value) => Step::Item(Item::Aux { name, value }),
            None => Step::Noted,
        })
    }

    fn record(&mut self, byte: u8, cursor: &mut Cursor<'_>) -> Result<Step> {
        let Some(kind) = Kind::of(byte, self.dialect) else {
            return Err(cursor.error(Problem::UnknownType(byte)));
        };
        let key = self.string(cursor)?;
        let start = cursor.offset();
        if let Kind::Stream(form) = kind {
            let count = cursor.number()?;
            let nodes_at = cursor.offset();
            let passed = skip::nodes(cursor, count, self.part_bytes)?;
            if passed < count {
                self.stream = Some(CutStream {
                    key,
                    form,
                    nodes_left: count - passed,
                    parts: 1,
                });
                return Ok(self.part(cursor, nodes_at, passed, 0));
            }
            skip::stream_end(cursor, form)?;
        } else {
            skip::value(cursor, kind, &self.templates)?;
        }
        Ok(self.whole_record(cursor, start, (key, kind), 0))
    }

    /// The next part of a stream, or its record after the last.
    fn stream_goes_on(&mut self, cursor: &mut Cursor<'_>) -> Result<Step> {
        let part_bytes = self.part_bytes;
        let stream = self.stream.as_mut().expect("the caller has seen it");
        if stream.nodes_left > 0 {
            let passed = skip::nodes(cursor, stream.nodes_left, part_bytes)?;
            let number = stream.parts;
            stream.nodes_left -= passed;
            stream.parts += 1;
            return Ok(self.part(cursor, 0, passed, number));
        }
        skip::stream_end(cursor, stream.form)?;
        let stream = self.stream.take().expect("the caller has seen it");
        let key_and_kind = (stream.key, Kind::Stream(stream.form));
        Ok(self.whole_record(cursor, 0, key_and_kind, stream.parts))
    }

    /// The nodes between `start` and the cursor.
    fn part(&self, cursor: &Cursor<'_>, start: usize, count: u64, number: usize) -> Step {
        Step::Item(Item::Part(Part {
            number,
            count,
            raw: self.slice(start, cursor),
            offset: self.offset() + start as u64,
        }))
    }

    /// The record whose value stands between `start` and the cursor.
    fn whole_record(
        &mut self,
        cursor: &Cursor<'_>,
        start: usize,
        (key, kind): (Bytes, Kind),
        parts: usize,
    ) -> Step {
        let attributes = std::mem::take(&mut self.attributes);
        Step::Item(Item::Record(Record {
            db: self.db,
            key,
            expires_ms: attributes.expires_ms,
            idle_s: attributes.idle_s,
            frequency: attributes.frequency,
            kind,
            raw: self.slice(start, cursor),
            offset: self.offset() + start as u64,
            parts,
            extra: attributes.extra,
            templates: self.templates.clone(),
        }))
    }

    /// The chunk's bytes between `start`, counted as the cursor counts, and the cursor.
    fn slice(&self, start: usize, cursor: &Cursor<'_>) -> Bytes {
        self.chunk.slice(self.at + start..self.at + cursor.offset())
    }

    /// A string, shared with the chunk where it stands there as it is.
    fn string(&self, cursor: &mut Cursor<'_>) -> Result<Bytes> {
        let text = cursor.text()?;
        if let Text::Plain(bytes) = text {
            let end = self.at + cursor.offset();
            return Ok(self.chunk.slice(end - bytes.len()..end));
        }
        let mut scratch = Vec::new();
        match text.unpack(&mut scratch) {
            Some(_) => Ok(scratch.into()),
            None => Err(cursor.corrupt("a compressed string that does not unpack")),
        }
    }

    fn end(&mut self) -> Result<()> {
        self.ended = true;
        if self.version < FIRST_VERSION_WITH_CHECKSUM {
            return Ok(());
        }
        self.sum();
        let computed = self.crc;
        let offset = self.offset();
        match u64::from_le_bytes(self.whole(|_, cursor| cursor.array())?) {
            0 => Ok(()),
            stored if stored == computed => Ok(()),
            stored => Err(Error {
                offset,
                problem: Problem::Checksum { stored, computed },
            }),
        }
    }
}

/// Reads `REDISvvvv` or `VALKEYvvv`.
fn header(cursor: &mut Cursor<'_>) -> Result<(u32, Dialect)> {
    const BYTES: usize = 9;
    let header: [u8; BYTES] = cursor.array()?;
    let (digits, dialect) = match (
        header.strip_prefix(b"REDIS"),
        header.strip_prefix(b"VALKEY"),
    ) {
        (Some(digits), _) => (digits, Dialect::Redis),
        (_, Some(digits)) => (digits, Dialect::Valkey),
        _ => return Err(Cursor::new(&[]).error(Problem::NotASnapshot)),
    };
    let version = digits.iter().try_fold(0, |version, byte| {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        (digit < 10).then_some(version * 10 + digit)
    });
    let known = |version: &u32| match dialect {
        Dialect::Redis => (1..=NEWEST_REDIS_VERSION).contains(version),
        Dialect::Valkey => VALKEY_VERSIONS.contains(version),
    };
    match version {
        Some(version) if known(&version) => Ok((version, dialect)),
        Some(version) => Err(cursor.error(Problem::Version(version))),
        None => Err(Cursor::new(&[]).error(Problem::NotASnapshot)),
    }
}

/// The name that a module type's number spells: nine characters of six bits, the first one highest, over ten bits of version.
fn module_name(number: u64) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..9)
        .rev()
        .map(|place| char::from(ALPHABET[(number >> (10 + 6 * place)) as usize & 0x3f]))
        .collect()
}
