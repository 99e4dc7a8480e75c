//! `redis.call`, `redis.pcall` and `redis.acl_check_cmd`, on Lua's own stack: arguments are read where they stand, and a reply's values are
//! made there one after another. The scripts of job frameworks do little but call, and a value of `mlua`'s for each of those would cost more than
//! the commands do.
//!
//! ```text
//!   RESP2   +s {ok=s}   -s {err=s}   :n number   $s string   *n table    null false
//!   RESP3   ,n {double=n}   (n {big_number=s}   =s {verbatim_string={format=,string=}}
//!           %n {map={}}     ~n {set={x=true}}   #t boolean                 null nil
//! ```
//!
//! This is the only file with unsafe code. It rests on this:
//!
//! - *An error of Lua's* leaves functions by a jump, and no destructor runs. So what has one is over before anything is called that may raise
//!   an error, and be it for want of memory: `run` only reads, and has the command run; `push` and `raise` hold numbers and references.
//! - *The state*, to which the upvalue points, is kept by the interpreter as its application data.
//! - *A reply's bytes* stay in the state until the next command of a script. None runs while values are made: scripts have no finalizers.
//! - *A panic* of the host ends the process, as `panic = "abort"` says in `Cargo.toml`. Without that, as in tests, it passes through Lua.
//! - *The stack* has room for `LUA_MINSTACK` values when a function begins; tables within tables ask for more.
#![allow(unsafe_code)]

use super::host;
use super::libs::text;
use super::state::{IS_COUNTED, State};
use crate::base::{float, num};
use crate::resp::{RequestBuffer, Version};
use mlua::ffi;
use mlua::{Function, Lua, Table, lua_CFunction, lua_State};
use std::ffi::c_int;
use std::rc::Rc;

/// What a command may be called with at most, all arguments together: as much as one request on the wire may hold.
const MAX_REQUEST_BYTES: usize = u32::MAX as usize / 2;
/// Replies nest no deeper than this.
const MAX_DEPTH: usize = 64;
/// The most values on the stack above a table that was opened last: another table and a key, and a verbatim string's tables, names and text.
const VALUES_PER_DEPTH: c_int = 8;

const TOO_DEEP: &[u8] = b"a reply is nested too deeply";
const NO_ARGUMENTS: &str = "ERR Please specify at least one argument for this redis lib call";
const NOT_TEXT: &str = "ERR Lua redis lib command arguments must be strings or integers";
const TOO_LONG: &str = "ERR the arguments of this redis lib call are too long";
const NO_SCRIPT: &str = "ERR commands can be called only while a script runs";
const UNKNOWN: &str = "ERR Invalid command passed to redis.acl_check_cmd()";

/// Adds the functions to `redis`.
pub fn add_to(lua: &Lua, state: &Rc<State>, redis: &Table) -> mlua::Result<()> {
    lua.set_app_data(state.clone());
    let functions: [(&str, lua_CFunction); 3] = [
        ("call", call),
        ("pcall", pcall),
        ("acl_check_cmd", acl_check_cmd),
    ];
    for (name, function) in functions {
        let state = Rc::as_ptr(state).cast_mut();
        // SAFETY: the upvalue is on the stack before the closure takes it, and errors are caught.
        let closure: Function = unsafe {
            lua.exec_raw((), |lua| {
                ffi::lua_pushlightuserdata(lua, state.cast());
                ffi::lua_pushcclosure(lua, function, 1);
            })
        }?;
        redis.raw_set(name, closure)?;
    }
    Ok(())
}

const STATE: c_int = ffi::lua_upvalueindex(1);

/// `redis.call(command, ...)`
unsafe extern "C-unwind" fn call(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this, with the upvalue that `add_to` has given it; what `run` gives has no destructor.
    unsafe {
        match run(lua, state_of(lua)) {
            Ok(reply) => Values { lua, rest: reply }.push(0),
            Err(refusal) => raise(lua, refusal),
        }
    }
    1
}

/// `redis.pcall(command, ...)`
unsafe extern "C-unwind" fn pcall(lua: *mut lua_State) -> c_int {
    // SAFETY: as in `call`.
    unsafe {
        match run(lua, state_of(lua)) {
            Ok(reply) => Values { lua, rest: reply }.push(0),
            Err(refusal) => push_error(lua, refusal),
        }
    }
    1
}

