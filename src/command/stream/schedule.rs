//! XADD of entries whose time comes later, and XSCHEDULED. How they take their place is in `attend.rs`.
//!
//! An id that was promised to a scheduled entry is given to no other. Only an id that is given out of turn can overtake one, which then gets
//! the next of its stream.

use super::logged::with_ids;
use super::retention;
use super::trim::{AddOptions, IdChoice, Later, drop_from};
use super::{entries, ids, make};
use crate::command::error::{self, Error, SYNTAX};
use crate::command::times::Times;
use crate::command::{Args, Ctx, DONE, Flow, Keys, LongReply, Outcome};
use crate::data::Stream;
use crate::data::stream::{Field, Id, Schedule};
use crate::keyspace::notify;
use crate::resp::Reply;

/// When a scheduled entry is due, or which id it was promised.
#[derive(Clone, Copy, Debug)]
pub enum Due {
    /// In this millisecond.
    At(u64),
    /// By this id.
    Promised(Id),
}

impl Later {
    /// When that is, Unix milliseconds; None if it is no later than now.
    pub fn due(self, times: Times) -> Result<Option<Due>, Error> {
        let now_ms = times.latest_ms();
        let at_ms = match self {
            Later::In(ms) => now_ms.checked_add(ms).ok_or(error::INVALID_STREAM_ID)?,
            Later::At(ms) => ms,
            Later::Promised(id) if times.replaying => return Ok(Some(Due::Promised(id))),
            Later::Promised(_) => return Err(error::INVALID_STREAM_ID),
        };
        Ok((at_ms > now_ms).then_some(Due::At(at_ms)))
    }
}

