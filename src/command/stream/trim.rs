//! XTRIM, and the options that it shares with XADD.

use super::idmp::Origin;
use super::{ids, logged};
use crate::base::num;
use crate::command::error::{self, Error, SYNTAX};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Stream;
use crate::data::stream::{Acks, Id, NodeLimits, References, Trim, TrimTo, Trimmed};
use crate::keyspace::effects::Effect;
use crate::keyspace::notify;

/// `XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT n] [KEEPREF | DELREF | ACKED]`: drops the oldest entries.
pub fn xtrim(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let mut options = Options::default();
    while !args.is_empty() {
        if !options.take(&mut args)? {
            return Err(SYNTAX);
        }
    }
    let trim = options
        .finish(ctx.local.config.stream_node_max_entries, ctx.keys.replaying)?
        .ok_or(error::TRIM_WITHOUT_STRATEGY)?;
    let dropped = match ctx.keys.find_as::<Stream>(key)? {
        Some(stream) => drop_from(stream, &trim),
        None => None,
    };
    if let Some(dropped) = &dropped {
        ctx.keys.tells_aside();
        dropped.log(&mut ctx.keys, key);
        super::entries_changed(&mut ctx.keys, key, dropped.count);
        super::settle_time(&mut ctx.keys, key, dropped.count as usize);
        ctx.keys.notify(notify::STREAM, "xtrim", key);
    }
    ctx.reply.uint(dropped.map_or(0, |dropped| dropped.count));
    DONE
}

/// Trims a stream; says what went, if anything did.
pub fn drop_from(stream: &mut Stream, trim: &Trim) -> Option<Dropped> {
    let trimmed = stream.trim(trim);
    Dropped::of(stream, trimmed)
}

/// The id that XADD is to give.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IdChoice {
    /// `*`: by the clock.
    #[default]
    Auto,
    /// `ms-*`: the next of this millisecond.
    AutoSeq(u64),
    /// This one.
    Given(Id),
    /// One of a time to come.
    Later(Later),
}

/// When a scheduled entry takes its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Later {
    /// `+ms`: so many milliseconds from now.
    In(u64),
    /// `@unix-ms`: then.
    At(u64),
    /// `@ms-seq`, which only the log says: then, with the id that it was promised.
    Promised(Id),
}

/// What stands between XADD's key and its fields.
pub struct AddOptions<'a> {
    /// Do not make a stream that is not there.
    pub no_make: bool,
    /// Whose message it is, so that it is added once.
    pub origin: Option<Origin<'a>>,
    /// How to trim afterwards.
    pub trim: Option<Trim>,
    /// Which id to give.
    pub id: IdChoice,
}

impl<'a> AddOptions<'a> {
    /// A mere `*`.
    pub const PLAIN: AddOptions<'static> = AddOptions {
        no_make: false,
        origin: None,
        trim: None,
        id: IdChoice::Auto,
    };

    /// Takes the options and the id. `replaying`: a message in the log has the id that it got, and a trim there says exactly what it trimmed.
    #[inline(never)]
    pub fn parse(args: &mut Args<'a>, limits: NodeLimits, replaying: bool) -> Result<Self, Error> {
        let mut options = Options::default();
        let (mut no_make, mut origin) = (false, None);
        let id = loop {
            let arg = args.peek();
            if arg == Some(b"*") {
                args.skip(1);
                break IdChoice::Auto;
            }
            if arg.is_none_or(|arg| arg.first().is_some_and(u8::is_ascii_digit)) {
                break parse_id(args, replaying)?;
            }
            if args.keyword("NOMKSTREAM") {
                no_make = true;
            } else if !options.take(args)? && !Origin::take(&mut origin, args)? {
                break parse_id(args, replaying)?;
            }
        };
        let is_generated = matches!(id, IdChoice::Auto | IdChoice::Later(_));
        if origin.is_some() && !is_generated && !replaying {
            return Err(error::ORIGIN_WITH_GIVEN_ID);
        }
        let trim = options.finish(limits.max_entries, replaying)?;
        Ok(AddOptions {
            no_make,
            origin,
            trim,
            id,
        })
    }
}