/// `redis.acl_check_cmd(command, ...)`
unsafe extern "C-unwind" fn acl_check_cmd(lua: *mut lua_State) -> c_int {
    // SAFETY: as in `call`.
    unsafe {
        match may_call(lua, state_of(lua)) {
            Ok(may) => ffi::lua_pushboolean(lua, may.into()),
            Err(refusal) => raise(lua, refusal),
        }
    }
    1
}

/// A command that did not do what it was to do.
#[derive(Clone, Copy)]
struct Refusal<'s> {
    text: &'s [u8],
    /// The statistics of errors know of it.
    is_counted: bool,
}

impl Refusal<'_> {
    fn of_call(text: &'static str) -> Refusal<'static> {
        Refusal {
            text: text.as_bytes(),
            is_counted: false,
        }
    }
}

/// The state of the interpreter that runs.
unsafe fn state_of<'s>(lua: *mut lua_State) -> &'s State {
    // SAFETY: the upvalue points to the state, which lives as long as the interpreter does.
    unsafe { &*ffi::lua_touserdata(lua, STATE).cast::<State>() }
}

/// Runs the command that the stack's values make; its reply, which stays where it is until the next.
unsafe fn run<'s>(lua: *mut lua_State, state: &'s State) -> Result<&'s [u8], Refusal<'s>> {
    let mut request = state.request.borrow_mut();
    // SAFETY: it only reads.
    unsafe { read_arguments(lua, &mut request) }.map_err(Refusal::of_call)?;
    let mut reply = state.reply.borrow_mut();
    reply.clear();
    reply.version = match state.resp3.get() {
        true => Version::Resp3,
        false => Version::Resp2,
    };
    host::with(|host| host.call(request.as_request(), &mut reply))
        .ok_or(Refusal::of_call(NO_SCRIPT))?;
    let mut scratch = state.scratch.borrow_mut();
    let bytes: *const [u8] = reply.gathered(&mut scratch);
    // SAFETY: reply and scratch are changed by the next call of this function only.
    let bytes = unsafe { &*bytes };
    match bytes.strip_prefix(b"-") {
        Some(text) => Err(Refusal {
            text: text.strip_suffix(b"\r\n").unwrap_or(text),
            is_counted: true,
        }),
        None => Ok(bytes),
    }
}

unsafe fn may_call<'s>(lua: *mut lua_State, state: &'s State) -> Result<bool, Refusal<'s>> {
    let mut request = state.request.borrow_mut();
    // SAFETY: it only reads.
    unsafe { read_arguments(lua, &mut request) }.map_err(Refusal::of_call)?;
    let allowed = host::with(|host| host.may_call(request.as_request())).flatten();
    allowed.ok_or(Refusal::of_call(UNKNOWN))
}

/// Takes what a command is called with off the stack, which is then empty; or says why it is none. Raises nothing.
unsafe fn read_arguments(
    lua: *mut lua_State,
    request: &mut RequestBuffer,
) -> Result<(), &'static str> {
    // SAFETY: the values are those of the function that runs.
    let count = unsafe { ffi::lua_gettop(lua) };
    if count == 0 {
        return Err(NO_ARGUMENTS);
    }
    request.begin(count as usize);
    for at in 1..=count {
        // SAFETY: `at` is one of them, and text is asked for where there is one, so nothing is converted.
        unsafe {
            match ffi::lua_type(lua, at) {
                ffi::LUA_TSTRING => request.push(text_at(lua, at)),
                ffi::LUA_TNUMBER => push_number(request, ffi::lua_tonumber(lua, at)),
                _ => return Err(NOT_TEXT),
            }
        }
        if request.len() > MAX_REQUEST_BYTES {
            return Err(TOO_LONG);
        }
    }
    // SAFETY: nothing there is asked for any more. A reply may need the room.
    unsafe { ffi::lua_settop(lua, 0) };
    Ok(())
}

