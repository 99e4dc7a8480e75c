//! A reply becomes a Lua value.
//!
//! ```text
//!   RESP2   +s {ok=s}   -s {err=s}   :n number   $s string   *n table    null false
//!   RESP3   ,n {double=n}   (n {big_number=s}   =s {verbatim_string={format=,string=}}
//!           %n {map={}}     ~n {set={x=true}}   #t boolean                 null nil
//! ```

use super::failure;
use super::state::{State, text};
use crate::base::{float, num};
use mlua::{Lua, LuaString, Table, Value};

/// Replies nest no deeper than this.
const MAX_DEPTH: usize = 64;

/// The error that a reply is, if it is one.
pub fn error_of(reply: &[u8]) -> Option<Vec<u8>> {
    let text = reply.strip_prefix(b"-")?;
    let text = text.strip_suffix(b"\r\n").unwrap_or(text);
    Some(coded(text))
}

/// An error's text with a code in front: one word alone is no code.
pub fn coded(text: &[u8]) -> Vec<u8> {
    match memchr::memchr(b' ', text) {
        Some(_) => text.to_vec(),
        None => [b"ERR ", text].concat(),
    }
}

/// See the module's description. `reply` is one whole reply of ours.
pub fn value(lua: &Lua, state: &State, reply: &[u8]) -> mlua::Result<Value> {
    let mut decoder = Decoder {
        lua,
        state,
        rest: reply,
    };
    decoder.value(0)
}

struct Decoder<'d> {
    lua: &'d Lua,
    state: &'d State,
    rest: &'d [u8],
}

impl<'d> Decoder<'d> {
    fn value(&mut self, depth: usize) -> mlua::Result<Value> {
        if depth > MAX_DEPTH {
            return Err(failure::message("a reply is nested too deeply"));
        }
        let line = self.line();
        let Some((&kind, rest)) = line.split_first() else {
            return Ok(Value::Nil);
        };
        let names = &self.state.names;
        match kind {
            b'$' => match length(rest) {
                Some(len) => Ok(Value::String(self.lua.create_string(self.take(len))?)),
                None => Ok(Value::Boolean(false)),
            },
            b':' => Ok(num::parse_i64(rest).map_or(Value::Nil, Value::Integer)),
            b'*' | b'>' => match length(rest) {
                Some(len) => self.array(len, depth),
                None => Ok(Value::Boolean(false)),
            },
            b'+' => self.field(&names.ok, rest),
            b'-' => self.error(rest),
            b'_' => Ok(Value::Nil),
            b'#' => Ok(Value::Boolean(rest == b"t")),
            b',' => self.double(rest),
            b'(' => self.field(&names.big_number, rest),
            b'=' => self.verbatim(rest),
            b'%' => self.map(length(rest).unwrap_or(0), depth),
            b'~' => self.set(length(rest).unwrap_or(0), depth),
            _ => Ok(Value::Nil),
        }
    }

    /// Takes a line, and its end.
    fn line(&mut self) -> &'d [u8] {
        let end = memchr::memchr(b'\r', self.rest).unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 2..).unwrap_or_default();
        line
    }

    /// Takes `len` bytes, and the line end behind them.
    fn take(&mut self, len: usize) -> &'d [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest.get(2..).unwrap_or_default();
        taken
    }

    fn field(&self, name: &LuaString, value: &[u8]) -> mlua::Result<Value> {
        self.table_of(name, text(value))
    }

    fn table_of(&self, name: &LuaString, value: impl mlua::IntoLua) -> mlua::Result<Value> {
        let fields = std::iter::once((name, value));
        self.lua.create_table_from(fields).map(Value::Table)
    }

    fn error(&self, text: &[u8]) -> mlua::Result<Value> {
        let table = super::api::error_table(self.lua, self.state, &coded(text), true)?;
        Ok(Value::Table(table))
    }

    fn double(&self, text: &[u8]) -> mlua::Result<Value> {
        let number = match text {
            b"nan" => f64::NAN,
            text => float::parse_f64(text).unwrap_or_default(),
        };
        self.table_of(&self.state.names.double, number)
    }

    fn verbatim(&mut self, len: &[u8]) -> mlua::Result<Value> {
        let text = self.take(length(len).unwrap_or(0));
        let (format, text) = text.split_at_checked(4).unwrap_or((b"txt:", text));
        let inner = self.lua.create_table_with_capacity(0, 2)?;
        let names = &self.state.names;
        inner.raw_set(&names.format, self.lua.create_string(&format[..3])?)?;
        inner.raw_set(&names.string, self.lua.create_string(text)?)?;
        self.table_of(&names.verbatim, inner)
    }

    fn array(&mut self, len: usize, depth: usize) -> mlua::Result<Value> {
        let table = self
            .lua
            .create_table_with_capacity(len.min(self.rest.len()), 0)?;
        for index in 1..=len {
            table.raw_set(index, self.value(depth + 1)?)?;
        }
        Ok(Value::Table(table))
    }

    fn map(&mut self, pairs: usize, depth: usize) -> mlua::Result<Value> {
        let table = self.lua.create_table()?;
        for _ in 0..pairs {
            let key = self.value(depth + 1)?;
            let value = self.value(depth + 1)?;
            put(&table, key, value)?;
        }
        self.table_of(&self.state.names.map, table)
    }

    fn set(&mut self, len: usize, depth: usize) -> mlua::Result<Value> {
        let table = self.lua.create_table()?;
        for _ in 0..len {
            let key = self.value(depth + 1)?;
            put(&table, key, Value::Boolean(true))?;
        }
        self.table_of(&self.state.names.set, table)
    }
}

fn put(table: &Table, key: Value, value: Value) -> mlua::Result<()> {
    match key {
        Value::Nil => Ok(()),
        key => table.raw_set(key, value),
    }
}

/// A length; none for what is not there.
fn length(text: &[u8]) -> Option<usize> {
    usize::try_from(num::parse_i64(text)?).ok()
}
