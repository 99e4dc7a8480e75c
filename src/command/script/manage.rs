//! SCRIPT: what looks after scripts.

use super::super::Args;
use super::super::ctx::{Ctx, DONE, Outcome};
use super::super::error::{self, Error};
use super::eval;
use super::scripts::Sha;

/// `SCRIPT LOAD script`
pub fn load(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let sha = eval::load(ctx.shared, args.bytes()?)?;
    ctx.reply.bulk(&sha);
    DONE
}

/// `SCRIPT EXISTS sha1...`
pub fn exists(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.reply.array(args.len());
    for name in args.rest() {
        let sha = Sha::try_from(name.to_ascii_lowercase());
        let known = sha.is_ok_and(|sha| ctx.shared.scripts.find(&sha).is_some());
        ctx.reply.int(known.into());
    }
    DONE
}

/// `SCRIPT FLUSH [ASYNC|SYNC]`: each core gives its interpreter back either way, and makes another when it next needs one.
pub fn flush(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    flush_mode(args, error::SCRIPT_FLUSH_MODE)?;
    ctx.shared.scripts.flush();
    ctx.shared.nudge_all();
    ctx.reply.ok();
    DONE
}

/// Reads how something is to be flushed, which makes no difference.
pub fn flush_mode(mut args: Args<'_>, refusal: Error) -> Result<(), Error> {
    let known = args.is_empty() || args.keyword("async") || args.keyword("sync");
    match known && args.is_empty() {
        true => Ok(()),
        false => Err(refusal),
    }
}

/// `SCRIPT KILL`
pub fn kill(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.shared.running.kill(false)?;
    ctx.reply.ok();
    DONE
}

/// `SCRIPT DEBUG YES|SYNC|NO`: there is no debugger.
pub fn debug(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.keyword("no") {
        ctx.reply.ok();
        return DONE;
    }
    if args.keyword("yes") || args.keyword("sync") {
        return Err(error::NO_SCRIPT_DEBUGGER);
    }
    Err(error::SCRIPT_DEBUG_MODE)
}
