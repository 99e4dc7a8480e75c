//! Values into the bytes of a file or a dump.

use super::kind::Kind;
use super::lzf::Compressor;
use super::{encode_stream, extra, listpack, opcode};
use crate::base::num::parse_i64;
use crate::data::list::{List, Node};
use crate::data::zset::{End, ZSet};
use crate::data::{Hash, Set, StrValue, Value};
use std::io::{self, Write};

/// Texts longer than this are compressed.
const MAX_PLAIN_BYTES: usize = 20;
/// Texts longer than this are not, to bound what compressing takes.
const MAX_COMPRESSED_BYTES: usize = 64 << 20;
/// A text is compressed only if that saves so much.
const MIN_SAVED_BYTES: usize = 4;
/// The longest text that may be an integer of 32 bits.
const MAX_INTEGER_BYTES: usize = 11;
/// What buffers keep from one value to the next.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// What stands before a key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// When it expires, Unix milliseconds.
    pub expires_ms: Option<i64>,
    /// For how long it was not used, in seconds.
    pub idle_s: Option<u64>,
    /// How often it is used, on the scale of OBJECT FREQ.
    pub frequency: Option<u8>,
}

/// Encodes values one after another, keeping its buffers.
#[derive(Debug, Default)]
pub struct Encoder {
    compressor: Option<Box<Compressor>>,
    pub(super) listpack: listpack::Writer,
}

impl Encoder {
    /// An encoder that compresses texts, or does not.
    pub fn new(compress: bool) -> Self {
        Self {
            compressor: compress.then(Box::default),
            listpack: listpack::Writer::default(),
        }
    }

    /// Writes a key with its value, as a file has them.
    pub fn entry(
        &mut self,
        out: &mut impl Write,
        key: &[u8],
        facts: Facts,
        value: &Value,
    ) -> io::Result<()> {
        if let Value::Stream(stream) = value {
            extra::write(self, out, stream)?;
        }
        if let Some(expires_ms) = facts.expires_ms {
            out.write_all(&[opcode::EXPIRES_MS])?;
            out.write_all(&expires_ms.to_le_bytes())?;
        }
        if let Some(idle_s) = facts.idle_s {
            out.write_all(&[opcode::IDLE])?;
            number(out, idle_s)?;
        }
        if let Some(frequency) = facts.frequency {
            out.write_all(&[opcode::FREQUENCY, frequency])?;
        }
        out.write_all(&[Kind::written(value)])?;
        self.text(out, key)?;
        self.value(out, value)
    }

    /// Writes a field of information.
    pub(super) fn aux(
        &mut self,
        out: &mut impl Write,
        name: &[u8],
        value: &[u8],
    ) -> io::Result<()> {
        out.write_all(&[opcode::AUX])?;
        self.text(out, name)?;
        self.text(out, value)
    }

    /// Writes a value alone, without the byte that says its type.
    pub fn value(&mut self, out: &mut impl Write, value: &Value) -> io::Result<()> {
        match value {
            Value::Str(string) => self.string(out, string)?,
            Value::List(list) => self.list(out, list)?,
            Value::Set(set) => self.set(out, set)?,
            Value::Hash(hash) => self.hash(out, hash)?,
            Value::ZSet(zset) => self.zset(out, zset)?,
            Value::Stream(stream) => encode_stream::stream(self, out, stream)?,
        }
        self.listpack.shrink_to(MAX_KEPT_BYTES);
        Ok(())
    }

    fn string(&mut self, out: &mut impl Write, string: &StrValue) -> io::Result<()> {
        self.text(out, string.as_bytes(&mut itoa::Buffer::new()))
    }

