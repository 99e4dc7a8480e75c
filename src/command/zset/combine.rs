//! ZUNION, ZINTER, ZDIFF, ZINTERCARD, ZUNIONSTORE, ZINTERSTORE, ZDIFFSTORE: sorted sets made of others, and of sets, whose members count as
//! having the score 1.
//!
//! Scores are added up set by set, the smallest set first, since that shows in their last digits.

use super::{Scores, limits, store};
use crate::base::float;
use crate::command::error::{
    Error, LIMIT_NEGATIVE, NOT_AN_INTEGER, SYNTAX, WEIGHT_NOT_A_FLOAT, WRONG_TYPE, no_input_keys,
};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::list::Item;
use crate::data::zset::{Element, End};
use crate::data::{Set, Value, ZSet, zset};
use ahash::AHashMap;
use smallvec::SmallVec;

/// `ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub fn zunion(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    read(ctx, args, Operation::Union)
}

/// `ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub fn zinter(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    read(ctx, args, Operation::Intersection)
}

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`
pub fn zdiff(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    read(ctx, args, Operation::Difference)
}

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]`
pub fn zunionstore(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    keep(ctx, args, Operation::Union, "zunionstore")
}

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]`
pub fn zinterstore(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    keep(ctx, args, Operation::Intersection, "zinterstore")
}

/// `ZDIFFSTORE destination numkeys key [key ...]`
pub fn zdiffstore(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    keep(ctx, args, Operation::Difference, "zdiffstore")
}

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
pub fn zintercard(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let inputs = Inputs::parse(ctx, &mut args)?;
    let mut limit = 0;
    while !args.is_empty() {
        if args.len() < 2 || !args.keyword("LIMIT") {
            return Err(SYNTAX);
        }
        let most = args.int().map_err(|_| LIMIT_NEGATIVE)?;
        limit = usize::try_from(most).map_err(|_| LIMIT_NEGATIVE)?;
    }
    let limit = if limit == 0 { usize::MAX } else { limit };
    let sources = inputs.smallest_first(&ctx.keys);
    let common = sources[0].members().filter(|(member, _)| {
        let mut digits = itoa::Buffer::new();
        let member = member.as_bytes(&mut digits);
        sources[1..]
            .iter()
            .all(|other| other.score(member).is_some())
    });
    ctx.reply.int(common.take(limit).count() as i64);
    DONE
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// How the scores of a member in several sets become one.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(self, left: f64, right: f64) -> f64 {
        match self {
            Aggregate::Sum => number(left + right),
            Aggregate::Min => {
                if right < left {
                    right
                } else {
                    left
                }
            }
            Aggregate::Max => {
                if right > left {
                    right
                } else {
                    left
                }
            }
        }
    }
}

/// What is no number counts as zero.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

fn read(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, operation: Operation) -> Outcome {
    let mut inputs = Inputs::parse(ctx, &mut args)?;
    let scores = inputs.parse_options(&mut args, operation, true)?;
    let mut pairs = inputs.combined(&ctx.keys, operation);
    zset::sort(&mut pairs);
    scores.open(ctx.reply, pairs.len());
    for (score, member) in pairs {
        let member = Item::Text(&member);
        scores.write(ctx.reply, Element { member, score });
    }
    DONE
}

fn keep(
    ctx: &mut Ctx<'_, '_>,
    mut args: Args<'_>,
    operation: Operation,
    event: &'static str,
) -> Outcome {
    let destination = args.bytes()?;
    let mut inputs = Inputs::parse(ctx, &mut args)?;
    inputs.parse_options(&mut args, operation, false)?;
    let pairs = inputs.combined(&ctx.keys, operation);
    let combined = ZSet::of_pairs(limits(&ctx.local.config), pairs);
    store(ctx, destination, combined, event);
    DONE
}

/// What a command combines.
struct Inputs<'a> {
    /// Keys and weights.
    keys: SmallVec<[(&'a [u8], f64); 4]>,
    aggregate: Aggregate,
}

type Pairs = Vec<(f64, Box<[u8]>)>;

impl<'a> Inputs<'a> {
    /// Takes the keys, which are counted as read and must be of types that can be combined.
    fn parse(ctx: &mut Ctx<'_, '_>, args: &mut Args<'a>) -> Result<Self, Error> {
        let count = args.int().map_err(|_| NOT_AN_INTEGER)?;
        if count < 1 {
            return Err(no_input_keys(&ctx.command.full_name));
        }
        let count = usize::try_from(count).ok();
        let count = count.filter(|count| *count <= args.len()).ok_or(SYNTAX)?;
        let mut keys = SmallVec::new();
        for _ in 0..count {
            let key = args.bytes()?;
            if let Some(entry) = ctx.keys.read(key) {
                Source::of(&entry.value, 1.0).ok_or(WRONG_TYPE)?;
            }
            keys.push((key, 1.0));
        }
        Ok(Inputs {
            keys,
            aggregate: Aggregate::Sum,
        })
    }

    fn parse_options(
        &mut self,
        args: &mut Args<'a>,
        operation: Operation,
        is_read: bool,
    ) -> Result<Scores, Error> {
        let weighs = operation != Operation::Difference;
        let mut scores = Scores::Without;
        while !args.is_empty() {
            if weighs && args.len() > self.keys.len() && args.keyword("WEIGHTS") {
                for (_, weight) in &mut self.keys {
                    let number = float::parse_f64(args.bytes()?);
                    *weight = number.ok_or(WEIGHT_NOT_A_FLOAT)?;
                }
            } else if weighs && args.len() >= 2 && args.keyword("AGGREGATE") {
                self.aggregate = match () {
                    () if args.keyword("SUM") => Aggregate::Sum,
                    () if args.keyword("MIN") => Aggregate::Min,
                    () if args.keyword("MAX") => Aggregate::Max,
                    () => return Err(SYNTAX),
                };
            } else if is_read && args.keyword("WITHSCORES") {
                scores = Scores::With;
            } else {
                return Err(SYNTAX);
            }
        }
        Ok(scores)
    }

    /// The sets as the keys have them, in that order.
    fn sources<'k>(&self, keys: &'k Keys<'_, '_>) -> Vec<Source<'k>> {
        let source = |(key, weight): &(&[u8], f64)| match keys.found(key) {
            Some(value) => Source::of(value, *weight).expect("its type was looked at"),
            None => Source::nothing(),
        };
        self.keys.iter().map(source).collect()
    }

    fn smallest_first<'k>(&self, keys: &'k Keys<'_, '_>) -> Vec<Source<'k>> {
        let mut sources = self.sources(keys);
        sources.sort_by_key(Source::len);
        sources
    }

    /// Members and scores, in no order.
    fn combined(&self, keys: &Keys<'_, '_>, operation: Operation) -> Pairs {
        match operation {
            Operation::Union => self.union(&self.smallest_first(keys)),
            Operation::Intersection => self.intersection(&self.smallest_first(keys)),
            Operation::Difference => difference(&self.sources(keys)),
        }
    }

    fn union(&self, sources: &[Source<'_>]) -> Pairs {
        let mut all: AHashMap<Box<[u8]>, f64> = AHashMap::new();
        let mut digits = itoa::Buffer::new();
        for (member, score) in sources.iter().flat_map(Source::members) {
            let member = member.as_bytes(&mut digits);
            match all.get_mut(member) {
                Some(sum) => *sum = self.aggregate.of(*sum, score),
                None => drop(all.insert(member.into(), score)),
            }
        }
        let swapped = all.into_iter().map(|(member, score)| (score, member));
        swapped.collect()
    }

    fn intersection(&self, sources: &[Source<'_>]) -> Pairs {
        let (first, others) = sources.split_first().expect("there is a key");
        let mut digits = itoa::Buffer::new();
        let common = first.members().filter_map(|(member, score)| {
            let member = member.as_bytes(&mut digits);
            let score = others.iter().try_fold(score, |sum, other| {
                Some(self.aggregate.of(sum, other.score(member)?))
            })?;
            Some((score, member.into()))
        });
        common.collect()
    }
}

/// What is in the first set and in no other: each of its members is looked for in the others, or theirs are removed from a copy of it, whichever
/// promises to be less work.
fn difference(sources: &[Source<'_>]) -> Pairs {
    let (first, others) = sources.split_first().expect("there is a key");
    let by_looking = first.len() * others.iter().map(Source::steps_to_find).sum::<usize>();
    let by_removing = sources.iter().map(Source::len).sum();
    match by_looking <= by_removing {
        true => without_found(first, others),
        false => without_removed(first, others),
    }
}

fn without_found(first: &Source<'_>, others: &[Source<'_>]) -> Pairs {
    let mut digits = itoa::Buffer::new();
    let rest = first.members().filter_map(|(member, score)| {
        let member = member.as_bytes(&mut digits);
        let is_elsewhere = others.iter().any(|other| other.score(member).is_some());
        (!is_elsewhere).then(|| (score, member.into()))
    });
    rest.collect()
}

fn without_removed(first: &Source<'_>, others: &[Source<'_>]) -> Pairs {
    let mut digits = itoa::Buffer::new();
    let members = first.members();
    let members = members.map(|(member, score)| (member.as_bytes(&mut digits).into(), score));
    let mut rest: AHashMap<Box<[u8]>, f64> = members.collect();
    for (member, _) in others.iter().flat_map(Source::members) {
        if rest.is_empty() {
            break;
        }
        rest.remove(member.as_bytes(&mut digits));
    }
    let swapped = rest.into_iter().map(|(member, score)| (score, member));
    swapped.collect()
}

/// The score of a plain set's members.
const PLAIN_SCORE: f64 = 1.0;

/// A set that is combined with others, and the weight of its scores.
struct Source<'k> {
    members: Members<'k>,
    weight: f64,
}

enum Members<'k> {
    None,
    Scored(&'k ZSet),
    Plain(&'k Set),
}

impl<'k> Source<'k> {
    /// The source that a value is, if it is of a type that can be combined.
    fn of(value: &'k Value, weight: f64) -> Option<Self> {
        let members = match value {
            Value::ZSet(zset) => Members::Scored(zset),
            Value::Set(set) => Members::Plain(set),
            _ => return None,
        };
        Some(Source { members, weight })
    }

    fn nothing() -> Self {
        Source {
            members: Members::None,
            weight: 1.0,
        }
    }

    fn len(&self) -> usize {
        match self.members {
            Members::None => 0,
            Members::Scored(zset) => zset.len(),
            Members::Plain(set) => set.len(),
        }
    }

    /// How many members are looked at to find one: all of those that are packed.
    fn steps_to_find(&self) -> usize {
        let is_packed = match self.members {
            Members::None => false,
            Members::Scored(zset) => zset.row().is_some(),
            Members::Plain(set) => set.is_packed(),
        };
        if is_packed { self.len() } else { 1 }
    }

    /// A member's score, weighed, which may make it no number.
    fn score(&self, member: &[u8]) -> Option<f64> {
        let score = match self.members {
            Members::None => None,
            Members::Scored(zset) => zset.score(member),
            Members::Plain(set) => set.contains(member).then_some(PLAIN_SCORE),
        };
        score.map(|score| score * self.weight)
    }

    /// Members and their scores, weighed.
    fn members(&self) -> impl Iterator<Item = (Item<'k>, f64)> {
        let weight = self.weight;
        let (scored, plain) = match self.members {
            Members::None => (None, None),
            Members::Scored(zset) => (Some(zset.iter(End::Lowest)), None),
            Members::Plain(set) => (None, Some(set.iter())),
        };
        let scored = scored.into_iter().flatten();
        let scored = scored.map(|element| (element.member, element.score));
        let plain = plain.into_iter().flatten();
        let all = scored.chain(plain.map(|member| (member, PLAIN_SCORE)));
        all.map(move |(member, score)| (member, number(score * weight)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::zset::Limits;
    use std::time::{Duration, Instant};

    const LIMITS: Limits = Limits {
        max_members: 128,
        max_member_bytes: 64,
    };

    fn zset(numbers: std::ops::Range<usize>) -> Value {
        let pairs = numbers.map(|number| (number as f64, format!("m{number}")));
        ZSet::of_pairs(LIMITS, pairs.collect()).into()
    }

    fn difference_of(sets: &[Value]) -> Vec<(f64, String)> {
        let sources = sets.iter().map(|set| Source::of(set, 1.0).expect("a set"));
        let mut pairs = difference(&sources.collect::<Vec<_>>());
        zset::sort(&mut pairs);
        let text = |member: Box<[u8]>| String::from_utf8(member.into()).expect("a text");
        let pairs = pairs.into_iter();
        pairs.map(|(score, member)| (score, text(member))).collect()
    }

    #[test]
    fn a_difference_is_the_same_whichever_way_is_less_work() {
        let few = [zset(0..3), zset(2..500)];
        let one = |number: usize| (number as f64, format!("m{number}"));
        assert_eq!(difference_of(&few), [one(0), one(1)]);
        let many = [zset(0..500), zset(2..60), zset(60..500)];
        assert_eq!(difference_of(&many), [one(0), one(1)]);
        assert_eq!(difference_of(&[zset(0..500), zset(0..500)]), []);
    }

    #[test]
    fn members_are_not_looked_for_in_many_packed_sets() {
        let mut sets = vec![zset(0..100_000)];
        sets.extend((1..=40).map(|part| zset(part * 200..part * 200 + 128)));
        let began = Instant::now();
        assert_eq!(difference_of(&sets).len(), 100_000 - 40 * 128);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
}
