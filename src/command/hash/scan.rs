//! HSCAN: going through the fields of a hash, some with each call.

use crate::base::glob;
use crate::command::error::{INVALID_CURSOR, SYNTAX};
use crate::command::generic::scan::parse_cursor;
use crate::command::item::write_item;
use crate::command::{Args, Ctx, DONE, Error, Outcome};
use crate::data::Hash;
use crate::resp::reply::Aggregate;

/// How many fields a call looks at where it is not told.
const DEFAULT_COUNT: usize = 10;

/// What is wanted of a call.
struct Options<'a> {
    count: usize,
    pattern: Option<&'a [u8]>,
    with_values: bool,
}

impl<'a> Options<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut options = Options {
            count: DEFAULT_COUNT,
            pattern: None,
            with_values: true,
        };
        while !args.is_empty() {
            if args.keyword("NOVALUES") {
                options.with_values = false;
            } else if args.len() >= 2 && args.keyword("COUNT") {
                let count = usize::try_from(args.int()?).unwrap_or(0);
                options.count = (count > 0).then_some(count).ok_or(SYNTAX)?;
            } else if args.len() >= 2 && args.keyword("MATCH") {
                let pattern = args.bytes()?;
                options.pattern = (pattern != b"*").then_some(pattern);
            } else {
                return Err(SYNTAX);
            }
        }
        Ok(options)
    }
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`
pub fn hscan(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let cursor = parse_cursor(args.bytes()?).ok_or(INVALID_CURSOR)?;
    let Some(hash) = ctx.keys.read_as::<Hash>(key)? else {
        ctx.reply.array(2);
        ctx.reply.bulk_int(0);
        ctx.reply.array(0);
        return DONE;
    };
    let options = Options::parse(&mut args)?;
    let reply = &mut *ctx.reply;
    reply.array(2);
    let mut found = Vec::new();
    let cursor = hash.scan(cursor, options.count, |name, value| {
        let mut digits = itoa::Buffer::new();
        let matches = |pattern| glob::matches(pattern, name.as_bytes(&mut digits));
        if options.pattern.is_none_or(matches) {
            found.push((name, value));
        }
    });
    reply.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    let opening = reply.open(Aggregate::Array);
    for (name, value) in &found {
        write_item(reply, *name);
        if options.with_values {
            write_item(reply, *value);
        }
    }
    reply.close(
        opening,
        found.len() * if options.with_values { 2 } else { 1 },
    );
    DONE
}