fn parse_id(args: &mut Args<'_>, replaying: bool) -> Result<IdChoice, Error> {
    // Options to the end leave no room for id and fields.
    let text = args.bytes().map_err(|_| error::wrong_arity("xadd"))?;
    let ms = |text: &[u8]| num::parse_u64(text).ok_or(error::INVALID_STREAM_ID);
    let later = match text {
        // To a Redis, whose log it may be, `+150` is `150-0`. Ours says what is scheduled as promised.
        [b'+', rest @ ..] if !replaying => Later::In(ms(rest)?),
        [b'@', rest @ ..] if rest.contains(&b'-') => Later::Promised(ids::parse(rest, 0)?),
        [b'@', rest @ ..] => Later::At(ms(rest)?),
        _ => {
            return match Id::parse_open(text) {
                Some(ms) => Ok(IdChoice::AutoSeq(ms)),
                None => Ok(IdChoice::Given(ids::parse(text, 0)?)),
            };
        }
    };
    Ok(IdChoice::Later(later))
}

/// The trimming options so far.
#[derive(Default)]
struct Options {
    to: Option<TrimTo>,
    approximate: bool,
    limit: Option<u64>,
    references: Option<References>,
}

impl Options {
    /// Takes the next option, if it is one.
    fn take(&mut self, args: &mut Args<'_>) -> Result<bool, Error> {
        if self.references.is_none()
            && let Some(references) = take_references(args)
        {
            self.references = Some(references);
            return Ok(true);
        }
        if args.len() < 2 {
            return Ok(false);
        }
        if args.keyword("MAXLEN") {
            self.take_operator(args)?;
            let max_len = args.int()?;
            let max_len = u64::try_from(max_len).map_err(|_| error::NEGATIVE_MAXLEN)?;
            self.to = Some(TrimTo::MaxLen(max_len));
        } else if args.keyword("MINID") {
            self.take_operator(args)?;
            self.to = Some(TrimTo::MinId(ids::parse(args.bytes()?, 0)?));
        } else if args.keyword("LIMIT") {
            let limit = args.int()?;
            self.limit = Some(u64::try_from(limit).map_err(|_| error::NEGATIVE_LIMIT)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `=` or `~`, where a threshold follows.
    fn take_operator(&mut self, args: &mut Args<'_>) -> Result<(), Error> {
        if self.to.is_some() {
            return Err(error::TWO_TRIM_STRATEGIES);
        }
        self.approximate = args.len() >= 2 && args.peek() == Some(b"~");
        if self.approximate || (args.len() >= 2 && args.peek() == Some(b"=")) {
            args.skip(1);
        }
        Ok(())
    }

    /// What the options come to. An approximate trim that names no limit does the work of about a hundred nodes.
    fn finish(self, node_max_entries: u64, replaying: bool) -> Result<Option<Trim>, Error> {
        const NODES_A_TRIM: u64 = 100;
        const LIMIT_WITHOUT_NODE_LIMIT: u64 = 10_000;
        const MAX_DEFAULT_LIMIT: u64 = 1_000_000;
        let Some(to) = self.to else {
            return match self.limit {
                Some(1..) => Err(error::LIMIT_WITHOUT_STRATEGY),
                Some(0) => Err(error::LIMIT_WITHOUT_APPROXIMATION),
                None => Ok(None),
            };
        };
        let limit = match self.limit {
            // A Redis logs `=` and what was left in place of `~` and what was asked for, but the limit as it was sent.
            _ if replaying => 0,
            Some(_) if !self.approximate => return Err(error::LIMIT_WITHOUT_APPROXIMATION),
            Some(limit) => limit,
            None if !self.approximate => 0,
            None if node_max_entries == 0 => LIMIT_WITHOUT_NODE_LIMIT,
            None => node_max_entries
                .saturating_mul(NODES_A_TRIM)
                .min(MAX_DEFAULT_LIMIT),
        };
        let references = self.references.unwrap_or_default();
        Ok(Some(Trim {
            to,
            approximate: self.approximate,
            limit,
            references,
        }))
    }
}

/// What a trim dropped, as the log says it: in words of Redis 7.0, and so that a replay has nothing to find out.
///
/// The oldest entries are a trim to how many were left. What went from behind others, which groups needed, is deleted by its ids, and what was
/// pending of what went is acknowledged.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// How many entries, at least one.
    pub count: u64,
    /// How many were left of the oldest, if some of them went.
    left: Option<u64>,
    behind: Vec<Id>,
    acks: Acks,
    last_id: Id,
    max_deleted_id: Id,
}

impl Dropped {
    /// What was trimmed from `stream`, if anything was.
    pub fn of(stream: &Stream, trimmed: Trimmed) -> Option<Dropped> {
        let Trimmed {
            count,
            behind,
            acks,
        } = trimmed;
        let others = behind.len() as u64;
        (count > 0).then(|| Dropped {
            count,
            left: (count > others).then(|| stream.log.len() + others),
            behind,
            acks,
            last_id: stream.log.last_id(),
            max_deleted_id: stream.log.max_deleted_id(),
        })
    }

    /// How many words `write` writes.
    pub fn words(&self) -> usize {
        if self.left.is_some() { 3 } else { 0 }
    }

    /// Writes the words of a trim that drops the oldest. `log_rest` is to follow.
    pub fn write<'e>(&self, effect: Effect<'e>) -> Effect<'e> {
        match self.left {
            Some(left) => effect.arg(b"MAXLEN").arg(b"=").uint(left),
            None => effect,
        }
    }

