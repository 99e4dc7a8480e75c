//! SORT, SORT_RO: the elements of a list, a set or a sorted set in an order, and what keys named after them hold.
//!
//! A pattern with a `*` names a key for each element, or with `->` a field of a hash there. BY orders by what stands there; GET answers with it.
//! Only the elements tell which keys those are, so these commands hold every stripe.
//!
//! | by | compared are |
//! |---|---|
//! | numbers | the numbers, and where they are the same the elements |
//! | texts (ALPHA) | the texts, up to a zero byte; what is not there comes first |
//! | a pattern without a `*` | nothing: they stay as they are, but for DESC |

use crate::base::Blob;
use crate::command::acl;
use crate::command::error::{
    Error, SORT_BY_DENIED, SORT_GET_DENIED, SORT_NOT_A_NUMBER, SYNTAX, WRONG_TYPE,
};
use crate::command::list::limit;
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::list::{End, Item};
use crate::data::{Hash, List, StrValue, Value, zset};
use crate::keyspace::notify;
use bytes::Bytes;
use std::cmp::Ordering;

/// Elements that one logged push adds.
const ELEMENTS_PER_PUSH: usize = 1024;

/// `SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination]`
pub fn sort(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    run(ctx, args, true)
}

/// `SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]`
pub fn sort_ro(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    run(ctx, args, false)
}

fn run(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, may_store: bool) -> Outcome {
    let key = args.bytes()?;
    let mut options = Options::parse(ctx, &mut args, may_store)?;
    let mut elements = elements(ctx, key, &mut options)?;
    if options.order != Order::AsTheyAre {
        elements = sorted(&mut ctx.keys, elements, &options)?;
    }
    let chosen = options.limit.of(elements);
    match options.destination {
        Some(destination) => store(ctx, destination, &chosen, &options),
        None => reply(ctx, &chosen, &options),
    }
    DONE
}

/// What a pattern makes of an element.
#[derive(Clone, Copy)]
enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// What the key holds that has the element in place of the `*`.
    Named {
        before: &'a [u8],
        after: &'a [u8],
        /// The field, where that is a hash.
        field: Option<&'a [u8]>,
    },
    /// Without a `*`: nothing.
    Nothing,
}

impl<'a> Pattern<'a> {
    fn parse(text: &'a [u8]) -> Self {
        if text == b"#" {
            return Pattern::Element;
        }
        let Some(star) = text.iter().position(|byte| *byte == b'*') else {
            return Pattern::Nothing;
        };
        let (before, after) = (&text[..star], &text[star + 1..]);
        let arrow = after.windows(2).position(|pair| pair == b"->");
        let arrow = arrow.filter(|arrow| arrow + 2 < after.len());
        Pattern::Named {
            before,
            after: &after[..arrow.unwrap_or(after.len())],
            field: arrow.map(|arrow| &after[arrow + 2..]),
        }
    }

    fn find(&self, keys: &mut Keys<'_, '_>, element: &Bytes) -> Option<Bytes> {
        let (before, after, field) = match *self {
            Pattern::Element => return Some(element.clone()),
            Pattern::Nothing => return None,
            Pattern::Named {
                before,
                after,
                field,
            } => (before, after, field),
        };
        let key = [before, element, after].concat();
        if let Some(field) = field {
            let hash = keys.read_as::<Hash>(&key).ok()??;
            return hash.get(field).map(|value| value.to_bytes());
        }
        let string = keys.read_as::<StrValue>(&key).ok()??;
        let copy = || string.as_bytes(&mut itoa::Buffer::new()).to_vec();
        let shared = string.as_shared().cloned();
        Some(shared.unwrap_or_else(|| copy().into()))
    }
}

/// By what elements are ordered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Numbers,
    Texts,
    AsTheyAre,
}

/// Which part of the ordered elements is wanted.
#[derive(Clone, Copy)]
struct Limit {
    offset: i64,
    count: i64,
}

impl Limit {
    fn of(self, mut elements: Vec<Bytes>) -> Vec<Bytes> {
        let start = usize::try_from(self.offset)
            .unwrap_or(0)
            .min(elements.len());
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        elements.drain(..start);
        elements.truncate(count);
        elements
    }
}

