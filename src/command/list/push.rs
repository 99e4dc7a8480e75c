//! LPUSH, RPUSH, LPUSHX, RPUSHX: elements enter a list at one of its ends.

use super::{limit, pushed};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::List;
use crate::data::list::End;

/// `LPUSH key element [element ...]`
pub fn lpush(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    push(ctx, args, End::Front, Missing::Create)
}

/// `RPUSH key element [element ...]`
pub fn rpush(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    push(ctx, args, End::Back, Missing::Create)
}

/// `LPUSHX key element [element ...]`
pub fn lpushx(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    push(ctx, args, End::Front, Missing::Leave)
}

/// `RPUSHX key element [element ...]`
pub fn rpushx(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    push(ctx, args, End::Back, Missing::Leave)
}

/// What to do about a key that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Create,
    Leave,
}

fn push(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, end: End, missing: Missing) -> Outcome {
    let key = args.bytes()?;
    let limit = limit(ctx);
    let len = match ctx.keys.find_as::<List>(key)? {
        Some(list) => {
            list.extend(end, limit, args.blobs());
            list.len()
        }
        None if missing == Missing::Leave => {
            ctx.reply.int(0);
            return DONE;
        }
        None => {
            let mut list = List::new();
            list.extend(end, limit, args.blobs());
            let len = list.len();
            ctx.keys.insert_new(key, list.into());
            len
        }
    };
    pushed(&mut ctx.keys, key, end);
    ctx.reply.int(len as i64);
    DONE
}
