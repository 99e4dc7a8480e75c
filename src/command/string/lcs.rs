//! LCS: the longest sequence of bytes that two strings have in common.
//!
//! A table holds, for every pair of prefixes, the length of their longest common sequence; walking it back from the
//! whole strings finds one such sequence, the stretches where it runs side by side in both, or just its length.

use crate::command::error::{LCS_LEN_AND_IDX, LCS_NOT_STRINGS, LCS_TOO_LARGE, SYNTAX};
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::{StrValue, Value};
use std::ops::Range;

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]`
pub fn run(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (a, b) = (text(ctx, args.bytes()?), text(ctx, args.bytes()?));
    let (a, b) = (a?, b?);
    let options = Options::parse(&mut args)?;
    let cells = (a.len() as u64 + 1).saturating_mul(b.len() as u64 + 1);
    let table_bytes = cells.saturating_mul(size_of::<u32>() as u64);
    if table_bytes > ctx.local.config.proto_max_bulk_len_bytes {
        return Err(LCS_TOO_LARGE);
    }
    let table = Table::new(&a, &b);
    match options.output {
        Output::Len => ctx.reply.int(i64::from(table.at(a.len(), b.len()))),
        Output::Text => {
            let matches = table.matches(&a, &b);
            let common: Vec<u8> = matches
                .iter()
                .rev()
                .flat_map(|(in_a, _)| &a[in_a.clone()])
                .copied()
                .collect();
            ctx.reply.bulk(&common);
        }
        Output::Matches => write_matches(ctx, &table, &a, &b, &options),
    }
    DONE
}

fn text(ctx: &mut Ctx<'_, '_>, key: &[u8]) -> Result<Vec<u8>, Error> {
    match ctx.keys.read(key).map(|entry| &entry.value) {
        Some(Value::Str(value)) => Ok(StrValue::as_bytes(value, &mut itoa::Buffer::new()).to_vec()),
        Some(_) => Err(LCS_NOT_STRINGS),
        None => Ok(Vec::new()),
    }
}

fn write_matches(ctx: &mut Ctx<'_, '_>, table: &Table, a: &[u8], b: &[u8], options: &Options) {
    let long_enough = |in_a: &Range<usize>| in_a.len() as i64 >= options.min_match_len;
    let matches: Vec<_> = table
        .matches(a, b)
        .into_iter()
        .filter(|(in_a, _)| long_enough(in_a))
        .collect();
    let reply = &mut *ctx.reply;
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(matches.len());
    for (in_a, in_b) in matches {
        reply.array(if options.with_match_len { 3 } else { 2 });
        for range in [&in_a, &in_b] {
            reply.array(2);
            reply.int(range.start as i64);
            reply.int(range.end as i64 - 1);
        }
        if options.with_match_len {
            reply.int(in_a.len() as i64);
        }
    }
    reply.bulk(b"len");
    reply.int(i64::from(table.at(a.len(), b.len())));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    Text,
    Len,
    Matches,
}

struct Options {
    output: Output,
    min_match_len: i64,
    with_match_len: bool,
}

impl Options {
    fn parse(args: &mut Args<'_>) -> Result<Self, Error> {
        let (mut idx, mut len, mut with_match_len, mut min_match_len) = (false, false, false, 0);
        while !args.is_empty() {
            if args.keyword("IDX") {
                idx = true;
            } else if args.keyword("LEN") {
                len = true;
            } else if args.keyword("WITHMATCHLEN") {
                with_match_len = true;
            } else if args.len() >= 2 && args.keyword("MINMATCHLEN") {
                min_match_len = args.int()?;
            } else {
                return Err(SYNTAX);
            }
        }
        let output = match (idx, len) {
            (true, true) => return Err(LCS_LEN_AND_IDX),
            (true, false) => Output::Matches,
            (false, true) => Output::Len,
            (false, false) => Output::Text,
        };
        Ok(Self {
            output,
            min_match_len,
            with_match_len,
        })
    }
}

/// Lengths for all pairs of prefixes, row by row of prefixes of `a`.
struct Table {
    lens: Vec<u32>,
    width: usize,
}

impl Table {
    fn new(a: &[u8], b: &[u8]) -> Self {
        let width = b.len() + 1;
        let mut lens = vec![0; (a.len() + 1) * width];
        for (i, in_a) in a.iter().enumerate() {
            let (above, row) = lens[i * width..].split_at_mut(width);
            for (j, in_b) in b.iter().enumerate() {
                row[j + 1] = if in_a == in_b {
                    above[j] + 1
                } else {
                    row[j].max(above[j + 1])
                };
            }
        }
        Self { lens, width }
    }

    fn at(&self, a_len: usize, b_len: usize) -> u32 {
        self.lens[a_len * self.width + b_len]
    }

    /// The stretches of one longest sequence that lie side by side in both strings, the last ones first.
    fn matches(&self, a: &[u8], b: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
        let mut matches: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        let (mut i, mut j) = (a.len(), b.len());
        while i > 0 && j > 0 {
            if a[i - 1] != b[j - 1] {
                if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
                continue;
            }
            match matches.last_mut() {
                Some((in_a, in_b)) if in_a.start == i && in_b.start == j => {
                    in_a.start -= 1;
                    in_b.start -= 1;
                }
                _ => matches.push((i - 1..i, j - 1..j)),
            }
            i -= 1;
            j -= 1;
        }
        matches
    }
}
