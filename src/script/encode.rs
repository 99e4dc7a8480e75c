//! A Lua value becomes a reply: the reverse of `decode`, and what scripts return besides.
//!
//! ```text
//!   string $   number : (its integer part)   table *, up to the first nil   true :1   false, nil null
//!   {err=} -   {ok=} +   {double=} ,   {map=} %   {set=} ~   {big_number=} (   {verbatim_string=} =
//! ```
//!
//! Tables may nest as deeply as Lua can hold, so they are kept on a stack of our own.

use super::state::State;
use crate::base::float;
use crate::resp::Reply;
use crate::resp::reply::{Aggregate, Opening};
use mlua::{Function, Table, Value};
use smallvec::SmallVec;

/// Tables within tables, about as many as Lua's own stack holds: each that is open is held there.
const MAX_DEPTH: usize = 7900;

/// Elements that are taken out of a table at once: few, since Lua's stack holds them too.
const MAX_FEW: usize = 16;

/// What was written, as far as statistics care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// An error is in it.
    pub has_error: bool,
    /// The texts of errors that no statistics know of yet.
    pub uncounted: Vec<Vec<u8>>,
}

/// Writes `value` and all that is in it.
pub fn write(
    state: &State,
    next: &Function,
    value: Value,
    reply: &mut Reply,
) -> mlua::Result<Answered> {
    let mut encoder = Encoder {
        state,
        reply,
        open: Vec::new(),
        answered: Answered::default(),
    };
    match value {
        Value::Table(table) => encoder.outermost(table, next)?,
        value => encoder.value(value)?,
    }
    Ok(encoder.answered)
}

/// The elements of a table that has nothing else, if they are few. That spares a look at each name that would make something else of it.
fn few_elements(table: &Table) -> Option<SmallVec<[Value; MAX_FEW]>> {
    let mut elements = SmallVec::new();
    let each = |key: Value, value: Value| {
        let number = elements.len() + 1;
        if number > MAX_FEW || !matches!(key, Value::Integer(key) if key == number as i64) {
            return Err(mlua::Error::StackError);
        }
        elements.push(value);
        Ok(())
    };
    table.for_each(each).ok()?;
    Some(elements)
}

/// A table whose elements are being written.
struct Frame {
    table: Table,
    opening: Opening,
    /// Elements, or pairs, written so far.
    count: usize,
    walk: Walk,
}

enum Walk {
    /// By number, up to the first that is not there.
    Sequence,
    /// By key: the last one, and its value if that is yet to be written.
    Pairs {
        key: Value,
        value: Option<Value>,
        has_values: bool,
    },
}

impl Frame {
    /// The next value in it.
    fn next(&mut self, next: &Function) -> mlua::Result<Option<Value>> {
        match &mut self.walk {
            Walk::Sequence => {
                let value: Value = self.table.raw_get(self.count + 1)?;
                self.count += usize::from(!value.is_nil());
                Ok(Some(value).filter(|value| !value.is_nil()))
            }
            Walk::Pairs {
                key,
                value,
                has_values,
            } => {
                if let Some(value) = value.take() {
                    return Ok(Some(value));
                }
                let (found, its_value): (Value, Value) = next.call((&self.table, &*key))?;
                if found.is_nil() {
                    return Ok(None);
                }
                self.count += 1;
                *value = has_values.then_some(its_value);
                *key = found.clone();
                Ok(Some(found))
            }
        }
    }
}

struct Encoder<'e> {
    state: &'e State,
    reply: &'e mut Reply,
    open: Vec<Frame>,
    answered: Answered,
}

