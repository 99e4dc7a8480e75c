//! RENAME, RENAMENX, COPY, MOVE: a value comes under another key, or into another database.

use super::dump::check_letters;
use crate::command::error::{
    DB_OUT_OF_RANGE, Error, NO_SUCH_KEY, NOT_AN_INT32, SAME_OBJECT, SYNTAX,
};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Value;
use crate::keyspace::{NEVER, notify};

/// `RENAME key newkey`
pub fn rename(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, new_key) = (args.bytes()?, args.bytes()?);
    if !ctx.keys.contains(key) {
        return Err(NO_SUCH_KEY);
    }
    if key != new_key {
        give_new_name(&mut ctx.keys, key, new_key);
    }
    ctx.reply.ok();
    DONE
}

/// `RENAMENX key newkey`
pub fn renamenx(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, new_key) = (args.bytes()?, args.bytes()?);
    if !ctx.keys.contains(key) {
        return Err(NO_SUCH_KEY);
    }
    let free = key != new_key && !ctx.keys.contains(new_key);
    if free {
        give_new_name(&mut ctx.keys, key, new_key);
    }
    ctx.reply.int(free.into());
    DONE
}

fn give_new_name(keys: &mut Keys<'_, '_>, key: &[u8], new_key: &[u8]) {
    let Some(entry) = keys.take(key) else { return };
    let deadline_ms = entry.deadline_ms();
    let replaced = put(keys, new_key, entry.value, deadline_ms);
    keys.changed(key);
    keys.changed(new_key);
    keys.notify(notify::GENERIC, "rename_from", key);
    keys.notify(notify::GENERIC, "rename_to", new_key);
    replaced.notify(keys, new_key);
}

/// `COPY source destination [DB destination-db] [REPLACE]`
pub fn copy(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (source, destination) = (args.bytes()?, args.bytes()?);
    let (mut db, mut replace) = (ctx.keys.db, false);
    while !args.is_empty() {
        if args.keyword("REPLACE") {
            replace = true;
        } else if args.len() >= 2 && args.keyword("DB") {
            db = database(ctx, &mut args)?;
        } else {
            return Err(SYNTAX);
        }
    }
    if db == ctx.keys.db && source == destination {
        return Err(SAME_OBJECT);
    }
    let Some(entry) = ctx.keys.read_mut(source) else {
        ctx.reply.int(0);
        return DONE;
    };
    let (value, deadline_ms) = (entry.value.freeze(), entry.deadline_ms());
    check_letters(ctx, args.request(), &value)?;
    let keys = &mut ctx.keys.in_db(db);
    if !replace && keys.contains(destination) {
        ctx.reply.int(0);
        return DONE;
    }
    let replaced = put(keys, destination, value, deadline_ms);
    keys.changed(destination);
    keys.notify(notify::GENERIC, "copy_to", destination);
    replaced.notify(keys, destination);
    ctx.reply.int(1);
    DONE
}

/// `MOVE key db`
pub fn move_key(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let db = database(ctx, &mut args)?;
    if db == ctx.keys.db {
        return Err(SAME_OBJECT);
    }
    let movable = ctx.keys.contains(key) && !ctx.keys.in_db(db).contains(key);
    ctx.reply.int(movable.into());
    if !movable {
        return DONE;
    }
    if let Some(entry) = ctx.keys.take(key) {
        let deadline_ms = entry.deadline_ms();
        put(&mut ctx.keys.in_db(db), key, entry.value, deadline_ms);
    }
    ctx.keys.changed(key);
    ctx.keys.notify(notify::GENERIC, "move_from", key);
    let keys = &mut ctx.keys.in_db(db);
    keys.changed(key);
    keys.notify(notify::GENERIC, "move_to", key);
    DONE
}

/// The next argument as the number of a database.
fn database(ctx: &Ctx<'_, '_>, args: &mut Args<'_>) -> Result<usize, Error> {
    let number = i32::try_from(args.int()?).map_err(|_| NOT_AN_INT32)?;
    let databases = ctx.keys.keyspace().databases();
    usize::try_from(number)
        .ok()
        .filter(|db| *db < databases)
        .ok_or(DB_OUT_OF_RANGE)
}

/// What a key held before another value took its place.
struct Replaced {
    something: bool,
    of_other_type: bool,
}

impl Replaced {
    fn notify(&self, keys: &mut Keys<'_, '_>, key: &[u8]) {
        if self.something {
            keys.notify(notify::OVERWRITTEN, "overwritten", key);
        }
        if self.of_other_type {
            keys.notify(notify::TYPE_CHANGED, "type_changed", key);
        }
    }
}

/// Puts a value under `key`, which ceases to exist first if it does.
fn put(keys: &mut Keys<'_, '_>, key: &[u8], value: Value, deadline_ms: i64) -> Replaced {
    let old_type = keys.find(key).map(|entry| entry.value.type_name());
    let replaced = Replaced {
        something: old_type.is_some(),
        of_other_type: old_type.is_some_and(|old_type| old_type != value.type_name()),
    };
    keys.remove(key);
    keys.insert_new(key, value);
    if deadline_ms != NEVER {
        keys.set_deadline_ms(key, deadline_ms);
    }
    replaced
}