/// The string at `at`, as long as it is on the stack.
unsafe fn text_at<'l>(lua: *mut lua_State, at: c_int) -> &'l [u8] {
    let mut len = 0;
    // SAFETY: Lua's strings stay where they are, and are never null.
    unsafe {
        let start = ffi::lua_tolstring(lua, at, &mut len);
        std::slice::from_raw_parts(start.cast(), len)
    }
}

fn push_number(request: &mut RequestBuffer, number: f64) {
    match text::integer(number) {
        Some(integer) => request.push(itoa::Buffer::new().format(integer).as_bytes()),
        None => request.push(&text::exact(number)),
    }
}

/// Raises the error of a command.
unsafe fn raise(lua: *mut lua_State, refusal: Refusal<'_>) -> ! {
    // SAFETY: nothing that is alive here has a destructor.
    unsafe {
        push_error(lua, refusal);
        ffi::lua_error(lua)
    }
}

/// Pushes the table that stands for the error of a command.
unsafe fn push_error(lua: *mut lua_State, refusal: Refusal<'_>) {
    // SAFETY: three values on the stack at most.
    unsafe {
        ffi::lua_createtable(lua, 0, 2);
        if refusal.is_counted {
            push_text(lua, IS_COUNTED.as_bytes());
            ffi::lua_pushboolean(lua, 1);
            ffi::lua_rawset(lua, -3);
        }
        push_text(lua, b"err");
        push_coded(lua, refusal.text);
        ffi::lua_rawset(lua, -3);
    }
}

/// Pushes an error's text with a code in front: one word alone is no code.
unsafe fn push_coded(lua: *mut lua_State, text: &[u8]) {
    // SAFETY: two values on the stack at most.
    unsafe {
        if memchr::memchr(b' ', text).is_some() {
            return push_text(lua, text);
        }
        push_text(lua, b"ERR ");
        push_text(lua, text);
        ffi::lua_concat(lua, 2);
    }
}

unsafe fn push_text(lua: *mut lua_State, text: &[u8]) {
    // SAFETY: the pointer is one to `len` bytes, of which Lua makes a copy.
    unsafe { ffi::lua_pushlstring_(lua, text.as_ptr().cast(), text.len()) }
}

/// Makes the values of a reply, one whole reply of ours. It has no destructor.
struct Values<'r> {
    lua: *mut lua_State,
    rest: &'r [u8],
}

impl<'r> Values<'r> {
    /// Pushes the next value.
    unsafe fn push(&mut self, depth: usize) {
        let lua = self.lua;
        let line = self.line();
        let (kind, rest) = line.split_first().unwrap_or((&b'_', b""));
        // SAFETY: there is room for what one depth has on the stack, which `open` sees to.
        unsafe {
            match kind {
                b'$' => match length(rest) {
                    Some(len) => push_text(lua, self.take(len)),
                    None => ffi::lua_pushboolean(lua, 0),
                },
                b':' => match num::parse_i64(rest) {
                    Some(number) => ffi::lua_pushnumber(lua, number as f64),
                    None => ffi::lua_pushnil(lua),
                },
                b'*' | b'>' => match length(rest) {
                    Some(len) => self.push_array(len, depth),
                    None => ffi::lua_pushboolean(lua, 0),
                },
                b'+' => self.push_field(b"ok", rest),
                b'-' => push_error(
                    lua,
                    Refusal {
                        text: rest,
                        is_counted: true,
                    },
                ),
                b'#' => ffi::lua_pushboolean(lua, (rest == b"t").into()),
                b',' => self.push_double(rest),
                b'(' => self.push_field(b"big_number", rest),
                b'=' => self.push_verbatim(length(rest).unwrap_or(0)),
                b'%' => self.push_map(length(rest).unwrap_or(0), depth),
                b'~' => self.push_set(length(rest).unwrap_or(0), depth),
                _ => ffi::lua_pushnil(lua),
            }
        }
    }

