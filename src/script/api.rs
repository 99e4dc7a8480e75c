//! What scripts find in `redis`: calling commands, making replies, the log, and what is kept for scripts of other times.

use super::host::{self, LogLevel};
use super::state::State;
use super::{direct, failure, library, libs::text};
use crate::base::sha1;
use crate::base::version::{REDIS_VERSION, REDIS_VERSION_NUMBER};
use mlua::{Lua, MultiValue, Table, Value};
use std::rc::Rc;

const LEVELS: [(&str, LogLevel); 4] = [
    ("LOG_DEBUG", LogLevel::Debug),
    ("LOG_VERBOSE", LogLevel::Verbose),
    ("LOG_NOTICE", LogLevel::Notice),
    ("LOG_WARNING", LogLevel::Warning),
];
/// Where effects go, in words of `redis.set_repl`. They go everywhere always.
const REPL: [(&str, i64); 5] = [
    ("REPL_NONE", 0),
    ("REPL_AOF", 1),
    ("REPL_SLAVE", 2),
    ("REPL_REPLICA", 2),
    ("REPL_ALL", 3),
];

/// The table.
pub fn table(lua: &Lua, state: &Rc<State>) -> mlua::Result<Table> {
    let redis = lua.create_table()?;
    add_calls(lua, state, &redis)?;
    add_replies(lua, state, &redis)?;
    add_rest(lua, &redis)?;
    add_log(lua, &redis)?;
    for (name, flags) in REPL {
        redis.raw_set(name, flags)?;
    }
    Ok(redis)
}

/// What is in the table of scripts alone.
pub fn add_for_scripts(lua: &Lua, redis: &Table) -> mlua::Result<()> {
    redis.raw_set("replicate_commands", lua.create_function(|_, ()| Ok(true))?)?;
    redis.raw_set("breakpoint", lua.create_function(|_, ()| Ok(false))?)?;
    let ignored = |_: &Lua, _: MultiValue| Ok(());
    redis.raw_set("debug", lua.create_function(ignored)?)
}

/// The table that is seen while a library of functions is loaded.
pub fn loading_table(lua: &Lua, state: &Rc<State>) -> mlua::Result<Table> {
    let redis = lua.create_table()?;
    add_log(lua, &redis)?;
    let of = state.clone();
    let register = move |_: &Lua, args: MultiValue| library::register(&of, &args);
    redis.raw_set("register_function", lua.create_function(register)?)?;
    Ok(redis)
}

/// The log, and which version this is.
fn add_log(lua: &Lua, redis: &Table) -> mlua::Result<()> {
    let log = |_: &Lua, args: MultiValue| log(&args);
    redis.raw_set("log", lua.create_function(log)?)?;
    for (number, (name, _)) in LEVELS.iter().enumerate() {
        redis.raw_set(*name, number)?;
    }
    redis.raw_set("REDIS_VERSION", REDIS_VERSION)?;
    redis.raw_set("REDIS_VERSION_NUM", REDIS_VERSION_NUMBER)
}

fn add_calls(lua: &Lua, state: &Rc<State>, redis: &Table) -> mlua::Result<()> {
    direct::add_to(lua, state, redis)?;
    let of = state.clone();
    let setresp = move |_: &Lua, args: MultiValue| {
        let resp3 = protocol(&args)?;
        of.resp3.set(resp3);
        Ok(())
    };
    redis.raw_set("setresp", lua.create_function(setresp)?)
}

fn protocol(args: &MultiValue) -> mlua::Result<bool> {
    if args.len() != 1 {
        let text = "ERR redis.setresp() requires one argument.";
        return Err(failure::reply(text, false));
    }
    match text::number(&args[0]) {
        Some(2.0) => Ok(false),
        Some(3.0) => Ok(true),
        _ => Err(failure::reply("ERR RESP version must be 2 or 3.", false)),
    }
}

fn add_replies(lua: &Lua, state: &Rc<State>, redis: &Table) -> mlua::Result<()> {
    let of = state.clone();
    let error_reply = move |lua: &Lua, args: MultiValue| match single_text(&args) {
        Some(text) => {
            let text = text.strip_prefix(b"-").unwrap_or(&text);
            error_table(lua, &of, &coded(text), false)
        }
        None => wrong_arguments(lua, &of),
    };
    redis.raw_set("error_reply", lua.create_function(error_reply)?)?;
    let of = state.clone();
    let status_reply = move |lua: &Lua, args: MultiValue| match single_text(&args) {
        Some(text) => {
            let table = lua.create_table()?;
            table.raw_set(&of.names.ok, lua.create_string(&text)?)?;
            Ok(table)
        }
        None => wrong_arguments(lua, &of),
    };
    redis.raw_set("status_reply", lua.create_function(status_reply)?)
}

/// An error's text with a code in front: one word alone is no code.
fn coded(text: &[u8]) -> Vec<u8> {
    match memchr::memchr(b' ', text) {
        Some(_) => text.to_vec(),
        None => [b"ERR ", text].concat(),
    }
}

/// The one text that a function was called with.
fn single_text(args: &MultiValue) -> Option<Vec<u8>> {
    match args.front() {
        Some(Value::String(text)) if args.len() == 1 => Some(text.as_bytes().to_vec()),
        _ => None,
    }
}

fn wrong_arguments(lua: &Lua, state: &State) -> mlua::Result<Table> {
    error_table(lua, state, b"ERR wrong number or type of arguments", false)
}

/// The table that stands for the error of a command.
pub fn error_table(lua: &Lua, state: &State, text: &[u8], is_counted: bool) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 2)?;
    if is_counted {
        table.raw_set(&state.names.is_counted, true)?;
    }
    table.raw_set(&state.names.err, lua.create_string(text)?)?;
    Ok(table)
}

fn add_rest(lua: &Lua, redis: &Table) -> mlua::Result<()> {
    let sha1hex = |lua: &Lua, args: MultiValue| {
        if args.len() != 1 {
            return Err(failure::reply("ERR wrong number of arguments", false));
        }
        let text = text::coerced(&args[0]).unwrap_or_default();
        lua.create_string(sha1::hex(&text))
    };
    redis.raw_set("sha1hex", lua.create_function(sha1hex)?)?;
    let set_repl = |_: &Lua, args: MultiValue| set_repl(&args);
    redis.raw_set("set_repl", lua.create_function(set_repl)?)
}

fn log(args: &MultiValue) -> mlua::Result<()> {
    let refused = |text: &str| Err(failure::reply(text, false));
    if args.len() < 2 {
        return refused("ERR redis.log() requires two arguments or more.");
    }
    let level = match &args[0] {
        Value::Integer(level) => usize::try_from(*level).ok(),
        Value::Number(level) => Some(*level as usize),
        _ => return refused("ERR First argument must be a number (log level)."),
    };
    let Some((_, level)) = level.and_then(|level| LEVELS.get(level)) else {
        return refused("ERR Invalid log level.");
    };
    let words = args.iter().skip(1).filter_map(text::coerced);
    let line = words.collect::<Vec<_>>().join(&b' ');
    host::with(|host| host.log(*level, &line));
    Ok(())
}

fn set_repl(args: &MultiValue) -> mlua::Result<()> {
    let refused = |text: &str| Err(failure::reply(text, false));
    if args.len() != 1 {
        return refused("ERR redis.set_repl() requires one argument.");
    }
    let flags = text::number(&args[0]).unwrap_or_default() as i64;
    if flags & !3 != 0 {
        return refused(
            "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        );
    }
    Ok(())
}