/// Schedules an entry of so many `bytes`; replies with the id that it will have, and gives it, unless there was to be no stream for it.
#[cold]
pub fn add(
    ctx: &mut Ctx<'_, '_>,
    key: &[u8],
    (due, options): (Due, &AddOptions<'_>),
    fields: &[Field<'_>],
    bytes: usize,
) -> Result<Option<Id>, Error> {
    let times = ctx.keys.times();
    let is_new = ctx.keys.find_as::<Stream>(key)?.is_none();
    if is_new && options.no_make {
        ctx.reply.null();
        return Ok(None);
    }
    if is_new {
        make::stream_for(&mut ctx.keys, key, bytes, true)?;
    }
    let stream = ctx.keys.find_as::<Stream>(key)?.expect("found or made");
    let id = promise(stream, due)?;
    if !times.replaying {
        retention::admit(stream, bytes, true)?;
    }
    stream.schedule.add(id, fields);
    let dropped = options.trim.and_then(|trim| drop_from(stream, &trim));
    ctx.reply.bulk(&id.text());
    if is_new {
        log_creation(&mut ctx.keys, key);
        make::log_stream(&mut ctx.keys, key);
    }
    log(&mut ctx.keys, key, id, fields);
    if let Some(dropped) = dropped {
        dropped.log(&mut ctx.keys, key);
        ctx.keys.notify(notify::STREAM, "xtrim", key);
        super::settle_time(&mut ctx.keys, key, dropped.count as usize);
    }
    ctx.keys.changed(key);
    ctx.keys.arm(key, times.steady_at(id.ms));
    Ok(Some(id))
}

/// The id that an entry will have.
fn promise(stream: &Stream, due: Due) -> Result<Id, Error> {
    if stream.log.last_id() == Id::MAX {
        return Err(error::STREAM_EXHAUSTED);
    }
    match due {
        Due::At(ms) => stream.id_at(ms).ok_or(error::ID_TOO_SMALL),
        Due::Promised(id) => Ok(id),
    }
}

/// Logs that an empty stream came to be in words that every Redis knows: later commands may count on it.
fn log_creation(keys: &mut Keys<'_, '_>, key: &[u8]) {
    const GROUP: &[u8] = b"scheduled";
    if let Some(effect) = keys.logs(6) {
        let effect = effect.arg(b"XGROUP").arg(b"CREATE").arg(key);
        effect.arg(GROUP).arg(b"$").arg(b"MKSTREAM").end();
    }
    if let Some(effect) = keys.logs(4) {
        let effect = effect.arg(b"XGROUP").arg(b"DESTROY").arg(key);
        effect.arg(GROUP).end();
    }
}

fn log(keys: &mut Keys<'_, '_>, key: &[u8], id: Id, fields: &[Field<'_>]) {
    let Some(effect) = keys.logs_hidden(None, 3 + 2 * fields.len()) else {
        return;
    };
    let promised = [b"@", &id.text()[..]].concat();
    let effect = effect.arg(b"XADD").arg(key).arg(&promised);
    let words = fields.iter().flat_map(|(name, value)| [*name, *value]);
    effect.args(words).end();
}

/// The id of an entry that is added beside scheduled ones: `id`, if that was promised to none of them. In a log, such an entry is the one that
/// was scheduled.
#[cold]
pub fn pass_by(stream: &mut Stream, choice: IdChoice, id: Id, times: Times) -> Result<Id, Error> {
    if times.replaying {
        stream.schedule.remove(id);
        return Ok(id);
    }
    match choice {
        _ if !stream.schedule.has(id) => Ok(id),
        IdChoice::Given(_) => Err(error::ID_TOO_SMALL),
        _ => stream.schedule.free_id(id.ms).ok_or(error::ID_TOO_SMALL),
    }
}

/// Lets follow what follows from entries that are scheduled no longer. What else the request did is logged as it was sent.
pub fn cancelled(keys: &mut Keys<'_, '_>, key: &[u8], ids: &[Id]) {
    if ids.is_empty() {
        return;
    }
    if let Some(effect) = keys.logs_hidden_aside(2 + ids.len()) {
        let effect = effect.arg(b"XDEL").arg(key);
        with_ids(effect, ids.iter().copied()).end();
    }
    keys.changed_aside(key, ids.len() as u64);
    keys.notify(notify::STREAM, "xdel", key);
}

/// `XSCHEDULED key [start end [COUNT n]]`: the scheduled entries between two ids, in the order in which they are due.
pub fn xscheduled(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let (mut start, mut end, mut count) = (Id::MIN, Id::MAX, None);
    if !args.is_empty() {
        let (first, last) = (args.bytes()?, args.bytes().map_err(|_| SYNTAX)?);
        (start, end) = (ids::parse_start(first)?, ids::parse_end(last)?);
        count = super::range::parse_count(&mut args)?;
    }
    let Some(stream) = ctx.keys.read_as_mut::<Stream>(key)? else {
        ctx.reply.array(0);
        return DONE;
    };
    if count == Some(0) {
        ctx.reply.null_array();
        return DONE;
    }
    let schedule = &mut stream.schedule;
    let limit = count.map_or(usize::MAX, |count| count as usize);
    let left = schedule.count(start, end).min(limit);
    ctx.reply.array(left);
    let mut writer = ScheduleWriter {
        schedule: schedule.freeze(),
        next: start,
        left,
    };
    if !writer.write_some(ctx.reply) {
        return Ok(Flow::Long(Box::new(writer)));
    }
    DONE
}

/// Writes scheduled entries, `left` of them from `next` on.
struct ScheduleWriter {
    schedule: Schedule,
    next: Id,
    left: usize,
}

impl LongReply for ScheduleWriter {
    fn write_some(&mut self, reply: &mut Reply) -> bool {
        let enough = reply.len() + entries::SLICE_BYTES;
        for entry in self.schedule.iter_from(self.next).take(self.left) {
            entries::write_fields(reply, entry.id, entry.fields());
            self.left -= 1;
            self.next = entry.id.next().unwrap_or(entry.id);
            if reply.len() >= enough {
                break;
            }
        }
        self.left == 0
    }
}
