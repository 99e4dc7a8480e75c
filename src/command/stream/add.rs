//! XADD.

use smallvec::SmallVec;

use super::trim::{AddOptions, IdChoice};
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::config::Config;
use crate::data::stream::{Field, Id, Log, NodeLimits};
use crate::data::{Kind, Stream, Value};
use crate::keyspace::notify;

/// An entry's names and values together take no more than this.
const MAX_ENTRY_BYTES: usize = 1 << 30;

/// `XADD key [NOMKSTREAM] [trimming] <* | id> field value...`: appends an entry.
pub fn xadd(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let limits = node_limits(&ctx.local.config);
    let options = AddOptions::parse(&mut args, limits)?;
    if args.len() < 2 || args.len() % 2 == 1 {
        return Err(error::wrong_arity("xadd"));
    }
    if options.id == IdChoice::Given(Id::MIN) {
        return Err(error::ID_NOT_ABOVE_ZERO);
    }
    let mut fields = Fields::new();
    if gather(&args, &mut fields) > MAX_ENTRY_BYTES {
        return Err(error::ENTRY_TOO_LARGE);
    }
    let now_ms = super::now_ms(ctx);
    let stream = match ctx.keys.find_as::<Stream>(key)? {
        Some(stream) => stream,
        None if options.no_make => {
            ctx.reply.null();
            return DONE;
        }
        None => {
            let entry = ctx.keys.insert_new(key, Value::from(Stream::new()));
            Stream::of_mut(&mut entry.value).expect("just made as a stream")
        }
    };
    let id = options.id.resolve(&stream.log, now_ms)?;
    stream.log.append(id, &fields, limits);
    let trimmed = options.trim.map_or(0, |trim| stream.trim(&trim));
    ctx.reply.bulk(ctx.local.ids.text(id));
    added(&mut ctx.keys, key, trimmed);
    DONE
}

#[inline]
fn node_limits(config: &Config) -> NodeLimits {
    NodeLimits {
        max_entries: config.stream_node_max_entries,
        max_bytes: config.stream_node_max_bytes,
    }
}

/// Lets follow what follows from an entry that was added, and `trimmed` ones that went for it.
#[inline]
fn added(keys: &mut Keys<'_, '_>, key: &[u8], trimmed: u64) {
    keys.notify(notify::STREAM, "xadd", key);
    if trimmed > 0 {
        keys.notify(notify::STREAM, "xtrim", key);
    }
    keys.changed(key);
    keys.ready(key);
}

impl IdChoice {
    /// The id that the next entry gets.
    fn resolve(self, log: &Log, now_ms: u64) -> Result<Id, Error> {
        let last = log.last_id();
        if last == Id::MAX {
            return Err(error::STREAM_EXHAUSTED);
        }
        let id = match self {
            IdChoice::Auto if now_ms > last.ms => Id::new(now_ms, 0),
            IdChoice::Auto => last.next().expect("less than the greatest id"),
            IdChoice::Given(id) => id,
            IdChoice::AutoSeq(ms) if ms == last.ms => {
                Id::new(ms, last.seq.checked_add(1).ok_or(error::ID_TOO_SMALL)?)
            }
            IdChoice::AutoSeq(ms) => Id::new(ms, 0),
        };
        if id > last {
            Ok(id)
        } else {
            Err(error::ID_TOO_SMALL)
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
