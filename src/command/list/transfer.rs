//! LMOVE, RPOPLPUSH and the ones that wait, BLMOVE, BRPOPLPUSH: an element goes from one list to another.

use super::{end_word, limit, popped, pushed};
use crate::command::item::write_item;
use crate::command::{Args, Block, Ctx, DONE, Error, Flow, Keys, Outcome};
use crate::data::List;
use crate::data::list::End;
use crate::keyspace::waiters::{Awaits, OnTimeout};

/// `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`
pub fn lmove(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    Transfer::parse(&mut args)?.run_now(ctx)
}

/// `RPOPLPUSH source destination`
pub fn rpoplpush(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    Transfer::back_to_front(&mut args)?.run_now(ctx)
}

/// `BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout`
pub fn blmove(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let transfer = Transfer::parse(&mut args)?;
    transfer.run_or_wait(ctx, args.bytes()?)
}

/// `BRPOPLPUSH source destination timeout`
pub fn brpoplpush(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let transfer = Transfer::back_to_front(&mut args)?;
    transfer.run_or_wait(ctx, args.bytes()?)
}

/// From where to where elements go.
#[derive(Clone, Copy)]
pub struct Transfer<'a> {
    /// The list that they leave.
    pub source: &'a [u8],
    /// The list that they enter, which may be the same.
    pub destination: &'a [u8],
    /// The end that they leave at.
    pub from: End,
    /// The end that they enter at.
    pub to: End,
}

impl<'a> Transfer<'a> {
    /// Parses `source destination LEFT|RIGHT LEFT|RIGHT`.
    pub fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Self {
            source: args.bytes()?,
            destination: args.bytes()?,
            from: end_word(args)?,
            to: end_word(args)?,
        })
    }

    fn back_to_front(args: &mut Args<'a>) -> Result<Self, Error> {
        let (source, destination) = (args.bytes()?, args.bytes()?);
        Ok(Self {
            source,
            destination,
            from: End::Back,
            to: End::Front,
        })
    }

    fn run_now(&self, ctx: &mut Ctx<'_, '_>) -> Outcome {
        if !self.run(ctx)? {
            ctx.reply.null();
        }
        DONE
    }

    fn run_or_wait(&self, ctx: &mut Ctx<'_, '_>, timeout: &[u8]) -> Outcome {
        let deadline_ms = Args::deadline_ms(timeout, ctx.began())?;
        if self.run(ctx)? {
            self.log(&mut ctx.keys);
            return DONE;
        }
        if ctx.nested {
            ctx.reply.null();
            return DONE;
        }
        self.wait(deadline_ms)
    }

    /// Waits for the source to have elements.
    pub fn wait(&self, deadline_ms: i64) -> Outcome {
        Ok(Flow::Block(Box::new(Block {
            keys: vec![self.source.into()],
            awaits: Awaits::List,
            on_timeout: OnTimeout::NullArray,
            deadline_ms,
            request: None,
        })))
    }

    /// Logs the transfer of one element, without its wait.
    pub fn log(&self, keys: &mut Keys<'_, '_>) {
        let word = |end| match end {
            End::Front => &b"LEFT"[..],
            End::Back => b"RIGHT",
        };
        if let Some(effect) = keys.logs(5) {
            let effect = effect.arg(b"LMOVE").arg(self.source).arg(self.destination);
            effect.arg(word(self.from)).arg(word(self.to)).end();
        }
    }

    /// Moves one element and writes it; `false` if the source is not there.
    fn run(&self, ctx: &mut Ctx<'_, '_>) -> Result<bool, Error> {
        let limit = limit(ctx);
        let Some(source) = ctx.keys.find_as::<List>(self.source)? else {
            return Ok(false);
        };
        let item = source.peek(self.from).expect("no key holds an empty list");
        if self.source == self.destination {
            write_item(ctx.reply, item);
            source.rotate(self.from, self.to, limit);
            pushed(&mut ctx.keys, self.source, self.to);
            popped(&mut ctx.keys, self.source, self.from, false);
            return Ok(true);
        }
        let element = item.to_bytes();
        match ctx.keys.find_as::<List>(self.destination)? {
            Some(list) => list.push(self.to, limit, (&element).into()),
            None => {
                let mut list = List::new();
                list.push(self.to, limit, (&element).into());
                ctx.keys.insert_new(self.destination, list.into());
            }
        }
        pushed(&mut ctx.keys, self.destination, self.to);
        ctx.reply.bulk_shared(&element);
        if let Some(source) = ctx.keys.find_as::<List>(self.source)? {
            source.discard(self.from, limit, 1);
            let emptied = source.is_empty();
            popped(&mut ctx.keys, self.source, self.from, emptied);
        }
        Ok(true)
    }
}
