//! `struct`: values as bytes in a layout that a format tells, as C lays them out.
//!
//! ```text
//!   < > little, big endian   ! n alignment   x padding   b B h H i I l L T numbers (i I with their bytes)   f d floats
//!   s text up to a zero   c n text of n bytes; c0 takes all, and reads as many as the number before it says
//! ```

use super::text;
use crate::script::failure::{bad_argument, message_here};
use crate::script::state::Unbounded;
use mlua::{Lua, MultiValue, Table, Value};

/// The bytes of the widest number.
const MAX_NUMBER_BYTES: usize = 32;
/// What alignment there is without one being told.
const DEFAULT_ALIGNMENT: usize = 8;
/// What one call packs at most.
const MAX_PACKED_BYTES: usize = 512 * 1024 * 1024;

/// The library.
pub fn table(lua: &Lua) -> mlua::Result<Table> {
    let packed = lua.create_table()?;
    packed.raw_set("pack", lua.create_function(pack)?)?;
    packed.raw_set("unpack", lua.create_function(unpack)?)?;
    packed.raw_set("size", lua.create_function(size)?)?;
    Ok(packed)
}

/// What an option of a format stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Padding,
    /// Bytes, and whether it is signed.
    Integer(usize, bool),
    Float,
    Double,
    /// Up to a zero.
    Text,
    /// Of so many bytes; 0 for as many as there are.
    Bytes(usize),
    /// It only says how others are laid out.
    Layout,
}

impl Item {
    fn bytes(self) -> usize {
        match self {
            Item::Padding => 1,
            Item::Integer(bytes, _) | Item::Bytes(bytes) => bytes,
            Item::Float => 4,
            Item::Double => 8,
            Item::Text | Item::Layout => 0,
        }
    }

    /// What its place is a multiple of, as far as alignment allows.
    fn alignment(self) -> usize {
        match self {
            Item::Integer(..) | Item::Float | Item::Double => self.bytes(),
            _ => 1,
        }
    }
}

/// Reads a format option by option.
struct Format<'f> {
    lua: &'f Lua,
    function: &'static str,
    rest: &'f [u8],
    is_little: bool,
    alignment: usize,
}

impl<'f> Format<'f> {
    fn new(lua: &'f Lua, function: &'static str, rest: &'f [u8]) -> Self {
        Format {
            lua,
            function,
            rest,
            is_little: true,
            alignment: 1,
        }
    }

    /// The next option: its letter and what it stands for.
    fn next(&mut self) -> mlua::Result<Option<(u8, Item)>> {
        let Some((&letter, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        self.rest = rest;
        let item = match letter {
            b'b' | b'B' => Item::Integer(1, letter == b'b'),
            b'h' | b'H' => Item::Integer(2, letter == b'h'),
            b'l' | b'L' => Item::Integer(8, letter == b'l'),
            b'T' => Item::Integer(8, false),
            b'i' | b'I' => Item::Integer(self.integer_bytes()?, letter == b'i'),
            b'f' => Item::Float,
            b'd' => Item::Double,
            b'x' => Item::Padding,
            b's' => Item::Text,
            b'c' => Item::Bytes(self.number()?.unwrap_or(1)),
            b'<' | b'>' | b'!' | b' ' => {
                self.lay_out(letter)?;
                Item::Layout
            }
            // The size of nothing is nothing.
            _ if self.function == "size" => Item::Layout,
            letter => {
                let what = format!("invalid format option '{}'", letter as char);
                return Err(bad_argument(self.lua, 1, self.function, &what));
            }
        };
        Ok(Some((letter, item)))
    }

    fn lay_out(&mut self, letter: u8) -> mlua::Result<()> {
        match letter {
            b'<' => self.is_little = true,
            b'>' => self.is_little = false,
            b'!' => {
                let alignment = self.number()?.unwrap_or(DEFAULT_ALIGNMENT);
                if !alignment.is_power_of_two() {
                    let text = format!("alignment {alignment} is not a power of 2");
                    return Err(message_here(self.lua, text));
                }
                self.alignment = alignment;
            }
            _ => {}
        }
        Ok(())
    }

    fn integer_bytes(&mut self) -> mlua::Result<usize> {
        let bytes = self.number()?.unwrap_or(4);
        if bytes > MAX_NUMBER_BYTES {
            let text = format!("integral size {bytes} is larger than limit of {MAX_NUMBER_BYTES}");
            return Err(message_here(self.lua, text));
        }
        Ok(bytes)
    }

    /// The number that stands next, if one does.
    fn number(&mut self) -> mlua::Result<Option<usize>> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit());
        let (digits, rest) = self.rest.split_at(digits.count());
        self.rest = rest;
        if digits.is_empty() {
            return Ok(None);
        }
        let add =
            |number: i32, digit: &u8| number.checked_mul(10)?.checked_add(i32::from(digit - b'0'));
        match digits.iter().try_fold(0, add) {
            Some(number) => Ok(Some(number as usize)),
            None => Err(message_here(self.lua, "integral size overflow")),
        }
    }