    /// Takes a line, and its end.
    fn line(&mut self) -> &'r [u8] {
        let end = memchr::memchr(b'\r', self.rest).unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 2..).unwrap_or_default();
        line
    }

    /// Takes `len` bytes, and the line end behind them.
    fn take(&mut self, len: usize) -> &'r [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest.get(2..).unwrap_or_default();
        taken
    }

    /// Pushes a table with room for so many elements and fields, and makes room for what is to come above it.
    unsafe fn open(&self, elements: usize, fields: usize, depth: usize) {
        let lua = self.lua;
        // What a reply says of its length is bounded by what there is of it.
        let bounded = |count: usize| count.min(self.rest.len()) as c_int;
        // SAFETY: whoever pushes a value has room for one, and no more is pushed before there is.
        unsafe {
            if depth >= MAX_DEPTH || ffi::lua_checkstack(lua, VALUES_PER_DEPTH) == 0 {
                push_text(lua, TOO_DEEP);
                ffi::lua_error(lua);
            }
            ffi::lua_createtable(lua, bounded(elements), bounded(fields));
        }
    }

    unsafe fn push_array(&mut self, len: usize, depth: usize) {
        // SAFETY: the table, and above it what one depth needs.
        unsafe {
            self.open(len, 0, depth);
            for index in 1..=len {
                self.push(depth + 1);
                ffi::lua_rawseti(self.lua, -2, index as _);
            }
        }
    }

    unsafe fn push_map(&mut self, pairs: usize, depth: usize) {
        // SAFETY: two tables and a name, and above them what one depth needs.
        unsafe {
            self.open(0, 1, depth);
            push_text(self.lua, b"map");
            // It grows as in Redis, so that those who walk through it meet its keys in the same order.
            self.open(0, 0, depth);
            for _ in 0..pairs {
                self.push(depth + 1);
                self.push(depth + 1);
                put(self.lua);
            }
            ffi::lua_rawset(self.lua, -3);
        }
    }

    unsafe fn push_set(&mut self, len: usize, depth: usize) {
        // SAFETY: as in `push_map`.
        unsafe {
            self.open(0, 1, depth);
            push_text(self.lua, b"set");
            self.open(0, 0, depth);
            for _ in 0..len {
                self.push(depth + 1);
                ffi::lua_pushboolean(self.lua, 1);
                put(self.lua);
            }
            ffi::lua_rawset(self.lua, -3);
        }
    }

    unsafe fn push_double(&self, text: &[u8]) {
        let number = match text {
            b"nan" => f64::NAN,
            text => float::parse_f64(text).unwrap_or_default(),
        };
        let lua = self.lua;
        // SAFETY: three values on the stack at most.
        unsafe {
            ffi::lua_createtable(lua, 0, 1);
            push_text(lua, b"double");
            ffi::lua_pushnumber(lua, number);
            ffi::lua_rawset(lua, -3);
        }
    }

    unsafe fn push_verbatim(&mut self, len: usize) {
        let lua = self.lua;
        let text = self.take(len);
        let (format, text) = text.split_at_checked(4).unwrap_or((b"txt:", text));
        // SAFETY: a table, a name, and another table with its own.
        unsafe {
            ffi::lua_createtable(lua, 0, 1);
            push_text(lua, b"verbatim_string");
            ffi::lua_createtable(lua, 0, 2);
            push_pair(lua, b"format", &format[..3]);
            push_pair(lua, b"string", text);
            ffi::lua_rawset(lua, -3);
        }
    }

    unsafe fn push_field(&self, name: &[u8], value: &[u8]) {
        // SAFETY: three values on the stack at most.
        unsafe {
            ffi::lua_createtable(self.lua, 0, 1);
            push_pair(self.lua, name, value);
        }
    }
}

/// Gives a field to the table on top of the stack.
unsafe fn push_pair(lua: *mut lua_State, name: &[u8], value: &[u8]) {
    // SAFETY: two values above the table, which takes them.
    unsafe {
        push_text(lua, name);
        push_text(lua, value);
        ffi::lua_rawset(lua, -3);
    }
}

/// Gives the two values on top of the stack to the table below them; what would have no key is left out.
unsafe fn put(lua: *mut lua_State) {
    // SAFETY: both are there.
    unsafe {
        match ffi::lua_type(lua, -2) {
            ffi::LUA_TNIL => ffi::lua_pop(lua, 2),
            _ => ffi::lua_rawset(lua, -3),
        }
    }
}

/// A length; none for what is not there.
fn length(text: &[u8]) -> Option<usize> {
    usize::try_from(num::parse_i64(text)?).ok()
}
