//! XDEL, XDELEX, XACKDEL: entries removed by id.

use super::schedule;
use super::trim::take_references;
use super::{ids, logged};
use crate::base::num;
use crate::command::error::{self, Error, SYNTAX};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Stream;
use crate::data::stream::{Acks, Id, References, Removal};
use crate::keyspace::notify;

/// `XDEL key id...`: removes entries, whatever groups know of them.
pub fn xdel(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let Some(stream) = ctx.keys.find_as::<Stream>(key)? else {
        ctx.reply.int(0);
        return DONE;
    };
    let (mut removed, mut cancelled) = (0, Vec::new());
    for id in ids::parse_all(args.rest())? {
        match delete(stream, id, References::Keep, &mut Acks::default()) {
            Deletion::Cancelled => cancelled.push(id),
            Deletion::Of(removal) => removed += u64::from(removal == Removal::Removed),
        }
    }
    schedule::cancelled(&mut ctx.keys, key, &cancelled);
    entries_removed(&mut ctx.keys, key, removed);
    ctx.reply.uint(removed + cancelled.len() as u64);
    DONE
}

/// What became of an id that was to be deleted.
enum Deletion {
    /// Its entry was scheduled, and is no longer.
    Cancelled,
    Of(Removal),
}

fn delete(stream: &mut Stream, id: Id, references: References, acks: &mut Acks) -> Deletion {
    match stream.delete_noting(id, references, acks) {
        Removal::Missing if stream.schedule.remove(id).is_some() => Deletion::Cancelled,
        removal => Deletion::Of(removal),
    }
}

/// `XDELEX key [KEEPREF | DELREF | ACKED] IDS n id...`: removes entries; says of each what became of it.
pub fn xdelex(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    ctx.keys.find_as::<Stream>(key)?;
    let wanted = Wanted::parse(&mut args)?;
    let Some(stream) = ctx.keys.find_as::<Stream>(key)? else {
        write_all_missing(ctx, wanted.ids.len());
        return DONE;
    };
    let ids = ids::parse_all(wanted.ids.iter().copied())?;
    let (mut gone, mut settled, mut cancelled) = (Gone::default(), 0, Vec::new());
    ctx.reply.array(ids.len());
    for id in ids {
        let removal = match delete(stream, id, wanted.references, &mut gone.acks) {
            Deletion::Of(removal) => removal,
            Deletion::Cancelled => {
                cancelled.push(id);
                ctx.reply.int(code(Removal::Removed));
                continue;
            }
        };
        gone.note(id, removal);
        settled += u64::from(removal == Removal::MissingButReferenced);
        ctx.reply.int(code(removal));
    }
    schedule::cancelled(&mut ctx.keys, key, &cancelled);
    gone.log(&mut ctx.keys, key);
    let removed = gone.removed.len() as u64;
    entries_removed(&mut ctx.keys, key, removed);
    super::group_changed(&mut ctx.keys, settled);
    super::settle_time(&mut ctx.keys, key, (removed + settled) as usize);
    DONE
}

/// `XACKDEL key group [KEEPREF | DELREF | ACKED] IDS n id...`: acknowledges entries and removes them; says of each what became of it.
pub fn xackdel(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, group) = (args.bytes()?, args.bytes()?);
    ctx.keys.find_as::<Stream>(key)?;
    let wanted = Wanted::parse(&mut args)?;
    let stream = ctx.keys.find_as::<Stream>(key)?;
    let Some(stream) = stream.filter(|stream| stream.groups.contains_key(group)) else {
        write_all_missing(ctx, wanted.ids.len());
        return DONE;
    };
    let ids = ids::parse_all(wanted.ids.iter().copied())?;
    let (mut acked, mut gone) = (0, Gone::default());
    ctx.reply.array(ids.len());
    for id in ids {
        let removal = ack_and_delete(stream, (group, id), wanted.references, &mut gone);
        acked += u64::from(removal != AckDel::NotPending);
        ctx.reply.int(match removal {
            AckDel::NotPending => code(Removal::Missing),
            // Gone before or gone now: it is settled.
            AckDel::Settled(Removal::Missing | Removal::MissingButReferenced) => {
                code(Removal::Removed)
            }
            AckDel::Settled(removal) => code(removal),
        });
    }
    gone.log(&mut ctx.keys, key);
    let removed = gone.removed.len() as u64;
    entries_removed(&mut ctx.keys, key, removed);
    super::group_changed(&mut ctx.keys, acked - removed);
    super::settle_time(&mut ctx.keys, key, acked as usize);
    DONE
}

