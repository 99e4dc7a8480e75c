//! `cmsgpack`: MessagePack (<https://msgpack.org>) as the Lua library of that name reads and writes it: no binary and no extension types,
//! and whole numbers in the fewest bytes.
//!
//! ```text
//!   00-7f number  80-8f map  90-9f array  a0-bf string  c0 nil  c2 false  c3 true  ca cb float  cc-cf unsigned  d0-d3 signed
//!   d9-db string  dc dd array  de df map  e0-ff number
//! ```

use super::text;
use crate::script::failure::{bad_argument, message_here};
use crate::script::state::Unbounded;
use mlua::{Lua, MultiValue, Table, Value};

/// Tables within tables; what lies deeper is nil.
const MAX_DEPTH: usize = 16;
/// The same when reading, where each level takes its share of the thread's stack.
const MAX_READ_DEPTH: usize = 1000;

/// The library.
pub fn table(lua: &Lua) -> mlua::Result<Table> {
    let msgpack = lua.create_table()?;
    msgpack.raw_set("_NAME", "cmsgpack")?;
    msgpack.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    msgpack.raw_set("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo")?;
    msgpack.raw_set("_DESCRIPTION", "MessagePack C implementation for Lua")?;
    msgpack.raw_set("pack", lua.create_function(pack)?)?;
    let unpack = |lua: &Lua, args: MultiValue| unpack(lua, &args, ("unpack", Reads::All));
    msgpack.raw_set("unpack", lua.create_function(unpack)?)?;
    let one = |lua: &Lua, args: MultiValue| self::unpack(lua, &args, ("unpack_one", Reads::One));
    msgpack.raw_set("unpack_one", lua.create_function(one)?)?;
    let limit =
        |lua: &Lua, args: MultiValue| self::unpack(lua, &args, ("unpack_limit", Reads::Limit));
    msgpack.raw_set("unpack_limit", lua.create_function(limit)?)?;
    Ok(msgpack)
}

fn pack(lua: &Lua, args: MultiValue) -> mlua::Result<Value> {
    if args.is_empty() {
        let what = "MessagePack pack needs input.";
        return Err(bad_argument(lua, 0, "pack", what));
    }
    let mut out = Vec::new();
    for value in &args {
        write(&mut out, value, 0)?;
    }
    let _unbounded = Unbounded::lift(lua, out.len())?;
    Ok(Value::String(lua.create_string(out)?))
}

fn write(out: &mut Vec<u8>, value: &Value, depth: usize) -> mlua::Result<()> {
    match value {
        Value::Boolean(truth) => out.push(if *truth { 0xc3 } else { 0xc2 }),
        Value::Integer(n) => integer(out, *n),
        Value::Number(n) => number(out, *n),
        Value::String(text) => string(out, &text.as_bytes()),
        Value::Table(table) if depth < MAX_DEPTH => return table_of(out, table, depth + 1),
        _ => out.push(0xc0),
    }
    Ok(())
}

fn integer(out: &mut Vec<u8>, n: i64) {
    match n {
        0..128 => out.push(n as u8),
        128..256 => out.extend_from_slice(&[0xcc, n as u8]),
        256..0x1_0000 => tagged(out, 0xcd, &(n as u16).to_be_bytes()),
        0x1_0000..0x1_0000_0000 => tagged(out, 0xce, &(n as u32).to_be_bytes()),
        0x1_0000_0000.. => tagged(out, 0xcf, &n.to_be_bytes()),
        -32..0 => out.push(n as u8),
        -128..-32 => out.extend_from_slice(&[0xd0, n as u8]),
        -0x8000..-128 => tagged(out, 0xd1, &(n as i16).to_be_bytes()),
        -0x8000_0000..-0x8000 => tagged(out, 0xd2, &(n as i32).to_be_bytes()),
        _ => tagged(out, 0xd3, &n.to_be_bytes()),
    }
}

