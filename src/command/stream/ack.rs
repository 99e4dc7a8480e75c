//! XACK, and what becomes of entries that are done with.

use super::logged::with_ids;
use super::{entries_changed, group_changed, ids, settle_time};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Stream;
use crate::data::stream::{Id, References, Removal};
use crate::keyspace::notify;

/// `XACK key group id...`: entries are done with; says how many were pending.
pub fn xack(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let replaying = ctx.keys.replaying;
    let stream = ctx.keys.read_as_mut::<Stream>(key)?;
    let Some(stream) = stream else {
        ctx.reply.int(0);
        return DONE;
    };
    let Some(group) = stream.groups.get_mut(name) else {
        ctx.reply.int(0);
        return DONE;
    };
    let mut settled = ids::parse_all(args.rest())?;
    settled.retain(|&id| group.ack(id));
    let makes_way = !settled.is_empty() && group.makes_way();
    let deletes = stream.policy.deletes_acked && !replaying && !settled.is_empty();
    group_changed(&mut ctx.keys, settled.len() as u64);
    ctx.reply.int(settled.len() as i64);
    if makes_way {
        settle_time(&mut ctx.keys, key, settled.len());
    }
    if deletes {
        log_ids(&mut ctx.keys, &[b"XACK", key, name], &settled);
        delete_needless(&mut ctx.keys, key, &settled);
    }
    DONE
}

/// Deletes those of `settled` that no group needs any more, if the policy of the stream asks for that. What settled them has been logged.
pub fn delete_needless(keys: &mut Keys<'_, '_>, key: &[u8], settled: &[Id]) {
    let replaying = keys.replaying;
    let Ok(Some(stream)) = keys.find_as::<Stream>(key) else {
        return;
    };
    if !stream.policy.deletes_acked || replaying {
        return;
    }
    let mut deleted = settled.to_vec();
    deleted.retain(|&id| stream.delete(id, References::Acked) == Removal::Removed);
    if !deleted.is_empty() {
        log_ids(keys, &[b"XDEL", key], &deleted);
        entries_changed(keys, key, deleted.len() as u64);
        keys.notify(notify::STREAM, "xdel", key);
    }
}

fn log_ids(keys: &mut Keys<'_, '_>, words: &[&[u8]], ids: &[Id]) {
    if let Some(effect) = keys.logs(words.len() + ids.len()) {
        let effect = effect.args(words.iter().copied());
        with_ids(effect, ids.iter().copied()).end();
    }
}
