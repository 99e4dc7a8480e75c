//! SLOWLOG: the commands that took long. [`slowlog`](crate::command::slowlog) keeps them.

use crate::base::num;
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::{Args, error};

/// How many commands GET tells when it is not said.
const DEFAULT_COUNT: usize = 10;

/// `SLOWLOG GET [count]`: the newest first; -1 is all.
pub fn get(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.len() > 1 {
        return Err(error::unknown_subcommand_or_arity(
            "slowlog",
            args.request().arg(1),
        ));
    }
    let count = match args.is_empty() {
        true => DEFAULT_COUNT,
        false => match num::parse_i64(args.bytes()?) {
            Some(-1) => usize::MAX,
            Some(count) => usize::try_from(count).map_err(|_| error::SLOWLOG_COUNT)?,
            None => return Err(error::SLOWLOG_COUNT),
        },
    };
    let slowlog = ctx.shared.slowlog.lock();
    ctx.reply.array(count.min(slowlog.len()));
    for slow in slowlog.iter().take(count) {
        ctx.reply.array(6);
        ctx.reply.uint(slow.id);
        ctx.reply.int(slow.at_s);
        ctx.reply.uint(slow.us);
        ctx.reply.array(slow.args.len());
        slow.args.iter().for_each(|arg| ctx.reply.bulk(arg));
        ctx.reply.bulk(slow.addr.as_bytes());
        ctx.reply.bulk(slow.name.as_bytes());
    }
    DONE
}

/// `SLOWLOG LEN`
pub fn len(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let len = ctx.shared.slowlog.lock().len();
    ctx.reply.uint(len as u64);
    DONE
}

/// `SLOWLOG RESET`
pub fn reset(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.shared.slowlog.lock().clear();
    ctx.reply.ok();
    DONE
}
