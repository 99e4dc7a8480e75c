//! The globals that scripts see: those of Lua 5.1 that do no harm, ours beside them, and nothing that anybody can change. Most of it is
//! said in Lua (sandbox.lua); here is what it is given.

use super::failure::{self, SANDBOX_CHUNK, Thrown};
use super::state::State;
use super::{api, libs};
use mlua::{Function, Lua, Table, Value};
use std::rc::Rc;

/// What a sandboxed interpreter is used by.
pub struct Sandbox {
    /// The real table of globals.
    pub globals: Table,
    /// Calls a function, and a handler if it fails.
    pub guarded: Function,
    /// What is seen while a library of functions is loaded, in an interpreter for functions.
    loading: Option<Table>,
    /// Decides which globals are seen.
    of_environment: Table,
}

impl Sandbox {
    /// Lets a library that is loaded see what registers functions, and nothing else; or the globals again.
    pub fn set_loading(&self, is_loading: bool) -> mlua::Result<()> {
        let seen = match (&self.loading, is_loading) {
            (Some(loading), true) => loading,
            _ => &self.globals,
        };
        self.of_environment.raw_set("__index", seen)
    }
}

/// Puts a new interpreter into the sandbox; `is_for_functions` where libraries of functions run.
pub fn build(lua: &Lua, state: &Rc<State>, is_for_functions: bool) -> mlua::Result<Sandbox> {
    let added = lua.create_table()?;
    let redis = api::table(lua, state)?;
    if !is_for_functions {
        api::add_for_scripts(lua, &redis)?;
    }
    added.raw_set("redis", redis)?;
    libs::add_all(lua, &added)?;
    let loading = is_for_functions.then(|| api::loading_table(lua, state));
    let loading = loading.transpose()?;
    let build = lua
        .load(include_str!("sandbox.lua"))
        .set_name(SANDBOX_CHUNK)
        .into_function()?;
    type Made = (Table, Table, Function, Option<Table>, Table);
    let made: Made = build.call((lua.globals(), host(lua, state)?, added, loading))?;
    let (environment, globals, guarded, loading, of_environment) = made;
    lua.set_globals(environment)?;
    Ok(Sandbox {
        globals,
        guarded,
        loading,
        of_environment,
    })
}

/// The functions that sandbox.lua needs from here.
fn host(lua: &Lua, state: &Rc<State>) -> mlua::Result<Table> {
    let host = lua.create_table()?;
    let readonly = |lua: &Lua, _: Value| -> mlua::Result<()> {
        Err(failure::message_here(
            lua,
            "Attempt to modify a readonly table",
        ))
    };
    host.raw_set("readonly", lua.create_function(readonly)?)?;
    let missing = |lua: &Lua, (_, name): (Value, Value)| -> mlua::Result<()> {
        let mut text = b"Script attempted to access nonexistent global variable '".to_vec();
        match name {
            Value::String(name) => text.extend_from_slice(&name.as_bytes()),
            name => text.extend_from_slice(name.to_string()?.as_bytes()),
        }
        text.push(b'\'');
        Err(failure::message_here(lua, text))
    };
    host.raw_set("missing", lua.create_function(missing)?)?;
    let of = state.clone();
    let surfaced = move |lua: &Lua, error: Value| surface(lua, &of, error);
    host.raw_set("surfaced", lua.create_function(surfaced)?)?;
    libs::random::add_to(lua, state, &host)?;
    Ok(host)
}

/// An error as scripts see it that was opaque.
fn surface(lua: &Lua, state: &State, error: Value) -> mlua::Result<Value> {
    Ok(match failure::surfaced(&error) {
        None => error,
        Some(Thrown::Message(text)) => Value::String(lua.create_string(text)?),
        Some(Thrown::Reply { text, is_counted }) => {
            Value::Table(api::error_table(lua, state, &text, is_counted)?)
        }
    })
}
