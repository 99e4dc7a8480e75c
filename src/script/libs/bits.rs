//! `bit`: operations on numbers as 32 bits. A number is taken modulo 2^32, and so is a fraction rounded to the nearest; what comes out is signed.

use super::text;
use crate::script::failure::bad_argument;
use mlua::{Lua, MultiValue, Table};

/// The library.
pub fn table(lua: &Lua) -> mlua::Result<Table> {
    let bit = lua.create_table()?;
    add_unary(lua, &bit, "tobit", |n| n)?;
    add_unary(lua, &bit, "bnot", |n| !n)?;
    add_unary(lua, &bit, "bswap", u32::swap_bytes)?;
    add_fold(lua, &bit, "band", |a, b| a & b)?;
    add_fold(lua, &bit, "bor", |a, b| a | b)?;
    add_fold(lua, &bit, "bxor", |a, b| a ^ b)?;
    add_shift(lua, &bit, "lshift", |n, by| n << by)?;
    add_shift(lua, &bit, "rshift", |n, by| n >> by)?;
    add_shift(lua, &bit, "arshift", |n, by| (n as i32 >> by) as u32)?;
    add_shift(lua, &bit, "rol", u32::rotate_left)?;
    add_shift(lua, &bit, "ror", u32::rotate_right)?;
    bit.raw_set("tohex", lua.create_function(tohex)?)?;
    Ok(bit)
}

fn add_unary(lua: &Lua, bit: &Table, name: &'static str, f: fn(u32) -> u32) -> mlua::Result<()> {
    let run = move |lua: &Lua, args: MultiValue| Ok(f(argument(lua, &args, 1, name)?) as i32);
    bit.raw_set(name, lua.create_function(run)?)
}

fn add_fold(
    lua: &Lua,
    bit: &Table,
    name: &'static str,
    f: fn(u32, u32) -> u32,
) -> mlua::Result<()> {
    let run = move |lua: &Lua, args: MultiValue| {
        let mut all = argument(lua, &args, 1, name)?;
        for at in 2..=args.len() {
            all = f(all, argument(lua, &args, at, name)?);
        }
        Ok(all as i32)
    };
    bit.raw_set(name, lua.create_function(run)?)
}

fn add_shift(
    lua: &Lua,
    bit: &Table,
    name: &'static str,
    f: fn(u32, u32) -> u32,
) -> mlua::Result<()> {
    let run = move |lua: &Lua, args: MultiValue| {
        let number = argument(lua, &args, 1, name)?;
        let by = argument(lua, &args, 2, name)?;
        Ok(f(number, by & 31) as i32)
    };
    bit.raw_set(name, lua.create_function(run)?)
}

/// The low digits of a number: eight, or as many as the second argument says, in upper case if it is negative.
fn tohex(lua: &Lua, args: MultiValue) -> mlua::Result<String> {
    let number = argument(lua, &args, 1, "tohex")?;
    let digits = match args.len() {
        0 | 1 => 8,
        _ => argument(lua, &args, 2, "tohex")? as i32,
    };
    let count = digits.unsigned_abs().min(8) as usize;
    let all = match digits < 0 {
        true => format!("{number:08X}"),
        false => format!("{number:08x}"),
    };
    Ok(all[8 - count..].to_owned())
}

fn argument(lua: &Lua, args: &MultiValue, at: usize, name: &str) -> mlua::Result<u32> {
    let value = args.get(at - 1);
    match value.and_then(text::number) {
        Some(number) => Ok(wrapped(number)),
        None => {
            let got = value.map_or("no value", text::type_name);
            let what = format!("number expected, got {got}");
            Err(bad_argument(lua, at, name, &what))
        }
    }
}

/// A number modulo 2^32, rounded half to even: the low bits of the sum with a number so large that nothing is left behind the point.
fn wrapped(number: f64) -> u32 {
    const ROUNDING: f64 = 6_755_399_441_055_744.0;
    (number + ROUNDING).to_bits() as u32
}
