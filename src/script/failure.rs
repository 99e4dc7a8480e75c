//! What goes wrong in a script: how functions of ours raise it, and what becomes of it when nobody catches it.
//!
//! Lua sees two kinds of errors of ours. A *message* is text, as Lua's own errors are, with the place in front where that is usual. A
//! *reply* is the error of a command: a table to a handler, its text to `pcall`. Where they cross from Rust into Lua they are opaque values;
//! `pcall` and its kin (sandbox.lua) make of them what scripts expect.

use super::state::State;
use mlua::{Lua, Table, Value};
use std::fmt;

/// The chunk of the sandbox's own functions, which no error is said to come from.
pub const SANDBOX_CHUNK: &str = "=sandbox";

/// What stands for frames that a tail call has replaced.
const TAIL_CALL: &str = "=(tail call)";

/// An error that a function of ours raises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thrown {
    /// Text.
    Message(Vec<u8>),
    /// The error of a command.
    Reply {
        /// Its text, the code first.
        text: Vec<u8>,
        /// The statistics of errors know of it.
        is_counted: bool,
    },
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Thrown::Message(text) | Thrown::Reply { text, .. }) = self;
        f.write_str(&String::from_utf8_lossy(text))
    }
}

impl std::error::Error for Thrown {}

/// A message without a place.
pub fn message(text: impl Into<Vec<u8>>) -> mlua::Error {
    mlua::Error::external(Thrown::Message(text.into()))
}

/// A message with the place in front that the running function was called from.
pub fn message_here(lua: &Lua, text: impl AsRef<[u8]>) -> mlua::Error {
    let place = lua.inspect_stack(1, |frame| {
        let line = frame.current_line().filter(|&line| line > 0)?;
        Some(format!("{}:{line}: ", frame.source().short_src?))
    });
    let mut whole = place.flatten().unwrap_or_default().into_bytes();
    whole.extend_from_slice(text.as_ref());
    message(whole)
}

/// A function of a library was called with something else than it expects at position `at`.
pub fn bad_argument(lua: &Lua, at: usize, function: &str, what: &str) -> mlua::Error {
    message_here(lua, format!("bad argument #{at} to '{function}' ({what})"))
}

/// The error of a command.
pub fn reply(text: impl Into<Vec<u8>>, is_counted: bool) -> mlua::Error {
    mlua::Error::external(Thrown::Reply {
        text: text.into(),
        is_counted,
    })
}

/// What was raised.
pub fn thrown_of(error: &mlua::Error) -> Thrown {
    if let Some(thrown) = error.downcast_ref::<Thrown>() {
        return thrown.clone();
    }
    let mut cause = error;
    while let mlua::Error::CallbackError { cause: inner, .. } = cause {
        cause = inner;
    }
    Thrown::Message(match cause {
        mlua::Error::MemoryError(_) => b"not enough memory".to_vec(),
        mlua::Error::RuntimeError(text) => text.clone().into_bytes(),
        cause => cause.to_string().into_bytes(),
    })
}

/// What ended a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What is said of it, the code first.
    pub text: Vec<u8>,
    /// The chunk and the line where it happened.
    pub place: Option<(String, i64)>,
    /// The statistics of errors know of it.
    pub is_counted: bool,
}

impl Failure {
    /// What nobody caught: called as the error's handler, while the frames are still there.
    pub fn of(lua: &Lua, state: &State, error: &Value) -> Self {
        let (text, is_counted) = match error {
            Value::Table(table) => of_table(state, table),
            error => match surfaced(error) {
                Some(Thrown::Reply { text, is_counted }) => (text, is_counted),
                Some(Thrown::Message(text)) => (coded(&text), false),
                None => (coded(&described(error)), false),
            },
        };
        Failure {
            text,
            place: place(lua),
            is_counted,
        }
    }

    /// What ended a script without its handler having been called.
    pub fn unhandled(state: &State, error: &Value) -> Self {
        let (text, is_counted) = match error {
            Value::Table(table) => of_table(state, table),
            error => (coded(&described(error)), false),
        };
        Failure {
            text,
            place: None,
            is_counted,
        }
    }

    /// The error's text for a client, of the script or function called `name`.
    pub fn told(&self, name: &[u8]) -> Vec<u8> {
        let mut text = [&self.text, &b" script: "[..], name].concat();
        if let Some((source, line)) = &self.place {
            text.extend_from_slice(format!(", on {source}:{line}.").as_bytes());
        }
        text
    }
}

/// What an opaque error of ours says.
pub fn surfaced(error: &Value) -> Option<Thrown> {
    match error {
        Value::Error(error) => Some(thrown_of(error)),
        _ => None,
    }
}

fn coded(text: &[u8]) -> Vec<u8> {
    [b"ERR ", text].concat()
}

fn described(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Error(error) => thrown_of(error).to_string().into_bytes(),
        value => value.to_string().unwrap_or_default().into_bytes(),
    }
}

fn of_table(state: &State, table: &Table) -> (Vec<u8>, bool) {
    let text = match table.raw_get(&state.names.err) {
        Ok(text @ (Value::String(_) | Value::Integer(_) | Value::Number(_))) => described(&text),
        _ => b"ERR unknown error".to_vec(),
    };
    let is_counted = table.raw_get::<bool>(&state.names.is_counted);
    (text, is_counted.unwrap_or(false))
}

/// Where the script was when the error happened: the function that raised it, or who called that if it is not written in Lua.
fn place(lua: &Lua) -> Option<(String, i64)> {
    /// The handler itself stands at level 0.
    const RAISER: usize = 1;
    const LEVELS: usize = 16;
    for level in RAISER..RAISER + LEVELS {
        let found = lua.inspect_stack(level, |frame| {
            let source = frame.source();
            let name = source.source.unwrap_or_default().into_owned();
            let is_ours = name == SANDBOX_CHUNK || name == TAIL_CALL;
            let is_passed_over = (level == RAISER && source.what == "C") || is_ours;
            let line = frame.current_line().map_or(-1, |line| line as i64);
            (!is_passed_over).then_some((name, line))
        })?;
        if found.is_some() {
            return found;
        }
    }
    None
}
