//! ZADD, ZINCRBY: members come in, or get another score.

use super::{limits, write_score};
use crate::base::float;
use crate::command::error::{
    Error, GT_LT_AND_NX, INCR_OF_SEVERAL, NOT_A_FLOAT, SCORE_NOT_A_NUMBER, SYNTAX, XX_AND_NX,
};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::ZSet;
use crate::data::zset::{Change, Limits};
use crate::keyspace::notify;
use smallvec::SmallVec;

/// What may be done to a member.
#[derive(Clone, Copy, Default)]
struct Conditions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
    /// The score is added to the one that is there.
    incr: bool,
}

impl Conditions {
    /// The options in front of the scores, and whether members that change are counted.
    fn parse(args: &mut Args<'_>) -> (Self, bool) {
        let (mut conditions, mut counts_changes) = (Conditions::default(), false);
        // A score mostly begins with a digit.
        let may_be_keyword = |arg: &[u8]| arg.first().is_some_and(u8::is_ascii_alphabetic);
        while args.peek().is_some_and(may_be_keyword) {
            match () {
                () if args.keyword("NX") => conditions.nx = true,
                () if args.keyword("XX") => conditions.xx = true,
                () if args.keyword("GT") => conditions.gt = true,
                () if args.keyword("LT") => conditions.lt = true,
                () if args.keyword("CH") => counts_changes = true,
                () if args.keyword("INCR") => conditions.incr = true,
                () => break,
            }
        }
        (conditions, counts_changes)
    }

    /// The score that a member gets, if any. NaN says that there is no such score.
    fn choose(self, old: Option<f64>, score: f64) -> Option<f64> {
        let Some(old) = old else {
            return (!self.xx).then_some(score);
        };
        let score = if self.incr { old + score } else { score };
        let refused = self.nx || (self.gt && score <= old) || (self.lt && score >= old);
        (!refused).then_some(score)
    }
}

/// `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`
pub fn zadd(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let (conditions, counts_changes) = Conditions::parse(&mut args);
    let pairs = parse_pairs(&mut args, conditions)?;
    let outcome = put(ctx, key, &pairs, conditions)?;
    match conditions.incr {
        true => write_increment(ctx, outcome.last),
        false if counts_changes => ctx.reply.int((outcome.added + outcome.moved) as i64),
        false => ctx.reply.int(outcome.added as i64),
    }
    DONE
}

/// `ZINCRBY key increment member`
pub fn zincrby(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    // No option leaves it the arguments that it needs.
    let (mut conditions, _) = Conditions::parse(&mut args);
    conditions.incr = true;
    let pairs = parse_pairs(&mut args, conditions)?;
    let outcome = put(ctx, key, &pairs, conditions)?;
    write_increment(ctx, outcome.last);
    DONE
}

fn write_increment(ctx: &mut Ctx<'_, '_>, score: Option<f64>) {
    match score {
        Some(score) => write_score(ctx.reply, score),
        None => ctx.reply.null(),
    }
}

type Pairs<'a> = SmallVec<[(f64, &'a [u8]); 4]>;

fn parse_pairs<'a>(args: &mut Args<'a>, conditions: Conditions) -> Result<Pairs<'a>, Error> {
    let Conditions {
        nx,
        xx,
        gt,
        lt,
        incr,
    } = conditions;
    if args.is_empty() || !args.len().is_multiple_of(2) {
        return Err(SYNTAX);
    }
    if nx && xx {
        return Err(XX_AND_NX);
    }
    if (nx && (gt || lt)) || (gt && lt) {
        return Err(GT_LT_AND_NX);
    }
    if incr && args.len() > 2 {
        return Err(INCR_OF_SEVERAL);
    }
    let mut pairs = Pairs::with_capacity(args.len() / 2);
    while !args.is_empty() {
        let score = float::parse_f64(args.bytes()?).ok_or(NOT_A_FLOAT)?;
        pairs.push((score, args.bytes()?));
    }
    Ok(pairs)
}

/// What came of members and scores.
#[derive(Default)]
struct Tally {
    added: usize,
    moved: usize,
    /// The score of the last one, unless its conditions kept it from being set.
    last: Option<f64>,
}

fn put(
    ctx: &mut Ctx<'_, '_>,
    key: &[u8],
    pairs: &Pairs<'_>,
    conditions: Conditions,
) -> Result<Tally, Error> {
    let limits = limits(&ctx.local.config);
    let mut tally = Tally::default();
    match ctx.keys.find_as::<ZSet>(key)? {
        Some(zset) => {
            zset.expect(limits, pairs.len());
            put_all(zset, limits, pairs, conditions, &mut tally)?;
        }
        None if conditions.xx => return Ok(tally),
        None => {
            // The first member alone says whether the set begins packed, which shows in zeros: there is but one in a packed set.
            let first = pairs.first().map_or(0, |(_, member)| member.len());
            let mut zset = ZSet::for_members(limits, pairs.len(), first);
            put_all(&mut zset, limits, pairs, conditions, &mut tally)?;
            ctx.keys.insert_new(key, zset.into());
        }
    }
    let changes = tally.added + tally.moved;
    if changes > 0 {
        let event = if conditions.incr { "zincr" } else { "zadd" };
        ctx.keys.notify(notify::ZSET, event, key);
        ctx.keys.changed(key);
        ctx.keys.changes.dirty += changes as u64 - 1;
    }
    Ok(tally)
}

fn put_all(
    zset: &mut ZSet,
    limits: Limits,
    pairs: &Pairs<'_>,
    conditions: Conditions,
    tally: &mut Tally,
) -> Result<(), Error> {
    for (score, member) in pairs {
        let mut chosen = None;
        let change = zset.update(limits, member, |old| {
            chosen = conditions.choose(old, *score);
            chosen.filter(|score| !score.is_nan())
        });
        if chosen.is_some_and(f64::is_nan) {
            return Err(SCORE_NOT_A_NUMBER);
        }
        match change {
            Change::Added => tally.added += 1,
            Change::Moved => tally.moved += 1,
            Change::Same | Change::Refused => {}
        }
        tally.last = chosen;
    }
    Ok(())
}
