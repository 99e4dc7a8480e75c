//! `math.random`: the linear congruential generator of POSIX (`lrand48`), which an interpreter begins where Redis does. It goes on from script
//! to script.

use crate::script::failure::{bad_argument, message_here};
use crate::script::libs::text;
use crate::script::state::State;
use mlua::{Lua, MultiValue, Table, Value};
use std::cell::Cell;
use std::rc::Rc;

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const INCREMENT: u64 = 0xB;
const MASK: u64 = (1 << 48) - 1;
/// What stands below the seed in the state.
const LOW_BITS: u64 = 0x330E;

/// Where it begins.
const INITIAL: u64 = 0x1234_ABCD_330E;

/// See the module's description.
#[derive(Debug)]
pub struct Random(Cell<u64>);

impl Default for Random {
    fn default() -> Self {
        Random(Cell::new(INITIAL))
    }
}

impl Random {
    /// Begins the sequence that belongs to `seed`.
    pub fn seed(&self, seed: i32) {
        self.0.set(u64::from(seed as u32) << 16 | LOW_BITS);
    }

    /// The next number, at least 0 and below 1.
    fn fraction(&self) -> f64 {
        const MAX: u64 = i32::MAX as u64;
        let state = self
            .0
            .get()
            .wrapping_mul(MULTIPLIER)
            .wrapping_add(INCREMENT)
            & MASK;
        self.0.set(state);
        ((state >> 17) % MAX) as f64 / MAX as f64
    }
}

/// Adds `random` and `randomseed`.
pub fn add_to(lua: &Lua, state: &Rc<State>, table: &Table) -> mlua::Result<()> {
    let of = state.clone();
    let random = move |lua: &Lua, args: MultiValue| draw(lua, &of.random, &args);
    table.raw_set("random", lua.create_function(random)?)?;
    let of = state.clone();
    let randomseed = move |lua: &Lua, seed: Value| {
        of.random.seed(whole(lua, &seed, (1, "randomseed"))? as i32);
        Ok(())
    };
    table.raw_set("randomseed", lua.create_function(randomseed)?)
}

fn draw(lua: &Lua, random: &Random, args: &MultiValue) -> mlua::Result<f64> {
    let fraction = random.fraction();
    let argument = |at: usize| whole(lua, &args[at - 1], (at, "random"));
    let (least, most) = match args.len() {
        0 => return Ok(fraction),
        1 => (1, argument(1)?),
        2 => (argument(1)?, argument(2)?),
        _ => return Err(message_here(lua, "wrong number of arguments")),
    };
    if least > most {
        return Err(bad_argument(lua, args.len(), "random", "interval is empty"));
    }
    let span = most.wrapping_sub(least).wrapping_add(1);
    Ok((fraction * span as f64).floor() + least as f64)
}

/// The argument of a function as an integer; `place` names both.
fn whole(lua: &Lua, value: &Value, (at, function): (usize, &str)) -> mlua::Result<i64> {
    match text::number(value) {
        Some(number) => Ok(number as i64),
        None => {
            let what = format!("number expected, got {}", text::type_name(value));
            Err(bad_argument(lua, at, function, &what))
        }
    }
}
