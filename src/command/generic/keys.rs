//! DEL, UNLINK, EXISTS, TOUCH, TYPE: one or more keys, whatever they hold.

use crate::command::{Args, Ctx, DONE, Outcome};
use crate::keyspace::notify;

/// `DEL key [key ...]`
pub fn del(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let mut deleted = 0;
    for key in args.rest() {
        if ctx.keys.remove(key) {
            deleted += 1;
            ctx.keys.notify(notify::GENERIC, "del", key);
            ctx.keys.changed(key);
        }
    }
    ctx.reply.int(deleted);
    DONE
}

/// `UNLINK key [key ...]`: large values are always freed elsewhere, so it is DEL.
pub fn unlink(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    del(ctx, args)
}

/// `EXISTS key [key ...]`
pub fn exists(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.keys.touch = false;
    count_read(ctx, args)
}

/// `TOUCH key [key ...]`
pub fn touch(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.keys.touch = true;
    count_read(ctx, args)
}

fn count_read(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let count = args
        .rest()
        .filter(|key| ctx.keys.read(key).is_some())
        .count();
    ctx.reply.int(count as i64);
    DONE
}

/// `TYPE key`
pub fn type_of(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    ctx.keys.touch = false;
    let entry = ctx.keys.read(args.bytes()?);
    ctx.reply
        .simple(entry.map_or("none", |entry| entry.value.type_name()));
    DONE
}
