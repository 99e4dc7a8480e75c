//! LMOVEM and the one that waits, BLMOVEM: several elements go from one list to another, or to another place in the same one.
//!
//! They leave the source one after another from one end. Taken one by one they come to stand in that order seen from the end that
//! they are pushed at; in bulk they keep the order that they had in the source. The reply shows them as they stand in the destination.
//!
//! The log says it in words that every Redis knows: elements are popped, and pushed by value.

use super::pop::{pop_name, positive};
use super::transfer::Transfer;
use super::{limit, popped, pushed};
use crate::base::Blob;
use crate::command::error::{COUNT_NOT_POSITIVE, SYNTAX};
use crate::command::{Args, Ctx, DONE, Error, Keys, Outcome};
use crate::data::List;
use crate::data::list::End;
use bytes::Bytes;

/// Elements that one logged push adds.
const ELEMENTS_PER_PUSH: usize = 1024;

/// `LMOVEM source destination LEFT|RIGHT LEFT|RIGHT [COUNT n | EXACTLY n OBO|BULK]`
pub fn lmovem(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let route = Transfer::parse(&mut args)?;
    if !Batch::parse(route, &mut args)?.run(ctx)? {
        ctx.reply.null_array();
    }
    DONE
}

/// `BLMOVEM source destination LEFT|RIGHT LEFT|RIGHT timeout [COUNT n | EXACTLY n OBO|BULK]`
pub fn blmovem(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let route = Transfer::parse(&mut args)?;
    let deadline_ms = Args::deadline_ms(args.bytes()?, ctx.began())?;
    let batch = Batch::parse(route, &mut args)?;
    if batch.run(ctx)? {
        return DONE;
    }
    if ctx.nested {
        ctx.reply.null_array();
        return DONE;
    }
    batch.route.wait(deadline_ms)
}

/// How many elements are to be moved.
enum Amount {
    /// So many, or all if there are fewer.
    UpTo(usize),
    /// So many or none.
    Exactly(usize),
}

impl Amount {
    /// How many of `len` elements that is; `None` if they are not enough.
    fn of(&self, len: usize) -> Option<usize> {
        match *self {
            Amount::UpTo(count) => Some(count.min(len)),
            Amount::Exactly(count) => (count <= len).then_some(count),
        }
    }
}

struct Batch<'a> {
    route: Transfer<'a>,
    amount: Amount,
    /// Elements keep the order that they had in the source.
    in_bulk: bool,
}

impl<'a> Batch<'a> {
    fn parse(route: Transfer<'a>, args: &mut Args<'_>) -> Result<Self, Error> {
        let mut batch = Batch {
            route,
            amount: Amount::UpTo(1),
            in_bulk: true,
        };
        if args.is_empty() {
            return Ok(batch);
        }
        if args.len() != 3 {
            return Err(SYNTAX);
        }
        batch.amount = if args.keyword("COUNT") {
            Amount::UpTo(positive(args, COUNT_NOT_POSITIVE)?)
        } else if args.keyword("EXACTLY") {
            Amount::Exactly(positive(args, COUNT_NOT_POSITIVE)?)
        } else {
            return Err(SYNTAX);
        };
        batch.in_bulk = args.keyword("BULK");
        if !batch.in_bulk && !args.keyword("OBO") {
            return Err(SYNTAX);
        }
        Ok(batch)
    }

    /// Moves the elements and writes them; `false` if the source has none, or not enough.
    fn run(&self, ctx: &mut Ctx<'_, '_>) -> Result<bool, Error> {
        let Transfer { source, .. } = self.route;
        let list = ctx.keys.find_as::<List>(source)?;
        let Some(count) = list.and_then(|list| self.amount.of(list.len())) else {
            return Ok(false);
        };
        ctx.keys.find_as::<List>(self.route.destination)?;
        let list = ctx.keys.find_as::<List>(source)?.expect("just seen");
        let is_whole = count == list.len();
        let moved = self.placed(list, count);
        ctx.reply.array(count);
        moved
            .iter()
            .for_each(|element| ctx.reply.bulk_shared(element));
        if source == self.route.destination {
            self.move_within(ctx, &moved)?;
        } else {
            self.move_across(ctx, &moved)?;
        }
        self.log(&mut ctx.keys, &moved, is_whole);
        Ok(true)
    }

