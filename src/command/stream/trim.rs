//! XTRIM, and the options that it shares with XADD.

use super::ids;
use crate::command::error::{self, Error, SYNTAX};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::{Id, NodeLimits, References, Trim, TrimTo};
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
        .finish(ctx.local.config.stream_node_max_entries)?
        .ok_or(error::TRIM_WITHOUT_STRATEGY)?;
    let trimmed = match ctx.keys.find_as::<Stream>(key)? {
        Some(stream) => stream.trim(&trim),
        None => 0,
    };
    if trimmed > 0 {
        super::entries_changed(&mut ctx.keys, key, trimmed);
        ctx.keys.notify(notify::STREAM, "xtrim", key);
    }
    ctx.reply.uint(trimmed);
    DONE
}

/// The id that XADD is to give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdChoice {
    /// `*`: by the clock.
    Auto,
    /// `ms-*`: the next of this millisecond.
    AutoSeq(u64),
    /// This one.
    Given(Id),
}

/// What stands between XADD's key and its fields.
pub struct AddOptions {
    /// Do not make a stream that is not there.
    pub no_make: bool,
    /// How to trim afterwards.
    pub trim: Option<Trim>,
    /// Which id to give.
    pub id: IdChoice,
}

impl AddOptions {
    /// Takes the options and the id.
    #[inline]
    pub fn parse(args: &mut Args<'_>, limits: NodeLimits) -> Result<AddOptions, Error> {
        let mut options = Options::default();
        let mut no_make = false;
        let id = loop {
            let arg = args.peek();
            if arg == Some(b"*") {
                args.skip(1);
                break IdChoice::Auto;
            }
            if arg.is_none_or(|arg| arg.first().is_some_and(u8::is_ascii_digit)) {
                break parse_id(args)?;
            }
            if args.keyword("NOMKSTREAM") {
                no_make = true;
            } else if !options.take(args)? {
                break parse_id(args)?;
            }
        };
        let trim = options.finish(limits.max_entries)?;
        Ok(AddOptions { no_make, trim, id })
    }
}

fn parse_id(args: &mut Args<'_>) -> Result<IdChoice, Error> {
    // Options to the end leave no room for id and fields.
    let text = args.bytes().map_err(|_| error::wrong_arity("xadd"))?;
    match Id::parse_open(text) {
        Some(ms) => Ok(IdChoice::AutoSeq(ms)),
        None => Ok(IdChoice::Given(ids::parse(text, 0)?)),
    }
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
    fn finish(self, node_max_entries: u64) -> Result<Option<Trim>, Error> {
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