    /// Bytes of padding before an item at `place`.
    fn padding(&self, item: Item, place: usize) -> usize {
        let to = item.alignment().min(self.alignment);
        if to <= 1 {
            return 0;
        }
        place.wrapping_neg() & (to - 1)
    }
}

fn format_of(lua: &Lua, args: &MultiValue, function: &str) -> mlua::Result<Vec<u8>> {
    args.front().and_then(text::coerced).ok_or_else(|| {
        let got = args.front().map_or("no value", text::type_name);
        let what = format!("string expected, got {got}");
        bad_argument(lua, 1, function, &what)
    })
}

fn pack(lua: &Lua, args: MultiValue) -> mlua::Result<Value> {
    let format = format_of(lua, &args, "pack")?;
    let mut format = Format::new(lua, "pack", &format);
    let (mut out, mut at) = (Vec::new(), 1);
    while let Some((_, item)) = format.next()? {
        let padding = format.padding(item, out.len());
        out.resize(out.len() + padding, 0);
        match item {
            Item::Padding => out.push(0),
            Item::Layout => {}
            item => {
                pack_one(&mut out, &format, item, (&args, at))?;
                at += 1;
            }
        }
        if out.len() > MAX_PACKED_BYTES {
            return Err(mlua::Error::MemoryError("not enough memory".into()));
        }
    }
    let _unbounded = Unbounded::lift(lua, out.len())?;
    Ok(Value::String(lua.create_string(out)?))
}

fn pack_one(
    out: &mut Vec<u8>,
    format: &Format<'_>,
    item: Item,
    (args, at): (&MultiValue, usize),
) -> mlua::Result<()> {
    let value = args.get(at).unwrap_or(&Value::Nil);
    let expected = |what: &str| {
        let what = format!("{what} expected, got {}", text::type_name(value));
        bad_argument(format.lua, at + 1, "pack", &what)
    };
    if let Item::Text | Item::Bytes(_) = item {
        let text = text::coerced(value).ok_or_else(|| expected("string"))?;
        let len = match item {
            Item::Bytes(len @ 1..) => len,
            _ => text.len(),
        };
        let too_short = || bad_argument(format.lua, at + 2, "pack", "string too short");
        out.extend_from_slice(text.get(..len).ok_or_else(too_short)?);
        if item == Item::Text {
            out.push(0);
        }
        return Ok(());
    }
    let number = text::number(value).ok_or_else(|| expected("number"))?;
    let mut bytes = match item {
        Item::Float => (number as f32).to_le_bytes().to_vec(),
        Item::Double => number.to_le_bytes().to_vec(),
        item => {
            let whole = if number < 0.0 {
                number as i64
            } else {
                number as u64 as i64
            };
            let mut bytes = whole.to_le_bytes().to_vec();
            bytes.resize(item.bytes(), 0);
            bytes
        }
    };
    if !format.is_little {
        bytes.reverse();
    }
    out.extend_from_slice(&bytes);
    Ok(())
}

