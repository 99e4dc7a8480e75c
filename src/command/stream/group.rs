//! XGROUP.

use super::logged::{self, Actor};
use super::make::{self, Beginning};
use super::{group_changed, ids, settle_time};
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Stream;
use crate::data::stream::{Group, Id, Log};
use crate::keyspace::notify;
use crate::resp::Request;
use smallvec::SmallVec;

/// `XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD n]`: adds a group.
pub fn create(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, id) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let options = Options::parse(ctx, &mut args, true)?;
    let stream = ctx.keys.find_as::<Stream>(key)?;
    if stream.is_none() && !options.make_stream {
        return Err(error::XGROUP_KEY_MISSING);
    }
    let id = match (id, &stream) {
        (b"$", None) => Id::MIN,
        (b"$", Some(stream)) => stream.log.last_id(),
        _ => ids::parse(id, 0)?,
    };
    let log = stream.as_ref().map(|stream| &stream.log);
    let entries_read = options.entries_read(log);
    if stream.is_some_and(|stream| stream.groups.contains_key(name)) {
        return Err(error::GROUP_EXISTS);
    }
    let beginning = Beginning {
        last_id: id,
        entries_read,
    };
    let mut digits = itoa::Buffer::new();
    let read = entries_read.map(|read| digits.format(read).as_bytes());
    let words = with_count(args.request(), read);
    make::group(&mut ctx.keys, (key, name), beginning, words.into_iter());
    ctx.reply.ok();
    DONE
}

/// `XGROUP SETID key group <id | $> [ENTRIESREAD n]`: says how far a group has read.
pub fn setid(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, id) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let options = Options::parse(ctx, &mut args, false)?;
    let (log, group) = find(ctx.keys.find_as::<Stream>(key)?, key, name)?;
    let id = match id {
        b"$" => log.last_id(),
        _ => ids::parse_or_end(id, 0)?,
    };
    group.last_id = id;
    group.entries_read = options.entries_read(Some(log));
    let mut digits = itoa::Buffer::new();
    let read = (group.entries_read).map(|read| digits.format(read).as_bytes());
    let words = with_count(args.request(), read);
    if let Some(effect) = ctx.keys.logs(words.len()) {
        effect.args(words.into_iter()).end();
    }
    changed(&mut ctx.keys, key, "xgroup-setid");
    ctx.reply.ok();
    DONE
}

/// `XGROUP DESTROY key group`: removes a group; those who wait to read from it are told.
pub fn destroy(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let stream = ctx
        .keys
        .find_as::<Stream>(key)?
        .ok_or(error::XGROUP_KEY_MISSING)?;
    let removed = stream.remove_group(name);
    if removed {
        changed(&mut ctx.keys, key, "xgroup-destroy");
        ctx.keys.ready(key);
    }
    ctx.reply.int(removed.into());
    DONE
}

/// `XGROUP CREATECONSUMER key group consumer`: adds a consumer; 0 if it was there.
pub fn createconsumer(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let now_ms = ctx.keys.steady();
    let (_, group) = find(ctx.keys.find_as::<Stream>(key)?, key, name)?;
    let created = group.find_consumer(consumer).is_none();
    if created {
        group.add_consumer(consumer, now_ms);
        changed(&mut ctx.keys, key, "xgroup-createconsumer");
        let actor = Actor {
            key,
            group: name,
            consumer,
            now_ms,
            again: false,
        };
        actor.created(&mut ctx.keys);
    }
    ctx.reply.int(created.into());
    DONE
}

/// `XGROUP DELCONSUMER key group consumer`: removes a consumer; says how many entries it had pending.
pub fn delconsumer(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let (_, group) = find(ctx.keys.find_as::<Stream>(key)?, key, name)?;
    let Some(slot) = group.find_consumer(consumer) else {
        ctx.reply.int(0);
        return DONE;
    };
    let pending = group.consumer(slot).pending_len();
    let gives_back = group.policy().ack_wait_ms > 0 && !ctx.local.replaying;
    // What is given back is told before the consumer's removal, which then drops nothing.
    let released = match gives_back {
        true => group.dismiss_consumer(slot),
        false => {
            group.remove_consumer(slot);
            Vec::new()
        }
    };
    logged::released(&mut ctx.keys, (key, name), &released, 0);
    logged::kept_for_redis(&mut ctx.keys, (key, name), &released);
    if !released.is_empty()
        && let Some(effect) = ctx.keys.logs(5)
    {
        effect.args(args.request().iter()).end();
    }
    changed(&mut ctx.keys, key, "xgroup-delconsumer");
    settle_time(&mut ctx.keys, key, pending);
    ctx.reply.int(pending as i64);
    DONE
}

/// The group of a stream that must both exist.
fn find<'s>(
    stream: Option<&'s mut Stream>,
    key: &[u8],
    name: &[u8],
) -> Result<(&'s Log, &'s mut Group), Error> {
    let Stream { log, groups, .. } = stream.ok_or(error::XGROUP_KEY_MISSING)?;
    let group = groups
        .get_mut(name)
        .ok_or_else(|| error::no_group_for_key(key, name))?;
    Ok((log, group))
}

fn changed(keys: &mut Keys<'_, '_>, key: &[u8], event: &'static str) {
    group_changed(keys, 1);
    keys.notify(notify::STREAM, event, key);
}

/// The words of a request as they are logged: with the count of entries read that holds, if there is one. A Redis before 8 takes what stands
/// there.
fn with_count<'r>(request: Request<'r>, read: Option<&'r [u8]>) -> SmallVec<[&'r [u8]; 8]> {
    let mut words: SmallVec<[&[u8]; 8]> = request.iter().collect();
    // It stands behind command, subcommand, key, group and id.
    let mut options = words.iter().skip(5);
    let at = options.position(|word| word.eq_ignore_ascii_case(b"ENTRIESREAD"));
    if let (Some(at), Some(read)) = (at, read) {
        words[at + 6] = read;
    }
    words
}

/// What may follow the id.
struct Options {
    make_stream: bool,
    entries_read: Option<u64>,
}

impl Options {
    /// No group has read more entries than there were.
    fn entries_read(&self, log: Option<&Log>) -> Option<u64> {
        let added = log.map_or(0, Log::entries_added);
        self.entries_read.map(|read| read.min(added))
    }

    fn parse(ctx: &Ctx<'_, '_>, args: &mut Args<'_>, creating: bool) -> Result<Options, Error> {
        let mut options = Options {
            make_stream: false,
            entries_read: None,
        };
        // The most that make sense, once each.
        let allowed = if creating { 3 } else { 2 };
        let too_many = args.len() > allowed;
        while !args.is_empty() {
            if creating && args.keyword("MKSTREAM") {
                options.make_stream = true;
            } else if args.len() > 1 && args.keyword("ENTRIESREAD") {
                options.entries_read = match args.int()? {
                    -1 => None,
                    read => Some(u64::try_from(read).map_err(|_| error::NEGATIVE_ENTRIES_READ)?),
                };
            } else {
                return Err(error::bad_subcommand(ctx.command, args.request().arg(1)));
            }
        }
        if too_many {
            return Err(error::bad_subcommand(ctx.command, args.request().arg(1)));
        }
        Ok(options)
    }
}
