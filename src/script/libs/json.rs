//! `cjson`: JSON as the Lua library of that name reads and writes it.
//!
//! A table is an array if its keys are whole numbers above zero that are not too sparse, otherwise an object; the empty one is an object.
//! `null` is `cjson.null` both ways.

mod read;
mod write;

use super::text;
use crate::script::failure::bad_argument;
use crate::script::state::Unbounded;
use mlua::{Lua, MultiValue, Table, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// Tables within tables, whatever a script sets: each takes its share of the thread's stack.
const MAX_DEPTH: usize = 1000;

/// What a script may set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// An array that is too sparse becomes an object, and is no error.
    pub converts_sparse: bool,
    /// An array may have so many times as many places as elements; 0 for any.
    pub sparse_ratio: i64,
    /// A shorter one always may.
    pub sparse_safe: i64,
    /// Tables within tables.
    pub encode_max_depth: i64,
    /// The same when reading.
    pub decode_max_depth: i64,
    /// Digits of a number.
    pub precision: i64,
    /// Kept for who asks: nothing depends on it.
    pub keeps_buffer: bool,
    /// How numbers are written that JSON has none for.
    pub encode_invalid: Invalid,
    /// Whether they, and hexadecimal ones, are read.
    pub decode_invalid: bool,
}

/// How numbers are written that are none, or infinite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// They are an error.
    Refused,
    /// As C prints them.
    Written,
    /// As `null`.
    Null,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            converts_sparse: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_max_depth: 1000,
            decode_max_depth: 1000,
            precision: 14,
            keeps_buffer: true,
            encode_invalid: Invalid::Refused,
            decode_invalid: true,
        }
    }
}

type Shared = Rc<RefCell<Settings>>;

/// The library, with settings of its own.
pub fn table(lua: &Lua) -> mlua::Result<Table> {
    with_settings(lua, Rc::default())
}

fn with_settings(lua: &Lua, settings: Shared) -> mlua::Result<Table> {
    let json = lua.create_table()?;
    json.raw_set("_NAME", "cjson")?;
    json.raw_set("_VERSION", "2.1.0")?;
    json.raw_set("null", Value::NULL)?;
    let of = settings.clone();
    let encode = move |lua: &Lua, args: MultiValue| {
        let value = only(lua, &args, "encode")?;
        let written = write::write(lua, &of.borrow(), value)?;
        let _unbounded = Unbounded::lift(lua, written.len())?;
        lua.create_string(written)
    };
    json.raw_set("encode", lua.create_function(encode)?)?;
    let of = settings.clone();
    let decode = move |lua: &Lua, args: MultiValue| {
        let value = only(lua, &args, "decode")?;
        let Some(input) = text::coerced(value) else {
            let what = format!("string expected, got {}", text::type_name(value));
            return Err(bad_argument(lua, 1, "decode", &what));
        };
        read::read(lua, &of.borrow(), &input)
    };
    json.raw_set("decode", lua.create_function(decode)?)?;
    let new = |lua: &Lua, _: MultiValue| with_settings(lua, Rc::default());
    json.raw_set("new", lua.create_function(new)?)?;
    add_numbers(lua, &json, &settings)?;
    add_switches(lua, &json, &settings)?;
    Ok(json)
}

fn only<'v>(lua: &Lua, args: &'v MultiValue, function: &str) -> mlua::Result<&'v Value> {
    if args.len() == 1 {
        return Ok(&args[0]);
    }
    Err(bad_argument(lua, 1, function, "expected 1 argument"))
}

/// A setting that is a number, and what it may be.
type Number = (
    &'static str,
    fn(&mut Settings) -> &mut i64,
    std::ops::RangeInclusive<i64>,
);

const MAX: i64 = i32::MAX as i64;

fn add_numbers(lua: &Lua, json: &Table, settings: &Shared) -> mlua::Result<()> {
    let numbers: [Number; 3] = [
        ("encode_max_depth", |s| &mut s.encode_max_depth, 1..=MAX),
        ("decode_max_depth", |s| &mut s.decode_max_depth, 1..=MAX),
        ("encode_number_precision", |s| &mut s.precision, 1..=14),
    ];
    for (name, field, range) in numbers {
        let of = settings.clone();
        let set = move |lua: &Lua, args: MultiValue| {
            at_most(lua, &args, 1, name)?;
            let mut settings = of.borrow_mut();
            if let Some(value) = given(&args, 0) {
                *field(&mut settings) = integer(lua, value, name, &range)?;
            }
            Ok(*field(&mut settings))
        };
        json.raw_set(name, lua.create_function(set)?)?;
    }
    Ok(())
}

