//! The connection about itself: its id, its name, its library, what becomes of its replies.

use crate::command::connection::hello::client_name;
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::session::ReplyMode;
use crate::command::{Args, error};

/// `CLIENT ID`
pub fn id(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.reply.uint(ctx.session.id);
    DONE
}

/// `CLIENT GETNAME`
pub fn getname(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    match ctx.session.record.introduction.lock().name.as_str() {
        "" => ctx.reply.null(),
        name => ctx.reply.bulk(name.as_bytes()),
    }
    DONE
}

/// `CLIENT SETNAME name`
pub fn setname(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    ctx.session.record.introduction.lock().name = client_name(args.bytes()?)?;
    ctx.reply.ok();
    DONE
}

/// `CLIENT SETINFO LIB-NAME name | LIB-VER version`
pub fn setinfo(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let attribute = args.bytes()?;
    let text = client_name(args.bytes()?).map_err(|_| error::client_attribute(attribute));
    let mut introduction = ctx.session.record.introduction.lock();
    if attribute.eq_ignore_ascii_case(b"lib-name") {
        introduction.lib_name = text?;
    } else if attribute.eq_ignore_ascii_case(b"lib-ver") {
        introduction.lib_version = text?;
    } else {
        return Err(error::unrecognized_option(attribute));
    }
    ctx.reply.ok();
    DONE
}

/// `CLIENT REPLY ON | OFF | SKIP`
pub fn reply(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.keyword("ON") {
        ctx.session.reply_mode = ReplyMode::On;
        ctx.reply.ok();
    } else if args.keyword("OFF") {
        ctx.session.reply_mode = ReplyMode::Off;
    } else if args.keyword("SKIP") {
        if ctx.session.reply_mode != ReplyMode::Off {
            ctx.session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(error::SYNTAX);
    }
    DONE
}

/// `CLIENT NO-EVICT ON | OFF`
pub fn no_evict(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.session.no_evict = on_or_off(args)?;
    ctx.reply.ok();
    DONE
}

/// `CLIENT NO-TOUCH ON | OFF`
pub fn no_touch(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.session.no_touch = on_or_off(args)?;
    ctx.reply.ok();
    DONE
}

fn on_or_off(mut args: Args<'_>) -> Result<bool, error::Error> {
    let on = args.keyword("ON");
    if !on && !args.keyword("OFF") {
        return Err(error::SYNTAX);
    }
    Ok(on)
}

/// `CLIENT GETREDIR`: no connection tracks keys, so none is redirected.
pub fn getredir(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.reply.int(-1);
    DONE
}

/// `CLIENT TRACKINGINFO`: no connection tracks keys.
pub fn trackinginfo(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.reply.map(3);
    ctx.reply.bulk(b"flags");
    ctx.reply.set(1);
    ctx.reply.bulk(b"off");
    ctx.reply.bulk(b"redirect");
    ctx.reply.int(-1);
    ctx.reply.bulk(b"prefixes");
    ctx.reply.array(0);
    DONE
}