/// A number that is not whole, in as few bytes as tell it exactly.
fn number(out: &mut Vec<u8>, n: f64) {
    let narrow = n as f32;
    if n == 0.0 {
        out.push(0);
    } else if f64::from(narrow) == n {
        tagged(out, 0xca, &narrow.to_be_bytes());
    } else {
        tagged(out, 0xcb, &n.to_be_bytes());
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn string(out: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        len @ 0..32 => out.push(0xa0 | len as u8),
        len @ 32..256 => out.extend_from_slice(&[0xd9, len as u8]),
        len @ 256..0x1_0000 => tagged(out, 0xda, &(len as u16).to_be_bytes()),
        len => tagged(out, 0xdb, &(len as u32).to_be_bytes()),
    }
    out.extend_from_slice(text);
}

fn table_of(out: &mut Vec<u8>, table: &Table, depth: usize) -> mlua::Result<()> {
    let (mut count, mut most, mut is_array) = (0usize, 0i64, true);
    table.for_each(|key: Value, _: Value| {
        count += 1;
        match key {
            Value::Integer(index) if index > 0 => most = most.max(index),
            _ => is_array = false,
        }
        Ok(())
    })?;
    if is_array && most == count as i64 {
        match count {
            0..16 => out.push(0x90 | count as u8),
            16..0x1_0000 => tagged(out, 0xdc, &(count as u16).to_be_bytes()),
            _ => tagged(out, 0xdd, &(count as u32).to_be_bytes()),
        }
        for index in 1..=count {
            write(out, &table.raw_get(index)?, depth)?;
        }
        return Ok(());
    }
    match count {
        0..16 => out.push(0x80 | count as u8),
        16..0x1_0000 => tagged(out, 0xde, &(count as u16).to_be_bytes()),
        _ => tagged(out, 0xdf, &(count as u32).to_be_bytes()),
    }
    table.for_each(|key: Value, value: Value| {
        write(out, &key, depth)?;
        write(out, &value, depth)
    })
}

/// How much is read, and what is told beside it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// All values, and they alone.
    All,
    /// One value, behind the offset where the next begins.
    One,
    /// As many as are asked for, behind that offset.
    Limit,
}

fn unpack(lua: &Lua, args: &MultiValue, (name, reads): (&str, Reads)) -> mlua::Result<MultiValue> {
    let Some(input) = args.front().and_then(text::coerced) else {
        let got = args.front().map_or("no value", text::type_name);
        let what = format!("string expected, got {got}");
        return Err(bad_argument(lua, 1, name, &what));
    };
    let number = |at: usize, default: Option<i64>| match (args.get(at), default) {
        (None | Some(Value::Nil), Some(default)) => Ok(default),
        (value, _) => value
            .and_then(text::number)
            .map(|number| number as i64)
            .ok_or_else(|| {
                let got = value.map_or("no value", text::type_name);
                let what = format!("number expected, got {got}");
                bad_argument(lua, at + 1, name, &what)
            }),
    };
    let (limit, offset) = match reads {
        Reads::All => (0, 0),
        Reads::One => (1, number(1, Some(0))?),
        Reads::Limit => (number(1, None)?, number(2, Some(0))?),
    };
    if limit < 0 || offset < 0 {
        let len = input.len();
        let text = format!("Invalid request to unpack with offset of {offset} and limit of {len}.");
        return Err(message_here(lua, text));
    }
    if offset as usize > input.len() {
        let len = input.len();
        let text = format!("Start offset {offset} greater than input length {len}.");
        return Err(message_here(lua, text));
    }
    let told_where = reads != Reads::All && limit != 0;
    read_all(lua, &input, (offset as usize, limit as usize), told_where)
}

