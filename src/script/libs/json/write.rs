//! Writing JSON.

use super::{Invalid, MAX_DEPTH, Settings};
use crate::script::failure::{self, Thrown};
use crate::script::libs::text;
use mlua::{Lua, Table, Value};

/// The text of `value`.
pub fn write(lua: &Lua, settings: &Settings, value: &Value) -> mlua::Result<Vec<u8>> {
    let mut writer = Writer {
        settings,
        out: Vec::new(),
    };
    match writer.value(value, 0) {
        Ok(()) => Ok(writer.out),
        // Only here it is known where the library was called.
        Err(error) => Err(match failure::thrown_of(&error) {
            Thrown::Message(text) => failure::message_here(lua, text),
            Thrown::Reply { .. } => error,
        }),
    }
}

struct Writer<'w> {
    settings: &'w Settings,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> mlua::Result<()> {
        match value {
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Integer(n) => self.number(*n as f64, value)?,
            Value::Number(n) => self.number(*n, value)?,
            Value::Boolean(truth) => self.word(if *truth { b"true" } else { b"false" }),
            Value::Nil => self.word(b"null"),
            Value::LightUserData(data) if data.0.is_null() => self.word(b"null"),
            Value::Table(table) => self.table(table, depth + 1)?,
            value => return Err(self.refused(value, "type not supported")),
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8]) {
        self.out.extend_from_slice(word);
    }

    fn refused(&self, value: &Value, why: &str) -> mlua::Error {
        let kind = text::type_name(value);
        failure::message(format!("Cannot serialise {kind}: {why}"))
    }

    fn number(&mut self, number: f64, value: &Value) -> mlua::Result<()> {
        if !number.is_finite() {
            match self.settings.encode_invalid {
                Invalid::Refused => return Err(self.refused(value, "must not be NaN or Inf")),
                Invalid::Null => self.word(b"null"),
                Invalid::Written if number.is_nan() => self.word(b"nan"),
                Invalid::Written => self.word(if number > 0.0 { b"inf" } else { b"-inf" }),
            }
            return Ok(());
        }
        text::general(&mut self.out, number, self.settings.precision as usize);
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for &byte in text {
            match byte {
                b'"' | b'\\' | b'/' => self.out.extend_from_slice(&[b'\\', byte]),
                8 => self.word(b"\\b"),
                b'\t' => self.word(b"\\t"),
                b'\n' => self.word(b"\\n"),
                12 => self.word(b"\\f"),
                b'\r' => self.word(b"\\r"),
                0..32 | 127 => self.word(format!("\\u{byte:04x}").as_bytes()),
                byte => self.out.push(byte),
            }
        }
        self.out.push(b'"');
    }

    fn table(&mut self, table: &Table, depth: usize) -> mlua::Result<()> {
        let max_depth = self.settings.encode_max_depth.min(MAX_DEPTH as i64);
        if depth as i64 > max_depth {
            let text = format!("Cannot serialise, excessive nesting ({depth})");
            return Err(failure::message(text));
        }
        match self.array_length(table)? {
            Some(len) => self.array(table, len, depth),
            None => self.object(table, depth),
        }
    }

    /// How long the array is that a table makes; none if it makes an object.
    fn array_length(&self, table: &Table) -> mlua::Result<Option<i64>> {
        let (mut most, mut count, mut is_array) = (0i64, 0i64, true);
        table.for_each(|key: Value, _: Value| {
            match key {
                Value::Integer(index) if index > 0 => {
                    most = most.max(index);
                    count += 1;
                }
                _ => is_array = false,
            }
            Ok(())
        })?;
        if !is_array || count == 0 {
            return Ok(None);
        }
        let Settings {
            sparse_ratio,
            sparse_safe,
            ..
        } = *self.settings;
        if sparse_ratio > 0 && most > count * sparse_ratio && most > sparse_safe {
            if !self.settings.converts_sparse {
                return Err(self.refused(&Value::Table(table.clone()), "excessively sparse array"));
            }
            return Ok(None);
        }
        Ok(Some(most))
    }

    fn array(&mut self, table: &Table, len: i64, depth: usize) -> mlua::Result<()> {
        self.out.push(b'[');
        for index in 1..=len {
            if index > 1 {
                self.out.push(b',');
            }
            self.value(&table.raw_get(index)?, depth)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn object(&mut self, table: &Table, depth: usize) -> mlua::Result<()> {
        self.out.push(b'{');
        let mut is_first = true;
        // Each table that `for_each` walks through takes one of the few calls that Lua lets be nested.
        for pair in table.pairs() {
            let (key, value): (Value, Value) = pair?;
            if !std::mem::take(&mut is_first) {
                self.out.push(b',');
            }
            match &key {
                Value::String(name) => self.string(&name.as_bytes()),
                Value::Integer(_) | Value::Number(_) => {
                    self.out.push(b'"');
                    let number = text::number(&key).unwrap_or_default();
                    self.number(number, &key)?;
                    self.out.push(b'"');
                }
                key => return Err(self.refused(key, "table key must be a number or string")),
            }
            self.out.push(b':');
            self.value(&value, depth)?;
        }
        self.out.push(b'}');
        Ok(())
    }
}
