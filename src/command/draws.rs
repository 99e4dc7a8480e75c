//! Elements of a set or a hash that chance draws one by one, of which any may come again: HRANDFIELD and SRANDMEMBER with a count below zero.
//!
//! Many of them are written from a frozen copy, slice by slice, without the key's stripe.

use super::{DONE, Flow, LongReply, Outcome};
use crate::base::Rng;
use crate::resp::Reply;

/// More of them than this are written without the stripe.
const LONG_DRAWS: usize = 1000;
/// How many are written before others get their turn.
const SLICE_DRAWS: usize = LONG_DRAWS;

/// What one takes in a reply at least: an empty text.
pub const LEAST_DRAW_BYTES: usize = b"$0\r\n\r\n".len();

/// Writes so many draws from a value, each of which `write_one` makes: at once, or from a copy that `freeze` makes, if they are many.
pub fn draw<V: Send + 'static>(
    (value, freeze): (&mut V, fn(&mut V) -> V),
    count: usize,
    reply: &mut Reply,
    write_one: impl Fn(&V, &mut Rng, &mut Reply) + Send + 'static,
) -> Outcome {
    if count > LONG_DRAWS {
        let frozen = freeze(value);
        let draws = Draws::new(count, move |rng, reply| write_one(&frozen, rng, reply));
        return Ok(Flow::Long(Box::new(draws)));
    }
    Draws::new(count, |rng, reply| write_one(value, rng, reply)).write_next(reply);
    DONE
}

/// What is left to be drawn.
struct Draws<W> {
    left: usize,
    rng: Rng,
    write_one: W,
}

impl<W: FnMut(&mut Rng, &mut Reply)> Draws<W> {
    /// So many draws, each of which `write_one` makes and writes.
    fn new(left: usize, write_one: W) -> Self {
        Draws {
            left,
            rng: Rng::unforeseen(),
            write_one,
        }
    }

    /// Makes some of them, up to `SLICE_DRAWS`; true when those were the last.
    fn write_next(&mut self, reply: &mut Reply) -> bool {
        for _ in 0..self.left.min(SLICE_DRAWS) {
            (self.write_one)(&mut self.rng, reply);
            self.left -= 1;
        }
        self.left == 0
    }
}

impl<W: FnMut(&mut Rng, &mut Reply) + Send> LongReply for Draws<W> {
    fn write_some(&mut self, reply: &mut Reply) -> bool {
        self.write_next(reply)
    }

    fn least_bytes(&self) -> usize {
        self.left.saturating_mul(LEAST_DRAW_BYTES)
    }
}