fn unpack(lua: &Lua, args: MultiValue) -> mlua::Result<MultiValue> {
    let format = format_of(lua, &args, "unpack")?;
    let mut format = Format::new(lua, "unpack", &format);
    let Some(data) = args.get(1).and_then(text::coerced) else {
        let got = args.get(1).map_or("no value", text::type_name);
        let what = format!("string expected, got {got}");
        return Err(bad_argument(lua, 2, "unpack", &what));
    };
    let mut at = match args.get(2).and_then(text::number) {
        Some(0.0) => {
            let what = "offset must be 1 or greater";
            return Err(bad_argument(lua, 3, "unpack", what));
        }
        Some(offset) => (offset as i64).wrapping_sub(1) as usize,
        None => 0,
    };
    let mut values = MultiValue::new();
    while let Some((_, item)) = format.next()? {
        at = at.saturating_add(format.padding(item, at));
        unpack_one(&format, item, (&data, &mut at), &mut values)?;
    }
    values.push_back(Value::Integer(at as i64 + 1));
    Ok(values)
}

fn unpack_one(
    format: &Format<'_>,
    item: Item,
    (data, at): (&[u8], &mut usize),
    values: &mut MultiValue,
) -> mlua::Result<()> {
    let lua = format.lua;
    let too_short = || bad_argument(lua, 2, "unpack", "data string too short");
    let rest = data.get(*at..).ok_or_else(too_short)?;
    if item == Item::Text {
        let unfinished = || message_here(lua, "unfinished string in data");
        let end = memchr::memchr(0, rest).ok_or_else(unfinished)?;
        values.push_back(Value::String(lua.create_string(&rest[..end])?));
        *at += end + 1;
        return Ok(());
    }
    let len = match item {
        Item::Bytes(0) => match values.pop_back().as_ref().and_then(text::number) {
            Some(len) => len as usize,
            None => return Err(message_here(lua, "format 'c0' needs a previous size")),
        },
        item => item.bytes(),
    };
    let bytes = rest.get(..len).ok_or_else(too_short)?;
    *at += len;
    match item {
        Item::Bytes(_) => values.push_back(Value::String(lua.create_string(bytes)?)),
        Item::Padding | Item::Layout | Item::Text => {}
        item => values.push_back(Value::Number(number_in(bytes, item, format.is_little))),
    }
    Ok(())
}

/// The number that bytes hold.
fn number_in(bytes: &[u8], item: Item, is_little: bool) -> f64 {
    let mut low = [0; 8];
    for (index, byte) in low.iter_mut().enumerate().take(bytes.len()) {
        *byte = bytes[if is_little {
            index
        } else {
            bytes.len() - 1 - index
        }];
    }
    let whole = u64::from_le_bytes(low);
    match item {
        Item::Float => f32::from_bits(whole as u32).into(),
        Item::Double => f64::from_bits(whole),
        Item::Integer(len, true) => {
            let unused = 64 - 8 * len.clamp(1, 8) as u32;
            ((whole << unused) as i64 >> unused) as f64
        }
        _ => whole as f64,
    }
}

fn size(lua: &Lua, args: MultiValue) -> mlua::Result<i64> {
    let format = format_of(lua, &args, "size")?;
    let mut format = Format::new(lua, "size", &format);
    let mut size = 0usize;
    while let Some((_, item)) = format.next()? {
        let name = match item {
            Item::Text => "s",
            Item::Bytes(0) => "c0",
            item => {
                size += format.padding(item, size) + item.bytes();
                continue;
            }
        };
        let what = format!("option '{name}' has no fixed size");
        return Err(bad_argument(lua, 1, "size", &what));
    }
    Ok(size as i64)
}