    /// The elements to be moved, in the order in which they will stand.
    fn placed(&self, list: &List, count: usize) -> Vec<Bytes> {
        let leaving = list.iter(self.route.from).take(count);
        let mut placed: Vec<Bytes> = leaving.map(|element| element.to_bytes()).collect();
        let turned = match self.in_bulk {
            true => self.route.from == End::Back,
            false => self.route.to == End::Front,
        };
        if turned {
            placed.reverse();
        }
        placed
    }

    fn move_within(&self, ctx: &mut Ctx<'_, '_>, moved: &[Bytes]) -> Result<(), Error> {
        let Transfer {
            source, from, to, ..
        } = self.route;
        let limit = limit(ctx);
        let list = ctx.keys.find_as::<List>(source)?.expect("just seen");
        list.discard(from, limit, moved.len());
        list.extend(to, limit, in_pushing_order(moved, to));
        popped(&mut ctx.keys, source, from, false);
        pushed(&mut ctx.keys, source, to);
        Ok(())
    }

    fn move_across(&self, ctx: &mut Ctx<'_, '_>, moved: &[Bytes]) -> Result<(), Error> {
        let Transfer {
            source,
            destination,
            from,
            to,
        } = self.route;
        let limit = limit(ctx);
        let elements = in_pushing_order(moved, to);
        match ctx.keys.find_as::<List>(destination)? {
            Some(list) => list.extend(to, limit, elements),
            None => {
                let mut list = List::new();
                list.extend(to, limit, elements);
                ctx.keys.insert_new(destination, list.into());
            }
        }
        pushed(&mut ctx.keys, destination, to);
        let list = ctx.keys.find_as::<List>(source)?.expect("just seen");
        list.discard(from, limit, moved.len());
        let emptied = list.is_empty();
        popped(&mut ctx.keys, source, from, emptied);
        Ok(())
    }

    /// Logs what has been moved; `is_whole` if that was all of the source.
    fn log(&self, keys: &mut Keys<'_, '_>, moved: &[Bytes], is_whole: bool) {
        let Transfer {
            source,
            destination,
            from,
            to,
        } = self.route;
        if !keys.is_logged() {
            return;
        }
        if moved.len() == 1 {
            return self.route.log(keys);
        }
        if is_whole && source == destination {
            // A list from which all is popped is gone, and its expiry with it: here the new elements come first.
            log_pushes(keys, source, End::Back, moved);
            return log_pop(keys, source, End::Front, moved.len());
        }
        log_pop(keys, source, from, moved.len());
        log_pushes(keys, destination, to, moved);
    }
}

/// Elements that are to stand as they do here, in the order in which they are pushed at `end`.
fn in_pushing_order(placed: &[Bytes], end: End) -> impl Iterator<Item = Blob<'_>> + Clone {
    let last = placed.len().wrapping_sub(1);
    (0..placed.len()).map(move |at| match end {
        End::Front => Blob::from(&placed[last - at]),
        End::Back => Blob::from(&placed[at]),
    })
}

fn log_pop(keys: &mut Keys<'_, '_>, key: &[u8], end: End, count: usize) {
    if let Some(effect) = keys.logs(3) {
        effect.arg(pop_name(end)).arg(key).uint(count as u64).end();
    }
}

fn log_pushes(keys: &mut Keys<'_, '_>, key: &[u8], end: End, placed: &[Bytes]) {
    let mut left = in_pushing_order(placed, end).peekable();
    let mut count = placed.len();
    while left.peek().is_some() {
        let some = count.min(ELEMENTS_PER_PUSH);
        count -= some;
        if let Some(effect) = keys.logs(2 + some) {
            let name: &[u8] = match end {
                End::Front => b"LPUSH",
                End::Back => b"RPUSH",
            };
            let elements = left.by_ref().take(some);
            let effect = effect.arg(name).arg(key);
            effect
                .args(elements.map(|element| element.as_slice()))
                .end();
        }
    }
}
