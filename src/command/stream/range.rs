//! XLEN, XRANGE, XREVRANGE.

use super::entries::{Part, write_parts};
use super::ids;
use crate::command::error::SYNTAX;
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::Stream;
use crate::data::stream::Direction;

/// `XLEN key`: how many entries a stream has.
pub fn xlen(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let len = ctx
        .keys
        .read_as::<Stream>(args.bytes()?)?
        .map_or(0, |stream| stream.log.len());
    ctx.reply.uint(len);
    DONE
}

/// `XRANGE key start end [COUNT n]`: the entries between two ids.
pub fn xrange(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    range(ctx, args, Direction::Forward)
}

/// `XREVRANGE key end start [COUNT n]`: the same from the newest on.
pub fn xrevrange(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    range(ctx, args, Direction::Backward)
}

fn range(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, direction: Direction) -> Outcome {
    let key = args.bytes()?;
    let (first, second) = (args.bytes()?, args.bytes()?);
    let (start, end) = match direction {
        Direction::Forward => (first, second),
        Direction::Backward => (second, first),
    };
    let (start, end) = (ids::parse_start(start)?, ids::parse_end(end)?);
    let count = parse_count(&mut args)?;
    let Some(stream) = ctx.keys.read_as::<Stream>(key)? else {
        ctx.reply.array(0);
        return DONE;
    };
    if count == Some(0) {
        ctx.reply.null_array();
        return DONE;
    }
    let entries = stream
        .log
        .freeze_range(start, end, direction, count.unwrap_or(u64::MAX));
    write_parts(ctx.reply, [Part { key: None, entries }])
}

/// `[COUNT n]...`, the last of which counts. Below 0 is 0.
pub fn parse_count(args: &mut Args<'_>) -> Result<Option<u64>, Error> {
    let mut count = None;
    while !args.is_empty() {
        if !args.keyword("COUNT") {
            return Err(SYNTAX);
        }
        count = Some(u64::try_from(args.int()?).unwrap_or(0));
    }
    Ok(count)
}