fn add_switches(lua: &Lua, json: &Table, settings: &Shared) -> mlua::Result<()> {
    let of = settings.clone();
    let sparse = move |lua: &Lua, args: MultiValue| {
        let name = "encode_sparse_array";
        at_most(lua, &args, 3, name)?;
        let mut settings = of.borrow_mut();
        if let Some(value) = given(&args, 0) {
            settings.converts_sparse = switch(lua, value, name)?;
        }
        if let Some(value) = given(&args, 1) {
            settings.sparse_ratio = integer(lua, value, name, &(0..=MAX))?;
        }
        if let Some(value) = given(&args, 2) {
            settings.sparse_safe = integer(lua, value, name, &(0..=MAX))?;
        }
        Ok((
            settings.converts_sparse,
            settings.sparse_ratio,
            settings.sparse_safe,
        ))
    };
    json.raw_set("encode_sparse_array", lua.create_function(sparse)?)?;
    type Switch = (&'static str, fn(&mut Settings) -> &mut bool);
    let switches: [Switch; 2] = [
        ("encode_keep_buffer", |s| &mut s.keeps_buffer),
        ("decode_invalid_numbers", |s| &mut s.decode_invalid),
    ];
    for (name, field) in switches {
        let of = settings.clone();
        let set = move |lua: &Lua, args: MultiValue| {
            at_most(lua, &args, 1, name)?;
            let mut settings = of.borrow_mut();
            if let Some(value) = given(&args, 0) {
                *field(&mut settings) = switch(lua, value, name)?;
            }
            Ok(*field(&mut settings))
        };
        json.raw_set(name, lua.create_function(set)?)?;
    }
    let of = settings.clone();
    let invalid = move |lua: &Lua, args: MultiValue| {
        let name = "encode_invalid_numbers";
        at_most(lua, &args, 1, name)?;
        let mut settings = of.borrow_mut();
        match given(&args, 0) {
            None => {}
            Some(Value::String(word)) if *word.as_bytes() == *b"null" => {
                settings.encode_invalid = Invalid::Null;
            }
            Some(value) => {
                settings.encode_invalid = match switch(lua, value, name)? {
                    true => Invalid::Written,
                    false => Invalid::Refused,
                };
            }
        }
        Ok(match settings.encode_invalid {
            Invalid::Refused => Value::Boolean(false),
            Invalid::Written => Value::Boolean(true),
            Invalid::Null => Value::String(lua.create_string("null")?),
        })
    };
    json.raw_set("encode_invalid_numbers", lua.create_function(invalid)?)
}

fn given(args: &MultiValue, at: usize) -> Option<&Value> {
    args.get(at).filter(|value| !value.is_nil())
}

fn at_most(lua: &Lua, args: &MultiValue, most: usize, function: &str) -> mlua::Result<()> {
    if args.len() <= most {
        return Ok(());
    }
    Err(bad_argument(
        lua,
        most + 1,
        function,
        "found too many arguments",
    ))
}

fn integer(
    lua: &Lua,
    value: &Value,
    function: &str,
    range: &std::ops::RangeInclusive<i64>,
) -> mlua::Result<i64> {
    let what = match text::number(value).map(|number| number as i64) {
        Some(number) if range.contains(&number) => return Ok(number),
        Some(_) => format!(
            "expected integer between {} and {}",
            range.start(),
            range.end()
        ),
        None => format!("number expected, got {}", text::type_name(value)),
    };
    Err(bad_argument(lua, 1, function, &what))
}

fn switch(lua: &Lua, value: &Value, function: &str) -> mlua::Result<bool> {
    let word = match value {
        Value::Boolean(on) => return Ok(*on),
        value => text::coerced(value).unwrap_or_default(),
    };
    match &*word {
        b"off" => Ok(false),
        b"on" => Ok(true),
        word => {
            let what = format!("invalid option '{}'", String::from_utf8_lossy(word));
            Err(bad_argument(lua, 1, function, &what))
        }
    }
}