struct Options<'a> {
    order: Order,
    /// What is compared in place of the elements.
    by: Option<Pattern<'a>>,
    descending: bool,
    limit: Limit,
    /// What the answer is made of, in place of the elements.
    gets: Vec<Pattern<'a>>,
    destination: Option<&'a [u8]>,
    /// The client may read whatever keys BY and GET name.
    reads_every_key: bool,
}

impl<'a> Options<'a> {
    fn parse(ctx: &Ctx<'_, '_>, args: &mut Args<'a>, may_store: bool) -> Result<Self, Error> {
        let request = args.request();
        let mut options = Options {
            order: Order::Numbers,
            by: None,
            descending: false,
            limit: Limit {
                offset: 0,
                count: -1,
            },
            gets: Vec::new(),
            destination: None,
            reads_every_key: acl::reads_every_key(ctx.shared, ctx.session, ctx.command, request),
        };
        while !args.is_empty() {
            options.parse_one(args, may_store)?;
        }
        if matches!(options.by, Some(Pattern::Nothing)) {
            options.order = Order::AsTheyAre;
        }
        Ok(options)
    }

    fn directed(&self, order: Ordering) -> Ordering {
        match self.descending {
            true => order.reverse(),
            false => order,
        }
    }

    fn parse_one(&mut self, args: &mut Args<'a>, may_store: bool) -> Result<(), Error> {
        let has = |args: &Args<'_>, count| args.len() > count;
        if args.keyword("ASC") {
            self.descending = false;
        } else if args.keyword("DESC") {
            self.descending = true;
        } else if args.keyword("ALPHA") {
            self.order = Order::Texts;
        } else if has(args, 2) && args.keyword("LIMIT") {
            self.limit = Limit {
                offset: args.int()?,
                count: args.int()?,
            };
        } else if may_store && has(args, 1) && args.keyword("STORE") {
            self.destination = Some(args.bytes()?);
        } else if has(args, 1) && args.keyword("BY") {
            let pattern = args.bytes()?;
            if pattern.contains(&b'*') && !self.reads_every_key {
                return Err(SORT_BY_DENIED);
            }
            // One without a `*` counts whatever comes later.
            if !matches!(self.by, Some(Pattern::Nothing)) {
                self.by = Some(match pattern {
                    b"#" => Pattern::Nothing,
                    pattern => Pattern::parse(pattern),
                });
            }
        } else if has(args, 1) && args.keyword("GET") {
            if !self.reads_every_key {
                return Err(SORT_GET_DENIED);
            }
            self.gets.push(Pattern::parse(args.bytes()?));
        } else {
            return Err(SYNTAX);
        }
        Ok(())
    }
}

/// The elements at a key, in the order that they have there.
fn elements(
    ctx: &mut Ctx<'_, '_>,
    key: &[u8],
    options: &mut Options<'_>,
) -> Result<Vec<Bytes>, Error> {
    let must_be_ordered = options.destination.is_some() || ctx.session.is_script;
    let Some(entry) = ctx.keys.read(key) else {
        return Ok(Vec::new());
    };
    let bytes = |item: Item<'_>| item.to_bytes();
    let turned = options.descending && options.order == Order::AsTheyAre;
    match &entry.value {
        Value::List(list) => {
            let from = if turned { End::Back } else { End::Front };
            Ok(list.iter(from).map(bytes).collect())
        }
        Value::ZSet(zset) => {
            let from = if turned {
                zset::End::Highest
            } else {
                zset::End::Lowest
            };
            let members = zset.iter(from).map(|element| element.member);
            Ok(members.map(bytes).collect())
        }
        Value::Set(set) => {
            // What is stored, or what a script goes by, must not depend on an order that the set does not have.
            if options.order == Order::AsTheyAre && must_be_ordered {
                (options.order, options.by) = (Order::Texts, None);
            }
            Ok(set.iter().map(bytes).collect())
        }
        _ => Err(WRONG_TYPE),
    }
}

/// An element, and what is compared in its place; nothing where the key that BY names is not there.
type Weighted = (Bytes, Option<Bytes>);

