//! TIME and LOLWUT.

use crate::base::num;
use crate::base::version::{REDIS_VERSION, VERSION};
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::{Args, error};

/// `TIME`: Unix seconds, and the microseconds within the second. In a script it is when that began, until others hear that the server is busy:
/// a loop that waits for a time ends then.
pub fn time(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let us = match ctx.shared.running.is_busy() {
        true => ctx.shared.clock.now().unix_us,
        false => ctx.now.unix_us,
    };
    ctx.reply.array(2);
    ctx.reply.bulk_int(us / 1_000_000);
    ctx.reply.bulk_int(us % 1_000_000);
    DONE
}

const WHEEL: &str = r"
            .-=========-.
         .-'    \ | /    '-.
     []=/  []----(o)----[]  \=[]      the stream runs on,
       |  /     / | \     \  |        the wheel turns grain into flour;
  ~~~~~|-[]----  |  ----[]-|~~~~~~    nothing is lost twice.
  ~~~~~~\  []---/ | \---[] /~~~~~~~
  ~~~~~~~'-._    []    _.-'~~~~~~~~
";

/// `LOLWUT [VERSION number [argument ...]]`: a mill, whatever version is asked for.
pub fn lolwut(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.len() >= 2 && args.keyword("VERSION") {
        let numbers: Option<Vec<i64>> = args.rest().map(num::parse_i64).collect();
        numbers.ok_or(error::NOT_AN_INTEGER)?;
    }
    let text = format!("{WHEEL}\nMillstream {VERSION}. Redis ver. {REDIS_VERSION}\n");
    ctx.reply.verbatim(text.as_bytes());
    DONE
}
