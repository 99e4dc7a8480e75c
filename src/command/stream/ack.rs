//! XACK.

use super::ids;
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;

/// `XACK key group id...`: entries are done with; says how many were pending.
pub fn xack(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let stream = ctx.keys.read_as::<Stream>(key)?;
    let Some(group) = stream.and_then(|stream| stream.groups.get_mut(name)) else {
        ctx.reply.int(0);
        return DONE;
    };
    let ids = ids::parse_all(args.rest())?;
    let acked = ids.into_iter().filter(|&id| group.ack(id)).count();
    super::group_changed(&mut ctx.keys, acked as u64);
    ctx.reply.int(acked as i64);
    DONE
}
