//! What an interpreter's functions share: buffers, settings, names that are looked up again and again.

use super::failure::Failure;
use super::library::Registered;
use super::libs::random::Random;
use crate::base::gauge;
use crate::resp::{Reply, RequestBuffer};
use mlua::{Either, IntoLua, Lua, LuaString};
use std::cell::{Cell, RefCell};

/// The most memory that one interpreter's values may take. A script that needs more fails with `not enough memory`.
pub const MAX_MEMORY_BYTES: usize = 512 * 1024 * 1024;

/// The key that says of an error that the statistics of errors know of it.
pub const IS_COUNTED: &str = "ignore_error_stats_update";

/// See the module's description.
pub struct State {
    /// The command being called.
    pub request: RefCell<RequestBuffer>,
    /// Its reply.
    pub reply: RefCell<Reply>,
    /// Where a reply is gathered that does not stand in one piece.
    pub scratch: RefCell<Vec<u8>>,
    /// What the script that ran last failed with.
    pub failure: RefCell<Option<Failure>>,
    /// What the library that is loaded has registered; none while none is loaded.
    pub registered: RefCell<Option<Vec<Registered>>>,
    /// What its values took when that was last told.
    pub noted_bytes: Cell<usize>,
    /// The script chose RESP3.
    pub resp3: Cell<bool>,
    /// `math.random`.
    pub random: Random,
    /// See [`Names`].
    pub names: Names,
}

/// The keys of tables that stand for replies.
pub struct Names {
    pub ok: LuaString,
    pub err: LuaString,
    pub is_counted: LuaString,
    pub map: LuaString,
    pub set: LuaString,
    pub double: LuaString,
    pub big_number: LuaString,
    pub verbatim: LuaString,
    pub format: LuaString,
    pub string: LuaString,
}

impl State {
    /// The state of a new interpreter.
    pub fn new(lua: &Lua) -> mlua::Result<Self> {
        let name = |name: &str| lua.create_string(name);
        Ok(State {
            request: RefCell::default(),
            reply: RefCell::default(),
            scratch: RefCell::default(),
            failure: RefCell::default(),
            registered: RefCell::default(),
            noted_bytes: Cell::new(0),
            resp3: Cell::new(false),
            random: Random::default(),
            names: Names {
                ok: name("ok")?,
                err: name("err")?,
                is_counted: name(IS_COUNTED)?,
                map: name("map")?,
                set: name("set")?,
                double: name("double")?,
                big_number: name("big_number")?,
                verbatim: name("verbatim_string")?,
                format: name("format")?,
                string: name("string")?,
            },
        })
    }

    /// Tells what values take now: it counts apart from the data.
    pub fn note_bytes(&self, lua: &Lua) {
        let bytes = lua.used_memory();
        gauge::set_apart(self.noted_bytes.replace(bytes), bytes);
    }
}

impl Drop for State {
    fn drop(&mut self) {
        gauge::set_apart(self.noted_bytes.get(), 0);
    }
}

/// A text on its way to Lua. What is UTF-8, as most is, goes there straight.
#[inline]
pub fn text(bytes: &[u8]) -> impl IntoLua {
    match std::str::from_utf8(bytes) {
        Ok(text) => Either::Left(text),
        Err(_) => Either::Right(LuaString::wrap(bytes)),
    }
}

/// While it lives, memory is not bounded: what is made then is bounded by whoever makes it. That spares a protected call for each
/// value that is made.
pub struct Unbounded<'l>(&'l Lua);

impl<'l> Unbounded<'l> {
    /// Lifts the bound, if `bytes` more still fit in.
    pub fn lift(lua: &'l Lua, bytes: usize) -> mlua::Result<Self> {
        if lua.used_memory().saturating_add(bytes) > MAX_MEMORY_BYTES {
            return Err(mlua::Error::MemoryError("not enough memory".into()));
        }
        lua.set_memory_limit(0)?;
        Ok(Unbounded(lua))
    }
}

impl Drop for Unbounded<'_> {
    fn drop(&mut self) {
        let bounded = self.0.set_memory_limit(MAX_MEMORY_BYTES);
        debug_assert!(bounded.is_ok(), "the interpreter has its own allocator");
    }
}