impl Encoder<'_> {
    /// Writes the table that was returned.
    fn outermost(&mut self, table: Table, next: &Function) -> mlua::Result<()> {
        let Some(elements) = few_elements(&table) else {
            self.table(table)?;
            return self.finish(next);
        };
        self.reply.array(elements.len());
        for element in elements {
            self.value(element)?;
            self.finish(next)?;
        }
        Ok(())
    }

    /// Writes what is left of the tables that are open.
    fn finish(&mut self, next: &Function) -> mlua::Result<()> {
        while let Some(frame) = self.open.last_mut() {
            match frame.next(next)? {
                Some(value) => self.value(value)?,
                None => {
                    let Some(frame) = self.open.pop() else {
                        break;
                    };
                    self.reply.close(frame.opening, frame.count);
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, value: Value) -> mlua::Result<()> {
        match value {
            Value::String(text) => self.reply.bulk(&text.as_bytes()),
            Value::Integer(n) => self.reply.int(n),
            Value::Number(n) => self.reply.int(truncated(n)),
            Value::Boolean(truth) if self.state.resp3.get() => self.reply.bool(truth),
            Value::Boolean(true) => self.reply.int(1),
            Value::Table(table) => return self.table(table),
            _ => self.reply.null(),
        }
        Ok(())
    }

    fn table(&mut self, table: Table) -> mlua::Result<()> {
        if self.open.len() >= MAX_DEPTH {
            self.error(b"ERR reached lua stack limit".to_vec(), false);
            return Ok(());
        }
        let names = &self.state.names;
        if let Value::String(text) = table.raw_get(&names.err)? {
            let is_counted: bool = table.raw_get(&names.is_counted)?;
            self.error(text.as_bytes().to_vec(), is_counted);
            return Ok(());
        }
        if let Value::String(text) = table.raw_get(&names.ok)? {
            self.reply.status(&text.as_bytes());
            return Ok(());
        }
        if let Some(number) = number_of(&table.raw_get(&names.double)?) {
            let mut text = Vec::new();
            float::write_f64(&mut text, number);
            self.reply.double(&text);
            return Ok(());
        }
        self.rare_table(table)
    }

    fn rare_table(&mut self, table: Table) -> mlua::Result<()> {
        let names = &self.state.names;
        for (name, kind) in [(&names.map, Aggregate::Map), (&names.set, Aggregate::Set)] {
            if let Value::Table(inner) = table.raw_get(name)? {
                let walk = Walk::Pairs {
                    key: Value::Nil,
                    value: None,
                    has_values: kind == Aggregate::Map,
                };
                self.push(inner, kind, walk);
                return Ok(());
            }
        }
        if let Value::String(text) = table.raw_get(&names.big_number)? {
            let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
            let text = text.as_bytes().to_vec();
            let space_out = |byte: u8| if is_line_end(&byte) { b' ' } else { byte };
            let line: Vec<u8> = text.into_iter().map(space_out).collect();
            self.reply.big_number(&line);
            return Ok(());
        }
        if let Value::Table(inner) = table.raw_get(&names.verbatim)?
            && let Value::String(text) = inner.raw_get(&names.string)?
            && let Value::String(format) = inner.raw_get(&names.format)?
        {
            let mut three = *b"   ";
            let format = format.as_bytes();
            let len = format.len().min(3);
            three[..len].copy_from_slice(&format[..len]);
            self.reply.verbatim_of(three, &text.as_bytes());
            return Ok(());
        }
        self.push(table, Aggregate::Array, Walk::Sequence);
        Ok(())
    }

    fn push(&mut self, table: Table, kind: Aggregate, walk: Walk) {
        self.open.push(Frame {
            table,
            opening: self.reply.open(kind),
            count: 0,
            walk,
        });
    }

    fn error(&mut self, text: Vec<u8>, is_counted: bool) {
        self.reply.error(&text);
        self.answered.has_error = true;
        if !is_counted {
            self.answered.uncounted.push(text);
        }
    }
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(n) => Some(*n as f64),
        Value::Number(n) => Some(*n),
        _ => None,
    }
}

/// The integer part as C casts it: what no integer holds becomes the least one.
fn truncated(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}