    /// Logs all of it, beside the request.
    pub fn log(&self, keys: &mut Keys<'_, '_>, key: &[u8]) {
        if self.left.is_some()
            && let Some(effect) = keys.logs_aside(2 + self.words())
        {
            self.write(effect.arg(b"XTRIM").arg(key)).end();
        }
        self.log_rest(keys, key);
    }

    /// Logs what the words of a trim do not say.
    pub fn log_rest(&self, keys: &mut Keys<'_, '_>, key: &[u8]) {
        logged::acked(keys, key, &self.acks);
        logged::deleted(keys, key, &self.behind);
        let is_greater = |id: &Id| *id > self.max_deleted_id;
        if self.behind.last().is_some_and(is_greater) {
            self.log_max_deleted_id(keys, key);
        }
    }

    /// Trimming does not count as deleting.
    fn log_max_deleted_id(&self, keys: &mut Keys<'_, '_>, key: &[u8]) {
        let Some(effect) = keys.logs_hidden_aside(5) else {
            return;
        };
        let effect = effect.arg(b"XSETID").arg(key).arg(&self.last_id.text());
        let effect = effect.arg(b"MAXDELETEDID");
        match self.max_deleted_id {
            Id::MIN => effect.arg(NONE_DELETED).end(),
            id => effect.arg(&id.text()).end(),
        }
    }
}

/// Says of a stream, in the log alone, that no entry of it was ever deleted: `0-0` says nothing to XSETID.
pub const NONE_DELETED: &[u8] = b"-";

/// `KEEPREF`, `DELREF` or `ACKED`.
pub fn take_references(args: &mut Args<'_>) -> Option<References> {
    const WORDS: [(&str, References); 3] = [
        ("KEEPREF", References::Keep),
        ("DELREF", References::Delete),
        ("ACKED", References::Acked),
    ];
    WORDS
        .into_iter()
        .find_map(|(word, references)| args.keyword(word).then_some(references))
}
