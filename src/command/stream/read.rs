//! XREAD.

use smallvec::SmallVec;

use super::entries::{self, Part};
use super::ids;
use super::streams::Streams;
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, Outcome};
use crate::data::Stream;
use crate::data::stream::{Direction, Id};
use crate::keyspace::waiters::Awaits;

/// `XREAD [COUNT n] [MAXCOUNT n] [MAXSIZE bytes] [BLOCK ms] STREAMS key... id...`: the entries after the given ids.
pub fn xread(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let streams = Streams::parse(args, false, ctx.began())?;
    let after: SmallVec<[Id; 4]> = (0..streams.count)
        .map(|at| resolve(ctx, &streams, at))
        .collect::<Result<_, Error>>()?;
    let mut parts: SmallVec<[Part; 1]> = SmallVec::new();
    let mut budget = streams.budget(ctx.reply);
    for (at, after) in after.iter().enumerate() {
        if budget.is_spent() {
            break;
        }
        let key = streams.key(at);
        let Some(stream) = ctx.keys.read_as::<Stream>(key)? else {
            continue;
        };
        if stream.log.newest_id() > *after {
            let start = after.next().expect("less than the newest id");
            let log = &stream.log;
            let limit = match budget.is_bounded() {
                true => {
                    let entries = log.range(start, Id::MAX).take(streams.limit as usize);
                    budget.admit(ctx.reply.is_resp3(), key, entries)
                }
                false => streams.limit,
            };
            let entries = log.freeze_range(start, Id::MAX, Direction::Forward, limit);
            parts.push(Part {
                key: Some(key.into()),
                entries,
            });
        }
    }
    if parts.is_empty() {
        return streams.wait(ctx, Awaits::Stream, |at| {
            (streams.id(at) == b"$").then(|| after[at].text().to_vec())
        });
    }
    entries::write_key_count(ctx.reply, parts.len());
    entries::write_parts(ctx.reply, parts)
}

/// The id after which key number `at` is read: `$` is after its last, `+` just before its newest entry.
fn resolve(ctx: &mut Ctx<'_, '_>, streams: &Streams<'_>, at: usize) -> Result<Id, Error> {
    let stream = ctx.keys.read_as::<Stream>(streams.key(at))?;
    match streams.id(at) {
        b"$" => Ok(stream.map_or(Id::MIN, |stream| stream.log.last_id())),
        b"+" => Ok(
            stream.map_or(Id::MIN, |stream| match stream.log.newest_id().prev() {
                Some(before_newest) => before_newest,
                None => stream.log.last_id(),
            }),
        ),
        b">" => Err(error::NEW_ENTRIES_WITHOUT_GROUP),
        id => ids::parse(id, 0),
    }
}