    fn list(&mut self, out: &mut impl Write, list: &List) -> io::Result<()> {
        const SINGLE: u64 = 1;
        const PACKED: u64 = 2;
        number(out, list.nodes().count() as u64)?;
        for node in list.nodes() {
            match node {
                Node::Single(text) => {
                    number(out, SINGLE)?;
                    self.opaque(out, text)?;
                }
                Node::Packed { entries, count } => {
                    number(out, PACKED)?;
                    self.listpack.begin();
                    self.listpack.encoded(entries, count);
                    self.finished_listpack(out)?;
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, out: &mut impl Write, set: &Set) -> io::Result<()> {
        if let Some((width, values)) = set.ints() {
            let mut intset = Vec::with_capacity(2 * size_of::<u32>() + values.len());
            intset.extend_from_slice(&(width as u32).to_le_bytes());
            intset.extend_from_slice(&(set.len() as u32).to_le_bytes());
            intset.extend_from_slice(values);
            return self.opaque(out, &intset);
        }
        number(out, set.len() as u64)?;
        let mut digits = itoa::Buffer::new();
        set.iter()
            .try_for_each(|member| self.text(out, member.as_bytes(&mut digits)))
    }

    fn hash(&mut self, out: &mut impl Write, hash: &Hash) -> io::Result<()> {
        let earliest_ms = hash.next_expiry_ms();
        if let Some(earliest_ms) = earliest_ms {
            out.write_all(&earliest_ms.to_le_bytes())?;
        }
        if hash.row().is_some() {
            return self.small_hash(out, hash);
        }
        number(out, hash.len() as u64)?;
        for field in hash.iter() {
            let (mut name, mut value) = (itoa::Buffer::new(), itoa::Buffer::new());
            if let Some(earliest_ms) = earliest_ms {
                let behind = |expires_ms: i64| expires_ms.abs_diff(earliest_ms) + 1;
                number(out, field.expires_ms.map_or(0, behind))?;
            }
            self.text(out, field.name.as_bytes(&mut name))?;
            self.text(out, field.value.as_bytes(&mut value))?;
        }
        Ok(())
    }

    fn zset(&mut self, out: &mut impl Write, zset: &ZSet) -> io::Result<()> {
        if let Some(row) = zset.row() {
            self.listpack.begin();
            self.listpack.row(row);
            return self.finished_listpack(out);
        }
        number(out, zset.len() as u64)?;
        let mut digits = itoa::Buffer::new();
        // A Redis that reads them puts each before all others, which takes it no search.
        for element in zset.iter(End::Highest) {
            self.text(out, element.member.as_bytes(&mut digits))?;
            out.write_all(&element.score.to_le_bytes())?;
        }
        Ok(())
    }

    /// Fields of which none expires are written without their expiries, as older servers know them.
    fn small_hash(&mut self, out: &mut impl Write, hash: &Hash) -> io::Result<()> {
        self.listpack.begin();
        match hash.row() {
            Some((row, is_timed)) if is_timed == hash.next_expiry_ms().is_some() => {
                self.listpack.row(row);
            }
            _ => hash.iter().for_each(|field| {
                for item in [field.name, field.value] {
                    self.listpack.text(item.as_bytes(&mut itoa::Buffer::new()));
                }
            }),
        }
        self.finished_listpack(out)
    }

    /// Writes the listpack as a string.
    pub(super) fn finished_listpack(&mut self, out: &mut impl Write) -> io::Result<()> {
        let bytes = self
            .listpack
            .end()
            .ok_or_else(|| io::Error::other("a run of entries of 4 GB or more"))?;
        compressed(self.compressor.as_deref_mut(), out, bytes)
    }

    /// Writes a string, short if it is an integer.
    pub(super) fn text(&mut self, out: &mut impl Write, text: &[u8]) -> io::Result<()> {
        if text.len() <= MAX_INTEGER_BYTES
            && let Some(value) = parse_i64(text)
            && let Ok(value) = i32::try_from(value)
        {
            return integer(out, value);
        }
        self.opaque(out, text)
    }

    /// Writes a string that is no integer.
    fn opaque(&mut self, out: &mut impl Write, text: &[u8]) -> io::Result<()> {
        compressed(self.compressor.as_deref_mut(), out, text)
    }
}

fn compressed(
    compressor: Option<&mut Compressor>,
    out: &mut impl Write,
    text: &[u8],
) -> io::Result<()> {
    const LZF: u8 = 0xc3;
    if let Some(compressor) = compressor
        && (MAX_PLAIN_BYTES + 1..=MAX_COMPRESSED_BYTES).contains(&text.len())
        && let Some(packed) = compressor.compress(text, text.len() - MIN_SAVED_BYTES)
    {
        out.write_all(&[LZF])?;
        number(out, packed.len() as u64)?;
        number(out, text.len() as u64)?;
        return out.write_all(packed);
    }
    plain(out, text)
}

/// Writes a string as it is.
pub(super) fn plain(out: &mut impl Write, text: &[u8]) -> io::Result<()> {
    number(out, text.len() as u64)?;
    out.write_all(text)
}

fn integer(out: &mut impl Write, value: i32) -> io::Result<()> {
    if let Ok(value) = i8::try_from(value) {
        out.write_all(&[0xc0, value.cast_unsigned()])
    } else if let Ok(value) = i16::try_from(value) {
        let [low, high] = value.to_le_bytes();
        out.write_all(&[0xc1, low, high])
    } else {
        out.write_all(&[0xc2])?;
        out.write_all(&value.to_le_bytes())
    }
}

/// Writes a number in the form of a length.
pub(super) fn number(out: &mut impl Write, number: u64) -> io::Result<()> {
    match number {
        0..0x40 => out.write_all(&[number as u8]),
        0x40..0x4000 => out.write_all(&[0x40 | (number >> 8) as u8, number as u8]),
        _ => match u32::try_from(number) {
            Ok(number) => {
                out.write_all(&[0x80])?;
                out.write_all(&number.to_be_bytes())
            }
            Err(_) => {
                out.write_all(&[0x81])?;
                out.write_all(&number.to_be_bytes())
            }
        },
    }
}