#[derive(PartialEq, Eq)]
enum AckDel {
    NotPending,
    Settled(Removal),
}

fn ack_and_delete(
    stream: &mut Stream,
    (name, id): (&[u8], Id),
    references: References,
    gone: &mut Gone,
) -> AckDel {
    let group = stream.groups.get_mut(name);
    if !group.is_some_and(|group| group.ack(id)) {
        return AckDel::NotPending;
    }
    gone.acks.add(name, [id]);
    let removal = stream.delete_noting(id, references, &mut gone.acks);
    gone.note(id, removal);
    AckDel::Settled(removal)
}

/// What a command that says what is to become of references did, in words that every Redis knows.
#[derive(Default)]
struct Gone {
    acks: Acks,
    removed: Vec<Id>,
}

impl Gone {
    fn note(&mut self, id: Id, removal: Removal) {
        if removal == Removal::Removed {
            self.removed.push(id);
        }
    }

    fn log(&self, keys: &mut Keys<'_, '_>, key: &[u8]) {
        keys.tells_aside();
        logged::acked(keys, key, &self.acks);
        logged::deleted(keys, key, &self.removed);
    }
}

fn code(removal: Removal) -> i64 {
    match removal {
        Removal::Removed => 1,
        Removal::Missing | Removal::MissingButReferenced => -1,
        Removal::Referenced => 2,
    }
}

fn write_all_missing(ctx: &mut Ctx<'_, '_>, ids: usize) {
    ctx.reply.array(ids);
    for _ in 0..ids {
        ctx.reply.int(code(Removal::Missing));
    }
}

fn entries_removed(keys: &mut Keys<'_, '_>, key: &[u8], removed: u64) {
    if removed > 0 {
        super::entries_changed(keys, key, removed);
        keys.notify(notify::STREAM, "xdel", key);
    }
}

/// `[KEEPREF | DELREF | ACKED] IDS n id...`, in either order.
struct Wanted<'a> {
    references: References,
    /// Not parsed yet: a missing key is noticed first.
    ids: Vec<&'a [u8]>,
}

impl<'a> Wanted<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Wanted<'a>, Error> {
        let (mut references, mut ids) = (None, None);
        while !args.is_empty() {
            if references.is_none()
                && let Some(given) = take_references(args)
            {
                references = Some(given);
            } else if args.len() > 1 && args.keyword("IDS") {
                ids = Some(take_ids(args)?);
            } else {
                return Err(SYNTAX);
            }
        }
        let references = references.unwrap_or_default();
        Ok(Wanted {
            references,
            ids: ids.ok_or(SYNTAX)?,
        })
    }
}

/// `IDS n id...` to the end.
pub fn parse_ids(args: &mut Args<'_>) -> Result<Vec<Id>, Error> {
    if !args.keyword("IDS") {
        return Err(SYNTAX);
    }
    let texts = take_ids(args)?;
    args.end()?;
    ids::parse_all(texts.into_iter())
}

/// `n id...`: that many.
pub fn take_ids<'a>(args: &mut Args<'a>) -> Result<Vec<&'a [u8]>, Error> {
    let count = num::parse_i64(args.bytes()?)
        .filter(|&count| count > 0)
        .ok_or(error::ID_COUNT_NOT_POSITIVE)?;
    if count as usize > args.len() {
        return Err(error::ID_COUNT_TOO_LARGE);
    }
    (0..count).map(|_| args.bytes()).collect()
}
