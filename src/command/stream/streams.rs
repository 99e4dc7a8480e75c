//! What XREAD and XREADGROUP share: options, keys and ids, and waiting.

use super::budget::Budget;
use crate::base::clock::Now;
use crate::base::num;
use crate::command::error::{self, Error, SYNTAX};
use crate::command::{Args, Block, Ctx, DONE, Flow, Outcome};
use crate::keyspace::NEVER;
use crate::keyspace::waiters::{Awaits, OnTimeout};
use crate::resp::{OwnedRequest, Reply, Request};

/// The arguments of XREAD and XREADGROUP.
pub struct Streams<'a> {
    request: Request<'a>,
    /// Where the keys begin.
    keys_at: usize,
    /// How many keys there are; as many ids follow them.
    pub count: usize,
    /// At most so many entries of each stream.
    pub limit: u64,
    /// At most so many entries in all.
    max_count: Option<u64>,
    /// No further entry once the reply has so many bytes.
    max_size: Option<u64>,
    /// Until when to wait, if at all; steady milliseconds, or `NEVER`.
    deadline_ms: Option<i64>,
    /// The group and the consumer.
    pub group: Option<(&'a [u8], &'a [u8])>,
    /// Entries do not become pending.
    pub no_ack: bool,
    /// Pending entries that have been idle for so long come first, and all are told with how long that was and how often they were
    /// delivered.
    pub claim_ms: Option<u64>,
}

impl<'a> Streams<'a> {
    /// Parses all arguments. `grouped` is XREADGROUP; a wait would have begun at `began`.
    pub fn parse(mut args: Args<'a>, grouped: bool, began: Now) -> Result<Streams<'a>, Error> {
        let mut streams = Streams {
            request: args.request(),
            keys_at: 0,
            count: 0,
            limit: u64::MAX,
            max_count: None,
            max_size: None,
            deadline_ms: None,
            group: None,
            no_ack: false,
            claim_ms: None,
        };
        loop {
            if args.len() < 2 {
                return Err(SYNTAX);
            }
            if args.keyword("STREAMS") {
                break;
            }
            streams.take_option(&mut args, grouped, began)?;
        }
        if args.len() % 2 == 1 {
            return Err(error::unbalanced_streams(grouped));
        }
        if grouped && streams.group.is_none() {
            return Err(error::GROUP_MISSING);
        }
        let counts = streams.limit != u64::MAX;
        if counts && streams.max_count.is_some_and(|max| max < streams.limit) {
            return Err(error::MAXCOUNT_BELOW_COUNT);
        }
        streams.keys_at = args.position();
        streams.count = args.len() / 2;
        Ok(streams)
    }

    fn take_option(&mut self, args: &mut Args<'a>, grouped: bool, began: Now) -> Result<(), Error> {
        if args.keyword("COUNT") {
            // 0 and below are no limit.
            let limit = u64::try_from(args.int()?).unwrap_or(0);
            self.limit = if limit == 0 { u64::MAX } else { limit };
        } else if args.keyword("MAXCOUNT") {
            self.max_count = Some(positive(args, error::MAXCOUNT_NOT_POSITIVE)?);
        } else if args.keyword("MAXSIZE") {
            self.max_size = Some(positive(args, error::MAXSIZE_NOT_POSITIVE)?);
        } else if args.keyword("BLOCK") {
            self.deadline_ms = Some(parse_deadline(args.bytes()?, began)?);
        } else if args.len() > 2 && args.keyword("GROUP") {
            if !grouped {
                return Err(error::GROUP_WITHOUT_GROUP_READ);
            }
            self.group = Some((args.bytes()?, args.bytes()?));
        } else if args.keyword("NOACK") {
            if !grouped {
                return Err(error::NOACK_WITHOUT_GROUP_READ);
            }
            self.no_ack = true;
        } else if args.keyword("CLAIM") {
            if !grouped {
                return Err(error::CLAIM_WITHOUT_GROUP_READ);
            }
            let min_idle_ms = num::parse_i64(args.bytes()?).ok_or(error::CLAIM_NOT_AN_INTEGER)?;
            let min_idle_ms = u64::try_from(min_idle_ms).map_err(|_| error::CLAIM_NEGATIVE)?;
            self.claim_ms = Some(min_idle_ms);
        } else {
            return Err(SYNTAX);
        }
        Ok(())
    }

    /// What the reply may hold, which is empty but for a head that does not count: nor does that of a single stream.
    pub fn budget(&self, reply: &Reply) -> Budget {
        let head = if self.count == 1 { "*1\r\n" } else { "" };
        Budget::new(self.max_count, self.max_size, reply.len() + head.len())
    }

    /// Key number `at`.
    pub fn key(&self, at: usize) -> &'a [u8] {
        self.request.arg(self.keys_at + at)
    }

    /// The id that goes with key number `at`.
    pub fn id(&self, at: usize) -> &'a [u8] {
        self.request.arg(self.keys_at + self.count + at)
    }

    /// Nothing can be read now: waits if that was asked for. `id` gives what the ids have come to mean.
    pub fn wait(
        &self,
        ctx: &mut Ctx<'_, '_>,
        awaits: Awaits,
        id: impl Fn(usize) -> Option<Vec<u8>>,
    ) -> Outcome {
        let Some(deadline_ms) = self.deadline_ms.filter(|_| !ctx.nested) else {
            ctx.reply.null_array();
            return DONE;
        };
        let resolved: Vec<Option<Vec<u8>>> = (0..self.count).map(id).collect();
        let ids_at = self.keys_at + self.count;
        let request = resolved.iter().any(Option::is_some).then(|| {
            OwnedRequest::from_args(self.request.iter().enumerate().map(|(at, arg)| {
                let resolved = at
                    .checked_sub(ids_at)
                    .and_then(|at| resolved[at].as_deref());
                resolved.unwrap_or(arg)
            }))
        });
        Ok(Flow::Block(Box::new(Block {
            keys: (0..self.count).map(|at| self.key(at).into()).collect(),
            awaits,
            on_timeout: OnTimeout::NullArray,
            deadline_ms,
            request,
        })))
    }
}

fn positive(args: &mut Args<'_>, otherwise: Error) -> Result<u64, Error> {
    match args.int()? {
        number @ 1.. => Ok(number.unsigned_abs()),
        _ => Err(otherwise),
    }
}

/// When a wait of so many milliseconds ends, if a clock can show that; 0 is for ever.
fn parse_deadline(text: &[u8], began: Now) -> Result<i64, Error> {
    match num::parse_i64(text).ok_or(error::TIMEOUT_NOT_AN_INTEGER)? {
        0 => Ok(NEVER),
        timeout_ms @ 1.. => began
            .steady_ms
            .checked_add(timeout_ms)
            .ok_or(error::TIMEOUT_OUT_OF_RANGE),
        _ => Err(error::TIMEOUT_NEGATIVE),
    }
}
