//! HRANDFIELD: some fields, picked at random.

use crate::base::Rng;
use crate::command::draws::draw;
use crate::command::error::{OUT_OF_RANGE, RANK_OUT_OF_RANGE, SYNTAX};
use crate::command::item::{write_item, write_option};
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::Hash;
use crate::data::list::Item;
use crate::resp::Reply;
use std::collections::HashSet;

/// Of a hash with more fields than this times those wanted they are drawn one by one; otherwise all fields are passed by.
const DRAW_FROM: usize = 3;

/// `HRANDFIELD key [count [WITHVALUES]]`
pub fn hrandfield(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    if !args.is_empty() {
        return several(ctx, key, args);
    }
    let hash = ctx.keys.read_as::<Hash>(key)?;
    let picked = hash.and_then(|hash| hash.random(&mut Rng::unforeseen()));
    write_option(ctx.reply, picked.map(|(name, _)| name));
    DONE
}

/// How fields are told.
#[derive(Clone, Copy)]
struct Form {
    with_values: bool,
}

impl Form {
    fn open(self, reply: &mut Reply, fields: usize) {
        let flat = self.with_values && !reply.is_resp3();
        reply.array(if flat { 2 * fields } else { fields });
    }

    fn write(self, reply: &mut Reply, name: Item<'_>, value: Item<'_>) {
        if self.with_values && reply.is_resp3() {
            reply.array(2);
        }
        write_item(reply, name);
        if self.with_values {
            write_item(reply, value);
        }
    }

    fn write_any(self, reply: &mut Reply, hash: &Hash, rng: &mut Rng) {
        let (name, value) = hash.random(rng).expect("a hash has fields");
        self.write(reply, name, value);
    }
}

fn several(ctx: &mut Ctx<'_, '_>, key: &[u8], mut args: Args<'_>) -> Outcome {
    let count = args.int()?;
    if count == i64::MIN {
        return Err(RANK_OUT_OF_RANGE);
    }
    let form = Form {
        with_values: form_of(&mut args, count)?,
    };
    let wanted = count.unsigned_abs() as usize;
    let Some(hash) = ctx.keys.read_as::<Hash>(key)?.filter(|_| wanted > 0) else {
        ctx.reply.array(0);
        return DONE;
    };
    if count > 0 {
        distinct(ctx.reply, hash, wanted, form);
        return DONE;
    }
    form.open(ctx.reply, wanted);
    let Some(hash) = ctx.keys.find_as::<Hash>(key)? else {
        return DONE;
    };
    let write_one = move |hash: &Hash, rng: &mut Rng, reply: &mut Reply| {
        form.write_any(reply, hash, rng);
    };
    draw((hash, Hash::freeze), wanted, ctx.reply, write_one)
}

/// Whether values are wanted; the numbers of what is written then have to be numbers.
fn form_of(args: &mut Args<'_>, count: i64) -> Result<bool, Error> {
    let with_values = args.keyword("WITHVALUES");
    if !args.is_empty() {
        return Err(SYNTAX);
    }
    let in_range = (-i64::MAX / 2..=i64::MAX / 2).contains(&count);
    match with_values && !in_range {
        true => Err(OUT_OF_RANGE),
        false => Ok(with_values),
    }
}

/// Writes `wanted` fields, or all there are, none twice.
fn distinct(reply: &mut Reply, hash: &Hash, wanted: usize, form: Form) {
    let (len, mut rng) = (hash.len(), Rng::unforeseen());
    form.open(reply, wanted.min(len));
    if len / DRAW_FROM > wanted {
        let mut drawn = HashSet::new();
        while drawn.len() < wanted
            && let Some((name, value)) = hash.random(&mut rng)
        {
            if drawn.insert(name.to_vec()) {
                form.write(reply, name, value);
            }
        }
        return;
    }
    // Each field is taken with the chance that leaves the same to all after it.
    let mut needed = wanted.min(len);
    for (passed, field) in hash.iter().enumerate() {
        if rng.below(len - passed) < needed {
            needed -= 1;
            form.write(reply, field.name, field.value);
        }
    }
}