fn sorted(
    keys: &mut Keys<'_, '_>,
    elements: Vec<Bytes>,
    options: &Options<'_>,
) -> Result<Vec<Bytes>, Error> {
    let by = options.by.unwrap_or(Pattern::Element);
    let weigh = |element: Bytes| {
        let weight = by.find(keys, &element);
        (element, weight)
    };
    let weighted = elements.into_iter().map(weigh).collect();
    match options.order {
        Order::Numbers => by_number(weighted, options),
        _ => Ok(by_text(weighted, options)),
    }
}

fn by_number(weighted: Vec<Weighted>, options: &Options<'_>) -> Result<Vec<Bytes>, Error> {
    let with_number = |(element, weight): Weighted| {
        let number = weight.map_or(Some(0.0), number)?;
        Some((number, element))
    };
    let numbered: Option<Vec<_>> = weighted.into_iter().map(with_number).collect();
    let mut numbered = numbered.ok_or(SORT_NOT_A_NUMBER)?;
    numbered.sort_by(|(a, one), (b, other)| {
        options.directed(a.total_cmp(b).then_with(|| one.cmp(other)))
    });
    Ok(numbered.into_iter().map(|(_, element)| element).collect())
}

fn by_text(mut weighted: Vec<Weighted>, options: &Options<'_>) -> Vec<Bytes> {
    if options.destination.is_none() {
        for (_, weight) in &mut weighted {
            *weight = weight.take().map(until_nul);
        }
    }
    weighted.sort_by(|(_, a), (_, b)| options.directed(a.cmp(b)));
    weighted.into_iter().map(|(element, _)| element).collect()
}

/// A text as the C library compares it.
fn until_nul(text: Bytes) -> Bytes {
    match text.iter().position(|byte| *byte == 0) {
        Some(end) => text.slice(..end),
        None => text,
    }
}

/// The number that a text is, up to a zero byte: a decimal or an infinity, where the nearest double will do. Nothing is 0.
fn number(text: Bytes) -> Option<f64> {
    let text = until_nul(text);
    if text.is_empty() {
        return Some(0.0);
    }
    let number: f64 = std::str::from_utf8(&text).ok()?.parse().ok()?;
    // There is one zero.
    (!number.is_nan()).then_some(number + 0.0)
}

fn reply(ctx: &mut Ctx<'_, '_>, chosen: &[Bytes], options: &Options<'_>) {
    if options.gets.is_empty() {
        ctx.reply.array(chosen.len());
        chosen
            .iter()
            .for_each(|element| ctx.reply.bulk_shared(element));
        return;
    }
    ctx.reply.array(chosen.len() * options.gets.len());
    for element in chosen {
        for pattern in &options.gets {
            match pattern.find(&mut ctx.keys, element) {
                Some(text) => ctx.reply.bulk_shared(&text),
                None => ctx.reply.null(),
            }
        }
    }
}

/// Keeps the answer as a list, or nothing if it is empty. What is not there is kept as an empty text.
fn store(ctx: &mut Ctx<'_, '_>, destination: &[u8], chosen: &[Bytes], options: &Options<'_>) {
    let mut texts = Vec::new();
    for element in chosen {
        for pattern in &options.gets {
            texts.push(pattern.find(&mut ctx.keys, element).unwrap_or_default());
        }
    }
    let texts = if options.gets.is_empty() {
        chosen
    } else {
        &texts
    };
    ctx.reply.int(texts.len() as i64);
    if texts.is_empty() {
        if ctx.keys.remove(destination) {
            ctx.keys.log_removal(destination);
            ctx.keys.notify(notify::GENERIC, "del", destination);
            ctx.keys.changed(destination);
        }
        return;
    }
    let mut list = List::new();
    list.extend(End::Back, limit(ctx), texts.iter().map(Blob::from));
    ctx.keys.insert(destination, list.into());
    ctx.keys.log_removal(destination);
    for texts in texts.chunks(ELEMENTS_PER_PUSH) {
        if let Some(effect) = ctx.keys.logs(2 + texts.len()) {
            let effect = effect.arg(b"RPUSH").arg(destination);
            texts
                .iter()
                .fold(effect, |effect, text| effect.arg(text))
                .end();
        }
    }
    ctx.keys.notify(notify::LIST, "sortstore", destination);
    ctx.keys.changed(destination);
    ctx.keys.changes.dirty += texts.len() as u64 - 1;
}
