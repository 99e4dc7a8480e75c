//! XGROUP.

use super::{entries_changed, group_changed, ids};
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::stream::{Group, Id, Log};
use crate::data::{Kind, Stream, Value};
use crate::keyspace::notify;

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
    let stream = match stream {
        Some(_) => ctx.keys.find_as::<Stream>(key)?.expect("just found"),
        None => make(&mut ctx.keys, key),
    };
    if stream.groups.contains_key(name) {
        return Err(error::GROUP_EXISTS);
    }
    stream.groups.insert(
        name.into(),
        Group::new(id, options.entries_read(&stream.log)),
    );
    changed(&mut ctx.keys, key, "xgroup-create");
    ctx.reply.ok();
    DONE
}

fn make<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8]) -> &'k mut Stream {
    entries_changed(keys, key, 1);
    keys.changes.dirty -= 1;
    let entry = keys.insert_new(key, Value::from(Stream::new()));
    Stream::of_mut(&mut entry.value).expect("just made as a stream")
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
    group.entries_read = options.entries_read(log);
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
    let removed = stream.groups.remove(name).is_some();
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
    let now_ms = super::now_ms(ctx);
    let (_, group) = find(ctx.keys.find_as::<Stream>(key)?, key, name)?;
    let created = group.find_consumer(consumer).is_none();
    if created {
        group.add_consumer(consumer, now_ms);
        changed(&mut ctx.keys, key, "xgroup-createconsumer");
    }
    ctx.reply.int(created.into());
    DONE
}

/// `XGROUP DELCONSUMER key group consumer`: removes a consumer; says how many entries it had pending.
pub fn delconsumer(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let (_, group) = find(ctx.keys.find_as::<Stream>(key)?, key, name)?;
    let slot = group.find_consumer(consumer);
    let pending = slot.map_or(0, |slot| group.remove_consumer(slot));
    if slot.is_some() {
        changed(&mut ctx.keys, key, "xgroup-delconsumer");
    }
    ctx.reply.int(pending as i64);
    DONE
}

/// The group of a stream that must both exist.
fn find<'s>(
    stream: Option<&'s mut Stream>,
    key: &[u8],
    name: &[u8],
) -> Result<(&'s Log, &'s mut Group), Error> {
    let Stream { log, groups } = stream.ok_or(error::XGROUP_KEY_MISSING)?;
    let group = groups
        .get_mut(name)
        .ok_or_else(|| error::no_group_for_key(key, name))?;
    Ok((log, group))
}

fn changed(keys: &mut Keys<'_, '_>, key: &[u8], event: &'static str) {
    group_changed(keys, 1);
    keys.notify(notify::STREAM, event, key);
}

/// What may follow the id.
struct Options {
    make_stream: bool,
    entries_read: Option<u64>,
}

impl Options {
    /// No group has read more entries than there were.
    fn entries_read(&self, log: &Log) -> Option<u64> {
        self.entries_read.map(|read| read.min(log.entries_added()))
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
