//! The libraries that scripts find beside those of Lua: `cjson`, `cmsgpack`, `struct`, `bit`, and random numbers that are the same in every
//! run of a script.

pub mod bits;
pub mod json;
pub mod msgpack;
pub mod packed;
pub mod random;
pub mod text;

use mlua::{Lua, Table};

/// Adds the libraries under their names.
pub fn add_all(lua: &Lua, to: &Table) -> mlua::Result<()> {
    to.raw_set("bit", bits::table(lua)?)?;
    to.raw_set("cjson", json::table(lua)?)?;
    to.raw_set("cmsgpack", msgpack::table(lua)?)?;
    to.raw_set("struct", packed::table(lua)?)
}
