//! Libraries of functions: what they register while they are loaded.

use super::failure;
use super::libs::text;
use super::state::State;
use mlua::{Function, MultiValue, Table, Value};

/// A function that a library has registered.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Its name.
    pub name: Vec<u8>,
    /// What it is said to do.
    pub description: Option<Vec<u8>>,
    /// The names of its flags.
    pub flags: Vec<Vec<u8>>,
    /// What runs it.
    pub function: Function,
}

/// The names of flags.
pub const FLAGS: [&[u8]; 5] = [
    b"no-writes",
    b"allow-oom",
    b"allow-stale",
    b"no-cluster",
    b"allow-cross-slot-keys",
];

/// True for what libraries and functions may be called.
pub fn is_name(name: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    !name.is_empty() && name.iter().all(is_allowed)
}

/// What is said of a name that is none.
pub const WRONG_NAME: &str = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

/// `redis.register_function(name, callback)`, or with one table of named arguments.
pub fn register(state: &State, args: &MultiValue) -> mlua::Result<()> {
    let given: Vec<&Value> = args.iter().collect();
    let registered = match given[..] {
        [] => return refuse("wrong number of arguments to redis.register_function"),
        [Value::Table(named)] => from_table(named)?,
        [_] => {
            return refuse(
                "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
            );
        }
        [name, callback] => from_pair(name, callback)?,
        _ => return refuse("wrong number of arguments to redis.register_function"),
    };
    if !is_name(&registered.name) {
        return refuse(WRONG_NAME);
    }
    let mut all = state.registered.borrow_mut();
    let Some(all) = all.as_mut() else {
        return refuse("redis.register_function can only be called on FUNCTION LOAD command");
    };
    let is_same = |other: &Registered| other.name.eq_ignore_ascii_case(&registered.name);
    if all.iter().any(is_same) {
        return refuse("Function already exists in the library");
    }
    all.push(registered);
    Ok(())
}

fn refuse<T>(why: &str) -> mlua::Result<T> {
    Err(failure::reply(format!("ERR {why}"), false))
}

fn from_pair(name: &Value, callback: &Value) -> mlua::Result<Registered> {
    let Some(name) = text::coerced(name) else {
        return refuse("first argument to redis.register_function must be a string");
    };
    let Value::Function(function) = callback else {
        return refuse("second argument to redis.register_function must be a function");
    };
    Ok(Registered {
        name,
        description: None,
        flags: Vec::new(),
        function: function.clone(),
    })
}

fn from_table(named: &Table) -> mlua::Result<Registered> {
    let (mut name, mut callback, mut description, mut flags) = (None, None, None, Vec::new());
    named.for_each(|key: Value, value: Value| {
        let Some(key) = text::coerced(&key) else {
            return refuse("named argument key given to redis.register_function is not a string");
        };
        match &*key {
            b"function_name" => match text::coerced(&value) {
                Some(text) => name = Some(text),
                None => {
                    return refuse(
                        "function_name argument given to redis.register_function must be a string",
                    );
                }
            },
            b"description" => match text::coerced(&value) {
                Some(text) => description = Some(text),
                None => {
                    return refuse(
                        "description argument given to redis.register_function must be a string",
                    );
                }
            },
            b"callback" => match value {
                Value::Function(function) => callback = Some(function),
                _ => {
                    return refuse(
                        "callback argument given to redis.register_function must be a function",
                    );
                }
            },
            b"flags" => match &value {
                Value::Table(table) => flags = flags_in(table)?,
                _ => {
                    return refuse(
                        "flags argument to redis.register_function must be a table representing function flags",
                    );
                }
            },
            _ => return refuse("unknown argument given to redis.register_function"),
        }
        Ok(())
    })?;
    let Some(name) = name else {
        return refuse("redis.register_function must get a function name argument");
    };
    let Some(function) = callback else {
        return refuse("redis.register_function must get a callback argument");
    };
    Ok(Registered {
        name,
        description,
        flags,
        function,
    })
}

fn flags_in(table: &Table) -> mlua::Result<Vec<Vec<u8>>> {
    let mut flags = Vec::new();
    for index in 1.. {
        let flag: Value = table.raw_get(index)?;
        if flag.is_nil() {
            break;
        }
        match text::coerced(&flag) {
            Some(flag) if FLAGS.contains(&&*flag) => flags.push(flag),
            _ => return refuse("unknown flag given"),
        }
    }
    Ok(flags)
}
