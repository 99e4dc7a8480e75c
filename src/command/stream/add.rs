//! XADD.

use smallvec::SmallVec;

use super::make;
use super::retention::{self, AfterAdd};
use super::schedule;
use super::trim::{AddOptions, Dropped, IdChoice, drop_from};
use crate::command::error::{self, Error};
use crate::command::times::Times;
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Stream;
use crate::data::stream::{Field, Id, Trim};
use crate::keyspace::notify;

/// Where the fields begin in a request without options.
const FIELDS_AT: usize = 3;
/// An entry's names and values together take no more than this.
const MAX_ENTRY_BYTES: usize = 1 << 30;

/// `XADD key [NOMKSTREAM] [IDMPAUTO pid | IDMP pid iid] [trimming] <* | id | +ms | @unix-ms> field value...`: appends an entry, now or then.
pub fn xadd(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let limits = ctx.keys.limits;
    let parsed;
    let options = match args.exactly(b"*") {
        true => &AddOptions::PLAIN,
        false => {
            parsed = AddOptions::parse(&mut args, limits, ctx.keys.replaying)?;
            &parsed
        }
    };
    if args.len() < 2 || args.len() % 2 == 1 {
        return Err(error::wrong_arity("xadd"));
    }
    if options.id == IdChoice::Given(Id::MIN) {
        return Err(error::ID_NOT_ABOVE_ZERO);
    }
    let mut fields = Fields::new();
    let bytes = gather(&args, &mut fields);
    if bytes > MAX_ENTRY_BYTES {
        return Err(error::ENTRY_TOO_LARGE);
    }
    let message = options.origin.map(|origin| origin.message(&fields));
    if let Some(message) = &message
        && message.came_before(ctx, key, options.id)?
    {
        return DONE;
    }
    if let IdChoice::Later(later) = options.id
        && let Some(due) = later.due(ctx.keys.times())?
    {
        let scheduled = schedule::add(ctx, key, (due, options), &fields, bytes)?;
        if let (Some(message), Some(id)) = (&message, scheduled) {
            message.became(ctx, key, id)?;
        }
        return DONE;
    }
    let (now_ms, times) = (ctx.keys.wall(), ctx.keys.times());
    let mut is_new = false;
    let stream = match ctx.keys.find_as::<Stream>(key)? {
        Some(stream) => stream,
        None if options.no_make => {
            ctx.reply.null();
            return DONE;
        }
        None => {
            is_new = true;
            make::stream_for(&mut ctx.keys, key, bytes, false)?
        }
    };
    let id = options.id.resolve(stream, now_ms, times)?;
    let is_governed = stream.policy.retains();
    if is_governed && !times.replaying {
        retention::admit(stream, bytes, false)?;
    }
    stream.log.append(id, &fields, limits);
    let makes_room = is_governed || options.trim.is_some();
    let room = makes_room.then(|| make_room(stream, options.trim, times));
    let bulk = ctx.local.ids.bulk(id);
    ctx.reply.raw(bulk);
    if ctx.keys.is_logged() {
        // Mostly there is nothing but the id to say otherwise than it was sent.
        let dropped = room.as_ref().and_then(|room| room.dropped().next());
        let is_plain = dropped.is_none() && args.position() == FIELDS_AT;
        if !is_plain || !(ctx.keys).logs_request_but(args.request(), FIELDS_AT - 1, bulk) {
            log(&mut ctx.keys, &args, ctx.local.ids.text(), room.as_ref());
        }
    }
    ctx.keys.notify(notify::STREAM, "xadd", key);
    if let Some(room) = &room {
        room.made(&mut ctx.keys, key);
    }
    if is_new {
        make::log_stream(&mut ctx.keys, key);
    }
    if let Some(message) = &message {
        message.became(ctx, key, id)?;
    }
    ctx.keys.fed(key);
    DONE
}

/// What went to make room for an entry: by the trim that came with it, and by the policy of its stream.
struct Room {
    trimmed: Option<Dropped>,
    by_policy: AfterAdd,
}

impl Room {
    fn dropped(&self) -> impl Iterator<Item = &Dropped> {
        self.trimmed.iter().chain(&self.by_policy.dropped)
    }

    /// Lets follow what follows from it.
    #[cold]
    fn made(&self, keys: &mut Keys<'_, '_>, key: &[u8]) {
        if self.dropped().next().is_some() {
            keys.notify(notify::STREAM, "xtrim", key);
        }
        if let Some(at_ms) = self.by_policy.alarm_ms {
            keys.arm(key, at_ms);
        }
    }
}

#[inline(never)]
fn make_room(stream: &mut Stream, trim: Option<Trim>, times: Times) -> Room {
    let trimmed = trim.and_then(|trim| drop_from(stream, &trim));
    let by_policy = match stream.policy.retains() {
        true => retention::after_add(stream, times),
        false => AfterAdd::default(),
    };
    Room { trimmed, by_policy }
}

/// Logs the entry, whose fields are the arguments left, with the id it got, and what was dropped for it: as the entry's own trim, and the
/// rest apart.
#[inline(never)]
fn log(keys: &mut Keys<'_, '_>, args: &Args<'_>, id: &[u8], room: Option<&Room>) {
    let mut dropped = room.into_iter().flat_map(Room::dropped);
    let own = dropped.next();
    let own_words = own.map_or(0, Dropped::words);
    let Some(effect) = keys.logs(3 + own_words + args.len()) else {
        return;
    };
    let request = args.request();
    let mut effect = effect.request(request, 0..2);
    if let Some(own) = own {
        effect = own.write(effect);
    }
    effect
        .arg(id)
        .request(request, args.position()..request.len())
        .end();
    let key = request.arg(1);
    if let Some(own) = own {
        own.log_rest(keys, key);
    }
    for dropped in dropped {
        dropped.log(keys, key);
    }
}

impl IdChoice {
    /// The id that the next entry gets.
    #[inline(always)]
    pub fn resolve(self, stream: &mut Stream, now_ms: u64, times: Times) -> Result<Id, Error> {
        let last = stream.log.last_id();
        if last == Id::MAX {
            return Err(error::STREAM_EXHAUSTED);
        }
        let id = match self {
            IdChoice::Auto | IdChoice::Later(_) if now_ms > last.ms => Id::new(now_ms, 0),
            IdChoice::Auto | IdChoice::Later(_) => last.next().expect("less than the greatest id"),
            IdChoice::Given(id) => id,
            IdChoice::AutoSeq(ms) if ms == last.ms => {
                Id::new(ms, last.seq.checked_add(1).ok_or(error::ID_TOO_SMALL)?)
            }
            IdChoice::AutoSeq(ms) => Id::new(ms, 0),
        };
        match id > last {
            true if stream.schedule.is_empty() => Ok(id),
            true => schedule::pass_by(stream, self, id, times),
            false => Err(error::ID_TOO_SMALL),
        }
    }
}

/// Fields in pairs; so many are gathered without allocating.
type Fields<'a> = SmallVec<[Field<'a>; 8]>;

/// Gathers the arguments left, whose number is even, and returns how many bytes they have.
#[inline]
fn gather<'a>(args: &Args<'a>, fields: &mut Fields<'a>) -> usize {
    let mut rest = args.rest();
    let mut bytes = 0;
    while let (Some(name), Some(value)) = (rest.next(), rest.next()) {
        bytes += name.len() + value.len();
        fields.push((name, value));
    }
    bytes
}