fn read_all(
    lua: &Lua,
    input: &[u8],
    (offset, limit): (usize, usize),
    told_where: bool,
) -> mlua::Result<MultiValue> {
    /// Bytes that a value takes at most for each byte that it is packed in.
    const GROWTH: usize = 48;
    let _unbounded = Unbounded::lift(lua, input.len().saturating_mul(GROWTH))?;
    let mut reader = Reader {
        lua,
        input,
        at: offset,
    };
    let mut values = MultiValue::new();
    while reader.at < input.len() && (limit == 0 || values.len() < limit) {
        let value = reader.value(0).map_err(|wrong| match wrong {
            Wrong::Missing => message_here(lua, "Missing bytes in input."),
            Wrong::Format => message_here(lua, "Bad data format in input."),
            Wrong::Lua(error) => error,
        })?;
        values.push_back(value);
    }
    if told_where {
        let next = if reader.at < input.len() {
            reader.at as i64
        } else {
            -1
        };
        values.push_front(Value::Integer(next));
    }
    Ok(values)
}

enum Wrong {
    Missing,
    Format,
    Lua(mlua::Error),
}

impl From<mlua::Error> for Wrong {
    fn from(error: mlua::Error) -> Self {
        Wrong::Lua(error)
    }
}

struct Reader<'r> {
    lua: &'r Lua,
    input: &'r [u8],
    at: usize,
}

impl<'r> Reader<'r> {
    fn take(&mut self, len: usize) -> Result<&'r [u8], Wrong> {
        let taken = self.input[self.at..].get(..len).ok_or(Wrong::Missing)?;
        self.at += len;
        Ok(taken)
    }

    /// An unsigned number of `len` bytes.
    fn unsigned(&mut self, len: usize) -> Result<u64, Wrong> {
        let bytes = self.take(len)?;
        Ok(bytes.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)))
    }

    fn value(&mut self, depth: usize) -> Result<Value, Wrong> {
        if depth > MAX_READ_DEPTH {
            return Err(Wrong::Format);
        }
        let tag = self.take(1)?[0];
        Ok(match tag {
            0x00..0x80 => Value::Integer(tag.into()),
            0xe0.. => Value::Integer((tag as i8).into()),
            0xc0 => Value::Nil,
            0xc2 => Value::Boolean(false),
            0xc3 => Value::Boolean(true),
            0xca => Value::Number(f32::from_bits(self.unsigned(4)? as u32).into()),
            0xcb => Value::Number(f64::from_bits(self.unsigned(8)?)),
            0xcc..=0xcf => Value::Integer(self.unsigned(1 << (tag - 0xcc))? as i64),
            0xd0 => Value::Integer((self.unsigned(1)? as i8).into()),
            0xd1 => Value::Integer((self.unsigned(2)? as i16).into()),
            0xd2 => Value::Integer((self.unsigned(4)? as i32).into()),
            0xd3 => Value::Integer(self.unsigned(8)? as i64),
            0xa0..0xc0 => self.string((tag & 0x1f).into())?,
            0xd9..=0xdb => {
                let len = self.unsigned(1 << (tag - 0xd9))?;
                self.string(len)?
            }
            0x90..0xa0 => self.array((tag & 0xf).into(), depth)?,
            0xdc | 0xdd => {
                let len = self.unsigned(2 << (tag - 0xdc))?;
                self.array(len, depth)?
            }
            0x80..0x90 => self.map((tag & 0xf).into(), depth)?,
            0xde | 0xdf => {
                let len = self.unsigned(2 << (tag - 0xde))?;
                self.map(len, depth)?
            }
            _ => return Err(Wrong::Format),
        })
    }

    fn string(&mut self, len: u64) -> Result<Value, Wrong> {
        let text = self.take(len as usize)?;
        Ok(Value::String(self.lua.create_string(text)?))
    }

    fn array(&mut self, len: u64, depth: usize) -> Result<Value, Wrong> {
        let table = self.lua.create_table()?;
        for index in 1..=len {
            let value = self.value(depth + 1)?;
            table.raw_set(index, value)?;
        }
        Ok(Value::Table(table))
    }

    fn map(&mut self, pairs: u64, depth: usize) -> Result<Value, Wrong> {
        let table = self.lua.create_table()?;
        for _ in 0..pairs {
            let key = self.value(depth + 1)?;
            let value = self.value(depth + 1)?;
            table.raw_set(key, value)?;
        }
        Ok(Value::Table(table))
    }
}
